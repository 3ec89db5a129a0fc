"""What can be worked out from what is shown: one linear system, its null space, and the interval of what is left.

`System` holds the unknown figures of one family of formulas and the equations that everybody can write down about them. It knows nothing of municipalities or key figures: a
variable is a number, and some variables have an owner who knows them. See docs/afsloering.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from flis.disclosure.exchanges import Exchanges
from flis.disclosure.programme import Programme

NOTHING = 1e-8      # a direction shorter than this is rounding
AT_ONCE = 40        # breaches that are told of one part
PRIZE = 1e5         # what a target's moving one is worth beside what the others' moving costs
ENOUGH = 1e-6       # and so is what an interval lacks of its width, in proportion


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
    columns: list[int]            # variables that, were one of them unknown, would free it, or give it room
    deletions: list[int]          # equations that, were one of them gone, would free it; where it is known too nearly, all that bind it
    exact: bool


@dataclass
class System:
    """Variables with their true values, bounds and owners, and what is known about them."""

    values: np.ndarray
    low: np.ndarray
    high: np.ndarray
    owners: list[str | None]
    equations: list[Equation]
    targets: list[Target]
    ways: dict[Target, tuple[list, list]] = field(default_factory=dict)       # how each target can move: (how far, whose figures move with it), up and down
    kinds: dict = field(default_factory=dict)         # what owners of two kinds can exchange (flis.disclosure.exchanges)
    safe: dict[tuple[bool, str | None], set[Target]] = field(default_factory=dict)       # what was not known too well (exactly, or nearly) to somebody, and cannot be as long as only more is withheld
    _seen: dict[tuple, list[Breach]] = field(default_factory=dict)
    _withheld: tuple[set[int], set[int]] = field(default_factory=lambda: (set(), set()))

    def breaches(self, hidden: set[int], gone: set[int]) -> list[Breach]:
        """Targets that are known too well when the variables `hidden` are unknown and the equations `gone` are not there: a few of each part of the system that has any."""
        if not (self._withheld[0] <= hidden and self._withheld[1] <= gone):
            self.safe.clear()
        self._withheld = (set(hidden), set(gone))
        found = []
        for columns, rows, targets in self._parts(hidden, gone):
            key = (tuple(columns), tuple(rows))
            if key not in self._seen:
                self._seen[key] = _Part(self, columns, rows, targets).breaches()
            found += self._seen[key]
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
        self.exchanges: Exchanges | None = None
        self.programme: Programme | None = None
        self.decomposed: dict[str | None, tuple[np.ndarray, np.ndarray]] = {}
        self.known: tuple[list[int], np.ndarray] | None = None

    def _matrix(self, lines: list[tuple[tuple[int, float], ...]]) -> np.ndarray:
        out = np.zeros((len(lines), len(self.columns)))
        for i, terms in enumerate(lines):
            for v, c in terms:
                if v in self.at:
                    out[i, self.at[v]] += c
        return out

    def breaches(self) -> list[Breach]:
        """The first targets that somebody knows too well: exactly before nearly, everybody before an insider."""
        basis = None
        for exact in (True, False):
            found: dict[int, Breach] = {}
            for insider in [None, *sorted({o for o in self.owner if o})]:
                safe = self.system.safe.setdefault((exact, insider), set())
                asked = np.array([t not in safe and (t.owner is None or t.owner != insider) for t in self.targets])
                if not asked.any():
                    continue
                mine = np.array([o == insider and o is not None for o in self.owner])
                asked &= np.abs(self.f[:, ~mine]).sum(axis=1) > 0       # a sum of which the insider holds all is its own
                if exact:
                    widths, known = np.zeros(len(self.targets)), asked
                    if insider is not None:
                        known = asked & (self._exchanged(insider) <= NOTHING)       # what moves when two others exchange is not fixed
                    if known.any():
                        basis = null_space(self.a) if basis is None else basis
                        known = known & self._fixed(basis, mine)
                else:
                    widths = self._widths(mine, asked, insider)
                    known = asked & (widths < np.array([t.width for t in self.targets]) * (1 - ENOUGH))
                safe.update(self.targets[i] for i in np.flatnonzero(asked & ~known).tolist())
                for i in [i for i in np.flatnonzero(known).tolist() if i not in found][:AT_ONCE - len(found)]:
                    found[i] = self._breach(i, insider, mine, float(widths[i]), exact)
                if len(found) >= AT_ONCE or found and insider is None:
                    break
            if found:
                return list(found.values())
        return []

    def _fixed(self, basis: np.ndarray, mine: np.ndarray) -> np.ndarray:
        """Which targets nothing that is open moves, to who knows what is `mine`."""
        moves = self.f @ basis
        if mine.any() and basis.shape[1]:
            u, s, _ = np.linalg.svd(basis[mine].T, full_matrices=False)
            own = u[:, s > NOTHING]
            moves = moves - (moves @ own) @ own.T
        return np.linalg.norm(moves, axis=1) < NOTHING * np.maximum(1, np.linalg.norm(self.f, axis=1))

    # --- nearly ------------------------------------------------------------------------------------------------------------------------------

    def _widths(self, mine: np.ndarray, asked: np.ndarray, insider: str | None) -> np.ndarray:
        """At least how wide the interval of each target that is asked for is; exactly, where it is too narrow."""
        need = np.array([t.width for t in self.targets])
        widths = np.where(asked, self._exchanged(insider), np.inf)
        for i in np.flatnonzero(widths < need * (1 - ENOUGH)).tolist():
            ways = self.system.ways.setdefault(self.targets[i], ([], []))
            for way, sign in enumerate((-1.0, 1.0)):
                wanted = need[i] - self._reach(ways[1 - way], insider)
                if self._reach(ways[way], insider) < wanted - need[i] * ENOUGH:
                    ways[way].append(self._furthest(i, sign, mine, wanted))
            widths[i] = sum(self._reach(found, insider) for found in ways)
        return widths

    @staticmethod
    def _reach(found: list, insider: str | None) -> float:
        """How far a target can go one way, by what has been found that moves nothing of the insider's. A way stays open when more is withheld."""
        return max((far for far, who in found if insider is None or insider not in who), default=0.0)

    def _furthest(self, i: int, sign: float, mine: np.ndarray, enough: float) -> tuple[float, frozenset[str]]:
        """How far one target can go one way, no further than is enough, and whose figures move with it: as few and as little as can be, for each of them may be an insider."""
        f = np.where(mine, 0.0, sign * self.f[i])
        up, down = np.where(mine, 0.0, self.high), np.where(mine, 0.0, -self.low)
        if np.count_nonzero(f) == 1:
            j = int(np.flatnonzero(f)[0])
            up[j], down[j] = min(up[j], enough / abs(f[j])), min(down[j], enough / abs(f[j]))
            if (up[j] if f[j] > 0 else down[j]) <= 0:
                return 0.0, frozenset()
        rooms = np.minimum(np.where(np.isfinite(down), down, enough), enough)
        price = (1 + np.divide(enough, rooms, out=np.full(len(rooms), 1e3), where=rooms > 0)) / max(enough, NOTHING)
        if self.programme is None:
            self.programme = Programme(self.a)
        moved = self.programme.cheapest(price - PRIZE * f, price + PRIZE * f, up, down)
        if moved is None:
            return np.inf, frozenset()
        return float(max(f @ moved, 0.0)), frozenset(o for j in np.flatnonzero(np.abs(moved) > NOTHING) if (o := self.owner[j]))

    def _exchanged(self, insider: str | None) -> np.ndarray:
        """Widths that need no programme, of the targets that are one unknown."""
        if self.exchanges is None:
            single = {int(js[0]): i for i, f in enumerate(self.f) if len(js := np.flatnonzero(f)) == 1}
            self.single = (list(single), list(single.values()))
            self.exchanges = Exchanges(self.a, self.high, -self.low, self.owner, self.single[0], self.system.kinds)
        out = np.zeros(len(self.targets))
        js, at = self.single
        out[at] = self.exchanges.widths(insider) * np.abs(self.f[at, js]) if at else 0
        return out

    # --- and what to do about it --------------------------------------------------------------------------------------------------------------

    def _breach(self, i: int, insider: str | None, mine: np.ndarray, width: float, exact: bool) -> Breach:
        """What the target is worked out from, and which single unit would free it."""
        target, free = self.targets[i], ~mine
        f, a = self.f[i, free], self.a[:, free]
        if exact and len(self.rows):
            left, solve = self._worked_out(insider, a)
            y = solve @ f
        else:
            y, *_ = np.linalg.lstsq(a.T, f, rcond=None) if len(self.rows) else (np.zeros(0),)
        used = [e for e, w in sorted(zip(self.rows, np.abs(y), strict=True), key=lambda p: -p[1]) if w > NOTHING]
        columns, deletions = [], []
        known, lines = self._known(insider)
        if exact and len(self.rows):
            alone = np.linalg.norm(left, axis=1) < NOTHING if left.shape[1] else np.ones(len(self.rows), bool)
            deletions = [e for e, w, x in zip(self.rows, y, alone, strict=True) if x and abs(w) > NOTHING]
            frees = (np.abs(left.T @ lines).max(axis=0, initial=0) < NOTHING) & (np.abs(y @ lines) > NOTHING)
            columns = [v for v, x in zip(known, frees, strict=True) if x]
        elif not exact:
            near = (self.f[i] != 0) | np.array([o is not None and o == target.owner for o in self.owner])
            deletions = [e for e, line in zip(self.rows, self.a, strict=True) if line[near].any()]
            mark = np.asarray(self.a[:, self.f[i] != 0].any(axis=1))
            columns = [v for v, x in zip(known, ((lines != 0) == mark[:, None]).all(axis=0), strict=True) if x]
        return Breach(target, insider, width, used, columns, deletions, exact)

    def _worked_out(self, insider: str | None, a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of the equations as somebody reads them: what of them is said twice, and the matrix that gives the equations a known figure is worked out from. Once for all targets."""
        if insider not in self.decomposed:
            self.decomposed[insider] = null_space(a.T), np.linalg.pinv(a.T, rcond=NOTHING)
        return self.decomposed[insider]

    def _known(self, insider: str | None) -> tuple[list[int], np.ndarray]:
        """The known variables that stand in the part's equations, and their columns. What the insider knows anyway frees nothing."""
        if self.known is None:
            at: dict[int, int] = {}
            places = [(x, at.setdefault(v, len(at)), c) for x, e in enumerate(self.rows) for v, c in self.system.equations[e].terms if v not in self.at]
            lines = np.zeros((len(self.rows), len(at)))
            for x, j, c in places:
                lines[x, j] += c
            self.known = list(at), lines
        known, lines = self.known
        theirs = [j for j, v in enumerate(known) if insider is None or self.system.owners[v] != insider]
        return [known[j] for j in theirs], lines[:, theirs]


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
