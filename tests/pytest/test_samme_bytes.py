"""The same input gives the same bytes of every file of every package, whatever day it is; and what has gone bad in an older version does not follow into a new one."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from conftest import copy_of
from flis.core.database import connect
from flis.core.home import Home
from flis.operate.run import FAILED, run_steps
from flis.package.write import VERSION, newest_version, package

pytestmark = pytest.mark.langsom


def files(home: Home) -> dict[str, str]:
    """Every file of every version of every package, by its hash."""
    found = {}
    for path in sorted(home.outbox.rglob("*")):
        parts = path.relative_to(home.outbox).parts
        if path.is_file() and len(parts) > 3 and VERSION.fullmatch(parts[2]):
            found["/".join(parts)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def written_on(source: Home, root: Path, moment: str, monkeypatch) -> dict[str, str]:
    """The packages as they come out when the rules are run and they are written at this moment."""
    home = copy_of(source, root)
    shutil.rmtree(home.outbox)
    with connect(home, write="flis") as con:
        for table in ("drift.pakke", "drift.pakkefil", "kvalitet.deklaration"):
            con.execute(f"drop table {table}")
    monkeypatch.setenv("FLIS_NU", moment)
    done: dict[str, dict] = {}
    assert run_steps(home, ["validate", "report", "package"], done=done, alt=True) != FAILED
    assert done["package"]["written"] > 50
    return files(home)


def test_to_dage_giver_de_samme_filer(demo_hjem, tmp_path, monkeypatch):
    first = written_on(demo_hjem, tmp_path / "a", "2026-11-30T09:00:00+00:00", monkeypatch)
    shutil.rmtree(tmp_path / "a")
    second = written_on(demo_hjem, tmp_path / "b", "2026-12-03T14:30:00+00:00", monkeypatch)
    names = {Path(path).name for path in first}
    assert {"README.md", "kvalitet.jsonld", "datapackage.json", "indlaes.sql", "SHA256SUMS"} <= names and len(first) > 500
    assert sorted(first) == sorted(second)
    assert [path for path in first if first[path] != second[path]] == []


def test_en_daarlig_byte_foelger_ikke_med(demo_hjem, tmp_path):
    """A file of the newest version that no longer has its hash is written anew and told of; the sound ones are linked as before."""
    home = copy_of(demo_hjem, tmp_path / "h")
    before = newest_version(home, "0101", "oekonomi")
    assert before
    bad = before / "data" / "dim_kommune.csv"
    good = next(p for p in sorted((before / "data").glob("fct_*.csv")))
    whole = bad.read_bytes()
    bad.chmod(0o600)
    inode = bad.stat().st_ino
    bad.write_bytes(whole.replace(b"K", b"X", 1))
    assert bad.stat().st_ino == inode
    with connect(home, write="flis") as con:       # another wish than before: a new version is due
        con.execute("update drift.pakke set fingeraftryk = 'andet' where modtager = '0101' and pakke = 'oekonomi'")
    result = package(home, fagomraade="oekonomi", kommune="0101")
    after = newest_version(home, "0101", "oekonomi")
    assert after and after != before and [p.name for p in result.written] == [after.name]
    assert result.damaged == [str(bad.relative_to(home.outbox))]
    assert (after / "data" / "dim_kommune.csv").read_bytes() == whole
    assert (after / "data" / good.name).stat().st_ino == good.stat().st_ino
    sums = dict(reversed(line.split("  ", 1)) for line in (after / "SHA256SUMS").read_text("utf-8").splitlines())
    assert all(hashlib.sha256((after / name).read_bytes()).hexdigest() == said for name, said in sums.items())
    assert json.loads((after / "datapackage.json").read_text("utf-8"))["version"] == after.name
