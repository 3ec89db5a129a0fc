"""The tables around `flis.withholding`: from the figures and the seeds in DuckDB to the rows of int_faelles__tilbageholdt, and the record of what has been published.

`drift.offentliggjort` is the house's own copy of each benchmark row as it has been published, in every version of it that differed; the step reads it, for what has been read once cannot
be withheld again.
"""

from __future__ import annotations

from typing import Any

import duckdb
import pyarrow as pa

from flis.withholding import Figure, Published, Rules, withhold

COLUMNS = ("modtagerkreds", "noegletal_id", "gruppetype", "gruppekode", "periode", "omfang", "grund")
RECORD = "offentliggjort"


def rows(con: duckdb.DuckDBPyConnection, figures: Any, keyfigures: Any, formulas: Any, relations: Any, limits: Any, places: Any) -> pa.Table:
    """int_faelles__tilbageholdt, from the relations that dbt hands over."""
    found = list(withhold(_figures(figures), rules(keyfigures, formulas, relations, limits, places), _published(con)))
    kinds = [pa.date32() if c == "periode" else pa.string() for c in COLUMNS]
    return pa.table({c: pa.array([r[i] for r in found], kind) for i, (c, kind) in enumerate(zip(COLUMNS, kinds, strict=True))})


def rules(keyfigures: Any, formulas: Any, relations: Any, limits: Any, places: Any) -> Rules:
    """The seeds as the step takes them."""
    groups = {}
    for code, region, group in _take(places.filter("er_kommune"), "kommunekode, regionskode, kommunegruppekode"):
        groups[code] = [("landet", "000"), ("region", region), ("kommunegruppe", group)]
    at = {(audience, one): (few, left) for audience, _, one, few, left in _take(limits, "modtagerkreds, raekkefoelge, noegletal_id, mindste_antal_personer, mindste_rest")}
    order = sorted({(number, audience) for audience, number in _take(limits, "modtagerkreds, raekkefoelge")})
    return Rules(
        sides={one: (t, n) for one, t, n in _take(keyfigures, "noegletal_id, taeller_formel, naevner_formel")},
        units=dict(_take(formulas, "formel_id, enhed")),
        relations=sorted(_take(relations, "formel_id, led_formel_id, cast(koefficient as double), sammenhaeng")),
        groups=groups, audiences=list(dict.fromkeys(audience for _, audience in order)), limits=at)


def _take(relation: Any, columns: str) -> list[tuple]:
    return relation.project(columns).fetchall()


def _figures(figures: Any) -> list[Figure]:
    """Where there is neither numerator nor denominator there is nothing to withhold."""
    return [Figure(*row) for row in figures.filter("taeller is not null or naevner is not null").order("noegletal_id, kommunekode, periode").project(
        "noegletal_id, kommunekode, periode, naevner_periode, cast(taeller as double), cast(naevner as double), "
        "coalesce(vaerdi is not null and observationsstatus <> 'ufuldstaendig' and kvalitetsstatus is distinct from 'tilbageholdt', false), "
        "kvalitetsstatus is distinct from 'tilbageholdt', antal_taeller, antal_naevner, antal_rest").fetchall()]


def _published(con: duckdb.DuckDBPyConnection) -> list[Published]:
    there = con.execute("select count(*) from duckdb_tables() where schema_name = 'drift' and table_name = $1", [RECORD]).fetchall()[0][0]
    return [Published(*row) for row in con.execute(
        f"select udgave, noegletal_id, gruppetype, gruppekode, periode, naevner_periode, cast(taeller as double), cast(naevner as double), bidrager, vist from drift.{RECORD} "
        "order by all").fetchall()] if there else []
