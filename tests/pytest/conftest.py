"""Homes for the tests: a small demo Denmark carried through the whole walk, once per test session."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from flis import seldom_garbage
from flis.build.dbt import docs
from flis.core.home import REPO, Home
from flis.demo import REGION
from flis.quality.rules import areas

seldom_garbage()
os.environ["FLIS_HVILETID"] = "0"       # files that a test has just written are taken; test_under_vejs.py looks at those that are not

KOMMUNER = list(REGION)
BUDGET_S = 20       # what one fagområde's own tests may take, so that sixteen are run in the time there is
DEMO = {"scale": 0.001, "periods": 4, "slut": "2026-02", "kommuner": KOMMUNER, "seed": 7}


def reference_data() -> Path | None:
    """The folder of real public data, where it is at hand (FLIS_REFERENCEDATA, or shared/data beside the repo)."""
    for path in (os.environ.get("FLIS_REFERENCEDATA"), REPO.parent / "shared" / "data"):
        if path and Path(path).is_dir():
            return Path(path)
    return None


def make_demo(root: Path, **overrides) -> Home:
    """A home with a freshly generated inbox and truth."""
    from flis.demo import generate

    home = Home.of(root).prepare()
    generate(home, **{**DEMO, **overrides})
    return home


def walk(home: Home) -> dict[str, dict]:
    """load, build, validate and package as `flis run` does; fails the test when a model or a model test fails. Returns each step's figures."""
    from flis.operate.run import FAILED, STEPS, run_steps

    done: dict[str, dict] = {}
    code = run_steps(home, list(STEPS), done=done)
    assert code != FAILED, done["build"]["failed"]
    assert done["build"]["models"] > 20
    return done


def copy_of(source: Home, root: Path) -> Home:
    """A home of one's own with all that is in the other, times included."""
    shutil.copytree(source.root, root, symlinks=True, dirs_exist_ok=True)
    return Home.of(root).prepare()


@pytest.fixture(scope="session")
def leveret_demo(tmp_path_factory) -> Home:
    """The small demo with faults as it is delivered, nothing loaded. To be read and copied, not changed."""
    return make_demo(tmp_path_factory.mktemp("leveret"))


@pytest.fixture(scope="session")
def demo_hjem(request, tmp_path_factory) -> Iterator[Home]:
    """The small demo carried through the whole walk. FLIS_TEST_HJEM names a home that is ready instead."""
    ready = os.environ.get("FLIS_TEST_HJEM")
    if ready:
        yield Home.of(ready)
        return
    home = copy_of(request.getfixturevalue("leveret_demo"), tmp_path_factory.mktemp("demo"))
    walk(home)
    docs(home)
    yield home


def months_of(home: Home) -> list[date]:
    """The first of each month in which files arrived, oldest first."""
    stamps = {datetime.fromtimestamp(f.stat().st_mtime).date().replace(day=1) for f in home.inbox.rglob("*") if f.is_file()}
    return sorted(stamps)


def deliver_until(source: Home, target: Home, end: date) -> int:
    """Move to the target's inbox the files that had arrived before `end` in the source; returns how many."""
    moved = 0
    for file in sorted(f for f in source.inbox.rglob("*") if f.is_file()):
        if datetime.fromtimestamp(file.stat().st_mtime).date() < end:
            goal = target.inbox / file.relative_to(source.inbox)
            goal.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(file, goal)
            moved += 1
    return moved


def next_month(month: date) -> date:
    return (month + timedelta(days=32)).replace(day=1)


# --- what each fagområde's tests take ----------------------------------------------------------------------------------------------------------

_seconds: Counter[str] = Counter()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    for area in areas():
        if area in report.nodeid:
            _seconds[area] += report.duration


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Seconds per fagområde, of the tests that bear its name; one that is over its budget is marked and fails nothing, for machines differ."""
    if _seconds:
        told = (f"{area} {seconds:.0f} s{' (over)' if seconds > BUDGET_S else ''}" for area, seconds in sorted(_seconds.items()))
        terminalreporter.write_line(f"Per fagområde, at most {BUDGET_S} s each: {', '.join(told)}")
