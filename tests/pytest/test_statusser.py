"""No missing number becomes a zero: figures of a home where files came spoiled or empty, and of the months before, which full extracts hold."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from conftest import make_demo
from flis.build.dbt import build
from flis.core.database import connect
from flis.core.home import Home
from flis.intake.load import load

FIGURES = "marts.int_faelles__formelvaerdi"


def one_file(home: Home, pattern: str) -> Path:
    (file,) = home.inbox.rglob(pattern)
    return file


def spoil(file: Path, line: Callable[[int, str], str | None]) -> None:
    """Rewrite a file line by line, as old as it was; `line` gets the number (from 0) and the text, and gives the new text, or None for a line left out."""
    stamp = file.stat()
    rows = [line(number, text) for number, text in enumerate(file.read_bytes().decode("iso-8859-1").splitlines(keepends=True))]
    file.write_bytes("".join(row for row in rows if row is not None).encode("iso-8859-1"))
    os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))


@pytest.fixture(scope="module")
def hjem(tmp_path_factory) -> Home:
    """Two municipalities over four months and a new year, every file right but three of the last month: absence nearly all unreadable, a ledger and a school's absence empty."""
    home = make_demo(tmp_path_factory.mktemp("statusser"), scale=0.004, kommuner=["0461", "0813"], seed=5, faults=False)
    spoil(one_file(home, "ZLFRAV_461_202602_*"), lambda number, text: text.replace(".02.2026", ".00.2026") if number > 1 else text)
    spoil(one_file(home, "FinansPost_v2_0461_202602_*"), lambda number, text: text if number == 0 else None)
    spoil(one_file(home, "KE_FRAVAER_813_202602_*"), lambda number, text: text if number == 0 else "SLUT;0\n" if text.startswith("SLUT") else None)
    load(home)
    result = build(home)
    assert not result.failures, result.failures
    return home


def figures(home: Home, kommunekode: str, *formler: str) -> dict[tuple[str, str], tuple[float | None, str]]:
    with connect(home) as con:
        rows = con.execute(f"""
            select formel_id, strftime(periode, '%Y-%m'), cast(vaerdi as double), observationsstatus from {FIGURES}
            where kommunekode = $1 and formel_id in (select unnest(cast($2 as varchar[])))
        """, [kommunekode, list(formler)]).fetchall()
    return {(formel, month): (value, status) for formel, month, value, status in rows}


def test_sat_fra_er_ikke_nul_fravaer(hjem: Home) -> None:
    found = figures(hjem, "0461", "pe_sygedagsvaerk", "pe_sygedagsvaerk_til_dato", "pe_fuldtidsbeskaeftigede")
    assert found["pe_sygedagsvaerk", "2026-01"][1] == "som_leveret"
    assert found["pe_sygedagsvaerk", "2026-02"][1] == "ufuldstaendig" and found["pe_sygedagsvaerk", "2026-02"][0] != 0
    # what January had stays in the year to date, and the year says that February is missing
    assert found["pe_sygedagsvaerk_til_dato", "2026-02"][1] == "ufuldstaendig"
    assert found["pe_sygedagsvaerk_til_dato", "2026-02"][0] >= found["pe_sygedagsvaerk", "2026-01"][0]
    # the employments of the same month came whole
    assert found["pe_fuldtidsbeskaeftigede", "2026-02"][1] == "som_leveret"


def test_en_tom_finansfil_er_ikke_en_maaned_uden_udgifter(hjem: Home) -> None:
    found = figures(hjem, "0461", "nettodriftsudgift_aar_til_dato", "nettodriftsudgift")
    assert found["nettodriftsudgift_aar_til_dato", "2026-01"][1] == "som_leveret"
    assert found["nettodriftsudgift_aar_til_dato", "2026-02"] == (found["nettodriftsudgift_aar_til_dato", "2026-01"][0], "ufuldstaendig")
    assert found["nettodriftsudgift", "2026-01"][1] == "ufuldstaendig"


def test_en_tom_fravaersfil_er_ikke_elever_uden_fravaer(hjem: Home) -> None:
    found = figures(hjem, "0813", "sk_fravaersandel", "sk_elever_folkeskolen")
    assert found["sk_fravaersandel", "2026-01"][1] == "som_leveret"
    assert found["sk_fravaersandel", "2026-02"] == (None, "ufuldstaendig")
    assert found["sk_elever_folkeskolen", "2026-02"][1] == "som_leveret"


def test_statussen_naar_frem_til_noegletal_og_gennemsnit(hjem: Home) -> None:
    """The figures that rest on the spoiled files, in the municipality's own rows and in the country's."""
    with connect(hjem) as con:
        own = dict(con.execute("""
            select noegletal_id, observationsstatus from marts.fct_noegletal__kommune
            where kommunekode = '0461' and periode = '2026-02-01' and noegletal_id in (
                select noegletal_id from marts.dim_noegletal where taeller_formel like 'pe_sygedagsvaerk%' or taeller_formel = 'nettodriftsudgift_aar_til_dato')
        """).fetchall())
        country = con.execute("""
            select g.noegletal_id, g.observationsstatus, g.antal_ufuldstaendig, g.antal_bidragydere, g.sum_taeller, k.taeller
            from marts.fct_noegletal__gruppe as g
            inner join marts.fct_noegletal__kommune as k on g.noegletal_id = k.noegletal_id and g.periode = k.periode and k.kommunekode = '0813'
            where g.gruppetype = 'landet' and g.periode = '2026-02-01' and g.noegletal_id in (select unnest(cast($1 as varchar[])))
        """, [list(own)]).fetchall()
    assert own and set(own.values()) == {"ufuldstaendig"}
    assert len(country) == len(own)
    for figure, status, incomplete, contributors, total, other in country:
        assert (status, incomplete, contributors, total) == ("ufuldstaendig", 1, 1, other), figure


def test_intet_nul_uden_en_hel_leverance(hjem: Home) -> None:
    """Every zero is a true one, and not one of them rests on a delivery of its month that has a row set aside or nothing in it; told from the ledger itself."""
    with connect(hjem) as con:
        zeros, others = con.execute(f"select count(*), count(case when observationsstatus <> 'aegte_nul' then 1 end) from {FIGURES} where vaerdi = 0").fetchall()[0]
        wrong = con.execute(f"""
            select v.formel_id, v.kommunekode, v.periode
            from {FIGURES} as v
            inner join koder.formel as f on v.formel_id = f.formel_id and f.fagomraade in ('personale', 'skole')
            inner join koder.formelgrundlag as g on v.formel_id = g.formel_id and g.vindue = 'maaned'
            inner join kvalitet.raekkeregnskab as r on f.fagomraade = r.fagomraade and v.kommunekode = r.kommunekode and v.periode = r.periode
                and (r.tabel = g.begreb or (g.begreb = 'ansaettelse' and r.tabel = 'medarbejder') or (g.begreb = 'loenlinje' and r.tabel = 'zd2l1') or (g.begreb = 'elevforloeb' and r.tabel = 'elev'))
            where v.vaerdi = 0 and (r.antal_frasat > 0 or (r.antal_ind = 0 and g.begreb <> 'karakter'))
        """).fetchall()
        shown = con.execute("select count(*) from marts.fct_noegletal__kommune where vaerdi = 0 and observationsstatus <> 'aegte_nul'").fetchall()[0][0]
    assert zeros > 10 and others == 0
    assert wrong == []
    assert shown == 0


def test_aaret_foer_har_sine_modtagere(hjem: Home) -> None:
    """Full extracts replace those before: in February the only ones in force are February's, and the months of last year are in them. VH-001 beside VH-002, month by month."""
    with connect(hjem) as con:
        in_force = {month for (month,) in con.execute("select distinct periode from cpr.raw.leverance where fagomraade = 'voksne_handicap' and status = 'aktiv'").fetchall()}
        rows = con.execute(f"""
            select strftime(p.periode, '%Y-%m'), p.kommunekode, p.vaerdi, p.observationsstatus, y.vaerdi
            from {FIGURES} as p
            inner join {FIGURES} as y on p.kommunekode = y.kommunekode and p.periode = y.periode and y.formel_id = 'vh_fuldtidsydelser'
            where p.formel_id = 'vh_modtagere'
        """).fetchall()
        counted = {row[:2]: row[2] for row in con.execute("""
            select strftime(m.periode, '%Y-%m'), k.handlekommunekode, count(distinct y.person_id)
            from standardized.std_voksne_handicap__ydelse as y
            inner join koder.kommune as k on y.kommunekode = k.kommunekode
            inner join marts.dim_periode as m on y.gyldig_fra <= m.sidste_dag and y.gyldig_til > m.periode
            group by all
        """).fetchall()}
    assert len(in_force) < 4, "the extracts of the months before are not replaced"
    assert {month for month, *_ in rows} == {"2025-11", "2025-12", "2026-01", "2026-02"}
    for month, kommune, recipients, status, services in rows:
        assert services > 0 and status == "som_leveret", (month, kommune)
        assert recipients == counted[month, kommune] > 0, (month, kommune)


def employed_in_truth(home: Home) -> dict[tuple[str, str], tuple[int, int, int]]:
    """(municipality, month): employed, come, gone, from the truth's employments alone; an employment is on the account that bears most of its pay in all months."""
    with duckdb.connect() as con:
        return {(k, m): (n, come, gone) for k, m, n, come, gone in con.execute(f"""
            with konti as (
                select kommunekode, kildesystem, ansaettelse_id, funktion, ejerforhold, sum(beloeb_kr) as beloeb_kr
                from '{home.truth}/std_personale__loenlinje.parquet' group by all
            ),
            konto as (
                select kommunekode, kildesystem, ansaettelse_id, arg_max(ejerforhold, beloeb_kr) as ejerforhold from konti group by all
            ),
            ansat as (
                select distinct a.kommunekode, a.periode, a.person_id
                from '{home.truth}/std_personale__ansaettelse.parquet' as a
                left join konto as k on a.kommunekode = k.kommunekode and a.kildesystem = k.kildesystem and a.ansaettelse_id = k.ansaettelse_id
                where a.ansaettelsesform in ('tjenestemand', 'overenskomst') and coalesce(k.ejerforhold, '1') = '1'
            ),
            begge as (
                select coalesce(n.kommunekode, f.kommunekode) as kommunekode, coalesce(n.periode, f.naeste) as periode, n.person_id is not null as er_nu, f.person_id is not null as var_foer
                from ansat as n
                full join (select *, cast(periode + interval 1 month as date) as naeste from ansat) as f
                    on n.kommunekode = f.kommunekode and n.periode = f.naeste and n.person_id = f.person_id
            )
            select kommunekode, strftime(periode, '%Y-%m'), sum(er_nu::int), sum((er_nu and not var_foer)::int), sum((var_foer and not er_nu)::int)
            from begge group by all having bool_or(er_nu) and bool_or(var_foer)
        """).fetchall()}


def test_kommet_og_gaaet_som_i_sandheden(demo_hjem: Home) -> None:
    """Every municipality and month of the demo with its faults: employed, come and gone as the truth has them. A month without a pay line moves nobody."""
    truth = employed_in_truth(demo_hjem)
    with connect(demo_hjem) as con:
        rows = con.execute("select kommunekode, strftime(periode, '%Y-%m'), antal_ansatte, antal_tiltraadte, antal_fratraadte from marts.fct_personale__bevaegelse").fetchall()
        unpaid = con.execute("select count(*) from marts.int_personale__kontering where grundlag <> 'maanedens_loen'").fetchall()[0][0]
    found = {(kommune, month): figures for kommune, month, *figures in rows}
    assert unpaid > 20
    assert set(found) == set(truth)
    for employed, tolerance in ((0, 0.02), (1, 0.1), (2, 0.1)):
        true, ours = (sum(f[employed] for f in figures.values()) for figures in (truth, found))
        assert true > 0 and abs(ours - true) <= tolerance * true, (employed, true, ours)
