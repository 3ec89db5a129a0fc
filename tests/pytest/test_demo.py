"""The demo Denmark: the same bytes every time, any choice of municipalities, and a ledger that adds up."""

from __future__ import annotations

import ast
from hashlib import sha256
from pathlib import Path

import duckdb
import pytest

import flis.demo
from flis.core.home import REPO, Home
from flis.demo import generate

SMALL = {"scale": 0.0005, "periods": 3, "slut": "2026-02", "kommuner": ["0101", "0410", "0420", "0440", "0563", "0825", "0851"], "seed": 3}


def contents(root: Path) -> dict[str, tuple[str, float]]:
    """Every file of the demo with its content's hash, and for deliveries the moment they arrived."""
    found = {}
    for folder in ("indbakke", "opsaetning", "facit", "noegle"):
        top = root / folder
        for file in [top] if top.is_file() else sorted(p for p in top.rglob("*") if p.is_file()):
            moment = file.stat().st_mtime if folder == "indbakke" else 0.0
            found[str(file.relative_to(root))] = (sha256(file.read_bytes()).hexdigest(), moment)
    return found


def with_threads(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Scratch databases opened from now on have this many threads."""
    original = duckdb.connect
    monkeypatch.setattr(flis.demo.duckdb, "connect", lambda path: original(path, config={"threads": count}))


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Home:
    home = Home.of(tmp_path_factory.mktemp("demo"))
    generate(home, **SMALL)
    return home


def test_samme_argumenter_giver_samme_bytes(demo: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also with one thread, and another day."""
    with_threads(monkeypatch, 1)
    monkeypatch.setenv("FLIS_NU", "2031-05-05T12:00:00")
    generate(tmp_path, **SMALL)
    first, second = contents(demo.root), contents(tmp_path)
    assert len(first) > 50
    assert sorted(first) == sorted(second)
    assert [name for name in first if first[name] != second[name]] == []


def test_andet_froe_giver_andre_tal(demo: Home, tmp_path: Path) -> None:
    generate(tmp_path, **{**SMALL, "seed": 4})
    first, second = contents(demo.root), contents(tmp_path)
    assert first["facit/std_oekonomi__postering.parquet"] != second["facit/std_oekonomi__postering.parquet"]
    assert first["noegle"] != second["noegle"]


@pytest.mark.parametrize(("kommuner", "periods"), [(["0101"], 1), (["0751"], 2), (["0411"], 1), (["0420", "0825"], 2), (["0563"], 1), (["0187"], 2)])
def test_ethvert_udvalg_af_kommuner(tmp_path: Path, kommuner: list[str], periods: int) -> None:
    counts = generate(tmp_path, scale=0.0005, periods=periods, slut="2026-03", kommuner=kommuner)
    assert counts["kommuner"] == len(kommuner)
    assert counts["filer"] > 0
    truth = tmp_path / "facit" / "std_oekonomi__postering.parquet"
    found = {row[0] for row in duckdb.sql(f"select distinct kommunekode from '{truth}'").fetchall()}
    assert found == set(kommuner) - {"0411"}
    assert not list((tmp_path / "tmp").iterdir())


def test_ukendt_kommune_afvises(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="0999"):
        generate(tmp_path, kommuner=["0101", "0999"])


def test_uden_fejl(tmp_path: Path) -> None:
    generate(tmp_path, **{**SMALL, "faults": False})
    assert duckdb.sql(f"select count(*) from '{tmp_path}/facit/fejl.parquet'").fetchall() == [(0,)]
    assert duckdb.sql(f"select count(*) from '{tmp_path}/facit/std_oekonomi__frasat.parquet'").fetchall() == [(0,)]


def test_regnskabet_gaar_op(demo: Home) -> None:
    """Every document balances but the planted ones; the budget balances on hovedkonto 0-8."""
    posteringer, fejl = f"'{demo.truth}/std_oekonomi__postering.parquet'", f"'{demo.truth}/fejl.parquet'"
    skaeve = duckdb.sql(f"""
        select kommunekode, kildesystem || '|' || kilde_id
        from {posteringer} where bilag_id is not null
        qualify sum(beloeb_kr) over (partition by kommunekode, kildesystem, bilag_id) <> 0
        order by all
    """).fetchall()
    plantede = duckdb.sql(f"select kommunekode, noegle from {fejl} where regel_id = 'OK-04' order by all").fetchall()
    assert plantede and skaeve == plantede
    budget = duckdb.sql(f"""
        select kommunekode, regnskabsaar, beloebstype, sum(beloeb_kr), count(*)
        from {posteringer} where beloebstype in ('oprindeligt_budget', 'korrigeret_budget') and hovedkonto < '9' group by all
    """).fetchall()
    assert len(budget) >= 2 * 6 * 2
    assert all(total == 0 and rows > 0 for *_, total, rows in budget)


def test_alle_perioder_er_brugt(demo: Home) -> None:
    found = {row[0] for row in duckdb.sql(f"select distinct regnskabsperiode from '{demo.truth}/std_oekonomi__postering.parquet'").fetchall()}
    assert found == set(range(17))


def test_beloeb_pr_indbygger_foelger_ikke_skalaen(tmp_path: Path) -> None:
    """The demo's amounts are those of its own population, so key figures look like Denmark at any scale."""
    def net_cost(scale: float) -> float:
        root = tmp_path / str(scale)
        generate(root, scale=scale, periods=1, slut="2025-12", kommuner=["0461"], faults=False)
        truth = root / "facit" / "std_oekonomi__postering.parquet"
        total = duckdb.sql(f"select sum(beloeb_kr) from '{truth}' where beloebstype = 'regnskab' and hovedkonto < '7' and dranst in ('1', '2')").fetchall()[0][0]
        people = duckdb.sql(f"select folketal from '{REPO}/scripts/flis/demo/befolkning.csv' where kommunekode = '0461'").fetchall()[0][0]
        return float(total) / (people * scale)

    small, large = net_cost(0.0005), net_cost(0.01)
    assert 55_000 < large < 80_000
    assert abs(small / large - 1) < 0.05


def test_facit_kender_ikke_modellerne() -> None:
    """The generators import nothing but the standard library, duckdb and themselves, and read no files of models, macros or seeds."""
    folder = REPO / "scripts" / "flis" / "demo"
    modules = sorted(folder.glob("*.py"))
    assert len(modules) >= 6
    for module in modules:
        text = module.read_text("utf-8")
        for node in ast.walk(ast.parse(text)):
            names = [n.name for n in node.names] if isinstance(node, ast.Import) else [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert not name.startswith("flis.") or name.startswith(("flis.demo", "flis.core.home")), f"{module.name} imports {name}"
        assert '"seeds"' not in text and '"models"' not in text and "/seeds/" not in text, module.name
