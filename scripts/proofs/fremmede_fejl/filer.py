"""A delivered file as rows, and back as bytes that are formally right: end record counted and summed anew, encoding, separators and order as the system has them."""

from __future__ import annotations

import csv
import io
import json
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from flis.contracts.contract import Column, Match, Table
from proofs.fremmede_fejl.felter import Fields


@dataclass
class Row:
    """One row: which table it feeds and its values by the contract's column names. `raw` is what it was read from, where the format has more in it than the columns."""

    table: str
    values: dict[str, str]
    raw: Any = None

    def copy(self) -> Row:
        return Row(self.table, dict(self.values), self.raw)


@dataclass
class File:
    """One file: what the name says, the rows, and what stands around them."""

    path: Path
    match: Match
    rows: list[Row]
    head: list[str] = field(default_factory=list)       # start record, header, XML's first lines
    tail: list[str] = field(default_factory=list)
    breaks: str = "\n"
    names: tuple[str, ...] = ()                         # the columns in the file's order, where it is separated; local fields with them

    @property
    def system(self) -> str:
        return self.match.filetype.kildesystem


def read(path: Path, match: Match) -> File:
    text = path.read_bytes().decode(match.filetype.charset)
    breaks = "\r\n" if "\r\n" in text else "\n"
    return READERS[match.filetype.kind](File(path, match, [], breaks=breaks), text)


def write(file: File, fields: dict[str, Fields]) -> bytes:
    text = WRITERS[file.match.filetype.kind](file, fields)
    return text.encode(file.match.filetype.charset)


# --- separated -----------------------------------------------------------------------------------------------------------------------------------

def _columns(file: File) -> tuple[Column, ...]:
    return file.match.filetype.columns_of(file.match.version)


def _dialect(file: File) -> dict[str, Any]:
    form = file.match.filetype.format
    quote = form.get("citation")
    return {"delimiter": form["adskiller"], **({"quotechar": quote} if quote else {"quoting": csv.QUOTE_NONE, "quotechar": None})}


def _read_delimited(file: File, text: str) -> File:
    form = file.match.filetype.format
    records = [r for r in csv.reader(io.StringIO(text, newline=""), **_dialect(file)) if r]
    header = records[0]
    by_header = {c.header.casefold(): c.name for c in _columns(file)}
    names = [by_header.get(h.casefold(), h) for h in header]
    end = (form.get("slutrecord") or {}).get("kendes_paa")
    file.head, file.names = header, tuple(names)
    for record in records[1:]:
        if record == header:        # a header that comes again inside the file
            continue
        if end and record[0] == end:
            file.tail = record
        else:
            file.rows.append(Row(file.match.filetype.name, dict(zip(names, record, strict=True))))
    return file


def _write_delimited(file: File, fields: dict[str, Fields]) -> str:
    out = io.StringIO(newline="")
    how = _dialect(file)
    if how.get("quoting") == csv.QUOTE_NONE:
        lines = [file.head, *(list(r.values.values()) for r in file.rows), *([_end(file, fields)] if file.tail else [])]
        return "".join(how["delimiter"].join(line) + file.breaks for line in lines)
    writer = csv.writer(out, lineterminator=file.breaks, **how)
    writer.writerow(file.head)
    writer.writerows(r.values.values() for r in file.rows)
    if file.tail:
        writer.writerow(_end(file, fields))
    return out.getvalue()


def _end(file: File, fields: dict[str, Fields]) -> list[str]:
    """The end record as it has to be for the rows there are."""
    about = file.match.filetype.format["slutrecord"]
    end = list(file.tail)
    end[about["antal"]["felt"] - 1] = str(len(file.rows))
    if about.get("sum"):
        table = file.match.filetype.tables[0]
        end[about["sum"]["felt"] - 1] = _sum(table, file.rows, fields[table.name])
    return end


def _sum(table: Table, rows: list[Row], fields: Fields) -> str:
    total = table.kontroltal
    assert total
    form = next(fields.forms[role] for role, name in fields.columns.items() if name == total.column)
    values = [form.read(r.values[total.column]) or Decimal(0) for r in rows]
    return form.write(sum((v for v in values if total.fortegn == "netto" or v > 0), Decimal(0)))


# --- fixed width ---------------------------------------------------------------------------------------------------------------------------------

def _read_fixed(file: File, text: str) -> File:
    form, tables = file.match.filetype.format, {t.recordtype: t for t in file.match.filetype.tables}
    at, length = form["recordtype"]["pos"] - 1, form["recordtype"]["len"]
    for line in text.split(file.breaks):
        kind = line[at:at + length]
        if kind in tables:
            values = {c.name: line[c.pos - 1:c.pos - 1 + c.length].rstrip() for c in tables[kind].columns}      # type: ignore[operator]
            file.rows.append(Row(tables[kind].name, values, line))
        elif line:
            (file.tail if kind == form["slutrecord"]["type"] else file.head).append(line)
    return file


def _write_fixed(file: File, _fields: dict[str, Fields]) -> str:
    tables = {t.name: t for t in file.match.filetype.tables}
    antal = file.match.filetype.format["slutrecord"]["antal"]
    lines = list(file.head)
    for row in file.rows:
        line = row.raw
        for c in tables[row.table].columns:
            line = line.ljust(c.pos - 1)[:c.pos - 1] + row.values[c.name].ljust(c.length)[:c.length] + line[c.pos - 1 + c.length:]     # type: ignore[operator]
        lines.append(line[:max(len(row.raw), len(line.rstrip()))])
    for line in file.tail:
        place = antal["pos"] - 1
        lines.append(line[:place] + f"{len(file.rows):0{antal['len']}d}" + line[place + antal["len"]:])
    return "".join(line + file.breaks for line in lines)


# --- XML and JSON lines --------------------------------------------------------------------------------------------------------------------------

def _posts(file: File) -> dict[str, Table]:
    return {str(t.recordtype or file.match.filetype.format.get("post")): t for t in file.match.filetype.tables}


def _read_xml(file: File, text: str) -> File:
    lines, posts = text.split(file.breaks), _posts(file)
    for line in lines:
        word = re.match(r"<(\w+)", line)
        if word and word[1] in posts:
            table, element = posts[word[1]], ET.fromstring(line)
            file.rows.append(Row(table.name, {c.name: _found(element, c.path or c.header) for c in table.columns}, line))
        elif line:
            (file.tail if file.rows else file.head).append(line)
    return file


def _found(element: ET.Element, path: str) -> str:
    where, _, attribute = path.rpartition("@")
    at = element if not where else element.find(where.rstrip("/"))
    return (at.get(attribute, "") if attribute != path and at is not None else element.findtext(path)) or ""


def _write_xml(file: File, _fields: dict[str, Fields]) -> str:
    tables = {t.name: t for t in file.match.filetype.tables}
    lines = list(file.head)
    for row in file.rows:
        element = ET.fromstring(row.raw)
        for c in tables[row.table].columns:
            _place(element, c.path or c.header, row.values[c.name])
        lines.append(ET.tostring(element, encoding="unicode", short_empty_elements=False))
    return "".join(line + file.breaks for line in [*lines, *file.tail])


def _place(element: ET.Element, path: str, value: str) -> None:
    where, _, attribute = path.rpartition("@")
    if path.startswith("@") or "/@" in path:
        at = element if not where else element.find(where.rstrip("/"))
        if at is not None and (value or attribute in at.attrib):
            at.set(attribute, value)
    elif (at := element.find(path)) is not None:
        at.text = value


def _read_jsonl(file: File, text: str) -> File:
    table = file.match.filetype.tables[0]
    for line in text.split(file.breaks):
        if line:
            record = json.loads(line)
            file.rows.append(Row(table.name, {c.name: _dig(record, c.path or c.header) for c in table.columns}, line))
    return file


def _dig(record: dict[str, Any], path: str) -> str:
    for step in path.split("."):
        record = record.get(step, {})
    return "" if record == {} else str(record)


def _write_jsonl(file: File, _fields: dict[str, Fields]) -> str:
    out = []
    for row in file.rows:
        record = json.loads(row.raw)
        for c in file.match.filetype.tables[0].columns:
            *above, last = (c.path or c.header).split(".")
            at = record
            for step in above:
                at = at.setdefault(step, {})
            if last in at or row.values[c.name]:
                at[last] = row.values[c.name]
        out.append(json.dumps(record, ensure_ascii=False) + file.breaks)
    return "".join(out) or file.breaks


READERS = {"delimited": _read_delimited, "fixed": _read_fixed, "xml": _read_xml, "jsonl": _read_jsonl}
WRITERS = {"delimited": _write_delimited, "fixed": _write_fixed, "xml": _write_xml, "jsonl": _write_jsonl}
