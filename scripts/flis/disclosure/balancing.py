"""The quick first answer to what must be withheld besides what is small: no sum may have too little in it that is unknown.

A sum that is shown gives what is unknown in it together. Each target there must have room to move as far as its limit demands, also for whoever knows the largest of the others: else the
sum goes, or more of its members do, whichever takes fewer rows. It looks at one sum at a time, and at what a group is as the country less the other groups; what only several sums tell
together is left to the attack (flis.disclosure.system), which also has the last word on what is decided here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from flis.disclosure.system import System

COUNTRY = "landet"
MOST = 4        # members that are withheld to save a sum; beyond that the sum goes


@dataclass
class Balance:
    """The sums of one system and what is withheld of it; `hidden` and `gone` are changed in place."""

    system: System
    hidden: set[int]
    gone: set[int]
    tables: dict[tuple, dict[str, list[int]]]           # one key figure's sums of one formula and month, by kind of group
    may_be_hidden: Callable[[int], bool]
    cost: Callable[[int], tuple]
    cost_of_sums: Callable[[Iterable[int]], int]
    members: dict[int, tuple[int, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.members = {e: tuple(v for v, _ in eq.terms) for e, eq in enumerate(self.system.equations) if eq.unit is not None}
        self.sums_of: dict[int, list[int]] = defaultdict(list)
        for e, vs in self.members.items():
            for v in vs:
                self.sums_of[v].append(e)
        self.identities: dict[int, list[int]] = defaultdict(list)
        for e, eq in enumerate(self.system.equations):
            if eq.unit is None:
                for v, _ in eq.terms:
                    self.identities[v].append(e)
        self.width: dict[int, float] = {}
        for t in self.system.targets:
            if len(t.terms) == 1:
                self.width[t.terms[0][0]] = max(t.width, self.width.get(t.terms[0][0], 0))

    def settle(self) -> None:
        """Until every sum has room for what is in it."""
        moved = True
        while moved:
            moved = self._identities()
            for v in sorted(self.width):
                if v in self.hidden and (short := [e for e in self.sums_of[v] if e not in self.gone and self._lacks(v, self.members[e])]):
                    self._free(v, short)
                    moved = True
            moved = self._rest_of_country() or moved

    def _identities(self) -> bool:
        """A part is the total less the other parts: where only one member of an identity is unknown, another must be."""
        moved = False
        for v in sorted(self.identities):
            for e in self.identities[v] if v in self.hidden else ():
                terms = dict(self.system.equations[e].terms)
                if not any(j != v and j in self.hidden for j in terms):
                    choices = [j for j in terms if j != v and self.may_be_hidden(j)]
                    if choices:
                        self.hidden.add(self._partner(v, terms, choices))
                        moved = True
        return moved

    def _partner(self, v: int, terms: dict[int, float], choices: list[int]) -> int:
        """Which of those that can be withheld is to hide `v`; where a zero can be, what grows as it grows, and the least of them, for it is known of the one what is known of the other."""
        if all(self.system.values[j] for j in choices):
            return min(choices, key=lambda j: (self.cost(j), j))
        partner = min(choices, key=lambda j: (self.cost(j)[0], terms[j] * terms[v] > 0, abs(self.system.values[j]), self.cost(j), j))
        self.width[partner] = max(self.width.get(partner, 0.0), self.width.get(v, 0.0))
        return partner

    def _room(self, v: int) -> float:
        return max(float(self.system.values[v] - self.system.low[v]), 0.0)

    def _lacks(self, v: int, members: Iterable[int], more: Iterable[int] = ()) -> bool:
        """Whether `v` cannot move far enough when the sum of these members is known, and the largest of the others is known to who owns it."""
        room: dict[str | None, float] = defaultdict(float)
        for j in {*(m for m in members if m in self.hidden), *more}:
            if j != v:
                room[self.system.owners[j]] += self._room(j)
        room.pop(self.system.owners[v], None)
        return self._room(v) + sum(room.values()) - max(room.values(), default=0) < self.width[v] or len(room) < 2

    def _free(self, v: int, short: list[int]) -> None:
        """Withhold a few more members of all the sums that are short, or the sums."""
        common = set.intersection(*(set(self.members[e]) for e in short))
        more: list[int] = []
        rows = 0
        for j in sorted((j for j in common if self.may_be_hidden(j) and self.system.owners[j] != self.system.owners[v] and self._room(j) > 0), key=lambda j: (self.cost(j), -self._room(j), j))[:MOST]:
            more.append(j)
            rows += self.cost(j)[0]
            if not any(self._lacks(v, self.members[e], more) for e in short):
                break
        if more and rows <= self.cost_of_sums(short) and not any(self._lacks(v, self.members[e], more) for e in short):
            self.hidden |= set(more)
        else:
            self.gone |= set(short)

    def _rest_of_country(self) -> bool:
        """A group that is withheld is the country less the others that are not, as long as the country stands; so what is withheld of each kind must have room together."""
        moved = False
        for kinds in self.tables.values():
            country = [e for e in kinds.get(COUNTRY, []) if e not in self.gone]
            for kind, sums in sorted(kinds.items()):
                away = [e for e in sums if e in self.gone]
                if kind == COUNTRY or not country or not away:
                    continue
                together = [v for e in away for v in self.members[e]]
                if any(v in self.hidden and v in self.width and self._lacks(v, together) for v in together):
                    left = [e for e in sums if e not in self.gone]
                    # the sum with most in it that is unknown: it takes fewest of them
                    chosen = max(left, key=lambda e: (sum(self._room(v) for v in self.members[e] if v in self.hidden), -e)) if left else country[0]
                    self.gone.add(chosen)
                    moved = True
        return moved
