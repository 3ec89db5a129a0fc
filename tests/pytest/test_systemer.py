"""The systems compared, on a tiny database made by hand: what adjusting takes out, what is clear, and what is not shown."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest

from flis.core.database import connect
from flis.report.pages import rough
from flis.report.systems import write_systems
from regelverden import World

NO_NAMES = SimpleNamespace(nodes={})        # a manifest without models: fields are called what they are called

# Municipalities of two types, a third of them small: (kommunekode, kommunegruppe, system, share of empty fields).
SMALL = [(f"01{n:02}", "1", "kmd_opus" if n < 3 else "oes_indsigt", 10 if n < 3 else 50) for n in range(6)]
LARGE = [(f"02{n:02}", "2", "kmd_opus" if n < 11 else "koer", 80) for n in range(12)]


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> World:
    world = World(tmp_path_factory.mktemp("systemer"))
    for number, (kommune, gruppe, system, tomme) in enumerate([*SMALL, *LARGE], start=1):
        origin = {"fagomraade": "oekonomi", "kildesystem": system}
        world.add(
            ("dim_kommune", {"kommunekode": kommune, "kommunegruppekode": gruppe, "er_kommune": True}),
            ("fct_borger__folketal", {"kommunekode": kommune, "periode": date(2026, 1, 1), "antal_personer": 1000 * int(gruppe)}),
            ("raekkeregnskab", {**origin, "leverance_id": number, "kommunekode": kommune, "tabel": "t", "antal_ind": 100}),
            ("leveranceprofil", {**origin, "_leverance_id": number, "begreb": "postering", "felt": "bilag_id", "antal_raekker": 100, "antal_tomme": tomme, "antal_ukendte": 0}),
            ("leverancefordeling", {**origin, "_leverance_id": number, "begreb": "postering", "felt": "dranst", "vaerdi": "1" if system == "kmd_opus" else "2", "antal_raekker": 9, "antal_aktuelle": 9}))
    for kommune, kildekode, antal in [*((k, "NY", 12) for k, *_ in LARGE[:4]), *((k, "Jens Jensen", 900) for k, *_ in LARGE[:2]), ("0998", "Q", 2)]:
        world.add(("uoversat_kode", {"fagomraade": "oekonomi", "kildesystem": "kmd_opus", "kommunekode": kommune, "periode": date(2026, 1, 1), "begreb": "postering", "kode": "beloebstype",
                                     "kildekode": kildekode, "antal_raekker": antal}))
    with connect(world.home, write="flis") as con:
        con.execute("create table kvalitet.regel (regel_id varchar, fagomraade varchar, titel varchar)")
        con.execute("create table kvalitet.koersel as select '2026-03-01T00:00:00.000000Z' as koersel")
        con.execute("create table kvalitet.afvigelse (regel_id varchar, kommunekode varchar, periode date, noegle varchar)")
        con.execute("insert into kvalitet.regel values ('OK-01', 'oekonomi', 'Regel et'), ('OK-02', 'oekonomi', 'Regel to')")
        con.execute("insert into kvalitet.afvigelse values ('OK-01', '0103', null, 'oes_indsigt|a'), ('OK-01', '0103', null, 'oes_indsigt|b')")
        world.page = write_systems(con, world.home, NO_NAMES).read_text("utf-8")
    return world


def measured(world: World, art: str, maal: str) -> dict[str, tuple]:
    return {row[0]: tuple(float(x) if x is not None and not isinstance(x, bool) else x for x in row[1:]) for row in world.ask(
        "select kildesystem, antal_kommuner, raa, justeret, er_tydelig from kvalitet.systemmaal where art = ? and maal = ?", art, maal)}


def test_type_and_size_are_taken_out(world: World) -> None:
    """Opus has the large municipalities, where everybody leaves the field empty: against those like them its municipalities leave it empty less often."""
    found = measured(world, "tomt_felt", "postering.bilag_id")
    assert found["kmd_opus"] == (14, 0.65, -0.04286, False)         # three of fourteen are 20 points below: it could be chance
    assert found["oes_indsigt"] == (3, 0.5, 0.2, True)


def test_fewer_than_three_municipalities_are_not_shown(world: World) -> None:
    assert measured(world, "tomt_felt", "postering.bilag_id")["koer"] == (1, None, None, False)
    assert "færre end 3 kommuner" in world.page


def test_a_value_nobody_else_has_is_a_difference(world: World) -> None:
    assert measured(world, "fordeling", "dranst.2")["oes_indsigt"][1:3] == (1, 0.5)
    assert measured(world, "fordeling", "dranst.2")["kmd_opus"][1] == 0


def test_rule_breaks_are_per_thousand_rows_and_only_of_rules_that_are_broken(world: World) -> None:
    assert measured(world, "regelbrud", "OK-01")["oes_indsigt"][:2] == (3, pytest.approx(20 / 3, abs=1e-4))
    assert measured(world, "regelbrud", "OK-02") == {}
    assert "OK-01 Regel et" in world.page


def test_codes_without_a_translation_are_shown_of_several_municipalities_and_roughly(world: World) -> None:
    cells = re.findall(r"<span>(NY|Q)</span></td>\s*<td[^>]*><span>januar 2026</span></td><td[^>]*><span>([^<]+)</span></td><td[^>]*>([^<]+)</td>", world.page)
    assert cells == [("NY", "4", rough(48)), ("Q", "hele landet", rough(2))] and rough(48) != "48"
    assert "Jens Jensen" not in world.page and "Derudover 1 kode fra færre end 3 kommuner" in world.page


def test_an_area_without_systems_to_compare_says_so(world: World) -> None:
    assert "Der er ingen leverancer endnu." in world.page and "Justeret for størrelse og type" in world.page


def test_the_same_data_give_the_same_table_and_no_municipality_is_on_the_page(world: World) -> None:
    before = world.ask("select * from kvalitet.systemmaal")
    with connect(world.home, write="flis") as con:
        write_systems(con, world.home, NO_NAMES)
    assert world.ask("select * from kvalitet.systemmaal") == before
    assert not [kommune for kommune, *_ in [*SMALL, *LARGE] if f">{kommune}<" in world.page]


def test_template_is_the_only_place_of_the_page(world: World) -> None:
    assert "http" not in world.page.replace("http-equiv", "") and Path(world.home.reports / "systemer.html").stat().st_size == len(world.page.encode())
