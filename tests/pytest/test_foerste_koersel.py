"""The first run of a new home may be of one fagområde: it is built, judged and shown, and what else there is comes after."""

from __future__ import annotations

import pytest

from conftest import make_demo
from flis.core.database import connect
from flis.core.home import Home
from flis.operate.run import DONE, FAILED, HELD, STEPS, run_steps

pytestmark = pytest.mark.langsom

ONE = {"fagomraade": "personale", "kommune": None, "periode": None}
SMALL = {"scale": 0.0004, "periods": 2, "kommuner": ["0101", "0461", "0563"], "seed": 3}
KEY = "relationships_fct_personale"


def query(home: Home, sql: str) -> list[tuple]:
    with connect(home) as con:
        return con.execute(sql).fetchall()


@pytest.fixture
def home(tmp_path) -> Home:
    return make_demo(tmp_path, **SMALL)


def test_alt_er_indlaest_og_eet_bygges(home: Home) -> None:
    """Everything is loaded, and one fagområde built: a test whose other end is not there waits for it. What all share waits for the others, and says so; then all is built as if at once."""
    done: dict[str, dict] = {}
    assert run_steps(home, ["load"]) in (DONE, HELD)
    assert run_steps(home, list(STEPS), ONE, done=done) in (DONE, HELD), done
    assert list(done) == list(STEPS) and not done["build"]["failed"] and done["build"]["tests"] > 50
    assert done["validate"]["rules"] > 10 and done["report"]["reports"] >= 3
    assert done["package"]["written"] == 0 and "fct_noegletal__kommune" in done["package"]["not_built"][0]
    first = done["build"]["tests"]
    done = {}
    assert run_steps(home, list(STEPS), done=done) != FAILED, done
    assert done["package"]["written"] >= 10 and not done["package"]["not_built"]
    assert done["build"]["tests"] > first
    assert query(home, "select count(*) from drift.bygget where signatur is null") == [(0,)]


def test_kun_det_ene_er_indlaest(home: Home) -> None:
    """Nothing of the others has been loaded: what all share is built of nothing of theirs, and the fagområde's packages are written."""
    done: dict[str, dict] = {}
    assert run_steps(home, list(STEPS), ONE, done=done) in (DONE, HELD), done
    assert done["package"]["written"] >= 2 and not done["package"]["not_built"]
    assert {area for (area,) in query(home, "select distinct fagomraade from drift.pakke")} == {"personale"}
