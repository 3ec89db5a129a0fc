"""The recipe for a kildesystem shows the repository's own files: what it says is added is there, line for line."""

from __future__ import annotations

import re

import yaml

from flis.core.home import REPO

PAGE = REPO / "docs" / "tilfoej-et-kildesystem.md"


def added_lines() -> dict[str, list[str]]:
    """The lines the page's diff adds, per file."""
    diff = re.search(r"```diff\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[1]
    found: dict[str, list[str]] = {}
    for line in diff.splitlines():
        if line.startswith("+++ b/"):
            found[line[6:]] = []
        elif line.startswith("+"):
            found[list(found)[-1]].append(line[1:])
    return found


def test_eksemplet_er_filerne() -> None:
    found = added_lines()
    assert {path.rsplit("/", 1)[-1] for path in found} == {
        "_kmd_opus__sources.yml", "_kmd_opus__models.yml", "stg_kmd_opus__zd1sl.sql", "int_oekonomi__postering.sql", "xwalk_oekonomi__beloebstype.csv", "kildesystem.csv",
    }
    for path, lines in found.items():
        text = (REPO / path).read_text("utf-8").splitlines()
        assert lines
        if "/kmd_opus/" in path:
            assert lines == text, f"{path} has changed since the page was written"
        else:
            assert [line for line in lines if line not in text] == [], path


def test_opus_er_ikke_naevnt_andre_steder() -> None:
    """The claim of the recipe: outside the demo and the tests the system stands in these files alone."""
    allowed = {*added_lines(), "models/standardized/oekonomi/_oekonomi__standardized.yml"}
    named = set()
    for folder in ("models", "seeds", "macros", "scripts/flis", "expectations"):
        for path in (REPO / folder).rglob("*"):
            name = path.relative_to(REPO).as_posix()
            if path.suffix in (".py", ".sql", ".yml", ".csv") and "/demo/" not in name and not name.endswith("__unit_tests.yml") and re.search(r"kmd_opus(?!_loen)", path.read_text("utf-8")):
                named.add(name)
    assert named == allowed


def test_opskriftens_kontrakt_er_den_der_proeves() -> None:
    """What the page shows of a contract with record types, start record and debit/credit stands in the contract that is tried (test_kontrakt.py)."""
    shown = yaml.safe_load(re.search(r"```yaml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[1])
    meta = yaml.safe_load((REPO / "tests" / "pytest" / "kontrakter" / "_femte__sources.yml").read_text("utf-8"))["sources"][0]["config"]["meta"]
    assert shown and {key: meta[key] for key in shown} == shown


def test_opskriftens_kommando_er_en_unit_test() -> None:
    """The command of the page names a staging model that has a unit test, and the set-up comes before the first `flis load`."""
    page = PAGE.read_text("utf-8")
    model = re.search(r'dbt test --select "(\w+),test_type:unit"', page)[1]
    assert f"    model: {model}\n" in "\n".join(added_lines()["models/staging/oekonomi/kmd_opus/_kmd_opus__models.yml"])
    assert page.index("kommune_opsaetning.csv") < page.index("`flis load`")
