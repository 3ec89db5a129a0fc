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
from functools import cache
from typing import Any, ClassVar

os.environ["GX_ANALYTICS_ENABLED"] = "false"  # before the import: it is read there

import duckdb
import duckdb_engine
import great_expectations as gx
import sqlalchemy
from great_expectations.execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.table_metrics.table_column_types import ColumnTypes
from great_expectations.expectations.metrics.table_metrics.table_row_count import TableRowCount
from great_expectations.expectations.registry import get_expectation_impl, get_metric_kwargs
from great_expectations.validator.metric_configuration import MetricConfiguration
from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy

LOG = logging.getLogger("great_expectations")       # what it has to say comes back as an Answer
LOG.propagate = False
LOG.addHandler(logging.NullHandler())

TAKEN = "memory.main.brydende"      # in the connection's own memory, which its cursors share, and they alone
ORIGIN = ("kommunekode", "periode", "kildesystem", "kilde_id", "_leverance_id", "_fil", "_linje")       # what is kept of a breaking row


class _Buffered(duckdb_engine.Dialect.execution_ctx_cls):
    """Great Expectations fetches after the connection went back to the pool, when DuckDB has dropped the result: fetch at once."""

    def post_exec(self) -> None:
        super().post_exec()
        if self.cursor is not None and self.cursor.description:
            self.cursor_fetch_strategy = FullyBufferedCursorFetchStrategy(
                self.cursor, initial_buffer=self.cursor.fetchall())


duckdb_engine.Dialect.execution_ctx_cls = _Buffered


class _Columns(ColumnTypes):
    """A table's columns and their types, asked of DuckDB: through SQLAlchemy's reflection they cost more than the rule (tens of milliseconds, in PostgreSQL's catalogue)."""

    @metric_value(engine=SqlAlchemyExecutionEngine)
    def _sqlalchemy(cls, execution_engine: Any, metric_domain_kwargs: dict, **_: Any) -> list[dict]:
        rows = sqlalchemy.select(sqlalchemy.text("*")).select_from(execution_engine.get_domain_records(metric_domain_kwargs))
        with execution_engine.engine.connect() as con:
            return [{"name": name, "type": kind} for name, kind, *_ in con.exec_driver_sql(f"describe {rows.compile(execution_engine.engine)}")]


class _Rows(TableRowCount):
    """How many rows a table has: not counted. Every condition is said to need it and none reads it, and a table may be a view that is all worked out to be counted."""

    @metric_value(engine=SqlAlchemyExecutionEngine)
    def _sqlalchemy(cls, **_: Any) -> None:
        return None


class _Taking:
    """Mixed into an expectation: the rows that break it are put in the table TAKEN, by one query, and their number is what that query says it wrote.

    As shipped, Great Expectations asks for rows, empty values, breaking values and examples in a query each, keeps no more than 200 of them, and draws them through Python.
    """

    def _validate(self, metrics: dict, runtime_configuration: dict | None = None, execution_engine: Any = None) -> dict:
        kept = ", ".join(f"'{name}'" for name in ORIGIN)
        with execution_engine.engine.begin() as con:
            count = con.exec_driver_sql(
                f"create or replace table {TAKEN} as select columns(lambda c: c in ({kept})) from ({self._breaking(metrics, execution_engine)}\n)").scalar()
        return {"success": count == 0, "result": {"observed_value": count}}

    def _breaking(self, metrics: dict, execution_engine: Any) -> str:
        """The query that gives the breaking rows."""
        raise NotImplementedError


class _TakingByCondition(_Taking):
    """One of Great Expectations' own about values: what breaks it is a condition there (`.condition`), and all of its other queries are left out.

    `meta` says which rows it is tried on (`rows`, SQL): its own row conditions cannot say what SQL can.
    """

    map_metric: ClassVar[str]       # all three are the expectation's
    configuration: Any
    meta: Any

    def get_validation_dependencies(self, execution_engine: Any = None, runtime_configuration: dict | None = None, **kwargs: Any) -> Any:
        needed = BatchExpectation.get_validation_dependencies(self, execution_engine, runtime_configuration)
        keys = get_metric_kwargs(self._condition, configuration=self.configuration, runtime_configuration=runtime_configuration)
        needed.set_metric_configuration(self._condition, MetricConfiguration(self._condition, keys["metric_domain_kwargs"], keys["metric_value_kwargs"]))
        return needed

    @property
    def _condition(self) -> str:
        return f"{self.map_metric}.condition"

    def _breaking(self, metrics: dict, execution_engine: Any) -> str:
        condition, of_batch, of_columns = metrics[self._condition]
        said = {"bind": execution_engine.engine, "compile_kwargs": {"literal_binds": True}}
        table = execution_engine.get_domain_records({**of_batch, **of_columns}).compile(**said)
        return f"select * from (select * from ({table}) where {(self.meta or {}).get('rows') or 'true'}) where {condition.compile(**said)}"


class BreakingRows(_Taking, gx.expectations.UnexpectedRowsExpectation):
    """A query that gives no rows."""

    metric_dependencies: ClassVar[tuple[str, ...]] = ()

    def _breaking(self, metrics: dict, execution_engine: Any) -> str:
        return self.unexpected_rows_query.format(batch="")


@cache
def _taking(kind: str) -> None:
    """Let the expectation of this name take its rows. It keeps its name, fields and meaning: it is registered in the place of the one it is made of."""
    shipped = get_expectation_impl(kind)
    if not issubclass(shipped, _Taking):
        type(shipped.__name__, (_TakingByCondition, shipped), {"__module__": __name__, "__doc__": shipped.__doc__})


@atexit.register
def _quiet_exit() -> None:
    """Great Expectations and duckdb-engine together keep DuckDB's module alive to the end, and its binding then prints a page of leaks."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


@dataclass(frozen=True)
class Answer:
    """What Great Expectations says of one expectation: how many rows break it (they stand in TAKEN), or an error."""

    unexpected: int
    error: str | None = None


class Checker:
    """Runs one expectation at a time on tables of the open database. One ephemeral context, table assets only (a query asset copies the table)."""

    def __init__(self, datasource: Any) -> None:
        self._datasource = datasource
        self._batches: dict[tuple[str, str], Any] = {}

    def take(self, schema: str, table: str, expectation: dict[str, Any]) -> Answer:
        """Run one expectation (`type`, `kwargs`, `severity`; `meta` with `rows`) on the table, once. Its own faults come back as `error`, never as an exception."""
        try:
            _taking(expectation["type"])
            outcome = gx.ExpectationSuite(name=table, expectations=[expectation]).expectations[0]
            result = self._batch(schema, table).validate(outcome, result_format="BASIC")
        except Exception as fault:  # noqa: BLE001 - a rule is data: whatever is wrong with it is reported, and the others go on
            return Answer(0, first_line(str(fault)))
        if error := _error_in(result.exception_info):
            return Answer(0, error)
        return Answer(result.result["observed_value"])

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

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False}
        context._save_project_config = lambda: None       # it is kept nowhere, and written out as YAML for each table all the same
        datasource = context.data_sources.add_sql(
            catalog, connection_string="duckdb://", kwargs={"creator": creator}, create_temp_table=False)
        try:
            yield Checker(datasource)
        finally:
            datasource.get_engine().dispose()


def rows_query(sql: str) -> dict[str, Any]:
    """The expectation that a query gives no rows. The query names its tables itself.

    Great Expectations would write `{batch}` as a subquery with an alias of its own (no place for the rule's alias), and warns when it is missing: it stands in a comment.
    Other braces are doubled for its formatting.
    """
    text = sql.strip().rstrip(";").replace("{", "{{").replace("}", "}}")
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
