"""What has moved in a table, seen through the views over the stored models: by whom it is asked (flis.build.moved_rows), and by the tests of the views themselves."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path

import duckdb
import pytest

from conftest import copy_of
from flis.build import moved_rows
from flis.build.dbt import build, project
from flis.core.database import connect
from flis.core.home import REPO, Home
from flis.intake.load import load
from test_dele import correct

STAGING, STORED, VIEW = "stg_kmd_opus__zd1sl", "int_oekonomi__postering", "std_oekonomi__postering"
WHO, NEXT, LAST = "0563", "0482", "0440"


@pytest.fixture(scope="module")
def home(demo_hjem: Home, tmp_path_factory) -> Home:
    copied = copy_of(demo_hjem, tmp_path_factory.mktemp("flyttet"))
    for file in [f for f in copied.inbox.rglob("*") if f.is_file()]:
        file.unlink()
    return copied


def query(home: Home, sql: str, *values) -> list[tuple]:
    with connect(home) as con:
        return con.execute(sql, list(values)).fetchall()


def newest(home: Home, table: str) -> set[tuple]:
    """The slices of a table that the newest build touched."""
    with connect(home) as con:
        return set(con.execute(f"select kommunekode, periode from {moved_rows.slices(con)} where tabel = $1 and koersel = (select max(koersel) from drift.koersel)", [table]).fetchall())


def grain_test_reads() -> str:
    """What the newest build's test of the view's grain read."""
    ran = json.loads((Path(os.environ.get("DBT_TARGET_PATH", REPO / "target")) / "run_results.json").read_text("utf-8"))["results"]
    return next(one["compiled_code"] for one in ran if one["unique_id"].startswith(f"test.flis.unik_noegle_{VIEW}_"))


def a_build(home: Home, who: str, days: int, **how) -> set[str]:
    """One more delivery, a correction, and the build of it; the models that were built."""
    correct(home, who, "kmd_opus", days)
    assert load(home).loaded == 1
    result = build(home, fagomraade="oekonomi", **how)
    assert not result.failures
    return {one.removeprefix("model.flis.") for one in result.nodes["model"]}


def test_a_view_moves_with_what_it_shows() -> None:
    con = duckdb.connect()
    con.execute("attach ':memory:' as flis")
    con.execute("use flis")
    assert not moved_rows.noted(con) and moved_rows.followed(con) == set()
    con.execute("create schema drift")
    con.execute("create table drift.beroert (model varchar, koersel bigint, kommunekode varchar, periode date)")
    con.execute("create table drift.tilstand (model varchar, koersel bigint)")
    con.execute("insert into drift.tilstand values ('int_a', 2), ('int_b', 2), ('fct', 2)")
    con.execute("insert into drift.beroert values ('int_a', 1, '0101', date '2026-01-01'), ('int_b:raekker', 2, '0147', null), ('fct', 2, '*', null), ('std_b', 2, '*', null)")
    assert moved_rows.followed(con) == {"int_a", "int_b", "fct"}                 # a home from before there were such views
    con.execute("create table drift.visning as select * from (values ('frasat', 'int_a'), ('frasat', 'int_b'), ('std_b', 'int_b')) as v (model, af)")
    assert moved_rows.followed(con) == {"int_a", "int_b", "fct", "frasat", "std_b"}
    assert set(con.execute(f"select * from {moved_rows.slices(con)}").fetchall()) == {
        ("int_a", 1, "0101", date(2026, 1, 1)), ("int_b", 2, "0147", None), ("fct", 2, "*", None),
        ("frasat", 1, "0101", date(2026, 1, 1)), ("frasat", 2, "0147", None), ("std_b", 2, "0147", None), ("std_b", 2, "*", None)}


def test_which_views_show_stored_models_alone(home: Home) -> None:
    views = project(home).views
    assert views[VIEW] == [STORED]
    assert views["std_voksne_handicap__frasat"] == ["int_voksne_handicap__maalgruppe", "int_voksne_handicap__ydelse"]
    # a view that reads the key of persons beside them moves when that does; a table is no view
    assert not {"int_borger__personfaktum", "int_borger__maaned", "std_voksne_handicap__ydelse", "fct_oekonomi__bevaegelse"} & set(views)
    assert {tuple(row) for row in query(home, "select * from drift.visning")} == {(view, stored) for view, of in views.items() for stored in of}


def test_a_delivery_moves_the_view_and_its_tests_look_at_that_alone(home: Home) -> None:
    models = a_build(home, WHO, 1)
    # a view stands as it was made; what tests it looks at what has come
    assert STORED in models and VIEW not in models and not [name for name in models if name.startswith("stg_")]
    assert newest(home, VIEW) == newest(home, STORED) != set()
    assert {who for who, _ in newest(home, VIEW)} == {WHO}
    assert f"drift.skive__{STORED}" in grain_test_reads()


def test_slices_that_were_never_tested_are_looked_at_with_the_next(home: Home) -> None:
    a_build(home, NEXT, 2, tests=False)
    a_build(home, WHO, 3)
    assert {who for who, _ in newest(home, VIEW)} == {WHO}
    assert "drift.skive__" not in grain_test_reads()
    a_build(home, WHO, 4)
    assert f"drift.skive__{STORED}" in grain_test_reads()


def test_a_view_that_says_something_else_has_moved_and_is_tested_whole(home: Home) -> None:
    with connect(home, write="flis") as con:
        con.execute("update drift.fingeraftryk set fingeraftryk = 'noget andet' where model in ($1, $2)", [VIEW, STAGING])
    result = build(home, fagomraade="oekonomi")
    assert not result.failures and not result.rebuilt and result.nodes["model"] >= {f"model.flis.{VIEW}", f"model.flis.{STAGING}"}
    assert newest(home, VIEW) == {(moved_rows.WHOLE, None)} and newest(home, STORED) == set()
    assert "drift.skive__" not in grain_test_reads()
    assert build(home, fagomraade="oekonomi").models == 0       # and once it is built, it stands


def test_a_home_where_the_view_was_a_table(home: Home) -> None:
    """What was remembered of a table that has become a view would hold the rules at what it was then."""
    with connect(home, write="flis") as con:
        con.execute(f"drop view standardized.{VIEW}")
        con.execute(f"create table standardized.{VIEW} as select 1 as kommunekode")
        con.execute("insert into drift.tilstand values ($1, 1)", [VIEW])
        con.execute("insert into drift.behandlet values ($1, 1)", [VIEW])
        con.execute("update drift.fingeraftryk set fingeraftryk = 'tabellens' where model = $1", [VIEW])
    assert not build(home, fagomraade="oekonomi").failures
    assert query(home, "select table_type from information_schema.tables where table_catalog = 'flis' and table_name = $1", VIEW) == [("VIEW",)]
    assert query(home, "select (select count(*) from drift.tilstand where model = $1) + (select count(*) from drift.behandlet where model = $1)", VIEW) == [(0,)]
    assert newest(home, VIEW) == {(moved_rows.WHOLE, None)}
