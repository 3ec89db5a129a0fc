"""The quality step: runs the faggrupper's rules on what the municipalities delivered.

Each rule is measured where something has moved since it last was (flis.quality.due_rules, flis.quality.measuring). What was found is set against what should have been checked (rule x municipality
with an instruction x period), so that a rule that did not run is seen, and kept as versions in `kvalitet.*` (flis.quality.result_versions). Whether it is too much is judged there, by the
thresholds as they stand now (kvalitet.sql).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from flis.core.database import connect, content_sign, exists
from flis.core.home import Home, now
from flis.core.keys import masked
from flis.quality import result_versions
from flis.quality.due_rules import Signs, Task, due, read_models
from flis.quality.measuring import Progress, measure
from flis.quality.rules import RULES, SEVERITIES, Rule, load_rules
from flis.trail import sealing
from flis.trail.events import keep, record

STORE = Path(__file__).with_name("kvalitet.sql")
PUBLISHED = Path(__file__).with_name("udgivet.sql").read_text("utf-8")


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
        models = read_models(con)
        signs = Signs(con, models, setup)
        tasks = due(con, models, rules, signs, alt, narrowed=bool(kommune or periode))
        faults = measure(con, models, tasks, progress)
        result_versions.write(con, run, moment, len(rules), tasks, faults, fagomraade, alt)
        if not (kommune or periode):
            chosen = {t.rule.regel_id for t in tasks}
            signs.remember([t.rule for t in tasks if t.rule.regel_id not in faults], [r for r in rules if r.regel_id not in chosen], set(faults))
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
    if exists(con, "drift", "offentliggjort"):
        con.execute(PUBLISHED)
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


def _summary(con: duckdb.DuckDBPyConnection, run: str, rules: list[Rule], tasks: list[Task], faults: dict[str, str], fagomraade: str | None) -> ValidateResult:
    broken: dict[str, dict[str, int]] = {}
    for area, severity, count in con.execute("""
        select fagomraade, alvor, count(distinct regel_id) filter (where status = 'fejlet')
        from kvalitet.resultat where coalesce(fagomraade = $1, true) group by all order by all
    """, [fagomraade]).fetchall():
        broken.setdefault(area, dict.fromkeys(SEVERITIES, 0))[severity] = count
    deviations = con.execute("select coalesce(sum(afvigelser), 0)::bigint from kvalitet.resultat where coalesce(fagomraade = $1, true)", [fagomraade]).fetchall()[0][0]
    new, resolved = con.execute("select coalesce(sum(nye), 0)::bigint, coalesce(sum(loeste), 0)::bigint from kvalitet.udvikling where seneste = $1", [run]).fetchall()[0]
    return ValidateResult(run, len(rules), len(tasks), sorted(faults.items()), broken, deviations, new, resolved, _held(con))
