"""What a home says and publishes, and what a faulty walk says and publishes otherwise than a clean one."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from proofs.fremmede_fejl.lager import NATIONAL, REGISTER, WHOLE
from proofs.fremmede_fejl.plan import Planted

FEW_PERSONS = 5             # figures that rest on fewer in the clean walk, or are moved by fewer, are not judged: one person would move them by more than the limits
CEILING = 99.0              # a figure that was zero and is not has no relative change; it is written as this
FOUND_OVER, HELD_OVER = 0.05, 0.10
REFUSED = ("aktiv", "erstattet", "ikke_instrueret")     # statuses that say nothing of a fault

Where = tuple[str, str]     # area, municipality


def _sets(of: dict[Where, set[Any]] | None = None) -> defaultdict[Where, set[Any]]:
    return defaultdict(set, of or {})


def _dicts() -> defaultdict[Where, dict[str, int]]:
    return defaultdict(dict)


@dataclass
class Said:
    """What one home says of each area and municipality, and the figures it has."""

    rules: dict[Where, set[tuple[str, str, str]]] = field(default_factory=_sets)         # rule, period, severity
    set_aside: dict[Where, dict[str, int]] = field(default_factory=_dicts)               # reason: rows
    refused: dict[Where, set[tuple[str, str]]] = field(default_factory=_sets)            # reason, file
    held: dict[Where, set[tuple[str, str]]] = field(default_factory=_sets)               # rule, period
    # figure, municipality, period: area, value, persons, and how much one of the numerator's (or kr.) moves the value; None where they are kr.
    figures: dict[tuple[str, str, date], tuple[str, float | None, float | None, float | None]] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)


def read(home: Path, since: date) -> Said:
    said = Said()
    marts = duckdb.connect(str(home / "flis.duckdb"), read_only=True)
    for rule, area, code, period, severity in marts.execute(
            "select regel_id, fagomraade, kommunekode, periode, alvor from kvalitet.resultat where status = 'fejlet' and alvor in ('fejl', 'advarsel')").fetchall():
        said.rules[area, code or ""].add((rule, str(period), severity))
    for area, code, rule, period in marts.execute("select fagomraade, kommunekode, regel_id, periode from kvalitet.tilbageholdt").fetchall():
        said.held[area, code].add((rule, str(period)))
    tables = [t for (t,) in marts.execute("select table_name from information_schema.tables where table_schema = 'standardized' and table_name like 'std\\_%\\_\\_frasat' escape '\\'").fetchall()]
    for table in tables:
        area = table.removeprefix("std_").removesuffix("__frasat")
        for code, reason, rows in marts.execute(f"select kommunekode, aarsag, count(*) from standardized.{table} group by all").fetchall():
            said.set_aside[area, code or ""][reason] = rows
    for ident, area, code, period, value, persons, each in marts.execute("""
            select
                k.noegletal_id, n.fagomraade, k.kommunekode, k.periode, k.vaerdi, k.antal_personer, case when f.enhed <> 'kr.' then n.faktor / coalesce(nullif(k.naevner, 0), 1) end
            from marts.fct_noegletal__kommune as k
            inner join marts.dim_noegletal as n using (noegletal_id)
            inner join koder.formel as f on n.taeller_formel = f.formel_id
            where k.periode >= ? or (n.opgoerelsesniveau <> 'M' and year(k.periode) = year(?))""", [since, since]).fetchall():
        said.figures[ident, code, period] = (area, None if value is None else float(value), persons, None if each is None else float(each))
    said.titles = dict(marts.execute("select noegletal_id, titel from marts.dim_noegletal").fetchall())
    marts.close()
    raw = duckdb.connect(str(home / "flis_cpr.duckdb"), read_only=True)
    for area, code, file, status, reason, rows in raw.execute("select fagomraade, kommunekode, fil, status, aarsag_kode, raekker_afvist from raw.leverance").fetchall():
        if status not in REFUSED:
            said.refused[area, code or ""].add((reason or status, file))
        elif rows:
            said.set_aside[area, code or ""][f"load:{reason or 'raekker'}"] = said.set_aside[area, code or ""].get(f"load:{reason or 'raekker'}", 0) + rows
    raw.close()
    return said


def both(first: Said, last: Said) -> Said:
    """What was said after the one month or the other; the figures are the last's."""
    words = {w: _sets(getattr(last, w)) for w in ("rules", "refused", "held")}
    for word, of in words.items():
        for where, told in getattr(first, word).items():
            of[where] = of[where] | told
    return replace(last, **words)


@dataclass
class Outcome:
    """What became of one fault."""

    planted: Planted
    load: list[str]             # reasons a file was refused or set waiting
    aside: list[str]            # reasons rows were set aside
    fejl: list[str]             # rules newly failed
    advarsel: list[str]
    held: bool
    move: float                 # largest relative change of a key figure of the area
    figure: str = ""
    period: str = ""
    right: float | None = None
    wrong: float | None = None

    @property
    def found(self) -> bool:
        return bool(self.load or self.aside or self.fejl or self.advarsel)

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "found": self.found}


def new_words(clean: Said, faulty: Said, where: Where) -> dict[str, list[str]]:
    """What the faulty walk says of an area in a municipality that the clean one does not."""
    more = {r for r, n in faulty.set_aside[where].items() if n > clean.set_aside[where].get(r, 0)}
    rules = faulty.rules[where] - clean.rules[where]
    names = {c for c, _ in faulty.refused[where] - clean.refused[where]}
    return {"load": sorted(names), "aside": sorted(more), "fejl": sorted({r for r, _, s in rules if s == "fejl"}), "advarsel": sorted({r for r, _, s in rules if s == "advarsel"})}


def outcome(planted: Planted, clean: Said, faulty: Said) -> Outcome:
    """A fault of one municipality is found by what is said of it; one of the whole register by what is said of anybody, and held when everybody whose figures moved is."""
    if planted.omraade == REGISTER:
        codes = sorted({code for _, code, _ in clean.figures} | {WHOLE})
        each = [_of(planted, NATIONAL, code, clean, faulty) for code in codes]
        worst = max(each, key=lambda o: o.move)
        words = {w: sorted({x for o in each for x in getattr(o, w)}) for w in ("load", "aside", "fejl", "advarsel")}
        return replace(worst, **words, held=bool(words["load"]) or all(o.held for o in each if o.move > HELD_OVER))
    return _of(planted, planted.omraade, planted.kommunekode, clean, faulty)


def _of(planted: Planted, about: str, whose: str, clean: Said, faulty: Said) -> Outcome:
    where = (about, whose)
    words = new_words(clean, faulty, where)
    held = bool(words["load"] or faulty.held[where] - clean.held[where])
    done = Outcome(planted, **words, held=held, move=0.0)
    for (ident, code, period), (area, right, persons, each) in clean.figures.items():
        if code != whose or area != about or right is None or (persons is not None and persons < FEW_PERSONS):
            continue
        wrong = faulty.figures.get((ident, code, period), (area, None, None, None))[1]
        if wrong is not None and each is not None and abs(wrong - right) < FEW_PERSONS * abs(each):
            continue
        if wrong is None:       # not published: no wrong figure, but a figure that is gone
            move = 0.0 if words["load"] else 1.0
        elif right == 0:
            move = CEILING if wrong else 0.0
        else:
            move = min(abs(wrong - right) / abs(right), CEILING)
        if move > done.move:
            done.move, done.figure, done.period, done.right, done.wrong = move, ident, str(period), right, wrong
    return done


def false_alarms(planted: list[Planted], clean: Said, faulty: Said, codes: set[str]) -> list[dict[str, Any]]:
    """What the faulty walk says of the municipalities left alone (`codes`) that were no fault's donor."""
    donors = {(p.omraade, p.donor) for p in planted}
    found = []
    for where in set(faulty.rules) | set(faulty.refused) | set(faulty.set_aside):
        if where[1] in codes and where not in donors:
            words = new_words(clean, faulty, where)
            if any(words.values()):
                found.append({"omraade": where[0], "kommunekode": where[1], **words})
    return sorted(found, key=lambda f: (f["omraade"], f["kommunekode"]))
