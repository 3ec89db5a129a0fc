"""One writer at a time on a home: the run lock.

The lock is the operating system's, on an open file (`<home>/laas`), so a process that is killed lets go of it whatever it was doing. What stands in the
file is only for people: who holds it. Whoever gets the lock knows that nobody else is at work, and so clears away what a killed run has left in `tmp/`.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flis.core.home import Home, now

KEPT = "indlaest"       # in tmp/: what the last load has seen (flis.intake.load); everything else there belongs to a run that is at work


class Busy(Exception):
    """Another process is at work on the home; the text says which, and since when."""


@contextmanager
def locked(home: Home, verb: str) -> Iterator[Callable[[str], None]]:
    """Hold the home for one verb; gives a function to tell how far it has come (shown to whoever comes meanwhile).

    Raises Busy at once when another process holds it. The file is left, emptied, when the verb is done: to remove it would let two in.
    """
    home.root.mkdir(parents=True, exist_ok=True)
    with home.lock.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(f"{home.root} is in use: {_words(holder(home))}. Nothing was done; try again when it has finished.") from None
        since = now().isoformat(timespec="seconds")

        def tell(step: str) -> None:
            file.seek(0)
            file.truncate()
            json.dump({"pid": os.getpid(), "verb": verb, "trin": step, "siden": since}, file)
            file.flush()

        _clear(home)
        tell(verb)
        try:
            yield tell
        finally:
            file.seek(0)
            file.truncate()


def holder(home: Home) -> dict[str, Any]:
    """What the holder of the lock has said of itself: pid, verb, trin, siden. Of a killed run it is what that said last; empty when a verb ended by itself."""
    try:
        return json.loads(home.lock.read_text("utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):       # never held; or read just while the holder writes
        return {}


def _words(who: dict[str, Any]) -> str:
    if not who:
        return "another flis is just starting or ending"
    since = datetime.fromisoformat(who["siden"]).astimezone(ZoneInfo("Europe/Copenhagen"))
    step = f", now in {who['trin']}" if who["trin"] != who["verb"] else ""
    return f"`flis {who['verb']}` (process {who['pid']}{step}) has been at work since {since:%Y-%m-%d %H:%M:%S}"


def _clear(home: Home) -> None:
    """Spools and spill files of a run that was killed: they hold rows of deliveries."""
    if home.tmp.exists():
        for path in home.tmp.iterdir():
            if path.name != KEPT:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
