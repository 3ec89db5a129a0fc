"""The rules of the house that a reviewer would otherwise have to look for: descriptions, contracts, grain, groups, links."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from flis.build import Dbt
from flis.home import REPO, Home


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    return Dbt(Home.of(tmp_path_factory.mktemp("parse")).prepare()).manifest


def models(manifest, *prefixes: str) -> list:
    found = [n for n in manifest.nodes.values() if n.resource_type == "model" and n.name.startswith(prefixes or "")]
    assert found
    return found


def test_hver_model_begynder_med_sit_korn(manifest) -> None:
    assert not [n.name for n in models(manifest) if not n.description.startswith(("Én række pr.", "Én række ")) or "pr." not in n.description[:40]]


def test_kontrakt_gruppe_og_adgang(manifest) -> None:
    for node in models(manifest):
        assert node.config.group, f"{node.name} has no group"
    for node in models(manifest, "std_", "dim_", "fct_", "formel_"):
        assert node.config.contract.enforced, f"{node.name} has no enforced contract"
        assert not [c.name for c in node.columns.values() if not c.description], f"{node.name} has columns without a description"
    for node in models(manifest, "dim_", "fct_", "formel_"):
        assert node.access.value == "public", f"{node.name} is not public"


def test_hver_model_har_en_test_af_sit_korn(manifest) -> None:
    tested = {dep for t in manifest.nodes.values() if t.resource_type == "test" and getattr(t, "test_metadata", None) and t.test_metadata.name == "unik_noegle" for dep in t.depends_on.nodes}
    missing = [n.name for n in models(manifest, "std_", "dim_", "fct_", "formel_") if n.unique_id not in tested and not n.name.endswith("__frasat")]
    assert not missing


def test_kun_staging_og_mellemled_laeser_raa_data(manifest) -> None:
    """Raw data are read by staging; the key of persons also by the int_ views; the ledger and the set-up by whoever needs them."""
    for node in models(manifest, "std_", "dim_", "fct_", "formel_"):
        read = {manifest.sources[d].source_name for d in node.depends_on.nodes if d.startswith("source.")}
        assert read <= {"opsaetning", "leverancer"}, f"{node.name} reads {read}"


def test_intet_cpr_forbi_mellemledene(manifest) -> None:
    for node in models(manifest, "std_", "dim_", "fct_", "formel_"):
        assert not [c for c in node.columns if re.search(r"cpr|personnummer", c) and not c.startswith(("koen_modsiger", "har_"))], node.name


def test_verificeret_staar_paa_kodelisterne() -> None:
    """Code lists say of each code whether it was read in an official source."""
    lists = [p for p in (REPO / "seeds").rglob("*.csv")]
    assert len(lists) > 8
    without = [p.name for p in lists if "verificeret" not in p.open(encoding="utf-8").readline()]
    assert not without, without


def test_links_i_dokumentationen_findes() -> None:
    broken = []
    for page in [REPO / "README.md", *(REPO / "docs").rglob("*.md")]:
        for link in re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text("utf-8")):
            if not (page.parent / link).exists():
                broken.append(f"{page.relative_to(REPO)} -> {link}")
    assert not broken


def test_motorforskelle_staar_kun_i_makroer() -> None:
    """Models keep to the SQL that DuckDB and Spark both take."""
    only_duckdb = re.compile(r"\b(strftime|strptime|regexp_matches|arg_max|arg_min|list_value|generate_series|date_diff|epoch|make_timestamp|exclude|unnest)\s*\(|\bexclude\b|//", re.I)
    found = []
    for model in (REPO / "models").rglob("*.sql"):
        text = re.sub(r"--.*|\{#.*?#\}|\{\{.*?\}\}|'[^']*'", "", model.read_text("utf-8"))
        found += [f"{model.name}: {hit.group(0)}" for hit in only_duckdb.finditer(text)]
    assert not found


def test_ingen_filer_i_repoet_er_data() -> None:
    """No database, Parquet or delivery has been committed."""
    files = subprocess.run(["git", "ls-files"], cwd=REPO, capture_output=True, text=True, check=True).stdout.split()
    assert len(files) > 50
    assert not [f for f in files if Path(f).suffix in (".duckdb", ".parquet", ".gz", ".zip")]
