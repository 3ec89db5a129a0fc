"""The package step on a home made by hand: small enough to reason about, with every kind of table, wish and recipient."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
from datetime import date
from pathlib import Path

import duckdb
import frictionless
import pytest

from flis.core.database import connect
from flis.core.home import Home
from flis.core.keys import create_key, master_key, pseudonym, recipient_key
from flis.package import write as step
from flis.package.write import PackageError, newest_version, package, versions

ALICE, BENT, CARL = "0101600001", "0202610002", "0303620003"
BENT_BEFORE = "0202610099"


def _column(name: str, description: str, **more) -> dict:
    meta = {"enhed": more.pop("enhed")} if "enhed" in more else {}
    return {"name": name, "description": description, "constraints": more.pop("constraints", []), "config": {"meta": meta}, "meta": meta}


def _model(name: str, schema: str, niveau: str, area: str, columns: list[dict], description: str, **pakke) -> dict:
    return {"unique_id": f"model.flis.{name}", "resource_type": "model", "name": name, "schema": schema, "alias": name, "database": "flis", "group": f"faggruppe_{area}",
            "description": description, "columns": {c["name"]: c for c in columns}, "constraints": [],
            "config": {"meta": {"pakke": {"niveau": niveau, "fagomraade": area, **pakke}}}}


def _test(kind: str, model: str, **kwargs) -> dict:
    return {"unique_id": f"test.flis.{kind}_{model}_{hashlib.md5(repr(kwargs).encode()).hexdigest()}", "resource_type": "test", "name": f"{kind}_{model}",
            "attached_node": f"model.flis.{model}", "test_metadata": {"name": kind, "kwargs": {**kwargs, "model": "{{ x }}"}}}


MODELS = [
    _model("dim_kommune", "marts", "dimension", "faelles", [_column("kommunekode", "Kommunens kode."), _column("kommunenavn", "Kommunens navn.")], "Én række pr. kommune."),
    _model("std_voksne_handicap__ydelse", "standardized", "individ", "voksne_handicap",
           [_column("person_id", "Personens nøgle."), _column("timer", "Timer pr. uge.", enhed="timer"), _column("status", "Status.")], "Én række pr. person, ydelse og start."),
    _model("fct_voksne_handicap__maaned", "marts", "kommune", "voksne_handicap",
           [_column("periode", "Måned."), _column("beloeb_kr", "Beløb.", enhed="kr."), _column("antal_modtagere", "Modtagere.", enhed="personer")], "Én række pr. kommune, måned og paragraf."),
    _model("fct_voksne_handicap__benchmark", "marts", "benchmark", "voksne_handicap",
           [_column("antal_modtagere", "Modtagere.", enhed="personer")], "Én række pr. kommune, måned og paragraf."),
]
TESTS = [
    _test("unik_noegle", "dim_kommune", kolonner=["kommunekode"]),
    _test("unik_noegle", "std_voksne_handicap__ydelse", kolonner=["kommunekode", "person_id", "coalesce(paragraf, '-')", "gyldig_fra"]),
    _test("unik_noegle", "std_voksne_handicap__ydelse", kolonner=["person_id", "paragraf", "gyldig_fra"]),
    _test("accepted_values", "std_voksne_handicap__ydelse", column_name="status", values=["igang", "slut"]),
    _test("relationships", "std_voksne_handicap__ydelse", column_name="paragraf", to="ref('paragraf')", field="paragraf"),
    _test("unik_noegle", "fct_voksne_handicap__maaned", arguments={"kolonner": ["kommunekode", "periode", "paragraf"]}),
    _test("unik_noegle", "fct_voksne_handicap__benchmark", kolonner=["kommunekode", "periode", "paragraf"]),
]
SEEDS = [
    {"unique_id": "seed.flis.paragraf", "resource_type": "seed", "name": "paragraf", "schema": "koder", "alias": "paragraf", "checksum": {"checksum": "a" * 64}},
    {"unique_id": "seed.flis.xwalk_voksne_handicap__paragraf", "resource_type": "seed", "name": "xwalk_voksne_handicap__paragraf", "schema": "koder", "alias": "x", "checksum": {"checksum": "b" * 64}},
]


@pytest.fixture
def hjem(tmp_path, monkeypatch) -> Home:
    """Three municipalities: 0101 wants everything, 0147 has wishes, 0615 has instructed CPR numbers, 0825 has not instructed the area."""
    monkeypatch.setenv("FLIS_NU", "2026-11-23T12:00:00")
    monkeypatch.delenv("FLIS_NOEGLE", raising=False)
    home = Home.of(tmp_path / "hjem").prepare()
    create_key(home)
    with connect(home, write="cpr") as con:
        con.execute("create schema raw")
        con.execute("create table raw.opsaetning_kommune_opsaetning (kommunekode varchar, fagomraade varchar, kildesystem varchar, kadence varchar, gyldig_fra varchar, gyldig_til varchar, instrueret varchar)")
        con.executemany("insert into raw.opsaetning_kommune_opsaetning values (?, 'voksne_handicap', 'eg_sensum', 'maaned', '2025-01-01', '', ?)",
                        [("0101", "true"), ("0147", "true"), ("0615", "true"), ("0825", "false")])
        con.execute("create table raw.opsaetning_lokale_felter as select '0101' as kommunekode, 'eg_sensum' as kildesystem, 'ydelse' as tabel, 'TEAM' as felt, 'Det team der har sagen' as beskrivelse")
        con.execute("create table raw.opsaetning_pakke_oenske (kommunekode varchar, fagomraade varchar, datasaet varchar, udelad_felter varchar, fra_periode varchar, format varchar, cpr varchar, gyldig_fra varchar, gyldig_til varchar)")
        con.executemany("insert into raw.opsaetning_pakke_oenske values (?, 'voksne_handicap', ?, ?, ?, ?, ?, ?, ?)", [
            ("0101", "*", "", "", "begge", "false", "2025-01-01", ""),
            ("0147", "fct_voksne_handicap__maaned", "antal_modtagere", "2026-09", "csv", "false", "2025-01-01", ""),
            ("0147", "*", "", "", "parquet", "true", "2025-01-01", "2026-01-01"),
            ("0615", "*", "", "", "begge", "true", "2025-01-01", ""),
            ("0825", "*", "", "", "parquet", "false", "2025-01-01", "")])
        con.execute("create table raw.person_noegle (cpr varchar, person_id varchar, noegle_version integer, tidligere_cpr varchar)")
        con.executemany("insert into raw.person_noegle values (?, ?, 1, ?)", [(ALICE, "a" * 32, None), (BENT, "b" * 32, BENT_BEFORE), (BENT_BEFORE, "b" * 32, None), (CARL, "c" * 32, None)])
        con.execute("create table raw.leverance (leverance_id bigint, fagomraade varchar, kildesystem varchar, filtype varchar, kommunekode varchar, periode date, loebenr bigint, "
                    "udtrukket timestamp, fil varchar, sha256 varchar, raekker bigint, kontrolsum decimal(38,2), status varchar)")
        con.executemany("insert into raw.leverance values (?, 'voksne_handicap', 'eg_sensum', 'ydelse', ?, ?, null, '2026-10-02 03:00:00', ?, 'sha', 3, null, ?)", [
            (1, "0101", date(2026, 8, 1), "a_0101_08.csv", "aktiv"), (2, "0101", date(2026, 9, 1), "a_0101_09.csv", "erstattet"), (3, "0101", date(2026, 9, 1), "a_0101_09r.csv", "aktiv"),
            (4, "0147", date(2026, 9, 1), "a_0147_09.csv", "aktiv"), (5, "0615", date(2026, 9, 1), "a_0615_09.csv", "aktiv")])
    with connect(home, write="flis") as con:
        for schema in ("marts", "standardized", "koder", "kvalitet"):
            con.execute(f"create schema {schema}")
        con.execute("create table marts.dim_kommune as select * from (values ('0101', 'København'), ('0147', 'Frederiksberg'), ('0615', 'Horsens'), ('0825', 'Læsø')) as t (kommunekode, kommunenavn)")
        con.execute("create table koder.paragraf as select * from (values ('SEL|85', 'Socialpædagogisk støtte'), ('SEL|103', 'Beskyttet beskæftigelse')) as t (paragraf, paragrafnavn)")
        con.execute("create table standardized.std_voksne_handicap__ydelse (kommunekode varchar, person_id varchar, paragraf varchar, gyldig_fra date, gyldig_til date, betaling_kommunekode varchar, "
                    "timer decimal(9,2), status varchar, er_akut boolean, antal integer, note varchar, kildesystem varchar, kilde_id varchar, _leverance_id bigint, _fil varchar, _linje bigint)")
        con.executemany("insert into standardized.std_voksne_handicap__ydelse values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'eg_sensum', ?, ?, ?, ?)", [
            ("0101", "a" * 32, "SEL|85", date(2026, 1, 1), date(9999, 12, 31), "0101", 7.5, "igang", True, 2, "=HYPERLINK(\"x\")", "s1", 3, "a_0101_09r.csv", 1),
            ("0101", "b" * 32, "SEL|103", date(2025, 1, 1), date(2026, 2, 1), "0147", None, "slut", None, None, "'navn; \"æøå\"", "b" * 32 + "-7", 1, "a_0101_08.csv", 2),
            ("0615", "b" * 32, "SEL|85", date(2026, 2, 1), date(9999, 12, 31), "0615", 3.25, "igang", False, 1, None, "s9", 5, "a_0615_09.csv", 1),
            ("0147", "c" * 32, "SEL|85", date(2026, 2, 1), date(9999, 12, 31), "0147", 12.00, "igang", False, 1, "-2", "s8", 4, "a_0147_09.csv", 1)])
        con.execute("create table standardized.std_voksne_handicap__lokalt_felt as select '0101' as kommunekode, 'eg_sensum' as kildesystem, 's1' as kilde_id, 'TEAM' as felt, '@nord' as vaerdi, 3 as _leverance_id, 1 as _linje")
        con.execute("create table marts.fct_voksne_handicap__maaned as select k as kommunekode, p as periode, 'SEL|85' as paragraf, 1234567.5::decimal(18,2) as beloeb_kr, 2::bigint as antal_modtagere "
                    "from (values ('0101'), ('0147'), ('0615')) as a (k), (values (date '2026-08-01'), (date '2026-09-01')) as b (p)")
        con.execute("create table marts.fct_voksne_handicap__benchmark as select k as kommunekode, date '2026-09-01' as periode, 'SEL|85' as paragraf, a as antal_modtagere "
                    "from (values ('0101', 100::bigint), ('0147', null), ('0615', 5)) as t (k, a)")
    (tmp_path / "manifest.json").write_text(json.dumps({
        "nodes": {n["unique_id"]: n for n in [*MODELS, *TESTS, *SEEDS]},
        "sources": {"s": {"source_name": "eg_sensum", "source_description": "EG Sensum gennem Danmarks Statistik. Mere."}},
        "groups": {"g": {"name": "faggruppe_voksne_handicap", "owner": {"name": "Faggruppen for voksne og handicappede"}}}}))
    return home


def run(home: Home, **narrow) -> step.PackageResult:
    return package(home, manifest=home.root.parent / "manifest.json", **narrow)


def change(home: Home, sql: str, file: str = "flis") -> None:
    with connect(home, write=file) as con:
        con.execute(sql)


def descriptor(folder: Path) -> dict:
    return json.loads((folder / "datapackage.json").read_text("utf-8"))


def newest(home: Home, recipient: str, name: str = "voksne_handicap") -> Path:
    return newest_version(home, recipient, name)


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


def everything(home: Home) -> dict[str, bytes]:
    # what never changes once it is there; the folder's first page tells of the present
    return {str(p.relative_to(home.outbox)): p.read_bytes() for p in sorted(home.outbox.rglob("*")) if p.is_file() and p.name != "index.html"}


def test_all_get_what_is_theirs(hjem):
    result = run(hjem)
    assert [str(p.relative_to(hjem.outbox)) for p in result.written] == [
        "0101/voksne_handicap/1.202609.0", "0101/voksne_handicap_benchmark/1.202609.0", "0147/voksne_handicap/1.202609.0", "0147/voksne_handicap_benchmark/1.202609.0",
        "0615/voksne_handicap/1.202609.0", "0615/voksne_handicap_benchmark/1.202609.0", "0825/voksne_handicap_benchmark/1.202609.0"]
    assert result.skipped == [("0825", "voksne_handicap", "kommunen har ikke instrueret i området")]
    own = {r["kommunekode"] for recipient in ("0101", "0615") for r in read_csv(newest(hjem, recipient) / "data/std_voksne_handicap__ydelse.csv") if r["kommunekode"] != recipient}
    assert own == set()
    assert [len(read_csv(newest(hjem, k) / "data/std_voksne_handicap__ydelse.csv")) for k in ("0101", "0615")] == [2, 1]
    assert {r["kommunekode"] for r in read_csv(newest(hjem, "0101") / "data/fct_voksne_handicap__maaned.csv")} == {"0101"}
    everyone = [r["kommunekode"] for r in read_csv(newest(hjem, "0101", "voksne_handicap_benchmark") / "data/fct_voksne_handicap__benchmark.csv")]
    assert everyone == ["0101", "0147", "0615"]
    assert not (hjem.outbox / ".skrives").exists()


def test_frictionless_validates(hjem):
    run(hjem)
    for folder in (newest(hjem, "0101"), newest(hjem, "0147"), newest(hjem, "0615"), newest(hjem, "0101", "voksne_handicap_benchmark"), newest(hjem, "0825", "voksne_handicap_benchmark")):
        report = frictionless.validate(str(folder / "datapackage.json"))
        assert report.valid, (folder, report.flatten(["title", "message"]))
        assert len(report.tasks) == len(descriptor(folder)["resources"])


def test_the_descriptor_says_what_the_models_say(hjem):
    run(hjem)
    found = descriptor(newest(hjem, "0101"))
    table = next(r for r in found["resources"] if r["name"] == "std_voksne_handicap__ydelse")
    fields = {f["name"]: f for f in table["schema"]["fields"]}
    assert table["schema"]["primaryKey"] == ["person_id", "paragraf", "gyldig_fra"]
    assert {(k["fields"][0], k["reference"]["resource"]) for k in table["schema"]["foreignKeys"]} == {("kommunekode", "dim_kommune"), ("betaling_kommunekode", "dim_kommune"), ("_leverance_id", "leverancer")}
    assert fields["timer"] == {"name": "timer", "type": "number", "description": "Timer pr. uge.", "decimalChar": ",", "enhed": "timer"}
    assert fields["status"]["constraints"]["enum"] == ["igang", "slut"]
    assert {"value": "SEL|85", "label": "Socialpædagogisk støtte"} in fields["paragraf"]["categories"]
    assert fields["lokal_team"]["description"] == "Lokalt felt TEAM: Det team der har sagen"
    assert table["dialect"]["delimiter"] == ";" and table["dataejer"] == "Faggruppen for voksne og handicappede"
    assert found["sources"] == [{"title": "EG Sensum gennem Danmarks Statistik", "kildesystem": "eg_sensum", "antal_leverancer": 2, "leverance_id": "1, 3", "senest_udtrukket": "2026-10-02"}]
    assert found["flis"]["oversaettelser"] == {"xwalk_voksne_handicap__paragraf": "b" * 12} and found["flis"]["noegle_version"] == 1
    assert found["id"] == "urn:x-flis:0101:voksne_handicap:1.202609.0" and found["created"] == "2026-10-02T03:00:00Z"
    assert [r["fil"] for r in read_csv(newest(hjem, "0101") / "data/leverancer.csv")] == ["a_0101_08.csv", "a_0101_09r.csv"]


def test_a_row_of_a_delivery_that_is_not_in_the_package_has_no_key_to_it(hjem):
    change(hjem, "update standardized.std_voksne_handicap__ydelse set _leverance_id = 999 where _leverance_id = (select min(_leverance_id) from standardized.std_voksne_handicap__ydelse)")
    run(hjem)
    table = next(r for r in descriptor(newest(hjem, "0101"))["resources"] if r["name"] == "std_voksne_handicap__ydelse")
    assert "_leverance_id" not in {k["fields"][0] for k in table["schema"]["foreignKeys"]}


def test_ids_are_keyed_anew_per_recipient(hjem):
    run(hjem)
    key = recipient_key(master_key(hjem), "0101")
    rows = read_csv(newest(hjem, "0101") / "data/std_voksne_handicap__ydelse.csv")
    assert {r["person_id"] for r in rows} == {pseudonym(key, "a" * 32), pseudonym(key, "b" * 32)}
    assert next(r for r in rows if r["paragraf"] == "SEL|103")["kilde_id"] == pseudonym(key, "b" * 32) + "-7"
    inside = [name for name, body in everything(hjem).items() if name.endswith(".csv") and any(c * 32 in body.decode() for c in "abc")]
    assert inside == []


def test_cpr_numbers_only_where_instructed(hjem):
    run(hjem)
    rows = read_csv(newest(hjem, "0615") / "data/std_voksne_handicap__ydelse.csv")
    assert [r["personnummer"] for r in rows] == [BENT]  # the current number, not the former
    assert "person_id" not in rows[0] and descriptor(newest(hjem, "0615"))["flis"]["personnumre"] is True
    others = [name for name, body in everything(hjem).items() if not name.startswith("0615/voksne_handicap/") and name.endswith((".csv", ".md", ".json", ".sql"))
              and any(n in body.decode() for n in (ALICE, BENT, CARL))]
    assert others == []


def test_wishes_are_respected(hjem):
    run(hjem)
    folder = newest(hjem, "0147")
    assert sorted(p.name for p in (folder / "data").iterdir()) == ["dim_kommune.csv", "fct_voksne_handicap__maaned.csv", "leverancer.csv"]
    rows = read_csv(folder / "data/fct_voksne_handicap__maaned.csv")
    assert rows == [{"kommunekode": "0147", "periode": "2026-09-01", "paragraf": "SEL|85", "beloeb_kr": "1234567,50"}]
    text = (folder / "README.md").read_text("utf-8")
    assert "Uden felterne `antal_modtagere`" in text and "Data fra og med 2026-09" in text
    assert sorted(p.suffix for p in (newest(hjem, "0825", "voksne_handicap_benchmark") / "data").iterdir()) == [".parquet"] * 3


def test_the_csv_is_safe_to_open_and_loses_nothing(hjem):
    run(hjem)
    folder = newest(hjem, "0101")
    raw = (folder / "data/std_voksne_handicap__ydelse.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbfkommunekode;person_id")
    rows = {r["paragraf"]: r for r in read_csv(folder / "data/std_voksne_handicap__ydelse.csv")}
    assert rows["SEL|85"]["note"] == "'=HYPERLINK(\"x\")" and rows["SEL|85"]["lokal_team"] == "'@nord" and rows["SEL|85"]["timer"] == "7,50"
    assert rows["SEL|103"]["note"] == "''navn; \"æøå\""
    for row in rows.values():
        assert not any(v.startswith(("=", "+", "@", "\t")) for v in row.values())


def test_to_systemers_navne_for_et_lokalt_felt_er_en_kolonne(hjem):
    """A change of system may change how a local field is written."""
    change(hjem, f"insert into standardized.std_voksne_handicap__lokalt_felt values ('0101', 'eg_sensum', '{'b' * 32}-7', 'Team', '=syd', 1, 2)")
    run(hjem)
    folder = newest(hjem, "0101")
    assert {r["paragraf"]: r["lokal_team"] for r in read_csv(folder / "data/std_voksne_handicap__ydelse.csv")} == {"SEL|85": "'@nord", "SEL|103": "'=syd"}
    fields = next(r for r in descriptor(folder)["resources"] if r["path"].endswith("std_voksne_handicap__ydelse.csv"))["schema"]["fields"]
    assert [f["description"] for f in fields if f["name"] == "lokal_team"] == ["Lokalt felt TEAM, Team: Det team der har sagen"]


def test_indlaes_sql_can_be_run_again(hjem, monkeypatch):
    """A newer version is read into the file the older one is in; keys that point at a table do not stop it from being made anew."""
    run(hjem)
    folder = newest(hjem, "0101")
    monkeypatch.chdir(folder)
    con, script = duckdb.connect(), (folder / "indlaes.sql").read_text("utf-8")
    assert "foreign key" in script and "create view" in script
    seen = []
    for _ in range(2):
        con.execute(script)
        seen.append([(name, con.execute(f'select count(*) from "{name}"').fetchall()[0][0]) for (name,) in con.execute("select table_name from information_schema.tables order by 1").fetchall()])
    assert seen[0] == seen[1] and len(seen[0]) > 3 and all(rows for _, rows in seen[0])


@pytest.mark.parametrize("form", ["begge", "csv", "parquet"])
def test_indlaes_sql_loads_typed_tables_with_keys(hjem, form, monkeypatch):
    change(hjem, f"update raw.opsaetning_pakke_oenske set format = '{form}' where kommunekode = '0101'", "cpr")
    run(hjem)
    folder = newest(hjem, "0101")
    monkeypatch.chdir(folder)
    con = duckdb.connect()
    con.execute((folder / "indlaes.sql").read_text("utf-8"))
    rows = con.execute("select paragraf, gyldig_fra, timer, er_akut, antal, note, lokal_team from std_voksne_handicap__ydelse order by paragraf desc").fetchall()
    assert [(p, d, str(t) if t is not None else None, a, n, note, team) for p, d, t, a, n, note, team in rows] == [
        ("SEL|85", date(2026, 1, 1), "7.50", True, 2, "=HYPERLINK(\"x\")", "@nord"), ("SEL|103", date(2025, 1, 1), None, None, None, "'navn; \"æøå\"", None)]
    assert con.execute("select count(*) from duckdb_constraints() where table_name = 'std_voksne_handicap__ydelse' and constraint_type in ('PRIMARY KEY', 'FOREIGN KEY')").fetchall() == [(4,)]
    # A cube has the dimensions' texts; which file a row came in is looked up where that is asked.
    assert not [c for (c,) in con.execute("select column_name from duckdb_columns() where table_name = 'kube_voksne_handicap__ydelse'").fetchall() if c.startswith("_leverance_id__")]
    assert con.execute("select betaling_kommunekode__kommunenavn from kube_voksne_handicap__ydelse where paragraf = 'SEL|103'").fetchall() == [("Frederiksberg",)]
    with pytest.raises(duckdb.ConstraintException):
        con.execute("insert into std_voksne_handicap__ydelse select * from std_voksne_handicap__ydelse limit 1")


def test_same_input_same_bytes(hjem, tmp_path):
    run(hjem)
    first = everything(hjem)
    hjem.outbox.rename(tmp_path / "foer")
    change(hjem, "delete from drift.pakke")
    run(hjem)
    assert everything(hjem) == first and len(first) > 40


def test_the_sums_are_right_and_the_files_read_only(hjem):
    run(hjem)
    for folder in (newest(hjem, "0101"), newest(hjem, "0615", "voksne_handicap_benchmark")):
        listed = dict(reversed(line.split("  ", 1)) for line in (folder / "SHA256SUMS").read_text("utf-8").splitlines())
        present = {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*") if p.is_file() and p.name != "SHA256SUMS"}
        assert listed == present
        assert all(p.stat().st_mode & 0o777 == 0o400 for p in folder.rglob("*") if p.is_file())


def test_equal_content_makes_no_new_version(hjem):
    first = run(hjem)
    before = everything(hjem)
    again = run(hjem)
    assert (len(again.written), len(again.unchanged)) == (0, len(first.written))
    change(hjem, "delete from drift.pakke")                     # the shortcut forgotten: the content itself decides
    third = run(hjem)
    assert (len(third.written), len(third.unchanged)) == (0, len(first.written))
    change(hjem, "update raw.leverance set status = 'aktiv' where leverance_id = 2", "cpr")
    assert run(hjem).written == []                              # another delivery of the same rows
    assert everything(hjem) == before


def test_a_change_makes_a_correction_only_where_it_is(hjem):
    run(hjem)
    before = everything(hjem)
    change(hjem, "update standardized.std_voksne_handicap__ydelse set timer = 8 where kommunekode = '0101' and paragraf = 'SEL|85'")
    result = run(hjem)
    assert [str(p.relative_to(hjem.outbox)) for p in result.written] == ["0101/voksne_handicap/1.202609.1"]
    after = everything(hjem)
    assert {k: v for k, v in after.items() if k in before} == before
    change(hjem, "update raw.leverance set periode = '2026-10-01' where leverance_id = 3", "cpr")
    change(hjem, "update standardized.std_voksne_handicap__ydelse set timer = 9 where kommunekode = '0101' and paragraf = 'SEL|85'")
    run(hjem)
    change(hjem, "update raw.leverance set periode = '2026-09-01' where leverance_id = 3", "cpr")
    change(hjem, "update standardized.std_voksne_handicap__ydelse set timer = 10 where kommunekode = '0101' and paragraf = 'SEL|85'")
    run(hjem)
    assert [p.name for p in versions(hjem, "0101", "voksne_handicap")] == ["1.202609.0", "1.202609.1", "1.202610.0", "1.202610.1"]
    assert run(hjem).written == []


def test_a_number_is_never_used_again(hjem):
    import shutil

    run(hjem)
    shutil.rmtree(hjem.outbox / "0101" / "voksne_handicap")
    run(hjem)
    assert [p.name for p in versions(hjem, "0101", "voksne_handicap")] == ["1.202609.1"]


def test_a_changed_cpr_number_reaches_the_package(hjem):
    run(hjem)
    change(hjem, f"insert into raw.person_noegle values ('1112610004', '{'b' * 32}', 1, '{BENT}')", "cpr")
    result = run(hjem)
    assert [p.parts[-3:] for p in result.written] == [("0615", "voksne_handicap", "1.202609.1")]
    assert [r["personnummer"] for r in read_csv(newest(hjem, "0615") / "data/std_voksne_handicap__ydelse.csv")] == ["1112610004"]


def test_a_held_package_is_not_written_and_the_others_are(hjem):
    run(hjem)
    hold(hjem, "0101")
    change(hjem, "update standardized.std_voksne_handicap__ydelse set timer = 8")
    result = run(hjem)
    assert result.held == [("0101", "voksne_handicap", "tilbageholdt af VH-01 (perioderne 2026-08 til 2026-09)")]
    assert [p.parts[-3:] for p in result.written] == [("0615", "voksne_handicap", "1.202609.1")]
    assert [p.name for p in versions(hjem, "0101", "voksne_handicap")] == ["1.202609.0"]
    assert result.facts()["held"] == 1


def test_what_has_not_been_declared_yet_is_packaged_without(hjem):
    """`flis report --fagomraade skole` declares Skole alone; the other fagområder's packages say that theirs is not made."""
    with connect(hjem, write="flis") as con:
        con.execute("create schema if not exists kvalitet")
        con.execute("create table kvalitet.deklaration (fagomraade varchar, version varchar, kommunekode varchar, maal_id varchar, taeller decimal(18,5), naevner decimal(18,5), vaerdi decimal(18,5), status varchar, aarsag varchar, opgjort timestamp)")
        con.execute("insert into kvalitet.deklaration values ('skole', '1', '0101', 'x', 1, 1, 1, 'opgjort', null, null)")
    run(hjem)
    folder = newest(hjem, "0101")
    assert "ikke deklareret endnu" in (folder / "README.md").read_text("utf-8")
    assert not (folder / "kvalitet.jsonld").exists() and descriptor(folder)["flis"]["deklaration"] is None


def hold(home: Home, recipient: str) -> None:
    change(home, f"""
        create table kvalitet.tilbageholdt as
        select '{recipient}' as kommunekode, 'voksne_handicap' as fagomraade, p as periode, 'VH-01' as regel_id, 'To ydelser <samtidig>' as titel, 200 as raekker, 3 as afvigelser,
            'andel' as taerskel_art, 0.01 as taerskel, '2026-10-01T03:00:00.000Z' as koersel
        from (values (date '2026-08-01'), (date '2026-09-01')) as t (p)
    """)


def index(home: Home, recipient: str) -> str:
    return re.sub(r"<style>.*?</style>", "", (home.outbox / recipient / "index.html").read_text("utf-8"), flags=re.DOTALL)


def links(home: Home, recipient: str) -> list[str]:
    found = re.findall(r'href="([^"]*)"', index(home, recipient))
    assert not [link for link in found if ":" in link or link.startswith(("/", ".."))], "a link leaves the folder"
    assert not [link for link in found if not link.startswith("#") and not (home.outbox / recipient / link).exists()]
    return found


def test_the_folders_page_says_what_is_there_and_what_is_held_and_why(hjem):
    run(hjem)
    page = index(hjem, "0101")
    assert "<script" not in page and "København" in page and "Ingen pakker er holdt tilbage" in page
    assert {"voksne_handicap/1.202609.0/README.md", "voksne_handicap_benchmark/1.202609.0/README.md"} <= set(links(hjem, "0101"))
    before = {p: p.stat().st_mtime_ns for p in hjem.outbox.glob("*/index.html")}
    run(hjem)
    assert {p: p.stat().st_mtime_ns for p in hjem.outbox.glob("*/index.html")} == before     # nothing new, nothing written
    hold(hjem, "0101")
    change(hjem, "update standardized.std_voksne_handicap__ydelse set timer = 8")
    run(hjem)
    held = index(hjem, "0101")
    assert "1 pakke er holdt tilbage" in held and "VH-01" in held and "To ydelser &lt;samtidig&gt;" in held and "august" in held and "september 2026" in held
    assert re.search(r"Rækker med fejl\">6<", held) and re.search(r"1(,0+)?\s% af rækkerne", held) and "version 1.202609.0" in held and "1. oktober 2026" in held
    assert links(hjem, "0101") and "VH-01" not in index(hjem, "0615")
    # what is new is what was written last: Horsens' correction, and not its benchmark from before
    change(hjem, "update drift.pakke set skrevet = timestamp '2026-10-01 12:00:00' where version = '1.202609.0'")
    run(hjem)
    new = index(hjem, "0615").split("<h2>Nyt</h2>")[1].split("</section>")[0]
    assert "voksne_handicap/1.202609.1/README.md" in new and "benchmark" not in new
    assert oct((hjem.outbox / "0101" / "index.html").stat().st_mode & 0o777) == "0o400"


def test_a_key_is_looked_up_for_the_municipality_it_is_of_and_noted(hjem):
    from flis.operate.keylookup import LookupFailed, resolve

    run(hjem)
    mine = pseudonym(recipient_key(master_key(hjem), "0101"), "b" * 32)
    assert mine in {r["person_id"] for r in read_csv(newest(hjem, "0101") / "data" / "std_voksne_handicap__ydelse.csv")}
    others = pseudonym(recipient_key(master_key(hjem), "0615"), "b" * 32)
    # the number in force, not the one before; another municipality's key for the same person is nobody's here
    assert resolve(hjem, "0101", [mine.upper(), others], "Rettelse af VH-01") == {mine: BENT, others: None}
    with connect(hjem) as con:
        event, place, detail = con.execute("select haendelse, kommunekode, cast(detalje as varchar) from drift.haendelse order by nummer desc limit 1").fetchall()[0]
    assert (event, place) == ("noegle_opslag", "0101") and json.loads(detail) == {"antal": 2, "fundet": 1, "grund": "Rettelse af VH-01", "noegler": sorted([mine, others])}
    assert BENT not in detail
    with pytest.raises(LookupFailed, match="32 characters"):
        resolve(hjem, "0101", ["'; drop"], "x")


def test_an_interrupted_run_leaves_nothing_half(hjem, monkeypatch):
    whole = step.Run._write_texts

    def stop(self, plan, folder, *rest):
        if plan.label == "0147/voksne_handicap":
            raise RuntimeError("power cut")
        whole(self, plan, folder, *rest)

    monkeypatch.setattr(step.Run, "_write_texts", stop)
    with pytest.raises(RuntimeError):
        run(hjem)
    assert not (hjem.outbox / ".skrives").exists() and newest(hjem, "0147") is None
    for folder in hjem.outbox.glob("*/*/*"):
        assert (folder / "SHA256SUMS").exists()
    monkeypatch.setattr(step.Run, "_write_texts", whole)
    (hjem.outbox / ".skrives" / "0101").mkdir(parents=True)     # as a killed process leaves it
    run(hjem)
    assert newest(hjem, "0147").name == "1.202609.0" and not (hjem.outbox / ".skrives").exists()
    with connect(hjem) as con:
        released = con.execute("select kommunekode, detalje->>'pakke' from flis.drift.haendelse where haendelse = 'udleveret' order by all").fetchall()
    assert len(released) == len(set(released)) == 7


def test_too_few_persons_stop_the_benchmark(hjem):
    change(hjem, "update marts.fct_voksne_handicap__benchmark set antal_modtagere = 4 where kommunekode = '0147'")
    with pytest.raises(PackageError, match="fewer than 5 persons"):
        run(hjem)
    assert not list(hjem.outbox.glob("*/*_benchmark/*"))


def test_narrowed(hjem):
    assert len(run(hjem, kommune="0101").written) == 2
    assert run(hjem, periode="2026-10").written == []          # no package's data run to that month
    assert run(hjem, fagomraade="borger").written == []
    assert len(run(hjem, fagomraade="voksne_handicap", periode="2026-08").written) == 5


def test_shared_files_take_up_room_once(hjem):
    run(hjem)
    one, other = (newest(hjem, k, "voksne_handicap_benchmark") / "data/fct_voksne_handicap__benchmark.parquet" for k in ("0101", "0615"))
    assert os.stat(one).st_ino == os.stat(other).st_ino


def test_what_is_not_built_is_not_packaged(hjem):
    change(hjem, "drop table marts.fct_voksne_handicap__maaned")
    result = run(hjem)
    assert result.written == [] and all("fct_voksne_handicap__maaned" in reason for _, _, reason in result.skipped)


BASIS = [{"model": "fct_noegletal__kommune", "paa": "b.noegletal_id = g.noegletal_id and b.gruppekode = g.kommunekode and b.periode = g.periode"}]


def add_key_figures(home: Home, **benchmark) -> None:
    """Tables that the fagområder share: key figures of two areas, their benchmark, and an overview of deliveries."""
    manifest = json.loads((home.root.parent / "manifest.json").read_text("utf-8"))
    models = [
        _model("dim_noegletal", "marts", "dimension", "faelles", [_column("noegletal_id", "Id.")], "Én række pr. nøgletal."),
        _model("fct_noegletal__kommune", "marts", "kommune", "faelles", [_column("vaerdi", "Værdi.")], "Én række pr. nøgletal, kommune og måned."),
        _model("fct_noegletal__benchmark", "marts", "benchmark", "faelles", [_column("vaerdi", "Værdi.")], "Én række pr. nøgletal, gruppe og måned.", **benchmark),
        _model("leveranceoversigt", "marts", "kommune", "faelles", [_column("status", "Status.")], "Én række pr. kommune og måned.", udloeser_version=False)]
    tests = [_test("unik_noegle", "dim_noegletal", kolonner=["noegletal_id"]), _test("unik_noegle", "fct_noegletal__kommune", kolonner=["noegletal_id", "kommunekode", "periode"]),
             _test("unik_noegle", "fct_noegletal__benchmark", kolonner=["noegletal_id", "gruppekode", "periode"]), _test("unik_noegle", "leveranceoversigt", kolonner=["kommunekode", "periode"])]
    manifest["nodes"] |= {n["unique_id"]: n for n in [*models, *tests]}
    (home.root.parent / "manifest.json").write_text(json.dumps(manifest))
    with connect(home, write="flis") as con:
        con.execute("create table marts.dim_noegletal as select * from (values ('vh1', 'voksne_handicap', 'voksne_handicap', 'borger'), ('bo1', 'borger', 'borger', null)) as t (noegletal_id, fagomraade, taeller_fagomraade, naevner_fagomraade)")
        con.execute("create table marts.fct_noegletal__kommune as select n as noegletal_id, k as kommunekode, date '2026-09-01' as periode, 1.5::decimal(18,5) as vaerdi, p as antal_personer "
                    "from (values ('vh1'), ('bo1')) as a (n), (values ('0101', 9), ('0147', 4), ('0615', 0)) as b (k, p)")
        con.execute("create table marts.fct_noegletal__benchmark as select noegletal_id, kommunekode as gruppekode, periode, case when kommunekode <> '0147' then vaerdi end as vaerdi from marts.fct_noegletal__kommune")
        con.execute("create table marts.leveranceoversigt as select kommunekode, date '2026-09-01' as periode, 'voksne_handicap' as fagomraade, 'modtaget' as status from marts.dim_kommune")
    change(home, "insert into raw.leverance values (0, 'borger', 'cpr', 'cpr', null, null, 7, '2026-10-05 02:00:00', 'd7', 'sha', 9, null, 'aktiv')", "cpr")


def test_shared_tables_go_to_each_area_with_its_own_rows(hjem):
    add_key_figures(hjem, persongrundlag=BASIS)
    run(hjem)
    own, everybody = newest(hjem, "0101"), newest(hjem, "0101", "voksne_handicap_benchmark")
    assert [(r["noegletal_id"], r["kommunekode"]) for r in read_csv(own / "data/fct_noegletal__kommune.csv")] == [("vh1", "0101")]
    assert [(r["noegletal_id"], r["vaerdi"]) for r in read_csv(everybody / "data/fct_noegletal__benchmark.csv")] == [("vh1", "1,50000"), ("vh1", ""), ("vh1", "1,50000")]
    # the persons in the denominator come from another area: its deliveries are among the sources, but do not set the version's month
    assert [s["kildesystem"] for s in descriptor(own)["sources"]] == ["cpr", "eg_sensum"] and own.name == "1.202609.0"


def test_an_overview_of_deliveries_alone_makes_no_version(hjem):
    add_key_figures(hjem, persongrundlag=BASIS)
    run(hjem)
    change(hjem, "update marts.leveranceoversigt set status = 'forsinket'")
    assert run(hjem).written == []
    change(hjem, "delete from drift.pakke")
    assert run(hjem).written == []


def test_the_cube_looks_up_dimensions_that_hold_from_year_to_year(tmp_path):
    """The account plan has a row per account and span of years: the cube takes the one of the row's own year."""
    from flis.contracts import datapackage as dp

    plan = dp.Table("dim_kontoplan", "", "dimension", "oekonomi", "Én række pr. konto.", tuple(dp.Column(n, t) for n, t in (
        ("konto_id", "VARCHAR"), ("gyldig_fra_aar", "INTEGER"), ("gyldig_til_aar", "INTEGER"), ("navn", "VARCHAR"))), ("konto_id", "gyldig_fra_aar"))
    fact = dp.Table("fct_oekonomi__bevaegelse", "", "kommune", "oekonomi", "Én række pr. konto.", tuple(dp.Column(n, t) for n, t in (("konto_id", "VARCHAR"), ("regnskabsaar", "INTEGER"))), ("konto_id", "regnskabsaar"))
    folder = tmp_path / "data"
    folder.mkdir()
    duckdb.sql("select * from (values ('a', 2007, 2019, 'gammelt'), ('a', 2020, 9999, 'nyt')) as t (konto_id, gyldig_fra_aar, gyldig_til_aar, navn)").write_parquet(str(folder / "dim_kontoplan.parquet"))
    duckdb.sql("select * from (values ('a', 2019), ('a', 2020)) as t (konto_id, regnskabsaar)").write_parquet(str(folder / "fct_oekonomi__bevaegelse.parquet"))
    con = duckdb.connect()
    con.execute(f"set file_search_path = '{tmp_path}'")
    con.execute(dp.load_sql("Prøve", [fact, plan], {"dim_kontoplan": ["parquet"], "fct_oekonomi__bevaegelse": ["parquet"]}))
    assert con.execute("select regnskabsaar, konto_id__navn from kube_oekonomi__bevaegelse order by 1").fetchall() == [(2019, "gammelt"), (2020, "nyt")]
