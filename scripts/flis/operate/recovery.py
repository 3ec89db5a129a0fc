"""What the archive knows and a new or older flis.duckdb does not: events, versions of packages, releases, and what was published."""

from __future__ import annotations

import json

import duckdb

from flis.core.home import Home
from flis.disclosure import tables
from flis.package.write import prepare_state
from flis.quality.validate import prepare_store
from flis.trail import events, journal


def recover(con: duckdb.DuckDBPyConnection, home: Home) -> int:
    """Take from the journal the events that the database does not have, and what else follows from them: versions of packages, and releases.

    There are none but when flis.duckdb is new or a copy that was put back. `con` has flis open for writing. Returns how many.
    """
    events.prepare(con)
    tables.recover(con, home.published)
    known = con.execute("select coalesce(max(nummer), 0) from flis.drift.haendelse").fetchall()[0][0]
    path = journal.events_file(home)
    if journal.last(path) <= known:
        return 0
    lines = list(journal.read(path, known))
    prepare_state(con)
    prepare_store(con)
    con.execute("create or replace temp table hentet (nummer bigint, tidspunkt timestamp, haendelse varchar, udfoert_af varchar, kommunekode varchar, fagomraade varchar, detalje json)")
    con.execute("insert into temp.hentet select " + ", ".join(f"unnest(cast(${i} as {kind}[]))" for i, kind in enumerate(("bigint", *events.COLUMNS.values()), start=1)),
                [[one["nr"] for one in lines], *([json.dumps(one[c]) if c == "detalje" else one.get(c) for one in lines] for c in events.COLUMNS)])
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
