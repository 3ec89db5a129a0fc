"""`flis withdraw`: what stands after it is what would have stood if the delivery had never come."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flis.core.database import connect
from flis.core.keys import pseudonym
from flis.operate import status
from flis.operate.withdraw import WithdrawError, Withdrawn, withdraw
from test_load import CITAT, CONTRACTS, KEY, LIMITS, PERSONS, World, register, saldo

REASON = "Forkert måned i udtrækket"


@pytest.fixture
def world(tmp_path) -> World:
    return World(tmp_path)


def take_back(world: World, fil: str, reason: str = REASON) -> Withdrawn:
    return withdraw(world.home, world.ledger(fil)["leverance_id"], reason, models=CONTRACTS, limits=LIMITS)


def month(world: World, day: int, *texts: str) -> str:
    name = f"SALDO_101_202601_202602{day:02d}.csv"
    world.put("saldo", name, saldo(*(f"a;{t};1,00;" for t in texts)))
    assert world.load().loaded == 1
    return name


def in_raw(world: World) -> list[tuple]:
    return world.query("select tekst from raw.saldo__konto order by all")


def events(world: World) -> list[dict]:
    with connect(world.home) as con:
        return [json.loads(d) for (d,) in con.execute("select detalje from drift.haendelse where haendelse = 'tilbagekaldt'").fetchall()]


def test_the_one_before_is_in_force_again(world):
    first, second = month(world, 5, "en"), month(world, 6, "to", "tre")
    done = take_back(world, second)
    assert done.back == ((world.ledger(first)["leverance_id"], first),) and not done.already
    assert in_raw(world) == [("en",)]
    assert world.statuses() == {first: "aktiv", second: "tilbagekaldt"}
    assert world.ledger(first)["erstattet_af"] is None
    assert REASON in world.ledger(second)["aarsag"] and world.ledger(second)["aarsag_kode"].endswith("tilbagekaldt")
    # what is told of the deliveries is told once
    assert world.query("select count(*) from raw.leverance_tabel") == [(2,)]
    # and once more changes nothing
    assert take_back(world, second).already
    assert in_raw(world) == [("en",)] and len(events(world)) == 1
    assert events(world)[0] == {"leverance_id": done.leverance_id, "fil": second, "periode": "2026-01-01", "grund": REASON, "genindsat": [done.back[0][0]]}


def test_without_one_before_the_slice_is_empty_and_the_file_may_come_again(world):
    first = month(world, 5, "en")
    assert take_back(world, first).back == ()
    assert in_raw(world) == []
    month(world, 5, "en")
    assert in_raw(world) == [("en",)]


def test_one_that_was_replaced_is_passed_over(world):
    first, second, third = month(world, 5, "en"), month(world, 6, "to"), month(world, 7, "tre")
    take_back(world, second)
    assert in_raw(world) == [("tre",)]
    assert world.ledger(first)["erstattet_af"] == world.ledger(third)["leverance_id"]
    assert take_back(world, third).back[0][1] == first
    assert in_raw(world) == [("en",)]


def test_a_series_has_no_hole(world):
    p = PERSONS
    for day, kind, number in ((1, "F", 100), (2, "D", 101), (3, "D", 102)):
        world.put("register", f"R26010{day}.TXT", register(kind, number, number - 1, f"001{p[day]}navn {day}"))
    world.load()
    with pytest.raises(WithdrawError, match=r"nr\. 102"):
        take_back(world, "R260102.TXT")
    assert set(world.statuses().values()) == {"aktiv"}
    take_back(world, "R260103.TXT")
    assert world.query("select person_id from raw.beroert_person where leverance_id = 3") == [(pseudonym(KEY.encode(), p[3]),)]
    take_back(world, "R260102.TXT")
    # the next waits for the one withdrawn
    world.put("register", "R260105.TXT", register("D", 102, 101, f"001{p[0]}navn 5"))
    assert world.load().waiting == 1
    world.put("register", "R260104.TXT", register("D", 101, 100, f"001{p[0]}navn 4"))
    assert world.load().loaded == 2
    # a full extract takes the place of the series, and gives it back; meanwhile the series gets no hole either
    world.put("register", "R260109.TXT", register("F", 200, 0, f"001{p[2]}alt   "))
    assert world.load().replaced == 3
    with pytest.raises(WithdrawError):
        take_back(world, "R260104.TXT")
    assert [fil for _, fil in take_back(world, "R260109.TXT").back] == ["R260101.TXT", "R260104.TXT", "R260105.TXT"]
    assert world.query("select tekst from raw.register__navn order by _leverance_id") == [("navn 1",), ("navn 4",), ("navn 5",)]


@pytest.mark.parametrize("spoil, says", [("away", "ikke i arkivet"), ("other", "beskadiget"), ("instruction", "instruks")])
def test_nothing_happens_when_the_one_before_cannot_be_read(world, spoil, says):
    first, second = month(world, 5, "en"), month(world, 6, "to")
    file = next(world.home.archive.rglob(f"{first.removesuffix('.csv')}*"))
    if spoil == "away":
        file.unlink()
    elif spoil == "other":
        file.write_bytes(b"ikke gzip")
    else:
        world.setup(["0101,oekonomi,saldo,maaned,2020-01-01,,false"])
    with pytest.raises(WithdrawError, match=says):
        take_back(world, second)
    assert in_raw(world) == [("to",)] and world.statuses() == {first: "erstattet", second: "aktiv"}
    take_back(world, first)     # what the message proposes
    take_back(world, second)
    assert in_raw(world) == []


def test_what_cannot_be_withdrawn_is_said(world):
    with pytest.raises(WithdrawError, match="ingen leverance 7"):
        withdraw(world.home, 7, REASON, models=CONTRACTS, limits=LIMITS)
    world.put("saldo", "SALDO_101_202601_20260205.csv", saldo(end="TOTAL;9;9,00;"))
    world.load()
    with pytest.raises(WithdrawError, match="aldrig taget ind"):
        take_back(world, "SALDO_101_202601_20260205.csv")
    with pytest.raises(WithdrawError, match="grund"):
        withdraw(world.home, 1, "  ")


def test_a_number_in_the_reason_is_masked_and_the_next_run_has_something_to_do(world):
    first = month(world, 5, "en")
    status.mark_complete(world.home)
    take_back(world, first, f"Sagen om {PERSONS[0]} skulle ikke med")
    assert PERSONS[0] not in world.ledger(first)["aarsag"] and PERSONS[0] not in json.dumps(events(world))
    assert not status.nothing_new(world.home)


# what happens: (file type and slice, number of rows) delivered, or the n'th withdrawn
steps = st.lists(st.one_of(st.tuples(st.sampled_from(["jan", "feb", "citat", "dag"]), st.integers(0, 3)), st.tuples(st.just("tilbage"), st.integers(0, 20))), min_size=6, max_size=9)


@settings(max_examples=5, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps)
def test_as_if_it_had_never_come(tmp_path: Path, steps: list[tuple[str, int]]) -> None:
    """Random deliveries in the order of their extracts, some withdrawn, against a home where those never came."""
    for name in ("a", "b"):
        shutil.rmtree(tmp_path / name, ignore_errors=True)
    world, other = World(tmp_path / "a"), World(tmp_path / "b")
    files: list[tuple[str, str, bytes]] = []
    series = [0]
    for number, (what, count) in enumerate(steps):
        day, rows = number + 1, [f"{number}r{n}" for n in range(count)]
        if what == "tilbage":
            known = sorted(s for s in files if world.statuses().get(s[1]) in ("aktiv", "erstattet"))
            if known:
                chosen = known[count % len(known)]
                if chosen[0] == "register":
                    chosen = max(s for s in known if s[0] == "register")
                    series.pop()
                take_back(world, chosen[1])
                files.remove(chosen)
            continue
        if what == "citat":
            one = ("citat", f"CITAT_0101_202602{day:02d}.csv", (CITAT + "".join(f"{r};{PERSONS[n]};t\n" for n, r in enumerate(rows)) + f"{number};{PERSONS[3]};t\n").encode("utf-8-sig"))
        elif what == "dag":
            one = ("register", f"R2602{day:02d}.TXT", register("F" if len(series) == 1 else "D", 100 + number, 100 + series[-1], *(f"001{PERSONS[n]}{r:6}" for n, r in enumerate(rows))))
            series.append(number)
        else:
            one = ("saldo", f"SALDO_101_2026{'01' if what == 'jan' else '02'}_202603{day:02d}.csv", saldo(*(f"a;{r};1,00;" for r in [*rows, str(number)])))
        files.append(one)
        world.put(*one)
        assert world.load().loaded == 1
    for one in files:
        other.put(*one)
    other.load()
    for table, own in (("saldo__konto", "fil, tekst, beloeb"), ("citat__sag", "* exclude (_leverance_id)"), ("register__navn", "* exclude (_leverance_id)")):
        sql = f"select {own} from raw.{table} order by all"
        assert world.query(sql) == other.query(sql), table
    standing = "select fil, status, raekker from raw.leverance where status in ('aktiv', 'erstattet') order by all"
    assert world.query(standing) == other.query(standing)
