"""The packages as one who has nothing but them sees them: the published profile, titles, keys, and what a withheld figure tells."""

from __future__ import annotations

import copy
import csv
import json
import re
from collections.abc import Callable
from pathlib import Path

import duckdb
import jsonschema
import pytest
import yaml

from flis.build.dbt import Dbt
from flis.contracts import datapackage
from flis.core.home import REPO, Home
from flis.package.write import newest_version

PROFILE = json.loads(Path(__file__).with_name("datapackage_profil.json").read_text("utf-8"))
TELLS_NOTHING = {"noegletal_id", "gruppetype", "gruppekode", "gruppenavn", "periode", "kommunekode", "egen_kommune"}      # which cell it is
ABOUT_OTHERS = {"antal_bidragydere", "antal_mulige", "antal_ufuldstaendig", "antal_ikke_leveret", "antal_ikke_relevant", "antal_holdt"}  # a group's, and public where the group is
WHY = {"fortrolighedsgrund", "kvalitetsstatus", "kvalitetsgrund"}                                                         # of the cell, whatever stands in it
OWN = {"vaerdi", "egen_kvalitetsstatus"}                                                                                   # the municipality's own beside the group's


@pytest.fixture(scope="module")
def packages(demo_hjem: Home) -> dict[Path, dict]:
    """The descriptor of every package in the outbox in its newest version, by folder."""
    newest = {newest_version(demo_hjem, p.parts[-4], p.parts[-3]) for p in demo_hjem.outbox.glob("*/*/*/datapackage.json")}
    found = {folder: json.loads((folder / "datapackage.json").read_text("utf-8")) for folder in sorted(newest)}
    assert len({(d["flis"]["fagomraade"], d["flis"]["pakke"]) for d in found.values()}) == 10
    return found


def faults(descriptor: dict) -> list[str]:
    """What breaks the profile."""
    checker = jsonschema.Draft7Validator(PROFILE, format_checker=jsonschema.FormatChecker())
    return [f"{'/'.join(map(str, e.absolute_path))}: {e.message[:200]}" for e in checker.iter_errors(descriptor)]


def test_hver_pakke_holder_standarden(packages) -> None:
    assert {str(folder): found for folder, d in packages.items() if (found := faults(d))} == {}


BREAKS: dict[str, Callable[[dict], object]] = {
    "contributors": lambda d: d.update(contributors=[]),
    "licenses": lambda d: d.update(licenses=[{"title": "Fri"}]),
    "keywords": lambda d: d.update(keywords=[]),
    "created": lambda d: d.update(created="i går"),
    "resources": lambda d: d.update(resources=[]),
    "path": lambda d: d["resources"][0].update(path="/etc/passwd"),
    "name": lambda d: d["resources"][0].pop("name"),
    "hash": lambda d: d["resources"][0].update(hash="sha256:xyz"),
    "fields": lambda d: d["resources"][0]["schema"].update(fields=[]),
    "type": lambda d: d["resources"][0]["schema"]["fields"][0].update(type="tekst"),
    "enum": lambda d: d["resources"][0]["schema"]["fields"][0].update(constraints={"enum": []}),
    "reference": lambda d: d["resources"][0]["schema"].update(foreignKeys=[{"fields": ["x"]}]),
}


@pytest.mark.parametrize("what", BREAKS)
def test_profilen_finder_det_der_bryder_den(packages, what: str) -> None:
    broken = copy.deepcopy(next(iter(packages.values())))
    BREAKS[what](broken)
    assert len(faults(broken)) == 1


def test_titler_er_titler_og_vilkaar_er_sagt(packages) -> None:
    for folder, found in packages.items():
        assert found["contributors"] and all(one["title"] and one["roles"] for one in found["contributors"]), folder
        assert len(found["licenses"]) == 1 and (folder / found["licenses"][0]["path"]).exists() and found["licenses"][0]["title"]
        titles = {Path(r["path"]).stem: r["title"] for r in found["resources"]}
        assert all(re.match(r"[A-ZÆØÅ]", title) and "_" not in title for title in titles.values()), titles
        assert len(set(titles.values())) == len(titles), folder
        assert all(one["title"] and "_" not in one["title"] for one in found["sources"])


def test_hver_tabel_i_pakkerne_har_en_titel(tmp_path: Path) -> None:
    """A model that goes into packages and has no title would show its name."""
    assert Dbt(Home.of(tmp_path).prepare()).manifest
    said = yaml.safe_load((REPO / "pakker" / "_tabeller.yml").read_text("utf-8"))
    packaged = {n["name"] for n in datapackage.Manifest(datapackage.manifest_path()).packaged()}
    assert set(said) == packaged | {"leverancer"} and list(said) == sorted(said)


def test_hver_raekke_har_sin_leverance_i_pakken(packages) -> None:
    con, checked = duckdb.connect(), set()
    for folder, found in packages.items():
        for one in found["resources"]:
            if one["format"] == "parquet" and "_leverance_id" in {f["name"] for f in one["schema"]["fields"]}:
                keys = {k["fields"][0]: k["reference"] for k in one["schema"]["foreignKeys"]}
                assert keys["_leverance_id"]["fields"] == ["leverance_id"] and keys["_leverance_id"]["resource"] in {r["name"] for r in found["resources"]}
                assert con.execute(f"select count(*) from '{folder / one['path']}' anti join '{folder}/data/leverancer.parquet' on _leverance_id = leverance_id").fetchall() == [(0,)]
                checked.add(Path(one["path"]).stem)
    assert len(checked) >= 12


def test_et_tilbageholdt_tal_roeber_ikke_om_det_er_nul(packages) -> None:
    """Over every file where a figure of others' can be withheld: the withheld rows are alike in all but which cell it is, and what is the group's own and public."""
    withheld: dict[tuple[str, bool], set[tuple]] = {}
    held = 0
    for folder, found in packages.items():
        for one in (r for r in found["resources"] if r["format"] == "csv"):
            names = [f["name"] for f in one["schema"]["fields"]]
            table = Path(one["path"]).stem
            if "fortrolighedsstatus" not in names or table == "fct_noegletal__kommune":         # its own figures in full
                continue
            with (folder / one["path"]).open(encoding="utf-8-sig", newline="") as file:
                for row in csv.DictReader(file, delimiter=";"):
                    hidden = row["fortrolighedsstatus"] == "tilbageholdt"
                    held += row.get("kvalitetsstatus") == "tilbageholdt"
                    assert not (hidden and row.get("kvalitetsstatus") == "tilbageholdt")       # it protects nobody, so it would be small itself
                    nobody_left = row["antal_bidragydere"] == "0" and row["antal_holdt"] != "0"
                    assert (row["observationsstatus"] == "ikke_oplyst") == (hidden or row.get("kvalitetsstatus") == "tilbageholdt" or nobody_left)
                    if hidden:
                        group = row.get("gruppetype") != "kommune"
                        left_out = TELLS_NOTHING | WHY | (ABOUT_OTHERS if group else {"antal_holdt"}) | (OWN if table.endswith("sammenligning") else set())
                        told = tuple((n, row[n]) for n in names if n not in left_out)
                        withheld.setdefault((table, group), set()).add(told)
                        if not group:
                            assert row["antal_bidragydere"] == row["antal_mulige"] == ""
    assert held and set(withheld) == {("fct_noegletal__benchmark", False), ("fct_noegletal__benchmark", True), ("fct_noegletal__sammenligning", True)}
    for table, told in withheld.items():
        assert len(told) == 1, (table, told)
        assert dict(next(iter(told)))["observationsstatus"] == "ikke_oplyst"
