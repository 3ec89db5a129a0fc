"""The benchmark: each step of the walk timed against a floor, bare DuckDB doing the same work on the same data in the same run.

    python scripts/bench/bench.py [--scale 0.01] [--periods 6] [--work FOLDER] [--keep]

A demo Denmark without faults is delivered in four parts: the first half of the months but one, the last month of that half, the second half but
one, and the last month. So the cost of one more month is measured with a given history and with twice that. Every step and every floor is a process of
its own: wall time, CPU and peak memory are what the operating system says of it. A floor's seconds are those of its queries alone, without starting
Python. The figures are printed as Markdown and kept as JSON; what they mean is in docs/ydelse.md.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

SCRIPTS = Path(__file__).resolve().parents[1]
REPO = SCRIPTS.parent
sys.path.insert(0, str(SCRIPTS))

DONE = (0, 1)                       # 1: a delivery waits or a rule holds a package, which is no fault of the step
ARRIVAL = timedelta(days=25)        # what arrives on the 1st to the 25th tells of the month before; the CPR register tells of the day itself


@dataclass
class Step:
    """One measured process: seconds, and MB at the most. The floor is the bare queries it is held against."""

    name: str
    wall: float
    cpu: float
    peak: float
    rows: int = 0
    files: int = 0
    floor: float = 0.0
    floor_cpu: float = 0.0
    floor_peak: float = 0.0
    nodes: list[tuple[str, float]] = field(default_factory=list)

    @property
    def ratio(self) -> float | None:
        """Times the floor's CPU: on a machine that others use too, wall time says more about them."""
        return self.cpu / self.floor_cpu if self.floor_cpu else None


# --- processes ----------------------------------------------------------------------------------------------------------------------------------

def measured(command: list[str], env: dict[str, str], log: Path) -> tuple[int, float, float, float, str]:
    """Run a command; returns exit code, wall seconds, CPU seconds, peak MB (of it and its children) and what it printed."""
    with log.open("w+b") as out:
        start = time.perf_counter()
        process = subprocess.Popen(command, env=env, cwd=REPO, stdout=out, stderr=subprocess.STDOUT)
        _, status, use = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read().decode("utf-8", "replace")
    return process.returncode, wall, use.ru_utime + use.ru_stime, use.ru_maxrss / 1024, text


class Bench:
    """One run of the benchmark in a working folder of its own."""

    def __init__(self, work: Path, scale: float, periods: int) -> None:
        self.work, self.scale, self.periods = work, scale, periods
        self.home, self.hold, self.target = work / "home", work / "venter", work / "target"
        self.env = {**os.environ, "FLIS_HOME": str(self.home), "DBT_TARGET_PATH": str(self.target), "DBT_PROFILES_DIR": str(REPO),
                    "PYTHONPATH": str(SCRIPTS), "DO_NOT_TRACK": "1", "DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "COLUMNS": "200"}
        self.steps: list[Step] = []

    def flis(self, name: str, *args: str, keep: bool = True) -> Step:
        """One verb of the product."""
        started = time.time()
        code, wall, cpu, peak, text = measured([sys.executable, "-m", "flis.cli", *args], self.env, self.work / "trin.log")
        if code not in DONE:
            raise SystemExit(f"{name}: exit {code}\n{text[-4000:]}")
        step = Step(name, wall, cpu, peak)
        if args[0] == "build":
            step.nodes = slowest(self.target / "run_results.json", started)
        if keep:
            self.steps.append(step)
            print(f"{name}: {wall:.1f} s, {cpu:.1f} s CPU, {peak:.0f} MB", file=sys.stderr, flush=True)
        return step

    def floor(self, what: str) -> dict[str, Any]:
        """The same work by bare queries (the functions floor_*, in a process of their own)."""
        code, _, _, peak, text = measured([sys.executable, str(Path(__file__).resolve()), "--floor", what, "--work", str(self.work)], self.env, self.work / "gulv.log")
        if code:
            raise SystemExit(f"floor of {what}: exit {code}\n{text[-4000:]}")
        answer = {**json.loads(text.strip().splitlines()[-1]), "peak": peak}
        print(f"  floor of {what}: {answer['wall']:.2f} s, {answer['cpu']:.2f} s CPU, {peak:.0f} MB", file=sys.stderr, flush=True)
        return answer

    def facts(self, step: str) -> dict[str, Any]:
        return json.loads((self.home / "status.json").read_text("utf-8"))["trin"][step]

    def against(self, step: Step, floor: dict[str, Any]) -> None:
        step.floor, step.floor_cpu, step.floor_peak = floor["wall"], floor["cpu"], floor["peak"]

    # --- deliveries -----------------------------------------------------------------------------------------------------------------------------

    def deal(self) -> list[list[Path]]:
        """Take the inbox away; returns the files in four parts, by the month they tell of."""
        parts: list[list[Path]] = [[], [], [], []]
        half = self.periods // 2
        for path in sorted((self.home / "indbakke").glob("*/*")):
            number = self.month_of(path)
            part = 0 if number < half else 1 if number == half else 2 if number < self.periods else 3
            away = self.hold / path.parent.name / path.name
            away.parent.mkdir(parents=True, exist_ok=True)
            path.rename(away)
            parts[part].append(away)
        return parts

    def deliver(self, files: list[Path]) -> None:
        for path in files:
            path.rename(self.home / "indbakke" / path.parent.name / path.name)

    def correction(self) -> None:
        """The largest Opus file of the last month once more, extracted ten days later, two lines changed about."""
        import gzip

        month = f"{self.last:%Y%m}"
        path = max((self.home / "arkiv").rglob(f"ZD1SL_*_{month}_*.csv*"), key=lambda p: p.stat().st_size)
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        lines = data.split(b"\n")
        lines[1], lines[2] = lines[2], lines[1]
        name = next(part for part in path.name.split(".") if "ZD1SL_" in part)
        name = name[name.index("ZD1SL_"):]
        later = datetime.strptime(name[-8:], "%Y%m%d") + timedelta(days=10)
        (self.home / "indbakke" / "kmd" / f"{name[:-8]}{later:%Y%m%d}.csv").write_bytes(b"\n".join(lines))

    # --- the walk -------------------------------------------------------------------------------------------------------------------------------

    @property
    def first(self) -> datetime:
        return datetime(2025 - (self.periods - 1) // 12, 1, 1)

    @property
    def last(self) -> datetime:
        return datetime(2025, (self.periods - 1) % 12 + 1, 1)

    def run(self) -> None:
        # The history begins in a January: a municipality's first delivery brings the year to date, and would make the first month a year.
        self.flis("demo", "demo", "--scale", str(self.scale), "--periods", str(self.periods), "--slut", f"{self.last:%Y-%m}", "--no-faults", keep=False)
        parts = self.deal()
        half = self.periods // 2

        self.deliver(parts[0])
        floor = self.floor("load")
        step = self.loaded(f"load {half - 1} months")
        self.against(step, floor)
        self.deliver(parts[1])
        self.loaded("load 1 month more", keep=False)
        # dbt reads the project once per change of it; the steps after that find it read.
        code, wall, cpu, peak, text = measured([sys.executable, "-m", "dbt.cli.main", "--quiet", "parse"], self.env, self.work / "trin.log")
        if code:
            raise SystemExit(f"dbt parse: exit {code}\n{text[-4000:]}")
        self.steps.append(Step("dbt parse, once per change of the repo", wall, cpu, peak))
        step = self.flis("build whole, half the history", "build")
        step.rows = self.stored()
        self.against(step, self.floor("build"))
        self.flis("build, nothing new (half)", "build")

        month = [p for p in parts[2] if self.month_of(p) == half + 1]
        rest = [p for p in parts[2] if self.month_of(p) > half + 1]
        for files, stored in ((month, half), (rest, None), (parts[3], self.periods - 1)):
            self.deliver(files)
            step = self.loaded(f"load 1 month more ({stored} stored)" if stored else "load the months between")
            arrived = step.rows
            step = self.flis(f"build 1 month more ({stored} stored)" if stored else "build the months between", "build")
            step.rows = arrived
        self.flis("build, nothing new (all)", "build")

        self.correction()
        arrived = self.loaded("load one replaced delivery").rows
        step = self.flis("build one replaced delivery", "build")
        step.rows = arrived

        step = self.flis("build whole, all the history", "build", "--full-refresh")
        step.rows = self.stored()
        self.against(step, self.floor("build"))
        step = self.flis("validate", "validate")
        step.rows = self.stored()
        self.against(step, self.floor("validate"))
        step = self.flis("package all", "package")
        floor = self.floor("package")
        step.files, step.rows = floor["files"], floor["rows"]
        self.against(step, floor)
        self.flis("package, nothing changed", "package")
        self.flis("run, nothing new", "run", keep=False)
        self.flis("run, nothing new", "run")

    def month_of(self, path: Path) -> int:
        """The number of the month a file tells of; the first month is 1."""
        told = datetime.fromtimestamp(path.stat().st_mtime, UTC) - (timedelta(0) if path.parent.name == "cpr" else ARRIVAL)
        return (told.year - self.first.year) * 12 + told.month

    def loaded(self, name: str, keep: bool = True) -> Step:
        step = self.flis(name, "load", keep=keep)
        facts = self.facts("load")
        step.rows, step.files = facts["rows"], facts["received"]
        return step

    def stored(self) -> int:
        """Rows in raw now."""
        import duckdb

        with duckdb.connect(str(self.home / "flis_cpr.duckdb"), read_only=True) as con:
            return con.execute("select coalesce(sum(raekker), 0)::bigint from raw.leverance where status = 'aktiv'").fetchall()[0][0]

    def report(self) -> str:
        """The figures as Markdown."""
        lines = ["| step | files | rows | wall s | CPU s | peak MB | rows per CPU s | floor: wall s | CPU s | peak MB | CPU ratio |", "|---|" + "--:|" * 10]
        for s in self.steps:
            cells = [s.name, f"{s.files:,}" if s.files else "", f"{s.rows:,}" if s.rows else "", f"{s.wall:.1f}", f"{s.cpu:.1f}", f"{s.peak:.0f}",
                     f"{s.rows / s.cpu:,.0f}" if s.rows else "",
                     *((f"{s.floor:.2f}", f"{s.floor_cpu:.2f}", f"{s.floor_peak:.0f}", f"{s.ratio:.1f}") if s.ratio else ("", "", "", ""))]
            lines.append(f"| {' | '.join(cells)} |")
        lines += ["", "Seconds in dbt's nodes (two threads added up), per kind and for the slowest:", ""]
        lines += [f"- {s.name}: " + ", ".join(f"{n} {t:.1f}" for n, t in s.nodes) for s in self.steps if s.nodes]
        return "\n".join(lines)


def slowest(results: Path, since: float, most: int = 8) -> list[tuple[str, float]]:
    """What dbt spent its time on in the last command: seconds per kind of node (threads added up), then the slowest nodes."""
    if not results.exists() or results.stat().st_mtime < since:
        return []
    kinds: Counter[str] = Counter()
    nodes = []
    for one in json.loads(results.read_text("utf-8"))["results"]:
        kind = one["unique_id"].split(".")[0]
        kinds[f"[{kind}]"] += one["execution_time"]
        nodes.append((one["unique_id"].split(".")[2], one["execution_time"]))
    return [*kinds.most_common(), *sorted(nodes, key=lambda n: -n[1])[:most]]


# --- floors: bare queries, each in a process of its own ---------------------------------------------------------------------------------------------

class Clock:
    """Wall and CPU seconds (of all threads) of what runs inside it, added up."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0

    def __enter__(self) -> None:
        self._start = time.perf_counter(), time.process_time()

    def __exit__(self, *_: object) -> None:
        self.wall += time.perf_counter() - self._start[0]
        self.cpu += time.process_time() - self._start[1]

    def figures(self) -> dict[str, float]:
        return {"wall": self.wall, "cpu": self.cpu}


def _text(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def floor_load(work: Path) -> dict[str, Any]:
    """read_csv of the files in the inbox as text columns into tables, one per kind of file. No check, no ledger, no archive."""
    import duckdb

    from flis.contract import read_contracts
    from flis.inspection import plain_name

    contracts = read_contracts(None)
    groups: dict[tuple, list[Path]] = defaultdict(list)
    aside = work / "gulv"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    for path in sorted((work / "home" / "indbakke").glob("*/*")):
        match = contracts.match(path.parent.name, plain_name(path.name))
        if not match:
            continue
        ft = match.filetype
        split = ft.kind == "delimited"
        columns = len(ft.columns_of(match.version)) + bool(ft.format.get("afsluttende_adskiller")) if split else 1
        if path.suffix == ".zip" or ft.charset == "windows-1252":       # neither is something DuckDB reads: made readable first, untimed
            with (zipfile.ZipFile(path).open(zipfile.ZipFile(path).namelist()[0]) if path.suffix == ".zip" else path.open("rb")) as file:
                data = file.read()
            path = aside / f"{path.parent.name}_{path.name}.txt"
            path.write_bytes(data.decode("cp1252").encode("latin-1", "replace") if ft.charset == "windows-1252" else data)
        encoding = "utf-8" if ft.charset.startswith("utf-8") else "latin-1"
        groups[ft.kildesystem, ft.name, match.version.version, ft.format["adskiller"] if split else "\x07", columns, encoding, ft.has_header, path.suffix == ".gz"].append(path)
    con = _scratch(work)
    rows, clock = 0, Clock()
    for number, ((*_, delimiter, columns, encoding, header, _gz), files) in enumerate(groups.items()):
        names = ", ".join(f"'c{i}': 'varchar'" for i in range(columns))
        with clock:
            con.execute(f"""
                create table t{number} as
                select * from read_csv([{', '.join(map(_text, files))}], delim = {_text(delimiter)}, columns = {{{names}}}, header = {header},
                    auto_detect = false, quote = '', escape = '', encoding = '{encoding}', null_padding = true, strict_mode = false, ignore_errors = true)
            """)
        rows += con.execute(f"select count(*) from t{number}").fetchall()[0][0]
    with clock:
        con.close()
    shutil.rmtree(aside)
    return {**clock.figures(), "rows": rows, "files": sum(map(len, groups.values()))}


def floor_build(work: Path) -> dict[str, Any]:
    """The same postings, citizens' intervals and services from text to typed tables, the postings summed and the population counted month by month."""
    con = _scratch(work)
    con.execute(f"attach {_text(work / 'home' / 'flis.duckdb')} as flis (read_only)")
    tables = ("std_oekonomi__postering", "std_borger__person_periode", "std_voksne_handicap__ydelse")
    typed = {}
    for name in tables:                                     # untimed: what was delivered, as text
        typed[name] = con.execute(f"select column_name, data_type from duckdb_columns() where database_name = 'flis' and table_name = '{name}' order by column_index").fetchall()
        con.execute(f"create table tekst_{name} as select {', '.join(f'cast({c} as varchar) as {c}' for c, _ in typed[name])} from flis.standardized.{name}")
    con.execute("checkpoint")
    months = "(select distinct periode from flis.marts.fct_borger__folketal)"
    clock = Clock()

    def timed(sql: str) -> None:
        with clock:
            con.execute(sql)

    for name in tables:
        timed(f"create table {name} as select {', '.join(f'cast({c} as {t}) as {c}' for c, t in typed[name])} from tekst_{name}")
    timed("""
        create table bevaegelse as
        select kommunekode, periode, regnskabsaar, regnskabsperiode, beloebstype, kontostreng, hovedkonto, hovedfunktion, funktion, dranst, ejerforhold, gruppering, art,
            sum(beloeb_kr) as beloeb_kr, count(*) as antal_posteringer
        from std_oekonomi__postering group by all
    """)
    timed(f"""
        create table folketal as
        select bopael_kommunekode, m.periode, date_diff('year', foedselsdato, m.periode) as alder, koen, civilstand, statsborgerskab, count(*) as antal_personer
        from std_borger__person_periode as p
        inner join {months} as m on p.gyldig_fra < m.periode and p.gyldig_til >= m.periode
        where er_bosat group by all
    """)
    timed("checkpoint")
    return clock.figures()


def floor_validate(work: Path) -> dict[str, Any]:
    """The rules' own queries, counted once each; no rule framework, no account per municipality."""
    import duckdb

    from flis.rules import load_rules
    from flis.validate import SCHEMAS

    con = duckdb.connect(str(work / "home" / "flis.duckdb"), read_only=True)
    where = dict(con.execute("select table_name, table_schema from information_schema.tables where list_contains($1, table_schema)", [list(SCHEMAS)]).fetchall())
    con.execute(f"set search_path = '{','.join(SCHEMAS)}'")
    con.execute("set variable maaned = null")
    clock = Clock()
    for rule in load_rules():
        batch = f'"{where[rule.model]}"."{rule.model}"'
        narrowed = rule.omfang is not None and rule.model == rule.grundlag
        sql = (rule.sql or "select * from {batch}").replace("{batch}", f"(select * from {batch} where {rule.omfang})" if narrowed else batch)
        with clock:
            con.execute(f"select count(*) from ({sql.strip().rstrip(';')})").fetchall()
    return clock.figures()


def floor_package(work: Path) -> dict[str, Any]:
    """COPY of the same rows to the same number of data files (a file that many packages share is one file)."""
    import duckdb

    home = work / "home"
    con = duckdb.connect(str(home / "flis.duckdb"), read_only=True)
    con.execute(f"attach {_text(home / 'flis_cpr.duckdb')} as cpr (read_only)")
    columns: dict[str, set[str]] = defaultdict(set)
    schema: dict[str, str] = {}
    for s, t, c in con.execute("select schema_name, table_name, column_name from duckdb_columns() where schema_name in ('standardized', 'marts', 'koder')").fetchall():
        columns[t].add(c)
        schema[t] = f'"{s}"."{t}"'
    out = work / "gulv"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    seen: set[int] = set()
    rows, files, clock = 0, 0, Clock()
    for path in sorted(p for p in (home / "udbakke").rglob("*") if p.suffix in (".csv", ".parquet")):
        info = path.stat()
        if info.st_ino in seen:
            continue
        seen.add(info.st_ino)
        recipient, package = path.relative_to(home / "udbakke").parts[:2]
        table = path.stem
        if table == "leverancer":
            source = "cpr.raw.leverance"
        else:
            where = []
            if info.st_nlink == 1 and "kommunekode" in columns[table] and not package.endswith("_benchmark"):
                where.append(f"kommunekode = '{recipient}'")
            if "noegletal_id" in columns[table] and table != "dim_noegletal":
                where.append(f"noegletal_id in (select noegletal_id from marts.dim_noegletal where fagomraade = '{package.removesuffix('_benchmark')}')")
            source = schema[table] + (f" where {' and '.join(where)}" if where else "")
        kind = "format csv, delimiter ';', header true" if path.suffix == ".csv" else "format parquet"
        with clock:
            rows += con.execute(f"copy (select * from {source}) to {_text(out / f'{files}{path.suffix}')} ({kind})").fetchall()[0][0]
        files += 1
    shutil.rmtree(out)
    return {**clock.figures(), "rows": rows, "files": files}


def _scratch(work: Path):
    import duckdb

    for path in work.glob("gulv.duckdb*"):
        path.unlink()
    con = duckdb.connect(str(work / "gulv.duckdb"))
    con.execute(f"set temp_directory = {_text(work / 'gulv_tmp')}")
    return con


FLOORS = {"load": floor_load, "build": floor_build, "validate": floor_validate, "package": floor_package}


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--scale", type=float, default=0.01, help="share of the population")
    ask.add_argument("--periods", type=int, default=6, help="months, an even number from 6")
    ask.add_argument("--work", type=Path, default=Path("var") / "bench", help="working folder; its contents are removed")
    ask.add_argument("--keep", action="store_true", help="leave the home there afterwards")
    ask.add_argument("--floor", choices=FLOORS, help=argparse.SUPPRESS)
    asked = ask.parse_args()
    work = asked.work.resolve()
    if asked.floor:
        print(json.dumps(FLOORS[asked.floor](work)))
        return
    if asked.periods < 6 or asked.periods % 2:
        ask.error("--periods must be an even number from 6")
    for old in ("home", "venter", "target"):
        shutil.rmtree(work / old, ignore_errors=True)
    work.mkdir(parents=True, exist_ok=True)
    bench = Bench(work, asked.scale, asked.periods)
    start = time.monotonic()
    try:
        bench.run()
    finally:
        figures = {"scale": asked.scale, "periods": asked.periods, "cores": os.cpu_count(), "seconds": time.monotonic() - start,
                   "steps": [asdict(s) | {"ratio": s.ratio} for s in bench.steps]}
        (work / "resultat.json").write_text(json.dumps(figures, ensure_ascii=False, indent=1), "utf-8")
        if not asked.keep:
            for old in ("home", "venter", "target", "gulv"):
                shutil.rmtree(work / old, ignore_errors=True)
            for path in work.glob("gulv.duckdb*"):
                path.unlink()
    print(bench.report())


if __name__ == "__main__":
    main()
