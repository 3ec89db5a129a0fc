"""The contract's grammar: what a new engineer can say with it, what it refuses to take for agreed, and whose the rows of a file are."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
import yaml

from flis.contracts import grammar
from flis.contracts.contract import ContractError, read_contracts
from flis.core.home import REPO
from flis.intake.splitting import _macros
from test_load import CONTRACTS, World

FEMTE = CONTRACTS / "_femte__sources.yml"
NAME = "FEMTE_0461_202601_20260205.txt"
LINES = ['L;0461;52820;1.000,50;D;"Løn; januar"', "L;461;52820;200,25;K;Retur", "B;0461;52820;5,00;D"]


@pytest.fixture
def world(tmp_path) -> World:
    world = World(tmp_path)
    world.setup([f"{k},oekonomi,{system},maaned,2020-01-01,,true" for k in ("0157", "0461", "0183", "0187") for system in ("femte", "kmd_opus")]
                + [f"{k},voksne_handicap,eg_bosted,maaned,2020-01-01,,true" for k in ("0157", "0461", "0183", "0187")])
    return world


def femte(*lines: str, start: str | None = None, end: str | None = None, kommune: str = "0461", month: str = "2026-01", total: str = "1.005,50") -> bytes:
    """A file of the fifth system; start and end record are right unless others are given."""
    start = f"H;{kommune};{month};{len(lines)};{total}" if start is None else start
    return "".join(f"{line}\r\n" for line in (start, *lines, f"T;{len(lines)}" if end is None else end) if line).encode("latin-1")


# ------------------------------------------------------------------ the fifth finance system


def test_et_femte_oekonomisystem_uden_python(world) -> None:
    """Record types, a start record with count and sum, and D/K: rows, signs and totals come out right from the contract alone."""
    world.put("femte", NAME, femte(*LINES))
    world.load()
    row = world.ledger(NAME)
    assert (row["status"], row["aarsag_kode"], row["linjer"], row["raekker"], row["raekker_afvist"]) == ("aktiv", None, 5, 3, 0)
    assert row["kontrolsum"] == Decimal("1005.50")      # the debits of both kinds of line
    assert world.query("select kommune, konto, beloeb, side, tekst, _linje, _kommunekode from raw.femte__postering order by _linje") == [
        ("0461", "52820", "1.000,50", "D", "Løn; januar", 2, "0461"), ("461", "52820", "200,25", "K", "Retur", 3, "0461")]
    staging = _macros().med_side(_macros().som_beloeb("beloeb", "komma"), "side")      # as a staging model types it
    assert world.query(f"select {staging} from raw.femte__postering order by _linje") == [(Decimal("1000.50"),), (Decimal("-200.25"),)]
    assert world.query("select konto, beloeb, side, _linje from raw.femte__budget") == [("52820", "5,00", "D", 4)]
    assert world.query("select tabel, raekker, kontrolsum from raw.leverance_tabel order by tabel") == [("budget", 1, Decimal("5.00")), ("postering", 2, Decimal("1000.50"))]


def test_netto_med_debet_og_kredit(world, tmp_path) -> None:
    """Net: the credits are taken off."""
    (tmp_path / "k").mkdir()
    (tmp_path / "k" / FEMTE.name).write_text(FEMTE.read_text("utf-8").replace("fortegn: debet, ", ""), "utf-8")
    world.put("femte", NAME, femte(*LINES, total="805,25"))
    world.load(models=tmp_path / "k")
    assert (world.ledger(NAME)["status"], world.ledger(NAME)["kontrolsum"]) == ("aktiv", Decimal("805.25"))


@pytest.mark.parametrize("content, code, says", [
    (femte(*LINES, kommune="0157"), "startrecord_anden_kommune", "kommune 0157, men filnavnet siger 0461"),
    (femte(*LINES, month="2026-02"), "startrecord_anden_periode", "siger 02-2026, men filnavnet siger 01-2026"),
    (femte(*LINES, start="H;0461;2026-01;4;1.005,50"), "forkert_antal", "Startrecorden siger 4 records, men filen har 3"),
    (femte(*LINES, end="T;2"), "forkert_antal", "Slutrecorden siger 2"),
    (femte(*LINES, total="1.005,51"), "forkert_kontrolsum", "startrecorden oplyser"),
    (femte(*LINES, total="tusind"), "mangler_startrecord", "type H"),
    (femte(*LINES, month="2026-13"), "mangler_startrecord", "type H"),
    (femte(*LINES, kommune="Odense"), "mangler_startrecord", "type H"),
    (femte(*LINES, start="H;0461;2026-01;mange;1,00"), "mangler_startrecord", "type H"),
    (femte(*LINES, start=""), "mangler_startrecord", "type H"),
    (femte(*LINES, end=""), "mangler_slutrecord", "afbrudt"),
    (femte("L;0461;1;1,00;X;a", "L;0461;1;2,00;X;a", total="3,00"), "ingen_laeselige_beloeb", "Intet af de 2 beløb"),
])
def test_startrecorden_proeves(world, content: bytes, code: str, says: str) -> None:
    world.put("femte", NAME, content)
    world.load()
    row = world.ledger(NAME)
    assert (row["status"], row["aarsag_kode"]) == ("afvist", code) and says in row["aarsag"]
    assert world.query("select count(*) from raw.femte__postering") == [(0,)]


def test_linjer_der_ikke_kan_bruges(world) -> None:
    """Each kind of line has its own number of fields, and a kind that is not agreed is told; the sum then says what it could not be held against."""
    world.put("femte", NAME, femte(*LINES, "B;0461;1;2,00;D;for meget", "X;0461", "L;0461;1;2,00;Q;forkert side", "L;0461;1", total="1,00"))
    world.load()
    row = world.ledger(NAME)
    assert (row["status"], row["raekker"], row["raekker_afvist"], row["aarsag_kode"]) == ("aktiv", 4, 3, "linjer_sat_til_side kontrolsum_ikke_proevet")
    assert "3 linjer er sat til side, 0 er udeladt, og 1 beløb kan ikke læses (første linje: 7)" in row["aarsag"]
    assert world.query("select linje, aarsag_kode from raw.afvist_linje order by 1") == [(5, "felter_for_mange"), (6, "ukendt_recordtype"), (8, "felter_for_faa")]


def test_ulaeselige_beloeb_siges_ogsaa_uden_kontrolsum(world, tmp_path) -> None:
    (tmp_path / "k").mkdir()
    (tmp_path / "k" / FEMTE.name).write_text(FEMTE.read_text("utf-8").replace(", sum: 5", ""), "utf-8")
    world.put("femte", NAME, femte(*LINES, "L;0461;1;12.34;D;a"))
    world.load(models=tmp_path / "k")
    row = world.ledger(NAME)
    assert (row["status"], row["aarsag_kode"]) == ("aktiv", "beloeb_ulaeselige") and "1 beløb i beloeb" in row["aarsag"] and "linje 5" in row["aarsag"]


def test_startrecord_og_overskrift_i_samme_fil(world, tmp_path) -> None:
    """Without record types: the start record is the first line and the header the second."""
    (tmp_path / "k").mkdir()
    text = FEMTE.read_text("utf-8").replace("          recordtype: {felt: 1}\n", "").replace("{type: H,", "{kendes_paa: H,").replace("{type: T,", "{kendes_paa: T,")
    text = text.replace("        config: {meta: {recordtype: L}}\n", "").split("      - name: budget")[0]
    (tmp_path / "k" / FEMTE.name).write_text(text, "utf-8")
    content = femte("0461;1;7,00;D;æ", "0461;1;3,00;K;ø", total="7,00").replace(b"\r\n", b"\r\nKommune;Konto;Beloeb;Side;Tekst\r\n", 1)
    world.put("femte", NAME, content)
    world.put("femte", NAME.replace("202601", "202602"), content.replace(b"2026-01", b"2026-02").replace(b"Konto;", b""))
    world.load(models=tmp_path / "k")
    assert (world.ledger(NAME)["status"], world.ledger(NAME)["raekker"], world.ledger(NAME)["kontrolsum"]) == ("aktiv", 2, Decimal(7))
    assert world.ledger(NAME.replace("202601", "202602"))["aarsag_kode"] == "manglende_kolonne"
    assert world.query("select tekst, _linje from raw.femte__postering order by 2") == [("æ", 3), ("ø", 4)]


# ------------------------------------------------------------------ whose the rows are


def test_en_anden_kommunes_raekke_saettes_til_side(world) -> None:
    """Its line and reason are kept, its values nowhere; the account balances; a code that is no municipality's stays and is told."""
    lines = [*LINES, "L;0157;1;9,99;D;hemmelig", "L;9999;1;1,00;D;ingen kommune", "L;;1;1,00;D;blank"]
    world.put("femte", NAME, femte(*lines, total="1,00"))
    world.load()
    row = world.ledger(NAME)
    assert (row["status"], row["linjer"], row["raekker"], row["raekker_afvist"]) == ("aktiv", 8, 5, 1)
    assert row["aarsag_kode"] == "linjer_sat_til_side linjer_fra_anden_kommune kommune_ukendt kontrolsum_ikke_proevet"
    assert "kommune 0157s" in row["aarsag"] and "linje 5" in row["aarsag"]
    assert world.query("select linje, aarsag_kode, aarsag from raw.afvist_linje") == [
        (5, "anden_kommune", "Linjen er kommune 0157s, men filen er kommune 0461s. Den er ikke gemt. Fjern den anden kommunes rækker fra udtrækket, og send det igen.")]
    assert world.query("select count(*) from raw.femte__postering where kommune = '0157' or tekst = 'hemmelig'") == [(0,)]


@pytest.mark.parametrize("own, foreign, status", [(3, 3, "aktiv"), (3, 4, "afvist"), (0, 1, "afvist")])
def test_de_fleste_raekker_afgoer_filen(world, own: int, foreign: int, status: str) -> None:
    lines = ["L;0461;1;1,00;D;a"] * own + ["L;0157;1;1,00;D;a"] * foreign
    world.put("femte", NAME, femte(*lines, total=f"{len(lines)},00"))
    world.load()
    row = world.ledger(NAME)
    assert row["status"] == status
    if status == "afvist":
        assert row["aarsag_kode"] == "forkert_kommune" and f"{foreign} af de {own + foreign} linjer, der nævner en kommune" in row["aarsag"] and "kommune 0157s" in row["aarsag"]
        assert "0157" in (world.home.quarantine / "femte" / f"{NAME}.aarsag.txt").read_text("utf-8")


def opus(code: str, *amounts: str) -> bytes:
    """A ledger of KMD Opus whose rows are the municipality's with this code."""
    table = next(t for f in read_contracts().filetypes if f.kildesystem == "kmd_opus" for t in f.tables)
    values = {"zikom": code, "fiscyear0": "2026", "fiscper30": "1"}
    rows = [";".join({**values, "item_num0": str(n), "amount0": a}.get(c.name, "x") for c in table.columns) + ";" for n, a in enumerate(amounts)]
    return "\r\n".join([";".join(c.header.upper() for c in table.columns) + ";", *rows, f"TOTAL;{len(rows)};{len(rows)},00;", ""]).encode("latin-1")


def test_en_kommunes_regnskab_under_en_andens_navn(world) -> None:
    """The case itself: all rows name another municipality. It is refused, and what both had delivered stands as it did."""
    for code in ("157", "461"):
        world.put("kmd", f"ZD1SL_{code}_202601_20260205.csv", opus(code, *["1,00"] * int(code[0])))
    world.load(models=None)
    before = world.query("select _kommunekode, zikom, count(*) from raw.kmd_opus__zd1sl group by all order by all")
    assert before == [("0157", "157", 1), ("0461", "461", 4)]
    world.put("kmd", "ZD1SL_461_202601_20260206.csv", opus("157", *["1,00"] * 9))
    world.load(models=None)
    row = world.ledger("ZD1SL_461_202601_20260206.csv")
    assert (row["status"], row["aarsag_kode"]) == ("afvist", "forkert_kommune") and "9 af de 9 linjer" in row["aarsag"]
    assert world.query("select _kommunekode, zikom, count(*) from raw.kmd_opus__zd1sl group by all order by all") == before


def bosted(*handle: str) -> bytes:
    """Services in EG Bosted's fixed width, each with its handlekommune."""
    ft = next(f for f in read_contracts().filetypes if f.kildesystem == "eg_bosted")
    service = ft.tables[0]
    lines = []
    for number, code in enumerate(handle):
        line = list("10".ljust(82))
        for column, value in {"sag_id": f"{number:010d}", "cpr": "0101701234", "paragraf": "SEL85", "handlekommune": code}.items():
            at = service.column(column)
            line[at.pos - 1:at.pos - 1 + at.length] = value.ljust(at.length)
        lines.append("".join(line))
    return "".join(f"{line}\n" for line in (*lines, f"99{len(lines):08d}")).encode("latin-1")


@pytest.mark.parametrize("kommune, handle, status, rows", [
    ("0461", ["0461", "0461", "0157"], "aktiv", 3),         # the standard layer says what becomes of a row: anden_handlekommune
    ("0461", ["0157", "0157", "0461"], "afvist", 0),
    ("0183", ["0187", "0187", "0183"], "aktiv", 3),         # Ishøj acts for Vallensbæk
    ("0187", ["0183", "0183", "0187"], "afvist", 0),        # and not the other way
])
def test_handlekommunen_afgoer_kun_filen(world, kommune: str, handle: list[str], status: str, rows: int) -> None:
    name = f"VH_BOSTED_{kommune}_202601_20260205.txt"
    world.put("dst", name, bosted(*handle))
    world.load(models=None)
    row = world.ledger(name)
    assert (row["status"], row["aarsag_kode"]) == (status, "forkert_kommune" if status == "afvist" else None)
    assert world.query("select count(*) from raw.eg_bosted__ydelse") == [(rows,)]


def test_en_andens_skoler_under_eget_navn(world) -> None:
    """TEA: one file of everything. Where its schools are another's, so are its pupils; a private school has no owner and says nothing."""
    world.setup(["0461,skole,tea,maaned,2020-01-01,,true"])
    schools = {"egne": ["0461", "0461", "0157", ""], "andens": ["0157", "0157", "0461", ""], "private": ["", ""]}
    for number, owners in enumerate(schools.values(), start=1):
        posts = "".join(f'<institution nr="46100{n}" type="folkeskole"><owner>{owner}</owner></institution>' for n, owner in enumerate(owners))
        world.put("tabulex", f"TEA_0461_20260{number}_20260405.xml", f'<?xml version="1.0" encoding="iso-8859-1"?><tea>{posts}<pupil id="1"><cpr>0101101234</cpr></pupil></tea>')
    world.load(models=None)
    assert [(r["status"], r["aarsag_kode"]) for n in (1, 2, 3) for r in [world.ledger(f"TEA_0461_20260{n}_20260405.xml")]] == [("aktiv", None), ("afvist", "forkert_kommune"), ("aktiv", None)]
    assert world.query("select _periode::varchar, count(*) from raw.tea__elev group by all order by all") == [("2026-01-01", 1), ("2026-03-01", 1)]


@pytest.mark.parametrize("name, code", [("København", None), ("københavns kommune", None), ("Odense", "forkert_kommune"), ("Odense Kommune", "forkert_kommune"), ("Kbh.", "kommune_ukendt")])
def test_kommunen_ved_navn(world, name: str, code: str | None) -> None:
    """KØR writes the municipality's name."""
    world.setup(["0101,oekonomi,koer,maaned,2020-01-01,,true"])
    table = next(t for f in read_contracts().filetypes if f.kildesystem == "koer" for t in f.tables)
    row = "\t".join({"kommune": name, "beloeb": "1,00"}.get(c.name, "x") for c in table.columns)
    world.put("koebenhavn", "KOER_REGNSKAB_202601_20260205.tsv", "\n".join(["\t".join(c.header for c in table.columns), row, "I alt\t1\t1,00", ""]))
    world.load(models=None)
    assert world.ledger("KOER_REGNSKAB_202601_20260205.tsv")["aarsag_kode"] == code


def test_hver_tabel_siger_hvis_raekken_er() -> None:
    """Every table of every interface that is not national: the column that says whose the row is, or why none does."""
    silent = []
    for path in sorted((REPO / "models" / "staging").glob("*/*/_*__sources.yml")):
        for source in yaml.safe_load(path.read_text("utf-8"))["sources"]:
            meta = source["config"]["meta"]
            for table in source["tables"]:
                own = {**meta, **table.get("config", {}).get("meta", {})}
                if own.get("kommunekode") != "national" and "raekkens_kommune" not in own:
                    silent.append(f"{source['name']}.{table['name']}")
    assert not silent


# ------------------------------------------------------------------ the grammar


@pytest.mark.parametrize("old, new, says", [
    ("afsender: femte", "afsneder: femte", "femte: afsneder is not a key of the contract's grammar (nearest: afsender)"),
    ("afsender: femte", "afsneder: femte", "femte: afsender is missing"),
    ("frist_dage: 10", "frist_dag: 10", "frist_dag is not a key of the contract's grammar (nearest: frist_dage)"),
    ("adskiller: \";\"", "adskileer: \";\"", "format.adskileer is not a key of the contract's grammar (nearest: adskiller)"),
    ("adskiller: \";\"", "adskileer: \";\"", "format.adskiller is missing"),
    ("adskiller: \";\"", "adskiller: \";\"\n          post: row", "format.post does not go with format.type delimited: it is a key of xml"),
    ("type: delimited", "type: delimitet", "format.type must be delimited, fixed, jsonl, xml (nearest to 'delimitet': delimited)"),
    ("tegnsaet: iso-8859-1", "tegnsaet: latin-1", "format.tegnsaet must be utf-8, utf-8-sig, iso-8859-1 or windows-1252, not 'latin-1'"),
    ("{type: H, kommunekode: 2,", "{type: H, komunekode: 2,", "format.startrecord.komunekode is not a key of the contract's grammar (nearest: kommunekode)"),
    ("{type: H, kommunekode: 2,", "{type: H, kommunekode: {pos: 2, len: 3},", "format.startrecord.kommunekode.pos is not a key"),
    ("{type: H, kommunekode: 2,", "{kendes_paa: H, kommunekode: 2,", "startrecord: type goes with recordtype"),
    ("form: yyyy-mm", "form: mm-yyyy", "format.startrecord.periode.form must be yyyymm, yyyy-mm or yyyy, not 'mm-yyyy'"),
    ("recordtype: {felt: 1}", "recordtype: {felt: 0}", "format.recordtype.felt"),
    ("recordtype: {felt: 1}", "recordtype: {felt: 1}\n          header: true", "header: true does not go with recordtype"),
    ("{meta: {recordtype: L}}", "{meta: {recordtype: H}}", "a recordtype of its own"),
    ("        config: {meta: {recordtype: L}}\n", "", "recordtype is missing on postering"),
    ("{meta: {recordtype: L}}", "{meta: {recordtype: L, frist_dage: 3}}", "femte.postering: frist_dage stands on the source, not on a table"),
    ("{meta: {recordtype: L}}", "{meta: {recordtype: L}, fil: x}", "femte.postering: fil stands outside config.meta"),
    ("{name: tekst}", "{name: tekst, config: {meta: {persornummer: true}}}", "tekst: persornummer is not a key of the contract's grammar (nearest: personnummer)"),
    ("{name: tekst}", "{name: tekst, config: {meta: {pos: 3}}}", "tekst: pos does not go with format.type delimited: it is a key of fixed"),
    ("talformat: komma", "talformat: kroner", "kontroltal.talformat must be komma, punktum, efterstillet_minus, komma_tre, punktum_tre, efterstillet_minus_tre, oere or tusinde, not 'kroner'"),
    ("{kolonne: side, debet", "{kolonne: sida, debet", "kontroltal.debet_kredit.kolonne 'sida' is not a column of postering (nearest: side)"),
    ("raekkens_kommune: {kolonne: kommune, form: kode}", "raekkens_kommune: {kolonne: komune, form: kode}", "raekkens_kommune.kolonne 'komune' is not a column of postering (nearest: kommune)"),
    ("        raekkens_kommune: {kolonne: kommune, form: kode}\n", "", "raekkens_kommune is missing on postering, which has the column kommune"),
    ("{kolonne: kommune, form: kode}", "{kolonne: kommune}", "raekkens_kommune: needs kolonne and form (kode, navn), or ingen"),
    ("{kolonne: kommune, form: kode}", "{ingen: derfor}", "raekkens_kommune.ingen: String should have at least 10 characters"),
    ("type: delimited", "type: jsonl", "recordtype does not go with format.type jsonl: it is a key of delimited, fixed"),
    ("_{periode:yyyymm}_", "_", "format.startrecord.periode needs a {periode:…} in the file name"),
    ("afsender: femte", "afsender: femte\n        afsender: sjette", "afsender stands twice"),
    ("adskiller: \";\"", "adskiller: \";\"\n          adskiller: \",\"", "adskiller stands twice"),
    ("{name: tekst}", "{name: tekst, meta: {personnummer: true}}", "femte.postering.tekst: meta stands outside config, where it is not read"),
    ("version: 2\n", "version: 2\nsource: []\n", "the file: unknown key source; did you mean sources?"),
    ("    description: Et", "    databasse: cpr\n    description: Et", "femte: unknown key databasse; did you mean database?"),
    ("        kontroltal: {kolonne: beloeb, talformat: komma, fortegn: debet, debet_kredit: {kolonne: side, debet: D, kredit: K}}\n", "", "startrecord.sum has nothing to be held against"),
    ("debet: D, kredit: K", "debet: D, kredit: D", "debet and kredit have the same mark (D)"),
    ("citation: '\"'", "citation: ';'", "citation and adskiller are the same"),
    ("antal: 4, sum: 5", "antal: 4, sum: 4", "startrecord: two keys stand in the same place"),
    ("antal: 4, sum: 5", "antal: 1, sum: 5", "startrecord: two keys stand in the same place"),
    ("{meta: {recordtype: B}}", "{meta: {recordtype: B, kommunekolonne: findes_ikke}}", "femte.budget: kommunekolonne findes_ikke is no column of it"),
    ("identifier: femte__budget", "identifier: femte__postering", "two tables have the identifier femte__postering"),
    ("frist_dage: 10", "frist_dage: 10\n        kommunekode: '0461'", "kommunekode is fixed, and stands in the file name too"),
    ("fagomraade: oekonomi", "fagomraade: okonomi", "fagomraade okonomi is none of borger"),
    ("udtraekstype: periode", "udtraekstype: delta", "udtraekstype delta needs a loebenr"),
])
def test_ukendte_og_umulige_ord_siges_ved_navn(tmp_path, old: str, new: str, says: str) -> None:
    """Each fault names file, system and key, and the known key nearest to it, when contracts are read."""
    text = FEMTE.read_text("utf-8")
    assert old in text
    (tmp_path / "_x__sources.yml").write_text(text.replace(old, new), "utf-8")
    with pytest.raises(ContractError) as fault:
        read_contracts(tmp_path)
    assert [line for line in str(fault.value).splitlines() if "_x__sources.yml: " in line and says in line], str(fault.value)


def words() -> dict[str, set[str]]:
    """Every word of the grammar, dotted, with the formats it goes with; not those that say where in a line something stands."""
    def of(model: type[grammar.Words], at: str) -> set[str]:
        found = set()
        for name in model.model_fields:
            found.add(at + name)
            inner = grammar._inner(model, name)
            found |= of(inner, f"{at}{name}.") if inner and not issubclass(inner, (grammar.Field_, grammar.Cut)) else set()
        return found

    found: dict[str, set[str]] = {}
    for kind, model in grammar.FORMATS.items():
        for word in of(model, "format."):
            found.setdefault(word, set()).add(kind)
    for word in of(grammar.SourceMeta, ""):
        found[word] = set(grammar.OF_TABLE.get(word, grammar.FORMATS))
    for word in grammar.ColumnMeta.model_fields:
        found[f"kolonne.{word}"] = set(grammar.OF_COLUMN.get(word, grammar.FORMATS))
    return found


def test_siden_har_hvert_ord_og_hvor_det_hoerer_til() -> None:
    """docs/arkitektur.md: a row for each word of the grammar, with a mark for each format it goes with, and no others."""
    page = (REPO / "docs" / "arkitektur.md").read_text("utf-8")
    table = page.split("### Which key goes with which format")[1].split("\n\n##")[0]
    said: dict[str, set[str]] = {}
    for line in re.findall(r"^\| (`.*)$", table, re.MULTILINE):
        keys, *marks = [cell.strip() for cell in line.strip("|").split("|")]
        for key in re.findall(r"`([^`]+)`", keys):
            said[key] = {kind for kind, mark in zip(grammar.FORMATS, marks, strict=True) if mark == "x"}
    assert said == words()
