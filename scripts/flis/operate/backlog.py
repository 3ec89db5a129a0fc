"""What is behind, read off what the steps note of themselves anyway: loaded but not built, built but not tested, published before what it rests on was built.

As with make, "behind" means older than what it is made from: a package that is looked at again may turn out to say the same. No table of data is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flis.build import moved_rows
from flis.core.database import exists

if TYPE_CHECKING:
    import duckdb


def facts(con: duckdb.DuckDBPyConnection) -> dict[str, list[dict[str, Any]]]:
    """For status.json. `con` has flis and cpr open.

    ikke_bygget: per fagområde and kildesystem how many deliveries have come, been replaced or been withdrawn without all the models having seen it. ikke_proevet: the models
    whose rows no passed test vouches for. pakker: per package the recipients of those that are older than what they rest on; one that a rule holds back is among them.
    """
    if not exists(con, "raw", "leverance", "cpr"):
        return {"ikke_bygget": [], "ikke_proevet": [], "pakker": []}
    built = exists(con, "drift", "behandlet")
    return {"ikke_bygget": _not_built(con, built), "ikke_proevet": _not_tested(con) if built else [],
            "pakker": _packages(con) if built and _followed(con) else []}


def _followed(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether packages have been written and looked at here; after a restore, or by a version of before this was noted, it is so from the next ones on."""
    return all(exists(con, "drift", table) for table in ("pakke", "pakkefil", "pakketabel")) and "koersel" in {row[0] for row in con.execute("describe drift.pakke").fetchall()}


def _not_built(con: duckdb.DuckDBPyConnection, built: bool) -> list[dict[str, Any]]:
    """A delivery has been built when as many models have seen it as any of its system: each model that rests on a system sees all of its deliveries.

    What staging has seen does not count: it is tested, not built. Nor do models that are no longer in the repo, or no longer incremental.
    """
    seen = """
        select leverance_id, count(*) as modeller from drift.behandlet
        where model in (select model from drift.tilstand) and model in (select model from drift.bygget)
        group by leverance_id
    """ if built else "select null::bigint as leverance_id, null::bigint as modeller where false"
    return _rows(con, f"""
        with set_ as ({seen}),

        stand as (
            select l.fagomraade, l.kildesystem, l.status = 'aktiv' as er_aktiv, coalesce(s.modeller, 0) as modeller,
                greatest(max(coalesce(s.modeller, 0)) over (partition by l.kildesystem), 1) as alle
            from cpr.raw.leverance as l
            left join set_ as s on l.leverance_id = s.leverance_id
            where l.kildesystem is not null
        )

        select fagomraade, kildesystem, count(*) as leverancer
        from stand
        where er_aktiv and modeller < alle or not er_aktiv and modeller > 0
        group by all order by all
    """)


def _not_tested(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    return _rows(con, "select model from drift.bygget group by model having count(*) > count(signatur) order by all")


def _packages(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Where it is noted it is known whose rows each build has touched; any other table that is built anew may have moved for everybody."""
    return _rows(con, f"""
        with pakke as (
            select modtager, pakke, coalesce(max(p.koersel), -1) as koersel from drift.pakke as p group by all
        ),

        tabel as (
            select tabel, bool_or(kommune <> '') as er_delt from drift.pakketabel group by tabel
        ),

        bygget as (
            select b.tabel, coalesce(b.kommunekode, '*') as kommunekode, max(b.koersel) as koersel
            from {moved_rows.slices(con)} as b
            where b.koersel > (select min(p.koersel) from pakke as p)
            group by all
            union all
            select b.model, '*', max(b.koersel) from drift.bygget as b where not list_contains($1, b.model) group by all
        ),

        bagud as (
            select distinct p.pakke, p.modtager
            from pakke as p
            inner join drift.pakkefil as f on p.modtager = f.modtager and p.pakke = f.pakke
            inner join tabel as t on f.tabel = t.tabel
            inner join bygget as b on f.tabel = b.tabel
            where b.koersel > p.koersel and (b.kommunekode in ('*', p.modtager) or not t.er_delt)
        )

        select pakke, list(modtager order by modtager) as modtagere from bagud group by pakke order by pakke
    """, [sorted(moved_rows.followed(con))])


def _rows(con: duckdb.DuckDBPyConnection, sql: str, values: list[Any] | None = None) -> list[dict[str, Any]]:
    answer = con.execute(sql, values)
    names = [column[0] for column in answer.description]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
