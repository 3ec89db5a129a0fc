"""A run in parts: one municipality's correction goes all the way through by itself, what is left behind is told, and the next plain run ends where one plain run would have."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flis.build import dbt, signatures
from flis.build.dbt import Dbt, project
from flis.cli import app
from flis.contracts.contract import read_contracts
from flis.core.database import connect
from flis.core.home import Home
from flis.operate.run import DONE, FAILED, HELD, STEPS, run_steps
from flis.operate.withdraw import withdraw
from flis.quality import rules
from proofs import ligestilling

pytestmark = pytest.mark.langsom

MONTH = "2026-02"
NOW, LATER, OTHER = "0563", "0482", "0615"       # whose corrections of the accounts come by themselves, and with the rest; and whose of another fagområde
SLICE = {"fagomraade": "oekonomi", "kommune": NOW, "periode": MONTH}
MODEL, RESTS = "std_oekonomi__postering", "fct_oekonomi__bevaegelse"      # a view, and what rests on it
TESTED_BY = f"unik_noegle_{MODEL}__leverance_id___linje"


class _FirstOnly(random.Random):
    """Chance that takes the first row away, and no other."""

    def random(self) -> float:
        self.gone, before = True, getattr(self, "gone", False)
        return float(before)


def correct(home: Home, kommune: str, kildesystem: str, days: int) -> str:
    """Put in the inbox the delivery in force again, with a row less, as if sent so many days later; returns its name."""
    with connect(home) as con:
        sender, name = con.execute("select afsender, fil from cpr.raw.leverance where status = 'aktiv' and kommunekode = $1 and kildesystem = $2 and strftime(periode, '%Y-%m') = $3 order by leverance_id",
                                   [kommune, kildesystem, MONTH]).fetchall()[0]
    file = ligestilling._read(next(home.archive.rglob(f"{name}.*")), None)
    file.sender, file.name = sender, name.removesuffix(".gz").removesuffix(".zip")
    file.match = read_contracts(None).match(sender, file.name)
    new = ligestilling.again(file, "thinned", days, _FirstOnly())
    ligestilling.put(home, new)
    return new.name


def published(home: Home) -> dict[str, str]:
    """Every file that is shown to anyone, with its content."""
    return {str(p.relative_to(home.root)): hashlib.sha256(p.read_bytes()).hexdigest() for top in (home.outbox, home.reports, home.docs) for p in sorted(top.rglob("*")) if p.is_file()}


def newest(home: Home) -> dict[tuple[str, str], str]:
    """The content of the newest version of each package, as a digest."""
    with connect(home) as con:
        return {(m, p): d for m, p, d in con.execute("select modtager, pakke, arg_max(indhold, nummer) from drift.pakke group by all").fetchall()}


def query(home: Home, sql: str) -> list[tuple]:
    with connect(home) as con:
        return con.execute(sql).fetchall()


def behind(home: Home) -> dict:
    done = CliRunner().invoke(app, ["status", "--json", "--home", str(home.root)])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)["bagud"]


def packages(home: Home) -> set[tuple[str, str]]:
    """(package, recipient) that are older than what they rest on, but for those that a rule holds back."""
    held = query(home, "select distinct kommunekode, fagomraade from kvalitet.tilbageholdt")
    return {(one["pakke"], who) for one in behind(home)["pakker"] for who in one["modtagere"] if (who, one["pakke"]) not in held}


@pytest.fixture(scope="module")
def homes(demo_hjem: Home, tmp_path_factory) -> tuple[Home, Home]:
    """Two of the same, with three corrections in the inbox and nothing else new: in one they are run in parts, in the other all at once."""
    work = tmp_path_factory.mktemp("dele")
    parts, whole = Home(work / "dele"), Home(work / "helt")
    shutil.copytree(demo_hjem.root, parts.root, symlinks=True)
    shutil.rmtree(parts.inbox)
    parts.prepare()
    correct(parts, NOW, "kmd_opus", 1)          # the first to be sent: the numbers of the deliveries are then the same in both
    correct(parts, LATER, "kmd_opus", 2)
    correct(parts, OTHER, "eg_sensum", 40)
    shutil.copytree(parts.root, whole.root, symlinks=True)
    return parts, whole


def failing(home: Home, monkeypatch, name: str, steps: list[str]) -> dict[str, dict]:
    """What these steps did while that node could not but fail."""
    done: dict[str, dict] = {}
    with monkeypatch.context() as broken:
        broken.setattr(next(n for n in Dbt(home).manifest.nodes.values() if n.name == name), "raw_code", "select 1 as brudt" if name == TESTED_BY else "select * from findes_ikke")
        assert run_steps(home, steps, SLICE, done=done) == FAILED
    assert [node for node, _ in done["build"]["failed"]] == [name]
    return done


def test_what_fails_leaves_what_is_published(homes, monkeypatch) -> None:
    home, _ = homes
    before = published(home)
    assert not packages(home)
    # a view that says what it said is not built again, but tested, and what rests on it waits for that
    built: list[dict[str, set[str]]] = []
    collect = dbt._collect
    with monkeypatch.context() as seen:
        seen.setattr(dbt, "_collect", lambda outcome, result: (collect(outcome, result), built.append(result.nodes)))
        done = failing(home, monkeypatch, TESTED_BY, list(STEPS))
    assert f"model.flis.{MODEL}" not in built[-1]["model"] and {n.split(".")[2] for n in built[-1]["test"]} >= {TESTED_BY}
    assert list(done) == ["load", "build"] and done["load"]["loaded"] == 1
    # neither that run nor a step alone shows what is not whole
    for step in ("report", "package"):
        with pytest.raises(signatures.NotReady, match="not built and tested"):
            run_steps(home, [step], SLICE)
    assert published(home) == before
    facts = behind(home)
    assert [one["fagomraade"] for one in facts["ikke_bygget"]] == ["oekonomi"]
    assert {MODEL, RESTS, "formel_oekonomi"} <= {one["model"] for one in facts["ikke_proevet"]}
    told = CliRunner().invoke(app, ["status", "--home", str(home.root)]).stdout
    assert f"The last build failed in {TESTED_BY}" in told and "Loaded but not built: 2 deliveries, oekonomi kmd_opus" in told


def test_a_model_that_fails_is_built_by_the_next_run(homes, monkeypatch) -> None:
    home, _ = homes
    before = published(home)
    failing(home, monkeypatch, RESTS, ["build"])
    assert RESTS in {one["model"] for one in behind(home)["ikke_proevet"]} and published(home) == before


def test_one_slice_goes_through_by_itself(homes) -> None:
    home, _ = homes
    before, last = published(home), query(home, "select max(koersel) from drift.koersel")[0][0]
    done: dict[str, dict] = {}
    assert run_steps(home, list(STEPS), SLICE, done=done) in (DONE, HELD), done
    assert query(home, "select distinct kommunekode, strftime(periode, '%Y-%m') from cpr.raw.leverance where leverance_id > (select max(_leverance_id) from kvalitet.leveranceprofil) - 1") == [(NOW, MONTH)]
    assert query(home, f"select distinct kommunekode from drift.beroert where koersel > {last} and model in ('{MODEL}', 'fct_oekonomi__bevaegelse')") == [(NOW,)]
    after = published(home)
    assert {n for n, d in after.items() if n in before and d != before[n]} <= {f"udbakke/{NOW}/{n}" for n in ("index.html", "kvalitetsrapport/rapport.html", "kvalitetsrapport/oekonomi.xlsx")} | {"rapporter/afsloering.html"}       # a release, and what the attack on it came to
    assert before.keys() <= after.keys()
    # The correction breaks vouchers of a month beside the one asked for, so its own package waits: what was built is judged whole.
    held = {(who, area) for who, area in query(home, "select distinct kommunekode, fagomraade from kvalitet.tilbageholdt")}
    assert (NOW, "oekonomi") in held
    assert {tuple(Path(n).parts[1:3]) for n in after.keys() - before.keys()} == {(NOW, "oekonomi_benchmark")}
    # what is left behind is told, and what was seen to is not
    left, facts = packages(home), behind(home)
    assert ("oekonomi_benchmark", LATER) in left and not left & {("oekonomi", NOW), ("oekonomi_benchmark", NOW)}
    assert facts["ikke_bygget"] == facts["ikke_proevet"] == []
    told = CliRunner().invoke(app, ["status", "--home", str(home.root)]).stdout
    assert "Published before what it rests on was built: oekonomi_benchmark to" in told and "2 files wait" in told


def test_the_rest_ends_where_all_at_once_does(homes) -> None:
    for home in homes:
        assert run_steps(home, [step for step in STEPS if step != "report"]) in (DONE, HELD)
        assert not list(home.inbox.glob("*/*"))
        facts = behind(home)
        assert facts["ikke_bygget"] == facts["ikke_proevet"] == [] and not packages(home)
    parts, whole = homes
    assert newest(parts) == newest(whole)
    # how many are new since the run before is another matter: it is told from one run to the next
    judged = "select regel_id, kommunekode, periode, status, raekker, afvigelser from kvalitet.resultat order by all"
    assert query(parts, judged) == query(whole, judged)


def test_what_is_taken_back_is_remembered_no_more(homes) -> None:
    """Nothing stands otherwise for a delivery that had been replaced long ago, but what was remembered of it goes."""
    home, _ = homes
    remembered = "select count(*) from kvalitet.leveranceprofil where _leverance_id ="
    old = query(home, f"select min(leverance_id) from cpr.raw.leverance where status = 'erstattet' and kommunekode = '{NOW}' and leverance_id in (select _leverance_id from kvalitet.leveranceprofil)")[0][0]
    assert query(home, f"{remembered} {old}") != [(0,)]
    withdraw(home, old, "Prøve")
    assert run_steps(home, ["build"]) == DONE
    assert query(home, f"{remembered} {old}") == [(0,)]


def test_only_what_the_packages_rest_on_holds_them_back(homes) -> None:
    _, home = homes
    stands = project(home)

    def waits(model: str) -> set[str]:
        with connect(home, write="flis") as con:
            con.execute("begin")
            con.execute("insert into drift.bygget select $1, 1, null", [model])
            con.execute("commit")
        try:
            return {area for area in rules.areas() if not _fit(home, stands, area)}
        finally:
            with connect(home, write="flis") as con:
                con.execute("delete from drift.bygget where signatur is null")

    assert waits("fct_voksne_handicap__modtagere_aar") == {"voksne_handicap"}
    assert waits("std_oekonomi__postering") == set(rules.areas())       # the nøgletal count it
    assert waits("dim_koen") == set(rules.areas())                      # everybody gets it


def _fit(home: Home, stands: signatures.Project, area: str) -> bool:
    try:
        signatures.require(home, stands, area)
    except signatures.NotReady:
        return False
    return True
