"""What a file says before its values: the charset, told before the columns are blamed, and the names of what is not agreed, told as names."""

from __future__ import annotations

import codecs
from pathlib import Path

import duckdb
import pytest
import yaml

from flis.contracts.contract import ContractError, read_contracts
from flis.core.home import Home
from flis.core.keys import create_key
from flis.core.reasons import UNTOLD, told_name
from flis.intake.load import load
from test_load import CONTRACTS, KEY, PERSONS, World, register

HEAD = "Kommunekode;Medarbejdernummer;CPR_nummer;Løbenummer;Fraværsart;Fra;Til;Timer;Delvis\r\n"
ROWS = "".join(f"813;0000000{i};1203601230;{i};0100;0{i}.08.2026;0{i}.08.2026;7,40;\r\n" for i in range(1, 6))
NAME = "ZLFRAV_813_202608_20260905.csv"


class Kmd:
    """A home of 0813 with Opus' real contracts, looked into without a build."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root / "hjem").prepare()
        create_key(self.home, KEY)
        (self.home.setup / "kommune_opsaetning.csv").write_text(
            "kommunekode,fagomraade,kildesystem,kadence,gyldig_fra,gyldig_til,instrueret\n0813,personale,kmd_opus_loen,maaned,2020-01-01,,true\n", "utf-8")

    def take(self, name: str, content: bytes) -> tuple[str, str, str]:
        """(status, code, reason) of a file."""
        path = self.home.inbox / "kmd" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        load(self.home)
        return self.query("select status, coalesce(aarsag_kode, ''), coalesce(aarsag, '') from raw.leverance order by leverance_id desc limit 1")[0]

    def query(self, sql: str) -> list[tuple]:
        with duckdb.connect(str(self.home.cpr_db), read_only=True) as con:
            return con.execute(sql).fetchall()


@pytest.fixture
def kmd(tmp_path) -> Kmd:
    return Kmd(tmp_path)


# ------------------------------------------------------------------ charsets


@pytest.mark.parametrize("charset, named", [
    ("utf-8", "UTF-8"), ("utf-8-sig", "UTF-8"), ("utf-16", "UTF-16"), ("utf-16-le", "UTF-16"), ("utf-16-be", "UTF-16"), ("mac_roman", ""), ("cp850", ""),
])
def test_the_charset_is_told_before_the_columns(kmd, charset, named):
    """All is right but the charset: ISO-8859-1 is agreed, and the header's Danish letters are not what they should be."""
    status, code, said = kmd.take(NAME, (HEAD + ROWS).encode(charset))
    assert (status, code.split()[-1]) == ("afvist", "tegnsaet") and "iso-8859-1" in said and f"skrevet i {named}" in said if named else code == "tegnsaet"
    assert "mangler" not in said
    assert kmd.take(NAME.replace("0905", "0906"), (HEAD + ROWS).encode("latin-1"))[0] == "aktiv"


def test_a_header_that_is_wrong_in_every_charset_is_the_headers_fault(kmd):
    for charset in ("latin-1", "utf-8"):
        status, code, said = kmd.take(NAME, (HEAD.replace("Løbenummer;", "") + ROWS).encode(charset))
        assert (status, code) == ("afvist", "manglende_kolonne") and "Løbenummer" in said


@pytest.mark.parametrize("agreed, content, named", [
    ("utf-8-sig", "latin-1", ""), ("utf-8-sig", "utf-16", "UTF-16"), ("utf-8-sig", "twice", "UTF-8, der er kodet to gange"), ("utf-8-sig", "cp1252", ""),
    ("windows-1252", "utf-8", "UTF-8"), ("windows-1252", "cp850", "DOS-tegnsættet 850"), ("windows-1252", "mac_roman", "Macintosh Roman"), ("iso-8859-1", "cp1252", None), ("windows-1252", "latin-1", None),
])
def test_every_pair_of_charsets(tmp_path, agreed, content, named):
    """The agreed charset against the one that came, for delimited files; those of one kind (None) are the same bytes for Danish letters."""
    text = (CONTRACTS / "_proeve__sources.yml").read_text("utf-8").replace("tegnsaet: utf-8-sig", f"tegnsaet: {agreed}").replace("Års tekst", "Sæt")
    (tmp_path / "_x__sources.yml").write_text(text, "utf-8")
    world = World(tmp_path / "w")
    lines = "SagId;Borger Nr;Sæt\n1;;æøå\n"
    data = lines.encode().decode("cp1252").encode() if content == "twice" else lines.encode(content)
    world.put("citat", "CITAT_0101_20260101.csv", data)
    world.load(models=tmp_path)
    row = world.ledger("CITAT_0101_20260101.csv")
    if named is None:
        assert row["status"] == "aktiv" and world.query("select linje from raw.citat__sag") == [("æøå",)]
    else:
        assert (row["status"], row["aarsag_kode"]) == ("afvist", "tegnsaet") and (f"skrevet i {named}" in row["aarsag"] if named else "skrevet i" not in row["aarsag"])


@pytest.mark.parametrize("content", [
    '{"nr": "æ"}\n'.encode("latin-1"), '{"nr": "æ"}\n'.encode("utf-16"), '{"nr": "æ"}\n'.encode("utf-16-le"), codecs.BOM_UTF16_BE + '{"nr": "æ"}\n'.encode("utf-16-be")])
def test_json_in_another_charset(world, content):
    world.put("jlinjer", "J_0101_202601011200.jsonl", content)
    world.load()
    assert world.ledger("J_0101_202601011200.jsonl")["aarsag_kode"] == "tegnsaet"


@pytest.mark.parametrize("content", [
    "<L><Indsats Id='æ'/></L>".encode("latin-1"), "<?xml version='1.0'?>\n<L>\n<Indsats><Tekst>æ</Tekst></Indsats></L>".encode("cp1252"), "<L><Indsats Id='1'/></L>".encode("utf-16"),
    "<L><Indsats Id='1'/></L>".encode("utf-16-le"), b"<?xml version='1.0' encoding='ISO-8859-1'?><L><Indsats Id='1'/></L>"])
def test_xml_in_another_charset(world, content):
    world.put("xposter", "X_0101_20260101.xml", content)
    world.load()
    row = world.ledger("X_0101_20260101.xml")
    assert row["aarsag_kode"] == "tegnsaet" and ("Linje 3" in row["aarsag"]) == (b"\n<Indsats" in content)


def test_fixed_width_in_another_charset(world):
    """UTF-8 where one byte is one character: the fields after the first Danish letter have moved, and a short line may look whole. The file is refused."""
    p = PERSONS
    good = register("F", 1, 0, f"001{p[0]}Bøørn ", f"001{p[1]}navnet")
    world.put("register", "R260101.TXT", good.decode("latin-1").replace("Bøørn ", "Bøørn").replace("Bøørn", "Bøør").encode())
    world.put("register", "R260102.TXT", good)
    world.load()
    row = world.ledger("R260101.TXT")
    assert (row["status"], row["aarsag_kode"]) == ("afvist", "tegnsaet") and "UTF-8" in row["aarsag"] and "Linje 2" in row["aarsag"]
    assert world.statuses()["R260102.TXT"] == "aktiv"


@pytest.fixture
def world(tmp_path) -> World:
    return World(tmp_path)


# ------------------------------------------------------------------ names


def aside(world: World) -> list[str]:
    return [said for said, in world.query("select aarsag from raw.afvist_linje order by linje, aarsag")]


def test_the_field_is_named_in_json(world):
    world.put("jlinjer", "J_0101_202601011200.jsonl", '{"nr": "1"}\n{"nr": "1", "Køn": "K"}\n{"bopael": {"by": "x", "gade": {"nr": 1}}}\n{"nr": 1, "nr": 2}\n'
              '{"nr": "a\\u0001"}\n{"bopael": "by"}\n{"0101701234": 1}\n{"x\\ny": 1}\n{"' + "a" * 90 + '": 1}\n')
    assert world.load().rows_set_aside == 8
    assert [said.split(". ")[0] for said in aside(world)] == [
        "Linjen har et felt, der ikke er aftalt: Køn", "Linjen har et felt, der ikke er aftalt: bopael.gade", "Linjen har det samme felt to gange: nr",
        "Linjen har i feltet nr et styretegn, som ingen tekst har grund til at rumme", "Linjen har et felt, der ikke er aftalt: bopael",
        *[f"Linjen har et felt, der ikke er aftalt: {UNTOLD}"] * 3]


def test_the_element_is_named_in_xml(world):
    world.put("xposter", "X_0101_20260101.xml", "<L>\n<Indsats Id='1'/>\n<Indsats Alder='9'/>\n<Indsats><Sted><Vej>x</Vej></Sted></Indsats>\n<Indsats><ns:Noget xmlns:ns='x'/></Indsats>\n"
              "<Indsats><Tekst>a</Tekst><Tekst>b</Tekst></Indsats>\n<Indsats>løs</Indsats>\n<Indsats><Tekst Sprog='da'>a</Tekst></Indsats></L>")
    assert world.load().rows_set_aside == 6
    assert [said.split(". ")[0].rsplit(": ", 1)[1] for said in aside(world)] == ["@Alder", "Sted/Vej", "Noget", "Tekst", "Indsats/(tekst)", "Tekst/@Sprog"]


def test_the_whole_file_says_which(world):
    """Where no line is good, the refusal says what is wrong with the first; where the records have another name, which that is; where a column is too many, which."""
    world.put("xposter", "X_0101_20260101.xml", "<L><Indsats Alder='9'/></L>")
    world.put("xposter", "X_0461_20260101.xml", "<L><Ydelse Id='1'/></L>")
    world.put("jlinjer", "J_0101_202601011200.jsonl", '{"alder": 1}\n')
    world.put("saldo", "SALDO_101_202601_20260205.csv", "FIL;TEKST;BELOEB;Chefens navn;\na;b;1,00;x;\nTOTAL;1;1,00;;\n")
    world.load()
    said = {fil: world.ledger(fil) for fil in world.statuses()}
    assert "@Alder" in said["X_0101_20260101.xml"]["aarsag"] and said["X_0101_20260101.xml"]["aarsag_kode"] == "ingen_brugbare_linjer"
    assert "Ydelse" in said["X_0461_20260101.xml"]["aarsag"] and "alder" in said["J_0101_202601011200.jsonl"]["aarsag"]
    assert "nr. 4: Chefens navn" in said["SALDO_101_202601_20260205.csv"]["aarsag"]


@pytest.mark.parametrize("name, told", [
    ("function", True), ("@action", True), ("Sted/Navn", True), ("bopael.gade.nr", True), ("Års tekst", True), ("GetEmployment2011", True), ("0101701234", False), ("a0101701234", False),
    ("a\nb", False), ("=HYPERLINK", False), ("<b>", False), ("", False), ("x" * 61, False), ("a/b/c/d/e/f/g", False), ("[red]", False)])
def test_which_names_are_told(name, told):
    assert told_name(name) == (name if told else UNTOLD)


# ------------------------------------------------------------------ known, and not taken


def contract(tmp_path: Path, system: str, **keys) -> Path:
    text = yaml.safe_load((CONTRACTS / "_proeve__sources.yml").read_text("utf-8"))
    for source in text["sources"]:
        if source["name"] == system:
            source["config"]["meta"] |= keys
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "_x__sources.yml").write_text(yaml.safe_dump(text, allow_unicode=True), "utf-8")
    return tmp_path / "m"


def nowhere(world: World, secret: str) -> bool:
    return not any(secret.encode() in f.read_bytes() for f in world.home.root.rglob("*") if f.is_file() and "arkiv" not in f.parts)


def test_xml_that_is_not_taken(world, tmp_path):
    """With all that is in it, as often as it stands there, in any case; elsewhere it is unknown."""
    models = contract(tmp_path, "xposter", ikke_taget=["Rolle", "@action", "Sted/Vej"])
    world.put("xposter", "X_0101_20260101.xml", "<L><Indsats Id='1' Action='hemmeligt1'><rolle a='hemmeligt2'>hemmeligt3<x>y</x></rolle><Rolle/><Sted><Vej>hemmeligt4</Vej><Navn>Hus</Navn></Sted><Tekst>t</Tekst></Indsats>\n"
              "<Indsats><Sted><Rolle/></Sted></Indsats></L>")
    assert world.load(models=models).rows_set_aside == 1
    assert world.query("select id, navn, tekst, _lokale_felter from raw.xposter__indsats") == [("1", "Hus", "t", None)]
    assert "Sted/Rolle" in aside(world)[0] and nowhere(world, "hemmeligt")


def test_json_that_is_not_taken(world, tmp_path):
    models = contract(tmp_path, "jlinjer", ikke_taget=["navn", "bopael.gade"])
    world.put("jlinjer", "J_0101_202601011200.jsonl", '{"navn": {"for": "hemmeligt"}, "nr": 1, "navn": "hemmeligt", "bopael": {"gade": ["hemmeligt"], "by": "Ribe"}}\n{"gade": 1}\n')
    assert world.load(models=models).rows_set_aside == 1
    assert world.query("select nr, sted, _lokale_felter from raw.jlinjer__post") == [("1", "Ribe", None)]
    assert nowhere(world, "hemmeligt")


@pytest.mark.parametrize("header, row", [("Navn;SagId;Borger Nr;Års tekst", "hemmeligt;1;;x"), ("SagId;navn;Borger Nr;Års tekst;Adresse", "1;hemmeligt;;x;hemmeligt"), ("SagId;Borger Nr;Års tekst;NAVN", '1;;"x";hemmeligt')])
def test_columns_that_are_not_taken(world, tmp_path, header, row):
    models = contract(tmp_path, "citat", ikke_taget=["Navn", "Adresse"])
    world.put("citat", "CITAT_0101_20260101.csv", f"{header}\n{row}\n")
    assert world.load(models=models).rows_loaded == 1
    assert world.query("select sag_id, linje, _lokale_felter from raw.citat__sag") == [("1", "x", None)] and nowhere(world, "hemmeligt")


@pytest.mark.parametrize("system, listed, says", [("register", ["x"], "ikke_taget does not go with format.type fixed"), ("xposter", ["Tekst"], "names what a column takes: Tekst"),
                                                  ("saldo", ["x"], "does not go with gentaget_header"), ("jlinjer", "navn", "ikke_taget")])
def test_what_cannot_be_left_out(tmp_path, system, listed, says):
    with pytest.raises(ContractError, match=says):
        read_contracts(contract(tmp_path, system, ikke_taget=listed))


# ------------------------------------------------------------------ Opus


UNIT = """<orgUnit id="9" client="813" lastChanged="2026-10-01"><startDate>1900-01-01</startDate><endDate>9999-12-31</endDate><parentOrgUnit/><shortName>A</shortName><longName>Afd</longName>
<street>Vej 1</street><zipCode>9900</zipCode><city>By</city><phoneNumber>12345678</phoneNumber><cvrNr>1</cvrNr><eanNr>1</eanNr><seNr>1</seNr><pNr>0000000000</pNr><orgType>00002</orgType><orgTypeTxt>Center</orgTypeTxt></orgUnit>"""


def employee(number: int, leave: str = "<leaveDate>9999-12-31</leaveDate>", more: str = "") -> str:
    return (f'<employee id="{number}" client="813" lastChanged="2026-10-01"><entryDate>2020-01-01</entryDate>{leave}<cpr suppId="0">1203601230</cpr><firstName>Ib</firstName><lastName>Hemmelig</lastName>'
            '<address protected="true">Vej 2</address><postalCode>9900</postalCode><city>By</city><country>DK</country><workPhone/><workContract>08</workContract><workContractText>Ansat</workContractText>'
            '<positionId>500</positionId><position>Assistent</position><positionShort>A</positionShort><isManager>false</isManager><superiorLevel>0</superiorLevel><subordinateLevel>00</subordinateLevel>'
            f'<orgUnit>9</orgUnit><payGradeText>x</payGradeText><numerator>1 </numerator><denominator>1 </denominator>{more}</employee>')


def test_opus_as_it_comes(kmd):
    """The shape of the test files and readers of OS2mo: names and addresses that are not taken, several functions, an open leaveDate, one who has left, types of five digits."""
    role = '<function startDate="2026-01-01" endDate="9999-12-31"><artText>Rolle</artText><roleText>Leder</roleText></function>'
    people = [employee(1), employee(2, "<leaveDate></leaveDate>"), employee(3, "<leaveDate/>", role * 2), employee(4, more='<function artText="Rolle"/>'), '<employee id="5" client="813" action="leave"/>']
    status, code, _ = kmd.take("ZLPE_813_202608_20260905.xml", f'<?xml version="1.0" encoding="utf-8"?>\n<kmd>{UNIT}{"".join(people)}</kmd>'.encode())
    assert (status, code) == ("aktiv", "")
    assert kmd.query("select id, leave_date, action from raw.kmd_opus_loen__medarbejder order by id") == [("1", "9999-12-31", ""), ("2", "", ""), ("3", "", ""), ("4", "9999-12-31", ""), ("5", "", "leave")]
    assert kmd.query("select org_type from raw.kmd_opus_loen__organisation") == [("00002",)]
    assert not [f for f in kmd.home.root.rglob("*") if f.is_file() and "arkiv" not in f.parts and b"Hemmelig" in f.read_bytes()]


def test_what_opus_has_not_agreed_is_named(kmd):
    status, code, _ = kmd.take("ZLPE_813_202608_20260905.xml", f'<kmd>{UNIT}{employee(1)}{employee(2, more="<salary>1</salary>")}</kmd>'.encode())
    assert (status, code) == ("aktiv", "linjer_sat_til_side")
    assert kmd.query("select aarsag_kode, split_part(aarsag, '. ', 1) from raw.afvist_linje") == [("ukendt_felt", "Linjen har et felt, der ikke er aftalt: salary")]
