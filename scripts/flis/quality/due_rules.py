"""Which rules are to be measured, and where: the slices that have moved since each last was, or everything.

What has moved is read off what the build notes (flis.build.moved_rows). A rule is measured wholly when its own words, a code list it reads or the instructions have changed, when another table it
reads has moved, and where its rows cannot be told apart by municipality.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import duckdb

from flis.build import moved_rows
from flis.core.database import content_sign
from flis.core.home import REPO
from flis.quality.rules import Rule

SCHEMAS = ("standardized", "marts", "koder", "kvalitet")
READER = "flis validate"    # its row in drift.tilstand keeps the build from forgetting touched slices that no rule has looked at yet


@dataclass(frozen=True)
class Model:
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
class Task:
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


def read_models(con: duckdb.DuckDBPyConnection) -> dict[str, Model]:
    """Every table a rule can read, by the name of its model."""
    rows = con.execute("select table_schema, table_name, list(column_name) from information_schema.columns where table_catalog = 'flis' and list_contains($1, table_schema) group by all",
                       [list(SCHEMAS)]).fetchall()
    return {name: Model(schema, name, frozenset(columns)) for schema, name, columns in rows}


class Signs:
    """How far each rule has come, and what has moved since: by the touched slices where they are noted (flis.build.moved_rows), and by the content of the other tables."""

    def __init__(self, con: duckdb.DuckDBPyConnection, models: dict[str, Model], setup: str) -> None:
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
        by_month = rule.raekkevidde == "skive" and all(month is not None for _, _, month in touched)
        return sorted({(code, month if by_month else None) for _, code, month in touched}, key=str)

    def _moved(self, tables: list[str], build: int) -> list[tuple]:
        if not self.builds:
            return []
        return self.con.execute(f"select distinct tabel, kommunekode, periode from {moved_rows.slices(self.con)} where koersel > $2 and list_contains($1, tabel)", [tables, build]).fetchall()

    def remember(self, measured: list[Rule], passed_over: list[Rule], failed: set[str]) -> None:
        """The first two have seen everything up to this build: those measured, and those for which nothing had moved. Those that could not run are tried again, moved or not."""
        self.con.execute("begin")
        for rule in measured:
            for table in ("tilstand", "tabeltilstand"):
                self.con.execute(f"delete from kvalitet.{table} where regel_id = $1", [rule.regel_id])
            self.con.execute("insert into kvalitet.tilstand values ($1, $2, $3)", [rule.regel_id, self.fingerprint(rule), self.build])
            for name in self.tables(rule):
                if name not in self.followed:
                    self.con.execute("insert into kvalitet.tabeltilstand values ($1, $2, $3)", [rule.regel_id, name, self.now(name)])
        self.con.execute("update kvalitet.tilstand set byg = $1 where list_contains($2, regel_id)", [self.build, [r.regel_id for r in passed_over]])
        self.con.execute("delete from kvalitet.tilstand where regel_id not in (select regel_id from kvalitet.regel) or list_contains($1, regel_id)", [sorted(failed)])
        if self.builds:
            self.con.execute("delete from drift.tilstand where model = $1", [READER])
            self.con.execute("insert into drift.tilstand select $1, min(byg) from kvalitet.tilstand having count(*) > 0", [READER])
        self.con.execute("commit")


def due(con: duckdb.DuckDBPyConnection, models: dict[str, Model], rules: list[Rule], signs: Signs, alt: bool, narrowed: bool) -> list[Task]:
    """What is to be measured. Fills kvalitet.skive (the slices, for Great Expectations' own connections) and temp.beroert (what is settled anew; '*' and null: all)."""
    con.execute("create or replace table kvalitet.skive (gruppe integer, kommunekode varchar, periode date)")
    con.execute("create temp table beroert (regel_id varchar, kommunekode varchar, periode date)")
    kommune, month = con.execute("select getvariable('kommune'), getvariable('maaned')").fetchall()[0]
    tasks: list[Task] = []
    groups: dict[tuple, int] = {}
    for rule in rules:
        both = [models[name] for name in (rule.model, rule.grundlag) if name in models]       # what is tested, and what is counted
        can_narrow = rule.raekkevidde != "land" and all("kommunekode" in model.columns for model in both)
        if narrowed:
            slices = [(kommune, None)] if kommune and can_narrow else None
            settled = [(kommune or "*", month)]
        else:
            slices = None if alt else signs.touched(rule)
            if slices == []:
                continue
            slices = slices if can_narrow else None
            settled = slices or [("*", None)]
        con.executemany("insert into temp.beroert values (?, ?, ?)", [[rule.regel_id, *one] for one in settled])
        if slices is None:
            tasks.append(Task(rule))
            continue
        by_month = all(model.by_period for model in both) and all(m is not None for _, m in slices)
        key = (by_month, tuple(slices))
        if key not in groups:
            groups[key] = len(groups)
            con.executemany("insert into kvalitet.skive values (?, ?, ?)", [[groups[key], *one] for one in slices])
        tasks.append(Task(rule, groups[key], by_month))
    return tasks
