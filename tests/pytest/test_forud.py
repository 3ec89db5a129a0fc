"""The validate step in a process of its own: it gives what the step gives, tells its faults, and never outlives the run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flis.core.database import connect
from flis.core.home import Home
from flis.quality.beside import Ahead, ahead
from flis.quality.validate import ValidateError, validate
from regelverden import World
from test_validate import post

WAIT_S = 60


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path / "hjem")
    made.instruct("0101", "0147")
    made.add(post("god"), post("ond", dranst="7"))
    return made


def counted(home: Home) -> list[tuple]:
    with connect(home) as con:
        return con.execute("select regel_id, kommunekode, periode, status, raekker, afvigelser from kvalitet.resultat order by all").fetchall()


def test_it_gives_what_the_step_gives(world: World, tmp_path: Path) -> None:
    engine, how_far = Ahead(world.home), []
    try:
        facts = engine.validate({}, lambda *said: how_far.append(said))
    finally:
        engine.stop()
    other = World(tmp_path / "andet")
    other.instruct("0101", "0147")
    other.add(post("god"), post("ond", dranst="7"))
    assert facts == validate(other.home).facts() and facts["measured"] and facts["deviations"]
    assert counted(world.home) == counted(other.home)
    assert how_far and how_far[-1][1] == how_far[-1][2]


def test_a_fault_comes_through_with_its_trace(tmp_path: Path) -> None:
    engine = Ahead(Home(tmp_path / "tomt").prepare())
    try:
        with pytest.raises(ValidateError, match="no set-up") as fault:
            engine.validate({}, None)
    finally:
        engine.stop()
    assert "validate.py" in "".join(fault.value.__notes__)


def test_ended_from_outside_is_said(world: World) -> None:
    engine = Ahead(world.home)
    engine._process.kill()
    with pytest.raises(ChildProcessError, match="ended by itself"):
        engine.validate({}, None)
    engine.stop()


def test_none_where_the_engine_is_at_hand(world: World, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "great_expectations", sys)
    assert ahead(world.home) is None


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's promise to end it is Linux's")
def test_a_killed_run_leaves_nothing_at_work(tmp_path: Path) -> None:
    code = f"import time; from pathlib import Path; from flis.quality.beside import Ahead; from flis.core.home import Home; print(Ahead(Home(Path({str(tmp_path)!r})))._process.pid, flush=True); time.sleep({WAIT_S})"
    run = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    child = int(run.stdout.readline())
    time.sleep(0.5)
    assert _lives(child)
    run.send_signal(signal.SIGKILL)
    run.wait()
    end = time.monotonic() + WAIT_S
    while _lives(child) and time.monotonic() < end:
        time.sleep(0.05)
    assert not _lives(child)


def _lives(pid: int) -> bool:
    """Whether a process is at work; one that has ended and that nobody has asked about is not."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
