"""What breaks, and what is left of it: killed runs, two at once, a full disk, database files put back or damaged.

`flis bench survival` kills two hundred (scripts/proofs/overlevelse.py, which this is a handful of).
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from flis.core.database import connect, unreadable
from flis.core.home import REPO, Home
from flis.core.lock import holder
from proofs import overlevelse
from proofs.overlevelse import DONE, STEPS, Round, Told, deliver, run_to_end, start

pytestmark = pytest.mark.langsom

BUSY, FAILED = 4, 3


@pytest.fixture(scope="module")
def work(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("overlevelse")


@pytest.fixture(scope="module")
def first(work: Path) -> Round:
    """The first round of the bench's reference: two months and then corrections, days of the register and a file that is refused."""
    return overlevelse.rounds(work, work / "target", 1, {"scale": 0.0002, "kommuner": ["0101", "0461", "0751"]})[0]


@pytest.fixture(scope="module")
def home(work: Path, first: Round) -> Home:
    """Where the reference walked, which is done with it: the tests have their homes there in turn, for dbt reads the whole project anew for one that lies elsewhere."""
    return Home(work / "grund")


@pytest.fixture
def narrow(home: Home, first: Round) -> Iterator[tuple[Home, dict]]:
    """A home before the round where little more can be written: on a small disk of its own where one can be made, otherwise with files that may not grow."""
    shutil.rmtree(home.root)
    home.root.mkdir()
    size = sum(p.stat().st_size for p in first.before.rglob("*") if p.is_file())
    mounted = os.geteuid() == 0 and subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size + 3 * 1024**2}", "tmpfs", str(home.root)], capture_output=True, check=False).returncode == 0
    shutil.copytree(first.before, home.root, dirs_exist_ok=True)
    deliver(home, first.files)
    try:
        yield home, {"mounted": mounted, "blocks": home.cpr_db.stat().st_size // 1024 + 256}
    finally:
        if mounted:
            subprocess.run(["umount", str(home.root)], check=True)


def test_a_full_disk_and_then_two_at_once(narrow: tuple[Home, dict], work: Path, first: Round) -> None:
    home, how = narrow
    if how["mounted"]:
        code, said = run_to_end(home, work / "target", 0)
    else:
        env = {**os.environ, "FLIS_NU": overlevelse.clock(0), "FLIS_HOME": str(home.root), "DBT_TARGET_PATH": str(work / "target"), "PYTHONPATH": str(REPO / "scripts"), "COLUMNS": "200"}
        done = subprocess.run(["bash", "-c", f"ulimit -f {how['blocks']}; exec {sys.executable} -m flis.cli run"], env=env, cwd=REPO, capture_output=True, text=True, check=False)
        code, said = done.returncode, done.stdout + done.stderr
    assert code == FAILED and "The disk is full" in said and "make room" in said and "Traceback" not in said, said
    assert overlevelse.whole_packages(home) == []
    if how["mounted"]:
        subprocess.run(["mount", "-o", "remount,size=2G", str(home.root)], check=True)
    one = start(home, work / "target", 0, "run")
    while holder(home).get("pid") != one.pid and one.poll() is None:
        time.sleep(0.01)
    code, said = run_to_end(home, work / "target", 0)
    text, _ = one.communicate()
    assert code == BUSY and "is in use" in said and f"process {one.pid}" in said and len(said.splitlines()) == 1, said
    assert one.returncode in DONE, text
    assert overlevelse.faults_of(home, first.after) == []


@pytest.fixture(scope="module")
def killed(home: Home, work: Path, first: Round) -> Told:
    """The home carried through the round, killed in every step."""
    return overlevelse.attempt(first, home, work / "target", STEPS, random.Random(4))


def test_killed_in_every_step(killed: Told) -> None:
    assert killed.faults == []
    assert len(set(killed.hit) - {"ended"}) >= 3, killed.hit


def test_files_put_back_and_damaged(home: Home, killed: Told, first: Round, work: Path) -> None:
    """The copies taken before the round are older than the archive; then both files are damaged as well. What is made anew gives the same figures."""
    for name in ("flis.duckdb", "flis_cpr.duckdb"):
        shutil.copy2(first.before / name, home.root / name)
    home.status.unlink()                  # a run that has nothing to do opens no file
    code, said = run_to_end(home, work / "target", 0)
    assert code == FAILED and "is older than" in said and "flis restore" in said and "Traceback" not in said, said
    for path in (home.db, home.cpr_db):
        with path.open("r+b") as file:      # every block from the middle on
            file.seek(path.stat().st_size // 2)
            file.write(os.urandom(path.stat().st_size // 4))
        assert unreadable(path)
        code, said = run_to_end(home, work / "target", 0)
        assert code == FAILED and "flis restore" in said and "Traceback" not in said, said
    code, said = run_to_end(home, work / "target", 0, "restore")
    assert code in DONE, said
    found = overlevelse.standing(home)
    figures = {name: sign for name, sign in first.after.tables.items() if not name.startswith("flis.kvalitet.")}
    assert len(figures) > 60
    assert {name for name, sign in figures.items() if found.tables.get(name) != sign} == set()
    assert (found.files, found.packages, found.released) == (first.after.files, first.after.packages, first.after.released)
    assert {p.name for p in home.root.glob("*.kasseret")} >= {"flis.duckdb.kasseret", "flis_cpr.duckdb.kasseret"}
    with connect(home) as con:
        assert con.execute("select count(*) from drift.haendelse where haendelse = 'gendannet'").fetchall() == [(1,)]
    code, said = run_to_end(home, work / "target", 0, "restore")
    assert code == 0 and "nothing to restore" in said
