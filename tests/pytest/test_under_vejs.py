"""Files that are still coming, and files that the reader cannot get through: neither is in the way of another."""

from __future__ import annotations

import gzip
import os
import time
from pathlib import Path

import duckdb
import pytest

from flis.core.reasons import catalogue
from flis.intake import inspection, splitting
from flis.intake.inbox import SettledTimeError, under_way
from flis.intake.load import LoadError
from flis.operate import status
from test_cli import flis
from test_load import CITAT, GOOD, PERSONS, C, World, register, saldo, zipped

JSON = b'{"nr": 1, "bopael": {"by": "\xc3\x86r\xc3\xb8"}}\n'
XML = b'<?xml version="1.0"?>\n<L><Indsats Id="1"><Tekst>a</Tekst></Indsats></L>\n'
# A file of every format that shows no end of its own, and of every format that does: (sender, name, whole).
OPEN = {
    "delimited": ("citat", "CITAT_0101_20260101.csv", C(CITAT + "1;;a\n2;;b\n")),
    "jsonl": ("jlinjer", "J_0101_202601011200.jsonl", JSON * 2),
}
ENDED = {
    "slutrecord": ("saldo", "SALDO_101_202601_20260205.csv", saldo(GOOD, GOOD)),
    "record 999": ("register", "R260101.TXT", register("F", 1, 0, f"001{PERSONS[0]}navnet")),
    "rodelement": ("xposter", "X_0101_20260101.xml", XML),
    "gzip": ("citat", "CITAT_0101_20260101.csv.gz", gzip.compress(OPEN["delimited"][2])),
    "zip": ("jlinjer", "J_0101_202601011200.jsonl.zip", zipped(("x", JSON))),
}


@pytest.fixture
def world(tmp_path, monkeypatch) -> World:
    monkeypatch.setenv("FLIS_HVILETID", "300")
    return World(tmp_path)


def ago(seconds: float) -> int:
    return int(time.time() - seconds)


# ------------------------------------------------------------------ under way


@pytest.mark.parametrize("form", [*OPEN, *ENDED])
def test_half_a_file_is_left_until_it_is_still(world, form):
    """A sender stands still half-way while the inbox is loaded: half a file is neither taken nor refused, and the whole comes in."""
    sender, name, whole = {**OPEN, **ENDED}[form]
    path = world.put(sender, name, whole[:len(whole) * 2 // 3], ago(20))
    result = world.load()
    assert (result.received, result.under_way, world.inbox(), world.statuses()) == (0, 1, [name], {})
    path.write_bytes(whole)
    os.utime(path, (ago(310),) * 2)
    result = world.load()
    assert (result.loaded, result.rejected, result.under_way, world.inbox()) == (1, 0, 0, [])


@pytest.mark.parametrize("form", ENDED)
def test_a_file_that_shows_its_end_is_taken_at_once(world, form):
    sender, name, whole = ENDED[form]
    world.put(sender, name, whole, ago(1))
    assert (world.load().loaded, world.inbox()) == (1, [])


@pytest.mark.parametrize("form", OPEN)
@pytest.mark.parametrize("age, taken", [(120, False), (301, True), (-30, False), (-3600, True)])
def test_the_settled_time(world, form, age, taken):
    """A time far ahead was set by hand, and a clock a little ahead is a clock."""
    sender, name, whole = OPEN[form]
    world.put(sender, name, whole, ago(age))
    assert world.load().loaded == taken


def test_an_installation_has_its_own_settled_time(world, monkeypatch):
    world.put(*OPEN["delimited"], ago(20))
    monkeypatch.setenv("FLIS_HVILETID", "10")
    assert world.load().loaded == 1
    world.put(*OPEN["jsonl"], ago(0))
    monkeypatch.setenv("FLIS_HVILETID", "0")
    assert world.load().loaded == 1
    monkeypatch.setenv("FLIS_HVILETID", "fem minutter")
    world.put("saldo", "x.csv", b"")
    with pytest.raises(SettledTimeError, match="whole seconds"):
        world.load()
    done = flis("load", home=world.home)
    assert done.returncode == 3 and "FLIS_HVILETID must be whole seconds" in done.stderr and "Traceback" not in done.stderr
    monkeypatch.setenv("FLIS_HVILETID", "")         # as if it were not set
    assert world.load().rejected == 1


def test_an_unknown_name_is_not_moved_while_it_is_written_to(world):
    path = world.put("saldo", "upload_1.csv", b"x", ago(5))
    assert (world.load().received, world.inbox()) == (0, ["upload_1.csv"])
    os.utime(path, (ago(400),) * 2)
    assert world.load().rejected == 1


def test_a_file_that_changes_while_it_is_read_is_left(world, monkeypatch):
    """It had lain still, and the sender goes on in the middle of the reading: what was read of it is not taken, and the file beside it is."""
    for form in OPEN:
        world.put(*OPEN[form], ago(900))
    moving = world.home.inbox / "citat" / OPEN["delimited"][1]
    text = inspection._begin

    def going_on(ft, match, head, *rest):
        if match.filetype.kildesystem == "citat":
            with moving.open("ab") as more:
                more.write(b"3;;c\n")
        return text(ft, match, head, *rest)

    monkeypatch.setattr(inspection, "_begin", going_on)
    result = world.load()
    assert (result.loaded, result.received, world.inbox()) == (1, 1, [moving.name])
    assert world.query("select count(*) from raw.citat__sag") == [(0,)]


@pytest.mark.parametrize("suffix", [".filepart", ".FILEPART", ".Tmp", ".PART", ".CrDownload", ".Partial", ".temp", ".Incomplete"])
def test_a_passing_name_is_never_touched(world, suffix):
    name = OPEN["delimited"][1] + suffix
    world.put("citat", name, b"x", ago(90_000))
    result = world.load()
    assert (result.received, result.under_way, world.inbox()) == (0, 1, [name])
    assert [(one.sender, one.name, one.seconds) for one in under_way(world.home)] == [("citat", name, None)]


def test_what_is_under_way_is_told_and_is_no_fault(tmp_path, monkeypatch):
    """`flis load` and `flis status` say what lies there and why; it is not counted as something that waits, and the next run looks again."""
    monkeypatch.setenv("FLIS_HVILETID", "300")
    home = tmp_path / "hjem"
    (home / "indbakke" / "kmd").mkdir(parents=True)
    (home / "opsaetning").mkdir()
    (home / "opsaetning" / "kommune_opsaetning.csv").write_text(
        "kommunekode,fagomraade,kildesystem,kadence,gyldig_fra,gyldig_til,instrueret\n0813,personale,kmd_opus_loen,maaned,2020-01-01,,true\n", "utf-8")
    (home / "noegle").write_text("3f9c1b7ae04d5286f1c8a93b6d70e25419ab4c8f027d6e53b1f84a0c97d2653e")
    name = "ZLFRAV_813_202608_20260905.csv"
    head = "Kommunekode;Medarbejdernummer;CPR_nummer;Løbenummer;Fraværsart;Fra;Til;Timer;Delvis\n"
    lines = [f"813;000000{i:02d};1203601230;{i};0100;01.08.2026;02.08.2026;7,40;\n" for i in range(1, 21)]
    path = home / "indbakke" / "kmd" / name
    path.write_bytes((head + "".join(lines[:8])).encode("latin-1"))
    said = flis("load", "--home", str(home))
    assert said.returncode == 0 and f"kmd/{name}" in said.stdout and "lain still for 300 s" in said.stdout
    said = flis("status", "--home", str(home))
    assert f"kmd/{name}" in said.stdout and "0 files wait" in said.stdout
    path.write_bytes((head + "".join(lines)).encode("latin-1"))
    os.utime(path, (ago(400),) * 2)
    assert status.waiting_files(_home(home)) == [f"kmd/{name}"]
    assert flis("load", "--home", str(home)).returncode == 0
    with duckdb.connect(str(home / "flis_cpr.duckdb"), read_only=True) as con:
        assert con.execute("select count(*) from raw.kmd_opus_loen__fravaer").fetchall() == [(20,)]


def _home(path: Path):
    from flis.core.home import Home

    return Home(path)


# ------------------------------------------------------------------ the reader


BESIDE = {
    "saldo": [(f"SALDO_101_2026{m:02d}_20260805.csv", saldo(*[GOOD] * m)) for m in range(1, 6)],
    "citat": [(f"CITAT_{k}_20260101.csv", C(CITAT + '1;;"a\nb"\n')) for k in ("0101", "0461")],
    "register": [("R260101.TXT", register("F", 1, 0, f"001{PERSONS[0]}navnet"))],
    "skifter": [(f"SKIFTER_0101_2026{m:02d}.txt", b"a|b\n1|2\n") for m in (1, 2)],
    "jlinjer": [(f"J_{k}_202601011200.jsonl", JSON) for k in ("0101", "0461")],
    "xposter": [(f"X_{k}_20260101.xml", XML) for k in ("0101", "0461")],
}
ALL = [(sender, name) for sender, files in BESIDE.items() for name, _ in files]


@pytest.fixture
def crowded(world) -> World:
    for sender, files in BESIDE.items():
        for name, content in files:
            world.put(sender, name, content)
    return world


def failing_reader(monkeypatch, name: str, error: Exception) -> None:
    """A reader that fails on every spool in which the file stands, as DuckDB's does: it is not told which file it was."""
    whole = splitting.into_raw

    def reader(con, ft, spool, parts, setup):
        if any(part.fil == name for part in parts):
            raise error
        return whole(con, ft, spool, parts, setup)

    monkeypatch.setattr(splitting, "into_raw", reader)


@pytest.mark.parametrize("sender, name", ALL)
def test_a_file_that_the_reader_fails_on_is_in_nobodys_way(crowded, monkeypatch, sender, name):
    failing_reader(monkeypatch, name, duckdb.InvalidInputException("CSV Parser state machine reached an invalid state: 0101701234"))
    result = crowded.load()
    assert (result.loaded, result.rejected) == (len(ALL) - 1, 1)
    assert {fil for fil, outcome in crowded.statuses().items() if outcome != "aktiv"} == {name} and crowded.inbox() == []
    row = crowded.ledger(name)
    assert row["aarsag_kode"] == "laesefejl" and "InvalidInputException" in row["aarsag"] and "0101701234" not in row["aarsag"]
    note = (crowded.home.quarantine / sender / f"{name}.aarsag.txt").read_text("utf-8")
    assert "Læseren kunne ikke komme igennem filen" in note and "0101701234" not in note


@pytest.mark.parametrize("error", [duckdb.ConversionException("x"), duckdb.OutOfRangeException("x"), duckdb.InternalException("x"), splitting.Unbalanced("x"), ValueError("x"), RecursionError("x")])
def test_whatever_the_reader_says_of_a_file(crowded, monkeypatch, error):
    failing_reader(monkeypatch, ALL[2][1], error)
    assert (crowded.load().rejected, crowded.inbox()) == (1, [])


@pytest.mark.parametrize("error", [duckdb.IOException("x"), duckdb.OutOfMemoryException("x"), duckdb.BinderException("x"), OSError(5, "x"), MemoryError("x")])
def test_a_fault_of_ours_refuses_no_file(crowded, monkeypatch, error):
    failing_reader(monkeypatch, ALL[2][1], error)
    with pytest.raises(LoadError, match=ALL[2][1]):
        crowded.load()
    assert crowded.inbox() == [ALL[2][1]] and set(crowded.statuses().values()) == {"aktiv"}
    monkeypatch.undo()
    assert crowded.load().loaded == 1


def test_a_database_that_cannot_read_refuses_no_file(crowded, monkeypatch):
    """When a line that is known to be right cannot be read either, it is not the files."""
    def broken(*_):
        raise duckdb.InvalidInputException("x")

    monkeypatch.setattr(splitting, "into_raw", broken)
    monkeypatch.setattr(splitting, "_reader", broken)
    with pytest.raises(LoadError):
        crowded.load()
    assert len(crowded.inbox()) == len(ALL)


@pytest.mark.parametrize("sender, name", ALL)
def test_a_file_that_the_first_pass_fails_on(crowded, monkeypatch, sender, name):
    whole = inspection.inspect

    def inspect(path, *rest):
        if path.name == name:
            raise IndexError("x")
        return whole(path, *rest)

    monkeypatch.setattr(inspection, "inspect", inspect)
    result = crowded.load()
    assert (result.loaded, result.rejected, crowded.inbox()) == (len(ALL) - 1, 1, [])
    assert crowded.ledger(name)["aarsag_kode"] == "laesefejl"


def test_several_files_that_the_reader_fails_on(crowded, monkeypatch):
    bad = {ALL[1][1], ALL[3][1], ALL[-1][1]}
    for name in bad:
        failing_reader(monkeypatch, name, duckdb.InvalidInputException("x"))
    result = crowded.load()
    assert (result.loaded, result.rejected, crowded.inbox()) == (len(ALL) - 3, 3, [])
    assert {fil for fil, outcome in crowded.statuses().items() if outcome == "afvist"} == bad


@pytest.mark.parametrize("written, read", [
    ("Skoler&#xD;&#xA;og dagtilbud", "Skoler\nog dagtilbud"), ("a&#13;b", "a\nb"), ("a&#xD;", "a\n"), ("&#xD;&#xD;b", "\n\nb"), ("a\r\nb", "a\nb"), ("a&#x85;b&#x2028;c", "a\x85b\u2028c"),
])
def test_a_carriage_return_in_xml_is_a_line_break(world, written, read):
    """In an element and in an attribute; it stopped the reader for every file of the same shape."""
    world.put("xposter", "X_0101_20260101.xml", f'<L><Indsats Id="{written}"><Tekst>{written}</Tekst></Indsats><Indsats Id="2"/></L>')
    world.put("xposter", "X_0461_20260101.xml", XML)
    assert (world.load().loaded, world.inbox()) == (2, [])
    rows = world.query("select _kommunekode, id, tekst from raw.xposter__indsats order by _kommunekode, id = '2'")
    in_attribute = read if "\r\n" not in written else "a b"         # XML itself makes a space of a line break that stands in an attribute
    assert rows == [("0101", in_attribute, read), ("0101", "2", ""), ("0461", "1", "a")]


def test_the_reason_is_in_the_catalogue():
    assert catalogue()["laesefejl"]["udfald"] == "afvist"
