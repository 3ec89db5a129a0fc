"""Ways to spoil a delivered file: each takes the random generator and a file, and gives it back changed."""

from __future__ import annotations

import gzip
import io
import json
import random
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from xml.sax.saxutils import escape

from flis.contracts.contract import FileType, Match


@dataclass(frozen=True)
class File:
    """One file as it will lie in the inbox. `data` is unpacked until a mutation packs it; `link` is what it points to when it is no file."""

    sender: str
    name: str
    data: bytes
    match: Match | None
    done: tuple[str, ...] = ()
    link: str | None = None

    @property
    def filetype(self) -> FileType | None:
        return self.match.filetype if self.match else None

    @property
    def packed(self) -> bool:
        return self.name.lower().endswith((".gz", ".zip"))


Mutation = Callable[[random.Random, File], File]
MUTATIONS: dict[str, Mutation] = {}

NUMBERS = ["1e999", "NaN", "-0", "0,1234567890123456789012345678901234567890", "12.34", "1.234,5", "1,2,3", "--5", "5--", "1-2", "0x1F", "1_000", "99999999999999999999", "-",
           "+", "1 000,00", "٣٤", "½", "1e3", ".5", ",5", "5,", "1.5", "inf", "999999999999,99", "9999999999999999", "2147483648", "-2147483648", "99999999:00", "1:60", ""]
DATES = ["0000-00-00", "9999-99-99", "00000000", "99999999", "99991231", "9999-12-31", "31-02-2026", "31.02.2026", "2026-13-01", "20260230", "infinity", "today", "1-1-1", "2147483647",
         "-5", "31-12-9999 00:00", "9999-12-31T23:59:59Z", "294247-01-10T04:00:54Z", "2026-06-31T00:00:00Z", "01-01-0001", "2026-01-01x", "45000.7", "0"]
TEXTS = ["'; drop table raw.leverance; --", "../../x", "=HYPERLINK(\"http://x\";\"y\")", "+1+cmd", "@SUM(A1)", "\t=1", "<script>document.title='x'</script>", "{{ 7*7 }}", "%00",
         "\u202eabc", "\U0001f600", '"', ";", "|", "\\", "''", "${jndi:ldap://x}", "\u0000"[:0] + "\ufeff", "\u2028", "NULL", "null", "é" * 40, "‮"]
CONTROLS = [b"\0", b"\x01", b"\x1d", b"\x1e", b"\x1f", b"\x02", b"\x0b", b"\x0c", b"\x1a", b"\x7f", b"\x85", b"\xa0", "\u2028".encode(), "\u0085".encode()]
NAMES = ["x" * 255, "æ" * 127, " {}", "{} ", "{}.exe", "{}'; drop table raw.leverance; --", "%00{}", "a\nb.csv", "[red]{}", "\u202e{}", "~{}", "-rf {}", "{}.gz.gz", "COPY OF {}", "{}(1)", "\ufffd.csv"]


def mutation(function: Mutation) -> Mutation:
    MUTATIONS[function.__name__] = function
    return function


def spoiled(rng: random.Random, file: File, times: int = 1) -> File:
    """The file after `times` mutations, packing last."""
    names = sorted(rng.sample(sorted(MUTATIONS), times), key=lambda n: n.startswith(("packed", "named", "linked")))
    for name in names:
        if not file.packed and file.link is None:
            file = replace(MUTATIONS[name](rng, file), done=(*file.done, name))
    return file


def with_data(file: File, data: bytes) -> File:
    return replace(file, data=data)


def _lines(file: File) -> list[bytes]:
    return re.split(rb"(?<=\n)", file.data)[:-1] or [file.data]


def _encode(file: File, text: str) -> bytes:
    charset = file.filetype.charset if file.filetype else "utf-8"
    return text.encode({"utf-8-sig": "utf-8", "iso-8859-1": "latin-1", "windows-1252": "cp1252"}.get(charset, charset), "replace")


def _separator(file: File) -> bytes:
    form = file.filetype.format if file.filetype else {}
    return (form.get("adskiller") or ";").encode()


def _some(rng: random.Random, count: int) -> list[int]:
    """A few numbers below `count`, or many."""
    return sorted(rng.sample(range(count), min(count, rng.choice([1, 1, 2, 5, count]))))


def _each(rng: random.Random, file: File, change: Callable[[bytes], bytes], first: int = 1) -> File:
    """Change some lines; the first is the header and the last the end record, more often than not."""
    lines = _lines(file)
    for n in _some(rng, len(lines)):
        if n >= first or rng.random() < 0.1:
            lines[n] = change(lines[n])
    return with_data(file, b"".join(lines))


def _in_field(rng: random.Random, file: File, change: Callable[[bytes], bytes]) -> File:
    """Change one field of some lines: between separators, in JSON's and XML's values, or at the contract's positions."""
    ft = file.filetype

    def line(raw: bytes) -> bytes:
        body = raw.rstrip(b"\r\n")
        end = raw[len(body):]
        if ft and ft.kind == "fixed":
            tables = [t for t in ft.tables if not t.recordtype or body.startswith(t.recordtype.encode())] or list(ft.tables)
            column = rng.choice(rng.choice(tables).columns)
            at, size = (column.pos or 1) - 1, column.length or 1
            value = change(body[at:at + size])
            keep = rng.random() < 0.7
            return body[:at] + (value[:size].ljust(size) if keep else value) + body[at + size:] + end
        if ft and ft.kind in ("jsonl", "xml"):
            values = list(re.finditer(rb'(?<=": )("[^"]*"|[^,}"]+)|(?<=>)[^<>]+(?=</)', body))
            if not values:
                return raw
            m = rng.choice(values)
            return body[:m.start()] + change(m[0]) + body[m.end():] + end
        fields = body.split(_separator(file))
        n = rng.randrange(len(fields))
        fields[n] = change(fields[n])
        return _separator(file).join(fields) + end

    return _each(rng, file, line)


def column_filled(file: File, name: str, values: list[str]) -> File:
    """Not by chance: the values of one column in the first data lines are these, twice over."""
    ft, lines = file.match.filetype, _lines(file)
    if ft.kind == "xml":
        return replace(file, data=b"".join(_elements_filled(file, lines, name, values)), done=(*file.done, f"filled {name}"))
    if ft.kind == "jsonl":
        return replace(file, data=b"".join(_keys_filled(file, lines, name, values)), done=(*file.done, f"filled {name}"))
    names = [c.name for c in ft.columns_of(file.match.version)] if ft.kind == "delimited" else []
    for n, line in enumerate(lines[1:-1][:2 * len(values)], start=1):
        body, value = line.rstrip(b"\r\n"), _encode(file, values[n % len(values)])
        if ft.kind == "fixed":
            column = next((c for t in ft.tables if not t.recordtype or body.startswith(t.recordtype.encode()) for c in t.columns if c.name == name), None)
            if column:
                lines[n] = body[:column.pos - 1] + value[:column.length].ljust(column.length) + body[column.pos - 1 + column.length:] + line[len(body):]
        elif len(fields := body.split(_separator(file))) >= len(names):      # fewer: a quoted field goes on in the next line
            fields[names.index(name)] = value
            lines[n] = _separator(file).join(fields) + line[len(body):]
    return replace(file, data=b"".join(lines), done=(*file.done, f"filled {name}"))


def _keys_filled(file: File, lines: list[bytes], name: str, values: list[str]) -> Iterator[bytes]:
    """The lines of a JSON-lines file, with the values put in this column of the first records."""
    assert file.match
    column = next(c for c in file.match.filetype.tables[0].columns if c.name == name)
    *above, last = (column.path or column.name).split(".")
    for n, line in enumerate(lines):
        if n < 2 * len(values) and line.strip():
            record = json.loads(line)
            within = record
            for key in above:
                within = within.setdefault(key, {})
            within[last] = values[n % len(values)]
            line = _encode(file, json.dumps(record, ensure_ascii=False)) + line[len(line.rstrip(b"\r\n")):]
        yield line


def _elements_filled(file: File, lines: list[bytes], name: str, values: list[str]) -> Iterator[bytes]:
    """The lines of an XML file, where each record is on one, with the values put in this column of the first records that have it."""
    assert file.match
    filled = 0
    for line in lines:
        table = next((t for t in file.match.filetype.tables if re.match(rf"\s*<{t.recordtype}[ >]".encode(), line)), None)
        column = next((c for c in table.columns if c.name == name), None) if table else None
        if column and filled < 2 * len(values):
            filled += 1
            last = (column.path or column.header).split("/")[-1]
            value = _encode(file, escape(values[filled % len(values)], {'"': "&quot;"}))
            pattern = rf'( {last[1:]}=")[^"]*'.encode() if last.startswith("@") else rf"(<{last}[^>]*>)[^<]*".encode()
            line = re.sub(pattern, lambda found, value=value: found[1] + value, line, count=1)
        yield line


# ------------------------------------------------------------------ those that one expression says


MUTATIONS.update({
    "cut_off": lambda rng, file: with_data(file, file.data[:rng.randrange(len(file.data) + 1)]),
    "beginning_lost": lambda rng, file: with_data(file, file.data[rng.randrange(len(file.data) + 1):]),
    "twice_over": lambda rng, file: with_data(file, file.data + file.data),
    "empty": lambda rng, file: with_data(file, rng.choice([b"", b"\n", b"\r\n\r\n", b"   ", b"\xef\xbb\xbf", b"\n" * 70_000])),
    "line_cut": lambda rng, file: _each(rng, file, lambda line: line[:rng.randrange(len(line) + 1)]),
    "line_lost": lambda rng, file: _each(rng, file, lambda line: b"", first=0),
    "line_doubled": lambda rng, file: _each(rng, file, lambda line: line * 2, first=0),
    "lines_joined": lambda rng, file: _each(rng, file, lambda line: line.rstrip(b"\r\n"), first=0),
    "blank_lines": lambda rng, file: _each(rng, file, lambda line: line + rng.choice([b"\n", b"   \n", b"\t\n", b"\r\n", _separator(file) + b"\n"]), first=0),
    "no_last_line_end": lambda rng, file: with_data(file, file.data.rstrip(b"\r\n")),
    "only_end": lambda rng, file: with_data(file, _lines(file)[-1]),
    "other_content": lambda rng, file: with_data(file, rng.choice([b"<html><body>502 Bad Gateway</body></html>", b"PK\x03\x04", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", rng.randbytes(3000), b"{}", b"<a/>", b"null\n" * 10])),
    "header_lost": lambda rng, file: with_data(file, b"".join(_lines(file)[1:])),
    "number_broken": lambda rng, file: _in_field(rng, file, lambda value: _encode(file, rng.choice(NUMBERS))),
    "date_broken": lambda rng, file: _in_field(rng, file, lambda value: _encode(file, rng.choice(DATES))),
    "text_put_in": lambda rng, file: _in_field(rng, file, lambda value: _encode(file, rng.choice(TEXTS))),
    "emptied": lambda rng, file: _in_field(rng, file, lambda value: b""),
    "doubly_encoded": lambda rng, file: with_data(file, file.data.decode("latin-1").encode("utf-8")),
    "linked": lambda rng, file: replace(file, link=rng.choice(["/etc/hostname", "findes_ikke", "/dev/zero", "..", file.name])),
})


# ------------------------------------------------------------------ bytes


@mutation
def bytes_flipped(rng: random.Random, file: File) -> File:
    data = bytearray(file.data)
    for _ in range(rng.choice([1, 1, 3, 20])):
        if data:
            data[rng.randrange(len(data))] = rng.randrange(256)
    return with_data(file, bytes(data))


@mutation
def bytes_lost(rng: random.Random, file: File) -> File:
    at = rng.randrange(len(file.data) + 1)
    return with_data(file, file.data[:at] + file.data[at + rng.choice([1, 2, 80]):])


@mutation
def bytes_put_in(rng: random.Random, file: File) -> File:
    at = rng.randrange(len(file.data) + 1)
    return with_data(file, file.data[:at] + rng.randbytes(rng.choice([1, 3, 50])) + file.data[at:])




# ------------------------------------------------------------------ lines


@mutation
def lines_swapped(rng: random.Random, file: File) -> File:
    lines = _lines(file)
    a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[a], lines[b] = lines[b], lines[a]
    return with_data(file, b"".join(lines))


@mutation
def line_broken(rng: random.Random, file: File) -> File:
    def change(line: bytes) -> bytes:
        at = rng.randrange(len(line) + 1)
        return line[:at] + rng.choice([b"\n", b"\r\n", b"\r"]) + line[at:]
    return _each(rng, file, change)


@mutation
def line_ends(rng: random.Random, file: File) -> File:
    way = rng.choice([b"\r", b"\n", b"\r\n", b"\n\r", None])
    return _each(rng, file, lambda line: line.rstrip(b"\r\n") + (way or rng.choice([b"\r", b"\n", b"\r\n"])), first=0)


@mutation
def only_header(rng: random.Random, file: File) -> File:
    lines = _lines(file)
    return with_data(file, lines[0] + (lines[-1] if rng.random() < 0.5 else b""))


@mutation
def end_moved(rng: random.Random, file: File) -> File:
    lines = _lines(file)
    lines.insert(rng.randrange(len(lines)), lines[-1])
    return with_data(file, b"".join(lines[:-1] if rng.random() < 0.5 else lines))


@mutation
def end_changed(rng: random.Random, file: File) -> File:
    lines = _lines(file)
    body = lines[-1].rstrip(b"\r\n")
    digits = [m.span() for m in re.finditer(rb"\d+", body)]
    if digits:
        a, b = rng.choice(digits)
        value = rng.choice([b"0" * (b - a), b"9" * (b - a), b"-" + b"1" * (b - a - 1), b"0101701234", "²".encode("latin-1") * (b - a), b" " * (b - a), str(int(body[a:b]) + 1).encode().zfill(b - a)])
        lines[-1] = body[:a] + value + body[b:] + lines[-1][len(body):]
    return with_data(file, b"".join(lines))




# ------------------------------------------------------------------ columns


@mutation
def header_moved(rng: random.Random, file: File) -> File:
    """Two columns change places, in the header alone or all the way down."""
    lines, separator = _lines(file), _separator(file)
    a, b = rng.randrange(12), rng.randrange(12)
    for n, line in enumerate(lines[:1] if rng.random() < 0.5 else lines):
        body = line.rstrip(b"\r\n")
        fields = body.split(separator)
        if max(a, b) < len(fields):
            fields[a], fields[b] = fields[b], fields[a]
        lines[n] = separator.join(fields) + line[len(body):]
    return with_data(file, b"".join(lines))


@mutation
def header_renamed(rng: random.Random, file: File) -> File:
    lines, separator = _lines(file), _separator(file)
    fields = lines[0].rstrip(b"\r\n").split(separator)
    n = rng.randrange(len(fields))
    fields[n] = rng.choice([fields[n].swapcase(), b" " + fields[n] + b" ", fields[0], b"", b"NYT_NAVN", fields[n] + b"2", b'"' + fields[n] + b'"', b'"' + b"x" * 200_000 + b'"'])
    lines[0] = separator.join(fields) + b"\n"
    return with_data(file, b"".join(lines))


@mutation
def header_doubled(rng: random.Random, file: File) -> File:
    lines = _lines(file)
    lines.insert(rng.randrange(len(lines)), lines[0])
    return with_data(file, b"".join(lines))


@mutation
def many_columns(rng: random.Random, file: File) -> File:
    count = rng.choice([1, 1000, 200_000])
    return _each(rng, file, lambda line: line.rstrip(b"\r\n") + _separator(file) * count + b"\n", first=rng.choice([0, 1]))


@mutation
def field_moved(rng: random.Random, file: File) -> File:
    def change(line: bytes) -> bytes:
        body = line.rstrip(b"\r\n")
        fields = body.split(_separator(file))
        fields.insert(rng.randrange(len(fields)), fields.pop(rng.randrange(len(fields))))
        return _separator(file).join(fields) + line[len(body):]
    return _each(rng, file, change)


@mutation
def field_lost(rng: random.Random, file: File) -> File:
    def change(line: bytes) -> bytes:
        fields = line.split(_separator(file))
        fields.pop(rng.randrange(len(fields)))
        return _separator(file).join(fields)
    return _each(rng, file, change)


@mutation
def field_shifted(rng: random.Random, file: File) -> File:
    """A character too many or too few, so that everything after stands one place off."""
    def change(line: bytes) -> bytes:
        at = rng.randrange(len(line))
        return line[:at] + (b"0" + line[at:] if rng.random() < 0.5 else line[at + 1:])
    return _each(rng, file, change)


# ------------------------------------------------------------------ values


@mutation
def column_replaced(rng: random.Random, file: File) -> File:
    """One column the same all the way down: the largest, the smallest, or nonsense."""
    ft = file.filetype
    value = _encode(file, rng.choice([*NUMBERS, *DATES, "999999999", "999999999999,99", "999999999999.99", "-999999999999.99", "999999999999,99-", "2999-12-31", "31.12.2999", "9999:59", "999999,99"]))
    lines, nth = _lines(file), rng.random()
    for n, line in enumerate(lines[1:], start=1):
        body = line.rstrip(b"\r\n")
        if ft and ft.kind == "fixed":
            table = next((t for t in ft.tables if not t.recordtype or body.startswith(t.recordtype.encode())), None)
            if table:
                column = table.columns[int(nth * len(table.columns))]
                at, size = (column.pos or 1) - 1, column.length or 1
                lines[n] = body[:at] + (value[:size].ljust(size) if rng.random() < 0.9 else b"9" * size) + body[at + size:] + line[len(body):]
        else:
            fields = body.split(_separator(file))
            fields[int(nth * len(fields))] = value
            lines[n] = _separator(file).join(fields) + line[len(body):]
    return with_data(file, b"".join(lines))


@mutation
def digit_changed(rng: random.Random, file: File) -> File:
    def change(value: bytes) -> bytes:
        places = [m.start() for m in re.finditer(rb"\d", value)]
        if not places:
            return value
        at = rng.choice(places)
        return value[:at] + rng.choice([b"0", b"9", b".", b",", b"-", b" ", b"O", b"e", b"x"]) + value[at + 1:]
    return _in_field(rng, file, change)


@mutation
def separators_changed(rng: random.Random, file: File) -> File:
    """The decimal sign of another country, in one field or all over."""
    table = bytes.maketrans(b",.", b".,")
    return _in_field(rng, file, lambda value: value.translate(table)) if rng.random() < 0.5 else with_data(file, file.data.translate(table))


@mutation
def huge_field(rng: random.Random, file: File) -> File:
    size = rng.choice([140_000, 900_000, 3_000_000])
    lines = _lines(file)
    n = rng.randrange(len(lines))
    at = rng.randrange(len(lines[n]) + 1)
    lines[n] = lines[n][:at] + rng.choice([b"x", b"1", "ø".encode("latin-1"), "ø".encode()]) * size + lines[n][at:]
    return with_data(file, b"".join(lines))


@mutation
def control_character(rng: random.Random, file: File) -> File:
    what = rng.choice(CONTROLS)
    return _in_field(rng, file, lambda value: value[:len(value) // 2] + what + value[len(value) // 2:])


@mutation
def quotes(rng: random.Random, file: File) -> File:
    sep = _separator(file)
    ways: list[Callable[[bytes], bytes]] = [
        lambda v: b'"' + v, lambda v: v + b'"', lambda v: b'"' + v + b'"', lambda v: b'"' + v + b'""', lambda v: b'"' + v + b"\n" + v + b'"', lambda v: b'"' + v + sep + v + b'"',
        lambda v: v[:1] + b'"' + v[1:], lambda v: b'""', lambda v: b'"""', lambda v: b"'" + v + b"'", lambda v: b'"' + v + b'" ', lambda v: b'"' + b"\n" * 250 + b'"']
    return _in_field(rng, file, lambda value: rng.choice(ways)(value))     # noqa: PLW0108 - drawn anew for each value


# ------------------------------------------------------------------ character sets


@mutation
def other_charset(rng: random.Random, file: File) -> File:
    """Some lines, or all, in another character set than agreed."""
    charset = file.filetype.charset if file.filetype else "utf-8"
    other = rng.choice(["utf-8", "cp1252", "utf-16-le", "utf-16", "cp037", "utf-8-sig", "latin-1", "cp850"])

    def change(line: bytes) -> bytes:
        text = line.decode({"iso-8859-1": "latin-1", "windows-1252": "cp1252"}.get(charset, "utf-8"), "replace")
        return text.replace(" ", " æøå ", 1).encode(other, "replace")
    if rng.random() < 0.3:
        return with_data(file, change(file.data))
    return _each(rng, file, change, first=0)


@mutation
def mark_put_in(rng: random.Random, file: File) -> File:
    mark = rng.choice([b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"])
    return _each(rng, file, lambda line: mark + line, first=0) if rng.random() < 0.5 else with_data(file, mark + file.data)




# ------------------------------------------------------------------ JSON and XML


@mutation
def structure(rng: random.Random, file: File) -> File:
    """What only JSON and XML can be spoiled by; other files get it as a line of text."""
    kind = file.filetype.kind if file.filetype else ""
    if kind == "xml":
        bomb = b'<!DOCTYPE a [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
        ways: list[Callable[[bytes], bytes]] = [
            lambda d: bomb + d, lambda d: d.replace(b"<Tekst>", b"<Tekst>&b;", 1), lambda d: d.replace(b"<Indsats", b"<Indsats><Indsats", 1), lambda d: d.replace(b"Indsats", b"Ydelse"),
            lambda d: d.replace(b"<Tekst>", b"<a>" * 500 + b"<Tekst>", 1), lambda d: d.replace(b"<Tekst>", b"<Tekst>a<b>c</b>", 1), lambda d: d.replace(b"</Tekst>", b"</Tekst><Tekst>to</Tekst>", 2),
            lambda d: d.replace(b"Id=", b"Nyt='1' Id=", 1), lambda d: d.replace(b"<Tekst>", b"<Tekst><![CDATA[<x>]]>", 1), lambda d: d.replace(b"<Tekst>", b"<!-- -- --><Tekst>", 1),
            lambda d: b"<?xml version='1.0' encoding='" + rng.choice([b"latin-1", b"utf-16", b"rot13", b"zip", b"UTF-8", b"x" * 500]) + b"'?>" + d.split(b"?>", 1)[-1],
            lambda d: d.replace(b"<L>", b"<L a='" + b"x" * 3_000_000 + b"'>"), lambda d: d.replace(b"<L>", b"<L><?php " + b"x" * 3_000_000 + b"?>"), lambda d: d.replace(b"<Sted>", b"<Sted>tekst", 1),
            lambda d: d.replace(b"<Indsats", b"<x:Indsats", 1).replace(b"</Indsats", b"</x:Indsats", 1), lambda d: d.replace(b"<Tekst>", b"<Tekst>&#x1f;", 1), lambda d: d.replace(b"<L>", b"<A><L>") + b"</A>"]
        return with_data(file, rng.choice(ways)(file.data))
    deep = rng.choice([100, 5_000, 100_000])
    texts = [b'{"nr": ' + b"[" * deep + b"]" * deep + b"}", b'{"nr": 1, "nr": 2}', b'{"nr": NaN}', b'{"nr": 1e999}', b'{"nr": 1.10}', b'{"nr": -0}', b'{"nr": 123456789012345678901234567890.5}', b'{"nr": 1,}',
             b'[{"nr": 1}]', b'{"nr": 1}{"nr": 2}', b'{"nr": "\\u0000"}', b'{"nr": "\\u001f"}', b'{"nr": "\\ud800"}', b'{"nr": "a\\nb"}', b'{"hemmelig": 1}', b'{"bopael": {"by": "x", "by": "y"}}',
             b'{"bopael": {"andet": 1}}', b'{"bopael": 7}', b'{"nr": true, "bopael": null}', b"{'nr': 1}", b'\xef\xbb\xbf{"nr": 1}', b'{"nr": "' + b"x" * 200_000 + b'"}']
    return _each(rng, file, lambda line: rng.choice(texts) + b"\n")


# ------------------------------------------------------------------ packages and names


def _zip(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as package:
        for name, data in members:
            package.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data, method)
    return out.getvalue()


def _packed_file(file: File, data: bytes, suffix: str) -> File:
    return replace(file, name=file.name + suffix, data=data)


@mutation
def packed_gzip(rng: random.Random, file: File) -> File:
    whole = gzip.compress(file.data, 6, mtime=0)
    at = rng.randrange(len(whole))
    ways = [whole, whole, whole[:at], whole[:-4], whole + b"\0" * 40, whole + b"rester", whole + whole, whole[:at] + bytes([rng.randrange(256)]) + whole[at + 1:], file.data, b"",
            gzip.compress(file.data + b" \n" * 3_000_000, 9, mtime=0), gzip.compress(b"", mtime=0), gzip.compress(whole, mtime=0)]
    return _packed_file(file, rng.choice(ways), rng.choice([".gz", ".gz", ".GZ"]))


@mutation
def packed_zip(rng: random.Random, file: File) -> File:
    whole, name = _zip((file.name, file.data)), file.name
    at = rng.randrange(len(whole))
    locked = bytearray(whole)
    locked[6] |= 1
    locked[whole.index(b"PK\x01\x02") + 8] |= 1
    ways = [whole, whole, whole[:at], whole[:at] + bytes([rng.randrange(256)]) + whole[at + 1:], file.data, b"", bytes(locked), _zip(), _zip((name, file.data), ("to.csv", file.data)),
            _zip(("../../x", file.data)), _zip(("..\\x", file.data)), _zip(("/etc/x", file.data)), _zip(("C:x", file.data)), _zip(("mappe/", b""), ("mappe/" + name, file.data)),
            _zip((name, file.data), method=zipfile.ZIP_LZMA), _zip((name, file.data), method=zipfile.ZIP_STORED), _zip((name, file.data + b" \n" * 3_000_000)), _zip((name, whole)), b"\0" * 99 + whole,
            _zip(*((str(n), b"") for n in range(6000)))]
    return _packed_file(file, rng.choice(ways), ".zip")


@mutation
def named_oddly(rng: random.Random, file: File) -> File:
    name = rng.choice([*NAMES, file.name.lower(), file.name.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")), re.sub(r"\d{8}(?=\.)", "99991231", file.name), re.sub(r"20\d{4}", "202613", file.name)])
    name = name.format(file.name) if "{}" in name else name
    return replace(file, name=name, match=None) if name != file.name else file


