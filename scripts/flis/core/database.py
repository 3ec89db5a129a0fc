"""Connections to the two database files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from flis.core.home import Home


@contextmanager
def connect(home: Home, *, write: str | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open `flis.duckdb` with `flis_cpr.duckdb` attached as `cpr`.

    `write` says which of the two may be written to: "flis", "cpr" or None. DuckDB writes to one file per transaction, so a step
    names the one it owns. Spill files go to the home's own tmp folder, never to a shared one.
    """
    home.prepare()
    before = os.umask(0o077)        # DuckDB's write-ahead log lies beside the file, and holds the same rows; so also where a library is used without the command
    try:
        with _open(home, write) as con:
            yield con
    finally:
        os.umask(before)


@contextmanager
def _open(home: Home, write: str | None) -> Iterator[duckdb.DuckDBPyConnection]:
    for path, name in ((home.db, "flis"), (home.cpr_db, "cpr")):
        if not path.exists() and write != name:
            duckdb.connect(str(path)).close()
            os.chmod(path, 0o600)
    con = duckdb.connect(":memory:")
    try:
        con.execute(f"set temp_directory = '{home.tmp / 'duckdb'}'")
        con.execute("set TimeZone = 'UTC'")
        con.execute("set autoinstall_known_extensions = false")     # nothing is fetched at run time
        if limit := os.environ.get("FLIS_HUKOMMELSE"):
            con.execute(f"set memory_limit = '{limit}'")
        for path, name in ((home.db, "flis"), (home.cpr_db, "cpr")):
            con.execute(f"attach '{path}' as {name} {'' if write == name else '(read_only)'}")
            if path.stat().st_mode & 0o077:
                os.chmod(path, 0o600)
        con.execute(f"use {'cpr' if write == 'cpr' else 'flis'}")
        yield con
    finally:
        con.close()


def exists(con: duckdb.DuckDBPyConnection, schema: str, name: str, catalog: str = "flis") -> bool:
    """Whether there is such a table or view in one of the two files (`catalog`: flis or cpr)."""
    return bool(con.execute("select 1 from information_schema.tables where table_catalog = ? and table_schema = ? and table_name = ?", [catalog, schema, name]).fetchall())


def unreadable(path: Path) -> str | None:
    """What DuckDB says when a database file cannot be read; None for one that is whole. Every block is read, which takes as long as reading the file: each has a checksum."""
    con = duckdb.connect(":memory:")
    try:
        con.execute(f"attach '{path}' as fil (read_only)")
        for schema, table in con.execute("select schema_name, table_name from duckdb_tables() where database_name = 'fil'").fetchall():
            con.execute(f'select bit_xor(hash(t)) from fil."{schema}"."{table}" as t').fetchall()
    except duckdb.Error as fault:
        return str(fault).splitlines()[0]
    finally:
        con.close()
    return None


def content_sign(alias: str) -> str:
    """SQL that tells whether the rows of the relation `alias` are the same as before, whatever their order: their number, and two sums of their hashes.

    Two, because equal rows take each other out of an exclusive or.
    """
    return f"count(*) || '-' || coalesce(sum(cast(hash({alias}) as hugeint)), 0) || '-' || coalesce(bit_xor(hash({alias})), 0)"
