"""The moves faults are made of. Each changes one municipality's delivery of one area in place, and returns how many rows it touched.

A move takes the delivery (`Delivery`) and the parameters that stand in arter.yml. Which rows: `rolle` (what kind of row), `hvor` (field: values, `5*` for those that begin so, `kode:x` for
the system's own word), `ikke` (the same, turned), `stoerste` (the most frequent value of a field), `andel` with `pr` (a share of the rows, or of the values of a field, by hash).
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from proofs.fremmede_fejl.felter import Fields
from proofs.fremmede_fejl.filer import File, Row

DANISH_DAYS = 28            # a month forward that keeps the day of the week
SCHOOL_BEGINS = 8           # the month a school year begins in
LATEST = date(2026, 9, 1)   # nobody is born later than this


class NotHere(Exception):
    """The kind makes no sense in this delivery: no such field in the system, or no such rows in the month."""


@dataclass
class Delivery:
    """What one municipality delivers of one area for one month."""

    kommunekode: str
    period: date
    files: list[File]
    fields: dict[str, dict[str, Fields]]                # system: table: fields
    seed: str
    earlier: Callable[[int], Delivery] | None = None    # so many months before
    donor: Callable[[], Delivery] | None = None         # another municipality's, of the same system
    second: Delivery | None = None                      # the month before, where the fault changes it too
    names: dict[str, str] = field(default_factory=dict)

    def of(self, file: File, row: Row) -> Fields | None:
        return self.fields.get(file.system, {}).get(row.table)

    def role(self, fields: Fields, row: Row) -> str:
        about = fields.about
        budget = about.get("budget")
        return "budget" if budget and row.values[budget["kolonne"]] in budget["vaerdier"] else about["rolle"]

    def rows(self, role: str | list[str]) -> Iterator[tuple[File, Row, Fields]]:
        wanted = [role] if isinstance(role, str) else role
        for file in self.files:
            for row in file.rows:
                fields = self.of(file, row)
                if fields and ("alle" in wanted or self.role(fields, row) in wanted):
                    yield file, row, fields

    def theirs(self, _row: Row, _fields: Fields, _who: str | None) -> bool:
        """Whether a row is of those `hvem` asks for; in a municipality's own files all are."""
        return True

    def chance(self, *key: object) -> float:
        return int(hashlib.sha256("|".join(map(str, (self.seed, *key))).encode()).hexdigest()[:12], 16) / 16 ** 12


Chosen = list[tuple[File, Row, Fields]]


# --- which rows ----------------------------------------------------------------------------------------------------------------------------------

def chosen(d: Delivery, p: dict[str, Any]) -> Chosen:
    rows = [(f, r, x) for f, r, x in d.rows(p.get("rolle", "alle")) if d.theirs(r, x, p.get("hvem")) and fits(r, x, p.get("hvor", {})) and not (p.get("ikke") and fits(r, x, p["ikke"]))]
    if where := p.get("stoerste"):
        rows = [t for t in rows if t[2].has(where)]
        tally = Counter(str(x.get(r.values, where)) for _, r, x in rows)
        if len(tally) < p.get("mindst", 1):
            raise NotHere(f"only {len(tally)} {where}")
        value = tally.most_common(1)[0][0] if tally else ""
        rows = [t for t in rows if str(t[2].get(t[1].values, where)) == value]
    if share := p.get("andel"):
        rows = [t for i, t in enumerate(rows) if d.chance(t[2].get(t[1].values, p["pr"]) if p.get("pr") and t[2].has(p["pr"]) else i) < share]
    if not rows:
        raise NotHere("no such rows")
    return rows


def fits(row: Row, fields: Fields, wanted: dict[str, Any]) -> bool:
    for role, values in wanted.items():
        if not fields.has(role):
            return False
        have = fields.get(row.values, role)
        text = f"{have:%Y%m%d}" if isinstance(have, datetime) else "" if have is None else str(have)
        options = [word(fields, str(v)) for v in (values if isinstance(values, list) else [values])]
        if not any(text.startswith(o[:-1]) if o.endswith("*") and o != "*" else text == o or (o == "*" and text) for o in options if o is not None):
            return False
    return True


def word(fields: Fields, value: str) -> str | None:
    return fields.codes.get(value.removeprefix("kode:")) if value.startswith("kode:") else value


# --- values --------------------------------------------------------------------------------------------------------------------------------------

def gang(d: Delivery, p: dict[str, Any]) -> int:
    """Multiply a number. `modsat_ved_minutter`: where the system has minutes already, divide instead."""
    def change(value: Decimal, fields: Fields) -> Decimal:
        factor = Decimal(str(p["faktor"]))
        return value / factor if p.get("modsat_ved_minutter") and fields.about.get("minutter") else value * factor
    return each(d, p, change)


def stik_af(d: Delivery, p: dict[str, Any]) -> int:
    """Fractions in another unit: a share of full time where the system writes hours or per cent, and the other way round."""
    return each(d, p, lambda value, fields: value / fields.about["grad_hel"] if fields.about["grad_hel"] != 1 else value * 37)


def each(d: Delivery, p: dict[str, Any], change: Callable[[Any, Fields], Any]) -> int:
    done = 0
    for _, row, fields in chosen(d, p):
        for role in _list(p["felt"]):
            if not fields.has(role):
                continue
            value = fields.get(row.values, role)
            if value in (None, ""):
                continue
            new = change(value, fields)
            if new is not None and new != value:
                before = dict(row.values)
                fields.put(row.values, role, new)
                done += row.values != before
    if not done:
        raise NotHere("nothing to change")
    return done


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def saet(d: Delivery, p: dict[str, Any]) -> int:
    """Give a field a value: `vaerdi` as it is, `kode:x` in the system's word, `egen` or `nabo` for a municipality, `blank` for nothing, `maaned` for the first of the month, `om 6` for six months later,
    `forrige maaned`, `forrige aar` and `forrige skoleaar` as a system writes them."""
    done = 0
    for _, row, fields in chosen(d, p):
        for role in _list(p["felt"]):
            if not fields.has(role):
                continue
            before = dict(row.values)
            told = str(p["vaerdi"])
            if told == "blank":
                row.values[fields.columns[role]] = ""
            else:
                value: Any = words(d).get(told, word(fields, told))
                if value is None:
                    continue
                if told == "maaned" or told.startswith("om "):
                    value = moved(datetime.combine(d.period, datetime.min.time()), int(told[3:]) if told != "maaned" else 0)
                elif told in ("true", "false"):
                    value = told == "true"
                fields.put(row.values, role, int(value) if role == "trin" else Decimal(value) if role in ("timer", "grad", "beloeb", "del") else value)
            done += row.values != before
    if not done:
        raise NotHere("no such field, or all had it")
    return done


def words(d: Delivery) -> dict[str, str]:
    """What a value may be called in arter.yml that depends on the delivery."""
    school = d.period.year - (d.period.month < SCHOOL_BEGINS)
    return {"egen": d.kommunekode, "nabo": neighbour(d), "forrige maaned": str((d.period.month - 2) % 12 + 1), "forrige aar": str(d.period.year - 1), "forrige skoleaar": f"{school - 1}/{school}"}


def neighbour(d: Delivery) -> str:
    codes = sorted(d.names)
    return codes[(codes.index(d.kommunekode) + 1) % len(codes)]


def ombyt(d: Delivery, p: dict[str, Any]) -> int:
    """Codes for other codes, as `til` says; each may be `kode:x`."""
    def change(value: Any, fields: Fields) -> Any:
        table = {word(fields, str(k)): word(fields, str(v)) for k, v in p["til"].items()}
        return table.get(str(value))
    return each(d, p, change)


def naeste(d: Delivery, p: dict[str, Any]) -> int:
    """A code shifted to its neighbour: the next of those that stand in the file."""
    role = p["felt"]
    values = sorted({str(x.get(r.values, role)) for _, r, x in d.rows(p["rolle"]) if x.has(role) and x.get(r.values, role) not in (None, "")})
    if len(values) < 2:
        raise NotHere(f"only {len(values)} {role}")
    after = dict(zip(values, [*values[1:], values[0]], strict=True))
    return each(d, p, lambda value, _: type(value)(after[str(value)]))


def trin(d: Delivery, p: dict[str, Any]) -> int:
    return each(d, {**p, "felt": "trin"}, lambda value, _: min(10, value + p["plus"]))


# --- dates ---------------------------------------------------------------------------------------------------------------------------------------

def dag_maaned(d: Delivery, p: dict[str, Any]) -> int:
    return each(d, p, lambda at, _: at.replace(day=at.month, month=at.day) if at.day <= 12 else None)


def flyt(d: Delivery, p: dict[str, Any]) -> int:
    return each(d, p, lambda at, _: moved(at, p.get("maaneder", 0)) + timedelta(days=p.get("dage", 0)))


def moved(at: datetime, months: int) -> datetime:
    total = at.year * 12 + at.month - 1 + months
    return at.replace(year=total // 12, month=total % 12 + 1, day=min(at.day, 28) if months else at.day)


# --- rows ----------------------------------------------------------------------------------------------------------------------------------------

def fjern(d: Delivery, p: dict[str, Any]) -> int:
    """Rows gone. `folg`: what else the same persons or cases have goes too (a unit's employments with their pay and absence)."""
    rows = chosen(d, p)
    gone = {id(r) for _, r, _ in rows}
    if key := p.get("folg"):
        keys = {x.get(r.values, key) for _, r, x in rows}
        gone |= {id(r) for _, r, x in d.rows("alle") if x.has(key) and x.get(r.values, key) in keys}
    for file in d.files:
        file.rows = [r for r in file.rows if id(r) not in gone]
    return len(gone)


def gentag(d: Delivery, p: dict[str, Any]) -> int:
    """Rows once more, with new numbers in the fields `nye` and, where `felt` is given, that field's value in all copies."""
    rows, times = chosen(d, p), p.get("gange", 1)
    for n in range(times):
        for file, row, fields in rows:
            new = row.copy()
            for role in _list(p.get("nye", [])):
                if fields.has(role):
                    fields.put(new.values, role, renumbered(fields.get(new.values, role), n))
            file.rows.append(new)
    by_table(d)
    return len(rows) * times


def renumbered(text: str, n: int = 0) -> str:
    """Another number, of the same width where it is long enough: a digit far to the left is moved on."""
    digits = re.search(r"\d+$", text)
    if not digits:
        return text + str(n + 2)
    width = len(digits[0])
    if width < 4:
        return text[:digits.start()] + str(int(digits[0]) + 500 * (n + 1))
    return text[:digits.start()] + f"{(int(digits[0]) + (7 + n) * 10 ** max(width - 2, 1)) % 10 ** width:0{width}d}"


def by_table(d: Delivery) -> None:
    """The rows of a table stand together in XML (a stable sort, so nothing else moves)."""
    for file in d.files:
        if file.match.filetype.kind == "xml":
            order = {t.name: i for i, t in enumerate(file.match.filetype.tables)}
            file.rows.sort(key=lambda r: order[r.table])


def halv(d: Delivery, p: dict[str, Any]) -> int:
    """The first half of each kind of row: an extract that stopped, and was closed as if it were whole."""
    gone = 0
    for file in d.files:
        for table in {r.table for r in file.rows}:
            fields = d.fields.get(file.system, {}).get(table)
            if not fields or fields.about["rolle"] not in _list(p["rolle"]):
                continue
            of_it = [r for r in file.rows if r.table == table and d.role(fields, r) == fields.about["rolle"]]
            drop = {id(r) for r in of_it[len(of_it) // 2:]}
            gone += len(drop)
            file.rows = [r for r in file.rows if id(r) not in drop]
    if not gone:
        raise NotHere("no rows")
    return gone


# --- persons -------------------------------------------------------------------------------------------------------------------------------------

def cpr(d: Delivery, p: dict[str, Any]) -> int:
    """Two digits that stand beside each other changed places, in numbers that then still are days: the same in all of the person's rows."""
    changed: dict[str, str] = {}

    def change(number: str, _: Fields) -> str | None:
        if number not in changed:
            changed[number] = transposed(number, d.chance(number, "plads")) if d.chance(number) < p["andel"] else number
        return changed[number]
    return each(d, {"rolle": p.get("rolle", "alle"), "hvem": p.get("hvem"), "felt": "cpr"}, change)


def transposed(number: str, chance: float) -> str:
    tries = []
    for at in range(9):
        new = number[:at] + number[at + 1] + number[at] + number[at + 2:]
        if new != number and valid(new):
            tries.append(new)
    return tries[int(chance * len(tries))] if tries else number


def valid(number: str) -> bool:
    """The day exists, in the century that the seventh digit says, and is not to come."""
    try:
        return birthday(number) < LATEST
    except ValueError:
        return False


def birthday(number: str) -> date:
    day, month, year, seventh = int(number[:2]), int(number[2:4]), int(number[4:6]), int(number[6])
    century = 1900 if seventh <= 3 or (seventh in (4, 9) and year >= 37) else 2000 if seventh in (4, 9) or year <= 57 else 1800
    return date(century + year, month, day)


# --- whole deliveries ----------------------------------------------------------------------------------------------------------------------------

def forrige(d: Delivery, p: dict[str, Any]) -> int:
    """The month before once more under this month's name: `ny` as a new extract would have it (numbers, period and dates moved), otherwise as it was."""
    assert d.earlier
    return _take(d, d.earlier(1), replace=True, fresh=p.get("ny", False), months=1)


def opsummeret(d: Delivery, p: dict[str, Any]) -> int:
    """What is one month's is delivered as the year to date: the rows of the earlier months come along."""
    assert d.earlier
    done = 0
    for back in range(1, d.period.month):
        try:
            done += _take(d, d.earlier(back), replace=False, fresh=p.get("ny", True), months=back, roles=_list(p["rolle"]))
        except NotHere:         # a month without any: July at the schools
            continue
    if not done:
        raise NotHere("no earlier months")
    return done


def anden(d: Delivery, p: dict[str, Any]) -> int:
    """Another municipality's rows under one's own name: whole, or a share beside one's own; with `egne` the municipality's code in them is one's own."""
    assert d.donor
    other = d.donor()
    own = {role: Counter(x.get(r.values, role) for _, r, x in d.rows("alle") if role in x.columns).most_common(1) for role in ("arbejdsgiver",)}
    done = _take(d, other, replace=not p.get("andel"), share=p.get("andel", 1))
    if p.get("egne"):
        for _, row, fields in d.rows("alle"):
            for role in ("kommune", "firma", "handle", "betaler", "ophold", "bopael", "bopael_cpr", "tilhoer", "ejer"):
                if role in fields.columns and not fields.about["felter"][role][1].startswith(("tegn", "tekst")) and fields.get(row.values, role) == other.kommunekode:
                    fields.put(row.values, role, d.kommunekode)
            for role, value in own.items():
                if value and role in fields.columns:
                    fields.put(row.values, role, value[0][0])
    if p.get("ny"):
        _fresh(d, 0, p.get("nye", ["bilag", "nr", "id"]))
    return done


def _take(d: Delivery, other: Delivery, *, replace: bool, fresh: bool = False, months: int = 0, share: float = 1, roles: list[str] | None = None) -> int:
    done = 0
    for mine in d.files:
        theirs = [f for f in other.files if (f.system, f.match.filetype.name) == (mine.system, mine.match.filetype.name)]
        if not theirs:
            continue
        new: list[Row] = []
        for file in theirs:
            for i, row in enumerate(file.rows):
                fields = other.of(file, row)
                if roles and not (fields and other.role(fields, row) in roles):
                    continue
                # a person's, a case's or a document's rows go together
                key = next((fields.get(row.values, k) for k in ("bilag", "id", "nr") if fields.has(k)), i) if fields else i
                if share >= 1 or d.chance(key, "andel") < share:
                    new.append(_adapted(mine, file, row))
        if fresh:
            _move(new, d, mine, months)
        done += len(new)
        mine.rows = new if replace else mine.rows + new
    by_table(d)
    if not done:
        raise NotHere("the other has no such files")
    return done


def _adapted(mine: File, theirs: File, row: Row) -> Row:
    """The row in the columns of this file: versions of an interface have them in different order, and a municipality may have local fields."""
    new = row.copy()
    if mine.names != theirs.names:
        new.values = {name: row.values.get(name, "") for name in mine.names}
    return new


def _move(rows: list[Row], d: Delivery, file: File, months: int) -> None:
    """Numbers, period and dates as an extract for this month would have them. Dates that are a person's or case's own (employed from, service from) stand."""
    for row in rows:
        fields = d.of(file, row)
        if not fields:
            continue
        role = d.role(fields, row)
        for number in ("bilag", "nr") if role in ("postering", "budget", "fravaer") else ():
            if number in fields.columns:
                fields.put(row.values, number, renumbered(fields.get(row.values, number), months))
        if "periode" in fields.columns and str(fields.get(row.values, "periode")) not in ("0", "13", "14", "15", "16"):
            fields.put(row.values, "periode", str(d.period.month))
        moving = {"postering": ("dato",), "budget": ("dato",), "fravaer": ("fra", "til"), "skolefravaer": ("dato",)}.get(role, ())
        for name in moving:
            if name in fields.columns and (at := fields.get(row.values, name)):
                fields.put(row.values, name, moved(at, months) if role in ("postering", "budget") else at + timedelta(days=DANISH_DAYS * months))


def _fresh(d: Delivery, n: int, roles: list[str]) -> None:
    for _, row, fields in d.rows("alle"):
        for role in roles:
            if role in fields.columns and (text := fields.get(row.values, role)):
                fields.put(row.values, role, renumbered(text, n))


def byt_maaneder(d: Delivery, p: dict[str, Any]) -> int:
    """This month's content under the month before's name, and the other way round."""
    assert d.second
    done = 0
    for mine in d.files:
        for theirs in d.second.files:
            if (mine.system, mine.match.filetype.name) == (theirs.system, theirs.match.filetype.name) and mine.match.version == theirs.match.version:
                mine.rows, theirs.rows = theirs.rows, mine.rows
                done += len(mine.rows) + len(theirs.rows)
    if not done:
        raise NotHere("the month before has no such files")
    return done


MOVES: dict[str, Callable[[Delivery, dict[str, Any]], int]] = {
    f.__name__: f for f in (gang, stik_af, saet, ombyt, naeste, trin, dag_maaned, flyt, fjern, gentag, halv, cpr, forrige, opsummeret, anden, byt_maaneder)}
