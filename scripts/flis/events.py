"""What was done, by whom, for whom: `drift.haendelse`, appended to and never changed."""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Iterable
from datetime import UTC
from typing import Any

import duckdb

from flis.home import now

_TABLE = """
create schema if not exists flis.drift;
create table if not exists flis.drift.haendelse (
    tidspunkt timestamp, haendelse varchar, udfoert_af varchar, kommunekode varchar, fagomraade varchar, detalje json
)
"""


def actor() -> str:
    """Who acts: FLIS_UDFOERT_AF where a scheduler says so, else the account the process runs as."""
    if given := os.environ.get("FLIS_UDFOERT_AF"):
        return given
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number without a name
        return f"uid {os.getuid()}"


def record(con: duckdb.DuckDBPyConnection, haendelse: str, kommunekode: str | None = None, fagomraade: str | None = None, **detail: Any) -> None:
    """Append one event. `con` has `flis` open for writing; `detail` is kept as JSON and must never hold a CPR number."""
    record_many(con, [(haendelse, kommunekode, fagomraade, detail)])


def record_many(con: duckdb.DuckDBPyConnection, events: Iterable[tuple[str, str | None, str | None, dict[str, Any]]]) -> None:
    """Append several events (haendelse, kommunekode, fagomraade, detail) at one and the same time stamp (UTC)."""
    rows = [(moment, event, who, municipality, area, json.dumps(detail, ensure_ascii=False, sort_keys=True, default=str))
            for moment, who in [(now().astimezone(UTC).replace(tzinfo=None, microsecond=0), actor())]
            for event, municipality, area, detail in events]
    con.execute(_TABLE)
    if rows:  # one statement: row by row costs a millisecond each
        con.execute("insert into flis.drift.haendelse select unnest($1), unnest($2), unnest($3), unnest($4), unnest($5), unnest($6)", [list(c) for c in zip(*rows, strict=True)])
