"""Proof that a run killed at any moment leaves nothing behind that the next plain run does not put right.

    python scripts/proofs/bench.py survival --times 200

A demo is delivered in rounds, and a reference home walks them undisturbed; what it came to after each is kept (`Standing`), and so is the home before it. Then,
over and over: a copy of such a home gets the round's files, `flis run` is started in a process group of its own, all of which is killed (SIGKILL) at a moment drawn
by chance in a step drawn in turn; now and then the run after it is killed too. Then a plain `flis run`, and everything is held against the reference.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from typing import Any

from flis.contracts.contract import read_contracts
from flis.core.database import connect, content_sign
from flis.core.home import REPO, Home
from flis.core.lock import KEPT, holder
from flis.trail import journal
from proofs import ligestilling
from proofs.ligestilling import File, again, put

DEMO = {"kommuner": ["0101", "0185", "0461", "0751"]}
STEPS = ("load", "build", "validate", "report", "package")
WORKERS = 2
DONE = (0, 1)
TWICE = 0.25            # how often the run after the kill is killed too
LONGEST = 1800          # seconds a run may take before it counts as hung
# When something was done, and by which run, is not the same in two runs; nor is what a schema of notes holds (its state is looked at by itself).
OF_THE_RUN = ("koersel", "fra_koersel", "til_koersel", "tidspunkt", "startet", "opgjort", "foerst_set", "skrevet")
NOTES = ("flis.drift", "cpr.raw.journal", "flis.kvalitet.koersel", "flis.kvalitet.tilstand")


@dataclass
class Standing:
    """What a home came to: each table's content, the files of the archive, the quarantine and the packages by their content, what waits, and what has been told of each release."""

    tables: dict[str, str]
    files: dict[str, str]
    packages: dict[str, str]
    released: list[tuple]


@dataclass
class Round:
    """Files that arrive, in a home that stands as `before`; it then comes to `after`, in which each step took `seconds`."""

    number: int
    files: Path
    before: Path
    after: Standing
    seconds: dict[str, float]


# --- running and killing -----------------------------------------------------------------------------------------------------------------------

def clock(number: int) -> str:
    """When a round is: packages and declarations tell the time, so every run of a round, undisturbed or not, is at the same. -1 is before the first."""
    return f"2026-04-{number + 2:02}T03:00:00+00:00"


def start(home: Home, target: Path, number: int, *args: str) -> subprocess.Popen[str]:
    """A verb of `flis` in a process group of its own, at the time of a round."""
    env = {**os.environ, "FLIS_NU": clock(number), "FLIS_HOME": str(home.root), "DBT_TARGET_PATH": str(target), "PYTHONPATH": str(REPO / "scripts"), "COLUMNS": "200"}
    return subprocess.Popen([sys.executable, "-m", "flis.cli", *args], env=env, cwd=REPO, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)


def run_to_end(home: Home, target: Path, number: int, *args: str) -> tuple[int, str]:
    """(exit code, what it said)."""
    process = start(home, target, number, *(args or ("run",)))
    try:
        text, _ = process.communicate(timeout=LONGEST)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        text, _ = process.communicate()
        return -1, f"hung for {LONGEST} s\n{text}"
    return process.returncode, text


def kill_in(home: Home, target: Path, number: int, step: str, wait: float) -> str:
    """Start `flis run`, and kill it `wait` seconds into the step. Returns the step it then was in, or `ended` when it had come to its end."""
    process = start(home, target, number, "run")
    try:
        while process.poll() is None and (who := holder(home)).get("trin") != step or who.get("pid") != process.pid:
            if process.poll() is not None:
                break
            time.sleep(0.003)
        try:
            process.wait(wait)
        except subprocess.TimeoutExpired:
            pass
        hit = holder(home).get("trin", "ended") if process.poll() is None else "ended"
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    return hit


# --- what a home came to -----------------------------------------------------------------------------------------------------------------------

def standing(home: Home) -> Standing:
    """What the home has come to."""
    with connect(home) as con:
        tables = tables_of(con)
        released = con.execute("select kommunekode, detalje ->> 'pakke', detalje ->> 'version', count(*) from drift.haendelse where haendelse = 'udleveret' group by all order by all").fetchall()
    files = {str(p.relative_to(home.root)): _content(p) for top in (home.archive, home.quarantine, home.inbox) for p in sorted(top.rglob("*")) if p.is_file() and p.suffix != ".jsonl" and p.name != "segl.json" and p.parent != home.published}
    return Standing(tables, files, packages_of(home), released)


def tables_of(con: Any) -> dict[str, str]:
    """Per table that the house keeps, in both files, a sign of its rows without what only tells of the run."""
    signs = {}
    for database, schema, name in con.execute("select database_name, schema_name, table_name from duckdb_tables() where database_name in ('flis', 'cpr') order by all").fetchall():
        if f"{database}.{schema}" in NOTES or f"{database}.{schema}.{name}" in NOTES:
            continue
        everything = [c for (c,) in con.execute("select column_name from duckdb_columns() where (database_name, schema_name, table_name) = ($1, $2, $3) order by column_index", [database, schema, name]).fetchall()]
        chosen = ", ".join(f'"{c}"' for c in everything if c not in OF_THE_RUN)
        standing_now = " where til_koersel is null" if "til_koersel" in everything else ""
        signs[f"{database}.{schema}.{name}"] = con.execute(f'select {content_sign("t")} from (select {chosen} from {database}."{schema}"."{name}"{standing_now}) as t').fetchall()[0][0]
    return signs


def packages_of(home: Home) -> dict[str, str]:
    """Every file of every version in the outbox, by its bytes. Reports are made anew each time, and are no packages."""
    return {str(p.relative_to(home.outbox)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(home.outbox.glob("*/*/*/**/*")) if p.is_file() and not p.relative_to(home.outbox).parts[0].startswith(".")
            and "kvalitetsrapport" not in p.parts}


def _content(path: Path) -> str:
    data = path.read_bytes()
    try:
        data = gzip.decompress(data) if path.suffix == ".gz" else data
    except (OSError, EOFError):
        pass        # a refused file may be a damaged package
    return hashlib.sha256(data).hexdigest() if not path.name.endswith(".aarsag.txt") else "note"


def whole_packages(home: Home) -> list[str]:
    """Versions in the outbox whose files are not those of their own list: half there, or changed."""
    wrong = []
    for folder in {p.parent for p in home.outbox.glob("*/*/*/*") if p.is_file() and "kvalitetsrapport" not in p.parts and not p.relative_to(home.outbox).parts[0].startswith(".")}:
        listed = folder / "SHA256SUMS"
        sums = {name: sha for sha, _, name in (line.partition("  ") for line in listed.read_text("utf-8").splitlines())} if listed.exists() else {}
        found = {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*") if p.is_file() and p != listed}
        if not sums or sums != found:
            wrong.append(str(folder.relative_to(home.outbox)))
    return sorted(wrong)


def faults_of(home: Home, expected: Standing) -> list[str]:
    """What is not as it should be in a home where a run has come to its end; empty when all is."""
    found = standing(home)
    faults = [f"{what} {name}" for what, a, b in (("table", expected.tables, found.tables), ("file", expected.files, found.files), ("package file", expected.packages, found.packages))
              for name in sorted(a.keys() | b.keys()) if a.get(name) != b.get(name)]
    if found.released != expected.released:
        faults.append(f"releases told of: {sorted(set(found.released) ^ set(expected.released))[:4]}")
    faults += [f"package {name} is not whole" for name in whole_packages(home)]
    faults += [f"left behind: {p.relative_to(home.root)}" for p in _left(home)]
    with connect(home) as con:
        faults += [f"{n} {what}" for what, n in (
            ("deliveries with a number that another has", con.execute("select count(*) - count(distinct leverance_id) from cpr.raw.leverance").fetchall()[0][0]),
            ("deliveries loaded twice", con.execute("select count(*) - count(distinct (afsender, fil, modtaget)) from cpr.raw.leverance").fetchall()[0][0]),
            ("half-made tables", con.execute("select count(*) from duckdb_tables() where regexp_matches(table_name, '__dbt_(tmp|backup)')").fetchall()[0][0]),
            ("nodes not built and tested", con.execute("select count(*) from drift.bygget where signatur is null").fetchall()[0][0])) if n]
        raw: Counter[int] = Counter()
        for table in [t.identifier for ft in read_contracts(None).filetypes for t in ft.tables]:
            raw.update(dict(con.execute(f"select _leverance_id, count(*) from cpr.raw.{table} group by 1").fetchall()))
        ledger = con.execute("select leverance_id, case when status = 'aktiv' then raekker else 0 end, status, erstattet_af from cpr.raw.leverance").fetchall()
    faults += [f"delivery {ident} has {raw.get(ident, 0)} rows in raw, {rows} in the ledger" for ident, rows, *_ in ledger if raw.get(ident, 0) != rows]
    faults += [f"rows in raw of delivery {ident}, which the ledger does not know" for ident in raw.keys() - {row[0] for row in ledger}]
    told = {line["leverance_id"]: (line["status"], line["erstattet_af"]) for line in journal.deliveries(home)}
    if told != {ident: (status, by) for ident, _, status, by in ledger if status != journal.WAITING}:
        faults.append("the journal of deliveries does not say what the ledger says")
    return faults


def _left(home: Home) -> list[Path]:
    """What only a run at work should have on the disk."""
    return [*(p for p in home.tmp.iterdir() if p.name != KEPT and (p.is_file() or any(p.iterdir()))), *home.archive.rglob(".*"), *home.root.glob("*.ny"), *(p for p in home.outbox.glob(".*"))]


# --- the rounds --------------------------------------------------------------------------------------------------------------------------------

def rounds(work: Path, target: Path, most: int | None = None, demo: dict[str, Any] | None = None) -> list[Round]:
    """The reference: the first two months by `flis run`, then each round (the first `most` of them), with a copy of the home before each."""
    world = ligestilling.deal(work, **(demo or DEMO))
    home = Home(world.base)
    _walked(home, target, -1)
    told = []
    for number, arriving in enumerate(_arriving(world)[:most]):
        files, before = work / "runder" / str(number), work / "foer" / str(number)
        laid = Home(files)
        laid.inbox.mkdir(parents=True)
        for file in arriving:
            put(laid, file)
        shutil.copytree(home.root, before)
        deliver(home, files)
        _walked(home, target, number)
        steps = json.loads(home.status.read_text("utf-8"))["trin"]
        told.append(Round(number, files, before, standing(home), {name: steps[name]["seconds"] for name in STEPS}))
        if faults := faults_of(home, told[-1].after):
            raise AssertionError(f"undisturbed, round {number}: {faults}")
    return told


def _arriving(world: ligestilling.World) -> list[list[File]]:
    """What comes in each round: corrections and a file that is refused; days of the register after a gap; a month with the day that was missing; the last month with replacements and a duplicate."""
    chance = random.Random(1)
    known = {f.match.filetype.origin: f for f in world.first if f.match and not f.series and not f.name.endswith((".gz", ".zip"))}
    some = [known[k] for k in sorted(known)]
    days = world.days
    refused = File(some[0].sender, f"{some[0].name}.txt", some[0].data[:200], None, some[0].came)
    return [
        [*(again(f, "thinned", 1, chance) for f in some[::2]), *days[:2], refused],
        [*days[3:6], again(some[1], "emptied", 1, chance)],
        [*world.months[0], days[2]],
        [*world.months[1], *days[6:], again(some[0], "thinned", 2, chance), again(some[2], "as it was", 2, chance)],
    ]


def deliver(home: Home, files: Path) -> None:
    """Lay a round's files in the inbox, with the times they have."""
    shutil.copytree(Home(files).inbox, home.inbox, dirs_exist_ok=True)


def _walked(home: Home, target: Path, number: int) -> None:
    code, text = run_to_end(home, target, number)
    if code not in DONE:
        raise AssertionError(f"undisturbed: exit {code}\n{text}")


# --- the kills ---------------------------------------------------------------------------------------------------------------------------------

@dataclass
class Told:
    """An attempt: where each kill hit, and what was wrong afterwards."""

    hit: list[str]
    faults: list[str]


def attempt(one: Round, home: Home, target: Path, steps: Sequence[str], chance: random.Random) -> Told:
    """Carry a copy of the home before the round through it, killed once in each of the steps named, one run after the other; then to the end."""
    shutil.rmtree(home.root, ignore_errors=True)
    shutil.copytree(one.before, home.root)
    deliver(home, one.files)
    there, hit, faults = packages_of(home), [], []
    for step in steps:
        hit.append(kill_in(home, target, one.number, step, chance.random() * max(one.seconds[step], 0.2)))
        now_there = packages_of(home)
        faults += [f"changed after it was published: {name}" for name, sha in there.items() if now_there.get(name) != sha]
        faults += [f"package {name} is half there after the kill" for name in whole_packages(home)]
        there = now_there
    code, text = run_to_end(home, target, one.number)
    if code not in DONE:
        return Told(hit, [*faults, f"the run after it: exit {code}: {text[-1500:]}"])
    now_there = packages_of(home)
    faults += [f"changed after it was published: {name}" for name, sha in there.items() if now_there.get(name) != sha]
    return Told(hit, [*faults, *faults_of(home, one.after)])


def run(work: Path, times: int, seed: int) -> dict[str, Any]:
    """`times` kills and more; gives how many hit in each step, and what was wrong with what is needed to see it again. `work` is emptied first."""
    begun = time.monotonic()
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    targets: Queue[tuple[Home, Path]] = Queue()
    told = rounds(work, work / "target")
    for number in range(WORKERS):
        shutil.copytree(work / "target", work / f"target{number}")
        targets.put((Home(work / f"hjem{number}"), work / f"target{number}"))
    plans, kills = [], 0
    while kills < times:
        chance = random.Random(f"{seed}/{len(plans)}")
        steps = [STEPS[len(plans) % len(STEPS)], *([chance.choice(STEPS)] if chance.random() < TWICE else [])]
        plans.append((len(plans), told[len(plans) // len(STEPS) % len(told)], steps, chance))
        kills += len(steps)

    def play(plan: tuple[int, Round, list[str], random.Random]) -> tuple[dict[str, Any], list[str]]:
        number, one, steps, chance = plan
        home, target = targets.get()
        try:
            came = attempt(one, home, target, steps, chance)
        finally:
            targets.put((home, target))
        line = {"seed": seed, "nr": number, "round": one.number, "asked": steps, "hit": came.hit, "faults": came.faults[:10]}
        print(json.dumps(line, ensure_ascii=False), flush=True)
        return line, came.hit

    with ThreadPoolExecutor(WORKERS) as pool:
        lines = list(pool.map(play, plans))
    hits = Counter(step for _, hit in lines for step in hit)
    broken = [line for line, _ in lines if line["faults"]]
    return {"kills": sum(n for step, n in hits.items() if step != "ended"), "in": dict(hits), "runs": len(plans), "broken": len(broken), "tables": len(told[0].after.tables), "rounds": len(told), "examples": broken[:5],
            "minutes": round((time.monotonic() - begun) / 60, 1)}
