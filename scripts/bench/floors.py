"""The floors: the work of a step done bare, with DuckDB and nothing around it. Each runs in a process of its own and prints its figures as JSON.

    python scripts/bench/floors.py load|build|package HOME SCRATCH

The seconds are those of the work alone, without starting Python. What a floor does and leaves out is said in its docstring.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import zipfile
import zlib
from collections import Counter, defaultdict
from pathlib import Path
from typing import IO, Any

from measure import Clock

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

CHUNK = 1024 * 1024


def _text(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def _settings(con, scratch: Path, limit: str) -> None:
    con.execute(f"set temp_directory = {_text(scratch / 'spild')}")
    con.execute("set TimeZone = 'UTC'")
    con.execute(f"set memory_limit = {_text(os.environ.get('FLIS_HUKOMMELSE', limit))}")


def _read_only(home: Path, scratch: Path):
    """A connection in memory with the home's two files beside it, as dbt has them but for writing."""
    import duckdb

    con = duckdb.connect(":memory:")
    _settings(con, scratch, "6GB")
    con.execute(f"attach {_text(home / 'flis.duckdb')} as flis (read_only)")
    con.execute(f"attach {_text(home / 'flis_cpr.duckdb')} as cpr (read_only)")
    con.execute("use flis")
    return con


# --- load --------------------------------------------------------------------------------------------------------------------------------------------

def load(home: Path, scratch: Path) -> dict[str, Any]:
    """The files in the inbox: each read once in Python for its hash and its packed copy in the archive, then all files of a shape read by DuckDB into text tables.

    DuckDB decodes UTF-8, latin-1 and gzip itself while it reads; Windows-1252 and zip it cannot, so they are decoded in the first pass. A fixed line is cut into
    its table's columns; where a file has several record types, its lines are read once and cut once per type. Nothing is checked, counted or remembered, and
    no row is told where it came from. One thread in Python, then all of DuckDB's.
    """
    import duckdb

    from flis.contract import read_contracts
    from flis.inspection import plain_name

    contracts = read_contracts(None)
    matched = [(path, match) for path in sorted((home / "indbakke").glob("*/*")) if (match := contracts.match(path.parent.name, plain_name(path.name)))]
    (scratch / "arkiv").mkdir()
    (scratch / "tekst").mkdir()
    shapes: dict[tuple, tuple[Any, list[Path]]] = {}
    size, clock = 0, Clock()
    with clock:
        for number, (path, match) in enumerate(matched):
            ft = match.filetype
            size += path.stat().st_size
            ours = path.suffix == ".zip" or ft.charset == "windows-1252"
            readable = _first_pass(path, scratch, number, ft.charset if ours else None)
            encoding = "utf-8" if ours or ft.charset.startswith("utf-8") else "latin-1"
            shapes.setdefault((ft.origin, match.version.version, _width(readable, match), encoding), (ft, []))[1].append(readable)
    con = duckdb.connect(str(scratch / "gulv.duckdb"))
    _settings(con, scratch, "1GB")
    rows = 0
    for number, ((*_, width, encoding), (ft, paths)) in enumerate(shapes.items()):
        with clock:
            rows += _into_tables(con, f"t{number}", ft, width, encoding, paths)
    with clock:
        con.close()
    return {"wall": clock.wall, "cpu": clock.cpu, "rows": rows, "files": len(matched), "bytes": size}


def _first_pass(path: Path, scratch: Path, number: int, charset: str | None) -> Path:
    """Hash and archive one file; decode it to a file of ours when `charset` is given. Returns the file that DuckDB can read."""
    digest = hashlib.sha256()
    packed = path.suffix in (".gz", ".zip")
    pack = zlib.compressobj(1, zlib.DEFLATED, 31)
    text = scratch / "tekst" / f"{number}.txt"
    decoded: IO[bytes] | None = text.open("wb") if charset and path.suffix != ".zip" else None
    with path.open("rb") as source, (scratch / "arkiv" / f"{number}.gz").open("wb") as out:
        while data := source.read(CHUNK):
            digest.update(data)
            out.write(data if packed else pack.compress(data))
            if decoded:
                decoded.write(data.decode("cp1252").encode())
        if not packed:
            out.write(pack.flush())
    if decoded:
        decoded.close()
        return text
    if path.suffix == ".zip":
        package = zipfile.ZipFile(path)
        with package.open(package.namelist()[0]) as source, text.open("wb") as out:
            while data := source.read(CHUNK):
                out.write(data.decode("latin-1" if charset == "iso-8859-1" else "cp1252" if charset == "windows-1252" else "utf-8").encode())
        return text
    return path


def _width(path: Path, match: Any) -> int:
    """Fields in a line: those of the contract, and more where the municipality has local ones."""
    ft = match.filetype
    if ft.kind != "delimited":
        return 1
    if path.suffix == ".gz":
        return len(ft.columns_of(match.version)) + bool(ft.format.get("afsluttende_adskiller"))
    with path.open("rb") as file:
        return file.readline().count(ft.format["adskiller"].encode()) + 1


def _into_tables(con, name: str, ft: Any, width: int, encoding: str, paths: list[Path]) -> int:
    """All files of a shape into one text table (one per record type); returns the number of rows."""
    files = f"[{', '.join(map(_text, paths))}]"
    if ft.kind != "delimited":
        reader = f"""
            select column0 as tekst from read_csv({files}, delim = '\x01', columns = {{'column0': 'varchar'}}, header = false, auto_detect = false,
                quote = '', escape = '', encoding = '{encoding}')
        """
        kind = ft.format.get("recordtype")
        con.execute(f"create {'temp' if kind else ''} table {name} as {reader}" if kind or ft.kind != "fixed" else f"create table {name} as select {_cut(ft.tables[0])} from ({reader})")
        if not kind:
            return con.execute(f"select count(*) from {name}").fetchall()[0][0]
        rows = 0
        for table in ft.tables:
            con.execute(f"create table {name}_{table.name} as select {_cut(table)} from {name} where substr(tekst, {kind['pos']}, {kind['len']}) = {_text(table.recordtype)}")
            rows += con.execute(f"select count(*) from {name}_{table.name}").fetchall()[0][0]
        con.execute(f"drop table {name}")
        return rows
    columns = ", ".join(f"'c{i}': 'varchar'" for i in range(width))
    quote = ft.format.get("citation") or ""
    con.execute(f"""
        create table {name} as
        select * from read_csv({files}, delim = {_text(ft.format['adskiller'])}, columns = {{{columns}}}, header = {ft.has_header}, auto_detect = false,
            quote = {_text(quote)}, escape = {_text(quote)}, encoding = '{encoding}', strict_mode = false, ignore_errors = true)
    """)
    return con.execute(f"select count(*) from {name}").fetchall()[0][0]


def _cut(table: Any) -> str:
    return ", ".join(f"substr(tekst, {c.pos}, {c.length}) as {c.name}" for c in table.columns)


# --- build -------------------------------------------------------------------------------------------------------------------------------------------

def build(home: Path, scratch: Path) -> dict[str, Any]:
    """The models' compiled SQL of the dbt run just made, in the order they ran, one after another in one connection, each into a table in memory that is then dropped.

    What an incremental model reads is narrowed by the lists of touched slices (drift.skive__*), which stand until the next run, so the slices are those of the run. The
    database files are read as they are after it, which is what each model found but for the models before it having been written meanwhile. In it: all tables, incremental
    and whole; views are views, read where they are used. Not in it: taking the old slices out, writing and compressing the new ones to disk, noting what was touched, contracts,
    seeds, tests, and dbt. The tests' own queries are timed apart (`tests`), as a matter of interest.
    """
    target = Path(os.environ["DBT_TARGET_PATH"])
    results = json.loads((target / "run_results.json").read_text("utf-8"))["results"]
    nodes = json.loads((target / "manifest.json").read_text("utf-8"))["nodes"]
    con = _read_only(home, scratch)
    lists = {name for (name,) in con.execute("select table_name from duckdb_tables() where database_name = 'flis' and schema_name = 'drift' and table_name like 'skive\\_\\_%' escape '\\'").fetchall()}
    clock, tests = Clock(), Clock()
    rows, slowest = 0, []
    models = 0
    for one in results:
        node = nodes.get(one["unique_id"])
        if not node or not one.get("compiled_code") or one["status"] not in ("success", "pass", "fail", "warn"):
            continue
        if node["resource_type"] == "model" and node["config"]["materialized"] in ("table", "incremental"):
            if "flis_mindste" in one["compiled_code"] and f"skive__{node['name']}" in lists:      # the pre-hook tells the planner the least and the greatest delivery
                for variable, least in (("flis_mindste", "min"), ("flis_stoerste", "max")):
                    con.execute(f"set variable {variable} = (select {least}(_leverance_id) from drift.skive__{node['name']})")
            before = clock.wall
            with clock:
                con.execute(f"create temp table gulv as {one['compiled_code']}")
            rows += con.execute("select count(*) from gulv").fetchall()[0][0]
            with clock:
                con.execute("drop table gulv")
            models += 1
            slowest.append((node["name"], round(clock.wall - before, 3)))
        elif node["resource_type"] == "test":
            with tests:
                con.execute(f"select count(*) from ({one['compiled_code']})").fetchall()
    slowest.sort(key=lambda pair: -pair[1])
    return {"wall": clock.wall, "cpu": clock.cpu, "rows": rows, "models": models, "tests": {"wall": tests.wall, "cpu": tests.cpu}, "slowest": slowest[:12]}


FLOORS = {"load": load, "build": build}


def main() -> None:
    what, home, scratch = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    try:
        print(json.dumps(FLOORS[what](home, scratch)))
    finally:
        shutil.rmtree(scratch)


if __name__ == "__main__":
    main()
