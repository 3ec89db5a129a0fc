"""Proof that what is built slice by slice is what would be built from the start, whatever order deliveries come in and whatever becomes of them.

    python scripts/proofs/bench.py equal --times 50

A sequence is some turns; in each a few things happen (a month arrives, early or late, days of the CPR register come, with or without a gap, a delivery comes
again with rows less, without any, or as it was, one is withdrawn), the inbox is loaded and the models are built. At the end every table that the build
keeps is held against itself rebuilt whole, row for row. A sequence is plain data (`Turn`), so that chance may come from `random` here and from hypothesis
in the test (tests/pytest/test_lig_genopbygning.py).
"""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import shutil
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from flis.build.dbt import Dbt, build
from flis.contracts.contract import Match, read_contracts
from flis.core.database import connect
from flis.core.home import Home
from flis.intake.drops import WAITS
from flis.intake.inspection import plain_name
from flis.intake.load import load
from flis.operate.accept import answer
from flis.operate.withdraw import WithdrawError, withdraw
from proofs import fuzz_oracle

# One municipality of each finance system and case system, one that changes system, one with weekly files; four months, two of them in the base.
DEMO = {"scale": 0.0004, "periods": 4, "slut": "2026-02", "kommuner": ["0101", "0185", "0461", "0751", "0851"], "seed": 7}
SERIES = "cpr"
FIRST_DAYS = 20             # days of the CPR register that the base has
KINDS = ("month", "days", "again", "withdraw")
HOW = ("thinned", "emptied", "as it was")
# What a delivery can move. A build without tests is not remembered, so the next would take everything, the code lists and views among it.
STORED = ["config.materialized:incremental", "config.materialized:table"]


@dataclass(frozen=True)
class Act:
    """One thing that happens. `pick` and `amount` choose among what there is at the time (modulo its number), so that every sequence means something.

    month: a month's files arrive; days: `amount` days of the CPR register, after a gap where `pick` is a multiple of four; again: a delivery that has come
    comes once more, as `amount` says (HOW), or twice before the next build; withdraw: one is taken back.
    """

    kind: str
    pick: int
    amount: int


@dataclass(frozen=True)
class Turn:
    """What happens between two builds; `loads` times the inbox is loaded in between."""

    acts: tuple[Act, ...]
    apart: bool = False     # each act is loaded by itself


@dataclass
class File:
    """A file of the demo, unpacked: what it is called, what it holds, when it came."""

    sender: str
    name: str
    data: bytes
    match: Match | None
    came: datetime

    @property
    def series(self) -> bool:
        return self.sender == SERIES


@dataclass
class World:
    """The demo's files dealt out: what the base has, and what is still to come."""

    base: Path
    first: list[File] = field(default_factory=list)
    months: list[list[File]] = field(default_factory=list)
    days: list[File] = field(default_factory=list)


# --- the files ---------------------------------------------------------------------------------------------------------------------------------

def make_world(work: Path) -> World:
    """A demo with its first two months delivered and built in `work/grund`, and the rest at hand."""
    world = deal(work)
    load(Home(world.base))
    _build(Home(world.base))
    return world


def deal(work: Path, **demo: Any) -> World:
    """A demo with its first two months in the inbox of `work/grund`, and the rest at hand. `demo` is what is to be other than in DEMO."""
    from flis.demo import generate

    home = Home(work / "grund").prepare()
    generate(home, **{**DEMO, **demo})
    contracts = read_contracts(None)
    files = [_read(path, contracts.match(path.parent.name, plain_name(path.name))) for path in sorted(home.inbox.glob("*/*"))]
    shutil.rmtree(home.inbox)
    home.prepare()
    world = World(home.root)
    series = sorted((f for f in files if f.series), key=lambda f: (f.name, f.came))
    world.first, world.days = series[:FIRST_DAYS], series[FIRST_DAYS:]
    months: dict[str, list[File]] = {}
    for f in files:
        if not f.series:
            told = f.match.periode if f.match and f.match.periode else (f.came - timedelta(days=25)).date()
            months.setdefault(f"{told:%Y-%m}", []).append(f)
    dealt = [months[m] for m in sorted(months)]
    world.first += [f for month in dealt[:2] for f in month]
    world.months = dealt[2:]
    for f in world.first:
        put(home, f)
    return world


def _read(path: Path, match: Match | None) -> File:
    """A file without its packing, as far as it has one that can be undone (the demo plants packages that are damaged)."""
    name, data = path.name, path.read_bytes()
    try:
        if path.suffix == ".gz":
            name, data = path.stem, gzip.decompress(data)
        elif path.suffix == ".zip":
            with zipfile.ZipFile(path) as package:
                name, data = path.stem, package.read(package.namelist()[0])
    except (OSError, EOFError, zipfile.BadZipFile):
        name, data = path.name, path.read_bytes()
    return File(path.parent.name, name, data, match, datetime.fromtimestamp(path.stat().st_mtime))


def put(home: Home, file: File) -> None:
    """Lay a file in the inbox; beside one of its name, if there is one, as a package: the register's names say the day only."""
    path = home.inbox / file.sender / file.name
    path.parent.mkdir(exist_ok=True)
    if path.exists():
        path = path.with_name(path.name + ".gz")
    path.write_bytes(gzip.compress(file.data, mtime=0) if path.suffix == ".gz" else file.data)
    os.utime(path, (file.came.timestamp(), file.came.timestamp()))


def again(file: File, how: str, times: int, chance: random.Random) -> File:
    """The file sent once more, `times` days later: with a third of its rows gone, with none, or as it was. Its end record says what it then holds."""
    assert file.match
    charset = {"utf-8-sig": "utf-8"}.get(file.match.filetype.charset, file.match.filetype.charset)
    text = file.data.decode(charset)
    breaks = "\r\n" if "\r\n" in text else "\n"
    name = file.name
    if not file.series:     # a day of the register has the same name whenever it is sent
        stamp = re.findall(r"\d{8}", name)[-1]
        name = name.replace(stamp, f"{datetime.strptime(stamp, '%Y%m%d') + timedelta(days=times):%Y%m%d}")
    if how != "as it was":
        head, rows, end = _parts(name, text.removesuffix(breaks).split(breaks), breaks)
        kept = [] if how == "emptied" else [r for r in rows if chance.random() > 1 / 10]
        text = breaks.join([*head, *kept, *_end(file, head, kept, end)]) + breaks
    return File(file.sender, name, text.encode(charset), file.match, file.came + timedelta(days=times))


def _parts(name: str, lines: list[str], breaks: str) -> tuple[list[str], list[str], list[str]]:
    """(header or start record, rows, end record), each row with the lines it runs over. In XML an element is a row, and the rest of the document goes with the first and last."""
    if lines[0].startswith("<?xml"):
        return lines[:2], lines[2:-1], lines[-1:]
    if ".jsonl" in name:
        return [], lines, []
    head = [] if name.startswith(("OESI", "VH_BOSTED")) else lines[:1]
    end = lines[-1:] if name.startswith(("OESI", "VH_BOSTED", "ZD1SL", "KOER", "D2")) or lines[-1].startswith(("TOTAL", "SUM", "SLUT", "I alt")) else []
    rows: list[str] = []
    for line in lines[len(head):len(lines) - len(end)]:
        if name.startswith("VH_SENSUM") and not line.startswith("IND-"):
            rows[-1] += breaks + line
        else:
            rows.append(line)
    return head, rows, end


def _end(file: File, head: list[str], rows: list[str], end: list[str]) -> list[str]:
    """The end record for these rows: the number of records, and the sum of the amounts where it has one, in the writing of the old."""
    assert file.match
    ft = file.match.filetype
    if not end or ft.kind == "xml":
        return end
    if file.name.startswith(("OESI", "VH_BOSTED", "D2")):
        mark = {"O": 3, "V": 2, "D": 3}[file.name[0]]
        return [f"{end[0][:mark]}{len(rows):0{len(end[0]) - mark}}"]
    separator = ft.format["adskiller"]
    records = [row for row in rows if row != head[0]]        # a header that occurs again is no record
    said = end[0].split(separator)
    said[1] = str(len(records))
    if not ft.tables[0].kontroltal:
        return [separator.join(said)]
    column, form, side, _ = ft.tables[0].kontroltal
    place = head[0].casefold().split(separator).index(ft.tables[0].column(column).header.casefold())
    # a planted fault cannot be read, and the sender's own sum leaves it out too
    read = [fuzz_oracle.amount(row.split(separator)[place], form) or Decimal(0) for row in records]
    total = sum((n if side == "netto" else max(n, Decimal(0)) for n in read), Decimal(0))
    said[2] = _written(total, said[2], form)
    return [separator.join(said)]


def _written(total: Decimal, like: str, form: str) -> str:
    """Kroner in the contract's notation, with as many decimals as the old sum had."""
    if form == "oere":
        return str(int(total * 100))
    if form == "tusinde":
        total /= 1000
    if form == "punktum":
        return f"{total:.2f}"
    text = f"{abs(total):,.{len(like.strip('-').partition(',')[2])}f}".translate(str.maketrans(",.", ".,"))
    return text if total >= 0 else f"{text}-" if form == "efterstillet_minus" else f"-{text}"


# --- a sequence --------------------------------------------------------------------------------------------------------------------------------

@dataclass
class Told:
    """What a sequence came to: the tables that differ and how, and what was done."""

    differing: dict[str, int]
    tables: int
    rows: int
    builds: int
    done: list[str]
    seconds: list[float]


def take_in(home: Home) -> None:
    """Load, and accept what waits because it has far fewer rows than before (emptied, here, on purpose): that it waits is tried elsewhere (test_fald.py)."""
    load(home)
    with connect(home) as con:
        waiting = [ident for (ident,) in con.execute("select leverance_id from cpr.raw.leverance where status = 'venter' and aarsag_kode = $1", [WAITS]).fetchall()]
    for ident in waiting:
        answer(home, ident, "proeve")
    if waiting:
        load(home)


def play(world: World, home: Home, turns: Sequence[Turn], seed: int = 0) -> Told:
    """Carry a copy of the base through the turns in `home`, and compare at the end. Raises AssertionError when a build or a load fails."""
    shutil.rmtree(home.root, ignore_errors=True)
    shutil.copytree(world.base, home.root)
    chance, done, seconds = random.Random(seed), [], []
    come, months, days = list(world.first), list(world.months), list(world.days)
    sent: dict[tuple[str, str], int] = {}
    for turn in turns:
        for act in turn.acts:
            if act.kind == "month" and months:
                arriving = months.pop(act.pick % len(months))
                done.append(f"month {arriving[0].match.periode if arriving[0].match else ''}: {len(arriving)} files")
            elif act.kind == "days" and days:
                skip = 1 if act.pick % 4 == 0 and len(days) > 1 else 0
                arriving = days[skip:skip + 1 + act.amount % 12]
                days = days[:skip] + days[skip + 1 + act.amount % 12:]
                done.append(f"{len(arriving)} days{' after a gap' if skip else ''}")
            elif act.kind == "again":
                file = _one_of([(f.match.filetype.origin, f) for f in come if f.match and not f.name.endswith((".gz", ".zip"))], act.pick)
                for how in [HOW[(act.amount + n) % len(HOW)] for n in range(1 + act.amount // 3 % 2)]:
                    take_in(home)      # what is sent twice is also taken in twice
                    sent[file.sender, file.name] = sent.get((file.sender, file.name), 0) + 1
                    new = again(file, how, sent[file.sender, file.name], chance)
                    put(home, new)
                    done.append(f"{new.name} again, {how}")
            elif act.kind == "withdraw":
                take_in(home)
                done.append(_withdrawn(home, act.pick))
                continue
            else:
                continue
            if act.kind != "again":
                come += arriving
                for file in arriving:
                    put(home, file)
            if turn.apart:
                take_in(home)
        take_in(home)
        start = time.monotonic()
        _build(home, STORED)
        seconds.append(round(time.monotonic() - start, 1))
        done.append("build")
    differing, tables, rows = compare(home)
    return Told(differing, tables, rows, len(turns), done, seconds)


def _one_of(known: list[tuple[str, Any]], pick: int) -> Any:
    """One of the things, each kind (the first of the pair) as often as the others: the register has as many files as all the rest together."""
    kinds = sorted({kind for kind, _ in known})
    of_kind = [thing for kind, thing in known if kind == kinds[pick % len(kinds)]]
    return of_kind[pick // len(kinds) % len(of_kind)]


def _withdrawn(home: Home, pick: int) -> str:
    """Withdraw one of the deliveries that are in force or were, the `pick`th; one that cannot be (a day in the middle of a series) is left."""
    with connect(home) as con:
        known = con.execute("select kildesystem || filtype, (leverance_id, fil) from cpr.raw.leverance where status in ('aktiv', 'erstattet') order by leverance_id").fetchall()
        last = con.execute("select max(leverance_id) from cpr.raw.leverance where status = 'aktiv' and loebenr is not null").fetchall()[0][0]
    number, name = _one_of(known, pick)
    if pick % 6 == 0 and last:
        number, name = last, "the last day of the series"
    try:
        withdraw(home, number, "Prøve")
    except WithdrawError as why:
        return f"{name} cannot be withdrawn: {why}"
    return f"{name} withdrawn"


def _build(home: Home, select: Sequence[str] = ()) -> None:
    result = build(home, tests=False, select=select)
    assert not result.failures, result.failures


# --- equal -------------------------------------------------------------------------------------------------------------------------------------

def compare(home: Home) -> tuple[dict[str, int], int, int]:
    """Every table that the build keeps against itself rebuilt whole: ({table: rows that are in one and not in the other}, tables, rows).

    A memory (kvalitet.leveranceprofil) keeps what was counted of deliveries that are gone; it is compared for those that are in force. What rests on a memory
    (kvalitet.manglende_del) is held against itself computed anew from the same memory: a rebuild has forgotten what the tables before it remembered.
    """
    nodes = [n for n in Dbt(home).manifest.nodes.values() if n.resource_type == "seed" or n.resource_type == "model" and n.config.materialized in ("table", "incremental")]
    tables = {f"{n.schema}.{n.name}": bool((n.config.get("meta") or {}).get("behold")) for n in nodes}
    with connect(home, write="flis") as con:
        con.execute("create schema foer")
        for name, remembers in tables.items():
            con.execute(f"create table foer.{name.replace('.', '__')} as select * from {name}")
            if remembers:
                con.execute(f"drop table {name}")
    result = build(home, tests=False, full_refresh=True)
    assert not result.failures, result.failures
    memories = [name for name, remembers in tables.items() if remembers]
    with connect(home, write="flis") as con:
        for name in memories:
            con.execute(f"create table foer.{name.replace('.', '__')}__anew as select * from {name}")
            con.execute(f"delete from {name}")
            con.execute(f"insert into {name} select * from foer.{name.replace('.', '__')}")
    resting = [f"{name.split('.')[1]}+" for name in memories]
    answer = Dbt(home).invoke("run", "--no-write-json", "--full-refresh", "--select", *resting, "--exclude", *(name.split(".")[1] for name in memories))
    assert answer.success, answer.exception
    differing, rows = {}, 0
    with connect(home, write="flis") as con:
        for name, remembers in sorted(tables.items()):
            kept, in_force = f"foer.{name.replace('.', '__')}", _IN_FORCE if remembers else ""
            before, after = f"select * from {kept}{in_force}", f"select * from {f'{kept}__anew' if remembers else name}{in_force}"
            count, there = con.execute(f"select (select count(*) from (({before} except all {after}) union all ({after} except all {before}))), (select count(*) from ({after}))").fetchall()[0]
            rows += there
            if count:
                differing[name] = count
    return differing, len(tables), rows


_IN_FORCE = " where _leverance_id in (select leverance_id from cpr.raw.leverance where status = 'aktiv')"


def sequence(chance: random.Random, turns: int | None = None) -> list[Turn]:
    """Some turns by chance, or so many."""
    return [Turn(tuple(Act(chance.choice(KINDS), chance.randrange(1000), chance.randrange(1000)) for _ in range(chance.randint(1, 4))), chance.random() < 0.5)
            for _ in range(turns or chance.randint(2, 6))]


def run(work: Path, times: int, seed: int) -> dict[str, Any]:
    """`times` sequences; gives the figures, and the turns of each that did not come out equal."""
    start = time.monotonic()
    world = make_world(work)
    unequal, builds, tables, rows, acts = [], 0, 0, 0, 0
    for number in range(times):
        turns = sequence(random.Random(f"{seed}/{number}"))
        told = play(world, Home(work / "hjem"), turns, number)
        builds, tables, rows, acts = builds + told.builds, told.tables, rows + told.rows, acts + sum(len(t.acts) for t in turns)
        print(json.dumps({"nr": number, "differing": told.differing, "seconds": told.seconds, "done": told.done}, ensure_ascii=False), flush=True)
        if told.differing:
            unequal.append({"nr": number, "differing": told.differing, "done": told.done})
    return {"sequences": times, "unequal": len(unequal), "acts": acts, "builds": builds, "tables": tables, "rows_compared": rows, "examples": unequal[:3],
            "minutes": round((time.monotonic() - start) / 60, 1)}
