"""The command line as a person meets it: exit codes, plain words, and nothing done twice."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from datetime import date

import pytest
import typer
import yaml
from typer.testing import CliRunner

from flis.cli import app
from flis.cli.walk import ask_before_demo
from flis.core.home import REPO, Home
from flis.operate import status


def flis(*args: str, home: Home | None = None) -> subprocess.CompletedProcess:
    env = {**os.environ, "PYTHONPATH": str(REPO / "scripts"), "COLUMNS": "200"}
    return subprocess.run([sys.executable, "-X", "importtime" if "--importtime" in args else "utf8", "-m", "flis.cli", *(a for a in args if a != "--importtime"),
                           *(("--home", str(home.root)) if home else ())], capture_output=True, text=True, env=env, cwd=REPO, timeout=300, check=False)


@pytest.mark.parametrize("args, says", [
    (("build", "--kommune", "101"), "four digits"),
    (("load", "--kommune", "9999"), "9999 is not a municipality"),
    (("status", "--fagomraade", "fiskeri"), "oekonomi"),
    (("load", "--periode", "2026-13"), "YYYY-MM"),
    (("validate", "--fagomraade", "fiskeri"), "oekonomi"),
    (("demo", "--slut", "september"), "YYYY-MM"),
    (("package", "--ukendt"), "No such option"),
    (("withdraw", "7"), "--grund"),
])
def test_forkert_brug_er_exit_2_med_klare_ord(tmp_path, args, says) -> None:
    done = flis(*args, home=Home.of(tmp_path))
    assert done.returncode == 2
    assert says in done.stderr


def test_en_demo_blandes_ikke_med_en_anden(tmp_path) -> None:
    home, small = Home.of(tmp_path), ("--scale", "0.0005", "--periods", "1", "--kommuner", "0825")
    assert flis("demo", *small, home=home).returncode == 0
    first = sorted(f.read_bytes() for f in home.inbox.rglob("*") if f.is_file())
    assert flis("demo", *small, home=home).returncode == 0
    assert sorted(f.read_bytes() for f in home.inbox.rglob("*") if f.is_file()) == first
    again = flis("demo", *small, "--seed", "2", home=home)
    assert again.returncode == 2
    assert "other arguments" in again.stderr
    unknown = flis("withdraw", "7", "--grund", "Prøve", home=home)
    assert unknown.returncode == 2 and "ingen leverance 7" in unknown.stderr


SMALL = ("--scale", "0.0005", "--periods", "1", "--kommuner", "0825")


# What a verb must be told besides the home. Those that are not asked: demo makes homes, and bench works in a folder of its own.
NEEDS = {"withdraw": ("7", "--grund", "Prøve"), "accept": ("7", "--grund", "Prøve"), "noegle": ("abc", "--kommune", "0101", "--grund", "Prøve"), "noegle-skift": ("--grund", "Prøve")}
VERBS = sorted(typer.main.get_command(app).commands)


def test_verberne_er_dem_der_er() -> None:
    assert set(NEEDS) | {"demo", "bench", "status", "run"} <= set(VERBS)


@pytest.mark.parametrize("verb", [v for v in VERBS if v not in ("demo", "bench", "status")])
def test_et_hjem_der_er_skrevet_forkert_oprettes_ikke(tmp_path, verb) -> None:
    """Every verb that is added is asked too."""
    home = Home.of(tmp_path / "hjme")
    done = CliRunner().invoke(app, [verb, *NEEDS.get(verb, ()), "--home", str(home.root)])
    assert done.exit_code == 2 and "there is no FLIS home" in " ".join(done.stderr.replace("│", " ").split()) and "flis demo" in done.stderr
    assert not home.root.exists()


@pytest.mark.parametrize("more", [(), ("--json",), ("--leverancer",), ("--leverancer", "--json")])
def test_status_opretter_intet(tmp_path, more) -> None:
    home = Home.of(tmp_path / "hjme")
    done = flis("status", *more, home=home)
    assert done.returncode == 2 and "no FLIS home" in done.stderr and not home.root.exists()


def test_en_forkert_brugt_demo_opretter_intet(tmp_path) -> None:
    home = Home.of(tmp_path / "hjme")
    assert flis("demo", "--slut", "2026-13", home=home).returncode == 2 and not home.root.exists()


def test_version_og_hjaelp() -> None:
    """The version is the one the package is installed as, and the one the repository and the changelog say."""
    said = flis("--version")
    written = tomllib.loads((REPO / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert said.returncode == 0 and said.stdout.strip() == f"flis {written}"
    assert yaml.safe_load((REPO / "dbt_project.yml").read_text("utf-8"))["version"] == written
    newest = re.search(r"^## \[(.+?)\] - (\d{4}-\d{2}-\d{2})$", (REPO / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert newest and newest[1] == written and date.fromisoformat(newest[2])


@pytest.mark.parametrize("verb", [None, *VERBS])
def test_h_er_hjaelp(verb) -> None:
    short, long = (CliRunner().invoke(app, [*([verb] if verb else []), how]) for how in ("-h", "--help"))
    assert short.exit_code == 0 and "Usage" in short.stdout and short.stdout == long.stdout


def test_et_tomt_hjem_siger_hvad_der_mangler(tmp_path) -> None:
    """There is a home, and nothing in it: each verb says what to do first, without a trace."""
    home = Home.of(tmp_path).prepare()
    docs = flis("docs", home=home)
    assert docs.returncode == 2 and "nothing has been built" in docs.stderr
    restore = flis("restore", home=home)
    assert restore.returncode == 0 and "Nothing has been loaded" in restore.stdout
    load = flis("load", home=home)
    assert load.returncode == 3 and "kommune_opsaetning.csv is missing" in load.stderr
    assert "Traceback" not in docs.stderr + restore.stderr + load.stderr


def test_en_demo_oven_i_det_der_er_indlaest_skal_siges(tmp_path) -> None:
    home = Home.of(tmp_path)
    assert flis("demo", *SMALL, home=home).returncode == 0
    assert flis("load", home=home).returncode in (0, 1)
    assert not list(home.inbox.glob("*/*"))
    again = flis("demo", *SMALL, home=home)         # no terminal to ask on
    assert again.returncode == 2 and "--yes" in again.stderr and not list(home.inbox.glob("*/*"))
    assert flis("demo", *SMALL, "--yes", home=home).returncode == 0 and list(home.inbox.glob("*/*"))


@pytest.mark.parametrize("answer, goes_on", [("n", False), ("y", True)])
def test_paa_en_terminal_spoerges_der(tmp_path, monkeypatch, answer, goes_on) -> None:
    home = Home.of(tmp_path).prepare()
    home.cpr_db.touch()
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.confirm", lambda question: answer == "y")
    if goes_on:
        ask_before_demo(home, True, False)
    else:
        with pytest.raises(typer.Exit):
            ask_before_demo(home, True, False)


def test_en_demo_skrives_aldrig_over_en_rigtig_opsaetning(tmp_path) -> None:
    home = Home.of(tmp_path).prepare()
    setup = home.setup / "kommune_opsaetning.csv"
    setup.write_text("kommunekode\n", "utf-8")
    done = flis("demo", *SMALL, "--yes", home=home)
    assert done.returncode == 2 and "no demo's" in done.stderr and setup.read_text("utf-8") == "kommunekode\n"


def test_status_foer_noget_har_koert(tmp_path) -> None:
    done = flis("status", home=Home.of(tmp_path).prepare())
    assert done.returncode == 0
    assert "flis demo" in done.stdout and "Nothing has run" in done.stdout


def test_intet_nyt_siger_det_uden_dbt_og_ge(demo_hjem: Home) -> None:
    """With nothing new the run says so, and imports neither dbt nor Great Expectations nor DuckDB (which is what makes it quick)."""
    done = flis("run", "--importtime", home=demo_hjem)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Nothing new" in done.stdout
    imported = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert "flis.cli" in imported or "typer" in imported
    assert not {name for name in imported if name.split(".")[0] in ("dbt", "great_expectations", "duckdb")}


def test_intet_nyt_fortier_ikke_det_der_venter(tmp_path) -> None:
    """Deltas that wait for a missing one are said, and are no exit 0, also when nothing else is new."""
    home = Home.of(tmp_path).prepare()
    (home.inbox / "cpr").mkdir()
    (home.inbox / "cpr" / "D260102.L431101").write_text("venter", "utf-8")
    status.write_step(home, "load", waiting=1)
    status.mark_complete(home)
    done = flis("run", home=home)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "cannot be loaded" in done.stdout
    status.write_step(home, "load", waiting=0)
    assert flis("run", home=home).returncode == 0


def test_status_som_json(demo_hjem: Home) -> None:
    done = flis("status", "--json", home=demo_hjem)
    facts = json.loads(done.stdout)
    assert set(facts["trin"]) == {"load", "build", "validate", "report", "package"}
    assert facts["trin"]["load"]["loaded"] > 0
    rows = {(r["kommunekode"], r["fagomraade"], r["kildesystem"]): r for r in facts["leverancer"]}
    assert rows["0410", "oekonomi", "kmd_opus"]["modtaget"] > 0
    assert rows["0410", "oekonomi", "fujitsu_prisme"]["modtaget"] > 0


def test_status_kan_laeses_paa_80_tegn_og_har_summer(demo_hjem: Home) -> None:
    """No column is cut off, and the last line is the sum of the fagområder, each of them the sum of its systems."""
    env = {**os.environ, "PYTHONPATH": str(REPO / "scripts"), "COLUMNS": "80"}
    facts = json.loads(flis("status", "--json", home=demo_hjem).stdout)["leverancer"]
    for narrow in ((), ("--kommune", "0410"), ("--leverancer",)):
        done = subprocess.run([sys.executable, "-m", "flis.cli", "status", *narrow, "--home", str(demo_hjem.root)], capture_output=True, text=True, env=env, cwd=REPO, timeout=300, check=False)
        lines = done.stdout.splitlines()
        assert done.returncode == 0 and max(len(line) for line in lines if "Published before" not in line) <= 80 and "…" not in done.stdout
    told = flis("status", home=demo_hjem).stdout.splitlines()
    in_all = next(line for line in told if line.strip().startswith("in all")).replace(",", "").split()
    assert [int(n) for n in in_all[3:5]] == [sum(r[k] for r in facts) for k in ("forventet", "modtaget")] and int(in_all[2]) == len({r["kommunekode"] for r in facts})
    of_area = [line.replace(",", "").split() for line in told if line.strip().split(" ")[0] in {r["fagomraade"] for r in facts} and line.startswith(" ") and not line.startswith("  ")]
    assert len(of_area) == len({r["fagomraade"] for r in facts}) and sum(int(line[3]) for line in of_area) == int(in_all[4])


def test_status_kan_indsnaevres(demo_hjem: Home) -> None:
    done = flis("status", "--kommune", "0410", "--fagomraade", "oekonomi", home=demo_hjem)
    assert "kmd_opus" in done.stdout
    assert "0101" not in done.stdout
