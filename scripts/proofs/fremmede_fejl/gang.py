"""The walks: a clean installation to the third last month and one to the second last, and from there clean and faulty copies."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

from proofs import deliveries

STEPS = ("load", "build", "validate")
FINE = (0, 1)                           # 1: a delivery waits or a rule holds a package
DATABASES = ("flis.duckdb", "flis_cpr.duckdb")
SCRIPTS = Path(__file__).resolve().parents[2]
fast = False                            # build and validate only what rules and figures read (trin.py)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def flis(step: str, home: Path, *given: str) -> str:
    """One step of the walk in a process of its own, at the lowest priority: it takes half an hour of a machine that others use."""
    begun = time.monotonic()
    command = ["-m", "proofs.fremmede_fejl.trin", step, str(home)] if fast and step in ("build", "validate") else ["-m", "flis.cli", step, "--home", str(home), *given]
    done = subprocess.run(["nice", "-n", "2", sys.executable, *command], env={**os.environ, "PYTHONPATH": str(SCRIPTS)}, capture_output=True, text=True, check=False)
    if done.returncode not in FINE:
        raise SystemExit(f"flis {step} --home {home} failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    say(f"  {step} {time.monotonic() - begun:.0f} s: {' '.join(done.stdout.split())[:240]}")
    return done.stdout


def month(home: Path, files: Path) -> None:
    """Deliver a month's files and walk."""
    deliveries.deliver(files, home / "indbakke")
    for step in STEPS:
        flis(step, home)


def base(work: Path, *, scale: float, months: int, last: date, seed: int, municipalities: str | None) -> Path:
    """A clean home walked to the third last month; the months' files lie in `work`/venter. Kept if it is there."""
    home, hold = work / "grund", work / "venter"
    if (work / "grund.klar").exists():
        return home
    shutil.rmtree(home, ignore_errors=True)
    shutil.rmtree(hold, ignore_errors=True)
    say(f"a clean demo: scale {scale}, {months} months to {last:%Y-%m}, seed {seed}")
    flis("demo", home, "--scale", str(scale), "--periods", str(months), "--slut", f"{last:%Y-%m}", "--seed", str(seed), "--no-faults", *(["--kommuner", municipalities] if municipalities else []))
    kept, deliveries.DAYS_KEPT = deliveries.DAYS_KEPT, 0
    deliveries.deal(home / "indbakke", hold, last, months)
    deliveries.DAYS_KEPT = kept
    for number in range(1, months - 1):
        deliveries.deliver(hold / f"{number:03}", home / "indbakke")
    for step in STEPS:
        flis(step, home)
    (work / "grund.klar").touch()
    return home


def copy(home: Path, there: Path) -> Path:
    """A home that can be walked on: the archive's files are the same on the disk, what is written to is a copy."""
    shutil.rmtree(there, ignore_errors=True)

    def one(source: str, target: str) -> None:
        if "/arkiv/" in source and source.endswith(".gz"):
            os.link(source, target)
        else:
            shutil.copy2(source, target)
    shutil.copytree(home, there, copy_function=one, ignore=shutil.ignore_patterns("tmp", "facit", "docs"))
    return there


def files_of(work: Path, months: int, there: Path, senders: tuple[str, ...] = (), both: bool = False) -> Path:
    """The clean files of the last month (or `both` of the last two), linked, to be planted in; of these senders alone, if any are named."""
    shutil.rmtree(there, ignore_errors=True)
    for number in (months - 1, months)[not both:]:
        for path in (work / "venter" / f"{number:03}").glob("*/*"):
            if senders and not path.parent.name.startswith(senders):
                continue
            target = there / f"{number:03}" / path.parent.name / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(path, target)
    return there
