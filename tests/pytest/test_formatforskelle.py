"""Every row of docs/formatforskelle.csv is really there in a small demo."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zipfile
from pathlib import Path

import pytest

from flis.core.home import REPO, Home

TABLE = REPO / "docs" / "formatforskelle.csv"
ROWS = list(csv.DictReader(TABLE.open(encoding="utf-8")))
OUTSIDE = "ikke i disse områder"


def content(path: Path) -> bytes:
    """A file's bytes, unpacked."""
    if path.suffix == ".gz":
        return gzip.decompress(path.read_bytes())
    if path.suffix == ".zip":
        with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as packed:
            return packed.read(packed.namelist()[0])
    return path.read_bytes()


@pytest.fixture(scope="module")
def inbox(leveret_demo: Home) -> Path:
    return leveret_demo.inbox


def disappearances(inbox: Path, row: dict[str, str]) -> int:
    """How many keys (the pattern's group) stand in a municipality's file and not in its next one."""
    seen: dict[str, set[str]] = {}
    gone = 0
    for path in sorted(inbox.glob(row["filer"])):
        code = re.search(r"_(\d{4})_", path.name)[1]
        keys = set(re.findall(row["moenster"], content(path).decode(row["tegnsaet"]), re.MULTILINE))
        gone += len(seen.get(code, set()) - keys)
        seen[code] = keys
    return gone


def occurrences(inbox: Path, row: dict[str, str]) -> int:
    """How many files of the kind named show the difference. A file that is not in the charset named does not count."""
    pattern, found = re.compile(row["moenster"], re.MULTILINE), 0
    for path in sorted(inbox.glob(row["filer"])):
        try:
            text = content(path).decode(row["tegnsaet"])
        except UnicodeDecodeError:
            continue
        found += pattern.search(text.replace("\r\n", "\n")) is not None
    return found


@pytest.mark.parametrize("row", [r for r in ROWS if r["moenster"]], ids=lambda r: f"{r['art']}: {r['variant']}")
def test_forskellen_er_der(inbox: Path, row: dict[str, str]) -> None:
    found = disappearances(inbox, row) if row["kontrol"] == "forsvinder" else occurrences(inbox, row)
    assert found > 0, f"{row['filer']} does not show {row['variant']}"


def test_et_andet_moenster_findes_ikke(inbox: Path) -> None:
    """The search can fail: a charset that is not the file's, and a value nobody writes."""
    latin = next(r for r in ROWS if r["variant"] == "ISO-8859-1")
    assert occurrences(inbox, {**latin, "tegnsaet": "utf-8"}) == 0
    assert occurrences(inbox, {**latin, "moenster": "Intet system skriver dette"}) == 0


def test_tabellen_er_hel() -> None:
    """Each kind is there, a row has either a pattern or a reason for having none, and the page lists them all."""
    kinds = {row["art"] for row in ROWS}
    assert kinds == {"Encoding", "Delimiter/quoting", "Decimal/thousand", "Date", "Time zone", "Identifier", "Codes", "Units", "Semantics", "Layout"}
    assert len(ROWS) >= 65
    page = TABLE.with_suffix(".md").read_text("utf-8")
    for row in ROWS:
        assert bool(row["moenster"]) != (row["bemaerkning"] == OUTSIDE), row
        assert f"| {row['art']} | {row['variant'].replace('|', chr(92) + '|')} |" in page, row["variant"]
