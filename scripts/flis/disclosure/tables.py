"""The tables around `flis.disclosure.withholding`: from the figures and the seeds in DuckDB to the rows of int_faelles__tilbageholdt, and the record of what has been published.

`drift.offentliggjort` is the house's own copy of each benchmark row as it has been published, in every version of it that differed; the step reads it, for what has been read once cannot
be withheld again.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from functools import cache, partial
from pathlib import Path
from typing import Any

import duckdb

from flis.disclosure import balancing, exchanges, programme, system, withholding
from flis.disclosure.withholding import Answer, Figure, Published, Rules, Task, withhold

WORKERS = 2
MANY = 40           # families with something to withhold, before it pays to start processes

COLUMNS = ("modtagerkreds", "noegletal_id", "gruppetype", "gruppekode", "periode", "omfang", "grund")
RECORD = "offentliggjort"
PERSONS = {"antal_taeller": "bigint", "antal_naevner": "bigint", "antal_rest": "bigint", "stoerste_taeller": "decimal(18, 5)", "stoerste_naevner": "decimal(18, 5)"}


def rows(con: duckdb.DuckDBPyConnection, figures: Any, keyfigures: Any, formulas: Any, relations: Any, limits: Any, places: Any) -> Any:
    """int_faelles__tilbageholdt, from the relations that dbt hands over."""
    found = list(withhold(read_figures(figures), rules(keyfigures, formulas, relations, limits, places), published(con), partial(_answers, con)))
    con.execute(f"create or replace temp table fundet ({', '.join(f'{c} date' if c == 'periode' else f'{c} varchar' for c in COLUMNS)})")
    if found:
        con.execute(f"insert into fundet select {', '.join(f'unnest(${n + 1})' for n in range(len(COLUMNS)))}", [list(column) for column in zip(*found, strict=True)])
    return con.table("fundet")


def rules(keyfigures: Any, formulas: Any, relations: Any, limits: Any, places: Any) -> Rules:
    """The seeds as the step takes them."""
    groups = {}
    for code, region, group in _take(places.filter("er_kommune"), "kommunekode, regionskode, kommunegruppekode"):
        groups[code] = [("landet", "000"), ("region", region), ("kommunegruppe", group)]
    at = {(audience, one): (few, left) for audience, _, one, few, left in _take(limits, "modtagerkreds, raekkefoelge, noegletal_id, mindste_antal_personer, mindste_rest")}
    shares = {(audience, one): share for audience, one, share in _take(limits, "modtagerkreds, noegletal_id, cast(stoerste_andel as double)")}
    order = sorted({(number, audience) for audience, number in _take(limits, "modtagerkreds, raekkefoelge")})
    return Rules(
        sides={one: (t, n) for one, t, n in _take(keyfigures, "noegletal_id, taeller_formel, naevner_formel")},
        units=dict(_take(formulas, "formel_id, enhed")),
        relations=sorted(_take(relations, "formel_id, led_formel_id, cast(koefficient as double), sammenhaeng")),
        groups=groups, audiences=list(dict.fromkeys(audience for _, audience in order)), limits=at, shares=shares)


def _take(relation: Any, columns: str) -> list[tuple]:
    return relation.project(columns).fetchall()


def read_figures(figures: Any) -> list[Figure]:
    """Where there is neither numerator nor denominator there is nothing to withhold."""
    return [Figure(*row) for row in figures.filter("taeller is not null or naevner is not null").order("noegletal_id, kommunekode, periode").project(
        "noegletal_id, kommunekode, periode, naevner_periode, cast(taeller as double), cast(naevner as double), "
        "bidrager, kvalitetsstatus is distinct from 'tilbageholdt', antal_taeller, antal_naevner, antal_rest, cast(stoerste_taeller as double), cast(stoerste_naevner as double)").fetchall()]


def published(con: duckdb.DuckDBPyConnection, database: str = "") -> list[Published]:
    """What earlier releases have shown. `database` is "flis." where the connection's own is another."""
    there = con.execute("select count(*) from duckdb_tables() where schema_name = 'drift' and table_name = $1", [RECORD]).fetchall()[0][0]
    if there:
        _with_persons(con, database)
    return [Published(*row) for row in con.execute(
        f"select udgave, noegletal_id, gruppetype, gruppekode, periode, naevner_periode, cast(taeller as double), cast(naevner as double), bidrager, vist, "
        f"{', '.join(f'cast({c} as double)' if c.startswith('stoerste') else c for c in PERSONS)} from {database}drift.{RECORD} "
        "order by all").fetchall()] if there else []


def _with_persons(con: duckdb.DuckDBPyConnection, database: str) -> None:
    """A record that was begun before the persons behind each side were noted gets their columns."""
    for column, kind in PERSONS.items():
        con.execute(f"alter table {database}drift.{RECORD} add column if not exists {column} {kind}")


def prepare(con: duckdb.DuckDBPyConnection) -> None:
    """Create the record of releases, where there is none. `con` has flis open for writing."""
    con.execute("create schema if not exists flis.drift")
    con.execute(f"create table if not exists flis.drift.{RECORD} (udgave bigint, noegletal_id varchar, gruppetype varchar, gruppekode varchar, periode date, naevner_periode date, "
                "taeller decimal(18, 5), naevner decimal(18, 5), bidrager boolean, vist boolean)")
    _with_persons(con, "flis.")


def publish(con: duckdb.DuckDBPyConnection, areas: list[str], folder: Path) -> int:
    """Note the key figures of these fagområder as they are published now, month by month, where they differ from what was noted last. Returns how many of them were new.

    Each release stands in a file of its own in `folder` too: what has been read stays read when flis.duckdb is made anew.
    """
    prepare(con)
    con.execute("""
        create or replace temp table nu as
        select k.noegletal_id, k.gruppetype, k.gruppekode, k.periode, k.naevner_periode, k.taeller, k.naevner, k.bidrager, coalesce(b.taeller is not null or b.naevner is not null, false) as vist,
            k.antal_taeller, k.antal_naevner, k.antal_rest, k.stoerste_taeller, k.stoerste_naevner
        from (
            select noegletal_id, 'kommune' as gruppetype, kommunekode as gruppekode, periode, naevner_periode, taeller, naevner, bidrager,
                antal_taeller, antal_naevner, antal_rest, stoerste_taeller, stoerste_naevner
            from flis.marts.int_faelles__kommunetal where taeller is not null or naevner is not null
            union all
            select noegletal_id, gruppetype, gruppekode, periode, periode, sum_taeller, sum_naevner, false, null, null, null, null, null from flis.marts.fct_noegletal__gruppe
        ) as k
        left join flis.marts.fct_noegletal__benchmark as b using (noegletal_id, gruppetype, gruppekode, periode)
        where k.noegletal_id in (select noegletal_id from flis.marts.dim_noegletal where list_contains($1, fagomraade))
    """, [areas])
    con.execute(f"""
        create or replace temp table nye as
        with sidste as (select * from flis.drift.{RECORD} qualify udgave = max(udgave) over (partition by noegletal_id, periode)),
        forskel as (
            (select * from nu except select * exclude (udgave) from sidste)
            union all
            (select * exclude (udgave) from sidste where (noegletal_id, periode) in (select (noegletal_id, periode) from nu) except select * from nu)
        )
        select distinct noegletal_id, periode from forskel
    """)
    con.execute(f"insert into flis.drift.{RECORD} select (select coalesce(max(udgave), 0) + 1 from flis.drift.{RECORD}), nu.* from nu semi join nye using (noegletal_id, periode)")
    keep(con, folder)
    return con.execute("select count(*) from nye").fetchall()[0][0]


def keep(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Write the releases that have no file yet. `con` has flis open."""
    for (number,) in con.execute(f"select distinct udgave from flis.drift.{RECORD} order by 1").fetchall():
        path = folder / f"{number:06}.parquet"
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            half = path.with_name(f"{path.name}.ny")
            con.execute(f"copy (select * from flis.drift.{RECORD} where udgave = {number} order by all) to '{str(half).replace(chr(39), chr(39) * 2)}' (format parquet, compression zstd)")
            half.replace(path)


def recover(con: duckdb.DuckDBPyConnection, folder: Path) -> int:
    """Take from their files the releases that a new flis.duckdb, or an older copy, does not know. `con` has flis open for writing. Returns how many."""
    files = sorted(folder.glob("*.parquet"))
    if not files:
        return 0
    prepare(con)
    known = con.execute(f"select coalesce(max(udgave), 0) from flis.drift.{RECORD}").fetchall()[0][0]
    new = [path for path in files if int(path.stem) > known]
    for path in new:
        con.execute(f"insert into flis.drift.{RECORD} by name select * from read_parquet($1) order by all", [str(path)])
    return len(new)


# --- only what has moved ---------------------------------------------------------------------------------------------------------------------

def _answers(con: duckdb.DuckDBPyConnection, tasks: list[Task], given: Rules) -> Iterable[Answer]:
    """Those of last time where nothing that decides them has moved (`drift.tilbageholdt`); the rest anew, in a few processes where there are many."""
    con.execute("create schema if not exists drift")
    con.execute("create table if not exists drift.tilbageholdt (aftryk varchar, svar varchar)")
    known = dict(con.execute("select aftryk, svar from drift.tilbageholdt").fetchall())
    signs = [hashlib.sha256((t.sign + repr(given)).encode() + code()).hexdigest() for t in tasks]
    todo = [t for t, sign in zip(tasks, signs, strict=True) if sign not in known]
    found = iter([_read(_text(answer)) for answer in at_once(partial(_answer, given), todo)])
    answers = [_read(known[sign]) if sign in known else next(found) for sign in signs]
    con.execute("delete from drift.tilbageholdt")
    if answers:
        con.execute("insert into drift.tilbageholdt select unnest($1), unnest($2)", [signs, [_text(a) for a in answers]])
    return answers


@cache
def code() -> bytes:
    """What an answer is worked out by: another code may give another."""
    return b"".join(Path(module.__file__).read_bytes() for module in (balancing, system, exchanges, programme, withholding))


def at_once(work: Callable[[Any], Any], todo: list) -> list:
    """The work on each, in order; where there is much, in processes of their own."""
    if len(todo) < MANY:
        return [work(one) for one in todo]
    with ProcessPoolExecutor(WORKERS, mp_context=multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(work, todo))


def _answer(given: Rules, task: Task) -> Answer:
    return task.answer(given)


def _text(answer: Answer) -> str:
    return json.dumps(sorted([audience, *row[:3], row[3].isoformat(), reason] for (audience, row), reason in answer.items()))


def _read(text: str) -> Answer:
    return {(audience, (one, kind, code, date.fromisoformat(month))): reason for audience, one, kind, code, month, reason in json.loads(text)}
