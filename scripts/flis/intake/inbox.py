"""The inbox: which files have arrived, and which are still on their way."""

from __future__ import annotations

import os
import stat as modes
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flis.core.home import Home, readable
from flis.core.keys import masked

if TYPE_CHECKING:
    from flis.contracts.contract import FileType

# What transfer programs call a file until it is whole, whatever the case (docs/modtagelse.md).
UNFINISHED = (".part", ".partial", ".filepart", ".tmp", ".temp", ".crdownload", ".download", ".upload", ".uploading", ".incomplete", ".inprogress")
SETTLED = 300       # seconds a file has lain still before it is taken; FLIS_HVILETID in an installation that wants another


class SettledTimeError(ValueError):
    """FLIS_HVILETID cannot be read."""


@dataclass(frozen=True)
class UnderWay:
    """A file that is left where it lies. `seconds` since it last changed; None when its name says that it is not whole."""

    sender: str
    name: str
    seconds: int | None


def settled_time() -> int:
    """Seconds a file must have lain still. 0: each file is taken as it lies."""
    given = os.environ.get("FLIS_HVILETID")
    if not given:
        return SETTLED
    if not given.strip().isascii() or not given.strip().isdigit():
        raise SettledTimeError(f"FLIS_HVILETID must be whole seconds, not {given!r}")
    return int(given)


def is_still(stat: os.stat_result) -> bool:
    """Whether nobody has written to a file for the settled time. A time that far ahead has been set by hand, when the file was whole."""
    return abs(time.time() - stat.st_mtime) >= settled_time()


def same(one: os.stat_result, other: os.stat_result) -> bool:
    """Whether nothing has been written between two looks at a file."""
    return (one.st_size, one.st_mtime_ns) == (other.st_size, other.st_mtime_ns)


def shows_its_end(filetype: FileType, name: str) -> bool:
    """Whether a file that can be read is known to be whole: it ends in a record of its own, in the end of its root element, or in the end of its package."""
    end = filetype.format.get("slutrecord") or {}
    return filetype.kind == "xml" or name.lower().endswith((".gz", ".zip")) or bool(end and end.get("paakraevet", "type" in end))


def arrived(home: Home) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """The files whose names are those of whole files, as (sender, entry), in order."""
    for sender, entry in _entries(home):
        if not _unfinished(entry.name):
            yield sender, entry


def under_way(home: Home) -> list[UnderWay]:
    """The files that are not taken yet, as the inbox lies now. One that shows its end is taken all the same, when a load finds it."""
    found = []
    for sender, entry in _entries(home):
        try:
            stat = entry.stat(follow_symlinks=False)
        except OSError:     # the sender has just given it its name
            continue
        if _unfinished(entry.name):
            found.append(UnderWay(readable(sender), masked(readable(entry.name)), None))
        elif not is_still(stat):
            found.append(UnderWay(readable(sender), masked(readable(entry.name)), max(int(time.time() - stat.st_mtime), 0)))
    return found


@dataclass(frozen=True)
class NoFile:
    """Something in the inbox that is no file to read. `kind` is what it is, `advice` what is to be done with it."""

    sender: str
    name: str
    kind: str
    advice: str


_KINDS = ((modes.S_ISDIR, "a folder", "files are taken only from the sender's own folder: move them up"), (modes.S_ISFIFO, "a named pipe (FIFO)", "remove it"),
          (modes.S_ISSOCK, "a socket", "remove it"), (modes.S_ISBLK, "a block device", "remove it"), (modes.S_ISCHR, "a character device", "remove it"))


def no_files(home: Home) -> list[NoFile]:
    """What lies in the inbox and can never be a delivery, in order: it is told of, and never opened. (A link in a sender's folder is refused as a file is.)"""
    found: list[NoFile] = []
    if not home.inbox.exists():
        return found
    for sender in sorted(os.scandir(home.inbox), key=lambda e: e.name):
        if sender.name.startswith("."):
            continue
        if not sender.is_dir(follow_symlinks=False):
            found.append(NoFile("", masked(readable(sender.name)), "not a sender's folder", "move it into the folder of whoever sent it, or remove it"))
            continue
        for entry in sorted(os.scandir(sender.path), key=lambda e: e.name):
            if entry.name.startswith("."):
                continue
            try:
                mode = entry.stat(follow_symlinks=False).st_mode
            except OSError:     # the sender has just taken it back
                continue
            found += [NoFile(masked(readable(sender.name)), masked(readable(entry.name)), kind, advice) for test, kind, advice in _KINDS if test(mode)]
    return found


def left_lying(home: Home, most: int) -> list[str]:
    """A line for each thing that is no file. At most so many, and how many more."""
    found = no_files(home)
    lines = [f"No file: {one.sender}/{one.name} is {one.kind}; {one.advice}." if one.sender else f"No file: {one.name} in the inbox is {one.kind}; {one.advice}." for one in found[:most]]
    return lines + ([f"No files: {len(found) - most} more."] if len(found) > most else [])


def still_coming(home: Home, most: int) -> list[str]:
    """A line for each file that is left because it is still coming: no fault, but somebody may be waiting for it. At most so many, and how many more."""
    found = under_way(home)
    lines = [f"Still on its way: {one.sender}/{one.name}: "
             + ("its name says that it is not whole." if one.seconds is None else f"it changed {one.seconds} s ago, and is taken when it has lain still for {settled_time()} s.")
             for one in found[:most]]
    return lines + ([f"Still on their way: {len(found) - most} more."] if len(found) > most else [])


def _entries(home: Home) -> Iterator[tuple[str, os.DirEntry[str]]]:
    if not home.inbox.exists():
        return
    for sender in sorted(os.scandir(home.inbox), key=lambda e: e.name):
        if sender.is_dir(follow_symlinks=False):
            for entry in sorted(os.scandir(sender.path), key=lambda e: e.name):
                if not entry.name.startswith(".") and (entry.is_file(follow_symlinks=False) or entry.is_symlink()):
                    yield sender.name, entry


def _unfinished(name: str) -> bool:
    return name.casefold().endswith(UNFINISHED)
