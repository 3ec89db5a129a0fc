"""The reports: each municipality gets its own and nothing of another's, what has moved is told, and nothing new means nothing written."""

from __future__ import annotations

import re
import shutil
import zipfile
from datetime import date
from itertools import pairwise
from pathlib import Path

import openpyxl
import pytest

from flis.core import danish
from flis.core.database import connect
from flis.core.home import Home
from flis.core.keys import create_key, master_key, pseudonym, recipient_key
from flis.quality.validate import release
from flis.report import pages
from flis.report.report import FOLDER, PERSON, ReportResult, report
from regelverden import World
from test_validate import FEB, JAN, clock, correct, post, posts, write_rules  # noqa: F401  (clock is a fixture)

FIXED = ("Læs mig", "Oversigt")


def page_of(home: Home, code: str) -> str:
    return (home.outbox / code / FOLDER / "rapport.html").read_text("utf-8")


def book_of(home: Home, code: str, area: str = "oekonomi") -> openpyxl.Workbook:
    return openpyxl.load_workbook(home.outbox / code / FOLDER / f"{area}.xlsx")


def rows_of(sheet) -> list[tuple]:
    """The table of a rule's sheet, without its heading."""
    rows = [tuple(c.value for c in row) for row in sheet.iter_rows()]
    head = next(n for n, row in enumerate(rows) if row[:3] == ("Måned", "System", "Nøgle"))
    return rows[head + 1:]


def files_of(home: Home) -> dict[Path, bytes]:
    return {p.relative_to(home.root): p.read_bytes() for top in (home.outbox.glob(f"*/{FOLDER}/*"), home.reports.rglob("*.html")) for p in top}


def text_of(path: Path) -> str:
    """All text of a report file; a workbook is a zip of XML."""
    if path.suffix != ".xlsx":
        return path.read_text("utf-8")
    with zipfile.ZipFile(path) as book:
        return "\n".join(book.read(n).decode("utf-8") for n in book.namelist())


def tokens(path: Path) -> set[str]:
    """What stands as a value of its own: between tags."""
    return {t.strip() for t in re.findall(r">([^<>]+)<", text_of(path))}


# --- the walked demo ---------------------------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def demo(demo_hjem: Home, tmp_path_factory) -> Home:
    """The demo's databases in a home of their own, reported on."""
    home = Home(tmp_path_factory.mktemp("rapport")).prepare()
    for name in ("flis.duckdb", "flis_cpr.duckdb", "noegle"):
        shutil.copy2(demo_hjem.root / name, home.root / name)
    report(home)
    return home


def ask(home: Home, sql: str, *values) -> list[tuple]:
    with connect(home) as con:
        return con.execute(sql, list(values)).fetchall()


def test_every_municipality_with_an_instruction_has_its_report(demo: Home) -> None:
    instructed = ask(demo, "select distinct kommunekode, fagomraade from cpr.raw.opsaetning_kommune_opsaetning where instrueret and fagomraade <> 'faelles' order by all")
    assert {p.parents[1].name for p in demo.outbox.glob(f"*/{FOLDER}/rapport.html")} == {code for code, _ in instructed}
    measured = {(c, a) for c, a in ask(demo, "select distinct kommunekode, fagomraade from kvalitet.resultat where raekker > 0")} & set(instructed)
    assert {(p.parents[1].name, p.stem) for p in demo.outbox.glob(f"*/{FOLDER}/*.xlsx")} == measured
    for path in demo.outbox.glob(f"*/{FOLDER}/*"):
        assert path.stat().st_mode & 0o777 == 0o400 and path.parent.stat().st_mode & 0o777 == 0o700
    assert {p.stem for p in (demo.reports / "faggrupper").glob("*.html")} == {area for _, area in instructed}


def test_a_workbook_has_a_sheet_per_rule_with_rows_and_all_of_them(demo: Home) -> None:
    seen = 0
    names = dict(ask(demo, "select kildesystem, systemnavn from marts.dim_kildesystem"))
    for path in sorted(demo.outbox.glob(f"*/{FOLDER}/*.xlsx")):
        code, book = path.parents[1].name, openpyxl.load_workbook(path)
        key = recipient_key(master_key(demo), code)
        expected: dict[str, list[tuple]] = {}
        for rule, month, noegle, file, line, delivery, trend in ask(demo, """
                select regel_id, periode, noegle, fil, linje, leverance_id, udvikling from kvalitet.afvigelse where kommunekode = ? and fagomraade = ?""", code, path.stem):
            system, _, own = noegle.partition("|")
            expected.setdefault(rule, []).append((month, "" if system == path.stem else names.get(system, system), PERSON.sub(lambda m: pseudonym(key, m[0]), own), file, line, delivery, pages.texts()["udvikling"][trend]))
        assert set(book.sheetnames) == {*FIXED, *expected}
        for rule, rows in expected.items():
            found = [(r[0] and r[0].date(), *r[1:5], r[6], r[7]) for r in rows_of(book[rule])]
            assert sorted(found, key=str) == sorted(rows, key=str)
            seen += len(rows)
    assert seen == ask(demo, "select count(*) from kvalitet.afvigelse where kommunekode <> '0998'")[0][0] > 50


def test_a_report_holds_nothing_individual_of_another_municipality(demo: Home) -> None:
    """The attack: every key found in another municipality, as it stands and keyed anew for either; every person's master id; every CPR number."""
    master = master_key(demo)
    found: dict[str, set[str]] = {}
    # A file that covers the country is nobody's own, and its name says nothing of anybody.
    for code, noegle in ask(demo, "select distinct kommunekode, noegle from kvalitet.fund where not (kommunekode = '0998' and split_part(noegle, '|', 2) in (select fil from cpr.raw.leverance))"):
        found.setdefault(code, set()).add(noegle.partition("|")[2])
    persons = {p for (p,) in ask(demo, "select person_id from cpr.raw.person_noegle")}
    numbers = {c for (c,) in ask(demo, "select cpr from cpr.raw.person_noegle")} - {"0000000000"}       # which a rule names as what is no number
    assert any(PERSON.fullmatch(k) for keys in found.values() for k in keys) and "0998" in found
    keyed = {code: {PERSON.sub(lambda m, key=recipient_key(master, code): pseudonym(key, m[0]), k) for k in keys} for code, keys in found.items()}
    for path in demo.outbox.glob(f"*/{FOLDER}/*"):
        code, text, values = path.parents[1].name, text_of(path), tokens(path)
        mine = recipient_key(master, code)
        for other in set(found) - {code}:
            theirs = found[other] | keyed[other] | {PERSON.sub(lambda m: pseudonym(mine, m[0]), k) for k in found[other]}
            assert not values & (theirs - keyed.get(code, set())), f"{path.name} of {code} holds a key of {other}"
        assert not set(PERSON.findall(text)) & persons
        assert not {t.replace("-", "") for t in re.findall(r"(?<!\d)\d{6}-?\d{4}(?!\d)", text)} & numbers
        names = {n for c, n in ask(demo, "select kommunekode, kommunenavn from marts.dim_kommune where er_kommune") if c != code}
        assert not values & names
    for path in demo.reports.rglob("*.html"):       # the common pages: counts only
        assert not tokens(path) & set().union(*found.values(), *keyed.values()) and not PERSON.findall(text_of(path)), path.name


def test_nothing_new_nothing_written_and_the_same_bytes(demo: Home) -> None:
    before = files_of(demo)
    again = report(demo)
    assert (len(again.written), again.workbooks, again.bytes) == (0, 0, 0) and again.facts()["unchanged"] == len(again.unchanged) > 20
    for path in before:
        (demo.root / path).unlink()
    report(demo)
    assert files_of(demo) == before


def test_pages_stand_alone(demo: Home) -> None:
    """No script, nothing from elsewhere; headings in order, headers with a scope."""
    for path in [*demo.reports.rglob("*.html"), *demo.outbox.glob(f"*/{FOLDER}/rapport.html")]:
        page = path.read_text("utf-8")
        assert not re.search(r"<script|<link|<img|@import|url\(|https?://|\son\w+=", page), path
        levels = [int(n) for n in re.findall(r"<h(\d)", page)]
        assert levels[0] == 1 and levels.count(1) == 1 and all(b <= a + 1 for a, b in pairwise(levels)), path
        assert "<th>" not in page and "<th " in page
        ids = re.findall(r'\sid="([^"]+)"', page)
        assert len(ids) == len(set(ids)) and set(re.findall(r'href="#([^"]+)"', page)) <= set(ids), path


def test_a_system_is_named_and_a_refused_delivery_has_its_reason(demo: Home) -> None:
    refused = ask(demo, "select kommunekode, fil, aarsag from cpr.raw.leverance where status = 'afvist' and kommunekode is not null and fagomraade is not null")
    assert refused
    for code, file, reason in refused:
        page = page_of(demo, code)
        assert file in page and reason.split(";")[0].split(" (")[0] in page
    assert "KMD Nexus" in page_of(demo, "0101") and "kmd_nexus" not in page_of(demo, "0101")


def test_narrowed_to_a_municipality_or_an_area(demo: Home) -> None:
    one = report(demo, kommune="0101")
    assert [p.parents[1].name for p in one.unchanged] == ["0101"]
    area = report(demo, fagomraade="borger", periode="2026-01")
    assert [p.name for p in area.unchanged if "faggrupper" in p.parts] == ["borger.html"]


# --- a small world -----------------------------------------------------------------------------------------------------------------------------

def municipality(code: str, name: str, group: str = "Landkommuner") -> tuple[str, dict]:
    return "dim_kommune", {"kommunekode": code, "kommunenavn": name, "kommunegruppe": group, "er_kommune": True}


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path / "hjem")
    create_key(made.home)
    made.instruct("0101", "0147", areas=("oekonomi",))
    made.add(municipality("0101", "Ankeborg"), municipality("0147", "Gåseby"))
    return made


def test_new_and_resolved_since_the_last_run(tmp_path: Path, world: World, clock) -> None:  # noqa: F811
    world.add(*posts("0101", 5, 3))
    rules = write_rules(tmp_path, {})
    clock(world, 1, rules)
    report(world.home)
    page = page_of(world.home, "0101")
    assert "Det er den første måling" in page and "3 af 8 rækker (37,5\u00a0%) i januar 2026." in page and "1 fejl skal ses på" in page
    assert {r[7] for r in rows_of(book_of(world.home, "0101")["OK-90"])} == {"første måling"}
    correct(world, "kilde_id in ('0101-0', '0101-1')")
    world.add(post("ny", beloeb_kr=-1))
    clock(world, 2, rules)
    result = report(world.home)
    assert "2 rækker er løst, og 1 er ny, siden kørslen den 1. marts 2026." in page_of(world.home, "0101")
    assert "2 rækker løst" in page_of(world.home, "0101")
    assert {(r[2], r[7], r[8].date()) for r in rows_of(book_of(world.home, "0101")["OK-90"])} == {("0101-2", "stadig", date(2026, 3, 1)), ("ny", "ny", date(2026, 3, 2))}
    assert result.workbooks == 1 and "har givet instruks for området, men der er endnu ingen data" in page_of(world.home, "0147").replace("Kommunen ", "")
    group = (world.home.reports / "faggrupper" / "oekonomi.html").read_text("utf-8")
    assert "Ankeborg" in group and "Udvikling" in group


def test_the_faggruppe_sees_others_rows_roughly(tmp_path: Path, world: World, clock) -> None:  # noqa: F811
    """A municipality's few rows are not told to others, nor are they what is left when the others' are taken from the sum."""
    assert [pages.rough(n) for n in (0, 1, 4, 5, 7, 8, 1_012)] == ["0", "1–4", "1–4", "5", "5", "10", "1.010"]
    world.add(*posts("0101", 9, 2), *posts("0147", 30, 13))
    clock(world, 1, write_rules(tmp_path, {}))
    report(world.home)
    page = (world.home.reports / "faggrupper" / "oekonomi.html").read_text("utf-8")
    cells = [found for line in re.findall(r'<tr><th scope="row">.*', page) for found in re.findall(r'<td class="(?:fejl|advarsel|under)">([^<]*)<', line)]
    assert cells and set(cells) <= {"1–4", "15", "10", "5"} and "1–4" in cells
    assert 'data-navn="Rækker">15<' in page and "til nærmeste 5," in page


def test_one_municipalitys_correction_leaves_the_others_reports(tmp_path: Path, world: World, clock) -> None:  # noqa: F811
    world.add(*posts("0101", 5, 3), *posts("0147", 5, 2))
    rules = write_rules(tmp_path, {})
    clock(world, 1, rules)
    report(world.home)
    correct(world, "kilde_id = '0101-1'")
    clock(world, 2, rules)        # from now on there is an earlier run to hold the newest against
    report(world.home)
    before = files_of(world.home)
    correct(world, "kilde_id = '0101-0'")
    clock(world, 3, rules)
    report(world.home)
    after = files_of(world.home)
    moved = {p for p in after if after[p] != before.get(p)}
    assert "1 række er løst" in page_of(world.home, "0101") and "Målt 2. marts 2026" in page_of(world.home, "0147")
    assert {p.parts[1] for p in moved if FOLDER in p.parts} == {"0101"}


def test_text_is_never_a_formula_or_a_link(tmp_path: Path, world: World, clock) -> None:  # noqa: F811
    wild = ['=HYPERLINK("http://x")', "https://x.dk/a", "+1+1", "@SUM(A1)", "007", "<b>&"]
    world.add(*(post(w, beloeb_kr=-1) for w in wild))
    clock(world, 1, write_rules(tmp_path, {}))
    report(world.home)
    sheet = book_of(world.home, "0101")["OK-90"]
    cells = {c.value: c for row in sheet.iter_rows() for c in row if c.value in wild}
    assert set(cells) == set(wild) and all(c.data_type == "s" and c.hyperlink is None for c in cells.values())
    page = page_of(world.home, "0101")
    assert "<b>&</b>" not in page and "&lt;b&gt;&amp;" in page


def test_types_in_the_sheet(tmp_path: Path, world: World, clock) -> None:  # noqa: F811
    world.add(*posts("0101", 1, 1))
    clock(world, 1, write_rules(tmp_path, {}))
    report(world.home)
    book = book_of(world.home, "0101")
    row = next(r for r in book["OK-90"].iter_rows() if r[2].value == "0101-0")
    assert row[0].value.date() == JAN and row[0].is_date and isinstance(row[4].value, int) and row[6].value == 7
    assert book["OK-90"].freeze_panes and len(book["OK-90"].tables) == 1 and "OK-90" in [c.value for c in book["Oversigt"]["A"]]
    assert book["Læs mig"]["A1"].value == "Økonomi: rækker til rettelse"


def test_held_and_released_with_reason(tmp_path: Path, world: World, clock) -> None:  # noqa: F811
    world.add(*posts("0101", 9, 2), *posts("0147", 9, 2))
    rules = write_rules(tmp_path, {})
    clock(world, 1, rules)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("flis.quality.validate.refresh.__defaults__", (rules,))
        patch.setenv("FLIS_UDFOERT_AF", "drift7")
        release(world.home, "0101", "oekonomi", "Kommunen har bekræftet tallene")
    report(world.home)
    released, held_back = page_of(world.home, "0101"), page_of(world.home, "0147")
    assert "Begrundelse: Kommunen har bekræftet tallene" in released and "er holdt tilbage</b>" not in released and "drift7" not in released
    assert "Pakken for Økonomi er holdt tilbage</b>, fordi" in held_back and "Kommunen har bekræftet" not in held_back
    group = (world.home.reports / "faggrupper" / "oekonomi.html").read_text("utf-8")
    assert "Kommunen har bekræftet tallene" in group and "OK-90 januar 2026" in group


def test_a_release_that_has_ended_is_told_with_why(tmp_path: Path, world: World, clock) -> None:  # noqa: F811
    world.add(*posts("0101", 9, 2))
    clock(world, 1, write_rules(tmp_path, {}))
    with connect(world.home, write="flis") as con:
        con.execute("insert into kvalitet.frigivelse values ('0101', 'oekonomi', 'OK-90', date '2026-01-01', 2, 'Set og fundet rigtigt', 'drift7', timestamp '2026-02-10 08:00', [6])")
    report(world.home)
    told = "Frigivelsen fra 10-02-2026 gælder ikke længere: en anden leverance er kommet i stedet for den, der blev frigivet."
    page = page_of(world.home, "0101")
    assert "er holdt tilbage</b>" in page and told in page and "Set og fundet rigtigt" not in page
    with connect(world.home, write="flis") as con:
        con.execute("update kvalitet.frigivelse set leverancer = [7, 9], afvigelser = 1")
    report(world.home)
    assert "gælder ikke længere: der er flere rækker med fejl (2) end dengang (1)." in page_of(world.home, "0101")


def test_accepted_not_run_under_the_threshold_and_nobodys_rows(tmp_path: Path, world: World, clock) -> None:  # noqa: F811
    world.add(*posts("0101", 99, 1), *posts("0147", 9, 2), post("ingens", kommunekode=None, beloeb_kr=-1))
    world.accept("0147", "OK-90", 2)
    clock(world, 1, write_rules(tmp_path, {}, {"regel_id": "OK-91", "sql": "select * from {batch} where findes_ikke = 1"}))
    report(world.home)
    first, second = page_of(world.home, "0101"), page_of(world.home, "0147")
    assert "Under grænsen" in first and "0101-0" in first and "ingens" not in first + second
    assert "Aftalt med faggruppen" in second and "Aftalt med faggruppen" not in first
    assert "fejl hos os" in first and "findes_ikke" not in first
    assert "OK-90" in book_of(world.home, "0101").sheetnames
    group = (world.home.reports / "faggrupper" / "oekonomi.html").read_text("utf-8")
    assert "findes_ikke" in group and "Aftalt med faggruppen" in group
    assert "OK-91" in (world.home.reports / "kvalitet.html").read_text("utf-8")


def test_a_mean_rests_on_five_others_and_names_nobody(tmp_path: Path, world: World, clock) -> None:  # noqa: F811
    codes = ["0151", "0153", "0155", "0157"]
    world.instruct(*codes, areas=("oekonomi",))
    world.add(*(municipality(c, f"By{c}") for c in codes), *posts("0101", 5, 5), *posts("0147", 9, 1), *(p for c in codes[:3] for p in posts(c, 10, 0)))
    rules = write_rules(tmp_path, {})
    clock(world, 1, rules)
    report(world.home)
    assert "Ved siden af andre" not in page_of(world.home, "0101")          # four others have data
    world.add(*posts("0157", 10, 0))
    clock(world, 2, rules, alt=True)
    report(world.home)
    page = page_of(world.home, "0101")
    assert "50\u00a0% af jeres rækker; i gennemsnit 2\u00a0% hos" in page and "de 5 andre kommuner i gruppen Landkommuner" in page
    assert not any(name in page for name in ("Gåseby", *(f"By{c}" for c in codes)))


def test_more_rows_than_are_kept_is_said(tmp_path: Path, world: World, clock, monkeypatch) -> None:  # noqa: F811
    world.add(*posts("0101", 1, 6))
    monkeypatch.setattr("flis.quality.measuring.MOST_DEVIATIONS", 4)
    clock(world, 1, write_rules(tmp_path, {}))
    report(world.home)
    sheet = book_of(world.home, "0101")["OK-90"]
    assert len(rows_of(sheet)) == 4 and any("6 rækker; her står 4" in str(c.value) for c in sheet["B"])


def test_what_stands_for_an_ended_instruction_goes(tmp_path: Path, world: World, clock) -> None:  # noqa: F811
    world.add(*posts("0101", 1, 1))
    rules = write_rules(tmp_path, {})
    clock(world, 1, rules)
    report(world.home)
    with connect(world.home, write="cpr") as con:
        con.execute("update raw.opsaetning_kommune_opsaetning set gyldig_til = '2026-02-01' where kommunekode = '0101'")
    clock(world, 2, rules)
    report(world.home)
    assert [p.parents[1].name for p in world.home.outbox.glob(f"*/{FOLDER}/*")] == ["0147"]


def test_what_other_parts_have_made_is_shown_and_nothing_is_missed_without(tmp_path: Path, world: World, clock) -> None:  # noqa: F811
    world.add(*posts("0101", 5, 0))
    clock(world, 1, write_rules(tmp_path, {}))
    with connect(world.home, write="flis") as con:
        con.execute("create or replace table kvalitet.kontrolsum as select '0101' as kommunekode, 'oekonomi' as fagomraade, date '2026-01-01' as periode, 'kmd_opus' as kildesystem, "
                    "'fil.csv' as fil, 1234.5 as leveret_kr, 1000 as standard_kr, 0 as frasat_kr, 234.5 as forskel_kr")
    report(world.home)
    assert "Kontrolsummer, der ikke går op" in page_of(world.home, "0101") and "1.234,50" in page_of(world.home, "0101")
    assert "Kontrolsummer" not in page_of(world.home, "0147")


def test_without_a_quality_store_nothing_is_written(tmp_path: Path) -> None:
    home = Home(tmp_path).prepare()
    assert report(home).facts() == ReportResult().facts()


@pytest.mark.parametrize(("value", "text"), [(0, "0\u00a0%"), (0.005, "0,5\u00a0%"), (0.00012, "0,012\u00a0%"), (0.376, "37,6\u00a0%"), (1, "100\u00a0%"), (None, "–")])
def test_shares_in_danish(value: float | None, text: str) -> None:
    assert danish.share(value) == text


def test_months_in_danish() -> None:
    months = [date(2025, 11, 1), date(2025, 12, 1), JAN, date(2026, 3, 1), date(2026, 3, 1), None]
    assert danish.months(months) == "november 2025 til januar 2026 og marts 2026"
    assert danish.months([JAN, FEB]) == "januar til februar 2026" and danish.months([]) == "" and danish.number(1234567.5, 1) == "1.234.567,5"
