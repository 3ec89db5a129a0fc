"""The finance walk (raw, staging, standardized postings, the fact) through SQLMesh on DuckDB: the same SQL as dbt has compiled it, in a project made for the occasion.

Staging and the united postings are views; the postings and the fact are incremental by month, which is SQLMesh's own way of doing what the strategy `skive` does. A fair subset and no
more: no account of rows, no tests, no touched lists, no seeds. SQLMesh lives in an environment of its own (sqlmesh/requirements.lock) with the same DuckDB, reads the home's two
files attached read-only, and writes to a file of its own.
"""

from __future__ import annotations

import venv
from datetime import date
from pathlib import Path

HERE = Path(__file__).resolve().parent
POSTINGS, FACT = "std_oekonomi__postering", "fct_oekonomi__bevaegelse"
QUIET = {"SQLMESH__DISABLE_ANONYMIZED_ANALYTICS": "true", "DO_NOT_TRACK": "1"}
OURS = '"sm"."oekonomi".'


def environment(folder: Path) -> list[list[str]]:
    """The commands that install SQLMesh in `folder` from the lock; none when it is there."""
    if (folder / "klar").exists():
        return []
    venv.create(folder, with_pip=True, clear=True)
    return [[str(folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes", "-r", str(HERE / "sqlmesh" / "requirements.lock")]]


def project(folder: Path, home: Path, compiled: Path, first: date) -> None:
    """Write the project: `compiled` is dbt's target/compiled after a full compile of the walk, `first` the month the history begins with."""
    (folder / "models").mkdir(parents=True)
    (folder / "config.yaml").write_text(f"""\
gateways:
  duckdb:
    connection:
      type: duckdb
      catalogs:
        sm: '{folder / 'sm.duckdb'}'
        flis: {{type: duckdb, path: '{home / 'flis.duckdb'}', read_only: true}}
        cpr: {{type: duckdb, path: '{home / 'flis_cpr.duckdb'}', read_only: true}}
      connector_config: {{memory_limit: 6GB, TimeZone: UTC, temp_directory: '{folder / 'spild'}'}}
    state_connection: {{type: duckdb, database: '{folder / 'tilstand.duckdb'}'}}
default_gateway: duckdb
model_defaults: {{dialect: duckdb, start: '{first}'}}
""", "utf-8")
    staging = sorted(compiled.glob("models/staging/oekonomi/*/stg_*.sql"))
    names = {p.stem for p in staging} | {"int_oekonomi__postering", POSTINGS, FACT}
    for path in [*staging, compiled / "models" / "standardized" / "oekonomi" / "int_oekonomi__postering.sql",
                 compiled / "models" / "standardized" / "oekonomi" / f"{POSTINGS}.sql", compiled / "models" / "marts" / "oekonomi" / f"{FACT}.sql"]:
        sql, kind = path.read_text("utf-8"), "kind view"
        for schema in ("staging", "standardized", "marts"):
            for name in names:
                sql = sql.replace(f'"flis"."{schema}"."{name}"', f'{OURS}"{name}"')
        if path.stem in (POSTINGS, FACT):
            column, source = ("leveret_periode", "int_oekonomi__postering") if path.stem == POSTINGS else ("periode", POSTINGS)
            kind = f"kind incremental_by_time_range (time_column {column}), cron '@monthly'"
            sql = sql.replace(f'select * from {OURS}"{source}"', f'select * from {OURS}"{source}" where {column} between @start_date and @end_date')
        (folder / "models" / f"{path.stem}.sql").write_text(f'model (name {OURS}"{path.stem}", {kind});\n\n{sql}\n', "utf-8")


def plan(folder: Path, environment_folder: Path, today: date) -> list[str]:
    """The command that makes the project where it is not made, and every month that is due by `today` and not there.

    `sqlmesh run` is the verb for the latter, but on DuckDB 2.0 it breaks on a result left open in its own state; `plan --run` does the same work.
    """
    return [str(environment_folder / "bin" / "sqlmesh"), "--paths", str(folder), "--log-file-dir", str(folder / "log"),
            "plan", "--run", "--auto-apply", "--no-prompts", "--skip-tests", "--execution-time", str(today)]


def bare(compiled: Path, month: date) -> dict[str, str]:
    """The two incremental tables' SQL for one month of delivery, to be run in this order with the fact reading the postings just made (temp.<postings>)."""
    postings = (compiled / "models" / "standardized" / "oekonomi" / f"{POSTINGS}.sql").read_text("utf-8")
    fact = (compiled / "models" / "marts" / "oekonomi" / f"{FACT}.sql").read_text("utf-8")
    source = '"flis"."standardized"."int_oekonomi__postering"'
    return {POSTINGS: postings.replace(f"select * from {source}", f"select * from {source} where leveret_periode = date '{month}'"),
            FACT: fact.replace(f'"flis"."standardized"."{POSTINGS}"', f"temp.{POSTINGS}")}


def rows(folder: Path, month: date) -> dict[str, int]:
    """How many rows each of the two tables holds for a month, to be held against ours."""
    import duckdb

    with duckdb.connect(str(folder / "sm.duckdb"), read_only=True) as con:
        views = dict(con.execute("select view_name, schema_name from duckdb_views() where view_name in ($1, $2) and not internal", [POSTINGS, FACT]).fetchall())
        return {name: con.execute(f'select count(*) from "{schema}"."{name}" where {"leveret_periode" if name == POSTINGS else "periode"} = $1', [month]).fetchall()[0][0]
                for name, schema in views.items()}

