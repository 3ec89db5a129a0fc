"""The benchmark: each step of the walk on the demo Denmark, and beside it the floor, the same work done bare (floors.py), in the same run.

    python scripts/bench/bench.py [--scale 1] [--periods 24] [--work FOLDER] [--keep] [--until STAGE]

The months are delivered so that the cost of one more is measured on a short history and on a long one: the first with the CPR register whole, the second alone, those
between in one, then the last two one by one. Every step and every floor is a process of its own: wall time, CPU and peak memory are what the operating system says
of it. With --keep the working folder is left as it is, and a stage that has been done in it is not done again.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

SCRIPTS = Path(__file__).resolve().parents[1]
REPO = SCRIPTS.parent
sys.path.insert(0, str(SCRIPTS))

from measure import measured  # noqa: E402

DONE = (0, 1)                       # 1: a delivery waits or a rule holds a package, which is no fault of the step
ARRIVAL = timedelta(days=25)        # what arrives on the 1st to the 25th tells of the month before; the CPR register tells of the day itself
DAYS_KEPT = 3                       # the last days of the CPR register are kept back and delivered one at a time


@dataclass
class Step:
    """One measured process and its floor. Seconds, MB at the most, and what it was about."""

    step: str
    seconds: float
    cpu_seconds: float
    peak_rss_mb: float
    rows: int = 0
    bytes: int = 0
    files: int = 0
    nodes: int = 0
    floor_seconds: float | None = None
    floor_cpu_seconds: float | None = None
    slowest: list[tuple[str, float]] = field(default_factory=list)
    floor_slowest: list[tuple[str, float]] = field(default_factory=list)

    @property
    def ratio(self) -> float | None:
        return self.seconds / self.floor_seconds if self.floor_seconds else None


class Bench:
    """One benchmark in a working folder: `home` is the installation, `venter` what is not yet delivered, `tilstand.json` which stages are done and what they gave."""

    def __init__(self, work: Path, scale: float, periods: int) -> None:
        self.work, self.scale, self.periods = work, scale, periods
        self.home, self.hold, self.saved, self.target = work / "home", work / "venter", work / "gemt", work / "target"
        self.env = {**os.environ, "FLIS_HOME": str(self.home), "DBT_TARGET_PATH": str(self.target), "DBT_PROFILES_DIR": str(REPO),
                    "PYTHONPATH": str(SCRIPTS), "DO_NOT_TRACK": "1", "DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "COLUMNS": "200"}
        work.mkdir(parents=True, exist_ok=True)
        self.state_file = work / "tilstand.json"
        self.state = json.loads(self.state_file.read_text("utf-8")) if self.state_file.exists() else {"done": {}}

    # --- stages ---------------------------------------------------------------------------------------------------------------------------------

    def stages(self) -> dict[str, Callable[[], list[Step]]]:
        """Every stage in its order, by name."""
        last = self.periods
        return {
            "demo": self.demo,
            "load_1": lambda: [self.load("load month 1 and the CPR register whole", [1])],
            "build_1": lambda: [self.build("build month 1 whole")],
            "load_2": lambda: [self.load("load month 2", [2])],
            "build_2": lambda: [self.build("build month 2")],
            "load_rest": lambda: [self.load(f"load months 3-{last - 2}", list(range(3, last - 1)), floor=False)],
            "build_rest": lambda: [self.build(f"build months 3-{last - 2}", floor=False)],
            "save": self.save,
            "load_23": lambda: [self.load(f"load month {last - 1}", [last - 1])],
            "build_23": lambda: [self.build(f"build month {last - 1}")],
            "load_24": lambda: [self.load(f"load month {last}", [last])],
            "build_24": lambda: [self.build(f"build month {last}")],
        }

    def go(self, until: str | None) -> None:
        """Do the stages that are not done, up to and with `until`."""
        for name, stage in self.stages().items():
            if name not in self.state["done"]:
                self.state["done"][name] = [asdict(step) for step in stage()]
                self.state_file.write_text(json.dumps(self.state, ensure_ascii=False, indent=1), "utf-8")
            if name == until:
                break

    # --- processes ------------------------------------------------------------------------------------------------------------------------------

    def flis(self, name: str, *args: str, **env: str) -> Step:
        """One verb of the product."""
        done = measured([sys.executable, "-m", "flis.cli", *args], {**self.env, **env}, self.work / "trin.log", REPO)
        if done.code not in DONE:
            raise SystemExit(f"{name}: exit {done.code}\n{done.text[-4000:]}")
        _say(f"{name}: {done.wall:.1f} s, {done.cpu:.1f} s CPU, {done.peak:.0f} MB")
        return Step(name, done.wall, done.cpu, done.peak)

    def floor(self, what: str, **env: str) -> dict[str, Any]:
        """The same work done bare."""
        done = measured([sys.executable, str(SCRIPTS / "bench" / "floors.py"), what, str(self.home), str(self.work / "gulv")], {**self.env, **env}, self.work / "gulv.log", REPO)
        if done.code:
            raise SystemExit(f"the floor of {what}: exit {done.code}\n{done.text[-4000:]}")
        figures = json.loads(done.text.strip().splitlines()[-1])
        _say(f"  its floor: {figures['wall']:.1f} s, {figures['cpu']:.1f} s CPU, {done.peak:.0f} MB; {({k: v for k, v in figures.items() if k not in ('wall', 'cpu')})}")
        return figures

    def load(self, name: str, months: list[int], floor: bool = True) -> Step:
        """Deliver these months and load them."""
        self.deliver(months)
        bare = self.floor("load") if floor and months else None
        size = sum(p.stat().st_size for p in (self.home / "indbakke").glob("*/*"))
        step = self.flis(name, "load")
        facts = json.loads((self.home / "status.json").read_text("utf-8"))["trin"]["load"]
        step.rows, step.files, step.bytes = facts["rows"], facts["received"], size
        return self.against(step, bare)

    def build(self, name: str, floor: bool = True) -> Step:
        """Build what has arrived."""
        step = self.flis(name, "build")
        results = json.loads((self.target / "run_results.json").read_text("utf-8"))["results"]
        step.nodes, step.slowest = len(results), slowest(results)
        step.bytes = (self.home / "flis.duckdb").stat().st_size
        bare = self.floor("build") if floor else None
        if bare:
            step.rows, step.floor_slowest = bare["rows"], bare["slowest"]
        return self.against(step, bare)

    def against(self, step: Step, bare: dict[str, Any] | None) -> Step:
        if bare:
            step.floor_seconds, step.floor_cpu_seconds = bare["wall"], bare["cpu"]
        return step

    # --- deliveries -----------------------------------------------------------------------------------------------------------------------------

    def demo(self) -> list[Step]:
        """The demo Denmark, unless the home has one already; its files are then dealt out by the month they tell of."""
        steps = []
        if not (self.home / "facit" / "demo.json").exists():
            # The history begins in a January: a municipality's first delivery brings the year to date, and would make the first month a year.
            last = datetime(2025, (self.periods - 1) % 12 + 1, 1)
            steps.append(self.flis("demo", "demo", "--scale", str(self.scale), "--periods", str(self.periods), "--slut", f"{last:%Y-%m}", "--no-faults"))
        asked = json.loads((self.home / "facit" / "demo.json").read_text("utf-8"))
        if (asked["scale"], asked["periods"]) != (self.scale, self.periods):
            raise SystemExit(f"the demo in {self.home} is of scale {asked['scale']} and {asked['periods']} months")
        year, month = map(int, asked["slut"].split("-"))
        first = year * 12 + month - self.periods
        from flis.contract import read_contracts
        from flis.inspection import plain_name

        contracts = read_contracts(None)
        for path in sorted((self.home / "indbakke").glob("*/*")):
            match = contracts.match(path.parent.name, plain_name(path.name))
            told = match.periode if match and match.periode else datetime.fromtimestamp(path.stat().st_mtime, UTC) - (timedelta(0) if path.parent.name == "cpr" else ARRIVAL)
            number = max(1, told.year * 12 + told.month - first)
            part = f"{min(number, self.periods):03}"
            if path.parent.name == "cpr" and number == self.periods and (told + timedelta(days=DAYS_KEPT)).month != told.month:
                part = f"dag_{told:%Y%m%d}"
            away = self.hold / part / path.parent.name / path.name
            away.parent.mkdir(parents=True, exist_ok=True)
            path.rename(away)
        return steps

    def deliver(self, months: list[int]) -> None:
        """Put these months' files in the inbox. They are kept where they were too (the same bytes on the disk), so that a month can be delivered again."""
        for month in months:
            self.put(f"{month:03}")

    def put(self, part: str) -> None:
        for path in (self.hold / part).glob("*/*"):
            there = self.home / "indbakke" / path.parent.name / path.name
            there.parent.mkdir(parents=True, exist_ok=True)
            if not there.exists():
                os.link(path, there)

    def save(self) -> list[Step]:
        """Keep both database files as they are before the last two months."""
        shutil.rmtree(self.saved, ignore_errors=True)
        self.saved.mkdir()
        for name in ("flis.duckdb", "flis_cpr.duckdb", "status.json"):
            shutil.copy2(self.home / name, self.saved / name)
        for month in range(1, self.periods - 1):        # delivered for good
            shutil.rmtree(self.hold / f"{month:03}", ignore_errors=True)
        return []


def slowest(results: list[dict[str, Any]], most: int = 12) -> list[tuple[str, float]]:
    """What dbt spent its time on: seconds per kind of node (threads added up), then the slowest nodes."""
    kinds: Counter[str] = Counter()
    nodes = []
    for one in results:
        kinds[f"[{one['unique_id'].split('.')[0]}]"] += one["execution_time"]
        nodes.append((one["unique_id"].split(".")[2], round(one["execution_time"], 3)))
    return [*((k, round(t, 3)) for k, t in kinds.most_common()), *sorted(nodes, key=lambda n: -n[1])[:most]]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def table(steps: list[Step]) -> str:
    """The figures as Markdown."""
    lines = ["| step | files | rows | MB | wall s | CPU s | peak MB | floor wall s | floor CPU s | ratio |", "|---|" + "--:|" * 9]
    for s in steps:
        cells = [s.step, f"{s.files:,}" if s.files else "", f"{s.rows:,}" if s.rows else "", f"{s.bytes / 1e6:,.1f}" if s.bytes else "",
                 f"{s.seconds:.1f}", f"{s.cpu_seconds:.1f}", f"{s.peak_rss_mb:.0f}",
                 *((f"{s.floor_seconds:.2f}", f"{s.floor_cpu_seconds:.2f}", f"{s.ratio:.1f}") if s.ratio else ("", "", ""))]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--scale", type=float, default=1, help="share of the population")
    ask.add_argument("--periods", type=int, default=24, help="months, 4 or more")
    ask.add_argument("--work", type=Path, default=Path("var") / "bench", help="working folder")
    ask.add_argument("--keep", action="store_true", help="leave the folder as it is, and do only the stages not done in it")
    ask.add_argument("--until", help="stop after this stage")
    asked = ask.parse_args()
    work = asked.work.resolve()
    if asked.periods < 4:
        ask.error("--periods must be 4 or more")
    bench = Bench(work, asked.scale, asked.periods)
    bench.go(asked.until)
    print(table([Step(**s) for steps in bench.state["done"].values() for s in steps]))


if __name__ == "__main__":
    main()
