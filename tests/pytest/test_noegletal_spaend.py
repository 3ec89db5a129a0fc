"""The demo is like Denmark: every nøgletal is in the range that Denmark's is in, for the country and for most municipalities, and rests on most of them.

A demo that is not like Denmark hides faults: rules are tuned on it, and a figure on it that is far out looks as it should. The ranges are data (tests/spaend/noegletal.csv), with
their sources; most are general knowledge and say so. They are wide where a town of two thousand people is wide.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from conftest import make_demo
from flis.build.dbt import build
from flis.core.database import connect
from flis.core.home import REPO, Home
from flis.intake.load import load

pytestmark = pytest.mark.langsom

RANGES = Path(__file__).resolve().parents[1] / "spaend" / "noegletal.csv"
# A class takes the children of a year, so a municipality has them only where it is large enough: at a twentieth of Denmark most are. Sixteen months hold the year
# whole, with the population on its first day, and the school start before. The largest are left out for time; three of the smallest are in.
DEMO = {
    "scale": 0.05, "periods": 16, "slut": "2025-12",
    "kommuner": ["0153", "0165", "0169", "0217", "0240", "0259", "0316", "0326", "0340", "0370", "0376", "0400", "0430", "0479", "0480", "0482", "0510", "0550", "0563", "0573", "0607", "0615",
                 "0657", "0671", "0740", "0756", "0766", "0787", "0825", "0840"],
}
COVERAGE = 0.6          # of the municipalities that deliver the area, where the figure's own `daekning` does not say less: what few pupils do is not done in every municipality
MOST = 0.85             # of the municipalities' values


@pytest.fixture(scope="module")
def hjem(tmp_path_factory) -> Home:
    home = make_demo(tmp_path_factory.mktemp("spaend"), **DEMO, faults=False)
    load(home)
    result = build(home, tests=False)
    assert not result.failures, result.failures
    return home


def ranges() -> list[dict[str, str]]:
    with RANGES.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_noegletal_has_a_range() -> None:
    with (REPO / "seeds" / "faelles" / "noegletal.csv").open(encoding="utf-8", newline="") as file:
        known = [row["noegletal_id"] for row in csv.DictReader(file)]
    listed = ranges()
    assert sorted(row["noegletal_id"] for row in listed) == sorted(known)
    for row in listed:
        assert float(row["land_lav"]) < float(row["land_hoej"]) and float(row["kommune_lav"]) < float(row["kommune_hoej"]), row
        assert row["maales_som"] in ("vaerdi", "pr_1000") and row["verificeret"] in ("true", "false") and len(row["kilde"]) > 10, row


def values(home: Home) -> dict[str, list[tuple[str, str, float]]]:
    """Per nøgletal what came out, less what is preliminary: (municipality or 'landet', month, value). A year has one value, and counts are per 1,000 inhabitants where the range is."""
    with connect(home) as con:
        con.execute(f"create temp table spaend as select * from read_csv('{RANGES}', header = true, all_varchar = true)")
        con.execute("""
            create temp table folketal as
            select kommunekode, periode, cast(vaerdi as double) as antal from marts.fct_noegletal__kommune where noegletal_id = 'FLIS-BO-001'
        """)
        # the demo's own inhabitants stand against befolkning.csv
        con.execute(f"""
            create temp table befolkning as
            select kommunekode, {DEMO['scale']} * cast(folketal as double) as antal
            from read_csv('{REPO / "scripts" / "flis" / "demo" / "befolkning.csv"}', header = true, types = {{'kommunekode': 'varchar'}})
        """)
        rows = con.execute("""
            with kommuner as (
                select k.noegletal_id, k.kommunekode, k.periode, cast(k.vaerdi as double) as vaerdi, cast(k.taeller as double) as taeller, n.opgoerelsesniveau
                from marts.fct_noegletal__kommune as k
                inner join koder.noegletal as n on k.noegletal_id = n.noegletal_id
                where k.vaerdi is not null and (n.opgoerelsesniveau = 'M' or year(k.periode) = (select max(year(periode)) from folketal))
            ),
            maalt as (
                select
                    k.noegletal_id, k.kommunekode, k.periode,
                    case when s.maales_som = 'pr_1000' then 1000 * k.vaerdi / case when k.noegletal_id = 'FLIS-BO-001' then b.antal else f.antal end else k.vaerdi end as vaerdi
                from kommuner as k
                inner join spaend as s on k.noegletal_id = s.noegletal_id
                inner join befolkning as b on k.kommunekode = b.kommunekode
                left join folketal as f on k.kommunekode = f.kommunekode and k.periode = f.periode
            ),
            land as (
                select
                    g.noegletal_id, 'landet' as kommunekode, g.periode,
                    case when s.maales_som = 'pr_1000'
                        then (select 1000 * sum(k.vaerdi) / sum(case when k.noegletal_id = 'FLIS-BO-001' then b.antal else f.antal end)
                            from kommuner as k
                            inner join befolkning as b on k.kommunekode = b.kommunekode
                            left join folketal as f on k.kommunekode = f.kommunekode and k.periode = f.periode
                            where k.noegletal_id = g.noegletal_id and k.periode = g.periode)
                        else cast(g.vaegtet_gennemsnit as double) end as vaerdi
                from marts.fct_noegletal__gruppe as g
                inner join spaend as s on g.noegletal_id = s.noegletal_id
                inner join koder.noegletal as n on g.noegletal_id = n.noegletal_id
                where g.gruppetype = 'landet' and (n.opgoerelsesniveau = 'M' or year(g.periode) = (select max(year(periode)) from folketal))
            )
            select noegletal_id, kommunekode, strftime(periode, '%Y-%m'), vaerdi from (from maalt union all from land) where vaerdi is not null order by all
        """).fetchall()
    found: dict[str, list[tuple[str, str, float]]] = {}
    for noegletal, kommune, month, value in rows:
        found.setdefault(noegletal, []).append((kommune, month, value))
    return found


def outside(row: dict[str, str], found: list[tuple[str, str, float]], municipalities: int) -> list[str]:
    """What is wrong with a nøgletal, in words."""
    wrong = []
    months = {int(month) for month in row["maaneder"].split()} or set(range(1, 13))
    found = [one for one in found if int(one[1][-2:]) in months]
    country = [(month, value) for kommune, month, value in found if kommune == "landet"]
    own = [(month, value) for kommune, month, value in found if kommune != "landet"]
    if not country:
        return ["no value for the country"]
    wrong += [f"the country, {month}: {value:,.5g}" for month, value in country if not float(row["land_lav"]) <= value <= float(row["land_hoej"])]
    inside = sum(float(row["kommune_lav"]) <= value <= float(row["kommune_hoej"]) for _, value in own)
    if inside < MOST * len(own):
        wrong.append(f"{inside} of {len(own)} values of municipalities are inside")
    fullest = max(sum(month == other for other, _ in own) for month, _ in country)
    if fullest < float(row["daekning"] or COVERAGE) * municipalities:
        wrong.append(f"it rests on {fullest} of {municipalities} municipalities")
    return wrong


def test_the_demo_is_like_denmark(hjem: Home) -> None:
    found = values(hjem)
    with connect(hjem) as con:
        municipalities = con.execute("select count(distinct kommunekode) from marts.fct_noegletal__kommune").fetchall()[0][0]
    assert municipalities == len(DEMO["kommuner"])
    wrong = {row["noegletal_id"]: outside(row, found.get(row["noegletal_id"], []), municipalities) for row in ranges()}
    assert {noegletal: what for noegletal, what in wrong.items() if what} == {}


def test_pay_is_like_pay(hjem: Home) -> None:
    """Nearly everybody in a job is paid every month; a few are on leave without pay, on the list without being paid, or came late in the month. Nobody is a tenth of a person."""
    with connect(hjem) as con:
        months = con.execute("""
            with ansatte as (
                select
                    a.periode, a.beskaeftigelsesgrad,
                    exists (select 1 from standardized.std_personale__loenlinje as l
                        where l.kommunekode = a.kommunekode and l.periode = a.periode and l.kildesystem = a.kildesystem and l.ansaettelse_id = a.ansaettelse_id) as har_loen
                from standardized.std_personale__ansaettelse as a
                where a.ansaettelsesstatus <> 'fratraadt'
            )
            select periode, avg(cast(not har_loen as integer)), avg(cast(beskaeftigelsesgrad < 0.1 as integer)), avg(beskaeftigelsesgrad) from ansatte group by periode order by periode
        """).fetchall()
    assert len(months) == DEMO["periods"]
    for month, unpaid, tiny, share in months:
        assert 0.005 <= unpaid <= 0.035, (month, unpaid)
        assert tiny <= 0.05, (month, tiny)
        assert 0.75 <= share <= 0.95, (month, share)
