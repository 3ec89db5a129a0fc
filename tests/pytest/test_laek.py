"""No leak: after the whole walk no CPR number stands anywhere but where it may.

It may in the inbox, the archive, the quarantine, the CPR-bearing file, and the packages a municipality has instructed to hold its own. Everything else is
searched: the bytes of every file, and, since DuckDB and Parquet compress, every text and whole-number column of every table.
"""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from flis.core.database import connect
from flis.core.home import REPO, Home
from flis.operate import run
from flis.package.write import newest_version, package

ALLOWED = ("indbakke", "arkiv", "karantaene")
BINARY = (".duckdb", ".parquet", ".wal", ".msgpack", ".gz", ".zip")
RUN = re.compile(rb"\d{6}-?\d{4,}")
EXACT = re.compile(rb"(?<!\d)\d{6}-?\d{4}(?!\d)")


def in_bytes(data: bytes, numbers: set[str], exact: bool = False) -> set[str]:
    """The numbers that stand in the bytes, with or without hyphen; also inside a longer run of digits, unless the bytes are a compressed mass."""
    found = set()
    for match in (EXACT if exact else RUN).findall(data):
        digits = match.replace(b"-", b"").decode()
        found |= {digits[i:i + 10] for i in range(len(digits) - 9)} & numbers
    return found


def in_relation(con: duckdb.DuckDBPyConnection, relation: str, numbers: set[str]) -> set[str]:
    """The numbers that stand in any text or whole-number column."""
    found = set()
    for name, kind, *_ in con.execute(f"describe select * from {relation}").fetchall():
        if kind in ("VARCHAR", "JSON") or kind.startswith(("VARCHAR[", "STRUCT", "MAP")):
            sql = f"select distinct unnest(regexp_extract_all(cast(\"{name}\" as varchar), '[0-9]{{6}}-?[0-9]{{4,}}')) from {relation}"
        elif kind in ("BIGINT", "HUGEINT", "UBIGINT"):
            sql = f"select distinct lpad(cast(\"{name}\" as varchar), 10, '0') from {relation} where \"{name}\" between 10000000 and 9999999999"
        else:
            continue
        for (text,) in con.execute(sql).fetchall():
            found |= in_bytes(text.encode(), numbers)
    return found


def files(*roots: Path) -> Iterator[Path]:
    for root in roots:
        yield from (p for p in sorted(root.rglob("*")) if p.is_file() and not p.is_symlink())


def unpacked(path: Path) -> bytes:
    """A file's bytes; of a workbook, which is a zip, those of its parts."""
    if path.suffix != ".xlsx":
        return path.read_bytes()
    with zipfile.ZipFile(path) as book:
        return b"\n".join(book.read(name) for name in book.namelist())


def leaks(home: Home, numbers: set[str], *more: Path) -> dict[str, int]:
    """Where CPR numbers stand that must not: place → how many different ones."""
    instructed = {p.parent for p in home.outbox.rglob("datapackage.json") if json.loads(p.read_text("utf-8"))["flis"]["personnumre"]}
    found: dict[str, int] = {}
    seen: set[int] = set()
    con = duckdb.connect()
    for path in files(home.root, *more):
        inside = path.relative_to(home.root).parts if path.is_relative_to(home.root) else ()
        if inside[:1] in ((a,) for a in ALLOWED) or path.name.startswith(home.cpr_db.name) or instructed & set(path.parents) or path.stat().st_ino in seen:
            continue
        seen.add(path.stat().st_ino)
        hits = in_bytes(unpacked(path), numbers, exact=path.suffix in BINARY)
        if path.suffix == ".parquet":
            hits |= in_relation(con, f"read_parquet('{path}')", numbers)
        if hits:
            found[str(path)] = len(hits)
    with connect(home) as db:
        for schema, table in db.execute("select schema_name, table_name from duckdb_tables() where database_name = 'flis'").fetchall():
            if hits := in_relation(db, f'flis."{schema}"."{table}"', numbers):
                found[f"flis.duckdb: {schema}.{table}"] = len(hits)
    return found


def person_tables(home: Home) -> dict[str, list[str]]:
    """Per fagområde that has persons, the std_ tables that say who of them is a municipality's."""
    found: dict[str, list[str]] = {}
    with connect(home) as con:
        for (table,) in con.execute("select table_name from duckdb_columns() where database_name = 'flis' and schema_name = 'standardized' and table_name like 'std_%' and column_name in ('person_id', 'kommunekode') "
                                    "group by 1 having count(*) = 2 order by 1").fetchall():
            found.setdefault(table.removeprefix("std_").partition("__")[0], []).append(table)
    assert len(found) >= 3
    return found


def known_numbers(home: Home) -> set[str]:
    """Every CPR number that has come in: those with a key, and all in raw's columns for them, also the malformed ones that were set aside."""
    with connect(home) as con:
        numbers = {n for row in con.execute("select cpr, tidligere_cpr from cpr.raw.person_noegle").fetchall() for n in row if n}
        for table, column in con.execute("select table_name, column_name from duckdb_columns() where database_name = 'cpr' and schema_name = 'raw' and regexp_matches(column_name, 'cpr|pnr|personnummer|borger_id') "
                                         "and data_type = 'VARCHAR' and table_name not in ('opsaetning_pakke_oenske', 'person_noegle')").fetchall():
            values = con.execute(f'select distinct replace(trim("{column}"), \'-\', \'\') from cpr.raw."{table}"').fetchall()
            numbers |= {v for (v,) in values if v and re.fullmatch(r"\d{10}", v)}
    return {n for n in numbers if re.fullmatch(r"\d{10}", n) and n != "0" * 10}


@pytest.fixture(scope="module")
def udleveret(demo_hjem, tmp_path_factory) -> Home:
    """The demo home's databases with nothing held back, so that every package there can be is written and searched."""
    home = Home.of(tmp_path_factory.mktemp("udleveret")).prepare()
    for path in (demo_hjem.db, demo_hjem.cpr_db, demo_hjem.key_file):
        shutil.copy(path, home.root / path.name)
    with connect(home, write="flis") as con:
        con.execute("delete from kvalitet.maaling")      # nothing measured, nothing held
        con.execute("delete from drift.pakke")
    assert package(home).held == []
    return home


def test_no_cpr_number_outside_where_it_may_be(demo_hjem):
    numbers = known_numbers(demo_hjem)
    assert len(numbers) > 1000
    assert leaks(demo_hjem, numbers, REPO / "target", REPO / "logs", REPO / "docs", REPO / "seeds") == {}


def test_no_cpr_number_in_any_package_but_those_instructed(udleveret):
    instructed = {p.relative_to(udleveret.outbox).parts[:2] for p in udleveret.outbox.rglob("datapackage.json") if json.loads(p.read_text("utf-8"))["flis"]["personnumre"]}
    assert instructed == {("0615", area) for area in person_tables(udleveret)}
    assert leaks(udleveret, known_numbers(udleveret)) == {}


def test_no_internal_id_leaves_the_house(udleveret):
    """Nobody gets person_id itself: with it two recipients could put their persons together."""
    with connect(udleveret) as con:
        ids = {i for (i,) in con.execute("select distinct person_id from cpr.raw.person_noegle").fetchall()}
    pattern = re.compile(rb"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
    seen = 0
    for path in files(udleveret.outbox):
        if path.suffix == ".csv":
            texts = {t.decode() for t in pattern.findall(path.read_bytes())}
            seen += len(texts)
            assert not texts & ids, path
    assert seen > 100


def test_individual_rows_only_to_their_own_municipality(udleveret):
    checked = 0
    for package_json in udleveret.outbox.rglob("datapackage.json"):
        found = json.loads(package_json.read_text("utf-8"))
        for resource in found["resources"]:
            if resource["niveau"] in ("individ", "kommune") and resource["format"] == "parquet":
                codes = duckdb.sql(f"select distinct kommunekode from '{package_json.parent / resource['path']}'").fetchall()
                assert codes in ([], [(found["flis"]["modtager"],)]), (package_json, resource["name"])
                checked += len(codes)
            assert found["flis"]["pakke"] == "egen" or resource["niveau"] in ("benchmark", "dimension")
    assert checked > 50


def test_instructed_packages_hold_only_own_citizens(udleveret):
    numbers = known_numbers(udleveret)
    con = duckdb.connect()
    for area, tables in person_tables(udleveret).items():
        folder = newest_version(udleveret, "0615", area)
        with connect(udleveret) as db:
            own = {c for table in tables for (c,) in db.execute(
                f"select n.cpr from cpr.raw.person_noegle as n where n.person_id in (select person_id from flis.standardized.{table} where kommunekode = '0615')").fetchall()}
        held = set()
        for path in files(folder):
            held |= in_bytes(path.read_bytes(), numbers, exact=path.suffix in BINARY) | (in_relation(con, f"read_parquet('{path}')", numbers) if path.suffix == ".parquet" else set())
        assert held and held <= own


@pytest.mark.parametrize("form", ["0101600001", "010160-0001", "x0101600001y", "20260101" + "0101600001"])
def test_the_search_finds_what_is_planted(tmp_path, form):
    """The proof of the proof: a number hidden in each kind of place is found."""
    numbers = {"0101600001"}
    home = Home.of(tmp_path).prepare()
    assert leaks(home, numbers) == {}
    (home.log / "dbt.log").write_text(f"Error near {form}!", "utf-8")
    folder = home.outbox / "0101" / "borger" / "1.202609.0"
    folder.mkdir(parents=True)
    duckdb.sql(f"select '{form}' as tekst from range(5000)").write_parquet(str(folder / "t.parquet"), compression="zstd")
    with connect(home, write="flis") as con:
        con.execute(f"create schema drift; create table drift.t as select '{form}' as tekst from range(5000)")
    (home.archive / "a.csv").write_text(form)
    (folder / "datapackage.json").write_text('{"flis": {"personnumre": false}}')
    places = leaks(home, numbers)
    assert {Path(p).name for p in places} >= {"dbt.log", "t.parquet", "flis.duckdb: drift.t"} and not any("arkiv" in p for p in places)
    (folder / "datapackage.json").write_text('{"flis": {"personnumre": true}}')
    assert str(folder / "t.parquet") not in leaks(home, numbers)


def test_the_search_finds_a_number_without_its_leading_zero(tmp_path):
    home = Home.of(tmp_path).prepare()
    with connect(home, write="flis") as con:
        con.execute("create schema drift; create table drift.t as select 101600001::bigint as tal")
    assert leaks(home, {"0101600001"}) == {"flis.duckdb: drift.t": 1}


def test_a_fault_of_ours_does_not_tell_the_value_it_fell_over(tmp_path, monkeypatch):
    """What a step that breaks says, and its trace in the log, hold no CPR number, though the database's own message does."""
    def failing(home, narrow, bar):
        duckdb.sql("select cast('010160-0001' as integer)").fetchall()

    home = Home.of(tmp_path).prepare()
    monkeypatch.setitem(run.STEPS, "load", failing)
    with pytest.raises(run.StepFailed, match="ti cifre") as said:
        run.run_steps(home, ["load"])
    assert "010160" not in str(said.value)
    trace = said.value.log.read_text("utf-8")
    assert "Could not convert" in trace and not in_bytes(trace.encode(), {"0101600001"})


def test_the_cpr_bearing_file_and_its_log_are_for_the_owner_alone(tmp_path):
    home = Home.of(tmp_path).prepare()
    with connect(home, write="cpr") as con:
        con.execute("create table t as select '0101600001' as cpr")
        written = sorted(home.root.glob("flis_cpr.duckdb*"))
        assert len(written) == 2, "the file and its write-ahead log"
        assert [p.name for p in written if p.stat().st_mode & 0o077] == []
