"""The one streaming pass over a received file, before DuckDB sees it (decoding.py: characters and lines; json_lines.py and xml_records.py: their records).

It unpacks within limits, takes the hash, decodes strictly, and checks all that concerns the file as a whole: NUL and other control characters,
the longest line, the header by name and order, start and end record. What it has read it appends to a spool: UTF-8 text with '\\n' as the only line end,
exactly one line per physical line, so that line numbers can be counted where the spool is read. Work is done on chunks, never on single lines, but for
files whose quoted fields have to be joined, for JSON and for XML.

A spool of kind 'felter' (quotes, JSON, XML) holds one record per line instead: <first physical line> 0x1f <lines it spans> 0x1f <fields between 0x1f>, with
line breaks inside a field written as 0x1e; a record that cannot be read is <line> 0x1f <lines> 0x1f 0x1d <reason>, and 0x1f <field> where one field is to blame.
A field that is not there at all (JSON's null) is 0x1e 0x1d.
"""

from __future__ import annotations

import csv
import errno
import gzip
import hashlib
import os
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from flis.contracts.contract import Column, FileType, Match
from flis.core.reasons import UNTOLD, Reason, told_name
from flis.intake.inbox import same

CHUNK = 256 * 1024
MOST_DIRECTORY = CHUNK          # bytes of a zip's directory: one file's entry is some hundred
FIELD, NEWLINE, FAULT = "\x1f", "\x1e", "\x1d"
NULL = NEWLINE + FAULT
POST, NOT_TAKEN = "_post", "_ikke_taget"        # no column is called so: they begin with a letter
_DIGITS = re.compile(r"[0-9]+")
MOST_ASIDE = 1_000_000  # lines of one file that are set aside, each with its reason: beyond that it is the file
MOST_DIGITS = 8         # in an end record's count: no file has a hundred million records, and a longer number may be a CPR number, which we would tell back


@dataclass(frozen=True)
class Limits:
    """What a file may be: bytes as received, bytes unpacked, how many times larger unpacked (looked at above `ratio_from` bytes), bytes in
    one line (never below twice CHUNK), lines one quoted record may span."""

    received: int = 8 * 1024**3
    unpacked: int = 32 * 1024**3
    ratio: int = 200
    ratio_from: int = 64 * 1024**2
    line: int = 1024**2
    span: int = 200


csv.field_size_limit(Limits.line)       # the pass has its own limit of a line; Python's of a field would come as an error in the midst of one


class Spools:
    """The spool files of a batch, one per shape, open for writing until `close`. `number` tells the batches of a folder apart."""

    def __init__(self, folder: Path, number: int | str = 1) -> None:
        self.folder, self.number = folder, number
        self._others = 0
        self._open: dict[Path, IO[bytes]] = {}

    def another(self) -> Spools:
        """Spools of their own in the same folder, for a part of what these hold."""
        self._others += 1
        return Spools(self.folder, f"{self.number}_{self._others}")

    def of(self, filetype: FileType, version: str, layout: tuple[str, ...], as_fields: bool) -> tuple[Path, IO[bytes]]:
        """The spool for files of one shape, positioned at its end."""
        shape = repr((filetype.origin, version, layout, as_fields))
        path = self.folder / f"{self.number}_{hashlib.sha256(shape.encode()).hexdigest()[:24]}"
        if path not in self._open:
            self._open[path] = path.open("w+b")
        return path, self._open[path]

    def flush(self) -> None:
        for file in self._open.values():
            file.flush()

    def close(self) -> None:
        """Close and remove them all."""
        for path, file in self._open.items():
            file.close()
            path.unlink()
        self._open.clear()


def undo(file: IO[bytes], start: int) -> None:
    """Take back what has been written since `start`."""
    file.seek(start)
    file.truncate()


class Changed(Exception):
    """The file was written to while it was read."""


class Refused(Exception):
    """The whole file is refused, for this reason."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.reason = Reason.of(code, **facts)


@dataclass
class Inspected:
    """What the pass found. `layout` is the columns in the file's own order, local fields as plain names."""

    sha256: str = ""
    bytes: int = 0
    lines: int = 0
    records: int = 0
    ends_at: int | None = None
    end_count: int | None = None
    end_sum: str | None = None
    start_count: int | None = None
    start_sum: str | None = None
    header: str | None = None
    layout: tuple[str, ...] = ()
    local: tuple[str, ...] = ()
    fields: bool = False
    unpacked: int = 0
    loebenr: int | None = None
    forrige: int | None = None
    full: bool | None = None
    spool: Path | None = None
    warnings: list[Reason] = field(default_factory=list)


def readable_size(size: int) -> str:
    """A size in Danish notation, as limits are told."""
    for unit, factor in (("GB", 1024**3), ("MB", 1024**2), ("kB", 1024)):
        if size >= factor:
            return f"{size // factor} {unit}"
    return f"{size} byte"


DELIMITERS = {";": "semikolon", ",": "komma", "|": "lodret streg", "\t": "tabulator"}     # as a sender is told


def plain_name(name: str) -> str:
    """The file name without .gz or .zip, which contracts do not mention."""
    return re.sub(r"\.(gz|zip)$", "", name, flags=re.IGNORECASE)


# ------------------------------------------------------------------ bytes


class _Hashing:
    """A raw file that takes its hash while it is read."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self.hash, self.size = stream, hashlib.sha256(), 0

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self.hash.update(data)
        self.size += len(data)
        return data


class _Sips:
    """A zip that gives no more than MOST_DIRECTORY bytes at a time: its directory is read in one go, and a file in it takes half a kilobyte of memory."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self.seek, self.tell, self.seekable = raw.seek, raw.tell, raw.seekable

    def read(self, size: int = -1) -> bytes:
        if size > MOST_DIRECTORY:
            raise Refused("pakke_flere_filer", antal="mange")
        return self._raw.read(size)


@contextmanager
def open_plain(path: Path, limits: Limits) -> Iterator[tuple[Callable[[], bytes], Callable[[], tuple[str, int]]]]:
    """Open a received file for reading its unpacked content chunk by chunk.

    Gives two functions: the next chunk (empty at the end), and (sha256, bytes) of the file as it came, to be called last. Raises Refused when the
    package is broken, holds more than one file, climbs out of its folder or unpacks beyond the limits, and Changed when it was written to meanwhile.
    """
    if path.is_symlink():
        raise Refused("ikke_en_fil")
    received = path.stat().st_size
    if received > limits.received:
        raise Refused("for_stor", graense=readable_size(limits.received))
    suffix = path.suffix.lower()
    with path.open("rb") as raw:
        opened = os.fstat(raw.fileno())
        source: Any
        hashing = _Hashing(raw)
        if suffix == ".gz":
            source = gzip.GzipFile(fileobj=cast("IO[bytes]", hashing), mode="rb")
        elif suffix == ".zip":
            source = _open_member(raw, limits)
        else:
            source = hashing
        taken = 0

        def chunk() -> bytes:
            nonlocal taken
            try:
                data = source.read(CHUNK)
            except Exception as error:
                if source is hashing or _of_ours(error):
                    raise
                raise Refused("beskadiget_pakke") from error
            taken += len(data)
            if taken > limits.unpacked:
                raise Refused("pakke_bombe" if source is not hashing else "for_stor", graense=readable_size(limits.unpacked))
            if source is not hashing and taken > limits.ratio_from and taken > limits.ratio * max(received, 1):
                raise Refused("pakke_bombe", graense=f"{limits.ratio} gange den modtagne størrelse")
            return data

        def receipt() -> tuple[str, int]:
            if suffix == ".zip":
                raw.seek(0)
            while hashing.read(1024 * 1024):
                pass
            if not same(opened, os.fstat(raw.fileno())):
                raise Changed
            return hashing.hash.hexdigest(), hashing.size

        yield chunk, receipt


def _open_member(raw: IO[bytes], limits: Limits) -> IO[bytes]:
    """The one file in a zip."""
    try:
        package = zipfile.ZipFile(_Sips(raw))
        members = [m for m in package.infolist() if not m.is_dir()]
        if any(PurePosixPath(m.filename.replace("\\", "/")).is_absolute() or ".." in re.split(r"[\\/]", m.filename) or ":" in m.filename for m in members):
            raise Refused("pakke_sti")
        if len(members) != 1:
            raise Refused("pakke_flere_filer", antal=len(members))
        if members[0].flag_bits & 1:
            raise Refused("pakke_krypteret")
        if members[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Refused("pakke_metode")       # the others let the sender decide how much memory we take
        if members[0].file_size > limits.unpacked:
            raise Refused("pakke_bombe", graense=readable_size(limits.unpacked))
        return package.open(members[0])
    except Exception as error:
        if isinstance(error, Refused) or _of_ours(error):
            raise
        raise Refused("beskadiget_pakke") from error


def _of_ours(error: Exception) -> bool:
    """A fault of the disk or of memory. All else that the unpackers raise (index errors too) comes of a package that is broken, or made to break them."""
    return isinstance(error, MemoryError) or isinstance(error, OSError) and error.errno not in (None, errno.EINVAL)     # EINVAL: a place before the file's start


def receipt(path: Path) -> tuple[str, int]:
    """(sha256, bytes) of a file as it came, for one that is refused before the pass ends. A link is not followed."""
    if path.is_symlink():
        return "", 0
    with path.open("rb") as raw:
        hashing = _Hashing(raw)
        while hashing.read(1024 * 1024):
            pass
        return hashing.hash.hexdigest(), hashing.size


# ------------------------------------------------------------------ the pass


def inspect(path: Path, match: Match, local_fields: frozenset[str], spools: Spools, limits: Limits | None = None) -> Inspected:
    """Read a file once and append its text to the spool of its shape.

    `local_fields` are the extra columns this municipality may deliver. Raises Refused for whatever makes the whole file unusable; the spool is
    then as it was before.
    """
    from flis.intake.decoding import Text
    from flis.intake.json_lines import split_json
    from flis.intake.xml_records import read_xml, xml_layout

    limits = limits or Limits()
    ft = match.filetype
    found = Inspected()
    quote = (ft.format.get("citation") or "").encode()
    target: IO[bytes] | None = None
    start = 0
    try:
        with open_plain(path, limits) as (chunk, finish):
            if ft.kind == "xml":
                found.spool, target = spools.of(ft, match.version.version, xml_layout(ft), True)
                start = target.tell()
                read_xml(ft, chunk, found, target, limits)
                found.sha256, found.bytes = finish()
                return found
            text = Text(ft, limits, found.warnings)
            head, tail, quotes, last, raw = b"", b"", False, b"", b""
            while True:
                data = chunk()
                out = text.feed(data, final=not data)
                if target is None:
                    head += out
                    raw += data
                    if head.count(b"\n") >= max(ft.head_lines, 1) or not data:
                        _begin(ft, match, head, raw, local_fields, found)
                        raw = b""
                        found.spool, target = spools.of(ft, match.version.version, found.layout, False)
                        start = target.tell()
                        out, head = head, b""
                if target is not None and out:
                    quotes = quotes or bool(quote) and quote in out
                    target.write(out)
                    tail = (tail + out)[-65536:] if len(out) < 65536 else out[-65536:]
                    last = out[-1:]
                if not data:
                    break
            assert target is not None
            found.sha256, found.bytes = finish()
            if last != b"\n":
                target.write(b"\n")
                tail += b"\n"
                text.lines += 1
            text.finish(quotes, ft.kind == "fixed")
            found.lines = found.records = text.lines
            found.unpacked = target.tell() - start
            _long_enough(ft, found)
            _end(ft, tail, found)
        if ft.kind == "jsonl":
            split_json(ft, match, found, target, start, spools)
        elif quotes:
            _join_quoted(ft, match, found, target, start, spools, limits)
        return found
    except BaseException:
        if target is not None:
            undo(target, start)
        raise


def peek_number(path: Path, ft: FileType, limits: Limits) -> int | None:
    """The number in the start record, for putting extracts in order before they are read. None when it cannot be read: the pass will say why."""
    try:
        with open_plain(path, limits) as (chunk, _):
            line = chunk().split(b"\n", 1)[0].decode("latin-1").removesuffix("\r")
        return int(_taken(line, ft.format["startrecord"]["loebenr"], ft))
    except (Refused, ValueError):
        return None


def split_plain(line: str, ft: FileType) -> list[str]:
    """The fields of a single line (header, end record)."""
    quote = ft.format.get("citation")
    if quote and quote in line:
        fields = next(csv.reader([line], delimiter=ft.format["adskiller"], quotechar=quote))
    else:
        fields = line.split(ft.format["adskiller"])
    return fields[:-1] if ft.format.get("afsluttende_adskiller") and fields[-1:] == [""] else fields


def _long_enough(ft: FileType, found: Inspected) -> None:
    """Refuse a file of which, by its lines and bytes alone, too many lines are shorter than any that can be used: 200 MB of line ends are 200 million lines to set aside."""
    if ft.kind == "fixed":
        least = min(max((c.pos or 0) + (c.length or 0) - 1 for c in t.columns) for t in ft.tables)
    elif ft.kind == "delimited" and ft.format.get("recordtype"):
        least = min(len(t.columns) for t in ft.tables)
    else:
        least = len("{}") if ft.kind == "jsonl" else len(found.layout) - 1
    usable = (found.unpacked - found.lines) // least if least else found.lines      # what is not line ends, shared out
    if found.lines - usable > MOST_ASIDE:
        raise Refused("for_mange_ubrugelige", antal=found.lines - usable, graense=MOST_ASIDE)


def _begin(ft: FileType, match: Match, head: bytes, raw: bytes, local_fields: frozenset[str], found: Inspected) -> None:
    """Start record and header; `raw` is the same as it came."""
    if not head:
        raise Refused("tom_fil")
    lines = [line.decode() for line in head.split(b"\n", 2)[:max(ft.head_lines, 1)]]
    if record := ft.format.get("startrecord"):
        _start(record, lines.pop(0), ft, match, found)
    if ft.has_header:
        found.header = lines[0] if lines else ""
        if ft.kind == "delimited":
            found.layout, found.local = _header(found.header, raw, ft, match, local_fields)
    elif ft.kind == "delimited" and ft.format.get("recordtype"):
        pass        # each kind of line has its own columns
    elif ft.kind == "delimited":
        found.layout = tuple(c.name for c in ft.columns_of(match.version))
    elif ft.kind == "jsonl":
        columns = tuple(c.name for c in ft.tables[0].columns)
        found.local = tuple(sorted(local_fields - set(columns)))
        found.layout = columns + found.local


def _header(line: str, raw: bytes, ft: FileType, match: Match, local_fields: frozenset[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """`check_header` of a file's header; where it fails, and the line is right in another charset, the charset is what is wrong. `raw` ends in that line or after it."""
    from flis.intake.decoding import other_charset, wrong_charset

    columns = ft.columns_of(match.version)

    def fits(text: str) -> bool:
        try:
            check_header(split_plain(text, ft), columns, local_fields, ft)
        except (Refused, csv.Error):
            return False
        return True

    try:
        return check_header(split_plain(line, ft), columns, local_fields, ft)
    except Refused as refusal:
        if name := other_charset(raw, ft.head_lines, ft.charset, fits):
            raise wrong_charset(ft.head_lines, ft.charset, name) from refusal
        raise


def _start(record: dict[str, Any], line: str, ft: FileType, match: Match, found: Inspected) -> None:
    """The start record: what the extract is, and that it is the one its name says."""
    kind = record.get("type") or record["kendes_paa"]
    unreadable = Refused("mangler_startrecord", type=kind)
    if not is_record(record, line, ft):
        raise unreadable

    def value(key: str) -> str:
        return _taken(line, record[key], ft).strip()

    if mark := record.get("udtraekstype"):
        if value("udtraekstype") not in (mark["fuld"], mark["delta"]):
            raise unreadable
        found.full = value("udtraekstype") == mark["fuld"]
    for name, key in (("loebenr", "loebenr"), ("forrige", "forrige_loebenr")):
        if record.get(key):
            number = value(key)
            if number and not _DIGITS.fullmatch(number) or not number and name == "loebenr":
                raise unreadable
            setattr(found, name, int(number) if number else None)
    if record.get("kommunekode"):
        if not re.fullmatch(r"[0-9]{3,4}", code := value("kommunekode")):
            raise unreadable
        if code.rjust(4, "0") != match.kommunekode:
            raise Refused("startrecord_anden_kommune", fundet=code.rjust(4, "0"), forventet=match.kommunekode)
    if where := record.get("periode"):
        month = _month(value("periode"), where["form"])
        if month is None:
            raise unreadable
        if month != match.periode:
            raise Refused("startrecord_anden_periode", fundet=month.strftime("%m-%Y"), forventet=match.periode.strftime("%m-%Y") if match.periode else "")
    if record.get("antal"):
        if not _is_count(count := value("antal")):
            raise unreadable
        found.start_count = int(count)
    if record.get("sum"):
        found.start_sum = _taken(line, record["sum"], ft)


def _is_count(text: str) -> bool:
    return bool(_DIGITS.fullmatch(text)) and len(text.lstrip("0")) <= MOST_DIGITS


def _month(text: str, form: str) -> date | None:
    """The first day of a month (or of a year, for yyyy) as the contract writes it."""
    if not re.fullmatch({"yyyymm": "[0-9]{6}", "yyyy-mm": "[0-9]{4}-[0-9]{2}", "yyyy": "[0-9]{4}"}[form], text):
        return None
    try:
        return date(int(text[:4]), int(text[-2:]) if form != "yyyy" else 1, 1)
    except ValueError:
        return None


def is_record(record: dict[str, Any], line: str, ft: FileType) -> bool:
    """Whether a line is the start or end record: by its record type, or by what it begins with (its first field, where there are fields)."""
    if "type" in record:
        kind = _taken(line, ft.format["recordtype"], ft)
        return (kind if ft.kind == "fixed" else kind.strip()) == record["type"]
    return line.startswith(record["kendes_paa"]) if ft.kind == "fixed" else _taken(line, {"felt": 1}, ft).strip() == record["kendes_paa"]


def _taken(line: str, where: dict[str, int], ft: FileType) -> str:
    """What stands at a place of a single line: at a position, or in a field."""
    if "pos" in where:
        return line[where["pos"] - 1:where["pos"] - 1 + where["len"]]
    fields = split_plain(line, ft)
    return fields[where["felt"] - 1] if where["felt"] <= len(fields) else ""


def check_header(names: list[str], expected: tuple[Column, ...], local_fields: frozenset[str], ft: FileType) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The layout of a file by its header: column names in the file's order, and which of them are local. Raises Refused.

    A column that the contract names as `ikke_taget` is NOT_TAKEN in the layout, wherever it stands.
    """
    given = [n.strip() for n in names]
    agreed = {c.header.casefold(): c.name for c in expected}
    local = {n.casefold(): n for n in local_fields} | dict.fromkeys((n.casefold() for n in ft.tables[0].not_taken), NOT_TAKEN)
    wanted = (ft.format.get("adskiller") or ";").join(c.header for c in expected)
    known = [n for n in given if n.casefold() in agreed]
    if len(set(known)) * 2 < len(agreed) or not known:
        raise Refused("mangler_header", forventet=wanted, skilletegn=DELIMITERS.get(ft.format.get("adskiller") or ";", ft.format.get("adskiller")))   # names are not told back: the line may be data
    present = {n.casefold() for n in given}
    if missing := [c.header for c in expected if c.header.casefold() not in present]:
        raise Refused("manglende_kolonne", kolonner=", ".join(missing))
    seen: set[str] = set()
    extra = []
    for number, name in enumerate(given, start=1):
        if name.casefold() in seen or name.casefold() not in agreed and name.casefold() not in local:
            extra.append(number)
        seen.add(name.casefold())
    if extra:
        # Where the line break after the header is lost, what stands there is no name but a value of the first line: then only the number is told.
        name = told_name(given[extra[0] - 1]) if len(given) < 2 * len(expected) - 1 else UNTOLD
        raise Refused("ekstra_kolonne", antal=len(extra), nummer=extra[0], navn=name)
    for number, (got, column) in enumerate(zip(known, expected, strict=True), start=1):
        if got.casefold() != column.header.casefold():
            raise Refused("omrokeret_header", nummer=number, kolonne=got, forventet=wanted)
    layout = tuple(agreed.get(n.casefold()) or local[n.casefold()] for n in given)
    return layout, tuple(local[n.casefold()] for n in given if n.casefold() not in agreed and local[n.casefold()] != NOT_TAKEN)


def _end(ft: FileType, tail: bytes, found: Inspected) -> None:
    """The end record, as the last line that is not blank."""
    record = ft.format.get("slutrecord")
    if not record:
        return
    body = tail.rstrip(b"\n \t")
    at = found.lines - tail[len(body):].count(b"\n") + 1
    line = body[body.rfind(b"\n") + 1:].decode(errors="replace")
    if not is_record(record, line, ft):
        if record.get("paakraevet", "type" in record):
            raise Refused("mangler_slutrecord", linjer=found.lines)
        return
    found.ends_at = at

    if record.get("antal"):
        count = _taken(line, record["antal"], ft).strip()
        if not _is_count(count):
            raise Refused("ulaeselig_slutrecord", linje=at)
        found.end_count = int(count)
    if record.get("sum"):
        found.end_sum = _taken(line, record["sum"], ft)


# ------------------------------------------------------------------ the careful path: quotes


def _join_quoted(ft: FileType, match: Match, found: Inspected, source: IO[bytes], start: int, spools: Spools, limits: Limits) -> None:
    """Move the file's part of the line spool to a field spool, record by record."""
    found.spool, target = spools.of(ft, match.version.version, found.layout, True)
    found.fields = True
    expected = expected_fields(ft, found)
    begun = target.tell()
    try:
        for join in (_join_many, _join_one_by_one):
            source.seek(start)
            try:
                found.records = join(source, target, ft.format["adskiller"], ft.format["citation"], expected, limits)
                break
            except _NotPlain:
                undo(target, begun)
    except BaseException:
        undo(target, begun)
        raise
    undo(source, start)


class _NotPlain(Exception):
    """A quoted file that has to be read record by record."""


Record = tuple[int, int, list[str], str | None]


def expected_fields(ft: FileType, found: Inspected) -> frozenset[int]:
    """How many fields a good line may have: one number, or one for each of its record types."""
    counts = {len(t.columns) + 1 for t in ft.tables} if ft.format.get("recordtype") else {len(found.layout)}
    return frozenset(n + bool(ft.format.get("afsluttende_adskiller")) for n in counts)


def _join_many(source: IO[bytes], target: IO[bytes], delimiter: str, quote: str, expected: frozenset[int], limits: Limits) -> int:
    """As `_join_one_by_one`, with one pattern over many lines at a time, which is many times as fast. Returns the number of records.

    Raises _NotPlain where the two could part: a quote that is not at the edge of a field, or a record over several lines that has not its number of
    fields. Elsewhere a record ends where its quotes first pair off, and a field in quotes is what the pattern takes.
    """
    mark, cut, field_, newline = quote.encode(), delimiter.encode(), FIELD.encode(), NEWLINE.encode()
    held_cut, held_mark = b"\0", b"\x01"         # stand for a delimiter and a quote inside quotes meanwhile; no file has them
    q = re.escape(mark)
    quoted = re.compile(q + b"([^" + q + b"]*(?:" + q + q + b"[^" + q + b"]*)*)" + q)
    edges = (cut, b"\n")

    def unquoted(found: re.Match[bytes]) -> bytes:
        first, end, text = found.start(), found.end(), found.string
        if first and text[first - 1:first] not in edges or text[end:end + 1] not in edges:
            raise _NotPlain
        return found[1].replace(mark + mark, held_mark).replace(cut, held_cut).replace(b"\n", newline)

    number = records = 0
    while block := source.read(CHUNK):
        block += source.readline()
        whole, size = block.count(mark) % 2 == 0, len(block)
        rest = []           # of a record that goes on beyond the block
        while not whole:
            rest.append(source.readline())
            size += len(rest[-1])
            if not rest[-1] or size > CHUNK + 2 * limits.line:
                raise _NotPlain
            whole = rest[-1].count(mark) % 2 == 1
        block += b"".join(rest)
        block = quoted.sub(unquoted, block)
        if mark in block:
            raise _NotPlain
        lines = block.replace(cut, field_).replace(held_cut, cut).replace(held_mark, mark).split(b"\n")[:-1]
        out = []
        for line in lines:
            number += 1
            if newline not in line:
                out.append(b"%d\x1f1\x1f%s\n" % (number, line))
                continue
            more_lines = line.count(newline)
            if line.count(field_) + 1 not in expected or more_lines >= limits.span or len(line) > limits.line:
                raise _NotPlain
            out.append(b"%d\x1f%d\x1f%s\n" % (number, more_lines + 1, line))
            number += more_lines
        target.write(b"".join(out))
        records += len(out)
    return records


def _join_one_by_one(source: IO[bytes], target: IO[bytes], delimiter: str, quote: str, expected: frozenset[int], limits: Limits) -> int:
    """Every record on its own; returns how many there are."""
    records = 0
    lines = (raw.decode().removesuffix("\n") for raw in source)
    for number, span, fields, fault in join_records(lines, delimiter, quote, expected, limits):
        body = FAULT + fault if fault else FIELD.join(fields).replace("\n", NEWLINE)
        target.write(f"{number}{FIELD}{span}{FIELD}{body}\n".encode())
        records += 1
    return records


def join_records(lines: Iterator[str], delimiter: str, quote: str, expected: frozenset[int], limits: Limits) -> Iterator[Record]:
    """Split quoted lines into records: (first physical line, lines spanned, fields, fault or None).

    A record is whole when its quotes pair off. One that never is within the limits, or that swallowed whole records on its way (it does not parse, or
    has the wrong number of fields), is a line with an unbalanced quote: that line alone is set aside and the next one is read as usual.
    """
    ahead: list[str] = []
    number = 0

    def peek(index: int) -> str | None:
        while len(ahead) <= index:
            line = next(lines, None)
            if line is None:
                return None
            ahead.append(line)
        return ahead[index]

    while (line := peek(0)) is not None:
        number += 1
        if quote not in line:
            ahead.pop(0)
            yield number, 1, line.split(delimiter), None
            continue
        span, text, open_quote, size = 1, line, line.count(quote) % 2 == 1, 0
        while open_quote and span < limits.span and size < limits.line:
            more = peek(span)
            if more is None:
                break
            text, span, open_quote, size = f"{text}\n{more}", span + 1, open_quote ^ (more.count(quote) % 2 == 1), size + len(more.encode())
        fields = None if open_quote else _parse(text, delimiter, quote)
        if fields is None or (span > 1 and len(fields) not in expected):
            ahead.pop(0)
            yield number, 1, [], "ubalanceret_citation"
            continue
        del ahead[:span]
        yield number, span, fields, None
        number += span - 1


def _parse(text: str, delimiter: str, quote: str) -> list[str] | None:
    try:
        rows = list(csv.reader([part + "\n" for part in text.split("\n")], delimiter=delimiter, quotechar=quote, strict=True))
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None
