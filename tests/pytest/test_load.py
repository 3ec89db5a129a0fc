"""The load step: the table of cases in docs/modtagelse.md, the ledger's rules, and that no line is lost."""

from __future__ import annotations

import csv
import gzip
import io
import os
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flis.contracts.contract import ContractError, read_contracts
from flis.contracts.installation import Setup, SetupError
from flis.core.home import REPO, Home
from flis.core.keys import KeyMissing, create_key, hmac_sql, pseudonym, recipient_key, set_session_key
from flis.core.reasons import catalogue
from flis.intake import load as load_module
from flis.intake.inspection import Limits, Refused, Spools, _join_many, _join_one_by_one, _NotPlain, inspect, join_records
from flis.intake.load import LoadError, LoadResult, _is_of, load
from flis.intake.splitting import Part, into_raw
from flis.trail import journal, keycheck

CONTRACTS = Path(__file__).parent / "kontrakter"
KEY = "3f9c1b7ae04d5286f1c8a93b6d70e25419ab4c8f027d6e53b1f84a0c97d2653e"
SETUP = Setup({"kommune_opsaetning": []}, frozenset({"0101", "0461"}))
LIMITS = Limits(unpacked=20_000_000, ratio=50, ratio_from=1_000_000, line=524_288, received=30_000_000)
SYSTEMS = {"saldo": "oekonomi", "citat": "borger", "register": "borger", "skifter": "oekonomi", "jlinjer": "borger", "xposter": "borger", "xflere": "borger"}


class World:
    """A home with the test contracts, and short ways to deliver to it and look into it."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root).prepare()
        create_key(self.home, KEY)
        self.setup([*(f"0{k},{area},{system},maaned,2020-01-01,,true" for k in (101, 461) for system, area in SYSTEMS.items()),
                    *(f"0825,{area},{system},maaned,2020-01-01,,false" for system, area in SYSTEMS.items())])

    def setup(self, rows: list[str], local: list[str] | None = None) -> None:
        header = "kommunekode,fagomraade,kildesystem,kadence,gyldig_fra,gyldig_til,instrueret"
        (self.home.setup / "kommune_opsaetning.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        if local:
            (self.home.setup / "lokale_felter.csv").write_text("\n".join(["kommunekode,kildesystem,tabel,felt,beskrivelse", *local]) + "\n", encoding="utf-8")

    def put(self, sender: str, name: str, content: bytes | str, mtime: int = 1_790_000_000) -> Path:
        path = self.home.inbox / sender / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        os.utime(path, (mtime, mtime))
        return path

    def load(self, **options: Any) -> LoadResult:
        return load(self.home, **{"models": CONTRACTS, "limits": LIMITS, **options})

    def query(self, sql: str) -> list[tuple]:
        with duckdb.connect(str(self.home.cpr_db), read_only=True) as con:
            return con.execute(sql).fetchall()

    def ledger(self, fil: str) -> dict[str, Any]:
        columns = ("status", "aarsag_kode", "aarsag", "linjer", "raekker", "raekker_afvist", "raekker_uden_instruks", "kontrolsum", "leverance_id", "erstattet_af", "version")
        rows = self.query(f"select {', '.join(columns)} from raw.leverance where fil = '{fil}' order by leverance_id")
        return dict(zip(columns, rows[-1], strict=True))

    def statuses(self) -> dict[str, str]:
        return dict(self.query("select fil, status from raw.leverance order by leverance_id"))

    def inbox(self) -> list[str]:
        return sorted(f.name for f in self.home.inbox.rglob("*") if f.is_file() or f.is_symlink())


@pytest.fixture
def world(tmp_path) -> World:
    return World(tmp_path)


# ------------------------------------------------------------------ material


def saldo(*rows: str, header: str = "FIL;TEKST;BELOEB;", end: str | None = None, total: str = "", newline: str = "\n") -> bytes:
    """A file of the interface `saldo`; the end record is right unless another is given."""
    total = total or f"{len(rows)},00"
    lines = [header, *rows, f"TOTAL;{len(rows)};{total};" if end is None else end]
    return "".join(line + newline for line in lines if line).encode("latin-1")


GOOD = "a;bæ;1,00;"
CITAT = 'SagId;Borger Nr;Års tekst\n'
PERSONS = ["0101701234", "0202701235", "0303701236", "0404701237"]


def register(kind: str, number: int, previous: int, *records: str, count: int | None = None) -> bytes:
    lines = [f"000{kind}{number:06d}{previous:06d}", *records, f"999{len(records) if count is None else count:08d}"]
    return "".join(line + "\n" for line in lines).encode("latin-1")


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as package:
        for name, content in members:
            package.writestr(name, content)
    return out.getvalue()


# ------------------------------------------------------------------ the table of cases


@dataclass(frozen=True)
class Case:
    """One received file and what becomes of it. `technical` is its lines that are no data."""

    sender: str
    content: bytes
    status: str
    code: str | None
    rows: int = 0
    set_aside: int = 0
    technical: int = 0
    lines: int | None = None
    says: str = ""
    name: str = ""


def C(content: str) -> bytes:
    return content.encode("utf-8-sig")


CASES = {
    "god fil": Case("saldo", saldo(GOOD, GOOD), "aktiv", None, rows=2, technical=2),
    "crlf": Case("saldo", saldo(GOOD, newline="\r\n"), "aktiv", None, rows=1, technical=2),
    "uden sidste linjeskift": Case("saldo", saldo(GOOD)[:-1], "aktiv", None, rows=1, technical=2),
    "ulaeseligt tegnsaet utf8": Case("citat", CITAT.encode() + b"1;0101701234;\xe6\xf8\n", "afvist", "tegnsaet", says="Linje 2"),
    "ulaeseligt tegnsaet latin1": Case("saldo", saldo(GOOD, GOOD).replace(b"\xe6", b"\x96"), "afvist", "tegnsaet", says="iso-8859-1"),
    "afkortet utf8-tegn": Case("citat", CITAT.encode() + "1;0101701234;slut på".encode()[:-1], "afvist", "tegnsaet", says="Linje 2"),
    "utf8 i en latin1-fil": Case("saldo", saldo(GOOD).replace(b"\xe6", "ø".encode()), "aktiv", "formentlig_utf8", rows=1, technical=2, says="UTF-8"),
    "uventet bom": Case("skifter", "a|b\n1|2\n".encode("utf-8-sig"), "aktiv", "uventet_bom", rows=1, technical=1, name="SKIFTER_0101_202601.txt"),
    "forkert header": Case("saldo", saldo(GOOD, header="x;y;z;"), "afvist", "mangler_header", says="fil;tekst;beloeb"),
    "ingen header": Case("saldo", saldo(GOOD, header=""), "afvist", "mangler_header"),
    "ombyttet header": Case("saldo", saldo(GOOD, header="TEKST;FIL;BELOEB;"), "afvist", "omrokeret_header", says="nr. 1"),
    "ekstra kolonne": Case("saldo", saldo("a;b;1,00;x;", header="FIL;TEKST;BELOEB;EKSTRA;"), "afvist", "ekstra_kolonne", says="nr. 4"),
    "kolonne to gange": Case("saldo", saldo("a;b;1,00;x;", header="FIL;TEKST;BELOEB;TEKST;"), "afvist", "ekstra_kolonne", says="nr. 4"),
    "linjeskiftet efter headeren er tabt": Case("saldo", saldo(GOOD, "Jens Jensen;0101701234;1,00;").replace(b"\n", b"", 1), "afvist", "ekstra_kolonne", says="antal: 3"),
    "halv million kolonner": Case("saldo", saldo(GOOD, header="FIL;TEKST;BELOEB;" + "x;" * 200_000), "afvist", "ekstra_kolonne", says="nr. 4"),
    "header med kaempefelt i citat": Case("citat", C('"' + "x" * 200_000 + '";b;c\n1;2;3\n'), "afvist", "mangler_header"),
    "kun header og tomme linjer": Case("saldo", saldo(end="") + b"\n" * 70_000, "afvist", "mangler_slutrecord"),
    "slutrecord med et tal for meget": Case("saldo", saldo(GOOD, end="TOTAL;0101701234;1,00;"), "afvist", "ulaeselig_slutrecord"),
    "manglende kolonne": Case("saldo", saldo("a;1,00;", header="FIL;BELOEB;"), "afvist", "manglende_kolonne", says="tekst"),
    "afbrudt fil": Case("saldo", saldo(GOOD, GOOD, end=""), "afvist", "mangler_slutrecord", says="afbrudt"),
    "forkert antal": Case("saldo", saldo(GOOD, GOOD, end="TOTAL;3;2,00;"), "afvist", "forkert_antal", says="siger 3 records, men filen har 2"),
    "forkert kontrolsum": Case("saldo", saldo(GOOD, "a;b;2,50-;", total="3,50"), "afvist", "forkert_kontrolsum", says="beloeb"),
    "rigtig kontrolsum med minus": Case("saldo", saldo(GOOD, "a;b;1.002,50-;", total="1.001,50-"), "aktiv", None, rows=2, technical=2),
    "ulaeselig slutrecord": Case("saldo", saldo(GOOD, end="TOTAL;mange;1,00;"), "afvist", "ulaeselig_slutrecord", says="linje 3"),
    "slutrecord uden antal": Case("saldo", saldo(end="TOTAL; ;0,00;"), "afvist", "ulaeselig_slutrecord"),
    "ulaeselig sum": Case("saldo", saldo(GOOD, end="TOTAL;1;abc;"), "afvist", "ulaeselig_slutrecord"),
    "tom fil": Case("saldo", b"", "afvist", "tom_fil", says="0 byte"),
    "kun header": Case("citat", C(CITAT), "aktiv", "ingen_raekker", technical=1, says="ingen data"),
    "kun header og slutrecord": Case("saldo", saldo(total="0,00"), "aktiv", "ingen_raekker", technical=2),
    "fremmed kommune": Case("saldo", saldo(GOOD), "afvist", "ikke_aftalt", name="SALDO_999_202601_20260205.csv", says="kommune 0999"),
    "kommune foer aftalen": Case("saldo", saldo(GOOD), "afvist", "ikke_aftalt", name="SALDO_101_201901_20190205.csv", says="01-01-2019"),
    "uden instruks": Case("saldo", saldo(GOOD, GOOD, GOOD), "ikke_instrueret", "ikke_instrueret", name="SALDO_825_202601_20260205.csv", says="0825"),
    "ukendt filnavn": Case("saldo", saldo(GOOD), "afvist", "ukendt_filnavn", name="noget_andet.csv"),
    "dato der ikke findes": Case("saldo", saldo(GOOD), "afvist", "ukendt_filnavn", name="SALDO_101_202613_20260205.csv"),
    "ukendt afsender": Case("fremmed", saldo(GOOD), "afvist", "ukendt_filnavn", name="SALDO_101_202601_20260205.csv", says="fremmed"),
    "NUL": Case("saldo", saldo(GOOD, "a;b\0;1,00;"), "afvist", "nul_tegn", says="Linje 3"),
    "styretegn": Case("saldo", saldo("a;\x1f;1,00;"), "afvist", "styretegn", says="tegn nr. 31"),
    "kaempelinje": Case("saldo", saldo(GOOD, "x" * 600_000), "afvist", "lang_linje", says="Linje 3"),
    "blandede linjeskift": Case("saldo", saldo(GOOD, GOOD).replace(b"\n", b"\r\n", 1) + b"", "aktiv", "blandede_linjeskift", rows=2, technical=2),
    "gamle mac-linjeskift": Case("saldo", saldo(GOOD, GOOD, newline="\r"), "aktiv", None, rows=2, technical=2),
    "for faa felter": Case("saldo", saldo(GOOD, "a;1,00;"), "aktiv", "linjer_sat_til_side kontrolsum_ikke_proevet", rows=1, set_aside=1, technical=2, says="1 linjer"),
    "for mange felter": Case("saldo", saldo(GOOD, "a;b;c;1,00;"), "aktiv", "linjer_sat_til_side kontrolsum_ikke_proevet", rows=1, set_aside=1, technical=2),
    "uden afsluttende skilletegn": Case("saldo", saldo(GOOD, "a;b;1,00"), "aktiv", "linjer_sat_til_side kontrolsum_ikke_proevet", rows=1, set_aside=1, technical=2),
    "tom linje": Case("saldo", saldo(GOOD).replace(b"TOTAL", b"\nTOTAL"), "aktiv", "linjer_sat_til_side kontrolsum_ikke_proevet", rows=1, set_aside=1, technical=2),
    "alle linjer forkerte": Case("saldo", saldo("a", "b"), "afvist", "ingen_brugbare_linjer", says="den første er linje 2"),
    "gentaget header": Case("saldo", saldo(GOOD, "FIL;TEKST;BELOEB;", GOOD, end="TOTAL;2;2,00;"), "aktiv", None, rows=2, technical=3),
    "urimelig sum": Case("saldo", saldo(*["a;b;999999999999,99;"] * 11, total="10999999999999,89"), "afvist", "urimelig_sum", says="10.000.000.000.000 kr."),
    "beloeb med punktum som decimaltegn": Case("saldo", saldo(GOOD, "a;b;12.34;"), "aktiv", "kontrolsum_ikke_proevet", rows=2, technical=2),
    "ulaeseligt beloeb": Case("saldo", saldo(GOOD, "a;b;hest;"), "aktiv", "kontrolsum_ikke_proevet", rows=2, technical=2),
    "linjeskift i citat": Case("citat", C(CITAT + '1;0101701234;"en\nto"\n2;;x\n'), "aktiv", None, rows=2, technical=1, lines=4),
    "dobbelte anfoerselstegn": Case("citat", C(CITAT + '1;;"sagde ""ja"" til; alt"\n'), "aktiv", None, rows=1, technical=1),
    "ubalanceret anfoerselstegn": Case("citat", C(CITAT + '1;;a\n2;;"b\n3;;c\n4;;d "x"\n'), "aktiv", "linjer_sat_til_side", rows=3, set_aside=1, technical=1, says="linje 3"),
    "to ubalancerede": Case("citat", C(CITAT + '1;;"a\n2;;b\n3;;"c\n4;;"d\ne"\n'), "aktiv", "linjer_sat_til_side", rows=2, set_aside=2, technical=1, lines=6),
    "gzip": Case("saldo", gzip.compress(saldo(GOOD)), "aktiv", None, rows=1, technical=2, name="SALDO_461_202601_20260205.csv.gz"),
    "zip": Case("saldo", zipped(("x.csv", saldo(GOOD))), "aktiv", None, rows=1, technical=2, name="SALDO_461_202602_20260305.csv.zip"),
    "afbrudt gzip": Case("saldo", gzip.compress(saldo(*[GOOD] * 500))[:-20], "afvist", "beskadiget_pakke", name="SALDO_461_202603_20260405.csv.gz"),
    "ikke en zip": Case("saldo", b"PK ikke rigtig", "afvist", "beskadiget_pakke", name="SALDO_461_202604_20260505.csv.zip"),
    "zip-bombe": Case("saldo", zipped(("x.csv", saldo(GOOD) + b"\n" * 4_000_000)), "afvist", "pakke_bombe", name="SALDO_461_202605_20260605.csv.zip", says="50 gange"),
    "gzip-bombe": Case("saldo", gzip.compress(saldo(GOOD) + b" \n" * 12_000_000), "afvist", "pakke_bombe", name="SALDO_461_202606_20260705.csv.gz"),
    "zip med sti ud": Case("saldo", zipped(("../../ud.csv", saldo(GOOD))), "afvist", "pakke_sti", name="SALDO_461_202607_20260805.csv.zip"),
    "zip med windows-sti ud": Case("saldo", zipped(("..\\ud.csv", saldo(GOOD))), "afvist", "pakke_sti", name="SALDO_461_202608_20260905.csv.zip"),
    "zip med to filer": Case("saldo", zipped(("a.csv", saldo(GOOD)), ("b.csv", saldo(GOOD))), "afvist", "pakke_flere_filer", name="SALDO_461_202609_20261005.csv.zip", says="2 filer"),
    "tom zip": Case("saldo", zipped(), "afvist", "pakke_flere_filer", name="SALDO_461_202610_20261105.csv.zip"),
    "tom gzip": Case("saldo", gzip.compress(b""), "afvist", "tom_fil", name="SALDO_461_202611_20261205.csv.gz"),
    "for stor": Case("saldo", saldo(GOOD) + b" \n" * 15_000_000, "afvist", "for_stor", says="MB"),
    "json": Case("jlinjer", '{"nr": 1, "bopael": {"by": "Ærø"}}\n{"nr": null}\n'.encode(), "aktiv", None, rows=2),
    "ugyldig json": Case("jlinjer", b'{"nr": 1}\n{"nr": \n[1]\n', "aktiv", "linjer_sat_til_side", rows=1, set_aside=2),
    "ukendt felt i json": Case("jlinjer", b'{"nr": 1}\n{"nr": 1, "gade": "hemmelig"}\n', "aktiv", "linjer_sat_til_side", rows=1, set_aside=1),
    "xml": Case("xposter", b'<?xml version="1.0"?>\n<L><Indsats Id="1"><Sted><Navn>Hus</Navn></Sted><Tekst>a\nb</Tekst></Indsats>\n<Indsats Id="2"/></L>\n',
                "aktiv", None, rows=2, lines=4),
    "ugyldig xml": Case("xposter", b"<L><Indsats></L>", "afvist", "ugyldig_xml", says="linje 1"),
    "xml med entiteter": Case("xposter", b'<!DOCTYPE L [<!ENTITY a "b">]><L/>', "afvist", "xml_doctype"),
    "en million tomme linjer": Case("saldo", saldo(GOOD, end="\n" * 1_000_010 + "TOTAL;1;1,00;"), "afvist", "for_mange_ubrugelige", says="1000000"),
    "en million korte linjer": Case("citat", C(CITAT + "1;0101701234;a\n" + "a;\"b\"\n" * 1_000_010), "afvist", "for_mange_ubrugelige", says="1000000"),
    "en million linjer med for faa felter": Case("citat", C(CITAT + "1;0101701234;a\n" + "abcd\n" * 1_000_001), "afvist", "for_mange_ubrugelige", says="1000001"),
    "kaempefelt i xml": Case("xposter", b"<L>\n<Indsats><Tekst>" + b"x\n" * 600_000 + b"</Tekst></Indsats></L>", "afvist", "lang_linje", says="Linje 2"),
    "tom xml": Case("xposter", b"", "afvist", "tom_fil"),
    "kaempefelt i citat": Case("citat", C(CITAT + '1;;"' + "x" * 200_000 + '"\n'), "aktiv", None, rows=1, technical=1),
    "mange linjer med emoji i citat": Case("citat", C(CITAT + '1;;"' + "\n".join(["\U0001f600" * 130_000] * 5) + '"\n1;;x\n'), "aktiv", "linjer_sat_til_side", rows=1, set_aside=5, technical=1),
    "json med samme felt to gange": Case("jlinjer", b'{"nr": 1}\n{"nr": 1, "nr": 2}\n{"bopael": {"by": "a", "by": "b"}}\n', "aktiv", "linjer_sat_til_side", rows=1, set_aside=2),
    "json med styretegn": Case("jlinjer", b'{"nr": 1}\n{"nr": "\\u0000"}\n{"nr": "\\u001f"}\n{"nr": "\\ud800"}\n', "aktiv", "linjer_sat_til_side", rows=1, set_aside=3),
    "json der ikke er json": Case("jlinjer", b'{"nr": 1}\n{"nr": NaN}\n{"nr": 1,}\n' + b'{"nr": ' + b"[" * 50_000 + b"]" * 50_000 + b"}\n", "aktiv", "linjer_sat_til_side", rows=1, set_aside=3),
    "xml med andet end det aftalte": Case("xposter", b"<L><Indsats/>\n<Indsats Alder='9'/><Indsats><Indsats Id='1'/></Indsats><Indsats><Tekst>a<b>b</b></Tekst></Indsats>"
                                          b"<Indsats>tekst<Sted/></Indsats><Indsats><Sted>a<Navn/></Sted></Indsats></L>", "aktiv", "linjer_sat_til_side", rows=1, set_aside=5, lines=1),
    "xml med det samme to gange": Case("xposter", b"<L><Indsats Id='1'><Tekst>a</Tekst><Tekst>b</Tekst></Indsats><Indsats xmlns:xsi='x'><Tekst xsi:nil='true'/></Indsats></L>",
                                       "aktiv", "linjer_sat_til_side", rows=1, set_aside=1, lines=0),
    "xml med andre elementer": Case("xposter", b"<L><Ydelse Id='1'/></L>", "afvist", "mangler_post", says="Indsats"),
    "fejlside i stedet for xml": Case("xposter", b"<?xml version='1.0'?><fejl>Databasen er ikke tilg\xc3\xa6ngelig</fejl>", "afvist", "forkert_rod", says="fejl, men skal v\u00e6re L"),
    "json uden noeglen": Case("jlinjer", b'{"nr": 1}\n{"bopael": {"by": "x"}}\n{}\n', "aktiv", "linjer_sat_til_side", rows=1, set_aside=2),
    "xml uden data": Case("xposter", b"<?xml version='1.0' encoding='UTF-8'?><L/>", "aktiv", "ingen_raekker", lines=0),
    "xml i andet tegnsaet": Case("xposter", b"<?xml version='1.0' encoding='rot13'?><L><Indsats Id='1'/></L>", "afvist", "tegnsaet"),
    "xml i dybden": Case("xposter", b"<L><Indsats>" + b"<a>" * 200 + b"</a>" * 200 + b"</Indsats></L>", "afvist", "xml_for_dyb", says="100 niveauer"),
    "kaempekommentar i xml": Case("xposter", b"<L><!--" + b"x" * 3_000_000 + b"--><Indsats/></L>", "afvist", "lang_linje"),
    "kaempeattribut i xml": Case("xposter", b"<L Id='" + b"x" * 3_000_000 + b"'><Indsats/></L>", "afvist", "lang_linje"),
    "zip med anden komprimering": Case("saldo", zipped(("x.csv", saldo(GOOD)), method=zipfile.ZIP_LZMA), "afvist", "pakke_metode", name="SALDO_461_202701_20270205.csv.zip"),
    "zip med hundredtusind filer": Case("saldo", b"", "afvist", "pakke_flere_filer", name="SALDO_461_202702_20270305.csv.zip", says="mange filer"),
    "aar 9999 i navnet": Case("saldo", saldo(GOOD), "afvist", "ukendt_filnavn", name="SALDO_461_999912_99991231.csv"),
    "aar 1 i navnet": Case("saldo", saldo(GOOD), "afvist", "ukendt_filnavn", name="SALDO_461_000101_00010101.csv"),
}
CASES["zip med hundredtusind filer"] = replace(CASES["zip med hundredtusind filer"], content=zipped(*((f"{n}", b"") for n in range(6_000))))
NAMES = {"citat": "CITAT_0101_2026{:02d}{:02d}.csv", "jlinjer": "J_0101_2026{:02d}{:02d}1200.jsonl", "xposter": "X_0101_2026{:02d}{:02d}.xml"}


def case_name(number: int, case: Case) -> str:
    """A name of its own for each case, in order, so that none is in the way of another."""
    if case.name:
        return case.name
    if case.sender == "saldo":
        return f"SALDO_101_20{21 + number // 12}{number % 12 + 1:02d}_20270101.csv"
    return NAMES[case.sender].format(number // 28 + 1, number % 28 + 1)


@pytest.fixture(scope="module")
def cases(tmp_path_factory) -> tuple[World, LoadResult]:
    """All cases delivered and loaded at once: each has to come out as if the others were not there."""
    world = World(tmp_path_factory.mktemp("tilfaelde"))
    for number, case in enumerate(CASES.values()):
        world.put(case.sender, case_name(number, case), case.content)
    return world, world.load()


@pytest.mark.parametrize("number, key", list(enumerate(CASES)), ids=list(CASES))
def test_case(cases, number, key):
    world, _ = cases
    case = CASES[key]
    name = case_name(number, case)
    row = world.ledger(name)
    # A later full extract of the same sender may have replaced it since: that is the ledger's business, not the case's.
    assert (row["status"] if row["status"] != "erstattet" else "aktiv", row["aarsag_kode"]) == (case.status, case.code)
    assert case.says in (row["aarsag"] or "")
    if case.status == "aktiv":
        assert (row["raekker"], row["raekker_afvist"]) == (case.rows, case.set_aside)
        assert row["linjer"] == (case.lines if case.lines is not None else case.rows + case.set_aside + case.technical)
        archived = list(world.home.archive.rglob(f"{name.removesuffix('.gz').removesuffix('.zip')}.*"))
        assert len(archived) == 1
        kept = archived[0].read_bytes()
        assert (kept if name.endswith((".gz", ".zip")) else gzip.decompress(kept)) == case.content
        assert world.query(f"select count(*) from raw.afvist_linje where leverance_id = {row['leverance_id']}") == [(case.set_aside,)]
    quarantined = world.home.quarantine / case.sender / name
    assert quarantined.exists() == (case.status == "afvist")
    if case.status == "afvist":
        note = quarantined.with_name(name + ".aarsag.txt").read_text(encoding="utf-8")
        reason = catalogue()[case.code]
        assert quarantined.read_bytes() == case.content
        assert "Hvad er galt: " + reason["hvad"].split("{")[0] in note
        assert "Hvad skal rettes: " + reason["ret"].split("{")[0] in note
        assert name in note and case.code in note
    assert not (world.home.inbox / case.sender / name).exists()


def test_cases_in_all(cases):
    """The others went on, the figures add up, and nothing but what stands in the ledger as active is in raw."""
    world, result = cases
    by_status = {s: sum(c.status == s for c in CASES.values()) for s in ("aktiv", "afvist", "ikke_instrueret")}
    assert (result.received, result.loaded, result.rejected, result.not_instructed) == (len(CASES), by_status["aktiv"], by_status["afvist"], by_status["ikke_instrueret"])
    assert result.rows_loaded == sum(c.rows for c in CASES.values()) and result.rows_set_aside == sum(c.set_aside for c in CASES.values())
    assert result.rows == result.rows_loaded + result.rows_set_aside + result.rows_without_instruction and result.rows_without_instruction == 3
    assert len(result.events) == len(CASES)
    active = dict(world.query("select leverance_id, raekker from raw.leverance where status = 'aktiv' and raekker > 0"))
    found: dict[int, int] = {}
    for table in ("saldo__konto", "citat__sag", "skifter__tal", "jlinjer__post", "xposter__indsats"):
        found |= dict(world.query(f"select _leverance_id, count(*) from raw.{table} group by 1"))
    assert found == active


def test_every_file_reason_has_a_case():
    """A reason nobody has seen is a reason nobody knows works. The ledger's own and those of record types are tested below."""
    elsewhere = {"startrecord_anden_kommune", "startrecord_anden_periode", "ingen_laeselige_beloeb", "forkert_kommune", "beloeb_ulaeselige", "linjer_fra_anden_kommune", "kommune_ukendt",      # test_kontrakt.py
                 "dublet", "aeldre_end_aktiv", "afventer_forgaenger", "forkert_forgaenger", "mangler_startrecord", "ikke_en_fil", "pakke_krypteret", "tilbagekaldt",
                 "laesefejl",       # test_under_vejs.py
                 "toemt_uden_besked", "usaedvanligt_fald", "fald_afvist", "fald_godkendt",      # test_fald.py
                 "arkiv_afviger",       # test_restore.py
                 "personnummer_i_filnavn"}      # test_personnumre_i_tekst.py
    files = {k for k, v in catalogue().items() if v["udfald"] != "linje"}
    assert files - elsewhere == {code for c in CASES.values() for code in (c.code or "").split()}


def test_the_policy_page_names_every_reason():
    page = (REPO / "docs" / "modtagelse.md").read_text(encoding="utf-8")
    assert [code for code in catalogue() if f"`{code}`" not in page] == []
    assert set(re.findall(r"^\|[^|]*\| `(\w+)`", page, flags=re.MULTILINE)) <= set(catalogue())


def test_set_aside_lines_have_their_number_and_no_value(cases):
    world, _ = cases
    rows = world.query("select aarsag_kode, fil, linje, aarsag from raw.afvist_linje order by all")
    assert {r[0] for r in rows} == {"felter_for_faa", "felter_for_mange", "tom_linje", "ubalanceret_citation", "ugyldig_json", "ukendt_felt", "gentaget_felt", "mangler_felt", "ulovligt_tegn"}
    few = next(r for r in rows if r[0] == "felter_for_faa" and "2 felter; der skal være 3" in r[3])
    assert few[2] == 3
    two = case_name(list(CASES).index("to ubalancerede"), CASES["to ubalancerede"])
    assert [r[2] for r in rows if r[1] == two] == [2, 4]
    assert "hemmelig" not in str(rows)


def test_values_come_as_delivered(cases):
    world, _ = cases
    name = case_name(list(CASES).index("god fil"), CASES["god fil"])
    assert world.query(f"select fil, tekst, beloeb, _linje, _kommunekode, _fil, _lokale_felter from raw.saldo__konto where _fil = '{name}'") == [
        ("a", "bæ", "1,00", n, "0101", name, None) for n in (2, 3)]


def test_the_text_of_an_unheaded_line_is_not_told_back(cases):
    world, _ = cases
    name = case_name(list(CASES).index("ingen header"), CASES["ingen header"])
    assert "bæ" not in world.ledger(name)["aarsag"]


# ------------------------------------------------------------------ shapes


def last_rows(world: World, sender: str, name: str, content: bytes | str, sql: str) -> list[tuple]:
    world.put(sender, name, content)
    world.load()
    return world.query(sql)


def test_quoted_values_and_true_line_numbers(world):
    text = CITAT + '1;0101701234;"en\nto ""x"""\n2;;  b \n3;;"b\n4;;"a;b"\n'
    assert last_rows(world, "citat", "CITAT_0101_20260101.csv", C(text), "select sag_id, cpr, linje, _linje from raw.citat__sag order by _linje") == [
        ("1", "0101701234", 'en\nto "x"', 2), ("2", "", "  b ", 4), ("4", "", "a;b", 6)]
    assert world.query("select linje, aarsag_kode from raw.afvist_linje") == [(5, "ubalanceret_citation")]


def test_json_and_xml_values(cases):
    world, _ = cases
    j = case_name(list(CASES).index("json"), CASES["json"])
    assert world.ledger(j)["raekker"] == 2      # replaced by a later case: look at one of its own
    other = World(world.home.root / "for_sig")
    assert last_rows(other, "jlinjer", "J_0101_202601011200.jsonl", CASES["json"].content, "select nr, sted, _linje from raw.jlinjer__post order by 3") == [("1", "Ærø", 1), (None, None, 2)]
    numbers = '{"nr": 1.10}\n{"nr": 12345678901234567890.123456789}\n{"nr": 1e999}\n{"nr": -0}\n{"nr": [1.10, {"a": "b"}, null]}\n{"nr": "a\\r\\nb"}\n{"nr": true}\n'
    assert [v for v, in last_rows(other, "jlinjer", "J_0101_202601021200.jsonl", numbers, "select nr from raw.jlinjer__post order by _linje")] == [
        "1.10", "12345678901234567890.123456789", "1e999", "-0", '[1.10, {"a": "b"}, null]', "a\nb", "true"]
    assert last_rows(other, "xposter", "X_0101_20260101.xml", CASES["xml"].content, "select id, navn, tekst, _linje from raw.xposter__indsats order by 1") == [
        ("1", "Hus", "a\nb", 2), ("2", "", "", 4)]
    # a file without line ends is as good XML, and a line still tells one row
    assert last_rows(other, "xposter", "X_0101_20260102.xml", CASES["xml"].content.replace(b"\n", b" "), "select id, _linje from raw.xposter__indsats order by 1") == [("1", 1), ("2", 2)]


def test_several_tables_from_one_xml_file(world):
    """Each element goes to its own table, fields of one name apart; what is set aside is counted once, and the rows are the file's."""
    content = "<L>\n<enhed id='1'><navn>Hus</navn></enhed>\n<ansat id='7'><enhed>1</enhed><timer>37</timer></ansat>\n<ansat id='8'><navn>x</navn></ansat>\n<enhed id='2'/>\n</L>"
    assert last_rows(world, "xflere", "XF_0101_20260101.xml", content, "select id, navn, _lokale_felter, _linje from raw.xflere__enhed order by 1") == [("1", "Hus", None, 2), ("2", "", None, 5)]
    assert world.query("select id, enhed, timer, _lokale_felter, _linje from raw.xflere__ansat") == [("7", "1", "37", None, 3)]
    assert world.query("select linje, aarsag_kode from raw.afvist_linje") == [(4, "ukendt_felt")]
    assert (world.ledger("XF_0101_20260101.xml")["raekker"], world.ledger("XF_0101_20260101.xml")["raekker_afvist"]) == (3, 1)


def test_fixed_width_record_types(world):
    p = PERSONS
    content = register("F", 1, 0, f"001{p[0]}Søren ", f"003{p[0]}0101", f"001{p[1]}Æ", "007ukendt", f"003{p[1]}0461xx", f"003{p[1]}0461  ")
    world.put("register", "R260101.TXT", content)
    assert world.load().rows_set_aside == 3
    assert world.query("select cpr, tekst, _linje, _kommunekode from raw.register__navn") == [(p[0], "Søren ", 2, None)]
    assert world.query("select kommunekode, _linje, _kommunekode from raw.register__bopael order by 2") == [("0101", 3, None), ("0461", 7, None)]
    assert world.query("select linje, aarsag_kode from raw.afvist_linje order by 1") == [(4, "linje_for_kort"), (5, "ukendt_recordtype"), (6, "linje_for_lang")]
    assert world.query("select tabel, raekker from raw.leverance_tabel order by 1") == [("bopael", 2), ("navn", 1), ("skift", 0)]


@pytest.mark.parametrize("content, code", [
    (register("F", 1, 0, f"001{PERSONS[0]}navnet", count=2), "forkert_antal"),
    (register("F", 1, 0)[:-12], "mangler_slutrecord"),
    (register("F", 1, 0)[17:], "mangler_startrecord"),
    (register("X", 1, 0), "mangler_startrecord"),
])
def test_start_and_end_record(world, content, code):
    world.put("register", "R260101.TXT", content)
    world.put("saldo", "SALDO_101_202601_20260205.csv", saldo(GOOD))
    assert (world.load().rejected, world.load().rejected) == (1, 0)
    assert world.ledger("R260101.TXT")["aarsag_kode"] == code
    assert world.ledger("SALDO_101_202601_20260205.csv")["status"] == "aktiv"


def test_an_encrypted_zip_and_a_link_are_refused(world):
    locked = bytearray(zipped(("x.csv", saldo(GOOD))))
    locked[6] |= 1
    locked[locked.index(b"PK\x01\x02") + 8] |= 1
    world.put("saldo", "SALDO_101_202601_20260205.csv.zip", bytes(locked))
    (world.home.inbox / "saldo" / "SALDO_101_202602_20260305.csv").symlink_to("/etc/hostname")
    world.load()
    assert world.ledger("SALDO_101_202601_20260205.csv.zip")["aarsag_kode"] == "pakke_krypteret"
    assert world.ledger("SALDO_101_202602_20260305.csv")["aarsag_kode"] == "ikke_en_fil"
    assert world.inbox() == []


def test_a_file_name_that_is_no_text(world):
    world.put("saldo", "SALDO_101_202601_20260205.csv", saldo(GOOD))
    shutil.copy(world.home.inbox / "saldo" / "SALDO_101_202601_20260205.csv", os.fsencode(world.home.inbox / "saldo") + b"/r\xf8d.csv")
    assert (world.load().loaded, world.inbox()) == (1, [])
    assert world.ledger("r\ufffdd.csv")["aarsag_kode"] == "ukendt_filnavn"


@pytest.mark.parametrize("name", ["x" * 255, "æ" * 127, "[red]x[bold].csv", "a\nb\tc.csv", "\u202egod.csv", "'; drop table raw.leverance; --", "%00.csv", "=1+1", "%2e%2e%2fx.csv"])
def test_odd_file_names(world, name):
    for _ in range(2):      # the second time the name is taken in quarantine
        world.put("saldo", name, saldo(GOOD))
        assert world.load().rejected == 1
    assert world.query("select fil, aarsag_kode from raw.leverance") == [(name, "ukendt_filnavn")] * 2
    kept = [f for f in (world.home.quarantine / "saldo").iterdir() if not f.name.endswith(".aarsag.txt")]
    assert [f.read_bytes() for f in kept] == [saldo(GOOD)] * 2 and world.inbox() == []
    assert len(list((world.home.quarantine / "saldo").glob("*.aarsag.txt"))) == 2


def test_a_file_named_as_the_note_to_another(world):
    for name in ("a.csv", "a.csv.aarsag.txt"):
        world.put("saldo", name, name)
    assert world.load().rejected == 2
    assert {"a.csv", "a.csv.aarsag.txt"} <= {f.read_text("utf-8") for f in (world.home.quarantine / "saldo").iterdir()}


def test_a_folder_name_that_is_no_text(world):
    folder = os.fsencode(world.home.inbox) + b"/s\xf8nd"
    os.mkdir(folder)
    Path(os.fsdecode(folder + b"/a.csv")).write_bytes(b"1")
    assert world.load().rejected == 1
    assert world.query("select afsender from raw.leverance") == [("s\ufffdnd",)]


def test_a_fault_of_ours_with_one_file_leaves_the_others(world, monkeypatch):
    """What nobody has thought of: the file stays, the step says so, and the rest is loaded."""
    inspected = load_module._Run._inspect

    def failing(self, d):
        if d.fil == "SALDO_101_202601_20260205.csv":
            raise IndexError("list index out of range")
        inspected(self, d)

    monkeypatch.setattr(load_module._Run, "_inspect", failing)
    for month in ("01", "02"):
        world.put("saldo", f"SALDO_101_2026{month}_20260305.csv" if month == "02" else "SALDO_101_202601_20260205.csv", saldo(GOOD))
    with pytest.raises(LoadError, match="SALDO_101_202601_20260205.csv: IndexError"):
        world.load()
    assert world.statuses() == {"SALDO_101_202602_20260305.csv": "aktiv"} and world.inbox() == ["SALDO_101_202601_20260205.csv"]


def test_two_loads_at_once(world):
    world.put("saldo", "SALDO_101_202601_20260205.csv", saldo(GOOD))
    world.load()
    world.put("saldo", "SALDO_101_202602_20260205.csv", saldo(GOOD))
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('klar', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code, str(world.home.cpr_db)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        with pytest.raises(duckdb.IOException, match="lock"):
            world.load()
        other.stdin.close()
    assert world.load().loaded == 1


def test_files_under_way_are_left_alone(world):
    for name in ("SALDO_101_202601_20260205.csv.part", ".SALDO_101_202601_20260205.csv", "SALDO_101_202601_20260205.csv.filepart"):
        world.put("saldo", name, saldo(GOOD))
    assert world.load().received == 0
    assert len(world.inbox()) == 3


def test_a_new_version_of_an_interface(world):
    world.put("skifter", "SKIFTER_0101_202602.txt", "a|b\n1|2\n")
    world.put("skifter", "SKIFTER_0101_202603.txt", "b|a|c\n1|2|3\n")
    world.put("skifter", "SKIFTER_0101_202604.txt", "a|b\n1|2\n")      # still the old one
    world.load()
    assert world.query("select a, b, c from raw.skifter__tal order by _leverance_id") == [("1", "2", None), ("2", "1", "3")]
    assert [world.ledger(f"SKIFTER_0101_20260{n}.txt")["version"] for n in (2, 3)] == ["1", "2"]
    assert world.ledger("SKIFTER_0101_202604.txt")["aarsag_kode"] == "manglende_kolonne"


def test_local_fields(world):
    world.setup(["0101,borger,citat,maaned,2020-01-01,,true", "0461,borger,citat,maaned,2020-01-01,,true"], local=["0461,citat,sag,LOKAL_Team,Team"])
    content = C('SagId;LOKAL_TEAM;Borger Nr;Års tekst\n1;Nord "A";;x\n2;;;y\n')
    world.put("citat", "CITAT_0461_20260101.csv", content)
    world.put("citat", "CITAT_0101_20260101.csv", content)
    world.put("citat", "CITAT_0461_20260102.csv.gz", gzip.compress(content.replace(b" \"A\"", b"")))
    world.load()
    assert world.query("select sag_id, linje, _lokale_felter->>'LOKAL_Team' from raw.citat__sag order by 1") == [("1", "x", "Nord"), ("2", "y", "")]
    assert world.ledger("CITAT_0101_20260101.csv")["aarsag_kode"] == "ekstra_kolonne"


# ------------------------------------------------------------------ what replaces what


def test_the_same_file_twice_is_loaded_once(world):
    world.put("saldo", "SALDO_101_202601_20260205.csv", saldo(GOOD))
    assert world.load().loaded == 1
    world.put("saldo", "SALDO_101_202601_20260205.csv", saldo(GOOD), mtime=1_790_000_100)
    result = world.load()
    assert (result.duplicates, result.loaded, world.inbox()) == (1, 0, [])
    assert world.ledger("SALDO_101_202601_20260205.csv")["aarsag_kode"] == "dublet"
    assert world.query("select count(*) from raw.saldo__konto") == [(1,)]


def test_equal_content_for_another_month_is_no_duplicate(world):
    for month in ("01", "02"):
        world.put("saldo", f"SALDO_101_2026{month}_20260305.csv", saldo(total="0,00"))
    assert world.load().loaded == 2


def test_newer_replaces_older_and_older_is_refused(world):
    first, second, late, back = (f"SALDO_101_202601_202602{d}.csv" for d in ("05", "10", "07", "12"))
    world.put("saldo", first, saldo(GOOD))
    world.load()
    world.put("saldo", second, saldo(GOOD, GOOD))
    assert world.load().replaced == 1
    world.put("saldo", late, saldo(GOOD, GOOD, GOOD))
    assert world.load().rejected == 1
    assert world.query("select count(*), min(_fil) from raw.saldo__konto") == [(2, second)]
    assert (world.ledger(first)["status"], world.ledger(first)["erstattet_af"]) == ("erstattet", world.ledger(second)["leverance_id"])
    assert world.ledger(late)["aarsag_kode"] == "aeldre_end_aktiv" and "05-02-2026" not in world.ledger(late)["aarsag"]
    world.put("saldo", back, saldo(GOOD))       # the first content again in a newer extract: a change back
    assert world.load().loaded == 1
    assert world.query("select count(*), min(_fil) from raw.saldo__konto") == [(1, back)]
    assert len(list(world.home.archive.rglob("*.gz"))) == 3


def test_replaced_within_one_load(world):
    world.put("saldo", "SALDO_101_202601_20260210.csv", saldo(GOOD, GOOD))
    world.put("saldo", "SALDO_101_202601_20260205.csv", saldo(GOOD))
    world.put("saldo", "SALDO_101_202601_20260212.csv", saldo(GOOD, GOOD, GOOD, end="TOTAL;9;3,00;"))     # refused: it replaces nothing
    world.load()
    assert world.statuses() == {"SALDO_101_202601_20260205.csv": "erstattet", "SALDO_101_202601_20260210.csv": "aktiv", "SALDO_101_202601_20260212.csv": "afvist"}
    assert world.query("select count(*) from raw.saldo__konto") == [(2,)]


def test_a_gap_in_deltas_waits_and_is_closed(world):
    p = PERSONS

    def put(day: int, kind: str, number: int, previous: int, *records: str) -> None:
        world.put("register", f"R2601{day:02d}.TXT", register(kind, number, previous, *records))

    put(1, "F", 100, 0, f"001{p[0]}navn 0")
    put(2, "D", 101, 100, f"001{p[0]}navn 1")
    put(4, "D", 103, 102, f"001{p[0]}navn 3")
    put(5, "D", 104, 103, f"001{p[0]}navn 4")
    world.put("saldo", "SALDO_101_202601_20260205.csv", saldo(GOOD))
    result = world.load()
    assert (result.loaded, result.waiting, result.rejected) == (3, 2, 0)
    assert world.inbox() == ["R260104.TXT", "R260105.TXT"]
    assert world.ledger("R260104.TXT")["status"] == "venter" and "udtræk 102" in world.ledger("R260104.TXT")["aarsag"]
    assert world.load().waiting == 2
    assert world.query("select count(*) from raw.leverance where status = 'venter'") == [(2,)]
    put(3, "D", 102, 101, f"001{p[0]}navn 2")
    assert world.load().loaded == 3
    assert [r[0] for r in world.query("select tekst from raw.register__navn order by _leverance_id")] == [f"navn {n}" for n in range(5)]
    assert world.query("select count(*) from raw.leverance where status = 'venter'") == [(0,)]
    # the same number again, later made: it replaces its like, whose persons are noted
    put(6, "D", 102, 101, f"001{p[1]}rettet")
    assert world.load().replaced == 1
    ident = world.ledger("R260103.TXT")["leverance_id"]
    assert world.query("select tekst from raw.register__navn where tekst in ('navn 2', 'rettet')") == [("rettet",)]
    assert world.query("select leverance_id, person_id from raw.beroert_person") == [(ident, pseudonym(KEY.encode(), p[0]))]
    # one that says the wrong predecessor, and one from before the series
    put(7, "D", 105, 103)
    put(8, "D", 99, 98)
    assert world.load().rejected == 2
    assert {world.ledger(f"R26010{d}.TXT")["aarsag_kode"] for d in (7, 8)} == {"forkert_forgaenger", "aeldre_end_aktiv"}
    # a new full extract begins a new series
    put(9, "F", 200, 0, f"001{p[2]}ny    ")
    put(10, "D", 201, 200, f"001{p[2]}ny 201")
    assert world.load().loaded == 2
    assert [r[0] for r in world.query("select tekst from raw.register__navn order by _leverance_id")] == ["ny    ", "ny 201"]
    assert world.query("select count(*) from raw.leverance where kildesystem = 'register' and status = 'aktiv'") == [(2,)]


def test_deltas_wait_for_the_first_full_extract(world):
    world.put("register", "R260102.TXT", register("D", 101, 100))
    assert world.load().waiting == 1
    assert "fuldt udtræk" in world.ledger("R260102.TXT")["aarsag"]
    world.put("register", "R260101.TXT", register("F", 100, 0))
    assert world.load().loaded == 2


# ------------------------------------------------------------------ instruction


def test_uninstructed_files_are_counted_and_not_kept(world):
    name = "SALDO_825_202601_20260205.csv"
    content = saldo("hemmelig;x;1,00;")
    world.put("saldo", name, content)
    result = world.load()
    assert (result.not_instructed, result.rows_without_instruction, result.loaded) == (1, 1, 0)
    assert world.query("select count(*) from raw.saldo__konto") == [(0,)]
    assert [f for f in world.home.root.rglob("*") if f.is_file() and b"hemmelig" in f.read_bytes()] == []
    world.setup(["0825,oekonomi,saldo,maaned,2020-01-01,,true"])
    world.put("saldo", name, content)       # the same file, now that they have
    assert world.load().loaded == 1


def test_rows_of_uninstructed_municipalities_are_left_out(world):
    p = PERSONS
    world.put("register", "R260101.TXT", register("F", 1, 0, f"003{p[0]}0101", f"003{p[1]}0825", f"003{p[2]}0999", f"003{p[3]}0147"))
    result = world.load()
    # 0825 has not instructed, 0147 is a municipality that has agreed nothing; 0999 is no municipality
    assert (result.rows_loaded, result.rows_without_instruction) == (2, 2)
    assert world.query("select cpr, kommunekode from raw.register__bopael order by 1") == [(p[0], "0101"), (p[2], "0999")]
    assert [r[0] for r in world.query("select cpr from raw.person_noegle order by 1")] == [p[0], p[2]]
    assert world.ledger("R260101.TXT")["raekker_uden_instruks"] == 2


# ------------------------------------------------------------------ persons


def persons(world: World) -> dict[str, str]:
    return dict(world.query("select cpr, person_id from raw.person_noegle"))


def test_person_ids_follow_the_person(tmp_path):
    """A number, its successor and the successor's: one person, whether it is all known at once or learnt piece by piece."""
    a, b, c, other = PERSONS
    days = [("F", 1, 0, [f"001{c}navnet", f"001{other}navnet", f"001{a}navnet"]), ("D", 2, 1, [f"002{c}{b}"]), ("D", 3, 2, [f"002{b}{a}"]), ("D", 4, 3, [f"002{c}{b}"])]
    stepwise, at_once = World(tmp_path / "trin"), World(tmp_path / "samlet")
    for day, (kind, number, previous, records) in enumerate(days, start=1):
        for world in (stepwise, at_once):
            world.put("register", f"R26010{day}.TXT", register(kind, number, previous, *records))
        stepwise.load()
    at_once.load()
    oldest = pseudonym(KEY.encode(), a)
    assert persons(stepwise) == persons(at_once) == {a: oldest, b: oldest, c: oldest, other: pseudonym(KEY.encode(), other)}
    assert dict(stepwise.query("select cpr, tidligere_cpr from raw.person_noegle")) == {a: None, b: a, c: b, other: None}
    # what was computed under the passing ids has to be looked at again
    changed = {(i, p) for i, p in stepwise.query("select leverance_id, person_id from raw.beroert_person")}
    assert changed == {(2, pseudonym(KEY.encode(), c)), (2, pseudonym(KEY.encode(), b)), (3, pseudonym(KEY.encode(), b)), (3, oldest)}


def test_numbers_are_normalised_and_only_numbers_get_a_key(world):
    a = PERSONS[0]
    world.put("citat", "CITAT_0101_20260101.csv", C(CITAT + f"1;{a[:6]}-{a[6:]};x\n2;{a[1:]};x\n3;;x\n4;ukendt;x\n5;01017012345;x\n6;{a};x\n"))
    world.load()
    assert persons(world) == {a: pseudonym(KEY.encode(), a)}


def test_a_circle_of_numbers_does_not_hang(world):
    a, b = PERSONS[:2]
    world.put("register", "R260101.TXT", register("F", 1, 0, f"002{a}{b}", f"002{b}{a}", f"002{a}{a}"))
    world.load()
    assert len(set(persons(world).values())) == 1
    world.put("register", "R260102.TXT", register("D", 2, 1, f"002{b}{a}"))
    world.load()
    assert len(set(persons(world).values())) == 1


def test_keys(tmp_path, monkeypatch):
    con = duckdb.connect()
    for key in (b"k" * 32, b"x" * 64, b"y" * 100):
        set_session_key(con, key)
        assert con.execute(f"select {hmac_sql('a')} from (values ('0101701234'), ('æ')) as t(a)").fetchall() == [(pseudonym(key, "0101701234"),), (pseudonym(key, "æ"),)]
    assert recipient_key(b"k" * 32, "0101") != recipient_key(b"k" * 32, "0461") and len(recipient_key(b"k" * 32, "0101")) == 32
    world = World(tmp_path)
    world.put("saldo", "SALDO_101_202601_20260205.csv", saldo(GOOD))
    world.home.key_file.unlink()
    with pytest.raises(KeyMissing, match="FLIS_NOEGLE"):
        world.load()
    monkeypatch.setenv("FLIS_NOEGLE", "kort")
    with pytest.raises(KeyMissing, match="too short"):
        world.load()
    monkeypatch.setenv("FLIS_NOEGLE", KEY)
    assert world.load().loaded == 1


# ------------------------------------------------------------------ whole runs


def test_nothing_new_touches_nothing(world):
    world.put("saldo", "SALDO_101_202601_20260205.csv", saldo(GOOD))
    world.load()
    before = world.home.cpr_db.stat().st_mtime_ns
    assert world.load() == LoadResult()
    assert world.home.cpr_db.stat().st_mtime_ns == before
    world.setup(["0101,oekonomi,saldo,uge,2020-01-01,2027-01-01,true"])
    world.load()
    assert world.query("select kadence, gyldig_til::varchar, instrueret from raw.opsaetning_kommune_opsaetning") == [("uge", "2027-01-01", True)]


def test_tables_are_there_before_anything_arrives(world):
    world.load()
    assert world.home.cpr_db.stat().st_mode & 0o777 == 0o600
    tables = {r[0] for r in world.query("select table_name from duckdb_tables() where schema_name = 'raw'")}
    assert {"saldo__konto", "register__skift", "leverance", "leverance_tabel", "afvist_linje", "person_noegle", "beroert_person",
            "opsaetning_kommune_opsaetning", "opsaetning_lokale_felter", "opsaetning_pakke_oenske"} <= tables


def test_a_contract_that_grows(world, tmp_path):
    world.put("skifter", "SKIFTER_0101_202601.txt", "a|b\n1|2\n")
    world.load()
    grown = tmp_path / "voksede"
    shutil.copytree(CONTRACTS, grown)
    path = grown / "_proeve__sources.yml"
    path.write_text(path.read_text("utf-8").replace("{name: a}, {name: b}, {name: c}", "{name: a}, {name: b}, {name: c}, {name: d}")
                    .replace("kolonner: [b, a, c]", "kolonner: [d, b, a, c]"), "utf-8")
    world.put("skifter", "SKIFTER_0101_202605.txt", "d|b|a|c\n4|2|1|3\n")
    world.load(models=grown)
    assert world.query("select a, b, c, d from raw.skifter__tal order by _leverance_id") == [("1", "2", None, None), ("1", "2", "3", "4")]


def everything(world: World) -> dict[str, list[tuple]]:
    out = {}
    for table in ("saldo__konto", "citat__sag", "register__navn", "register__skift", "afvist_linje", "leverance", "leverance_tabel", "person_noegle"):
        columns = "* exclude (koersel)" if table == "leverance" else "*"
        out[table] = world.query(f"select {columns} from raw.{table} order by all")
    return out


def mixed(world: World) -> None:
    p = PERSONS
    for month in range(1, 7):
        world.put("saldo", f"SALDO_101_2026{month:02d}_20260801.csv", saldo(*[GOOD] * month, end="TOTAL;9;1,00;" if month == 3 else None))
        world.put("citat", f"CITAT_0461_2026{month:02d}01.csv", C(CITAT + f'{month};{p[month % 4]};"x\ny"\n;;"z\n'))
    world.put("register", "R260101.TXT", register("F", 1, 0, f"001{p[0]}navnet", f"002{p[1]}{p[0]}"))
    world.put("register", "R260102.TXT", register("D", 2, 1, f"002{p[2]}{p[1]}"))
    world.put("register", "R260104.TXT", register("D", 4, 3))


def test_one_by_one_gives_the_same_as_in_one_batch(tmp_path, monkeypatch):
    """The batch is for speed alone; also when it fails and every delivery is taken in a transaction of its own."""
    together, apart, fallen = (World(tmp_path / name) for name in ("samlet", "enkelt", "faldet"))
    for world in (together, apart, fallen):
        mixed(world)
    together.load()
    apart.load(batch_files=1)
    whole = load_module._Run._load_batch

    def only_single(self, chosen):
        if len(chosen) > 1:
            self.con.execute("begin")
            raise RuntimeError("ikke i dag")
        whole(self, chosen)

    monkeypatch.setattr(load_module._Run, "_load_batch", only_single)
    fallen.load()
    assert everything(together) == everything(apart) == everything(fallen)
    assert together.inbox() == apart.inbox() == fallen.inbox() == ["R260104.TXT"]


def test_an_unreadable_file_stays_and_the_rest_is_loaded(world, monkeypatch):
    world.put("saldo", "SALDO_101_202601_20260205.csv", saldo(GOOD))
    world.put("saldo", "SALDO_101_202602_20260305.csv", saldo(GOOD))
    opened = Path.open

    def failing(self, *args, **kwargs):
        if self.name == "SALDO_101_202601_20260205.csv":
            raise OSError(5, "Input/output error")
        return opened(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", failing)
    with pytest.raises(LoadError, match="SALDO_101_202601_20260205.csv.*Input/output"):
        world.load()
    assert world.inbox() == ["SALDO_101_202601_20260205.csv"]
    assert world.statuses() == {"SALDO_101_202602_20260305.csv": "aktiv"}


def test_a_fault_of_ours_leaves_the_file_and_loads_the_rest(world, monkeypatch):
    world.put("saldo", "SALDO_101_202601_20260205.csv", saldo(GOOD))
    world.put("saldo", "SALDO_101_202602_20260305.csv", saldo(GOOD, GOOD))
    keys = load_module._Run._keys

    def failing(self, taken):
        if any(d.fil == "SALDO_101_202602_20260305.csv" for d in taken):
            raise RuntimeError("disken er fuld")
        keys(self, taken)

    monkeypatch.setattr(load_module._Run, "_keys", failing)
    with pytest.raises(LoadError, match="SALDO_101_202602_20260305.csv: disken er fuld"):
        world.load()
    assert world.inbox() == ["SALDO_101_202602_20260305.csv"]
    assert world.query("select count(*) from raw.saldo__konto") == [(1,)]
    monkeypatch.undo()
    assert world.load().loaded == 1
    assert world.query("select count(*) from raw.saldo__konto") == [(3,)]


@pytest.mark.parametrize("where, what", [(load_module._Run, "_archive"), (journal, "append"), (Path, "unlink"), (journal, "note")])
def test_interrupted_after_the_commit(world, monkeypatch, where, what):
    """A run that is stopped between the commit and the end leaves what the next one settles, counts and tells of: once."""
    world.put("saldo", "SALDO_101_202601_20260205.csv", saldo(GOOD))
    world.put("saldo", "SALDO_461_202601_20260205.csv", saldo(GOOD, end="TOTAL;2;2,00;"))
    world.put("saldo", "SALDO_825_202601_20260205.csv", saldo(GOOD))

    journal_append = journal.append

    def stop(*args: Any, **_: Any) -> Any:
        if keycheck.keys_file(world.home) in args:          # the key's journal, before any file
            return journal_append(*args)
        if what != "note" or args[1]:
            raise KeyboardInterrupt

    monkeypatch.setattr(where, what, stop)
    with pytest.raises(KeyboardInterrupt):
        world.load()
    monkeypatch.undo()
    ids = world.query("select fil, leverance_id from raw.leverance order by all")
    assert len(ids) == 3 and len(world.inbox()) == (0 if what == "note" else 3)
    result = world.load()
    assert (result.received, result.loaded, result.rejected, result.not_instructed, result.duplicates) == ((0, 0, 0, 0, 0) if what == "note" else (3, 1, 1, 1, 0))
    assert world.inbox() == []
    assert world.query("select fil, leverance_id from raw.leverance order by all") == ids
    assert world.query("select count(*) from raw.saldo__konto") == [(1,)]
    assert world.statuses() == {"SALDO_101_202601_20260205.csv": "aktiv", "SALDO_461_202601_20260205.csv": "afvist", "SALDO_825_202601_20260205.csv": "ikke_instrueret"}
    assert len(list(world.home.archive.rglob("*.gz"))) == 1
    assert sorted(p.name for p in world.home.quarantine.rglob("*") if p.is_file()) == ["SALDO_461_202601_20260205.csv", "SALDO_461_202601_20260205.csv.aarsag.txt"]
    newest = {line["leverance_id"]: line["status"] for line in journal.deliveries(world.home)}
    assert newest == dict(world.query("select leverance_id, status from raw.leverance"))
    assert world.load().received == 0


def test_narrowing(world):
    for name in ("SALDO_101_202601_20260205.csv", "SALDO_101_202602_20260305.csv", "SALDO_461_202601_20260205.csv"):
        world.put("saldo", name, saldo(GOOD))
    world.put("citat", "CITAT_0101_20260101.csv", C(CITAT))
    world.put("saldo", "ukendt.csv", b"")
    assert world.load(fagomraade="oekonomi", kommune="0101", periode="2026-02").received == 1
    assert world.load(kommune="0101", fagomraade="borger").received == 1
    assert world.load(kommune="0461").received == 1
    result = world.load()
    assert (result.received, result.rejected) == (2, 1)


@pytest.mark.parametrize("kind, month, taken", [("periode", 2, True), ("periode", 1, False), ("fuld", 2, True), ("fuld", 1, True), ("fuld", 3, False), ("delta", None, False)])
def test_a_month_takes_what_its_full_extract_replaces(kind, month, taken):
    match = SimpleNamespace(periode=month and date(2026, month, 1), filetype=SimpleNamespace(udtraekstype=kind))
    assert _is_of(match, date(2026, 2, 1)) is taken


def test_progress_tells_every_file(world):
    world.put("saldo", "SALDO_101_202601_20260205.csv", saldo(GOOD))
    world.put("saldo", "ukendt.csv", b"")
    seen: list[tuple[str, int, int]] = []
    world.load(progress=lambda what, done, total: seen.append((what, done, total)))
    assert sorted(s[0] for s in seen) == ["SALDO_101_202601_20260205.csv", "ukendt.csv"] and [s[1:] for s in seen] == [(1, 2), (2, 2)]


# ------------------------------------------------------------------ what we ourselves get wrong


@pytest.mark.parametrize("rows, says", [
    (["101,oekonomi,saldo,maaned,2020-01-01,,true"], "line 2, column kommunekode"),
    (["0101,oekonomi,saldo,tit,2020-01-01,,true"], "column kadence"),
    (["0101,oekonomi,saldo,maaned,1. januar,,true"], "column gyldig_fra"),
    (["0101,oekonomi,saldo,maaned,2020-01-01,,ja"], "column instrueret"),
    (["0101,oekonomi,saldo,maaned,2020-01-01,2019-01-01,true"], "column gyldig_til"),
    (["0101,oekonomi,saldo,maaned,2020-01-01"], "line 2: 5 fields"),
])
def test_a_fault_in_the_set_up_is_named(world, rows, says):
    world.setup(rows)
    with pytest.raises(SetupError, match=says) as fault:
        world.load()
    assert "kommune_opsaetning.csv" in str(fault.value)


@pytest.mark.parametrize("old, new, says", [
    ("type: jsonl", "type: regneark", "format.type"),
    ("tegnsaet: iso-8859-1\n          adskiller", "tegnsaet: ebcdic\n          adskiller", "tegnsaet"),
    ("{udtraek:yyyymmddhhmm}", "{dato}", "unknown {dato}"),
    ("kolonne: beloeb", "kolonne: findes_ikke", "kontroltal"),
    ("kolonner: [a, b]", "kolonner: [a, x]", "unknown columns: x"),
    ("{pos: 14, len: 6}", "{pos: 14}", "pos and len on tekst"),
    ("udtraekstype: delta", "udtraekstype: sommetider", "udtraekstype"),
    ("kommunekolonne: kommunekode", "kommunekolonne: kommune", "kommunekolonne"),
    ("    kommunekode: national", "    nogle: ting", "kommunekode must stand"),
    ("{name: nr}", "{name: Nr}", "lower case ASCII"),
    ("identifier: jlinjer__post", "identifier: citat__sag", "fed by another contract"),
])
def test_a_broken_contract_is_named(tmp_path, old, new, says):
    text = (CONTRACTS / "_proeve__sources.yml").read_text("utf-8")
    assert old in text
    (tmp_path / "_x__sources.yml").write_text(text.replace(old, new), "utf-8")
    with pytest.raises(ContractError, match="_x__sources.yml") as fault:
        read_contracts(tmp_path)
    assert says in str(fault.value)


def test_two_contracts_for_one_name(tmp_path):
    text = (CONTRACTS / "_proeve__sources.yml").read_text("utf-8")
    (tmp_path / "_x__sources.yml").write_text(text, "utf-8")
    (tmp_path / "_y__sources.yml").write_text(text.replace("name: saldo\n", "name: saldo2\n").replace("saldo__konto", "saldo2__konto").split("  - name: citat")[0], "utf-8")
    with pytest.raises(ContractError, match="more than one contract"):
        read_contracts(tmp_path).match("saldo", "SALDO_101_202601_20260205.csv")


def test_the_real_contracts_hold():
    contracts = read_contracts()
    match = contracts.match("kmd", "ZD1SL_461_202601_20260205.csv")
    assert match and (match.kommunekode, str(match.periode), match.filetype.name) == ("0461", "2026-01-01", "zd1sl")
    assert contracts.match("kmd", "ZD1SL_461_202613_20260205.csv") is None and contracts.match("eg", "ZD1SL_461_202601_20260205.csv") is None


def test_a_real_contract_end_to_end(tmp_path):
    home = Home(tmp_path).prepare()
    create_key(home, KEY)
    (home.setup / "kommune_opsaetning.csv").write_text(
        "kommunekode,fagomraade,kildesystem,kadence,gyldig_fra,gyldig_til,instrueret\n0461,oekonomi,kmd_opus,maaned,2020-01-01,,true\n", "utf-8")
    table = next(t for f in read_contracts().filetypes if f.kildesystem == "kmd_opus" for t in f.tables)
    header = ";".join(c.header.upper() for c in table.columns) + ";"
    debit, credit = (";".join(amount if c.name == table.kontroltal[0] else "ø" for c in table.columns) + ";" for amount in ("1.234,50", "1.234,50-"))
    inbox = home.inbox / "kmd"
    inbox.mkdir()
    (inbox / "ZD1SL_461_202601_20260205.csv").write_bytes("\r\n".join([header, debit, credit, "TOTAL;2;1.234,50;", ""]).encode("latin-1"))
    result = load(home)
    assert (result.loaded, result.rows_loaded, result.refusals) == (1, 2, [])
    with duckdb.connect(str(home.cpr_db), read_only=True) as con:
        assert con.execute("select kontrolsum::varchar, linjer from raw.leverance").fetchall() == [("1234.50", 4)]
        assert con.execute("select count(distinct _linje) from raw.kmd_opus__zd1sl").fetchall() == [(2,)]
    assert REPO.joinpath("models", "staging").is_dir()


# ------------------------------------------------------------------ no line is lost


CELL = st.text(alphabet='a"; æ\n', max_size=6)


@given(st.lists(st.tuples(CELL, CELL, CELL), max_size=8))
def test_well_formed_quotes_come_back_whole(rows):
    out = io.StringIO()
    csv.writer(out, delimiter=";", quotechar='"', lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    lines = out.getvalue().split("\n")[:-1]
    records = list(join_records(iter(lines), ";", '"', frozenset({3}), Limits()))
    assert [tuple(fields) for _, _, fields, fault in records if not fault] == rows
    assert sum(span for _, span, _, _ in records) == len(lines)


@given(st.lists(st.text(alphabet='a";', max_size=8), max_size=12), st.integers(1, 5))
def test_every_line_is_in_exactly_one_record(lines, span):
    records = list(join_records(iter(lines), ";", '"', frozenset({3}), Limits(span=span)))
    assert sum(r[1] for r in records) == len(lines)
    numbers = [n for first, length, _, _ in records for n in range(first, first + length)]
    assert numbers == list(range(1, len(lines) + 1))
    for first, length, fields, fault in records:
        if length == 1 and not fault and '"' not in lines[first - 1]:
            assert fields == lines[first - 1].split(";")


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(st.one_of(st.sampled_from(["", "æ", "a", '"a"', '"a;b"', '"a\nb"', '"""a"""', '""']), CELL), min_size=3, max_size=3), max_size=8), st.integers(2, 5))
def test_many_quoted_lines_at_once_are_read_as_one_by_one(rows, span):
    """The quick way gives the same records as the careful one, or leaves the file to it."""
    text = "".join(";".join(row) + "\n" for row in rows).encode()
    quick, careful = io.BytesIO(), io.BytesIO()
    limits = Limits(span=span)
    try:
        records = _join_many(io.BytesIO(text), quick, ";", '"', frozenset({3}), limits)
    except _NotPlain:
        assert b'"' in text
        return
    assert records == _join_one_by_one(io.BytesIO(text), careful, ";", '"', frozenset({3}), limits)
    assert quick.getvalue() == careful.getvalue()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.sampled_from([".gz", ".zip"]), st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=3), st.integers(0, 400))
def test_a_damaged_package_is_read_or_refused(bench, suffix, changes, cut):
    """Whatever bytes a package has: it is read, or refused with a reason; never an error of ours, and the spool is as before."""
    _, contracts, folder = bench
    content = bytearray(gzip.compress(saldo(GOOD), mtime=0) if suffix == ".gz" else zipped(("x.csv", saldo(GOOD))))
    for at, value in changes:
        content[at % len(content)] = value
    path = folder / f"SALDO_101_202601_20260205.csv{suffix}"
    path.write_bytes(bytes(content[:max(len(content) - cut // 40, 0)]))
    spools = Spools(folder)
    try:
        inspect(path, contracts.match("saldo", "SALDO_101_202601_20260205.csv"), frozenset(), spools, LIMITS)
    except Refused:
        spools.flush()
        assert all(f.stat().st_size == 0 for f in folder.iterdir() if f != path)
    finally:
        spools.close()
        path.unlink()


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """A bare database with the test contracts' tables."""
    from flis.trail import ledger

    contracts = read_contracts(CONTRACTS)
    con = duckdb.connect()
    ledger.create_tables(con, contracts)
    return con, contracts, tmp_path_factory.mktemp("spole")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(st.text(alphabet=st.sampled_from('a";| æ\u2028\x0b\\,\'#'), max_size=12), max_size=12), st.sampled_from(["\n", "\r\n"]), st.booleans(),
       st.sampled_from([("citat", "CITAT_0101_20260101.csv", "utf-8"), ("skifter", "SKIFTER_0101_202601.txt", "utf-8")]))
def test_lines_in_are_rows_and_lines_set_aside(bench, lines, newline, ended, interface):
    """Whatever is in the file: each physical line is header, part of one row, or set aside, with its own number and its own text."""
    con, contracts, folder = bench
    sender, name, charset = interface
    match = contracts.match(sender, name)
    header = CITAT.strip() if sender == "citat" else "a|b"
    path = folder / name
    path.write_bytes((newline.join([header, *lines]) + (newline if ended else "")).encode(charset))
    physical = [header, *lines] if ended or (lines and lines[-1]) or not lines else [header, *lines[:-1]]
    spools = Spools(folder)
    try:
        found = inspect(path, match, frozenset(), spools)
        spools.flush()
        account = into_raw(con, match.filetype, found.spool, [Part(1, name, "0101", None, found, True)], SETUP)[1]
        assert found.lines == len(physical)
        assert account.rows + account.set_aside + 1 == found.records
        table = match.filetype.tables[0].identifier
        rows = con.execute(f"select _linje, {', '.join(match.filetype.tables[0].column(n).name for n in found.layout)} from raw.{table}").fetchall()
        aside = con.execute("select linje from raw.afvist_linje").fetchall()
        assert len({n for n, *_ in rows} | {n for n, in aside}) == account.rows + account.set_aside
        for number, *values in rows:
            line = physical[number - 1]
            if '"' not in line or sender == "skifter":
                assert values == line.split(match.filetype.format["adskiller"])
    finally:
        spools.close()
        con.execute(f"delete from raw.{match.filetype.tables[0].identifier}")
        con.execute("delete from raw.afvist_linje")
