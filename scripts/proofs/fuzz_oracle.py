"""What a delivered file is to become, said once more in plain Python: line by line, with no SQL and no spool.

Slow and independent on purpose: the fuzz (fuzz.py) holds what the product did with a mutated file against this. Of the product it uses the contracts and
nothing else.
"""

from __future__ import annotations

import codecs
import gzip
import io
import json
import re
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

from flis.contracts.contract import FileType, Match, Table
from flis.intake.inspection import Limits

CODECS = {"utf-8": "utf-8", "utf-8-sig": "utf-8", "iso-8859-1": "latin-1", "windows-1252": "cp1252"}
BLANKS = "".join(c for c in map(chr, range(0x10000)) if unicodedata.category(c) == "Zs")
NOT_TAKEN = "(ikke taget)"
FORBIDDEN = "\0\x01\x1d\x1e\x1f"
Row = tuple[Any, ...]           # the values in the order of the table's columns


class Refuse(Exception):
    """The whole file is to be refused."""


class Unsure(Exception):
    """The contract does not say; the product may do either, as long as the accounts balance."""


@dataclass
class Expected:
    """What a file is to become. `rows` are (line, values, local fields) per table; `aside` the lines set aside. XML has no lines: 0."""

    refused: str | None = None
    unsure: bool = False
    lines: int = 0
    technical: int = 0
    without: int = 0
    rows: dict[str, list[tuple[int, Row, dict[str, Any] | None]]] = field(default_factory=dict)
    aside: list[int] = field(default_factory=list)

    @property
    def count(self) -> int:
        return sum(map(len, self.rows.values()))


@dataclass(frozen=True)
class Around:
    """What a file's fate hangs on beside the contract: the municipality's own fields, those without instruction, those there are (by code and by name), and who acts for whom."""

    local: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()
    names: dict[str, str] = field(default_factory=dict)
    acted_for: dict[str, str] = field(default_factory=dict)


def expected(name: str, data: bytes, match: Match, around: Around, limits: Limits) -> Expected:
    """What becomes of a file with this name and these bytes."""
    found = Expected()
    try:
        plain = _unpacked(name, data, limits)
        if match.filetype.kind == "xml":
            _xml(match, plain, around, limits, found)
        else:
            _lines(match, plain, around, limits, found)
    except Refuse as why:
        found.refused = str(why)
    except Unsure:
        found.unsure = True
    return found


def _unpacked(name: str, data: bytes, limits: Limits) -> bytes:
    kind = name.lower().rsplit(".", 1)[-1]
    try:
        if kind == "gz":
            plain = gzip.decompress(data)
        elif kind == "zip":
            with zipfile.ZipFile(io.BytesIO(data)) as package:
                members = [m for m in package.infolist() if not m.is_dir()]
                if len(members) != 1 or members[0].flag_bits & 1 or members[0].compress_type not in (0, 8):
                    raise Refuse("zip")
                if any(p == ".." for p in re.split(r"[/\\]", members[0].filename)) or members[0].filename[:1] in "/\\" or ":" in members[0].filename:
                    raise Refuse("path")
                plain = package.read(members[0])
        else:
            plain = data
    except Refuse:
        raise
    except Exception as error:
        raise Refuse("package") from error
    if len(plain) > limits.unpacked or plain is not data and len(plain) > limits.ratio_from and len(plain) > limits.ratio * len(data):
        raise Refuse("bomb")
    return plain


def _physical(ft: FileType, plain: bytes, limits: Limits) -> list[str]:
    """The physical lines of a text file."""
    plain = plain.removeprefix(b"\xef\xbb\xbf")
    if any(ord(c) in plain for c in FORBIDDEN) or ft.charset == "iso-8859-1" and any(b in plain for b in range(0x80, 0xA0)):
        raise Refuse("characters")
    try:
        text = plain.decode(CODECS[ft.charset])
    except UnicodeDecodeError as error:
        raise Refuse("charset") from error
    if not text:
        raise Refuse("empty")
    if ft.kind == "fixed" and CODECS[ft.charset] != "utf-8" and not plain.isascii() and _is_utf8(plain):
        raise Refuse("charset")         # one byte is one character there: the fields are not where they should be
    lines = re.split("\r\n|\r|\n", text)
    if lines[-1] == "":
        lines.pop()
    if any(len(line.encode()) > limits.line for line in lines):
        raise Refuse("long line")
    return lines


def _is_utf8(plain: bytes) -> bool:
    try:
        plain.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def trim(text: str) -> str:
    """Without blanks around, as SQL's trim sees them: spaces of every kind, no tabs."""
    return text.strip(BLANKS)


def _number(text: str) -> int:
    if not re.fullmatch("[0-9]+", text) or len(text.lstrip("0")) > 8:
        raise Refuse("number")
    return int(text)


def _cut(line: str, where: dict[str, int]) -> str:
    return line[where["pos"] - 1:where["pos"] - 1 + where["len"]]


# ------------------------------------------------------------------ lines


def _lines(match: Match, plain: bytes, around: Around, limits: Limits, found: Expected) -> None:
    ft, local = match.filetype, around.local
    lines = _physical(ft, plain, limits)
    found.lines = len(lines)
    layout = [c.name for c in ft.columns_of(match.version)] if ft.kind == "delimited" else []
    counts, totals = [], []
    if record := ft.format.get("startrecord"):
        count, total = _start(lines[0], record, ft, match)
        counts, totals = [count], [total]
    if ft.has_header:
        layout = _header(lines[ft.head_lines - 1] if len(lines) >= ft.head_lines else "", ft, match, local)
    end, count, total = _end(lines, ft)
    counts, totals = [c for c in (*counts, count) if c is not None], [t for t in (*totals, total) if t is not None]
    records = list(_records(lines, ft, layout, limits)) if ft.kind == "delimited" else list(enumerate(lines, start=1))
    blank, amounts, unreadable, gross, given_amounts = 0, Decimal(0), Counter(), Counter(), Counter()
    named, foreign = 0, 0
    for table in ft.tables:
        found.rows[table.identifier] = []
    for number, content in records:
        if number <= ft.head_lines or number == end or _is_header(content, ft, layout):
            found.technical += 1
            continue
        table, values, is_blank = _values(content, ft, layout, local)
        blank += is_blank
        if values is None or table is None:
            found.aside.append(number)
            continue
        row = tuple(values.get(c.name) for c in table.columns)
        if table.raekkens_kommune:
            code = _named(values[table.raekkens_kommune.column], table, around)
            named += code is not None
            if _is_another(code, table, match, around):
                foreign += 1
                if not table.raekkens_kommune.keep:
                    found.aside.append(number)
                    continue
        if table.kommunekolonne and trim(values[table.kommunekolonne] or "").rjust(4, "0")[:4] in around.closed:
            found.without += 1
            continue
        found.rows[table.identifier].append((number, row, {n: v for n, v in values.items() if n != NOT_TAKEN and n not in {c.name for c in table.columns}} or None))
        if table.kontroltal:
            text = values[table.kontroltal.column] or ""
            read = amount(text, table.kontroltal.talformat)
            if table.kontroltal.side and read is not None:
                column, debet, kredit = table.kontroltal.side
                read = {debet: read, kredit: -read}.get(trim(values[column] or ""))
            unreadable[table.name] += read is None and trim(text) != ""
            given_amounts[table.name] += trim(text) != ""
            gross[table.name] += abs(read or 0)
            amounts += read or 0 if table.kontroltal.fortegn == "netto" or (read or 0) > 0 else 0
    given = len(records) - found.technical
    if any(count != given - blank for count in counts):
        raise Refuse("count")
    if 2 * foreign > named:
        raise Refuse("another municipality's")
    if found.aside and len(found.aside) == given and len(found.aside) > blank:
        raise Refuse("no usable line")
    if len(found.aside) > 1_000_000:
        raise Refuse("too many set aside")
    if any(g > 10**13 for g in gross.values()):
        raise Refuse("too much money")
    if any(n > 1 and n == given_amounts[name] for name, n in unreadable.items()):
        raise Refuse("no readable amount")
    table = next((t for t in ft.tables if t.kontroltal), None)
    for total in totals if table and table.kontroltal else []:
        stated = amount(total, table.kontroltal.talformat)
        if stated is None or not (found.aside or found.without or sum(unreadable.values())) and stated != amounts:
            raise Refuse("sum")


def _named(value: str | None, table: Table, around: Around) -> str | None:
    """The municipality a row names, if it is one."""
    text = trim(value or "")
    if table.raekkens_kommune.form == "navn":
        return around.names.get(text.lower())
    return text.rjust(4, "0") if 3 <= len(text) <= 4 and text.rjust(4, "0") in around.known else None


def _is_another(code: str | None, table: Table, match: Match, around: Around) -> bool:
    return code not in (None, match.kommunekode) and not (table.raekkens_kommune.acting and around.acted_for.get(code) == match.kommunekode)


def _header(line: str, ft: FileType, match: Match, local: frozenset[str]) -> list[str]:
    names = [n.strip().casefold() for n in _split(line, ft)]
    agreed = {c.header.casefold(): c.name for c in ft.columns_of(match.version)}
    own = {n.casefold(): n for n in local} | {n.casefold(): NOT_TAKEN for n in ft.tables[0].not_taken}
    if len(set(names)) != len(names) or [n for n in names if n in agreed] != list(agreed) or any(n not in agreed and n not in own for n in names):
        raise Refuse("header")
    return [agreed.get(n) or own[n] for n in names]


def _split(line: str, ft: FileType) -> list[str]:
    """The fields of one line that is header or end record."""
    fields = line.split(ft.format["adskiller"])
    if ft.format.get("citation") and ft.format["citation"] in line:
        parsed = _quoted(line, ft.format["adskiller"], ft.format["citation"])
        if parsed is None:
            raise Unsure
        fields = parsed
    return fields[:-1] if ft.format.get("afsluttende_adskiller") and fields[-1] == "" else fields


def _start(line: str, record: dict[str, Any], ft: FileType, match: Match) -> tuple[int | None, str | None]:
    """(the count it states, the sum it states)."""
    if not _is_record(line, record, ft):
        raise Refuse("start record")
    if (mark := record.get("udtraekstype")) and _at(line, mark, ft).strip() not in (mark["fuld"], mark["delta"]):
        raise Refuse("start record")
    for key in ("loebenr", "forrige_loebenr"):
        if key in record:
            text = _at(line, record[key], ft).strip()
            if not re.fullmatch("[0-9]+", text) and (text or key == "loebenr"):
                raise Refuse("start record")
    if "kommunekode" in record:
        code = _at(line, record["kommunekode"], ft).strip()
        if not re.fullmatch("[0-9]{3,4}", code) or code.rjust(4, "0") != match.kommunekode:
            raise Refuse("start record of another municipality")
    if "periode" in record:
        wanted = match.periode.strftime({"yyyymm": "%Y%m", "yyyy-mm": "%Y-%m", "yyyy": "%Y"}[record["periode"]["form"]])
        if _at(line, record["periode"], ft).strip() != wanted:
            raise Refuse("start record of another month")
    return (_number(_at(line, record["antal"], ft).strip()) if "antal" in record else None,
            _at(line, record["sum"], ft) if "sum" in record else None)


def _at(line: str, where: dict[str, int], ft: FileType) -> str:
    if "pos" in where:
        return _cut(line, where)
    fields = _split(line, ft)
    return fields[where["felt"] - 1] if where["felt"] <= len(fields) else ""


def _is_record(line: str, record: dict[str, Any], ft: FileType) -> bool:
    if ft.kind == "fixed":
        return _cut(line, ft.format["recordtype"]) == record["type"] if "type" in record else line.startswith(record["kendes_paa"])
    return _at(line, ft.format["recordtype"] if "type" in record else {"felt": 1}, ft).strip() == record.get("type", record.get("kendes_paa"))


def _end(lines: list[str], ft: FileType) -> tuple[int | None, int | None, str | None]:
    """(line of the end record, the count it states, the sum it states)."""
    record = ft.format.get("slutrecord")
    if not record:
        return None, None, None
    at = max((n for n, line in enumerate(lines, start=1) if line.strip(" \t")), default=0)
    if not at or sum(len(line) + 1 for line in lines[at:]) > 60_000:
        raise Refuse("nothing at the end")
    line = lines[at - 1].rstrip(" \t") if at else ""
    if not _is_record(line, record, ft):
        if record.get("paakraevet", "type" in record):
            raise Refuse("no end record")
        return None, None, None

    count = _number(_at(line, record["antal"], ft).strip()) if "antal" in record else None
    return at, count, _at(line, record["sum"], ft) if "sum" in record else None


def _records(lines: list[str], ft: FileType, layout: list[str], limits: Limits) -> Iterator[tuple[int, list[str] | None]]:
    """(first line, fields): those of a line, or of several that a quoted field joins; None where they cannot be read."""
    separator, quote = ft.format["adskiller"], ft.format.get("citation") or ""
    at = 0
    while at < len(lines):
        line = lines[at]
        if not quote or quote not in line:
            yield at + 1, line.split(separator)
            at += 1
            continue
        span = 1
        while span <= limits.span and "\n".join(lines[at:at + span]).count(quote) % 2:
            span += 1
            if at + span > len(lines) or sum(len(x.encode()) for x in lines[at + 1:at + span - 1]) >= limits.line:
                break
        text = "\n".join(lines[at:at + span])
        fields = None if text.count(quote) % 2 or span > limits.span or at + span > len(lines) else _quoted(text, separator, quote)
        good = {len(t.columns) + 1 for t in ft.tables} if ft.format.get("recordtype") else {len(layout)}
        if fields is None or span > 1 and len(fields) - bool(ft.format.get("afsluttende_adskiller")) not in good:
            yield at + 1, None
            at += 1
        else:
            yield at + 1, fields
            at += span


def _quoted(text: str, separator: str, quote: str) -> list[str] | None:
    """The fields of one record by the grammar of quotes; None when the text breaks it."""
    s, q = re.escape(separator), re.escape(quote)
    one = re.compile(f"(?:{q}((?:[^{q}]|{q}{q})*){q}|((?!{q})[^{s}\n]*))(?:({s})|\\Z)")
    fields, at = [], 0
    while True:
        m = one.match(text, at)
        if not m or m.end() != len(text) and not m[3]:
            return None
        fields.append(m[1].replace(quote * 2, quote) if m[1] is not None else m[2])
        at = m.end()
        if not m[3]:
            return fields


def _is_header(content: Any, ft: FileType, layout: list[str]) -> bool:
    if not ft.format.get("gentaget_header") or ft.kind != "delimited" or content is None:
        return False
    headers = {c.name: c.header for c in ft.tables[0].columns}
    return [f.lower() for f in content] == [headers.get(n, n).lower() for n in layout] + [""] * bool(ft.format.get("afsluttende_adskiller"))


def _values(content: Any, ft: FileType, layout: list[str], local: frozenset[str]) -> tuple[Table | None, dict[str, Any] | None, bool]:
    """(table, values by column, whether the line is blank) of one record; no values when it is to be set aside."""
    if ft.kind == "jsonl":
        return ft.tables[0], _json(content, ft, local), not content.strip()
    if ft.kind == "fixed":
        if trim(content) == "":
            return None, None, True
        where = ft.format.get("recordtype")
        table = next((t for t in ft.tables if not where or t.recordtype == _cut(content, where)), None)
        if table is None:
            return None, None, False
        need = max(c.pos + c.length - 1 for c in table.columns)
        if len(content) < need or len(content.rstrip(BLANKS)) > need:
            return table, None, False
        return table, {c.name: content[c.pos - 1:c.pos - 1 + c.length] for c in table.columns}, False
    if content is None:
        return ft.tables[0], None, False
    if len(layout) != 1 and len(content) == 1 and trim(content[0]) == "":
        return ft.tables[0], None, True
    trailing = bool(ft.format.get("afsluttende_adskiller"))
    if where := ft.format.get("recordtype"):
        at = where["felt"] - 1
        table = next((t for t in ft.tables if len(content) > at and trim(content[at]) == t.recordtype), None)
        if table is None or len(content) != len(table.columns) + 1 + trailing or trailing and content[-1] != "":
            return table, None, False
        rest = content[:at] + content[at + 1:]
        return table, {c.name: v for c, v in zip(table.columns, rest, strict=False)}, False
    if len(content) != len(layout) + trailing or trailing and content[-1] != "":
        return ft.tables[0], None, False
    return ft.tables[0], dict(zip(layout, content, strict=False)), False


# ------------------------------------------------------------------ JSON and XML


def _json(line: str, ft: FileType, local: frozenset[str]) -> dict[str, Any] | None:
    def constant(_: str) -> None:
        raise ValueError

    try:
        pairs = json.loads(line, parse_float=str, parse_int=str, parse_constant=constant, object_pairs_hook=lambda p: ("object", p))
    except (ValueError, RecursionError):
        return None
    if not isinstance(pairs, tuple):
        return None
    places = {(c.path or c.header): c.name for c in ft.tables[0].columns} | {n: n for n in local}
    out: dict[str, Any] = dict.fromkeys(places.values())

    def walk(above: str, given: list[tuple[str, Any]]) -> bool:
        if max(Counter(k for k, _ in given if above + k not in ft.tables[0].not_taken).values(), default=0) > 1:
            return False
        for key, value in given:
            path = above + key
            if path in ft.tables[0].not_taken:
                continue
            if path in places:
                text = value if isinstance(value, str) or value is None else "true" if value is True else "false" if value is False else value
                if isinstance(text, str):
                    if re.search("[\0\x01\x1d-\x1f\ud800-\udfff]", text):
                        return False
                    text = text.replace("\r\n", "\n").replace("\r", "\n")
                elif text is not None:
                    raise Unsure        # arrays and objects: how they are written again is the product's own
                out[places[path]] = text
            elif any(p.startswith(path + ".") for p in places) and (value is None or isinstance(value, tuple)):
                if value is not None and not walk(path + ".", value[1]):
                    return False
            else:
                return False
        return True

    return out if walk("", pairs[1]) and set(ft.format["noegler"]) <= {key for key, _ in pairs[1]} else None


def _xml(match: Match, plain: bytes, around: Around, limits: Limits, found: Expected) -> None:
    ft, named, foreign = match.filetype, 0, 0
    if not plain:
        raise Refuse("empty")
    if b"<!DOCTYPE" in plain or b"<!ENTITY" in plain:
        if b"<!--" in plain or b"CDATA" in plain:
            raise Unsure
        raise Refuse("doctype")
    declared = re.match(rb"(?:\xef\xbb\xbf)?<\?xml[^>]*encoding\s*=\s*[\"']([^\"']*)", plain)
    charset = CODECS[ft.charset]
    if declared and not _same_charset(declared[1], charset):
        raise Refuse("charset")
    try:
        plain.decode(charset)
        root = ElementTree.fromstring(plain)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        if "unbound prefix" in str(error):
            raise Unsure from error
        raise Refuse("xml") from error
    longest = max(map(len, re.findall(b"<[^>]*>", plain)))
    if longest > limits.line:
        if longest < 2 * limits.line:
            raise Unsure        # the parser has it whole or not, by where it is cut in reading
        raise Refuse("long tag")
    if _plain_name(root.tag) != ft.format["rod"].casefold():
        raise Refuse("root")
    if _depth(root) > 100:
        raise Refuse("deep")
    kinds = {str(t.recordtype).casefold(): (t.identifier, [(c.path or c.header).casefold() for c in t.columns]) for t in ft.tables}
    for table in ft.tables:
        found.rows[table.identifier] = []
    records = list(_posts(root, set(kinds)))
    if not records and len(root):
        raise Refuse("other elements")
    passed = {str(t.recordtype).casefold(): {n.casefold() for n in t.not_taken} for t in ft.tables}
    for record in records:
        _leave_out(record, "", passed[_plain_name(record.tag)])
        if sum(len((text or "").encode()) for e in record.iter() for text in (e.text, e.tail if e is not record else "", *e.attrib.values())) > limits.line:
            raise Refuse("long record")
        values: dict[str, str] = {}
        identifier, wanted = kinds[_plain_name(record.tag)]
        above = {"/".join(p.split("/")[:n]) for p in wanted for n in range(1, p.count("/") + 1)}
        good = _take(record, "", wanted, above, values)
        if good:
            found.rows[identifier].append((0, tuple(values.get(p, "") for p in wanted), None))
            table = next(t for t in ft.tables if t.identifier == identifier)
            if table.raekkens_kommune:
                at = table.column(table.raekkens_kommune.column)
                code = _named(values.get((at.path or at.header).casefold(), ""), table, around)
                named, foreign = named + (code is not None), foreign + _is_another(code, table, match, around)
                if foreign and not table.raekkens_kommune.keep:
                    raise Unsure        # no interface in XML sets such rows aside
        else:
            found.aside.append(0)
    if 2 * foreign > named:
        raise Refuse("another municipality's")
    if records and not found.count:
        raise Refuse("no usable record")


def _same_charset(declared: bytes, ours: str) -> bool:
    try:
        return codecs.lookup(declared.decode("ascii", "replace")).name == codecs.lookup(ours).name
    except LookupError:
        return False


def _plain_name(name: str) -> str:
    return name.rsplit("}", 1)[-1].rsplit(":", 1)[-1].casefold()


def _depth(element: ElementTree.Element) -> int:
    deep, level = 0, [element]
    while level:
        deep, level = deep + 1, [c for e in level for c in e]
    return deep


def _posts(element: ElementTree.Element, posts: set[str]) -> Iterator[ElementTree.Element]:
    if _plain_name(element.tag) in posts:
        yield element
    else:
        for child in element:
            yield from _posts(child, posts)


def _leave_out(element: ElementTree.Element, path: str, passed: set[str]) -> None:
    """Take out of a record what is known and not stored; the text after it stays."""
    for key in [k for k in element.attrib if f"{path}/@{_plain_name(k)}".lstrip("/") in passed]:
        del element.attrib[key]
    before = None
    for child in list(element):
        at = f"{path}/{_plain_name(child.tag)}".lstrip("/")
        if at not in passed:
            _leave_out(child, at, passed)
            before = child
            continue
        if before is None:
            element.text = (element.text or "") + (child.tail or "")
        else:
            before.tail = (before.tail or "") + (child.tail or "")
        element.remove(child)


def _take(element: ElementTree.Element, path: str, wanted: list[str], above: set[str], values: dict[str, str]) -> bool:
    """Put an element's values in; False when it has what no column takes, or the same twice."""
    for key, value in element.attrib.items():
        if key.startswith("{") and "XMLSchema-instance" in key:
            continue
        at = f"{path}/@{_plain_name(key)}".lstrip("/")
        if at not in wanted or at in values:
            return False
        values[at] = value
    if path in wanted and path:
        if len(element) or path in values:
            return False
        values[path] = element.text or ""
        return True
    if (element.text or "").strip() or any((c.tail or "").strip() for c in element):
        return False
    for child in element:
        at = f"{path}/{_plain_name(child.tag)}".lstrip("/")
        if at not in wanted and at not in above or not _take(child, at, wanted, above, values):
            return False
    return True


# ------------------------------------------------------------------ typing


def amount(text: str, talformat: str) -> Decimal | None:
    """Kroner by the contract's notation; None when the text is not written in it."""
    t = trim(text)
    minus, three = False, talformat.endswith("_tre")
    talformat = talformat.removesuffix("_tre")
    if talformat in ("oere", "efterstillet_minus") and t[-1:] == "-" or talformat == "oere" and t[-1:] == "+":
        if t[:1] in "+-":
            return None
        minus, t = t[-1] == "-", t[:-1]
    elif t[:1] in ("-", "+"):
        minus, t = t[0] == "-", t[1:]
    mark = "." if talformat == "punktum" else "," if talformat != "oere" else None
    whole, *rest = t.split(mark) if mark else [t]
    groups = whole.split(".") if talformat in ("komma", "efterstillet_minus", "tusinde") else [whole]
    most, places = {"tusinde": (9, 5), "oere": (14, 0)}.get(talformat, (12, 2))
    if len(rest) > 1 or not all(g and set(g) <= set("0123456789") for g in [*groups, *rest]):
        return None
    if len(groups) > 1 and (len(groups[0]) > 3 or groups[0][0] == "0" or any(len(g) != 3 for g in groups[1:]) or len("".join(groups)) > most):
        return None
    digits, decimals = "".join(groups), rest[0] if rest else ""
    if len(digits.lstrip("0")) > most or len(decimals.rstrip("0")) > places:
        return None
    if talformat != "tusinde" and (len(decimals) == 3) != three:
        return None         # a thousand and more in one country, one and a quarter in another
    value = Decimal(f"{digits}.{decimals or '0'}") * {"tusinde": 1000, "oere": Decimal("0.01")}.get(talformat, 1)
    return (-value if minus else value).quantize(Decimal("0.01"))


def whole(text: str) -> int | None:
    """A whole number of at most nine digits."""
    t = trim(text)
    return int(t) if re.fullmatch("[-+]?[0-9]+", t) and len(t.lstrip("+-").lstrip("0")) <= 9 else None


def hours(text: str, mark: str = ",") -> Decimal | None:
    """Hours with a decimal comma (or what `mark` matches) and at most two decimals."""
    m = re.fullmatch(f"([0-9]{{1,6}})({mark}([0-9]+))?", trim(text))
    if not m or m[3] and (len(m[3].rstrip("0")) > 2 or len(m[3]) == 3):
        return None
    return Decimal(f"{m[1]}.{m[3] or '0'}")


def day(text: str, form: str) -> date | None:
    """A date by the contract's notation; None when the text is not written in it, or there is no such day."""
    t = trim(text)
    try:
        if form == "excel":
            return date(1899, 12, 30) + timedelta(days=int(t)) if re.fullmatch("[1-9][0-9]{4}", t) else None
        if form == "ddMMyy":
            return date(2000 + int(t[4:]), int(t[2:4]), int(t[:2])) if re.fullmatch("[0-9]{6}", t) else None
        if form in ("yyyyMMdd", "cpr"):
            if not re.fullmatch("[0-9]{8}", t):
                return None
            y, m, d = int(t[:4]), int(t[4:6]), int(t[6:])
            if form == "cpr" and d <= 31:       # 00 is uncertain: the first
                m, d = (m, d or 1) if m else (1, 1)
        elif form == "yyyy-MM-dd":
            if not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", t):
                return None
            y, m, d = map(int, t.split("-"))
        else:
            s = form[2]
            if not re.fullmatch(f"[0-9]{{2}}[{s}][0-9]{{2}}[{s}][0-9]{{4}}( [0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}})?)?", t) or any(part > most for part, most in zip(t[11:].split(":"), ("23", "59", "59"), strict=False)):
                return None
            d, m, y = map(int, t[:10].split(s))
        return date(y, m, d) if 1000 <= y <= 2999 or y == 9999 else None
    except (ValueError, OverflowError):
        return None
