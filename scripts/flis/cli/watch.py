"""The verbs of whoever runs the house: status, accept, withdraw, restore, verify, the keys; and the demo's score."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from flis.cli.shell import (
    DONE,
    EVERYTHING,
    FAILED,
    STEPS,
    WAITING,
    AreaOption,
    HomeOption,
    MunicipalityOption,
    alone,
    app,
    checked,
    console,
    errors,
    must_be_there,
    print_summary,
    progress_bar,
    run_alone,
    show_under_way,
)
from flis.core.home import Home
from flis.intake import inbox
from flis.operate import status as status_file
from flis.operate import statustext


@app.command()
def status(home: HomeOption = None, as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
           fagomraade: AreaOption = None, kommune: MunicipalityOption = None,
           leverancer: Annotated[bool, typer.Option("--leverancer", help="The deliveries one by one with their numbers, instead of the figures.")] = False) -> None:
    """What was expected, received, late, replaced, refused, per municipality, dataset and kildesystem; and what is behind: not built, not tested, not packaged."""
    where = Home.of(home)
    checked(fagomraade, kommune, None)
    if not where.is_there:
        errors.print(f"There is no FLIS home in {where.root}: `flis demo` makes one.", highlight=False, soft_wrap=True)
        raise typer.Exit(2)

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
    if not facts.get("trin"):
        console.print(f"Nothing has run in {where.root} yet: start with `flis demo` or put files in {where.inbox}, then `flis run`.", highlight=False)
        return
    statustext.show(console, facts, kommune)
    show_under_way(where)


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
        done, code = run_alone(where, list(STEPS[1:]), EVERYTHING, tell)
        print_summary(where, done)
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
def noegle(noegler: Annotated[list[str], typer.Argument(help="The keys, as they stand in a workbook or a package.")],
           kommune: Annotated[str, typer.Option("--kommune", help="Whose keys they are (four digits).")],
           grund: Annotated[str, typer.Option("--grund", help="Why it is looked up, in Danish: it is written into the log.")],
           home: HomeOption = None) -> None:
    """Look up whose keys they are: the CPR numbers behind a municipality's own keys, for the owner of the home. Each look-up is logged."""
    from flis.operate.keylookup import LookupFailed, resolve

    where = Home.of(home)
    checked(None, kommune, None)
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
def score(home: HomeOption = None) -> None:
    """Hold what the rules found against the demo's planted faults: recall and precision, rule by rule. Exit code 1 when a rule of severity fejl is not perfect."""
    from flis.quality.truth import TruthMissing
    from flis.quality.truth import score as scores

    where = Home.of(home)
    must_be_there(where)
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


