"""The declaration: figures counted another way, what is missing told apart, and what the README, the page and the DQV file hold."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import re
import shutil
import statistics
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyshacl
import pytest
from rdflib import RDF, SH, Graph

from flis.contracts import datapackage as dp
from flis.core.database import connect
from flis.core.home import REPO, Home
from flis.package.write import newest_version, package
from flis.quality import rules
from flis.quality.validate import refresh, validate
from flis.report import declaration as step
from flis.report.declaration import COUNTRY, Declaration, Figure, declare, measures
from flis.report.pages import rough_share
from regelverden import World

SHAPES = Graph().parse(step.FOLDER / "dqv_shapes.ttl")
CPR = re.compile(r"(?<!\d)\d{6}-?\d{4}(?!\d)")
REASON = "Aftalt med faggruppen: bilaget er et kendt mellemregnskab"


def table(home: Home) -> dict[tuple[str, str, str], tuple]:
    """(fagområde, municipality, measure) → (numerator, denominator, value, status, reason)."""
    with connect(home) as con:
        return {tuple(row[:3]): tuple(row[3:]) for row in con.execute(
            "select fagomraade, kommunekode, maal_id, taeller, naevner, vaerdi, status, aarsag from kvalitet.deklaration").fetchall()}


def rows(home: Home, sql: str) -> list[tuple]:
    with connect(home) as con:
        return con.execute(sql).fetchall()


def run(home: Home, manifest: dp.Manifest) -> dict:
    with connect(home, write="flis") as con:
        return declare(con, home, manifest)


# --- a small world ---------------------------------------------------------------------------------------------------------------------------

@pytest.fixture
def tomt(tmp_path) -> dp.Manifest:
    (tmp_path / "manifest.json").write_text('{"nodes": {}, "sources": {}}')
    return dp.Manifest(tmp_path / "manifest.json")


@pytest.fixture
def verden(tmp_path) -> World:
    """Two municipalities: one delivers with faults, one has delivered nothing; a third has not instructed."""
    world = World(tmp_path / "hjem")
    world.instruct("0101", "0147", areas=("oekonomi",))
    month = {"fagomraade": "oekonomi", "kildesystem": "kmd_opus", "periode": date(2026, 1, 1), "rolle": "primaer", "kadence": "maaned", "er_instrueret": True,
             "frist": date(2026, 2, 10), "opgjort_dato": date(2026, 3, 13), "antal_forventet": 4, "antal_forsinket": 0, "antal_erstattet": 0, "er_fuldt_daekket": False}
    world.add(
        ("leveranceoversigt", {**month, "kommunekode": "0101", "antal_modtaget": 3, "antal_forsinket": 1, "antal_erstattet": 1, "senest_udtrukket": date(2026, 2, 5)}),
        ("leveranceoversigt", {**month, "kommunekode": "0147", "antal_modtaget": 0}),
        ("leveranceoversigt", {**month, "kommunekode": "0151", "antal_modtaget": 4, "er_instrueret": False}),
        ("raekkeregnskab", {"leverance_id": 7, "fagomraade": "oekonomi", "kommunekode": "0101", "kildesystem": "kmd_opus", "tabel": "zd1sl", "antal_ind": 200_000,
                            "antal_ud": 199_999, "antal_sammenlagt": 0, "antal_frasat": 1, "antal_ikke_gaeldende": 0}))
    return world


def test_a_true_nought_is_not_a_missing_figure(verden, tomt):
    run(verden.home, tomt)
    found = table(verden.home)
    assert found["oekonomi", "0101", "dq:filer_modtaget"][:4] == (3, 4, Decimal("0.75"), "opgjort")
    assert found["oekonomi", "0147", "dq:filer_modtaget"][:4] == (0, 4, 0, "opgjort")
    assert found["oekonomi", COUNTRY, "dq:filer_modtaget"][:4] == (3, 8, Decimal("0.375"), "opgjort")
    assert found["oekonomi", "0101", "dq:filer_til_tiden"][2] == Decimal("0.5")
    assert found["oekonomi", "0101", "dq:maaneder_rettet"][2] == 1
    assert found["oekonomi", "0147", "dq:maaneder_rettet"][2:4] == (None, "ikke_relevant")
    assert not [key for key in found if key[1] == "0151"], "a municipality without an instruction has no figures"


def test_what_has_not_run_is_not_whole(verden, tomt):
    """No rule has run, no profile has been made: the figures are missing with a reason, and no share stands at 100 %."""
    run(verden.home, tomt)
    found = table(verden.home)
    for measure in ("dq:regler_korrekthed", "dq:raekker_uden_fejl", "dq:felter_udfyldt", "dq:officiel_overensstemmelse"):
        for place in ("0101", COUNTRY):
            *numbers, status, reason = found["oekonomi", place, measure]
            assert numbers == [None, None, None] and status == "ikke_opgjort" and reason, (measure, place)
    with connect(verden.home, write="flis") as con:
        refresh(con)                     # the rules are known, and none has run
    run(verden.home, tomt)
    assert table(verden.home)["oekonomi", COUNTRY, "dq:regler_korrekthed"][2:] == (None, "ikke_opgjort", "Reglerne er ikke kørt.")


def test_a_rule_that_could_not_run_is_not_passed(verden, tomt, tmp_path):
    rule = """
- regel_id: OK-{nr}
  titel: Prøve
  dimension: korrekthed
  alvor: fejl
  hvad: a
  hvornaar: b
  hvordan: c
  taerskel: {{antal: 0, grund: "Prøve", dato: 2026-01-01}}
  faggruppe: faggruppe_oekonomi
  rolle: dataejer
  model: std_oekonomi__postering
  sql: select kommunekode, kildesystem, kilde_id, periode from {{batch}} where {where}
"""
    folder = tmp_path / "regler"
    folder.mkdir()
    (folder / "oekonomi.yml").write_text(rule.format(nr="01", where="findes_ikke = 1"))
    validate(verden.home, rules_folder=folder)
    run(verden.home, tomt)
    assert table(verden.home)["oekonomi", COUNTRY, "dq:regler_korrekthed"][2:4] == (None, "ikke_opgjort")
    assert "kunne ikke køre" in table(verden.home)["oekonomi", "0101", "dq:regler_korrekthed"][4]
    verden.add(("std_oekonomi__postering", {"kommunekode": "0101", "kildesystem": "kmd_opus", "kilde_id": "1", "periode": date(2026, 1, 1), "beloeb_kr": 1}))
    (folder / "oekonomi.yml").write_text(rule.format(nr="01", where="findes_ikke = 1") + rule.format(nr="02", where="beloeb_kr = 1"))
    validate(verden.home, rules_folder=folder, alt=True)
    run(verden.home, tomt)
    numerator, denominator, value, status, reason = table(verden.home)["oekonomi", "0101", "dq:regler_korrekthed"]
    assert (numerator, denominator, value, status) == (0, 1, 0, "opgjort") and reason.startswith("1 af reglerne kunne ikke køre")


def test_a_share_that_is_not_whole_is_not_shown_as_whole(verden, tomt):
    run(verden.home, tomt)
    assert table(verden.home)["oekonomi", "0101", "dq:raekker_standardiseret"][2] == Decimal("0.99999")
    share = next(m for m in measures() if m.enhed == "andel")
    shown = {v: step.shown(Figure(None, None, Decimal(v), "opgjort", None), share) for v in ("0", "0.00001", "0.5", "0.12346", "0.99999", "1")}
    assert shown == {"0": "0 %", "0.00001": "0,01 %", "0.5": "50 %", "0.12346": "12,35 %", "0.99999": "99,99 %", "1": "100 %"}


@pytest.mark.parametrize("part, whole, per_row, seen", [
    (0, 3, 1, None), (3, 3, 1, None), (5, 200, 1, None), (195, 200, 1, None), (5, 10, 1, None),           # nought, whole, and enough on each side
    (999, 1000, 1, ("mindst", "0.99")), (996, 1000, 1, ("mindst", "0.99")), (1, 1000, 1, ("højst", "0.01")), (4, 1000, 1, ("højst", "0.01")),
    (99, 100, 1, ("mindst", "0.95")), (47, 50, 1, ("mindst", "0.9")), (3, 50, 1, ("højst", "0.1")), (6, 10, 1, ("mindst", "0.5")),
    (5, 9, 1, ("for få rækker", None)), (1, 2, 1, ("for få rækker", None)),
    (2990, 3000, 3, ("mindst", "0.99")), (2985, 3000, 3, None),                                             # ten codes may be of four rows, fifteen are of five
])
def test_a_share_of_few_rows_is_told_roughly(part, whole, per_row, seen):
    found = rough_share(Decimal(part), Decimal(whole), per_row)
    assert found == (seen and (seen[0], seen[1] and Decimal(seen[1])))


def test_others_see_few_rows_roughly_and_the_municipality_its_own(verden, tomt):
    """One row of 200,000 is set aside: the page says at least 99 per cent, of the municipality and of the country, for it is all that the country has."""
    run(verden.home, tomt)
    measure = next(m for m in measures() if m.maal_id == "dq:raekker_standardiseret")
    with connect(verden.home) as con:
        declared = Declaration.read(con)
    assert step.shown(declared.figure("oekonomi", "0101", measure), measure) == "99,99 %"
    for place in ("0101", COUNTRY):
        assert step.shown(declared.for_others("oekonomi", place, measure), measure) == "mindst 99 %"
    page, jsonld = ((verden.home.docs / f"deklaration.{kind}").read_text("utf-8") for kind in ("html", "jsonld"))
    assert page.count("mindst 99 %") == 3 and "99,99" not in page and "0.99999" not in jsonld
    own = "\n".join(declared.readme_section("oekonomi", "0101"))
    assert f"| {measure.titel} | 99,99 % | mindst 99 % |" in own and "99,99" not in "\n".join(declared.readme_section("oekonomi", None))
    found = next(n for n in json.loads(declared.package_jsonld("oekonomi", "urn:x-flis:0101:oekonomi:1", "1", "Prøve", "0101"))["@graph"] if n["@id"] == "urn:x-flis:0101:oekonomi:1#raekker_standardiseret")
    assert found["dqv:value"]["@value"] == "0.99999"


def test_measures_of_rows_say_so(deklareret):
    """And of fields and codes how many stand in one row at most."""
    of_rows = {m.maal_id: m.raekker for m in measures() if m.raekker}
    assert {m.maal_id for m in measures() if re.search("raekke|antal_posteringer", m.sql)} == of_rows.keys()
    assert rows(deklareret, "select max(n) from (select count(*) as n from kvalitet.leveranceprofil group by _leverance_id, tabel)")[0][0] <= of_rows["dq:felter_udfyldt"]


def test_empty_fields_are_counted_in_the_deliveries_that_hold_now(verden, tomt):
    for delivery, name, empty in ((7, "art", 1), (7, "dranst", 0), (6, "art", 10)):     # 6 has been replaced
        verden.add(("leveranceprofil", {"_leverance_id": delivery, "fagomraade": "oekonomi", "kildesystem": "kmd_opus", "tabel": "zd1sl", "felt": name,
                                        "antal_raekker": 10, "antal_tomme": empty, "antal_ukendte": 0}))
    run(verden.home, tomt)
    assert table(verden.home)["oekonomi", "0101", "dq:felter_udfyldt"][:4] == (19, 20, Decimal("0.95"), "opgjort")
    assert table(verden.home)["oekonomi", COUNTRY, "dq:felter_udfyldt"][:3] == (19, 20, Decimal("0.95"))
    assert table(verden.home)["oekonomi", "0147", "dq:felter_udfyldt"][3] == "ikke_opgjort"


def test_a_measure_that_fails_is_not_computed_and_the_others_stand(verden, tomt, monkeypatch):
    broken = [m if m.maal_id != "dq:filer_modtaget" else step.Measure(**{**m.__dict__, "sql": "select 1/0, nix"}) for m in measures()]
    monkeypatch.setattr(step, "measures", lambda: tuple(broken))
    facts = run(verden.home, tomt)
    assert [f.partition(":")[2].partition(":")[0] for f in facts["failed"]] == ["filer_modtaget"]
    found = table(verden.home)
    assert found["oekonomi", COUNTRY, "dq:filer_modtaget"][2:4] == (None, "ikke_opgjort") and found["oekonomi", COUNTRY, "dq:filer_til_tiden"][3] == "opgjort"


def test_the_measures_and_caveats_are_in_order():
    found = measures()
    assert len({m.maal_id for m in found}) == len(found) and len(found) >= 15
    assert {m.dimension for m in found} == set(step.vocabulary()["dimensioner"]) == {"komplethed", "korrekthed", "aktualitet", "genbrugelighed"}
    assert {p.stem for p in step.FOLDER.glob("*.yml")} - {"maal"} == {p.stem for p in (REPO / "pakker").glob("[!_]*.yml")}, "every area has its caveats"
    for area in (p.stem for p in (REPO / "pakker").glob("[!_]*.yml")):
        assert {c.dimension for c in step.caveats(area)} <= set(step.vocabulary()["dimensioner"]) and all(c.kilde and c.dato and len(c.tekst) > 40 for c in step.caveats(area))


# --- the demo ----------------------------------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def manifest(demo_hjem) -> dp.Manifest:
    return dp.Manifest(Path(os.environ.get("DBT_TARGET_PATH", REPO / "target")) / "manifest.json")


@pytest.fixture(scope="module")
def deklareret(demo_hjem, manifest, tmp_path_factory) -> Home:
    """The demo's databases, declared and packaged; one package held by a rule is released, and one fault is accepted."""
    home = Home.of(tmp_path_factory.mktemp("deklareret")).prepare()
    for path in (demo_hjem.db, demo_hjem.cpr_db, demo_hjem.key_file):
        shutil.copy(path, home.root / path.name)
    with connect(home, write="flis") as con:
        con.execute("delete from drift.pakke")
        con.execute("""
            insert into kvalitet.frigivelse by name
            select kommunekode, fagomraade, regel_id, periode, afvigelser, $1 as grund, 'Anne Hemmelig' as udfoert_af, timestamp '2026-03-14 10:00:00' as tidspunkt
            from kvalitet.tilbageholdt where fagomraade = 'oekonomi'
        """, [REASON])
        con.execute("insert into kvalitet.accepteret select kommunekode, regel_id, null, 3, 'Kendt fra 010160-0001', date '2026-02-01' from kvalitet.resultat "
                    "where fagomraade = 'oekonomi' and kommunekode = '0185' and regel_id = 'OK-08' limit 1")
        declare(con, home, manifest)
    package(home)
    return home


def released(home: Home) -> str:
    """A municipality whose Økonomi package was released."""
    return rows(home, "select min(kommunekode) from kvalitet.frigivet where fagomraade = 'oekonomi'")[0][0]


def test_figures_are_what_a_count_by_hand_gives(deklareret):
    found = table(deklareret)
    files: dict[tuple, list[int]] = {}
    days: dict[tuple, dict] = {}
    for area, place, system, period, frist, settled, expected, received, late, covered, extracted in rows(deklareret, """
            select fagomraade, kommunekode, kildesystem, periode, frist, opgjort_dato, antal_forventet, antal_modtaget, antal_forsinket, er_fuldt_daekket, senest_udtrukket
            from marts.leveranceoversigt where er_instrueret and rolle = 'primaer' order by periode"""):
        if frist < settled:
            for one in (place, COUNTRY):
                sums = files.setdefault((area, one), [0, 0, 0])
                sums[0], sums[1], sums[2] = sums[0] + received, sums[1] + expected, sums[2] + received - late
        if covered:
            end = (period.replace(day=28) + (date(2026, 1, 5) - date(2026, 1, 1))).replace(day=1)
            days[area, place, system] = max((extracted - end).days + 1, 0)
    assert len(files) > 30
    for (area, place), (received, expected, in_time) in files.items():
        assert found[area, place, "dq:filer_modtaget"][:2] == (received, expected)
        assert found[area, place, "dq:filer_til_tiden"][:2] == (in_time, expected)
    for area in rules.areas():
        assert found[area, COUNTRY, "dq:dage_til_udtraek"][2] == Decimal(str(statistics.median(v for (a, *_), v in days.items() if a == area)))

    severe = {r for (r,) in rows(deklareret, "select regel_id from kvalitet.regel where alvor = 'fejl'")}
    broken = {(a, k, d, f, n) for r, a, k, d, f, n in rows(deklareret, "select regel_id, fagomraade, kommunekode, leverance_id, fil, linje from kvalitet.afvigelse where linje is not null") if r in severe}
    delivered = rows(deklareret, "select fagomraade, kommunekode, antal_ind - antal_ikke_gaeldende, antal_ud + antal_sammenlagt from kvalitet.raekkeregnskab where kildesystem <> 'dst_folk1a'")
    for area in rules.areas():
        total = sum(n for a, _, n, _ in delivered if a == area)
        assert found[area, COUNTRY, "dq:raekker_uden_fejl"][:2] == (total - len({b[2:] for b in broken if b[0] == area}), total)
        assert found[area, COUNTRY, "dq:raekker_standardiseret"][:2] == (sum(n for a, _, _, n in delivered if a == area), total)
    own = sum(n for a, k, n, _ in delivered if (a, k) == ("oekonomi", "0410"))
    assert found["oekonomi", "0410", "dq:raekker_uden_fejl"][:2] == (own - len([b for b in broken if b[:2] == ("oekonomi", "0410")]), own)

    results = rows(deklareret, "select fagomraade, kommunekode, dimension, status from kvalitet.resultat where kommunekode <> '0998'")
    for area, dimension in {(a, d) for a, _, d, _ in results}:
        passed = [s for a, _, d, s in results if (a, d) == (area, dimension) and s in ("bestaaet", "fejlet")]
        assert found[area, COUNTRY, f"dq:regler_{dimension}"][:2] == (passed.count("bestaaet"), len(passed))

    people = rows(deklareret, "select koen, civilstand, statsborgerskabsgruppe, antal_personer from marts.fct_borger__folketal")
    assert found["borger", COUNTRY, "dq:koder_oversat"][:2] == (sum(n * sum(code != "ukendt" for code in codes) for *codes, n in people), 3 * sum(n for *_, n in people))
    translated = {"organisation": ["enhedstype"], "ansaettelse": ["overenskomst", "ansaettelsesform", "ansaettelsesstatus"], "loenlinje": ["loenart"], "fravaer": ["fravaersaarsag"]}
    codes = [c for concept, names in translated.items() for name in names
             for (c,) in rows(deklareret, f"select {name} from standardized.int_personale__{concept} where frasat_aarsag is null and {name}_kildekode is not null")]
    assert found["personale", COUNTRY, "dq:koder_oversat"][:2] == (len(codes) - codes.count("ukendt"), len(codes)) and "ukendt" in codes
    assert {found[area, COUNTRY, "dq:koder_oversat"][3] for area in rules.areas()} == {"opgjort"}, "of every area there is a figure"


def test_every_municipality_with_an_instruction_has_every_measure(deklareret):
    found = table(deklareret)
    places = {(a, k) for a, k, _ in found}
    assert places >= set(rows(deklareret, "select distinct fagomraade, kommunekode from marts.leveranceoversigt where er_instrueret and fagomraade <> 'faelles'"))
    assert set(found) == {(a, k, m.maal_id) for a, k in places for m in measures()}
    for numerator, denominator, value, status, reason in found.values():
        assert (status == "opgjort") == (value is not None) == (denominator is not None) == (numerator is not None)
        assert reason or status == "opgjort"


def test_what_covers_the_country_is_not_shared_out(deklareret):
    """CPR comes in one file for all: rows delivered cannot be set against a municipality."""
    *_, status, reason = table(deklareret)["borger", "0101", "dq:raekker_uden_fejl"]
    assert status == "ikke_opgjort" and "hele landet" in reason
    assert table(deklareret)["borger", COUNTRY, "dq:raekker_uden_fejl"][3] == "opgjort"


def test_the_readme_holds_the_section(deklareret):
    place = released(deklareret)
    text = (newest_version(deklareret, place, "oekonomi") / "README.md").read_text("utf-8")
    section = text[text.index("## Datakvalitet"):text.index("## Kilder")]
    for heading in ("### Komplethed", "### Korrekthed", "### Aktualitet", "### Genbrugelighed", "### Forbehold", "### Frigivet trods afvigelser", "### Faggruppens regler"):
        assert heading in section
    with connect(deklareret) as con:
        found, measure = Declaration.read(con), next(m for m in measures() if m.maal_id == "dq:raekker_uden_fejl")
    assert f"| {measure.titel} | {step.shown(found.figure('oekonomi', place, measure), measure)} | {step.shown(found.for_others('oekonomi', COUNTRY, measure), measure)} | højt |" in section
    assert all(c.tekst in section for c in step.caveats("oekonomi"))
    assert REASON in section and "Hemmelig" not in text
    accepted = (newest_version(deklareret, "0185", "oekonomi") / "README.md").read_text("utf-8")
    assert "### Kendte fejl, der er accepteret" in accepted and "Kendt fra [ti cifre]" in accepted, "a number in a reason does not leave the house"
    benchmark = (newest_version(deklareret, place, "oekonomi_benchmark") / "README.md").read_text("utf-8")
    assert "| Mål | Hele landet | Godt er |" in benchmark and "Jeres |" not in benchmark


def test_a_package_without_a_declaration_says_so(deklareret, tmp_path):
    home = Home.of(tmp_path).prepare()
    for path in (deklareret.db, deklareret.cpr_db, deklareret.key_file):
        shutil.copy(path, home.root / path.name)
    with connect(home, write="flis") as con:
        con.execute("drop table kvalitet.deklaration")
        con.execute("delete from drift.pakke")
    package(home, fagomraade="oekonomi", kommune="0185")
    folder = newest_version(home, "0185", "oekonomi")
    assert "ikke deklareret endnu" in (folder / "README.md").read_text("utf-8")
    assert not (folder / "kvalitet.jsonld").exists()


def test_the_declared_version_is_the_packages_own(deklareret):
    """The declaration of the country is cited by version: it is of the month the benchmark packages are, whatever dates their deliveries bear."""
    declared = dict(rows(deklareret, "select distinct fagomraade, version from kvalitet.deklaration"))
    areas = {p.parent.name.removesuffix("_benchmark") for p in deklareret.outbox.glob("*/*_benchmark/*")}
    assert len(areas) == 5
    for area in areas:
        found = {newest_version(deklareret, p.parents[1].name, f"{area}_benchmark").name.rpartition(".")[0] for p in deklareret.outbox.glob(f"*/{area}_benchmark/*")}
        assert found == {declared[area]}, area


def test_the_file_is_summed_and_does_not_decide_the_version(deklareret, manifest):
    folder = newest_version(deklareret, "0185", "oekonomi")
    sums = dict(reversed(line.split("  ", 1)) for line in (folder / "SHA256SUMS").read_text("utf-8").splitlines())
    assert sums["kvalitet.jsonld"] == hashlib.sha256((folder / "kvalitet.jsonld").read_bytes()).hexdigest()
    with connect(deklareret, write="flis") as con:
        con.execute("update kvalitet.deklaration set vaerdi = 0.5 where vaerdi is not null")
        con.execute("update drift.pakke set fingeraftryk = ''")
    assert package(deklareret, fagomraade="oekonomi").written == []
    run(deklareret, manifest)


def test_same_input_same_bytes(deklareret, manifest):
    files = [deklareret.docs / "deklaration.html", deklareret.docs / "deklaration.jsonld"]
    before = [f.read_bytes() for f in files]
    for file in files:
        file.unlink()
    run(deklareret, manifest)
    assert [f.read_bytes() for f in files] == before
    with connect(deklareret) as con:
        moments = con.execute("select max(udtrukket) from cpr.raw.leverance where status = 'aktiv' and fagomraade <> 'faelles' group by fagomraade").fetchall()
    assert {n["prov:generatedAtTime"]["@value"] for n in json.loads(before[1])["@graph"] if "prov:generatedAtTime" in n} == {f"{moment:%Y-%m-%dT%H:%M:%SZ}" for (moment,) in moments}


def declarations(home: Home) -> list[Path]:
    return [home.docs / "deklaration.html", home.docs / "deklaration.jsonld", *sorted(home.outbox.rglob("kvalitet.jsonld")), *sorted(home.outbox.rglob("README.md"))]


def test_nothing_about_persons_in_any_declaration(deklareret):
    persons = {i for (i,) in rows(deklareret, "select distinct person_id from cpr.raw.person_noegle")}
    keys = {k for (k,) in rows(deklareret, "select distinct noegle from kvalitet.afvigelse")}
    assert persons and keys and len(declarations(deklareret)) > 100
    for path in declarations(deklareret):
        text = path.read_text("utf-8")
        assert not CPR.findall(text), path
        assert not set(re.findall(r"\b[0-9a-f]{32}\b", text)) & persons, path
        if path.name != "README.md":
            assert "person_id" not in text, path
        assert not [k for k in keys if k in text], path


def test_a_municipality_sees_only_its_own_and_the_countrys_figures(deklareret):
    seen, by_id = 0, {m.maal_id: m for m in measures()}
    with connect(deklareret) as con:
        declared = Declaration.read(con)
    for path in sorted(deklareret.outbox.rglob("kvalitet.jsonld")):
        place, name, version = path.relative_to(deklareret.outbox).parts[:3]
        graph = json.loads(path.read_text("utf-8"))["@graph"]
        area, urn = name.removesuffix("_benchmark"), f"urn:x-flis:{place}:{name}:{version}"
        datasets = {n["@id"] for n in graph if n["@type"] == "dcat:Dataset"}
        assert urn in datasets and all(d == urn or d.startswith(f"urn:x-flis:{COUNTRY}:{area}:") for d in datasets)
        assert len(datasets) == (1 if name.endswith("_benchmark") else 2)
        for node in graph:
            if node["@type"] == "dqv:QualityMeasurement":
                where = place if node["dqv:computedOn"]["@id"] == urn and name == area else COUNTRY
                measure = by_id[node["dqv:isMeasurementOf"]["@id"]]
                assert Decimal(node["dqv:value"]["@value"]) == (declared.for_others if where == COUNTRY else declared.figure)(area, where, measure).value
                seen += 1
        codes = set(re.findall(r"urn:x-flis:(\d{4}):", path.read_text("utf-8")))
        assert codes <= {place, COUNTRY}
    assert seen > 1000


def test_the_page_is_whole(deklareret):
    page = (deklareret.docs / "deklaration.html").read_text("utf-8")
    assert not re.findall(r"<script|<link|src=|@import|https?://", page), "the page fetches nothing"
    anchors, links = set(re.findall(r'id="([^"]+)"', page)), set(re.findall(r'href="#([^"]+)"', page))
    assert links <= anchors and all(m.titel in page and m.maal_id in page for m in measures())
    assert all(c.emne in page for area in rules.areas() for c in step.caveats(area))
    assert "København" in page and "Aalborg" in page


# --- DQV ---------------------------------------------------------------------------------------------------------------------------------------

def held_against_shapes(document: dict) -> tuple[bool, str]:
    ok, _, said = pyshacl.validate(Graph().parse(data=json.dumps(document), format="json-ld"), shacl_graph=SHAPES)
    return ok, said


def test_the_files_keep_to_the_shapes(deklareret):
    place = released(deklareret)
    for path in (deklareret.docs / "deklaration.jsonld", *(newest_version(deklareret, place, n) / "kvalitet.jsonld" for n in ("oekonomi", "oekonomi_benchmark"))):
        document = json.loads(path.read_text("utf-8"))
        ok, said = held_against_shapes(document)
        assert ok, (path, said)
        assert all(isinstance(v, str) and not v.endswith(".jsonld") for v in document["@context"].values()), "prefixes only: nothing to fetch"


def _one(graph: list[dict], kind: str, **more) -> dict:
    return next(n for n in graph if n["@type"] == kind and all(n.get(k) == v for k, v in more.items()))


def _share(graph: list[dict]) -> dict:
    return _one(graph, "dqv:QualityMeasurement", **{"dqv:isMeasurementOf": {"@id": "dq:filer_modtaget"}})


def _body(graph: list[dict]) -> dict:
    return _one(graph, "dqv:QualityAnnotation")["oa:hasBody"]


def _days(graph: list[dict]) -> dict:
    return _one(graph, "dqv:QualityMeasurement", **{"dqv:isMeasurementOf": {"@id": "dq:dage_siden_data"}})


def _silence(graph: list[dict]) -> None:
    """A metric whose annotation has been taken away, with its measurements."""
    graph[:] = [n for n in graph if n.get("dct:subject") != {"@id": "dq:felter_udfyldt"} and n.get("dqv:isMeasurementOf") != {"@id": "dq:felter_udfyldt"}]
    ids = {n["@id"] for n in graph}
    for node in graph:
        for key in ("dct:hasPart", "dqv:hasQualityMeasurement", "dqv:hasQualityAnnotation"):
            if key in node:
                node[key] = [r for r in node[key] if r["@id"] in ids]


BROKEN = {
    "a dimension is missing": lambda g: g.remove(_one(g, "dqv:Dimension", **{"@id": "dq:aktualitet"})),
    "a dimension has no measure": lambda g: [n.update({"dqv:inDimension": {"@id": "dq:komplethed"}}) for n in g if n.get("dqv:inDimension") == {"@id": "dq:aktualitet"}],
    "a dimension has no category": lambda g: g.remove(_one(g, "dqv:Category")),
    "a share of 1.2": lambda g: _share(g).update({"dqv:value": {"@value": "1.20000", "@type": "xsd:decimal"}}),
    "a figure below nought": lambda g: _days(g).update({"dqv:value": {"@value": "-1.0", "@type": "xsd:decimal"}}),
    "a figure that is no decimal": lambda g: _share(g).update({"dqv:value": {"@value": "1.0", "@type": "xsd:double"}}),
    "a measurement without a figure": lambda g: _share(g).pop("dqv:value"),
    "a measurement of nothing": lambda g: _share(g).pop("dqv:isMeasurementOf"),
    "a measurement of a metric not declared": lambda g: _share(g).update({"dqv:isMeasurementOf": {"@id": "dq:findes_ikke"}}),
    "a measurement on no dataset": lambda g: _share(g).update({"dqv:computedOn": {"@id": "urn:x-flis:findes:ikke"}}),
    "a measurement at no time": lambda g: _share(g).pop("prov:generatedAtTime"),
    "a metric without a definition": lambda g: _one(g, "dqv:Metric").pop("skos:definition"),
    "a metric in no dimension": lambda g: _one(g, "dqv:Metric").update({"dqv:inDimension": {"@id": "dq:smag"}}),
    "a metric in an unknown unit": lambda g: _one(g, "dqv:Metric").update({"sdmx-attribute:unitMeasure": {"@id": "dq:alen"}}),
    "a metric passed over in silence": _silence,
    "a caveat in English": lambda g: _body(g)["rdf:value"].update({"@language": "en"}),
    "an annotation without a text": lambda g: _one(g, "dqv:QualityAnnotation").pop("oa:hasBody"),
    "an annotation with no motive": lambda g: _one(g, "dqv:QualityAnnotation").pop("oa:motivatedBy"),
    "an annotation of no dataset": lambda g: _one(g, "dqv:QualityAnnotation").pop("oa:hasTarget"),
    "a CPR number in a text": lambda g: _body(g)["rdf:value"].update({"@value": "Sagen om 010160-0001 er kendt."}),
    "a CPR number without hyphen in a title": lambda g: _one(g, "dcat:Dataset")["dct:title"].update({"@value": "Borger 0101600001"}),
    "a dataset without a title": lambda g: _one(g, "dcat:Dataset").pop("dct:title"),
    "a dataset without a version": lambda g: _one(g, "dcat:Dataset").pop("dcat:version"),
    "a dataset with two versions": lambda g: _one(g, "dcat:Dataset").update({"owl:versionInfo": "9"}),
    "a dataset without quality metadata": lambda g: _one(g, "dcat:Dataset").pop("dqv:hasQualityMetadata"),
    "quality metadata at no time": lambda g: _one(g, "dqv:QualityMetadata").pop("prov:generatedAtTime"),
    "quality metadata with nothing in it": lambda g: _one(g, "dqv:QualityMetadata").pop("dct:hasPart"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_each_shape_fails_on_a_broken_copy(deklareret, fault):
    document = copy.deepcopy(json.loads((deklareret.docs / "deklaration.jsonld").read_text("utf-8")))
    BROKEN[fault](document["@graph"])
    ok, _ = held_against_shapes(document)
    assert not ok, fault


def test_every_shape_is_seen_to_fail(deklareret):
    """Each shape of the file is the one that fails on some broken copy."""
    document = json.loads((deklareret.docs / "deklaration.jsonld").read_text("utf-8"))
    failed = set()
    for breaking in BROKEN.values():
        broken = copy.deepcopy(document)
        breaking(broken["@graph"])
        _, report, _ = pyshacl.validate(Graph().parse(data=json.dumps(broken), format="json-ld"), shacl_graph=SHAPES)
        for source in report.objects(None, SH.sourceShape):
            failed |= {source, *SHAPES.subjects(SH.property, source)}
    assert set(SHAPES.subjects(RDF.type, SH.NodeShape)) <= failed
