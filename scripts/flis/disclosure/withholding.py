"""What is withheld of the key figures, so that no small number of persons is shown or can be worked out (docs/afsloering.md).

First what rests on too few (primary), then as few further figures as it takes (complementary), until an attack over all that is shown, by everybody and by each municipality that
knows its own figures, finds nothing (flis.disclosure.system). The dbt model int_faelles__tilbageholdt calls `withhold` with the figures and the seeds, and is what the tables read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from flis.disclosure.balancing import Balance
from flis.disclosure.months import over_time
from flis.disclosure.system import Breach, Equation, System, Target

FEW, FEW_LEFT, DOMINANCE, DERIVED = "faa_personer", "faa_resten", "dominans", "kan_udledes"
ALL, MEAN = "alt", "gennemsnit"
ROUNDED = 0.01          # a product of figures of five decimals is no nearer
COUNTS = ("personer", "elever", "ansættelser")      # units of which a municipality that has any has at least one
Variable = tuple[str, str, date, float]             # formula, municipality, month, value: a corrected figure is another variable
Row = tuple[str, str, str, date]                    # key figure, kind of group, code, month: what is shown or not
Sum = tuple[frozenset[int], frozenset[int]]


@dataclass(frozen=True)
class Figure:
    """A municipality's figure: its two sides, whether it counts in averages, whether it would be shown, and the persons behind each side."""

    noegletal_id: str
    kommunekode: str
    periode: date
    naevner_periode: date
    taeller: float | None
    naevner: float | None
    bidrager: bool
    udgives: bool
    antal_taeller: int | None
    antal_naevner: int | None
    antal_rest: int | None
    stoerste_taeller: float | None = None       # the largest person's own part of each side, where it is known
    stoerste_naevner: float | None = None


@dataclass(frozen=True)
class Published:
    """A row of an earlier release, as it was: what stands in it has been read, and cannot be withheld any more."""

    udgave: int
    noegletal_id: str
    gruppetype: str
    gruppekode: str
    periode: date
    naevner_periode: date
    taeller: float | None
    naevner: float | None
    bidrager: bool
    vist: bool
    antal_taeller: int | None = None            # of a municipality's row, the persons behind each side as of a Figure: what was small then is still to be protected
    antal_naevner: int | None = None
    antal_rest: int | None = None
    stoerste_taeller: float | None = None
    stoerste_naevner: float | None = None


@dataclass
class Rules:
    """The seeds: what a key figure is made of, how formulas hang together, where a municipality belongs, and the limits."""

    sides: dict[str, tuple[str, str | None]]
    units: dict[str, str]
    relations: list[tuple[str, str, float, str]]        # formel, led, koefficient, art: sum, del, til_dato, januar, tilvaekst, rest, hverdage
    groups: dict[str, list[tuple[str, str]]]            # kommunekode → (gruppetype, gruppekode)
    audiences: list[str]                                # in order: each is shown no more than the one before
    limits: dict[tuple[str, str], tuple[int, int | None]]       # (modtagerkreds, noegletal_id or *) → fewest persons, fewest left
    shares: dict[tuple[str, str], float | None] = field(default_factory=dict)       # the same → the largest share of a side that one person may have

    def share(self, audience: str, one: str) -> float | None:
        return self.shares.get((audience, one), self.shares.get((audience, "*")))

    def limit(self, audience: str, one: str) -> tuple[int, int | None]:
        return self.limits.get((audience, one)) or self.limits[audience, "*"]

    def families(self) -> dict[str, str]:
        """Formulas that an equation ties together bear one name."""
        name = {f: f for f in self.units}
        for a, b, _, kind in self.relations:
            if kind in ("sum", "januar", "rest", "hverdage") and a in name and b in name:
                old, new = sorted((name[a], name[b]), reverse=True)
                name = {f: new if n == old else n for f, n in name.items()}
        for parts in self.balances():
            together = {name[part] for part, _ in parts}
            name = {f: min(together) if n in together else n for f, n in name.items()}
        return name

    def balances(self) -> list[list[tuple[str, float]]]:
        """The movements of which everybody knows the sum, for what they move is shown each month (`tilvaekst`)."""
        found: dict[str, list[tuple[str, float]]] = {}
        for stock, part, c, kind in self.relations:
            if kind == "tilvaekst":
                found.setdefault(stock, []).append((part, c))
        return [parts for _, parts in sorted(found.items()) if all(part in self.units for part, _ in parts)]

    def pairs(self, kind: str) -> list[tuple[str, str]]:
        """The formulas that hang together in this way, and what with."""
        return [(whole, part) for whole, part, _, k in self.relations if k == kind]

    def to_date(self) -> set[str]:
        """Years to date of what is published month by month: what is shown of them follows from the months (flis.disclosure.months), and they are in no other equation."""
        published, name = {f for pair in self.sides.values() for f in pair}, self.families()
        return {whole for whole, part, _, kind in self.relations
                if kind == "til_dato" and part in published and whole in name and sum(n == name[whole] for n in name.values()) == 1}


Answer = dict[tuple[str, Row], str]


@dataclass(frozen=True)
class Task:
    """One family of formulas in a month: all that decides what is withheld of it. The same tasks have the same answers."""

    scope: tuple
    figures: tuple[Figure, ...]
    published: tuple[Published, ...]

    @property
    def sign(self) -> str:
        """What decides the answer. A release of the very figures that stand now has been answered already; one that differs decides too."""
        now = {(f.noegletal_id, f.kommunekode, f.periode): (f.taeller, f.naevner, f.bidrager) for f in self.figures}
        moved = {(p.udgave, p.noegletal_id, p.periode) for p in self.published
                 if p.gruppetype == "kommune" and (p.taeller, p.naevner, p.bidrager) != now.get((p.noegletal_id, p.gruppekode, p.periode))}
        return repr((self.scope, self.figures, [p for p in self.published if (p.udgave, p.noegletal_id, p.periode) in moved]))

    def answer(self, rules: Rules) -> Answer:
        """What is withheld of it, by audience and row, and why."""
        earlier, same, found = None, {}, {}
        for audience in rules.audiences:
            mark = tuple(sorted((one, limits, rules.share(audience, one) or 0) for (whom, one), limits in rules.limits.items() if whom == audience))
            if mark not in same:
                earlier = Family(self.scope, list(self.figures), list(self.published), rules, audience, earlier)
                if self.scope[0] not in rules.to_date():
                    earlier.protect()
                same[mark] = earlier.reasons()
            found |= {(audience, row): reason for row, reason in same[mark].items()}
        return found


def tasks(figures: Iterable[Figure], rules: Rules, published: Iterable[Published] = ()) -> tuple[list[Task], list[Figure]]:
    """The families that have anything to withhold, and all figures."""
    of_scope: dict[tuple, list[Figure]] = defaultdict(list)
    before: dict[tuple, list[Published]] = defaultdict(list)
    scopes, every = Scopes(rules), list(figures)
    for one in every:
        for scope in scopes.of(one.noegletal_id, one.periode, one.naevner_periode):
            of_scope[scope].append(one)
    for old in published:
        for scope in scopes.of(old.noegletal_id, old.periode, old.naevner_periode):
            before[scope].append(old)
    return [Task(scope, tuple(of_scope[scope]), tuple(before[scope])) for scope in sorted(of_scope, key=str)
            if any(primary(f, rules, a) for f in of_scope[scope] for a in rules.audiences) or any(small_rests(of_scope[scope], rules, a) for a in rules.audiences)], every


def sides(one: Figure | Published, rules: Rules) -> Iterator[tuple[bool, str, date, float]]:
    """The sides of a figure that have a value: whether it is the numerator, formula, month, value."""
    t, n = rules.sides[one.noegletal_id]
    for above, formula, period, value in ((True, t, one.periode, one.taeller), (False, n, one.naevner_periode, one.naevner)):
        if formula and value is not None:
            yield above, formula, period, value


def small_rests(figures: Iterable[Figure], rules: Rules, audience: str) -> set[tuple[str, str, str, date]]:
    """Where a whole less a part is few persons that no figure counts: whole, part, municipality, month."""
    pairs = rules.pairs("rest")
    asked = {formula for pair in pairs for formula in pair}
    values = {(formula, one.kommunekode, period): value for one in figures for _, formula, period, value in sides(one, rules) if formula in asked}
    few, _ = rules.limit(audience, "*")
    return {(whole, part, code, period) for whole, part in pairs for (formula, code, period), value in values.items()
            if formula == whole and 0 < value - values.get((part, code, period), value) < few}


def withhold(figures: Iterable[Figure], rules: Rules, published: Iterable[Published] = (),
             answers: Callable[[list[Task], Rules], Iterable[Answer]] | None = None) -> Iterator[tuple[str, str, str, str, date, str, str]]:
    """The rows that are withheld: modtagerkreds, noegletal_id, gruppetype, gruppekode, periode, omfang (alt, gennemsnit), grund.

    `answers` may find the tasks' answers in another way than one by one (flis.disclosure.tables: those of last time, and several at once).
    """
    todo, every = tasks(figures, rules, published)
    reasons: Answer = {}
    for found in answers(todo, rules) if answers else (t.answer(rules) for t in todo):
        for key, reason in found.items():
            if reasons.get(key, DERIVED) == DERIVED:
                reasons[key] = reason
    reasons |= dict.fromkeys(over_time(reasons, every, rules, primary), DERIVED)
    yield from sorted((a, *row, ALL, reason) for (a, row), reason in reasons.items())
    yield from _means(reasons, every, rules)


def _means(reasons: Answer, figures: list[Figure], rules: Rules) -> list[tuple]:
    """Simple averages go where anything in the group is withheld: each is one more equation, with coefficients of its own."""
    counts = {(f.noegletal_id, f.kommunekode, f.periode) for f in figures if f.bidrager}
    gone = {(a, one, *group, p) for (a, (one, kind, code, p)) in reasons if kind == "kommune" and (one, code, p) in counts for group in rules.groups.get(code, [])}
    return sorted((a, one, kind, code, p, MEAN, DERIVED) for a, one, kind, code, p in gone if (a, (one, kind, code, p)) not in reasons)


class Scopes:
    """Where a figure's two sides belong: a family of formulas in a month."""

    def __init__(self, rules: Rules) -> None:
        self.rules, self.name = rules, rules.families()

    def of(self, one: str, period: date, below: date) -> set[tuple]:
        t, n = self.rules.sides[one]
        return {self._scope(t, period), *([self._scope(n, below)] if n else [])}

    def _scope(self, formula: str, period: date) -> tuple:
        return (self.name[formula], period)

    def holds(self, scope: tuple, formula: str, period: date) -> bool:
        return self._scope(formula, period) == scope


def dominated(value: float | None, largest: float | None, share: float | None) -> bool:
    """Whether one person has more of a value than one may: the others, who know their own, could else tell it nearly."""
    return share is not None and bool(value) and largest is not None and largest > share * abs(value)


def primary(one: Figure | Published, rules: Rules, audience: str) -> str | None:
    """Why a figure may not be shown for its own sake: too few above or below the line, too few of those below who are not above, or one who has nearly all of it."""
    few, left = rules.limit(audience, one.noegletal_id)
    if any(0 < (n or 0) < few for n in (one.antal_taeller, one.antal_naevner)):
        return FEW
    if left is not None and one.antal_rest is not None and (one.antal_naevner or 0) > 0 and (one.antal_taeller or 0) > 0 and one.antal_rest < left:
        return FEW_LEFT
    share = rules.share(audience, one.noegletal_id)
    return DOMINANCE if dominated(one.taeller, one.stoerste_taeller, share) or dominated(one.naevner, one.stoerste_naevner, share) else None


@dataclass
class Family:
    """One family of formulas in a month, for one audience: the system, and what is withheld of it so far."""

    scope: tuple
    figures: list[Figure]
    before: list[Published]
    rules: Rules
    audience: str
    earlier: Family | None = None
    hidden: set[int] = field(default_factory=set)           # variables
    gone: set[int] = field(default_factory=set)             # equations
    primary: dict[Row, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.scopes = Scopes(self.rules)
        self.differences = {whole for whole, _, c, kind in self.rules.relations if kind == "sum" and c < 0}
        self.evened_out: set[int] = set()                   # variables that are zero because as many came as went
        # Where everybody knows what all of them come to, a zero tells as much as another figure: one that moves alone is what the stock moved.
        self.moves = self._moves()
        self.index: dict[Variable, int] = {}
        self._names: list[Variable] = []
        self.known: set[int] = set()                        # read in an earlier release
        self.rows_of: dict[int, set[Row]] = defaultdict(set)    # variable → the municipality's rows it stands in
        self.rows_of_sum: list[set[Row]] = []
        self.equations: list[Equation] = []
        self.targets: dict[tuple, Target] = {}
        self.sums: dict[tuple, int] = {}
        self.rests: list[tuple[int, int]] = []              # a whole and its part, where what is left is small
        self.tables: dict[tuple, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        for one in self.figures:
            self._figure(one)
        self._small_rests()
        for sign, (members, rows) in self._group_sums().items():
            self._equation(sign, members, rows)
        self._published()
        self._rests_of_what_was_shown()
        self._relations()
        self._bounds()
        if self.earlier:
            self.hidden |= self._same(self.earlier)

    def _moves(self) -> set[str]:
        names = self.scopes.name
        balanced = {names[part] for parts in self.rules.balances() for part, _ in parts}
        return {formula for formula, name in names.items() if name in balanced}

    # --- what there is -----------------------------------------------------------------------------------------------------------------------

    def _sides(self, one: Figure | Published) -> Iterator[tuple[bool, str, date, float]]:
        """The sides of a figure that belong to this family and have a value: whether it is the numerator, formula, month, value."""
        return (side for side in sides(one, self.rules) if self.scopes.holds(self.scope, side[1], side[2]))

    def _variable(self, formula: str, code: str, period: date, value: float) -> int:
        return self.index.setdefault((formula, code, period, value), len(self.index))

    def _figure(self, one: Figure) -> None:
        reason, row = primary(one, self.rules, self.audience), (one.noegletal_id, "kommune", one.kommunekode, one.periode)
        for _, formula, period, value in self._sides(one):
            v = self._variable(formula, one.kommunekode, period, value)
            if one.udgives:
                self.rows_of[v].add(row)
        self._small(one, one.kommunekode, reason)
        if reason:
            self.primary[row] = reason

    def _small(self, one: Figure | Published, code: str, reason: str | None) -> None:
        """The sides of a municipality's figure that are small, or one person's: withheld, and not to be known."""
        few, left = self.rules.limit(self.audience, one.noegletal_id)
        for above, formula, period, value in self._sides(one):
            v = self._variable(formula, code, period, value)
            persons = (one.antal_taeller or one.antal_naevner) if above else one.antal_naevner
            # What has no persons of its own above the line (money) is about those below it; what has, is small for its own sake or for those who are left. A part that is
            # withheld is known to be at least one and at most the whole, so a whole that is hardly larger than the limit is no room for it.
            if above:
                sensitive = reason and (one.antal_taeller is None or 0 < one.antal_taeller < few or reason == FEW_LEFT)
            else:
                sensitive = 0 < (one.antal_naevner or 0) < few + (1 if reason and one.antal_rest is not None else 0)
            largest = one.stoerste_taeller if above else one.stoerste_naevner
            one_has_it = dominated(value, largest, self.rules.share(self.audience, one.noegletal_id))
            if above and one.antal_taeller and not value:
                self.evened_out.add(v)
            if (value or v in self.evened_out) and (sensitive or one_has_it):
                self.hidden.add(v)
                width = (left if reason == FEW_LEFT and left else few) * self._worth(formula, value, persons)
                self._target(((v, 1.0),), max(width, largest or 0.0) if one_has_it else width, code)

    def _worth(self, formula: str, value: float, persons: int | None) -> float:
        """What one person is worth in a figure. Where persons are counted at most one: births less deaths of four persons each is not ten a person, and one each is not none."""
        if formula in self.differences:
            return 1.0
        worth = abs(value) / (persons or 1)
        return min(worth, 1.0) if self.rules.units.get(formula) in COUNTS else worth

    def _target(self, terms: tuple, width: float, owner: str | None) -> None:
        old = self.targets.get((terms, owner))
        self.targets[terms, owner] = Target(terms, max(width, old.width if old else 0), owner)

    def _small_rests(self) -> None:
        """What is left of a whole when a shown part is taken from it is held to the limit as a figure is: the part is withheld."""
        at = {name[:3]: v for name, v in self.index.items()}
        for whole, part, code, period in sorted(small_rests(self.figures, self.rules, self.audience)):
            v, w = at.get((part, code, period)), at.get((whole, code, period))
            if v is not None and w is not None and self.rows_of.get(w):
                self.hidden.add(v)
                self.primary |= {row: self.primary.get(row, FEW_LEFT) for row in self.rows_of.get(v, ())}
                self._target(tuple(sorted(((w, 1.0), (v, -1.0)))), float(self.rules.limit(self.audience, "*")[0]), code)
                self.rests.append((w, v))

    def _rests_of_what_was_shown(self) -> None:
        """Where the part has been read in an earlier release it is the whole that is withheld, if it has not."""
        for w, v in self.rests:
            if v in self.known and w not in self.known:
                self.hidden.add(w)
                self.primary |= {row: self.primary.get(row, FEW_LEFT) for row in self.rows_of.get(w, ())}

    def _group_sums(self) -> dict[tuple, tuple[list[int], set[Row]]]:
        """What the groups add up: the same members of the same formula are one sum, in whatever key figures it stands."""
        found: dict[tuple, tuple[list[int], list[Figure]]] = {}
        for one in self.figures:
            if one.bidrager:
                for group in self.rules.groups.get(one.kommunekode, []):
                    for above, formula, period, value in self._sides(one):
                        members, ones = found.setdefault((one.noegletal_id, above, formula, period, one.periode, *group), ([], []))
                        members.append(self._variable(formula, one.kommunekode, period, value))
                        ones.append(one)
        sums: dict[tuple, tuple[list[int], set[Row]]] = {}
        for (noegletal_id, above, formula, period, month, *group), (members, ones) in found.items():
            row = (noegletal_id, *group, month)
            sign = (formula, period, tuple(sorted(members)))
            sums.setdefault(sign, (members, set()))[1].add(row)
            if reason := self._small_sum(noegletal_id, above, formula, members, ones):
                # too few outweighs one who has nearly all
                self.primary[row] = reason if reason != DOMINANCE else self.primary.get(row, reason)
        return sums

    def _small_sum(self, noegletal_id: str, above: bool, formula: str, members: list[int], ones: Sequence[Figure | Published]) -> str | None:
        """Why a group's sum may not be shown for its own sake, if so; it is not to be known either."""
        (few, left), terms = self.rules.limit(self.audience, noegletal_id), tuple((m, 1.0) for m in sorted(set(members)))
        persons = [sum(n or 0 for n in ns) for ns in zip(*((o.antal_taeller, o.antal_naevner, o.antal_rest) for o in ones), strict=True)]
        about = any(o.antal_rest is not None for o in ones)
        reason = FEW if any(0 < n < few for n in persons[:2]) else FEW_LEFT if left and about and persons[0] and persons[2] < left else None
        total = sum(self._value(m) for m in members)
        # a person is counted in one municipality: the largest of the group is the largest of its members' largest
        largest = max((o.stoerste_taeller if above else o.stoerste_naevner) or 0.0 for o in ones)
        dominant = dominated(total, largest, self.rules.share(self.audience, noegletal_id))
        if dominant:
            self._target(terms, largest, None)
        some = total or above and persons[0]
        # as of a municipality: many above a line that few are below are no secret where their own figure is shown elsewhere
        sensitive = 0 < persons[0] < few or reason == FEW_LEFT or all(o.antal_taeller is None for o in ones) if above else 0 < persons[1] < few
        if reason and some and sensitive:
            self._target(terms, (left if reason == FEW_LEFT and left else few) * self._worth(formula, total, (persons[0] if above else persons[1]) or persons[1]), None)
        return reason if reason and some and (above or 0 < persons[1] < few) else DOMINANCE if dominant else None

    def _value(self, v: int) -> float:
        return self._named(v)[3]

    def _named(self, v: int) -> Variable:
        if len(self._names) != len(self.index):
            self._names = list(self.index)
        return self._names[v]

    def _equation(self, sign: tuple, members: list[int], rows: set[Row]) -> None:
        self.sums[sign] = len(self.equations)
        for noegletal_id, kind, _, month in rows:
            self.tables[noegletal_id, *sign[:2], month][kind].append(len(self.equations))
        if any(row in self.primary for row in rows):
            self.gone.add(len(self.equations))
        self.equations.append(Equation(tuple((m, 1.0) for m in members), unit=len(self.equations)))
        self.rows_of_sum.append(rows)

    def _published(self) -> None:
        """Earlier releases stand: what was shown is known, and what was added up then is an equation that nobody can take back."""
        of_release: dict[tuple, dict[tuple[bool, str], list[tuple[int, Published]]]] = defaultdict(lambda: defaultdict(list))
        shown: set[tuple] = set()
        kept_back: set[int] = set()             # variables
        kept_back_groups: set[tuple] = set()
        for old in self.before:
            key = (old.udgave, old.noegletal_id, old.periode)
            if old.gruppetype != "kommune":
                (shown if old.vist else kept_back_groups).add((*key, old.gruppetype, old.gruppekode))
                continue
            if not old.vist:
                self._small(old, old.gruppekode, primary(old, self.rules, self.audience))
            for above, formula, period, value in self._sides(old):
                v = self._variable(formula, old.gruppekode, period, value)
                if old.vist:
                    self.known.add(v)
                elif old.bidrager:          # else it was held back for its quality, which is another matter
                    kept_back.add(v)
                if old.bidrager:
                    for group in self.rules.groups.get(old.gruppekode, []):
                        of_release[(*key, *group)][above, formula].append((v, old))
        told = {frozenset(m for m, _ in members) for key in shown for members in of_release[key].values()}
        sum_of = {frozenset(members): e for (*_, members), e in self.sums.items()}
        for key, sides in of_release.items():
            for (above, formula), members in sides.items():
                together = frozenset(m for m, _ in members)
                if key in shown:
                    self._fixed(tuple((m, 1.0) for m, _ in members))
                elif key in kept_back_groups and together not in told:
                    self.gone |= {sum_of[together]} if together in sum_of else set()
                    self._small_sum(key[1], above, formula, [m for m, _ in members], [old for _, old in members])
        # What no release has shown is unknown also where it has been corrected since: the old value is a variable of its own.
        self.hidden |= {v for v in self.index.values() if not self.rows_of.get(v) and v not in self.known}
        # What the step has kept back it keeps back, as long as it stands: beside what was shown then it would be one equation more than was reckoned with.
        self.hidden |= kept_back
        self.hidden -= self.known

    def _fixed(self, terms: tuple) -> None:
        self.equations.append(Equation(terms))
        self.rows_of_sum.append(set())

    def _relations(self) -> None:
        """Parts and totals, municipality by municipality."""
        of: dict[tuple[str, str], dict[date, int]] = defaultdict(dict)
        for (formula, code, period, _), v in self.index.items():
            if self.rows_of.get(v):
                of[formula, code][period] = v
        wholes: list[tuple[str, str, list[tuple[str, float]]]] = [(kind, whole, [(part, c)]) for whole, part, c, kind in self.rules.relations if kind == "januar"]
        for total in sorted({whole for whole, _, _, kind in self.rules.relations if kind == "sum"}):
            wholes.append(("sum", total, [(part, c) for whole, part, c, kind in self.rules.relations if whole == total and kind == "sum"]))
        for kind, whole, parts in wholes:
            for (_, code), months in [item for item in of.items() if item[0][0] == whole]:
                for period, v in months.items():
                    terms = [(v, 1.0), *((of[p, code][period], -c) for p, c in parts if period in of.get((p, code), {}))]
                    if len(terms) == 1 + len(parts) and (kind == "sum" or period.month == 1):
                        self._fixed(tuple(terms))
        self._days_of_work(of)
        for parts in self.rules.balances():
            (first, _), *_ = parts
            for (_, code), months in [item for item in of.items() if item[0][0] == first]:
                for period in months:
                    if all(period in of.get((part, code), {}) for part, _ in parts):
                        self._fixed(tuple((of[part, code][period], c) for part, c in parts))

    def _days_of_work(self, of: dict[tuple[str, str], dict[date, int]]) -> None:
        """What is the same number of days of work times another in a month, for everybody (`hverdage`): the calendar tells which."""
        for whole, part in self.rules.pairs("hverdage"):
            pairs: dict[date, list[tuple[int, int]]] = defaultdict(list)
            for (formula, code), months in of.items():
                for period, v in months.items():
                    if formula == whole and (w := of.get((part, code), {}).get(period)) is not None and self._value(w):
                        pairs[period].append((v, w))
            for _, here in sorted(pairs.items()):
                v, w = max(here, key=lambda pair: self._value(pair[1]))
                days = round(self._value(v) / self._value(w))
                for v, w in here:
                    if abs(self._value(v) - days * self._value(w)) < ROUNDED:
                        self._fixed(((v, 1.0), (w, -float(days))))

    def _bounds(self) -> None:
        names = list(self.index)
        values = np.array([n[3] for n in names])
        negative = {n[0] for n in names if n[3] < 0} | self.differences
        low = np.array([-np.inf if n[0] in negative else min(1.0, n[3]) if self.rules.units.get(n[0]) in COUNTS and n[0] not in self.moves else 0.0 for n in names])
        high = np.full(len(names), np.inf)
        self.equations_of: dict[int, set[int]] = defaultdict(set)
        for e, equation in enumerate(self.equations):
            for v, _ in equation.terms:
                self.equations_of[v].add(e)
        at = {n[:3]: i for i, n in enumerate(names)}
        wholes: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for w, part, _, kind in self.rules.relations:
            if kind in ("del", "rest"):
                wholes[part].append((kind, w))
        for i, (formula, code, period, value) in enumerate(names):
            for kind, w in wholes.get(formula, ()):
                if (j := at.get((w, code, period))) is not None and values[j] >= value:
                    # a part is at most its whole, and a whole at least the part that is shown of it
                    if kind == "del" or j not in self.hidden:
                        high[i] = min(high[i], values[j])
                    if i not in self.hidden:
                        low[j] = max(low[j], value)
        self.system = System(values, np.minimum(low, values), high, [n[1] for n in names], self.equations, list(self.targets.values()))
        self.system.targets = [t for t in self.system.targets if not all(v in self.known for v, _ in t.terms)]

    # --- what is done ------------------------------------------------------------------------------------------------------------------------

    def protect(self) -> Family:
        """Withhold until nothing that rests on few is known closer than its limit demands."""
        Balance(self.system, self.hidden, self.gone, self.tables, self._may_be_hidden, self._cost,
                lambda es: len(set().union(*(self.rows_of_sum[e] for e in es)) - self._withheld_rows())).settle()
        for _ in range(10 * (len(self.index) + len(self.equations)) + 1):
            touched: set[int] = set()       # what has been mended in this round may have freed others that hang on the same equations
            done = [self._one_more(b, touched) for b in self.system.breaches(self.hidden, self.gone) if not touched & set(b.equations)]
            if not any(done):
                break
        return self

    def _one_more(self, breach: Breach, touched: set[int]) -> bool:
        """Withhold the cheapest unit that frees the target; else the cheapest equation it is worked out from. False when nothing is left to withhold."""
        if not breach.exact:
            return self._give_room(breach, touched)
        choices = [(0, self._cost(v), v) for v in breach.columns if self._may_be_hidden(v)]
        choices += [(1, self._cost_of_sum(e), e) for e in breach.deletions if self.equations[e].unit is not None]
        if not choices:
            choices = [(1, self._cost_of_sum(e), e) for e in breach.equations if self.equations[e].unit is not None and e not in self.gone]
        if not choices:
            choices = [(0, self._cost(v), v) for e in breach.equations for v, _ in self.equations[e].terms if self._may_be_hidden(v)]
        if not choices:
            # a difference is kept by either side of it: where one has been given away, by the other
            choices = [(0, self._cost(v), v) for v, _ in breach.target.terms if self._may_be_hidden(v)]
        if not choices:
            return False
        kind, _, chosen = min(choices, key=lambda c: (c[1], c[0], c[2]))
        (self.gone if kind else self.hidden).add(chosen)
        touched |= {chosen} if kind else self.equations_of[chosen]
        return True

    def _give_room(self, breach: Breach, touched: set[int]) -> bool:
        """One more unknown that stands where the target does, or else without all the sums that bind it; whichever takes fewer rows."""
        sums = [e for e in breach.deletions if self.equations[e].unit is not None]
        needed, grows = breach.target.width - breach.width, self._grow_with(breach)
        columns = [v for v in breach.columns if self._may_be_hidden(v) and (v in grows or self.system.values[v] - self.system.low[v] >= needed)]
        rows = len(set().union(*(self.rows_of_sum[e] for e in sums)) - self._withheld_rows())
        if not columns and not sums:
            # bound by what has been published, or by identities alone: any more unknown in them helps
            columns = [v for e in breach.deletions for v, _ in self.equations[e].terms if self._may_be_hidden(v) and (v in grows or self.system.values[v] > self.system.low[v])]
        if not columns and not sums:
            sums = sorted((e for e in breach.equations if self.equations[e].unit is not None and e not in self.gone), key=lambda e: (self._cost_of_sum(e), e))[:1]
            rows = 0
        if not columns and not sums:
            columns = [v for v, _ in breach.target.terms if self._may_be_hidden(v)]
        best = min(columns, key=lambda v: (self._cost(v)[0], v not in grows, self._cost(v), v), default=None)
        if best is not None and (not sums or self._cost(best)[0] <= rows):
            self.hidden.add(best)
            touched |= self.equations_of[best]
        else:
            self.gone |= set(sums)
            touched |= set(sums)
        return best is not None or bool(sums)

    def _grow_with(self, breach: Breach) -> set[int]:
        """What can grow when the target grows, for a sum of the two, with opposite signs, is known: in it a zero is room."""
        own = {v for v, _ in breach.target.terms}
        found = set()
        for e in breach.deletions:
            terms = self.equations[e].terms
            if self.equations[e].unit is None and (signs := {c > 0 for v, c in terms if v in own}):
                found |= {v for v, c in terms if v not in own and {c > 0} != signs and self._named(v)[0] in self.moves}
        return found

    def _may_be_hidden(self, v: int) -> bool:
        # a true zero is shown: a withheld figure is then known not to be one, and the bounds say so
        return v not in self.hidden and self.hideable(v)

    def hideable(self, v: int) -> bool:
        """Whether a figure can be withheld: it has not been read already, and is more than that there is nobody."""
        return v not in self.known and (self.system.values[v] != 0 or v in self.evened_out or self._named(v)[0] in self.moves)

    def _cost(self, v: int) -> tuple[float, float]:
        """How many rows it takes; among equals the municipality that has lost least, so that it is not always the smallest."""
        code = self.system.owners[v]
        lost = sum(1 for h in self.hidden if self.system.owners[h] == code)
        return (len(self.rows_of.get(v, set()) - self._withheld_rows()), lost)

    def _cost_of_sum(self, e: int) -> tuple[float, float]:
        return (len(self.rows_of_sum[e] - self._withheld_rows()), 0)

    def _withheld_rows(self) -> set[Row]:
        size = (len(self.hidden), len(self.gone))
        if getattr(self, "_size", None) != size:
            self._size = size
            self._rows = set().union(set(self.primary), *(self.rows_of[v] for v in self.hidden if v in self.rows_of), *(self.rows_of_sum[e] for e in self.gone))
        return self._rows

    def _same(self, earlier: Family) -> set[int]:
        names = list(earlier.index)
        self.gone |= {self.sums[s] for s, e in earlier.sums.items() if e in earlier.gone and s in self.sums}
        return {self.index[names[v]] for v in earlier.hidden if names[v] in self.index} - self.known

    def reasons(self) -> dict[Row, str]:
        """Each row that is withheld, with why: for its own sake, or for another's."""
        return {row: self.primary.get(row, DERIVED) for row in self._withheld_rows()}
