"""The attack on a release: what is about to leave is held against the figures it is made of, before it leaves (docs/afsloering.md).

The step that withholds (`flis.disclosure.tables`) attacks what it means to withhold. Here the tables that go into the packages are read as they stand: a figure is known when a row shows it,
whatever the step has said, so that a fault between the two does not leave the house. What has been attacked once, and has moved in nothing, is not attacked again. What came of it stands in
`drift.angreb`, one row per release, family of formulas and month.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from datetime import UTC, date
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from flis.core.database import exists
from flis.core.home import Home, now
from flis.disclosure import months, tables, withholding
from flis.disclosure.system import ENOUGH, Breach
from flis.disclosure.withholding import ALL, DERIVED, Family, Figure, Row, Rules, Task
from flis.package import comparison
from flis.report.pages import render, write
from flis.trail.events import record

AUDIENCE = "kommuner"       # the only one that packages are made for yet
EVENT = "angrebet"
BESIDE = "fct_noegletal__sammenligning"       # what each municipality is told of the others beside its own
READS = (("marts", "int_faelles__kommunetal"), ("marts", "int_faelles__tilbageholdt"), ("marts", "fct_noegletal__benchmark"), ("marts", "dim_noegletal"), ("marts", "dim_kommune"),
         ("koder", "formel"), ("koder", "formelsammenhaeng"), ("koder", "fortrolighedsgraense"), ("marts", BESIDE))


class Disclosed(Exception):
    """What is about to leave tells what is withheld; the message says what and where to look."""


@dataclass(frozen=True)
class Found:
    """What the attack on one family in a month came to."""

    egen: int               # rows that are withheld for their own sake
    andens: int             # and for another's
    praecist: int           # small figures that come back exactly, though more could have been withheld
    uundgaaeligt: int       # and those that earlier releases have given away
    for_taet: int           # small figures that are known closer than their limit
    smalleste: float        # the narrowest interval, as a share of what its limit demands; what is wide enough is 1


@dataclass(frozen=True)
class Line:
    """The attack on one family in a month, as it is kept."""

    familie: str
    periode: date
    found: Found
    aftryk: str
    ny: bool                # attacked now, and not as it was when it was last attacked


def attack(con: duckdb.DuckDBPyConnection, home: Home, build: int | None) -> dict[str, Any] | None:
    """Attack all that is published and has moved, note it, and write the operator's page. Returns the release's figures; None where no key figures are built. Raises Disclosed."""
    if not all(exists(con, schema, table, "flis") for schema, table in READS):
        return None
    figures, *seeds = (con.table(f"flis.{schema}.{table}") for schema, table in (READS[0], READS[3], *READS[5:8], READS[4]))
    rules = tables.rules(*seeds)
    away, averages = _as_meant(con)
    todo, every = withholding.tasks(tables.read_figures(figures), rules, tables.published(con, "flis."))
    untold = {row for who, row in months.over_time(dict.fromkeys(((AUDIENCE, row) for row in away), DERIVED), every, rules, withholding.primary) if who == AUDIENCE}
    if untold:
        raise Disclosed(f"fct_noegletal__benchmark shows {len(untold)} rows of years to date that do not follow from the months that are shown ({_some(untold)}); no benchmark package is written")
    if told := averages & _of_withheld(every, rules, away):
        raise Disclosed(f"fct_noegletal__benchmark shows {len(told)} simple averages of groups of which somebody is withheld ({_some(told)}); no benchmark package is written")
    if rows := comparison.told(con):
        raise Disclosed(f"{BESIDE} tells more than fct_noegletal__benchmark and a municipality's own figures do in {len(rows)} rows "
                        f"({rows[0][0]}, to {rows[0][1]} of {rows[0][2]}, {rows[0][3]:%Y-%m}); no benchmark package is written")
    lines = _lines(con, [t for t in todo if t.scope[0] not in rules.to_date()], rules, away)
    summary = _kept(con, lines, build)
    _page(con, home, summary, lines)
    if summary["praecist"]:
        where = sorted({(line.familie, line.periode) for line in lines if line.found.praecist})
        raise Disclosed(f"{summary['praecist']} small figures can be worked out of what is about to leave ({', '.join(f'{f} {p:%Y-%m}' for f, p in where[:3])}); "
                        f"no benchmark package is written. Look in {home.reports / 'afsloering.html'}")
    return summary


def _as_meant(con: duckdb.DuckDBPyConnection) -> tuple[set[Row], set[Row]]:
    """The rows that the published table withholds, and the groups whose simple average it shows; withheld are to be the very rows and averages that the step has said."""
    published = {tuple(row): told for *row, told in con.execute(
        "select noegletal_id, gruppetype, gruppekode, periode, {'withheld': fortrolighedsstatus <> 'fri', 'held': gruppetype = 'kommune' and kvalitetsstatus = 'tilbageholdt', "
        "'figure': taeller is not null or naevner is not null or vaerdi is not null, 'average': simpelt_gennemsnit is not null} from flis.marts.fct_noegletal__benchmark").fetchall()}
    meant = {tuple(row): scope for *row, scope in con.execute(
        "select noegletal_id, gruppetype, gruppekode, periode, omfang from flis.marts.int_faelles__tilbageholdt where modtagerkreds = $1", [AUDIENCE]).fetchall()}
    # of one that a rule holds it is not said whether it is withheld too, for then it would be small itself; it has no figure
    wrong = {row for row, told in published.items()
             if told["withheld"] != (meant.get(row) == ALL and not told["held"]) or told["figure"] and (told["withheld"] or told["held"]) or told["average"] and (told["withheld"] or row in meant)}
    if wrong:
        raise Disclosed(f"fct_noegletal__benchmark is not as int_faelles__tilbageholdt says in {len(wrong)} rows ({_some(wrong)}): run `flis build`; no benchmark package is written")
    return {row for row, told in published.items() if told["withheld"] or told["held"] and meant.get(row) == ALL}, {row for row, told in published.items() if told["average"] and row[1] != "kommune"}


def _of_withheld(figures: Iterable[Figure], rules: Rules, away: set[Row]) -> set[Row]:
    """The groups in which somebody who counts is withheld. An average of any other tells nothing: it is made of figures that are all shown."""
    return {(one.noegletal_id, *group, one.periode) for one in figures if one.bidrager and (one.noegletal_id, "kommune", one.kommunekode, one.periode) in away
            for group in rules.groups.get(one.kommunekode, [])}


def _some(rows: Iterable[Row]) -> str:
    first = min(rows)
    return f"{first[0]}, {first[1]} {first[2]}, {first[3]:%Y-%m}"


# --- the attack --------------------------------------------------------------------------------------------------------------------------------

def _lines(con: duckdb.DuckDBPyConnection, tasks: list[Task], rules: Rules, away: set[Row]) -> list[Line]:
    _prepare(con)
    names = [f.name for f in fields(Found)]
    known = {sign: Found(*found) for sign, *found in con.execute(f"select aftryk, {', '.join(names)} from flis.drift.angreb").fetchall()}
    code = tables.code() + Path(__file__).read_bytes()
    of = defaultdict(set)
    for row in away:
        of[row[0], row[3]].add(row)
    jobs = [(t, frozenset().union(*(of[key] for key in {(f.noegletal_id, f.periode) for f in t.figures}))) for t in tasks]
    signs = [hashlib.sha256((t.sign + repr(sorted(rows)) + repr(rules)).encode() + code).hexdigest() for t, rows in jobs]
    new = [sign not in known for sign in signs]
    found = iter(tables.at_once(partial(attacked, rules), [job for job, fresh in zip(jobs, new, strict=True) if fresh]))
    return [Line(t.scope[0], t.scope[1], next(found) if fresh else known[sign], sign, fresh) for (t, _), sign, fresh in zip(jobs, signs, new, strict=True)]


def attacked(rules: Rules, job: tuple[Task, frozenset[Row]]) -> Found:
    """One family in a month: what can be worked out when these rows are withheld and all others are read."""
    task, away = job
    family = Family(task.scope, list(task.figures), list(task.published), rules, AUDIENCE)
    system, may = family.system, {v for v in family.index.values() if family.hideable(v)}
    hidden = {v for v in may if not family.rows_of.get(v, set()) - away}
    gone = {e for e, rows in enumerate(family.rows_of_sum) if rows and rows <= away}
    breaches = system.breaches(hidden, gone)
    exact = {b.target for b in breaches if _known(b)}
    # what would be known however much was withheld, is what earlier releases have told
    told = exact & {b.target for b in system.breaches(may, {e for e, rows in enumerate(family.rows_of_sum) if rows}) if _known(b)} if exact else set()
    # and what is read without any work, in one row or as one row less another
    read = {t for t in system.targets if not hidden & {v for v, _ in t.terms}}
    exact, told = exact | read, told | {t for t in read if not may & {v for v, _ in t.terms}}
    near = [b for b in breaches if b.target not in exact]
    rows = {row for rows in family.rows_of.values() for row in rows} | {row for rows in family.rows_of_sum for row in rows}
    own = away & family.primary.keys()
    return Found(len(own), len((away & rows) - own), len(exact - told), len(told), len(near), min([0.0 if exact else 1.0, *(b.width / b.target.width for b in near)]))


def _known(breach: Breach) -> bool:
    """Whether it comes back exactly: by equations, or because the bounds leave it nowhere to go."""
    return breach.exact or breach.width < ENOUGH * breach.target.width


# --- what is kept ------------------------------------------------------------------------------------------------------------------------------

def _prepare(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("create schema if not exists flis.drift")
    con.execute("""
        create table if not exists flis.drift.angreb (udgivelse bigint, tidspunkt timestamp, koersel bigint, familie varchar, periode date, egen bigint, andens bigint, praecist bigint,
            uundgaaeligt bigint, for_taet bigint, smalleste double, aftryk varchar, ny boolean)
    """)


def _kept(con: duckdb.DuckDBPyConnection, lines: list[Line], build: int | None) -> dict[str, Any]:
    """Note each line, and the whole as an event, which is chained as the others are (flis.trail.sealing)."""
    number = con.execute("select coalesce(max(udgivelse), 0) + 1 from flis.drift.angreb").fetchall()[0][0]
    moment = now().astimezone(UTC).replace(tzinfo=None, microsecond=0)
    if lines:
        columns = [list(c) for c in zip(*((number, moment, build, x.familie, x.periode, *astuple(x.found), x.aftryk, x.ny) for x in lines), strict=True)]
        con.execute(f"insert into flis.drift.angreb select {', '.join(f'unnest(${n + 1})' for n in range(len(columns)))}", columns)
    reasons: Counter = Counter()
    for whole, own, rows in con.execute("select omfang = 'alt', grund <> $2, count(*) from flis.marts.int_faelles__tilbageholdt where modtagerkreds = $1 group by all", [AUDIENCE, DERIVED]).fetchall():
        reasons["gennemsnit" if not whole else "egen" if own else "andens"] += rows
    summary = {"udgivelse": number, "raekker": con.execute("select count(*) from flis.marts.fct_noegletal__benchmark").fetchall()[0][0],
               **{name: reasons[name] for name in ("egen", "andens", "gennemsnit")}, "familier": len(lines), "nye": sum(x.ny for x in lines),
               **{name: sum(getattr(x.found, name) for x in lines) for name in ("praecist", "uundgaaeligt", "for_taet")}, "smalleste": min((x.found.smalleste for x in lines), default=1.0)}
    record(con, EVENT, **summary)
    return summary


def _page(con: duckdb.DuckDBPyConnection, home: Home, summary: dict[str, Any], lines: list[Line]) -> None:
    """`rapporter/afsloering.html`, for whoever runs the house: how many are small is not for recipients."""
    limits = con.execute("select noegletal_id, mindste_antal_personer, mindste_rest, stoerste_andel from flis.koder.fortrolighedsgraense where modtagerkreds = $1 order by all", [AUDIENCE]).fetchall()
    seen = [x for x in lines if x.found.praecist or x.found.for_taet or x.found.uundgaaeligt]
    families: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        families[line.familie].append(line)
    totals = [(name, len(ones), sum(x.found.egen for x in ones), sum(x.found.andens for x in ones), min(x.found.smalleste for x in ones)) for name, ones in sorted(families.items())]
    write(home.reports / "afsloering.html", render("afsloering.html.j2", summary=summary, limits=limits, seen=sorted(seen, key=lambda x: (x.familie, x.periode)), totals=totals))
