"""The audit trail: whatever is changed, removed, moved or put into it without the key is named, and nothing is released on it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from flis.cli import app
from flis.operate.restore import restore
from flis.operate.run import run_steps
from flis.quality.validate import ValidateError, release
from flis.trail import journal, keycheck, sealing
from flis.trail.sealing import Altered, reseal, verify
from test_load import CONTRACTS, KEY, World, saldo
from test_withdraw import take_back

FILES = [f"SALDO_101_20260{n}_20260{n + 1}05.csv" for n in (1, 2, 3)]


@pytest.fixture
def world(tmp_path) -> World:
    """Three deliveries, loaded one by one; two of them taken back, each with an event."""
    made = World(tmp_path)
    for name in FILES:
        made.put("saldo", name, saldo("a;b;1,00;"))
        made.load()
    take_back(made, FILES[0])
    take_back(made, FILES[1])
    assert verify(made.home).wrong == [] and verify(made.home).entries == {"haendelser.jsonl": 2, "leverancer.jsonl": 5, "noegler.jsonl": 1}
    return made


def lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines(keepends=True)


def changed(at: int, old: str, new: str) -> Callable[[list[str]], list[str]]:
    def change(given: list[str]) -> list[str]:
        assert old in given[at]
        return [line.replace(old, new) if n == at else line for n, line in enumerate(given)]
    return change


SPOILED = {      # journal, what is done to it, what is named
    "en linje er ændret": ("leverancer", changed(1, '"raekker": 1', '"raekker": 2'), ["line 2: number 2 has been changed"]),
    "den første er ændret": ("leverancer", changed(0, '"raekker": 1', '"raekker": 2'), ["line 1: number 1 has been changed"]),
    "en hændelse har fået en anden udfører": ("haendelser", changed(0, '"udfoert_af": "', '"udfoert_af": "x'), ["line 1: number 1 has been changed", "drift.haendelse, number 1"]),
    "en linje er fjernet": ("leverancer", lambda given: given[:1] + given[2:], ["line 2: it says it is number 3", "line 2: number 3 has been changed, or is not where"]),
    "og resten nummereret om": ("leverancer", lambda given: [given[0], *(line.replace(f'"nr": {n + 2}', f'"nr": {n + 1}') for n, line in enumerate(given[2:], start=1))], ["line 2: number 2", "the last 1 entries"]),
    "to er byttet om": ("leverancer", lambda given: [given[0], given[2], given[1], *given[3:]], ["line 2: it says it is number 3", "line 3: it says it is number 2"]),
    "den sidste er fjernet": ("haendelser", lambda given: given[:-1], ["the last 1 entries have been removed (it ended in number 2)"]),
    "alt er fjernet": ("haendelser", lambda given: [], ["the last 2 entries"]),
    "en er sat ind": ("haendelser", lambda given: [*given, given[-1].replace('"nr": 2', '"nr": 3')], ["line 3: number 3 has been changed, or is not"]),
    "kæden er fjernet": ("haendelser", lambda given: [line[:line.rindex(', "kaede"')] + "}\n" for line in given], ["it is not the entry it ended in"]),
    "ulæselig": ("leverancer", lambda given: [given[0], "hest\n", *given[2:]], ["line 2: cannot be read"]),
}


@pytest.mark.parametrize("what", SPOILED)
def test_det_naevnes(world, what):
    name, change, told = SPOILED[what]
    path = world.home.archive / f"{name}.jsonl"
    path.write_text("".join(change(lines(path))), "utf-8")
    found = "\n".join(verify(world.home).wrong)
    assert all(words in found for words in told), found
    with pytest.raises(Altered, match="nothing is released"):
        run_steps_of_a_release(world)
    done = CliRunner().invoke(app, ["verify", "--home", str(world.home.root)])
    assert done.exit_code == 3 and told[0] in done.output


def run_steps_of_a_release(world: World) -> None:
    sealing.require(world.home)


def sql(path: Path, text: str) -> None:
    with duckdb.connect(str(path)) as con:
        con.execute(text)


@pytest.mark.parametrize("text, told", [
    ("update drift.haendelse set udfoert_af = 'en anden' where nummer = 2", "drift.haendelse, number 2 (tilbagekaldt): it is not what was written"),
    ("update drift.haendelse set detalje = json_merge_patch(detalje, '{\"grund\": \"noget andet\"}') where nummer = 1", "drift.haendelse, number 1"),
    ("delete from drift.haendelse where nummer = 1", "drift.haendelse, number 1 (tilbagekaldt): it has been removed"),
    ("update drift.haendelse set nummer = 3 - nummer", "drift.haendelse, number 1"),
    ("insert into drift.haendelse select * from drift.haendelse where nummer = 1", "drift.haendelse, number 1: it stands there twice")])
def test_haendelser_i_databasen(world, text, told):
    sql(world.home.db, text)
    assert any(told in line for line in verify(world.home).wrong), verify(world.home).wrong


@pytest.mark.parametrize("text, told", [
    ("update raw.leverance set sha256 = 'x' where leverance_id = 3", "delivery 3 (SALDO_101_202603_20260405.csv): sha256 is not"),
    ("update raw.leverance set aarsag = 'intet' where leverance_id = 1", "delivery 1 (SALDO_101_202601_20260205.csv): aarsag is not"),
    ("delete from raw.leverance where leverance_id = 2", "delivery 2 (SALDO_101_202602_20260305.csv): it has been removed")])
def test_leverancejournalen_i_databasen(world, text, told):
    sql(world.home.cpr_db, text)
    assert any(told in line for line in verify(world.home).wrong), verify(world.home).wrong


def test_intet_udleveres(world):
    """The package step looks first of all; so does a release of what a rule holds."""
    path = journal.events_file(world.home)
    path.write_text("".join(changed(0, '"fil": "', '"fil": "x')(lines(path))), "utf-8")
    with pytest.raises(Altered, match="number 1 has been changed"):
        run_steps(world.home, ["package"])
    with pytest.raises(Altered):
        release(world.home, "0101", "oekonomi", "en god grund til det")
    done = CliRunner().invoke(app, ["package", "--home", str(world.home.root)])
    assert done.exit_code == 3 and "number 1 has been changed" in done.output


def test_der_skrives_ikke_videre_paa_en_afkortet_journal(world):
    path = journal.deliveries_file(world.home)
    path.write_text("".join(lines(path)[:-1]), "utf-8")
    world.put("saldo", "SALDO_101_202604_20260505.csv", saldo("a;b;1,00;"))
    with pytest.raises(journal.JournalDamaged, match="the last 1 entries have been removed"):
        world.load()


def test_uden_noeglen_kan_ingen_skrive_en_kaede(world):
    """Another key's chain, made whole and with its own last link, does not hold."""
    path = journal.events_file(world.home)
    before, out = sealing.beginning(path, 0), []
    for data in path.read_bytes().splitlines(keepends=True):
        line, _ = sealing.taken_apart(data)
        before = sealing.link(sealing.audit_key(b"en anden noegle" * 4), before, line.replace(b"tilbagekaldt", b"indsat      "))
        out.append(sealing.sealed(line.replace(b"tilbagekaldt", b"indsat      "), before))
    path.write_bytes(b"".join(out))
    sealing.note_head(world.home, path, len(out), before)
    assert "line 1: number 1 has been changed" in "\n".join(verify(world.home).wrong)


def test_fra_foer_der_var_en_kaede(tmp_path):
    """A journal of before: its lines stand as they did, and the first link is tied to them all."""
    world = World(tmp_path)
    world.put("saldo", FILES[0], saldo("a;b;1,00;"))
    world.load()
    path = journal.deliveries_file(world.home)
    keycheck.keys_file(world.home).unlink()         # nor was there any of the key
    path.write_text("".join(line[:line.rindex(', "kaede"')] + "}\n" for line in lines(path)), "utf-8")
    sealing.heads_file(world.home).unlink()
    assert verify(world.home).wrong == []
    world.put("saldo", FILES[1], saldo("a;b;1,00;"))
    world.load()
    assert verify(world.home).wrong == [] and '"kaede"' not in lines(path)[0] and '"kaede"' in lines(path)[1]
    path.write_text("".join(changed(0, '"raekker": 1', '"raekker": 2')(lines(path))), "utf-8")
    assert "line 2: number 2 has been changed, or is not where it was written" in "\n".join(verify(world.home).wrong)


def test_efter_en_gendannelse_holder_det(world):
    world.home.db.write_bytes(b"\xa5" * 10_000)
    restore(world.home, {"cpr", "flis"}, models=CONTRACTS)
    assert verify(world.home).wrong == []
    done = CliRunner().invoke(app, ["verify", "--home", str(world.home.root)])
    assert done.exit_code == 0 and "haendelser.jsonl: 3 entries, the last link " in done.output
    assert json.loads(sealing.heads_file(world.home).read_text("utf-8"))["haendelser.jsonl"]["kaede"] in done.output


def test_en_ny_noegle(world):
    new = "en ny og lige saa lang noegle " * 3
    reseal(world.home, KEY.encode(), new.strip().encode())
    assert verify(world.home).wrong
    world.home.key_file.write_text(new, "utf-8")
    assert verify(world.home).wrong == []
    world.put("saldo", "SALDO_101_202604_20260505.csv", saldo("a;b;1,00;"))
    with pytest.raises(ValidateError):
        release(world.home, "0101", "oekonomi", "en god grund til det")
    path = journal.events_file(world.home)
    path.write_text("".join(changed(0, '"fil": "', '"fil": "x')(lines(path))), "utf-8")
    with pytest.raises(Altered):
        reseal(world.home, new.strip().encode(), KEY.encode())
