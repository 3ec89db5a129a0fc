"""Danmarks Statistik's FOLK1A: the real file where it is at hand, and a planted difference."""

from __future__ import annotations

import csv
import os
import shutil
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from conftest import make_demo, reference_data
from flis.build.dbt import build
from flis.core.database import connect
from flis.core.home import Home
from flis.intake.load import load
from flis.quality.validate import validate

BORGER = ["path:seeds/borger", "path:seeds/faelles", "path:models/marts/faelles/dim_kommune.sql", "path:models/staging/borger", "path:models/standardized/borger",
          "fct_borger__folketal", "fct_borger__bevaegelse", "fct_borger__befolkningsbalance", "fct_borger__folketal_afstemning"]
KOMMUNER = ["0147", "0400", "0461", "0561", "0751", "0851"]          # the municipalities of the real file
QUARTER = date(2020, 1, 1)


def query(home: Home, sql: str) -> list[tuple]:
    with connect(home) as con:
        return con.execute(sql).fetchall()


@pytest.fixture(scope="module")
def hjem(tmp_path_factory) -> Home:
    """A demo that ends in January 2020, and FOLK1A of the same world with 50 men of 40 years too many in one municipality."""
    home = make_demo(tmp_path_factory.mktemp("folk1a"), kommuner=KOMMUNER, scale=0.001, periods=3, slut="2020-01", faults=False)
    (path,) = (home.inbox / "dst").glob("FOLK1A_*.csv")
    stamp = path.stat().st_mtime
    lines = path.read_text("utf-8").splitlines()
    (place,) = [n for n, line in enumerate(lines) if line.startswith("461;1;40;2020K1;")]
    count = int(lines[place].rpartition(";")[2])
    lines[place] = f"461;1;40;2020K1;{count + 50}"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    os.utime(path, (stamp, stamp))
    assert load(home).facts()["loaded"] > 0
    assert not list((home.quarantine / "dst").glob("*")) and not list((home.quarantine / "cpr").glob("*"))
    done = build(home, select=BORGER)
    assert not done.failures, done.failures
    return home


def test_netop_den_indlagte_forskel_meldes(hjem: Home) -> None:
    rows = query(hjem, "select kommunekode, periode, afvigelse_personer, status from marts.fct_borger__folketal_afstemning order by all")
    assert rows == [(k, QUARTER, -50 if k == "0461" else 0, "afviger" if k == "0461" else "bestaaet") for k in KOMMUNER]


def test_den_indlagte_forskel_er_i_netop_en_celle(hjem: Home) -> None:
    cells = query(hjem, """
        select o.kommunekode, o.koen, o.alder, coalesce(e.antal, 0) - o.antal_personer
        from standardized.std_borger__officielt_folketal as o
        left join (select kommunekode, periode, koen, alder, sum(antal_personer)::int as antal from marts.fct_borger__folketal group by all) as e
            on o.kommunekode = e.kommunekode and o.periode = e.periode and o.koen = e.koen and o.alder = e.alder
        where o.kommunekode is not null and coalesce(e.antal, 0) <> o.antal_personer
    """)
    assert cells == [("0461", "M", 40, -50)]


@pytest.fixture(scope="module")
def rigtig(hjem: Home) -> tuple[Home, Path]:
    """The real file, delivered after the demo's: a full extract, so it takes the other's place."""
    folder = reference_data()
    source = folder / "statbank" / "FOLK1A_JonasRex.csv" if folder else None
    if not source or not source.is_file():
        pytest.skip("The real FOLK1A file is not at hand")
    target = hjem.inbox / "dst" / "FOLK1A_20200315.csv"
    shutil.copyfile(source, target)
    moment = datetime(2020, 3, 15, 12, tzinfo=UTC).timestamp()
    os.utime(target, (moment, moment))
    facts = load(hjem).facts()
    assert facts["loaded"] == 1 and facts["rejected"] == 0
    done = build(hjem, select=BORGER)
    assert not done.failures, done.failures
    return hjem, source


def test_summerne_er_filens(rigtig) -> None:
    home, source = rigtig
    with source.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    wanted: Counter = Counter()
    for row in rows:
        wanted[row["OMRÅDE"], row["TID"]] += int(row["INDHOLD"])
    found = query(home, "select omraadekode, year(periode) || 'K' || quarter(periode), sum(antal_personer)::bigint from standardized.std_borger__officielt_folketal group by all")
    assert {(area, quarter): total for area, quarter, total in found} == dict(wanted)
    assert query(home, "select count(*), count(distinct omraadekode), count(distinct kommunekode), min(periode), max(periode) from standardized.std_borger__officielt_folketal") == [
        (31200, 12, 6, date(2008, 1, 1), date(2020, 1, 1))]
    assert len(rows) == 31200


def test_uden_egne_tal_er_afstemningen_ikke_relevant(rigtig) -> None:
    home, _ = rigtig
    found = dict(query(home, "select periode, count(*) filter (where status = 'ikke_relevant') from marts.fct_borger__folketal_afstemning group by all"))
    assert found.pop(QUARTER) == 0
    assert len(found) == 12 and set(found.values()) == {6}


def test_den_manglende_alder_38_meldes(rigtig) -> None:
    home, _ = rigtig
    validate(home, fagomraade="borger")
    keys = [row[0] for row in query(home, "select noegle from kvalitet.afvigelse where regel_id = 'BO-06'")]
    assert len(keys) == 12 * 2 * 13
    assert all(".38." in key for key in keys)
