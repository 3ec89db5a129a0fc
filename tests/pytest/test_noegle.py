"""The home's key: checked before anything is written, refused when it can be guessed, and changed with all that was made with it (docs/decisions/0037). And the masks made with it (0036)."""

from __future__ import annotations

import re
import secrets

import pytest

from flis.build import dbt
from flis.core.database import connect
from flis.core.home import Home
from flis.core.keys import KeyChanged, KeyMissing, estimated_bits, master_key, pseudonym, require_strong
from flis.intake import stray
from flis.operate import rotation
from flis.operate.restore import restore
from flis.operate.rotation import RotationFailed, rotate
from flis.operate.run import ready
from flis.trail import events, journal, keycheck, sealing
from test_load import CITAT, CONTRACTS, KEY, PERSONS, World, register, saldo

NEW = "b81e07c4d95f3a62608bd1f7e43c9a5072e6fd1894b3ac07de52186f9ba0347c"
WHY = "Nøglen har ligget i en mail"
UNKNOWN = "0505801234"


@pytest.fixture
def world(tmp_path) -> World:
    return World(tmp_path / "hjem")


def deliver(world: World) -> None:
    """Persons, one with two numbers, one of them in texts of two municipalities; a replaced delivery; a candidate."""
    world.put("register", "R260101.TXT", register("F", 1, 0, *(f"001{p}Navn  " for p in PERSONS), f"002{PERSONS[3]}{PERSONS[2]}"))
    for code in ("101", "461"):
        world.put("saldo", f"SALDO_{code}_202601_20260205.csv", saldo(f"a;se {PERSONS[0]} og {UNKNOWN};1,00;", f"{PERSONS[1]};b;1,00;"))
    world.put("citat", "CITAT_0101_20260105.csv", CITAT + f"1;{PERSONS[0]};{PERSONS[0][:6]}-{PERSONS[0][6:]}\n")
    world.put("citat", "CITAT_0101_20260205.csv", CITAT + f"{PERSONS[2]};{PERSONS[1]};x\n")
    world.load()


def everything(world: World) -> dict[str, list[tuple]]:
    return {t: world.query(f"select * from raw.{t} order by all")
            for t in ("person_noegle", "beroert_person", "personnummer_i_tekst", "saldo__konto", "citat__sag", "register__navn")}


# --- the check value


def test_another_key_stops_before_anything_is_written(world):
    deliver(world)
    before = everything(world)
    world.home.key_file.write_text(NEW)
    world.put("citat", "CITAT_0461_20260301.csv", CITAT + "1;0606801234;ny\n")
    with pytest.raises(KeyChanged, match="en anden end den"):
        world.load()
    with pytest.raises(KeyChanged, match="noegle-skift"):
        ready(world.home)
    assert everything(world) == before and world.inbox() == ["CITAT_0461_20260301.csv"]
    world.home.key_file.write_text(KEY)
    assert world.load().loaded == 1


def test_a_home_from_before_check_values_is_held_against_its_ids(world):
    deliver(world)
    with connect(world.home, write="cpr") as con:
        con.execute("drop table raw.noegle")
    keycheck.keys_file(world.home).unlink()
    sealing.heads_file(world.home).unlink()
    world.home.key_file.write_text(NEW)
    with pytest.raises(KeyChanged):
        ready(world.home)
    world.home.key_file.write_text(KEY)
    world.put("citat", "CITAT_0461_20260301.csv", CITAT + "1;0606801234;ny\n")
    world.load()
    assert world.query("select version, kontrol from raw.noegle") == [(1, keycheck.check_value(KEY.encode()))]


def test_the_check_value_tells_neither_key_nor_id(world):
    deliver(world)
    told = keycheck.keys_file(world.home).read_text()
    assert keycheck.check_value(KEY.encode()) in told and KEY not in told
    assert not {i for (i,) in world.query("select person_id from raw.person_noegle")} & set(re.findall("[0-9a-f]{32}", told))


def test_restore_with_another_key_is_refused(world):
    deliver(world)
    world.home.key_file.write_text(NEW)
    world.home.cpr_db.unlink()
    with pytest.raises(KeyChanged):
        restore(world.home, {"cpr"}, models=CONTRACTS)


# --- what can be guessed


@pytest.mark.parametrize("key", ["k" * 40, "hemmelignoegle" * 4, "12345678901234567890123456789012", "abcdefghijklmnopqrstuvwxyz0123456789", "0" * 64, "deadbeef" * 8,
                                 "qwertyuiopasdfghjklzxcvbnm1234567890", "kommunernes faelles hemmelige noegle til flis 2026", "passwordpasswordpasswordpassword1", "kort"])
def test_a_key_that_can_be_guessed_is_refused(world, key):
    world.home.key_file.write_text(key)
    with pytest.raises(KeyMissing):
        world.load()
    assert not world.home.cpr_db.exists()


def test_random_keys_are_taken():
    """Every way of making one: of 500 none is refused; also the 32 random characters that were asked for before."""
    for _ in range(500):
        for key in (secrets.token_hex(32), secrets.token_urlsafe(32), secrets.token_urlsafe(24)):
            require_strong(key.encode(), "x")
    assert estimated_bits(NEW) > 150 > 64 > estimated_bits("hemmelignoegle" * 4)


def test_a_weak_key_can_be_changed(world, monkeypatch):
    """A home that was loaded with one before they were refused is not locked: it is changed."""
    monkeypatch.setattr("flis.core.keys.MIN_BITS", 0)
    world.home.key_file.write_text("k" * 40)
    deliver(world)
    monkeypatch.undo()
    world.put("citat", "CITAT_0461_20260301.csv", CITAT + "1;0606801234;ny\n")
    with pytest.raises(KeyMissing, match="noegle-skift"):
        world.load()
    rotate(world.home, WHY)
    assert world.load().loaded == 1 and len(master_key(world.home)) == 64


# --- the change


def test_a_change_is_as_if_the_new_key_had_been_there_from_the_first(world, tmp_path):
    """The round trip: all that is kept by the old key is what the new key alone would have made, but for the version."""
    deliver(world)
    (tmp_path / "ny").write_text(NEW + "\n")
    done = rotate(world.home, WHY, tmp_path / "ny")
    assert (done.version, done.numbers) == (2, 4) and str(tmp_path / "ny") in done.left
    other = World(tmp_path / "andet")
    other.home.key_file.write_text(NEW)
    deliver(other)
    assert {v for (v,) in world.query("select distinct noegle_version from raw.person_noegle")} == {2}
    mine, theirs = everything(world), everything(other)
    mine["person_noegle"], theirs["person_noegle"] = ([(c, p, n, f) for c, p, n, _, f in rows] for rows in (mine["person_noegle"], theirs["person_noegle"]))
    assert mine == theirs
    assert world.query(f"select person_id from raw.person_noegle where cpr = '{PERSONS[3]}'") == [(pseudonym(NEW.encode(), PERSONS[2]),)]
    world.home.key_file.write_text(NEW)
    world.put("citat", "CITAT_0461_20260301.csv", CITAT + f"1;0606801234;{PERSONS[0]}\n")
    assert world.load().loaded == 1
    assert world.query("select noegle_version from raw.person_noegle where cpr = '0606801234'") == [(2,)]
    with connect(world.home) as con:
        assert con.execute("select detalje ->> 'version', detalje ->> 'grund' from drift.haendelse where haendelse = $1", [rotation.EVENT]).fetchall() == [("2", WHY)]


def test_after_a_change_the_file_can_be_made_anew(world):
    """The version and the ids are those from before, by the journal of the key's versions."""
    deliver(world)
    rotate(world.home, WHY)
    before = everything(world), world.query("select * from raw.noegle")
    restore(world.home, {"cpr"}, models=CONTRACTS)
    assert (everything(world), world.query("select * from raw.noegle")) == before


@pytest.mark.parametrize("stopped", ["_forget", "_renew", "keep", "_put_in_place"])
def test_a_change_that_is_stopped_goes_on(world, monkeypatch, stopped):
    """Wherever it is stopped, another verb either finds the old key right or refuses; run again it is carried through."""
    deliver(world)

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(rotation.keycheck if stopped == "keep" else rotation, stopped, stop)
    with pytest.raises(KeyboardInterrupt):
        rotate(world.home, WHY)
    monkeypatch.undo()
    if stopped in ("_forget", "_renew"):
        ready(world.home)
    else:
        with pytest.raises(KeyChanged):
            ready(world.home)
    assert rotate(world.home, WHY).version == 2
    ready(world.home)
    assert world.load().loaded == 0 and not list(world.home.root.glob("noegle.ny"))
    assert [version for version, *_ in world.query("select version from raw.noegle order by 1")] == [1, 2]


def test_a_change_asks_for_what_it_needs(world, tmp_path, monkeypatch):
    with pytest.raises(RotationFailed, match="intet indlæst"):
        rotate(world.home, WHY)
    deliver(world)
    with pytest.raises(RotationFailed, match="grund"):
        rotate(world.home, "kort")
    (tmp_path / "svag").write_text("k" * 64)
    with pytest.raises(KeyMissing):
        rotate(world.home, WHY, tmp_path / "svag")
    (tmp_path / "samme").write_text(KEY)
    with pytest.raises(RotationFailed, match="den, der bruges"):
        rotate(world.home, WHY, tmp_path / "samme")
    monkeypatch.setenv("FLIS_NOEGLE", KEY)
    with pytest.raises(RotationFailed, match="--ny-noegle"):
        rotate(world.home, WHY)
    assert world.query("select max(version) from raw.noegle") == [(1,)]


# --- numbers in texts


def texts(world: World) -> list[tuple]:
    return world.query("select fil, tekst from raw.saldo__konto order by all")


def test_a_number_that_becomes_known_is_masked_where_it_stood(world):
    """Ten digits that are nobody's may be a document's number; the day they are somebody's they are masked, and what was built of them is due again."""
    world.put("saldo", "SALDO_101_202601_20260205.csv", saldo(f"a;vedr. {UNKNOWN};1,00;", f"b;{UNKNOWN};1,00;"))
    world.load()
    assert texts(world) == [("a", f"vedr. {UNKNOWN}"), ("b", UNKNOWN)] and world.query("select * from raw.omskrevet") == []
    with connect(world.home, write="flis") as con:
        con.execute("create schema drift; create table drift.behandlet as select 'stg' as model, unnest([1, 7]) as leverance_id")
    world.put("register", "R260301.TXT", register("F", 1, 0, f"001{UNKNOWN}Navn  "))
    world.load()
    mask = stray.mask_of(KEY.encode(), "0101", UNKNOWN)
    assert texts(world) == [("a", f"vedr. {mask}"), ("b", mask)]
    assert [ident for ident, _ in world.query("select * from raw.omskrevet")] == [1]
    for _ in range(2):
        dbt._look_again(world.home)
    with connect(world.home) as con:
        assert con.execute("select leverance_id from drift.behandlet").fetchall() == [(7,)]


def test_what_is_written_as_only_a_cpr_number_is_masked_though_nobody_has_it(world):
    unknown = f"{UNKNOWN[:6]}-{UNKNOWN[6:]}"
    world.put("saldo", "SALDO_101_202601_20260205.csv", saldo(f"a;{unknown};1,00;", f"b;{UNKNOWN[:6]} {UNKNOWN[6:]};1,00;", "c;320580-1234;1,00;", f"d;1{unknown};1,00;", "e;010199-1234-5;1,00;"))
    world.load()
    assert [t for _, t in texts(world)][1:4] == [f"{UNKNOWN[:6]} {UNKNOWN[6:]}", "320580-1234", f"1{unknown}"], "a blank is between any two numbers; the 32nd is no day; a part of a longer number is none"
    assert texts(world)[0][1] == stray.mask_of(KEY.encode(), "0101", UNKNOWN) and texts(world)[4][1].startswith("pnr-") and texts(world)[4][1].endswith("-5")
    assert {a for (a,) in world.query("select art from raw.personnummer_i_tekst where maske is not null")} == {"form"}


def test_a_series_of_documents_is_not_told_of_for_what_chance_makes(world):
    """Of thousands of ten-digit numbers some are somebody's. They are masked, and their keys stay apart, but nobody is told; of more than chance makes, somebody is."""
    series = [f"26{month:02d}{n:06d}" for month in range(1, 10) for n in range(600)]
    world.put("register", "R260101.TXT", register("F", 1, 0, *(f"001{n}Navn  " for n in [*series[:40:20], *(f"0101{y:02d}{n:04d}" for y in range(100) for n in range(0, 9999, 4))])))
    world.put("saldo", "SALDO_101_202601_20260205.csv", saldo(*(f"{n};x;1,00;" for n in series)))
    world.put("saldo", "SALDO_461_202601_20260205.csv", saldo(*(f"{n};x;1,00;" for n in series[:30])))
    world.load()
    told = world.query("select kommunekode, art, count(*), count(maske) from raw.personnummer_i_tekst where art <> 'kandidat' group by all order by all")
    assert told == [("0101", "tilfaelde", 2, 2), ("0461", "kendt", 2, 2)]
    assert world.query("select count(distinct fil) from raw.saldo__konto where _kommunekode = '0101'") == [(len(series),)]


def test_a_number_of_another_kind_is_let_be_unless_the_column_has_slipped(tmp_path):
    """The contract says that the field holds P-numbers: one that is somebody's CPR number too stays. Beside CPR numbers that are no P-numbers it does not."""
    (tmp_path / "modeller").mkdir()
    (tmp_path / "modeller" / "_p__sources.yml").write_text("""
version: 2
sources:
  - name: citat
    config: {meta: {afsender: citat, fagomraade: borger, udtraekstype: fuld, fil: "CITAT_{kommunekode:4}_{udtraek:yyyymmdd}.csv", format: {type: delimited, tegnsaet: utf-8, adskiller: ";"}}}
    tables:
      - name: sag
        columns: [{name: cpr, config: {meta: {personnummer: true}}}, {name: p, config: {meta: {ikke_personnummer: "10[0-9]{8}"}}}]
""", "utf-8")
    world, both = World(tmp_path / "hjem"), "1003801234"
    world.put("citat", "CITAT_0101_20260105.csv", f"cpr;p\n{both};{both}\n{PERSONS[0]};\n")
    world.put("citat", "CITAT_0461_20260105.csv", f"cpr;p\n{both};{both}\n{PERSONS[0]};{PERSONS[0]}\n")
    world.load(models=tmp_path / "modeller")
    assert world.query("select _kommunekode, p from raw.citat__sag where _linje = 2 order by all") == [("0101", both), ("0461", stray.mask_of(KEY.encode(), "0461", both))]


def test_reasons_people_write_hold_no_number(tmp_path):
    home = Home.of(tmp_path).prepare()
    with connect(home, write="flis") as con:
        events.record(con, "proeve", grund="Vedr. 010170-1234, 010170 1234 og 0101701234")
        said, = con.execute("select detalje ->> 'grund' from drift.haendelse").fetchone()
    assert said == "Vedr. [ti cifre], [ti cifre] og [ti cifre]"


@pytest.mark.parametrize("given", [False, True])
def test_the_audit_trail_holds_under_the_new_key(world, tmp_path, given):
    """The journals are chained under the key in force, with the change as the last event; and again where it was stopped before the key was in its place."""
    deliver(world)
    new = tmp_path / "ny"
    new.write_text(NEW)
    rotate(world.home, "En medarbejder er fratrådt", new if given else None)
    if given:
        world.home.key_file.write_text(NEW)
    assert sealing.verify(world.home).wrong == []
    assert [line["haendelse"] for line in journal.read(journal.events_file(world.home))][-1] == rotation.EVENT


def test_a_change_that_was_stopped_tells_once(world, monkeypatch):
    deliver(world)

    def stopped(*given, **more):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(rotation, "_put_in_place", stopped)
        with pytest.raises(KeyboardInterrupt):
            rotate(world.home, "En medarbejder er fratrådt")
    rotate(world.home, "En medarbejder er fratrådt")
    assert sealing.verify(world.home).wrong == []
    assert [line["haendelse"] for line in journal.read(journal.events_file(world.home))].count(rotation.EVENT) == 1
