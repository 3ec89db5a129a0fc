"""`flis restore` on its own: the CPR-bearing file made anew from archive and journal is the one that was lost, whatever had become of the deliveries."""

from __future__ import annotations

import gzip
import os
import random
from pathlib import Path

import duckdb
import pytest

from flis.core.faults import Damaged
from flis.core.lock import locked
from flis.intake.load import LoadError
from flis.operate.restore import RestoreError, RestoreResult, restore, wanting
from flis.trail import journal
from test_load import CITAT, CONTRACTS, PERSONS, World, register, saldo, zipped
from test_withdraw import take_back


@pytest.fixture
def world(tmp_path) -> World:
    return World(tmp_path)


def stored(world: World) -> dict[str, list[tuple]]:
    """Every row of the file, but for which line of the journal tells of a delivery, and the persons noted as touched, which matter only to models that are now built whole."""
    with duckdb.connect(str(world.home.cpr_db), read_only=True) as con:
        names = [name for (name,) in con.execute("select table_name from duckdb_tables() where table_name <> 'beroert_person' order by 1").fetchall()]
        return {name: con.execute(f"select {'* exclude (nr)' if name == 'journal' else '*'} from raw.{name} order by all").fetchall() for name in names}


def anew(world: World) -> RestoreResult:
    made = restore(world.home, {"cpr"}, models=CONTRACTS)
    with locked(world.home, "run"):     # which clears away what is of no use
        assert sorted(p.name for p in world.home.tmp.iterdir()) == ["indlaest"]
    return made


def lived(world: World, chance: random.Random, steps: int) -> None:
    """Some deliveries by chance, one load or more: new, replacing, refused, without instruction, packed, set aside in part; some withdrawn."""
    number = 0
    for step in range(steps):
        day = f"{step // 28 + 3:02}{step % 28 + 1:02}"
        rows = [f"a;{step}r{n};1,00;" for n in range(chance.randint(0, 3))]
        what = chance.choice(["måned", "måned", "citat", "dag", "dag", "pakket", "afvist", "uden instruks", "tilbage"])
        if what in ("måned", "pakket"):
            name = f"SALDO_{chance.choice([101, 461])}_20260{chance.randint(1, 2)}_2026{day}.csv"
            content = saldo(*rows, total=f"{len(rows)},00")
            world.put("saldo", *((name, content) if what == "måned" else (f"{name}.zip", zipped((name, content)))))
        elif what == "citat":
            text = CITAT + "".join(f"{step};{PERSONS[n]};t{step}\n" for n in range(chance.randint(1, 4))) + "kun;to\n"
            world.put("citat", f"CITAT_0101_2026{day}.csv", text.encode("utf-8-sig"))
        elif what == "dag":
            kind = "F" if not number or chance.random() < 0.2 else "D"
            number += 1
            world.put("register", f"R26{day}.TXT", register(kind, number, number - 1, f"001{chance.choice(PERSONS)}{step:06}"))
        elif what == "afvist":
            world.put("saldo", f"SALDO_101_202601_2026{day}.csv", saldo(end="TOTAL;9;9,00;"))
        elif what == "uden instruks":
            world.put("saldo", f"SALDO_825_202601_2026{day}.csv", saldo(*rows, total=f"{len(rows)},00"))
        else:
            world.load()
            known = [fil for fil, status in world.statuses().items() if status in ("aktiv", "erstattet") and not fil.startswith("R26")]
            if known:
                take_back(world, chance.choice(known))
        if chance.random() < 0.6:
            world.load()
    world.load()


@pytest.mark.parametrize("seed", range(2))
def test_whatever_has_happened(world: World, seed: int) -> None:
    lived(world, random.Random(seed), steps=40)
    before, journalled = stored(world), journal.deliveries_file(world.home).read_bytes()
    kinds = {status for (status,) in world.query("select distinct status from raw.leverance")}
    assert {"aktiv", "erstattet", "tilbagekaldt", "ikke_instrueret"} <= kinds and all(before[t] for t in ("saldo__konto", "register__navn", "citat__sag"))
    world.home.cpr_db.write_bytes(b"\xa5" * 10_000)
    assert set(wanting(world.home)) == {"cpr"}
    made = anew(world)
    assert not made.missing and made.deliveries >= len({row[0] for row in before["leverance_tabel"]}) > 5
    assert stored(world) == before
    assert journal.deliveries_file(world.home).read_bytes() == journalled and not wanting(world.home)
    # and it goes on from there
    world.put("saldo", "SALDO_101_202602_20261101.csv", saldo("a;ny;1,00;"))
    assert world.load().loaded == 1
    assert world.ledger("SALDO_101_202602_20261101.csv")["leverance_id"] == max(row[0] for row in before["leverance"]) + 1
    take_back(world, "SALDO_101_202602_20261101.csv")
    journal.check(world.home)


def test_withdrawn_stays_withdrawn_and_what_came_back_stays(world: World) -> None:
    for day, text in ((5, "en"), (6, "to"), (7, "tre")):
        world.put("saldo", f"SALDO_101_202601_202602{day:02}.csv", saldo(f"a;{text};1,00;"))
        world.load()
    for day in (7, 6):
        take_back(world, f"SALDO_101_202601_202602{day:02}.csv")
    before = stored(world)
    anew(world)
    assert stored(world) == before
    assert world.query("select tekst from raw.saldo__konto") == [("en",)]
    assert list(world.statuses().values()) == ["aktiv", "tilbagekaldt", "tilbagekaldt"]


def test_an_older_copy_and_a_missing_file_are_seen(world: World, tmp_path: Path) -> None:
    world.put("saldo", "SALDO_101_202601_20260205.csv", saldo("a;en;1,00;"))
    world.load()
    copy = world.home.cpr_db.read_bytes()
    take_back(world, "SALDO_101_202601_20260205.csv")
    before = stored(world)
    world.home.cpr_db.write_bytes(copy)
    with pytest.raises(Damaged, match="older than .*leverancer.jsonl"):
        journal.check(world.home)
    world.home.cpr_db.unlink()
    with pytest.raises(Damaged, match="is missing"):
        journal.check(world.home)
    assert set(wanting(world.home)) == {"cpr"} and not world.home.cpr_db.exists()
    anew(world)
    assert stored(world) == before


def _gone(path: Path) -> None:
    path.unlink()


def _broken(path: Path) -> None:
    path.write_bytes(b"ikke gzip")


def _other(path: Path) -> None:
    path.write_bytes(gzip.compress(saldo("a;andre;9,00;", total="9,00")))


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


@pytest.mark.parametrize("spoil, says", [(_broken, "is damaged"), (_other, "another SHA-256"), (_cut, "is damaged")])
def test_a_file_that_is_not_the_one_loaded_is_named_and_the_rest_restored(world: World, spoil, says: str) -> None:
    """It is not read at all: another content of the right form would else be loaded. Its month is missing until it is sent again."""
    names = ["SALDO_101_202601_20260205.csv", "SALDO_101_202602_20260305.csv"]
    for name, text in zip(names, ("en", "to"), strict=True):
        world.put("saldo", name, saldo(f"a;{text};1,00;"))
        world.load()
    spoil(next(world.home.archive.rglob("SALDO_101_202601*")))
    made = anew(world)
    assert len(made.differing) == 1 and "leverance 1" in made.differing[0] and says in made.differing[0] and "SALDO_101_202601" in made.differing[0]
    assert world.query("select tekst from raw.saldo__konto") == [("to",)] and world.query("select count(*) from raw.leverance_tabel") == [(1,)]
    assert (world.ledger(names[0])["status"], world.ledger(names[0])["aarsag_kode"], world.ledger(names[0])["raekker"]) == ("afvist", "arkiv_afviger", None)
    assert not wanting(world.home)
    before = stored(world)
    again = anew(world)         # the journal has it: made anew once more it is the same
    assert not again.differing and stored(world) == before
    world.put("saldo", names[0], saldo("a;en;1,00;"), mtime=1_790_000_500)
    assert world.load().loaded == 1
    assert world.query("select tekst from raw.saldo__konto order by 1") == [("en",), ("to",)]


def test_what_is_packed_is_what_was_read(world: World, monkeypatch) -> None:
    """A file that is rewritten between reading and archiving, with the same size and time, is not archived: the archive's bytes have the hash that was loaded."""
    from flis.intake import load as load_module

    name = "SALDO_101_202601_20260205.csv"
    path = world.put("saldo", name, saldo("a;en;1,00;"))
    real = load_module._Run._into_raw

    def meanwhile(self, *args):
        path.write_bytes(saldo("a;to;1,00;"))
        os.utime(path, (1_790_000_000, 1_790_000_000))
        return real(self, *args)

    monkeypatch.setattr(load_module._Run, "_into_raw", meanwhile)
    with pytest.raises(LoadError, match="was changed while it was being loaded"):
        world.load()
    assert path.exists() and not list(world.home.archive.rglob("SALDO*"))


@pytest.mark.parametrize("spoil, says", [(_gone, "is missing")])
def test_without_a_file_in_use_nothing_is_changed(world: World, spoil, says: str) -> None:
    """One that is not in use any more is only told of; and the file as it was sent, laid in the inbox, is taken instead."""
    files = [(f"SALDO_101_202601_202602{day:02}.csv", saldo(f"a;{text};1,00;")) for day, text in ((5, "en"), (6, "to"))]
    for name, content in files:
        world.put("saldo", name, content)
        world.load()
    in_archive = {name: next(world.home.archive.rglob(f"{name.removesuffix('.csv')}*")) for name, _ in files}
    before, bytes_before = stored(world), world.home.cpr_db.read_bytes()
    spoil(in_archive[files[0][0]])
    assert "leverance 1" in anew(world).missing[0]
    assert stored(world)["saldo__konto"] == before["saldo__konto"]
    world.home.cpr_db.write_bytes(bytes_before)
    spoil(in_archive[files[1][0]])
    with pytest.raises(RestoreError, match=f"(?s)1 deliveries cannot be read.*leverance 2.*{says}"):
        restore(world.home, {"cpr"}, models=CONTRACTS)
    assert world.home.cpr_db.read_bytes() == bytes_before and not list(world.home.root.glob("*.ny*"))
    in_archive[files[1][0]].unlink(missing_ok=True)
    world.put("saldo", *files[1])
    anew(world)
    assert stored(world)["saldo__konto"] == before["saldo__konto"]
