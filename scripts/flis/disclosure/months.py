"""What months tell of each other: year to date less last month's is this month's figure.

A year of a family is not made one system for it. Where all that is shown of the year to date follows from what is shown of the months, it tells nothing that the months do not, and
what protects them protects it: months that are each wide enough are together wider. So a year to date is shown where the months it is made of are, and needs no attack of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flis.disclosure.withholding import Answer, Figure, Row, Rules

Place = tuple[str, date]                # municipality, month
Group = tuple[str, str, date]           # kind of group, code, month


class Shown:
    """One formula, as an audience sees it: whose figures are withheld wherever they stand, and what each sum that stands adds up of them."""

    def __init__(self) -> None:
        self.there: dict[date, set[str]] = defaultdict(set)
        self.small: set[Place] = set()
        self.hidden: dict[date, set[str]] = defaultdict(set)
        self.rows: dict[Place, set[Row]] = defaultdict(set)
        self.sums: dict[Group, dict[Row, set[str]]] = defaultdict(lambda: defaultdict(set))

    def told(self, kind: str, code: str, month: date, members: set[str], withheld: set[Row]) -> bool:
        """Whether what these members have together in a month follows from what is shown: each of them is, or the sum of those that are not, in the same company."""
        unseen = members & self.hidden[month]
        return not unseen or any(row not in withheld and ones & self.hidden[month] == unseen for row, ones in self.sums[kind, code, month].items())


def over_time(reasons: Answer, figures: list[Figure], rules: Rules, primary: Callable[[Figure, Rules, str], str | None]) -> set[tuple[str, Row]]:
    """The rows of years to date that are withheld besides, by audience: those that do not follow from what is shown of their months."""
    pairs = [(whole, part) for whole, part, _, kind in rules.relations if kind == "til_dato" and whole in rules.to_date()]
    found: set[tuple[str, Row]] = set()
    for audience in rules.audiences if pairs else ():
        withheld = {row for who, row in reasons if who == audience}

        def small(one: Figure, audience: str = audience) -> bool:
            return primary(one, rules, audience) is not None

        seen = _seen(figures, rules, {f for pair in pairs for f in pair}, withheld, small)
        for whole, part in pairs:
            found |= {(audience, row) for row in _untold(seen[whole], seen[part], withheld)}
    return found


def _seen(figures: list[Figure], rules: Rules, formulas: set[str], withheld: set[Row], small: Callable[[Figure], bool]) -> dict[str, Shown]:
    seen = {f: Shown() for f in formulas}
    for one in figures:
        row = (one.noegletal_id, "kommune", one.kommunekode, one.periode)
        for formula, month, value in zip(rules.sides[one.noegletal_id], (one.periode, one.naevner_periode), (one.taeller, one.naevner), strict=True):
            if formula in seen and value is not None:
                seen[formula].there[month].add(one.kommunekode)
                if one.udgives:
                    seen[formula].rows[one.kommunekode, month].add(row)
                elif small(one):
                    seen[formula].small.add((one.kommunekode, month))
                for group in rules.groups.get(one.kommunekode, []) if one.bidrager else ():
                    seen[formula].sums[(*group, month)][(one.noegletal_id, *group, one.periode)].add(one.kommunekode)
    for formula in seen.values():
        for month, ones in formula.there.items():
            # what a quality rule holds stands nowhere either; that is no secret unless it is small
            formula.hidden[month] = {k for k in ones if (formula.rows[k, month] or (k, month) in formula.small) and not formula.rows[k, month] - withheld}
    return seen


def _untold(whole: Shown, part: Shown, withheld: set[Row]) -> set[Row]:
    found = set()
    for (code, month), rows in whole.rows.items():
        if any(code in part.hidden[m] for m in _until(month)):
            found |= rows
    for (kind, code, month), rows in whole.sums.items():
        for row, members in rows.items():
            if row not in withheld and not all(part.told(kind, code, m, members & part.there[m], withheld) for m in _until(month)):
                found.add(row)
    return found - withheld


def _until(month: date) -> list[date]:
    return [month.replace(month=n, day=1) for n in range(1, month.month + 1)]
