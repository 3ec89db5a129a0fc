"""The set-up of an installation: <home>/opsaetning/*.csv, checked and read into raw.opsaetning_*."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flis.core.home import REPO, Home, now
from flis.core.keys import masked

if TYPE_CHECKING:
    import duckdb


class SetupError(Exception):
    """A set-up file cannot be used. The text names file, line and column."""


def _code(value: str) -> str:
    if not re.fullmatch(r"\d{4}", value):
        raise ValueError("must be four digits")
    return value


def _name(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", value):
        raise ValueError("must be a name in lower case")
    return value


def _text(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be empty")
    return value


def _free(value: str) -> str:
    return masked(value)


def _known_reason(value: str) -> str:
    if len(value) < 10:
        raise ValueError("must say why the fault is accepted (at least 10 characters)")
    return masked(value)


def _count(value: str) -> int:
    if not value.isdigit():
        raise ValueError("must be a whole number")
    return int(value)


def _date(value: str) -> date:
    return date.fromisoformat(value)


def _day(value: str) -> date | None:
    return date.fromisoformat(value) if value else None


def _boolean(value: str) -> bool:
    if value not in ("true", "false"):
        raise ValueError("must be true or false")
    return value == "true"


def _one_of(*allowed: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        if value not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return value
    return check


FILES: dict[str, dict[str, tuple[Callable[[str], Any], str]]] = {
    "kommune_opsaetning": {
        "kommunekode": (_code, "varchar"), "fagomraade": (_name, "varchar"), "kildesystem": (_name, "varchar"),
        "kadence": (_one_of("maaned", "uge", "dag"), "varchar"), "gyldig_fra": (_day, "date"), "gyldig_til": (_day, "date"),
        "instrueret": (_boolean, "boolean")},
    "lokale_felter": {
        "kommunekode": (_code, "varchar"), "kildesystem": (_name, "varchar"), "tabel": (_name, "varchar"), "felt": (_text, "varchar"),
        "beskrivelse": (_free, "varchar")},
    "pakke_oenske": {
        "kommunekode": (_code, "varchar"), "fagomraade": (_name, "varchar"), "datasaet": (_text, "varchar"), "udelad_felter": (_free, "varchar"),
        "fra_periode": (_day, "date"), "format": (_one_of("parquet", "csv", "begge"), "varchar"), "cpr": (_boolean, "boolean"),
        "gyldig_fra": (_day, "date"), "gyldig_til": (_day, "date")},
    "accepteret_fejl": {
        "kommunekode": (_code, "varchar"), "regel_id": (_text, "varchar"), "periode": (_day, "date"), "antal": (_count, "integer"),
        "grund": (_known_reason, "varchar"), "dato": (_date, "date"), "gyldig_til": (_day, "date")},
}


@dataclass
class Setup:
    """What each municipality delivers through which system and has instructed. Periods are half-open; None is open."""

    rows: dict[str, list[dict[str, Any]]]
    municipalities: frozenset[str]
    by_name: dict[str, str] = field(default_factory=dict)           # lower case name, with and without "Kommune" → code
    acted_for: dict[str, str] = field(default_factory=dict)         # who has another act for it → that other (Vallensbæk → Ishøj)
    _by_source: dict[tuple[str, str], dict[str, list[dict[str, Any]]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for row in self.rows["kommune_opsaetning"]:
            self._by_source.setdefault((row["fagomraade"], row["kildesystem"]), {}).setdefault(row["kommunekode"], []).append(row)

    def instructed(self, fagomraade: str, kildesystem: str, kommunekode: str | None, first: date, last: date) -> bool | None:
        """Whether data of [first, last] may be stored: True, False (agreed but not instructed), None (not agreed).

        Without a municipality: whether any has agreed and instructed.
        """
        source = self._by_source.get((fagomraade, kildesystem), {})
        rows = [r for code, some in source.items() if kommunekode in (None, code) for r in some
                if (r["gyldig_fra"] or date.min) <= last and first < (r["gyldig_til"] or date.max)]
        return any(r["instrueret"] for r in rows) if rows else None

    def without_instruction(self, fagomraade: str, kildesystem: str, first: date, last: date) -> list[str]:
        """Municipalities whose rows in a file for several must not be stored."""
        return sorted(k for k in self.municipalities if not self.instructed(fagomraade, kildesystem, k, first, last))

    def local_fields(self, kommunekode: str | None, kildesystem: str, tables: Iterable[str]) -> frozenset[str]:
        names = set(tables)
        return frozenset(r["felt"] for r in self.rows["lokale_felter"]
                         if r["kommunekode"] == kommunekode and r["kildesystem"] == kildesystem and r["tabel"] in names)


def read_setup(home: Home, seeds: Path | None = None) -> Setup:
    """Read and check the set-up files. kommune_opsaetning.csv must be there; the others may be left out. Raises SetupError."""
    rows = {name: _read(home.setup / f"{name}.csv", columns, required=name == "kommune_opsaetning") for name, columns in FILES.items()}
    seed = (seeds or REPO / "seeds") / "faelles" / "kommune.csv"
    known: list[dict[str, str]] = []
    if seed.is_file():
        with seed.open(encoding="utf-8", newline="") as source:
            known = [r for r in csv.DictReader(source) if r["er_kommune"] == "true"]
    codes = {r["kommunekode"] for r in (*rows["kommune_opsaetning"], *known)}
    names = {f"{r['kommunenavn']}{end}".lower(): r["kommunekode"] for r in known for end in ("", " Kommune", "s Kommune")}
    acted_for = {r["kommunekode"]: r["handlekommunekode"] for r in known if r["handlekommunekode"] not in ("", r["kommunekode"])}
    return Setup(rows, frozenset(codes), names, acted_for)


def _read(path: Path, columns: dict[str, tuple[Callable[[str], Any], str]], required: bool) -> list[dict[str, Any]]:
    if not path.is_file():
        if required:
            raise SetupError(f"{path} is missing: it says who delivers what. Columns: {','.join(columns)}")
        return []
    faults, rows = [], []
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise SetupError(f"{path} is not UTF-8 (byte {error.start})") from error
    reader = csv.reader(text.splitlines(keepends=True), strict=True)
    header = next(reader, [])
    if header != list(columns):
        raise SetupError(f"{path}, line 1: the header must be {','.join(columns)}")
    for values in reader:
        if not any(values):
            continue
        if len(values) != len(columns):
            faults.append(f"{path}, line {reader.line_num}: {len(values)} fields, must be {len(columns)}")
            continue
        row = {}
        for (name, (convert, _)), value in zip(columns.items(), values, strict=True):
            try:
                row[name] = convert(value.strip())
            except ValueError as error:
                faults.append(f"{path}, line {reader.line_num}, column {name}: {error}")
        if row.get("gyldig_fra") and row.get("gyldig_til") and row["gyldig_fra"] >= row["gyldig_til"]:
            faults.append(f"{path}, line {reader.line_num}, column gyldig_til: must be after gyldig_fra (it is the first day that no longer counts)")
        rows.append(row)
    if faults:
        raise SetupError("\n".join(faults[:20]))
    return rows


def store(con: duckdb.DuckDBPyConnection, setup: Setup) -> None:
    """Write the set-up to raw.opsaetning_*, whole."""
    for name, columns in FILES.items():
        table = f"raw.opsaetning_{name}"
        con.execute(f"create or replace table {table} ({', '.join(f'{c} {kind}' for c, (_, kind) in columns.items())})")
        rows = setup.rows[name]
        if rows:
            values = ", ".join(f"unnest(cast(${i} as {kind}[]))" for i, (_, kind) in enumerate(columns.values(), start=1))
            con.execute(f"insert into {table} select {values}", [[r[c] for r in rows] for c in columns])


def span_of(periode: date | None, udtrukket: date, frist_dage: int) -> tuple[date, date]:
    """The days a delivery speaks of: its month, or the extract's day with the deadline before it (an extract may be made just after a system's last day)."""
    if periode is None:
        return udtrukket - timedelta(days=frist_dage), udtrukket
    following = date(periode.year + periode.month // 12, periode.month % 12 + 1, 1)
    return periode, following - timedelta(days=1)


def instructed_now(con: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """Municipality → the fagområder with an instruction in force now, in order. No instruction, no processing: no package and no report. `con` has cpr attached."""
    from flis.core.database import exists  # here: who only reads the set-up does not pay for DuckDB

    if not exists(con, "raw", "opsaetning_kommune_opsaetning", "cpr"):
        return {}
    found: dict[str, list[str]] = {}
    for code, area in con.execute("""
        select distinct kommunekode, fagomraade
        from cpr.raw.opsaetning_kommune_opsaetning
        where try_cast(cast(instrueret as varchar) as boolean)
            and coalesce(try_cast(cast(gyldig_fra as varchar) as date), date '0001-01-01') <= $1
            and $1 < coalesce(try_cast(cast(gyldig_til as varchar) as date), date '9999-12-31')
        order by all
    """, [now().date()]).fetchall():
        found.setdefault(code, []).append(area)
    return found
