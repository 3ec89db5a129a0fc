"""The command line. Each verb is one step of the walk; imports stay inside the verbs so that a run with nothing to do is quick."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from flis import seldom_garbage
from flis.core.home import Home
from flis.core.lock import Busy, locked
from flis.intake import inbox
from flis.operate import status as status_file
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


def _check(fagomraade: str | None, kommune: str | None, periode: str | None) -> dict[str, str | None]:
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
    _check_month(periode, "--periode")
    return {"fagomraade": fagomraade, "kommune": kommune, "periode": periode}


def _check_month(month: str | None, option: str) -> None:
    import re

    if month and not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month):
        raise typer.BadParameter("a month is YYYY-MM, e.g. 2026-09", param_hint=option)


def _must_be_there(home: Home) -> None:
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
        _must_be_there(home)
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
        from flis.trail.journal import JournalDamaged

        if isinstance(fault, (JournalDamaged, KeyMissing, SetupError)):
            errors.print(f"[red]{verb}:[/red] {escape(str(fault))}", highlight=False, soft_wrap=True)
            raise typer.Exit(FAILED) from fault
        if line := explain(fault, home):
            errors.print(f"[red]{verb}:[/red] {line}", highlight=False, soft_wrap=True)
            raise typer.Exit(FAILED) from fault
        raise


def _run(home: Home, names: list[str], narrow: dict, tell: Callable[[str], None], **extra: Any) -> tuple[dict[str, dict], int]:
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


def _steps(home: Path | None, names: list[str], narrow: dict, **extra: Any) -> None:
    """A verb that is one step: alone on the home, its figures on a line."""
    where = Home.of(home)
    with alone(where, names[0]) as tell:
        done, code = _run(where, names, narrow, tell, **extra)
        if done.get("load", {}).get("under_way") or done.get("load", {}).get("no_files"):
            _show_under_way(where)
        _finish(done, code)


@app.command()
def load(home: HomeOption = None, fagomraade: AreaOption = None, kommune: MunicipalityOption = None, periode: PeriodOption = None) -> None:
    """Take what lies in the inbox into raw; refuse, explain and set aside what cannot be taken."""
    _steps(home, ["load"], _check(fagomraade, kommune, periode))


@app.command()
def build(home: HomeOption = None, fagomraade: AreaOption = None, kommune: MunicipalityOption = None, periode: PeriodOption = None,
          full_refresh: Annotated[bool, typer.Option("--full-refresh", help="Rebuild everything from raw.")] = False) -> None:
    """Build models and their tests; only the slices that what arrived has touched."""
    _steps(home, ["build"], _check(fagomraade, kommune, periode), full_refresh=full_refresh)


@app.command()
def validate(home: HomeOption = None, fagomraade: AreaOption = None, kommune: MunicipalityOption = None, periode: PeriodOption = None,
             alt: Annotated[bool, typer.Option("--all", help="Measure everything, not only what has moved since the last time.")] = False) -> None:
    """Run the faggrupper's quality rules on what has moved since they last ran."""
    _steps(home, ["validate"], _check(fagomraade, kommune, periode), alt=alt)


@app.command()
def report(home: HomeOption = None, fagomraade: AreaOption = None, kommune: MunicipalityOption = None) -> None:
    """Write the quality reports: a page and workbooks per municipality, a page per faggruppe, the systems compared, the declaration."""
    _steps(home, ["report"], _check(fagomraade, kommune, None))


@app.command()
def package(home: HomeOption = None, fagomraade: AreaOption = None, kommune: MunicipalityOption = None, periode: PeriodOption = None,
            release: Annotated[bool, typer.Option("--release", help="Let through what the rules hold back for --kommune and --fagomraade, with a reason.")] = False,
            grund: Annotated[str | None, typer.Option("--grund", help="Why it is released, in Danish: it is written into the package and the log.")] = None) -> None:
    """Write each recipient's data packages."""
    where, narrow = Home.of(home), _check(fagomraade, kommune, periode)
    if release and not (kommune and fagomraade and grund):
        raise typer.BadParameter("needs --kommune, --fagomraade and --grund", param_hint="--release")
    if grund and not release:
        raise typer.BadParameter("goes with --release", param_hint="--grund")
    with alone(where, "package") as tell:
        if release:
            from flis.quality.validate import ValidateError
            from flis.quality.validate import release as let_through

            try:
                console.print(f"{let_through(where, kommune, fagomraade, grund)} results released for {kommune} {fagomraade}", highlight=False)
            except ValidateError as fault:
                raise typer.BadParameter(str(fault), param_hint="--release") from fault
        _finish(*_run(where, ["package"], narrow, tell))


@app.command()
def score(home: HomeOption = None) -> None:
    """Hold what the rules found against the demo's planted faults: recall and precision, rule by rule. Exit code 1 when a rule of severity fejl is not perfect."""
    from flis.quality.truth import TruthMissing
    from flis.quality.truth import score as scores

    where = Home.of(home)
    _must_be_there(where)
    try:
        found = scores(where)
    except TruthMissing as fault:
        errors.print(f"[red]{escape(str(fault))}[/red]", highlight=False)
        raise typer.Exit(2) from fault
    table = Table("regel", "alvor", "planted", "found", "not planted", "recall", "precision", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for one in found:
        table.add_row(one.regel_id, one.alvor, str(one.planted), str(one.found), str(one.extra), *("-" if v is None else f"{v:.3f}" for v in (one.recall, one.precision)))
    console.print(table)
    hard = [one for one in found if one.alvor == "fejl"]
    console.print(f"fejl: {sum(o.found for o in hard)} of {sum(o.planted for o in hard)} planted found, {sum(o.extra for o in hard)} found that were not planted", highlight=False)
    raise typer.Exit(DONE if all(o.found == o.planted and not o.extra for o in hard) else WAITING)


@app.command()
def run(home: HomeOption = None, fagomraade: AreaOption = None, kommune: MunicipalityOption = None, periode: PeriodOption = None,
        with_docs: Annotated[bool, typer.Option("--docs", help="Make the documentation page too.")] = False) -> None:
    """load, build, validate, report and package, in that order; ends with a short table of figures."""
    where, narrow = Home.of(home), _check(fagomraade, kommune, periode)
    with alone(where, "run") as tell:
        if not any(narrow.values()) and status_file.nothing_new(where):
            left = status_file.read(where).get("trin", {}).get("load", {}).get("waiting", 0)
            console.print(f"Nothing new, but {left} in the inbox cannot be loaded before one that has not come, or before a person accepts them: `flis status` says which." if left
                          else "Nothing new: everything is built and packaged.", soft_wrap=True, highlight=False)
            _show_under_way(where)
            raise typer.Exit(WAITING if left else DONE)
        done, code = _run(where, list(STEPS), narrow, tell)
        if with_docs and code != FAILED:
            _write_docs(where)
        _print_summary(where, done)
        _show_under_way(where)
        if code == WAITING:
            console.print("Done, with exit code 1: something was refused, waits, or is held (the table says how many; `flis status` says what).", highlight=False, soft_wrap=True)
        raise typer.Exit(code)


@app.command()
def withdraw(leverance_id: Annotated[int, typer.Argument(help="Its number, as `flis status --leverancer` shows it.")],
             grund: Annotated[str, typer.Option("--grund", help="Why, in Danish: it is written into the ledger and the log.")],
             home: HomeOption = None) -> None:
    """Take a delivery back: what stands is as if it had never come. What it had replaced is in force again, read from the archive."""
    from flis.contracts.installation import SetupError
    from flis.operate.run import ready
    from flis.operate.withdraw import WithdrawError
    from flis.operate.withdraw import withdraw as take_back

    where = Home.of(home)
    with alone(where, "withdraw"):
        ready(where)
        try:
            done = take_back(where, leverance_id, grund)
        except WithdrawError as fault:
            raise typer.BadParameter(str(fault), param_hint="LEVERANCE_ID") from fault
        except SetupError as fault:
            errors.print(f"[red]withdraw:[/red] {escape(str(fault))}", highlight=False, soft_wrap=True)
            raise typer.Exit(FAILED) from fault
        what = ", ".join(filter(None, (done.kommunekode, done.fagomraade, done.periode and f"{done.periode:%Y-%m}")))
        console.print(f"{leverance_id} {escape(done.fil)} ({what}) {'had been taken back before; nothing has changed' if done.already else 'is taken back'}.", highlight=False, soft_wrap=True)
        for number, name in done.back:
            console.print(f"In force again: {number} {escape(name)}", highlight=False, soft_wrap=True)
        if not done.already:
            console.print("The next `flis run` computes the slices it touches; what is published stays as it is until then.", highlight=False, soft_wrap=True)


@app.command()
def accept(leverance_id: Annotated[int, typer.Argument(help="Its number, as `flis status` shows it.")],
           grund: Annotated[str, typer.Option("--grund", help="Why, in Danish: it is written into the ledger and the log.")],
           home: HomeOption = None,
           afvis: Annotated[bool, typer.Option("--afvis", help="Turn it down instead: the next load puts it in quarantine with the reason to the sender.")] = False) -> None:
    """Answer for a delivery that waits because it has far fewer rows than the one it is to replace: the next load takes it (or, with --afvis, refuses it)."""
    from flis.operate.accept import AcceptError, answer
    from flis.operate.run import ready

    where = Home.of(home)
    with alone(where, "accept"):
        ready(where)
        try:
            done = answer(where, leverance_id, grund, accepted=not afvis)
        except AcceptError as fault:
            raise typer.BadParameter(str(fault), param_hint="LEVERANCE_ID") from fault
        console.print(f"{done.leverance_id} {escape(done.fil)} {'is turned down' if afvis else 'is accepted'}. The next `flis run` acts on it.", highlight=False, soft_wrap=True)


@app.command()
def restore(home: HomeOption = None,
            anew: Annotated[str | None, typer.Option("--anew", help="Make this file anew although it can be read: cpr, flis or both.")] = None) -> None:
    """Make a damaged, missing or outdated database file anew: from the archive and the journals beside it, then build, validate, report and package."""
    from flis.operate.restore import RestoreError, wanting
    from flis.operate.restore import restore as make_anew

    chosen = {None: set(), "cpr": {"cpr"}, "flis": {"flis"}, "both": {"cpr", "flis"}}
    if anew not in chosen:
        raise typer.BadParameter("must be cpr, flis or both", param_hint="--anew")
    where = Home.of(home)
    with alone(where, "restore") as tell:
        found = wanting(where)
        for name, why in found.items():
            console.print(f"{where.cpr_db if name == 'cpr' else where.db}: {why}", highlight=False, soft_wrap=True)
        if not (found or anew or where.cpr_db.exists() or where.db.exists()):
            console.print(f"Nothing has been loaded in {where.root}, so there is nothing to restore.", highlight=False, soft_wrap=True)
            raise typer.Exit(DONE)
        if not (found or anew):
            console.print("Both database files can be read, and they are up with the journals beside the archive: there is nothing to restore.", highlight=False, soft_wrap=True)
            raise typer.Exit(DONE)
        status_file.mark_incomplete(where)
        try:
            with progress_bar("restore") as bar:
                made = make_anew(where, set(found) | chosen[anew], bar)
        except RestoreError as fault:
            errors.print(f"[red]restore:[/red] {fault}", highlight=False, soft_wrap=True)
            raise typer.Exit(FAILED) from fault
        console.print(f"{' and '.join(made.anew)} made anew ({made.deliveries:,} deliveries, {made.rows:,} rows). Set aside, to be deleted when all is well: {', '.join(map(str, made.aside)) or 'nothing'}",
                      highlight=False, soft_wrap=True)
        for line in made.missing:
            console.print(f"No longer to be had, and no longer in use: {line}", highlight=False, soft_wrap=True)
        for line in made.differing:
            errors.print(f"[red]Not what was loaded, so it is in force no more; have it sent again:[/red] {escape(line)}", highlight=False, soft_wrap=True)
        done, code = _run(where, list(STEPS[1:]), EVERYTHING, tell)
        _print_summary(where, done)
        raise typer.Exit(code or (WAITING if made.differing else DONE))


@app.command()
def verify(home: HomeOption = None) -> None:
    """Look through the audit trail: that no entry of the journals, the events or the ledger has been changed, removed or moved. Exit code 3 when one has."""
    from flis.core.keys import KeyMissing
    from flis.trail import sealing

    where = Home.of(home)
    with alone(where, "verify"):
        try:
            found = sealing.verify(where)
        except KeyMissing as fault:
            raise typer.BadParameter(str(fault), param_hint="--home") from fault
    for name, count in found.entries.items():
        console.print(f"{name}: {count:,} entries" + (f", the last link {found.heads[name]}" if found.heads[name] else ""), highlight=False, soft_wrap=True)
    for line in found.wrong:
        errors.print(f"[red]{escape(line)}[/red]", highlight=False, soft_wrap=True)
    if found.wrong:
        raise typer.Exit(FAILED)
    console.print("All of it is what was written.", highlight=False)


@app.command()
def demo(home: HomeOption = None,
         scale: Annotated[float, typer.Option(help="Share of the population; 1 is about 5.95 million people.")] = 0.01,
         periods: Annotated[int, typer.Option(help="Months.")] = 14,
         slut: Annotated[str, typer.Option(help="Last month, YYYY-MM.")] = "2026-09",
         kommuner: Annotated[str | None, typer.Option(help="Comma-separated municipality codes (default all).")] = None,
         region: Annotated[bool, typer.Option("--region", help="The nineteen municipalities that between them have every role (docs/demo.md), instead of all.")] = False,
         seed: Annotated[int, typer.Option(help="Seed; the same arguments give the same bytes.")] = 1,
         faults: Annotated[bool, typer.Option("--faults/--no-faults", help="Plant typical registration errors.")] = True,
         yes: Annotated[bool, typer.Option("--yes", help="Do not ask where the demo has been loaded already.")] = False) -> None:
    """Write a demo Denmark's inbox, and the truth beside it. Makes the home, where there is none."""
    from flis.demo import REGION, generate

    _check_month(slut, "--slut")
    if region and kommuner:
        raise typer.BadParameter("choose one of --region and --kommuner", param_hint="--region")
    kommuner = ",".join(REGION) if region else kommuner
    where = Home.of(home)
    asked = {"scale": scale, "periods": periods, "slut": slut, "kommuner": kommuner, "seed": seed, "faults": faults}
    made = where.truth / "demo.json"
    if made.exists() and json.loads(made.read_text("utf-8")) != asked:
        raise typer.BadParameter(f"{where.root} holds a demo made with other arguments ({made}); choose another --home or remove it", param_hint="--home")
    _ask_before_demo(where, where.truth.is_dir(), yes)
    where.prepare().truth.mkdir(exist_ok=True)      # it is a demo from now on, also when it is stopped half-way
    with alone(where, "demo"):
        status_file.mark_incomplete(where)
        start = time.monotonic()
        with progress_bar("demo") as bar:
            try:
                generate(where, scale=scale, periods=periods, slut=slut, kommuner=kommuner.split(",") if kommuner else None, seed=seed, faults=faults, progress=bar)
            except ValueError as fault:
                raise typer.BadParameter(str(fault)) from fault
        made.write_text(json.dumps(asked), "utf-8")
    files = len(status_file.waiting_files(where))
    console.print(f"{files:,} files in {where.inbox}, the truth in {where.truth} ({time.monotonic() - start:.1f} s)", highlight=False)


def _ask_before_demo(home: Home, is_demo: bool, yes: bool) -> None:
    """A demo is never written over an installation's own set-up or deliveries, and over a demo that has been walked only when somebody says so."""
    if not is_demo and (any(home.setup.glob("*.csv")) or home.cpr_db.exists()):
        raise typer.BadParameter(f"{home.root} holds a set-up or deliveries that are no demo's; choose another --home", param_hint="--home")
    if not home.cpr_db.exists() or yes:
        return
    question = f"{home.root} has been loaded already; the demo's files would lie in its inbox once more."
    if not sys.stdin.isatty():
        raise typer.BadParameter(f"{question} Say --yes if that is meant, or choose another --home", param_hint="--home")
    if not typer.confirm(f"{question} Go on?"):
        raise typer.Exit(DONE)


@app.command()
def status(home: HomeOption = None, as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
           fagomraade: AreaOption = None, kommune: MunicipalityOption = None,
           leverancer: Annotated[bool, typer.Option("--leverancer", help="The deliveries one by one with their numbers, instead of the figures.")] = False) -> None:
    """What was expected, received, late, replaced, refused, per municipality, dataset and kildesystem; and what is behind: not built, not tested, not packaged."""
    where = Home.of(home)
    _check(fagomraade, kommune, None)

    def asked(rows: list[dict]) -> list[dict]:
        return [row for row in rows if (not fagomraade or row.get("fagomraade") == fagomraade) and (not kommune or row.get("kommunekode") == kommune)]

    if leverancer:
        rows = asked(status_file.deliveries(where))
        if as_json:
            sys.stdout.write(json.dumps(rows, ensure_ascii=False, indent=1, sort_keys=True) + "\n")
        else:
            statustext.show_deliveries(console, rows, bool(kommune))
        return
    facts = status_file.read(where)
    facts["indbakke"] = len(status_file.waiting_files(where))
    facts["under_overfoersel"] = [{"afsender": one.sender, "fil": one.name, "sekunder": one.seconds} for one in inbox.under_way(where)]
    facts["ingen_filer"] = [{"afsender": one.sender, "navn": one.name, "hvad": one.kind} for one in inbox.no_files(where)]
    for name in ("leverancer", "perioder"):
        facts[name] = asked(facts.get(name, []))
    if as_json:
        sys.stdout.write(json.dumps(facts, ensure_ascii=False, indent=1, sort_keys=True) + "\n")
        return
    if not where.is_there and not as_json:
        console.print(f"There is no FLIS home in {where.root}: `flis demo` makes one.", highlight=False, soft_wrap=True)
        return
    if not facts.get("trin"):
        console.print(f"Nothing has run in {where.root} yet: start with `flis demo` or put files in {where.inbox}, then `flis run`.", highlight=False)
        return
    statustext.show(console, facts, kommune)
    _show_under_way(where)


@app.command()
def noegle(noegler: Annotated[list[str], typer.Argument(help="The keys, as they stand in a workbook or a package.")],
           kommune: Annotated[str, typer.Option("--kommune", help="Whose keys they are (four digits).")],
           grund: Annotated[str, typer.Option("--grund", help="Why it is looked up, in Danish: it is written into the log.")],
           home: HomeOption = None) -> None:
    """Look up whose keys they are: the CPR numbers behind a municipality's own keys, for the owner of the home. Each look-up is logged."""
    from flis.operate.keylookup import LookupFailed, resolve

    where = Home.of(home)
    _check(None, kommune, None)
    with alone(where, "noegle"):
        try:
            found = resolve(where, kommune, noegler, grund)
        except LookupFailed as fault:
            raise typer.BadParameter(str(fault)) from fault
    for key, number in found.items():
        console.print(f"{key} {number or 'ukendt hos ' + kommune}", highlight=False, soft_wrap=True)
    if not all(found.values()):
        raise typer.Exit(WAITING)


@app.command("noegle-skift")
def noegle_skift(grund: Annotated[str, typer.Option("--grund", help="Why, in Danish: it is written into the log.")],
                 ny_noegle: Annotated[Path | None, typer.Option("--ny-noegle", help="A file with the new key; without it one is made, where the home's key lies in a file.")] = None,
                 home: HomeOption = None) -> None:
    """Put another key in the old one's place: every person gets a new id, and the next run builds all and writes new versions of the packages."""
    from flis.core.keys import KeyMissing
    from flis.operate.rotation import RotationFailed, rotate

    where = Home.of(home)
    with alone(where, "noegle-skift"):
        status_file.mark_incomplete(where)
        try:
            done = rotate(where, grund, ny_noegle)
        except RotationFailed as fault:
            raise typer.BadParameter(str(fault)) from fault
        except KeyMissing as fault:
            errors.print(f"[red]noegle-skift:[/red] {escape(str(fault))}", highlight=False, soft_wrap=True)
            raise typer.Exit(FAILED) from fault
    console.print(f"Nøglens version er nu {done.version}; {done.numbers:,} personnumre har fået nye id'er. Kør `flis run`: alt bygges forfra, og pakkerne kommer i nye versioner.", highlight=False, soft_wrap=True)
    if done.left:
        console.print(done.left, highlight=False, soft_wrap=True)


@app.command()
def docs(home: HomeOption = None) -> None:
    """dbt's documentation with lineage as one static page."""
    where = Home.of(home)
    with alone(where, "docs"):
        if not where.db.exists():
            raise typer.BadParameter(f"nothing has been built in {where.root} yet: run `flis run` first, then `flis docs` shows what was built", param_hint="--home")
        _write_docs(where.prepare())


def _write_docs(home: Home) -> None:
    from flis.build.dbt import docs as build_docs

    with progress_bar("docs") as bar:
        page = build_docs(home, bar)
    console.print(f"{page}", highlight=False)


@app.command()
def bench(part: Annotated[str, typer.Argument(help="load, build, validate, package, nothing_new, correction, delta, memory, sqlmesh, survival, fuzz, equal, roundtrip, fremmed, or all.")] = "all",
          scale: Annotated[float, typer.Option(help="Share of the population.")] = 1,
          periods: Annotated[int, typer.Option(help="Months.")] = 24,
          work: Annotated[Path | None, typer.Option(help="Working folder (default var/bench).")] = None,
          keep: Annotated[bool, typer.Option("--keep", help="Leave the folder, and do only what has not been done in it.")] = False,
          with_docs: Annotated[bool, typer.Option("--docs", help="Write docs/bench.json and the figures in docs/performance.md.")] = False,
          times: Annotated[int | None, typer.Option(help="How much survival, fuzz, equal, roundtrip and fremmed try.")] = None,
          seed: Annotated[int, typer.Option(help="The chance in survival, fuzz, equal and fremmed; the first seed of roundtrip.")] = 1) -> None:
    """Measure the steps against bare DuckDB doing the same, on a demo of its own (docs/performance.md). Belongs to the repository's checkout."""
    import subprocess

    from flis.core.home import REPO

    script = REPO / "scripts" / "proofs" / "bench.py"
    given = [part, "--scale", str(scale), "--periods", str(periods), *(["--work", str(work)] if work else []), *(["--keep"] if keep else []), *(["--docs"] if with_docs else []),
             *(["--times", str(times)] if times else []), "--seed", str(seed)]
    raise typer.Exit(subprocess.call([sys.executable, str(script), *given]))     # a process of its own: a measured process is charged with what its parent holds


def _finish(done: dict[str, dict], code: int) -> None:
    for name, facts in done.items():
        console.print(f"{name}: " + ", ".join(f"{k} {_short(v)}" for k, v in facts.items() if v not in (None, [], {}) and k != "failed"), highlight=False)
    raise typer.Exit(code)


def _show_under_way(home: Home) -> None:
    for line in [*inbox.still_coming(home, statustext.MOST_NAMES), *inbox.left_lying(home, statustext.MOST_NAMES)]:
        console.print(escape(line), highlight=False, soft_wrap=True)


def _short(value: Any) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, dict):
        return " ".join(f"{k}={_short(v)}" for k, v in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _print_summary(home: Home, done: dict[str, dict]) -> None:
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


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        console.print(f"flis {version('flis')}", highlight=False)
        raise typer.Exit(DONE)


@app.callback()
def everything(version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Which FLIS it is.")] = False) -> None:
    """Open FLIS: from landed files to versioned data packages."""


def main() -> None:
    """Entry point of the `flis` command. What it writes is for the account it runs as alone, from the first file on: a package is whole rows while it is being written too."""
    os.umask(PRIVATE)
    seldom_garbage()
    app()


if __name__ == "__main__":
    main()
