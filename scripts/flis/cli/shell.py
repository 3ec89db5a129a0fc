"""What the verbs have in common: where the home is, who may write, how far it has come, and what is shown at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from flis.core.home import Home
from flis.core.lock import Busy, locked
from flis.intake import inbox
from flis.operate import statustext

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]})
console = Console()
errors = Console(stderr=True)

PRIVATE = 0o077         # the umask of every command
STEPS = ("load", "build", "validate", "report", "package")
EVERYTHING: dict[str, str | None] = {"fagomraade": None, "kommune": None, "periode": None}
# 1: a delivery was refused or waits, or a rule held a package; 2: wrong use (Typer's own); 4: another flis is at work on the home
DONE, WAITING, FAILED, BUSY = 0, 1, 3, 4

HomeOption = Annotated[Path | None, typer.Option("--home", envvar="FLIS_HOME", help="Working folder (default var/).")]
AreaOption = Annotated[str | None, typer.Option("--fagomraade", help="Only this fagområde, e.g. oekonomi.")]
MunicipalityOption = Annotated[str | None, typer.Option("--kommune", help="Only this municipality (four digits).")]
PeriodOption = Annotated[str | None, typer.Option("--periode", help="Only this month (YYYY-MM).")]


@contextmanager
def progress_bar(title: str) -> Iterator[Any]:
    """A progress bar as a callback (what, done, total); it shows itself only on a terminal."""
    with Progress(SpinnerColumn(), TextColumn("{task.description:<40}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
                  console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task(title, total=None)

        def update(what: str, done: int, total: int) -> None:
            bar.update(task, description=escape(f"{title}: {what}"[:40]), completed=done, total=total)

        yield update


def checked(fagomraade: str | None, kommune: str | None, periode: str | None) -> dict[str, str | None]:
    """Refuse a narrowing that cannot be meant, in plain words (exit 2)."""
    import re

    from flis.core.home import REPO

    areas = sorted(p.name for p in (REPO / "models" / "standardized").iterdir() if p.is_dir())
    if fagomraade and fagomraade not in areas:
        raise typer.BadParameter(f"{fagomraade} is not a fagområde here; there are: {', '.join(areas)}", param_hint="--fagomraade")
    if kommune and not re.fullmatch(r"\d{4}", kommune):
        raise typer.BadParameter("a municipality is four digits, e.g. 0101", param_hint="--kommune")
    known = {line.partition(",")[0] for line in (REPO / "seeds" / "faelles" / "kommune.csv").read_text("utf-8").splitlines()[1:]} if kommune else set()
    if kommune and kommune not in known:
        raise typer.BadParameter(f"{kommune} is not a municipality (seeds/faelles/kommune.csv)", param_hint="--kommune")
    check_month(periode, "--periode")
    return {"fagomraade": fagomraade, "kommune": kommune, "periode": periode}


def check_month(month: str | None, option: str) -> None:
    import re

    if month and not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month):
        raise typer.BadParameter("a month is YYYY-MM, e.g. 2026-09", param_hint=option)


def must_be_there(home: Home) -> None:
    """Refuse a home that is none (exit 2), so that a mistyped one is not made."""
    if not home.is_there:
        raise typer.BadParameter(f"there is no FLIS home in {home.root}, and nothing was made. `flis demo` makes one; for deliveries of your own, lay down "
                                 f"{home.setup / 'kommune_opsaetning.csv'} first (docs/arkitektur.md, Set-up)", param_hint="--home")


@contextmanager
def alone(home: Home, verb: str) -> Iterator[Callable[[str], None]]:
    """The home to itself while a verb writes; gives a function to tell how far it has come. Every verb but `status` and `score` is inside one.

    Ends the program with 2 where there is no home and the verb is not the one that makes them, with 4 when another is at work there, and with 3 and one plain
    line when the set-up is missing, a disk is full or a database file cannot be used.
    """
    if verb != "demo":
        must_be_there(home)
    try:
        with locked(home, verb) as tell:
            yield tell
    except Busy as fault:
        errors.print(str(fault), highlight=False, soft_wrap=True)
        raise typer.Exit(BUSY) from fault
    except (typer.Exit, typer.BadParameter):
        raise
    except Exception as fault:
        from flis.contracts.installation import SetupError
        from flis.core.faults import explain
        from flis.core.keys import KeyMissing
        from flis.intake.inbox import SettledTimeError
        from flis.trail.journal import JournalDamaged

        if isinstance(fault, (JournalDamaged, KeyMissing, SettledTimeError, SetupError)):
            errors.print(f"[red]{verb}:[/red] {escape(str(fault))}", highlight=False, soft_wrap=True)
            raise typer.Exit(FAILED) from fault
        if line := explain(fault, home):
            errors.print(f"[red]{verb}:[/red] {line}", highlight=False, soft_wrap=True)
            raise typer.Exit(FAILED) from fault
        raise


def run_alone(home: Home, names: list[str], narrow: dict, tell: Callable[[str], None], **extra: Any) -> tuple[dict[str, dict], int]:
    """The steps named, one after the other; a step of ours that fails is said in one line, with its trace in the log."""
    from flis.build.signatures import NotReady
    from flis.core.faults import Damaged, explain, explain_text
    from flis.operate.run import StepFailed, run_steps

    def begun(step: str) -> AbstractContextManager:
        tell(step)
        return progress_bar(step)

    done: dict[str, dict] = {}
    try:
        code = run_steps(home, names, narrow, done=done, progress=begun, **extra)
    except (NotReady, Damaged) as fault:
        errors.print(f"[red]{next(name for name in names if name not in done)}:[/red] {fault}", highlight=False, soft_wrap=True)
        return done, FAILED
    except StepFailed as fault:
        errors.print(f"[red]{fault.step} failed:[/red] {escape(explain(fault, home) or str(fault))}", highlight=False, soft_wrap=True)
        if fault.log:
            errors.print(f"The trace is in {escape(str(fault.log))}", highlight=False, soft_wrap=True)
        return done, FAILED
    failed = done.get("build", {}).get("failed", [])
    if line := explain_text((message for _, message in failed), home):
        errors.print(f"[red]build failed:[/red] {line}", highlight=False, soft_wrap=True)
    else:
        for name, message in failed:
            errors.print(f"[red]{escape(name)}[/red]: {escape(message)}", highlight=False)
    return done, code


def steps(home: Path | None, names: list[str], narrow: dict, **extra: Any) -> None:
    """A verb that is one step: alone on the home, its figures on a line."""
    where = Home.of(home)
    with alone(where, names[0]) as tell:
        done, code = run_alone(where, names, narrow, tell, **extra)
        if done.get("load", {}).get("under_way") or done.get("load", {}).get("no_files"):
            show_under_way(where)
        finish(done, code)


def finish(done: dict[str, dict], code: int) -> None:
    for name, facts in done.items():
        show_refused(facts)
        console.print(f"{name}: " + ", ".join(f"{k} {_short(v)}" for k, v in facts.items() if v not in (None, [], {}) and k not in ("failed", "refused")), highlight=False)
    raise typer.Exit(code)


def show_refused(facts: dict) -> None:
    """Each file that was refused, or waits, with its reason; of many the first."""
    refused = facts.get("refused", [])
    for line in refused[:statustext.MOST_REFUSED]:
        console.print(f"Not taken: {escape(line)}", highlight=False, soft_wrap=True)
    if len(refused) > statustext.MOST_REFUSED:
        console.print(f"Not taken: {len(refused) - statustext.MOST_REFUSED} more. Each lies in karantaene/ with its reason beside it.", highlight=False, soft_wrap=True)


def show_under_way(home: Home) -> None:
    for line in [*inbox.still_coming(home, statustext.MOST_NAMES), *inbox.left_lying(home, statustext.MOST_NAMES)]:
        console.print(escape(line), highlight=False, soft_wrap=True)


def _short(value: Any) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, dict):
        return " ".join(f"{k}={_short(v)}" for k, v in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def print_summary(home: Home, done: dict[str, dict]) -> None:
    """The short table a newcomer sees, and the paths worth opening."""
    table = Table("what", "figure", title="The walk")

    def row(what: str, step: str, *keys: str) -> None:
        if step in done:
            table.add_row(what, " / ".join(_short(done[step].get(k, 0)) for k in keys))

    row("deliveries received / loaded / rejected", "load", "received", "loaded", "rejected")
    if done.get("load", {}).get("not_instructed"):
        row("deliveries nobody has instructed (counted, not kept)", "load", "not_instructed")
    if done.get("load", {}).get("waiting"):
        row("deliveries that wait (`flis status` says what for)", "load", "waiting")
    if "load" in done and "build" in done:
        aside = done["load"]["rows_set_aside"] + done["build"].get("rows_set_aside", 0)
        table.add_row("rows in / set aside", f"{_short(done['load']['rows'])} / {_short(aside)}")
    row("models built / tests", "build", "models", "tests")
    for area, broken in sorted(done.get("validate", {}).get("broken", {}).items()):
        table.add_row(f"rules broken, {area}", _short(broken))
    if not_run := done.get("validate", {}).get("not_run"):
        table.add_row("rules that could not run", ", ".join(line.split(":")[0] for line in not_run))
    row("deviations / new / resolved", "validate", "deviations", "new", "resolved")
    row("reports / workbooks", "report", "reports", "workbooks")
    row("packages written / unchanged / held", "package", "written", "unchanged", "held")
    if found := done.get("package", {}).get("attack"):
        table.add_row("figures withheld for few / for another's sake", f"{_short(found['egen'])} / {_short(found['andens'])}")
        table.add_row("of these an attack gets back exactly / had before / nearly", f"{found['praecist']} / {found['uundgaaeligt']} / {found['for_taet']}")
    for path in done.get("package", {}).get("damaged", []):
        table.add_row("a file in the outbox is not what was written", path)
    for line in done.get("package", {}).get("not_built", []):
        table.add_row("packages that wait for `flis build`", line)
    table.add_row("seconds " + " / ".join(done), " / ".join(str(facts["seconds"]) for facts in done.values()))
    console.print(table)
    letters = sorted(home.outbox.glob("*/kvalitetsrapport/rapport.html"))
    packages = sorted((p.parent.name.endswith("_benchmark"), p) for p in home.outbox.glob("*/*/*") if p.is_dir())
    for what, path in (("a package", packages[0][1] if packages else None), ("a municipality's report", letters[0] if letters else None), ("a quality result", home.reports / "kvalitet.html"), ("the docs", home.docs / "index.html")):
        if path and path.exists():
            console.print(f"{what}: {path}", highlight=False, soft_wrap=True)


