"""The owner sees all its own in full, whatever is withheld from others: key figure by key figure, from the package it is handed."""

from __future__ import annotations

import csv

import duckdb
import pytest

from flis.core.database import connect
from flis.core.home import REPO
from flis.package.write import newest_version

with (REPO / "seeds" / "faelles" / "noegletal.csv").open(encoding="utf-8", newline="") as file:
    KEY_FIGURES = {r["noegletal_id"]: r["fagomraade"] for r in csv.DictReader(file)}


@pytest.fixture(scope="module")
def house(demo_hjem):
    """What each municipality has, and the file it is handed per fagområde; a package that a quality rule holds is not handed out, and one that the recipient has asked to have less of is left alone."""
    with connect(demo_hjem) as con:
        figures = con.execute("select noegletal_id, kommunekode, periode, taeller, naevner, vaerdi, observationsstatus from flis.marts.int_faelles__kommunetal").fetchall()
        withheld = set(con.execute("select noegletal_id, gruppekode, periode from flis.marts.int_faelles__tilbageholdt where modtagerkreds = 'kommuner' and gruppetype = 'kommune'").fetchall())
    with (demo_hjem.setup / "pakke_oenske.csv").open(encoding="utf-8", newline="") as wishes:
        narrowed = {(w["kommunekode"], w["fagomraade"]) for w in csv.DictReader(wishes) if w["udelad_felter"] or w["fra_periode"] or w["datasaet"] != "*"}
    files = {}
    for code in {f[1] for f in figures}:
        for area in {area for area in KEY_FIGURES.values() if (code, area) not in narrowed}:
            folder = newest_version(demo_hjem, code, area)
            path = folder and folder / "data" / "fct_noegletal__kommune.parquet"
            if path and path.exists():
                files[code, area] = path
    return figures, withheld, files


def test_packages_are_handed_out_and_much_is_withheld_from_others(house):
    _, withheld, files = house
    assert len(files) > 3 and {(code, KEY_FIGURES[one]) for one, code, _ in withheld} & files.keys()


@pytest.mark.parametrize("one", KEY_FIGURES)
def test_the_owner_sees_every_one_of_its_figures(house, one):
    figures, _, files = house
    for code in sorted({c for c, area in files if area == KEY_FIGURES[one]}):
        expected = {f[2:] for f in figures if f[:2] == (one, code)}
        given = set(duckdb.execute(f"select periode, taeller, naevner, vaerdi, observationsstatus from '{files[code, KEY_FIGURES[one]]}' where noegletal_id = $1", [one]).fetchall())
        assert given == expected, (one, code)
