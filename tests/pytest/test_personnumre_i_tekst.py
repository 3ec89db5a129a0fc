"""The attack: known CPR numbers in every text field of every system's contract, in all forms, walked. None of them stands anywhere it must not (docs/decisions/0036)."""

from __future__ import annotations

import gzip
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import duckdb
import pytest
import yaml

from conftest import make_demo, walk
from flis.contracts.contract import Match, read_contracts
from flis.core.database import connect
from flis.core.home import REPO, Home
from flis.intake import stray
from flis.intake.inspection import plain_name
from flis.package.write import package
from proofs.fremmede_fejl import filer, lager
from proofs.fremmede_fejl.felter import Fields
from test_laek import ALLOWED, BINARY, files, unpacked

pytestmark = pytest.mark.langsom

# As it can be written: alone, with a hyphen, with a blank, and each of them inside a longer text.
FORMS = ["{0}{1}", "{0}-{1}", "{0} {1}", "se {0}{1}: tak", "nr.{0}-{1}", "A{0} {1}B", "{0} - {1}"]
EACH = 3        # files of each kind that are changed
SAID = re.compile(rb"(?<!\d)(\d{6})[ -]{0,3}(\d{4})(?!\d)")
RUNS = re.compile(rb"\d{10,}")


def people(home: Home) -> list[str]:
    """Numbers of persons whom the register knows, from each part of it."""
    found = set()
    for path in (home.inbox / "cpr").iterdir():
        text = (gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()).decode("latin-1")
        found |= {line[3:13] for line in text.splitlines() if line.startswith("001")}
    return sorted(found)[::2]


def plant(file: filer.File, numbers: Iterator[str]) -> list[tuple[str, str, str, str]]:
    """A number in each form in each text field, spread over the rows; gives (number, as written, raw table, column). Fields of fixed width take what there is room for."""
    tables = {t.name: t for t in file.match.filetype.tables}
    put = []
    for table in tables.values():
        rows = [r for r in file.rows if r.table == table.name]
        own, widths, at = set(table.cpr_columns), {c.name: c.length for c in table.columns}, 0
        amounts = {c.name for c in table.columns if c.is_amount}
        for column in rows[0].values if rows else ():
            for form in FORMS if column and column not in own | amounts else ():       # a line that ends in a separator has a field without a name
                number = next(numbers)
                written = form.format(number[:6], number[6:])
                row, at = rows[at % len(rows)], at + 1
                if (widths.get(column) or len(written)) >= len(written):
                    row.values[column] = written
                    put.append((number, written, table.identifier, column if column in widths else stray.LOCAL))
    return put


def seek(home: Home, numbers: set[str]) -> dict[str, list[str]]:
    """Where the numbers stand that must not: every file outside inbox, archive, quarantine and the CPR-bearing file, and every column of every table and Parquet file, whatever its type."""
    found: dict[str, list[str]] = {}

    def look(where: str, data: bytes, whole: bool) -> None:
        hits = {a.decode() + b.decode() for a, b in SAID.findall(data)}
        if whole:       # of text also inside a longer run of digits; in what is compressed such a run is chance
            hits |= {run[i:i + 10].decode() for run in RUNS.findall(data) for i in range(len(run) - 9)}
        if hits & numbers:
            found[where] = sorted(hits & numbers)[:3]

    def look_in(where: str, con: duckdb.DuckDBPyConnection, relation: str) -> None:
        for name, *_ in con.execute(f"describe select * from {relation}").fetchall():
            texts = con.execute(f"select distinct cast(\"{name}\" as varchar) from {relation} where regexp_matches(cast(\"{name}\" as varchar), '[0-9]{{4}}')").fetchall()
            look(f"{where}.{name}", "\n".join(t for (t,) in texts).encode(), True)

    instructed = {p.parent for p in home.outbox.rglob("datapackage.json") if json.loads(p.read_text("utf-8"))["flis"]["personnumre"]}
    con = duckdb.connect()
    for path in files(home.root):
        inside = path.relative_to(home.root).parts
        if inside[0] in ALLOWED or inside[0] == "facit" or path.name.startswith(home.cpr_db.name) or instructed & set(path.parents):
            continue
        look("/".join(inside), os.fsencode(path.name) + b"\n" + unpacked(path), path.suffix not in BINARY)
        if path.suffix == ".parquet":
            look_in("/".join(inside), con, f"read_parquet('{path}')")
    with connect(home) as db:
        for schema, table in db.execute("select schema_name, table_name from duckdb_tables() where database_name = 'flis'").fetchall():
            look_in(f"flis.duckdb {schema}.{table}", db, f'flis."{schema}"."{table}"')
        for schema, view in db.execute("select schema_name, view_name from duckdb_views() where database_name = 'flis' and not internal").fetchall():
            for name, kind, *_ in db.execute(f'describe flis."{schema}"."{view}"').fetchall():
                if kind == "VARCHAR" and name not in ("cpr", "tidligere_cpr"):
                    texts = db.execute(f"select distinct \"{name}\" from flis.\"{schema}\".\"{view}\" where regexp_matches(\"{name}\", '[0-9]{{4}}')").fetchall()
                    look(f"flis.duckdb {schema}.{view}.{name}", "\n".join(t for (t,) in texts).encode(), True)
    return found


class Attacked:
    """A demo where numbers have been planted: the home, the numbers, and the (raw table, column) they were planted in."""

    def __init__(self, root: Path) -> None:
        self.home = make_demo(root, periods=2)
        self.contracts = read_contracts()
        self.numbers: set[str] = set()
        self.places: set[tuple[str, str]] = set()
        names = lager.names(REPO)
        systems = yaml.safe_load((lager.HERE / "systemer.yml").read_text("utf-8"))
        self.fields = {s: {t: Fields(about, names) for t, about in tables.items()} for s, tables in systems.items()}

    def attack(self) -> None:
        known, done = cycle(people(self.home)), Counter[str]()
        for path in sorted((p for p in self.home.inbox.rglob("*") if p.is_file()), key=lambda p: (-p.stat().st_size, p)):
            match = self.contracts.match(path.parent.name, plain_name(path.name))
            if match and path.suffix not in (".gz", ".zip") and done[match.filetype.origin] < EACH:
                done[match.filetype.origin] += self._change(path, match, known)
        number = next(known)
        self.numbers.add(number)
        for name in (f"Loen {number}.csv", f"Loen_{number[:6]}-{number[6:]}.csv"):
            (self.home.inbox / "kmd" / name).write_text("x\n")

    def _change(self, path: Path, match: Match, known: Iterator[str]) -> bool:
        stat = path.stat()
        try:
            file = filer.read(path, match)
        except ValueError:      # a file whose form is a planted fault
            return False
        if not file.rows or not (put := plant(file, known)):
            return False
        path.write_bytes(filer.write(file, self.fields.get(file.system, {})))
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        text = path.read_bytes().decode(match.filetype.charset)
        put = [one for one in put if one[1] in text]         # not where another form came in the same field, or an element is not there
        self.numbers |= {number for number, *_ in put}
        self.places |= {(table, column) for *_, table, column in put}
        return True


@pytest.fixture(scope="module")
def angrebet(tmp_path_factory) -> Attacked:
    """Attacked, walked, and with every package written that there can be."""
    attacked = Attacked(tmp_path_factory.mktemp("angrebet"))
    attacked.attack()
    walk(attacked.home)
    with connect(attacked.home, write="flis") as con:
        con.execute("delete from kvalitet.maaling")      # nothing measured, nothing held
        con.execute("delete from drift.pakke")
    package(attacked.home)
    return attacked


def test_the_attack_reaches_every_system(angrebet):
    """The proof of the proof: each table of each contract with a text field has been attacked, and its files taken in."""
    assert len(angrebet.numbers) > 1000
    tables = {t.identifier for ft in angrebet.contracts.filetypes for t in ft.tables if stray.searched(t)}
    assert tables - {t for t, _ in angrebet.places} == set()
    with connect(angrebet.home) as con:
        assert con.execute("select count(*) from cpr.raw.leverance where status = 'aktiv'").fetchone()[0] > 100


def test_no_number_is_left_anywhere(angrebet):
    assert seek(angrebet.home, angrebet.numbers) == {}


def test_each_field_is_found(angrebet):
    with connect(angrebet.home) as con:
        found = set(con.execute("select distinct tabel, felt from cpr.raw.personnummer_i_tekst where maske is not null").fetchall())
    assert len(angrebet.places) > 300 and stray.LOCAL in {c for _, c in angrebet.places}
    assert angrebet.places - found == set()


def test_keys_stay_apart(angrebet):
    """One mask per municipality and number, and no mask for two."""
    with connect(angrebet.home) as con:
        pairs = con.execute("select distinct kommunekode, cifre, maske from cpr.raw.personnummer_i_tekst where maske is not null").fetchall()
    assert len(pairs) > 500
    assert len({(k, c) for k, c, _ in pairs}) == len({m for _, _, m in pairs}) == len(pairs)
    assert all(re.fullmatch("pnr-[a-p]{16}", m) for _, _, m in pairs)
    across = Counter(c for _, c, _ in pairs)
    assert max(across.values()) > 1, "the same number in two municipalities has two masks"


def test_the_municipality_is_told(angrebet):
    """By rule 110 of every area, with where it stands and without the number."""
    with connect(angrebet.home) as con:
        told = con.execute("select distinct fagomraade, kommunekode from kvalitet.personnummer_i_tekst").fetchall()
        assert {a for a, _ in told} >= {"borger", "oekonomi", "personale", "skole", "voksne_handicap"}
        assert con.execute("select count(*) from kvalitet.fund where regel_id like '%-110'").fetchone()[0] > 50


def test_a_file_whose_name_holds_a_number_is_refused_under_a_masked_name(angrebet):
    with connect(angrebet.home) as con:
        refused = con.execute("select fil from cpr.raw.leverance where aarsag_kode = 'personnummer_i_filnavn'").fetchall()
    assert len(refused) == 2 and all(re.search("pnr-[a-p]{16}", name) for (name,) in refused)
