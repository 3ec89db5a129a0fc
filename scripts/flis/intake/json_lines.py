"""JSON lines: each line an object, whose values go where the contract has them."""

from __future__ import annotations

import json
import re
from typing import IO, Any

from flis.contracts.contract import FileType, Match
from flis.core.reasons import told_name
from flis.intake.inspection import FAULT, FIELD, NEWLINE, NULL, Inspected, Spools, undo

_FORBIDDEN = re.compile("[\0\x01\x1d-\x1f\ud800-\udfff]")
_NOT_TAKEN = -1         # in the tree: what stands here is known, and never stored


class _Number(str):
    """A number as it is written: 1.10 stays 1.10, and forty digits stay forty."""


class _Object(list):
    """A JSON object as its pairs, so that a field that stands twice is seen."""


class _Unfit(ValueError):
    """A record that is set aside, with the code of its reason and the field to blame, if it is one."""

    def __init__(self, code: str, field: str = "") -> None:
        super().__init__(code)
        self.body = FAULT + code + (FIELD + told_name(field) if field else "")


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def split_json(ft: FileType, match: Match, found: Inspected, source: IO[bytes], start: int, spools: Spools) -> None:
    """Move the file's part of the line spool to a field spool, line by line."""
    found.spool, target = spools.of(ft, match.version.version, found.layout, True)
    found.fields = True
    begun = target.tell()
    columns = {c.name: c.path or c.header for c in ft.tables[0].columns}
    tree: dict[str, Any] = {}
    for number, name in enumerate(found.layout):
        *above, last = columns[name].split(".") if name in columns else [name]
        node = tree
        for part in above:
            node = node.setdefault(part, {})
        node[last] = number
    for path in ft.tables[0].not_taken:
        *above, last = path.split(".")
        node = tree
        for part in above:
            node = node.setdefault(part, {})
        node[last] = _NOT_TAKEN
    needed = ft.format["noegler"]
    try:
        source.seek(start)
        for number, raw in enumerate(source, start=1):
            row = [NULL] * len(found.layout)
            try:
                given = _parsed(raw.decode().removesuffix("\n"))
                _fill(row, given, tree)
                _whole(given, needed)
                body = FIELD.join(row)
            except _Unfit as fault:
                body = fault.body
            target.write(f"{number}{FIELD}1{FIELD}{body}\n".encode())
    except BaseException:
        undo(target, begun)
        raise
    undo(source, start)


def _parsed(line: str) -> _Object:
    """A line as a JSON object. Raises _Unfit."""
    if not line.strip():
        raise _Unfit("tom_linje")
    try:
        value = json.loads(line, parse_float=_Number, parse_int=_Number, parse_constant=_no_number, object_pairs_hook=_Object)
    except (ValueError, RecursionError) as error:
        raise _Unfit("ugyldig_json") from error
    if not isinstance(value, _Object):
        raise _Unfit("ugyldig_json")
    return value


def _fill(row: list[str], given: _Object, tree: dict[str, Any], above: str = "") -> None:
    """Put the object's values where the contract has them; `above` is the path of the object, with a full stop. Raises _Unfit."""
    seen = set()
    for key, value in given:
        place, path = tree.get(key), above + key
        if place == _NOT_TAKEN:
            continue
        if key in seen:
            raise _Unfit("gentaget_felt", path)
        seen.add(key)
        if place is None or isinstance(place, dict) and value is not None and not isinstance(value, _Object):
            raise _Unfit("ukendt_felt", path)
        if isinstance(place, dict):
            _fill(row, value or _Object(), place, path + ".")
        elif value is not None:
            row[place] = _kept(_as_text(value), path)


def _whole(given: _Object, needed: tuple[str, ...]) -> None:
    """Raises _Unfit for an object that lacks a field each row of the interface has: `{}` is no row without values."""
    present = {key for key, _ in given}
    for name in needed:
        if name not in present:
            raise _Unfit("mangler_felt", name)


def _as_text(value: Any) -> str:
    """A value as text: text without its quotes, a number as written, anything else as JSON."""
    if isinstance(value, str):
        return value
    try:
        return _dumped(value)
    except RecursionError as error:
        raise _Unfit("ugyldig_json") from error


def _dumped(value: Any) -> str:
    if isinstance(value, _Number):
        return value
    if isinstance(value, _Object):
        return "{" + ", ".join(f"{json.dumps(k, ensure_ascii=False)}: {_dumped(v)}" for k, v in value) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_dumped, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _kept(value: str, field: str) -> str:
    """A value as a field spool holds it. Raises _Unfit for characters that no extract has reason to hold, or that no text can."""
    if _FORBIDDEN.search(value):
        raise _Unfit("ulovligt_tegn", field)
    return value.replace("\r\n", "\n").replace("\r", "\n").replace("\n", NEWLINE)
