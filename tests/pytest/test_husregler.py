"""The rules of the house that a reviewer would otherwise have to look for: descriptions, contracts, grain, groups, links."""

from __future__ import annotations

import copy
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import msgpack
import pytest
import yaml

from flis import demo
from flis.build import testtexts
from flis.build.dbt import BuildResult, Dbt, _collect, _overlooked
from flis.contracts.datapackage import manifest_path
from flis.core.database import connect
from flis.core.home import REPO, Home
from flis.quality.rules import areas, load_rules
from flis.report.declaration import measures


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    return Dbt(Home.of(tmp_path_factory.mktemp("parse")).prepare()).manifest


def test_dbt_kan_laese_det_den_husker(manifest) -> None:
    """What dbt remembers of its reading can be read again: else each command reads the whole project anew, eight seconds, and says nothing of it."""
    remembered = manifest_path().with_name("partial_parse.msgpack").read_bytes()
    assert msgpack.unpackb(remembered, strict_map_key=True)["nodes"]


def models(manifest, *prefixes: str) -> list:
    found = [n for n in manifest.nodes.values() if n.resource_type == "model" and n.name.startswith(prefixes or "")]
    assert found
    return found


SHARED = {"kvalitet_": ("raekkeudfald", "leveranceprofil", "leverancefordeling", "kontrolsum", "raekkeregnskab", "manglende_del", "indholdsprofil", "indholdsskitse", "kodeoversaettelse"), "lagafstemning_": ("lagafstemning",), "formler_": ("int_faelles__formelvaerdi",)}


@pytest.mark.parametrize("start", SHARED)
def test_det_faelles_hviler_paa_hvert_fagomraades_egne_ord(manifest, tmp_path: Path, start: str) -> None:
    """A model that finds the areas' macros by their name is dbt's child of each of them, and made anew when one of them has changed."""
    from flis.build.signatures import Project

    found = {m.unique_id for m in manifest.macros.values() if m.package_name == "flis" and m.name.startswith(start)}
    assert {m.rsplit(start, 1)[1] for m in found} - {"faelles"} == set(areas())
    assert _overlooked(manifest) is False
    for node in models(manifest, *SHARED[start]):
        assert found <= set(node.depends_on.macros), node.name
    home, one = Home.of(tmp_path).prepare(), copy.copy(manifest)
    one.macros = {u: replace(m, macro_sql=m.macro_sql + " ") if u == min(found) else m for u, m in manifest.macros.items()}
    before, after = Project(manifest, home).prints, Project(one, home).prints
    sliced = Project(manifest, home).sliced     # a view has a print too, and what it rests on is in it
    assert {name for name in sliced if before[name] != after[name]} == {name for name in SHARED[start] if name in sliced}
    one.nodes = {u: replace(n, depends_on=replace(n.depends_on, macros=[m for m in n.depends_on.macros if m != min(found)])) if n.name in SHARED[start] else n
                 for u, n in manifest.nodes.items()}
    assert _overlooked(one) is True        # as when the area is new, and the models were read before it was there


def test_fagomraaderne_staar_eet_sted(manifest) -> None:
    """`vars.fagomraader` in dbt_project.yml is the list: rules, faggrupper, contracts, packages and demo have those and no other."""
    known = yaml.safe_load((REPO / "dbt_project.yml").read_text("utf-8"))["vars"]["fagomraader"]
    assert known == sorted(known) == areas()
    assert {name for name in demo.AREAS if name != "officielle_tal"} == set(known)
    assert {group.name.removeprefix("faggruppe_") for group in manifest.groups.values() if group.name.startswith("faggruppe_")} - {"faelles"} == set(known)
    assert {source.source_meta["fagomraade"] for source in manifest.sources.values() if "fagomraade" in source.source_meta} - {"faelles"} == set(known)
    assert {path.name for path in (REPO / "models" / "marts").iterdir() if path.is_dir()} - {"faelles"} == set(known)


def test_et_fagomraade_siger_kun_det_der_spoerges_om(monkeypatch) -> None:
    """A key that no shared model asks for would be left out without a word. The macros are run as the linter runs them."""
    monkeypatch.syspath_prepend(REPO / "tests")
    from sqlfluff_lib import context

    said = {start: [entry for name, macro in context.items() if name.startswith(start) for entry in macro()] for start in SHARED}
    assert all(said.values())
    assert {key for entry in said["kvalitet_"] for key in entry} == {"model", "taelles", "ikke_gaeldende", "flyttes_af", "sammenlaegges", "beloeb", "kildekoder", "profil", "fordeling", "indhold", "andet_indhold"}
    assert {frozenset(about) for entry in said["kvalitet_"] for about in entry.get("kildekoder", {}).values() if isinstance(about, dict)} == {frozenset({"kildekode", "standard"})}
    assert {key for entry in said["kvalitet_"] for about in entry.get("profil", {}).values() for key in about} == {"ukendt", "angaar"}
    assert {key for entry in said["kvalitet_"] for key in entry.get("fordeling", {})} == {"noegler", "taelles", "aktuelle", "hviler", "mindst", "kommer_og_gaar"}
    assert {key for entry in said["kvalitet_"] for key in entry.get("indhold", {})} == {"omfang", "bevaegelser", "person", "maal", "koder", "afledte", "personkoder", "foelges", "i_gang", "enhed", "datoer", "ens", "maaned"}
    assert {key for entry in said["lagafstemning_"] for key in entry} == {"standard", "marts", "maal"}
    names = [entry["model"] for entry in said["kvalitet_"]] + said["formler_"]
    assert len(names) == len(set(names)) and all(any((REPO / "models").rglob(f"{name}.sql")) for name in names)


def test_hver_kode_der_oversaettes_bliver_talt(monkeypatch) -> None:
    """A code that a crosswalk translates is said by its area, with the column it came in: else one without a row there would be 'ukendt' and in no list."""
    monkeypatch.syspath_prepend(REPO / "tests")
    from sqlfluff_lib import context

    said = {entry["model"]: {about["kildekode"] if isinstance(about, dict) else about for about in entry.get("kildekoder", {}).values()}
            for name, macro in context.items() if name.startswith("kvalitet_") for entry in macro()}
    translated = {path.stem: set(re.findall(r"oversaet\('\w+', '(\w+)'", path.read_text("utf-8"))) for path in (REPO / "models" / "standardized").rglob("int_*.sql")}
    assert sum(map(len, translated.values())) > 15
    assert not {model: missing for model, columns in translated.items() if (missing := columns - said.get(model, set()))}


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


def test_indholdet_laeses_foer_raekker_laegges_sammen(manifest) -> None:
    """A merged service stands in the newest system's delivery: read there, the last delivery of the old system would have lost nearly all when a municipality changes systems."""
    for name in ("indholdsprofil", "indholdsskitse"):
        read = set(next(n for n in models(manifest) if n.name == name).depends_on.nodes)
        assert "model.flis.int_voksne_handicap__ydelse" in read and "model.flis.std_voksne_handicap__ydelse" not in read


def test_kun_staging_og_mellemled_laeser_raa_data(manifest) -> None:
    """Raw data are read by staging; the key of persons also by the int_ views; the ledger and the set-up by whoever needs them."""
    for node in models(manifest, "std_", "dim_", "fct_", "formel_"):
        read = {manifest.sources[d].source_name for d in node.depends_on.nodes if d.startswith("source.")}
        assert read <= {"opsaetning", "leverancer"}, f"{node.name} reads {read}"


def test_intet_cpr_forbi_mellemledene(manifest) -> None:
    for node in models(manifest, "std_", "dim_", "fct_", "formel_"):
        assert not [c for c in node.columns if re.search(r"cpr|personnummer", c) and not c.startswith(("koen_modsiger", "har_"))], node.name


def test_det_der_forenes_har_de_samme_kolonner_i_samme_orden(manifest, demo_hjem) -> None:
    """`foren` puts models together place by place: two columns that change places in one system's staging would be read as each other."""
    with connect(demo_hjem) as con:
        columns = dict(con.execute("select table_name, list(column_name order by column_index) from duckdb_columns() where database_name = 'flis' group by all").fetchall())
    united = [re.findall(r"'(\w+)'", names) for n in models(manifest) for names in re.findall(r"foren\(\s*\[(.*?)\]", n.raw_code, re.DOTALL)]
    united.append(sorted(n.name for n in models(manifest, "formel_")))
    assert len(united) > 10
    assert {name: columns[name] for names in united for name in names if columns[name] != columns[names[0]]} == {}


def test_verificeret_staar_paa_kodelisterne() -> None:
    """Code lists say of each code whether it was read in an official source."""
    lists = list((REPO / "seeds").rglob("*.csv"))
    assert len(lists) > 8
    without = [p.name for p in lists if "verificeret" not in p.open(encoding="utf-8").readline()]
    assert not without, without


def test_links_i_dokumentationen_findes() -> None:
    broken = []
    for page in [*REPO.glob("*.md"), *(REPO / ".github").glob("*.md"), *(REPO / "docs").rglob("*.md")]:
        for link in re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text("utf-8")):
            if not (page.parent / link).exists():
                broken.append(f"{page.relative_to(REPO)} -> {link}")
    assert not broken


def test_motorforskelle_staar_kun_i_makroer() -> None:
    """Models keep to the SQL that DuckDB and Spark both take."""
    only_duckdb = re.compile(r"\b(strftime|strptime|regexp_matches|arg_max|arg_min|list_value|generate_series|date_diff|epoch|make_timestamp|exclude|unnest)\s*\(|\bexclude\b|//", re.IGNORECASE)
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


def test_hver_faggruppe_har_ejere() -> None:
    """CODEOWNERS asks each group of the models, and the files of its area lead to it."""
    lines = [line.split() for line in (REPO / ".github" / "CODEOWNERS").read_text("utf-8").splitlines() if line.startswith(("/", "*"))]
    groups = {one["name"] for one in yaml.safe_load((REPO / "models" / "_groups.yml").read_text("utf-8"))["groups"]}
    teams = {team.partition("/")[2] for _, *who in lines for team in who}
    assert {name.replace("_", "-") for name in groups} <= teams
    assert {pattern.strip("/*").partition(".")[0] for pattern, *who in lines if "/faggruppe-" in who[0] and pattern.startswith("/*/*")} == set(areas())
    assert not [pattern for pattern, *_ in lines if not {"*"} & set(pattern) and not (REPO / pattern.strip("/")).exists()]


def dbt_tests(manifest) -> list:
    found = [n for n in manifest.nodes.values() if n.resource_type == "test"]
    assert len(found) > 200
    return found


def test_hver_proeve_siger_paa_dansk_hvad_der_er_galt_og_hvad_man_goer(manifest) -> None:
    """A kind of generic test without a text, or a singular one without description and meta.goer, is a failure that nobody can act on."""
    told = [(t, testtexts.name_of(t), testtexts.advice_of(t)) for t in dbt_tests(manifest)]
    for test, name, advice in told:
        assert len(name) > 15 and name[0].isupper() and not name.endswith(".") and not re.search(r"\{|\(\)|: *$", name), (test.name, name)
        assert len(advice) > 60, test.name
    kinds = {t.test_metadata.name for t in dbt_tests(manifest) if getattr(t, "test_metadata", None)}
    assert kinds == set(testtexts.catalogue())
    assert len({name for _, name, _ in told}) == len(told), "two tests say that the same should hold"


def test_hver_unit_test_siger_hvad_den_proever(manifest) -> None:
    assert not [u.name for u in manifest.unit_tests.values() if len(u.description) < 20]


class Outcome:
    """A test of the project as dbt gives it back."""

    def __init__(self, node, status: str) -> None:
        self.node, self.status, self.failures, self.message = node, status, 3, "Got 3 results, configured to fail if != 0"


@pytest.mark.parametrize("name", ["raekkeregnskab_gaar_op", "unik_noegle_overenskomst_overenskomst"])
def test_den_der_bygger_faar_teksten_at_se(manifest, name: str) -> None:
    """What should hold stands first, for `flis status` shows the first line; what dbt said is last. A test that could not run has dbt's words alone."""
    node = next(t for t in dbt_tests(manifest) if t.name == name)
    failed, broke = (BuildResult(), BuildResult())
    for result, status in ((failed, "fail"), (broke, "error")):
        _collect(type("R", (), {"result": [Outcome(node, status)]}), result)
    ((shown, text),) = failed.failures
    lines = text.splitlines()
    assert shown == name and lines[0] == f"{testtexts.name_of(node)}. 3 rækker bryder det."
    assert lines[1].startswith("Gør sådan: ") and name in lines[2] and lines[3] == Outcome(node, "fail").message
    assert broke.failures == [(name, Outcome(node, "fail").message)]


def test_hver_makro_er_beskrevet(manifest) -> None:
    """In _<file>__macros.yml beside the file it stands in: the documentation page shows that. What another engine has instead (default__, spark__) is the macro's own."""
    ours = [m for m in manifest.macros.values() if m.package_name == "flis" and not m.name.startswith(("default__", "spark__"))]
    assert len(ours) > 100
    for macro in ours:
        assert macro.description, f"{macro.name} in {macro.original_file_path} is not described"
        expected = "_proever__macros.yml" if macro.name.startswith("test_") else f"_{Path(macro.original_file_path).stem}__macros.yml"
        assert macro.patch_path.endswith(f"macros/{expected}"), (macro.name, macro.patch_path)
    described = {one["name"] for page in (REPO / "macros").glob("*.yml") for one in yaml.safe_load(page.read_text("utf-8"))["macros"]}
    assert described == {m.name for m in ours}


def test_hver_pakke_og_rapport_er_en_exposure(manifest) -> None:
    """A package's exposure is what meta.pakke says is in it; that of an area's rules has the models they test; the owner is the group's."""
    shown = {e.name: e for e in manifest.exposures.values()}
    owners = {g.name: g.owner.name for g in manifest.groups.values()}
    assert set(shown) == {f"{kind}_{area}" for kind in ("pakke", "benchmark", "kvalitet") for area in areas()} | {"rapport_kommune", "rapport_landet", "rapport_systemer", "rapport_afsloering", "deklaration"}

    def read(name: str) -> set[str]:
        return {unique_id.rsplit(".", 1)[-1] for unique_id in shown[name].depends_on.nodes}

    packaged = [(n.name, n.config.meta["pakke"]) for n in models(manifest) if n.config.meta.get("pakke")]
    named = {n.name for n in models(manifest)}
    for area in areas():
        here = [(name, said["niveau"]) for name, said in packaged if said["fagomraade"] in (area, "faelles")]
        assert read(f"pakke_{area}") == {name for name, level in here if level != "benchmark"}
        assert read(f"benchmark_{area}") == {name for name, level in here if level in ("benchmark", "dimension")}
        assert read(f"kvalitet_{area}") == {name for rule in load_rules() if rule.fagomraade == area for name in (rule.model, rule.grundlag)} & named
        assert {shown[f"{kind}_{area}"].owner.name for kind in ("pakke", "benchmark", "kvalitet")} == {owners[f"faggruppe_{area}"]}
    measured = " ".join(one.sql for one in measures())
    assert {name for name in named if re.search(rf"\b(marts|kvalitet|standardized)\.{name}\b", measured)} <= read("deklaration")
    for one in shown.values():
        assert one.label and len(one.description) > 60 and one.config.meta["sti"] and one.owner.name in owners.values(), one.name
