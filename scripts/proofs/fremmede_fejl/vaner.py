"""Habits of single areas and systems, as moves like those in greb.py."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from proofs.fremmede_fejl import greb
from proofs.fremmede_fejl.felter import Fields
from proofs.fremmede_fejl.filer import Row
from proofs.fremmede_fejl.greb import Delivery, NotHere, by_table, chosen, each, fits, renumbered, word


def fjern_slut(d: Delivery, p: dict[str, Any]) -> int:
    """End dates lost: those who ended in the last `maaneder` months stand open again, in this month's rows and brought along from the months before."""
    assert d.earlier
    role, key = p["felt"], "cpr"
    done = 0
    for _, row, fields in list(d.rows(p["rolle"])):
        if role in fields.columns and fields.get(row.values, role):
            row.values[fields.columns[role]] = _open(d, p["rolle"], role)
            if p.get("status") and "status" in fields.columns:
                fields.put(row.values, "status", word(fields, p["status"]))
            done += 1
    have = {x.get(r.values, key) for _, r, x in d.rows(p["rolle"])}
    for back in range(1, p["maaneder"]):
        for file, row, fields in d.earlier(back).rows(p["rolle"]):
            mine = next((f for f in d.files if (f.system, f.match.filetype.name) == (file.system, file.match.filetype.name)), None)
            if mine and row.table in {r.table for r in mine.rows} and role in fields.columns and fields.get(row.values, role) and fields.get(row.values, key) not in have:
                new = row.copy()
                new.values[fields.columns[role]] = _open(d, p["rolle"], role)
                if p.get("status") and "status" in fields.columns:
                    fields.put(new.values, "status", word(fields, p["status"]))
                mine.rows.append(new)
                done += 1
    by_table(d)
    if not done:
        raise NotHere("nobody had ended")
    return done


def _open(d: Delivery, role: str | list[str], field: str) -> str:
    """How the system writes that there is no end: what stands in most rows without one."""
    told = Counter(r.values[x.columns[field]] for _, r, x in d.rows(role) if field in x.columns and not x.get(r.values, field))
    return told.most_common(1)[0][0] if told else ""


def aabn(d: Delivery, p: dict[str, Any]) -> int:
    """End dates of services dropped: what is closed stands open."""
    text = _open(d, p["rolle"], "til")
    return _ends(d, p, "afsluttet", "aktiv", lambda row, fields: row.values.__setitem__(fields.columns["til"], text))


def luk(d: Delivery, p: dict[str, Any]) -> int:
    """Every open service closed the day before the month begins."""
    end = datetime.combine(d.period, datetime.min.time()) - timedelta(hours=2)
    return _ends(d, p, "aktiv", "afsluttet", lambda row, fields: fields.put(row.values, "til", end))


def _ends(d: Delivery, p: dict[str, Any], was: str, becomes: str, change: Callable[[Row, Fields], None]) -> int:
    rows = chosen(d, {**p, "hvor": {"status": f"kode:{was}"}})
    for _, row, fields in rows:
        change(row, fields)
        fields.put(row.values, "status", fields.codes[becomes])
    return len(rows)


def fuld_tid(d: Delivery, p: dict[str, Any]) -> int:
    """Everybody chosen counts as full time; hours paid by the hour are dropped, and the form of employment changed where `form` says so."""
    rows = chosen(d, p)
    done = 0
    for _, row, fields in rows:
        before = dict(row.values)
        if p.get("form"):
            fields.put(row.values, "form", word(fields, p["form"]))
            if "timer" in fields.columns:
                row.values[fields.columns["timer"]] = ""
        if p.get("form") or row.values[fields.columns["grad"]]:
            fields.put(row.values, "grad", Decimal(fields.about["grad_hel"]))
        done += row.values != before
    return done


def to_steder(d: Delivery, p: dict[str, Any]) -> int:
    """The same pupils at the next school too."""
    schools = sorted({x.get(r.values, "institution") for _, r, x in d.rows("elev")})
    if len(schools) < 2:
        raise NotHere("one school")
    rows = chosen(d, {**p, "pr": "id"})
    for file, row, fields in rows:
        new = row.copy()
        at = schools.index(fields.get(row.values, "institution"))
        fields.put(new.values, "institution", schools[(at + 1) % len(schools)])
        fields.put(new.values, "id", renumbered(fields.get(new.values, "id")))
        new.values[fields.columns["klasse"]] = ""
        file.rows.append(new)
    by_table(d)
    return len(rows)


def lektioner(d: Delivery, p: dict[str, Any]) -> int:
    """Each absence counted per lesson, and the lessons given a day each: the days after it."""
    rows = chosen(d, p)
    for file, row, fields in rows:
        at, day = fields.get(row.values, "dato"), 0
        for _ in range(p["gange"]):
            day += 1
            while (at + timedelta(days=day)).weekday() > 4:
                day += 1
            new = row.copy()
            fields.put(new.values, "dato", at + timedelta(days=day))
            file.rows.append(new)
    by_table(d)
    return len(rows) * p["gange"]


def saml_klasser(d: Delivery, p: dict[str, Any]) -> int:
    """Every second class is put together with the one before it at the same school."""
    into: dict[str, str] = {}
    classes: dict[str, list[str]] = {}
    for _, row, fields in d.rows("klasse"):
        classes.setdefault(fields.get(row.values, "institution"), []).append(fields.get(row.values, "id"))
    for ids in classes.values():
        into |= dict(zip(ids[1::2], ids[0::2], strict=False))
    return each(d, {"rolle": "elev", "felt": "klasse"}, lambda value, _: into.get(value))


def tidligere_elever(d: Delivery, p: dict[str, Any]) -> int:
    """Pupils of the last school year's top grades stand as if they went on: kept after graduation, in their old class, with this year's days."""
    assert d.earlier
    before = d.earlier(p["maaneder"])
    known = {x.get(r.values, "cpr") for _, r, x in d.rows("elev")}
    days = Counter(x.get(r.values, "skoledage") for _, r, x in d.rows("elev")).most_common(1)[0][0]
    done = 0
    for file, row, fields in before.rows("elev"):
        mine = next((f for f in d.files if (f.system, f.match.filetype.name) == (file.system, file.match.filetype.name)), None)
        if mine and fields.get(row.values, "cpr") not in known and fields.get(row.values, "trin") in (9, 10):
            new = row.copy()
            fields.put(new.values, "skoledage", days)
            row_end = fields.columns["til"]
            new.values[row_end] = ""
            mine.rows.append(new)
            done += 1
    by_table(d)
    if not done:
        raise NotHere("nobody graduated")
    return done


def massepost(d: Delivery, p: dict[str, Any]) -> int:
    """A share of those who live in the municipality get records of some kinds, at the end of the month: a conversion that went wrong. Each is a record that stands in the files, with their number."""
    homes: dict[str, str] = getattr(d, "homes", {})
    people = [c for c in sorted(homes) if homes[c] == d.kommunekode and d.chance(c) < p["andel"]]
    if not people:
        raise NotHere("nobody lives there")
    last = max(d.files, key=lambda f: f.path.name)
    for role in p["rolle"]:
        _, model, fields = next(t for t in d.rows(role) if fits(t[1], t[2], p.get("hvor", {}).get(role, {})) and not fits(t[1], t[2], {"handling": "A"}))
        for number in people:
            new = model.copy()
            last.rows.append(new)
            fields.put(new.values, "cpr", number)
            if fields.has("kommune"):
                fields.put(new.values, "kommune", greb.neighbour(d) if p["vaerdi"] == "nabo" else d.kommunekode)
            if fields.has("koen"):
                fields.put(new.values, "koen", "M" if int(number[-1]) % 2 else "K")
                fields.put(new.values, "foedt", datetime.combine(greb.birthday(number), datetime.min.time()))
    return len(people)


def dag_igen(d: Delivery, p: dict[str, Any]) -> int:
    """The last days of the register hold once more what the days before them held; their own numbers and dates stand in the start records."""
    days = sorted(d.files, key=lambda f: f.path.name)
    last, before = days[-p["dage"]:], days[-2 * p["dage"]:-p["dage"]]
    for mine, theirs in zip(last, before, strict=True):
        mine.rows = [r.copy() for r in theirs.rows]
    return sum(len(f.rows) for f in last)


def dage_byttet(d: Delivery, p: dict[str, Any]) -> int:
    """The content of the last day and of the day a week before it have changed places."""
    days = sorted(d.files, key=lambda f: f.path.name)
    days[-1].rows, days[-8].rows = days[-8].rows, days[-1].rows
    return len(days[-1].rows) + len(days[-8].rows)


MOVES: dict[str, Callable[[Delivery, dict[str, Any]], int]] = {
    **greb.MOVES, **{f.__name__: f for f in (fjern_slut, aabn, luk, fuld_tid, to_steder, lektioner, saml_klasser, tidligere_elever, massepost, dag_igen, dage_byttet)}}
