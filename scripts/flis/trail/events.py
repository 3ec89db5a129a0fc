"""What was done, by whom, for whom: `drift.haendelse`, appended to and never changed, and its journal beside the archive (flis.trail.journal)."""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Iterable, Sequence
from datetime import UTC
from typing import Any

import duckdb

from flis.core.home import Home, now
from flis.core.keys import masked
from flis.trail import journal

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
    prepare(con)
    if rows:  # one statement: row by row costs a millisecond each
        columns = ", ".join(f"unnest(cast(${i} as {kind}[])) as {name}" for i, (name, kind) in enumerate(COLUMNS.items(), start=1))
        con.execute(f"""
            insert into flis.drift.haendelse by name
            select {columns}, (select coalesce(max(nummer), 0) from flis.drift.haendelse) + generate_subscripts($1, 1) as nummer
        """, [list(c) for c in zip(*rows, strict=True)])


def prepare(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("create schema if not exists flis.drift")
    con.execute(f"create table if not exists flis.drift.haendelse ({', '.join(f'{c} {kind}' for c, kind in COLUMNS.items())}, nummer bigint)")


# --- the journal -------------------------------------------------------------------------------------------------------------------------------

def keep(con: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Write the events that the journal does not have yet. `con` has flis open for writing, and no transaction open."""
    prepare(con)
    path = journal.events_file(home)
    rows = con.execute(f"select {', '.join(COLUMNS)} from flis.drift.haendelse where nummer > $1 order by nummer", [journal.last(path)]).fetchall()
    journal.append(home, path, map(as_line, rows))


def as_line(row: Sequence[Any]) -> dict[str, Any]:
    """An event as it stands in its journal."""
    return {**dict(zip(COLUMNS, row, strict=True)), "detalje": json.loads(row[-1])}
