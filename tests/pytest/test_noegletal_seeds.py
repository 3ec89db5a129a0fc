"""The seeds behind dimensions and key figures hang together, with each other and with the interfaces' contracts."""

from __future__ import annotations

import csv
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from conftest import reference_data

REPO = Path(__file__).resolve().parents[2]
SEEDS = REPO / "seeds"
REFERENCE = reference_data()

# Definitions published for the real FLIS that these areas can carry, and those of them that KL counts at two municipalities: pupils where they are paid for, teachers where employed.
PUBLISHED = {
    "005-0010-001-1-0-0", "005-0010-011-0-0-0", "005-0010-006-2-0-0", "050-500-014-0-0-0", "100-0110-002-1-0-0", "100-0110-003-6-0-0", "100-0110-803-0-0-0",
    "100-0110-806-1-7-0", "100-0110-807-1-1-0", "110-0112-000-1-0-0", "140-0142-003-0-0-0", "KPI-569",
}
PUBLISHED_ACROSS_ROLES = {"140-0142-003-0-0-0"}
LEVELS = {"M": "M", "Å": "Å", "Å_Primo": "Å", "Å_SkoleStart": "Å", "Å_SenSkoleStart": "Å"}
NEEDED_BY_READERS = ("titel", "enhed", "hoejt_betyder", "lavt_betyder", "fortolkning", "begraensninger", "daekning", "brud", "ejer", "hjemmel",
                     "officiel_tabel", "kilde", "kildedato")


def rows(name: str) -> list[dict[str, str]]:
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_kildesystem_agrees_with_the_contracts() -> None:
    contracts = {}
    for path in sorted((REPO / "models" / "staging").glob("*/*/_*__sources.yml")):
        for source in yaml.safe_load(path.read_text("utf-8"))["sources"]:
            meta = source.get("config", {}).get("meta", {})
            contracts[source["name"]] = meta["fagomraade"]
    seed = rows("faelles/kildesystem")
    assert contracts, "no contract found"
    assert {r["kildesystem"]: r["fagomraade"] for r in seed} == contracts
    assert not {"afsender", "frist_dage"} & set(seed[0]), "who sends and when it is due stand in the contract alone"


def test_every_key_figure_says_what_a_reader_needs() -> None:
    figures = rows("faelles/noegletal")
    assert len(figures) >= 14
    assert PUBLISHED <= {f["noegletal_id"] for f in figures}
    assert {(f["noegletal_id"], column) for f in figures for column in NEEDED_BY_READERS if not f[column]} == set()
    groups = {g["name"] for file in (REPO / "models").rglob("*.yml") for g in yaml.safe_load(file.read_text("utf-8")).get("groups", [])}
    assert {f["ejer"] for f in figures} <= groups


def test_every_formula_has_a_selection_and_every_selection_a_formula() -> None:
    formulas = {f["formel_id"]: f["fagomraade"] for f in rows("faelles/formel")}
    selections = {file.relative_to(SEEDS).with_suffix("") for file in SEEDS.glob("*/formel_*.csv")}
    assert sorted(seed.parent.name for seed in selections) == sorted(set(formulas.values()))        # one in each area
    for seed in selections:
        assert {r["formel_id"] for r in rows(str(seed))} == {f for f, area in formulas.items() if area == seed.parent.name}, seed
    used = {f[c] for f in rows("faelles/noegletal") for c in ("taeller_formel", "naevner_formel") if f[c]}
    assert used == set(formulas)


def test_every_formula_says_what_it_rests_on_and_how_far_it_looks() -> None:
    """Without it no zero of the formula is ever true, and nothing set aside makes its figure incomplete."""
    formulas = {f["formel_id"]: f for f in rows("faelles/formel")}
    concepts = {(c["fagomraade"], c["begreb"]) for c in rows("faelles/fuldstaendighed")}
    rests_on = rows("faelles/formelgrundlag")
    assert {r["formel_id"] for r in rests_on} == set(formulas)
    used = {(formulas[r["formel_id"]]["fagomraade"], r["begreb"]) for r in rests_on}
    assert used == concepts
    for row in rests_on:
        if formulas[row["formel_id"]]["periodisering"] == "aar_til_dato":
            assert row["vindue"] == "aar_til_dato", row
        assert (formulas[row["formel_id"]]["opgoerelsesniveau"] == "Å") == (row["vindue"] in ("aar", "september", "september_foer")) or formulas[row["formel_id"]]["periodisering"] == "primo", row


def test_a_month_figure_is_never_divided_by_a_month_of_another_role() -> None:
    """Numerator and denominator belong to the same municipality: both its own, or both gathered at the one that acts."""
    formulas = {f["formel_id"]: f for f in rows("faelles/formel")}
    for figure in rows("faelles/noegletal"):
        numerator, denominator = formulas[figure["taeller_formel"]], formulas.get(figure["naevner_formel"])
        if denominator:
            assert (numerator["kommunerolle"] == denominator["kommunerolle"]) != (figure["noegletal_id"] in PUBLISHED_ACROSS_ROLES), figure["noegletal_id"]
        assert numerator["opgoerelsesniveau"] == LEVELS[figure["opgoerelsesniveau"]], figure["noegletal_id"]


def test_what_is_told_as_read_is_read_above_and_below_the_line() -> None:
    """A figure is only as published as its two selections are; one that is not verified says how it differs."""
    formulas = {f["formel_id"]: f for f in rows("faelles/formel")}
    selections: dict[str, set[str]] = {}
    for seed in SEEDS.glob("*/formel_*.csv"):
        for line in rows(str(seed.relative_to(SEEDS).with_suffix(""))):
            selections.setdefault(line["formel_id"], set()).add(line["verificeret"])
    assert {f for f, read in selections.items() if (read == {"true"}) != (formulas[f]["verificeret"] == "true")} == set()
    for figure in rows("faelles/noegletal"):
        read = all(formulas[figure[c]]["verificeret"] == "true" for c in ("taeller_formel", "naevner_formel") if figure[c])
        assert figure["verificeret"] == "false" or read, figure["noegletal_id"]
        assert figure["verificeret"] == "true" or "gengivet" not in figure["kilde"] or "offentliggjorte" in figure["begraensninger"], figure["noegletal_id"]


def flags() -> set[tuple[str, str]]:
    """Every true/false column of a code list but the one that says whether the row was read in its source."""
    declared = [seed for path in sorted(SEEDS.glob("*/*.yml")) for seed in yaml.safe_load(path.read_text("utf-8")).get("seeds", [])]
    return {(seed["name"], c) for seed in declared for c, kind in seed["config"]["column_types"].items() if kind == "boolean" and c != "verificeret"}


def readers(flag: str) -> list[str]:
    """Where a flag decides something: in a formula's selection, a rule, or SQL that does more than pass it on."""
    word, passed_on = re.compile(rf"\b{flag}\b"), re.compile(rf"\s*(\w+\.)?{flag}(\s+as\s+{flag})?,?\s*(--.*)?")
    found = [path.name for path in SEEDS.glob("*/formel_*.csv") if word.search(path.read_text("utf-8"))]
    found += [path.name for path in (REPO / "expectations").glob("*.yml") if word.search(path.read_text("utf-8"))]
    for path in sorted([*(REPO / "models").rglob("*.sql"), *(REPO / "macros").glob("*.sql")]):
        if any(word.search(line) and not passed_on.fullmatch(line) for line in path.read_text("utf-8").splitlines()):
            found.append(path.name)
    return found


def test_every_flag_of_a_code_list_is_read_by_something() -> None:
    """A flag that nothing reads says of a code what no figure does: types 3001, 3002 and 1017 were public in the list and in no formula."""
    assert {"er_specialtilbud", "er_egen_sygdom", "er_kommune"} <= {flag for _, flag in flags()}
    assert {f for f in flags() if not readers(f[1])} == set()
    assert not readers("er_uden_laeser")


def test_a_flag_named_in_a_selection_is_one_the_formula_knows() -> None:
    """A selection with a flag that the SQL does not spell out would choose nothing, and be a true zero."""
    for area in ("skole", "personale"):
        sql = (REPO / "models" / "marts" / area / f"formel_{area}.sql").read_text("utf-8")
        # where two models select alike, the condition is a macro
        sql += (REPO / "macros" / f"{area}.sql").read_text("utf-8").partition("macro er_udvalgt(")[2].partition("endmacro")[0]
        named = {word for seed in (SEEDS / area).glob("formel_*.csv") for line in rows(str(seed.relative_to(SEEDS).with_suffix(""))) for value in line.values()
                 for word in value.split() if word.startswith("er_")}
        assert named
        assert {flag for flag in named if sql.count(flag) < 2} == set()


def test_municipalities_and_regions() -> None:
    municipalities = [k for k in rows("faelles/kommune") if k["er_kommune"] == "true"]
    assert Counter(k["regionskode"] for k in municipalities) == {"1084": 29, "1085": 17, "1083": 22, "1082": 19, "1081": 11}
    acting = {k["kommunekode"]: k["handlekommunekode"] for k in municipalities if k["kommunekode"] != k["handlekommunekode"]}
    assert acting == {"0187": "0183", "0155": "0185"}


@pytest.mark.skipif(REFERENCE is None, reason="reference data not at hand")
def test_municipalities_equal_the_reference() -> None:
    with (REFERENCE / "kommuner" / "kommuner_98_verified.csv").open(encoding="utf-8-sig", newline="") as file:
        reference = {(r["kommunekode"], r["kommunenavn"], r["regionskode"], r["dst_kommunegruppe_kode"]) for r in csv.DictReader(file)}
    assert {(k["kommunekode"], k["kommunenavn"], k["regionskode"], k["kommunegruppekode"]) for k in rows("faelles/kommune") if k["er_udledt"] == "false"} == reference


def test_each_age_set_covers_every_age_once() -> None:
    ages: dict[str, Counter[int]] = {}
    for group in rows("faelles/aldersgruppe"):
        ages.setdefault(group["alderssaet"], Counter()).update(range(int(group["alder_fra"]), int(group["alder_til"]) + 1))
    assert ages and all(counted == Counter(range(126)) for counted in ages.values())


def test_the_account_plan_has_no_overlapping_validity() -> None:
    for seed, key in (("kontoplan_funktion", ("funktion",)), ("kontoplan_gruppering", ("funktion", "dranst", "gruppering"))):
        years: dict[tuple[str, ...], list[tuple[int, int]]] = {}
        for row in rows(f"oekonomi/{seed}"):
            years.setdefault(tuple(row[k] for k in key), []).append((int(row["gyldig_fra_aar"]), int(row["gyldig_til_aar"])))
        for spans in years.values():
            spans.sort()
            assert all(first <= last for first, last in spans)
            assert all(a[1] < b[0] for a, b in pairwise(spans))


def test_selections_are_written_with_codes_of_the_plans_form() -> None:
    functions = {f["funktion"] for f in rows("oekonomi/kontoplan_funktion")}
    for line in rows("oekonomi/formel_kontoudvalg"):
        assert len(line["funktion_fra"]) == len(line["funktion_til"]) == 7 and line["funktion_fra"] <= line["funktion_til"]
        assert any(line["funktion_fra"] <= f <= line["funktion_til"] for f in functions), line
        assert line["art_regel"] in ("alle", "uden_hovedart_0", "udgift")
