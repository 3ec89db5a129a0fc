"""Borger: the demo's CPR numbers, late corrections and changed numbers, on a home of its own."""

from __future__ import annotations

import gzip
import os
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from stdnum.dk import cpr as oracle

from conftest import make_demo
from flis.build.dbt import BuildResult, build
from flis.core.database import connect
from flis.core.home import Home
from flis.intake.load import load

BORGER = ["path:seeds/borger", "path:seeds/faelles", "path:models/marts/faelles/dim_kommune.sql", "path:models/staging/borger", "path:models/standardized/borger",
          "fct_borger__folketal", "fct_borger__bevaegelse", "fct_borger__befolkningsbalance", "fct_borger__folketal_afstemning"]
WITHOUT_SEEDS = [name for name in BORGER if not name.startswith("path:seeds/")]
KOMMUNER = ["0400", "0461", "0479"]
FIRST_DELTA_AFTER = date(2026, 3, 1)


def lines_of(path: Path) -> list[str]:
    """The lines of a delivered register file, packed or not."""
    if path.suffix == ".gz":
        text = gzip.decompress(path.read_bytes())
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            text = archive.read(archive.namelist()[0])
    else:
        text = path.read_bytes()
    return text.decode("iso-8859-1").splitlines()


def deliver(home: Home, number: int, day: date, records: list[str]) -> None:
    """Put one delta in the inbox, with its start and end records."""
    path = home.inbox / "cpr" / f"D{day:%y%m%d}.L431101"
    path.parent.mkdir(exist_ok=True)
    previous = date.fromordinal(day.toordinal() - 1)
    body = [f"000D{number:06d}{day:%Y%m%d}{number - 1:06d}{previous:%Y%m%d}", *records, f"999{len(records):09d}"]
    path.write_text("\n".join(body) + "\n", encoding="iso-8859-1")
    moment = datetime(day.year, day.month, day.day, 21, 30, tzinfo=UTC).timestamp()
    os.utime(path, (moment, moment))


def status(number: str, code: str, day: date, sex: str, born: date) -> str:
    return f"001{number} {code}{day:%Y%m%d}{sex}{born:%Y%m%d}"


def address(number: str, municipality: str, day: date, handling: str = " ") -> str:
    return f"002{number}{handling}{municipality}01000012      {day:%Y%m%d}1200N"


def rebuild(home: Home, rejected: int = 0, select: list[str] = WITHOUT_SEEDS) -> BuildResult:
    result = load(home)
    assert result.facts()["rejected"] == rejected and result.facts()["waiting"] == 0, result.facts()
    done = build(home, select=select)
    assert not done.failures, done.failures
    return done


def query(home: Home, sql: str) -> list[tuple]:
    with connect(home) as con:
        return con.execute(sql).fetchall()


@pytest.fixture(scope="module")
def leveret(tmp_path_factory) -> tuple[Home, list[str]]:
    """A small demo of three municipalities, and every line the register delivered, before it was loaded."""
    home = make_demo(tmp_path_factory.mktemp("borger"), kommuner=KOMMUNER, scale=0.002)
    lines = [line for path in sorted((home.inbox / "cpr").iterdir()) for line in lines_of(path)]
    assert len(list((home.inbox / "cpr").glob("*.gz"))) == 4        # the full extract, two corrected deltas, and one that broke on the way
    return home, lines


@pytest.fixture(scope="module")
def hjem(leveret) -> Home:
    home, _ = leveret
    rebuild(home, rejected=1, select=BORGER)        # the transfer that broke
    return home


def test_cpr_numre_er_formelt_rigtige_og_kan_ikke_tilhoere_nogen(leveret) -> None:
    _, lines = leveret
    persons = [line for line in lines if line.startswith("001")]
    numbers = {line[3:13] for line in persons}
    assert len(numbers) > 500
    assert all(oracle.is_valid(number) for number in numbers)
    assert not [number for number in numbers if oracle.checksum(number) == 0]
    assert not [number for number in numbers if number[:4] == "0101"]
    # The number states the birth date the record states, but for the faults planted.
    differ = [line for line in persons if f"{oracle.get_birth_date(line[3:13]):%Y%m%d}" != line[25:33]]
    assert 0 < len(differ) < 10
    # The numbers that are formally wrong are so by the oracle too.
    assert all(not oracle.is_valid(line[3:13]) for line in lines if line[:3] == "002" and line[3:13] not in numbers)


def test_regnskabet_er_uafhaengigt_bekraeftet(hjem: Home) -> None:
    """The movements equal the register's own reports of what happened, kind by kind, municipality by municipality, month by month, but for those it is planted to forget."""
    rows = query(hjem, """
        with b as (
            select kommunekode, periode, bevaegelsesart, antal_personer::bigint as antal from marts.fct_borger__bevaegelse
            where bevaegelsesart in ('foedt', 'doed', 'indvandret', 'udvandret', 'forsvundet', 'genfundet')
        ),
        h as (
            select kommunekode, date_trunc('month', dato)::date as periode, haendelsesart as bevaegelsesart, count(*) as antal from standardized.std_borger__haendelse
            where dato >= date '2025-11-01' and dato < date '2026-03-01' group by all
        )
        select kommunekode, periode, bevaegelsesart, b.antal, coalesce(h.antal, 0)
        from b full outer join h using (kommunekode, periode, bevaegelsesart)
        where b.antal is distinct from h.antal
        order by all
    """)
    kinds = query(hjem, "select count(distinct bevaegelsesart) from marts.fct_borger__bevaegelse")
    planted = query(hjem, f"select kommunekode, periode, noegle from '{hjem.truth}/fejl.parquet' where regel_id = 'BO-12'")
    assert [(kommune, month, kind, one - other) for kommune, month, kind, one, other in rows] == [(k, m, "udvandret", 1) for k, m, _ in planted]
    assert len(planted) == 1
    assert query(hjem, "select kommunekode, periode, afvigelse from marts.fct_borger__befolkningsbalance where afvigelse <> 0") == [(k, m, -1) for k, m, _ in planted]
    assert kinds == [(11,)]


def test_gz_zip_og_omlevering_er_med(leveret, hjem: Home) -> None:
    packed = query(hjem, "select count(*) filter (where fil like '%.gz'), count(*) filter (where fil like '%.zip'), count(*) filter (where status = 'erstattet') from cpr.raw.leverance where kildesystem = 'cpr'")
    assert packed == [(4, 1, 2)]


def test_sen_rettelse_aendrer_de_maaneder_den_vedroerer_og_kun_dem(hjem: Home) -> None:
    number, person = query(hjem, """
        select n.cpr, p.person_id
        from standardized.std_borger__person_periode as p
        inner join cpr.raw.person_noegle as n on p.person_id = n.person_id
        where p.bopael_kommunekode = '0461' and p.er_bosat and p.gyldig_fra < date '2025-06-01' and p.gyldig_til = date '9999-12-31'
            and p.person_id in (select q.person_id from standardized.std_borger__person_periode as q group by q.person_id having count(*) = 1)
        order by p.person_id limit 1
    """)[0]
    last = query(hjem, "select max(loebenr) from cpr.raw.leverance")[0][0]
    before = snapshot(hjem)

    # Reported on 1 March: a move in December.
    deliver(hjem, last + 1, FIRST_DELTA_AFTER, [address(number, "0479", date(2025, 12, 10))])
    rebuild(hjem)
    assert touched(hjem) == {(k, date(y, m, 1)) for k in ("0461", "0479") for y, m in ((2025, 12), (2026, 1), (2026, 2), (2026, 3))}
    middle = snapshot(hjem)
    assert changed(before["folketal"], middle["folketal"]) == {(k, date(2026, m, 1)) for k in ("0461", "0479") for m in (1, 2, 3)}
    assert changed(before["bevaegelse"], middle["bevaegelse"]) == {(k, date(2025, 12, 1)) for k in ("0461", "0479")}
    assert total(middle, "0479", date(2026, 2, 1)) == total(before, "0479", date(2026, 2, 1)) + 1

    # Reported on 2 March: it was on 15 January after all.
    deliver(hjem, last + 2, date(2026, 3, 2), [address(number, "0479", date(2025, 12, 10), "A"), address(number, "0479", date(2026, 1, 15))])
    rebuild(hjem)
    assert touched(hjem) == {(k, date(y, m, 1)) for k in ("0461", "0479") for y, m in ((2025, 12), (2026, 1))}
    after = snapshot(hjem)
    assert changed(middle["folketal"], after["folketal"]) == {(k, date(2026, 1, 1)) for k in ("0461", "0479")}
    assert changed(before["folketal"], after["folketal"]) == {(k, date(2026, m, 1)) for k in ("0461", "0479") for m in (2, 3)}
    assert query(hjem, f"select gyldig_fra, bopael_kommunekode from standardized.std_borger__person_periode where person_id = '{person}' order by 1 desc limit 1") == [(date(2026, 1, 15), "0479")]

    # And a day when nothing is reported touches nothing.
    deliver(hjem, last + 3, date(2026, 3, 3), [])
    rebuild(hjem)
    assert touched(hjem) == set()
    assert snapshot(hjem) == after


def test_nummerskift_meldt_for_sent_samler_personen(hjem: Home) -> None:
    """A new number is a new person until the register says whose it was; then the two are one, in every month."""
    number, person, sex, born = query(hjem, """
        select n.cpr, p.person_id, p.koen, p.foedselsdato
        from standardized.std_borger__person_periode as p
        inner join cpr.raw.person_noegle as n on p.person_id = n.person_id
        where p.bopael_kommunekode = '0479' and p.er_bosat and p.koen = 'K' and p.gyldig_til = date '9999-12-31' and n.tidligere_cpr is null
            and p.person_id in (select q.person_id from standardized.std_borger__person_periode as q group by q.person_id having count(*) = 1)
        order by p.person_id desc limit 1
    """)[0]
    last = query(hjem, "select max(loebenr) from cpr.raw.leverance")[0][0]
    day = date.fromordinal(query(hjem, "select max(udtrukket) from cpr.raw.leverance where kildesystem = 'cpr'")[0][0].date().toordinal() + 1)
    taken = {row[0] for row in query(hjem, "select cpr from cpr.raw.person_noegle")}
    new = next(n for tail in range(98, 9990, 100) if (n := number[:6] + number[6] + f"{tail % 1000:03d}") not in taken and oracle.is_valid(n))
    moved = date(2026, 2, 10)
    before = snapshot(hjem)

    deliver(hjem, last + 1, day, [status(new, "01", born, sex, born), address(new, "0479", moved), status(number, "60", day, sex, born)])
    rebuild(hjem)
    assert query(hjem, "select count(*) from standardized.std_borger__person")[0][0] == persons(hjem)
    twice = snapshot(hjem)
    assert total(twice, "0479", date(2026, 3, 1)) == total(before, "0479", date(2026, 3, 1)) + 1

    deliver(hjem, last + 2, date.fromordinal(day.toordinal() + 1), [f"022{new} {number}{day:%Y%m%d}"])
    rebuild(hjem)
    after = snapshot(hjem)
    assert total(after, "0479", date(2026, 3, 1)) == total(before, "0479", date(2026, 3, 1))
    assert after["folketal"] == before["folketal"]
    assert query(hjem, "select count(*) from standardized.std_borger__person")[0][0] == persons(hjem)
    assert query(hjem, f"select count(*) from standardized.std_borger__person where person_id = '{person}'") == [(1,)]


def test_dag_for_dag_er_lig_alt_forfra(hjem: Home) -> None:
    """After all of the above the incremental models equal themselves rebuilt whole."""
    names = ["standardized.std_borger__person", "standardized.std_borger__person_periode", "standardized.std_borger__haendelse", "standardized.std_borger__frasat",
             "marts.fct_borger__folketal", "marts.fct_borger__bevaegelse"]
    before = {name: query(hjem, f"select * from {name} order by all") for name in names}
    done = build(hjem, select=BORGER, full_refresh=True)
    assert not done.failures, done.failures
    for name in names:
        assert before[name] and query(hjem, f"select * from {name} order by all") == before[name], name


def test_et_nyt_fuldt_udtraek_glemmer_maanederne_foer(leveret, hjem: Home) -> None:
    """A new full extract replaces all before it: months it does not tell of go from the facts as they would in a rebuild, in small municipalities too."""
    _, lines = leveret
    last = query(hjem, "select max(loebenr) from cpr.raw.leverance")[0][0]
    assert len({row[1] for row in snapshot(hjem)["folketal"]}) > 2
    full = lines[:next(i for i, line in enumerate(lines) if line.startswith("999")) + 1]
    path = hjem.inbox / "cpr" / "D260331.L431101"
    path.write_text("\n".join([f"{full[0][:4]}{last + 1:06d}20260331{full[0][18:]}", *full[1:]]) + "\n", encoding="iso-8859-1")
    moment = datetime(2026, 3, 31, 21, 30, tzinfo=UTC).timestamp()
    os.utime(path, (moment, moment))
    rebuild(hjem)
    after = snapshot(hjem)
    assert {row[1] for row in after["folketal"]} == {date(2026, 4, 1)}
    assert not after["bevaegelse"]


def persons(home: Home) -> int:
    return query(home, "select count(distinct person_id) from standardized.int_borger__personfaktum where frasat_aarsag is null and not er_annullering")[0][0]


def snapshot(home: Home) -> dict[str, list[tuple]]:
    return {
        "folketal": query(home, "select kommunekode, periode, alder, koen, civilstand, statsborgerskabsgruppe, antal_personer from marts.fct_borger__folketal order by all"),
        "bevaegelse": query(home, "select kommunekode, periode, bevaegelsesart, antal_personer from marts.fct_borger__bevaegelse order by all"),
    }


def changed(before: list[tuple], after: list[tuple]) -> set[tuple[str, date]]:
    return {row[:2] for row in set(before) ^ set(after)}


def touched(home: Home) -> set[tuple[str, date]]:
    return set(query(home, "select kommunekode, periode from drift.skive__fct_borger__folketal"))


def total(figures: dict[str, list[tuple]], municipality: str, month: date) -> int:
    return sum(row[-1] for row in figures["folketal"] if row[:2] == (municipality, month))
