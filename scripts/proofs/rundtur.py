"""Proof that the demo comes out of the standardized layer as the truth beside it says, and that the rules find what was planted and nothing else, whatever the seed.

    flis bench roundtrip --times 20 --seed 1        # seeds 1 to 20
    python scripts/proofs/rundtur.py --seeds 90417   # these, with what was not as it should be; exit code 1 if anything was not

A seed says everything: chance, how many people, how many months up to which, and which municipalities (`arguments`). Each is walked by a process of its own, so memory does not add up, in a
home of its own that is removed. Held are: every standardized table row for row, that every rule ran, that every planted fault was found (recall), and that a rule of severity `fejl` found
nothing else (precision). What rules of lesser severity found besides is told, and no failure: a warning is for a person to look at.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from flis.demo import REGION

HERE = Path(__file__).resolve().parent
MANY = 100_000              # a seed that nobody named is drawn below this
# A small demo has the municipalities with a role (flis.demo.REGION) and some of these by chance.
OTHERS = ["0147", "0169", "0217", "0253", "0316", "0360", "0400", "0492", "0530", "0561", "0573", "0630", "0657", "0741", "0760", "0791", "0813", "0820", "0840", "0846", "0849", "0860"]


def arguments(seed: int) -> dict[str, Any]:
    """What `flis demo` is given for a seed. Most are small, so that many can be tried; one in six has the default's fourteen months."""
    chance = random.Random(seed)
    month = chance.randrange(24)
    return {
        "seed": seed,
        "scale": chance.choice([0.0005, 0.001, 0.002, 0.005]),
        "periods": chance.choice([3, 4, 4, 5, 6, 14]),
        "slut": f"{2025 + month // 12}-{month % 12 + 1:02}",
        "kommuner": None if chance.random() < 0.25 else sorted([*REGION, *chance.sample(OTHERS, 8)]),
    }


def command(asked: dict[str, Any]) -> str:
    """The same as a line for a shell."""
    return "flis demo " + " ".join(f"--{name} {','.join(value) if isinstance(value, list) else value}" for name, value in asked.items() if value is not None)


def one(root: Path, seed: int) -> dict[str, Any]:
    """Make and walk the demo of a seed in a new home, and tell what was not as it should be."""
    from flis.build.dbt import build
    from flis.core.home import Home
    from flis.demo import generate
    from flis.intake.load import load
    from flis.quality.truth import differences, models, score
    from flis.quality.validate import validate

    home = Home.of(root).prepare()
    generate(home, **arguments(seed))
    load(home)
    built = build(home)
    ran = validate(home)
    differing, rows = {}, 0
    for model in models():
        found = differences(home, model)
        rows += found.expected
        if found.rows:
            differing[model] = [str(row) for row in found.rows]
    scores = score(home)
    return {
        "failures": built.failures, "not_run": ran.not_run, "rows": rows, "differing": differing,
        "planted": sum(s.planted for s in scores), "found": sum(s.found for s in scores),
        "missed": {s.regel_id: f"{s.found} of {s.planted}" for s in scores if s.found < s.planted},
        "false_errors": {s.regel_id: s.extra for s in scores if s.extra and s.alvor == "fejl"},
        "other_findings": {s.regel_id: s.extra for s in scores if s.extra and s.alvor != "fejl"},
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


WRONG = ("crashed", "failures", "not_run", "differing", "missed", "false_errors")


def walk(work: Path, seed: int) -> dict[str, Any]:
    """`one` in a process of its own; what it said if it ended otherwise than it should."""
    root = work / f"seed_{seed}"
    shutil.rmtree(root, ignore_errors=True)
    start = time.monotonic()
    done = subprocess.run([sys.executable, str(HERE / "rundtur.py"), "--one", str(seed), "--work", str(root)], capture_output=True, text=True, check=False)
    shutil.rmtree(root, ignore_errors=True)
    told = json.loads(done.stdout.strip().splitlines()[-1]) if done.returncode == 0 else {"crashed": done.stderr[-2000:]}
    return {"seed": seed, "seconds": round(time.monotonic() - start), **told}


def try_all(work: Path, seeds: list[int]) -> list[dict[str, Any]]:
    """Walk the demos one after another, and say of each how it went."""
    all_told = []
    for seed in seeds:
        told = walk(work, seed)
        all_told.append(told)
        wrong = {name: told[name] for name in WRONG if told.get(name)}
        print(f"seed {seed}: {'as the truth' if not wrong else 'NOT as the truth'}, {told['seconds']} s, {told.get('rows', 0):,} rows, {told.get('found', 0)} of {told.get('planted', 0)} faults, "
              f"{told.get('peak_mb', 0):,} MB; {command(arguments(seed))}", flush=True)
        for name, what in wrong.items():
            print(f"  {name}: {what if isinstance(what, str) else json.dumps(what, ensure_ascii=False)}", flush=True)
    return all_told


def run(work: Path, times: int, seed: int) -> dict[str, Any]:
    """`times` seeds from `seed` on; the figures, and what was wrong with which."""
    start = time.monotonic()
    all_told = try_all(work, list(range(seed, seed + times)))
    others: Counter[str] = Counter()
    for told in all_told:
        others.update(told.get("other_findings", {}))
    wrong = [{k: v for k, v in told.items() if k in ("seed", *WRONG) and v} for told in all_told if any(told.get(name) for name in WRONG)]
    return {
        "seeds": times, "not_as_the_truth": len(wrong), "rows_compared": sum(t.get("rows", 0) for t in all_told), "planted": sum(t.get("planted", 0) for t in all_told),
        "found": sum(t.get("found", 0) for t in all_told), "false_errors": sum(sum(t.get("false_errors", {}).values()) for t in all_told), "other_findings": dict(others.most_common()),
        "peak_mb": max((t.get("peak_mb", 0) for t in all_told), default=0), "examples": wrong[:3], "minutes": round((time.monotonic() - start) / 60, 1),
    }


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--seeds", help="numbers with commas between; without, some are drawn")
    ask.add_argument("--times", type=int, default=3, help="how many are drawn")
    ask.add_argument("--work", type=Path, default=Path("var") / "rundtur", help="working folder")
    ask.add_argument("--one", type=int, help=argparse.SUPPRESS)
    asked = ask.parse_args()
    if asked.one is not None:
        print("\n" + json.dumps(one(asked.work, asked.one), ensure_ascii=False, default=str))
        return
    seeds = [int(seed) for seed in asked.seeds.split(",")] if asked.seeds else random.SystemRandom().sample(range(MANY), asked.times)
    print(f"seeds {','.join(map(str, seeds))}; again: make test-alt SEEDS={','.join(map(str, seeds))}", flush=True)
    told = try_all(asked.work.resolve(), seeds)
    sys.exit(any(one.get(name) for one in told for name in WRONG))


if __name__ == "__main__":
    main()
