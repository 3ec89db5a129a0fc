"""XML: each element of the agreed name is a record, and its children and attributes are the fields."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from typing import IO
from xml.parsers import expat

from flis.contracts.contract import CHARSETS, FileType
from flis.core.reasons import told_name
from flis.intake.decoding import C1, refuse_utf16, same_charset, wrong_charset
from flis.intake.inspection import CHUNK, FAULT, FIELD, NEWLINE, POST, Inspected, Limits, Refused

MOST_DEEP = 100         # elements inside each other


def read_xml(ft: FileType, chunk: Callable[[], bytes], found: Inspected, target: IO[bytes], limits: Limits) -> None:
    """Each `format.post` element is a record; a column is the text of the child at its `sti` ('a/b', default its name) or of an attribute ('@a').

    A record with something that no column takes (an element, an attribute, text between elements), or with the same thing twice, is set aside, and the reason says
    which. What the contract names as `ikke_taget` is passed over with all that is in it, as often as it stands there: it reaches no spool.
    Where a file feeds several tables, each with a `post` of its own, a record begins with its element's name (POST) and has the columns of them all.
    """
    found.layout, found.fields = xml_layout(ft), True
    place = {name: i for i, name in enumerate(found.layout)}
    kinds = {str(t.recordtype).casefold(): {(c.path or c.header).casefold(): place[c.name] for c in t.columns} for t in ft.tables}
    higher = {kind: {"/".join(path.split("/")[:n]) for path in paths for n in range(1, path.count("/") + 1)} for kind, paths in kinds.items()}
    passed = {str(t.recordtype).casefold(): {path.casefold() for path in t.not_taken} for t in ft.tables}
    wanted: dict[str, int] = {}
    above: set[str] = set()
    dropped: set[str] = set()
    parser = expat.ParserCreate(encoding=ft.charset.removesuffix("-sig"))
    stack: list[str] = []
    names: list[str] = []   # of the elements in `stack`, as they are written
    row: list[str] = []
    text: list[str] = []
    filled: set[str] = set()
    inside = [0, 0, 0]      # depth of the current record, its first line, its length so far; records that begin on one line are counted on from it, so that a line tells one row
    fault = [""]
    within = [0]            # depth of the element that is passed over
    others: list[str] = []  # the first element that is neither root nor record

    def declared(_: str, encoding: str | None, __: int) -> None:
        if encoding and not same_charset(encoding, CHARSETS[ft.charset]):
            raise wrong_charset(1, ft.charset, told_name(encoding))

    def opened(name: str, attributes: dict[str, str]) -> None:
        nonlocal wanted, above, dropped
        plain = name.rsplit(":", 1)[-1]
        local = plain.casefold()
        if len(stack) == MOST_DEEP:
            raise Refused("xml_for_dyb", linje=parser.CurrentLineNumber, graense=MOST_DEEP)
        if inside[0] and not within[0]:
            between()
        stack.append(local)
        names.append(plain)
        if within[0]:
            return
        text.clear()
        if len(stack) == 1 and local != ft.format["rod"].casefold():
            raise Refused("forkert_rod", fundet=told_name(plain), forventet=ft.format["rod"])
        if not inside[0] and local in kinds:
            inside[:] = [len(stack), max(parser.CurrentLineNumber, inside[1] + 1), 0]
            row[:] = [""] * len(found.layout)
            if len(kinds) > 1:
                row[0] = local
            wanted, above, dropped = kinds[local], higher[local], passed[local]
            filled.clear()
            fault[0] = ""
        elif not inside[0]:
            if len(stack) > 1 and not others:
                others.append(plain)
        elif (path := "/".join(stack[inside[0]:])) in dropped:
            within[0] = len(stack)
            return
        elif path not in wanted and path not in above:
            blame("ukendt_felt", *names[inside[0]:])
        if inside[0]:
            for key, value in attributes.items():
                if key != "xmlns" and not key.startswith(("xmlns:", "xsi:")):
                    grow(value)
                    put("@" + key.rsplit(":", 1)[-1], value)

    def blame(code: str, *path: str) -> None:
        """Set the record aside for this; the first reason stands."""
        fault[0] = fault[0] or FAULT + code + FIELD + told_name("/".join(path))

    def between() -> None:
        """What has stood outside the elements that columns take is nothing but blanks."""
        if "".join(text).strip():
            blame("ukendt_felt", *names[inside[0] - 1:], "(tekst)")

    def put(last: str, value: str) -> None:
        """A value in its column: of the attribute `last` ('@a'), or of the element itself ('')."""
        path = "/".join([*stack[inside[0]:], *([last.casefold()] if last else [])])
        if path in dropped:
            return
        if path not in wanted or path in filled:
            blame("gentaget_felt" if path in filled else "ukendt_felt", *names[inside[0]:], *([last] if last else []))
            return
        filled.add(path)
        # a carriage return can stand in XML as a reference; it is a line break here as in JSON, and the spool's only line end is its own
        row[wanted[path]] = value.replace("\r\n", "\n").replace("\r", "\n").replace("\n", NEWLINE)

    def closed(_: str) -> None:
        if within[0]:
            within[0] = 0 if within[0] == len(stack) else within[0]
            leave()
            return
        path = "/".join(stack[inside[0]:]) if inside[0] else ""
        if path in wanted:
            put("", "".join(text))
        elif inside[0]:
            between()
        if inside[0] == len(stack):
            target.write((f"{inside[1]}{FIELD}0{FIELD}" + (fault[0] or FIELD.join(row)) + "\n").encode())
            found.records += 1
            inside[0] = 0
        leave()

    def leave() -> None:
        text.clear()
        stack.pop()
        names.pop()

    def characters(data: str) -> None:
        if inside[0] and not within[0]:
            grow(data)
            text.append(data)

    def grow(data: str) -> None:
        inside[2] += len(data) if data.isascii() else len(data.encode())
        if inside[2] > limits.line:
            raise Refused("lang_linje", linje=inside[1], graense=limits.line)

    def refuse(*_: object) -> None:
        raise Refused("xml_doctype", linje=parser.CurrentLineNumber)

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = opened, closed, characters
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    parser.XmlDeclHandler = declared
    fed = 0
    decoder = codecs.getincrementaldecoder(CHARSETS[ft.charset])("strict")     # the parser would say that the XML is not well formed, and not why
    try:
        while data := chunk():
            if not fed:
                refuse_utf16(data, ft.charset)
            if ft.charset == "iso-8859-1" and len(data.translate(None, C1)) != len(data):
                raise wrong_charset(parser.CurrentLineNumber, ft.charset)
            try:
                decoder.decode(data)
            except UnicodeDecodeError as error:
                raise wrong_charset(found.lines + 1 + error.object[:error.start].count(b"\n"), ft.charset) from error
            found.lines += data.count(b"\n")
            parser.Parse(data, False)
            fed += len(data)
            if fed - parser.CurrentByteIndex > limits.line + CHUNK:     # the parser keeps a tag or a comment until it ends
                raise Refused("lang_linje", linje=parser.CurrentLineNumber, graense=limits.line)
        if not fed:
            raise Refused("tom_fil")
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise Refused("ugyldig_xml", linje=error.lineno) from error
    if others and not found.records:
        raise Refused("mangler_post", post=", ".join(str(t.recordtype) for t in ft.tables), fundet=told_name(others[0]))


def xml_layout(ft: FileType) -> tuple[str, ...]:
    """The fields of an XML record in the spool: the columns of its tables, and first the element's name where there are several."""
    return ((POST,) if len(ft.tables) > 1 else ()) + tuple(dict.fromkeys(c.name for t in ft.tables for c in t.columns))
