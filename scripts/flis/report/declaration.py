"""The declaration: what the data are worth, in the four dimensions of Fælles sprog for datakvalitet, nationally and per municipality.

The measures are data (`deklaration/maal.yml`), and so are the faggrupper's caveats (`deklaration/<fagomraade>.yml`). `declare` computes the figures into
`kvalitet.deklaration` and writes the page and the machine-readable file (W3C DQV, JSON-LD); `Declaration` reads them for the packages. A figure is told
from a nought, from what does not apply, and from what could not be computed: nothing is 100 % because nothing ran.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cache, cached_property
from typing import Any

import duckdb
import yaml

from flis.contracts import datapackage as dp
from flis.core import danish
from flis.core.database import exists
from flis.core.home import REPO, Home
from flis.core.keys import masked
from flis.report.pages import area_names, count, least_shown, render, rough_share, texts, write

FOLDER = REPO / "deklaration"
COUNTRY = "0000"          # the whole country's figure, in the place of a municipality
UNKNOWN = "0998"          # the member of dim_kommune for rows that belong to no municipality
COMPUTED, NOT_RELEVANT, NOT_COMPUTED = "opgjort", "ikke_relevant", "ikke_opgjort"
UNITS = ("andel", "dage", "antal")
TABLE = "kvalitet.deklaration"
ONLY_COUNTRY = "Opgøres kun for hele landet."
_COLUMNS = ("fagomraade", "kommunekode", "taeller", "naevner", "aarsag")      # what a measure's SQL gives, in this order; the last may be left out


@dataclass(frozen=True)
class Measure:
    """One measure as it stands in maal.yml. `kort` is its heading in a table; the two last texts say why a figure is missing."""

    maal_id: str
    dimension: str
    titel: str
    kort: str
    beskrivelse: str
    enhed: str
    retning: str
    sql: str
    ikke_relevant: str
    ikke_opgjort: str
    kilde: str = ""
    kun_land: bool = False
    egen_landstal: bool = False
    raekker: int = 0


@dataclass(frozen=True)
class Caveat:
    """A text of the faggruppe's: what no figure says."""

    emne: str
    tekst: str
    dimension: str
    dato: date
    kilde: str


@dataclass(frozen=True)
class Figure:
    """One measure in one place."""

    numerator: Decimal | None
    denominator: Decimal | None
    value: Decimal | None
    status: str
    reason: str | None
    bound: str = ""             # 'mindst', 'højst' or 'for få rækker', where the value is told roughly


@cache
def vocabulary() -> dict[str, Any]:
    """maal.yml: the dimensions in order, and the measures."""
    whole = yaml.safe_load((FOLDER / "maal.yml").read_text("utf-8"))
    made = []
    for entry in whole["maal"]:
        said: dict[str, Any] = {k: " ".join(v.split()) if isinstance(v, str) and k != "sql" else v for k, v in entry.items()}
        one = Measure(**said)
        if one.dimension not in whole["dimensioner"] or one.enhed not in UNITS or one.retning not in ("hoej", "lav") or not one.maal_id.startswith("dq:"):
            raise ValueError(f"deklaration/maal.yml: {one.maal_id} has a dimension, enhed, retning or maal_id that is not known")
        made.append(one)
    return {**whole, "maal": tuple(made)}


def measures() -> tuple[Measure, ...]:
    """The measures, in the order of the dimensions."""
    order = list(vocabulary()["dimensioner"])
    return tuple(sorted(vocabulary()["maal"], key=lambda m: order.index(m.dimension)))


@cache
def caveats(area: str) -> tuple[Caveat, ...]:
    """The faggruppe's caveats for the area; none when it has written none."""
    path = FOLDER / f"{area}.yml"
    found = yaml.safe_load(path.read_text("utf-8")) if path.exists() else []
    said: list[dict[str, Any]] = [{k: " ".join(v.split()) if isinstance(v, str) else v for k, v in entry.items()} for entry in found]
    return tuple(Caveat(**one) for one in said)


# --- computing -------------------------------------------------------------------------------------------------------------------------------

def declare(con: duckdb.DuckDBPyConnection, home: Home, manifest: dp.Manifest, area: str | None = None) -> dict[str, Any]:
    """Compute `kvalitet.deklaration`; write `docs/deklaration.html` and `docs/deklaration.jsonld`. `con` has flis open for writing.

    For one `area` only its figures are made anew, and the pages, which are about all of them, stay as they are.
    To be run after validate and before package, so that the packages carry the figures. The time of the declaration is that of its newest extract.
    """
    _prepare(con, manifest)
    areas = sorted(area_names())
    failed = []
    con.execute("""
        create or replace temp table deklareret (fagomraade varchar, kommunekode varchar, maal_id varchar, dimension varchar, taeller decimal(18, 5),
            naevner decimal(18, 5), status varchar, aarsag varchar)
    """)
    for measure in measures():
        if fault := _compute(con, measure, areas):
            failed.append(f"{measure.maal_id}: {fault}")
    others = f"union all select * from {TABLE} where fagomraade <> '{area}'" if area and not _missing(con, f"from {TABLE}") else ""
    # A share that is not whole is never rounded to 1, and one that is not nought never to 0.
    con.execute(f"""
        create or replace table {TABLE} as
        select d.fagomraade, v.version, d.kommunekode, d.maal_id, d.dimension, d.taeller, d.naevner,
            cast(case
                when d.status <> '{COMPUTED}' then null
                when d.taeller <> 0 and abs(d.taeller / d.naevner) < 0.00001 then 0.00001
                when d.taeller < d.naevner then least(round(d.taeller / d.naevner, 5), 0.99999)
                else round(d.taeller / d.naevner, 5)
            end as decimal(18, 5)) as vaerdi,
            d.status, d.aarsag, v.opgjort
        from temp.deklareret as d
        inner join temp.udgave as v on d.fagomraade = v.fagomraade
        {f"where d.fagomraade = '{area}'" if area else ""}
        {others}
        order by fagomraade, kommunekode, maal_id
    """)
    if not area:
        declaration = Declaration.read(con)
        write(home.docs / "deklaration.html", _page(con, declaration))
        write(home.docs / "deklaration.jsonld", declaration.jsonld().encode())
    counts = dict(con.execute(f"select status, count(*) from {TABLE} group by status").fetchall())
    return {"measures": len(measures()), "computed": counts.get(COMPUTED, 0), "not_relevant": counts.get(NOT_RELEVANT, 0),
            "not_computed": counts.get(NOT_COMPUTED, 0), "failed": failed}


def _prepare(con: duckdb.DuckDBPyConnection, manifest: dp.Manifest) -> None:
    """What the measures may read beside the database's own tables: deltager, kolonne; and each area's version and time."""
    con.execute("create or replace temp table deltager (fagomraade varchar, kommunekode varchar)")
    for sql in ("select distinct fagomraade, kommunekode from marts.leveranceoversigt where er_instrueret",
                f"select distinct fagomraade, kommunekode from kvalitet.resultat where kommunekode <> '{UNKNOWN}'"):
        if not _missing(con, sql):
            con.execute(f"insert into temp.deltager {sql} except select * from temp.deltager")
    con.execute("create or replace temp table kolonne (fagomraade varchar, niveau varchar, tabel varchar, kolonne varchar, type varchar, i_noegle boolean, "
                "beskrevet boolean, enhed boolean, kodeliste boolean)")
    columns = [list(row) for row in _columns(manifest)]
    if columns:
        con.executemany("insert into temp.kolonne values (?, ?, ?, ?, ?, ?, ?, ?, ?)", columns)
    # The month is the packages' own (package.Sources): the newest delivery's, or the one it was extracted in. A declaration of another version would be of no package.
    newest = "select null::varchar as fagomraade, null::date as periode limit 0"
    if exists(con, "raw", "leverance", "cpr"):
        newest = "select fagomraade, max(coalesce(periode, cast(udtrukket as date))) as periode from cpr.raw.leverance where status = 'aktiv' group by all"
    # The data's own time and not the clock's: the same deliveries give the same bytes whatever day they are declared on.
    moment = "null"
    if exists(con, "raw", "leverance", "cpr"):
        moment = "select max(udtrukket) from cpr.raw.leverance where status = 'aktiv' and fagomraade = $1"
    con.execute("create or replace temp table udgave (fagomraade varchar, version varchar, opgjort timestamp)")
    con.executemany(f"""
        insert into temp.udgave
        select $1, concat_ws('.', $2, strftime((select periode from ({newest}) where fagomraade = $1), '%Y%m')),
            ({moment})
    """, [[area, str(dp.texts(area)["kontrakt"])] for area in sorted(area_names())])


def _columns(manifest: dp.Manifest) -> Iterable[tuple]:
    """The columns of the areas' packages, from the models' own YAML."""
    tables = [manifest.table(node, {c["name"].lower(): c.get("data_type") or "" for c in node["columns"].values()}) for node in manifest.packaged()]
    conventional = {(table, column) for table, column, *_ in dp.conventional_keys(tables)}
    for table in tables:
        for c in table.columns:
            listed = bool(c.values) or c.name in table.foreign or (table.name, c.name) in conventional
            yield (table.area, table.level, table.name, c.name, dp.field_type(c.type), c.name in table.key, bool(c.description), bool(c.unit), listed)


def _missing(con: duckdb.DuckDBPyConnection, sql: str) -> list[str]:
    """The tables a text reads that are not there."""
    read = sorted(set(re.findall(r"\b((?:kvalitet|marts|koder|standardized)\.\w+)", sql)))
    there = {f"{s}.{t}" for s, t in con.execute("select distinct schema_name, table_name from duckdb_columns() where database_name = 'flis'").fetchall()}
    return [name for name in read if name not in there]


def _compute(con: duckdb.DuckDBPyConnection, measure: Measure, areas: list[str]) -> str | None:
    """Add one measure's figures to `temp.deklareret`: for the country and each municipality of each area. Returns what went wrong, if anything."""
    sql, fault, absent = measure.sql.replace("{dimension}", measure.dimension), None, _missing(con, measure.sql)
    if absent:
        said = f"Tabellen {danish.together(absent)} er ikke dannet."
    else:
        try:
            columns = len(con.execute(f"describe {sql}").fetchall())
            con.execute(f"create or replace temp table maalt as select * from ({sql}) as m ({', '.join(_COLUMNS[:columns])})")
            _add(con, measure, areas, measure.ikke_opgjort)
            return None
        except duckdb.Error as error:
            fault = masked(str(error).splitlines()[0])
            said = "Målet kunne ikke beregnes (fejl hos os)."
    con.execute("create or replace temp table maalt (fagomraade varchar, kommunekode varchar, taeller decimal(18, 5), naevner decimal(18, 5))")
    _add(con, measure, areas, said)
    return fault


def _add(con: duckdb.DuckDBPyConnection, measure: Measure, areas: list[str], said: str) -> None:
    given = len(con.execute("describe temp.maalt").fetchall())
    reason = "aarsag" if given == len(_COLUMNS) else "null"
    con.execute(f"""
        insert into temp.deklareret
        with givet as (
            select fagomraade, kommunekode, cast(taeller as decimal(18, 5)) as taeller, cast(naevner as decimal(18, 5)) as naevner, cast({reason} as varchar) as aarsag
            from temp.maalt
        ),

        kommuner as (
            select d.fagomraade, d.kommunekode, sum(g.taeller) as taeller, sum(g.naevner) as naevner, min(g.aarsag) as aarsag
            from temp.deltager as d
            left join givet as g on d.fagomraade = g.fagomraade and d.kommunekode = g.kommunekode
            group by all
        ),

        uden as (
            select fagomraade, count(*) filter (where naevner is null) as uopgjort, count(*) filter (where naevner > 0 and aarsag is not null) as delvis
            from kommuner group by all
        ),

        samlet as (
            select a.fagomraade,
                -- what could not be computed for a municipality is in neither sum
                greatest(sum(g.taeller) filter (where g.naevner is not null), 0) as taeller,
                sum(g.naevner) as naevner,
                min(g.aarsag) filter (where g.kommunekode is null) as egen_aarsag,
                coalesce(bool_or(g.kommunekode is null and g.naevner > 0), false) as har_landsraekker
            from (select unnest($1) as fagomraade) as a
            left join givet as g on a.fagomraade = g.fagomraade and (not $3 or g.kommunekode is null)
            group by a.fagomraade
        ),

        landet as (
            select s.fagomraade, $8 as kommunekode, s.taeller, s.naevner,
                coalesce(s.egen_aarsag, case
                    when s.har_landsraekker or $4 or coalesce(s.naevner, 0) = 0 then null
                    when u.uopgjort > 0 then u.uopgjort || case u.uopgjort when 1 then ' kommune' else ' kommuner' end || ' er ikke opgjort og er ikke med.'
                    when u.delvis > 0 then 'I ' || u.delvis || case u.delvis when 1 then ' kommune' else ' kommuner' end || ' er ikke alt med.'
                end) as aarsag
            from samlet as s
            left join uden as u on s.fagomraade = u.fagomraade
        ),

        alle as (
            select * from landet
            union all
            select * from kommuner where fagomraade in (select unnest($1)) and not $4
            union all
            select fagomraade, kommunekode, null, 0, '{ONLY_COUNTRY}' from temp.deltager where fagomraade in (select unnest($1)) and $4
        )

        select fagomraade, kommunekode, $2, $5, case when naevner > 0 then coalesce(taeller, 0) end, case when naevner > 0 then naevner end,
            case when naevner > 0 then '{COMPUTED}' when naevner = 0 then '{NOT_RELEVANT}' else '{NOT_COMPUTED}' end,
            case when naevner > 0 then aarsag when naevner = 0 then coalesce(aarsag, $6) else coalesce(aarsag, $7) end
        from alle
    """, [areas, measure.maal_id, measure.egen_landstal or measure.kun_land, measure.kun_land, measure.dimension, measure.ikke_relevant, said, COUNTRY])


# --- reading ---------------------------------------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Declaration:
    """The figures as they stand in `kvalitet.deklaration`, with the faults accepted and the releases given."""

    figures: dict[tuple[str, str], dict[str, Figure]]       # (fagområde, municipality) → measure → figure
    versions: dict[str, tuple[str, datetime | None]]        # fagområde → version and time
    accepted: dict[tuple[str, str], list[tuple]]            # (fagområde, municipality) → (rule, title, period, count, reason, date)
    released: dict[tuple[str, str], list[tuple]]            # (fagområde, municipality) → (rule, title, period, deviations, reason, moment)

    @classmethod
    def read(cls, con: duckdb.DuckDBPyConnection) -> Declaration | None:
        """What has been declared; None when nothing has."""
        if _missing(con, TABLE):
            return None
        figures: dict[tuple[str, str], dict[str, Figure]] = {}
        versions: dict[str, tuple[str, datetime | None]] = {}
        for area, version, place, measure, *values, moment in con.execute(
                f"select fagomraade, version, kommunekode, maal_id, taeller, naevner, vaerdi, status, aarsag, opgjort from flis.{TABLE} order by all").fetchall():
            figures.setdefault((area, place), {})[measure] = Figure(*values)
            versions[area] = (version, moment)
        return cls(figures, versions, _by_place(con, "kvalitet.accepteret", """
            select g.fagomraade, a.kommunekode, a.regel_id, g.titel, a.periode, a.antal, a.grund, a.dato
            from flis.kvalitet.accepteret as a
            inner join flis.kvalitet.regel as g on a.regel_id = g.regel_id
            order by all
        """), _by_place(con, "kvalitet.frigivet", """
            select fagomraade, kommunekode, regel_id, titel, periode, afvigelser, frigivet_grund, frigivet from flis.kvalitet.frigivet order by all
        """))

    @property
    def areas(self) -> list[str]:
        """The fagområder declared."""
        return sorted(self.versions)

    def municipalities(self, area: str) -> list[str]:
        """The municipalities with figures in the area."""
        return sorted(place for one, place in self.figures if one == area and place != COUNTRY)

    def measured(self, area: str) -> tuple[list[Measure], list[Measure]]:
        """The measures made per municipality: those some municipality has a figure for, and those that none has."""
        local = [m for m in measures() if not m.kun_land]
        some = [m for m in local if any(self.figure(area, place, m).status != NOT_COMPUTED for place in self.municipalities(area))]
        return some, [m for m in local if m not in some]

    def figure(self, area: str, place: str, measure: Measure) -> Figure:
        """One figure; what has not been declared (a measure added since) says so."""
        return self.figures.get((area, place), {}).get(measure.maal_id) or Figure(None, None, None, NOT_COMPUTED, "Målet er ikke opgjort endnu.")

    def for_others(self, area: str, place: str, measure: Measure) -> Figure:
        """The same as all others than the municipality see it: where it is of few rows, roughly."""
        one = self.figure(area, place, measure)
        if not measure.raekker or one.status != COMPUTED or not (rough := rough_share(one.numerator, one.denominator, measure.raekker)):
            return one
        bound, step = rough
        why = texts()["groft"]["hvorfor"].format(mindst=least_shown(), hvordan=bound)
        return Figure(None, None, step, COMPUTED if step else NOT_COMPUTED, f"{one.reason} {why}" if one.reason else why, bound)

    # --- README ---------------------------------------------------------------------------------------------------------------------------------

    def readme_section(self, area: str, municipality: str | None) -> list[str]:
        """The package's Danish text: the dimensions with the municipality's own figure beside the country's (the country's alone for `None`), then caveats,
        accepted faults and releases."""
        moment = self.versions[area][1]
        out = [f"Deklareret efter {vocabulary()['kategori']}" + (f", opgjort på udtræk til og med {danish.day(moment)}" if moment else "") + ". Det samme står maskinlæsbart i `kvalitet.jsonld` (W3C DQV)."]
        notes: list[str] = []
        for dimension, said in vocabulary()["dimensioner"].items():
            out += ["", f"### {said['titel']}", "", said["beskrivelse"], ""]
            out += ["| Mål | Jeres | Hele landet | Godt er |", "|---|---:|---:|---|"] if municipality else ["| Mål | Hele landet | Godt er |", "|---|---:|---|"]
            for measure in (m for m in measures() if m.dimension == dimension):
                found = [*([(municipality, self.figure(area, municipality, measure))] if municipality else []), (COUNTRY, self.for_others(area, COUNTRY, measure))]
                cells = [shown(one, measure) for _, one in found]
                reasons = {one.reason for _, one in found if one.reason != ONLY_COUNTRY}
                if len(reasons) == 1:
                    notes += [f"- {measure.titel}: {reason}" for reason in reasons if reason]
                else:
                    notes += [f"- {measure.titel}, {'jeres' if place == municipality else 'hele landet'}: {one.reason}" for place, one in found
                              if one.reason and one.reason != ONLY_COUNTRY]
                out.append(f"| {measure.titel} | {' | '.join(cells)} | {'højt' if measure.retning == 'hoej' else 'lavt'} |")
        if notes:
            out += ["", "### Hvorfor et tal mangler eller ikke har alt med", "", *notes]
        out += ["", "### Forbehold", "", *([f"- **{c.emne}** ({c.dimension}, {danish.day(c.dato)}): {c.tekst}" for c in caveats(area)] or ["Faggruppen har ingen forbehold."])]
        if municipality:
            faults, releases = self.accepted.get((area, municipality), []), self.released.get((area, municipality), [])
            if faults:
                out += ["", "### Kendte fejl, der er accepteret", "", *(f"- {rule} {title}, {_when(period)}: {danish.number(count)}, {danish.day(day)}. {dp.literal(masked(reason))}"
                                                                     for rule, title, period, count, reason, day in faults)]
            if releases:
                out += ["", "### Frigivet trods afvigelser", "", *(f"- {dp.literal(_release(*one))}" for one in releases)]
        return out

    # --- JSON-LD --------------------------------------------------------------------------------------------------------------------------------

    def jsonld(self) -> str:
        """The country's declaration: a dataset per fagområde."""
        return _document([*_concepts(), *(node for area in self.areas for node in self._of_country[area])])

    def package_jsonld(self, area: str, urn: str, version: str, title: str, municipality: str | None) -> str:
        """A package's declaration. The municipality's figures are computed on the package; the country's stand on the country's dataset, which it is part of.
        A package for all municipalities (`None`) is computed on the country's."""
        moment = self.versions[area][1]
        place = municipality or COUNTRY
        graph: list[Any] = [*_concepts(), *self._dataset(area, urn, version, title, place, moment, part_of=_country_urn(area, self.versions[area][0]) if municipality else None)]
        return _document(graph + (self._of_country[area] if municipality else []))

    @cached_property
    def _of_country(self) -> dict[str, list[dp.Json]]:
        """The country's dataset per fagområde, as it is written: the same in every municipality's package."""
        return {area: _written(self._dataset(area, _country_urn(area, version), version, f"{area_names()[area]}, hele landet", COUNTRY, moment))
                for area, (version, moment) in self.versions.items()}

    def _dataset(self, area: str, urn: str, version: str, title: str, place: str, moment: datetime | None, part_of: str | None = None) -> list[dict]:
        stamp = {"prov:generatedAtTime": _typed(moment.strftime("%Y-%m-%dT%H:%M:%SZ"), "dateTime")} if moment else {}
        made: list[dict] = []
        for measure in measures():
            one, key = (self.for_others if place == COUNTRY else self.figure)(area, place, measure), f"{urn}#{measure.maal_id.removeprefix('dq:')}"
            if one.status == COMPUTED:
                made.append({"@id": key, "@type": "dqv:QualityMeasurement", "dqv:isMeasurementOf": {"@id": measure.maal_id}, "dqv:computedOn": {"@id": urn},
                             "dqv:value": _typed(f"{one.value:f}", "decimal"), **stamp, **({"rdfs:comment": _danish(one.reason)} if one.reason else {})})
            else:
                word = "Ikke relevant" if one.status == NOT_RELEVANT else "Ikke opgjort"
                made.append({**_annotation(key, urn, measure.dimension, f"{measure.titel}: {word}. {one.reason}"),
                             "dct:subject": {"@id": measure.maal_id}, "flis:status": one.status})
        notes = [(c.dimension, f"{c.emne}: {c.tekst} Kilde: {c.kilde}.", {"dct:date": _typed(c.dato.isoformat(), "date")}) for c in caveats(area)]
        if place != COUNTRY:
            notes += [("korrekthed", f"Accepteret kendt fejl: {rule} {title}, {_when(period)}: {count}. {masked(reason)}", {"dct:date": _typed(day.isoformat(), "date")})
                      for rule, title, period, count, reason, day in self.accepted.get((area, place), [])]
            notes += [("korrekthed", _release(*one), {"dct:date": _typed(one[-1].date().isoformat(), "date")}) for one in self.released.get((area, place), [])]
        made += [{**_annotation(f"{urn}#note-{number}", urn, dimension, text), **more} for number, (dimension, text, more) in enumerate(notes, 1)]
        kinds = {kind: [{"@id": n["@id"]} for n in made if n["@type"] == kind] for kind in ("dqv:QualityMeasurement", "dqv:QualityAnnotation")}
        dataset = {"@id": urn, "@type": "dcat:Dataset", "dct:title": _danish(title), "dct:identifier": urn, "dcat:version": version, "owl:versionInfo": version,
                   **({"dct:isPartOf": {"@id": part_of}} if part_of else {}), "dqv:hasQualityMetadata": {"@id": f"{urn}#kvalitet"},
                   "dqv:hasQualityMeasurement": kinds["dqv:QualityMeasurement"], "dqv:hasQualityAnnotation": kinds["dqv:QualityAnnotation"]}
        metadata = {"@id": f"{urn}#kvalitet", "@type": "dqv:QualityMetadata", **stamp, "dct:hasPart": [{"@id": n["@id"]} for n in made]}
        return [dataset, metadata, *made]


def _by_place(con: duckdb.DuckDBPyConnection, table: str, sql: str) -> dict[tuple[str, str], list[tuple]]:
    found: dict[tuple[str, str], list[tuple]] = {}
    for area, place, *values in con.execute(sql).fetchall() if not _missing(con, table) else []:
        found.setdefault((area, place), []).append(tuple(values))
    return found


def _when(period: date | None) -> str:
    return danish.month(period) if period else "alle måneder"


def _release(rule: str, title: str, period: date | None, deviations: int, reason: str, moment: datetime) -> str:
    """A release in words; who gave it is not for others to read."""
    return f"{rule} {title}, {_when(period)}: frigivet {danish.day(moment)} med {count(deviations, 'afvigelse')}. {masked(reason)}"


def shown(figure: Figure, measure: Measure) -> str:
    """A figure as a Danish reader expects it, what is told roughly as 'mindst 99 %'. What is not whole is never shown as 100 %, and what is not nought never as 0."""
    if figure.status != COMPUTED:
        return figure.bound or "kun landet" if figure.bound or figure.reason == ONLY_COUNTRY else "ikke relevant" if figure.status == NOT_RELEVANT else "ikke opgjort"
    if measure.enhed != "andel":
        number = danish.number(figure.value, 0 if figure.value == int(figure.value) else 1)
        return f"{number} {'dag' if figure.value == 1 else 'dage'}" if measure.enhed == "dage" else number
    percent = (figure.value * 100).quantize(Decimal("0.01"), ROUND_HALF_UP)
    percent = min(percent, Decimal("99.99")) if figure.value < 1 else percent
    text = danish.number(max(percent, Decimal("0.01")) if figure.value > 0 else percent, 2)
    return f"{figure.bound} ".lstrip() + (text.rstrip("0").rstrip(",") if "," in text else text) + " %"


# --- DQV -------------------------------------------------------------------------------------------------------------------------------------

CONTEXT = {
    "dqv": "http://www.w3.org/ns/dqv#", "dcat": "http://www.w3.org/ns/dcat#", "dct": "http://purl.org/dc/terms/", "skos": "http://www.w3.org/2004/02/skos/core#",
    "prov": "http://www.w3.org/ns/prov#", "oa": "http://www.w3.org/ns/oa#", "owl": "http://www.w3.org/2002/07/owl#", "xsd": "http://www.w3.org/2001/XMLSchema#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#", "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "sdmx-attribute": "http://purl.org/linked-data/sdmx/2009/attribute#", "dq": "urn:x-flis:dq:", "flis": "urn:x-flis:term:",
}
CATEGORY = "dq:faelles_sprog_for_datakvalitet"


@cache
def _concepts() -> list[dp.Json]:
    """The category, its dimensions and the metrics: the same in every declaration."""
    words = vocabulary()
    made: list[dict] = [{"@id": CATEGORY, "@type": "dqv:Category", "skos:prefLabel": _danish(words["kategori"])}]
    made += [{"@id": f"dq:{key}", "@type": "dqv:Dimension", "skos:prefLabel": _danish(said["titel"]), "skos:definition": _danish(said["beskrivelse"]),
              "dqv:inCategory": {"@id": CATEGORY}} for key, said in words["dimensioner"].items()]
    made += [{"@id": m.maal_id, "@type": "dqv:Metric", "skos:prefLabel": _danish(m.titel), "skos:definition": _danish(m.beskrivelse), "dqv:inDimension": {"@id": f"dq:{m.dimension}"},
              "dqv:expectedDataType": {"@id": "xsd:decimal"}, "sdmx-attribute:unitMeasure": {"@id": f"dq:{m.enhed}"}, "flis:retning": m.retning,
              **({"dct:source": m.kilde} if m.kilde else {})} for m in measures()]
    return _written(made)


def _annotation(key: str, urn: str, dimension: str, text: str) -> dict:
    return {"@id": key, "@type": "dqv:QualityAnnotation", "oa:hasTarget": {"@id": urn}, "oa:motivatedBy": {"@id": "dqv:qualityAssessment"},
            "dqv:inDimension": {"@id": f"dq:{dimension}"}, "oa:hasBody": {"@id": f"{key}-tekst", "@type": "oa:TextualBody", "rdf:value": _danish(text)}}


def _danish(text: str) -> dict:
    return {"@value": text, "@language": "da"}


def _typed(text: str, kind: str) -> dict:
    return {"@value": text, "@type": f"xsd:{kind}"}


def _country_urn(area: str, version: str) -> str:
    return f"urn:x-flis:{COUNTRY}:{area}:{version}"


def _written(nodes: list[dict]) -> list[dp.Json]:
    """Nodes as they stand in the graph."""
    return [dp.Json(dp.to_json(node, 2)) for node in nodes]


def _document(graph: list[Any]) -> str:
    return dp.to_json({"@context": CONTEXT, "@graph": graph}) + "\n"


# --- page ------------------------------------------------------------------------------------------------------------------------------------

def _page(con: duckdb.DuckDBPyConnection, declaration: Declaration) -> bytes:
    """`docs/deklaration.html`: figures, caveats, and what each measure is."""
    names = dict(con.execute("select kommunekode, kommunenavn from marts.dim_kommune").fetchall()) if not _missing(con, "marts.dim_kommune") else {}
    return render(
        "deklaration.html.j2", declaration=declaration, words=vocabulary(), measures=measures(), area_names=area_names(), names=names, COUNTRY=COUNTRY, shown=shown, caveats=caveats,
        urn={area: _country_urn(area, version) for area, (version, _) in declaration.versions.items()}, moment=max((m for _, m in declaration.versions.values() if m), default=None))
