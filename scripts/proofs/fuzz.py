"""The abuse bench: real deliveries spoiled in every way we could think of, loaded beside good ones, and held against an oracle in plain Python.

    python scripts/proofs/fuzz.py [--times 2000] [--seed 1] [--work FOLDER]

Of every file: it ends as loaded, refused in Danish, duplicate, waiting or not instructed, and never as a fault of ours; its lines are rows, set aside, left
out or technical, and the very lines the oracle says (fuzz_oracle.py); what stands in raw is what stands in the file; no reason tells a value back; the
good files beside it come in as if it were not there. After a build: every amount and date is the oracle's or is set aside, and the model tests hold,
the row account among them. The mutations are in fuzz_mutations.py; hostile files of 200 MB are in `heavy`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from flis.contracts.contract import FileType, Match, read_contracts
from flis.contracts.installation import read_setup, span_of
from flis.core.home import REPO, Home
from flis.core.keys import create_key
from flis.core.reasons import catalogue
from flis.intake.inspection import Limits, plain_name
from flis.intake.load import load
from proofs import fuzz_oracle as oracle
from proofs.fuzz_mutations import DATES, MUTATIONS, NUMBERS, File, column_filled, spoiled

HERE = Path(__file__).resolve()

LIMITS = Limits(unpacked=48 * 1024**2, ratio=200, ratio_from=2 * 1024**2)
TEST_CONTRACTS = REPO / "tests" / "pytest" / "kontrakter"       # JSON and XML: no real interface is either yet
MOMENT = 1_793_000_000                                          # when the files of the test contracts came: October 2026
KEY = "3f9c1b7ae04d5286f1c8a93b6d70e25419ab4c8f027d6e53b1f84a0c97d2653e"
BY_LEDGER = {"aeldre_end_aktiv", "forkert_forgaenger", "afventer_forgaenger", "dublet", "toemt_uden_besked", "usaedvanligt_fald"}     # what other files decide
NOT_INSTRUCTED = "not instructed"
LOADED, WAITED = ("aktiv", "erstattet"), ("venter", "dublet")


@dataclass
class Problem:
    """Something that must not be: which file, what was done to it, what is wrong."""

    file: str
    done: tuple[str, ...]
    what: str

    def __str__(self) -> str:
        return f"{self.file} [{', '.join(self.done)}]: {self.what}"


# ------------------------------------------------------------------ grounds


@dataclass
class Ground:
    """Good files and the world they are delivered in. `witnesses` are never spoiled."""

    name: str
    models: Path | None
    setup: Path
    files: list[File]
    witnesses: list[File] = field(default_factory=list)
    reference: dict[str, Counter] = field(default_factory=dict)

    def home(self, root: Path) -> Home:
        home = Home(root).prepare()
        shutil.copytree(self.setup, home.setup, dirs_exist_ok=True)
        create_key(home, KEY)
        return home


def real_home(work: Path) -> Home:
    """A demo with files of every interface there is, loaded."""
    from flis.demo import generate

    home = Home(work / "demo").prepare()
    generate(home, scale=0.0004, periods=3, slut="2026-03", kommuner=["0101", "0155", "0183", "0185", "0187", "0265", "0461", "0480", "0751", "0851"], seed=5)
    load(home)
    return home


def ground_of(home: Home) -> Ground:
    """The files a home has taken in (its archive), as a ground. The register's are a series: the full extract and the first days are witnesses, the next are spoiled."""
    contracts, found = read_contracts(), []
    for path in sorted(home.archive.glob("*/*/*/*.gz")):        # <afsender>/<kildesystem>/<måned>/<fil>.<sha256>.gz; what came packed lies as it came
        sender, name = path.relative_to(home.archive).parts[0], path.name.rsplit(".", 2)[0]
        if match := contracts.match(sender, name):
            found.append(File(sender, name, gzip.decompress(path.read_bytes()), match))
    series = [f for f in found if f.match.filetype.udtraekstype == "delta"][:8]
    others = [f for f in found if f.match.filetype.udtraekstype != "delta" and len(f.data) < 400_000]
    witnesses = others[::7][:15]
    return Ground("rigtig", None, home.setup, [f for f in others if f not in witnesses] + series[5:], witnesses + series[:5])


def contract_ground(work: Path) -> Ground:
    """Files of the test contracts: one of each shape, with JSON and XML, a register with rows of municipalities that have not instructed, and local fields."""
    setup = work / "proeve_opsaetning"
    setup.mkdir(parents=True, exist_ok=True)
    systems = {"saldo": "oekonomi", "citat": "borger", "register": "borger", "skifter": "oekonomi", "jlinjer": "borger", "xposter": "borger", "femte": "oekonomi"}
    rows = [f"{k},{area},{system},maaned,2020-01-01,,{'false' if k == '0825' else 'true'}" for k in ("0101", "0461", "0751", "0825") for system, area in systems.items()]
    (setup / "kommune_opsaetning.csv").write_text("\n".join(["kommunekode,fagomraade,kildesystem,kadence,gyldig_fra,gyldig_til,instrueret", *rows]) + "\n", "utf-8")
    (setup / "lokale_felter.csv").write_text("kommunekode,kildesystem,tabel,felt,beskrivelse\n0461,citat,sag,LOKAL_Team,Team\n0461,jlinjer,post,LOKAL_Team,Team\n", "utf-8")
    contracts = read_contracts(TEST_CONTRACTS)
    rng = random.Random(3)
    names = ["Søren", "Æske, grå", "Åse \"Bo\"", "O'Neil", "Hus & have", "<b>", "Ø", "", "1,5", "10-10-2026"]
    files = []

    def add(sender: str, name: str, text: str, charset: str = "utf-8") -> None:
        files.append(File(sender, name, text.encode(charset), contracts.match(sender, name)))

    def csv_text(value: str) -> str:
        return '"' + value.replace('"', '""') + '"' if set(value) & set('";\n') else value

    for kommune in ("101", "461", "751", "825"):
        for month in range(1, 13):
            amounts = [rng.randrange(-99_999, 999_999) for _ in range(rng.randrange(1, 40))]
            lines = [f"k{n};{rng.choice(names).replace(';', '')};{abs(a) // 100:,}".replace(",", ".") + f",{abs(a) % 100:02d}{'-' if a < 0 else ''};" for n, a in enumerate(amounts)]
            total = sum(amounts)
            end = f"TOTAL;{len(lines)};{abs(total) // 100:,}".replace(",", ".") + f",{abs(total) % 100:02d}{'-' if total < 0 else ''};"
            add("saldo", f"SALDO_{kommune}_2026{month:02d}_20260{1 + month % 9}05.csv", "\r\n".join(["FIL;TEKST;BELOEB;", *lines, end, ""]), "latin-1")
            columns = ("a", "b") if month < 3 else ("b", "a", "c")
            add("skifter", f"SKIFTER_0{kommune}_2026{month:02d}.txt", "\n".join(["|".join(columns), *("|".join(f"{n}{c}" for c in columns) for n in range(20))]))
            debits = sum(abs(a) for n, a in enumerate(amounts) if n % 3)
            records = [f"{'B' if n % 5 == 4 else 'L'};0{kommune};{n};{abs(a) // 100},{abs(a) % 100:02d};{'D' if n % 3 else 'K'}" + ("" if n % 5 == 4 else f";{csv_text(rng.choice(names))}") for n, a in enumerate(amounts)]
            add("femte", f"FEMTE_0{kommune}_2026{month:02d}_2026{1 + month % 9:02d}05.txt",
                "\n".join([f"H;0{kommune};2026-{month:02d};{len(records)};{debits // 100},{debits % 100:02d}", *records, f"T;{len(records)}", ""]), "latin-1")
        for day in (1, 2, 3):
            local = kommune == "461" and day > 1
            text = "SagId;Borger Nr;Års tekst" + (";LOKAL_TEAM" if local else "") + "\n"
            text += "".join(f"{n};{1 + n % 28:02d}01{70 + n % 20}{1234 + n};{csv_text(rng.choice(names) + (chr(10) if n % 9 == 0 else ''))}{';Nord' if local else ''}\n" for n in range(30))
            add("citat", f"CITAT_0{kommune}_2026020{day}.csv", text, "utf-8-sig")
            team = ', "LOKAL_Team": "Syd"' if kommune == "461" else ""
            add("jlinjer", f"J_0{kommune}_2026020{day}1200.jsonl", "".join(f'{{"nr": {rng.choice(["1", "1.10", "null", chr(34) + "a b" + chr(34)])}, "bopael": {{"by": {json.dumps(rng.choice(names), ensure_ascii=False)}}}{team}}}\n' for _ in range(25)))
            post = "".join(f'<Indsats Id="{n}"><Sted>\n<Navn>Hus {n}</Navn></Sted><Tekst>Søren\nto &amp; tre</Tekst></Indsats>\n' for n in range(20))
            add("xposter", f"X_0{kommune}_2026020{day}.xml", f'<?xml version="1.0" encoding="UTF-8"?>\n<L>{post}</L>\n')
    for day in range(1, 9):
        number = 100 + day
        body = [f"001{1 + n:02d}0170{1234 + n}navn{n:02d}" for n in range(20)] + [f"003{1 + n:02d}0170{1234 + n}{('0101', '0825', '0999', '0461')[n % 4]}" for n in range(12)]
        text = "".join(line + "\n" for line in [f"000{'F' if day == 1 else 'D'}{number:06d}{number - 1:06d}", *body, f"999{len(body):08d}"])
        add("register", f"R26010{day}.TXT", text, "latin-1")
    witnesses = [f for f in files if "_0751_" in f.name or "_751_" in f.name or f.name in ("R260101.TXT", "R260102.TXT", "R260103.TXT")]
    return Ground("proeve", TEST_CONTRACTS, setup, [f for f in files if f not in witnesses], witnesses)


# ------------------------------------------------------------------ one round


def choose(rng: random.Random, ground: Ground, count: int) -> list[File]:
    """Spoiled files, at most a few of one key of replacement, each under the name of the file it was made from."""
    taken: Counter = Counter()
    chosen: list[File] = []
    for file in rng.sample(ground.files, min(len(ground.files), count * 3)):
        if len(chosen) < count and taken[_key(file)] < (1 if file.match.filetype.udtraekstype == "periode" else 3):
            taken[_key(file)] += 1
            chosen.append(spoiled(rng, file, rng.choice([1, 1, 1, 2, 3])))
    return chosen


def put(home: Home, files: Iterable[File]) -> list[File]:
    """Lay the files in the inbox; gives those that found a place (a name can be taken)."""
    laid = []
    for number, file in enumerate(files):
        folder = home.inbox / file.sender
        folder.mkdir(exist_ok=True)
        path = folder / file.name
        if file.name.startswith(".") or os.path.lexists(path):
            continue
        if file.link is not None:
            path.symlink_to(file.link)
        else:
            path.write_bytes(file.data)
            os.utime(path, (MOMENT + number, MOMENT + number))
        laid.append(file)
    return laid


def play(ground: Ground, home: Home, rng: random.Random, count: int) -> tuple[list[File], list[Problem], Counter]:
    """Load spoiled files with the witnesses in a fresh home, and look at everything. Gives the files, what is wrong, and how many ended how."""
    files = put(home, ground.witnesses)
    bad = put(home, choose(rng, ground, count))
    problems = run_load(home, ground)
    ends, found = inspect_all(home, ground, files + bad)
    problems += found
    if ground.reference:
        now_there = rows_by_file(home, ground)
        problems += [Problem(name, (), "a good file's rows are not as they are without the spoiled ones") for name, rows in ground.reference.items() if now_there.get(name, Counter()) != rows]
    return bad, problems, ends


def reference(ground: Ground, root: Path) -> None:
    """What the witnesses give alone. One that another file of its key can take the place of tells nothing of its own."""
    home = ground.home(root)
    put(home, ground.witnesses)
    load(home, models=ground.models, limits=LIMITS)
    rows, keys = rows_by_file(home, ground), Counter(map(_key, [*ground.files, *ground.witnesses]))
    ground.reference = {f.name: rows.get(f.name, Counter()) for f in ground.witnesses if keys[_key(f)] == 1 or f.match.filetype.udtraekstype == "delta"}


def _key(file: File) -> tuple[Any, ...]:
    """What a file of a ground replaces and is replaced by."""
    m = file.match
    return file.sender, m.filetype.name, m.kommunekode, m.periode if m.filetype.udtraekstype == "periode" else None


def run_load(home: Home, ground: Ground) -> list[Problem]:
    try:
        load(home, models=ground.models, limits=LIMITS)
    except Exception as fault:      # noqa: BLE001 - the one thing that must not be, whatever it is
        return [Problem("(load)", (), f"{type(fault).__name__}: {line}") for line in str(fault).splitlines()[:20]]
    return []


def _open(home: Home) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(home.cpr_db), read_only=True)


def rows_by_file(home: Home, ground: Ground) -> dict[str, Counter]:
    """file → its rows in all raw tables, as a bag."""
    found: dict[str, Counter] = {}
    with _open(home) as con:
        for ft in read_contracts(ground.models).filetypes:
            for table in ft.tables:
                for fil, *row in con.execute(f"select _fil, {', '.join(c.name for c in table.columns)}, _linje, _lokale_felter from raw.{table.identifier}").fetchall():
                    found.setdefault(fil, Counter())[(table.identifier, *row)] += 1
    return found


def inspect_all(home: Home, ground: Ground, files: list[File]) -> tuple[Counter, list[Problem]]:
    """Hold the ledger, raw, the quarantine and the inbox against the oracle. Gives how many of the spoiled files ended how, and what is wrong."""
    problems: list[Problem] = []
    contracts, setup = read_contracts(ground.models), read_setup(home)
    with _open(home) as con:
        names = ["leverance_id", "afsender", "fil", "status", "aarsag_kode", "aarsag", "linjer", "raekker", "raekker_afvist", "raekker_uden_instruks"]
        ledger: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for row in con.execute(f"select {', '.join(names)} from raw.leverance order by leverance_id").fetchall():
            entry = dict(zip(names, row, strict=True))
            ledger.setdefault((entry["afsender"], entry["fil"]), []).append(entry)
        aside: dict[int, list[int]] = {}
        told: list[tuple[int, str]] = con.execute("select leverance_id, aarsag from raw.afvist_linje").fetchall()
        for ident, line in con.execute("select leverance_id, linje from raw.afvist_linje order by all").fetchall():
            aside.setdefault(ident, []).append(line)
        problems += _sums(con, contracts.filetypes)
        for file in files:
            entry = (ledger.get((file.sender, file.name)) or [None])[-1]
            if entry is None:
                problems.append(Problem(file.name, file.done, "nothing in the ledger"))
                continue
            match = contracts.match(file.sender, plain_name(file.name))
            want = _wanted(file, match, setup)
            problems += [Problem(file.name, file.done, f"{what} ({entry['status']}, {entry['aarsag_kode']})") for what in _one(con, file, match, want, entry, aside)]
            reasons = [entry["aarsag"] or "", *(text for ident, text in told if ident == entry["leverance_id"])]
            problems += [Problem(file.name, file.done, f"a reason tells a value back: {word!r}") for word in _echoes(file, match, reasons)]
            if entry["status"] == "afvist":
                kept = list((home.quarantine / file.sender).glob("*"))
                if file.link is None and not any(k.is_file() and not k.is_symlink() and k.stat().st_size == len(file.data) and k.read_bytes() == file.data for k in kept):
                    problems.append(Problem(file.name, file.done, "refused, and not in quarantine as it came"))
        left = {f.name for f in home.inbox.rglob("*") if f.is_file() or f.is_symlink()}
        waiting = {fil for entries in ledger.values() for fil in (entries[-1]["fil"],) if entries[-1]["status"] == "venter"}
        problems += [Problem(name, (), "left in the inbox") for name in left - waiting]
    ends = Counter(ledger[f.sender, f.name][-1]["status"] for f in files if f.done and (f.sender, f.name) in ledger)
    return ends, problems


def _sums(con: duckdb.DuckDBPyConnection, filetypes: tuple[FileType, ...]) -> list[Problem]:
    """The accounts as a whole: raw holds what is active and nothing else, and the ledger's numbers are raw's."""
    found = []
    for ft in filetypes:
        for table in ft.tables:
            wrong = con.execute(f"""
                select coalesce(r.id, t.leverance_id), r.n, t.raekker
                from (select _leverance_id as id, count(*) as n from raw.{table.identifier} group by 1) as r
                full join (
                    select t.leverance_id, t.raekker from raw.leverance_tabel as t inner join raw.leverance as l on t.leverance_id = l.leverance_id
                    where l.status = 'aktiv' and l.kildesystem = $1 and l.filtype = $2 and t.tabel = $3 and t.raekker > 0
                ) as t on r.id = t.leverance_id
                where r.n is distinct from t.raekker
            """, [ft.kildesystem, ft.name, table.name]).fetchall()
            found += [Problem(table.identifier, (), f"delivery {i}: {n} rows in raw, {m} in the ledger") for i, n, m in wrong]
    wrong = con.execute("""
        select l.leverance_id, l.raekker, sum(t.raekker) from raw.leverance as l left join raw.leverance_tabel as t on l.leverance_id = t.leverance_id
        where l.status in ('aktiv', 'erstattet') group by all having l.raekker is distinct from coalesce(sum(t.raekker), 0)
    """).fetchall()
    return found + [Problem("(ledger)", (), f"delivery {i}: {n} rows, {m} per table") for i, n, m in wrong]


def _wanted(file: File, match: Match | None, setup: Any) -> oracle.Expected:
    if file.link is not None or match is None:
        return oracle.Expected(refused="name")
    ft = match.filetype
    day = (match.udtrukket or datetime.fromtimestamp(MOMENT)).date()
    first, last = span_of(match.periode, day, ft.frist_dage)
    agreed = setup.instructed(ft.fagomraade, ft.kildesystem, match.kommunekode, first, last)
    if not agreed:
        return oracle.Expected(refused="not agreed" if agreed is None else NOT_INSTRUCTED)
    local = setup.local_fields(match.kommunekode, ft.kildesystem, [t.name for t in ft.tables])
    closed = set(setup.without_instruction(ft.fagomraade, ft.kildesystem, first, last)) if any(t.kommunekolonne for t in ft.tables) else set()
    return oracle.expected(file.name, file.data, match, oracle.Around(local, frozenset(closed), setup.municipalities, setup.by_name, setup.acted_for), LIMITS)


def _one(con: duckdb.DuckDBPyConnection, file: File, match: Match | None, want: oracle.Expected, entry: dict[str, Any], aside: dict[int, list[int]]) -> Iterator[str]:
    """What is wrong with how one file ended."""
    status, code = entry["status"], entry["aarsag_kode"] or ""
    if status not in (*LOADED, *WAITED, "afvist", "ikke_instrueret"):
        yield "no such end"
    if status in ("afvist", *WAITED) and not (entry["aarsag"] and set(code.split()) <= set(catalogue())):
        yield "refused without a reason"
    if want.unsure:
        return
    if want.refused:
        if status in LOADED or status == "ikke_instrueret" and want.refused != NOT_INSTRUCTED:
            yield f"should be refused: {want.refused}"
        return
    if status not in LOADED:
        if code not in BY_LEDGER:
            yield "should be loaded"
        return
    assert match
    got = {"rows": entry["raekker"], "set aside": entry["raekker_afvist"], "without instruction": entry["raekker_uden_instruks"]}
    wanted = {"rows": want.count, "set aside": len(want.aside), "without instruction": want.without}
    if match.filetype.kind != "xml":
        got["lines"], wanted["lines"] = entry["linjer"], want.lines
        if aside.get(entry["leverance_id"], []) != sorted(want.aside):
            yield f"lines set aside are {aside.get(entry['leverance_id'], [])[:5]}, not {sorted(want.aside)[:5]}"
    if got != wanted:
        yield f"{got}, not {wanted}"
    if status == "aktiv":
        is_lines = match.filetype.kind != "xml"       # XML has records and no lines
        for table in match.filetype.tables:
            rows = con.execute(f"select _linje, {', '.join(c.name for c in table.columns)}, _lokale_felter from raw.{table.identifier} where _leverance_id = $1", [entry["leverance_id"]]).fetchall()
            there = sorted(((n if is_lines else 0, tuple(values), json.loads(local) if local else None) for n, *values, local in rows), key=repr)
            due = sorted(want.rows[table.identifier], key=repr)
            if there != due:
                yield f"{table.identifier}: raw is not what the file says (line {next((a[0] for a, b in zip(there, due, strict=False) if a != b), '?')})"


def _echoes(file: File, match: Match | None, reasons: list[str]) -> Iterator[str]:
    """Words of the file that stand in a reason, and numbers that may be a CPR number. The name of a field may be told: it is no value."""
    text = " ".join(reasons)
    yield from re.findall(r"\b\d{6}-?\d{4}\b", text)
    if file.link is not None or file.packed:
        return
    words = set(re.findall(r"[^\W\d_]{6,}", text.casefold())) | set(re.findall(r"\d{8,}", text))
    known = json.dumps(catalogue(), ensure_ascii=False).casefold() + repr(match).casefold() + file.sender.casefold() + file.name.casefold()
    content = file.data.decode("latin-1").casefold() + file.data.decode("utf-8", "ignore").casefold()
    named = _names(file, match).casefold()
    yield from (w for w in words if w not in known and w in content and w not in named)


def _names(file: File, match: Match | None) -> str:
    """What stands in a file as the names of its fields."""
    kind, text = match.filetype.kind if match else "", file.data.decode("utf-8", "ignore")
    if kind == "jsonl":
        return " ".join(re.findall(r'"((?:[^"\\]|\\.)*)"\s*:', text))
    if kind == "xml":
        return " ".join(" ".join(found) for found in re.findall(r"<\s*([^\s/>]+)|encoding\s*=\s*.([\w-]+)|([^\s=]+)\s*=", text))
    if kind == "delimited" and match and match.filetype.has_header:
        head = re.split("[\r\n]", file.data.decode("latin-1"), maxsplit=1)[0]
        # with twice as many fields the line break after it is lost, and what stands there are values
        return head if head.count(match.filetype.format["adskiller"]) + 1 < 2 * len(match.filetype.columns_of(match.version)) - 1 else ""
    return ""


# ------------------------------------------------------------------ after a build


READS = {"beloeb": oracle.amount, "dato": oracle.day, "heltal": oracle.whole, "timer": oracle.hours}
TYPED = re.compile(r"\{\{ som_(\w+)\('(\w+)'(?:, '([^']+)')?\) \}\} as (\w+)")
AMOUNTS = {"oekonomi": "postering", "personale": "loenlinje"}       # the standard's concept that keeps each delivered amount
# What a row cannot do without: a row that lacks one of these is set aside.
NEEDED = [
    *(("voksne_handicap", f"{system}__ydelse", columns) for system, columns in (("eg_sensum", "gyldig_fra gyldig_til"), ("eg_bosted", "gyldig_fra gyldig_til"), ("kmd_nexus", "gyldig_fra gyldig_til er_slettet"))),
    *(("borger", f"cpr__{table}", "virkningsdato er_annullering") for table in ("person", "adresse", "civilstand")), *(("borger", f"cpr__{table}", "dato er_annullering") for table in ("doed", "foedsel", "udrejse"))]


def typed_columns() -> Iterator[tuple[str, str, str, Callable[[str], Any]]]:
    """(table, delivered column, typed column, the oracle's reading) of every column that staging types with one macro and no more."""
    for path in sorted((REPO / "models" / "staging").rglob("stg_*.sql")):
        for kind, column, form, typed in TYPED.findall(path.read_text("utf-8")):
            if kind in READS:
                yield path.stem.removeprefix("stg_"), column, typed, lambda text, kind=kind, form=form: READS[kind](text, *([form] if form else []))


def standard_problems(home: Home) -> list[Problem]:
    """Every amount, date and number that staging types is what the delivered text says; a row that lacks one it needs is set aside, and the others are not."""
    found: list[Problem] = []
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        con.execute(f"attach '{home.db}' as flis (read_only)")
        con.execute(f"attach '{home.cpr_db}' as cpr (read_only)")
        con.execute("use flis")
        typed_tables = {}
        for table, column, typed, read in typed_columns():
            typed_tables.setdefault(table, set()).add(typed)
            for text, value, fil, line in con.execute(f"""
                select r.{column}, s.{typed}, min(r._fil), min(r._linje) from cpr.raw.{table} as r
                inner join staging.stg_{table} as s on r._leverance_id = s._leverance_id and r._linje = s._linje group by all
            """).fetchall():
                if read(text) != value:
                    found.append(Problem(fil, (table, typed), f"line {line}: {text!r} became {value}, not {read(text)}"))
        areas = {t.identifier: ft.fagomraade for ft in read_contracts(None).filetypes for t in ft.tables}
        for table in (t for t, columns in typed_tables.items() if "beloeb_kr" in columns):
            area = areas[table]
            found += [Problem(fil, (table,), f"line {line} is neither standardized nor set aside, or both, or with another amount") for fil, line in con.execute(f"""
                select s._fil, s._linje from staging.stg_{table} as s
                left join standardized.std_{area}__{AMOUNTS[area]} as p on s._leverance_id = p._leverance_id and s._linje = p._linje
                left join standardized.std_{area}__frasat as f on s._leverance_id = f._leverance_id and s._linje = f._linje and s.tabel = f.tabel
                where (p._linje is null) = (f._linje is null) or p._linje is not null and p.beloeb_kr is distinct from s.beloeb_kr
            """).fetchall()]
        for area, table, columns in NEEDED:
            missing = " or ".join(f"s.{c} is null" for c in columns.split())
            found += [Problem(fil, (table,), f"line {line} has a date or mark that cannot be read and is not set aside") for fil, line in con.execute(f"""
                select s._fil, s._linje from staging.stg_{table} as s
                inner join cpr.raw.leverance as l on s._leverance_id = l.leverance_id and l.status = 'aktiv'
                left join standardized.std_{area}__frasat as f on s._leverance_id = f._leverance_id and s._linje = f._linje and s.tabel = f.tabel
                where ({missing}) and f._linje is null
            """).fetchall()]
    return found


def badly_written(ground: Ground) -> list[File]:
    """The largest file of each interface that is not a series, with every typed column filled with every number and date we know to be hard to read."""
    found: dict[tuple[str, str], File] = {}
    for file in sorted(ground.files, key=lambda f: len(f.data)):
        if file.match.filetype.udtraekstype != "delta":
            found[file.sender, file.match.filetype.origin] = file
    filled = []
    for file in found.values():
        tables = {t.identifier for t in file.match.filetype.tables}
        for table, column, _, _ in typed_columns():
            if table in tables:
                file = column_filled(file, column, [*NUMBERS, *DATES])
        filled.append(file)
    return filled


def later(file: File, days: int) -> File:
    """The file under the name of an extract made some days later, so that it takes the place of the one before."""
    assert file.match
    m = file.match.version.pattern.fullmatch(file.name)
    assert m
    for group, form in (("udtraek_yyyymmdd", "%Y%m%d"), ("udtraek_yymmdd", "%y%m%d"), ("udtraek_yyyymmddhhmm", "%Y%m%d%H%M")):
        if m.groupdict().get(group):
            moment = datetime.strptime(m[group], form) + timedelta(days=days)
            name = file.name[:m.start(group)] + moment.strftime(form) + file.name[m.end(group):]
            return replace(file, name=name, match=read_contracts().match(file.sender, name))
    return file


def play_built(ground: Ground, home: Home, rng: random.Random, count: int, walk: bool, also: Iterable[File] = ()) -> tuple[list[File], list[Problem], Counter]:
    """Spoiled files, and those in `also`, delivered anew to a home that is built, which is then built again; `walk`: measured, reported and packaged too."""
    from flis.operate.run import StepFailed, run_steps

    filled = badly_written(ground)
    rest = replace(ground, files=[f for f in ground.files if _key(f) not in set(map(_key, filled))])
    spoilt = [f for f in choose(rng, rest, count) if f.match and not f.packed and f.link is None]
    files = put(home, [*also, *(later(f, 40) for f in [*filled, *spoilt])])
    problems = run_load(home, ground)
    ends, found = inspect_all(home, ground, files)
    problems += found
    done: dict[str, dict] = {}
    try:
        run_steps(home, ["build", *(("validate", "report", "package") if walk else ())], done=done)
    except StepFailed as fault:
        problems.append(Problem(f"({fault.step})", (), f"{fault} {fault.log.read_text('utf-8')[-1500:]}"))
    problems += [Problem("(build)", (name,), message) for name, message in done.get("build", {}).get("failed", [])]
    problems += [Problem("(walk)", (), f"not measured or not declared: {one}") for step, what in (("validate", "not_run"), ("report", "not_declared")) for one in done.get(step, {}).get(what, [])]
    return files, [*problems, *standard_problems(home)], ends


# ------------------------------------------------------------------ heavy files


def heavy_files(size: int) -> dict[str, tuple[str, str, Iterator[bytes]]]:
    """Hostile files of `size` bytes: name → (sender, file name, its content in pieces)."""
    mega = 1024**2

    def filled(head: bytes, piece: bytes, tail: bytes = b"") -> Iterator[bytes]:
        yield head
        block = piece * (mega // len(piece))
        for _ in range(size // len(block)):
            yield block
        yield tail

    head = b"SagId;Borger Nr;\xc3\x85rs tekst\n"
    return {
        "no line break": ("citat", "CITAT_0101_20260101.csv", filled(head, b"x" * 1024)),
        "blank lines": ("citat", "CITAT_0101_20260102.csv", filled(head, b"\n")),
        "lines of one character": ("citat", "CITAT_0101_20260103.csv", filled(head, b"a\n")),
        "lines too short": ("citat", "CITAT_0101_20260109.csv", filled(head, b"abcd\n")),
        "open quotes": ("citat", "CITAT_0101_20260104.csv", filled(head, b'1;;"' + b"x" * 300 + b"\n")),
        "one quote and no more": ("citat", "CITAT_0101_20260105.csv", filled(head + b'1;;"a\n', b"1;;" + b"x" * 100 + b"\n")),
        "lines of a megabyte": ("citat", "CITAT_0101_20260106.csv", filled(head, b"1;;" + b"x" * (mega - 100) + b"\n")),
        "good lines": ("citat", "CITAT_0101_20260107.csv", filled(head, b"1;0101701234;" + b"x" * 100 + b"\n")),
        "separators": ("citat", "CITAT_0101_20260108.csv", filled(head, b";" * 1023 + b"\n")),
        "json": ("jlinjer", "J_0101_202601011200.jsonl", filled(b"", b'{"nr": 1, "bopael": {"by": "x"}}\n')),
        "json, deep": ("jlinjer", "J_0101_202601021200.jsonl", filled(b"", b'{"nr": ' + b"[" * 400_000 + b"]" * 400_000 + b"}\n")),
        "xml without end": ("xposter", "X_0101_20260101.xml", filled(b"<L>", b"<a>")),
        "xml comment": ("xposter", "X_0101_20260102.xml", filled(b"<L><!--", b"x" * 1024)),
        "xml records": ("xposter", "X_0101_20260103.xml", filled(b"<L>", b'<Indsats Id="1"/>', b"</L>")),
        "zip of many": ("saldo", "SALDO_101_202601_20260205.csv.zip", _zip_of_many(size)),
    }


def _zip_of_many(size: int) -> Iterator[bytes]:
    """A zip that is nothing but a directory of empty files."""
    import struct

    entry = struct.pack("<4s4B4HL2L5H2L", b"PK\x01\x02", 20, 3, 20, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"x"
    count = size // len(entry)
    for _ in range(count // 1000):
        yield entry * 1000
    total = count // 1000 * 1000
    yield struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, total, total, total * len(entry), 0)
    yield struct.pack("<4sLQL", b"PK\x06\x07", 0, total * len(entry), 1)
    yield struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)


def heavy(work: Path, size: int, only: str | None = None) -> dict[str, Any]:
    """Each heavy file loaded in a process of its own: seconds, peak memory in MB, and how it ended."""
    figures = {}
    for name in heavy_files(size):
        if only and name != only:
            continue
        begun = time.monotonic()
        out = subprocess.run([sys.executable, str(HERE), "--heavy-one", name, "--size", str(size), "--work", str(work / "tung")], capture_output=True, text=True, check=False)
        if out.returncode:
            figures[name] = {"fault": out.stderr[-500:]}
        else:
            figures[name] = {**json.loads(out.stdout.splitlines()[-1]), "seconds": round(time.monotonic() - begun, 1)}
        shutil.rmtree(work / "tung", ignore_errors=True)
    return figures


def _heavy_one(work: Path, name: str, size: int) -> None:
    ground = contract_ground(work / "grund")
    home = ground.home(work / "hjem")
    sender, fil, content = heavy_files(size)[name]
    folder = home.inbox / sender
    folder.mkdir(exist_ok=True)
    with (folder / fil).open("wb") as out:
        for piece in content:
            out.write(piece)
    load(home, models=ground.models)
    with _open(home) as con:
        status, code = con.execute("select status, aarsag_kode from raw.leverance").fetchall()[0]
    sys.stdout.write(json.dumps({"status": status, "code": code, "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}) + "\n")


# ------------------------------------------------------------------ all of it


def run(work: Path, times: int = 2000, seed: int = 1, builds: int = 3, per_round: int = 60) -> dict[str, Any]:
    """Spoil `times` files and more, in rounds; gives the figures and the problems found (as text). `work` is emptied first."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    begun = time.monotonic()
    rng = random.Random(seed)
    base = real_home(work)
    grounds = [ground_of(base), contract_ground(work)]
    kinds: Counter = Counter()
    ends: Counter = Counter()
    problems: list[str] = []
    done = rounds = 0

    def note(ground: str, number: int, bad: list[File], found: list[Problem], counted: Counter) -> None:
        nonlocal done
        done += len(bad)
        kinds.update(kind for f in bad for kind in f.done)
        ends.update(counted)
        problems.extend(f"seed {seed}, round {number} ({ground}): {p}" for p in found)

    for ground in grounds:
        reference(ground, work / f"vidner_{ground.name}")
    if builds:
        from flis.build.dbt import build

        assert not build(base).failures
    for number in range(builds):
        shutil.copytree(base.root, work / "byg")
        note("bygget", number, *play_built(grounds[0], Home(work / "byg"), rng, per_round * 2, walk=number == 0))
        shutil.rmtree(work / "byg")
    while done < times:
        ground = grounds[rounds % 2]
        note(ground.name, rounds, *play(ground, ground.home(work / "runde"), rng, per_round))
        shutil.rmtree(work / "runde")
        rounds += 1
    return {"files": done, "rounds": rounds, "builds": builds, "seed": seed, "seconds": round(time.monotonic() - begun, 1), "ended": dict(sorted(ends.items())),
            "mutations": len(kinds), "fewest_of_one": min(kinds[k] for k in MUTATIONS), "problems": problems}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--times", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--builds", type=int, default=3)
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "flis-misbrug")
    parser.add_argument("--heavy", action="store_true", help="the 200 MB files too")
    parser.add_argument("--size", type=int, default=200 * 1024**2)
    parser.add_argument("--heavy-one", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.heavy_one:
        _heavy_one(asked.work, asked.heavy_one, asked.size)
        return
    figures = run(asked.work, asked.times, asked.seed, asked.builds) if asked.times else {"problems": []}
    if asked.heavy:
        figures["heavy"] = heavy(asked.work, asked.size)
    sys.stdout.write(json.dumps(figures, ensure_ascii=False, indent=1) + "\n")
    sys.exit(bool(figures["problems"]))


if __name__ == "__main__":
    main()
