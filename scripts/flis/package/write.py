"""`flis package`: from marts to each recipient's versioned data packages.

A recipient gets two packages per fagområde: its own (the rows it is data controller for, and the dimensions in full), and the benchmark aggregates
that everybody gets. What it wants of the first is `raw.opsaetning_pakke_oenske`; whether it may be written is the instruction in
`raw.opsaetning_kommune_opsaetning` and `kvalitet.tilbageholdt`. A package appears whole or not at all: it is written under `udbakke/.skrives/` and
moved in place; a version that is there is never changed, and content equal to the newest version makes none.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from queue import Queue
from threading import local
from typing import Any

import duckdb

from flis.contracts import datapackage as dp
from flis.contracts.installation import instructed_now
from flis.core.database import connect, content_sign, exists
from flis.core.home import Home, now
from flis.core.keys import hmac_sql, master_key, recipient_key, set_session_key
from flis.disclosure import guard
from flis.disclosure.tables import publish
from flis.package import attack, table_hashes
from flis.package.outbox import write_pages
from flis.package.table_hashes import WHOLE, TableSigns
from flis.report.declaration import Declaration
from flis.trail.events import record_many

Progress = Callable[[str, int, int], None]

WORKERS = 2
NOT_BUILT = "ikke bygget endnu:"
FORMATS = {"parquet": ["parquet"], "csv": ["csv"], "begge": ["csv", "parquet"]}
FILE_MODE = 0o400         # a written version is never changed, and is for nobody else on the machine
VERSION = re.compile(r"(\d+)\.(\d{6})\.(\d+)")
LocalColumns = dict[str, tuple[tuple[str, ...], str]]       # column → the fields as delivered, and what they are


class PackageError(Exception):
    """A package cannot be written as things stand; the message says what to do. Nothing half is left behind."""


@dataclass(frozen=True)
class Wish:
    """What a recipient wants of one dataset (or of all, `*`)."""

    dataset: str = "*"
    without: tuple[str, ...] = ()
    since: date | None = None
    format: str = "begge"
    cpr: bool = False


class Sources:
    """The deliveries some packages rest on."""

    def __init__(self, area: str, deliveries: list[dict[str, Any]]) -> None:
        self.ids, self.systems = tuple(d["leverance_id"] for d in deliveries), {}
        for one in deliveries:
            self.systems.setdefault(one["kildesystem"], []).append(one)
        self.newest: datetime | None = max((d["udtrukket"] for d in deliveries), default=None)
        # The newest data: the delivery's period, or where it has none the month it was extracted.
        months = {(told.year, told.month) for d in deliveries if d["fagomraade"] == area for told in (d["periode"] or d["udtrukket"],)}
        self.month: str = "{:04}{:02}".format(*max(months)) if months else ""
        self._facts: list[dict[str, Any]] | None = None

    def facts(self, title: Callable[[str], str]) -> list[dict[str, Any]]:
        """Per source system: what it is, how many deliveries, which ids, how fresh. The files stand in the table `leverancer`."""
        if self._facts is None:
            self._facts = [{"title": title(system), "kildesystem": system, "antal_leverancer": len(ds), "leverance_id": _ranges([d["leverance_id"] for d in ds]),
                            "senest_udtrukket": max(d["udtrukket"] for d in ds).strftime("%Y-%m-%d")} for system, ds in sorted(self.systems.items())]
        return self._facts


@dataclass
class Plan:
    """One package to be: for whom, of what, and with which wishes per table."""

    recipient: str
    area: str
    benchmark: bool
    tables: dict[str, Wish]
    formats: list[str]
    sources: Sources
    fingerprint: str = ""
    prints: dict[str, str] = field(default_factory=dict)        # per table: a sign of all that decides its files
    rows: dict[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.area}_benchmark" if self.benchmark else self.area

    @property
    def label(self) -> str:
        return f"{self.recipient}/{self.name}"

    @property
    def cpr(self) -> bool:
        return any(w.cpr for w in self.tables.values())

    def formats_of(self, table: str) -> list[str]:
        """A dataset comes in the format wished for it; what all datasets share in each format that any of them has."""
        wish = self.tables.get(table)
        return FORMATS[wish.format] if wish and wish.format else self.formats


@dataclass
class Made:
    """One package as it came out: its folder, and whether it is new."""

    plan: Plan
    version: str
    folder: Path
    content: str
    written: bool
    bytes: int = 0


@dataclass
class PackageResult:
    """What one run of the package step did. `held` and `skipped` are (recipient, fagområde, reason in Danish)."""

    written: list[Path] = field(default_factory=list)
    unchanged: list[Path] = field(default_factory=list)
    held: list[tuple[str, str, str]] = field(default_factory=list)
    skipped: list[tuple[str, str, str]] = field(default_factory=list)
    bytes: int = 0
    damaged: list[str] = field(default_factory=list)
    attack: dict[str, Any] | None = None        # what the attack on the release came to (flis.package.attack); None when no benchmark package was to be written

    def facts(self) -> dict[str, Any]:
        """Figures for status.json and the table a newcomer sees."""
        return {"damaged": self.damaged, "attack": self.attack, "written": len(self.written), "unchanged": len(self.unchanged), "held": len(self.held), "skipped": len(self.skipped), "bytes": self.bytes,
                "reasons": [f"{recipient}/{area}: {reason}" for recipient, area, reason in self.held],
                "not_built": sorted({f"{area}: {reason}" for _, area, reason in self.skipped if reason.startswith(NOT_BUILT)})}


def package(home: Home, *, fagomraade: str | None = None, kommune: str | None = None, periode: str | None = None,
            progress: Progress | None = None, manifest: Path | None = None) -> PackageResult:
    """Write the data packages that have new content.

    `fagomraade` and `kommune` (four digits) narrow; `periode` (YYYY-MM) leaves out packages whose data do not run to that month. `manifest` is dbt's manifest
    (default `target/manifest.json` in the repo). Raises PackageError when the models are not built, or when a benchmark table shows a cell on too few persons.
    """
    path = manifest or dp.manifest_path()
    if not path.exists():
        raise PackageError(f"{path} is missing: run `flis build` first")
    with connect(home, write="flis") as con:
        result = Run(home, con, dp.Manifest(path), progress or (lambda *_: None)).go(fagomraade, kommune, periode)
        write_pages(home, con, kommune)
    return result


class Run:
    """One run of the package step on one open connection."""

    def __init__(self, home: Home, con: duckdb.DuckDBPyConnection, manifest: dp.Manifest, progress: Progress) -> None:
        self.home, self.con, self.manifest, self.progress = home, con, manifest, progress
        self.staging = home.outbox / ".skrives"
        self.shared: dict[tuple, tuple[Path, str, int, int]] = {}
        self.sources: dict[tuple, Sources] = {}
        self.of_area: dict[str, dict[str | None, list[dict[str, Any]]]] = {}       # the active deliveries behind a fagområde, per municipality
        self.final: dict[tuple, dp.Table] = {}
        self.dangerous: dict[tuple[str, str], frozenset[str]] = {}      # (table, fagområde): the text columns that hold what a spreadsheet could take as a formula
        self.damaged: list[str] = []        # files of versions written before that no longer have their hash
        self.master = master_key(home)
        prepare_state(con)
        self.signs = TableSigns(con)
        self.known: dict[tuple[str, str], dict[str, str]] = {}
        for recipient, name, version, sign in self._rows("select modtager, pakke, version, fingeraftryk from flis.drift.pakke order by nummer"):
            self.known.setdefault((recipient, name), {})[version] = sign
        self.files: dict[tuple[str, str, str], dict[str, tuple[str, int]]] = {}      # per version of a package: each table's sign and number of rows
        for recipient, name, version, table, sign, rows in self._rows("select modtager, pakke, version, tabel, aftryk, raekker from flis.drift.pakkefil"):
            self.files.setdefault((recipient, name, version), {})[table] = (sign, rows)
        self.tables = self._tables()
        self.municipalities = dict(self._rows("select kommunekode, kommunenavn from flis.marts.dim_kommune")) if self._exists("flis", "marts", "dim_kommune") else {}
        self.deliveries = self._deliveries()
        self.behind = self._areas_behind()
        self.key_version = self._scalar("select max(noegle_version) from cpr.raw.person_noegle") if self._exists("cpr", "raw", "person_noegle") else None

    # --- what there is ----------------------------------------------------------------------------------------------------------------------

    def _rows(self, sql: str, values: list | None = None) -> list[tuple]:
        return self.con.execute(sql, values or []).fetchall()

    def _scalar(self, sql: str) -> Any:
        return self._rows(sql)[0][0]

    def _exists(self, database: str, schema: str, table: str) -> bool:
        return exists(self.con, schema, table, database)

    def _tables(self) -> dict[str, dp.Table]:
        """Every model that goes into packages, as it stands in the database; one that is not built has no columns."""
        types: dict[tuple[str, str], dict[str, str]] = {}
        for schema, table, column, kind in self._rows(
                "select schema_name, table_name, column_name, data_type from duckdb_columns() where database_name = 'flis' order by column_index"):
            types.setdefault((schema, table), {})[column] = kind
        made = {}
        for node in self.manifest.packaged():
            made[node["name"]] = self._with_code_lists(self.manifest.table(node, types.get((node["schema"], node.get("alias") or node["name"]), {})), types)
        self._foreign_keys(made)
        return made

    def _with_code_lists(self, table: dp.Table, types: dict[tuple[str, str], dict[str, str]]) -> dp.Table:
        """A column that refers to a seed of codes gets the codes and their texts into its own description."""
        labels = {}
        for column, (target, code) in table.foreign.items():
            relation = self.manifest.code_list(target)
            names = next((list(c) for (schema, name), c in types.items() if relation == f'flis."{schema}"."{name}"'), [])
            text = next((n for n in names if n != code and re.search("navn|tekst|titel|betegnelse|beskrivelse", n)), None)
            if text and code in names:
                labels[column] = tuple(self._rows(f'select cast("{code}" as varchar), min(cast("{text}" as varchar)) from {relation} where "{code}" is not null group by 1 order by 1'))
        return replace(table, columns=tuple(replace(c, labels=labels.get(c.name, ())) for c in table.columns))

    def _foreign_keys(self, tables: dict[str, dp.Table]) -> None:
        """Add the foreign keys that names alone give, where the data keep them. Declared ones are tested by dbt and stand as they are."""
        built = [t for t in tables.values() if t.columns]
        self.traced = {t.name for t in built if dp.DELIVERY in t.names and t.level in ("individ", "kommune") and self._traces(t)}
        for name, table in tables.items():
            tables[name] = replace(table, foreign={c: (t, k) for c, (t, k) in table.foreign.items() if t in tables and tables[t].level == "dimension" and tables[t].key == (k,)})
        for name, column, dimension, key in dp.conventional_keys(built):
            table, target = tables[name], tables[dimension]
            if self.signs.is_key(table.name, column, table.relation, target.name, key, target.relation):
                tables[name] = replace(tables[name], foreign={**tables[name].foreign, column: (dimension, key)})

    def _traces(self, table: dp.Table) -> bool:
        """Whether every row came in a delivery that is in its municipality's package: its own, or one of the whole country."""
        orphan = (f'select 1 from {table.relation} as f anti join cpr.raw.leverance as l on f."{dp.DELIVERY}" = l.leverance_id and l.status = \'aktiv\' '
                  f'and coalesce(l.kommunekode, f."{table.controller}") = f."{table.controller}"')
        return self._exists("cpr", "raw", "leverance") and self.signs.remembered(f"{table.name}.{dp.DELIVERY}", [table.name], f"select cast(not exists ({orphan}) as varchar)") == "true"

    def _deliveries(self) -> list[dict[str, Any]]:
        if not self._exists("cpr", "raw", "leverance"):
            return []
        names = ["leverance_id", "fagomraade", "kildesystem", "filtype", "kommunekode", "periode", "loebenr", "udtrukket", "fil", "sha256", "raekker", "kontrolsum"]
        return [dict(zip(names, row, strict=True)) for row in self._rows(f"select {', '.join(names)} from cpr.raw.leverance where status = 'aktiv' order by leverance_id")]

    def _wishes(self) -> dict[tuple[str, str], list[Wish]]:
        """Wishes in force now, per (recipient, fagområde)."""
        if not self._exists("cpr", "raw", "opsaetning_pakke_oenske"):
            return {}
        found: dict[tuple[str, str], list[Wish]] = {}
        for recipient, area, dataset, without, since, form, cpr in self._rows(
            """
            select kommunekode, fagomraade, coalesce(nullif(cast(datasaet as varchar), ''), '*'), coalesce(cast(udelad_felter as varchar), ''),
                cast(fra_periode as varchar), coalesce(nullif(cast(format as varchar), ''), 'begge'), coalesce(try_cast(cast(cpr as varchar) as boolean), false)
            from cpr.raw.opsaetning_pakke_oenske
            where coalesce(try_cast(cast(gyldig_fra as varchar) as date), date '0001-01-01') <= $1
                and $1 < coalesce(try_cast(cast(gyldig_til as varchar) as date), date '9999-12-31')
            order by all
            """, [now().date()]):
            if form not in FORMATS:
                raise PackageError(f"pakke_oenske.csv: {recipient}/{area} has format '{form}'; it must be one of {', '.join(FORMATS)}")
            wish = Wish(dataset, tuple(without.split()), _month(since, f"pakke_oenske.csv: {recipient}/{area} has fra_periode"), form, cpr)
            found.setdefault((recipient, area), []).append(wish)
        return found

    def _held(self) -> dict[tuple[str, str], str]:
        """(municipality, fagområde) that a rule holds back, with the reason in Danish."""
        if not self._exists("flis", "kvalitet", "tilbageholdt"):
            return {}
        return {(k, a): f"tilbageholdt af {regler} ({_span(fra, til)})" for k, a, regler, fra, til in self._rows(
            """
            select kommunekode, fagomraade, string_agg(distinct regel_id, ', ' order by regel_id),
                strftime(min(periode), '%Y-%m'), strftime(max(periode), '%Y-%m')
            from flis.kvalitet.tilbageholdt
            group by all
            """)}

    def _quality(self) -> dict[tuple[str, str], list[dict[str, Any]]] | None:
        """Newest result of each rule per municipality and fagområde, over its months; None when no rule has run."""
        if not self._exists("flis", "kvalitet", "resultat"):
            return None
        names = ["regel_id", "titel", "status", "afvigelser", "fra", "til"]
        found: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for municipality, area, *values in self._rows(
            """
            with nyeste as (
                select * from flis.kvalitet.resultat
                qualify koersel = max(koersel) over (partition by regel_id, kommunekode, periode)
            ),
            per_regel as (
                select kommunekode, fagomraade, regel_id,
                    case when bool_or(status = 'fejlet') then 'fejlet' when bool_or(status = 'kunne_ikke_koere') then 'kunne_ikke_koere'
                        when bool_or(status = 'bestaaet') then 'bestaaet' else 'ikke_relevant' end as samlet,
                    cast(coalesce(sum(afvigelser) filter (where status = 'fejlet'), 0) as bigint) as antal,
                    coalesce(strftime(min(periode) filter (where status in ('fejlet', 'kunne_ikke_koere')), '%Y-%m'), '') as fra,
                    coalesce(strftime(max(periode) filter (where status in ('fejlet', 'kunne_ikke_koere')), '%Y-%m'), '') as til
                from nyeste
                group by all
            )
            select p.kommunekode, p.fagomraade, p.regel_id, coalesce(r.titel, p.regel_id), p.samlet, p.antal, p.fra, p.til
            from per_regel as p
            left join flis.kvalitet.regel as r on p.regel_id = r.regel_id
            order by all
            """):
            found.setdefault((municipality, area), []).append(dict(zip(names, values, strict=True)))
        return found

    def _local_fields(self) -> dict[str, dict[str, LocalColumns]]:
        """table → municipality → its own columns, for the fields that have values on the table's rows. Two systems' names for a field may come to one column."""
        texts = {}
        if self._exists("cpr", "raw", "opsaetning_lokale_felter"):
            texts = {(k, f.lower()): b for k, f, b in self._rows("select kommunekode, felt, beskrivelse from cpr.raw.opsaetning_lokale_felter")}
        found: dict[str, dict[str, LocalColumns]] = {}
        for table in self.tables.values():
            source = f"std_{table.area}__lokalt_felt"
            if table.level not in ("individ", "kommune") or not {"kildesystem", "kilde_id"} <= set(table.names) or table.meta.get("lokale_felter") is False:
                continue
            if not self._exists("flis", "standardized", source):
                continue
            for municipality, name in self._rows(
                f"""
                select distinct l.kommunekode, l.felt
                from flis.standardized.{source} as l
                semi join {table.relation} as t on l.kommunekode = t."{table.controller}" and l.kildesystem = t.kildesystem and l.kilde_id = t.kilde_id
                order by all
                """):
                columns = found.setdefault(table.name, {}).setdefault(municipality, {})
                names, text = columns.get(_local_name(name), ((), ""))
                columns[_local_name(name)] = ((*names, name), text or texts.get((municipality, name.lower())) or "Kommunens eget felt.")
        return found

    # --- what is to be ----------------------------------------------------------------------------------------------------------------------

    def go(self, area: str | None, municipality: str | None, month: str | None) -> PackageResult:
        """Plan, leave out what has not changed, write the rest."""
        result = PackageResult()
        self.local = self._local_fields()
        self.quality = self._quality()
        self.declaration = Declaration.read(self.con)
        plans = [p for p in self._plans(area, municipality, result) if not month or p.sources.month >= month.replace("-", "")]
        self._fingerprints(plans)
        todo = []
        for plan in plans:
            if folder := self._unchanged(plan):
                result.unchanged.append(folder)
            else:
                todo.append(plan)
        if todo:
            self._held_to_limits(todo, result)
        # before the first package is there to be read: a run that is stopped half way has shown some of it
        self._published(plans)
        if todo:
            self._write_all(todo, result, len(plans))
        self._looked_at(plans)
        result.damaged = sorted(self.damaged)
        result.written.sort()
        result.unchanged.sort()
        return result

    def _held_to_limits(self, todo: list[Plan], result: PackageResult) -> None:
        """Nothing is written as long as what is about to leave shows or tells what is to be withheld."""
        areas = {p.area for p in todo if p.benchmark}
        try:
            guard.verify(self.con, self.manifest, [t for t in self.tables.values() if t.level == "benchmark" and t.area in {*areas, COMMON}] if areas else [])
            if areas or any(attack.BESIDE in p.tables for p in todo):
                result.attack = attack.attack(self.con, self.home, self.signs.build)
        except (guard.Shown, attack.Disclosed) as fault:
            raise PackageError(str(fault)) from fault

    def _plans(self, area: str | None, municipality: str | None, result: PackageResult) -> list[Plan]:
        wishes, instructed, held = self._wishes(), instructed_now(self.con), self._held()
        everybody = sorted({recipient for recipient, _ in wishes})
        areas = sorted({t.area for t in self.tables.values() if t.level != "dimension"} - {COMMON})
        plans = []
        for one in areas:
            if area and one != area:
                continue
            here = [t for t in self.tables.values() if t.area in (one, COMMON)]
            mine = [t for t in here if t.level in ("individ", "kommune")]
            common = [t for t in here if t.level == "benchmark"]
            dimensions = [t for t in here if t.level == "dimension"]
            unbuilt = sorted(t.name for t in [*mine, *common, *dimensions] if not t.columns)
            for recipient in everybody:
                if municipality and recipient != municipality:
                    continue
                wanted = wishes.get((recipient, one), [])
                if unbuilt:
                    result.skipped.append((recipient, one, f"{NOT_BUILT} {', '.join(unbuilt)}"))
                    continue
                if mine and wanted:
                    if one not in instructed.get(recipient, []):
                        result.skipped.append((recipient, one, "kommunen har ikke instrueret i området"))
                    elif (recipient, one) in held:
                        result.held.append((recipient, one, held[recipient, one]))
                    else:
                        plans += self._plan(recipient, one, False, mine, dimensions, wanted)
                if common:
                    named = [w for w in wanted if w.dataset in {t.name for t in common}]
                    plans += self._plan(recipient, one, True, common, dimensions, named or [w for w in wanted if w.dataset == "*"] or [Wish()])
        return plans

    def _plan(self, recipient: str, area: str, benchmark: bool, tables: list[dp.Table], dimensions: list[dp.Table], wanted: list[Wish]) -> list[Plan]:
        by_dataset = {w.dataset: replace(w, cpr=w.cpr and not benchmark) for w in wanted}
        chosen = {t.name: w for t in tables if (w := by_dataset.get(t.name) or by_dataset.get("*"))}
        sources = self._sources(recipient, area, benchmark)
        if not chosen or not sources.month:
            return []
        formats = sorted({f for w in chosen.values() for f in FORMATS[w.format]})
        chosen |= {d.name: Wish(format="") for d in dimensions}
        in_order = sorted(chosen, key=lambda n: (self.tables[n].level == "dimension", self.tables[n].area == COMMON, n))
        return [Plan(recipient, area, benchmark, {n: chosen[n] for n in in_order}, formats, sources)]

    def _sources(self, recipient: str, area: str, benchmark: bool) -> Sources:
        """The deliveries a package rests on: the municipality's own and the national ones; for benchmark everybody's."""
        if area not in self.of_area:
            self.of_area[area] = {}
            for one in self.deliveries:
                if one["fagomraade"] in {area, *self.behind.get(area, ())}:
                    self.of_area[area].setdefault(one["kommunekode"], []).append(one)
        of_area = self.of_area[area]
        asked = (area, None if benchmark or not (of_area.keys() & {recipient, None}) else recipient)
        if asked not in self.sources:
            chosen = of_area.keys() if asked[1] is None else of_area.keys() & {recipient, None}
            self.sources[asked] = Sources(area, sorted((one for code in chosen for one in of_area[code]), key=lambda one: one["leverance_id"]))
        return self.sources[asked]

    def _areas_behind(self) -> dict[str, set[str]]:
        """The fagområder whose data an area's key figures also rest on: a cost per inhabitant counts people too."""
        table = self.tables.get("dim_noegletal")
        if not table or not {"fagomraade", "taeller_fagomraade", "naevner_fagomraade"} <= set(table.names):
            return {}
        found: dict[str, set[str]] = {}
        for area, *others in self._rows(f"select distinct fagomraade, taeller_fagomraade, naevner_fagomraade from {table.relation}"):
            found.setdefault(area, set()).update(o for o in others if o)
        return found

    def _rows_of_area(self, table: dp.Table, area: str) -> str | None:
        """The condition that picks an area's rows in a table all areas share: its own column, or that of a dimension it refers to."""
        if table.area != COMMON or table.level == "dimension":
            return None
        if "fagomraade" in table.names:
            return f"fagomraade = {_text(area)}"
        for column, (target, key) in sorted(table.foreign.items()):
            if "fagomraade" in self.tables[target].names and target != "dim_kildesystem":
                return f'"{column}" in (select "{key}" from {self.tables[target].relation} where fagomraade = {_text(area)})'
        raise PackageError(f"{table.name} is shared by the fagområder, but nothing in it says which row is whose (a column fagomraade, or a dimension that has one)")

    def _table(self, plan: Plan, name: str) -> dp.Table:
        """The table as this recipient gets it; most get the same one, which is then the same object."""
        wish, fields = plan.tables[name], self.local.get(name, {}).get(plan.recipient, {})
        key = (name, plan.area, plan.benchmark, wish.without, wish.cpr, tuple(fields.items()))
        if key not in self.final:
            self.final[key] = self._as_received(plan, self.tables[name], wish, fields)
        return self.final[key]

    def _as_received(self, plan: Plan, table: dp.Table, wish: Wish, fields: LocalColumns) -> dp.Table:
        """The table without what the recipient does not want, with its local fields, with CPR numbers where instructed."""
        if table.level == "dimension":
            return table
        columns, note = [], ""
        for column in table.columns:
            if column.name in wish.without:
                note = f"Udeladt efter modtagerens ønske: {', '.join(c for c in table.names if c in wish.without)}."
            elif column.name == "person_id" and wish.cpr and table.level == "individ":
                columns.append(replace(column, name="personnummer", description="Borgerens nuværende CPR-nummer, efter kommunens instruks i stedet for pseudonymet person_id."))
            else:
                columns.append(column)
        if wish.cpr and table.level == "individ":
            table = replace(table, key=tuple("personnummer" if k == "person_id" else k for k in table.key))
        for column, (names, text) in fields.items():
            if column not in wish.without:
                columns.append(dp.Column(column, "VARCHAR", f"Lokalt felt {', '.join(names)}: {text}"))
        table = table.with_columns(columns, note)
        to_delivery = {dp.DELIVERY: (DELIVERIES, DELIVERY_TABLE.key[0])} if table.name in self.traced and dp.DELIVERY in table.names else {}
        return replace(table, foreign={c: (t, k) for c, (t, k) in table.foreign.items() if t in plan.tables} | to_delivery)

    @staticmethod
    def _is_person(column: str) -> bool:
        return column == "person_id" or column.endswith("_person_id")

    # --- has anything changed? --------------------------------------------------------------------------------------------------------------

    def _fingerprints(self, plans: list[Plan]) -> None:
        """A cheap sign per package of all that decides its content, so that what has not changed is not written again just to be compared.

        It is only a shortcut: equal signs mean equal content; unequal ones are settled by the content itself.
        """
        code = hashlib.sha256(b"".join(Path(p).read_bytes() for p in (__file__, dp.__file__, table_hashes.__file__))).hexdigest()
        prints: dict[tuple[str, str], dict[str, str]] = {}
        for name, area in sorted({(name, p.area) for p in plans for name in p.tables}):
            table = self.tables[name]
            own = table.level in ("individ", "kommune")
            texts = [c.name for c in table.columns if dp.field_type(c.type) == "string" and c.name != "kilde_id"]
            part = "" if table.level == "dimension" else area
            found = self.signs.of(name, table.relation, table.controller if own else None, texts, dp.FORMULA_START, part, self._rows_of_area(table, area))
            prints[name, area] = {} if table.quiet else {k: sign for k, (sign, _) in found.items()}
            self.dangerous[name, area] = frozenset().union(*(bad for _, bad in found.values()), {"kilde_id"})
        self.signs.done(self.tables)
        local: dict[tuple[str, str], str] = {}
        for area in {p.area for p in plans}:
            if self._exists("flis", "standardized", f"std_{area}__lokalt_felt"):
                lokalt = self.signs.of(f"std_{area}__lokalt_felt", f"flis.standardized.std_{area}__lokalt_felt", "kommunekode", [], dp.FORMULA_START)
                local |= {(k, area): sign for k, (sign, _) in lokalt.items()}
        for plan in plans:
            numbers = self._numbers(plan) if plan.cpr else None
            secret = recipient_key(self.master, plan.recipient).hex()
            for name, wish in plan.tables.items():
                own = prints[name, plan.area].get(plan.recipient, prints[name, plan.area].get(WHOLE, ""))
                table = self._table(plan, name)
                schema = dp.resources(table, plan.formats_of(name), plan.formats)
                fields = local.get((plan.recipient, plan.area)) if set(table.names) - set(self.tables[name].names) else None
                who = [plan.recipient, secret] if any(self._is_person(c) for c in self.tables[name].names) else [plan.recipient]
                plan.prints[name] = _digest(json.dumps([code, duckdb.__version__, who, own, schema, wish.since and wish.since.isoformat(), fields, wish.cpr and numbers]).encode())
            plan.fingerprint = _digest(json.dumps([plan.label, plan.prints, plan.formats]).encode())

    def _numbers(self, plan: Plan) -> str:
        """A sign of the CPR numbers of a package's persons: a number may change while every row in flis.duckdb stands."""
        tables = [self.tables[n] for n, w in plan.tables.items() if w.cpr and self.tables[n].level == "individ" and "person_id" in self.tables[n].names]
        persons = " union ".join(f'select person_id from {t.relation} where "{t.controller}" = {_text(plan.recipient)}' for t in tables)
        query = f"select {content_sign('t')} from (select person_id, cpr, tidligere_cpr from cpr.raw.person_noegle semi join ({persons}) using (person_id)) as t"
        return self.signs.remembered(f"numre {plan.label}", [t.name for t in tables], query) if tables else ""

    def _unchanged(self, plan: Plan) -> Path | None:
        """The folder of the newest version, when this package's fingerprint is that version's."""
        newest = newest_version(self.home, plan.recipient, plan.name)
        sign = self.known.get((plan.recipient, plan.name), {}).get(newest.name) if newest else None
        return newest if plan.fingerprint and sign == plan.fingerprint else None

    # --- writing ----------------------------------------------------------------------------------------------------------------------------

    def _write_all(self, plans: list[Plan], result: PackageResult, total: int) -> None:
        """Write with a few workers, each with a cursor of its own. What was written before a failure stays, whole, and is found again by the next run."""
        shutil.rmtree(self.staging, ignore_errors=True)
        self.staging.mkdir(parents=True)
        cursors: Queue = Queue()
        for _ in range(WORKERS):
            cursors.put(self.con.cursor())
        mine = local()
        made: list[Made] = []
        try:
            self._write_shared(plans)
            with ThreadPoolExecutor(WORKERS, initializer=lambda: setattr(mine, "cursor", cursors.get())) as pool:
                waiting = {pool.submit(lambda plan: self._write(mine.cursor, plan), plan): plan for plan in plans}
                try:
                    for done, ready in enumerate(as_completed(waiting), total - len(plans) + 1):
                        made.append(ready.result())
                        self.progress(waiting[ready].label, done, total)
                        if len(made) == 50:
                            self._remember(made, result)
                            made = []
                finally:
                    pool.shutdown(cancel_futures=True)
        finally:
            self._remember(made, result)
            shutil.rmtree(self.staging, ignore_errors=True)

    def _shared_key(self, plan: Plan, name: str, kind: str) -> tuple | None:
        """What identifies a file that several packages hold; None for a recipient's own."""
        if name == DELIVERIES:
            return (name, kind, plan.benchmark, plan.sources.ids)
        wish = plan.tables[name]
        table = self.tables[name]
        if table.level == "benchmark":
            return (name, kind, wish.without, wish.since, plan.area)
        return (name, kind) if table.level == "dimension" else None

    def _write_shared(self, plans: list[Plan]) -> None:
        """Files that several packages hold are written once and linked into each."""
        uses: dict[tuple, list[tuple[Plan, str, str]]] = {}
        for plan in plans:
            for name in [*plan.tables, DELIVERIES]:
                for kind in plan.formats_of(name):
                    if key := self._shared_key(plan, name, kind):
                        uses.setdefault(key, []).append((plan, name, kind))
        for number, (key, users) in enumerate(uses.items()):
            if len(users) > 1:
                plan, name, kind = users[0]
                path = self.staging / ".faelles" / str(number) / f"{name}.{kind}"
                path.parent.mkdir(parents=True)
                rows = self._extract(self.con, plan, name)
                self.shared[key] = (*_finish(_copy(self.con, self._final_table(plan, name), path, self._harmless_columns(plan, name))), rows)

    def _final_table(self, plan: Plan, name: str) -> dp.Table:
        if name == DELIVERIES:
            return DELIVERY_TABLE_FOR_ALL if plan.benchmark else DELIVERY_TABLE
        return self._table(plan, name)

    def _extract(self, cur: duckdb.DuckDBPyConnection, plan: Plan, name: str) -> int:
        """Make the temporary table `udtraek`: this recipient's rows in their final shape and order. Returns the number of rows."""
        if name == DELIVERIES:
            cur.execute("set variable flis_leverancer = $1", [list(plan.sources.ids)])
            return cur.execute(f"create or replace temp table udtraek as select {_list(self._final_table(plan, name).names)} from cpr.raw.leverance "
                               "where leverance_id in (select unnest(getvariable('flis_leverancer'))) order by leverance_id").fetchall()[0][0]
        table, final, wish = self.tables[name], self._table(plan, name), plan.tables[name]
        own = table.level in ("individ", "kommune")
        where, joins, ctes = [], [], []
        if own:
            where.append(f'"{table.controller}" = {_text(plan.recipient)}')
        if of_area := self._rows_of_area(table, plan.area):
            where.append(of_area)
        if wish.since and "periode" in table.names:
            # A year's figure stands on 1 January; it is wanted when the year is, also where the wish begins inside it.
            yearly = table.meta.get("aarsraekker")
            in_year = f" or (({yearly}) and periode >= date '{wish.since.replace(month=1)}')" if yearly else ""
            where.append(f"(periode >= date '{wish.since}'{in_year})")
        elif wish.since and "gyldig_til" in table.names:
            where.append(f"gyldig_til > date '{wish.since}'")
        ctes.append(f"kilde as (select * from {table.relation}{' where ' + ' and '.join(where) if where else ''})")
        fields = self.local.get(name, {}).get(plan.recipient, {}) if own else {}
        if fields:
            # By the row where the table says which, else by its key, which a system may have used twice.
            by = ["kildesystem", "kilde_id", *(c for c in ("_leverance_id", "_linje") if c in table.names)]
            pivot = ", ".join(f'max(vaerdi) filter (where felt in ({", ".join(map(_text, names))})) as "{column}"' for column, (names, _) in fields.items())
            ctes.append(f"lokalt as (select {', '.join(by)}, {pivot} from flis.standardized.std_{table.area}__lokalt_felt "
                        f"where kommunekode = {_text(plan.recipient)} group by all)")
            joins.append(f"left join lokalt as l on {' and '.join(f'k.{c} = l.{c}' for c in by)}")
        if "personnummer" in final.names and "person_id" in table.names:
            ctes.append("numre as (select person_id, cpr from cpr.raw.person_noegle as n qualify row_number() over (partition by person_id order by "
                        "exists (select 1 from cpr.raw.person_noegle as f where f.person_id = n.person_id and f.tidligere_cpr = n.cpr), cpr desc) = 1)")
            joins.append("left join numre as p on k.person_id = p.person_id")
        columns = [f"{self._expression(table, c, fields)} as \"{c}\"" for c in final.names]
        order = [*final.key, *(c for c in final.names if not final.key)]
        if any(self._is_person(c) for c in table.names):
            set_session_key(cur, recipient_key(self.master, plan.recipient), "modtager")
        rows = cur.execute(f"create or replace temp table udtraek as with {', '.join(ctes)} select {', '.join(columns)} from kilde as k {' '.join(joins)} "
                           f"order by {_list(order)}").fetchall()[0][0]
        if "personnummer" in final.names and cur.execute("select count(*) from udtraek where personnummer is null").fetchall()[0][0]:
            raise PackageError(f"{plan.label}/{name}: a person has no number in person_noegle; run `flis load` and `flis build` again")
        return rows

    def _expression(self, table: dp.Table, column: str, fields: LocalColumns) -> str:
        """What a column leaves the house as. Ids of persons are keyed anew, also where a kilde_id carries one."""
        if column == "personnummer" and column not in table.names:
            return "p.cpr"
        if column in fields and column not in table.names:
            return f'l."{column}"'
        if self._is_person(column):
            return hmac_sql(f'k."{column}"', "modtager")
        if column == "kilde_id" and "person_id" in table.names:
            return f"replace(k.kilde_id, k.person_id, {hmac_sql('k.person_id', 'modtager')})"
        return f'k."{column}"'

    def _harmless_columns(self, plan: Plan, name: str) -> set[str]:
        """The text columns that hold no value that a spreadsheet could take as a formula: the guard doubles the time a CSV takes."""
        return set() if name == DELIVERIES else set(self.tables[name].names) - self.dangerous[name, plan.area]

    def _write(self, cur: duckdb.DuckDBPyConnection, plan: Plan) -> Made:
        """Write one package under `.skrives/`, and move it in place if its content is new."""
        folder = self.staging / plan.recipient / plan.name
        (folder / dp.FOLDER).mkdir(parents=True)
        newest = newest_version(self.home, plan.recipient, plan.name)
        tables, files, rows = [], {}, {}
        for name in [*plan.tables, DELIVERIES]:
            table = self._final_table(plan, name)
            tables.append(table)
            for kind in plan.formats_of(name):
                path = folder / dp.FOLDER / f"{name}.{kind}"
                common = self.shared.get(self._shared_key(plan, name, kind) or ()) or self._as_before(plan, newest, name, path.name)
                if common:
                    _link(common[0], path)
                    files[path.name], rows[name] = common[1:3], common[3]
                else:
                    rows[name] = rows[name] if name in rows else self._extract(cur, plan, name)
                    files[path.name] = _finish(_copy(cur, table, path, self._harmless_columns(plan, name)))[1:]
        resources = [r for t in tables for r in dp.resources(t, plan.formats_of(t.name), plan.formats)]
        for resource in resources:
            if resource["format"] == "csv":  # frictionless cannot count a Parquet file's bytes; its sum stands in SHA256SUMS
                digest, size = files[Path(resource["path"]).name]
                resource |= {"bytes": size, "hash": f"sha256:{digest}"}
        quiet = {t.name for t in tables if t.quiet}
        content = _digest(json.dumps([[r, files[Path(r["path"]).name]] for r in resources if Path(r["path"]).stem not in quiet]).encode())
        plan.rows = rows
        if newest and _content(newest) == content and not any(one.startswith(f"{newest.relative_to(self.home.outbox)}/") for one in self.damaged):
            shutil.rmtree(folder)
            return Made(plan, newest.name, newest, content, written=False)
        version = self._next_version(plan, newest)
        self._write_texts(plan, folder, version, content, tables, resources, rows, files)
        size = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
        target = self.home.outbox / plan.recipient / plan.name / version
        target.parent.mkdir(parents=True, exist_ok=True)
        os.rename(folder, target)
        return Made(plan, version, target, content, written=True, bytes=size)

    def _as_before(self, plan: Plan, newest: Path | None, table: str, file: str) -> tuple[Path, str, int, int] | None:
        """The file of the newest version where all that decides it stands as it did: it is linked, not written once more. (path, hash, bytes, rows), or None."""
        sign, rows = self.files.get((plan.recipient, plan.name, newest.name), {}).get(table, ("", 0)) if newest else ("", 0)
        if not newest or not sign or sign != plan.prints.get(table):
            return None
        path = newest / dp.FOLDER / file
        sums = {name: digest for digest, name in (line.split("  ", 1) for line in (newest / "SHA256SUMS").read_text("utf-8").splitlines())}
        said = sums.get(f"{dp.FOLDER}/{file}")
        if said is None or not path.exists():
            return None
        if _sha256(path) != said:           # a byte that has gone bad since, or been changed, does not follow into a new version
            self.damaged.append(str(path.relative_to(self.home.outbox)))
            return None
        return path, said, path.stat().st_size, rows

    def _next_version(self, plan: Plan, newest: Path | None) -> str:
        """`<contract major>.<yyyymm>.<correction>`: never lower than the newest, never a number used before."""
        head = (int(dp.texts(plan.area)["kontrakt"]), int(plan.sources.month))
        if newest:
            head = max(head, _number(newest.name)[:2])
        used = [*self.known.get((plan.recipient, plan.name), {}), *(p.name for p in versions(self.home, plan.recipient, plan.name))]
        return "{}.{}.{}".format(*head, max((_number(v)[2] + 1 for v in used if _number(v)[:2] == head), default=0))

    def _write_texts(self, plan: Plan, folder: Path, version: str, content: str, tables: list[dp.Table], resources: list[dict], rows: dict[str, int],
                     files: dict[str, tuple[str, int]]) -> None:
        text, sources = dp.texts(plan.area), plan.sources.facts(self.manifest.source_title)
        declared = self.declaration if self.declaration and plan.area in self.declaration.areas else None      # another fagområde may have been declared, and this one not yet
        contract, month, correction = version.split(".")
        owners = sorted({t.owner for t in self.tables.values() if t.owner and t.area == plan.area}) or [text["titel"]]
        title = f"{text['titel']}, {'sammenligningstal for alle kommuner' if plan.benchmark else self.municipalities.get(plan.recipient, plan.recipient)}"
        facts = {
            "area": plan.area, "benchmark": plan.benchmark, "cpr": plan.cpr, "title": title, "recipient": plan.recipient,
            "recipient_name": self.municipalities.get(plan.recipient, plan.recipient), "version": version, "contract": contract, "month": f"{month[:4]}-{month[4:]}",
            "correction": correction, "id": f"urn:x-flis:{plan.recipient}:{plan.name}:{version}", "owner": " og ".join(owners),
            "wishes": self._wish_texts(plan), "quality": self._quality_of(plan), "sources": sources,
            "declaration": declared and declared.readme_section(plan.area, None if plan.benchmark else plan.recipient),
        }
        descriptor = {
            "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
            "id": facts["id"],
            "name": f"flis-{plan.recipient}-{plan.name}".replace("_", "-"),
            "title": title,
            "description": (text["benchmark"] if plan.benchmark else text["beskrivelse"]).strip(),
            "version": version,
            "created": plan.sources.newest.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "keywords": ["FLIS", text["titel"], *(["sammenligning"] if plan.benchmark else [])],
            "contributors": [{"title": o, "roles": ["dataejer"]} for o in owners],
            "licenses": [{"path": "README.md", "title": text["vilkaar_benchmark" if plan.benchmark else "vilkaar_cpr" if plan.cpr else "vilkaar"].strip()}],
            "sources": sources,
            "resources": resources,
            "flis": {
                "modtager": plan.recipient, "fagomraade": plan.area, "pakke": "benchmark" if plan.benchmark else "egen", "kontrakt": int(contract),
                "periode": facts["month"], "rettelse": int(correction), "personnumre": plan.cpr, "noegle_version": self.key_version,
                "oversaettelser": self.manifest.crosswalks(plan.area), "indhold": content, "kvalitet": facts["quality"],
                "deklaration": "kvalitet.jsonld" if declared else None,
            },
        }
        formats = {t.name: plan.formats_of(t.name) for t in tables}
        written = {"datapackage.json": dp.to_json(descriptor) + "\n", "README.md": dp.readme(facts, tables, rows, formats),
                   "indlaes.sql": dp.load_sql(f"{title}, version {version}", tables, formats)}
        if declared:
            written["kvalitet.jsonld"] = declared.package_jsonld(plan.area, facts["id"], version, title, None if plan.benchmark else plan.recipient)
        sums = {f"{dp.FOLDER}/{name}": digest for name, (digest, _) in files.items()}
        for name, body in written.items():
            (folder / name).write_text(body, "utf-8", newline="\n")
            sums[name] = _digest(body.encode())
        (folder / "SHA256SUMS").write_text("".join(f"{sha}  {name}\n" for name, sha in sorted(sums.items())), "utf-8", newline="\n")
        for path in folder.iterdir():
            if path.is_file():
                path.chmod(FILE_MODE)

    def _quality_of(self, plan: Plan) -> list[dict[str, Any]] | None:
        return None if self.quality is None or plan.benchmark else self.quality.get((plan.recipient, plan.area), [])

    def _wish_texts(self, plan: Plan) -> list[str]:
        own = {n: w for n, w in plan.tables.items() if self.tables[n].level != "dimension"}
        every = [n for n, t in self.tables.items() if t.area in (plan.area, COMMON) and t.level != "dimension" and (t.level == "benchmark") == plan.benchmark]
        out = [f"Kun datasættene {', '.join(f'`{n}`' for n in own)}."] if len(own) < len(every) else []
        since = {w.since for w in own.values() if w.since}
        out += [f"Data fra og med {d:%Y-%m}." for d in sorted(since)]
        without = sorted({f for n, w in own.items() for f in w.without if f in self.tables[n].names})
        out += [f"Uden felterne {', '.join(f'`{f}`' for f in without)}."] if without else []
        out += ["Kun som " + {"csv": "CSV", "parquet": "Parquet"}[plan.formats[0]] + "."] if len(plan.formats) == 1 else []
        out += ["CPR-numre på egne borgere i stedet for pseudonymer."] if plan.cpr else []
        return out

    # --- what has been done -----------------------------------------------------------------------------------------------------------------

    def _looked_at(self, plans: list[Plan]) -> None:
        """Note of the newest version of each package, written now or found unchanged, that it says what the newest build does (flis.operate.backlog)."""
        self.con.execute("""
            update flis.drift.pakke set koersel = $1
            where koersel is distinct from $1 and (modtager, pakke) in (select (unnest($2), unnest($3)))
                and nummer in (select max(nummer) from flis.drift.pakke group by modtager, pakke)
        """, [self.signs.build, [p.recipient for p in plans], [p.name for p in plans]])

    def _published(self, plans: list[Plan]) -> None:
        """Note the key figures that leave the house: what has been read once cannot be withheld again, and what is withheld later takes it into account."""
        if all(self._exists("flis", "marts", t) for t in ("int_faelles__kommunetal", "fct_noegletal__gruppe", "fct_noegletal__benchmark")):
            publish(self.con, sorted({p.area for p in plans if p.benchmark}), self.home.published)

    def _remember(self, made: list[Made], result: PackageResult) -> None:
        """Note each package in drift.pakke, and each release in drift.haendelse, in one transaction."""
        if not made:
            return
        new, seen, events, files = [], [], [], []
        number = self._scalar("select coalesce(max(nummer), 0) from flis.drift.pakke")
        moment = now().astimezone(UTC).replace(tzinfo=None, microsecond=0)
        for one in sorted(made, key=lambda m: m.plan.label):
            plan, key = one.plan, (one.plan.recipient, one.plan.name)
            (result.written if one.written else result.unchanged).append(one.folder)
            result.bytes += one.bytes
            files += [[*key, one.version, name, plan.prints[name], plan.rows[name]] for name in plan.prints]
            if one.version in self.known.get(key, {}):
                seen.append([plan.fingerprint, *key, one.version])
                continue
            # Also a version found in the outbox but not here: a run that was stopped after the move and before this note.
            number += 1
            new.append([number, *key, one.version, plan.area, one.content, plan.fingerprint, moment])
            events.append(("udleveret", plan.recipient, plan.area, {
                "pakke": plan.name, "version": one.version, "indhold": one.content, "personnumre": plan.cpr, "formater": plan.formats,
                "tabeller": [n for n in plan.tables if self.tables[n].level != "dimension"]}))
        self.con.execute("begin")
        if new:
            self.con.execute("insert into flis.drift.pakke select unnest($1), unnest($2), unnest($3), unnest($4), unnest($5), unnest($6), unnest($7), unnest($8), null",
                             [list(c) for c in zip(*new, strict=True)])
        if seen:
            self.con.execute("update flis.drift.pakke as p set fingeraftryk = s.f from (select unnest($1) as f, unnest($2) as m, unnest($3) as n, unnest($4) as v) as s "
                             "where p.modtager = s.m and p.pakke = s.n and p.version = s.v", [list(c) for c in zip(*seen, strict=True)])
        # Only the newest version's files are ever linked.
        self.con.execute("delete from flis.drift.pakkefil where (modtager, pakke) in (select (unnest($1), unnest($2)))", [[f[0] for f in files], [f[1] for f in files]])
        self.con.execute("insert into flis.drift.pakkefil select unnest($1), unnest($2), unnest($3), unnest($4), unnest($5), unnest($6)", [list(c) for c in zip(*files, strict=True)])
        record_many(self.con, events)
        self.con.execute("commit")


# --- versions in the outbox --------------------------------------------------------------------------------------------------------------------

def versions(home: Home, recipient: str, name: str) -> list[Path]:
    """The versions of one package that lie in the outbox, oldest first."""
    folder = home.outbox / recipient / name
    return sorted((p for p in folder.iterdir() if VERSION.fullmatch(p.name)), key=lambda p: _number(p.name)) if folder.exists() else []


def newest_version(home: Home, recipient: str, name: str) -> Path | None:
    """The newest version's folder, or None."""
    found = versions(home, recipient, name)
    return found[-1] if found else None


def _number(version: str) -> tuple[int, int, int]:
    major, month, correction = VERSION.fullmatch(version).groups()
    return int(major), int(month), int(correction)


def _content(folder: Path) -> str | None:
    path = folder / "datapackage.json"
    return json.loads(path.read_text("utf-8"))["flis"]["indhold"] if path.exists() else None


def prepare_state(con: duckdb.DuckDBPyConnection) -> None:
    """Create `drift.pakke`, where there is none. `con` has flis open for writing."""
    con.execute("create schema if not exists flis.drift")
    con.execute("create table if not exists flis.drift.pakke (nummer bigint, modtager varchar, pakke varchar, version varchar, fagomraade varchar, "
                "indhold varchar, fingeraftryk varchar, skrevet timestamp)")
    con.execute("alter table flis.drift.pakke add column if not exists koersel bigint")     # the newest build it has been looked at after
    con.execute("create table if not exists flis.drift.pakkefil (modtager varchar, pakke varchar, version varchar, tabel varchar, aftryk varchar, raekker bigint)")


# --- files -------------------------------------------------------------------------------------------------------------------------------------

def _copy(cur: duckdb.DuckDBPyConnection, table: dp.Table, path: Path, harmless: set[str]) -> Path:
    """Write the temporary table `udtraek` to one file, in its order. A table keeps its order of insertion, so the same rows give the same bytes."""
    if path.suffix == ".parquet":
        cur.execute(f"copy udtraek to {_text(str(path))} (format parquet, compression zstd)")
    else:
        columns = []
        for number, column in enumerate(table.columns):
            # The byte order mark goes before the first heading: Excel takes the file as UTF-8 by it.
            heading = ("\ufeff" if number == 0 else "") + column.name
            columns.append(f'{_csv_value(column, column.name not in harmless)} as "{heading}"')
        cur.execute(f"copy (select {', '.join(columns)} from udtraek) to {_text(str(path))} (format csv, delimiter ';', header true)")
    return path


def _csv_value(column: dp.Column, guard: bool) -> str:
    name, kind = f'"{column.name}"', dp.field_type(column.type)
    if kind == "number":
        return f"replace(cast({name} as varchar), '.', ',')"
    if kind == "datetime":
        return f"strftime({name}, '%Y-%m-%dT%H:%M:%S')"
    if kind == "string" and guard:
        text = f"cast({name} as varchar)"
        return f"case when regexp_matches({text}, {_text(dp.FORMULA_START)}) then {_text(dp.FORMULA_GUARD)} || {text} else {text} end"
    return name


def _finish(path: Path) -> tuple[Path, str, int]:
    """The file's SHA-256 and size; from here on it is read-only, for a written version is never changed."""
    digest = _sha256(path)
    path.chmod(FILE_MODE)
    return path, digest, path.stat().st_size


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without hard links
        shutil.copy2(source, target)


# --- small -------------------------------------------------------------------------------------------------------------------------------------

def _span(first: str | None, last: str | None) -> str:
    return "alle perioder" if not first else f"perioden {first}" if first == last else f"perioderne {first} til {last}"


def _month(text: str | None, what: str) -> date | None:
    if not text:
        return None
    digits = text.replace("-", "")
    try:
        return datetime.strptime(digits[:6] + (digits[6:8] or "01"), "%Y%m%d").date()
    except ValueError as fault:
        raise PackageError(f"{what} '{text}'; it must be YYYY-MM or YYYY-MM-DD") from fault


def _local_name(name: str) -> str:
    """A local field's column name: its own in lower case, always marked as local."""
    plain = name.lower().replace("æ", "ae").replace("ø", "oe").replace("å", "aa")
    plain = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    return plain if plain.startswith("lokal") else f"lokal_{plain}"


def _ranges(ids: list[int]) -> str:
    """1, 2, 3, 7 as '1-3, 7'."""
    out: list[list[int]] = []
    for one in sorted(ids):
        if out and one == out[-1][1] + 1:
            out[-1][1] = one
        else:
            out.append([one, one])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in out)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _list(names: Iterable[str]) -> str:
    return ", ".join(f'"{n}"' for n in names)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


COMMON = "faelles"
DELIVERIES = "leverancer"
DELIVERY_TABLE = dp.Table(
    DELIVERIES, "cpr.raw.leverance", "dimension", "faelles", "Én række pr. leverance pakken bygger på.",
    (
        dp.Column("leverance_id", "BIGINT", "Leverancens nummer; `_leverance_id` på rækkerne peker hertil.", required=True),
        dp.Column("kildesystem", "VARCHAR", "Det fagsystem leverancen kommer fra."),
        dp.Column("filtype", "VARCHAR", "Hvilken af systemets filer det er."),
        dp.Column("kommunekode", "VARCHAR", "Kommunen leverancen er for; tom for en landsdækkende."),
        dp.Column("periode", "DATE", "Måneden leverancen dækker; tom når den ikke er for en måned."),
        dp.Column("loebenr", "BIGINT", "Leverancens nummer i en række af ændringer."),
        dp.Column("udtrukket", "TIMESTAMP", "Hvornår kildesystemet lavede udtrækket."),
        dp.Column("fil", "VARCHAR", "Filens navn."),
        dp.Column("sha256", "VARCHAR", "Filens SHA-256."),
        dp.Column("raekker", "BIGINT", "Antal rækker i filen.", "rækker"),
    ),
    key=("leverance_id",),
    meta={"udloeser_version": False},
)
# What everybody gets tells nothing of what is in the others' files: a file with four rows is four services, whatever is withheld of the figure.
DELIVERY_TABLE_FOR_ALL = replace(
    DELIVERY_TABLE, columns=tuple(c for c in DELIVERY_TABLE.columns if c.name not in ("fil", "sha256", "raekker", "loebenr")),
    description="Én række pr. leverance pakken bygger på, uden antal rækker, filnavn og kontrolsum: de er kommunens egne.")
