"""Tables of the quality work that a municipality's report shows as they are: which, by what name and in which columns stands in templates/tekster.yml (`ekstra`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb

from flis.core import danish
from flis.report import pages

Rows = dict[tuple[str, str], list[dict[str, Any]]]      # by (kommunekode, fagomraade)
# Kinds of column that draw a table's rows together: the months of what is else the same, and the sum over them.
DRAWN = {"maaneder": "list(distinct {0})", "ialt": "cast(sum({0}) as bigint)"}


def read(con: duckdb.DuckDBPyConnection) -> dict[str, tuple[Rows, set[tuple[str, str]]]]:
    """Per table its rows, and of whom it was measured (`ingen.maalt`). A table that is not there, or has other columns, is passed over."""
    found = {}
    for table, how in pages.texts()["ekstra"].items():
        columns = {name: DRAWN.get(kind, "{0}").format(name) for name, (_, kind) in how["kolonner"].items()}
        if not {"kommunekode", "fagomraade", *columns} <= _columns(con, table):
            continue
        drawn = any(kind in DRAWN for _, kind in how["kolonner"].values())
        answer = con.execute(f"""
            select kommunekode, fagomraade, {', '.join(f'{sql} as {name}' for name, sql in columns.items())} from kvalitet.{table}
            where {how.get('hvor', 'true')} {'group by all' if drawn else ''} order by all
        """)
        names = [column[0] for column in answer.description]
        rows: Rows = {}
        for row in answer.fetchall():
            rows.setdefault(row[:2], []).append(dict(zip(names, row, strict=True)))
        measured = how.get("ingen", {}).get("maalt")
        found[table] = rows, set(con.execute(f"select distinct kommunekode, fagomraade from kvalitet.{measured}").fetchall()) if measured and _columns(con, measured) else set()
    return found


def _columns(con: duckdb.DuckDBPyConnection, table: str) -> set[str]:
    return {c for (c,) in con.execute("select column_name from information_schema.columns where table_catalog = 'flis' and table_schema = 'kvalitet' and table_name = $1", [table]).fetchall()}


def shown(extras: dict[str, tuple[Rows, set[tuple[str, str]]]], place: tuple[str, str], system: Callable[[str | None], str]) -> list[dict[str, Any]]:
    """What a municipality's report shows of a fagområde: each table with its rows as text; one that was measured and has no rows for it is shown too, with a text that says so."""
    made = []
    for table, (rows, measured) in extras.items():
        how = pages.texts()["ekstra"][table]
        if place in rows or place in measured:
            kinds: dict[str, Callable[[Any], str]] = {"maaned": danish.month, "maaneder": danish.months, "tal": danish.number, "ialt": danish.number, "kr": lambda v: danish.number(v, 2), "andel": danish.share, "system": system, "tekst": str}
            made.append({**how, "raekker": [["" if row[name] is None else kinds[kind](row[name]) for name, (_, kind) in how["kolonner"].items()] for row in rows.get(place, [])]})
    return made

