"""Rules that are expectations of Great Expectations: each finds the row planted and passes the clean ones, runs once, and is an error where it cannot run."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from flis.core.database import connect
from flis.quality.expectation_words import EXPECTATIONS, expectation
from flis.quality.measuring import measure
from flis.quality.rules import RuleError, load_rules
from flis.quality.validate import validate
from regelverden import World
from test_validate import FEB, JAN, clock, correct, moved, post, write_rules  # noqa: F401  (clock is a fixture)

# The words of a rule, the rows that break it and those that just do not. A row is a post with these columns; a value that is missing breaks nothing but not_be_null.
CASES: dict[str, tuple[dict, list[dict], list[dict]]] = {
    "in_set": (
        {"forventning": "expect_column_values_to_be_in_set", "kolonne": "art", "vaerdier": ["4.0", "it's", "100%", "a:b"]},
        [{"art": "4.1"}, {"art": ""}], [{"art": "4.0"}, {"art": "it's"}, {"art": "100%"}, {"art": "a:b"}, {"art": None}]),
    "in_code_list": (
        {"forventning": "expect_column_values_to_be_in_set", "kolonne": "ejerforhold", "kodeliste": "ejerforhold"},
        [{"ejerforhold": "9"}], [{"ejerforhold": "1"}, {"ejerforhold": None}]),
    "not_in_set": (
        {"forventning": "expect_column_values_to_not_be_in_set", "kolonne": "ejerforhold", "vaerdier": ["0", "9"]},
        [{"ejerforhold": "0"}, {"ejerforhold": "9"}], [{"ejerforhold": "1"}, {"ejerforhold": None}]),
    "date_not_in_set": (
        {"forventning": "expect_column_values_to_not_be_in_set", "kolonne": "bogfoeringsdato", "vaerdier": [date(9999, 12, 31)]},
        [{"bogfoeringsdato": date(9999, 12, 31)}], [{"bogfoeringsdato": date(2026, 1, 31)}, {"bogfoeringsdato": None}]),
    "between": (
        {"forventning": "expect_column_values_to_be_between", "kolonne": "beloeb_kr", "min": 0, "max": 1.5},
        [{"beloeb_kr": "-0.01"}, {"beloeb_kr": "1.51"}], [{"beloeb_kr": 0}, {"beloeb_kr": "1.50"}, {"beloeb_kr": None}]),
    "over_and_under": (
        {"forventning": "expect_column_values_to_be_between", "kolonne": "beloeb_kr", "over": 0, "under": 1.5},
        [{"beloeb_kr": 0}, {"beloeb_kr": "1.50"}], [{"beloeb_kr": "0.01"}, {"beloeb_kr": "1.49"}]),
    "not_null": (
        {"forventning": "expect_column_values_to_not_be_null", "kolonne": "bilag_id"},
        [{"bilag_id": None}], [{"bilag_id": "b"}, {"bilag_id": ""}]),
    "pair_equal": (
        {"forventning": "expect_column_pair_values_to_be_equal", "kolonner": ["periode", "leveret_periode"]},
        [{"leveret_periode": date(2026, 2, 1)}], [{"leveret_periode": JAN}, {"leveret_periode": None}]),
    "pair_in_set": (
        {"forventning": "expect_column_pair_values_to_be_in_set", "kolonner": ["hovedkonto", "dranst"], "vaerdier": [["5", "1"], ["6", "2"]]},
        [{"hovedkonto": "5", "dranst": "2"}, {"hovedkonto": "6", "dranst": "1"}], [{"hovedkonto": "5", "dranst": "1"}, {"hovedkonto": "6", "dranst": "2"}, {"hovedkonto": None}]),
    "pair_in_code_list": (
        {"forventning": "expect_column_pair_values_to_be_in_set", "kolonner": ["hovedkonto", "dranst"], "kodeliste": "kontoplan_dranst"},
        [{"dranst": "7"}], [{"dranst": "1"}, {"dranst": None}]),
    "row_condition": (
        {"forventning": "expect_column_values_to_be_between", "kolonne": "beloeb_kr", "min": 0, "raekkebetingelse": "art like '1.%' and bilag_id is not null"},
        [{"art": "1.0", "bilag_id": "b", "beloeb_kr": -1}], [{"art": "1.0", "beloeb_kr": -1}, {"art": "4.0", "bilag_id": "b", "beloeb_kr": -1}, {"art": "1.0", "bilag_id": "b"}]),
}


def test_every_expectation_has_a_case() -> None:
    assert {words["forventning"] for words, _, _ in CASES.values()} == set(EXPECTATIONS)
    assert {rule.expectation.type for rule in load_rules() if rule.expectation} == set(EXPECTATIONS), "one that no rule is has no reason to be there"


@pytest.mark.parametrize("name", CASES)
def test_an_expectation_finds_what_was_planted_and_passes_what_is_clean(tmp_path: Path, clock, name: str) -> None:  # noqa: F811
    words, broken, clean = CASES[name]
    world = World(tmp_path / "hjem")
    world.instruct("0101")
    world.add(*(post(f"brud{n}", **row) for n, row in enumerate(broken)), *(post(f"ren{n}", **row) for n, row in enumerate(clean)))
    rules = write_rules(tmp_path, {"sql": None, "taerskel": {"antal": 0, "grund": "g", "dato": date(2026, 1, 1)}, **words})
    assert clock(world, 1, rules).not_run == []
    assert world.found("OK-90") == {("0101", f"kmd_opus|brud{n}") for n in range(len(broken))}
    assert world.ask("select raekker, afvigelser, status from kvalitet.resultat") == [(len(broken) + len(clean), len(broken), "fejlet")]
    assert world.ask("select distinct leverance_id, fil, linje is not null from kvalitet.afvigelse") == [(7, "fil.csv", True)]
    with connect(world.home, write="flis") as con:
        con.execute("delete from standardized.std_oekonomi__postering where kilde_id like 'brud%'")
    assert clock(world, 2, rules, alt=True).not_run == []
    assert world.found("OK-90") == set()
    assert world.ask("select raekker, afvigelser, status from kvalitet.resultat") == [(len(clean), 0, "bestaaet")]


def test_the_rows_counted_are_those_the_rule_is_about_and_the_row_condition_narrows_only_what_is_tried(tmp_path: Path) -> None:
    world = World(tmp_path / "hjem")
    world.instruct("0101")
    world.add(post("loen", art="1.0", beloeb_kr=-1), post("loen2", art="1.0", dranst="2", beloeb_kr=-1), post("loen3", art="1.0"), post("andet", beloeb_kr=-1))
    validate(world.home, rules_folder=write_rules(tmp_path, {"sql": None, **CASES["between"][0], "max": 1000, "omfang": "art like '1.%'", "raekkebetingelse": "dranst = '1'"}))
    assert world.found("OK-90") == {("0101", "kmd_opus|loen")}
    assert world.ask("select raekker, afvigelser from kvalitet.resultat") == [(3, 1)]


@pytest.mark.parametrize("words", [
    {"sql": "select * from {batch} where beloeb_kr < 0 and nextval('memory.main.taeller') > 0"},
    {"sql": None, "forventning": "expect_column_values_to_be_between", "kolonne": "beloeb_kr", "min": 0, "raekkebetingelse": "nextval('memory.main.taeller') > 0"},
    {"sql": None, "forventning": "expect_column_pair_values_to_be_equal", "kolonner": ["art", "dranst"], "raekkebetingelse": "nextval('memory.main.taeller') > 0"},
], ids=["sql", "column", "pair"])
def test_a_rule_is_run_once(tmp_path: Path, monkeypatch, words: dict) -> None:
    """Each row that breaks the rule ticks a counter when it is looked at: as many ticks as rows, and the rows and their number are of that one look.

    Nor is the table asked anything else that costs: that it is there, and what its columns are.
    """
    world = World(tmp_path / "hjem")
    world.instruct("0101")
    world.add(*(post(f"r{n}", beloeb_kr=-1) for n in range(7)))
    ticks, asked = [], []

    def note(_con, _cursor, statement: str, *_more) -> None:
        asked.append(" ".join(statement.split()))

    def counted(con, *args):
        con.execute("create sequence memory.main.taeller")
        faults = measure(con, *args)
        ticks.extend(con.execute("select last_value from duckdb_sequences() where sequence_name = 'taeller'").fetchall())
        return faults

    monkeypatch.setattr("flis.quality.validate.measure", counted)
    event.listen(Engine, "before_cursor_execute", note)
    try:
        assert validate(world.home, rules_folder=write_rules(tmp_path, words)).not_run == []
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert ticks == [(7,)]
    assert len([one for one in asked if "std_oekonomi__postering" in one and not one.startswith(("describe ", "SELECT 1 FROM"))]) == 1
    assert len(world.found("OK-90")) == 7
    assert world.ask("select afvigelser from kvalitet.resultat") == [(7,)]


IN_LIST = {"sql": None, "forventning": "expect_column_values_to_be_in_set", "kolonne": "ejerforhold", "kodeliste": "ejerforhold"}
NOT_NULL = {"sql": None, "forventning": "expect_column_values_to_not_be_null", "kolonne": "funktion"}


@pytest.mark.parametrize("change, words, reason", [
    ("drop table standardized.std_oekonomi__postering", {}, "Modellen std_oekonomi__postering er ikke bygget."),
    ("drop table standardized.std_oekonomi__postering", NOT_NULL, "Modellen std_oekonomi__postering er ikke bygget."),
    ("drop table standardized.std_oekonomi__frasat", {**NOT_NULL, "grundlag": "std_oekonomi__frasat"}, "Modellen std_oekonomi__frasat er ikke bygget."),
    ("drop table koder.ejerforhold", IN_LIST, "ejerforhold"),
    ("delete from koder.ejerforhold", IN_LIST, "Kodelisten ejerforhold er tom."),
    ("alter table koder.ejerforhold rename ejerforhold to kode", IN_LIST, "ejerforhold"),
    ("drop table koder.ejerforhold", {"sql": "select b.* from {batch} as b anti join koder.ejerforhold as e on b.ejerforhold = e.ejerforhold"}, "ejerforhold"),
    ("alter table standardized.std_oekonomi__postering drop funktion", NOT_NULL, "funktion"),
    ("drop table standardized.std_borger__person", {**NOT_NULL, "raekkebetingelse": "kilde_id not in (select p.kilde_id from standardized.std_borger__person as p)"}, "std_borger__person"),
], ids=["sql", "expectation", "grundlag", "code list", "empty code list", "code list's column", "code list in sql", "column", "row condition"])
def test_what_a_rule_reads_and_is_not_there_is_an_error_and_no_pass(tmp_path: Path, clock, change: str, words: dict, reason: str) -> None:  # noqa: F811
    world = World(tmp_path / "hjem")
    world.instruct("0101")
    world.add(post("god"), ("std_oekonomi__frasat", {"kommunekode": "0101", "kildesystem": "kmd_opus", "periode": JAN, "kilde_id": "x"}))
    rules = write_rules(tmp_path, words, {"regel_id": "OK-91", "model": "std_borger__person_periode", "sql": "select * from {batch}"})
    assert clock(world, 1, rules).not_run == []
    assert [status for _, status in world.status("OK-90")] == ["bestaaet"]
    with connect(world.home, write="flis") as con:
        con.execute(change)
    result = clock(world, 2, rules, alt=True)
    assert [rule for rule, _ in result.not_run] == ["OK-90"] and reason in result.not_run[0][1]
    assert world.ask("select distinct status, raekker, afvigelser, aarsag from kvalitet.resultat where regel_id = 'OK-90'") == [("kunne_ikke_koere", None, None, result.not_run[0][1])]
    assert clock(world, 3, rules).measured >= 1, "a rule that could not run is tried again"


def test_nothing_is_left_in_the_database_but_the_results(tmp_path: Path) -> None:
    world = World(tmp_path / "hjem")
    world.instruct("0101")
    world.add(post("a", beloeb_kr=-1))
    validate(world.home, rules_folder=write_rules(tmp_path, {"sql": None, **CASES["row_condition"][0]}, {"regel_id": "OK-91", **NOT_NULL, "kolonne": "findes_ikke", "omfang": "true"}))
    assert world.ask("select table_name from information_schema.tables where table_catalog = 'flis' and table_name in ('skive', 'brydende')") == []


def test_what_an_expectation_reads_is_known(tmp_path: Path) -> None:
    """It is measured again when a code list it takes its values from, or a table its row condition names, has changed."""
    rule, = load_rules(write_rules(tmp_path, {**IN_LIST, "raekkebetingelse": "art in (select a.art from koder.kontoplan_art as a) and kilde_id in (select p.kilde_id from standardized.std_borger__person as p)"}))
    assert rule.code_lists == {"ejerforhold", "kontoplan_art"} and rule.reads == {"ejerforhold", "kontoplan_art", "std_borger__person"}
    assert rule.raekkevidde == "skive", "an expectation judges each row by itself"
    other, = load_rules(write_rules(tmp_path, {**IN_LIST, "kodeliste": "kontoplan_art"}))
    assert rule.measured_by != other.measured_by


def test_a_row_judged_by_itself_is_measured_by_municipality_where_the_build_knows_no_month(tmp_path: Path, clock) -> None:  # noqa: F811
    world = World(tmp_path / "hjem")
    world.instruct("0101", "0147")
    world.add(post("a", beloeb_kr=-1), post("b", beloeb_kr=-1, kommunekode="0147"))
    rules = write_rules(tmp_path, {"sql": None, "forventning": "expect_column_values_to_be_between", "kolonne": "beloeb_kr", "min": 0})
    moved(world, 1)
    clock(world, 1, rules)
    correct(world, "true")          # of 0147 nobody says so
    moved(world, 2, ("std_oekonomi__postering", "0101", None))
    result = clock(world, 2, rules)
    assert world.ask("select laest from kvalitet.maalt where koersel = ?", result.koersel) == [("skiver",)]
    assert world.found("OK-90") == {("0147", "kmd_opus|b")}


def test_a_rule_that_looks_across_months_is_measured_in_all_of_the_municipality(tmp_path: Path, clock) -> None:  # noqa: F811
    world = World(tmp_path / "hjem")
    world.instruct("0101")
    world.add(post("jan"))
    rules = write_rules(tmp_path, {"raekkevidde": "kommune", "sql": "select b.* from {batch} as b semi join {batch} as f on b.kommunekode = f.kommunekode and b.periode > f.periode"})
    moved(world, 1)
    clock(world, 1, rules)
    world.add(post("feb", periode=FEB))
    moved(world, 2, ("std_oekonomi__postering", "0101", FEB))
    clock(world, 2, rules)
    assert world.found("OK-90") == {("0101", "kmd_opus|feb")}


@pytest.mark.parametrize(("words", "message"), [
    ({"forventning": "expect_findes_ikke"}, "forventning skal være en af expect_column_values_to_be_in_set, "),
    ({"forventning": "expect_table_row_count_to_equal"}, "alt andet skrives som sql"),
    ({"forventning": {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "art"}}}, "forventning skal være en af"),
    ({"forventning": "expect_column_values_to_not_be_null"}, "'kolonne' mangler"),
    ({"forventning": "expect_column_values_to_not_be_null", "kolonne": "art is null or 1"}, "kolonne skal være navnet på en kolonne"),
    ({"forventning": "expect_column_values_to_not_be_null", "kolonne": "art", "mostly": 0.9}, "ukendt felt 'mostly'"),
    ({"forventning": "expect_column_values_to_not_be_null", "kolonne": "art", "vaerdier": ["1"]}, "'vaerdier' hører ikke til expect_column_values_to_not_be_null"),
    ({"forventning": "expect_column_values_to_not_be_null", "kolonne": "art", "raekkebetingelse": 1}, "'raekkebetingelse' skal være tekst"),
    ({"forventning": "expect_column_values_to_be_in_set", "kolonne": "art"}, "skriv enten 'vaerdier' eller 'kodeliste'"),
    ({"forventning": "expect_column_values_to_be_in_set", "kolonne": "art", "vaerdier": ["1"], "kodeliste": "k"}, "skriv enten 'vaerdier' eller 'kodeliste'"),
    ({"forventning": "expect_column_values_to_be_in_set", "kolonne": "art", "vaerdier": []}, "vaerdier skal være en liste"),
    ({"forventning": "expect_column_values_to_be_in_set", "kolonne": "art", "vaerdier": "1"}, "vaerdier skal være en liste"),
    ({"forventning": "expect_column_values_to_be_in_set", "kolonne": "art", "vaerdier": ["1", None]}, "vaerdier skal være en liste"),
    ({"forventning": "expect_column_values_to_be_in_set", "kolonne": "art", "kodeliste": "k; drop table x"}, "kodeliste skal være navnet på en kodeliste"),
    ({"forventning": "expect_column_pair_values_to_be_in_set", "kolonner": ["art", "dranst"], "vaerdier": ["1", "2"]}, "liste af par"),
    ({"forventning": "expect_column_pair_values_to_be_equal", "kolonner": ["art"]}, "kolonner skal være to navne"),
    ({"forventning": "expect_column_pair_values_to_be_equal", "kolonne": "art"}, "'kolonner' mangler"),
    ({"forventning": "expect_column_values_to_be_between", "kolonne": "beloeb_kr"}, "mangler en grænse: min, max, over, under"),
    ({"forventning": "expect_column_values_to_be_between", "kolonne": "beloeb_kr", "min": "0"}, "min skal være et tal"),
    ({"forventning": "expect_column_values_to_be_between", "kolonne": "beloeb_kr", "min": 0, "over": 0}, "skriv enten 'min' eller 'over'"),
    ({"sql": "select * from {batch}", "kolonne": "art"}, "'kolonne' er kun for en 'forventning'"),
])
def test_the_words_of_an_expectation_are_checked(tmp_path: Path, words: dict, message: str) -> None:
    with pytest.raises(RuleError, match="oekonomi.yml, OK-90") as caught:
        load_rules(write_rules(tmp_path, {"sql": None, **words}))
    assert message in str(caught.value)


def test_the_words_come_to_what_great_expectations_takes() -> None:
    assert expectation({"forventning": "expect_column_values_to_be_between", "kolonne": "a", "over": 0, "max": 1}).kwargs(()) == {"column": "a", "min_value": 0, "strict_min": True, "max_value": 1}
    assert expectation({"forventning": "expect_column_pair_values_to_be_equal", "kolonner": ["a", "b"]}).kwargs(()) == {"column_A": "a", "column_B": "b", "ignore_row_if": "either_value_is_missing"}
