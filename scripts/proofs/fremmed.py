"""Faults planted by hands that had not read the rules (fremmede_fejl), and what the installation says of them: found by, held, and how far a key figure moved.

    python scripts/proofs/fremmed.py [--work FOLDER] [--keep] [--scale 0.03] [--months 10] [--seed 1] [--walks 4] [--last 2026-09] [--areas oekonomi,skole] [--municipalities 0461,0813] [--no-two] [--fast] [--docs]

A clean demo is walked to the second last month and kept; from there a clean copy takes the last month, and so does, for each walk, a copy whose files have faults in them, in each
municipality in one group of areas. A last walk takes the kinds that change two months. With --keep the clean walk is used again. The result is `resultat.json` and `tabel.md` in the folder; --docs writes the tables in docs/fremmede-fejl.md.
"""

from __future__ import annotations

import argparse
import json
import pickle
import re
import shutil
from datetime import date
from pathlib import Path
from typing import Any

from proofs.fremmede_fejl import gang, lager, maal, tabel
from proofs.fremmede_fejl.maal import Outcome, Said
from proofs.fremmede_fejl.plan import Plan, Planted

HERE = Path(__file__).resolve().parent
REPO = HERE.parents[1]

LAST, SCALE, MONTHS = date(2026, 9, 1), 0.03, 10
RESULT = ("resultat.json", "tabel.md")
PAGE = REPO / "docs" / "fremmede-fejl.md"


def run(work: Path, times: int, seed: int) -> dict[str, Any]:
    """As a part of the benchmark: `times` walks, each with its own faults. Returns the totals; the table is left beside the working folder."""
    result = walk_all(work, walks=times, seed=seed)
    for name in RESULT:
        shutil.copy2(work / name, work.parent / f"fremmed_{name}")
    return result["totals"]


def walk_all(work: Path, *, walks: int, seed: int, scale: float = SCALE, months: int = MONTHS, areas: list[str] | None = None, municipalities: str | None = None, last: date = LAST,
             two: bool = True) -> dict[str, Any]:
    work.mkdir(parents=True, exist_ok=True)
    home = gang.base(work, scale=scale, months=months, last=last, seed=seed, municipalities=municipalities)
    store = lager.Store(work / "venter", last, months, lager.names(REPO))
    since = store.period(months - 1)
    before, first, clean = _clean(work, home, store)
    plan = Plan(store, seed, areas)
    outcomes: list[Outcome] = []
    alarms: list[dict[str, Any]] = []
    for walk in range(1, walks + 1):
        files = gang.files_of(work, months, work / "fejl", (lager.SENDER,) if areas == [lager.REGISTER] else ())
        planted = plan.plant(walk, files)
        gang.say(f"walk {walk}: {len(planted)} faults planted")
        there = gang.copy(before, work / "fejlhjem")
        gang.month(there, files / f"{months:03}")
        faulty = maal.read(there, since)
        outcomes += [maal.outcome(p, clean, faulty) for p in planted]
        alarms += [{"walk": walk, **a} for a in maal.false_alarms(planted, clean, faulty, plan.controls)]
        _write(work, outcomes, alarms, clean.titles, plan, scale, months, seed)
    if two and areas != [lager.REGISTER]:
        planted, faulty = _two(work, home, store, plan, walks + 1)
        outcomes += [maal.outcome(p, maal.both(first, clean), faulty) for p in planted]
    shutil.rmtree(work / "fejlhjem", ignore_errors=True)
    return _write(work, outcomes, alarms, clean.titles, plan, scale, months, seed)


def _clean(work: Path, home: Path, store: lager.Store) -> tuple[Path, Said, Said]:
    """The clean home at the second last month, and what is said and published after each of the last two months; kept, so that more faults can be tried against it."""
    before, kept = work / "foer", work / "rent.pickle"
    since = store.period(store.months - 1)
    if not kept.exists():
        gang.month(gang.copy(home, before), work / "venter" / f"{store.months - 1:03}")
        first = maal.read(before, since)
        gang.month(gang.copy(before, work / "rent"), work / "venter" / f"{store.months:03}")
        kept.write_bytes(pickle.dumps((first, maal.read(work / "rent", since))))
        shutil.rmtree(work / "rent")
    return before, *pickle.loads(kept.read_bytes())


def _two(work: Path, home: Path, store: lager.Store, plan: Plan, walk: int) -> tuple[list[Planted], Said]:
    """The kinds of two months. What is said after the first and no longer after the second was said."""
    files = gang.files_of(work, store.months, work / "fejl", both=True)
    planted = plan.plant_two(walk, files)
    gang.say(f"walk {walk}: {len(planted)} faults of two months planted")
    there, since = gang.copy(home, work / "fejlhjem"), store.period(store.months - 1)
    gang.month(there, files / f"{store.months - 1:03}")
    first = maal.read(there, since)
    gang.month(there, files / f"{store.months:03}")
    return planted, maal.both(first, maal.read(there, since))


def _write(work: Path, outcomes: list[Outcome], alarms: list[dict[str, Any]], titles: dict[str, str], plan: Plan, scale: float, months: int, seed: int) -> dict[str, Any]:
    totals = {**tabel.totals(outcomes), "controls": len(plan.controls), "false_alarms": len(alarms)}
    result = {"scale": scale, "months": months, "seed": seed, "totals": totals, "false_alarms": alarms, "faults": [o.as_json() for o in outcomes]}
    (work / "resultat.json").write_text(json.dumps(result, ensure_ascii=False, indent=1, default=str), "utf-8")
    (work / "tabel.md").write_text(tabel.markdown(outcomes, titles), "utf-8")
    return result


def write_docs(table: str, what: str) -> None:
    """Put the tables in the page, between its marks."""
    text = PAGE.read_text("utf-8")
    begin, end = "<!-- tabel -->", "<!-- slut -->"
    PAGE.write_text(re.sub(f"{begin}.*{end}", lambda _: f"{begin}\n{what}\n\n{table}{end}", text, flags=re.DOTALL), "utf-8")


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--work", type=Path, default=REPO / "var" / "fremmed")
    ask.add_argument("--keep", action="store_true")
    ask.add_argument("--scale", type=float, default=SCALE)
    ask.add_argument("--months", type=int, default=MONTHS)
    ask.add_argument("--seed", type=int, default=1)
    ask.add_argument("--last", type=lambda text: date.fromisoformat(f"{text}-01"), default=LAST)
    ask.add_argument("--walks", type=int, default=4)
    ask.add_argument("--areas")
    ask.add_argument("--municipalities")
    ask.add_argument("--no-two", action="store_true", help="leave the kinds of two months out")
    ask.add_argument("--fast", action="store_true", help="leave out what neither rules nor figures read: the models' tests and the withholding")
    ask.add_argument("--docs", action="store_true")
    a = ask.parse_args()
    gang.fast = a.fast
    if not a.keep:
        shutil.rmtree(a.work, ignore_errors=True)
    result = walk_all(a.work, walks=a.walks, seed=a.seed, scale=a.scale, months=a.months, areas=a.areas.split(",") if a.areas else None, municipalities=a.municipalities, last=a.last, two=not a.no_two)
    table = (a.work / "tabel.md").read_text("utf-8")
    print(table)
    print(json.dumps(result["totals"]))
    if a.docs:
        write_docs(table, f"Skala {a.scale}, {a.months} måneder, frø {a.seed}, {a.walks} gange: {result['totals']['false_alarms']} falske alarmer i {result['totals']['controls']} kommuner uden fejl.")


if __name__ == "__main__":
    main()
