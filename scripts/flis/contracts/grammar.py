"""The words of a contract: which keys there are, where they may stand and what they may hold (docs/arkitektur.md has the table).

A key that is not here, or does not go with the file's format, is a fault with its name: what nobody reads must not look as if it were agreed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from datetime import date
from difflib import get_close_matches
from functools import reduce
from operator import getitem
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

Talformat = Literal["komma", "punktum", "efterstillet_minus", "komma_tre", "punktum_tre", "efterstillet_minus_tre", "oere", "tusinde"]
Charset = Literal["utf-8", "utf-8-sig", "iso-8859-1", "windows-1252"]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
OneCharacter = Annotated[str, Field(min_length=1, max_length=1)]
Position = Annotated[int, Field(ge=1)]
Text = Annotated[str, Field(min_length=1)]


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as fault:
        raise ValueError(f"is no regular expression: {fault}") from fault
    return pattern


Pattern = Annotated[str, Field(min_length=1), AfterValidator(_compiles)]


class Words(BaseModel):
    """Keys that stand together. Nothing but them; and a number is not taken for a text that happens to look like one."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


# ------------------------------------------------------------------ where a value stands


class Field_(Words):
    """In a delimited line: the number of the field, 1-based. A bare number says the same."""

    felt: Position

    @model_validator(mode="before")
    @classmethod
    def _number(cls, given: Any) -> Any:
        return {"felt": given} if isinstance(given, int) else given


class Cut(Words):
    """In a line of fixed width: the first position, 1-based, and how many."""

    pos: Position
    len: Position


class _Month(Words):
    form: Literal["yyyymm", "yyyy-mm", "yyyy"] = "yyyymm"


class _Kind(Words):
    fuld: Text
    delta: Text


class FieldMonth(Field_, _Month):
    """A month in a field."""


class CutMonth(Cut, _Month):
    """A month at a position."""


class FieldKind(Field_, _Kind):
    """Full or delta, in a field."""


class CutKind(Cut, _Kind):
    """Full or delta, at a position."""


# ------------------------------------------------------------------ start and end record


class _Record(Words):
    """`type` where the file has record types; `kendes_paa` (what the line begins with, or its first field is) where it has not."""

    type: Text | None = None
    kendes_paa: Text | None = None

    @model_validator(mode="after")
    def _known_by(self) -> _Record:
        if (self.type is None) == (self.kendes_paa is None):
            raise ValueError("needs type (with format.recordtype) or kendes_paa (without), and not both")
        return self


class _End(_Record):
    paakraevet: bool | None = None


class FieldEnd(_End):
    """End record of a delimited file."""

    antal: Field_ | None = None
    sum: Field_ | None = None


class CutEnd(_End):
    """End record of a file of fixed width."""

    antal: Cut | None = None
    sum: Cut | None = None


class FieldStart(_Record):
    """Start record of a delimited file. What it says of municipality and month is held against the file's name."""

    udtraekstype: FieldKind | None = None
    loebenr: Field_ | None = None
    forrige_loebenr: Field_ | None = None
    kommunekode: Field_ | None = None
    periode: FieldMonth | None = None
    antal: Field_ | None = None
    sum: Field_ | None = None


class CutStart(_Record):
    """Start record of a file of fixed width."""

    udtraekstype: CutKind | None = None
    loebenr: Cut | None = None
    forrige_loebenr: Cut | None = None
    kommunekode: Cut | None = None
    periode: CutMonth | None = None
    antal: Cut | None = None
    sum: Cut | None = None


# ------------------------------------------------------------------ formats


class _Lines(Words):
    """What delimited files and those of fixed width share."""

    header: bool | None = None

    @model_validator(mode="after")
    def _records(self) -> _Lines:
        for name in ("startrecord", "slutrecord"):
            record = getattr(self, name)
            if record and (record.type is None) != (getattr(self, "recordtype", None) is None):
                raise ValueError(f"{name}: type goes with recordtype, kendes_paa with a file that has none")
        return self


class Delimited(_Lines):
    """Fields with a character between them."""

    type: Literal["delimited"]
    tegnsaet: Charset
    adskiller: OneCharacter
    citation: OneCharacter | None = None
    afsluttende_adskiller: bool = False
    gentaget_header: bool = False
    recordtype: Field_ | None = None
    startrecord: FieldStart | None = None
    slutrecord: FieldEnd | None = None

    @model_validator(mode="after")
    def _header(self) -> Delimited:
        if self.recordtype and self.header:
            raise ValueError("header: true does not go with recordtype: a header names the columns of one table")
        if self.gentaget_header and (self.recordtype or self.header is False):
            raise ValueError("gentaget_header needs a header")
        return self


class Fixed(_Lines):
    """Fields at positions."""

    type: Literal["fixed"]
    tegnsaet: Charset
    recordtype: Cut | None = None
    startrecord: CutStart | None = None
    slutrecord: CutEnd | None = None


class Jsonl(Words):
    """One JSON object per line. `noegler` are the fields that each object has, whatever else it leaves out: an object without them is something else."""

    type: Literal["jsonl"]
    tegnsaet: Charset
    noegler: Annotated[tuple[Text, ...], Field(min_length=1)]


class Xml(Words):
    """One element per row. `rod` is the root element: a file with another is something else, an error page perhaps."""

    type: Literal["xml"]
    tegnsaet: Charset
    rod: Text
    post: Text


FORMATS: dict[str, type[Words]] = {"delimited": Delimited, "fixed": Fixed, "jsonl": Jsonl, "xml": Xml}


# ------------------------------------------------------------------ sources, tables, columns


class DebetKredit(Words):
    """The column that says which side an amount without a sign is on, and how it is written."""

    kolonne: Name
    debet: Text = "D"
    kredit: Text = "K"


class Kontroltal(Words):
    """What the loader sums into the ledger, and start and end records state."""

    kolonne: Name
    talformat: Talformat
    fortegn: Literal["netto", "debet"] = "netto"
    debet_kredit: DebetKredit | None = None


class RaekkensKommune(Words):
    """Which column says whose the row is, or why none does (`ingen`)."""

    kolonne: Name | None = None
    form: Literal["kode", "navn"] | None = None
    raekker: Literal["saet_til_side", "behold"] = "saet_til_side"
    handler_for: bool = False
    ingen: Annotated[str, Field(min_length=10)] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> RaekkensKommune:
        if self.ingen is not None and self.model_fields_set - {"ingen"}:
            raise ValueError("ingen stands alone: it says why no column tells whose the row is")
        if self.ingen is None and (self.kolonne is None or self.form is None):
            raise ValueError("needs kolonne and form (kode, navn), or ingen with the reason why no column tells whose the row is")
        return self


class Versioner(Words):
    """One version of an interface."""

    version: Text
    gaelder_fra: date = date(1900, 1, 1)
    fil: Text | None = None
    kolonner: tuple[Name, ...] | None = None


class TableMeta(Words):
    """What may stand on a table; most of it on the source too, for all its tables."""

    udtraekstype: Literal["fuld", "periode", "delta"] | None = None
    kommunekode: Annotated[str, Field(pattern=r"^([0-9]{4}|national)$")] | None = None
    kommunekolonne: Name | None = None
    raekkens_kommune: RaekkensKommune | None = None
    version: Text = "1"
    gaelder_fra: date = date(1900, 1, 1)
    versioner: Annotated[tuple[Versioner, ...], Field(min_length=1)] | None = None
    fil: Text | None = None
    kun_med_raekker: bool = False
    format: dict[str, Any] = Field(default_factory=dict)
    kontroltal: Kontroltal | None = None
    recordtype: Text | None = None
    ikke_taget: tuple[Text, ...] = ()


class SourceMeta(TableMeta):
    """What may stand on a source. The first four stand nowhere else."""

    afsender: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    fagomraade: Name
    kadence: tuple[Literal["maaned", "uge", "dag"], ...] = ("maaned",)
    frist_dage: Annotated[int, Field(ge=0, le=366)] = 31
    verificeret: bool = True


class ColumnMeta(Words):
    """What may stand on a column, whatever the format."""

    personnummer: bool = False
    tidligere_personnummer: bool = False
    ikke_personnummer: Pattern | None = None
    overskrift: Text | None = None
    sti: Text | None = None
    pos: Position | None = None
    len: Position | None = None


# Where each word of a table and of a column has a meaning; the others have it everywhere.
OF_TABLE: dict[str, tuple[str, ...]] = {"recordtype": ("delimited", "fixed"), "versioner.kolonner": ("delimited",), "ikke_taget": ("delimited", "jsonl", "xml")}
OF_COLUMN: dict[str, tuple[str, ...]] = {"overskrift": ("delimited",), "sti": ("jsonl", "xml"), "pos": ("fixed",), "len": ("fixed",)}
ALL_WORDS = {*SourceMeta.model_fields, *ColumnMeta.model_fields}


def read(model: type[Words], given: Any, at: str = "") -> tuple[Any, list[str]]:
    """`given` by the words of `model`, with what is wrong, each fault with the name of its key. `at` is where it stands ('format').

    None when it cannot be read at all; where nothing but unknown keys is wrong, it is read without them, so that what else is wrong can be told too.
    """
    if not isinstance(given, dict):
        return None, [f"{at or 'meta'} must be keys with values"]
    try:
        return model.model_validate(given), []
    except ValidationError as error:
        found, told = error.errors(), list(_told(model, error, at))
    if any(fault["type"] != "extra_forbidden" for fault in found):
        return None, told
    given = deepcopy(given)
    for fault in found:
        *above, last = fault["loc"]
        del reduce(getitem, above, given)[last]
    return model.model_validate(given), told


def read_format(given: dict[str, Any]) -> tuple[Any, list[str]]:
    """A table's format, by the words of its own kind."""
    kind = given.get("type")
    if kind not in FORMATS:
        nearest = get_close_matches(str(kind), FORMATS, 1)
        return None, [f"format.type must be {', '.join(FORMATS)}" + (f" (nearest to {kind!r}: {nearest[0]})" if nearest else "")]
    return read(FORMATS[kind], given, "format")


def _told(model: type[Words], error: ValidationError, at: str) -> Iterator[str]:
    for fault in error.errors():
        path = [str(p) for p in fault["loc"]]
        name = ".".join([at, *path] if at else path)
        if fault["type"] == "extra_forbidden":
            yield f"{name} {_unknown(model, path, at)}"
        elif fault["type"] == "missing":
            yield f"{name} is missing"
        elif fault["type"] in ("literal_error", "enum"):
            yield f"{name} must be {fault['ctx']['expected'].replace(chr(39), '')}, not {fault['input']!r}"
        else:
            yield f"{name or 'meta'}: {re.sub('^Value error, ', '', fault['msg'])}"


def _unknown(model: type[Words], path: list[str], at: str) -> str:
    """Why a key may not stand where it does, and which was perhaps meant."""
    word, known = path[-1], set(model.model_fields)
    for step in path[:-1]:
        inner = _inner(model, step)
        if inner is None:
            break
        model, known = inner, set(inner.model_fields)
    if at == "format" and len(path) == 1 and (others := [k for k, m in FORMATS.items() if word in m.model_fields]):
        return f"does not go with format.type {model.model_fields['type'].annotation.__args__[0]}: it is a key of {', '.join(others)}"
    if model is TableMeta and word in SourceMeta.model_fields:
        return "stands on the source, not on a table"
    nearest = get_close_matches(word, sorted(known), 1, 0.5)
    return f"is not a key of the contract's grammar (nearest: {nearest[0]})" if nearest else f"is not a key of the contract's grammar (known here: {', '.join(sorted(known))})"


def _inner(model: type[Words], step: str) -> type[Words] | None:
    """The model of one key's value, or None when it is no model (or a place in a list)."""
    if step not in model.model_fields:
        return model if step.isdigit() else None
    waiting = [model.model_fields[step].annotation]
    while waiting:
        kind = waiting.pop()
        if isinstance(kind, type) and issubclass(kind, Words):
            return kind
        waiting += [a for a in getattr(kind, "__args__", ()) if a is not Ellipsis]
    return None
