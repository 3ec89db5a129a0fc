"""The benchmark: each step of the walk on the demo Denmark, and beside it the floor, the same work done bare (floors.py), in the same run.

    python scripts/proofs/bench.py [PART] [--scale 1] [--periods 24] [--work FOLDER] [--keep] [--docs]

The months are delivered so that the cost of one more is measured on a short history and on a long one: the first with the CPR register whole, the second alone, those between in
one, then the last two one by one. Every step and every floor is a process of its own: wall time, CPU and peak memory are what the operating system says of it.

A part is one thing looked at (PARTS). With --keep the working folder is left, and what has been done in it (tilstand.json) is not done again but for the part asked for: the
database files are kept as they were before the last two months, and put back when a month is to be measured once more. A demo that lies in FOLDER/home is used as it is.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

from flis.contracts.contract import fagomraader
from proofs import (
    deliveries,
    floors,
    results,
    sqlmesh_walk,
)
from proofs.measure import Measured, measured
from proofs.results import Step

HERE = Path(__file__).resolve().parent
SCRIPTS, REPO = HERE.parent, HERE.parents[1]

DONE = (0, 1)                       # 1: a delivery waits or a rule holds a package, which is no fault of the step
DATABASES = ("flis.duckdb", "flis_cpr.duckdb")
KEPT = (*DATABASES, "status.json", "arkiv/leverancer.jsonl", "arkiv/haendelser.jsonl", "arkiv/segl.json")     # the journals too: a database older than they are is refused
LESS_MEMORY = "2GB"
PROOFS = {"survival": "overlevelse", "fuzz": "fuzz", "equal": "ligestilling", "roundtrip": "rundtur", "fremmed": "fremmed"}      # each has run(work, times, seed) -> dict of figures
PARTS = {                           # part: the stages that are done anew for it
    "load": ["load_last_but_one"], "build": ["load_last_but_one", "build_last_but_one"], "validate": ["validate_all"], "package": ["package"], "nothing_new": ["nothing", "nothing_new"],
    "correction": ["correction"], "delta": ["delta"], "memory": ["memory"], "sqlmesh": ["sqlmesh"], **{name: [name] for name in PROOFS}}


class Stage(NamedTuple):
    """One thing to do: after what, and whether it can be done again where the home stands (otherwise the home is put back first)."""

    name: str
    run: Callable[[], list[Step]]
    needs: tuple[str, ...] = ()
    again: bool = False
    apart: bool = False     # it does not touch the home


class Bench:
    """One benchmark in a working folder: `home` is the installation, `venter` what is not yet delivered, `gemt` the databases before the last two months, `tilstand.json` what is done."""

    def __init__(self, work: Path, scale: float, periods: int, seed: int = 1, times: int | None = None) -> None:
        self.work, self.scale, self.periods, self.seed, self.times = work, scale, periods, seed, times
        self.home, self.hold, self.saved, self.target = work / "home", work / "venter", work / "gemt", work / "target"
        self.env = {**os.environ, "FLIS_HOME": str(self.home), "DBT_TARGET_PATH": str(self.target), "DBT_PROFILES_DIR": str(REPO), "PYTHONPATH": str(SCRIPTS),
                    "DO_NOT_TRACK": "1", "DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "COLUMNS": "200"}
        work.mkdir(parents=True, exist_ok=True)
        self.state_file = work / "tilstand.json"
        self.state: dict[str, Any] = {"done": {}, "sizes": [], "proofs": {}, "days": 0}
        if self.state_file.exists():
            self.state = json.loads(self.state_file.read_text("utf-8"))
        between = list(range(3, periods - 1))
        self.stages = [
            Stage("demo", self.demo),
            Stage("parse", self.parse, ("demo",)),
            Stage("load_first", lambda: [self.load("load month 1 and the CPR register whole", [1])], ("parse",)),
            Stage("build_first", lambda: [self.build("build month 1 whole", 1)], ("load_first",)),
            Stage("load_second", lambda: [self.load("load the second month", [2])], ("build_first",)),
            Stage("build_second", lambda: [self.build("build the second month", 2)], ("load_second",)),
            Stage("load_between", lambda: [self.load("load the months between", between, floor=False)] if between else [], ("build_second",)),
            Stage("build_between", lambda: [self.build("build the months between", periods - 2, floor=False)] if between else [], ("load_between",)),
            Stage("save", self.save, ("build_between",)),
            Stage("memory", self.memory, ("save",), again=True, apart=True),
            Stage("load_last_but_one", lambda: [self.load("load the last month but one", [periods - 1])], ("save",)),
            Stage("build_last_but_one", lambda: [self.build("build the last month but one", periods - 1)], ("load_last_but_one",)),
            Stage("validate_all", self.validate_all, ("build_last_but_one",), again=True),
            Stage("load_last", lambda: [self.load("load the last month", [periods])], ("build_last_but_one",)),
            Stage("build_last", lambda: [self.build("build the last month", periods)], ("load_last",)),
            Stage("validate_last", self.validate_last, ("validate_all", "build_last")),
            Stage("report", lambda: [self.flis("report", "report")], ("validate_all",), again=True),
            Stage("nothing", self.nothing, ("build_last_but_one",), again=True),
            Stage("package", self.package, ("build_last_but_one",), again=True),
            Stage("nothing_new", self.nothing_new, ("build_last_but_one",), again=True),
            Stage("correction", self.correction, ("nothing_new",), again=True),
            Stage("delta", self.delta, ("build_last",), again=True),
            Stage("sqlmesh", self.sqlmesh, ("build_last_but_one",), again=True, apart=True),
            *(Stage(name, lambda name=name: self.proof(name), again=True, apart=True) for name in PROOFS),
        ]
        self.by_name = {s.name: s for s in self.stages}

    # --- what is done, and in which order -------------------------------------------------------------------------------------------------------

    def go(self, part: str, until: str | None = None) -> list[str]:
        """Do every stage that is not done (part 'all'; up to and with `until`), or the stages of one part anew. Returns the names of the stages asked for."""
        if part != "all":
            if not all(self.by_name[name].again for name in PARTS[part]) and self.past_saved():
                self.put_back()
            for name in PARTS[part]:
                self.do(name, anew=True)
            return PARTS[part]
        for stage in self.stages:
            self.do(stage.name)
            if stage.name == until:
                break
        return [s.name for s in self.stages]

    def do(self, name: str, anew: bool = False) -> None:
        """One stage, after those it needs."""
        stage, done = self.by_name[name], self.state["done"]
        if name in done and not anew:
            return
        for need in stage.needs:
            self.do(need)
        later = [s.name for s in self.stages[self.stages.index(stage):] if not s.again and s.name in done]
        if not stage.again and later:
            self.put_back()
            for need in stage.needs:
                self.do(need)
        begun = time.monotonic()
        steps = [step.as_json() for step in stage.run()]
        done[name] = {"steps": steps, "minutes": round((time.monotonic() - begun) / 60, 2)}
        self.write_state()

    def past_saved(self) -> bool:
        return "load_last_but_one" in self.state["done"]

    def put_back(self) -> None:
        """The home as it was before the last two months."""
        if not self.saved.exists():
            raise SystemExit(f"there was no room to keep the databases ({self.saved}), so a month cannot be measured once more: start afresh")
        say("the databases are put back as they were before the last two months")
        for name in KEPT:
            (self.home / f"{name}.wal").unlink(missing_ok=True)
            shutil.copy2(self.saved / Path(name).name, self.home / name)
        for folder in ("udbakke", "rapporter", "indbakke"):
            shutil.rmtree(self.home / folder, ignore_errors=True)
        where = [s.name for s in self.stages].index("save")
        for stage in self.stages[where + 1:]:
            if not stage.apart:
                self.state["done"].pop(stage.name, None)
        self.state["sizes"] = [s for s in self.state["sizes"] if s["months"] <= self.periods - 2]
        self.state["days"] = 0
        self.write_state()

    def write_state(self) -> None:
        self.state_file.write_text(json.dumps(self.state, ensure_ascii=False, indent=1), "utf-8")

    def steps(self, names: list[str] | None = None) -> list[Step]:
        """The steps measured, in the order of the stages."""
        return [Step.of(row) for s in self.stages if s.name in self.state["done"] and (names is None or s.name in names) for row in self.state["done"][s.name]["steps"]]

    # --- processes ------------------------------------------------------------------------------------------------------------------------------

    def process(self, name: str, command: list[str], env: dict[str, str] | None = None, accepted: tuple[int, ...] = (0,)) -> Measured:
        """Run one command; ends the benchmark when it fails."""
        done = measured(command, {**self.env, **(env or {})}, self.work / "trin.log", REPO)
        if done.code not in accepted:
            raise SystemExit(f"{name}: exit {done.code}\n{done.text[-4000:]}")
        say(f"{name}: {done.wall:.1f} s, {done.cpu:.1f} s CPU, {done.peak:.0f} MB")
        return done

    def flis(self, name: str, *args: str, env: dict[str, str] | None = None) -> Step:
        """One verb of the product."""
        done = self.process(name, [sys.executable, "-m", "flis.cli", *args], env, DONE)
        return Step(name, done.wall, done.cpu, done.peak)

    def floor(self, what: str, *more: str) -> dict[str, Any]:
        """The same work done bare: the figures that floors.py gives."""
        done = self.process(f"  floor of {what}, with starting Python", [sys.executable, str(HERE / "floors.py"), what, str(self.home), str(self.work / "gulv"), *more])
        return {**json.loads(done.text.strip().splitlines()[-1]), "peak_rss_mb": round(done.peak)}

    @staticmethod
    def against(step: Step, bare: dict[str, Any]) -> Step:
        """Put the floor beside the step, and what it tells of itself in the notes."""
        step.floor_seconds, step.floor_cpu_seconds = bare["wall"], bare["cpu"]
        step.notes["floor"] = {k: v for k, v in bare.items() if k not in ("wall", "cpu")}
        return step

    def facts(self, step: str, home: Path | None = None) -> dict[str, Any]:
        return json.loads(((home or self.home) / "status.json").read_text("utf-8"))["trin"][step]

    # --- the walk -------------------------------------------------------------------------------------------------------------------------------

    def demo(self) -> list[Step]:
        """The demo Denmark, unless the home has one already; its files are then dealt out."""
        made, steps = self.home / "facit" / "demo.json", []
        if not made.exists():
            # The history begins in a January: a municipality's first delivery brings the year to date, and would make the first month a year.
            last = date(2025, (self.periods - 1) % 12 + 1, 1)
            steps.append(self.flis("demo", "demo", "--scale", str(self.scale), "--periods", str(self.periods), "--slut", f"{last:%Y-%m}", "--no-faults"))
        asked = json.loads(made.read_text("utf-8"))
        if (asked["scale"], asked["periods"]) != (self.scale, self.periods):
            raise SystemExit(f"the demo in {self.home} is of scale {asked['scale']} and {asked['periods']} months")
        self.state["last"] = f"{asked['slut']}-01"
        deliveries.deal(self.home / "indbakke", self.hold, date.fromisoformat(self.state["last"]), self.periods)
        return steps

    def parse(self) -> list[Step]:
        """dbt reads the project once per change of it; the steps after that find it read."""
        name = "dbt parse, once per change of the repo"
        done = self.process(name, [sys.executable, "-m", "dbt.cli.main", "--quiet", "parse"])
        return [Step(name, done.wall, done.cpu, done.peak)]

    def load(self, name: str, months: list[int], floor: bool = True) -> Step:
        """Deliver these months and load them."""
        for month in months:
            deliveries.deliver(self.hold / f"{month:03}", self.home / "indbakke")
        return self.loaded(name, floor)

    def loaded(self, name: str, floor: bool = False) -> Step:
        """Load what lies in the inbox; its floor is measured before, for afterwards the files are gone."""
        bare = self.floor("load") if floor else None
        size = sum(p.stat().st_size for p in (self.home / "indbakke").glob("*/*"))
        step = self.flis(name, "load")
        facts = self.facts("load")
        step.rows, step.files, step.bytes = facts["rows"], facts["received"], size
        return self.against(step, bare) if bare else step

    def build(self, name: str, months: int | None = None, floor: bool = True, env: dict[str, str] | None = None, command: list[str] | None = None) -> Step:
        """Build what has arrived, by `flis build` or by `command`. With `months` (stored now) the sizes on the disk are noted."""
        if command:
            done = self.process(name, command, env)
            step = Step(name, done.wall, done.cpu, done.peak)
        else:
            step = self.flis(name, "build", env=env)
        found = json.loads((self.target / "run_results.json").read_text("utf-8"))["results"]
        home = Path((env or self.env).get("FLIS_HOME", self.home))
        step.nodes, step.bytes = len(found), sum((home / n).stat().st_size for n in DATABASES)
        step.notes["nodes"] = node_seconds(found)
        if months:
            self.state["sizes"].append({"months": months, **self.sizes()})
        if floor:
            bare = self.floor("build")
            step.rows = bare["rows"]
            self.against(step, bare)
        return step

    def sizes(self) -> dict[str, int]:
        """Bytes on the disk; what is linked in many places is there once."""
        def under(folder: Path) -> int:
            return sum({i.st_ino: i.st_size for p in folder.rglob("*") if p.is_file() for i in (p.stat(),)}.values())

        return {**{n: (self.home / n).stat().st_size for n in DATABASES}, "arkiv": under(self.home / "arkiv"), "udbakke": under(self.home / "udbakke")}

    def save(self) -> list[Step]:
        """Keep both database files as they are before the last two months, where there is room; and let go of the files delivered for good."""
        for month in range(1, self.periods - 1):
            shutil.rmtree(self.hold / f"{month:03}", ignore_errors=True)
        shutil.rmtree(self.saved, ignore_errors=True)
        size = sum((self.home / n).stat().st_size for n in DATABASES)
        if shutil.disk_usage(self.work).free < 3 * size:
            say(f"no room for a second copy of the databases ({size / 1e9:.1f} GB): no month can be measured once more in this folder")
            return []
        self.saved.mkdir()
        for name in KEPT:
            shutil.copy2(self.home / name, self.saved)
        return []

    def month(self, number: int) -> date:
        """The first day of a month by its number, 1 the first."""
        last = date.fromisoformat(self.state["last"])
        count = last.year * 12 + last.month - 1 - self.periods + number
        return date(count // 12, count % 12 + 1, 1)

    # --- the parts ------------------------------------------------------------------------------------------------------------------------------

    def validate_all(self) -> list[Step]:
        """Every rule on everything there is."""
        bare = self.floor("validate", "all")
        step = self.flis("validate everything", "validate", "--all")
        step.rows = bare["rows"]
        return [self.against(step, bare)]

    def validate_last(self) -> list[Step]:
        """The rules where something has moved, and what it costs to start them."""
        bare = self.floor("validate")
        step = self.flis("validate the last month", "validate")
        step.rows = bare["rows"]
        start = self.process(results.IMPORT, [sys.executable, "-c", "import flis.quality.gx_duckdb"])
        return [self.against(step, bare), Step(results.IMPORT, start.wall, start.cpu, start.peak)]

    def nothing(self) -> list[Step]:
        """Load and build with nothing to do: what it costs to start, and what a node costs."""
        start = [self.flis(results.NOTHING_LOADED, "load"), self.flis(results.NOTHING_BUILT, "build")]
        every = "from flis.build.dbt import build, project; from flis.core.home import Home; h = Home.of(None); r = build(h, select=sorted(project(h).signs)); assert not r.failures, r.failures"
        return [*start, self.build(results.EVERY_NODE, command=[sys.executable, "-c", every])]

    def package(self) -> list[Step]:
        """Every package of each fagområde, written anew."""
        shutil.rmtree(self.home / "udbakke", ignore_errors=True)
        steps = []
        for area in fagomraader():
            step = self.flis(f"package {area}", "package", "--fagomraade", area)
            bare = self.floor("package", area)
            step.rows, step.bytes, step.files = bare["rows"], bare["bytes"], bare["files"]
            steps.append(self.against(step, bare))
        for kept in self.state["sizes"][-1:]:
            kept.update(self.sizes())
        return [*steps, self.flis("package, nothing changed", "package")]

    def nothing_new(self) -> list[Step]:
        """A whole run with what is left to do, and one with nothing."""
        return [self.flis("run, catching up", "run"), self.flis("run, nothing new", "run")]

    def correction(self) -> list[Step]:
        """Two corrections of an old month, one municipality each: one step by step, one by `flis run`."""
        month = self.month(self.periods // 2)
        deliveries.correct(self.home / "arkiv", self.home / "indbakke", month)
        load = self.loaded("load a correction")
        build = self.build("build a correction")
        self.flis("run, catching up", "run")
        deliveries.correct(self.home / "arkiv", self.home / "indbakke", month)
        return [load, build, self.flis("run, a correction", "run")]

    def delta(self) -> list[Step]:
        """The next of the days of the CPR register that were kept back."""
        days = sorted(self.hold.glob("dag_*"))
        if self.state["days"] >= len(days):
            raise SystemExit(f"the {len(days)} days kept back have been delivered; `flis bench build` puts the home back, and they can be again")
        deliveries.deliver(days[self.state["days"]], self.home / "indbakke")
        self.state["days"] += 1
        return [self.loaded("load a day of the CPR register"), self.build("build a day of the CPR register")]

    def memory(self) -> list[Step]:
        """The last month but one once more with DuckDB held to less memory, in a home of its own."""
        if not self.saved.exists():
            say("no copy of the databases: the build with less memory is not measured")
            return []
        other = self.work / "hjem_lille"
        shutil.rmtree(other, ignore_errors=True)
        shutil.copytree(self.saved, other)
        shutil.copytree(self.home / "opsaetning", other / "opsaetning")
        shutil.copy2(self.home / "noegle", other / "noegle")
        size = deliveries.deliver(self.hold / f"{self.periods - 1:03}", other / "indbakke")
        env = {"FLIS_HOME": str(other), "FLIS_HUKOMMELSE": LESS_MEMORY}
        load = self.flis("load a month in 2 GB", "load", env=env)
        facts = self.facts("load", other)
        load.rows, load.files, load.bytes = facts["rows"], facts["received"], size
        build = self.build("build a month in 2 GB", floor=False, env=env)
        shutil.rmtree(other)
        return [load, build]

    def sqlmesh(self) -> list[Step]:
        """The last month but one of the finance walk by SQLMesh, after the month before it: the same SQL with the same DuckDB, beside the same SQL bare."""
        folder, place = self.work / "sqlmesh", self.work / "sqlmesh_miljoe"
        month = self.month(self.periods - 1)
        for command in sqlmesh_walk.environment(place):
            self.process("SQLMesh installed from its lock", command)
            (place / "klar").touch()
        self.process("dbt compile", [sys.executable, "-m", "dbt.cli.main", "--quiet", "compile", "--full-refresh", "--select", f"+{sqlmesh_walk.FACT}"])
        shutil.rmtree(folder, ignore_errors=True)
        sqlmesh_walk.project(folder, self.home, self.target / "compiled" / "flis", self.month(self.periods - 2))
        steps = []
        for name, today in (("sqlmesh, a first month of Økonomi", month), ("sqlmesh, a month of Økonomi", self.month(self.periods))):
            done = self.process(name, sqlmesh_walk.plan(folder, place, today), sqlmesh_walk.QUIET)
            steps.append(Step(name, done.wall, done.cpu, done.peak))
        bare = self.floor("finance", str(month))
        made = self.process("rows by SQLMesh", [sys.executable, "-c", f"import json, datetime, pathlib; from proofs import sqlmesh_walk; print(json.dumps(sqlmesh_walk.rows(pathlib.Path({str(folder)!r}), datetime.date({month.year}, {month.month}, 1))))"],
                            {"PYTHONPATH": str(SCRIPTS)})
        last = self.against(steps[-1], bare)
        last.rows, last.notes["rows"] = bare["rows"], json.loads(made.text.strip().splitlines()[-1])
        ours = [s["notes"]["nodes"] for s in self.state["done"].get("build_last_but_one", {}).get("steps", [])]
        last.notes["ours"] = {n: ours[0][n] for n in (sqlmesh_walk.POSTINGS, sqlmesh_walk.FACT)} if ours else {}
        shutil.rmtree(folder)
        return steps

    def proof(self, name: str) -> list[Step]:
        """What another script proves of the same installation, in a folder of its own: its figures go with the results."""
        module = PROOFS[name]
        if not (HERE / f"{module}.py").exists():
            self.state["proofs"][name] = f"not run: scripts/proofs/{module}.py is not there"
            say(self.state["proofs"][name])
            return []
        times = self.times or results.read_targets()["times"][name]
        done = self.process(name, [sys.executable, str(HERE / "bench.py"), "--proof", module, "--work", str(self.work / name), "--times", str(times), "--seed", str(self.seed)])
        self.state["proofs"][name] = json.loads(done.text.strip().splitlines()[-1])
        shutil.rmtree(self.work / name, ignore_errors=True)
        return [Step(name, done.wall, done.cpu, done.peak)]

    # --- the result -----------------------------------------------------------------------------------------------------------------------------

    def summary(self) -> dict[str, Any]:
        """All the figures, as written to JSON."""
        about = results.context(self.scale, self.periods, os.environ.get("FLIS_HUKOMMELSE", floors.LIMIT))
        minutes = sum(s["minutes"] for s in self.state["done"].values())
        return results.summary({**about, "minutes": round(minutes, 1)}, self.steps(), self.state["sizes"], self.state["proofs"], len(fagomraader()))

    def clear(self) -> None:
        """Remove all that the benchmark put in the folder but its results."""
        for path in (self.home, self.hold, self.saved, self.target, self.work / "gulv", self.work / "hjem_lille", self.work / "sqlmesh", self.work / "sqlmesh_miljoe"):
            shutil.rmtree(path, ignore_errors=True)
        self.state_file.unlink(missing_ok=True)


def node_seconds(found: list[dict[str, Any]], most: int = 12) -> dict[str, float]:
    """What dbt spent its time on: seconds per kind of node in brackets (threads added up), then the slowest nodes and those that SQLMesh does too."""
    kinds: Counter[str] = Counter()
    nodes = []
    for one in found:
        kinds[f"[{one['unique_id'].split('.')[0]}]"] += one["execution_time"]
        nodes.append((one["unique_id"].split(".")[2], one["execution_time"]))
    nodes.sort(key=lambda n: -n[1])
    chosen = [*nodes[:most], *(n for n in nodes[most:] if n[0] in (sqlmesh_walk.POSTINGS, sqlmesh_walk.FACT))]
    return {name: round(seconds, 2) for name, seconds in [*kinds.most_common(), *chosen]}


def say(text: str) -> None:
    print(f"{datetime.now():%H:%M:%S} {text}", file=sys.stderr, flush=True)


def prove(module: str, work: Path, times: int, seed: int) -> None:
    """Run one of PROOFS in this process and print its figures as the last line."""
    spec = importlib.util.spec_from_file_location(module, HERE / f"{module}.py")
    assert spec and spec.loader
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[module] = loaded
    spec.loader.exec_module(loaded)
    work.mkdir(parents=True, exist_ok=True)
    found = loaded.run(work, times, seed)
    print("\n" + json.dumps(found, ensure_ascii=False, default=str))


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("part", nargs="?", default="all", choices=["all", *PARTS])
    ask.add_argument("--scale", type=float, default=1, help="share of the population")
    ask.add_argument("--periods", type=int, default=24, help="months, 4 or more")
    ask.add_argument("--work", type=Path, default=Path("var") / "bench", help="working folder")
    ask.add_argument("--keep", action="store_true", help="leave the folder, and do only what has not been done in it")
    ask.add_argument("--docs", action="store_true", help="write docs/bench.json and the figures in docs/performance.md")
    ask.add_argument("--until", help="with part all: stop after this stage")
    ask.add_argument("--times", type=int, help="how much survival, fuzz, equal, roundtrip and fremmed try (default: targets.yml)")
    ask.add_argument("--seed", type=int, default=1, help="the chance in survival, fuzz, equal, roundtrip and fremmed")
    ask.add_argument("--proof", help=argparse.SUPPRESS)
    asked = ask.parse_args()
    work = asked.work.resolve()
    if asked.proof:
        prove(asked.proof, work, asked.times, asked.seed)
        return
    if asked.periods < 4:
        ask.error("--periods must be 4 or more")
    if not asked.keep and (work / "home").exists():
        ask.error(f"{work} holds a home already: --keep goes on with it; otherwise remove it, or name another --work")
    bench = Bench(work, asked.scale, asked.periods, asked.seed, asked.times)
    names: list[str] = []
    try:
        names = bench.go(asked.part, asked.until)
    finally:
        result = bench.summary()
        (work / "bench.json").write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", "utf-8")
        if not asked.keep:
            bench.clear()
    parts = results.as_text(result)
    if asked.part == "all":
        print("\n\n".join(parts.values()))
    else:
        print(results.steps_table(bench.steps(names)))
        for name in names:
            if name in result["proofs"]:
                print(results.proofs_text({name: result["proofs"][name]}))
    if asked.docs:
        (REPO / "docs" / "bench.json").write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", "utf-8")
        results.write_page(REPO / "docs" / "performance.md", parts)


if __name__ == "__main__":
    main()
