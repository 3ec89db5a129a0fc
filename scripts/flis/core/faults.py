"""Faults that whoever runs a verb can mend, in one plain line: a full disk, a damaged database file, a file that another program holds."""

from __future__ import annotations

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from flis.core.home import REPO, Home

_FULL = ("No space left on device", "Disk quota exceeded", "File too large", "max_temp_directory_size")
_FULL_NUMBERS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_DAMAGED = ("Corrupt database file", "not a valid DuckDB database file", "Could not read enough bytes")
_HELD = ("Could not set lock on file", "Conflicting lock is held")
_PATH = re.compile(r'"(/[^"]+)"')


# What a database says when it is itself, or what we asked of it, that is wrong, and not what it was given to read.
_OF_OURS = ("IOException", "OutOfMemoryException", "FatalException", "InterruptException", "ConnectionException", "TransactionException", "SerializationException",
            "CatalogException", "BinderException", "ParserException", "SyntaxException", "PermissionException", "DependencyException", "HTTPException", "SequenceException")


class Damaged(Exception):
    """A database file cannot be used; the text names it, says why, and which verb makes it anew."""


def is_full(fault: BaseException) -> bool:
    """Whether it is for want of room on a disk."""
    return any(isinstance(one, OSError) and one.errno in _FULL_NUMBERS or any(sign in str(one) for sign in _FULL) for one in _chain(fault))


def of_ours(fault: BaseException) -> bool:
    """Whether a fault met in reading a file is the machine's, the database's or our SQL's. All else comes of what the file holds."""
    return is_full(fault) or isinstance(fault, (OSError, MemoryError)) or not isinstance(fault, Exception) or type(fault).__name__ in _OF_OURS


def explain(fault: BaseException, home: Home) -> str | None:
    """What is wrong and what to do, when it is one of these; None for every other fault, which is then ours."""
    chain = list(_chain(fault))
    if isinstance(fault, Damaged):
        return str(fault)
    if is_full(fault):
        return _full(home, *(one.filename for one in chain if isinstance(one, OSError)))
    return explain_text((str(one) for one in chain), home)


def explain_text(messages: Iterable[str], home: Home) -> str | None:
    """As `explain`, from what was said (dbt gives no more than that)."""
    for message in messages:
        named = _PATH.search(message)
        if any(sign in message for sign in _FULL):
            return _full(home, named[1] if named else None)
        if any(sign in message for sign in _DAMAGED):
            return damaged(home, message, named[1] if named else None)
        if any(sign in message for sign in _HELD):
            holder = re.search(r"PID (\d+)", message)
            return f"{named[1] if named else 'A database file'} is open in another program{f' (process {holder[1]})' if holder else ''}: close it there, and run the same again."
    return None


def damaged(home: Home, why: str, path: str | None = None) -> str:
    """The line about a damaged database file. Where DuckDB does not say which, both are read through to find it."""
    from flis.core.database import unreadable

    names = [path] if path else [str(p) for p in (home.db, home.cpr_db) if unreadable(p)]
    said = next((line.strip() for line in why.splitlines() if any(sign in line for sign in _DAMAGED)), why)
    return f"{' and '.join(names) or 'A database file'} is damaged: `flis restore` makes it anew from the archive. DuckDB says: {said}"


def _chain(fault: BaseException | None) -> Iterator[BaseException]:
    while fault is not None:
        yield fault
        fault = fault.__cause__ or fault.__context__


def _full(home: Home, *named: str | None) -> str:
    """Which disk is full: the one where it happened, else the one of those we write to that has least room."""
    places = [Path(one) for one in named if one] or [home.root, Path(os.environ.get("DBT_TARGET_PATH", REPO / "target")), Path(tempfile.gettempdir())]
    places = [next(p for p in (place, *place.parents) if p.is_dir()) for place in places]
    place = min(places, key=lambda p: shutil.disk_usage(p).free)
    free = shutil.disk_usage(place).free / 1024**2
    return f"The disk is full, or a quota on it is, at {place} ({free:,.0f} MB free): make room and run the same again. Nothing is lost, and what was there is as it was."
