"""`flis noegle-skift`: another key in the old one's place (docs/decisions/0037).

Every person's id, and the masks of numbers in texts, are made anew under the new key with the next version; who is who stays. It is one transaction in the CPR-bearing file, and
the next run builds everything whole and writes new versions of the packages: the recipients' keys are made of the ids, and change with them.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from flis.core.database import connect, exists
from flis.core.home import Home, now
from flis.core.keys import hmac_sql, master_key, require_strong, set_session_key
from flis.intake import stray
from flis.trail import journal, keycheck, sealing
from flis.trail.events import keep, record
from flis.trail.journal import sync_folder

EVENT = "noegle_skiftet"


class RotationFailed(Exception):
    """The key cannot be changed as things stand; the text (Danish) says why. Nothing has been changed."""


@dataclass(frozen=True)
class Rotated:
    """The version in force now, how many numbers have got new ids, and what is left for the owner to do (Danish; empty when nothing is)."""

    version: int
    numbers: int
    left: str


def rotate(home: Home, reason: str, new_key: Path | None = None) -> Rotated:
    """Change the key to the one in the file `new_key`, or to a random one where the home's key lies in a file of its own. Run again after it has been stopped, it goes on where it was.

    Raises RotationFailed, KeyMissing for a new key that can be guessed, and KeyChanged when the key at hand is not the one the ids were made with.
    """
    if len(reason.strip()) < 10:
        raise RotationFailed("Skriv en grund på mindst ti tegn: den står bagefter i hændelsesloggen.")
    if not home.cpr_db.exists():
        raise RotationFailed(f"Der er intet indlæst i {home.root}: læg blot den nye nøgle på plads.")
    journal.check(home)
    old = master_key(home, weak=True)
    new, waiting = _new_key(home, new_key)
    require_strong(new, str(waiting))
    if new == old:
        raise RotationFailed("Den nye nøgle er den, der bruges.")
    with connect(home) as con:
        done = [value for _, value, _ in keycheck.known(con)][-1:] == [keycheck.check_value(new)]       # stopped after the ids, before the key was put in its place
    numbers = 0
    if not done:
        keycheck.check(home, old)
        _forget(home)
        numbers = _renew(home, old, new)
    with connect(home, write="cpr") as con:
        con.execute("checkpoint")
        keycheck.keep(con, home)
        version = keycheck.known(con)[-1][0]
    # told under the old key, in whose chain it is the last entry; where this was stopped after that chain was made anew, it has been told
    told_in = journal.events_file(home)
    if not told_in.exists() or sealing.faults_of(home, told_in, new):
        with connect(home, write="flis") as con:
            record(con, EVENT, version=version, numre=numbers, grund=reason.strip())
            keep(con, home)
    sealing.reseal(home, old, new)
    left = _put_in_place(home, waiting, own=new_key is None)
    return Rotated(version, numbers, left)


def _new_key(home: Home, given: Path | None) -> tuple[bytes, Path]:
    """The new key, and the file it lies in: the one given, else one made beside the home's own, where it stays until everything has been renewed."""
    if given:
        if not given.is_file():
            raise RotationFailed(f"Der er ingen fil {given} med den nye nøgle.")
        return given.read_bytes().strip(), given
    if "FLIS_NOEGLE" in os.environ:
        raise RotationFailed("Nøglen kommer fra FLIS_NOEGLE: læg den nye i en fil, og giv den med --ny-noegle.")
    path = home.key_file.with_name(home.key_file.name + ".ny")
    if not path.exists():
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as out:
            out.write(secrets.token_hex(32) + "\n")
            out.flush()
            os.fsync(out.fileno())
        sync_folder(path.parent)
    return path.read_bytes().strip(), path


def _forget(home: Home) -> None:
    """Have the next build make every model whole; done first, so that it is so also when this run is stopped."""
    with connect(home, write="flis") as con:
        if exists(con, "drift", "fingeraftryk"):
            con.execute("delete from drift.fingeraftryk")


def _renew(home: Home, old: bytes, new: bytes) -> int:
    """All ids and masks under the new key; returns how many numbers there are."""
    with connect(home, write="cpr") as con:
        con.execute("begin")
        keycheck.remember(con, home, old)
        version = con.execute("select max(version) + 1 from raw.noegle").fetchall()[0][0]
        set_session_key(con, new)
        con.execute(f"create or replace temp table _ny as select cpr, nummer_id as gammel, {hmac_sql('cpr')} as ny from raw.person_noegle")
        strangers = con.execute("select count(*) from raw.person_noegle where person_id not in (select gammel from _ny)").fetchall()[0][0]
        if strangers:
            raise RotationFailed(f"{strangers} personer har et id, der ikke er noget personnummers: `flis restore --anew cpr` danner filen forfra.")
        # a person's id is that of one of the person's numbers, so it follows that number
        con.execute("""
            update raw.person_noegle as n set person_id = p.ny, nummer_id = e.ny, noegle_version = $1
            from _ny as p, _ny as e where n.person_id = p.gammel and n.cpr = e.cpr
        """, [version])
        con.execute("update raw.beroert_person as b set person_id = n.ny from _ny as n where b.person_id = n.gammel")
        stray.renew(con, new, f"noegle {version}")
        con.execute("insert into raw.noegle select $1, $2, cast($3 as timestamp)", [version, keycheck.check_value(new), now().replace(tzinfo=None, microsecond=0)])
        con.execute("commit")
        return con.execute("select count(*) from raw.person_noegle").fetchall()[0][0]


def _put_in_place(home: Home, waiting: Path, own: bool) -> str:
    """The new key in the old one's place; the old one is gone. Of one that was given the owner does it."""
    if own:
        if waiting.exists():
            os.replace(waiting, home.key_file)
            sync_folder(home.key_file.parent)
        return ""
    return f"Læg nøglen fra {waiting} på plads (FLIS_NOEGLE, FLIS_NOEGLE_FIL eller {home.key_file}), før noget andet køres."
