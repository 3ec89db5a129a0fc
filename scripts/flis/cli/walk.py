"""The verbs of the walk: demo, load, build, validate, report, package, and run, which is all of them; docs and the benchmark."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from flis.cli.shell import (
    DONE,
    FAILED,
    STEPS,
    WAITING,
    AreaOption,
    HomeOption,
    MunicipalityOption,
    PeriodOption,
    alone,
    app,
    check_month,
    checked,
    console,
    finish,
    print_summary,
    progress_bar,
    run_alone,
    show_under_way,
    steps,
)
from flis.core.home import Home
from flis.operate import status as status_file


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

    check_month(slut, "--slut")
    if region and kommuner:
        raise typer.BadParameter("choose one of --region and --kommuner", param_hint="--region")
    kommuner = ",".join(REGION) if region else kommuner
    where = Home.of(home)
    asked = {"scale": scale, "periods": periods, "slut": slut, "kommuner": kommuner, "seed": seed, "faults": faults}
    made = where.truth / "demo.json"
    if made.exists() and json.loads(made.read_text("utf-8")) != asked:
        raise typer.BadParameter(f"{where.root} holds a demo made with other arguments ({made}); choose another --home or remove it", param_hint="--home")
    ask_before_demo(where, where.truth.is_dir(), yes)
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


def ask_before_demo(home: Home, is_demo: bool, yes: bool) -> None:
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
def load(home: HomeOption = None, fagomraade: AreaOption = None, kommune: MunicipalityOption = None, periode: PeriodOption = None) -> None:
    """Take what lies in the inbox into raw; refuse, explain and set aside what cannot be taken."""
    steps(home, ["load"], checked(fagomraade, kommune, periode))


@app.command()
def build(home: HomeOption = None, fagomraade: AreaOption = None, kommune: MunicipalityOption = None, periode: PeriodOption = None,
          full_refresh: Annotated[bool, typer.Option("--full-refresh", help="Rebuild everything from raw.")] = False) -> None:
    """Build models and their tests; only the slices that what arrived has touched."""
    steps(home, ["build"], checked(fagomraade, kommune, periode), full_refresh=full_refresh)


@app.command()
def validate(home: HomeOption = None, fagomraade: AreaOption = None, kommune: MunicipalityOption = None, periode: PeriodOption = None,
             alt: Annotated[bool, typer.Option("--all", help="Measure everything, not only what has moved since the last time.")] = False) -> None:
    """Run the faggrupper's quality rules on what has moved since they last ran."""
    steps(home, ["validate"], checked(fagomraade, kommune, periode), alt=alt)


@app.command()
def report(home: HomeOption = None, fagomraade: AreaOption = None, kommune: MunicipalityOption = None) -> None:
    """Write the quality reports: a page and workbooks per municipality, a page per faggruppe, the systems compared, the declaration."""
    steps(home, ["report"], checked(fagomraade, kommune, None))


@app.command()
def package(home: HomeOption = None, fagomraade: AreaOption = None, kommune: MunicipalityOption = None, periode: PeriodOption = None,
            release: Annotated[bool, typer.Option("--release", help="Let through what the rules hold back for --kommune and --fagomraade, with a reason.")] = False,
            grund: Annotated[str | None, typer.Option("--grund", help="Why it is released, in Danish: it is written into the package and the log.")] = None) -> None:
    """Write each recipient's data packages."""
    where, narrow = Home.of(home), checked(fagomraade, kommune, periode)
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
        finish(*run_alone(where, ["package"], narrow, tell))


@app.command()
def run(home: HomeOption = None, fagomraade: AreaOption = None, kommune: MunicipalityOption = None, periode: PeriodOption = None,
        with_docs: Annotated[bool, typer.Option("--docs", help="Make the documentation page too.")] = False) -> None:
    """load, build, validate, report and package, in that order; ends with a short table of figures."""
    where, narrow = Home.of(home), checked(fagomraade, kommune, periode)
    with alone(where, "run") as tell:
        if not any(narrow.values()) and status_file.nothing_new(where):
            left = status_file.read(where).get("trin", {}).get("load", {}).get("waiting", 0)
            console.print(f"Nothing new, but {left} in the inbox cannot be loaded before one that has not come, or before a person accepts them: `flis status` says which." if left
                          else "Nothing new: everything is built and packaged.", soft_wrap=True, highlight=False)
            show_under_way(where)
            raise typer.Exit(WAITING if left else DONE)
        done, code = run_alone(where, list(STEPS), narrow, tell)
        if with_docs and code != FAILED:
            _write_docs(where)
        print_summary(where, done)
        show_under_way(where)
        if code == WAITING:
            console.print("Done, with exit code 1: something was refused, waits, or is held (the table says how many; `flis status` says what).", highlight=False, soft_wrap=True)
        raise typer.Exit(code)


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


