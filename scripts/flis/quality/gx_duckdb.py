"""Great Expectations on DuckDB: what it takes to make the two work together, and nothing else.

Importing this module imports Great Expectations (seconds): import it inside the function that needs it.
"""

from __future__ import annotations

import atexit
import logging
import os
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

os.environ["GX_ANALYTICS_ENABLED"] = "false"  # before the import: it is read there

import duckdb
import duckdb_engine
import great_expectations as gx
from great_expectations.expectations.registry import list_registered_expectation_implementations
from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy


class _Buffered(duckdb_engine.Dialect.execution_ctx_cls):
    """Great Expectations fetches after the connection went back to the pool, when DuckDB has dropped the result: fetch at once."""

    def post_exec(self) -> None:
        super().post_exec()
        if self.cursor is not None and self.cursor.description:
            self.cursor_fetch_strategy = FullyBufferedCursorFetchStrategy(
                self.cursor, initial_buffer=self.cursor.fetchall())


duckdb_engine.Dialect.execution_ctx_cls = _Buffered


class BreakingRows(gx.expectations.UnexpectedRowsExpectation):
    """A query that gives no rows, by its count alone: the original fetches rows too, all of them through the buffer above, and runs the query twice."""

    metric_dependencies: ClassVar[tuple[str, ...]] = ("unexpected_rows_query.row_count",)

    def _validate(self, metrics: dict, runtime_configuration: dict | None = None, execution_engine: Any = None) -> dict:
        count = metrics["unexpected_rows_query.row_count"]
        return {"success": count == 0, "result": {"observed_value": count}}


@atexit.register
def _quiet_exit() -> None:
    """Great Expectations and duckdb-engine together keep DuckDB's module alive to the end, and its binding then prints a page of leaks."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


@dataclass(frozen=True)
class Answer:
    """What Great Expectations says of one expectation: rows that break it and the SQL that gives them (None where it has none), or an error."""

    unexpected: int
    index_query: str | None
    error: str | None


class Checker:
    """Runs one expectation at a time on tables of the open database. One ephemeral context, table assets only (a query asset copies the table)."""

    def __init__(self, datasource: Any) -> None:
        self._datasource = datasource
        self._batches: dict[tuple[str, str], Any] = {}

    def check(self, schema: str, table: str, expectation: dict[str, Any], index_columns: list[str]) -> Answer:
        """Run one expectation (`type`, `kwargs`, `severity`) on the whole table. Its own faults come back as `error`, never as an exception."""
        try:
            if expectation["type"] not in list_registered_expectation_implementations():
                return Answer(0, None, f"Great Expectations har ingen forventning {expectation['type']}.")
            batch = self._batch(schema, table)
            outcome = gx.ExpectationSuite(name=table, expectations=[expectation]).expectations[0]
            result = batch.validate(outcome, result_format={
                "result_format": "BASIC",
                "unexpected_index_column_names": index_columns,
                "return_unexpected_index_query": True,
            })
        except Exception as fault:  # noqa: BLE001 - a rule is data: whatever is wrong with it is reported, and the others go on
            return Answer(0, None, first_line(str(fault)))
        if error := _error_in(result.exception_info):
            return Answer(0, None, error)
        found = result.result
        count = found.get("unexpected_count", found.get("observed_value"))
        if not isinstance(count, int):
            return Answer(0, None, None if result.success else "Forventningen udpeger ingen rækker; skriv reglen som sql.")
        return Answer(count, found.get("unexpected_index_query"), None)

    def _batch(self, schema: str, table: str) -> Any:
        if (schema, table) not in self._batches:
            asset = self._datasource.add_table_asset(f"{schema}.{table}", table_name=table, schema_name=schema)
            self._batches[schema, table] = asset.add_batch_definition_whole_table("alt").get_batch()
        return self._batches[schema, table]


@contextmanager
def checker(con: duckdb.DuckDBPyConnection, catalog: str) -> Iterator[Checker]:
    """A checker on cursors of our own connection. (An address of the file would open it anew, which DuckDB refuses after dbt in the same process.)"""
    def creator() -> Any:
        cursor = con.cursor()
        cursor.execute(f"use {catalog}")
        return duckdb_engine.ConnectionWrapper(cursor)

    log = logging.getLogger("great_expectations")     # what it has to say comes back as an Answer
    log.propagate = False
    log.addHandler(logging.NullHandler())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False}
        datasource = context.data_sources.add_sql(
            catalog, connection_string="duckdb://", kwargs={"creator": creator}, create_temp_table=False)
        try:
            yield Checker(datasource)
        finally:
            datasource.get_engine().dispose()


def rows_query(sql: str) -> dict[str, Any]:
    """The expectation that a query gives no rows. The query names its tables itself, so that the very same text gives the rows afterwards.

    Great Expectations would write `{batch}` as a subquery with an alias of its own (no place for the rule's alias), and warns when it is missing:
    it stands in a comment. Other braces are doubled for its formatting, and colons kept from SQLAlchemy, which takes `:name` for a parameter.
    """
    text = sql.replace("{", "{{").replace("}", "}}")
    text = re.sub(r"(?<![:\w\\]):(\w+)(?!:)", r"\\:\1", text)
    return {"type": "breaking_rows", "kwargs": {"unexpected_rows_query": f"{text}\n/* {{batch}} */"}}


def _error_in(info: Any) -> str | None:
    """The first message in `exception_info`, which is one dict, or one per metric."""
    if not info:
        return None
    entries = [info] if "raised_exception" in info else list(info.values())
    for entry in entries:
        if entry.get("raised_exception"):
            return first_line(entry.get("exception_message") or "")
    return None


def first_line(message: str) -> str:
    """The first line that says something. DuckDB echoes values in single quotes; a reason never does."""
    lines = [re.sub(r"^\(_duckdb\.\w+\) ", "", line.strip()) for line in message.splitlines() if line.strip()]
    return re.sub(r"'[^']*'", "'…'", lines[0] if lines else "Ukendt fejl")[:300]
