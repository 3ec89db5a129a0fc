"""What is behind: loaded but not built, built but not tested, published but not looked at since what it is made from was built anew. `flis status` tells it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flis.database import exists

if TYPE_CHECKING:
    import duckdb

_TABLE = "create table if not exists flis.drift.upakket (modtager varchar, pakke varchar)"
BENCHMARK = "_benchmark"
EVERYBODY = "*"


def moved(con: duckdb.DuckDBPyConnection, after: int, areas: dict[str, str | None]) -> None:
    """Note the published packages that rest on rows which builds after number `after` took out or put in. `areas` gives a model's fagområde.

    A municipality's own package rests on its own rows, a benchmark on everybody's; and an area's key figures also on the areas they count in. `con` has flis open for writing.
    """
    con.execute(_TABLE)
    if not exists(con, "drift", "pakke") or not exists(con, "drift", "beroert"):
        return
    found = {(areas.get(model), code or EVERYBODY) for model, code in con.execute(
        "select distinct replace(model, ':raekker', ''), kommunekode from drift.beroert where koersel > $1", [after]).fetchall()}
    if exists(con, "marts", "dim_noegletal"):
        rests = con.execute("select distinct fagomraade, unnest([taeller_fagomraade, naevner_fagomraade]) from marts.dim_noegletal").fetchall()
        found |= {(area, code) for area, other in rests for at, code in found if at == other}
    pairs = sorted((area, code) for area, code in found if area)
    if pairs:
        con.execute(f"""
            insert into drift.upakket
            select distinct p.modtager, p.pakke
            from drift.pakke as p
            inner join (select unnest(cast($1 as varchar[])) as fagomraade, unnest(cast($2 as varchar[])) as kommunekode) as b
                on p.fagomraade = b.fagomraade and (b.kommunekode in ('{EVERYBODY}', p.modtager) or ends_with(p.pakke, '{BENCHMARK}'))
            except
            select modtager, pakke from drift.upakket
        """, [list(column) for column in zip(*pairs, strict=True)])


def looked_at(con: duckdb.DuckDBPyConnection, packages: Iterable[tuple[str, str]]) -> None:
    """These packages, as (recipient, name), are now as the models are: written anew, or found unchanged."""
    con.execute(_TABLE)
    seen = sorted(packages)
    if seen:
        con.execute("delete from flis.drift.upakket where (modtager, pakke) in (select unnest(cast($1 as varchar[])), unnest(cast($2 as varchar[])))", [list(column) for column in zip(*seen, strict=True)])


def facts(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """For status.json. `con` has flis and cpr open.

    ikke_bygget: per fagområde and kildesystem how many deliveries have come, been replaced or been withdrawn without the models having seen it; ikke_proevet: models built without their
    tests having passed; pakker: per package how many recipients, and who, as long as they are few.
    """
    found: dict[str, Any] = {"ikke_bygget": [], "ikke_proevet": [], "pakker": []}
    if not exists(con, "raw", "leverance", "cpr"):
        return found
    # Staging is not built but tested: what it has seen is those deliveries that have been tested.
    seen = "(select model, leverance_id from drift.behandlet where not starts_with(model, 'stg_'))" if exists(con, "drift", "behandlet") else "(select null::varchar as model, null::bigint as leverance_id where false)"
    found["ikke_bygget"] = [dict(zip(("fagomraade", "kildesystem", "leverancer"), row, strict=True)) for row in con.execute(f"""
        with set_ as {seen},
        laeser as (
            select distinct s.model, l.kildesystem from set_ as s inner join cpr.raw.leverance as l on s.leverance_id = l.leverance_id
        ),
        afventer as (
            select l.leverance_id from cpr.raw.leverance as l inner join laeser as r on l.kildesystem = r.kildesystem
            where l.status = 'aktiv' and (r.model, l.leverance_id) not in (select model, leverance_id from set_)
            union
            select leverance_id from cpr.raw.leverance where status = 'aktiv' and kildesystem not in (select kildesystem from laeser)
            union
            select leverance_id from set_ where leverance_id not in (select leverance_id from cpr.raw.leverance where status = 'aktiv')
        )
        select l.fagomraade, l.kildesystem, count(*) from cpr.raw.leverance as l inner join afventer as a on l.leverance_id = a.leverance_id group by all order by all
    """).fetchall()]
    if exists(con, "drift", "bygget"):
        found["ikke_proevet"] = [model for (model,) in con.execute("select model from drift.bygget group by model having count(*) > count(signatur) order by all").fetchall()]
    if exists(con, "drift", "upakket"):
        found["pakker"] = [{"pakke": name, "modtagere": recipients} for name, recipients in con.execute("select pakke, list(modtager order by modtager) from drift.upakket group by all order by all").fetchall()]
    return found
