"""Which rows of a table have moved since a build, as the build noted it: the one place that knows, for the rules, the packages, the status and the benchmark.

An incremental model notes the slices it touches in drift.beroert (macros/skive.sql). A view over incremental models notes nothing, for it holds nothing: what has moved
in them has moved in it (`drift.visning`, written by flis.build.signatures at each build; docs/decisions/0038). When the view's own text changes, all of it has moved.
"""

from __future__ import annotations

import duckdb

from flis.core.database import exists

WHOLE = "*"         # as a municipality: every row there is


def noted(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether builds have noted anything here at all."""
    return exists(con, "drift", "beroert")


def followed(con: duckdb.DuckDBPyConnection) -> set[str]:
    """The tables of which it is known which slices have moved: the incremental models, and the views over them."""
    return {name for (name,) in con.execute(f"select distinct model from flis.drift.tilstand union select model from {_views(con)}").fetchall()} if noted(con) else set()


def slices(con: duckdb.DuckDBPyConnection) -> str:
    """A relation for a query's from: tabel, koersel (the build), kommunekode ('*': all of the table), periode (null: whichever)."""
    return f"""(
        with noteret as (select replace(model, ':raekker', '') as tabel, koersel, kommunekode, periode from flis.drift.beroert)
        select * from noteret
        union
        select v.model as tabel, n.koersel, n.kommunekode, n.periode from noteret as n inner join {_views(con)} as v on n.tabel = v.af
    )"""


def _views(con: duckdb.DuckDBPyConnection) -> str:
    return "flis.drift.visning" if exists(con, "drift", "visning") else "(select '' as model, '' as af where false)"
