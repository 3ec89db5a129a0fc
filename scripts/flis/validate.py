"""The quality step: runs the faggrupper's rules on what the municipalities delivered.

Each rule runs once, nationally. What it found is set against what should have been checked (rule x municipality with an instruction x period),
so that a rule that did not run is seen. All of it happens in SQL; no row passes through Python.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import jinja2
import yaml

from flis.database import connect
from flis.home import REPO, Home, now
from flis.rules import RULES, SEVERITIES, Rule, load_rules

Progress = Callable[[str, int, int], None]

UNKNOWN = "0998"            # the member of dim_kommune for rows that belong to no municipality
KEEP_RESULTS = 24           # runs of which the results are kept
KEEP_DEVIATIONS = 2         # runs of which the breaking rows are kept: enough to tell new, still there and resolved apart
MOST_DEVIATIONS = 1_000     # breaking rows written per rule, municipality and period; `resultat.afvigelser` counts them all

# What a narrowed run looks at; the variables are null where it is not narrowed.
IN_SCOPE = "(getvariable('kommune') is null or kommunekode = getvariable('kommune'))"
IN_SCOPE_MONTH = "(getvariable('maaned') is null or periode is null or periode = getvariable('maaned'))"

_TABLES = """
create schema if not exists kvalitet;
create table if not exists kvalitet.koersel (
    koersel varchar, startet timestamp, fagomraade varchar, kommunekode varchar, periode date, antal_regler integer, antal_kunne_ikke_koere integer);
create table if not exists kvalitet.regel (
    regel_id varchar, fagomraade varchar, titel varchar, dimension varchar, alvor varchar, hvad varchar, hvornaar varchar, hvordan varchar,
    faggruppe varchar, model varchar, grundlag varchar, taerskel_art varchar, taerskel decimal(18, 5), taerskel_grund varchar, taerskel_dato date);
create table if not exists kvalitet.resultat (
    koersel varchar, regel_id varchar, fagomraade varchar, kommunekode varchar, periode date, raekker bigint, afvigelser bigint,
    andel decimal(18, 5), taerskel_art varchar, taerskel decimal(18, 5), alvor varchar, status varchar, aarsag varchar, maalt_i varchar);
create table if not exists kvalitet.afvigelse (
    koersel varchar, regel_id varchar, fagomraade varchar, kommunekode varchar, periode date, noegle varchar, leverance_id bigint, fil varchar,
    linje bigint);
create table if not exists kvalitet.tilbageholdt (
    kommunekode varchar, fagomraade varchar, periode date, regel_id varchar, titel varchar, raekker bigint, afvigelser bigint, andel decimal(18, 5),
    taerskel_art varchar, taerskel decimal(18, 5), koersel varchar);
"""


class ValidateError(Exception):
    """The step cannot run at all; the message says what is missing."""


@dataclass
class ValidateResult:
    """What one run did. `held` has (kommunekode, fagomraade, periode as YYYY-MM, or None = every period)."""

    koersel: str
    rules: int = 0
    not_run: list[tuple[str, str]] = field(default_factory=list)
    broken: dict[str, dict[str, int]] = field(default_factory=dict)
    deviations: int = 0
    held: set[tuple[str, str, str | None]] = field(default_factory=set)
    report: Path | None = None

    def facts(self) -> dict:
        """The figures for status.json and the table at the end of a run: `broken` counts rules past their threshold somewhere."""
        return {"rules": self.rules, "not_run": [f"{rule}: {reason}" for rule, reason in self.not_run], "broken": self.broken,
                "deviations": self.deviations, "held": len(self.held)}


@dataclass(frozen=True)
class _Model:
    """A table as it stands in the database."""

    schema: str
    name: str
    columns: frozenset[str]

    @property
    def sql(self) -> str:
        return f'flis."{self.schema}"."{self.name}"'


def validate(home: Home, *, fagomraade: str | None = None, kommune: str | None = None, periode: str | None = None,
             progress: Progress | None = None, rules_folder: Path = RULES) -> ValidateResult:
    """Run the rules, write `kvalitet.*` and `rapporter/kvalitet.html`.

    `fagomraade`, `kommune` (four digits) and `periode` (YYYY-MM) narrow what is measured anew; the rest is carried over from the run before, so
    that every run is a complete picture. Running again on the same data gives the same picture.

    Raises RuleError when a rule file is not in order, ValidateError when nothing has been loaded yet. A rule that fails to run is a result.
    """
    rules = load_rules(rules_folder, fagomraade)
    moment = now()
    run = moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    with connect(home, write="flis") as con:
        con.execute(_TABLES)
        _read_instructions(con)
        con.execute("detach cpr")        # no rule can reach a CPR number, whatever it says
        con.execute("set variable fagomraade = $1", [fagomraade])
        con.execute("set variable kommune = $1", [kommune])
        con.execute("set variable maaned = cast($1 as date)", [f"{periode}-01" if periode else None])
        _prepare(con, rules)
        faults = _run_rules(con, rules, progress)
        _count_rows(con, rules)
        _settle(con, faults)
        _store(con, run, moment, len(rules), faults)
        result = _summary(con, run, rules, faults)
        result.report = _write_page(con, home, run, moment)
    return result


def held(home: Home) -> set[tuple[str, str, str | None]]:
    """What the newest run holds back: (kommunekode, fagomraade, periode as YYYY-MM, or None = every period). The reasons are in kvalitet.tilbageholdt."""
    with connect(home) as con:
        return _held(con) if _tables(con, "kvalitet", "tilbageholdt") else set()


def _held(con: duckdb.DuckDBPyConnection) -> set[tuple[str, str, str | None]]:
    return set(con.execute("select distinct kommunekode, fagomraade, strftime(periode, '%Y-%m') from kvalitet.tilbageholdt").fetchall())


def _tables(con: duckdb.DuckDBPyConnection, schema: str, name: str, catalog: str = "flis") -> bool:
    return bool(con.execute("select count(*) from information_schema.tables where table_catalog = ? and table_schema = ? and table_name = ?",
                            [catalog, schema, name]).fetchall()[0][0])


def _read_instructions(con: duckdb.DuckDBPyConnection) -> None:
    """Which municipality has instructed which area, from when to when."""
    if not _tables(con, "raw", "opsaetning_kommune_opsaetning", "cpr"):
        raise ValidateError("there is no set-up in the database: run `flis load` first")
    con.execute("""
        create temp table instrueret as
        select distinct
            kommunekode,
            fagomraade,
            coalesce(try_cast(cast(gyldig_fra as varchar) as date), date '0001-01-01') as gyldig_fra,
            coalesce(try_cast(cast(gyldig_til as varchar) as date), date '9999-12-31') as gyldig_til
        from cpr.raw.opsaetning_kommune_opsaetning
        where lower(cast(instrueret as varchar)) = 'true'
    """)


def _prepare(con: duckdb.DuckDBPyConnection, rules: list[Rule]) -> None:
    con.execute("""
        create temp table regel as select * from kvalitet.regel limit 0;
        create temp table fund as select * exclude (koersel) from kvalitet.afvigelse limit 0;
        create temp table fundet (regel_id varchar, kommunekode varchar, periode date, afvigelser bigint);
        create temp table talt (regel_id varchar, kommunekode varchar, periode date, raekker bigint);
        create temp table maaned (regel_id varchar, periode date);
    """)
    con.executemany(f"insert into temp.regel values ({', '.join('?' * 15)})", [
        [r.regel_id, r.fagomraade, r.titel, r.dimension, r.alvor, r.hvad, r.hvornaar, r.hvordan, r.faggruppe, r.model, r.grundlag,
         r.threshold.kind, r.threshold.value, r.threshold.reason, r.threshold.since] for r in rules])


def _model(con: duckdb.DuckDBPyConnection, name: str) -> _Model | None:
    """The table of a model, looked up by its name; None when it has not been built."""
    rows = con.execute("""
        select table_schema, column_name from information_schema.columns
        where table_catalog = 'flis' and table_schema in ('standardized', 'marts', 'koder', 'kvalitet') and table_name = ?
    """, [name]).fetchall()
    return _Model(rows[0][0], name, frozenset(column for _, column in rows)) if rows else None


def _run_rules(con: duckdb.DuckDBPyConnection, rules: list[Rule], progress: Progress | None) -> dict[str, str]:
    """Run every rule, collect breaking rows in temp.fund; returns the reasons of the rules that could not run."""
    from flis.gx_duckdb import checker, rows_query        # seconds to import: only a run that has something to check pays

    faults: dict[str, str] = {}
    with checker(con, "flis") as check:
        for number, rule in enumerate(rules, start=1):
            if progress:
                progress(rule.regel_id, number, len(rules))
            missing = [name for name in dict.fromkeys((rule.model, rule.grundlag)) if not _model(con, name)]
            if missing:
                faults[rule.regel_id] = f"Modellen {' og '.join(missing)} er ikke bygget."
                continue
            model = _model(con, rule.model)
            if rule.sql is not None:
                narrowed = rule.omfang is not None and rule.model == rule.grundlag
                own = rule.sql.replace("{batch}", f"(select * from {model.sql} where {rule.omfang})" if narrowed else model.sql)
                expectation = rows_query(own)
            else:
                own, expectation = None, dict(rule.expectation)
            wanted = [c for c in ("kommunekode", "periode", "kildesystem", "kilde_id", "_leverance_id", "_fil", "_linje") if c in model.columns]
            answer = check.check(model.schema, model.name, {**expectation, "severity": SEVERITIES[rule.alvor]}, wanted)
            error = answer.error
            if not error and answer.unexpected:
                query = own or answer.index_query
                error = _collect(con, rule, query) if query else "Forventningen udpeger ingen rækker; skriv reglen som sql."
            if error:
                faults[rule.regel_id] = error
    return faults


def _collect(con: duckdb.DuckDBPyConnection, rule: Rule, query: str) -> str | None:
    """Put a rule's breaking rows in temp.fund, and their number per municipality and period in temp.fundet. Returns a reason if that cannot be done."""
    from flis.gx_duckdb import first_line

    query = query.strip().rstrip(";")
    try:
        columns = {row[0] for row in con.execute(f"describe {query}").fetchall()}
        absent = [c for c in ("kommunekode", "kildesystem", "kilde_id") if c not in columns]
        if absent:
            return f"Reglens rækker mangler {', '.join(absent)}."
        by_period = "periode" in _model(con, rule.grundlag).columns
        if by_period and "periode" not in columns:
            return "Reglens rækker mangler periode."
        optional = {name: (name if name in columns else "null") for name in ("_leverance_id", "_fil", "_linje")}
        con.execute(f"""
            create or replace temp table brud as
            select distinct
                coalesce(kommunekode, '{UNKNOWN}') as kommunekode,
                {"cast(periode as date)" if by_period else "cast(null as date)"} as periode,
                kildesystem || '|' || kilde_id as noegle,
                cast({optional['_leverance_id']} as bigint) as leverance_id,
                cast({optional['_fil']} as varchar) as fil,
                cast({optional['_linje']} as bigint) as linje
            from ({query})
            where {IN_SCOPE} {"and " + IN_SCOPE_MONTH if by_period else ""}
        """)
    except duckdb.Error as fault:
        return first_line(str(fault))
    # Rows of a municipality that has not instructed the area are nobody's to look at: no result, no row.
    con.execute(f"""
        delete from temp.brud where kommunekode <> '{UNKNOWN}' and kommunekode not in (select kommunekode from temp.instrueret where fagomraade = $1)
    """, [rule.fagomraade])
    con.execute("insert into temp.fundet select $1, kommunekode, periode, count(*) from temp.brud group by all", [rule.regel_id])
    con.execute(f"""
        insert into temp.fund
        select $1, $2, * from temp.brud
        qualify row_number() over (partition by kommunekode, periode order by noegle, leverance_id, linje) <= {MOST_DEVIATIONS}
    """, [rule.regel_id, rule.fagomraade])
    return None


def _count_rows(con: duckdb.DuckDBPyConnection, rules: list[Rule]) -> None:
    """Per rule: how many rows it is about in each municipality and period (temp.talt), and which periods there are at all (temp.maaned)."""
    same: dict[tuple[str, str | None], list[str]] = {}
    for rule in rules:
        same.setdefault((rule.grundlag, rule.omfang), []).append(rule.regel_id)
    for (name, condition), ids in same.items():
        model = _model(con, name)
        if model is None or "kommunekode" not in model.columns:
            continue
        by_period = "periode" in model.columns
        period = "cast(periode as date)" if by_period else "cast(null as date)"
        where = f"where ({condition})" if condition else ""
        try:
            con.execute(f"""
                create or replace temp table optalt as
                select coalesce(kommunekode, '{UNKNOWN}') as kommunekode, {period} as periode, count(*) as raekker from {model.sql} {where} group by all
            """)
            con.execute(f"create or replace temp table alle_maaneder as select distinct {period} as periode from {model.sql}")
        except duckdb.Error:
            continue            # the condition is part of the rule's own query too, which has reported it
        con.execute(f"insert into temp.talt select unnest($1), * from temp.optalt where {IN_SCOPE} and {IN_SCOPE_MONTH}", [ids])
        if by_period:
            con.execute(f"insert into temp.maaned select unnest($1), periode from temp.alle_maaneder where periode is not null and {IN_SCOPE_MONTH}", [ids])


def _settle(con: duckdb.DuckDBPyConnection, faults: dict[str, str]) -> None:
    """temp.ny: one row per rule, municipality with an instruction and period, whatever was found."""
    con.execute("create temp table fejl (regel_id varchar, aarsag varchar)")
    if faults:
        con.executemany("insert into temp.fejl values (?, ?)", list(faults.items()))
    con.execute(f"""
        create temp table ny as
        with regler as (
            select * from temp.regel
        ),

        kommuner as (
            select distinct r.fagomraade, i.kommunekode, r.regel_id
            from temp.instrueret as i
            inner join regler as r on i.fagomraade = r.fagomraade
            where {IN_SCOPE.replace("kommunekode", "i.kommunekode")}
        ),

        maaneder as (
            select distinct i.kommunekode, m.regel_id, m.periode
            from temp.instrueret as i
            inner join regler as r on i.fagomraade = r.fagomraade
            inner join temp.maaned as m on r.regel_id = m.regel_id and i.gyldig_fra < m.periode + interval 1 month and i.gyldig_til > m.periode
        ),

        -- Every rule has a row for every municipality: one with no period where the rule has none, could not run, or has no month to look at.
        ventede as (
            select k.fagomraade, k.kommunekode, k.regel_id, m.periode
            from kommuner as k
            left join maaneder as m on k.kommunekode = m.kommunekode and k.regel_id = m.regel_id
        ),

        -- Rows that belong to no municipality are found too; nobody expects them, so they are here only when there are some. The same goes
        -- for rows of an instructed municipality in a period before or after its instruction or data.
        uventede as (
            select r.fagomraade, f.kommunekode, f.regel_id, f.periode
            from temp.fundet as f
            inner join regler as r on f.regel_id = r.regel_id
        ),

        tilsigtet as (
            select * from ventede
            union
            select * from uventede
        ),

        maalt as (
            select
                t.*,
                r.alvor,
                r.taerskel_art,
                r.taerskel,
                e.aarsag as fejl,
                coalesce(f.afvigelser, 0) as afvigelser,
                -- Where the breaking rows are not among the rows counted (set aside, or missing), they are added to them.
                case
                    when r.model = r.grundlag then greatest(coalesce(c.raekker, 0), coalesce(f.afvigelser, 0))
                    else coalesce(c.raekker, 0) + coalesce(f.afvigelser, 0)
                end as raekker
            from tilsigtet as t
            inner join regler as r on t.regel_id = r.regel_id
            left join temp.fejl as e on t.regel_id = e.regel_id
            left join temp.fundet as f on t.regel_id = f.regel_id and t.kommunekode = f.kommunekode and t.periode is not distinct from f.periode
            left join temp.talt as c on t.regel_id = c.regel_id and t.kommunekode = c.kommunekode and t.periode is not distinct from c.periode
        ),

        final as (
            select
                regel_id,
                fagomraade,
                kommunekode,
                periode,
                case when fejl is null then raekker end as raekker,
                case when fejl is null then afvigelser end as afvigelser,
                case when fejl is null and raekker > 0 then cast(round(afvigelser / raekker, 5) as decimal(18, 5)) end as andel,
                taerskel_art,
                taerskel,
                alvor,
                case
                    when fejl is not null then 'kunne_ikke_koere'
                    when raekker = 0 and afvigelser = 0 then 'ikke_relevant'
                    when taerskel_art = 'antal' and afvigelser > taerskel then 'fejlet'
                    when taerskel_art = 'andel' and afvigelser > taerskel * raekker then 'fejlet'
                    else 'bestaaet'
                end as status,
                case
                    when fejl is not null then fejl
                    when raekker = 0 and afvigelser = 0 then 'Ingen data som reglen angår.'
                end as aarsag
            from maalt
        )

        select * from final
    """)


def _store(con: duckdb.DuckDBPyConnection, run: str, moment: datetime, count: int, faults: dict[str, str]) -> None:
    """Write the run in one transaction: the new, what a narrowed run did not look at carried over, old runs taken away."""
    in_area = "(getvariable('fagomraade') is null or fagomraade = getvariable('fagomraade'))"
    con.execute("begin")
    con.execute("create temp table forrige as select max(koersel) as koersel from kvalitet.koersel")
    for table, new in (("resultat", "select *, $1 as maalt_i from temp.ny"), ("afvigelse", "select * from temp.fund where $1 is not null")):
        names = ", ".join(row[0] for row in con.execute(f"describe kvalitet.{table}").fetchall() if row[0] != "koersel")
        con.execute(f"""
            create temp table billede as
            select {names} from ({new})
            union all
            select {names} from kvalitet.{table}
            where koersel = (select koersel from temp.forrige) and not ({in_area} and {IN_SCOPE} and {IN_SCOPE_MONTH})
        """, [run])
        con.execute(f"delete from kvalitet.{table} where koersel = $1", [run])
        con.execute(f"insert into kvalitet.{table} select $1, * from temp.billede order by all", [run])
        con.execute("drop table temp.billede")
    con.execute("delete from kvalitet.koersel where koersel = $1", [run])
    con.execute("insert into kvalitet.koersel values ($1, $2, getvariable('fagomraade'), getvariable('kommune'), getvariable('maaned'), $3, $4)",
                [run, moment.replace(tzinfo=None), count, len(faults)])
    con.execute(f"delete from kvalitet.regel where {in_area}")
    con.execute("insert into kvalitet.regel select * from temp.regel")
    for table, keep in (("resultat", KEEP_RESULTS), ("afvigelse", KEEP_DEVIATIONS), ("koersel", KEEP_RESULTS)):
        con.execute(f"delete from kvalitet.{table} where koersel not in (select koersel from kvalitet.koersel order by koersel desc limit {keep})")
    con.execute("delete from kvalitet.tilbageholdt")
    con.execute("""
        insert into kvalitet.tilbageholdt
        select r.kommunekode, r.fagomraade, r.periode, r.regel_id, g.titel, r.raekker, r.afvigelser, r.andel, r.taerskel_art, r.taerskel, r.koersel
        from kvalitet.resultat as r
        inner join kvalitet.regel as g on r.regel_id = g.regel_id
        where r.koersel = $1 and r.alvor = 'fejl' and r.status = 'fejlet' and r.kommunekode <> $2
        order by all
    """, [run, UNKNOWN])
    con.execute("commit")


def _summary(con: duckdb.DuckDBPyConnection, run: str, rules: list[Rule], faults: dict[str, str]) -> ValidateResult:
    broken: dict[str, dict[str, int]] = {}
    for area, severity, count in con.execute("""
        select fagomraade, alvor, count(distinct regel_id) filter (where status = 'fejlet')
        from kvalitet.resultat where koersel = $1 group by all order by all
    """, [run]).fetchall():
        broken.setdefault(area, dict.fromkeys(SEVERITIES, 0))[severity] = count
    deviations = con.execute("select coalesce(sum(afvigelser), 0)::bigint from kvalitet.resultat where koersel = $1", [run]).fetchall()[0][0]
    return ValidateResult(run, len(rules), sorted(faults.items()), broken, deviations, _held(con))


def _write_page(con: duckdb.DuckDBPyConnection, home: Home, run: str, moment: datetime) -> Path:
    """`rapporter/kvalitet.html`: per area and rule, in how many municipalities and periods it was met. Counts only, nothing about persons."""
    columns = ("regel_id", "fagomraade", "titel", "dimension", "alvor", "hvad", "hvornaar", "hvordan", "faggruppe", "taerskel_art", "taerskel",
               "taerskel_grund", "taerskel_dato", "bestaaet", "fejlet", "ikke_relevant", "kunne_ikke_koere", "kommuner_fejlet", "afvigelser", "aarsag")
    rows = con.execute("""
        select
            g.regel_id, g.fagomraade, g.titel, g.dimension, g.alvor, g.hvad, g.hvornaar, g.hvordan, g.faggruppe, g.taerskel_art, g.taerskel,
            g.taerskel_grund, g.taerskel_dato,
            count(*) filter (where r.status = 'bestaaet'),
            count(*) filter (where r.status = 'fejlet'),
            count(*) filter (where r.status = 'ikke_relevant'),
            count(*) filter (where r.status = 'kunne_ikke_koere'),
            count(distinct r.kommunekode) filter (where r.status = 'fejlet' and r.kommunekode <> $2),
            coalesce(sum(r.afvigelser), 0)::bigint,
            max(r.aarsag) filter (where r.status = 'kunne_ikke_koere')
        from kvalitet.regel as g
        left join kvalitet.resultat as r on g.regel_id = r.regel_id and r.koersel = $1
        group by all order by g.fagomraade, g.regel_id
    """, [run, UNKNOWN]).fetchall()
    areas: dict[str, list[dict]] = {}
    for row in rows:
        rule = dict(zip(columns, row, strict=True))
        areas.setdefault(rule["fagomraade"], []).append(rule)
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True,
                                     trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    environment.filters.update(tal=_number, taerskel=_threshold)
    area_names, group_names = _names()
    page = environment.get_template("kvalitet.html.j2").render(
        areas=areas, area_names=area_names, group_names=group_names,
        total=Counter({s: sum(rule[s] for rule in sum(areas.values(), [])) for s in ("bestaaet", "fejlet", "ikke_relevant", "kunne_ikke_koere")}),
        held=con.execute("select count(distinct (kommunekode, fagomraade)) from kvalitet.tilbageholdt").fetchall()[0][0],
        moment=moment.astimezone(ZoneInfo("Europe/Copenhagen")).strftime("%d-%m-%Y kl. %H:%M"))
    target = home.reports / "kvalitet.html"
    target.write_text(page, encoding="utf-8")
    return target


def _names() -> tuple[dict[str, str], dict[str, str]]:
    """What areas and faggrupper are called: the packages' titles and the groups' owners, where a new area writes them anyway."""
    areas = {p.stem: yaml.safe_load(p.read_text("utf-8"))["titel"] for p in (REPO / "pakker").glob("[!_]*.yml")}
    groups = {g["name"]: g["owner"]["name"] for g in yaml.safe_load((REPO / "models" / "_groups.yml").read_text("utf-8"))["groups"]}
    return areas, groups


def _number(value: int) -> str:
    """1234567 as 1.234.567."""
    return f"{value:,}".replace(",", ".")


def _threshold(rule: dict) -> str:
    """The threshold in words: '0,5 % af rækkerne' or '3 rækker'."""
    if rule["taerskel_art"] == "antal":
        return "1 række" if rule["taerskel"] == 1 else f"{_number(int(rule['taerskel']))} rækker"
    return f"{float(rule['taerskel']) * 100:.3f}".rstrip("0").rstrip(".").replace(".", ",") + " % af rækkerne"
