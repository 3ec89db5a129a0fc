"""The guard before a package is written: the limits are read anew from the seed, and held against the benchmark tables as they stand.

It knows nothing of what the step that withholds has decided (flis.disclosure.withholding), only what each figure rests on: how many persons, and what the largest of them has.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass

import duckdb

from flis.contracts import datapackage as dp
from flis.core.home import REPO


class Shown(Exception):
    """A table shows a figure that is to be withheld; the message says which and why."""


@dataclass(frozen=True)
class Limits:
    """The limits of what the municipalities see of each other, from the seed fortrolighedsgraense: by key figure (* is all others), fewest persons, fewest left, and the largest share that one may have."""

    of: dict[str, tuple[int, int, float]]

    @classmethod
    def read(cls) -> Limits:
        with (REPO / "seeds" / "faelles" / "fortrolighedsgraense.csv").open(encoding="utf-8", newline="") as file:
            return cls({r["noegletal_id"]: (int(r["mindste_antal_personer"]), int(r["mindste_rest"] or 0), float(r["stoerste_andel"] or 1))
                        for r in csv.DictReader(file) if r["modtagerkreds"] == "kommuner"})

    @property
    def fewest(self) -> int:
        return self.of["*"][0]

    def sql(self, table: dp.Table, which: int) -> str:
        """The limit of the key figure in the row b of a table; what has no key figures has the limit of all others."""
        own = " ".join(f"when {_text(one)} then {limits[which]}" for one, limits in sorted(self.of.items()) if one != "*")
        return f"case b.noegletal_id {own} else {self.of['*'][which]} end" if own and "noegletal_id" in table.names else str(self.of["*"][which])


def verify(con: duckdb.DuckDBPyConnection, manifest: dp.Manifest, tables: Iterable[dp.Table]) -> None:
    """Raise Shown when one of these benchmark tables shows a figure on fewer persons, or with more of it one person's, than the seed fortrolighedsgraense allows."""
    limits = Limits.read()
    for table in tables:
        if "persongrundlag" not in table.meta and not any(c.unit == "personer" for c in table.columns):
            raise Shown(f"{table.name} does not say what its figures rest on: give it meta.pakke.persongrundlag (an empty list when no figure rests on persons)")
        for rows, fault in (*_few_persons(con, manifest, table, limits), *_dominated(con, manifest, table, limits)):
            if bad := con.execute(f"select count(*) from {rows}").fetchall()[0][0]:
                raise Shown(f"{table.name} shows {bad} cells {fault}; no benchmark package is written")


def _few_persons(con: duckdb.DuckDBPyConnection, manifest: dp.Manifest, table: dp.Table, limits: Limits) -> Iterable[tuple[str, str]]:
    """Queries, with what they find, of the cells that show a figure on fewer persons than the limit.

    The model says what its figures rest on: columns in the unit personer, and `meta.pakke.persongrundlag`, a list of {model, paa}: the model whose
    antal_ columns count the persons behind the row (each side of it, and who is only below the line), and how its row g is found from the benchmark's row b.
    """
    said = f"on fewer than {limits.fewest} persons"
    for column in table.columns:
        if column.unit == "personer":
            yield f'{table.relation} where "{column.name}" > 0 and "{column.name}" < {limits.fewest}', f"{said} ({column.name})"
    for model, rows, there in _bases(con, manifest, table):
        for count in sorted(there & {"antal_personer", "antal_taeller", "antal_naevner"}):
            yield f"{rows} and g.{count} > 0 and g.{count} < {limits.sql(table, 0)}", f"{said} ({count} in {model})"
        if {"antal_rest", "antal_taeller", "antal_naevner"} <= there:
            yield f"{rows} and g.antal_rest < {limits.sql(table, 1)} and g.antal_taeller > 0 and g.antal_naevner > 0", f"{said} (antal_rest in {model})"


def _dominated(con: duckdb.DuckDBPyConnection, manifest: dp.Manifest, table: dp.Table, limits: Limits) -> Iterable[tuple[str, str]]:
    """The same, of the cells of which one person has more than the limit: where the model has the largest person's part of a side (stoerste_) beside the side itself."""
    for model, rows, there in _bases(con, manifest, table):
        for side in ("taeller", "naevner"):
            for whole in sorted(there & {side, f"sum_{side}"} if f"stoerste_{side}" in there else ()):
                yield f"{rows} and g.{whole} <> 0 and cast(g.stoerste_{side} as double) > {limits.sql(table, 2)} * abs(cast(g.{whole} as double))", f"of which one person has nearly all (stoerste_{side} in {model})"


def _bases(con: duckdb.DuckDBPyConnection, manifest: dp.Manifest, table: dp.Table) -> Iterable[tuple[str, str, set[str]]]:
    """What the figures of a benchmark table rest on: the model, the cells that show one with their rows g there, and the model's columns."""
    figures = " or ".join(f'b."{c.name}" is not null' for c in table.columns if dp.field_type(c.type) == "number")
    for basis in table.meta.get("persongrundlag") or []:
        relation = manifest.relation(basis["model"])
        there = {name for (name,) in con.execute(f"select column_name from (describe {relation})").fetchall()}
        yield basis["model"], f"{table.relation} as b inner join {relation} as g on {basis['paa']} where ({figures})", there


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
