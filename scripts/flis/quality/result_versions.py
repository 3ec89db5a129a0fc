"""What was found, set against what was intended, and kept as versions: a row of kvalitet.maaling or kvalitet.fund stands until a later run says something else (kvalitet.sql)."""

from __future__ import annotations

from datetime import datetime

import duckdb

from flis.quality.due_rules import Task
from flis.quality.measuring import IN_SCOPE, IN_SCOPE_MONTH, IN_SLICE


def write(con: duckdb.DuckDBPyConnection, run: str, moment: datetime, rules: int, tasks: list[Task], faults: dict[str, str], fagomraade: str | None, alt: bool) -> None:
    """Set what was found against what was intended, and write what has changed as new versions, in one transaction. `rules` is how many there were to choose among."""
    con.execute("create temp table opgave (regel_id varchar, fagomraade varchar, grundlag varchar, er_samme boolean, laest varchar, fejl varchar)")
    if tasks:
        con.executemany("insert into temp.opgave values (?, ?, ?, ?, ?, ?)", [
            [t.rule.regel_id, t.rule.fagomraade, t.rule.grundlag, t.rule.model == t.rule.grundlag, "alt" if t.group is None else "skiver", faults.get(t.rule.regel_id)]
            for t in tasks])
    _settle(con)
    con.execute("begin")
    _write_counts(con, run)
    _write_rows(con, run)
    con.execute("delete from kvalitet.maalt where koersel = $1 and regel_id in (select regel_id from temp.opgave)", [run])
    con.execute("insert into kvalitet.maalt select $1, regel_id, fagomraade, laest, fejl from temp.opgave order by all", [run])
    con.execute("delete from kvalitet.koersel where koersel = $1", [run])
    con.execute("insert into kvalitet.koersel values ($1, $2, $3, getvariable('kommune'), getvariable('maaned'), $4, $5, $6, $7)",
                [run, moment.replace(tzinfo=None), fagomraade, alt, rules, len(tasks), len(faults)])
    con.execute("commit")


def _settle(con: duckdb.DuckDBPyConnection) -> None:
    """What the run comes to, in temp.ny: a row for each rule, municipality and period that is settled anew."""
    con.execute(f"""
        create temp table ny as
        -- Every rule has a row for every municipality: one with no period where the rule has none, could not run, or has no month to look at.
        with kommuner as (
            select distinct o.regel_id, o.grundlag, i.kommunekode
            from temp.instrueret as i
            inner join temp.opgave as o on i.fagomraade = o.fagomraade
        ),

        maaneder as (
            select distinct o.regel_id, i.kommunekode, m.periode
            from temp.instrueret as i
            inner join temp.opgave as o on i.fagomraade = o.fagomraade
            inner join temp.maaned as m on o.grundlag = m.grundlag and i.gyldig_fra < m.periode + interval 1 month and i.gyldig_til > m.periode
        ),

        ventede as (
            select k.regel_id, k.kommunekode, m.periode
            from kommuner as k
            left join maaneder as m on k.kommunekode = m.kommunekode and k.regel_id = m.regel_id
        ),

        -- What an instructed municipality has delivered of the time before its instruction (a year to date, a year's sum) is looked at like the rest.
        tidligere as (
            select distinct t.regel_id, t.kommunekode, t.periode
            from temp.talt as t
            inner join kommuner as k on t.regel_id = k.regel_id and t.kommunekode = k.kommunekode
        ),

        -- Rows that belong to no municipality are found too; nobody expects them, so they are here only when there are some.
        tilsigtet as (
            select regel_id, kommunekode, periode from ventede
            union
            select regel_id, kommunekode, periode from tidligere
            union
            select regel_id, kommunekode, periode from temp.fundet
        ),

        -- What is settled anew: the slices measured, and what nobody has settled before (a month that is new to the country).
        afgjort as (
            select t.*
            from tilsigtet as t
            where exists (select 1 from temp.beroert as b where b.regel_id = t.regel_id and {IN_SLICE.format(x='t')})
                or ({IN_SCOPE} and {IN_SCOPE_MONTH} and not exists (
                    select 1 from kvalitet.maaling as m
                    where m.regel_id = t.regel_id and m.kommunekode = t.kommunekode and m.periode is not distinct from t.periode and m.til_koersel is null
                ))
        ),

        maalt as (
            select
                a.*,
                o.fejl,
                coalesce(f.afvigelser, 0) as afvigelser,
                -- Where the breaking rows are not among the rows counted (set aside, or missing), they are added to them.
                case
                    when o.er_samme then greatest(coalesce(c.raekker, 0), coalesce(f.afvigelser, 0))
                    else coalesce(c.raekker, 0) + coalesce(f.afvigelser, 0)
                end as raekker
            from afgjort as a
            inner join temp.opgave as o on a.regel_id = o.regel_id
            left join temp.fundet as f on a.regel_id = f.regel_id and a.kommunekode = f.kommunekode and a.periode is not distinct from f.periode
            left join temp.talt as c on a.regel_id = c.regel_id and a.kommunekode = c.kommunekode and a.periode is not distinct from c.periode
        )

        select
            regel_id,
            kommunekode,
            periode,
            case when fejl is null then raekker end as raekker,
            case when fejl is null then afvigelser end as afvigelser,
            fejl as aarsag
        from maalt
    """)


def _write_counts(con: duckdb.DuckDBPyConnection, run: str) -> None:
    """The counts that are others than before, as versions from this run on."""
    same_key = "m.regel_id = n.regel_id and m.kommunekode = n.kommunekode and m.periode is not distinct from n.periode"
    same = f"{same_key} and m.raekker is not distinct from n.raekker and m.afvigelser is not distinct from n.afvigelser and m.aarsag is not distinct from n.aarsag"
    con.execute(f"""
        update kvalitet.maaling as m set til_koersel = $1
        where m.til_koersel is null and m.regel_id in (select regel_id from temp.opgave)
            and not exists (select 1 from temp.ny as n where {same})
            and (
                exists (select 1 from temp.beroert as b where b.regel_id = m.regel_id and {IN_SLICE.format(x='m')})
                -- a row without a period gives way to the first month, and an empty month that no municipality has any more goes
                or m.afvigelser is not distinct from 0 and m.raekker is not distinct from 0 and not exists (
                    select 1 from temp.maaned as x inner join temp.opgave as o on x.grundlag = o.grundlag
                    where o.regel_id = m.regel_id and x.periode is not distinct from m.periode
                ) and exists (select 1 from temp.maaned as x inner join temp.opgave as o on x.grundlag = o.grundlag where o.regel_id = m.regel_id)
            )
    """, [run])
    con.execute(f"""
        insert into kvalitet.maaling
        select n.*, $1, null from temp.ny as n
        where not exists (select 1 from kvalitet.maaling as m where {same} and m.til_koersel is null)
        order by all
    """, [run])


def _write_rows(con: duckdb.DuckDBPyConnection, run: str) -> None:
    """The breaking rows that are new, and those that are no more, likewise."""
    # A breaking row is known by its key; where the same key breaks the rule several times, by its number among them.
    con.execute("""
        create temp table nye_fund as
        select *, row_number() over (partition by regel_id, kommunekode, periode, noegle order by leverance_id, fil, linje) as nr from temp.brud
    """)
    same_row = ("f.regel_id = n.regel_id and f.kommunekode = n.kommunekode and f.periode is not distinct from n.periode and f.noegle = n.noegle and f.nr = n.nr "
                "and f.til_koersel is null")
    con.execute(f"""
        update kvalitet.fund as f set til_koersel = $1
        where f.til_koersel is null and f.regel_id in (select regel_id from temp.opgave where fejl is null)
            and exists (select 1 from temp.beroert as b where b.regel_id = f.regel_id and {IN_SLICE.format(x='f')})
            and not exists (select 1 from temp.nye_fund as n where {same_row})
    """, [run])
    con.execute(f"""
        update kvalitet.fund as f set leverance_id = n.leverance_id, fil = n.fil, linje = n.linje
        from temp.nye_fund as n
        where {same_row} and (f.leverance_id, f.fil, f.linje) is distinct from (n.leverance_id, n.fil, n.linje)
    """)
    con.execute(f"""
        insert into kvalitet.fund
        select n.regel_id, n.kommunekode, n.periode, n.noegle, n.nr, n.leverance_id, n.fil, n.linje, $1, null
        from temp.nye_fund as n
        where not exists (select 1 from kvalitet.fund as f where {same_row})
        order by all
    """, [run])
