"""The quality step on a tiny database made by hand: what each rule finds, and what becomes of what it finds."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest
import yaml

from flis.database import connect
from flis.home import Home
from flis.rules import RuleError, load_rules
from flis.validate import KEEP_DEVIATIONS, held, validate

JAN, FEB = date(2026, 1, 1), date(2026, 2, 1)
OPEN = date(9999, 12, 31)
ORIGIN = "_leverance_id bigint, _fil varchar, _linje bigint"

TABLES = {
    "koder.kontoplan_dranst": "dranst varchar, hovedkonto varchar",
    "koder.paragraf": "ydelseskode varchar, paragraf varchar, gyldig_fra date",
    "marts.dim_kontoplan": "konto_id varchar, match_status varchar, gyldig_fra_aar integer, gyldig_til_aar integer",
    "marts.fct_borger__folketal_afstemning": "kommunekode varchar, periode date, status varchar",
    "standardized.std_oekonomi__postering":
        "kommunekode varchar, kildesystem varchar, kilde_id varchar, beloebstype varchar, regnskabsaar integer, regnskabsperiode integer, "
        "periode date, leveret_periode date, hovedkonto varchar, funktion varchar, dranst varchar, gruppering varchar, art varchar, "
        f"bilag_id varchar, beloeb_kr decimal(18, 2), {ORIGIN}",
    "standardized.std_oekonomi__frasat":
        f"kommunekode varchar, kildesystem varchar, tabel varchar, kilde_id varchar, periode date, aarsag varchar, {ORIGIN}",
    "standardized.std_borger__person":
        "person_id varchar, foedselsdato date, koen varchar, doedsdato date, koen_modsiger_nummer boolean, er_flyttet_efter_doed boolean, kommunekode varchar, kildesystem varchar, "
        f"kilde_id varchar, {ORIGIN}",
    "standardized.std_borger__person_periode":
        "person_id varchar, gyldig_fra date, gyldig_til date, bopael_kommunekode varchar, er_bosat boolean, civilstand varchar, kommunekode varchar, "
        f"kildesystem varchar, kilde_id varchar, {ORIGIN}",
    "standardized.std_borger__frasat":
        f"kommunekode varchar, kildesystem varchar, tabel varchar, kilde_id varchar, periode date, aarsag varchar, {ORIGIN}",
    "standardized.std_borger__officielt_folketal":
        "kommunekode varchar, omraadekode varchar, koen varchar, alder integer, periode date, antal_personer integer, kildesystem varchar, "
        f"kilde_id varchar, {ORIGIN}",
    "standardized.std_voksne_handicap__ydelse":
        "kommunekode varchar, person_id varchar, paragraf varchar, ydelseskode varchar, gyldig_fra date, gyldig_til date, "
        "betaling_kommunekode varchar, opholds_kommunekode varchar, ydelsesstatus varchar, kildesystem varchar, kilde_id varchar, " + ORIGIN,
    "standardized.std_voksne_handicap__frasat":
        f"kommunekode varchar, kildesystem varchar, tabel varchar, kilde_id varchar, periode date, aarsag varchar, {ORIGIN}",
}

DEFAULTS = {
    "standardized.std_oekonomi__postering": {
        "kommunekode": "0101", "kildesystem": "kmd_opus", "beloebstype": "regnskab", "regnskabsaar": 2026, "regnskabsperiode": 1, "periode": JAN,
        "leveret_periode": JAN, "hovedkonto": "5", "funktion": "5.28.20", "dranst": "1", "gruppering": "003", "art": "4.0", "beloeb_kr": 100},
    "standardized.std_borger__person": {
        "foedselsdato": date(1980, 5, 1), "koen": "M", "koen_modsiger_nummer": False, "er_flyttet_efter_doed": False, "kommunekode": "0101", "kildesystem": "cpr"},
    "standardized.std_borger__person_periode": {
        "gyldig_fra": date(2000, 1, 1), "gyldig_til": OPEN, "bopael_kommunekode": "0101", "er_bosat": True, "civilstand": "U",
        "kommunekode": "0101", "kildesystem": "cpr"},
    "standardized.std_voksne_handicap__ydelse": {
        "kommunekode": "0101", "paragraf": "SEL|85", "ydelseskode": "31202", "gyldig_fra": date(2025, 1, 1), "gyldig_til": OPEN,
        "betaling_kommunekode": "0101", "opholds_kommunekode": "0101", "ydelsesstatus": "igangvaerende", "kildesystem": "eg_sensum"},
}


class World:
    """A home with the set-up and the tables above, filled row by row; every row has an origin of its own."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root).prepare()
        self.line = 0
        with connect(self.home, write="cpr") as con:
            con.execute("create schema raw")
            con.execute("create table raw.opsaetning_kommune_opsaetning (kommunekode varchar, fagomraade varchar, kildesystem varchar, "
                        "kadence varchar, gyldig_fra varchar, gyldig_til varchar, instrueret varchar)")
        with connect(self.home, write="flis") as con:
            for schema in ("koder", "marts", "standardized"):
                con.execute(f"create schema {schema}")
            for name, columns in TABLES.items():
                con.execute(f"create table {name} ({columns})")

    def instruct(self, *kommuner: str, areas: tuple[str, ...] = ("borger", "oekonomi", "voksne_handicap"), yes: str = "true",
                 start: str = "2007-01-01", end: str = "") -> None:
        with connect(self.home, write="cpr") as con:
            con.executemany("insert into raw.opsaetning_kommune_opsaetning values (?, ?, 'x', 'maaned', ?, ?, ?)",
                            [[k, a, start, end, yes] for k in kommuner for a in areas])

    def add(self, *rows: tuple[str, dict]) -> None:
        with connect(self.home, write="flis") as con:
            for table, given in rows:
                self.line += 1
                row = {**DEFAULTS.get(table, {}), **given}
                if "_linje bigint" in TABLES[table]:
                    row |= {"_leverance_id": 7, "_fil": "fil.csv", "_linje": self.line}
                con.execute(f"insert into {table} ({', '.join(row)}) values ({', '.join('?' * len(row))})", list(row.values()))

    def ask(self, sql: str, *args) -> list[tuple]:
        with connect(self.home) as con:
            return con.execute(sql, list(args)).fetchall()

    def found(self, regel_id: str) -> set[tuple[str, str]]:
        return set(self.ask("select kommunekode, noegle from kvalitet.afvigelse where regel_id = ? and koersel = (select max(koersel) from kvalitet.koersel)", regel_id))

    def status(self, regel_id: str, kommunekode: str = "0101") -> list[tuple]:
        return self.ask("select periode, status from kvalitet.resultat where regel_id = ? and kommunekode = ? and koersel = (select max(koersel) from kvalitet.koersel) "
                        "order by periode", regel_id, kommunekode)


def post(kilde_id: str, **more) -> tuple[str, dict]:
    return "standardized.std_oekonomi__postering", {"kilde_id": kilde_id, **more}


def person(kilde_id: str, **more) -> tuple[str, dict]:
    return "standardized.std_borger__person", {"person_id": kilde_id, "kilde_id": kilde_id, **more}


def spell(kilde_id: str, **more) -> tuple[str, dict]:
    return "standardized.std_borger__person_periode", {"person_id": kilde_id, "kilde_id": kilde_id, **more}


def service(kilde_id: str, person_id: str, **more) -> tuple[str, dict]:
    return "standardized.std_voksne_handicap__ydelse", {"kilde_id": kilde_id, "person_id": person_id, **more}


def aside(area: str, kilde_id: str, kildesystem: str, aarsag: str, **more) -> tuple[str, dict]:
    return f"standardized.std_{area}__frasat", {"kommunekode": "0101", "kildesystem": kildesystem, "tabel": "t", "kilde_id": kilde_id,
                                                "periode": JAN, "aarsag": aarsag, **more}


def official(omraade: str, alder: int, **more) -> tuple[str, dict]:
    return "standardized.std_borger__officielt_folketal", {
        "kommunekode": omraade, "omraadekode": omraade[-3:], "koen": "K", "alder": alder, "periode": JAN, "antal_personer": 10, "kildesystem": "dst_folk1a",
        "kilde_id": f"{omraade}.{alder}", **more}


def account(konto_id: str, match_status: str, first: int, last: int = 9999) -> tuple[str, dict]:
    return "marts.dim_kontoplan", {"konto_id": konto_id, "match_status": match_status, "gyldig_fra_aar": first, "gyldig_til_aar": last}


CODES = [
    ("koder.kontoplan_dranst", {"dranst": "1", "hovedkonto": "5"}),
    ("koder.kontoplan_dranst", {"dranst": "7", "hovedkonto": "7"}),
    ("koder.paragraf", {"paragraf": "SEL|85", "ydelseskode": "31202", "gyldig_fra": date(1976, 4, 1)}),
    ("koder.paragraf", {"paragraf": "SEL|82c", "ydelseskode": "31183", "gyldig_fra": date(2024, 1, 1)}),
    account("5.28.20.1.003", "autoriseret", 2007), account("5.99.99.1.003", "ukendt_funktion", 2026), account("5.28.20.1.123", "ukendt_gruppering", 2026),
    account("5.28.21.1.003", "ukendt_funktion", 2025, 2025), account("5.28.21.1.003", "autoriseret", 2026),
]

GOOD = [
    post("god", bilag_id="b0", beloeb_kr=5), post("god2", bilag_id="b0", beloeb_kr=-5), post("god3", periode=FEB, leveret_periode=FEB, regnskabsperiode=2),
    post("supplement", regnskabsperiode=13, periode=date(2025, 12, 1)), post("saldo", beloeb_kr=-3), post("loen", art="1.0"),
    post("nyaabnet", funktion="5.28.21"), post("aar_til_dato", periode=date(2025, 12, 1), regnskabsperiode=12),
    person("god"), spell("god"), person("hundrede", foedselsdato=date(1901, 1, 1)), person("doed", foedselsdato=date(1890, 1, 1), doedsdato=date(1990, 1, 1)),
    spell("doed", gyldig_fra=date(1980, 1, 1), gyldig_til=date(1990, 1, 1)), spell("udrejst", er_bosat=False, bopael_kommunekode="0998", civilstand="ukendt"),
    spell("nyeste", gyldig_fra=date(2026, 1, 31)),
    *(official("0101", age) for age in range(101)), *(official("0147", age) for age in range(101) if age != 38),
    ("marts.fct_borger__folketal_afstemning", {"kommunekode": "0151", "periode": JAN, "status": "ikke_relevant"}),
    ("marts.fct_borger__folketal_afstemning", {"kommunekode": "0101", "periode": JAN, "status": "bestaaet"}),
    service("god", "god"), service("tidligere107", "god", paragraf="SEL|107", gyldig_fra=date(2025, 1, 1), gyldig_til=date(2025, 6, 1)),
    service("senere108", "god", paragraf="SEL|108", gyldig_fra=date(2025, 6, 1)), service("doed", "doed", gyldig_fra=date(1989, 1, 1), gyldig_til=date(1990, 1, 2)),
    service("hjaelp", "god", betaling_kommunekode="0998"), service("slut", "god", ydelsesstatus="afsluttet", gyldig_til=date(2026, 1, 1)),
    service("akut", "god", paragraf="SEL|82c", ydelseskode="31183", gyldig_fra=date(2024, 1, 1)),
    service("ukendt_start", "god", paragraf="SEL|82c", ydelseskode="31183", gyldig_fra=date(1900, 1, 1)),
]

# What is planted for each rule, and the keys it must find: exactly those.
PLANTED = {
    "OK-01": ([post("ok01", funktion="5.99.99")], {"kmd_opus|ok01"}),
    "OK-02": ([post("ok02", dranst="7")], {"kmd_opus|ok02"}),
    "OK-03": ([post("ok03", gruppering="123")], {"kmd_opus|ok03"}),
    "OK-04": ([post("ok04a", bilag_id="b1", beloeb_kr=100), post("ok04b", bilag_id="b1", beloeb_kr="-99.99")], {"kmd_opus|ok04a", "kmd_opus|ok04b"}),
    "OK-05": ([post("ok05", beloebstype="ukendt")], {"kmd_opus|ok05"}),
    "OK-06": ([post("ok06a", periode=JAN, leveret_periode=FEB), post("ok06b", periode=FEB)], {"kmd_opus|ok06a", "kmd_opus|ok06b"}),
    "OK-07": ([aside("oekonomi", "ok07", "kmd_opus", "beloeb_ulaeseligt")], {"kmd_opus|ok07"}),
    "OK-08": ([post("ok08", art="1.0", beloeb_kr=-1)], {"kmd_opus|ok08"}),
    "OK-09": ([aside("oekonomi", "ok09a", "kmd_opus", "konto_ulaeselig"), aside("oekonomi", "ok09b", "kmd_opus", "periode_ugyldig")],
              {"kmd_opus|ok09a", "kmd_opus|ok09b"}),
    "BO-01": ([aside("borger", "bo01", "cpr", "cpr_ugyldig")], {"cpr|bo01"}),
    "BO-02": ([person("bo02", koen_modsiger_nummer=True)], {"cpr|bo02"}),
    "BO-03": ([aside("borger", "bo03", "cpr", "foedselsdato_ugyldig")], {"cpr|bo03"}),
    "BO-04": ([spell("bo04", bopael_kommunekode="0998", kommunekode="0998")], {"cpr|bo04"}),
    "BO-05": ([person("bo05", doedsdato=date(2020, 1, 1), er_flyttet_efter_doed=True, kommunekode="0998"), spell("bo05", gyldig_til=date(2020, 1, 1))], {"cpr|bo05"}),
    "BO-06": ([], {"dst_folk1a|147.K.38.2026-01-01"}),
    "BO-07": ([spell("bo07", civilstand="ukendt")], {"cpr|bo07"}),
    "BO-08": ([("marts.fct_borger__folketal_afstemning", {"kommunekode": "0147", "periode": JAN, "status": "afviger"})],
              {"dst_folk1a|0147.2026-01-01"}),
    "BO-09": ([aside("borger", f"bo09-{why}", "cpr", why) for why in ("dato_ulaeselig", "art_ukendt", "noegle_ulaeselig", "antal_ulaeseligt")],
              {f"cpr|bo09-{why}" for why in ("dato_ulaeselig", "art_ukendt", "noegle_ulaeselig", "antal_ulaeseligt")}),
    "VH-01": ([service("vh01", "god", betaling_kommunekode=None, opholds_kommunekode="0998")], {"eg_sensum|vh01"}),
    "VH-02": ([service("vh02a", "bo", paragraf="SEL|107", gyldig_til=date(2025, 6, 2)), service("vh02b", "bo", paragraf="SEL|108", gyldig_fra=date(2025, 6, 1))],
              {"eg_sensum|vh02a", "eg_sensum|vh02b"}),
    "VH-03": ([service("vh03", "doed", gyldig_fra=date(1989, 1, 1), gyldig_til=date(1990, 1, 3))], {"eg_sensum|vh03"}),
    "VH-04": ([person("barn", foedselsdato=date(2010, 5, 1)), service("vh04", "barn")], {"eg_sensum|vh04"}),
    "VH-05": ([service("vh05", "god", paragraf="SEL|82c", ydelseskode="31183", gyldig_fra=date(2023, 12, 31))], {"eg_sensum|vh05"}),
    "VH-06": ([service("vh06", "god", ydelsesstatus="afsluttet")], {"eg_sensum|vh06"}),
    "VH-07": ([service("vh07", "god", ydelseskode="ukendt")], {"eg_sensum|vh07"}),
    "VH-08": ([aside("voksne_handicap", "vh08", "eg_sensum", "cpr_ugyldig")], {"eg_sensum|vh08"}),
    "VH-09": ([aside("voksne_handicap", "vh09a", "eg_sensum", "dato_ulaeselig"), aside("voksne_handicap", "vh09b", "eg_sensum", "slut_foer_start"),
               aside("voksne_handicap", "slettet", "eg_sensum", "slettet_i_kilden")], {"eg_sensum|vh09a", "eg_sensum|vh09b"}),
}


@pytest.fixture(scope="module")
def planted(tmp_path_factory) -> World:
    """Everything good and everything planted, validated once. 0153 has not instructed, and has a row that breaks a rule."""
    world = World(tmp_path_factory.mktemp("kvalitet"))
    world.instruct("0101", "0147", "0151")
    world.instruct("0153", yes="false")
    world.add(*CODES, *GOOD, *(row for rows, _ in PLANTED.values() for row in rows), post("fremmed", kommunekode="0153", dranst="7"))
    world.result = validate(world.home)
    return world


def test_every_rule_is_planted() -> None:
    assert [rule.regel_id for rule in load_rules()] == [*sorted(r for r in PLANTED if r < "C"), *sorted(r for r in PLANTED if "C" < r < "P"), *sorted(r for r in PLANTED if r > "P")]


@pytest.mark.parametrize("regel_id", PLANTED)
def test_rule_finds_exactly_what_was_planted(planted: World, regel_id: str) -> None:
    assert planted.result.not_run == []
    assert {key for _, key in planted.found(regel_id)} == PLANTED[regel_id][1]


def test_breaking_rows_say_where_they_come_from(planted: World) -> None:
    rows = planted.ask("select a.leverance_id, a.fil, a.linje, p._linje from kvalitet.afvigelse as a inner join standardized.std_oekonomi__postering as p "
                       "on a.noegle = p.kildesystem || '|' || p.kilde_id where a.regel_id = 'OK-02'")
    assert len(rows) == 1 and rows[0][:2] == (7, "fil.csv") and rows[0][2] == rows[0][3]


def test_results_are_complete_against_what_was_intended(planted: World) -> None:
    intended = set()
    for rule in load_rules():
        months = {"std_oekonomi__postering": [date(2025, 12, 1), JAN, FEB], "std_borger__officielt_folketal": [JAN],
                  "fct_borger__folketal_afstemning": [JAN]}.get(rule.grundlag, [None])
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
    assert planted.result.broken["oekonomi"] == {"fejl": 5, "advarsel": 4, "oplysning": 0}
    assert planted.result.facts()["held"] == len(planted.result.held)


def test_a_dead_person_stands_with_the_last_municipality(planted: World) -> None:
    assert planted.found("BO-05") == {("0101", "cpr|bo05")}


def test_page_has_every_rule_and_no_key(planted: World) -> None:
    page = planted.result.report.read_text("utf-8")
    for rule in load_rules():
        assert rule.regel_id in page and rule.titel in page
    assert all(key not in page for _, keys in PLANTED.values() for key in keys)


def test_texts_and_colons_in_sql_are_left_alone(tmp_path: Path) -> None:
    world = World(tmp_path / "hjem")
    world.instruct("0101")
    world.add(post("a:b", art="{x}"), post("%", art="12:30"))
    rules = write_rules(tmp_path, {"sql": "select * from {batch} where kilde_id like 'a:b%' or (art = '12:30'::varchar and ' :x' = ' :x') or regexp_matches(art, '^.{5}$')"})
    assert validate(world.home, rules_folder=rules).not_run == []
    assert {key for _, key in world.found("OK-90")} == {"kmd_opus|a:b", "kmd_opus|%"}


RULE = {"regel_id": "OK-90", "titel": "Prøve", "dimension": "korrekthed", "alvor": "fejl", "hvad": "Hvad.", "hvornaar": "Hvornår.", "hvordan": "Hvordan.",
        "taerskel": {"andel": 0.01, "grund": "Prøve", "dato": date(2026, 1, 1)}, "faggruppe": "faggruppe_oekonomi",
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
