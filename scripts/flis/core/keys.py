"""The secret keys: the house's own, and one per recipient derived from it. A key never stands in a SQL text or a log."""

from __future__ import annotations

import hashlib
import hmac
import math
import os
import re
import secrets
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

from flis.core.home import Home

if TYPE_CHECKING:
    import duckdb

MIN_BYTES = 32
MIN_BITS = 64           # by `estimated_bits`, which is strict: 32 random hex digits are about 96 by it, 64 of them about 200
ROWS = ("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "abcdefghijklmnopqrstuvwxyz")
HOW_TO = "openssl rand -hex 32"


class KeyMissing(Exception):
    """There is no usable key. The text says where one is looked for and how to make one."""


class KeyChanged(KeyMissing):
    """The key is another than the one the persons' ids were made with. The text (Danish) says what to do; nothing has been written."""


def master_key(home: Home, weak: bool = False) -> bytes:
    """The key that person_id is made with: FLIS_NOEGLE, else the file FLIS_NOEGLE_FIL, else <home>/noegle. At least 32 bytes, that nobody can guess; `weak` takes one that can be guessed, to be changed."""
    given = os.environ.get("FLIS_NOEGLE")
    if given is not None:
        key, where = given.strip().encode(), "FLIS_NOEGLE"
    elif home.key_file.is_file():
        key, where = home.key_file.read_bytes().strip(), str(home.key_file)
    else:
        raise KeyMissing(
            f"No HMAC key. Set FLIS_NOEGLE, point FLIS_NOEGLE_FIL at a file, or write at least {MIN_BYTES} random characters to {home.key_file} "
            f"(mode 0600; `{HOW_TO}` makes 64). Keep a copy elsewhere: without it new deliveries cannot be joined to old ones.")
    if not weak:
        require_strong(key, where)
    return key


def require_strong(key: bytes, where: str) -> None:
    """Raises KeyMissing for a key that is short or can be guessed: whoever guesses it can go through all CPR numbers and find whose an id is."""
    if len(key) < MIN_BYTES:
        raise KeyMissing(f"The HMAC key in {where} is too short: {len(key)} bytes, at least {MIN_BYTES} are needed.")
    text = key.decode("utf-8", "replace")
    if estimated_bits(text) < MIN_BITS or _is_prose(text):
        raise KeyMissing(f"The HMAC key in {where} can be guessed: it repeats itself, counts, follows the keyboard or is words. Make a random one, for instance with `{HOW_TO}`; "
                         "where the home has been loaded with it, `flis noegle-skift` puts another in its place.")


def estimated_bits(text: str) -> float:
    """About how much there is to guess: the spread of the characters, times how many do not follow from those before them (the same, a neighbour in the alphabet or on the keyboard, three that have stood there before)."""
    size = len(text)
    spread = -sum(n * math.log2(n / size) for n in Counter(text).values()) / size if size else 0
    low = text.lower()
    near = {pair for row in ROWS for a, b in pairwise(row) for pair in (a + b, b + a)}
    new = sum(not (i and (low[i] == low[i - 1] or low[i - 1:i + 1] in near) or i > 1 and low[i - 2:i + 1] in low[:i]) for i in range(size))
    return spread * new


def _is_prose(text: str) -> bool:
    """Whether it reads as words: nearly all lower-case letters, blanks and hyphens, with the vowels of a language."""
    letters = [c for c in text if c.isalpha() and c.islower()]
    return len(letters) + sum(c in " -_" for c in text) >= 0.8 * len(text) and sum(c in "aeiouyæøå" for c in letters) >= 0.3 * len(letters)


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
    """The text with everything that could be a CPR number (ten digits, also with a hyphen or a blank in it) taken out: what a database says of a fault may hold the value it fell over."""
    return re.sub(r"\d{6}[ \u00a0]?[-\u2013]?[ \u00a0]?\d{4}", "[ti cifre]", text)
