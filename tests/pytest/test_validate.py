"""The quality step on a tiny database made by hand: what each rule finds, and what becomes of what it finds."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest
import yaml

from flis.core.database import connect
from flis.core.home import Home
from flis.operate.recovery import recover
from flis.quality.rules import COMMON, RuleError, areas, load_rules
from flis.quality.validate import STORE, ValidateError, held, release, validate
from flis.report.report import write_overview
from regelverden import World, cases, contracts

JAN, FEB = date(2026, 1, 1), date(2026, 2, 1)
AREAS = [*areas(), COMMON]        # whose planted rows are read: each area's own, and those of the rules they all have
PLANTED = {regel_id: case for area in AREAS for regel_id, case in cases(area)["brud"].items()}


def post(kilde_id: str, **more) -> tuple[str, dict]:
    return "std_oekonomi__postering", {**cases("oekonomi")["udgangspunkt"]["std_oekonomi__postering"], "kilde_id": kilde_id, **more}


@pytest.fixture(scope="module")
def planted(tmp_path_factory) -> World:
    """Everything good and everything planted, validated once. 0153 has not instructed, and has a row that breaks a rule."""
    world = World(tmp_path_factory.mktemp("kvalitet"))
    world.instruct("0101", "0147", "0151")
    world.instruct("0153", yes="false")
    for area in AREAS:
        world.add_cases(area)
    world.add(post("fremmed", kommunekode="0153", dranst="7"))
    world.result = validate(world.home)
    return world


def test_every_rule_is_planted() -> None:
    assert sorted(rule.regel_id for rule in load_rules()) == sorted(PLANTED)


@pytest.mark.parametrize("regel_id", PLANTED)
def test_rule_finds_exactly_what_was_planted(planted: World, regel_id: str) -> None:
    assert planted.result.not_run == []
    assert {key for _, key in planted.found(regel_id)} == set(PLANTED[regel_id]["fund"])


def test_breaking_rows_say_where_they_come_from(planted: World) -> None:
    rows = planted.ask("select a.leverance_id, a.fil, a.linje, p._linje from kvalitet.afvigelse as a inner join standardized.std_oekonomi__postering as p "
                       "on a.noegle = p.kildesystem || '|' || p.kilde_id where a.regel_id = 'OK-02'")
    assert len(rows) == 1 and rows[0][:2] == (7, "fil.csv") and rows[0][2] == rows[0][3]


def test_results_are_complete_against_what_was_intended(planted: World) -> None:
    intended = set()
    for rule in load_rules():
        schema, columns = contracts()[rule.grundlag]
        months = [month for (month,) in planted.ask(f"select distinct periode from {schema}.{rule.grundlag} where periode is not null")] if "periode" in columns else [None]
        intended |= {(rule.regel_id, kommune, month) for kommune in ("0101", "0147", "0151") for month in months}
    rows = planted.ask("select regel_id, kommunekode, periode from kvalitet.resultat")
    assert len(rows) == len(set(rows))
    assert set(rows) - intended == {("BO-04", "0998", None)}        # belongs to no municipality, and is found all the same
    assert intended - set(rows) == set()


def test_no_instruction_no_row(planted: World) -> None:
    for table in ("resultat", "afvigelse", "tilbageholdt"):
        assert planted.ask(f"select count(*) from kvalitet.{table} where kommunekode = '0153'") == [(0,)]


def test_without_data_a_rule_is_not_relevant(planted: World) -> None:
    assert planted.status("OK-01", "0151") == [(date(2025, 12, 1), "ikke_relevant"), (JAN, "ikke_relevant"), (FEB, "ikke_relevant")]
    assert planted.status("BO-08", "0151") == [(JAN, "ikke_relevant")]
    assert planted.status("VH-02", "0151") == [(None, "ikke_relevant")]


def test_statuses_counts_and_what_is_held(planted: World) -> None:
    # of sixty-odd rows one is what a limit lets through at the least
    assert planted.status("OK-02") == [(date(2025, 12, 1), "bestaaet"), (JAN, "bestaaet"), (FEB, "bestaaet")]
    rows, broken, share = planted.ask("select raekker, afvigelser, andel from kvalitet.resultat where regel_id = 'OK-07' and kommunekode = '0101' and periode = ?", JAN)[0]
    counted = planted.ask("select count(*) from standardized.std_oekonomi__postering where kommunekode = '0101' and periode = ?", JAN)[0][0]
    assert (rows, broken) == (counted + 1, 1) and float(share) == pytest.approx(1 / rows, abs=1e-5)
    assert held(planted.home) == planted.result.held
    assert ("0101", "oekonomi", "2026-01") in planted.result.held
    assert ("0101", "voksne_handicap", None) in planted.result.held
    assert not any(kommune in ("0147", "0998") for kommune, _, _ in planted.result.held)       # warnings, and rows of nobody, hold nothing
    # Every rule was planted past its threshold but those that allow a share of what this small world holds: a row of twenty or more.
    failed = {rule for (rule,) in planted.ask("select distinct regel_id from kvalitet.resultat where status = 'fejlet'")}
    assert {area: sum(counts.values()) for area, counts in planted.result.broken.items()} == {
        area: sum(rule.regel_id in failed for rule in load_rules() if rule.fagomraade == area) for area in areas()}
    assert len(failed) > 0.7 * len(PLANTED)
    let_through = planted.ask("select regel_id, raekker, afvigelser, taerskel from kvalitet.resultat where afvigelser > 0 and status = 'bestaaet'")
    assert let_through and [one for one in let_through if one[2] > max(1, one[3] * one[1])] == []
    assert planted.result.facts()["held"] == len(planted.result.held)


def test_a_dead_person_stands_with_the_last_municipality(planted: World) -> None:
    assert planted.found("BO-05") == {("0101", "cpr|bo05")}


def test_page_has_every_rule_and_no_key(planted: World) -> None:
    with connect(planted.home) as con:
        page = write_overview(con, planted.home).read_text("utf-8")
    for rule in load_rules():
        assert rule.regel_id in page and rule.titel in page
    assert all(key not in page for case in PLANTED.values() for key in case["fund"])


def test_texts_and_colons_in_sql_are_left_alone(tmp_path: Path) -> None:
    world = World(tmp_path / "hjem")
    world.instruct("0101")
    world.add(post("a:b", art="{x}"), post("%", art="12:30"))
    rules = write_rules(tmp_path, {"sql": "select * from {batch} where kilde_id like 'a:b%' or (art = '12:30'::varchar and ' :x' = ' :x') or regexp_matches(art, '^.{5}$')"})
    assert validate(world.home, rules_folder=rules).not_run == []
    assert {key for _, key in world.found("OK-90")} == {"kmd_opus|a:b", "kmd_opus|%"}


RULE = {"regel_id": "OK-90", "titel": "Prøve", "dimension": "korrekthed", "alvor": "fejl", "hvad": "Hvad.", "hvornaar": "Hvornår.", "hvordan": "Hvordan.",
        "taerskel": {"andel": 0.01, "grund": "Prøve", "dato": date(2026, 1, 1)}, "faggruppe": "faggruppe_oekonomi", "rolle": "dataejer",
        "model": "std_oekonomi__postering", "sql": "select * from {batch} where beloeb_kr < 0"}


def write_rules(folder: Path, *changes: dict) -> Path:
    """A folder with one rule file for Økonomi: RULE with each set of changes (None takes a key out)."""
    rules = folder / "regler"
    rules.mkdir(exist_ok=True)
    entries = [{k: v for k, v in {**RULE, **change}.items() if v is not None} for change in changes]
    (rules / "oekonomi.yml").write_text(yaml.safe_dump(entries, allow_unicode=True), "utf-8")
    return rules


def posts(kommunekode: str, good: int, bad: int) -> list[tuple[str, dict]]:
    return [post(f"{kommunekode}-{n}", kommunekode=kommunekode, beloeb_kr=-1 if n < bad else 1) for n in range(good + bad)]


def test_threshold_just_below_and_just_above(tmp_path: Path) -> None:
    world = World(tmp_path / "hjem")
    world.instruct("0101", "0147")
    world.add(*posts("0101", 99, 1), *posts("0147", 98, 2))
    count = {**RULE["taerskel"], "antal": 1}
    del count["andel"]
    rules = write_rules(tmp_path, {}, {"regel_id": "OK-91", "taerskel": count}, {"regel_id": "OK-92", "alvor": "advarsel"})
    result = validate(world.home, rules_folder=rules)
    for regel_id in ("OK-90", "OK-91", "OK-92"):
        assert world.status(regel_id, "0101") == [(JAN, "bestaaet")]
        assert world.status(regel_id, "0147") == [(JAN, "fejlet")]
    assert len(world.found("OK-90")) == 3               # what is under the threshold is on the list too
    assert result.held == {("0147", "oekonomi", "2026-01")}
    assert {rule for (rule,) in world.ask("select regel_id from kvalitet.tilbageholdt")} == {"OK-90", "OK-91"}


def test_a_broken_rule_is_a_result_and_the_others_go_on(tmp_path: Path) -> None:
    world = World(tmp_path / "hjem")
    world.instruct("0101")
    world.add(*posts("0101", 1, 1))
    rules = write_rules(
        tmp_path, {"regel_id": "OK-91", "sql": "select * from {batch} where findes_ikke = 1"}, {"regel_id": "OK-92", "model": "std_findes_ikke"},
        {"regel_id": "OK-93", "sql": "select kommunekode, periode from {batch}"}, {"regel_id": "OK-94", "omfang": "forkert = 1"},
        {"regel_id": "OK-95", "sql": None, "forventning": "expect_column_values_to_be_in_set", "kolonne": "funktion", "kodeliste": "findes_ikke"},
        {"regel_id": "OK-96", "sql": None, "forventning": "expect_column_values_to_not_be_null", "kolonne": "funktion", "raekkebetingelse": "forkert = 1"},
        {"regel_id": "OK-97", "sql": None, "forventning": "expect_column_values_to_not_be_null", "kolonne": "findes_ikke"},
        {"regel_id": "OK-98", "sql": "select p.* from {batch} as p, cpr.raw.opsaetning_kommune_opsaetning"},
        {"regel_id": "OK-99", "sql": "select * from {batch} where cast(kilde_id as integer) = 1"}, {})
    result = validate(world.home, rules_folder=rules)
    assert [regel_id for regel_id, _ in result.not_run] == [f"OK-9{n}" for n in range(1, 10)]
    for regel_id, reason in result.not_run:
        assert reason and {status for _, status in world.status(regel_id)} == {"kunne_ikke_koere"}
        assert {r for (r,) in world.ask("select aarsag from kvalitet.resultat where regel_id = ?", regel_id)} == {reason}
    reasons = dict(result.not_run)
    assert reasons["OK-92"] == "Modellen std_findes_ikke er ikke bygget."
    assert reasons["OK-93"] == "Reglens rækker mangler kildesystem, kilde_id."
    assert all("findes_ikke" in reasons[r] for r in ("OK-91", "OK-95", "OK-97")) and all("forkert" in reasons[r] for r in ("OK-94", "OK-96"))
    assert 'schema "cpr.raw" does not exist' in reasons["OK-98"]          # the CPR-bearing file is out of every rule's reach
    assert "0101-0" not in reasons["OK-99"] and "Could not convert" in reasons["OK-99"]      # a reason never echoes a value
    assert world.status("OK-90") == [(JAN, "fejlet")]


# The results, less when they were counted and what the last run found new: a picture of the data alone.
PICTURE = "select * exclude (koersel, nye, loeste) from kvalitet.resultat order by all"


@pytest.fixture
def clock(monkeypatch):
    """validate() at a given day of March 2026."""
    def run(world: World, day: int, rules: Path, **narrow):
        monkeypatch.setenv("FLIS_NU", f"2026-03-{day:02}T00:00:00+00:00")
        return validate(world.home, rules_folder=rules, **narrow)
    return run


def moved(world: World, build: int, *slices: tuple[str, str, date | None]) -> None:
    """Say, as the build does, that these models have moved in these slices; a build that moved nothing has none."""
    with connect(world.home, write="flis") as con:
        con.execute("create schema if not exists drift")
        con.execute("create table if not exists drift.koersel (koersel bigint, invocation varchar, startet timestamp)")
        con.execute("create table if not exists drift.beroert (model varchar, koersel bigint, kommunekode varchar, periode date)")
        con.execute("create table if not exists drift.tilstand (model varchar, koersel bigint)")
        con.execute("insert into drift.koersel values (?, '', null)", [build])
        con.execute("delete from drift.tilstand where model like 'std_%'")
        con.execute("insert into drift.tilstand values ('std_oekonomi__postering', ?), ('std_borger__person', ?)", [build, build])
        for model, kommune, month in slices:
            con.execute("insert into drift.beroert values (?, ?, ?, ?)", [model, build, kommune, month])


def correct(world: World, where: str) -> None:
    with connect(world.home, write="flis") as con:
        con.execute(f"update standardized.std_oekonomi__postering set beloeb_kr = 1 where {where}")


def test_run_again_narrowed_and_corrected(tmp_path: Path, clock) -> None:
    world = World(tmp_path / "hjem")
    world.instruct("0101", "0147")
    world.add(*posts("0101", 1, 1), *posts("0147", 1, 1), post("feb", kommunekode="0147", periode=FEB, beloeb_kr=-1))
    rules = write_rules(tmp_path, {})
    first = clock(world, 1, rules)
    everything = {t: world.ask(f"select * from kvalitet.{t} order by all") for t in ("resultat", "afvigelse", "tilbageholdt", "regel", "maaling", "fund")}
    assert (first.measured, first.new) == (1, 0)                      # the first time nothing is new: there is nothing to compare with
    again = clock(world, 2, rules)
    assert again.measured == 0                                        # nothing has moved
    assert everything == {t: world.ask(f"select * from kvalitet.{t} order by all") for t in everything}
    correct(world, "periode = date '2026-01-01'")                     # both municipalities correct January; only one of them is looked at
    third = clock(world, 3, rules, kommune="0147", periode="2026-01")
    assert world.ask("select kommunekode, periode, status, koersel from kvalitet.resultat order by all") == [
        ("0101", JAN, "fejlet", first.koersel), ("0101", FEB, "ikke_relevant", first.koersel), ("0147", JAN, "bestaaet", third.koersel), ("0147", FEB, "fejlet", first.koersel)]
    assert held(world.home) == {("0101", "oekonomi", "2026-01"), ("0147", "oekonomi", "2026-02")}
    assert world.found("OK-90") == {("0101", "kmd_opus|0101-0"), ("0147", "kmd_opus|feb")}
    clock(world, 4, rules, fagomraade="oekonomi", alt=True)
    assert held(world.home) == {("0147", "oekonomi", "2026-02")}


def test_new_still_there_and_resolved_since_the_last_run(tmp_path: Path, clock) -> None:
    world = World(tmp_path / "hjem")
    world.instruct("0101")
    world.add(*posts("0101", 5, 3))
    rules = write_rules(tmp_path, {})
    first = clock(world, 1, rules)
    correct(world, "kilde_id in ('0101-0', '0101-1')")
    world.add(post("ny", beloeb_kr=-1))
    second = clock(world, 2, rules)
    assert (second.new, second.resolved, second.deviations) == (1, 2, 2)
    assert world.ask("select nye, stadig, loeste, seneste, forrige from kvalitet.udvikling") == [(1, 1, 2, second.koersel, first.koersel)]
    assert world.ask("select noegle, udvikling, foerst_set from kvalitet.afvigelse order by all") == [
        ("kmd_opus|0101-2", "stadig", first.koersel), ("kmd_opus|ny", "ny", second.koersel)]
    # History is kept: what was counted then, and when what was found had gone.
    assert world.ask("select afvigelser, fra_koersel, til_koersel from kvalitet.maaling where periode = date '2026-01-01' order by fra_koersel") == [
        (3, first.koersel, second.koersel), (2, second.koersel, None)]
    assert world.ask("select noegle from kvalitet.fund where til_koersel = ? order by all", second.koersel) == [("kmd_opus|0101-0",), ("kmd_opus|0101-1",)]


def test_the_same_row_in_a_newer_delivery_is_still_there(tmp_path: Path, clock) -> None:
    world = World(tmp_path / "hjem")
    world.instruct("0101")
    world.add(*posts("0101", 0, 1), post("dobbelt", beloeb_kr=-1), post("dobbelt", beloeb_kr=-1))
    rules = write_rules(tmp_path, {})
    clock(world, 1, rules)
    with connect(world.home, write="flis") as con:
        con.execute("update standardized.std_oekonomi__postering set _leverance_id = 8, _fil = 'igen.csv', _linje = _linje + 100")
    result = clock(world, 2, rules)
    assert (result.new, result.resolved, result.deviations) == (0, 0, 3)
    assert world.ask("select distinct udvikling, leverance_id, fil, linje > 100 from kvalitet.afvigelse") == [("stadig", 8, "igen.csv", True)]


def test_only_what_has_moved_is_measured(tmp_path: Path, clock) -> None:
    """After any touch the picture is that of measuring everything; a rule reads what it must and no more."""
    world = World(tmp_path / "hjem")
    world.instruct("0101", "0147", "0151")
    world.add(*posts("0101", 4, 1), *posts("0147", 4, 1), *posts("0151", 4, 0), ("std_borger__person", {"person_id": "p", "kilde_id": "p", "kommunekode": "0101"}))
    rules = write_rules(
        tmp_path, {"raekkevidde": "skive"}, {"regel_id": "OK-91"}, {"regel_id": "OK-92", "raekkevidde": "land"},
        {"regel_id": "OK-93", "sql": "select b.* from {batch} as b semi join standardized.std_borger__person as p on b.kommunekode = p.kommunekode"},
        {"regel_id": "OK-94", "sql": None, "forventning": "expect_column_values_to_be_between", "kolonne": "beloeb_kr", "min": 0},
        {"regel_id": "OK-95", "sql": "select b.* from {batch} as b anti join koder.kontoplan_dranst as d on b.dranst = d.dranst and b.hovedkonto = d.hovedkonto"})
    moved(world, 1)
    assert clock(world, 1, rules).measured == 6
    moved(world, 2)
    assert clock(world, 2, rules).measured == 0

    # 0101's February arrives and January is corrected; 0147 has changed without anybody saying so, and is not looked at where the rule is narrow.
    world.add(post("feb", periode=FEB, beloeb_kr=-1))
    correct(world, "kommunekode = '0101' and periode = date '2026-01-01' or kommunekode = '0147'")
    moved(world, 3, ("std_oekonomi__postering", "0101", JAN), ("std_oekonomi__postering", "0101", FEB))
    result = clock(world, 3, rules)
    assert result.measured == 6
    assert dict(world.ask("select regel_id, laest from kvalitet.maalt where koersel = ?", result.koersel)) == {
        "OK-90": "skiver", "OK-91": "skiver", "OK-92": "alt", "OK-93": "skiver", "OK-94": "skiver", "OK-95": "skiver"}
    for rule in ("OK-90", "OK-91", "OK-94"):
        assert world.found(rule) == {("0101", "kmd_opus|feb"), ("0147", "kmd_opus|0147-0")}, rule
    assert world.found("OK-92") == {("0101", "kmd_opus|feb")}
    assert ("0151", FEB) in world.ask("select kommunekode, periode from kvalitet.resultat where regel_id = 'OK-90'")      # the new month is everybody's
    moved(world, 4, ("std_oekonomi__postering", "0147", JAN), ("std_borger__person", "0101", None))
    result = clock(world, 4, rules)
    assert dict(world.ask("select regel_id, laest from kvalitet.maalt where koersel = ?", result.koersel))["OK-93"] == "alt"        # another table it reads has moved
    picture = world.ask(PICTURE)
    assert clock(world, 5, rules, alt=True).measured == 6
    assert world.ask(PICTURE) == picture
    # A month that nobody has any more is gone again.
    with connect(world.home, write="flis") as con:
        con.execute("delete from standardized.std_oekonomi__postering where periode = date '2026-02-01'")
    moved(world, 6, ("std_oekonomi__postering", "0101", FEB))
    clock(world, 6, rules)
    assert world.ask("select distinct periode from kvalitet.resultat") == [(JAN,)]
    picture = world.ask(PICTURE)
    clock(world, 7, rules, alt=True)
    assert world.ask(PICTURE) == picture


def test_rows_counted_in_a_table_without_months_are_counted_when_a_month_has_moved(tmp_path: Path, clock) -> None:
    """Breaking rows have months, the rows they are set against have none: narrowed to a month they could not be counted at all."""
    world = World(tmp_path / "hjem")
    world.instruct("0101")
    aside = {"kommunekode": "0101", "kildesystem": "cpr", "tabel": "t", "periode": JAN, "aarsag": "cpr_ugyldig"}
    world.add(*(("std_borger__person", {"person_id": p, "kilde_id": p, "kommunekode": "0101"}) for p in "abc"), ("std_borger__frasat", {**aside, "kilde_id": "x"}))
    rules = write_rules(tmp_path, {"model": "std_borger__frasat", "grundlag": "std_borger__person", "raekkevidde": "skive", "sql": "select * from {batch}"})
    moved(world, 1)
    with connect(world.home, write="flis") as con:
        con.execute("insert into drift.tilstand values ('std_borger__frasat', 1)")
    clock(world, 1, rules)
    world.add(("std_borger__frasat", {**aside, "kilde_id": "y"}))
    moved(world, 2, ("std_borger__frasat", "0101", JAN))
    with connect(world.home, write="flis") as con:
        con.execute("insert into drift.tilstand values ('std_borger__frasat', 2)")
    result = clock(world, 2, rules)
    assert world.ask("select laest from kvalitet.maalt where koersel = ?", result.koersel) == [("skiver",)]
    assert world.ask("select periode, raekker, afvigelser from kvalitet.resultat") == [(None, 5, 2)]


def test_the_build_keeps_what_no_rule_has_looked_at(tmp_path: Path, clock) -> None:
    world = World(tmp_path / "hjem")
    world.instruct("0101")
    world.add(*posts("0101", 1, 1))
    rules = write_rules(tmp_path, {})
    moved(world, 3)
    clock(world, 1, rules)
    assert world.ask("select koersel from drift.tilstand where model = 'flis validate'") == [(3,)]


def test_a_new_threshold_is_applied_to_old_results(tmp_path: Path, clock) -> None:
    world = World(tmp_path / "hjem")
    world.instruct("0101")
    world.add(*posts("0101", 9, 1))
    clock(world, 1, write_rules(tmp_path, {}))
    assert world.status("OK-90") == [(JAN, "fejlet")]
    result = clock(world, 2, write_rules(tmp_path, {"taerskel": {"andel": 0.1, "grund": "Aftalt", "dato": date(2026, 3, 2)}, "hvad": "Sagt på en anden måde."}))
    assert result.measured == 0
    assert world.status("OK-90") == [(JAN, "bestaaet")] and held(world.home) == set()
    result = clock(world, 3, write_rules(tmp_path, {"sql": "select * from {batch} where beloeb_kr < -5"}))
    assert result.measured == 1 and result.resolved == 1


def test_a_known_fault_is_frozen_at_its_count(tmp_path: Path, clock) -> None:
    world = World(tmp_path / "hjem")
    world.instruct("0101", "0147")
    world.add(*posts("0101", 9, 2), *posts("0147", 9, 2))
    world.accept("0101", "OK-90", 2)
    rules = write_rules(tmp_path, {"taerskel": {"antal": 0, "grund": "g", "dato": date(2026, 1, 1)}})
    clock(world, 1, rules)
    assert world.status("OK-90", "0101") == [(JAN, "bestaaet")] and world.status("OK-90", "0147") == [(JAN, "fejlet")]
    assert world.ask("select afvigelser, accepteret, aarsag from kvalitet.resultat where kommunekode = '0101'") == [
        (2, 2, "2 kendte afvigelser er accepteret 15-01-2026: Aftalt med faggruppen")]
    world.add(post("en til", beloeb_kr=-1))
    clock(world, 2, rules, alt=True)
    assert world.status("OK-90", "0101") == [(JAN, "fejlet")]            # the new one fails
    world.accept("0101", "OK-90", 3, periode=JAN, end=date(2026, 3, 4))  # for this month, and for a while
    clock(world, 3, rules)
    assert world.status("OK-90", "0101") == [(JAN, "bestaaet")]
    clock(world, 4, rules)
    assert world.status("OK-90", "0101") == [(JAN, "fejlet")]


def test_a_release_lets_through_what_was_held_and_no_more(tmp_path: Path, clock) -> None:
    world = World(tmp_path / "hjem")
    world.instruct("0101", "0147")
    world.add(*posts("0101", 9, 2), *posts("0147", 9, 2))
    rules = write_rules(tmp_path, {})
    clock(world, 1, rules)
    with pytest.MonkeyPatch.context() as patch:      # release() judges by the project's own rules: give it these
        patch.setattr("flis.quality.validate.refresh.__defaults__", (rules,))
        with pytest.raises(ValidateError, match="reason"):
            release(world.home, "0101", "oekonomi", "ok")
        with pytest.raises(ValidateError, match="nothing holds"):
            release(world.home, "0151", "oekonomi", "Kommunen har bekræftet tallene")
        assert release(world.home, "0101", "oekonomi", "Kommunen har bekræftet tallene") == 1
    assert held(world.home) == {("0147", "oekonomi", "2026-01")}
    assert world.ask("select kommunekode, regel_id, frigivet_grund from kvalitet.frigivet") == [("0101", "OK-90", "Kommunen har bekræftet tallene")]
    assert world.ask("select haendelse, kommunekode, fagomraade from drift.haendelse") == [("frigivet", "0101", "oekonomi")]
    world.add(post("en til", beloeb_kr=-1))
    clock(world, 2, rules, alt=True)
    assert held(world.home) == {("0101", "oekonomi", "2026-01"), ("0147", "oekonomi", "2026-01")}


@pytest.mark.parametrize("sql", ["select * from {batch} where beloeb_kr < 0", "select kommunekode, periode, kildesystem, 'sum' as kilde_id from {batch} where beloeb_kr < 0"])
def test_a_release_ends_with_the_delivery_it_was_given_for(tmp_path: Path, clock, sql: str) -> None:
    """Whether the breaking rows say which delivery they are of, or only the ledger does: another delivery with no more of them is another decision. Others' releases stand."""
    world = World(tmp_path / "hjem")
    world.instruct("0101", "0147")

    def deliver(kommunekode: str, number: int, bad: int = 2) -> None:
        with connect(world.home, write="cpr") as con:
            con.execute("create table if not exists raw.leverance (leverance_id bigint, kommunekode varchar, fagomraade varchar, periode date, udtraekstype varchar, status varchar)")
            con.execute("update raw.leverance set status = 'erstattet' where kommunekode = $1", [kommunekode])
            con.execute("insert into raw.leverance values ($1, $2, 'oekonomi', date '2026-01-01', 'periode', 'aktiv')", [number, kommunekode])
        with connect(world.home, write="flis") as con:
            con.execute("delete from standardized.std_oekonomi__postering where kommunekode = $1", [kommunekode])
        world.add(*((name, {**row, "_leverance_id": number}) for name, row in posts(kommunekode, 9, bad)))

    rules, reason = write_rules(tmp_path, {"sql": sql}), "Kommunen har bekræftet tallene"
    deliver("0101", 1)
    deliver("0147", 2)
    clock(world, 1, rules, alt=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("flis.quality.validate.refresh.__defaults__", (rules,))
        assert release(world.home, "0101", "oekonomi", reason) == release(world.home, "0147", "oekonomi", reason) == 1
        clock(world, 2, rules, alt=True)
        assert held(world.home) == set(), "nothing has been delivered since"
        deliver("0101", 3)
        clock(world, 3, rules, alt=True)
        assert held(world.home) == {("0101", "oekonomi", "2026-01")}
        assert [said for (said,) in world.ask("select udloebet from kvalitet.udloebet")] == [
            "Frigivelsen fra 01-03-2026 gælder ikke længere: en anden leverance er kommet i stedet for den, der blev frigivet."]
        assert release(world.home, "0101", "oekonomi", reason) == 1
        assert held(world.home) == set()
        deliver("0101", 4, bad=0)
        clock(world, 4, rules, alt=True)
    assert held(world.home) == set() and world.ask("select kommunekode from kvalitet.frigivet") == [("0147",)]


def test_a_release_survives_a_new_database(tmp_path: Path, clock) -> None:
    """What it was given for is in the journal of events, from which flis.duckdb gets its releases anew."""
    world = World(tmp_path / "hjem")
    world.instruct("0101")
    world.add(*posts("0101", 9, 2))
    rules = write_rules(tmp_path, {})
    clock(world, 1, rules)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("flis.quality.validate.refresh.__defaults__", (rules,))
        release(world.home, "0101", "oekonomi", "Kommunen har bekræftet tallene")
    given = world.ask("select * from kvalitet.frigivelse")
    assert given[0][-1] == [7]
    world.home.db.unlink()
    with connect(world.home, write="flis") as con:
        recover(con, world.home)
    assert world.ask("select * from kvalitet.frigivelse") == given


def test_rows_are_bounded_and_all_counted(tmp_path: Path, monkeypatch) -> None:
    world = World(tmp_path / "hjem")
    world.instruct("0101")
    world.add(*posts("0101", 1, 1), *(post(f"x{n}", beloeb_kr=-1) for n in range(5)))
    monkeypatch.setattr("flis.quality.measuring.MOST_DEVIATIONS", 3)
    validate(world.home, rules_folder=write_rules(tmp_path, {}))
    assert len(world.found("OK-90")) == 3
    assert world.ask("select distinct afvigelser from kvalitet.resultat") == [(6,)]


def test_instruction_has_a_beginning_and_an_end(tmp_path: Path) -> None:
    world = World(tmp_path / "hjem")
    world.instruct("0101", start="2026-02-01")
    world.instruct("0147", start="2007-01-01", end="2026-02-01")
    world.instruct("0155", start="2026-03-01")
    world.add(*posts("0151", 1, 0), post("feb", kommunekode="0151", periode=FEB))
    validate(world.home, rules_folder=write_rules(tmp_path, {}))
    assert world.ask("select kommunekode, periode, status from kvalitet.resultat order by all") == [
        ("0101", FEB, "ikke_relevant"), ("0147", JAN, "ikke_relevant"), ("0155", None, "ikke_relevant")]


@pytest.mark.parametrize(("change", "message"), [
    ({"alvorlighed": "fejl"}, "ukendt felt 'alvorlighed'"),
    ({"hvordan": None}, "'hvordan' mangler"),
    ({"hvad": ""}, "'hvad' mangler"),
    ({"regel_id": "regel 1"}, "regel_id skal være"),
    ({"alvor": "kritisk"}, "alvor skal være en af fejl, advarsel, oplysning"),
    ({"dimension": "pænhed"}, "dimension skal være en af"),
    ({"rolle": "borgmester"}, "rolle skal være en af dataejer, systemejer"),
    ({"raekkevidde": "galakse"}, "raekkevidde skal være en af skive, kommune, land"),
    ({"taerskel": {"andel": 2, "grund": "g", "dato": date(2026, 1, 1)}}, "taerskel.andel skal være et tal fra 0 til 1"),
    ({"taerskel": {"andel": 0, "antal": 0, "grund": "g", "dato": date(2026, 1, 1)}}, "enten 'andel' eller 'antal'"),
    ({"taerskel": {"antal": 0.5, "grund": "g", "dato": date(2026, 1, 1)}}, "taerskel.antal skal være et helt tal"),
    ({"taerskel": {"andel": 0, "dato": date(2026, 1, 1)}}, "taerskel.grund mangler"),
    ({"taerskel": {"andel": 0, "grund": "g"}}, "taerskel.dato mangler"),
    ({"sql": None}, "skriv enten 'sql' eller 'forventning'"),
    ({"forventning": "expect_column_values_to_not_be_null"}, "skriv enten 'sql' eller 'forventning'"),
    ({"sql": "select * from std_oekonomi__postering"}, "sql skal læse fra {batch}"),
    ({"sql": "drop table {batch}"}, "sql skal være én forespørgsel"),
    ({"sql": "select 1 from {batch}; drop table x"}, "semikolon"),
    ({"model": "marts.noget"}, "model skal være navnet på en model"),
])
def test_the_form_of_a_rule_is_checked(tmp_path: Path, change: dict, message: str) -> None:
    with pytest.raises(RuleError, match="oekonomi.yml, ") as caught:
        load_rules(write_rules(tmp_path, change))
    assert message in str(caught.value)


def test_rule_ids_are_unique_and_areas_known(tmp_path: Path) -> None:
    folder = write_rules(tmp_path, {}, {})
    with pytest.raises(RuleError, match="regel_id OK-90 bruges også i oekonomi.yml"):
        load_rules(folder)
    with pytest.raises(RuleError, match="Der er ingen regler for fagområdet 'aula'"):
        load_rules(write_rules(tmp_path, {}), "aula")


def test_nothing_loaded_yet_is_said_plainly(tmp_path: Path) -> None:
    home = Home(tmp_path).prepare()
    duckdb.connect(str(home.cpr_db)).close()
    with pytest.raises(ValidateError, match="flis load"):
        validate(home)
    assert held(home) == set()


# --- what a limit lets through ---------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("limit, rows, broken, status", [
    ("andel 0.0001", 6_664, 1, "bestaaet"),         # København: two thirds of a row is a limit of one row
    ("andel 0.0001", 6_664, 2, "fejlet"),
    ("andel 0.0001", 10_000, 1, "bestaaet"),        # exactly at the limit, as before
    ("andel 0.0001", 30_000, 3, "bestaaet"),
    ("andel 0.0001", 30_000, 4, "fejlet"),
    ("andel 0.01", 20, 1, "bestaaet"),
    ("andel 0.01", 19, 1, "fejlet"),                # more than a twentieth of all there is
    ("andel 0.01", 1, 1, "fejlet"),
    ("andel 0", 6_664, 1, "fejlet"),                # nought is nought
    ("antal 0", 6_664, 1, "fejlet"),
    ("antal 1", 6_664, 1, "bestaaet"),
])
def test_a_limit_is_of_whole_rows_and_the_least_is_one(limit: str, rows: int, broken: int, status: str) -> None:
    kind, value = limit.split()
    con = duckdb.connect()
    con.execute(STORE.read_text("utf-8"))
    con.execute("insert into kvalitet.regel by name select 'R' as regel_id, 'oekonomi' as fagomraade, 'fejl' as alvor, $1 as taerskel_art, $2::decimal(18, 5) as taerskel", [kind, value])
    con.execute("insert into kvalitet.maaling by name select 'R' as regel_id, '0101' as kommunekode, $1 as raekker, $2 as afvigelser, 'k' as fra_koersel", [rows, broken])
    assert con.execute("select status from kvalitet.resultat_historik").fetchall() == [(status,)]
