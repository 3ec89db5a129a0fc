"""What lives in the databases and cannot be read off the archive, kept beside it: two journals that are only ever added to.

`arkiv/leverancer.jsonl` has a line each time a delivery enters the ledger or changes its status there, with the whole of its row; the newest line about a
delivery is how it stands. `arkiv/haendelser.jsonl` has the events of `drift.haendelse`. Each line is JSON of its own and has a running number; it is on the
disk before the file it tells of leaves the inbox. With the archive, the set-up and the key they are enough to make both database files anew
(`flis restore`), and they tell when a database file is older than they are: a copy has been put back, and deliveries since would be missed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flis.core.faults import Damaged
from flis.core.home import Home
from flis.trail import sealing
from flis.trail.ledger import LEDGER

if TYPE_CHECKING:
    import duckdb

WAITING = "venter"          # such a delivery lies in the inbox and is decided upon anew at each load: nothing to keep
_READ: dict[str, Callable[[str], Any]] = {"bigint": int, "date": date.fromisoformat, "timestamp": datetime.fromisoformat, "decimal(38,2)": Decimal}


class JournalDamaged(Exception):
    """A journal cannot be read through; the text names file and line."""


@dataclass(frozen=True)
class Entry:
    """A line about a delivery: its number, and the state it put on paper."""

    nr: int
    leverance_id: int
    status: str
    erstattet_af: int | None


# --- the files ---------------------------------------------------------------------------------------------------------------------------------

def deliveries_file(home: Home) -> Path:
    """The journal of deliveries."""
    return home.archive / "leverancer.jsonl"


def events_file(home: Home) -> Path:
    """The journal of events."""
    return home.archive / "haendelser.jsonl"


def append(home: Home, path: Path, lines: Iterable[dict[str, Any]]) -> int:
    """Add lines, each chained to the one before it (flis.trail.sealing), and see them onto the disk; returns the number of the last.

    What a killed run left half written at the end is taken away first. Raises JournalDamaged when lines that were there are gone: on such an end nothing is built.
    """
    end, number, before = _end(path)
    text: list[bytes] = []
    for line in lines:
        if not text:
            key = sealing.key_of(home)
            before = before or sealing.beginning(path, end)
            if (gone := sealing.heads(home).get(path.name, {}).get("nr", 0) - number) > 0:
                raise JournalDamaged(f"{path}: the last {gone} entries have been removed (it ended in number {number + gone}); `flis verify` looks through the rest")
        number += 1
        body = json.dumps({"nr": number, **{k: v for k, v in line.items() if v is not None}}, ensure_ascii=False, default=str).encode()
        before = sealing.link(key, before, body)
        text.append(sealing.sealed(body, before))
    if not text:
        return number
    new = not path.exists()
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
        file.truncate(end)
        file.seek(end)
        file.write(b"".join(text))
        file.flush()
        os.fsync(file.fileno())
    if new:
        sync_folder(path.parent)
    sealing.note_head(home, path, number, before)
    return number


def last(path: Path) -> int:
    """The number of the last whole line; 0 when there is none."""
    return _end(path)[1]


def _end(path: Path) -> tuple[int, int, str]:
    """(where the last whole line ends, its number, its link)."""
    if not path.exists():
        return 0, 0, ""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        block = 64 * 1024
        while True:
            start = max(0, size - block)
            file.seek(start)
            data = file.read(size - start)
            end = data.rfind(b"\n") + 1
            begin = data.rfind(b"\n", 0, max(end - 1, 0)) + 1
            if begin or not start:
                break
            block *= 8
    if not end:
        return 0, 0, ""
    line = _parsed(path, data[begin:end], "the last line")
    return start + end, line["nr"], line.get(sealing.LINK, "")


def read(path: Path, after: int = 0) -> Iterator[dict[str, Any]]:
    """The whole lines with a number above `after`, in order. Raises JournalDamaged where one cannot be read or a number is missing."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for number, data in enumerate(file, start=1):
            if not data.endswith(b"\n"):
                return      # half written by a run that was killed; the database still has it
            if number > after:
                line = _parsed(path, data, f"line {number}")
                if line["nr"] != number:
                    raise JournalDamaged(f"{path}, line {number}: it says it is number {line['nr']}; lines are missing")
                line.pop(sealing.LINK, None)
                yield line


def _parsed(path: Path, data: bytes, where: str) -> dict[str, Any]:
    try:
        line = json.loads(data)
        line["nr"]
    except (ValueError, KeyError, TypeError) as fault:
        raise JournalDamaged(f"{path}, {where}: cannot be read") from fault
    return line


def sync_folder(folder: Path) -> None:
    """See a folder's new names onto the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# --- deliveries --------------------------------------------------------------------------------------------------------------------------------

def unwritten(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Rows of the ledger that are not noted as written, as they stand, in the order of their numbers. `con` has cpr as its own database.

    A row of which nothing is noted is of a delivery whose file may still lie in the inbox: the run that took it was stopped.
    """
    rows = con.execute(f"""
        select {', '.join('l.' + c for c in LEDGER)}, j.leverance_id is null as ny
        from raw.leverance as l
        left join raw.journal as j on l.leverance_id = j.leverance_id
        where l.status <> $1 and (j.leverance_id is null or j.status <> l.status or j.erstattet_af is distinct from l.erstattet_af)
        order by l.leverance_id
    """, [WAITING]).fetchall()
    return [dict(zip([*LEDGER, "ny"], row, strict=True)) for row in rows]


def write(con: duckdb.DuckDBPyConnection, home: Home) -> list[Entry]:
    """Write to the journal how the deliveries stand that have changed since they were noted; returns what is to be noted when they are done with."""
    rows = unwritten(con)
    if not rows:
        return []
    path = deliveries_file(home)
    written = {e.leverance_id: e for e in _beyond(con, path)}      # by a run that was stopped before it noted them
    new = [r for r in rows if not ((e := written.get(r["leverance_id"])) and (e.status, e.erstattet_af) == (r["status"], r["erstattet_af"]))]
    number = append(home, path, ({c: r[c] for c in LEDGER} for r in new)) - len(new)
    entries = dict(written)
    for at, row in enumerate(new, start=number + 1):
        entries[row["leverance_id"]] = Entry(at, row["leverance_id"], row["status"], row["erstattet_af"])
    wanted = {r["leverance_id"] for r in rows}
    return [e for ident, e in entries.items() if ident in wanted]


def note(con: duckdb.DuckDBPyConnection, entries: list[Entry]) -> None:
    """Note in the database that these lines are written, and that their deliveries are done with."""
    if not entries:
        return
    con.execute("begin")
    con.execute("delete from raw.journal where leverance_id in (select unnest(cast($1 as bigint[])))", [[e.leverance_id for e in entries]])
    con.execute("insert into raw.journal select unnest(cast($1 as bigint[])), unnest(cast($2 as bigint[])), unnest(cast($3 as varchar[])), unnest(cast($4 as bigint[]))",
                [[e.nr for e in entries], [e.leverance_id for e in entries], [e.status for e in entries], [e.erstattet_af for e in entries]])
    con.execute("commit")


def keep(con: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Write and note what has changed; for changes with which no file in the inbox has to do."""
    note(con, write(con, home))


def _beyond(con: duckdb.DuckDBPyConnection, path: Path) -> list[Entry]:
    """The newest line about each delivery among those past the last one noted."""
    noted = con.execute("select coalesce(max(nr), 0) from raw.journal").fetchall()[0][0]
    if last(path) <= noted:
        return []
    return list({line["leverance_id"]: Entry(line["nr"], line["leverance_id"], line["status"], line.get("erstattet_af")) for line in read(path, noted)}.values())


def check(home: Home) -> None:
    """Raises Damaged when the CPR-bearing file is missing or older than the journal: deliveries would be missed, or their numbers given out twice."""
    from flis.core.database import connect, exists

    path = deliveries_file(home)
    if not last(path):
        return
    if not home.cpr_db.exists():
        raise Damaged(f"{home.cpr_db} is missing, though {last(path)} lines in {path} tell of deliveries: `flis restore` makes it anew from the archive.")
    with connect(home) as con:
        known: dict[int, tuple] = {}
        if exists(con, "raw", "journal", "cpr"):
            con.execute("use cpr")
            beyond = _beyond(con, path)
            if not beyond:
                return
            known = {i: (s, e) for i, s, e in con.execute("select leverance_id, status, erstattet_af from raw.leverance where leverance_id in (select unnest(cast($1 as bigint[])))",
                                                          [[e.leverance_id for e in beyond]]).fetchall()}
        else:
            beyond = [Entry(1, 0, "", None)]
    behind = [e for e in beyond if known.get(e.leverance_id) != (e.status, e.erstattet_af)]
    if behind:
        raise Damaged(f"{home.cpr_db} is older than {path}: it does not know {len(behind)} deliveries, or what became of them. `flis restore` makes it anew from the archive.")


def deliveries(home: Home) -> list[dict[str, Any]]:
    """Every line about a delivery, oldest first, as rows of the ledger with `nr`."""
    return [{"nr": line["nr"], **{c: None if (v := line.get(c)) is None else _READ.get(kind, str)(v) for c, kind in LEDGER.items()}} for line in read(deliveries_file(home))]
