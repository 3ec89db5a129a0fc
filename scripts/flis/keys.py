"""The secret keys: the house's own, and one per recipient derived from it. A key never stands in a SQL text or a log."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from typing import TYPE_CHECKING

from flis.home import Home

if TYPE_CHECKING:
    import duckdb

KEY_VERSION = 1
MIN_BYTES = 32


class KeyMissing(Exception):
    """There is no usable key. The text says where one is looked for and how to make one."""


def master_key(home: Home) -> bytes:
    """The key that person_id is made with: FLIS_NOEGLE, else the file FLIS_NOEGLE_FIL, else <home>/noegle. At least 32 bytes."""
    given = os.environ.get("FLIS_NOEGLE")
    if given is not None:
        key, where = given.strip().encode(), "FLIS_NOEGLE"
    elif home.key_file.is_file():
        key, where = home.key_file.read_bytes().strip(), str(home.key_file)
    else:
        raise KeyMissing(
            f"No HMAC key. Set FLIS_NOEGLE, point FLIS_NOEGLE_FIL at a file, or write at least {MIN_BYTES} random characters to {home.key_file} "
            "(mode 0600). Keep a copy elsewhere: without it new deliveries cannot be joined to old ones.")
    if len(key) < MIN_BYTES:
        raise KeyMissing(f"The HMAC key in {where} is too short: {len(key)} bytes, at least {MIN_BYTES} are needed.")
    return key


def create_key(home: Home, key: str | None = None) -> None:
    """Write a key file (mode 0600) if there is none; a random key unless one is given."""
    if home.key_file.exists():
        return
    home.key_file.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(home.key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as out:
        out.write((key or secrets.token_hex(32)) + "\n")


def recipient_key(master: bytes, recipient: str) -> bytes:
    """The key for ids that leave the house to one recipient (32 bytes): two recipients cannot join theirs."""
    return hmac.new(master, b"modtager:" + recipient.encode(), hashlib.sha256).digest()


def pseudonym(key: bytes, value: str) -> str:
    """The id of a value under a key: the first 32 hex digits of HMAC-SHA256. `hmac_sql` gives the same."""
    return hmac.new(key, value.encode(), hashlib.sha256).hexdigest()[:32]


def set_session_key(con: duckdb.DuckDBPyConnection, key: bytes, name: str = "noegle") -> None:
    """Set the padded key as two session variables, which `hmac_sql` reads. Bound as values: no key in any SQL text."""
    block = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    con.execute(f"set variable {name}_ipad = $1", [bytes(b ^ 0x36 for b in block)])
    con.execute(f"set variable {name}_opad = $1", [bytes(b ^ 0x5C for b in block)])


def hmac_sql(expression: str, name: str = "noegle") -> str:
    """SQL for `pseudonym(key, expression)` under the session key `name`."""
    inner = f"sha256(getvariable('{name}_ipad') || encode({expression}))"
    return f"substr(sha256(getvariable('{name}_opad') || unhex({inner})), 1, 32)"


def masked(text: str) -> str:
    """The text with everything that could be a CPR number (ten digits, with or without hyphen) taken out: what a database says of a fault may hold the value it fell over."""
    return re.sub(r"\d{6}-?\d{4}", "[ti cifre]", text)
