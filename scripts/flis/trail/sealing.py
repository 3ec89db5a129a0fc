"""The audit trail cannot be altered unnoticed: each line of the journals is chained to the one before it with a keyed HMAC (docs/decisions/0034).

`kaede` at the end of a line is HMAC(key, kaede of the line before, the line without it). Who changes, removes, inserts or moves a line without the key breaks the
chain at that line, and `verify` names it. `arkiv/segl.json` has the last link of each journal, so that a shortened journal shows too; a copy of it kept elsewhere
shows also when all of it has been put back. `drift.haendelse` carries the links of its journal, and is held against it; so is the ledger.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flis.core.faults import Damaged
from flis.core.home import Home

if TYPE_CHECKING:
    import duckdb

LABEL = b"revisionsspor"
LINK = "kaede"
SHOWN = 10


class Altered(Damaged):
    """The audit trail is not what was written; the text names the entries."""


@dataclass
class Verified:
    """What was looked through, and what is wrong with it. `heads` are the last links, to be noted elsewhere."""

    entries: dict[str, int] = field(default_factory=dict)
    heads: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


def audit_key(master: bytes) -> bytes:
    """The key of the chain, derived from the house's own: it says nothing of that, and ids cannot be made with it."""
    return hmac.new(master, LABEL, hashlib.sha256).digest()


def key_of(home: Home) -> bytes:
    """The key of a home's chain. Raises KeyMissing. A key that can be guessed is refused by whoever loads or publishes; here the house must be able to leave it (`flis noegle-skift`)."""
    from flis.core.keys import master_key

    return audit_key(master_key(home, weak=True))


def link(key: bytes, before: str, line: bytes) -> str:
    """The link of a line (its JSON without the link) to the one before it."""
    return hmac.new(key, before.encode() + b"\n" + line, hashlib.sha256).hexdigest()


def sealed(line: bytes, chained: str) -> bytes:
    """A line with its link, as it is written."""
    return line[:-1] + f', "{LINK}": "{chained}"}}\n'.encode()


def taken_apart(data: bytes) -> tuple[bytes, str | None]:
    """A written line without its link, and the link; None for a line from before there were any."""
    at = data.rfind(f', "{LINK}": "'.encode())
    if at < 0:
        return data.rstrip(b"\n"), None
    return data[:at] + b"}", data[at:].split(b'"')[3].decode(errors="replace")


def beginning(path: Path, end: int) -> str:
    """What the first link is tied to: the hash of what stood before there were links, which is mostly nothing."""
    digest = hashlib.sha256()
    if path.exists():
        with path.open("rb") as file:
            digest.update(file.read(end))
    return digest.hexdigest()


# --- the last links ----------------------------------------------------------------------------------------------------------------------------

def heads_file(home: Home) -> Path:
    """The last link of each journal."""
    return home.archive / "segl.json"


def heads(home: Home) -> dict[str, dict[str, Any]]:
    """Journal → its last line's number and link, as noted."""
    path = heads_file(home)
    try:
        return json.loads(path.read_text("utf-8")) if path.exists() else {}
    except ValueError as fault:
        raise Altered(f"{path} cannot be read: nobody knows how long the journals were.") from fault


def note_head(home: Home, journal: Path, number: int, chained: str) -> None:
    """Note the last link of a journal, whole or not at all."""
    path = heads_file(home)
    half = path.with_name(f".{path.name}.ny")
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        json.dump({**heads(home), journal.name: {"nr": number, LINK: chained}}, out, sort_keys=True)
        out.flush()
        os.fsync(out.fileno())
    os.replace(half, path)


# --- verifying ---------------------------------------------------------------------------------------------------------------------------------

def verify(home: Home) -> Verified:
    """Look through the journals and what stands in the databases beside them. Nothing is changed."""
    from flis.core.database import connect
    from flis.trail import journal, keycheck

    result, key = Verified(), key_of(home)
    events = _chain(home, journal.events_file(home), key, result)
    deliveries = _chain(home, journal.deliveries_file(home), key, result)
    _chain(home, keycheck.keys_file(home), key, result)
    if home.db.exists() and home.cpr_db.exists():
        with connect(home) as con:
            _against_events(con, events, result)
            _against_ledger(con, deliveries, result)
    return result


def require(home: Home) -> None:
    """Raises Altered when the trail is not what was written: nothing is released on it."""
    if wrong := verify(home).wrong:
        more = f"\nand {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        raise Altered("The audit trail has been altered, and nothing is released (`flis verify` says the same):\n" + "\n".join(wrong[:SHOWN]) + more
                      + "\nFind out who has done it; put the journals back from a backup (docs/backup.md).")


def _chain(home: Home, path: Path, key: bytes, result: Verified) -> dict[int, dict[str, Any]]:
    """Hold one journal against its links. Gives its lines by number, the link included."""
    found: dict[int, dict[str, Any]] = {}
    before, number, unsealed, wrong = "", 0, hashlib.sha256(), result.wrong
    for at, data in enumerate(path.open("rb") if path.exists() else (), start=1):
        if not data.endswith(b"\n"):
            break       # half written by a run that was killed
        line, chained = taken_apart(data)
        try:
            given = json.loads(line)
            said = int(given["nr"])
        except (ValueError, KeyError, TypeError):
            wrong.append(f"{path}, line {at}: cannot be read")
            before, number = chained or "", number + 1
            continue
        if said != number + 1:
            wrong.append(f"{path}, line {at}: it says it is number {said}, and should be {number + 1}: entries have been removed, added or moved")
        if chained is None and not before:
            unsealed.update(data)
        elif chained is None or not hmac.compare_digest(chained, link(key, before or unsealed.hexdigest(), line)):
            wrong.append(f"{path}, line {at}: number {said} has been changed, or is not where it was written")
        before, number = chained or before, said
        found[said] = {**given, LINK: chained}
    _head(home, path, found, result)
    result.entries[path.name], result.heads[path.name] = len(found), before
    return found


def _head(home: Home, path: Path, found: dict[int, dict[str, Any]], result: Verified) -> None:
    """Hold the end of a journal against the last link noted."""
    try:
        noted = heads(home).get(path.name)
    except Altered as fault:
        result.wrong.append(str(fault))
        return
    last = max(found, default=0)
    if noted is None:
        if any(line[LINK] for line in found.values()):
            result.wrong.append(f"{heads_file(home)} does not tell how long {path.name} was")
    elif noted["nr"] > last:
        result.wrong.append(f"{path}: the last {noted['nr'] - last} entries have been removed (it ended in number {noted['nr']})")
    elif (found.get(noted["nr"]) or {}).get(LINK) != noted[LINK]:
        result.wrong.append(f"{path}, number {noted['nr']}: it is not the entry it ended in when {heads_file(home).name} was written")


def _against_events(con: duckdb.DuckDBPyConnection, lines: dict[int, dict[str, Any]], result: Verified) -> None:
    """drift.haendelse against its journal. What was recorded by a run that was killed before it wrote to the journal is above the last number, and comes later."""
    from flis.core.database import exists
    from flis.trail import events

    if not exists(con, "drift", "haendelse"):
        return
    seen: set[int] = set()
    for number, *values in con.execute(f"select nummer, {', '.join(events.COLUMNS)} from drift.haendelse order by nummer").fetchall():
        if number in seen:
            result.wrong.append(f"drift.haendelse, number {number}: it stands there twice")
        seen.add(number)
        if number <= max(lines, default=0) and (line := lines.get(number)) is not None:
            there = {k: v for k, v in json.loads(json.dumps(events.as_line(values), default=str)).items() if v is not None}
            if there != {k: v for k, v in line.items() if k in events.COLUMNS and v is not None}:
                result.wrong.append(f"drift.haendelse, number {number} ({line['haendelse']}): it is not what was written to the journal")
    result.wrong += [f"drift.haendelse, number {number} ({line['haendelse']}): it has been removed" for number, line in sorted(lines.items()) if number not in seen]


def _against_ledger(con: duckdb.DuckDBPyConnection, lines: dict[int, dict[str, Any]], result: Verified) -> None:
    """The ledger against the newest line about each delivery, where that is noted as written."""
    from flis.core.database import exists
    from flis.trail.ledger import LEDGER

    if not exists(con, "raw", "journal", "cpr"):
        return
    newest: dict[int, tuple[int, dict[str, Any]]] = {}
    for number, line in lines.items():
        newest[line["leverance_id"]] = (number, line)
    rows = {row[0]: row for row in con.execute(f"""
        select {', '.join('l.' + c for c in LEDGER)}, j.nr from cpr.raw.leverance as l inner join cpr.raw.journal as j on l.leverance_id = j.leverance_id
    """).fetchall()}
    for ident, (number, line) in sorted(newest.items()):
        row = rows.get(ident)
        if row is None:
            result.wrong.append(f"raw.leverance, delivery {ident} ({line['fil']}): it has been removed")
        elif row[-1] == number:
            there = {k: v for k, v in json.loads(json.dumps(dict(zip(LEDGER, row, strict=False)), default=str)).items() if v is not None}
            if differs := sorted(k for k in LEDGER if there.get(k) != line.get(k)):
                result.wrong.append(f"raw.leverance, delivery {ident} ({line['fil']}): {', '.join(differs)} is not what was written to the journal")
    result.wrong += [f"raw.leverance, delivery {ident}: it is not in the journal" for ident in sorted(set(rows) - set(newest))]


# --- another key -------------------------------------------------------------------------------------------------------------------------------

def journals(home: Home) -> list[Path]:
    """All that is chained."""
    from flis.trail import journal, keycheck

    return [journal.events_file(home), journal.deliveries_file(home), keycheck.keys_file(home)]


def faults_of(home: Home, path: Path, master: bytes) -> list[str]:
    """What is wrong with one journal, read with the chain of that master key."""
    result = Verified()
    _chain(home, path, audit_key(master), result)
    return result.wrong


def reseal(home: Home, old: bytes, new: bytes) -> None:
    """Chain the journals anew under another master key, when the house changes its key. Each must hold under the old one, or under the new one already, where this was stopped: else Altered.

    To be done while the home is held.
    """
    for path in journals(home):
        if not path.exists() or not faults_of(home, path, new):
            continue
        if wrong := faults_of(home, path, old):
            raise Altered("\n".join(wrong[:SHOWN]))
        before, number, out = "", 0, []
        for number, data in enumerate(path.read_bytes().splitlines(keepends=True), start=1):     # noqa: B007 - the last one is used below
            line, chained = taken_apart(data)
            if chained is None:
                out.append(data)
                continue
            before = link(audit_key(new), before or hashlib.sha256(b"".join(out)).hexdigest(), line)
            out.append(sealed(line, before))
        half = path.with_name(f".{path.name}.ny")
        with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(b"".join(out))
            file.flush()
            os.fsync(file.fileno())
        os.replace(half, path)
        if before:
            note_head(home, path, number, before)
