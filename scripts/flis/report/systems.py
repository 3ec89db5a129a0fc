"""The systems compared: how deliveries from different systems behave, per fagområde (`kvalitet.systemmaal`, `rapporter/systemer.html`).

The comparison is SQL (`systems.sql`); here the page is made of it. Nothing on the page is about a single municipality.
"""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from flis.contracts.datapackage import Manifest
from flis.core import danish
from flis.core.home import Home
from flis.quality.measuring import UNKNOWN
from flis.report import pages

COMPARISON = Path(__file__).with_name("systems.sql")
KINDS = {"tomt_felt": "Tomme felter", "ukendt_kode": "Ukendte koder", "regelbrud": "Brud på regler", "fordeling": "Fordelinger"}


def write_systems(con: duckdb.DuckDBPyConnection, home: Home, manifest: Manifest) -> Path:
    """Make `kvalitet.systemmaal` anew and write `rapporter/systemer.html`; returns the page.

    `con` may write to flis.duckdb; models, rules and results must be there (`flis build`, `flis validate`). Raises duckdb.Error when they are not.
    """
    con.execute(COMPARISON.read_text("utf-8"))
    measured = con.execute("select max(koersel) from kvalitet.koersel").fetchall()[0][0]
    target = home.reports / "systemer.html"
    pages.write(target, pages.render(
        "systemer.html.j2", areas=_areas(con, manifest), kinds=KINDS, limits=_rows(con, "select graense, vaerdi, begrundelse from koder.systemgraense order by graense"),
        fewest=_fewest(con), measured=danish.of_run(measured) if measured else None, vist=_shown, forskel=_signed))
    return target


def _rows(con: duckdb.DuckDBPyConnection, sql: str, *values: Any) -> list[dict[str, Any]]:
    answer = con.execute(sql, list(values))
    names = [column[0] for column in answer.description]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def _fewest(con: duckdb.DuckDBPyConnection) -> int:
    """Fewer municipalities than this stand behind no figure on the page."""
    return int(con.execute("select vaerdi from koder.systemgraense where graense = 'system_mindste_kommuner'").fetchall()[0][0])


def _areas(con: duckdb.DuckDBPyConnection, manifest: Manifest) -> list[dict[str, Any]]:
    """Per fagområde: its systems, the clear differences, every measure by system, and what happened around changes of system."""
    return [{"navn": name, "titel": title, **_area(con, manifest, name)} for name, title in sorted(pages.area_names().items())]


def _area(con: duckdb.DuckDBPyConnection, manifest: Manifest, area: str) -> dict[str, Any]:
    systems = _rows(con, """
        select k.kildesystem, k.systemnavn, count(distinct r.kommunekode)::integer as antal_kommuner
        from koder.kildesystem as k
        inner join kvalitet.raekkeregnskab as r on k.fagomraade = r.fagomraade and k.kildesystem = r.kildesystem
        where k.fagomraade = $1 and k.rolle = 'primaer'
        group by all order by all
    """, area)
    labels = _labels(con, manifest, area)
    measured = _rows(con, "select * from kvalitet.systemmaal where fagomraade = $1 order by all", area)
    for row in measured:
        row["navn"] = labels.get(row["maal"], row["maal"].partition(".")[2] or row["maal"])
        row["system"] = next(s["systemnavn"] for s in systems if s["kildesystem"] == row["kildesystem"])
    clear = sorted((r for r in measured if r["er_tydelig"]), key=lambda r: (list(KINDS).index(r["art"]), r["maal"], r["kildesystem"]))
    widest = {kind: max(abs(r["justeret"]) for r in clear if r["art"] == kind) for kind in {r["art"] for r in clear}}
    for row in clear:
        row["bredde"] = round(50 * abs(row["justeret"]) / widest[row["art"]], 1)
    tables: dict[str, dict[str, dict[str, Any]]] = {}
    for row in measured:
        tables.setdefault(row["art"], {}).setdefault(row["maal"], {})[row["kildesystem"]] = row
    return {"systemer": systems, "tydelige": clear, "tabeller": {kind: tables[kind] for kind in KINDS if kind in tables}, "skift": _changes(con, area),
            "koder": _unmapped(con, area)}


def _labels(con: duckdb.DuckDBPyConnection, manifest: Manifest, area: str) -> dict[str, str]:
    """What measures are called: rules by their title, codes by their name in the code lists, fields by what their contract says first."""
    fields = {f"{node['name'].partition('__')[2]}.{column['name']}": re.split("[;.,:(]", column["description"])[0].strip()
              for node in manifest.nodes.values() if node["resource_type"] == "model" and node["name"].startswith(f"std_{area}__")
              for column in node["columns"].values() if column["description"]}
    rules = {r: f"{r} {t}" for r, t in con.execute("select regel_id, titel from kvalitet.regel where fagomraade = $1", [area]).fetchall()}
    codes = dict(con.execute("""
        select 'hovedkonto.' || hovedkonto, 'Hovedkonto ' || hovedkonto || ' ' || hovedkontonavn from koder.kontoplan_hovedkonto
        union all
        select 'hovedfunktion.' || hovedfunktion, 'Hovedfunktion ' || hovedfunktion || ' ' || hovedfunktionsnavn from koder.kontoplan_hovedfunktion
        union all
        select distinct 'dranst.' || dranst, 'Dranst ' || dranst from koder.kontoplan_dranst
        union all
        select distinct 'paragraf.' || paragraf, lov || ' § ' || paragrafnummer from koder.paragraf
    """).fetchall())
    return {**fields, **codes, **rules}


def _changes(con: duckdb.DuckDBPyConnection, area: str) -> dict[str, Any]:
    """Changes of system in the area: how many municipalities, and per measure how many were compared and how many jumped. No system is named."""
    return {
        "kommuner": con.execute("select count(distinct kommunekode)::integer from kvalitet.systemspring where fagomraade = $1", [area]).fetchall()[0][0],
        "maal": _rows(con, """
            select f.formelnavn as navn, count(*)::integer as sammenlignet, count(*) filter (where s.er_spring)::integer as spring
            from kvalitet.systemspring as s
            inner join koder.formel as f on s.maal = f.formel_id
            where s.fagomraade = $1
            group by all order by all
        """, area),
    }


def _unmapped(con: duckdb.DuckDBPyConnection, area: str) -> dict[str, Any]:
    """The area's codes without a translation, by system: those of enough municipalities, or of a register that is no municipality's; of the others how many they are.

    What one municipality alone has written may be anything, so it stands in its own report only.
    """
    found = _rows(con, f"""
        select s.systemnavn, u.begreb, u.kode, u.kildekode, max(u.periode) as senest, sum(u.antal_raekker)::bigint as antal,
            case when bool_and(u.kommunekode <> '{UNKNOWN}') then count(distinct u.kommunekode)::integer end as kommuner
        from kvalitet.uoversat_kode as u
        inner join koder.kildesystem as s on u.kildesystem = s.kildesystem
        where u.fagomraade = $1
        group by all order by all
    """, area)
    shown = [one for one in found if one["kommuner"] is None or one["kommuner"] >= _fewest(con)]
    return {"vist": shown, "faa": len(found) - len(shown)}


def _shown(value: Decimal, unit: str) -> str:
    """A share as per cent, breaks as they are."""
    return f"{danish.number(value * 100, 1)} %" if unit == "andel" else danish.number(value, 2)


def _signed(value: Decimal, unit: str) -> str:
    """A difference with its sign, shares in percentage points; what rounds to nothing has none."""
    text = danish.number(abs(value) * 100, 1) if unit == "andel" else danish.number(abs(value), 2)
    return text if not text.strip("0,") else f"{'+' if value > 0 else '−'}{text}"
