"""The walk, step by step: each step's figures go to status.json and to drift.haendelse."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from flis.core.home import Home
from flis.core.keys import masked
from flis.operate import status

if TYPE_CHECKING:
    from flis.contracts.datapackage import Manifest
    from flis.quality.beside import Ahead

DONE, HELD, FAILED = 0, 1, 3


class Bar(Protocol):
    """Shows progress while a step runs: bar("load") gives a context with a callback (what, done, total)."""

    def __call__(self, title: str, /) -> AbstractContextManager: ...


class StepFailed(Exception):
    """A step of ours broke (not a delivery): which one, and where the trace is."""

    def __init__(self, step: str, log: Path | None, cause: Exception) -> None:
        super().__init__(masked(str(cause)))
        self.step, self.log = step, log


def _load(home: Home, narrow: dict, bar) -> tuple[dict, int]:
    from flis.intake.load import load

    facts = load(home, progress=bar, **narrow).facts()
    return facts, HELD if facts["rejected"] or facts["waiting"] or facts["no_files"] else DONE


def _build(home: Home, narrow: dict, bar, full_refresh: bool = False, meanwhile=None, rules_follow: bool = False) -> tuple[dict, int]:
    from flis.build.dbt import build
    from flis.quality.held import left_to_marks

    leaving = partial(left_to_marks, home) if rules_follow else None
    result = build(home, progress=bar, full_refresh=full_refresh, meanwhile=meanwhile, leaving=leaving, **narrow)
    facts = {"models": result.models, "tests": result.tests, "failed": result.failures, "rebuilt": result.rebuilt}
    if not result.failures:
        facts["rows_set_aside"] = _set_aside(home)
    return facts, FAILED if result.failures else DONE


def _set_aside(home: Home) -> int:
    """Rows of the active deliveries that could not be standardised, by the row account."""
    from flis.core.database import connect, exists

    with connect(home) as con:
        return con.execute("select coalesce(sum(antal_frasat), 0)::bigint from kvalitet.raekkeregnskab").fetchall()[0][0] if exists(con, "kvalitet", "raekkeregnskab") else 0


def _validate(home: Home, narrow: dict, bar, alt: bool = False, engine: list[Ahead | None] | None = None) -> tuple[dict, int]:
    if engine and (waiting := engine[0]):
        facts = waiting.validate({**narrow, "alt": alt}, bar)
    else:
        from flis.quality.validate import validate

        facts = validate(home, progress=bar, alt=alt, **narrow).facts()
    facts["marked"] = _settle(home, bar)
    return facts, HELD if facts["held"] or facts["not_run"] else DONE        # a rule that could not run is never passed over in silence


def _settle(home: Home, bar) -> int:
    """Mark the figures by what the rules hold now; returns how many models were built for it."""
    from flis.quality.held import settle

    return settle(home, bar)


def _report(home: Home, narrow: dict, bar) -> tuple[dict, int]:
    """The pages: how the systems differ, the declaration, and a report for everyone who is to act. A run of one fagområde writes none that are about all of them."""
    from flis.core.database import connect
    from flis.quality.validate import judge
    from flis.report.declaration import declare
    from flis.report.report import report
    from flis.report.systems import write_systems

    judge(home)
    manifest = _fit(home, narrow["fagomraade"], bar)
    with connect(home, write="flis") as con:
        if not narrow["fagomraade"]:
            write_systems(con, home, manifest)
        declared = declare(con, home, manifest, narrow["fagomraade"])
    facts = report(home, progress=bar, **narrow).facts()
    return {**facts, "declared": declared["computed"], "not_declared": declared["failed"]}, HELD if declared["failed"] else DONE


def _fit(home: Home, fagomraade: str | None, bar) -> Manifest:
    """What leaves the house rests on models that are built, tested, up with what has been loaded, and marked by what the rules hold. Raises NotReady; returns dbt's manifest."""
    from flis.build import signatures
    from flis.build.dbt import project
    from flis.contracts.datapackage import Manifest, manifest_path

    _settle(home, bar)
    signatures.require(home, project(home), fagomraade)
    return Manifest(manifest_path())


def _package(home: Home, narrow: dict, bar) -> tuple[dict, int]:
    from flis.package.write import package
    from flis.quality.validate import judge
    from flis.trail import sealing

    sealing.require(home)
    judge(home)
    _fit(home, narrow["fagomraade"], bar)
    facts = package(home, progress=bar, **narrow).facts()
    return facts, HELD if facts["held"] else DONE


OPTIONS = {"build": ("full_refresh", "meanwhile", "rules_follow"), "validate": ("alt", "engine")}      # what a step can be told besides where to look
STEPS: dict[str, Callable[..., tuple[dict[str, Any], int]]] = {"load": _load, "build": _build, "validate": _validate, "report": _report, "package": _package}
EVERYTHING: dict[str, str | None] = {"fagomraade": None, "kommune": None, "periode": None}


def ready(home: Home) -> None:
    """Before a verb writes: that the database files are those the journals beside the archive tell of. Raises Damaged where one is missing or too old, and KeyChanged where the key at hand is not the one the ids were made with.

    A flis.duckdb that is new, or an older copy, gets the events it has not seen; the rest of it the next build makes.
    """
    from flis.core.database import connect
    from flis.operate import recovery
    from flis.trail import journal, keycheck

    home.prepare()
    journal.check(home)
    keycheck.check(home)
    with connect(home, write="flis") as con:
        recovery.recover(con, home)


def run_steps(home: Home, names: list[str], narrow: dict = EVERYTHING, *, done: dict[str, dict] | None = None, progress: Bar | None = None, **extra: Any) -> int:
    """Run the steps named in order; stops at one that fails. `done` is filled with each step's figures.

    Returns 0 done, 1 done but a delivery was refused or a rule held a package, 3 a model or a model test failed. Raises StepFailed when a step breaks,
    NotReady when what it would show is not built and tested, Damaged when a database file is not the one the journals tell of.
    """
    from flis.build.signatures import NotReady
    from flis.quality.beside import ahead
    from flis.trail.sealing import Altered

    ready(home)
    done, worst = {} if done is None else done, DONE
    engine: list[Ahead | None] = []
    if "validate" in names:
        extra |= {"meanwhile": lambda: engine or engine.append(ahead(home)), "engine": engine, "rules_follow": True}     # type: ignore[func-returns-value]
        if "load" in names and status.something_arrived(home):
            extra["meanwhile"]()
    try:
        for name in names:
            if name == "build" or name == "load" and status.something_arrived(home):
                status.mark_incomplete(home)
            start = time.monotonic()
            try:
                with (progress(name) if progress else nullcontext(lambda *_: None)) as bar:
                    # A month's delivery may move other months (a supplementary period, the year to date): what was built in this run is judged whole.
                    where = {**narrow, "periode": None} if name == "validate" and "build" in done else narrow
                    facts, code = STEPS[name](home, where, bar, **{k: v for k, v in extra.items() if k in OPTIONS.get(name, ())})
                facts["seconds"] = round(time.monotonic() - start, 1)
                _note(home, name, narrow, facts)
            except (NotReady, Altered):
                raise
            except Exception as fault:
                raise StepFailed(name, _trace(home), fault) from fault
            done[name], worst = facts, max(worst, code)
            if code == FAILED:
                return FAILED
    finally:
        for one in filter(None, engine):
            one.stop()
    if list(names) == list(STEPS) and not any(narrow.values()):
        status.mark_complete(home)
    return worst


def _trace(home: Home) -> Path | None:
    """The trace of the fault at hand in the log; None when the disk it lies on takes no more, which is then most likely the fault itself."""
    path = home.log / "fejl.txt"
    try:
        path.write_text(masked(traceback.format_exc()), "utf-8")
    except OSError:
        return None
    return path


def _note(home: Home, name: str, narrow: dict, facts: dict) -> None:
    from flis.core.database import connect
    from flis.trail.events import keep, record

    with connect(home, write="flis") as con:
        record(con, name, kommunekode=narrow["kommune"], fagomraade=narrow["fagomraade"],
               **{k: v for k, v in facts.items() if k != "seconds" and isinstance(v, (int, str, dict))})
        keep(con, home)
    status.write_step(home, name, **facts)
    if name in ("load", "build"):
        status.write_deliveries(home)
    elif name == "package":
        status.write_stale(home)
