"""The quality step: runs the faggrupper's rules on what the municipalities delivered.

Each rule is measured where something has moved since it last was: the slices that the build has touched, or everything when the rule itself, a code list
or another table it reads has changed. What was found is set against what should have been checked (rule x municipality with an instruction x
period), so that a rule that did not run is seen. What is counted and found is kept as versions in `kvalitet.*` (kvalitet.sql); whether it is too much is
judged there, by the thresholds as they stand now. All of it happens in SQL; no row passes through Python.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb

from flis.build import moved_rows
from flis.core.database import connect, content_sign, exists
from flis.core.home import REPO, Home, now
from flis.core.keys import masked
from flis.quality.rules import RULES, SEVERITIES, Rule, load_rules
from flis.trail import sealing
from flis.trail.events import keep, record

Progress = Callable[[str, int, int], None]

UNKNOWN = "0998"            # the member of dim_kommune for rows that belong to no municipality
MOST_DEVIATIONS = 1_000     # breaking rows kept per rule, municipality and period; `resultat.afvigelser` counts them all
STORE = Path(__file__).with_name("kvalitet.sql")
SCHEMAS = ("standardized", "marts", "koder", "kvalitet")
READER = "flis validate"    # its row in drift.tilstand keeps the build from forgetting touched slices that no rule has looked at yet

# What a narrowed run looks at; the variables are null where it is not narrowed.
IN_SCOPE = "(getvariable('kommune') is null or kommunekode = getvariable('kommune'))"
IN_SCOPE_MONTH = "(getvariable('maaned') is null or periode is null or periode = getvariable('maaned'))"


class ValidateError(Exception):
    """The step cannot run at all; the message says what is missing."""


@dataclass
class ValidateResult:
    """What one run did. `held` has (kommunekode, fagomraade, periode as YYYY-MM, or None = every period)."""

    koersel: str
    rules: int = 0
    measured: int = 0
    not_run: list[tuple[str, str]] = field(default_factory=list)
    broken: dict[str, dict[str, int]] = field(default_factory=dict)
    deviations: int = 0
    new: int = 0
    resolved: int = 0
    held: set[tuple[str, str, str | None]] = field(default_factory=set)

    def facts(self) -> dict:
        """The figures for status.json and the table at the end of a run: `broken` counts rules past their threshold somewhere."""
        return {"rules": self.rules, "measured": self.measured, "not_run": [f"{rule}: {reason}" for rule, reason in self.not_run], "broken": self.broken,
                "deviations": self.deviations, "new": self.new, "resolved": self.resolved, "held": len(self.held)}


@dataclass(frozen=True)
class _Model:
    """A table as it stands in the database."""

    schema: str
    name: str
    columns: frozenset[str]

    @property
    def sql(self) -> str:
        return f'flis."{self.schema}"."{self.name}"'

    @property
    def by_period(self) -> bool:
        return "periode" in self.columns


@dataclass
class _Task:
    """One rule to be measured: wholly (`group` is None), or in the slices of a group (kvalitet.skive), of municipality and month or of municipality."""

    rule: Rule
    group: int | None = None
    by_month: bool = False

    @property
    def condition(self) -> str:
        """The SQL condition on a table that holds its rows to the slices."""
        if self.group is None:
            return "true"
        if self.by_month:
            return f"(kommunekode, periode) in (select kommunekode, periode from flis.kvalitet.skive where gruppe = {self.group})"
        return f"kommunekode in (select kommunekode from flis.kvalitet.skive where gruppe = {self.group})"


def validate(home: Home, *, fagomraade: str | None = None, kommune: str | None = None, periode: str | None = None, alt: bool = False,
             progress: Progress | None = None, rules_folder: Path = RULES) -> ValidateResult:
    """Measure the rules where something has moved, and write `kvalitet.*`.

    `fagomraade`, `kommune` (four digits) and `periode` (YYYY-MM) measure just that, moved or not; `alt` measures everything. The result is the same
    as if everything had been measured. Running again on the same data measures nothing and changes nothing.

    Raises RuleError when a rule file is not in order, ValidateError when nothing has been loaded yet. A rule that fails to run is a result.
    """
    rules = load_rules(rules_folder, fagomraade)
    moment = now()
    run = moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    with connect(home, write="flis") as con:
        refresh(con, rules_folder)
        setup = _read_instructions(con)
        con.execute("detach cpr")        # no rule can reach a CPR number, whatever it says
        con.execute("set variable kommune = $1", [kommune])
        con.execute("set variable maaned = cast($1 as date)", [f"{periode}-01" if periode else None])
        models = _models(con)
        signs = _Signs(con, models, setup)
        tasks = _tasks(con, models, rules, signs, alt, narrowed=bool(kommune or periode))
        faults = _measure(con, models, tasks, progress)
        _store(con, run, moment, rules, tasks, faults, fagomraade, alt)
        if not (kommune or periode):
            chosen = {t.rule.regel_id for t in tasks}
            signs.remember([t.rule for t in tasks if t.rule.regel_id not in faults], [r for r in rules if r.regel_id not in chosen])
        return _summary(con, run, rules, tasks, faults, fagomraade)


def refresh(con: duckdb.DuckDBPyConnection, rules_folder: Path = RULES) -> None:
    """Bring what results are judged by up to date: the rules with their thresholds, and the faults accepted in the set-up. Nothing is measured.

    `con` has flis open for writing and cpr attached.
    """
    if exists(con, "kvalitet", "resultat") and not exists(con, "kvalitet", "maaling"):      # a store of before results were versions
        for name in ("resultat", "afvigelse", "tilbageholdt", "koersel", "regel"):
            con.execute(f"drop table if exists flis.kvalitet.{name}")
    prepare_store(con)
    con.execute("begin")
    con.execute("delete from kvalitet.regel")
    rules = load_rules(rules_folder)
    if rules:
        con.executemany(f"insert into kvalitet.regel values ({', '.join('?' * 17)})", [
            [r.regel_id, r.fagomraade, r.titel, r.dimension, r.alvor, r.hvad, r.hvornaar, r.hvordan, r.faggruppe, r.rolle, r.model, r.grundlag, r.raekkevidde,
             r.threshold.kind, r.threshold.value, r.threshold.reason, r.threshold.since] for r in rules])
    con.execute("delete from kvalitet.accepteret")
    if exists(con, "raw", "opsaetning_accepteret_fejl", "cpr"):
        con.execute("""
            insert into kvalitet.accepteret
            select kommunekode, regel_id, cast(date_trunc('month', periode) as date), antal, grund, dato
            from cpr.raw.opsaetning_accepteret_fejl
            where coalesce(gyldig_til, date '9999-12-31') > $1
            qualify row_number() over (partition by kommunekode, regel_id, periode order by dato desc) = 1
        """, [now().date()])
    if exists(con, "raw", "leverance", "cpr"):
        con.execute("delete from kvalitet.leverance")
        # a full extract holds every month, whatever its name says
        con.execute("""
            insert into kvalitet.leverance
            select leverance_id, kommunekode, fagomraade, case when udtraekstype <> 'fuld' then periode end from cpr.raw.leverance where status = 'aktiv' and kommunekode is not null order by leverance_id
        """)
    con.execute("commit")


def prepare_store(con: duckdb.DuckDBPyConnection) -> None:
    """Create the tables and views of the quality store, where there are none. `con` has flis open for writing and as its own database."""
    con.execute(STORE.read_text("utf-8"))


def judge(home: Home) -> None:
    """Judge what has been measured by the rules, the accepted faults and the releases as they stand now. Does nothing where nothing has been measured."""
    with connect(home, write="flis") as con:
        if exists(con, "kvalitet", "maaling"):
            refresh(con)


def held(home: Home) -> set[tuple[str, str, str | None]]:
    """What is held back as things stand: (kommunekode, fagomraade, periode as YYYY-MM, or None = every period). The reasons are in kvalitet.tilbageholdt."""
    with connect(home) as con:
        return _held(con) if exists(con, "kvalitet", "tilbageholdt") else set()


def release(home: Home, kommune: str, fagomraade: str, reason: str) -> int:
    """Let a held package through: what breaks its rules now is accepted for this once, with the reason. Returns how many results were let through.

    A release holds for the deliveries it was given for (`kvalitet.overskridelse`), and as long as no more rows break a rule than then. Raises ValidateError when there is nothing to release, or no reason.
    """
    if len(reason.strip()) < 10:
        raise ValidateError("a release needs a reason that can be read later (at least 10 characters)")
    sealing.require(home)
    with connect(home, write="flis") as con:
        refresh(con)
        rows = con.execute("select regel_id, periode, afvigelser, leverancer from kvalitet.overskridelse where frigivet is null and kommunekode = $1 and fagomraade = $2 order by all",
                           [kommune, fagomraade]).fetchall()
        if not rows:
            raise ValidateError(f"nothing holds {fagomraade} for {kommune}")
        from flis.trail.events import actor

        con.execute("begin")
        moment = now().replace(tzinfo=None, microsecond=0)
        con.executemany("insert into kvalitet.frigivelse values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                        [[kommune, fagomraade, rule, month, count, masked(reason.strip()), actor(), moment, deliveries] for rule, month, count, deliveries in rows])
        record(con, "frigivet", kommune, fagomraade, grund=reason.strip(), regler=sorted({rule for rule, *_ in rows}), afvigelser=sum(n for _, _, n, _ in rows),
               resultater=[{"regel_id": rule, "periode": month, "afvigelser": count, "leverancer": deliveries} for rule, month, count, deliveries in rows])
        con.execute("commit")
        keep(con, home)
    return len(rows)


def _held(con: duckdb.DuckDBPyConnection) -> set[tuple[str, str, str | None]]:
    return set(con.execute("select distinct kommunekode, fagomraade, strftime(periode, '%Y-%m') from kvalitet.tilbageholdt").fetchall())


def _read_instructions(con: duckdb.DuckDBPyConnection) -> str:
    """Which municipality has instructed which area, from when to when, as temp.instrueret. Returns a sign of it."""
    if not exists(con, "raw", "opsaetning_kommune_opsaetning", "cpr"):
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
    return con.execute(f"select {content_sign('i')} from temp.instrueret as i").fetchall()[0][0]


def _models(con: duckdb.DuckDBPyConnection) -> dict[str, _Model]:
    """Every table a rule can read, by the name of its model."""
    rows = con.execute("select table_schema, table_name, list(column_name) from information_schema.columns where table_catalog = 'flis' and list_contains($1, table_schema) group by all",
                       [list(SCHEMAS)]).fetchall()
    return {name: _Model(schema, name, frozenset(columns)) for schema, name, columns in rows}


class _Signs:
    """How far each rule has come, and what has moved since: by the touched slices where they are noted (flis.build.moved_rows), and by the content of the other tables."""

    def __init__(self, con: duckdb.DuckDBPyConnection, models: dict[str, _Model], setup: str) -> None:
        self.con, self.models, self.setup = con, models, setup
        self.builds = moved_rows.noted(con)
        self.build = con.execute("select coalesce(max(koersel), 0) from drift.koersel").fetchall()[0][0] if self.builds else 0
        self.followed = moved_rows.followed(con)
        self.seen = {rule: (sign, build) for rule, sign, build in con.execute("select * from kvalitet.tilstand").fetchall()}
        self.content = {(rule, table): sign for rule, table, sign in con.execute("select * from kvalitet.tabeltilstand").fetchall()}
        self._now: dict[str, str] = {}
        self._lists: dict[str, bytes] = {}

    def fingerprint(self, rule: Rule) -> str:
        """What decides the rule's result besides the data: its own words, the code lists it reads, the instructions."""
        codes = b"".join(self._code_list(name) for name in sorted(rule.code_lists))
        return hashlib.sha256(rule.measured_by.encode() + codes + self.setup.encode()).hexdigest()

    def _code_list(self, name: str) -> bytes:
        if name not in self._lists:
            self._lists[name] = b"".join(p.read_bytes() for p in (REPO / "seeds").rglob(f"{name}.csv"))
        return self._lists[name]

    def now(self, table: str) -> str:
        """A sign of the content of a table whose movements nobody notes."""
        if table not in self._now:
            model = self.models.get(table)
            self._now[table] = self.con.execute(f"select {content_sign('t')} from {model.sql} as t").fetchall()[0][0] if model else ""
        return self._now[table]

    def tables(self, rule: Rule) -> list[str]:
        """The tables a rule's result rests on that are no code lists."""
        return sorted({rule.model, rule.grundlag} | rule.reads - rule.code_lists)

    def touched(self, rule: Rule) -> list[tuple[str, object]] | None:
        """The slices (kommunekode, periode) that have moved since the rule last ran; None for everything. Periode is None where a table knows none."""
        sign, build = self.seen.get(rule.regel_id, ("", -1))
        if sign != self.fingerprint(rule):
            return None
        own = {rule.model, rule.grundlag}
        for table in self.tables(rule):
            if table not in self.followed and self.content.get((rule.regel_id, table)) != self.now(table):
                return None
        touched = self._moved(self.tables(rule), build)
        elsewhere = {name for name, _, _ in touched} - own
        if elsewhere or any(code in (moved_rows.WHOLE, None) for _, code, _ in touched) or touched and rule.raekkevidde == "land":
            return None
        if rule.raekkevidde == "skive" and any(month is None for _, _, month in touched):
            return None
        return sorted({(code, month if rule.raekkevidde == "skive" else None) for _, code, month in touched}, key=str)

    def _moved(self, tables: list[str], build: int) -> list[tuple]:
        if not self.builds:
            return []
        return self.con.execute(f"select distinct tabel, kommunekode, periode from {moved_rows.slices(self.con)} where koersel > $2 and list_contains($1, tabel)", [tables, build]).fetchall()

    def remember(self, measured: list[Rule], passed_over: list[Rule]) -> None:
        """Both have seen everything up to this build: those measured, and those for which nothing had moved."""
        self.con.execute("begin")
        for rule in measured:
            for table in ("tilstand", "tabeltilstand"):
                self.con.execute(f"delete from kvalitet.{table} where regel_id = $1", [rule.regel_id])
            self.con.execute("insert into kvalitet.tilstand values ($1, $2, $3)", [rule.regel_id, self.fingerprint(rule), self.build])
            for name in self.tables(rule):
                if name not in self.followed:
                    self.con.execute("insert into kvalitet.tabeltilstand values ($1, $2, $3)", [rule.regel_id, name, self.now(name)])
        self.con.execute("update kvalitet.tilstand set byg = $1 where list_contains($2, regel_id)", [self.build, [r.regel_id for r in passed_over]])
        self.con.execute("delete from kvalitet.tilstand where regel_id not in (select regel_id from kvalitet.regel)")
        if self.builds:
            self.con.execute("delete from drift.tilstand where model = $1", [READER])
            self.con.execute("insert into drift.tilstand select $1, min(byg) from kvalitet.tilstand having count(*) > 0", [READER])
        self.con.execute("commit")


def _tasks(con: duckdb.DuckDBPyConnection, models: dict[str, _Model], rules: list[Rule], signs: _Signs, alt: bool, narrowed: bool) -> list[_Task]:
    """What is to be measured. Fills kvalitet.skive (the slices, for Great Expectations' own connections) and temp.beroert (what is settled anew; '*' and null: all)."""
    con.execute("create or replace table kvalitet.skive (gruppe integer, kommunekode varchar, periode date)")
    con.execute("create temp table beroert (regel_id varchar, kommunekode varchar, periode date)")
    kommune, month = con.execute("select getvariable('kommune'), getvariable('maaned')").fetchall()[0]
    tasks: list[_Task] = []
    groups: dict[tuple, int] = {}
    for rule in rules:
        both = [models[name] for name in (rule.model, rule.grundlag) if name in models]       # what is tested, and what is counted
        can_narrow = rule.raekkevidde != "land" and all("kommunekode" in model.columns for model in both)
        by_month = rule.raekkevidde == "skive" and all(model.by_period for model in both) and not narrowed
        if narrowed:
            slices = [(kommune, None)] if kommune and can_narrow else None
            settled = [(kommune or "*", month)]
        else:
            slices = None if alt else signs.touched(rule)
            if slices == []:
                continue
            if not can_narrow or slices and by_month and any(m is None for _, m in slices):
                slices = None
            settled = slices or [("*", None)]
        con.executemany("insert into temp.beroert values (?, ?, ?)", [[rule.regel_id, *one] for one in settled])
        if slices is None:
            tasks.append(_Task(rule))
            continue
        key = (by_month, tuple(slices))
        if key not in groups:
            groups[key] = len(groups)
            con.executemany("insert into kvalitet.skive values (?, ?, ?)", [[groups[key], *one] for one in slices])
        tasks.append(_Task(rule, groups[key], by_month))
    return tasks


def _measure(con: duckdb.DuckDBPyConnection, models: dict[str, _Model], tasks: list[_Task], progress: Progress | None) -> dict[str, str]:
    """Run the rules; breaking rows come to temp.brud, their number to temp.fundet, rows counted to temp.talt, months to temp.maaned. Returns why rules could not run."""
    con.execute("""
        create temp table brud (regel_id varchar, kommunekode varchar, periode date, noegle varchar, leverance_id bigint, fil varchar, linje bigint);
        create temp table fundet (regel_id varchar, kommunekode varchar, periode date, afvigelser bigint);
        create temp table talt (regel_id varchar, kommunekode varchar, periode date, raekker bigint);
        create temp table maaned (grundlag varchar, periode date);
    """)
    if not tasks:
        con.execute("drop table kvalitet.skive")
        return {}
    from flis.quality.gx_duckdb import checker  # seconds to import: only a run that has something to check pays

    faults: dict[str, str] = {}
    try:
        with checker(con, "flis") as check:
            for number, task in enumerate(tasks, start=1):
                if progress:
                    progress(task.rule.regel_id, number, len(tasks))
                if error := _run_rule(con, models, check, task):
                    faults[task.rule.regel_id] = error
    finally:
        for (name,) in con.execute("select view_name from duckdb_views() where database_name = 'flis' and schema_name = 'kvalitet' and starts_with(view_name, 'udsnit_')").fetchall():
            con.execute(f'drop view kvalitet."{name}"')
    _count_rows(con, models, tasks)
    con.execute("drop table kvalitet.skive")
    return faults


def _run_rule(con: duckdb.DuckDBPyConnection, models: dict[str, _Model], check, task: _Task) -> str | None:
    """One rule through Great Expectations, and its breaking rows collected. Returns why it could not run."""
    from flis.quality.gx_duckdb import rows_query

    rule = task.rule
    missing = [name for name in dict.fromkeys((rule.model, rule.grundlag)) if name not in models]
    if missing:
        return f"Modellen {' og '.join(missing)} er ikke bygget."
    model = models[rule.model]
    schema, table, own = model.schema, model.name, None
    if rule.sql is not None:
        conditions = [f"({rule.omfang})"] if rule.omfang is not None and rule.model == rule.grundlag else []
        conditions += [task.condition] if task.group is not None else []
        own = rule.sql.replace("{batch}", f"(select * from {model.sql} where {' and '.join(conditions)})" if conditions else model.sql)
        expectation = rows_query(own)
    else:
        expectation = dict(rule.expectation)
        if task.group is not None:
            # Great Expectations looks at a table of its own: a view of the slices. (It would copy what a query gives.)
            schema, table = "kvalitet", f"udsnit_{task.group}_{model.name}"
            con.execute(f"create or replace view kvalitet.{table} as select * from {model.sql} where {task.condition}")
    wanted = [c for c in ("kommunekode", "periode", "kildesystem", "kilde_id", "_leverance_id", "_fil", "_linje") if c in model.columns]
    answer = check.check(schema, table, {**expectation, "severity": SEVERITIES[rule.alvor]}, wanted)
    if answer.error or not answer.unexpected:
        return answer.error
    query = own or answer.index_query
    return _collect(con, models, rule, query) if query else "Forventningen udpeger ingen rækker; skriv reglen som sql."


def _collect(con: duckdb.DuckDBPyConnection, models: dict[str, _Model], rule: Rule, query: str) -> str | None:
    """Put a rule's breaking rows in temp.brud, and their number per municipality and period in temp.fundet. Returns a reason if that cannot be done."""
    from flis.quality.gx_duckdb import first_line

    query = query.strip().rstrip(";")
    try:
        columns = {row[0] for row in con.execute(f"describe {query}").fetchall()}
        absent = [c for c in ("kommunekode", "kildesystem", "kilde_id") if c not in columns]
        if absent:
            return f"Reglens rækker mangler {', '.join(absent)}."
        by_period = models[rule.grundlag].by_period
        if by_period and "periode" not in columns:
            return "Reglens rækker mangler periode."
        optional = {name: (name if name in columns else "null") for name in ("_leverance_id", "_fil", "_linje")}
        con.execute(f"""
            create or replace temp table et_fund as
            select distinct
                coalesce(kommunekode, '{UNKNOWN}') as kommunekode,
                {"cast(periode as date)" if by_period else "cast(null as date)"} as periode,
                kildesystem || '|' || coalesce(kilde_id, 'linje ' || {optional['_linje']}) as noegle,
                cast({optional['_leverance_id']} as bigint) as leverance_id,
                cast({optional['_fil']} as varchar) as fil,
                cast({optional['_linje']} as bigint) as linje
            from ({query})
            where {IN_SCOPE} {"and " + IN_SCOPE_MONTH if by_period else ""}
        """)
    except duckdb.Error as fault:
        return first_line(str(fault))
    # Rows of a municipality that has not instructed the area are nobody's to look at: no result, no row. What lies outside the slices was settled before.
    con.execute(f"""
        delete from temp.et_fund as f
        where (f.kommunekode <> '{UNKNOWN}' and f.kommunekode not in (select kommunekode from temp.instrueret where fagomraade = $1))
            or not exists (select 1 from temp.beroert as b where b.regel_id = $2 and {_IN_SLICE.format(x='f')})
    """, [rule.fagomraade, rule.regel_id])
    con.execute("insert into temp.fundet select $1, kommunekode, periode, count(*) from temp.et_fund group by all", [rule.regel_id])
    con.execute(f"""
        insert into temp.brud
        select $1, * from temp.et_fund
        qualify row_number() over (partition by kommunekode, periode order by noegle, leverance_id, linje) <= {MOST_DEVIATIONS}
    """, [rule.regel_id])
    return None


# A row x of a result lies in a slice b of temp.beroert.
_IN_SLICE = "(b.kommunekode = '*' or b.kommunekode = {x}.kommunekode) and (b.periode is null or {x}.periode is null or b.periode = {x}.periode)"


def _count_rows(con: duckdb.DuckDBPyConnection, models: dict[str, _Model], tasks: list[_Task]) -> None:
    """How many rows each rule is about in each municipality and period, and which periods there are at all."""
    same: dict[tuple, list[str]] = {}
    for task in tasks:
        same.setdefault((task.rule.grundlag, task.rule.omfang, task.condition), []).append(task.rule.regel_id)
    months: set[str] = set()
    for (name, condition, slices), ids in same.items():
        model = models.get(name)
        if model is None or "kommunekode" not in model.columns:
            continue
        period = "cast(periode as date)" if model.by_period else "cast(null as date)"
        where = f"({condition})" if condition else "true"
        if model.by_period and name not in months:
            months.add(name)
            con.execute(f"insert into temp.maaned select distinct $1, {period} from {model.sql} where periode is not null", [name])
        try:
            con.execute(f"""
                create or replace temp table optalt as
                select coalesce(kommunekode, '{UNKNOWN}') as kommunekode, {period} as periode, count(*) as raekker
                from {model.sql} where {where} and {slices} group by all
            """)
        except duckdb.Error:
            continue            # the condition is part of the rule's own query too, which has reported it
        con.execute(f"insert into temp.talt select unnest($1), * from temp.optalt where {IN_SCOPE} and {IN_SCOPE_MONTH}", [ids])


def _store(con: duckdb.DuckDBPyConnection, run: str, moment: datetime, rules: list[Rule], tasks: list[_Task], faults: dict[str, str],
           fagomraade: str | None, alt: bool) -> None:
    """Set what was found against what was intended, and write what has changed as new versions, in one transaction."""
    con.execute("create temp table opgave (regel_id varchar, fagomraade varchar, grundlag varchar, er_samme boolean, laest varchar, fejl varchar)")
    if tasks:
        con.executemany("insert into temp.opgave values (?, ?, ?, ?, ?, ?)", [
            [t.rule.regel_id, t.rule.fagomraade, t.rule.grundlag, t.rule.model == t.rule.grundlag, "alt" if t.group is None else "skiver", faults.get(t.rule.regel_id)]
            for t in tasks])
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
            where exists (select 1 from temp.beroert as b where b.regel_id = t.regel_id and {_IN_SLICE.format(x='t')})
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
    same_key = "m.regel_id = n.regel_id and m.kommunekode = n.kommunekode and m.periode is not distinct from n.periode"
    same = f"{same_key} and m.raekker is not distinct from n.raekker and m.afvigelser is not distinct from n.afvigelser and m.aarsag is not distinct from n.aarsag"
    con.execute("begin")
    con.execute(f"""
        update kvalitet.maaling as m set til_koersel = $1
        where m.til_koersel is null and m.regel_id in (select regel_id from temp.opgave)
            and not exists (select 1 from temp.ny as n where {same})
            and (
                exists (select 1 from temp.beroert as b where b.regel_id = m.regel_id and {_IN_SLICE.format(x='m')})
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
            and exists (select 1 from temp.beroert as b where b.regel_id = f.regel_id and {_IN_SLICE.format(x='f')})
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
    con.execute("delete from kvalitet.maalt where koersel = $1 and regel_id in (select regel_id from temp.opgave)", [run])
    con.execute("insert into kvalitet.maalt select $1, regel_id, fagomraade, laest, fejl from temp.opgave order by all", [run])
    con.execute("delete from kvalitet.koersel where koersel = $1", [run])
    con.execute("insert into kvalitet.koersel values ($1, $2, $3, getvariable('kommune'), getvariable('maaned'), $4, $5, $6, $7)",
                [run, moment.replace(tzinfo=None), fagomraade, alt, len(rules), len(tasks), len(faults)])
    con.execute("commit")


def _summary(con: duckdb.DuckDBPyConnection, run: str, rules: list[Rule], tasks: list[_Task], faults: dict[str, str], fagomraade: str | None) -> ValidateResult:
    broken: dict[str, dict[str, int]] = {}
    for area, severity, count in con.execute("""
        select fagomraade, alvor, count(distinct regel_id) filter (where status = 'fejlet')
        from kvalitet.resultat where coalesce(fagomraade = $1, true) group by all order by all
    """, [fagomraade]).fetchall():
        broken.setdefault(area, dict.fromkeys(SEVERITIES, 0))[severity] = count
    deviations = con.execute("select coalesce(sum(afvigelser), 0)::bigint from kvalitet.resultat where coalesce(fagomraade = $1, true)", [fagomraade]).fetchall()[0][0]
    new, resolved = con.execute("select coalesce(sum(nye), 0)::bigint, coalesce(sum(loeste), 0)::bigint from kvalitet.udvikling where seneste = $1", [run]).fetchall()[0]
    return ValidateResult(run, len(rules), len(tasks), sorted(faults.items()), broken, deviations, new, resolved, _held(con))
