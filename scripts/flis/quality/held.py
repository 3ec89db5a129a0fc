"""Held means held for all: a figure that a rule holds back bears a mark, and counts in nobody's average until it is corrected or released.

The rules run after the models are built, so what they hold is written to the table `kvalitet.holdt`, which dbt reads as a source, and the few models that bear
marks are built when the rules have been run: once more where it has changed (docs/decisions/0025), or only then, in a run where the rules follow upon the build. `drift.maerket` says what they were last built for, and their signatures (flis.build.signatures) that
they are due: a run that is killed in between is caught up by the next.
"""

from __future__ import annotations

from collections.abc import Callable

import duckdb

from flis.build.dbt import BuildError, mark
from flis.build.signatures import Project, marked
from flis.core.database import connect, exists
from flis.core.home import Home
from flis.quality.rules import load_rules, looked_at

Progress = Callable[[str, int, int], None]

TOUCHED = "kvalitet.holdt"      # its name in drift.beroert (macro skive_holdt)
LEFT = "ikke bygget"            # what stands in drift.maerket when a build has left the models to the marks

# What is held as it stands by the rules, the accepted faults and the releases; released is what holds nothing more, but would.
NOW = """
    select kommunekode, fagomraade, periode, 'tilbageholdt' as kvalitetsstatus from flis.kvalitet.tilbageholdt
    union
    (select kommunekode, fagomraade, periode, 'frigivet' from flis.kvalitet.frigivet
     except
     select kommunekode, fagomraade, periode, 'frigivet' from flis.kvalitet.tilbageholdt)
"""


def settle(home: Home, progress: Progress | None = None) -> int:
    """Mark the figures by what the rules hold now. Returns the number of models built for it: none where nothing has changed.

    Raises BuildError when one of them, or a test of it, fails.
    """
    with connect(home, write="flis") as con:
        sign = note(con)
        _prepare(con)
        if con.execute("select coalesce(max(aftryk), $1) from flis.drift.maerket", [repr([])]).fetchall()[0][0] == sign:
            return 0
    result = mark(home, progress)
    if result.failures:
        raise BuildError("; ".join(f"{name}: {message}" for name, message in result.failures))
    _remember(home, sign)
    return result.models


def left_to_marks(home: Home, stands: Project, due: set[str]) -> set[str]:
    """What of that which is due a build can leave to `settle`, which builds it when the rules have been run: what bears marks, and no rule looks at. Where that is anything, `settle` has something to do."""
    waiting = due & stands.until_marked(looked_at(load_rules()))
    if waiting:
        _remember(home, LEFT)
    return waiting


def _remember(home: Home, sign: str) -> None:
    with connect(home, write="flis") as con:
        _prepare(con)
        con.execute("begin")
        con.execute("delete from flis.drift.maerket")
        con.execute("insert into flis.drift.maerket values ($1)", [sign])
        con.execute("commit")


def _prepare(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("create schema if not exists flis.drift")
    con.execute("create table if not exists flis.drift.maerket (aftryk varchar)")


def note(con: duckdb.DuckDBPyConnection) -> str:
    """Write what is held now to `kvalitet.holdt`, and what has changed to drift.beroert for the incremental models. Returns a sign of what is held."""
    con.execute("create schema if not exists flis.drift")
    before = marked(con)
    now = set(con.execute(NOW).fetchall()) if exists(con, "kvalitet", "tilbageholdt") else before
    sign = repr(sorted(now, key=str))
    if now == before:
        return sign
    con.execute("begin")
    con.execute("create table if not exists flis.kvalitet.holdt (kommunekode varchar, fagomraade varchar, periode date, kvalitetsstatus varchar)")
    con.execute("delete from flis.kvalitet.holdt")
    if now:
        con.executemany("insert into flis.kvalitet.holdt values (?, ?, ?, ?)", sorted(now, key=str))
    moved = sorted({(code, month) for code, _, month, _ in now ^ before}, key=str)
    if exists(con, "drift", "beroert") and exists(con, "marts", "dim_periode"):
        # under the number of the next build: the newest has been
        con.execute("""
            insert into flis.drift.beroert
            select distinct $1, (select coalesce(max(koersel), 0) + 1 from flis.drift.koersel), m.kommunekode, p.periode
            from (select unnest(cast($2 as varchar[])) as kommunekode, unnest(cast($3 as date[])) as periode) as m
            inner join flis.marts.dim_periode as p on m.periode is null or m.periode = p.periode
        """, [TOUCHED, [code for code, _ in moved], [month for _, month in moved]])
    con.execute("commit")
    return sign
