"""The demo's own world: a scratch DuckDB that the generators share, and what they need to write from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import duckdb

from flis.core.home import Home

FOLDER = Path(__file__).resolve().parent


def months_back(end: date, count: int) -> list[date]:
    """The `count` months up to and with `end`, as first-of-month dates, oldest first."""
    last = end.year * 12 + end.month - 1
    return [date(n // 12, n % 12 + 1, 1) for n in range(last - count + 1, last + 1)]


def next_month(month: date) -> date:
    """First day of the month after."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


@dataclass
class Verden:
    """What every generator works on.

    `con` is an open scratch database with the schema `verden`; `scale` the share of the population; `months` the periods delivered
    (first-of-month dates, oldest first); `change` the month from which a municipality that changes system delivers from the new one.
    All randomness comes from `chance()`, so that the same arguments give the same bytes on any machine and day.
    """

    con: duckdb.DuckDBPyConnection
    home: Home
    scale: float
    months: list[date]
    seed: int
    faults: bool
    progress: Callable[[str, int, int], None] = field(default=lambda what, done, total: None)

    @property
    def change(self) -> date:
        return self.months[len(self.months) // 2]

    @property
    def first(self) -> date:
        return self.months[0]

    @property
    def end(self) -> date:
        """The day after the last period."""
        return next_month(self.months[-1])

    def chance(self, *keys: str) -> str:
        """SQL for a number in [0, 1) that depends on the seed and the keys (SQL expressions) alone."""
        return f"((hash({self.seed}::bigint, {', '.join(keys)}) % 1000003) / 1000003.0)"

    def pick(self, options: int, *keys: str) -> str:
        """SQL for a whole number in [0, options) that depends on the seed and the keys alone."""
        return f"cast(hash({self.seed}::bigint, {', '.join(keys)}) % {options} as integer)"

    def rows(self, table: str) -> int:
        return self.con.execute(f"select count(*) from {table}").fetchone()[0]

    def truth(self, model: str, sql: str) -> None:
        """Write `facit/<model>.parquet` from a query; the query states columns, types and a total order."""
        path = self.home.truth / f"{model}.parquet"
        # One thread: row groups are then cut at the same rows on every machine.
        self.con.execute("set threads = 1")
        self.con.execute(f"copy ({sql}) to '{path}' (format parquet, compression zstd, row_group_size 122880)")
        self.con.execute("reset threads")
