"""The validate step in a process of its own, started while the build before it works.

The rule engine takes seconds to import. Imported in a thread it takes from the build what it saves, for both are Python; in a process of its own it is there when
its turn comes. It touches no database file before it is asked to, and is gone when the run is (docs/decisions/0019).
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from flis import seldom_garbage
from flis.core.home import Home

Progress = Callable[[str, int, int], None]
DIE_WITH_PARENT = 1         # PR_SET_PDEATHSIG in <sys/prctl.h>


class Ahead:
    """A process that has imported the rule engine, or is about to, and waits to be asked once."""

    def __init__(self, home: Home) -> None:
        # multiprocessing's own process would run the caller's script once more, where that is not guarded against it.
        self._answers, theirs = Pipe()
        package = Path(__file__).parents[2]
        self._process = subprocess.Popen([sys.executable, "-m", __name__, str(theirs.fileno()), str(home.root), str(os.getpid())], pass_fds=[theirs.fileno()],
                                         stdin=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": os.pathsep.join([str(package), os.environ.get("PYTHONPATH", "")])})
        theirs.close()

    def validate(self, narrow: dict[str, Any], progress: Progress | None) -> dict[str, Any]:
        """What flis.quality.validate.validate gives, as figures. Raises what it raises, with the trace as a note; ChildProcessError where the process is gone."""
        try:
            self._answers.send(narrow)
            while True:
                kind, said = self._answers.recv()
                if kind == "facts":
                    return said
                if kind == "fault":
                    fault, trace = said
                    fault.add_note(trace)
                    raise fault
                if progress:
                    progress(*said)
        except (EOFError, ConnectionError):      # which of them depends on whether the question had been read when it ended
            raise ChildProcessError(f"the process that tests the rules ended by itself (exit code {self._process.wait()}); run it again") from None

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        self._answers.close()


def ahead(home: Home) -> Ahead | None:
    """Start the process; None where this one has the rule engine imported already."""
    return None if "great_expectations" in sys.modules else Ahead(home)


def _work(answers: Connection, root: Path, parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)        # Ctrl-C reaches both; the run ends this when it has said so
    _end_with(parent)
    import flis.quality.gx_duckdb  # noqa: F401
    from flis.quality.validate import validate

    try:
        narrow = answers.recv()
    except (EOFError, ConnectionError):        # the run ended before its turn came
        return
    try:
        answers.send(("facts", validate(Home.of(root), progress=lambda *how_far: answers.send(("progress", how_far)), **narrow).facts()))
    except Exception as fault:  # noqa: BLE001 - it is handed to the process that waits, whatever it is
        trace = traceback.format_exc()
        try:
            answers.send(("fault", (fault, trace)))
        except Exception:   # noqa: BLE001 - an exception that cannot be sent: its text can
            answers.send(("fault", (RuntimeError(str(fault)), trace)))


def _end_with(parent: int) -> None:
    """A run that is killed must not leave this at work: it has let go of the home's lock. Where the kernel cannot do it, the step is ended and then this."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


if __name__ == "__main__":
    seldom_garbage()
    _work(Connection(int(sys.argv[1])), Path(sys.argv[2]), int(sys.argv[3]))
