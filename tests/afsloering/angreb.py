"""The attacker: works out what the published key figures withhold, from the published files alone. It knows nothing of how they were withheld.

    python tests/afsloering/angreb.py <home>/udbakke [--json fil]

What everybody has is the benchmark packages; what one municipality has besides is its own package. The own packages also tell what the right answer was, and who counts in a
group: an attacker may know who delivers, so it is given that. Per fagområde all unknown numerators and denominators stand in one linear system: sums of the groups, simple
averages, identities between formulas (found in the figures that are shown, not read anywhere), and bounds. What its null space does not touch is known exactly; for the rest
linear programming gives the interval.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import duckdb
import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

LIMIT = 5               # persons
# What any reader of the definitions knows: a month's movements are what the population has grown by to the next, and that is public. It does not hold where the register was put right.
STOCK, MOVEMENTS = "alle_borgere_maaned_primo", {"tilflyttede": 1.0, "fraflyttede": -1.0, "indvandrede": 1.0, "udvandrede": -1.0, "foedte": 1.0, "doede": -1.0}
FIGURES_AT_LEAST = 30   # an identity is believed when it holds in this many shown places, and in all
NEAR = 1e-7
Variable = tuple[str, str, str]     # formula, municipality, month


@dataclass
class World:
    """What has been published, and the truth to hold the answers against."""

    shown: dict[Variable, float] = field(default_factory=dict)
    truth: dict[Variable, float] = field(default_factory=dict)
    withheld: set[tuple[str, str, str]] = field(default_factory=set)          # (noegletal, kommune, periode)
    numerator: dict[tuple[str, str, str], Variable] = field(default_factory=dict)
    members: dict[tuple[str, str, str, str], list[str]] = field(default_factory=lambda: defaultdict(list))     # (noegletal, periode, gruppetype, kode) → who counts
    groups: list[tuple] = field(default_factory=list)         # (noegletal, periode, gruppetype, kode, taeller, naevner, simpelt)
    formulas: dict[str, tuple[str, str | None, float]] = field(default_factory=dict)
    candidates: set[Variable] = field(default_factory=set)       # what stands in a row that is withheld
    rows: int = 0
    group_rows: int = 0
    group_withheld: int = 0
    unused: int = 0             # group sums that the attacker cannot use
    parts: set[tuple[str, str]] = field(default_factory=set)


def read(outbox: Path) -> World:
    """The newest version of each package."""
    world, con = World(), duckdb.connect()
    newest = {}
    for path in outbox.glob("*/*/*/data/fct_noegletal__*.*"):
        version = path.parent.parent
        rank = tuple(int(n) for n in version.name.split("."))
        key = (version.parent, path.stem)
        if key not in newest or (rank, path.suffix == ".parquet") > newest[key][:2]:
            newest[key] = (rank, path.suffix == ".parquet", path)
    common, own = {}, []
    for (package, stem), (_, _, path) in newest.items():
        if stem == "fct_noegletal__benchmark":
            common.setdefault(package.name, path)
        elif stem == "fct_noegletal__kommune":
            own.append(path)
    periods = "cast(periode as varchar) as periode"
    for path in common.values():
        folder = path.parent
        for one, t, n, f in con.execute(f"select noegletal_id, taeller_formel, naevner_formel, faktor from '{folder}/dim_noegletal.parquet'").fetchall():
            world.formulas[one] = (t, n, float(f))
    folder = next(iter(common.values())).parent
    place = {k: {"landet": "000", "region": str(r), "kommunegruppe": str(g)} for k, r, g in con.execute(
        f"select kommunekode, regionskode, kommunegruppekode from '{folder}/dim_kommune.parquet' where er_kommune").fetchall()}
    known_counts: dict[tuple[str, str, str], bool] = {}
    for path in own:
        for one, k, p, t, n, v, status, quality in con.execute(f"select noegletal_id, kommunekode, {periods}, {OWN} from {_source(path)}").fetchall():
            ft, fn, _ = world.formulas[one]
            for formula, value in ((ft, t), (fn, n)):
                if formula and value is not None:
                    world.truth[formula, k, p] = float(value)
            known_counts[one, k, p] = v is not None and status != "ufuldstaendig" and quality != "tilbageholdt"
    sums = []
    for path in common.values():
        for one, kind, code, p, t, n, v, mean, conf, count, quality, status in con.execute(
                f"select noegletal_id, gruppetype, gruppekode, {periods}, taeller, naevner, vaerdi, simpelt_gennemsnit, fortrolighedsstatus, antal_bidragydere, kvalitetsstatus, "
                f"observationsstatus from {_source(path)}").fetchall():
            ft, fn, _ = world.formulas[one]
            world.rows += 1
            if kind != "kommune":
                world.group_rows += 1
                world.group_withheld += conf != "fri"
                if t is not None and count is not None:
                    sums.append((one, p, kind, code, float(t), None if n is None else float(n), None if mean is None else float(mean), count))
                continue
            withheld = conf != "fri"
            if withheld:
                world.withheld.add((one, code, p))
                world.numerator[one, code, p] = (ft, code, p)
                world.candidates |= {(f, code, p) for f in (ft, fn) if f}
            for formula, value in ((ft, t), (fn, n)):
                if formula and value is not None:
                    world.shown[formula, code, p] = float(value)
            counts = known_counts.get((one, code, p), withheld) if withheld else v is not None and status != "ufuldstaendig"
            if counts and quality != "tilbageholdt" and code in place:
                for group in place[code].items():
                    world.members[one, p, *group].append(code)
    # Who counts is the attacker's to know; where it does not come to the number that is told, the sum is left alone.
    world.groups = [g[:7] for g in sums if len(world.members.get((g[0], g[1], g[2], g[3]), [])) == g[7]]
    world.unused = len(sums) - len(world.groups)
    world.parts = _parts(world)
    return world


OWN = "cast(taeller as double), cast(naevner as double), cast(vaerdi as double), observationsstatus, kvalitetsstatus"


def _source(path: Path) -> str:
    """A published file as a table; the CSV files write the comma, and leave the decimals to the reader."""
    if path.suffix == ".parquet":
        return f"'{path}'"
    return f"read_csv('{path}', delim=';', header=true, decimal_separator=',', types={{'kommunekode': 'VARCHAR', 'periode': 'DATE', 'noegletal_id': 'VARCHAR'}})"


def _parts(world: World) -> set[tuple[str, str]]:
    """Numerators that never exceed their denominator where both are shown: taken to be part of it."""
    found = set()
    for t, n, factor in world.formulas.values():
        if n and factor == 100:
            pairs = [(v, world.shown[n, k, p]) for (f, k, p), v in world.shown.items() if f == t and (n, k, p) in world.shown]
            if len(pairs) >= FIGURES_AT_LEAST and all(-NEAR <= a <= b + NEAR for a, b in pairs):
                found.add((t, n))
    return found


def identities(world: World) -> list[list[tuple[str, int, float]]]:
    """Sums between formulas that hold wherever all are shown: lists of (formula, months back, coefficient) that come to zero."""
    table: dict[str, dict[tuple[str, str], float]] = defaultdict(dict)
    for (f, k, p), v in world.shown.items():
        table[f][k, p] = v
    months = sorted({p for _, _, p in world.shown})
    before = {p: months[i - 1] for i, p in enumerate(months) if i}
    found, formulas = [], sorted(table)
    keys = sorted({c for t in table.values() for c in t})
    index = {c: i for i, c in enumerate(keys)}
    matrix = np.full((len(formulas), len(keys)), np.nan)
    for i, f in enumerate(formulas):
        for c, v in table[f].items():
            matrix[i, index[c]] = v

    def holds(difference: np.ndarray, *ones: np.ndarray) -> bool:
        there = ~np.isnan(difference)
        size = max(np.nanmax(np.abs(o[there])) if there.any() else 0 for o in ones)
        varied = all(len(np.unique(o[there])) > 3 for o in ones)
        return there.sum() >= FIGURES_AT_LEAST and varied and bool(np.all(np.abs(difference[there]) <= 2e-5 + 1e-9 * size))

    for i, j in combinations(range(len(formulas)), 2):
        there = ~np.isnan(matrix[i]) & ~np.isnan(matrix[j]) & (matrix[j] != 0)
        if there.sum() >= FIGURES_AT_LEAST:
            ratio = matrix[i][there] / matrix[j][there]
            if np.ptp(ratio) < 1e-6 * abs(ratio[0]):
                found.append([(formulas[i], 0, 1.0), (formulas[j], 0, -float(ratio[0]))])
    same = {(a[0][0], a[1][0]) for a in found}
    for b, c in combinations(range(len(formulas)), 2):
        if (formulas[b], formulas[c]) in same:
            continue
        both = matrix[b] + matrix[c]
        there = ~np.isnan(both)
        if there.sum() < FIGURES_AT_LEAST:
            continue
        with np.errstate(invalid="ignore"):
            close = np.abs(matrix - both) <= 2e-5 + 1e-9 * np.abs(both)
        clash = (~close & ~np.isnan(matrix) & there).any(axis=1)
        enough = (close & there).sum(axis=1) >= FIGURES_AT_LEAST
        for a in np.flatnonzero(enough & ~clash):
            if a not in (b, c) and holds(matrix[a] - both, matrix[a], matrix[b], matrix[c]):
                found.append([(formulas[a], 0, 1.0), (formulas[b], 0, -1.0), (formulas[c], 0, -1.0)])
    back = np.full_like(matrix, np.nan)
    for c, i in index.items():
        k, p = c
        if p in before and p[5:7] != "01" and (k, before[p]) in index:
            back[:, i] = matrix[:, index[k, before[p]]]
    for a in range(len(formulas)):
        step = matrix[a] - back[a]
        for b in range(len(formulas)):
            if a != b:
                for scale in (1.0, 1 / 12):
                    there = ~np.isnan(step) & ~np.isnan(matrix[b])
                    if len(np.unique(np.round(step[there], 3))) > 3 and there.sum() >= FIGURES_AT_LEAST and holds(step - scale * matrix[b], matrix[a], matrix[b]):
                        found.append([(formulas[a], 0, 1.0), (formulas[a], 1, -1.0), (formulas[b], 0, -scale)])
    return found


class System:
    """All that is unknown in one matrix, cut into parts that have nothing to do with each other."""

    def __init__(self, world: World, means: bool, siblings: list[list[tuple[str, int, float]]] | None) -> None:
        self.world = world
        self.unknown = sorted(v for v in world.candidates | set(world.truth) if v not in world.shown)
        self.index = {v: i for i, v in enumerate(self.unknown)}
        rows: list[tuple[dict[int, float], float]] = []
        for one, p, kind, code, t, n, mean in world.groups:
            ft, fn, factor = world.formulas[one]
            ks = world.members[one, p, kind, code]
            rows.append(self.equation([((ft, k, p), 1.0) for k in ks], t))
            if fn and n is not None:
                rows.append(self.equation([((fn, k, p), 1.0) for k in ks], n))
            if means and mean is not None and all((fn, k, p) in world.shown for k in ks):
                rows.append(self.equation([((ft, k, p), factor / world.shown[fn, k, p]) for k in ks if world.shown[fn, k, p]], mean * len(ks)))
        months = sorted({p for _, _, p in world.shown})
        before = {p: months[i - 1] for i, p in enumerate(months) if i}
        there = set(world.shown) | set(self.unknown)
        places = sorted(there)
        for relation in siblings or []:
            top = relation[0][0]
            for f, k, p in places:
                if f == top:
                    terms = [((g, k, before.get(p, "") if back else p), c) for g, back, c in relation]
                    if all(v in there for v, _ in terms) and not (any(b for _, b, _ in relation) and p[5:7] == "01"):
                        rows.append(self.equation(terms, 0.0))
        rows += self.balances(dict(zip(months[1:], months, strict=False))) if siblings is not None else []
        self.rows = [r for r in rows if r[0]]

    def balances(self, before: dict[str, str]) -> list[tuple[dict[int, float], float]]:
        """One equation for each municipality and month whose population is shown then and the month after, where the register balances."""
        places, found = set(self.world.shown) | set(self.unknown), []
        for f, k, p in self.world.shown:
            if f == STOCK and (f, k, before.get(p, "")) in self.world.shown and all((m, k, before[p]) in places for m in MOVEMENTS):
                grown = self.world.shown[f, k, p] - self.world.shown[f, k, before[p]]
                if abs(grown - sum(c * self.world.truth.get((m, k, before[p]), np.inf) for m, c in MOVEMENTS.items())) < 1e-6:
                    found.append(self.equation([((m, k, before[p]), c) for m, c in MOVEMENTS.items()], grown))
        return found

    def equation(self, terms: list[tuple[Variable, float]], value: float) -> tuple[dict[int, float], float]:
        unknown: dict[int, float] = defaultdict(float)
        for v, c in terms:
            if v in self.world.shown:
                value -= c * self.world.shown[v]
            elif v in self.index:
                unknown[self.index[v]] += c
        return unknown, value

    def parts(self):
        """(columns, matrix, right-hand side) of each connected part."""
        r = [i for i, (terms, _) in enumerate(self.rows) for _ in terms]
        c = [j for terms, _ in self.rows for j in terms]
        n, m = len(self.unknown), len(self.rows)
        graph = coo_matrix((np.ones(len(r)), (c, [n + i for i in r])), shape=(n + m, n + m))
        _, label = connected_components(graph, directed=False)
        columns, rows = defaultdict(list), defaultdict(list)
        for j in sorted(set(c)):
            columns[label[j]].append(j)
        for i in range(m):
            rows[label[n + i]].append(i)
        for part, js in columns.items():
            at = {j: x for x, j in enumerate(js)}
            seen, a, b = set(), [], []
            for i in rows[part]:
                key = (tuple(sorted(self.rows[i][0].items())), round(self.rows[i][1], 3))
                if key not in seen:
                    seen.add(key)
                    line = np.zeros(len(js))
                    for j, value in self.rows[i][0].items():
                        line[at[j]] = value
                    a.append(line)
                    b.append(self.rows[i][1])
            yield js, np.array(a), np.array(b)


def null_space(a: np.ndarray) -> np.ndarray:
    size = np.abs(a).max(axis=1, keepdims=True) if a.size else np.zeros((len(a), 1))
    scaled = a[size[:, 0] > 1e-12] / size[size[:, 0] > 1e-12]
    if not len(scaled):
        return np.eye(a.shape[1])
    _, s, vt = np.linalg.svd(scaled, full_matrices=True)
    rank = int((s > s[0] * 1e-9).sum()) if len(s) else 0
    return vt[rank:].T


def _knowing(basis: np.ndarray, mine: list[int]) -> np.ndarray:
    """What is left open to who knows these unknowns."""
    if not basis.shape[1]:
        return basis
    u, s, _ = np.linalg.svd(basis[mine].T, full_matrices=False)
    own = u[:, s > NEAR]
    return basis - (basis @ own) @ own.T


def fixed(basis: np.ndarray) -> np.ndarray:
    """Which unknowns no direction of the null space moves."""
    return np.linalg.norm(basis, axis=1) < NEAR if basis.shape[1] else np.ones(len(basis), bool)


def intervals(world: World, names: list[Variable], a: np.ndarray, b: np.ndarray, wanted: list[int], wide: float, tries: int = 6) -> dict[int, tuple[float, float]]:
    """The interval of each wanted unknown; once it is known to be as wide as `wide` the rest of it is not looked for."""
    whole = {f for f in {n[0] for n in names} if all(float(v).is_integer() for (g, _, _), v in world.shown.items() if g == f)}
    negative = {f for (f, _, _), v in world.shown.items() if v < 0}
    bounds = []
    for f, k, p in names:
        top = min((world.shown[n, k, p] for t, n in world.parts if t == f and (n, k, p) in world.shown), default=None)
        bounds.append((None if f in negative else 1.0 if f in whole and f not in MOVEMENTS else 0.0, top))
    low, high = np.full(len(names), np.inf), np.full(len(names), -np.inf)
    random = np.random.default_rng(1)
    known: list[bool] = []

    def solve(c: np.ndarray) -> str:
        answer = linprog(c, A_eq=a, b_eq=b, bounds=bounds, method="highs")
        if answer.status == 0:
            np.minimum(low, answer.x, out=low)
            np.maximum(high, answer.x, out=high)
        # Of what is without bound HiGHS may say that it is that or infeasible; once a point has been found it is not the latter.
        known.append(answer.status == 0)
        return "" if answer.status == 0 else "unbounded" if any(known) else "infeasible"

    for n in range(tries):
        c = np.zeros(len(names))
        c[wanted] = random.choice([-1.0, 1.0], len(wanted)) if n else 1.0
        if solve(c) == "infeasible":
            return {}
    for i in wanted:
        if high[i] - low[i] < wide:
            c = np.zeros(len(names))
            for sign in (1.0, -1.0):
                c[i] = sign
                if solve(c) == "unbounded":
                    low[i], high[i] = (-np.inf, high[i]) if sign > 0 else (low[i], np.inf)
    return {i: (low[i], high[i]) for i in wanted}


def _owner(v: Variable) -> str:
    """The municipality that knows a figure. What a figure was before it was corrected bears a star."""
    return v[1].rstrip("*")


def attack(world: World, programming: bool = True, insiders: bool = True, pairs: bool = False) -> dict:
    """What comes back, per method; and the cells, so that a test can name them."""
    hidden = {v for w in world.withheld if (v := world.numerator[w]) not in world.shown and world.truth.get(v) != 0}
    found: dict = {"raekker": world.rows, "tilbageholdt": len(world.withheld), "grupperaekker": world.group_rows, "grupper_tilbageholdt": world.group_withheld, "ubrugte_summer": world.unused, "skjulte_taellere": len(hidden),
                   "vist_andetsteds": len({world.numerator[w] for w in world.withheld if world.numerator.get(w) in world.shown})}
    relations = identities(world)
    found["sammenhaenge"] = [[f"{c:+.4g}*{f}{'(t-1)' if b else ''}" for f, b, c in r] for r in relations]
    for name, means, siblings in (("gruppesummer", False, None), ("med_simple_gennemsnit", True, None), ("med_sammenhaenge", True, relations)):
        known: set[Variable] = set()
        one = System(world, means, siblings)
        for js, a, _ in one.parts():
            known |= {one.unknown[j] for j, f in zip(js, fixed(null_space(a)), strict=True) if f}
        found[name] = len(known & hidden)
        found[f"{name}_celler"] = sorted(known & hidden)
    system = System(world, True, relations)
    whole_formulas = {f for f in {v[0] for v in hidden} if all(float(v).is_integer() for (g, _, _), v in world.shown.items() if g == f)}
    counts = exact = two = narrow = 0
    insider: set[Variable] = set()
    insider_cells: list[tuple[str, Variable]] = []
    together: set[Variable] = set()
    narrowest = np.inf
    near_cells = []
    for js, a, b in system.parts():
        names = [system.unknown[j] for j in js]
        wanted = [i for i, v in enumerate(names) if v in hidden]
        if not wanted:
            continue
        basis = null_space(a)
        if programming:
            asked = [i for i in wanted if names[i][0] in whole_formulas]
            counts += len(asked)
            for i, (low, high) in intervals(world, names, a, b, asked, LIMIT).items() if asked else ():
                values = np.floor(high + 1e-6) - np.ceil(low - 1e-6) + 1
                exact += values <= 1
                two += values == 2
                narrow += high - low < LIMIT - 1e-6
                if high - low < narrowest:
                    narrowest = high - low
                if high - low < LIMIT - 1e-6:
                    near_cells.append((names[i], float(low), float(high), world.truth.get(names[i])))
        if insiders:
            owners = sorted({_owner(v) for v in names})
            for k in owners:
                mine = [i for i, v in enumerate(names) if _owner(v) == k]
                for i in np.flatnonzero(fixed(_knowing(basis, mine))):
                    if names[i] in hidden and _owner(names[i]) != k and not fixed(basis)[i]:
                        insider.add(names[i])
                        insider_cells.append((k, names[i]))
            if pairs:
                for k, m in combinations(owners, 2):
                    mine = [i for i, v in enumerate(names) if _owner(v) in (k, m)]
                    together |= {names[i] for i in np.flatnonzero(fixed(_knowing(basis, mine))) if names[i] in hidden and _owner(names[i]) not in (k, m)}
    if programming:
        found |= {"antal": counts, "antal_praecist": int(exact), "antal_to_vaerdier": int(two), "antal_under_graensen": int(narrow),
                  "smalleste_interval": None if counts == 0 else float(narrowest), "snaevre_celler": near_cells}
    if insiders:
        found |= {"indefra": len(insider), "indefra_celler": insider_cells}
    if pairs:
        found["to_sammen"] = len(together)
    return found


def small_shown(world: World, limit: int = LIMIT) -> list[tuple[Variable, float]]:
    """Counts of persons under the limit that are shown. Only formulas whose own name or unit says that they count persons are held to it by the tests."""
    return sorted((v, x) for v, x in world.shown.items() if 0 < x < limit and float(x).is_integer())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("udbakke", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--par", action="store_true", help="also two municipalities together")
    given = parser.parse_args()
    start = time.perf_counter()
    found = attack(read(given.udbakke), pairs=given.par)
    found["sekunder"] = round(time.perf_counter() - start, 1)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1, default=str), "utf-8")
    print(json.dumps({k: v for k, v in found.items() if not k.endswith("_celler")}, indent=1, default=str))


if __name__ == "__main__":
    main()
