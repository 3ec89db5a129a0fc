"""Disclosure control: what the step withholds is held against an attacker that knows nothing of it (tests/afsloering/angreb.py), and against published cases."""

from __future__ import annotations

import csv
import random
import sys
from datetime import date

import duckdb
import numpy as np
import pytest

from flis.core.home import REPO
from flis.disclosure import tables
from flis.disclosure.system import Equation, System, Target, null_space
from flis.disclosure.withholding import Family, Figure, Published, Rules, withhold

sys.path.insert(0, str(REPO / "tests" / "afsloering"))
import angreb

# SSBtools' test data z1, as printed in the reference pages of GaussSuppression (Statistics Norway): recipients of benefits by region and main income.
REGIONS, INCOMES = "ABCDEFGH", ("annet", "arbeid", "soshjelp", "trygd")
Z1 = [[11, 11, 55, 36], [7, 1, 29, 18], [5, 8, 35, 25], [13, 2, 17, 13], [9, 14, 63, 52], [12, 9, 24, 22], [6, 4, 22, 8], [9, 3, 38, 15]]
PRIMARY = {("B", "arbeid"), ("D", "arbeid"), ("H", "arbeid")}                                               # at most 3
PUBLISHED_PATTERN = PRIMARY | {("B", "annet"), ("D", "annet"), ("H", "annet")}                               # rows 12, 13, 22, 23, 42, 43 of their table


def z1(width: float) -> tuple[System, dict[tuple[str, str], int]]:
    """Their table with its margins shown; nobody owns a cell."""
    at = {(r, i): n for n, (r, i) in enumerate((r, i) for r in REGIONS for i in INCOMES)}
    values = np.array([float(v) for row in Z1 for v in row])
    lines = [[at[r, i] for i in INCOMES] for r in REGIONS] + [[at[r, i] for r in REGIONS] for i in INCOMES]
    equations = [Equation(tuple((v, 1.0) for v in line), unit=n) for n, line in enumerate(lines)]
    targets = [Target(((at[cell], 1.0),), width) for cell in sorted(PRIMARY)]
    return System(values, np.zeros(32), np.full(32, np.inf), [None] * 32, equations, targets), at


def test_z1_with_the_small_cells_alone_is_no_protection():
    assert sum(sum(row) for row in Z1) == 596
    system, at = z1(3)
    (*found,) = system.breaches({at[c] for c in PRIMARY}, set())
    assert found and all(b.exact and b.insider is None for b in found)


def test_z1_as_published_holds_and_its_intervals_are_the_rows_sums():
    system, at = z1(5)
    hidden = {at[c] for c in PUBLISHED_PATTERN}
    assert system.breaches(hidden, set()) == []
    # B has 8 in its two withheld cells: arbeid is between 0 and 8, and no wider is true
    wide, at = z1(8.01)
    assert {b.exact for b in wide.breaches(hidden, set())} == {False}


def test_the_textbook_square():
    """Two by two with its margins and one cell withheld is known; with all four it has the interval of the smaller margins (Cox 1980)."""
    values = np.array([3.0, 17, 15, 25])
    sums = [Equation(((0, 1.0), (1, 1.0)), 0), Equation(((2, 1.0), (3, 1.0)), 1), Equation(((0, 1.0), (2, 1.0)), 2), Equation(((1, 1.0), (3, 1.0)), 3)]
    for width, hidden, safe in ((5, {0}, False), (18, {0, 1, 2, 3}, True), (18.01, {0, 1, 2, 3}, False)):
        system = System(values, np.zeros(4), np.full(4, np.inf), [None] * 4, sums, [Target(((0, 1.0),), width)])
        assert (system.breaches(hidden, set()) == []) is safe


def test_an_insider_is_one_who_knows_a_cell():
    """Two withheld in a sum hide each other from everybody, and from nobody who owns one of them."""
    for owners, safe in (([None, None], True), (["a", "b"], False)):
        system = System(np.array([3.0, 9]), np.zeros(2), np.full(2, np.inf), owners, [Equation(((0, 1.0), (1, 1.0)), 0)], [Target(((0, 1.0),), 5, owners[0])])
        assert (system.breaches({0, 1}, set()) == []) is safe


def test_null_space():
    a = np.array([[1.0, 1, 0], [0, 0, 2]])
    assert np.allclose(np.abs(null_space(a)[:, 0]), [2 ** -0.5, 2 ** -0.5, 0])
    assert null_space(np.zeros((0, 3))).shape == (3, 3)


# --- the step, and the attacker against it ------------------------------------------------------------------------------------------------------

MONTH = date(2026, 3, 1)
CODES = [f"{n:04}" for n in range(1, 41)]
SIDES = {"antal": ("dele", None), "andel": ("dele", "alle"), "resten": ("rest", "alle"), "dage": ("dage", "alle")}
FACTORS = {"alle": 1.0, "almene": 1.0, "fuldtid": 1.0, "til": 1.0, "fra": 1.0, "netto": 1.0, **dict.fromkeys(angreb.MOVEMENTS, 1.0), "antal": 1.0, "andel": 100.0, "resten": 100.0, "dage": 1.0}


def world(audience_limits: tuple = ()) -> Rules:
    return Rules(
        sides=SIDES, units={"dele": "personer", "rest": "personer", "alle": "personer", "dage": "dage"},
        relations=[("alle", "dele", 1.0, "sum"), ("alle", "rest", 1.0, "sum"), ("alle", "dele", 1.0, "del")],
        groups={k: [("landet", "000"), ("region", str(i % 3)), ("kommunegruppe", str(i % 4))] for i, k in enumerate(CODES)},
        audiences=["kommuner", *(a for a, _ in audience_limits)], limits={("kommuner", "*"): (5, 5), **{(a, "*"): (n, n) for a, n in audience_limits}})


def figures(seed: int, few: float) -> list[Figure]:
    """One month of municipalities, a share of which has few above the line."""
    dice, out = random.Random(seed), []
    for k in CODES:
        alle = dice.randint(20, 400)
        dele = 2 if k == CODES[7] else dice.choice([0, 1, 2, 3, 4]) if dice.random() < few else dice.randint(5, alle - 5)
        dage = round(dele * dice.uniform(0.5, 9), 2)
        for one, (t, n, persons) in {"antal": (dele, None, dele), "andel": (dele, alle, dele), "resten": (alle - dele, alle, alle - dele), "dage": (dage, alle, dele)}.items():
            out.append(Figure(one, k, MONTH, MONTH, float(t), None if n is None else float(n), True, True, persons, None if n is None else alle, alle - dele if one == "andel" else None))
    return out


def published(rows: list[Figure], rules: Rules, held: set[tuple], audience: str = "kommuner") -> angreb.World:
    """What the attacker reads when these rows are withheld of them."""
    out, month = angreb.World(formulas={one: (t, n, FACTORS[one]) for one, (t, n) in rules.sides.items()}), MONTH.isoformat()
    hide = {(one, kind, code): scope for who, one, kind, code, _, scope, _ in held if who == audience}
    for f in rows:
        t, n = rules.sides[f.noegletal_id]
        out.rows += 1
        for formula, value in ((t, f.taeller), (n, f.naevner)):
            if formula:
                out.truth[formula, f.kommunekode, month] = value
                if (f.noegletal_id, "kommune", f.kommunekode) not in hide:
                    out.shown[formula, f.kommunekode, month] = value
        if (f.noegletal_id, "kommune", f.kommunekode) in hide:
            out.withheld.add((f.noegletal_id, f.kommunekode, month))
            out.numerator[f.noegletal_id, f.kommunekode, month] = (t, f.kommunekode, month)
            out.candidates |= {(x, f.kommunekode, month) for x in (t, n) if x}
        for group in rules.groups[f.kommunekode]:
            out.members[f.noegletal_id, month, *group].append(f.kommunekode)
    by = {(f.noegletal_id, f.kommunekode): f for f in rows}
    for (one, _, kind, code), members in out.members.items():
        scope = hide.get((one, kind, code))
        if scope != "alt":
            ones = [by[one, k] for k in members]
            below = None if ones[0].naevner is None else sum(o.naevner for o in ones)
            mean = sum(FACTORS[one] * o.taeller / (o.naevner or 1) for o in ones) / len(ones)
            out.groups.append((one, month, kind, code, sum(o.taeller for o in ones), below, None if scope else mean))
    out.parts = angreb._parts(out)
    return out


def nothing_comes_back(found: dict) -> None:
    assert found["skjulte_taellere"] > 0
    assert {k: found[k] for k in ("gruppesummer", "med_simple_gennemsnit", "med_sammenhaenge", "antal_praecist", "antal_under_graensen", "indefra")} == {
        "gruppesummer": 0, "med_simple_gennemsnit": 0, "med_sammenhaenge": 0, "antal_praecist": 0, "antal_under_graensen": 0, "indefra": 0}, found["snaevre_celler"]


@pytest.mark.parametrize("seed, few", [(1, 0.0), (2, 0.1), (3, 0.3), (4, 0.7), (5, 0.1)])
def test_nothing_comes_back(seed, few):
    rules, rows = world(), figures(seed, few)
    held = set(withhold(rows, rules))
    nothing_comes_back(angreb.attack(published(rows, rules, held), pairs=True))
    assert sum(1 for h in held if h[2] == "kommune" and h[6] != "kan_udledes")


def test_the_attacker_finds_what_the_small_ones_alone_leave():
    """The attack that the step is held to has teeth: with nothing but the primary it finds what there is to find."""
    rules, rows = world(), figures(2, 0.1)
    primary = {h for h in withhold(rows, rules) if h[6] != "kan_udledes"}
    found = angreb.attack(published(rows, rules, primary))
    assert found["med_sammenhaenge"] == found["skjulte_taellere"] > 0


def test_all_small_ones_are_withheld_and_no_zero():
    rules, rows = world(), figures(3, 0.3)
    held = {(one, code) for _, one, kind, code, _, _, _ in withhold(rows, rules) if kind == "kommune"}
    for f in rows:
        few = 0 < (f.antal_taeller or 0) < 5 or 0 < (f.antal_naevner or 0) < 5
        assert not few or (f.noegletal_id, f.kommunekode) in held
    zeros = {(f.noegletal_id, f.kommunekode) for f in rows if f.noegletal_id == "antal" and f.taeller == 0}
    assert zeros and not zeros & held


def test_as_many_who_went_as_came_is_not_nobody():
    """A net of zero rests on those who came and went: three of them are few, in a municipality and in a group, though the value is that of nobody."""
    rules = world()
    rules.sides, rules.units = {"til": ("til", None), "fra": ("fra", None), "netto": ("netto", "alle")}, {"til": "personer", "fra": "personer", "netto": "personer", "alle": "personer"}
    rules.relations = [("netto", "til", 1.0, "sum"), ("netto", "fra", -1.0, "sum")]
    moves = {k: (0, 0) if i % 4 == 0 else (1, 1) if i in (1, 2) else (20 + i, 15) for i, k in enumerate(CODES)}
    moves |= {k: (1, 1) if k == CODES[4] else (0, 0) for k in CODES[::4]}        # the first kommunegruppe: one who came and one who went
    rows = [Figure(one, k, MONTH, MONTH, float(t), n, True, True, persons, n and int(n), None)
            for k, (came, went) in moves.items()
            for one, t, n, persons in (("til", came, None, came), ("fra", went, None, went), ("netto", came - went, 400.0, came + went))]
    away = {(one, kind, code) for _, one, kind, code, _, scope, _ in withhold(rows, rules) if scope == "alt"}
    assert {("netto", "kommune", CODES[i]) for i in (1, 2, 4)} <= away
    assert ("netto", "kommunegruppe", "0") in away
    assert not away & {("netto", "kommune", CODES[0]), ("til", "kommune", CODES[0]), ("netto", "landet", "000")}
    nothing_comes_back(angreb.attack(published(rows, rules, set(withhold(rows, rules)))))


@pytest.mark.parametrize("tied", [True, False])
def test_what_the_population_has_grown_by_tells_no_movement(tied):
    """The population of this month and the next is public, so one movement that alone is withheld is the growth less the others; where it is the only one there was, a zero must hide it."""
    dice, rules, moves = random.Random(1), world(), list(angreb.MOVEMENTS)
    rules.sides, rules.units = {m: (m, None) for m in moves}, dict.fromkeys(moves, "personer")
    rules.relations = [(angreb.STOCK, m, c, "tilvaekst") for m, c in angreb.MOVEMENTS.items()] if tied else []
    counts = {k: {m: dice.choice([0, 0, 1, 2, 9, 30]) for m in moves} for k in CODES}
    counts[CODES[3]] = {m: int(m == "doede") for m in moves}        # one death, and nothing else
    rows = [Figure(m, k, MONTH, MONTH, float(n), None, True, True, n, None, None) for k, of in counts.items() for m, n in of.items()]
    held = set(withhold(rows, rules))
    seen = published(rows, rules, held)
    for k, of in counts.items():
        grown = sum(c * of[m] for m, c in angreb.MOVEMENTS.items())
        for month, people in (("2026-03-01", 1000.0), ("2026-04-01", 1000.0 + grown)):
            seen.shown[angreb.STOCK, k, month] = seen.truth[angreb.STOCK, k, month] = people
    found = angreb.attack(seen)
    if tied:
        nothing_comes_back(found)
        assert len({one for _, one, kind, code, *_ in held if (kind, code) == ("kommune", CODES[3])}) > 1
    else:
        assert found["med_sammenhaenge"] > 10       # the attacker has teeth


def test_few_who_are_left_are_few():
    """56 of 58, and all of them: those below the line who are not above it are persons too."""
    rows = [Figure("andel", k, MONTH, MONTH, t, 58.0, True, True, int(t), 58, 58 - int(t)) for k, t in zip(CODES, [56.0, 58.0, *[20.0 + i for i in range(30)]], strict=False)]
    reasons = {code: why for _, _, kind, code, _, _, why in withhold(rows, world()) if kind == "kommune"}
    assert reasons[CODES[0]] == reasons[CODES[1]] == "faa_resten" and set(reasons.values()) == {"faa_resten", "kan_udledes"}


def dominance(largest: float, shares: dict, above: bool = True) -> dict[str, dict[str, str]]:
    """What is withheld, by audience and municipality, where the largest of the first municipality's six has this much of 100."""
    rules = world((("kl", 5),))
    rules.shares = shares
    rows = [Figure("dage", k, MONTH, MONTH, 100.0 if above else 30.0, 100.0, True, True, 6, 6, None, *((v, None) if above else (None, v)))
            for k, v in [(CODES[0], largest), *((k, 20.0) for k in CODES[1:])]]
    found: dict[str, dict[str, str]] = {a: {} for a in rules.audiences}
    for who, _, kind, code, _, scope, why in withhold(rows, rules):
        if kind == "kommune" and scope == "alt":
            found[who][code] = why
    return found


@pytest.mark.parametrize("above", [True, False])
def test_six_of_whom_one_has_nearly_all(above):
    """Six persons are enough, but not where one has 95 of the 100: the other five could tell it. It needs company, for the sums would give it back."""
    found = dominance(95.0, {("kommuner", "*"): 0.85, ("kl", "*"): 0.85}, above)
    for of_audience in found.values():
        assert of_audience[CODES[0]] == "dominans"
        assert set(of_audience.values()) == {"dominans", "kan_udledes"}


@pytest.mark.parametrize("largest, shares", [(17.0, 0.85), (85.0, 0.85), (95.0, None)])
def test_six_even_ones_are_shown_and_so_is_one_at_the_limit_or_without_one(largest, shares):
    assert dominance(largest, {("kommuner", "*"): shares, ("kl", "*"): shares}) == {"kommuner": {}, "kl": {}}


def test_dominance_has_a_limit_per_audience_and_key_figure():
    assert {a: ones.get(CODES[0]) for a, ones in dominance(95.0, {("kommuner", "*"): 0.99, ("kl", "*"): 0.85}).items()} == {"kommuner": None, "kl": "dominans"}
    assert dominance(95.0, {("kommuner", "*"): 0.85, ("kommuner", "dage"): None}) == {"kommuner": {}, "kl": {}}


def test_an_audience_is_shown_no_more_than_the_one_before():
    rules = world((("offentlig", 10),))
    held = set(withhold(figures(5, 0.1), rules))
    of = {a: {h[1:5] for h in held if h[0] == a and h[5] == "alt"} for a in rules.audiences}
    assert of["kommuner"] < of["offentlig"]


AUDIENCES = {"kommuner": 5, "kl": 6, "stat": 8, "offentlig": 12}


def test_the_audiences_are_those_of_the_seed():
    with (REPO / "seeds" / "faelles" / "fortrolighedsgraense.csv").open(encoding="utf-8", newline="") as file:
        assert list(dict.fromkeys(r["modtagerkreds"] for r in sorted(csv.DictReader(file), key=lambda r: int(r["raekkefoelge"])))) == list(AUDIENCES)


@pytest.mark.parametrize("audience", AUDIENCES)
def test_each_audience_goes_through_the_step_with_limits_of_its_own(audience, monkeypatch):
    """Withheld by its own limit, and nothing that it is shown tells what is not, closer than that limit."""
    rules, rows = world(tuple(list(AUDIENCES.items())[1:])), figures(2, 0.2)
    held, few = set(withhold(rows, rules)), AUDIENCES[audience]
    gone = {(h[1], h[3]) for h in held if h[0] == audience and h[2] == "kommune"}
    small = {(f.noegletal_id, f.kommunekode) for f in rows if 0 < (f.antal_taeller or 0) < few or 0 < (f.antal_naevner or 0) < few}
    assert small and small <= gone
    monkeypatch.setattr(angreb, "LIMIT", few)
    seen = published(rows, rules, held, audience)
    # what is withheld for another's sake may come back when it is not needed; what is small may not
    own_sake = {(h[1], h[3]) for h in held if h[0] == audience and h[6] != "kan_udledes"}
    seen.withheld = {w for w in seen.withheld if w[:2] in own_sake}
    nothing_comes_back(angreb.attack(seen))


def release(rows: list[Figure], rules: Rules, held: set[tuple], number: int) -> list[Published]:
    """What `flis package` notes of what has left."""
    hide = {(one, kind, code) for _, one, kind, code, _, scope, _ in held if scope == "alt"}
    out = [Published(number, f.noegletal_id, "kommune", f.kommunekode, f.periode, f.naevner_periode, f.taeller, f.naevner, f.bidrager, (f.noegletal_id, "kommune", f.kommunekode) not in hide,
                     f.antal_taeller, f.antal_naevner, f.antal_rest) for f in rows]
    groups = {(f.noegletal_id, *g) for f in rows if f.bidrager for g in rules.groups[f.kommunekode]}
    return out + [Published(number, one, kind, code, MONTH, MONTH, None, None, False, (one, kind, code) not in hide) for one, kind, code in groups]


@pytest.mark.parametrize("seed, few", [(0, 0.2), (3, 0.3), (7, 0.3), (11, 0.1)])       # worlds in which what was shown can be protected in another way too
def test_a_release_of_the_same_figures_shows_no_more(seed, few):
    """Beside what has been shown, a sum that was kept back is one equation more: what the step has kept back once it keeps back."""
    rules, rows = world(), figures(seed, few)
    before = set(withhold(rows, rules))
    assert {h[:6] for h in withhold(rows, rules, release(rows, rules, before, 1))} == {h[:6] for h in before}


@pytest.mark.parametrize("seed", [*range(6, 18)])        # among them worlds in which a second release made without looking at the first gives figures away
def test_a_late_correction_frees_nothing_that_was_withheld(seed):
    """Two municipalities correct a figure; what everybody then has is both versions, and a figure that has not moved is the same in both."""
    rules, first = world(), figures(seed, 0.1)
    before = set(withhold(first, rules))
    shown = next(f for f in first if f.noegletal_id == "antal" and f.taeller > 30 and (*("kommuner", "antal", "kommune", f.kommunekode, MONTH), "alt", "kan_udledes") not in before)
    small = next(f for f in first if f.noegletal_id == "antal" and 0 < f.taeller < 5)

    def corrected(f: Figure) -> Figure:
        change = {shown.kommunekode: -7, small.kommunekode: 9}.get(f.kommunekode, 0)
        if not change or f.noegletal_id == "dage":
            return f
        above = change if f.noegletal_id in ("antal", "andel") else -change if f.noegletal_id == "resten" else 0
        left = None if f.antal_rest is None else f.antal_rest - change
        return Figure(f.noegletal_id, f.kommunekode, f.periode, f.naevner_periode, f.taeller + above, f.naevner, True, True, f.antal_taeller + above, f.antal_naevner, left)

    second = [corrected(f) for f in first]
    after = set(withhold(second, rules, release(first, rules, before, 1)))
    both, old = published(second, rules, after), published(first, rules, before)
    month = MONTH.isoformat()
    moved = {v for v in old.truth if old.truth[v] != both.truth[v]}
    renamed = {v: (v[0], v[1] + "*", v[2]) if v in moved else v for v in old.truth}       # a figure that was corrected is another figure
    both.shown |= {renamed[v]: x for v, x in old.shown.items()}
    both.truth |= {renamed[v]: x for v, x in old.truth.items()}
    both.candidates |= {renamed[v] for v in old.candidates}
    # What protects another may come back when it is no longer needed; what is small itself may not.
    own_sake = [{(one, code) for _, one, kind, code, _, _, why in held if kind == "kommune" and why != "kan_udledes"} for held in (before, after)]
    both.withheld = {w for w in both.withheld if w[:2] in own_sake[1]}
    both.withheld |= {(one, renamed[old.numerator[one, k, m]][1], m) for one, k, m in old.withheld if (one, k) in own_sake[0]}
    both.numerator |= {(one, renamed[v][1], m): renamed[v] for (one, k, m), v in old.numerator.items()}
    for one, _, kind, code, *sums in old.groups:
        again = f"{one}#"
        both.formulas[again] = rules.sides[one] + (FACTORS[one],)
        sides = {k: [(s, renamed[s, k, month][1]) for s in rules.sides[one] if s] for k in old.members[one, month, kind, code]}
        for s, total in zip(rules.sides[one], sums[:2], strict=True):
            if s:
                part = f"{again}{s}"
                both.formulas[part] = (s, None, 1.0)
                both.members[part, month, kind, code] = [dict(sides[k])[s] for k in old.members[one, month, kind, code]]
                both.groups.append((part, month, kind, code, total, None, None))
    # What everybody has read is no secret any more, though it has become small since.
    both.withheld = {w for w in both.withheld if both.numerator[w] not in both.shown}
    nothing_comes_back(angreb.attack(both))


def nested(seed: int) -> list[Figure]:
    """Pupils, and those of them in ordinary schools: the few who are left are counted by no figure."""
    dice, out = random.Random(seed), []
    for k in CODES:
        whole = dice.randint(40, 400)
        part = whole - dice.choice([0, 0, 1, 2, 3, 4, 9, 20])
        out += [Figure(one, k, MONTH, MONTH, float(n), None, True, True, n, None, None) for one, n in (("alle", whole), ("almene", part))]
    return out


@pytest.mark.parametrize("seed", range(4))
def test_what_is_left_of_two_shown_figures_is_held_to_the_limit(seed):
    """As if the few who are left were a figure of their own: the attacker is given it as one that is withheld, with its sum."""
    rules, rows = world(), nested(seed)
    rules.sides, rules.units = {"alle": ("alle", None), "almene": ("almene", None)}, {"alle": "personer", "almene": "personer"}
    rules.relations = [("alle", "almene", 1.0, "rest")]
    by = {(f.noegletal_id, f.kommunekode): f.taeller for f in rows}
    left = {k: by["alle", k] - by["almene", k] for k in CODES}
    assert any(0 < n < 5 for n in left.values())
    held = set(withhold(rows, rules))
    hidden = {(one, code) for _, one, kind, code, _, scope, _ in held if kind == "kommune" and scope == "alt"}
    assert all(("almene", k) in hidden or ("alle", k) in hidden for k, n in left.items() if 0 < n < 5)
    assert set(withhold(rows, Rules(**{**vars(rules), "relations": []}))) == set()
    # the rest of a municipality is the whole less the part, so who knows the part knows it
    seen = published(rows, rules, held)
    seen.withheld = {w for w in seen.withheld if w[0] == "almene" and 0 < left[w[1]] < 5}
    found = angreb.attack(seen)
    assert found["skjulte_taellere"] > 0
    assert found["gruppesummer"] == found["med_sammenhaenge"] == found["antal_praecist"] == 0


def test_days_of_work_are_the_calendars():
    """A month's possible days are its days of work times the full-time staff: shown in one, they are not withheld in the other."""
    rules = world()
    rules.sides, rules.units = {"dage": ("dage", None), "fuldtid": ("fuldtid", None)}, {"dage": "dagsværk", "fuldtid": "årsværk"}
    rules.relations = [("dage", "fuldtid", 1.0, "hverdage")]
    rows = [Figure(one, k, MONTH, MONTH, n * (21 if one == "dage" else 1), None, True, True, int(n), None, None) for k, n in zip(CODES, range(2, 42), strict=True) for one in ("dage", "fuldtid")]
    hidden = {(one, code) for _, one, kind, code, _, scope, _ in withhold(rows, rules) if kind == "kommune" and scope == "alt"}
    assert ("fuldtid", CODES[0]) in hidden
    for code in CODES:
        assert (("fuldtid", code) in hidden) == (("dage", code) in hidden)


def test_of_a_small_rest_whose_part_was_shown_the_whole_is_withheld():
    """All pupils less those of ordinary schools are two; a release has shown the part, and not the whole: the whole is not shown now. Also where the part is told by the days of work alone."""
    rules = world()
    rules.sides = {"hel": ("hel", None), "lidt": ("lidt", None), "dage": ("dage", None)}
    rules.units = dict.fromkeys(("hel", "lidt"), "årsværk") | {"dage": "dagsværk"}
    rules.relations = [("hel", "lidt", 1.0, "rest"), ("dage", "lidt", 1.0, "hverdage")]
    number = {"hel": lambda n: n + 2, "lidt": lambda n: n, "dage": lambda n: 21 * n}
    rows = [Figure(one, k, MONTH, MONTH, float(number[one](n)), None, True, True, n, None, None) for k, n in zip(CODES, range(30, 70), strict=True) for one in number]
    # without a release the part is, and with it what tells of it
    hidden = {(one, code) for _, one, kind, code, _, scope, _ in withhold(rows, rules) if kind == "kommune" and scope == "alt"}
    assert {("lidt", CODES[0]), ("dage", CODES[0])} <= hidden
    for told in ("lidt", "dage"):
        before = release(rows, rules, {("kommuner", one, "kommune", k, MONTH, "alt", "faa_resten") for one in number if one != told for k in CODES}, 1)
        hidden = {(one, code) for _, one, kind, code, _, scope, _ in withhold(rows, rules, before) if kind == "kommune" and scope == "alt"}
        assert {("hel", code) for code in CODES} <= hidden, told


@pytest.mark.parametrize("shown", [False, True])
def test_a_groups_small_sum_is_not_to_be_known_after_it_is_corrected(shown):
    """Two municipalities of one and two persons are a group of three: what was kept back of it then is not to come out by what is shown now; what was shown is known."""
    rules, (one, two, other) = world(), CODES[:3]
    rules.groups = {one: [("region", "9")], two: [("region", "9")], other: [("region", "8")]}
    first = [Figure("antal", k, MONTH, MONTH, float(n), None, True, True, n, None, None) for k, n in ((one, 1), (two, 2), (other, 80))]
    now = [Figure("antal", k, MONTH, MONTH, float(n), None, True, True, n, None, None) for k, n in ((one, 30), (two, 40), (other, 80))]
    held = set() if shown else {("kommuner", "antal", *g, MONTH, "alt", "faa_personer") for g in (("region", "9"), ("kommune", one), ("kommune", two))}
    family = Family(("alle", MONTH), now, release(first, rules, held, 1), rules, "kommuner")
    sums = [t for t in family.system.targets if len(t.terms) == 2]
    assert [(t.width, sum(family.system.values[v] for v, _ in t.terms)) for t in sums] == ([] if shown else [(5.0, 3.0)])


def test_what_was_published_is_known_to_a_new_database(tmp_path):
    """The record of releases lies beside the archive: made anew, flis.duckdb would else let a figure out in another way than it was kept back before."""

    def home(name: str) -> duckdb.DuckDBPyConnection:
        con = duckdb.connect()
        con.execute(f"attach '{tmp_path / name}' as flis")
        return con

    folder, told = tmp_path / "offentliggjort", f"select * from flis.drift.{tables.RECORD} order by all"
    with home("gammel.duckdb") as old, home("ny.duckdb") as new:
        tables.recover(old, folder)
        assert not folder.exists()
        tables.prepare(old)
        for number in (1, 2):
            old.execute(f"insert into flis.drift.{tables.RECORD} by name select {number} as udgave, 'KPI' as noegletal_id, 'kommune' as gruppetype, '0101' as gruppekode, date '2026-01-01' as periode, "
                        f"{number}.5 as taeller, true as bidrager, false as vist, 4 as antal_taeller")
        tables.keep(old, folder)
        assert tables.recover(new, folder) == 2
        assert tables.recover(new, folder) == 0
        assert old.execute(told).fetchall() == new.execute(told).fetchall() != []
