"""What was done, by whom, for whom: `drift.haendelse`, appended to and never changed, and its journal beside the archive (flis.journal)."""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Iterable, Sequence
from datetime import UTC
from typing import Any

import duckdb

from flis import journal
from flis.home import Home, now
from flis.keys import masked

COLUMNS = {"tidspunkt": "timestamp", "haendelse": "varchar", "udfoert_af": "varchar", "kommunekode": "varchar", "fagomraade": "varchar", "detalje": "json"}


def actor() -> str:
    """Who acts: FLIS_UDFOERT_AF where a scheduler says so, else the account the process runs as."""
    if given := os.environ.get("FLIS_UDFOERT_AF"):
        return given
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number without a name
        return f"uid {os.getuid()}"


def record(con: duckdb.DuckDBPyConnection, haendelse: str, kommunekode: str | None = None, fagomraade: str | None = None, **detail: Any) -> None:
    """Append one event. `con` has `flis` open for writing; `detail` is kept as JSON; in its reason (`grund`) what could be a CPR number is masked."""
    record_many(con, [(haendelse, kommunekode, fagomraade, detail)])


def record_many(con: duckdb.DuckDBPyConnection, events: Iterable[tuple[str, str | None, str | None, dict[str, Any]]]) -> None:
    """Append several events (haendelse, kommunekode, fagomraade, detail) at one and the same time stamp (UTC)."""
    rows = [(moment, event, who, municipality, area, json.dumps({k: masked(v) if k == "grund" else v for k, v in detail.items()}, ensure_ascii=False, sort_keys=True, default=str))
            for moment, who in [(now().astimezone(UTC).replace(tzinfo=None, microsecond=0), actor())]
            for event, municipality, area, detail in events]
    _prepare(con)
    if rows:  # one statement: row by row costs a millisecond each
        columns = ", ".join(f"unnest(cast(${i} as {kind}[])) as {name}" for i, (name, kind) in enumerate(COLUMNS.items(), start=1))
        con.execute(f"""
            insert into flis.drift.haendelse by name
            select {columns}, (select coalesce(max(nummer), 0) from flis.drift.haendelse) + generate_subscripts($1, 1) as nummer
        """, [list(c) for c in zip(*rows, strict=True)])


def _prepare(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("create schema if not exists flis.drift")
    con.execute(f"create table if not exists flis.drift.haendelse ({', '.join(f'{c} {kind}' for c, kind in COLUMNS.items())}, nummer bigint)")


# --- the journal -------------------------------------------------------------------------------------------------------------------------------

def keep(con: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Write the events that the journal does not have yet. `con` has flis open for writing, and no transaction open."""
    _prepare(con)
    path = journal.events_file(home)
    rows = con.execute(f"select {', '.join(COLUMNS)} from flis.drift.haendelse where nummer > $1 order by nummer", [journal.last(path)]).fetchall()
    journal.append(home, path, map(as_line, rows))


def as_line(row: Sequence[Any]) -> dict[str, Any]:
    """An event as it stands in its journal."""
    return {**dict(zip(COLUMNS, row, strict=True)), "detalje": json.loads(row[-1])}


def recover(con: duckdb.DuckDBPyConnection, home: Home) -> int:
    """Take from the journal the events that the database does not have, and what else follows from them: versions of packages, and releases.

    There are none but when flis.duckdb is new or a copy that was put back. `con` has flis open for writing. Returns how many.
    """
    from flis.package import prepare_state
    from flis.validate import prepare_store

    _prepare(con)
    known = con.execute("select coalesce(max(nummer), 0) from flis.drift.haendelse").fetchall()[0][0]
    path = journal.events_file(home)
    if journal.last(path) <= known:
        return 0
    lines = list(journal.read(path, known))
    prepare_state(con)
    prepare_store(con)
    con.execute("create or replace temp table hentet (nummer bigint, tidspunkt timestamp, haendelse varchar, udfoert_af varchar, kommunekode varchar, fagomraade varchar, detalje json)")
    con.execute("insert into temp.hentet select " + ", ".join(f"unnest(cast(${i} as {kind}[]))" for i, kind in enumerate(("bigint", *COLUMNS.values()), start=1)),
                [[one["nr"] for one in lines], *([json.dumps(one[c]) if c == "detalje" else one.get(c) for one in lines] for c in COLUMNS)])
    con.execute("begin")
    con.execute("insert into flis.drift.haendelse by name select * from temp.hentet order by nummer")
    con.execute("""
        insert into flis.drift.pakke by name
        select (select coalesce(max(nummer), 0) from flis.drift.pakke) + row_number() over (order by nummer) as nummer, kommunekode as modtager, detalje->>'pakke' as pakke,
            detalje->>'version' as version, fagomraade, detalje->>'indhold' as indhold, tidspunkt as skrevet
        from temp.hentet where haendelse = 'udleveret' order by nummer
    """)
    con.execute("""
        insert into flis.kvalitet.frigivelse by name
        select kommunekode, fagomraade, r->>'regel_id' as regel_id, cast(r->>'periode' as date) as periode, cast(r->>'afvigelser' as bigint) as afvigelser,
            detalje->>'grund' as grund, udfoert_af, tidspunkt, cast(r->'leverancer' as bigint[]) as leverancer
        from (select *, unnest(cast(detalje->'resultater' as json[])) as r from temp.hentet where haendelse = 'frigivet')
    """)
    con.execute("commit")
    con.execute("drop table temp.hentet")
    return len(lines)
