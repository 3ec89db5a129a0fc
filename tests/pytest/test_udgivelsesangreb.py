"""The attack on a release (flis.package.attack): what is about to leave is read as it stands, and does not leave when it tells what is withheld."""

from __future__ import annotations

import duckdb
import pytest

from flis.core.home import Home
from flis.disclosure.withholding import Figure, Rules, tasks, withhold
from flis.package.attack import Disclosed, attack, attacked
from test_afsloering import CODES, FACTORS, MONTH, SIDES, figures, release, world

RULES = world()


@pytest.fixture(scope="module")
def rows():
    return figures(2, 0.1)


@pytest.fixture(scope="module")
def held(rows):
    return sorted(withhold(rows, RULES))


def house(rows, held, before=()) -> duckdb.DuckDBPyConnection:
    """The tables that a release is made of, with nothing between what is to be withheld and what is."""
    con = duckdb.connect()
    con.execute("attach ':memory:' as flis")
    for schema in ("marts", "koder", "drift"):
        con.execute(f"create schema flis.{schema}")
    con.execute("use flis")
    put(con, "marts.int_faelles__kommunetal", "noegletal_id varchar, kommunekode varchar, periode date, naevner_periode date, taeller double, naevner double, vaerdi double, bidrager boolean, kvalitetsstatus varchar, "
        "antal_taeller bigint, antal_naevner bigint, antal_rest bigint, stoerste_taeller double, stoerste_naevner double",
        [(f.noegletal_id, f.kommunekode, f.periode, f.naevner_periode, f.taeller, f.naevner, value(f), True, "i_orden", f.antal_taeller, f.antal_naevner, f.antal_rest, f.stoerste_taeller, f.stoerste_naevner) for f in rows])
    put(con, "marts.dim_noegletal", "noegletal_id varchar, taeller_formel varchar, naevner_formel varchar, faktor double", [(one, *sides, FACTORS[one]) for one, sides in SIDES.items()])
    put(con, "marts.dim_kommune", "kommunekode varchar, er_kommune boolean, regionskode varchar, kommunegruppekode varchar", [(k, True, groups[1][1], groups[2][1]) for k, groups in RULES.groups.items()])
    put(con, "koder.formel", "formel_id varchar, enhed varchar", list(RULES.units.items()))
    put(con, "koder.formelsammenhaeng", "formel_id varchar, led_formel_id varchar, koefficient double, sammenhaeng varchar", RULES.relations)
    put(con, "koder.fortrolighedsgraense", "modtagerkreds varchar, raekkefoelge integer, noegletal_id varchar, mindste_antal_personer integer, mindste_rest integer, stoerste_andel double", [("kommuner", 1, "*", 5, 5, 0.85)])
    put(con, "marts.int_faelles__tilbageholdt", "modtagerkreds varchar, noegletal_id varchar, gruppetype varchar, gruppekode varchar, periode date, omfang varchar, grund varchar", held)
    scope = {h[1:4]: h[5] for h in held}
    groups = {}
    for f in rows:
        for group in RULES.groups[f.kommunekode]:
            groups.setdefault((f.noegletal_id, *group), []).append(f)
    every = [(f.noegletal_id, "kommune", f.kommunekode, f.taeller, f.naevner, value(f), value(f)) for f in rows] + [(*g, *together(fs)) for g, fs in groups.items()]
    put(con, "marts.fct_noegletal__benchmark", "noegletal_id varchar, gruppetype varchar, gruppekode varchar, periode date, taeller double, naevner double, vaerdi double, simpelt_gennemsnit double, "
        "fortrolighedsstatus varchar, kvalitetsstatus varchar default 'i_orden'",
        [(one, kind, code, MONTH, *((None, None, None, None, "tilbageholdt") if scope.get((one, kind, code)) == "alt" else (t, n, v, None if (one, kind, code) in scope else mean, "fri")))
         for one, kind, code, t, n, v, mean in every])
    beside = []
    for (one, kind, code), fs in groups.items():
        hidden = {f.kommunekode for f in fs if scope.get((one, "kommune", f.kommunekode)) == "alt"}
        for own in fs:
            others_seen, group = not hidden - {own.kommunekode}, scope.get((one, kind, code))
            for which, ones in (("med", fs), ("uden", [f for f in fs if f is not own])):
                _, _, v, mean = together(ones)
                seen = others_seen or group != "alt"
                beside.append((one, own.kommunekode, MONTH, kind, code, which, v if seen else None, mean if others_seen or not group else None,
                               "fri" if seen else "tilbageholdt", "som_leveret" if seen else "ikke_oplyst"))
    put(con, "marts.fct_noegletal__sammenligning", "noegletal_id varchar, kommunekode varchar, periode date, gruppetype varchar, gruppekode varchar, egen_kommune varchar, vaegtet_gennemsnit double, "
        "simpelt_gennemsnit double, fortrolighedsstatus varchar, observationsstatus varchar", beside)
    put(con, "drift.offentliggjort", "udgave bigint, noegletal_id varchar, gruppetype varchar, gruppekode varchar, periode date, naevner_periode date, taeller double, naevner double, bidrager boolean, vist boolean",
        [(p.udgave, p.noegletal_id, p.gruppetype, p.gruppekode, p.periode, p.naevner_periode, p.taeller, p.naevner, p.bidrager, p.vist) for p in before])
    return con


def value(f: Figure) -> float:
    return FACTORS[f.noegletal_id] * f.taeller / (f.naevner or 1)


def together(fs: list[Figure]) -> tuple:
    """Numerator, denominator, weighted and simple average of these."""
    above, below = sum(f.taeller for f in fs), None if fs[0].naevner is None else sum(f.naevner for f in fs)
    return above, below, None if below is None else FACTORS[fs[0].noegletal_id] * above / below, sum(value(f) for f in fs) / len(fs)


def put(con, table: str, columns: str, rows: list) -> None:
    con.execute(f"create table flis.{table} ({columns})")
    if rows:
        names = ", ".join(column.strip().split(" ")[0] for column in columns.split(",")[:len(rows[0])])
        con.executemany(f"insert into flis.{table} ({names}) values ({', '.join('?' * len(rows[0]))})", [list(r) for r in rows])


def test_a_release_that_tells_nothing_leaves_and_is_attacked_once(rows, held, tmp_path):
    home, con = Home(tmp_path), house(rows, held)
    found = attack(con, home, 7)
    own = sum(1 for h in held if h[5] == "alt" and h[6] != "kan_udledes")
    assert (found["praecist"], found["for_taet"], found["smalleste"], found["egen"], found["nye"]) == (0, 0, 1.0, own, 2)
    assert con.execute("select familie, periode, praecist, ny, koersel from flis.drift.angreb order by familie").fetchall() == [("alle", MONTH, 0, True, 7), ("dage", MONTH, 0, True, 7)]
    assert con.execute("select haendelse, detalje->>'egen' from flis.drift.haendelse").fetchall() == [("angrebet", str(own))]
    page = (home.reports / "afsloering.html").read_text("utf-8")
    assert "Hvad den seneste udgivelse røber" in page and "Intet." in page
    assert "mindst 5 personer, mindst 5 uden for tælleren, ingen person over 85\u00a0% af beløbet eller tiden" in page
    assert attack(con, home, 8)["nye"] == 0
    con.execute("update flis.marts.int_faelles__kommunetal set taeller = taeller + 3 where noegletal_id = 'antal' and kommunekode = '0002'")
    assert attack(con, home, 9)["nye"] == 1


def test_a_row_that_was_to_be_withheld_and_is_shown_does_not_leave(rows, held, tmp_path):
    """A fault between the step and the table that is published."""
    con = house(rows, held)
    _, one, kind, code, *_ = next(h for h in held if h[2] == "kommune" and h[5] == "alt")
    con.execute("update flis.marts.fct_noegletal__benchmark set vaerdi = 1 where noegletal_id = $1 and gruppetype = $2 and gruppekode = $3", [one, kind, code])
    with pytest.raises(Disclosed, match=f"not as int_faelles__tilbageholdt says in 1 rows .{one}, kommune {code}"):
        attack(con, Home(tmp_path), None)
    con.execute("update flis.marts.fct_noegletal__benchmark set vaerdi = null, fortrolighedsstatus = 'fri' where noegletal_id = $1 and gruppetype = $2 and gruppekode = $3", [one, kind, code])
    with pytest.raises(Disclosed, match="not as int_faelles__tilbageholdt says in 1 rows"):
        attack(con, Home(tmp_path), None)


def test_an_average_that_was_to_be_withheld_does_not_leave(rows, held, tmp_path):
    con = house(rows, held)
    _, one, kind, code, *_ = next(h for h in held if h[5] == "gennemsnit")
    con.execute("update flis.marts.fct_noegletal__benchmark set simpelt_gennemsnit = 1 where noegletal_id = $1 and gruppetype = $2 and gruppekode = $3", [one, kind, code])
    with pytest.raises(Disclosed, match=f"not as int_faelles__tilbageholdt says in 1 rows .{one}, {kind} {code}"):
        attack(con, Home(tmp_path), None)


def test_an_average_that_the_step_forgot_does_not_leave(rows, held, tmp_path):
    """The step and the table agree, and both show the average of a group of which a member is withheld."""
    forgotten = next(h for h in held if h[5] == "gennemsnit")
    with pytest.raises(Disclosed, match=f"1 simple averages of groups of which somebody is withheld .{forgotten[1]}, {forgotten[2]} {forgotten[3]}"):
        attack(house(rows, [h for h in held if h != forgotten]), Home(tmp_path), None)


def beside_others(con, held, shown: str, **where) -> tuple:
    """A row of what one municipality is told of the others, which another of the group is withheld in."""
    hidden = [(h[1], h[3]) for h in held if h[2] == "kommune" and h[5] == "alt"]
    for one, code, kind, group in con.execute(f"select noegletal_id, kommunekode, gruppetype, gruppekode from flis.marts.fct_noegletal__sammenligning where egen_kommune = 'uden' and {shown} order by all").fetchall():
        if any(h == one and k != code and (kind, group) in RULES.groups[k] for h, k in hidden):
            return one, code, kind, group
    raise AssertionError("the world has no such row")


FAULTS = {      # what is wrong in "beside others", in a row of which what is true before
    "an average of others of whom one is withheld": ("simpelt_gennemsnit = 1", "simpelt_gennemsnit is null and fortrolighedsstatus = 'fri'"),
    "a sum that the benchmark withholds": ("vaegtet_gennemsnit = 1, fortrolighedsstatus = 'fri', observationsstatus = 'som_leveret'", "fortrolighedsstatus <> 'fri' and noegletal_id <> 'antal'"),
    "a value where the status says withheld": ("vaegtet_gennemsnit = 1", "fortrolighedsstatus <> 'fri'"),
    "a status that tells that the others are zero": ("observationsstatus = 'aegte_nul'", "fortrolighedsstatus <> 'fri'"),
    "the weighted average of other members than those shown": ("vaegtet_gennemsnit = vaegtet_gennemsnit + 1", "vaegtet_gennemsnit is not null"),
    "a group that nobody else is told of": ("gruppekode = 'ukendt'", "true"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_told_beside_others_is_no_more_than_what_is_shown(rows, fault, tmp_path):
    held = sorted(withhold(rows, RULES))
    con, (wrong, before) = house(rows, held), FAULTS[fault]
    one, code, kind, group = beside_others(con, held, before)
    con.execute(f"update flis.marts.fct_noegletal__sammenligning set {wrong} where (noegletal_id, kommunekode, gruppetype, gruppekode, egen_kommune) = ($1, $2, $3, $4, 'uden')", [one, code, kind, group])
    with pytest.raises(Disclosed, match=f"fct_noegletal__sammenligning tells more .* in 1 rows .{one}, to {code} of {kind}"):
        attack(con, Home(tmp_path), None)


def test_who_alone_is_withheld_in_a_group_is_told_of_the_others(rows, held, tmp_path):
    """It could add them up itself; the others of the group are told nothing."""
    away = {(h[1], h[3]) for h in held if h[2] == "kommune" and h[5] == "alt"}
    alone, group = next((f, g) for f in rows if (f.noegletal_id, f.kommunekode) in away for g in RULES.groups[f.kommunekode]
                        if not [o for o in rows if o.noegletal_id == f.noegletal_id and g in RULES.groups[o.kommunekode] and o is not f and (o.noegletal_id, o.kommunekode) in away])
    con = house(rows, held)
    told = dict(con.execute("select kommunekode, simpelt_gennemsnit is not null from flis.marts.fct_noegletal__sammenligning where (noegletal_id, gruppetype, gruppekode, egen_kommune) = ($1, $2, $3, 'uden')",
                            [alone.noegletal_id, *group]).fetchall())
    assert {k for k, seen in told.items() if seen} == {alone.kommunekode} and len(told) > 5
    assert attack(con, Home(tmp_path), None)["praecist"] == 0


def small_alone(rows, held) -> list[tuple]:
    """What is withheld for its own sake, and the averages of its groups."""
    own = [h for h in held if h[6] != "kan_udledes"]
    away = {h[1:4] for h in own}
    averages = {(f.noegletal_id, *g) for f in rows if (f.noegletal_id, "kommune", f.kommunekode) in away for g in RULES.groups[f.kommunekode]} - away
    return own + [("kommuner", *row, MONTH, "gennemsnit", "kan_udledes") for row in sorted(averages)]


def test_what_the_step_forgot_does_not_leave(rows, held, tmp_path):
    """The step and the table agree, and both withhold the small ones alone: all come back."""
    home, con = Home(tmp_path), house(rows, small_alone(rows, held))
    with pytest.raises(Disclosed, match="small figures can be worked out of what is about to leave .alle 2026-03"):
        attack(con, home, None)
    assert con.execute("select sum(praecist) > 0 from flis.drift.angreb").fetchall() == [(True,)]
    assert "alle" in (home.reports / "afsloering.html").read_text("utf-8")
    with pytest.raises(Disclosed):          # nor the second time, when it is looked up
        attack(con, home, None)


def test_what_earlier_releases_have_told_is_said_and_holds_nothing_back(rows, held, tmp_path):
    primary = {h for h in held if h[6] != "kan_udledes"}
    before = release(rows, RULES, primary, 1)
    now = sorted(withhold(rows, RULES, before))
    found = attack(house(rows, now, before), Home(tmp_path), None)
    assert found["praecist"] == 0 and found["uundgaaeligt"] > 0


def test_a_year_to_date_that_its_months_do_not_tell_does_not_leave(tmp_path, rows, held, monkeypatch):
    con = house(rows, held)
    monkeypatch.setattr("flis.disclosure.months.over_time", lambda *_: {("kommuner", ("antal", "region", "1", MONTH))})
    with pytest.raises(Disclosed, match="1 rows of years to date .* .antal, region 1, 2026-03"):
        attack(con, Home(tmp_path), None)


def test_without_key_figures_there_is_nothing_to_attack(tmp_path):
    con = duckdb.connect()
    con.execute("attach ':memory:' as flis")
    assert attack(con, Home(tmp_path), None) is None




def test_many_above_a_line_that_few_are_below_are_no_secret_of_the_group_either():
    """Eleven of a municipality that is alone in its group, over a denominator of three persons: the ratio goes, and the eleven stand under another name in another key figure."""
    rules = Rules(sides={"andel": ("t", "n"), "antal": ("same", None)}, units={"t": "dage", "same": "dage", "n": "personer"}, relations=[("same", "t", 1.0, "sum")],
                  groups={k: [("landet", "000"), ("region", "1" if k == "0001" else "2")] for k in CODES[:12]}, audiences=["kommuner"], limits={("kommuner", "*"): (5, None)})
    rows = [f for n, k in enumerate(CODES[:12]) for f in (
        Figure("andel", k, MONTH, MONTH, 11.0 + n, 3.0 if n == 0 else 40.0 + n, True, True, 11 + n, 3 if n == 0 else 40 + n, None),
        Figure("antal", k, MONTH, MONTH, 11.0 + n, None, True, True, 11 + n, None, None))]
    away = frozenset(h[1:5] for h in withhold(rows, rules) if h[5] == "alt")
    assert ("andel", "kommune", "0001", MONTH) in away and ("antal", "kommune", "0001", MONTH) not in away
    for task in tasks(rows, rules)[0]:
        assert attacked(rules, (task, away)).praecist == 0
