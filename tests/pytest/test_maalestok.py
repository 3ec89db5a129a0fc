"""The benchmark's own parts: floors that read what the steps read, a correction that holds, verdicts and slopes that follow from the figures, a page that is written where it should be."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from conftest import make_demo
from flis.core.home import REPO
from flis.intake.load import load
from flis.quality.rules import load_rules
from proofs import deliveries, floors, results
from proofs.results import Step

STEPS = [
    Step("load the second month", 20, 20, 500, rows=1_000_000, floor_seconds=15), Step("build the second month", 60, 80, 2000, nodes=200, floor_seconds=30),
    Step("load the last month but one", 22, 22, 520, rows=1_000_000, floor_seconds=16), Step("build the last month but one", 80, 90, 2100, nodes=200, floor_seconds=30),
    Step("load the last month", 22, 22, 520, rows=1_000_000, floor_seconds=16), Step("build the last month", 80, 90, 2200, nodes=200, floor_seconds=30),
    Step("validate the last month", 25, 25, 600, floor_seconds=6), Step(results.IMPORT, 5, 5, 300), Step(results.NOTHING_LOADED, 0.5, 0.5, 100),
    Step(results.NOTHING_BUILT, 2, 2, 300), Step(results.EVERY_NODE, 24, 22, 400, nodes=200, floor_seconds=2), Step("load a correction", 1.5, 1, 100), Step("build a correction", 22, 20, 400, nodes=200),
    Step("package borger", 40, 70, 900, rows=10, bytes=10**9, floor_seconds=20), Step("run, nothing new", 0.3, 0.3, 40)]
SIZES = [{"months": m, "flis.duckdb": 10**8 * m, "flis_cpr.duckdb": 10**9 + 10**8 * m, "arkiv": 10**7 * m, "udbakke": 0} for m in (2, 23, 24)]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """An inbox of two months: Opus, ØS Indsigt and a local field, the CPR register, case systems."""
    return make_demo(tmp_path_factory.mktemp("maal"), scale=0.0005, periods=2, slut="2025-02", kommuner=["0461", "0851", "0420", "0265"], faults=False)


def test_maal_og_domme() -> None:
    """The verdicts follow from the figures, and a floor of a few seconds judges nothing."""
    said = {t["what"]: t for t in results.judge(STEPS, results.read_targets())}
    loaded, built = said["Load a full national month"], next(t for what, t in said.items() if what.startswith("Build the month"))
    assert (loaded["value"], loaded["verdict"]) == (1.375, "not reached")
    assert (built["value"], built["verdict"]) == (1.933, "not reached")            # (80 - 200 nodes x 0.1 s - 2 s to start) / 30
    assert said["Validate the month, import apart"]["verdict"].startswith("floor 6.0 s")
    correction = next(t for what, t in said.items() if what.startswith("A correction"))
    assert (correction["value"], correction["verdict"]) == (round(1 / 79.5, 3), "reached")
    assert said["98 packages, oekonomi"]["verdict"] == "not measured"
    assert {len(t) for t in said.values()} == {5}


def test_haeldningen_foeres_frem() -> None:
    found = results.extrapolate(STEPS, SIZES, 24, 3, results.read_targets()["extrapolate"])
    assert found is not None
    now, _, _, then = found["cases"]
    # (20 + 60 - 20) s and (22 + 80 - 20) s per million rows, 21.5 months apart
    assert found["microseconds_per_row"] == {"2": 60.0, "23": 82.0, "24": 82.0}
    assert found["microseconds_per_row_and_month"] == pytest.approx(22 / 21.5, abs=1e-3)
    assert now["gb"]["flis.duckdb"] == 2.4 and then["gb"]["flis.duckdb"] == 64.0
    assert then["seconds"]["package"] == round(40 * 5 * 16 / 3)
    assert then["hours"] > now["hours"] and found["breaks"]["disk_gb"]["month"]
    assert results.extrapolate(STEPS[2:], SIZES, 24, 3, results.read_targets()["extrapolate"]) is None


def test_siden_skrives_mellem_sine_maerker(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    shutil.copy(REPO / "docs" / "performance.md", page)
    about = {"date": "2026-11-26", "commit": "abc", "scale": 1.0, "periods": 24, "cores": 2, "memory_mb": 8000, "duckdb_memory_limit": "6GB"}
    result = results.summary(about, STEPS, SIZES, {"fuzz": {"files": 2000, "problems": []}}, 3)
    assert {"step", "seconds", "floor_seconds", "ratio", "rows", "peak_rss_mb", "bytes", "cpu_seconds", "floor_cpu_seconds"} <= set(result["steps"][0])
    results.write_page(page, results.as_text(result))
    results.write_page(page, results.as_text(result))       # once more in the same places
    text = page.read_text("utf-8")
    assert text.count("| package borger |") == 1 and "files 2000" in text and "what breaks first" in text
    page.write_text(text.replace(results.MARKS[1].format("sizes"), ""), "utf-8")
    with pytest.raises(ValueError, match="sizes"):
        results.write_page(page, results.as_text(result))


def test_gulvet_laeser_de_samme_raekker(small, tmp_path: Path) -> None:
    """What the floor of load reads is what load takes in, line for line; and a correction of an old month is a delivery that replaces."""
    (tmp_path / "gulv").mkdir()
    bare = floors.load(small.root, tmp_path / "gulv")
    deliveries.deal(small.inbox, tmp_path / "venter", date(2025, 2, 1), 2)
    parts = sorted(p.name for p in (tmp_path / "venter").iterdir())
    assert parts[:2] == ["001", "002"] and parts[2:] == [f"dag_202502{d}" for d in range(24, 29)]
    for part in parts:
        deliveries.deliver(tmp_path / "venter" / part, small.inbox)
    done = load(small)
    assert done.rejected == done.waiting == done.duplicates == done.not_instructed == 0
    assert (bare["files"], bare["rows"]) == (done.received, done.rows)
    before = sorted(small.archive.rglob("ZD1SL_*_202501_*"))
    new = deliveries.correct(small.archive, small.inbox, date(2025, 1, 1))
    again = load(small)
    assert (again.loaded, again.replaced, again.rejected) == (1, 1, 0), again.refusals
    assert sorted(small.archive.rglob("ZD1SL_*_202501_*")) != before and not new.exists()


def test_gulve_paa_et_faerdigt_hjem(demo_hjem, tmp_path: Path) -> None:
    """The floors of validate and package run on what the walk left: every rule, and every file of an area's newest packages."""
    assert floors.validate(demo_hjem.root, tmp_path, "all")["rules"] == len(load_rules())
    newest = {max(folder.iterdir(), key=lambda v: tuple(map(int, v.name.split(".")))) for folder in demo_hjem.outbox.glob("*/borger*")}
    files = {p.stat().st_ino for v in newest for p in v.rglob("*") if p.suffix in (".csv", ".parquet")}
    bare = floors.package(demo_hjem.root, tmp_path, "borger")
    assert bare["files"] == len(files) and bare["rows"] > 0
