"""What can be worked out from what is shown: one linear system, its null space, and the interval of what is left.

`System` holds the unknown figures of one family of formulas and the equations that everybody can write down about them. It knows nothing of municipalities or key figures: a
variable is a number, and some variables have an owner who knows them. See docs/afsloering.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

NOTHING = 1e-8      # a direction shorter than this is rounding
ENOUGH = 1e-6       # and so is what an interval lacks of its width, in proportion
TRIES = 4           # linear programmes that look for all intervals at once, before each that is still too narrow gets its own


@dataclass(frozen=True)
class Equation:
    """Σ coefficient × variable is known. `unit` is what would have to be withheld for it not to be; None when nothing can (an identity, or already published)."""

    terms: tuple[tuple[int, float], ...]
    unit: int | None = None


@dataclass(frozen=True)
class Target:
    """Something that must not be known closer than `width`: Σ coefficient × variable. `owner` knows it, and is not protected from itself."""

    terms: tuple[tuple[int, float], ...]
    width: float
    owner: str | None = None


@dataclass
class Breach:
    """A target that is known too well, to whom (None: to everybody), and what may be done: units to withhold, best first."""

    target: Target
    insider: str | None
    width: float
    equations: list[int]          # of the system, that it is worked out from
    columns: list[int]            # variables that, were they unknown, would free it
    deletions: list[int]          # equations that, were they gone, would free it


@dataclass
class System:
    """Variables with their true values, bounds and owners, and what is known about them."""

    values: np.ndarray
    low: np.ndarray
    high: np.ndarray
    owners: list[str | None]
    equations: list[Equation]
    targets: list[Target]
    _seen: dict[tuple, list[Breach]] = field(default_factory=dict)

    def breaches(self, hidden: set[int], gone: set[int], just_one: bool = False) -> list[Breach]:
        """The targets that are known too well when the variables `hidden` are unknown and the equations `gone` are not there: at most one of each part of the system."""
        found = []
        for columns, rows, targets in self._parts(hidden, gone):
            key = (tuple(columns), tuple(rows))
            if key not in self._seen:
                self._seen[key] = _Part(self, columns, rows, targets).breaches()
            found += self._seen[key]
            if just_one and found:
                return found
        return found

    def _parts(self, hidden: set[int], gone: set[int]) -> Iterable[tuple[list[int], list[int], list[Target]]]:
        """What hangs together: (unknown variables, equations about them, targets among them)."""
        at = {v: i for i, v in enumerate(sorted(hidden))}
        rows = [(e, [v for v, _ in eq.terms if v in at]) for e, eq in enumerate(self.equations) if e not in gone]
        rows = [(e, vs) for e, vs in rows if vs]
        links = [(at[vs[0]], at[v]) for _, vs in rows for v in vs] + [(at[ts[0]], at[v]) for ts in ([v for v, _ in t.terms if v in at] for t in self.targets) if ts for v in ts]
        n = len(at)
        graph = csr_matrix((np.ones(len(links)), ([a for a, _ in links], [b for _, b in links])), shape=(n, n))
        _, label = connected_components(graph, directed=False)
        columns: dict[int, list[int]] = {}
        for v, i in at.items():
            columns.setdefault(label[i], []).append(v)
        of_part: dict[int, list[int]] = {}
        for e, vs in rows:
            of_part.setdefault(label[at[vs[0]]], []).append(e)
        wanted: dict[int, list[Target]] = {}
        for t in self.targets:
            for v in [v for v, _ in t.terms if v in at][:1]:
                wanted.setdefault(label[at[v]], []).append(t)
        for part in sorted(wanted):
            yield columns[part], of_part.get(part, []), wanted[part]


class _Part:
    """One part of a system that hangs together, as a matrix over its unknown variables."""

    def __init__(self, system: System, columns: list[int], rows: list[int], targets: list[Target]) -> None:
        self.system, self.columns, self.rows = system, columns, rows
        self.at = {v: i for i, v in enumerate(columns)}
        self.a = self._matrix([system.equations[e].terms for e in rows])
        self.targets = targets
        self.f = self._matrix([t.terms for t in targets])
        self.low = system.low[columns] - system.values[columns]       # how far each may move from the truth
        self.high = system.high[columns] - system.values[columns]
        self.owner = [system.owners[v] for v in columns]

    def _matrix(self, lines: list[tuple[tuple[int, float], ...]]) -> np.ndarray:
        out = np.zeros((len(lines), len(self.columns)))
        for i, terms in enumerate(lines):
            for v, c in terms:
                if v in self.at:
                    out[i, self.at[v]] += c
        return out

    def breaches(self) -> list[Breach]:
        """The first target that somebody knows too well: exactly before nearly, everybody before an insider."""
        basis = null_space(self.a)
        for exact in (True, False):
            for insider in [None, *sorted({o for o in self.owner if o})]:
                mine = np.array([o == insider and o is not None for o in self.owner])
                others = np.array([t.owner is None or t.owner != insider for t in self.targets])
                if exact:
                    rest = basis @ null_space(basis[mine]) if mine.any() and basis.shape[1] else basis
                    known = others & (np.linalg.norm(self.f @ rest, axis=1) < NOTHING * np.maximum(1, np.linalg.norm(self.f, axis=1)))
                    # a sum of which the insider holds all is its own
                    known &= (np.abs(self.f[:, ~mine]).sum(axis=1) > 0) | (insider is None)
                    widths = np.zeros(len(self.targets))
                else:
                    widths = self._widths(mine, others)
                    known = others & (widths < np.array([t.width for t in self.targets]) * (1 - ENOUGH))
                for i in np.flatnonzero(known)[:1]:
                    return [self._breach(i, insider, mine, float(widths[i]), exact)]
        return []

    # --- nearly ------------------------------------------------------------------------------------------------------------------------------

    def _widths(self, mine: np.ndarray, others: np.ndarray) -> np.ndarray:
        """At least how wide each target's interval is; exactly, where it is too narrow."""
        need = np.array([t.width for t in self.targets])
        widths = np.where(others, self._swapped(mine), np.inf)
        free = np.flatnonzero(~mine)
        a, f = self.a[:, free], self.f[:, free]
        widths[np.abs(f).sum(axis=1) == 0] = np.inf       # the insider's own altogether
        if (widths >= need).all():
            return widths
        keep = np.abs(a).sum(axis=1) > 0
        a, bounds = csr_matrix(a[keep]), np.column_stack([self.low[free], self.high[free]])
        least, most = np.zeros(len(need)), np.zeros(len(need))
        random = np.random.default_rng(len(free))

        def solve(direction: np.ndarray) -> bool:
            answer = linprog(-direction, A_eq=a if a.shape[0] else None, b_eq=np.zeros(a.shape[0]) if a.shape[0] else None, bounds=bounds, method="highs")
            if answer.status == 0:
                reached = f @ answer.x
                np.minimum(least, reached, out=least)
                np.maximum(most, reached, out=most)
            return answer.status == 3       # without bound

        def narrow() -> np.ndarray:
            return np.flatnonzero(np.maximum(widths, most - least) < need * (1 - ENOUGH))

        for _ in range(TRIES):
            still = narrow()
            if not len(still):
                break
            signs = random.choice([-1.0, 1.0], len(still))
            solve(f[still].T @ signs)
            solve(-f[still].T @ signs)
        for i in narrow():
            if most[i] - least[i] < need[i] and (solve(f[i]) or solve(-f[i])):
                most[i] = np.inf
        return np.maximum(widths, most - least)

    def _swapped(self, mine: np.ndarray) -> np.ndarray:
        """A width that needs no programme: unknowns with the same coefficients in every equation can give to each other what they have."""
        kinds: dict[bytes, list[int]] = {}
        for j in np.flatnonzero(~mine):
            kinds.setdefault(self.a[:, j].tobytes(), []).append(j)
        kind = {j: js for js in kinds.values() for j in js}
        out = np.zeros(len(self.targets))
        for i, t in enumerate(self.targets):
            js = [self.at[v] for v, _ in t.terms if v in self.at]
            if len(js) == 1 and js[0] in kind:
                j, rest = js[0], [x for x in kind[js[0]] if x != js[0]]
                up = min(self.high[j], -self.low[rest].sum())
                down = min(-self.low[j], self.high[rest].sum())
                out[i] = (up + down) * abs(self.f[i, j])
        return out

    # --- and what to do about it --------------------------------------------------------------------------------------------------------------

    def _breach(self, i: int, insider: str | None, mine: np.ndarray, width: float, exact: bool) -> Breach:
        """What the target is worked out from, and which single unit would free it."""
        target, free = self.targets[i], ~mine
        f, a = self.f[i, free], self.a[:, free]
        y, *_ = np.linalg.lstsq(a.T, f, rcond=None) if len(self.rows) else (np.zeros(0),)
        used = [e for e, w in sorted(zip(self.rows, np.abs(y), strict=True), key=lambda p: -p[1]) if w > NOTHING]
        columns, deletions = [], []
        if exact and len(self.rows):
            left = null_space(a.T)
            alone = np.linalg.norm(left, axis=1) < NOTHING if left.shape[1] else np.ones(len(self.rows), bool)
            deletions = [e for e, w, x in zip(self.rows, y, alone, strict=True) if x and abs(w) > NOTHING]
            for j, line in self._known(insider).items():
                if (not left.shape[1] or np.abs(left.T @ line).max() < NOTHING) and abs(y @ line) > NOTHING:
                    columns.append(j)
        elif not exact:
            deletions = [e for e, line in zip(self.rows, self.a, strict=True) if np.abs(line * (self.f[i] != 0)).any()]
            mark = self.a[:, self.f[i] != 0].any(axis=1)
            columns = [j for j, line in self._known(insider).items() if ((line != 0) == mark).all()]
        return Breach(target, insider, width, used, columns, deletions)

    def _known(self, insider: str | None) -> dict[int, np.ndarray]:
        """The known variables that stand in the part's equations, each with its column. What the insider knows anyway frees nothing."""
        found: dict[int, np.ndarray] = {}
        for x, e in enumerate(self.rows):
            for v, c in self.system.equations[e].terms:
                if v not in self.at and (insider is None or self.system.owners[v] != insider):
                    found.setdefault(v, np.zeros(len(self.rows)))[x] += c
        return found


def null_space(a: np.ndarray) -> np.ndarray:
    """An orthonormal basis of what the rows of `a` leave open."""
    if not a.shape[0]:
        return np.eye(a.shape[1])
    size = np.abs(a).max(axis=1, keepdims=True)
    a = a[size[:, 0] > 0] / size[size[:, 0] > 0]
    if not a.shape[0]:
        return np.eye(a.shape[1])
    _, s, vt = np.linalg.svd(a, full_matrices=True)
    return vt[int((s > s[0] * NOTHING).sum()):].T
