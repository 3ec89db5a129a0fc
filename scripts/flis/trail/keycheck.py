"""Which key a home's ids were made with (docs/decisions/0037).

What is kept is a check value: the key's HMAC of a text of ours, from which neither the key nor an id can be made. It lies beside the ids in the CPR-bearing file (`raw.noegle`, a row
per version), so that both change in one transaction, and in `arkiv/noegler.jsonl`, for when that file must be made anew.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC
from typing import TYPE_CHECKING, Any

from flis.core.home import Home, now
from flis.core.keys import KeyChanged, KeyMissing, master_key, pseudonym
from flis.trail import journal

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

CHANGED = ("Nøglen er en anden end den, personernes id'er i {home} er dannet med (version {version}). Intet er skrevet: nye personer ville få id'er, der ikke passer til de gamle. "
           "Sæt den rigtige nøgle på plads (FLIS_NOEGLE, FLIS_NOEGLE_FIL eller {file}). Skal nøglen skiftes, gør `flis noegle-skift` det; er et skift blevet afbrudt, så kør det igen.")


def check_value(key: bytes) -> str:
    """What tells one key from another."""
    return hmac.new(key, b"flis: kontrol af noeglen", hashlib.sha256).hexdigest()[:32]


def keys_file(home: Home) -> Path:
    """The journal of the key's versions."""
    return home.archive / "noegler.jsonl"


def known(con: duckdb.DuckDBPyConnection) -> list[tuple[int, str, Any]]:
    """The versions of the key in the CPR-bearing file, which is attached as cpr: (version, check value, since when)."""
    from flis.core.database import exists

    return con.execute("select version, kontrol, fra from cpr.raw.noegle order by version").fetchall() if exists(con, "raw", "noegle", "cpr") else []


def check(home: Home, key: bytes | None = None) -> None:
    """Raises KeyChanged when the home's ids were made with another key than `key` (the one at hand, where none is given; without one there is nothing to hold against)."""
    from flis.core.database import connect, exists

    if key is None:
        try:
            key = master_key(home, weak=True)
        except KeyMissing:
            return
    if not home.cpr_db.exists():
        versions = [(line["nr"], line["kontrol"]) for line in journal.read(keys_file(home))]
        _compare(home, key, versions[-1] if versions else None)
        return
    with connect(home) as con:
        versions = [(version, value) for version, value, _ in known(con)]
        _compare(home, key, versions[-1] if versions else None)
        if not versions and exists(con, "raw", "person_noegle", "cpr"):      # loaded before check values were kept: an id tells
            for cpr, ident in con.execute("select cpr, nummer_id from cpr.raw.person_noegle where nummer_id is not null limit 1").fetchall():
                if pseudonym(key, cpr) != ident:
                    raise KeyChanged(CHANGED.format(home=home.root, version=1, file=home.key_file))


def _compare(home: Home, key: bytes, newest: tuple[int, str] | None) -> None:
    if newest and not hmac.compare_digest(newest[1], check_value(key)):
        raise KeyChanged(CHANGED.format(home=home.root, version=newest[0], file=home.key_file))


def remember(con: duckdb.DuckDBPyConnection, home: Home, key: bytes) -> None:
    """Note the key of a home that has none noted: the versions the archive tells of, else version 1. `con` has cpr as its own database, in the caller's transaction."""
    if con.execute("select count(*) from raw.noegle").fetchall()[0][0]:
        return
    told = [(line["nr"], line["kontrol"], line["fra"]) for line in journal.read(keys_file(home))] or [(1, check_value(key), _moment())]
    con.executemany("insert into raw.noegle select $1, $2, cast($3 as timestamp)", told)


def keep(con: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Write the versions that the journal beside the archive does not have. `con` has cpr as its own database, and no transaction open."""
    after = journal.last(keys_file(home))
    rows = con.execute("select kontrol, fra from raw.noegle where version > $1 order by version", [after]).fetchall()
    journal.append(home, keys_file(home), ({"kontrol": value, "fra": since} for value, since in rows))


def version_sql() -> str:
    """SQL for the version of the key in force."""
    return "(select coalesce(max(version), 1) from raw.noegle)"


def _moment() -> str:
    return now().astimezone(UTC).replace(tzinfo=None, microsecond=0).isoformat(sep=" ")
