"""Measuring: a command as a process of its own, and the seconds of what runs inside one."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Measured:
    """What the operating system says of a finished process and its children: wall and CPU seconds, and MB at the most."""

    code: int
    wall: float
    cpu: float
    peak: float
    text: str


def measured(command: list[str], env: dict[str, str], log: Path, folder: Path) -> Measured:
    """Run a command in `folder` and wait for it. What it prints goes to `log`, and comes back as `text`.

    The kernel counts what the parent had in memory when the child was made as the child's own, so the caller must be small (it must not have imported DuckDB).
    """
    with log.open("w+b") as out:
        start = time.perf_counter()
        process = subprocess.Popen(command, env=env, cwd=folder, stdout=out, stderr=subprocess.STDOUT)
        _, status, use = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read().decode("utf-8", "replace")
    return Measured(process.returncode, wall, use.ru_utime + use.ru_stime, use.ru_maxrss / 1024, text)


class Clock:
    """Wall and CPU seconds (of all threads) of what runs inside it, added up."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0

    def __enter__(self) -> None:
        self._start = time.perf_counter(), time.process_time()

    def __exit__(self, *_: object) -> None:
        self.wall += time.perf_counter() - self._start[0]
        self.cpu += time.process_time() - self._start[1]
