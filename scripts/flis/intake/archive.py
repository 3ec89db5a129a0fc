"""The archive: every loaded file as it came, compressed, under a name that says what it holds.

What is in it is what was loaded: the hash is taken of the very bytes that are packed, and of what is unpacked before anybody reads it.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import zlib
from datetime import date, datetime
from pathlib import Path

from flis.core.home import Home

BLOCK = 1024**2


class Differs(Exception):
    """A file in the archive is not the one that was loaded, or cannot be unpacked; the text says how it shows."""


def archived(home: Home, afsender: str, kildesystem: str, periode: date | None, udtrukket: datetime, fil: str, sha256: str) -> Path:
    """Where a delivery lies in the archive."""
    stem, packed = re.fullmatch(r"(.*?)(\.gz|\.zip)?", fil, flags=re.IGNORECASE | re.DOTALL).groups()
    return home.archive / afsender / kildesystem / (periode or udtrukket.date()).strftime("%Y-%m") / f"{stem}.{sha256[:12]}{(packed or '.gz').lower()}"


def as_it_is(fil: str) -> bool:
    """Whether a file is archived byte for byte: one that comes packed is; the others are compressed."""
    return fil.lower().endswith((".gz", ".zip"))


def pack(source: Path, target: Path, fil: str) -> tuple[str, os.stat_result]:
    """Write a received file to `target` as it is archived, and see it onto the disk. Gives the hash of the bytes that were packed, and how the file looked when they had been read."""
    digest = hashlib.sha256()
    squeeze = None if as_it_is(fil) else zlib.compressobj(1, zlib.DEFLATED, 31)
    with source.open("rb") as read, target.open("wb") as out:
        while data := read.read(BLOCK):
            digest.update(data)
            out.write(squeeze.compress(data) if squeeze else data)
        if squeeze:
            out.write(squeeze.flush())
        there = os.fstat(read.fileno())
        out.flush()
        os.fsync(out.fileno())
    return digest.hexdigest(), there


def unpack(source: Path, target: Path, fil: str, sha256: str) -> None:
    """Write an archived file to `target` as it came. Raises Differs, with nothing left there, when that is not what was loaded."""
    digest = hashlib.sha256()
    try:
        with (source.open("rb") if as_it_is(fil) else gzip.open(source, "rb")) as packed, target.open("wb") as out:
            while data := packed.read(BLOCK):
                digest.update(data)
                out.write(data)
    except (EOFError, gzip.BadGzipFile, zlib.error) as fault:
        target.unlink(missing_ok=True)
        raise Differs(f"is damaged ({fault})") from fault
    if digest.hexdigest() != sha256:
        target.unlink(missing_ok=True)
        raise Differs("does not hold what was delivered (another SHA-256)")
