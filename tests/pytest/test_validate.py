"""The quality step on a tiny database made by hand: what each rule finds, and what becomes of what it finds."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest
import yaml

from flis.database import connect
from flis.home import Home
from flis.rules import COMMON, RuleError, areas, load_rules
from regelverden import World, cases
from flis.validate import KEEP_DEVIATIONS, held, validate

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
        months = {"std_oekonomi__postering": [date(2025, 12, 1), JAN, FEB], "std_borger__officielt_folketal": [JAN],
                  "fct_borger__folketal_afstemning": [JAN], "leveranceoversigt": [JAN, FEB], "raekkeregnskab": [JAN], "systemspring": [JAN]}.get(rule.grundlag, [None])
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
    assert planted.status("OK-02") == [(date(2025, 12, 1), "bestaaet"), (JAN, "fejlet"), (FEB, "bestaaet")]
    rows, broken, share = planted.ask("select raekker, afvigelser, andel from kvalitet.resultat where regel_id = 'OK-07' and kommunekode = '0101' and periode = ?", JAN)[0]
    counted = planted.ask("select count(*) from standardized.std_oekonomi__postering where kommunekode = '0101' and periode = ?", JAN)[0][0]
    assert (rows, broken) == (counted + 1, 1) and float(share) == pytest.approx(1 / rows, abs=1e-5)
    assert held(planted.home) == planted.result.held
    assert ("0101", "oekonomi", "2026-01") in planted.result.held
    assert ("0101", "voksne_handicap", None) in planted.result.held
    assert not any(kommune in ("0147", "0998") for kommune, _, _ in planted.result.held)       # warnings, and rows of nobody, hold nothing
    assert planted.result.broken["oekonomi"] == {"fejl": 5, "advarsel": 9, "oplysning": 0}
    assert planted.result.facts()["held"] == len(planted.result.held)


def test_a_dead_person_stands_with_the_last_municipality(planted: World) -> None:
    assert planted.found("BO-05") == {("0101", "cpr|bo05")}


def test_page_has_every_rule_and_no_key(planted: World) -> None:
    page = planted.result.report.read_text("utf-8")
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
        {"regel_id": "OK-95", "sql": None, "forventning": {"type": "expect_findes_ikke", "kwargs": {}}},
        {"regel_id": "OK-96", "sql": None, "forventning": {"type": "expect_table_row_count_to_equal", "kwargs": {"value": 3}}},
        {"regel_id": "OK-97", "sql": None, "forventning": {"type": "expect_column_values_to_be_null", "kwargs": {"column": "findes_ikke"}}},
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
    assert reasons["OK-95"] == "Great Expectations har ingen forventning expect_findes_ikke."
    assert reasons["OK-96"] == "Forventningen udpeger ingen rækker; skriv reglen som sql."
    assert all("findes_ikke" in reasons[r] for r in ("OK-91", "OK-97")) and "forkert" in reasons["OK-94"]
    assert 'schema "cpr.raw" does not exist' in reasons["OK-98"]          # the CPR-bearing file is out of every rule's reach
    assert "0101-0" not in reasons["OK-99"] and "Could not convert" in reasons["OK-99"]      # a reason never echoes a value
    assert world.status("OK-90") == [(JAN, "fejlet")]


def test_run_again_narrowed_and_corrected(tmp_path: Path, monkeypatch) -> None:
    world = World(tmp_path / "hjem")
    world.instruct("0101", "0147")
    world.add(*posts("0101", 1, 1), *posts("0147", 1, 1), post("feb", kommunekode="0147", periode=FEB, beloeb_kr=-1))
    rules = write_rules(tmp_path, {})
    picture = "select * exclude (koersel, maalt_i) from kvalitet.resultat where koersel = ? order by all"

    def run(hour: int, **narrow) -> str:
        monkeypatch.setenv("FLIS_NU", f"2026-03-01T{hour:02}:00:00+00:00")
        return validate(world.home, rules_folder=rules, **narrow).koersel

    first = run(1)
    everything = {t: world.ask(f"select * from kvalitet.{t} order by all") for t in ("resultat", "afvigelse", "tilbageholdt", "regel", "koersel")}
    assert run(1) == first
    assert everything == {t: world.ask(f"select * from kvalitet.{t} order by all") for t in everything}
    second = run(2)
    assert world.ask(picture, second) == world.ask(picture, first)

    with connect(world.home, write="flis") as con:      # both municipalities correct January; only one of them is looked at
        con.execute("update standardized.std_oekonomi__postering set beloeb_kr = 1 where periode = ?", [JAN])
    third = run(3, kommune="0147", periode="2026-01")
    rows = world.ask("select kommunekode, periode, status, maalt_i from kvalitet.resultat where koersel = ? order by all", third)
    assert rows == [("0101", JAN, "fejlet", second), ("0101", FEB, "ikke_relevant", second), ("0147", JAN, "bestaaet", third), ("0147", FEB, "fejlet", second)]
    assert held(world.home) == {("0101", "oekonomi", "2026-01"), ("0147", "oekonomi", "2026-02")}
    assert world.found("OK-90") == {("0101", "kmd_opus|0101-0"), ("0147", "kmd_opus|feb")}
    fourth = run(4, fagomraade="oekonomi")
    assert held(world.home) == {("0147", "oekonomi", "2026-02")}
    assert world.ask("select distinct koersel from kvalitet.afvigelse order by 1") == [(third,), (fourth,)][-KEEP_DEVIATIONS:]


def test_history_is_bounded(tmp_path: Path, monkeypatch) -> None:
    world = World(tmp_path / "hjem")
    world.instruct("0101")
    world.add(*posts("0101", 1, 1))
    rules = write_rules(tmp_path, {})
    monkeypatch.setattr("flis.validate.MOST_DEVIATIONS", 3)
    monkeypatch.setattr("flis.validate.KEEP_RESULTS", 4)
    world.add(*(post(f"x{n}", beloeb_kr=-1) for n in range(5)))
    for day in range(1, 7):
        monkeypatch.setenv("FLIS_NU", f"2026-03-{day:02}T00:00:00+00:00")
        validate(world.home, rules_folder=rules)
    assert world.ask("select count(distinct koersel) from kvalitet.resultat") == [(4,)]
    assert world.ask("select count(distinct koersel) from kvalitet.afvigelse") == [(KEEP_DEVIATIONS,)]
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
    ({"taerskel": {"andel": 2, "grund": "g", "dato": date(2026, 1, 1)}}, "taerskel.andel skal være et tal fra 0 til 1"),
    ({"taerskel": {"andel": 0, "antal": 0, "grund": "g", "dato": date(2026, 1, 1)}}, "enten 'andel' eller 'antal'"),
    ({"taerskel": {"antal": 0.5, "grund": "g", "dato": date(2026, 1, 1)}}, "taerskel.antal skal være et helt tal"),
    ({"taerskel": {"andel": 0, "dato": date(2026, 1, 1)}}, "taerskel.grund mangler"),
    ({"taerskel": {"andel": 0, "grund": "g"}}, "taerskel.dato mangler"),
    ({"sql": None}, "skriv enten 'sql' eller 'forventning'"),
    ({"forventning": {"type": "expect_x", "kwargs": {}}}, "skriv enten 'sql' eller 'forventning'"),
    ({"sql": "select * from std_oekonomi__postering"}, "sql skal læse fra {batch}"),
    ({"sql": "drop table {batch}"}, "sql skal være én forespørgsel"),
    ({"sql": "select 1 from {batch}; drop table x"}, "semikolon"),
    ({"sql": None, "forventning": {"type": "expect_x", "kwargs": {"mostly": 0.9}}}, "brug taerskel i stedet for 'mostly'"),
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
    from flis.validate import ValidateError

    home = Home(tmp_path).prepare()
    duckdb.connect(str(home.cpr_db)).close()
    with pytest.raises(ValidateError, match="flis load"):
        validate(home)
    assert held(home) == set()
