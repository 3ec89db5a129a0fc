"""A tiny database for the quality rules, made from data: every table a rule can read, empty, in the shape its contract gives it, and the code lists as they are.

The rows that break each rule, and the neighbours that just do not, stand in tests/regler/<fagomraade>.yml.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from flis.core.database import connect
from flis.core.home import REPO, Home
from flis.core.keys import create_key
from flis.quality import rules

CASES = REPO / "tests" / "regler"
ORIGIN = {"_leverance_id": 7, "_fil": "fil.csv"}
# Tables without a contract that rules read all the same.
_OTHERS = {
    "int_faelles__formelvaerdi": ("marts", {"formel_id": "varchar", "kommunekode": "varchar", "periode": "date", "vaerdi": "decimal(18, 5)", "antal_personer": "bigint", "observationsstatus": "varchar"}),
    "udgivet": ("kvalitet", {"formel_id": "varchar", "kommunekode": "varchar", "periode": "date", "vaerdi": "decimal(18, 5)", "antal_personer": "bigint"}),
}
_SCHEMAS = {"standardized": "standardized", "marts": "marts", "kvalitet": "kvalitet"}


@cache
def contracts() -> dict[str, tuple[str, dict[str, str]]]:
    """Every model with a contract, and the others that rules read: its schema, and its columns with their types."""
    found = dict(_OTHERS)
    for file in sorted((REPO / "models").rglob("*.yml")):
        schema = _SCHEMAS.get(file.relative_to(REPO / "models").parts[0])
        for model in (yaml.safe_load(file.read_text("utf-8")) or {}).get("models", []) if schema else []:
            columns = {c["name"]: c["data_type"] for c in model.get("columns", []) if "data_type" in c}
            if columns:
                found[model["name"]] = (schema, columns)
    return found


@cache
def code_lists() -> dict[str, tuple[Path, dict[str, str]]]:
    """Every seed: its file, and the types of its columns."""
    types = {seed["name"]: seed.get("config", {}).get("column_types", {})
             for file in (REPO / "seeds").rglob("*.yml") for seed in (yaml.safe_load(file.read_text("utf-8")) or {}).get("seeds", [])}
    return {file.stem: (file, types.get(file.stem, {})) for file in sorted((REPO / "seeds").rglob("*.csv"))}


def _monthly_formula() -> dict[str, str]:
    """Per fagområde a formula of the month."""
    with code_lists()["formel"][0].open(encoding="utf-8") as file:
        return {row["fagomraade"]: row["formel_id"] for row in csv.DictReader(file) if row["opgoerelsesniveau"] == "M"}


@cache
def cases(area: str) -> dict[str, Any]:
    """The planted rows of one area: udgangspunkt, gode, brud. Those of the common rules are made of their patterns, once per area."""
    case = yaml.safe_load((CASES / f"{area}.yml").read_text("utf-8"))
    if area != rules.COMMON:
        return case
    letters = {rule.fagomraade: rule.regel_id.partition("-")[0] for rule in rules.load_rules()}
    monthly = _monthly_formula()
    systems = {name: next(row["kildesystem"] for row in cases(name)["udgangspunkt"].values() if "kildesystem" in row) for name in rules.areas()}

    def filled(part: Any, words: dict[str, str]) -> Any:
        if isinstance(part, dict):
            return {key: filled(value, words) for key, value in part.items()}
        if isinstance(part, list):
            return [filled(one, words) for one in part]
        return part.format(**words) if isinstance(part, str) else part

    def rows(entries: list[dict]) -> list[dict]:
        return [{model: {**case["udgangspunkt"][model], **given}} for entry in entries for model, given in entry.items()]

    made: dict[str, Any] = {"gode": [], "brud": {}}
    for name in rules.areas():
        words = {"fagomraade": name, "praefiks": letters[name], "kildesystem": systems[name], "formel": monthly[name]}
        made["gode"] += filled(rows(case["gode"]), words)
        made["brud"] |= {f"{letters[name]}-{number}": filled({**one, "raekker": rows(one["raekker"])}, words) for number, one in case["brud"].items()}
    return made


class World:
    """A home with the set-up and the tables, filled row by row; every row has an origin of its own."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root).prepare()
        create_key(self.home)           # a release goes into the audit trail, and that is chained with it
        self.line = 0
        with connect(self.home, write="cpr") as con:
            con.execute("create schema raw")
            con.execute("create table raw.opsaetning_kommune_opsaetning (kommunekode varchar, fagomraade varchar, kildesystem varchar, "
                        "kadence varchar, gyldig_fra varchar, gyldig_til varchar, instrueret varchar)")
            con.execute("create table raw.opsaetning_accepteret_fejl (kommunekode varchar, regel_id varchar, periode date, antal integer, grund varchar, "
                        "dato date, gyldig_til date)")
        with connect(self.home, write="flis") as con:
            for schema in ("koder", *_SCHEMAS):
                con.execute(f"create schema {schema}")
            for name, (schema, columns) in contracts().items():
                con.execute(f"create table {schema}.{name} ({', '.join(f'{c} {t}' for c, t in columns.items())})")
            for name, (file, types) in code_lists().items():
                listed = ", ".join(f"{c}: '{t}'" for c, t in types.items())
                con.execute(f"create table koder.{name} as select * from read_csv('{file}', header = true, nullstr = '', types = {{{listed}}})" if types
                            else f"create table koder.{name} as select * from read_csv('{file}', header = true, all_varchar = true)")

    def instruct(self, *kommuner: str, areas: Iterable[str] = tuple(rules.areas()), yes: str = "true",
                 start: str = "2007-01-01", end: str = "") -> None:
        with connect(self.home, write="cpr") as con:
            con.executemany("insert into raw.opsaetning_kommune_opsaetning values (?, ?, 'x', 'maaned', ?, ?, ?)",
                            [[k, a, start, end, yes] for k in kommuner for a in areas])

    def accept(self, kommunekode: str, regel_id: str, antal: int, periode: date | None = None, end: date | None = None) -> None:
        with connect(self.home, write="cpr") as con:
            con.execute("insert into raw.opsaetning_accepteret_fejl values (?, ?, ?, ?, 'Aftalt med faggruppen', date '2026-01-15', ?)", [kommunekode, regel_id, periode, antal, end])

    def add(self, *rows: tuple[str, dict]) -> None:
        """Rows as (model, columns that matter); the rest is null, and the origin a line of its own."""
        with connect(self.home, write="flis") as con:
            for model, given in rows:
                self.line += 1
                schema, columns = contracts()[model]
                row = {**{k: v for k, v in {**ORIGIN, "_linje": self.line}.items() if k in columns}, **given}
                con.execute(f"insert into {schema}.{model} ({', '.join(row)}) values ({', '.join('?' * len(row))})", list(row.values()))

    def add_cases(self, area: str) -> None:
        """Everything that stands in the area's file, good and broken."""
        self.add(*(row for entry in all_rows(area) for row in expanded(area, entry)))

    def ask(self, sql: str, *args) -> list[tuple]:
        with connect(self.home) as con:
            return con.execute(sql, list(args)).fetchall()

    def found(self, regel_id: str) -> set[tuple[str, str]]:
        return set(self.ask("select kommunekode, noegle from kvalitet.afvigelse where regel_id = ?", regel_id))

    def status(self, regel_id: str, kommunekode: str = "0101") -> list[tuple]:
        return self.ask("select periode, status from kvalitet.resultat where regel_id = ? and kommunekode = ? order by periode", regel_id, kommunekode)


def all_rows(area: str) -> list[dict]:
    """The entries of an area's file: the good ones, then those of each rule."""
    case = cases(area)
    return [*case.get("gode", []), *(row for rule in case["brud"].values() for row in rule.get("raekker") or [])]


def expanded(area: str, entry: dict) -> list[tuple[str, dict]]:
    """One entry as rows. `gentag: {kolonne: {fra, til, undtagen}}` makes a row per whole number, which may stand as {kolonne} in the other columns."""
    entry = dict(entry)
    repeat = entry.pop("gentag", None)
    ((model, given),) = entry.items()
    row = {**cases(area).get("udgangspunkt", {}).get(model, {}), **given}
    if not repeat:
        return [(model, row)]
    ((column, span),) = repeat.items()
    numbers = [n for n in range(span["fra"], span["til"] + 1) if n not in span.get("undtagen", [])]
    filled = {n: {k: v.replace(f"{{{column}}}", str(n)) if isinstance(v, str) else v for k, v in row.items()} for n in numbers}
    return [(model, {**filled[n], column: n} if column in contracts()[model][1] else filled[n]) for n in numbers]
