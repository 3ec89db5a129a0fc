"""What "beside others" tells (fct_noegletal__sammenligning, in each municipality's own package), held against what the benchmark table shows everybody.

A municipality may be told of a group what the benchmark tells of it, and what it can add up itself: where all others of the group are shown, their sum is no secret. A row that says more
than that, or a figure that is not made of what is shown, does not leave.
"""

from __future__ import annotations

import duckdb

ROUNDED = "0.00001 + 1e-9 * abs"        # figures have five decimals, and a quotient fifteen digits

# T and N are what the others have together: of those who are shown, where all of them are, else of the group less oneself.
TOLD = f"""
    with grupper as (
        select kommunekode, unnest(['landet', 'region', 'kommunegruppe']) as gruppetype, unnest(['000', regionskode, kommunegruppekode]) as gruppekode
        from flis.marts.dim_kommune where er_kommune
    ),

    vist as (
        select b.noegletal_id, b.gruppekode as kommunekode, b.periode, b.taeller, b.naevner, b.vaerdi
        from flis.marts.fct_noegletal__benchmark as b
        where b.gruppetype = 'kommune' and b.vaerdi is not null and b.fortrolighedsstatus = 'fri'
    ),

    egne as (
        select k.noegletal_id, k.kommunekode, k.periode, k.bidrager, k.bidrager and v.kommunekode is not null as ses, k.taeller, k.naevner, k.vaerdi
        from flis.marts.int_faelles__kommunetal as k
        left join vist as v using (noegletal_id, kommunekode, periode)
    ),

    samlet as (
        select noegletal_id, periode, gruppetype, gruppekode, count(*) filter (bidrager) as bidragydere, count(*) filter (bidrager and not ses) as skjulte,
            coalesce(sum(taeller) filter (ses), 0) as taeller, sum(naevner) filter (ses) as naevner, coalesce(sum(vaerdi) filter (ses), 0) as vaerdi
        from egne inner join grupper using (kommunekode)
        group by all
    ),

    andre as (
        select
            s.*, e.kommunekode, s.skjulte = (case when e.bidrager and not e.ses then 1 else 0 end) as alle_ses, b.taeller is not null or b.naevner is not null or b.vaerdi is not null as gruppen_ses,
            case when e.bidrager then 1 else 0 end as egen, coalesce(e.taeller, 0) as egen_taeller, coalesce(e.naevner, 0) as egen_naevner, coalesce(e.vaerdi, 0) as egen_vaerdi,
            case when alle_ses then s.taeller - case when e.ses then egen_taeller else 0 end else coalesce(b.taeller, 0) - egen * egen_taeller end as t,
            case when alle_ses then coalesce(s.naevner, 0) - case when e.ses then egen_naevner else 0 end else coalesce(b.naevner, 0) - egen * egen_naevner end as n,
            s.vaerdi - case when e.ses then egen_vaerdi else 0 end as v
        from egne as e
        inner join grupper as g using (kommunekode)
        inner join samlet as s using (noegletal_id, periode, gruppetype, gruppekode)
        left join flis.marts.fct_noegletal__benchmark as b using (noegletal_id, periode, gruppetype, gruppekode)
    ),

    kan as (
        select c.noegletal_id, c.kommunekode, c.periode, c.gruppetype, c.gruppekode, a.* exclude (noegletal_id, kommunekode, periode, gruppetype, gruppekode), c.egen_kommune, c.vaegtet_gennemsnit, c.simpelt_gennemsnit, c.fortrolighedsstatus, c.observationsstatus, a.alle_ses or a.gruppen_ses as maa_ses,
            case when c.egen_kommune = 'med' then a.egen else 0 end as med,
            nf.faktor * (a.t + med * a.egen_taeller) / nullif(a.n + med * a.egen_naevner, 0) as vaegtet,
            (a.v + med * a.egen_vaerdi) / nullif(a.bidragydere - a.egen + med, 0) as simpelt
        from flis.marts.fct_noegletal__sammenligning as c
        left join andre as a using (noegletal_id, kommunekode, periode, gruppetype, gruppekode)
        inner join flis.marts.dim_noegletal as nf using (noegletal_id)
    )

    select noegletal_id, kommunekode, gruppetype || ' ' || gruppekode || ', ' || egen_kommune, periode
    from kan
    where coalesce(maa_ses, false) <> (fortrolighedsstatus = 'fri')
        or fortrolighedsstatus <> 'fri' and (observationsstatus <> 'ikke_oplyst' or vaegtet_gennemsnit is not null or simpelt_gennemsnit is not null)
        or vaegtet_gennemsnit is not null and (vaegtet is null or abs(vaegtet_gennemsnit - vaegtet) > {ROUNDED}(vaegtet))
        or simpelt_gennemsnit is not null and (not alle_ses or simpelt is null or abs(simpelt_gennemsnit - simpelt) > {ROUNDED}(simpelt))
    order by all
"""


def told(con: duckdb.DuckDBPyConnection) -> list[tuple]:
    """The rows of "beside others" that tell a municipality more than it is shown and has itself: key figure, municipality, group, month."""
    return con.execute(TOLD).fetchall()
