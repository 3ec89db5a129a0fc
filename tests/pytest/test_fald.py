"""An error page is not a delivery: what would empty or halve what is in force is refused, or waits for a person, and the old delivery stands meanwhile."""

from __future__ import annotations

import gzip
import os
import re
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from conftest import copy_of
from flis.cli import app
from flis.contracts.contract import read_contracts
from flis.core.database import connect
from flis.intake.drops import Limit, read_limits
from flis.intake.inspection import plain_name
from flis.intake.load import load
from flis.operate import status
from flis.operate.accept import AcceptError, answer
from flis.trail import journal
from test_load import CITAT, CONTRACTS, GOOD, PERSONS, World, register, saldo

ERRORS = {"fejlside": b"<fejl>Databasen er ikke tilgaengelig</fejl>", "linjeskift": b"\n", "krøllet": b"{}", "fejlside i json": b'{"error": "timeout", "status": 503}\n'}


@pytest.fixture
def world(tmp_path) -> World:
    return World(tmp_path)


def citat(rows: int) -> bytes:
    return (CITAT + "".join(f"{n};;x\n" for n in range(rows))).encode("utf-8-sig")


def jlinjer(rows: int) -> bytes:
    return "".join(f'{{"nr": {n}}}\n' for n in range(rows)).encode()


def xposter(rows: int) -> bytes:
    return ("<L>" + "".join(f'<Indsats Id="{n}"/>' for n in range(rows)) + "</L>").encode()


def xflere(units: int, people: int) -> bytes:
    return ("<L>" + "".join(f'<enhed id="{n}"/>' for n in range(units)) + "".join(f'<ansat id="{n}"/>' for n in range(people)) + "</L>").encode()


FORMS = {      # a good file, and the name a newer one has
    "saldo": ("saldo", "SALDO_101_202601_20260205.csv", saldo(*[GOOD] * 156), "SALDO_101_202601_20260206.csv"),
    "citat": ("citat", "CITAT_0101_20260205.csv", citat(156), "CITAT_0101_20260206.csv"),
    "register": ("register", "R260101.TXT", register("F", 100, 0, *[f"001{PERSONS[0]}{n:06}" for n in range(156)]), "R260102.TXT"),
    "jlinjer": ("jlinjer", "J_0101_202602051200.jsonl", jlinjer(156), "J_0101_202602061200.jsonl"),
    "xposter": ("xposter", "X_0101_20260205.xml", xposter(156), "X_0101_20260206.xml"),
    "xflere": ("xflere", "XF_0101_20260205.xml", xflere(56, 100), "XF_0101_20260206.xml"),
}


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("form", FORMS)
def test_en_fejlside_erstatter_intet(world, form, error):
    sender, first, content, newer = FORMS[form]
    world.put(sender, first, content)
    assert world.load().rows_loaded == 156
    world.put(sender, newer, ERRORS[error])
    result = world.load()
    assert (result.loaded, result.rejected, world.ledger(first)["status"]) == (0, 1, "aktiv"), world.ledger(newer)
    assert (world.home.quarantine / sender / f"{newer}.aarsag.txt").exists()


EMPTY = {      # the form's own way of saying that there are none
    "saldo": saldo(total="0,00"), "citat": citat(0), "register": register("F", 200, 0), "xposter": b"<L/>", "xflere": b"<L></L>",
}


@pytest.mark.parametrize("form", EMPTY)
def test_tom_paa_den_aftalte_maade_venter_paa_en_person(world, form):
    """It says itself that there are none; where there were 156, a person is asked, and the old one is in force until then."""
    sender, first, content, newer = FORMS[form]
    world.put(sender, first, content)
    world.load()
    world.put(sender, newer, EMPTY[form])
    for _ in range(2):
        result = world.load()
        assert (result.loaded, result.waiting, world.ledger(first)["status"], world.ledger(newer)["aarsag_kode"]) == (0, 1, "aktiv", "usaedvanligt_fald")
    assert world.query("select leverance_id from raw.leverance where status = 'venter'") == [(2,)]        # the number that status showed is still its number
    answer(world.home, world.ledger(newer)["leverance_id"], "Systemet er lukket")
    assert world.load().loaded == 1
    assert (world.ledger(first)["status"], world.ledger(newer)["status"], world.ledger(newer)["raekker"]) == ("erstattet", "aktiv", 0)
    assert "fald_godkendt" in world.ledger(newer)["aarsag_kode"] and "Systemet er lukket" in world.ledger(newer)["aarsag"]


@pytest.mark.parametrize("form", EMPTY)
def test_tom_hvor_der_intet_var_er_ingen_fejl(world, form):
    """As Vallensbæk's report of services: rightly empty, month after month."""
    sender, first, _, newer = FORMS[form]
    world.put(sender, first, register("F", 100, 0) if form == "register" else EMPTY[form])
    world.put(sender, newer + ".gz", gzip.compress(EMPTY[form]))      # other bytes: else it is the same file again
    assert (world.load().loaded, world.ledger(newer + ".gz")["status"]) == (2, "aktiv")


def test_den_sidste_ydelse_i_en_lille_kommune_maa_ophoere(world):
    world.put("citat", "CITAT_0101_20260205.csv", citat(3))
    world.put("citat", "CITAT_0101_20260206.csv", citat(0))
    assert world.load().loaded == 2


@pytest.mark.parametrize("before, after, waits", [(156, 119, False), (156, 118, True), (10_000, 8_000, False), (10_000, 7_999, True), (9, 1, False), (9, 0, True)])
def test_et_fald_ud_over_stoerrelsen_venter(world, before, after, waits):
    world.put("citat", "CITAT_0101_20260205.csv", citat(before))
    world.put("citat", "CITAT_0101_20260206.csv", citat(after))
    result = world.load()
    assert (result.loaded, result.waiting) == ((1, 1) if waits else (2, 0))


def test_kommunens_egne_maaneder_forklarer(world):
    """A correction of one month to what the municipality has had in another is no surprise; below that it is."""
    world.put("saldo", "SALDO_101_202601_20260205.csv", saldo(*[GOOD] * 60))
    world.put("saldo", "SALDO_101_202602_20260305.csv", saldo(*[GOOD] * 200))
    world.put("saldo", "SALDO_101_202602_20260306.csv", saldo(*[GOOD] * 60))
    world.put("saldo", "SALDO_461_202602_20260305.csv", saldo(*[GOOD] * 200))
    world.put("saldo", "SALDO_461_202602_20260306.csv", saldo(*[GOOD] * 60))
    world.load()
    assert (world.ledger("SALDO_101_202602_20260306.csv")["status"], world.ledger("SALDO_461_202602_20260306.csv")["status"]) == ("aktiv", "venter")


def test_den_ene_tabel_af_to(world):
    """Half of a file of two tables is gone; the rows in all are as many as before."""
    world.put("xflere", "XF_0101_20260205.xml", xflere(100, 100))
    world.put("xflere", "XF_0101_20260206.xml", xflere(0, 250))
    world.load()
    row = world.ledger("XF_0101_20260206.xml")
    assert row["status"] == "venter" and "0 rækker i enhed" in row["aarsag"]


def test_et_nyt_fuldt_udtraek_holdes_mod_det_forrige_fulde(world):
    """Not against the changes since, which are many or few as they come."""
    lines = [f"001{PERSONS[0]}{n:06}" for n in range(100)]
    world.put("register", "R260101.TXT", register("F", 100, 0, *lines))
    world.put("register", "R260102.TXT", register("D", 101, 100, *lines * 5))
    world.put("register", "R260103.TXT", register("F", 200, 0, *lines))
    assert world.load().loaded == 3
    world.put("register", "R260104.TXT", register("F", 300, 0, *lines[:50]))
    assert world.load().waiting == 1


def test_status_viser_den_og_een_kommando_svarer(world, monkeypatch):
    world.put("citat", "CITAT_0101_20260205.csv", citat(156))
    world.load()
    world.put("citat", "CITAT_0101_20260206.csv", citat(10))
    world.load()
    status.write_step(world.home, "load")
    status.write_deliveries(world.home)
    run = CliRunner()
    shown = run.invoke(app, ["status", "--home", str(world.home.root)]).output
    number = world.ledger("CITAT_0101_20260206.csv")["leverance_id"]
    assert f"flis accept {number} " in shown and "har 156" in shown and "har 10 rækker i sag" in shown
    done = run.invoke(app, ["accept", str(number), "--grund", "Oprydning aftalt med kommunen 0101701234", "--home", str(world.home.root)])
    assert done.exit_code == 0, done.output
    assert run.invoke(app, ["accept", "1", "--grund", "x", "--home", str(world.home.root)]).exit_code == 2
    events = [line for line in journal.read(journal.events_file(world.home)) if line["haendelse"] == "fald_besvaret"]
    assert [(e["kommunekode"], e["detalje"]["svar"], e["detalje"]["grund"]) for e in events] == [("0101", "godkendt", "Oprydning aftalt med kommunen [ti cifre]")]
    assert world.load().loaded == 1


def test_svaret_gaelder_den_fil_der_blev_set_paa(world):
    world.put("citat", "CITAT_0101_20260205.csv", citat(156))
    world.load()
    world.put("citat", "CITAT_0101_20260206.csv", citat(10))
    world.load()
    answer(world.home, world.ledger("CITAT_0101_20260206.csv")["leverance_id"], "Oprydning")
    world.put("citat", "CITAT_0101_20260206.csv", citat(9), mtime=1_790_000_100)        # sent again meanwhile
    assert world.load().waiting == 1


def test_afvist_af_en_person(world):
    world.put("citat", "CITAT_0101_20260205.csv", citat(156))
    world.load()
    world.put("citat", "CITAT_0101_20260206.csv", citat(10))
    world.load()
    number = world.ledger("CITAT_0101_20260206.csv")["leverance_id"]
    with pytest.raises(AcceptError, match="grund"):
        answer(world.home, number, " ")
    with pytest.raises(AcceptError, match="venter ikke"):
        answer(world.home, 1, "x")
    answer(world.home, number, "Halvt udtræk", accepted=False)
    assert world.load().rejected == 1
    assert "Halvt udtræk" in (world.home.quarantine / "citat" / "CITAT_0101_20260206.csv.aarsag.txt").read_text("utf-8")
    assert world.ledger("CITAT_0101_20260205.csv")["status"] == "aktiv"


def test_et_nyere_rigtigt_udtraek_loeser_det(world):
    world.put("citat", "CITAT_0101_20260205.csv", citat(156))
    world.put("citat", "CITAT_0101_20260206.csv", citat(10))
    world.put("citat", "CITAT_0101_20260207.csv", citat(157))
    result = world.load()
    assert (result.loaded, result.waiting, result.replaced, result.rejected) == (2, 0, 1, 1)       # older than the one in force by now
    assert world.ledger("CITAT_0101_20260206.csv")["aarsag_kode"] == "aeldre_end_aktiv"


def test_den_der_er_overhalet_skal_ingen_svare_paa(world):
    world.put("citat", "CITAT_0101_20260205.csv", citat(156))
    world.load()
    world.put("citat", "CITAT_0101_20260206.csv", citat(10))
    world.load()
    number = world.ledger("CITAT_0101_20260206.csv")["leverance_id"]
    # the newer one in a load of its own that leaves the one that waits alone
    waiting = world.home.inbox / "citat" / "CITAT_0101_20260206.csv"
    aside = world.home.root / "til_side.csv"
    waiting.rename(aside)
    world.put("citat", "CITAT_0101_20260207.csv", citat(157))
    world.load()
    aside.rename(waiting)
    with connect(world.home) as con:
        assert status._to_be_accepted(con) == []
    with pytest.raises(AcceptError, match="skal ikke godkendes"):
        answer(world.home, number, "Oprydning")
    assert world.load().rejected == 1


def test_graenserne_er_data():
    limits = read_limits()
    assert set(limits) == {"fuld", "periode", "delta"}
    assert Limit(0.2, 3, 5, 0).floor(156, None) == 119 and Limit(0.2, 3, 5, 0).floor(156, 40) == 40 and Limit(0.5, 0, 5, 0).floor(156, None) == 78


def _newer(name: str, match) -> str | None:
    """The name of the next day's extract."""
    if match.udtrukket is None:
        return name
    for form in ("%Y%m%d", "%y%m%d"):
        day, following = (f"{moment:{form}}" for moment in (match.udtrukket, match.udtrukket + timedelta(days=1)))
        if day in name:
            return re.sub(f"{day}(?!.*{day})", following, name)
    return None


def test_hver_rigtig_snitflade(leveret_demo, tmp_path: Path):
    """Of each kind of file in the contracts, one delivery in force, and each of the errors under a newer name: not a row is lost."""
    home = copy_of(leveret_demo, tmp_path / "h")
    assert load(home).waiting == 0         # nothing that the demo's municipalities do with their months is out of the ordinary
    world = World.__new__(World)
    world.home = home
    contracts = read_contracts()
    seen, put = set(), []
    for fil, afsender, kildesystem, filtype in world.query("select fil, afsender, kildesystem, filtype from raw.leverance where status = 'aktiv' and raekker > 0 order by udtrukket desc, leverance_id"):
        if (kildesystem, filtype) in seen:
            continue
        seen.add((kildesystem, filtype))
        plain = plain_name(fil)
        put.append((afsender, _newer(plain, contracts.match(afsender, plain))))
    assert len(seen) >= 30 and all(name for _, name in put)
    tables = [t for (t,) in world.query("select table_name from duckdb_tables() where schema_name = 'raw' and table_name like '%\\_\\_%' escape '\\'")]
    before = {t: world.query(f"select count(*) from raw.{t}") for t in tables}
    for mtime, content in enumerate(ERRORS.values(), start=1_795_000_000):
        for sender, name in put:
            path = home.inbox / sender / name
            path.write_bytes(content)
            os.utime(path, (mtime, mtime))
        result = load(home)
        assert (result.loaded, result.rejected) == (0, len(put)), (content, world.query("select fil, status, aarsag_kode from raw.leverance where status <> 'afvist' order by leverance_id desc limit 5"))
    assert {t: world.query(f"select count(*) from raw.{t}") for t in tables} == before


def test_hver_xml_og_json_siger_hvad_den_er():
    """A root that is no row, and keys that are columns: what a contract says of them is something a file can have."""
    for models in (None, CONTRACTS):
        for ft in read_contracts(models).filetypes:
            if ft.kind == "xml":
                assert ft.format["rod"].casefold() not in {str(t.recordtype).casefold() for t in ft.tables}, ft.origin
            if ft.kind == "jsonl":
                paths = {(c.path or c.header).split(".")[0] for c in ft.tables[0].columns} | set(ft.tables[0].not_taken)
                assert set(ft.format["noegler"]) <= paths, ft.origin
