"""The floors: the work of a step done bare, with DuckDB and nothing around it. Each runs in a process of its own and prints its figures as JSON.

    python scripts/proofs/floors.py load|build|validate|package|finance HOME SCRATCH [FAGOMRAADE | all | MONTH]

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
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import IO, Any

from proofs.measure import Clock

CHUNK = 1024 * 1024
LIMIT = "4500MB"        # DuckDB's memory_limit where nothing else is said, as in profiles.yml


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
    _settings(con, scratch, LIMIT)
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

    from flis.contracts.contract import read_contracts
    from flis.intake.inspection import plain_name

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
        if ft.kind == "xml":
            con.execute(f"create temp table {name} as {reader}")
            for table in ft.tables:
                con.execute(f"create table {name}_{table.name} as select {_cut_xml(table)} from {name} where regexp_matches(tekst, '^<{table.recordtype}[ >]')")
            return sum(con.execute(f"select count(*) from {name}_{table.name}").fetchall()[0][0] for table in ft.tables)
        kind = ft.format.get("recordtype")
        cut = {"fixed": _cut, "jsonl": _cut_json}[ft.kind](ft.tables[0])
        con.execute(f"create temp table {name} as {reader}" if kind else f"create table {name} as select {cut} from ({reader})")
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


def _cut_xml(table: Any) -> str:
    """SQL that takes a table's fields out of an element on a line of its own: DuckDB's wheel reads no XML. Character references are left as they are."""
    fields = []
    for column in table.columns:
        last = (column.path or column.name).split("/")[-1]
        pattern = f' {last[1:]}="([^"]*)' if last.startswith("@") else f"<{last}[^>]*>([^<]*)"
        fields.append(f"regexp_extract(tekst, {_text(pattern)}, 1) as {column.name}")
    return ", ".join(fields)


def _cut_json(table: Any) -> str:
    return ", ".join(f"json_extract_string(tekst, {_text('$.' + (c.path or c.name))}) as {c.name}" for c in table.columns)


def _cut(table: Any) -> str:
    return ", ".join(f"substr(tekst, {c.pos}, {c.length}) as {c.name}" for c in table.columns)


# --- build -------------------------------------------------------------------------------------------------------------------------------------------

def build(home: Path, scratch: Path) -> dict[str, Any]:
    """The models' compiled SQL of the dbt run just made, in the order they ran, one after another in one connection, each into a new table of a database file, as in the floor of load.

    What an incremental model reads is narrowed by the lists of touched slices (drift.skive__*), which stand until the next run, so the slices are those of the run. The
    database files are read as they are after it, which is what each model found but for the models before it having been written meanwhile. In it: all tables, incremental
    and whole; views are views, read where they are used. Not in it: the model in Python (what is withheld: it has no SQL, and takes up last time's answers), taking the old slices out, putting the new ones among the others, noting what was touched, contracts,
    seeds, tests, and dbt. The tests' own queries are timed apart (`tests`), as a matter of interest.
    """
    target = Path(os.environ["DBT_TARGET_PATH"])
    results = json.loads((target / "run_results.json").read_text("utf-8"))["results"]
    nodes = json.loads((target / "manifest.json").read_text("utf-8"))["nodes"]
    con = _read_only(home, scratch)
    con.execute(f"attach {_text(scratch / 'gulv.duckdb')} as gulv")
    lists = {name for (name,) in con.execute("select table_name from duckdb_tables() where database_name = 'flis' and schema_name = 'drift' and table_name like 'skive\\_\\_%' escape '\\'").fetchall()}
    clock, tests = Clock(), Clock()
    rows, slowest = 0, []
    models = 0
    for one in results:
        node = nodes.get(one["unique_id"])
        if not node or not one.get("compiled_code") or one["status"] not in ("success", "pass", "fail", "warn"):
            continue
        if node["resource_type"] == "model" and node["language"] == "sql" and node["config"]["materialized"] in ("table", "incremental"):
            if "flis_mindste" in one["compiled_code"] and f"skive__{node['name']}" in lists:      # the pre-hook tells the planner the least and the greatest delivery
                for variable, least in (("flis_mindste", "min"), ("flis_stoerste", "max")):
                    con.execute(f"set variable {variable} = (select {least}(_leverance_id) from drift.skive__{node['name']})")
            before = clock.wall
            with clock:
                con.execute(f"create table gulv.{node['name']} as {one['compiled_code']}")
            rows += con.execute(f"select count(*) from gulv.{node['name']}").fetchall()[0][0]
            models += 1
            slowest.append((node["name"], round(clock.wall - before, 3)))
        elif node["resource_type"] == "test":
            with tests:
                con.execute(f"select count(*) from ({one['compiled_code']})").fetchall()
    with clock:
        con.execute("detach gulv")
    slowest.sort(key=lambda pair: -pair[1])
    return {"wall": clock.wall, "cpu": clock.cpu, "rows": rows, "models": models, "tests": {"wall": tests.wall, "cpu": tests.cpu}, "slowest": slowest}


# --- validate ----------------------------------------------------------------------------------------------------------------------------------------

SCHEMAS = ("standardized", "marts", "koder", "kvalitet")
READER = "flis validate"        # how far the rules have come in drift.tilstand


def validate(home: Path, scratch: Path, reach: str = "touched") -> dict[str, Any]:
    """What the rules count, counted once each over the slices touched since they last ran (or over everything, `reach` all); and once per table the rows per municipality and month.

    To be run before validate.

    Each rule is its own query: a rule joins its table with code lists in a way of its own, and DuckDB reads only the columns that a query names, so one wide scan per table
    costs more than the rules one by one. A rule about the whole country, or one of whose other tables has moved, reads all of its table, as in validate.
    Not in it: which rows break a rule, results as versions, judging, Great Expectations.
    """
    from flis.build import moved_rows as movement
    from flis.quality.rules import load_rules

    con = _read_only(home, scratch)
    where = dict(con.execute("select table_name, table_schema from information_schema.tables where table_catalog = 'flis' and list_contains($1, table_schema)", [list(SCHEMAS)]).fetchall())
    columns = defaultdict(set)
    for name, column in con.execute("select table_name, column_name from information_schema.columns where table_catalog = 'flis' and list_contains($1, table_schema)", [list(SCHEMAS)]).fetchall():
        columns[name].add(column)
    seen = con.execute("select max(koersel) from flis.drift.tilstand where model = $1", [READER]).fetchall()[0][0]
    moved = defaultdict(set)
    for name, code, month in con.execute(f"select distinct tabel, kommunekode, periode from {movement.slices(con)} where koersel > $1", [seen or -1]).fetchall():
        moved[name].add((code, month))
    sliced = movement.followed(con)
    con.execute(f"set search_path = '{','.join(f'flis.{schema}' for schema in SCHEMAS)}'")
    for name in ("maaned", "kommune"):
        con.execute(f"set variable {name} = null")
    con.execute("create temp table skive (gruppe integer, kommunekode varchar, periode date)")
    groups: dict[tuple, int] = {}
    counted: set[tuple] = set()
    rules = rows = whole = 0
    clock = Clock()
    for rule in load_rules():
        if rule.model not in where or rule.grundlag not in where:
            continue
        condition = _touched(con, rule, moved, sliced, columns, groups, everything=seen is None or reach == "all")
        if condition is None:
            continue
        rules, whole = rules + 1, whole + (condition == "true")
        for name, sql in (("", _breaking(rule, where[rule.model], condition)), (rule.grundlag, f"""
                select count(*), {'periode' if 'periode' in columns[rule.grundlag] else 'null'} as maaned, {'kommunekode' if 'kommunekode' in columns[rule.grundlag] else 'null'} as kommune
                from flis.{where[rule.grundlag]}.{rule.grundlag} where {condition if _has(columns[rule.grundlag], condition) else 'true'} and {rule.omfang or 'true'} group by 2, 3""")):
            if (name, sql) not in counted:
                counted.add((name, sql))
                with clock:
                    found = con.execute(sql).fetchall()
                rows += sum(n for n, *_ in found) if name else 0
    return {"wall": clock.wall, "cpu": clock.cpu, "rows": rows, "rules": rules, "rules_over_all": whole}


def _has(columns: set[str], condition: str) -> bool:
    return "kommunekode" in columns and ("periode" in columns or "periode" not in condition)


def _touched(con, rule: Any, moved: dict[str, set], sliced: set[str], columns: dict[str, set], groups: dict[tuple, int], everything: bool) -> str | None:
    """The condition that holds a rule to the slices touched; 'true' for everything, None when nothing it reads has moved."""
    own = {rule.model, rule.grundlag}
    tables = own | rule.reads - rule.code_lists
    touched = set().union(*(moved[name] for name in tables))
    unsliced = bool(tables - sliced)            # whether the content of such a table has moved is not asked here: a month moves the marts that are made whole
    if not everything and not touched and not unsliced:
        return None
    elsewhere = any(moved[name] for name in tables - own)
    if everything or unsliced or elsewhere or rule.raekkevidde == "land" or any(code in ("*", None) for code, _ in touched) \
            or not all("kommunekode" in columns[name] for name in own):
        return "true"
    by_month = rule.raekkevidde == "skive" and all("periode" in columns[name] for name in own)
    if rule.raekkevidde == "skive" and any(month is None for _, month in touched):
        return "true"
    slices = tuple(sorted({(code, month if by_month else None) for code, month in touched}, key=str))
    if (by_month, slices) not in groups:
        groups[by_month, slices] = len(groups)
        con.executemany("insert into temp.skive values (?, ?, ?)", [[groups[by_month, slices], *one] for one in slices])
    names = "kommunekode, periode" if by_month else "kommunekode"
    return f"({names}) in (select {'(' + names + ')' if by_month else names} from temp.skive where gruppe = {groups[by_month, slices]})"


def _breaking(rule: Any, schema: str, condition: str) -> str:
    """SQL that counts the rows that break a rule."""
    conditions = [condition, *([f"({rule.omfang})"] if rule.omfang is not None and rule.model == rule.grundlag else [])]
    batch = f"(select * from flis.{schema}.{rule.model} where {' and '.join(conditions)})"
    if rule.sql is not None:
        return f"select count(*) from ({rule.sql.strip().rstrip(';').replace('{batch}', batch)})"
    return f"select count(*) from {batch} where {_breaks(rule.expectation)}"


def _breaks(asked: Any) -> str:
    """The condition on a row that breaks an expectation."""
    first, both = asked.columns[0], ", ".join(asked.columns)
    listed = f"select {both} from flis.koder.{asked.code_list}" if asked.code_list else ", ".join(
        f"({', '.join(map(_text, value))})" if len(asked.columns) > 1 else _text(value) for value in asked.values)
    tests = {
        "expect_column_values_to_be_in_set": f"{first} not in ({listed})",
        "expect_column_values_to_not_be_in_set": f"{first} in ({listed})",
        "expect_column_values_to_be_between": " or ".join(f"{first} {_OUTSIDE[word]} {limit}" for word, limit in asked.limits.items()),
        "expect_column_values_to_not_be_null": f"{first} is null",
        "expect_column_pair_values_to_be_equal": " <> ".join(asked.columns),
        "expect_column_pair_values_to_be_in_set": f"({both}) not in ({listed})",
    }
    return f"({tests[asked.type]})" + (f" and ({asked.condition})" if asked.condition else "")


_OUTSIDE = {"min": "<", "max": ">", "over": "<=", "under": ">="}


# --- package -----------------------------------------------------------------------------------------------------------------------------------------

def package(home: Path, scratch: Path, area: str = "") -> dict[str, Any]:
    """COPY of the same rows in the same formats to the same number of files, for the newest version of every package of one fagområde (or of all). To be run after package.

    A file that several packages share is one file. Each is removed as soon as it is written. Not in it: keys of one's own per recipient, order, decimal comma, the guard against
    formulas, hashes, the texts and the workbook-like parts of a package.
    """
    con = _read_only(home, scratch)
    columns: dict[str, set[str]] = defaultdict(set)
    schema: dict[str, str] = {}
    for s, t, c in con.execute("select schema_name, table_name, column_name from duckdb_columns() where database_name = 'flis' and schema_name in ('standardized', 'marts', 'koder')").fetchall():
        columns[t].add(c)
        schema[t] = f'flis."{s}"."{t}"'
    seen: set[int] = set()
    rows = files = size = packages = 0
    clock = Clock()
    for folder in sorted((home / "udbakke").glob("*/*")):
        recipient, name = folder.parts[-2:]
        own_area = name.removesuffix("_benchmark")
        versions = [v for v in folder.iterdir() if v.is_dir()] if folder.is_dir() and not recipient.startswith(".") else []
        if not versions or area not in ("", own_area):
            continue
        packages += 1
        newest = max(versions, key=lambda v: tuple(map(int, v.name.split("."))))
        for path in sorted(p for p in newest.rglob("*") if p.suffix in (".csv", ".parquet")):
            info = path.stat()
            if info.st_ino in seen:
                continue
            seen.add(info.st_ino)
            table, where = path.stem, []
            if table == "leverancer":
                source = "cpr.raw.leverance"
                where = [f"fagomraade = {_text(own_area)}", *([f"kommunekode = {_text(recipient)}"] if info.st_nlink == 1 else [])]
            else:
                source = schema[table]
                own = next((c for c in ("kommunekode", "bopael_kommunekode") if c in columns[table]), None)
                if own and info.st_nlink == 1 and not name.endswith("_benchmark"):
                    where.append(f"{own} = {_text(recipient)}")
                if "noegletal_id" in columns[table] and table != "dim_noegletal":
                    where.append(f"noegletal_id in (select noegletal_id from flis.marts.dim_noegletal where fagomraade = {_text(own_area)})")
            kind = "format csv, delimiter ';', header true" if path.suffix == ".csv" else "format parquet"
            out = scratch / f"fil{path.suffix}"
            with clock:
                rows += con.execute(f"copy (select * from {source}{' where ' + ' and '.join(where) if where else ''}) to {_text(out)} ({kind})").fetchall()[0][0]
            files, size = files + 1, size + info.st_size
            out.unlink()
    return {"wall": clock.wall, "cpu": clock.cpu, "rows": rows, "files": files, "bytes": size, "packages": packages}


# --- the part of the walk that SQLMesh does too -------------------------------------------------------------------------------------------------------

def finance(home: Path, scratch: Path, month: str) -> dict[str, Any]:
    """One month's postings and fact by their bare SQL, each into a table in memory. To be run after dbt has compiled the two in full."""
    from proofs import sqlmesh_walk

    con = _read_only(home, scratch)
    rows, clock = {}, Clock()
    for name, sql in sqlmesh_walk.bare(Path(os.environ["DBT_TARGET_PATH"]) / "compiled" / "flis", date.fromisoformat(month)).items():
        with clock:
            con.execute(f"create temp table {name} as {sql}")
        rows[name] = con.execute(f"select count(*) from temp.{name}").fetchall()[0][0]
    return {"wall": clock.wall, "cpu": clock.cpu, "rows": sum(rows.values()), "tables": rows}


FLOORS = {"load": load, "build": build, "validate": validate, "package": package, "finance": finance}


def main() -> None:
    what, home, scratch, *more = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), *sys.argv[4:]
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    try:
        print(json.dumps(FLOORS[what](home, scratch, *more)))
    finally:
        shutil.rmtree(scratch)


if __name__ == "__main__":
    main()
