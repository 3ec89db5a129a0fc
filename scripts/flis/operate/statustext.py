"""What `flis status` prints: readable at 80 columns, with totals. The figures are those of status.json (flis.operate.status); `--json` gives them all."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

STEPS = ("load", "build", "validate", "report", "package")
MOST_PERIODS = 20
MOST_NAMES = 5
MOST_REFUSED = 20
COUNTED = {"forventet": "ventet", "modtaget": "modt.", "forsinket": "sent", "mangler": "mangl.", "erstattet": "erst.", "afvist": "afv.", "tilbagekaldt": "trukket"}
RARE = ("tilbagekaldt",)        # a column only where there is one


def show(console: Console, facts: dict[str, Any], kommune: str | None) -> None:
    """The steps, the deliveries with their totals, the months to look at, and what is behind."""
    steps = Table("step", "finished (Copenhagen)", "seconds", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in STEPS:
        if one := facts["trin"].get(name):
            steps.add_row(name, _local(one["afsluttet"]), str(one.get("seconds", "")))
    console.print(steps)
    if facts["leverancer"]:
        console.print(deliveries(facts["leverancer"], kommune))
    _show_months(console, facts["perioder"], kommune)
    _show_behind(console, facts)
    show_waiting(console, [one for one in facts.get("til_godkendelse", []) if kommune in (None, one["kommunekode"])])
    for sender, count in facts.get("uden_aftale", {}).items():
        console.print(f"{count} {'file' if count == 1 else 'files'} from {escape(sender)} refused, for nothing of that name, or of that municipality, is agreed.", soft_wrap=True)
    console.print(f"{facts['indbakke']} files wait in the inbox.")


def show_waiting(console: Console, waiting: list[dict[str, Any]]) -> None:
    """The deliveries that a person is to accept or turn down, each with the command that does it."""
    for one in waiting:
        console.print(escape(f"Waits for a person: {one['leverance_id']} {one['afsender']}/{one['fil']}. {one['aarsag']}"), highlight=False, soft_wrap=True)
        console.print(escape(f"  flis accept {one['leverance_id']} --grund \"…\"   (or --afvis, to refuse it)"), highlight=False, soft_wrap=True)


def deliveries(rows: list[dict[str, Any]], kommune: str | None) -> Table:
    """Per fagområde with its kildesystemer under it, over all municipalities or one's own; the last line is the sum of the fagområder."""
    counted = {k: text for k, text in COUNTED.items() if k not in RARE or any(row.get(k) for row in rows)}

    def sums(of: list[dict[str, Any]]) -> list[str]:
        return [*([] if kommune else [str(len({row["kommunekode"] for row in of}))]), *(f"{sum(row.get(k) or 0 for row in of):,}" for k in counted)]

    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), title=f"Deliveries of {kommune}" if kommune else "Deliveries of all municipalities (--kommune shows one)")
    table.add_column("fagområde, kildesystem", no_wrap=True)
    for text in [*([] if kommune else ["kom."]), *counted.values()]:
        table.add_column(text, justify="right", no_wrap=True)
    for area in sorted({row["fagomraade"] for row in rows}):
        mine = [row for row in rows if row["fagomraade"] == area]
        table.add_row(f"[bold]{area}[/bold]", *sums(mine))
        for system in sorted({row["kildesystem"] for row in mine}):
            table.add_row(f"  {system}", *sums([row for row in mine if row["kildesystem"] == system]))
    table.add_section()
    table.add_row("[bold]in all[/bold]", *sums(rows))
    return table


def show_deliveries(console: Console, rows: list[dict[str, Any]], all_of_them: bool) -> None:
    """The deliveries one by one, with their numbers."""
    shown = rows if all_of_them else rows[-MOST_PERIODS:]
    table = Table("nr.", "kommune", "måned", "udtrukket", "status", box=SIMPLE_HEAD, padding=(0, 1, 0, 0),
                  title=f"Deliveries: {len(shown)} of {len(rows)}{'' if all_of_them else ', the newest (--kommune shows all of one)'}")
    table.add_column("fil", overflow="fold")
    for row in shown:
        state = row["status"] + (f" af {row['erstattet_af']}" if row.get("erstattet_af") else "")
        table.add_row(str(row["leverance_id"]), row.get("kommunekode", ""), row.get("periode", "")[:7], row["udtrukket"][:10], state, escape(row["fil"]))
    console.print(table)


def _show_months(console: Console, periods: list[dict[str, Any]], kommune: str | None) -> None:
    # A delivery that was replaced is as it should be: it is shown to the municipality that asks, and left out of the country's list.
    found = [row for row in periods if kommune or row["mangler"] or row["manglende_dele"] or row["status"] in ("forsinket", "afvist")]
    if not found:
        return
    shown = found if kommune else found[-MOST_PERIODS:]
    months = Table("kommune", "kildesystem", "måned", "status", "filer", box=SIMPLE_HEAD, padding=(0, 1, 0, 0),
                   title=f"Months to look at: {len(shown)} of {len(found)}{'' if kommune else ' (--kommune shows all of one)'}")
    for row in shown:
        files = [f"{row['modtaget']} af {row['forventet']}", *(f"{row[k]} {text}" for k, text in (("mangler", "mangler"), ("erstattet", "erstattet"), ("afvist", "afvist")) if row[k])]
        months.add_row(row["kommunekode"], row["kildesystem"], row["periode"], row["status"], escape(", ".join(files) + (f"; uden {row['manglende_dele']}" if row["manglende_dele"] else "")))
    console.print(months)


def _show_behind(console: Console, facts: dict[str, Any]) -> None:
    """What is not up with what has come in, and what failed."""
    def few(names: list[str]) -> str:
        return ", ".join(names[:MOST_NAMES]) + (f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else "")

    behind = facts.get("bagud", {})
    lines = [f"The last build failed in {name}: {message.splitlines()[0]}" for name, message in facts["trin"].get("build", {}).get("failed", [])[:MOST_NAMES]]
    lines += [f"Loaded but not built: {one['leverancer']:,} deliveries, {one['fagomraade']} {one['kildesystem']}" for one in behind.get("ikke_bygget", [])]
    if models := [one["model"] for one in behind.get("ikke_proevet", [])]:
        lines.append(f"Not built and tested: {few(models)}")
    lines += [f"Published before what it rests on was built: {one['pakke']} to {few(one['modtagere'])}" for one in behind.get("pakker", [])]
    for line in lines:
        console.print(escape(line), highlight=False, soft_wrap=True)


def _local(moment: str) -> str:
    return datetime.fromisoformat(moment).astimezone(ZoneInfo("Europe/Copenhagen")).strftime("%Y-%m-%d %H:%M:%S")
