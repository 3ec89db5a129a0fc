"""How often the rules cry wolf: demo Denmarks without a planted fault, of several seeds, walked to `validate`, and what the rules found in them.

    python scripts/proofs/falske_alarmer.py --seeds 101 102 103 [--scale 0.01] [--periods 14] [--each 0] [--work FOLDER] [--keep]

A home that has everything at once is another than one that has been run every month: with `--each 6` the last six months come one at a time, and are judged as they come.

Per rule: findings, municipalities and findings per municipality and year; then, of the rules that hold a delivery's content against other deliveries
(`kvalitet.indholdsmaal`), the greatest swing there was per measure among those that would have mattered: what the limits in `seeds/faelles/indholdsgraense.csv`
must lie above. Ends with 1 when a rule of severity fejl failed, or content gave more than one warning per municipality and year.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from datetime import date
from pathlib import Path

from flis.core.database import connect
from flis.core.home import Home
from proofs.deliveries import deal, deliver

HERE = Path(__file__).resolve()

STEPS = ("load", "build", "validate")
CONTENT = 97        # the number of the first of the rules about a delivery's content
FOUND = """
    select r.regel_id, r.alvor, r.kommunekode, r.periode, r.afvigelser
    from kvalitet.resultat as r
    where r.status = 'fejlet'
"""
SWINGS = """
    select maaling, mod_hvad, begreb, felt, max(udsving) filter (where virkning > 0.1) as ved_fejl, max(udsving) as ved_advarsel
    from kvalitet.indholdsmaal
    group by all
"""


def last_month(seed: int) -> str:
    """The month a seed's demo ends with: some seeds in a row go round the calendar, for what has a season must be seen in all of it."""
    month = seed * 5 % 24
    return f"{2025 + month // 12}-{month % 12 + 1:02}"


def walk(work: Path, seed: int, scale: float, periods: int, each: int) -> Home:
    """A clean demo of that seed, carried to `validate`, the last months of it one at a time."""
    home = Home.of(work / f"seed_{seed}")

    def flis(*words: str) -> None:
        done = subprocess.run([sys.executable, "-X", "utf8", "-m", "flis.cli", *words, "--home", str(home.root)], cwd=HERE.parents[2], env={**os.environ, "FLIS_HVILETID": "0"},
                              capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1):       # 1: something was found
            raise SystemExit(f"seed {seed}: {words[0]} ended with {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")

    flis("demo", "--no-faults", "--seed", str(seed), "--scale", str(scale), "--periods", str(periods), "--slut", last_month(seed))
    if not each:
        for step in STEPS:
            flis(step)
        return home
    hold = work / f"seed_{seed}_venter"
    deal(home.inbox, hold, date.fromisoformat(f"{last_month(seed)}-01"), periods)
    parts = sorted(hold.glob("[0-9]*"))
    for number, part in enumerate(parts, start=1):
        deliver(part, home.inbox)
        if number == len(parts):
            for day in sorted(hold.glob("dag_*")):
                deliver(day, home.inbox)
        if number >= len(parts) - each:
            for step in STEPS:
                flis(step)
    shutil.rmtree(hold)
    return home


def main() -> int:
    """Walk the seeds one after the other and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", required=True)
    parser.add_argument("--scale", type=float, default=0.01)
    parser.add_argument("--periods", type=int, default=14)
    parser.add_argument("--each", type=int, default=0, help="how many of the last months come one at a time")
    parser.add_argument("--work", type=Path)
    parser.add_argument("--keep", action="store_true", help="leave the homes")
    asked = parser.parse_args()
    work = asked.work or Path(tempfile.mkdtemp(prefix="falske_alarmer_"))
    found: list[tuple] = []
    swings: dict[tuple, list[float]] = {}
    municipalities = 0
    for seed in asked.seeds:
        home = walk(work, seed, asked.scale, asked.periods, asked.each)
        with connect(home) as con:
            found += [(seed, *row) for row in con.execute(FOUND).fetchall()]
            municipalities = con.execute("select count(distinct kommunekode) from kvalitet.resultat where kommunekode <> '0998'").fetchall()[0][0]
            for *measure, hard, soft in con.execute(SWINGS).fetchall():
                most = swings.setdefault(tuple(measure), [0.0, 0.0])
                most[:] = [max(most[0], float(hard or 0)), max(most[1], float(soft or 0))]
        if not asked.keep:
            shutil.rmtree(home.root)
    return tell(found, swings, municipalities * asked.periods / 12 * len(asked.seeds))


def tell(found: list[tuple], swings: dict[tuple, list[float]], years: float) -> int:
    """Print the two tables; the exit code."""
    rules = Counter((rule, severity) for _, rule, severity, *_ in found)
    print(f"{'rule':10}{'severity':12}{'results':>8}{'municipalities':>16}{'per municipality and year':>28}")
    for (rule, severity), count in sorted(rules.items()):
        print(f"{rule:10}{severity:12}{count:8}{len({(s, k) for s, r, _, k, *_ in found if r == rule}):16}{count / years:28.3f}")
    print(f"\n{'measure':14}{'held against':16}{'concept':20}{'field':26}{'swing (> 10 %)':>16}{'swing (> 5 %)':>16}")
    for measure, (hard, soft) in sorted(swings.items(), key=lambda one: -one[1][1]):
        print("{:14}{:16}{:20}{:26}".format(*measure) + f"{hard:16.2f}{soft:16.2f}")
    content = [one for one in found if int(one[1].partition("-")[2]) >= CONTENT]
    hard_ones = [one for one in content if one[2] == "fejl"]
    soft_ones = len(content) - len(hard_ones)
    print(f"\ncontent: {len(hard_ones)} fejl, {soft_ones} advarsel in {years:.0f} municipality years ({soft_ones / years:.3f} each)")
    return int(bool(hard_ones) or soft_ones > years)


if __name__ == "__main__":
    sys.exit(main())
