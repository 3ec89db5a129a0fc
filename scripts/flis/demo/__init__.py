"""Demo Denmark: an inbox exactly as the source systems would write it, and beside it the truth.

The generators know nothing of models, macros or crosswalk seeds: what they write as truth comes from their own world alone.
"""

from __future__ import annotations

import csv
import hashlib
import importlib
import importlib.util
import shutil
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path

import duckdb

from flis.core.home import Home
from flis.demo.opsaetning import build_setup
from flis.demo.verden import FOLDER, Verden, months_back

# Small, but with every role in it: each finance system and case system, changes of system, weekly and daily deliveries, handlekommuner, a municipality without instruction,
# local fields, CPR in the own package (docs/demo.md).
REGION = ("0101", "0155", "0183", "0185", "0187", "0265", "0410", "0420", "0440", "0450", "0461", "0480", "0482", "0563", "0615", "0730", "0751", "0825", "0851")
# Voksne og handicappede, Personale and Skole take their persons from Borger's world, Personale its pay from Økonomi's ledger, and the official figures are counted from all of them, so the order matters.
AREAS = ("oekonomi", "borger", "voksne_handicap", "personale", "skole", "officielle_tal")


def generate(
    home: Home | str | Path,
    *,
    scale: float = 0.01,
    periods: int = 14,
    slut: str = "2026-09",
    kommuner: Iterable[str] | None = None,
    seed: int = 1,
    faults: bool = True,
    progress: Callable[[str, int, int], None] | None = None,
) -> dict[str, int]:
    """Write a demo Denmark into `home`: indbakke/, opsaetning/, facit/ and, if there is none, a demo key.

    `scale` is the share of the population (1 = the whole country), `periods` the number of months up to and with `slut` (yyyy-mm), `kommuner`
    the municipality codes wanted (None = all 98 and Christiansø), `faults` whether known faults are planted. `progress` is called with
    what is being made, and how much of how much is done. The same arguments give the same bytes. Returns counts for the report. Raises ValueError on
    arguments that make no sense.
    """
    home = home if isinstance(home, Home) else Home.of(home)
    if not 0 < scale <= 1:
        raise ValueError("scale must be above 0 and at most 1")
    if periods < 1:
        raise ValueError("periods must be at least 1")
    year, _, month = slut.partition("-")
    months = months_back(date(int(year), int(month), 1), periods)
    home.prepare()
    if home.truth.exists():
        shutil.rmtree(home.truth)
    home.truth.mkdir()
    scratch = home.tmp / "demo.duckdb"
    remove(scratch)
    con = duckdb.connect(str(scratch))
    try:
        con.execute(f"set temp_directory = '{home.tmp / 'demo'}'")
        con.execute("set memory_limit = '1500MB'")
        con.execute("set TimeZone = 'UTC'")
        con.execute("set preserve_insertion_order = true")
        con.execute("create schema verden")
        verden = Verden(con, home, float(scale), months, int(seed), bool(faults), progress or (lambda what, done, total: None))
        build_municipalities(verden, kommuner)
        build_setup(verden)
        write_key(verden)
        con.execute("create table verden.fejl (regel_id varchar, kildesystem varchar, kommunekode varchar, periode date, noegle varchar)")
        present = [area for area in AREAS if importlib.util.find_spec(f"flis.demo.{area}")]
        for area in present:
            importlib.import_module(f"flis.demo.{area}").generate(verden)
        # An empty file lacks a part (93), and is all of the figure (97).
        con.execute("""
            insert into verden.fejl
            select b.omraade || '-97', f.kildesystem, f.kommunekode, f.periode, f.kildesystem || '|' || b.begreb || ', filen er tom: 100 pct. mod ventet 0 pct.'
            from verden.fejl as f
            inner join (values ('OK', 'postering'), ('PE', 'fravaer'), ('SK', 'fravaer')) as b (omraade, begreb) on f.regel_id = b.omraade || '-93'
            where f.noegle = f.kildesystem || '|alle'
        """)
        verden.truth("fejl", "select * from verden.fejl order by all")
        files = sum(1 for path in home.inbox.rglob("*") if path.is_file())
        result = {"filer": files, "fejl": verden.rows("verden.fejl"), "kommuner": verden.rows("verden.kommune")}
        return result
    finally:
        con.close()
        remove(scratch)


def remove(scratch: Path) -> None:
    """Take away the scratch database and what it spilled."""
    for path in scratch.parent.glob(scratch.name + "*"):
        path.unlink()
    shutil.rmtree(scratch.parent / "demo", ignore_errors=True)


def build_municipalities(verden: Verden, wanted: Iterable[str] | None) -> None:
    """`verden.kommune`: code and population at full scale; multiply by `verden.scale` for the demo's own number."""
    with (FOLDER / "befolkning.csv").open(encoding="utf-8", newline="") as file:
        known = {row["kommunekode"]: int(row["folketal"]) for row in csv.DictReader(file)}
    codes = sorted({str(code).strip().zfill(4) for code in wanted}) if wanted else sorted(known)
    unknown = [code for code in codes if code not in known]
    if unknown:
        raise ValueError(f"unknown municipality: {', '.join(unknown)}")
    verden.con.execute("create table verden.kommune (kommunekode varchar, folketal integer)")
    verden.con.executemany("insert into verden.kommune values (?, ?)", [(code, known[code]) for code in codes])


def write_key(verden: Verden) -> None:
    """A key for pseudonyms, if the home has none. It follows from the seed, and says itself that it protects nothing."""
    path = verden.home.key_file
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256(f"flis demo {verden.seed}".encode()).hexdigest()
        path.write_text(f"demo-noegle-ikke-til-rigtige-data-{digest}\n", encoding="utf-8")
        path.chmod(0o600)
