"""Held means held for all: a figure that a rule holds back is marked, counts in nobody's average, and comes back when it is released, corrected or withdrawn."""

from __future__ import annotations

import csv
import gzip
import os
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest

from conftest import copy_of
from flis.build.dbt import Dbt, project
from flis.build.signatures import NotReady, Project, due, require
from flis.core.database import connect
from flis.core.home import Home
from flis.operate.run import FAILED, run_steps
from flis.operate.withdraw import withdraw
from flis.quality.held import note, settle
from flis.quality.rules import areas
from flis.quality.validate import judge, release

ABSENCE, MONTH, WHO = "FLIS-PE-003", "2026-02-01", "0751"
REASON = "Set igennem med afsenderen, tallet er rigtigt"
COMPARED = ("fct_noegletal__kommune", "fct_noegletal__gruppe", "fct_noegletal__sammenligning", "fct_noegletal__benchmark", "fct_personale__loenafstemning", "fct_voksne_handicap__udgift_pr_modtager")


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    return Dbt(Home.of(tmp_path_factory.mktemp("parse")).prepare()).manifest


@pytest.fixture(scope="module")
def home(demo_hjem: Home, tmp_path_factory) -> Home:
    return copy_of(demo_hjem, tmp_path_factory.mktemp("holdt"))


def ask(home: Home, sql: str, *args) -> list[tuple]:
    with connect(home) as con:
        return con.execute(sql, list(args)).fetchall()


def go(home: Home, *steps: str) -> dict[str, dict]:
    done: dict[str, dict] = {}
    assert run_steps(home, list(steps), done=done) != FAILED, done
    return done


def country(home: Home) -> tuple:
    """(average, contributors, held) of the absence of the country, before anything is withheld for the sake of persons."""
    return ask(home, "select vaegtet_gennemsnit, antal_bidragydere, antal_holdt from marts.fct_noegletal__gruppe where noegletal_id = $1 and gruppetype = 'landet' and periode = $2", ABSENCE, MONTH)[0]


def by_hand(home: Home, *without: str) -> Decimal:
    """The same average from the municipalities' own figures, those named left out."""
    rows = ask(home, """
        select f.taeller, f.naevner, n.faktor from marts.fct_noegletal__kommune as f inner join marts.dim_noegletal as n using (noegletal_id)
        where noegletal_id = $1 and f.periode = $2 and f.vaerdi is not null and f.observationsstatus <> 'ufuldstaendig' and not list_contains($3, f.kommunekode) and f.kommunekode <> '0411'
    """, ABSENCE, MONTH, list(without))
    value = sum(t for t, _, _ in rows) / sum(n for _, n, _ in rows) * rows[0][2]
    return Decimal(value).quantize(Decimal("0.00001"), ROUND_HALF_UP)


def mark_of(home: Home, table: str, kommune: str) -> set[tuple]:
    code = "gruppekode" if table.endswith("benchmark") else "kommunekode"
    return set(ask(home, f"select kvalitetsstatus, kvalitetsgrund, vaerdi is null, observationsstatus from marts.{table} where noegletal_id = $1 and periode = $2 and {code} = $3",
                   ABSENCE, MONTH, kommune))


def held_in(home: Home, area: str, month: str) -> list[str]:
    return [code for (code,) in ask(home, "select distinct kommunekode from kvalitet.tilbageholdt where fagomraade = $1 and coalesce(periode = cast($2 as date), true) order by all", area, month)]


def send(home: Home, days: int, factor: int) -> None:
    """The municipality's absence of the month once more, the hours times a factor: it sent minutes."""
    path = next(home.archive.rglob(f"SDFRAV_{WHO}_202602_20260305.csv.*"))
    head, *lines = gzip.decompress(path.read_bytes()).decode("windows-1252").splitlines()
    at = head.split("|").index("AbsenceHours")
    rows = [line.split("|") for line in lines]
    for row in rows:
        row[at] = f"{Decimal(row[at]) * factor:.2f}"
    target = home.inbox / "sd" / f"SDFRAV_{WHO}_202602_{datetime(2026, 3, 5) + timedelta(days=days):%Y%m%d}.csv"
    target.parent.mkdir(exist_ok=True)
    target.write_bytes("\r\n".join([head, *("|".join(row) for row in rows), ""]).encode("windows-1252"))
    came = datetime(2026, 3, 6 + days).timestamp()
    os.utime(target, (came, came))


# --- what rests on what ------------------------------------------------------------------------------------------------------------------------

def areas_behind(stands, node) -> set[str]:
    """The fagområder whose own models a node rests on, its own among them."""
    known = set(areas())
    return {area for u in {node.unique_id, *stands.upstream[node.unique_id]} for area in [stands.nodes[u].path.split("/")[1]] if stands.nodes[u].resource_type == "model" and area in known}


def test_alt_der_hviler_paa_et_andet_fagomraade_siger_det(manifest, tmp_path: Path) -> None:
    """A formula counts its own fagområde; another model that reads another's says so in meta.hviler_paa, and its figures bear the mark."""
    stands = Project(manifest, Home.of(tmp_path).prepare())
    crossing = {}
    for node in (n for n in stands.nodes.values() if n.resource_type == "model" and n.path.split("/")[0] in ("standardized", "marts")):
        own, behind = node.path.split("/")[1], areas_behind(stands, node)
        if own == "faelles":
            continue
        if behind - {own}:
            crossing[node.name] = behind
    assert not [name for name in crossing if name.startswith("formel_")], "a formula that counts another fagområde's data: int_faelles__formelkvalitet does not know"
    said = {n.name: set(n.config.meta["hviler_paa"]) for n in stands.nodes.values() if n.config.get("meta", {}).get("hviler_paa")}
    assert said == crossing and len(said) >= 2
    for name in said:
        node = next(n for n in stands.nodes.values() if n.name == name)
        assert "kvalitetsstatus" in node.columns and "int_faelles__holdt" in {stands.nodes[u].name for u in stands.upstream[node.unique_id]}
    # The shared tables of figures bear it too, and nothing that a municipality or everybody gets compares figures without.
    shared = {n.name for n in stands.nodes.values() if n.resource_type == "model" and n.name.startswith("fct_noegletal__")}
    assert shared and all({"kvalitetsstatus", "egen_kvalitetsstatus", "antal_holdt"} & set(n.columns) for n in stands.nodes.values() if n.name in shared)
    assert shared <= {stands.nodes[u].name for u in stands.bearing_marks()}


def test_hver_formels_periodisering_har_sine_maaneder() -> None:
    """A way of making up a figure over time that hviler_paa_maaned does not know would be taken for a month's."""
    from flis.core.home import REPO

    with (REPO / "seeds/faelles/formel.csv").open(encoding="utf-8") as file:
        assert {row["periodisering"] for row in csv.DictReader(file)} <= {"maaned", "maaned_med_raekker", "primo", "aar_til_dato", "aar", "saldo", "saldo_12", "fra_sidste_skolestart"}


# --- the walk ----------------------------------------------------------------------------------------------------------------------------------

def test_holdt_tal_er_ude_af_alle_gennemsnit(home: Home) -> None:
    """Over all figures at once: contributors + incomplete + not delivered + held + provisional without a figure = those it could be of, and no average has a held figure in it."""
    assert ask(home, """
        with uden_tal as (
            select noegletal_id, periode, count(*) as antal
            from marts.fct_noegletal__kommune inner join marts.dim_kommune using (kommunekode)
            where er_kommune and vaerdi is null and observationsstatus = 'foreloebig' group by all
        )
        select count(*) from marts.fct_noegletal__gruppe left join uden_tal using (noegletal_id, periode)
        where gruppetype = 'landet' and antal_bidragydere + antal_ufuldstaendig + antal_ikke_leveret + antal_holdt + coalesce(antal, 0) <> antal_mulige
    """) == [(0,)]
    assert ask(home, "select count(*) > 20 from marts.fct_noegletal__gruppe where antal_holdt > 0") == [(True,)]
    assert ask(home, """
        with hand as (
            select k.noegletal_id, k.periode, sum(k.taeller) as taeller, count(*) as antal
            from marts.fct_noegletal__kommune as k inner join marts.dim_kommune as d on k.kommunekode = d.kommunekode and d.er_kommune
            where k.vaerdi is not null and k.observationsstatus <> 'ufuldstaendig' and k.kvalitetsstatus <> 'tilbageholdt' group by all
        )
        select count(*) from marts.fct_noegletal__gruppe as g left join hand as h using (noegletal_id, periode)
        where g.gruppetype = 'landet' and (g.sum_taeller is distinct from h.taeller or g.antal_bidragydere <> coalesce(h.antal, 0))
    """) == [(0,)]
    assert ask(home, "select count(*) from marts.fct_noegletal__benchmark where kvalitetsstatus = 'tilbageholdt' and coalesce(vaerdi, taeller, naevner, simpelt_gennemsnit) is not null") == [(0,)]


@pytest.mark.langsom
def test_minutter_for_timer_og_tilbage_igen(home: Home) -> None:
    """A municipality sends minutes for hours: its figure is held, is out of the country's, and is in again when it is released, when it is withdrawn, and when it is sent right."""
    before, held, shown = country(home), held_in(home, "personale", MONTH), mark_of(home, "fct_noegletal__benchmark", WHO)
    seen = next(iter(shown))[2:]        # its few persons may be withheld from others; that is as it was when the mark is gone
    assert WHO not in held and shown == {("i_orden", None, *seen)} and mark_of(home, "fct_noegletal__kommune", WHO) == {("i_orden", None, False, "som_leveret")}
    assert before[0] == by_hand(home, *held)

    send(home, 1, 60)
    done = go(home, "load", "build", "validate")
    assert done["load"]["loaded"] == 1 and done["validate"]["marked"] >= 4
    assert WHO in held_in(home, "personale", MONTH)
    out = country(home)
    assert out == (by_hand(home, *held, WHO), before[1] - 1, before[2] + 1)
    wrong = by_hand(home, *held)
    assert wrong > 2 * out[0] and abs(out[0] - before[0]) < before[0]       # what it would have been
    assert mark_of(home, "fct_noegletal__kommune", WHO) == {("tilbageholdt", "personale", False, "som_leveret")}       # it sees its own
    assert mark_of(home, "fct_noegletal__benchmark", WHO) == {("tilbageholdt", "personale", True, "ikke_oplyst")}
    assert ask(home, "select distinct egen_kvalitetsstatus from marts.fct_noegletal__sammenligning where noegletal_id = $1 and periode = $2 and kommunekode = $3", ABSENCE, MONTH, WHO) == [("tilbageholdt",)]
    # What rests on it in another fagområde says so: pay held against the accounts.
    assert ask(home, "select distinct kvalitetsstatus from marts.fct_personale__loenafstemning where kommunekode = $1 and periode = $2", WHO, MONTH) == [("tilbageholdt",)]
    assert ask(home, "select count(*) from marts.fct_noegletal__kommune where kommunekode = $1 and periode = $2 and kvalitetsgrund like '%personale%' and noegletal_id not like 'FLIS-PE-%'", WHO, MONTH)[0][0] >= 1

    # Nothing has moved: nothing is built, and nothing waits.
    assert settle(home) == 0 and not due(home, project(home))

    # Sent right, it is in again as if nothing had been.
    send(home, 2, 1)
    go(home, "load", "build", "validate")
    assert country(home) == before and mark_of(home, "fct_noegletal__benchmark", WHO) == shown

    # Wrong once more, and let through: it counts, and says that it was.
    send(home, 3, 60)
    go(home, "load", "build", "validate")
    assert country(home) == out
    release(home, WHO, "personale", REASON)
    assert settle(home) >= 4
    assert country(home) == (wrong, before[1], before[2])
    assert mark_of(home, "fct_noegletal__benchmark", WHO) == {("frigivet", "personale", *seen)}
    assert ask(home, "select kvalitetsstatus, antal_holdt from marts.fct_noegletal__benchmark where noegletal_id = $1 and gruppetype = 'landet' and periode = $2", ABSENCE, MONTH) == [("frigivet", before[2])]

    # Taken back, the delivery that was replaced is in force again, and breaks no rule.
    number = ask(home, "select leverance_id from cpr.raw.leverance where kildesystem = 'sd_loen' and kommunekode = $1 and fil = $2", WHO, f"SDFRAV_{WHO}_202602_20260308.csv")[0][0]
    withdraw(home, number, "Minutter i stedet for timer")
    go(home, "build", "validate")
    assert country(home) == before and mark_of(home, "fct_noegletal__benchmark", WHO) == shown


@pytest.mark.langsom
def test_en_koersel_der_blev_standset_indhentes(home: Home) -> None:
    """What is held has been noted, and the run was killed before the models were built: nothing is shown until they are, and the next run builds them, slices and all."""
    with connect(home, write="flis") as con:
        code, month = con.execute("""
            select kommunekode, periode from marts.fct_personale__loenafstemning where kvalitetsstatus = 'i_orden' and kommunekode not in (select kommunekode from kvalitet.tilbageholdt)
            order by all limit 1
        """).fetchall()[0]
        rule = con.execute("select regel_id from kvalitet.resultat where fagomraade = 'oekonomi' and kommunekode = $1 and periode = $2 and raekker > 0 and status = 'bestaaet' and alvor = 'fejl' order by all limit 1", [code, month]).fetchall()[0][0]
        con.execute("update kvalitet.maaling set afvigelser = raekker where regel_id = $1 and kommunekode = $2 and periode = $3 and til_koersel is null", [rule, code, month])
        note(con)
    assert {"fct_noegletal__kommune", "fct_personale__loenafstemning"} <= due(home, project(home))
    with pytest.raises(NotReady):
        require(home, project(home))
    assert settle(home) >= 6
    assert not due(home, project(home))
    assert ask(home, "select distinct kvalitetsstatus from marts.fct_personale__loenafstemning where kommunekode = $1 and periode = $2", code, month) == [("tilbageholdt",)]
    # A cost per inhabitant is Økonomi's; what rests on Økonomi in another's figures is marked with it.
    assert ask(home, "select count(*) from marts.fct_noegletal__kommune where kommunekode = $1 and periode = $2 and kvalitetsgrund = 'oekonomi' and noegletal_id in (select noegletal_id from marts.dim_noegletal where fagomraade = 'oekonomi')", code, month)[0][0] >= 1
    assert ask(home, """
        select count(*) from marts.fct_voksne_handicap__udgift_pr_modtager as u inner join marts.dim_kommune as k on u.kommunekode = k.handlekommunekode
        where k.kommunekode = $1 and $2 between vindue_fra and vindue_til and kvalitetsstatus <> 'tilbageholdt'
    """, code, month) == [(0,)]


@pytest.mark.langsom
def test_lig_en_hel_genopbygning(home: Home) -> None:
    """What has been marked slice by slice is what a rebuild of everything marks."""
    before = {name: ask(home, f"select * from marts.{name} order by all") for name in COMPARED}
    judge(home)
    assert settle(home) == 0
    done: dict[str, dict] = {}
    assert run_steps(home, ["build"], done=done, full_refresh=True) != FAILED, done
    assert {name: ask(home, f"select * from marts.{name} order by all") for name in COMPARED} == before
