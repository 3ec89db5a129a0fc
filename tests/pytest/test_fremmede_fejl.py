"""The second generator of faults (scripts/proofs/fremmede_fejl): what it plants is another file, formally right, and the same every time. What the installation says of it is for `flis bench fremmed`."""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from conftest import make_demo
from flis.core.home import REPO, Home
from flis.intake.load import load
from proofs import deliveries
from proofs.fremmede_fejl import filer, gang, lager, maal, plan, tabel
from proofs.fremmede_fejl.felter import Fields
from proofs.fremmede_fejl.greb import transposed, valid
from proofs.fremmede_fejl.vaner import MOVES

LAST, MONTHS, WALKS = date(2026, 2, 1), 3, 4
TAKEN = {"aktiv", "erstattet", "dublet", "ikke_instrueret", "venter"}       # venter: days of the register without the first


@pytest.fixture(scope="module")
def work(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("fremmed")
    home = make_demo(root / "grund", scale=0.004, periods=MONTHS, slut="2026-02", faults=False)
    kept, deliveries.DAYS_KEPT = deliveries.DAYS_KEPT, 0
    deliveries.deal(home.inbox, root / "venter", LAST, MONTHS)
    deliveries.DAYS_KEPT = kept
    return root


@pytest.fixture(scope="module")
def store(work: Path) -> lager.Store:
    return lager.Store(work / "venter", LAST, MONTHS, lager.names(REPO))


def _planted(store: lager.Store, work: Path, walk: int, into: str) -> tuple[list[plan.Planted], Path]:
    there = gang.files_of(work, MONTHS, work / into)
    dealt = plan.Plan(store, 3)
    for n in range(1, walk):
        dealt.plant(n, gang.files_of(work, MONTHS, work / "foer"))
    return dealt.plant(walk, there), there


def _hash(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.glob("*/*/*"))}


def test_en_uroert_fil_skrives_som_den_blev_laest(store: lager.Store) -> None:
    """Reading and writing changes nothing but quotes that are not needed and headers that are repeated, so what differs in a planted file is the fault."""
    looked: Counter[str] = Counter()
    for (month, _, _), files in store.found.items():
        for path, match in files:
            if month == MONTHS and path.suffix != ".gz" and looked[match.filetype.kildesystem + match.filetype.name] < 2:
                looked[match.filetype.kildesystem + match.filetype.name] += 1
                text = filer.write(filer.read(path, match), store.fields.get(match.filetype.kildesystem, {}))
                assert sorted(set(text.replace(b'"', b"").splitlines())) == sorted(set(path.read_bytes().replace(b'"', b"").splitlines())), path.name
    assert len(looked) > 25


@pytest.mark.parametrize("walk", range(1, WALKS + 1))
def test_plantede_filer_er_formelt_rigtige(store: lager.Store, work: Path, walk: int) -> None:
    planted, there = _planted(store, work, walk, f"fejl{walk}")
    assert len(planted) > 15 and all(p.raekker for p in planted)
    assert all(a.kommunekode != b.kommunekode or {a.omraade, b.omraade} == {"personale", "voksne_handicap"} for a in planted for b in planted if a != b)
    clean, changed = _hash(work / "venter"), _hash(there)
    assert sum(clean[name] != changed[name] for name in changed) >= len([p for p in planted if p.omraade != "borger"])
    _is_taken(work, there, planted, f"hjem{walk}")


def test_byttede_maaneder_er_formelt_rigtige(store: lager.Store, work: Path) -> None:
    there = gang.files_of(work, MONTHS, work / "byttet", both=True)
    planted = plan.Plan(store, 3).plant_two(1, there)
    assert {p.omraade for p in planted} == {"oekonomi", "personale", "skole", "voksne_handicap"}
    _is_taken(work, there, planted, "byttet_hjem", MONTHS - 1)


def test_hele_registret(store: lager.Store, work: Path) -> None:
    """A day of the register that holds what the day before held has its own number and the right count."""
    there = gang.files_of(work, MONTHS, work / "register", ("cpr",))
    assert plan.Plan(store, 3, ["registret"]).plant(1, there)[0].art == "dag_igen"
    last, before = (there / f"{MONTHS:03}" / "cpr" / f"D2602{day}.L431101" for day in (28, 27))
    assert last.read_bytes().splitlines()[1:] == before.read_bytes().splitlines()[1:]
    assert last.read_bytes().splitlines()[0] != before.read_bytes().splitlines()[0]


def _is_taken(work: Path, there: Path, planted: list[plan.Planted], name: str, first: int = MONTHS) -> None:
    """Nothing of what was planted is refused at the door for its form, and no row of it is set aside there. That rows are another municipality's may be seen there: it is what they say, not how."""
    others = {(p.omraade, p.kommunekode) for p in planted if any(m["greb"] == "anden" or m.get("vaerdi") == "nabo" for m in plan.kinds()[p.omraade][p.art]["greb"])}
    home = Home.of(gang.copy(work / "grund", work / name)).prepare()
    for month in range(first, MONTHS + 1):
        deliveries.deliver(there / f"{month:03}", home.inbox)
    load(home)
    with duckdb.connect(str(home.root / "flis_cpr.duckdb"), read_only=True) as db:
        told = db.execute("select fagomraade, kommunekode, fil, status, aarsag_kode, raekker_afvist from raw.leverance").fetchall()
    assert [t for t in told if t[3] not in TAKEN and t[4] != "forkert_kommune"] == []
    assert [t for t in told if t[5] and t[:2] not in others] == []
    assert {t[:2] for t in told if t[4] == "forkert_kommune"} <= others
    assert len(told) > 100
    shutil.rmtree(home.root)


def test_samme_froe_giver_samme_fejl(store: lager.Store, work: Path) -> None:
    first, one = _planted(store, work, 1, "en")
    again, two = _planted(store, work, 1, "to")
    assert first == again and _hash(one) == _hash(two)


def test_arterne_kan_laeses(store: lager.Store) -> None:
    """Every kind's moves exist, and every role and field it names is one that some system has."""
    tables = [about for system in store.systems.values() for about in system.values()]
    roles = {a["rolle"] for a in tables} | {"budget", "alle"}
    fields = {f for a in tables for f in a["felter"]} | {"funktion", "dranst", "gruppering", "art"}
    for kinds in plan.kinds().values():
        for kind, about in kinds.items():
            for move in about["greb"]:
                assert move["greb"] in MOVES, kind
                named = move.get("rolle", [])
                assert set([named] if isinstance(named, str) else named) <= roles, kind
                where = move.get("hvor", {}) if move["greb"] != "massepost" else {}       # there by role
                asked = [*([move["felt"]] if isinstance(move.get("felt"), str) else move.get("felt", [])), *where, *move.get("ikke", {})]
                assert set(asked) <= fields | {"handling"}, kind


def test_byttede_cifre_er_stadig_et_personnummer() -> None:
    assert transposed("1203704321", 0.5) != "1203704321" and valid(transposed("1203704321", 0.5))
    assert sorted(transposed("1203704321", 0.0)) == sorted("1203704321")


def test_tal_og_koder_i_alle_skrivemaader(store: lager.Store) -> None:
    def put(system: str, table: str, row: dict[str, str], role: str, value: object) -> dict[str, str]:
        fields: Fields = store.fields[system][table]
        fields.put(row, role, value)
        assert fields.get(row, role) == value
        return row

    assert put("kmd_opus", "zd1sl", {"amount0": "1,00"}, "beloeb", Decimal("-1234.50"))["amount0"] == "1.234,50-"
    assert put("oes_indsigt", "saldo", {"saldo": "x"}, "beloeb", Decimal("-19.38"))["saldo"] == "00000000001938-"
    assert put("fujitsu_prisme", "finanspostering", {"dimension": "99010-322081999-11030"}, "funktion", "53850")["dimension"] == "99010-538501999-11030"
    assert put("sd_loen", "loenlinje", {"account_string": "0.22.01.1.1.999.1.0"}, "funktion", "32201")["account_string"] == "3.22.01.1.1.999.1.0"
    assert put("eg_sensum", "ydelse", {"forventetparagraf": ""}, "paragraf", "82b")["forventetparagraf"] == "SEL § 82 b"
    assert put("kmd_nexus", "ydelse", {"paragraf": ""}, "paragraf", "82b")["paragraf"] == "SEL-82-B"
    assert put("kmd_nexus", "ydelse", {"timer_pr_maaned": ""}, "timer", Decimal("4.5"))["timer_pr_maaned"] == "4:30"


def _outcome(move: float, held: bool, *, said: bool, kind: str = "a") -> maal.Outcome:
    at = plan.Planted(1, "oekonomi", kind, "En art", "0461", "kmd_opus", 3)
    return maal.Outcome(at, [], [], ["OK-00"] if said else [], [], held, move, "FLIS-OE-001", "2026-01-01", 100.0, 100.0 * (1 + move))


def test_totalerne() -> None:
    """Recall is of those that moved a figure more than 5 %, held of those over 10 %; a kind counts only if every fault of it was caught."""
    t = tabel.totals([_outcome(0.5, True, said=True), _outcome(0.5, False, said=False), _outcome(0.07, False, said=True, kind="b"), _outcome(0.01, False, said=False, kind="c")])
    assert (t["planted"], t["moved"], t["moved_found"], t["far"], t["far_held"]) == (4, 3, 2, 2, 1)
    assert (t["recall"], t["held"], t["kinds_moved"], t["kinds_found"], t["kinds_held"]) == (0.667, 0.5, 2, 1, 0)
