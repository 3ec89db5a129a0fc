"""person_noegle: every CPR number seen, the person it belongs to, and the number before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flis.contracts.contract import FileType
from flis.core.keys import hmac_sql, set_session_key
from flis.intake.splitting import cpr_sql
from flis.trail.keycheck import version_sql

if TYPE_CHECKING:
    import duckdb


def enter(con: duckdb.DuckDBPyConnection, key: bytes, loaded: list[tuple[FileType, list[int]]]) -> None:
    """Enter the CPR numbers of newly loaded deliveries, and join the numbers that belong to one person.

    A new number gets the HMAC of itself as person_id, and as nummer_id, which stays: what is computed per number once and for all is stored under it. Where a row names the person's former number, the newer number's rows take over the older's
    id; if that changes an id that was there before, both ids go to raw.beroert_person, since what was computed under the old one has moved.
    """
    set_session_key(con, key)
    con.execute("create or replace temp table _set_nr (cpr varchar)")
    con.execute("create or replace temp table _skift (cpr varchar, tidligere varchar, leverance_id bigint, linje bigint)")
    for ft, idents in loaded:
        con.execute("create or replace temp table _nye as select unnest(cast($1 as bigint[])) as leverance_id", [idents])
        for table in ft.tables:
            for column in table.cpr_columns:
                con.execute(f"""
                    insert into _set_nr select distinct {cpr_sql(column)} from raw.{table.identifier}
                    where _leverance_id between {min(idents)} and {max(idents)} and _leverance_id in (select leverance_id from _nye)
                """)
            own = next((c.name for c in table.columns if c.personnummer and not c.tidligere), None)
            for former in (c.name for c in table.columns if c.tidligere):
                if own:
                    con.execute(f"""
                        insert into _skift select {cpr_sql(own)}, {cpr_sql(former)}, _leverance_id, _linje from raw.{table.identifier}
                        where _leverance_id between {min(idents)} and {max(idents)} and _leverance_id in (select leverance_id from _nye)
                    """)
    con.execute(f"""
        insert into raw.person_noegle (cpr, person_id, nummer_id, noegle_version)
        select cpr, noegle, noegle, {version_sql()} from (select cpr, {hmac_sql('cpr')} as noegle
        from (select distinct cpr from _set_nr where regexp_full_match(cpr, '[0-9]{{10}}')) as s
        where not exists (select 1 from raw.person_noegle as n where n.cpr = s.cpr))
        order by cpr
    """)
    _link(con)


def complete(con: duckdb.DuckDBPyConnection, key: bytes) -> None:
    """Give numbers that were entered before there was a nummer_id theirs."""
    if con.execute("select 1 from raw.person_noegle where nummer_id is null limit 1").fetchall():
        set_session_key(con, key)
        con.execute(f"update raw.person_noegle set nummer_id = {hmac_sql('cpr')} where nummer_id is null")


def _link(con: duckdb.DuckDBPyConnection) -> None:
    """Join numbers by the former-number statements, in the order they were delivered. They are few: a person changes number once in a life, if at all."""
    statements = con.execute("""
        select s.cpr, s.tidligere, min({'leverance': s.leverance_id, 'linje': s.linje}) as foerst
        from _skift as s
        inner join raw.person_noegle as n on s.cpr = n.cpr
        inner join raw.person_noegle as t on s.tidligere = t.cpr
        where s.cpr <> s.tidligere and (n.tidligere_cpr is distinct from s.tidligere or n.person_id <> t.person_id)
        group by all order by foerst
    """).fetchall()
    if not statements:
        return
    wanted = sorted({n for new, old, _ in statements for n in (new, old)})
    # all numbers of the persons concerned, since a whole chain moves at once
    rows = con.execute("""
        select cpr, person_id, tidligere_cpr from raw.person_noegle
        where person_id in (select person_id from raw.person_noegle where cpr in (select unnest(cast($1 as varchar[]))))
    """, [wanted]).fetchall()
    ids = {cpr: person for cpr, person, _ in rows}
    formers = {cpr: former for cpr, _, former in rows}
    before = dict(ids)
    members: dict[str, list[str]] = {}
    for cpr, person in ids.items():
        members.setdefault(person, []).append(cpr)
    blame: dict[str, int] = {}
    for new, old, first in statements:
        if ids[new] == ids[old]:
            formers[new] = formers[new] or (old if formers.get(old) != new else None)
            continue
        # A number that already has a former one keeps its id, and takes the stated one in; else it takes over the older's.
        keep, lose = (ids[new], ids[old]) if formers[new] else (ids[old], ids[new])
        formers[new] = formers[new] or old
        moved = members.pop(lose)
        members[keep] += moved
        for cpr in moved:
            ids[cpr] = keep
            blame[cpr] = first["leverance"]
    changed = sorted(c for c in ids if ids[c] != before[c])
    con.execute("""
        create or replace temp table _rettet as
        select unnest(cast($1 as varchar[])) as cpr, unnest(cast($2 as varchar[])) as person_id, unnest(cast($3 as varchar[])) as tidligere_cpr
    """, [list(ids), list(ids.values()), [formers[c] for c in ids]])
    con.execute("""
        update raw.person_noegle as n set person_id = r.person_id, tidligere_cpr = r.tidligere_cpr
        from _rettet as r where n.cpr = r.cpr and (n.person_id <> r.person_id or n.tidligere_cpr is distinct from r.tidligere_cpr)
    """)
    pairs = sorted({(blame[c], person) for c in changed for person in (before[c], ids[c])})
    if pairs:
        con.execute("insert into raw.beroert_person select unnest(cast($1 as bigint[])), unnest(cast($2 as varchar[]))", [[a for a, _ in pairs], [b for _, b in pairs]])


def note_replaced(con: duckdb.DuckDBPyConnection, ft: FileType) -> None:
    """The persons in deliveries about to be taken out of raw (`_erstattet`), noted under that delivery: it is the one a model that has seen it will miss."""
    for table in ft.tables:
        for column in table.cpr_columns:
            con.execute(f"""
                insert into raw.beroert_person
                select distinct e.leverance_id, n.person_id
                from raw.{table.identifier} as r
                inner join _erstattet as e on r._leverance_id = e.leverance_id
                inner join raw.person_noegle as n on {cpr_sql('r.' + column)} = n.cpr
            """)
