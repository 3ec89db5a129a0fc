"""How far one unknown can move when its owner exchanges with each of the others: bounds on intervals that need no linear programme.

Owners whose unknowns stand in the same equations are of one kind, and what two kinds can exchange is worked out once. What several others can give is added up, so that what is left
without any one of them, who may be an insider, is a subtraction. It says at least how wide an interval is, never more.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

NOTHING = 1e-9
MOST_KINDS = 60     # more, and the programmes are cheaper


class Exchanges:
    """Per unknown that is asked about: how far it moves up and down in exchange with each owner, and how far its own owner's other unknowns let it."""

    def __init__(self, a: np.ndarray, up: np.ndarray, down: np.ndarray, owner: list[str | None], wanted: list[int], known: dict | None = None) -> None:
        self.up, self.down = up, down
        self.known = {} if known is None else known       # what has been worked out of two kinds: the same two turn up again and again
        self.of: dict[str, list[int]] = defaultdict(list)
        for j, who in enumerate(owner):
            self.of[who or ""].append(j)
        self.owners = sorted(self.of)
        self.column = {who: i for i, who in enumerate(self.owners)}
        self.wanted = wanted
        shape = (len(wanted), len(self.owners))
        self.alone = np.zeros((len(wanted), 2))         # by the owner's own unknowns, whoever knows the others
        self.given = np.zeros((2, *shape))
        self.most = np.full((len(wanted), 2), np.inf)
        kinds, members = self._kinds(a)
        if len(kinds) <= MOST_KINDS:
            row_of = {j: r for r, j in enumerate(wanted)}
            for p in range(len(kinds)):
                for q in range(len(kinds)):
                    self._exchange(kinds[p], members[p], kinds[q], members[q], row_of)

    def _kinds(self, a: np.ndarray) -> tuple[list[tuple[np.ndarray, np.ndarray]], list[list[str]]]:
        """(what binds an owner's unknowns to each other, how they stand in what others stand in too), and who is so."""
        index = np.array([self.column[who] for who in self._owner_of(a.shape[1])])
        used = a != 0
        first = np.array([index[u].min() if u.any() else -1 for u in used]) if len(a) else np.zeros(0, int)
        last = np.array([index[u].max() if u.any() else -1 for u in used]) if len(a) else np.zeros(0, int)
        own_rows = first == last
        found: dict[tuple, list[str]] = defaultdict(list)
        parts: dict[tuple, tuple[np.ndarray, np.ndarray]] = {}
        shared = a[~own_rows]
        for who in self.owners:
            js = self.of[who]
            inner, outer = a[own_rows & (first == self.column[who])][:, js], shared[:, js]
            key = (inner.shape, inner.tobytes(), outer.tobytes())
            parts[key] = (inner, outer)
            found[key].append(who)
        return [parts[k] for k in found], list(found.values())

    def _owner_of(self, n: int) -> list[str]:
        out = [""] * n
        for who, js in self.of.items():
            for j in js:
                out[j] = who
        return out

    def _exchange(self, one: tuple, ones: list[str], other: tuple, others: list[str], row_of: dict[int, int]) -> None:
        (inner, outer), (inner_2, outer_2) = one, other
        n = outer.shape[1]
        asked = [x for x in range(n) if any(self.of[who][x] in row_of for who in ones)]
        if not asked:
            return
        used = outer.any(axis=1) | outer_2.any(axis=1)
        outer, outer_2 = outer[used], outer_2[used]
        key = (inner.shape, inner_2.shape, inner.tobytes(), inner_2.tobytes(), outer.tobytes(), outer_2.tobytes())
        if key not in self.known:
            m = outer_2.shape[1]
            whole = np.vstack([np.hstack([inner, np.zeros((len(inner), m))]), np.hstack([np.zeros((len(inner_2), n)), inner_2]), np.hstack([outer, outer_2])])
            alone, both = _open(np.vstack([inner, outer])), _open(whole)
            self.known[key] = [(_way(alone, x), _way(both, x)) for x in range(n)]
        for x in asked:
            rows = [(row_of[self.of[who][x]], who) for who in ones if self.of[who][x] in row_of]
            by_itself, z = self.known[key][x]
            mine = np.array([self.of[who] for _, who in rows])
            at = np.array([r for r, _ in rows])
            for way in (0, 1):
                if by_itself is not None:
                    self.alone[at, way] = np.maximum(self.alone[at, way], _far(by_itself, self.up[mine], self.down[mine], way))
                elif z is not None:
                    theirs = np.array([self.of[who] for who in others])
                    limit = _far(z[:n], self.up[mine], self.down[mine], way)
                    self.most[at, way] = np.minimum(self.most[at, way], limit)
                    gives = _far(z[n:], self.up[theirs], self.down[theirs], way)
                    there = np.array([self.column[who] for who in others])
                    self.given[way][np.ix_(at, there)] = np.minimum(gives[None, :], limit[:, None])
                    for r, who in rows:
                        self.given[way][r, self.column[who]] = 0

    def widths(self, insider: str | None) -> np.ndarray:
        """At least how wide the interval of each unknown that is asked about is, to an insider or (None) to everybody."""
        total = np.minimum(np.where(np.isfinite(self.given), self.given, 1e300).sum(axis=2), 1e300)
        if insider in self.column:
            total = np.where(np.isfinite(self.given), self.given, 1e300).sum(axis=2, where=np.arange(len(self.owners))[None, None, :] != self.column[insider])
        exchanged = np.minimum(total.T, np.where(np.isfinite(self.most), self.most, 1e300))
        return np.maximum(self.alone, exchanged).sum(axis=1)


def _open(a: np.ndarray) -> np.ndarray:
    if not a.shape[0]:
        return np.eye(a.shape[1])
    _, s, vt = np.linalg.svd(a, full_matrices=True)
    return vt[int((s > max(s[0], 1) * NOTHING).sum()):].T if len(s) else np.eye(a.shape[1])


def _way(basis: np.ndarray, x: int) -> np.ndarray | None:
    """The shortest direction in which unknown x moves by one."""
    size = basis[x] @ basis[x] if basis.shape[1] else 0.0
    if size < NOTHING:
        return None
    z = basis @ basis[x] / size
    z[np.abs(z) < NOTHING] = 0
    return z


def _far(z: np.ndarray, up: np.ndarray, down: np.ndarray, way: int) -> np.ndarray:
    """How many times the direction (way 0), or its opposite (1), can be taken before a bound is met; one line of bounds for each owner."""
    z = z if way == 0 else -z
    steps = np.full(len(up), np.inf)
    for i in np.flatnonzero(z):
        steps = np.minimum(steps, (up[:, i] if z[i] > 0 else down[:, i]) / abs(z[i]))
    return np.maximum(steps, 0.0)
