"""The contracts of the interfaces, as they stand in the source YAML of the models (grammar: docs/arkitektur.md)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from flis.contracts import crosscheck, grammar
from flis.contracts.grammar import ColumnMeta, SourceMeta, TableMeta, Words
from flis.core.home import REPO

CHARSETS = {"utf-8": "utf-8", "utf-8-sig": "utf-8", "iso-8859-1": "latin-1", "windows-1252": "cp1252"}
MODELS = REPO / "models" / "staging"


class ContractError(Exception):
    """A source YAML breaks the grammar. The text names the file and what to put right; one line per fault."""


@dataclass(frozen=True)
class Column:
    """One delivered field. `header` is its name in the file, `path` where it stands in JSON or XML."""

    name: str
    header: str
    pos: int | None = None
    length: int | None = None
    personnummer: bool = False
    tidligere: bool = False
    path: str | None = None
    is_amount: bool = False
    ikke_personnummer: str | None = None        # how numbers of another kind are written that stand here and look like CPR numbers (RE2)


class ControlTotal(NamedTuple):
    """What is summed of a table: a column, how it is written, which amounts (netto, or debet: the positive alone), and the column that says debit or credit with its two marks."""

    column: str
    talformat: str
    fortegn: str
    side: tuple[str, str, str] | None = None


class WhoseRow(NamedTuple):
    """The column that says which municipality's the row is, by code or by name. `keep`: a row may name another, and only a file of them is refused. `acting`: those it acts for are its own."""

    column: str
    form: str
    keep: bool = False
    acting: bool = False


@dataclass(frozen=True)
class Table:
    """One raw table. A file with record types feeds several; in XML the record type is the element's name."""

    name: str
    identifier: str
    columns: tuple[Column, ...]
    recordtype: str | None = None
    kontroltal: ControlTotal | None = None
    kommunekolonne: str | None = None
    raekkens_kommune: WhoseRow | None = None
    not_taken: tuple[str, ...] = ()     # fields that are known to come (named as in `sti` or `overskrift`) and are never stored

    def column(self, name: str) -> Column:
        return next(c for c in self.columns if c.name == name)

    @property
    def cpr_columns(self) -> tuple[str, ...]:
        """Every column that holds a CPR number, the row's own person first."""
        return tuple(c.name for c in sorted(self.columns, key=lambda c: c.tidligere) if c.personnummer or c.tidligere)


@dataclass(frozen=True)
class Version:
    """One version of an interface: from when, under which file name, with which columns in which order."""

    version: str
    gaelder_fra: date
    pattern: re.Pattern[str]
    columns: tuple[str, ...] | None
    fil: str = ""


@dataclass(frozen=True)
class FileType:
    """One kind of file a sender delivers. Its name is that of the first table it feeds."""

    kildesystem: str
    afsender: str
    fagomraade: str
    udtraekstype: str
    frist_dage: int
    kommunekode: str | None
    national: bool
    format: dict[str, Any]
    tables: tuple[Table, ...]
    versions: tuple[Version, ...]
    origin: str

    @property
    def name(self) -> str:
        return self.tables[0].name

    @property
    def charset(self) -> str:
        return self.format["tegnsaet"]

    @property
    def kind(self) -> str:
        return self.format["type"]

    @property
    def has_header(self) -> bool:
        return bool(self.format.get("header", self.kind == "delimited" and not self.format.get("recordtype")))

    @property
    def head_lines(self) -> int:
        """Lines before the data: the start record, then the header."""
        return bool(self.format.get("startrecord")) + self.has_header

    def columns_of(self, version: Version) -> tuple[Column, ...]:
        """The columns of a one-table file in the order of the file."""
        table = self.tables[0]
        return table.columns if version.columns is None else tuple(table.column(n) for n in version.columns)


@dataclass(frozen=True)
class Match:
    """What a file name says: its type and version, and the values that stand in the name."""

    filetype: FileType
    version: Version
    kommunekode: str | None
    periode: date | None
    udtrukket: datetime | None
    loebenr: int | None

    @property
    def free_name(self) -> bool:
        """Whether a part of the name is the sender's own words."""
        return _ANYTHING in self.version.pattern.pattern


@dataclass
class Contracts:
    """All contracts, and the search from a file name to the one that covers it."""

    filetypes: tuple[FileType, ...]
    _by_sender: dict[str, list[FileType]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for ft in self.filetypes:
            self._by_sender.setdefault(ft.afsender, []).append(ft)

    def match(self, afsender: str, name: str) -> Match | None:
        """The contract for a file name without .gz/.zip, or None. Of several versions with the same pattern the date decides."""
        found: list[Match] = []
        for ft in self._by_sender.get(afsender, []):
            hits = []
            for v in ft.versions:
                m = v.pattern.fullmatch(name)
                if m and (parts := _parts(m.groupdict())) is not None:
                    hits.append((v, parts))
            if not hits:
                continue
            parts = hits[0][1]
            day = parts["periode"] or (parts["udtrukket"].date() if parts["udtrukket"] else date.max)
            valid = [h for h in hits if h[0].gaelder_fra <= day] or hits[:1]
            version, parts = max(valid, key=lambda h: h[0].gaelder_fra)
            kommunekode = parts["kommunekode"] or ft.kommunekode
            found.append(Match(ft, version, kommunekode, parts["periode"], parts["udtrukket"], parts["loebenr"]))
        if len(found) > 1:
            names = ", ".join(f"{m.filetype.kildesystem}.{m.filetype.name}" for m in found)
            raise ContractError(f"File name {name!r} from {afsender!r} is covered by more than one contract: {names}")
        return found[0] if found else None

    def nearest(self, afsender: str, name: str) -> str:
        """What a name that no contract covers may have been meant as, in Danish: another sender's file, or the agreed name most like it."""
        from difflib import get_close_matches

        others = sorted({ft.afsender for ft in self.filetypes if ft.afsender != afsender and self.match(ft.afsender, name)})
        if others:
            return f"filen ligner en fra afsenderen {others[0]}"
        names = {v.fil for ft in self._by_sender.get(afsender, []) for v in ft.versions if v.fil}
        if not names:
            return "der er ingen aftale med den afsender"
        return f"nærmest er {get_close_matches(name, sorted(names), 1, 0)[0]}"


# ------------------------------------------------------------------ file name patterns

_TOKENS = {
    "kommunekode:3": r"(?P<kommunekode>\d{3})",
    "kommunekode:4": r"(?P<kommunekode>\d{4})",
    "periode:yyyymm": r"(?P<periode_yyyymm>\d{6})",
    "periode:yyyy-mm": r"(?P<periode_yyyymm>\d{4}-\d{2})",
    "periode:yyyy": r"(?P<periode_yyyy>\d{4})",
    "udtraek:yyyymmdd": r"(?P<udtraek_yyyymmdd>\d{8})",
    "udtraek:yyyymmddhhmm": r"(?P<udtraek_yyyymmddhhmm>\d{12})",
    "udtraek:yymmdd": r"(?P<udtraek_yymmdd>\d{6})",
}
_ANYTHING = r"[A-Za-z0-9._-]+"
_OBVIOUS = re.compile("kommune|municipality|zikom", re.IGNORECASE)
FIRST_YEAR, LAST_YEAR = 1900, 2199      # in a file name; outside it is a slip, and the days around it may not exist
_DATES = {"yyyymmdd": "%Y%m%d", "yyyymmddhhmm": "%Y%m%d%H%M", "yymmdd": "%y%m%d"}


def compile_pattern(text: str) -> re.Pattern[str]:
    """A file name pattern as a regular expression. Raises ValueError on an unknown {token}."""
    out = ""
    for piece in re.split(r"(\{[^}]*\})", text):
        if not piece.startswith("{"):
            out += re.escape(piece)
            continue
        token = piece[1:-1]
        if token in _TOKENS:
            out += _TOKENS[token]
        elif m := re.fullmatch(r"loebenr:(\d+)", token):
            out += rf"(?P<loebenr>\d{{{m[1]}}})"
        elif token == "*":
            out += _ANYTHING
        else:
            raise ValueError(f"unknown {piece} in the file name pattern")
    return re.compile(out, re.ASCII)


def _parts(groups: dict[str, str | None]) -> dict[str, Any] | None:
    """The values in a file name; None when a date in it does not exist or cannot be meant."""
    parts: dict[str, Any] = {"kommunekode": None, "periode": None, "udtrukket": None, "loebenr": None}
    try:
        for name, value in groups.items():
            if value is None:
                continue
            if name == "kommunekode":
                parts["kommunekode"] = value.rjust(4, "0")
            elif name == "loebenr":
                parts["loebenr"] = int(value)
            elif name == "periode_yyyymm":
                parts["periode"] = datetime.strptime(value.replace("-", ""), "%Y%m").date()
            elif name == "periode_yyyy":
                parts["periode"] = date(int(value), 1, 1)
            else:
                parts["udtrukket"] = datetime.strptime(value, _DATES[name.removeprefix("udtraek_")])
    except ValueError:
        return None
    if any(day and not FIRST_YEAR <= day.year <= LAST_YEAR for day in (parts["periode"], parts["udtrukket"])):
        return None
    return parts


# ------------------------------------------------------------------ reading


def read_contracts(models: Path | None = None) -> Contracts:
    """Read every `_*__sources.yml` below `models` (default: the repo's models/staging). Raises ContractError with all faults found."""
    root = Path(models or MODELS)
    areas = {*fagomraader(), "faelles"}
    filetypes: list[FileType] = []
    faults: list[str] = []
    for path in sorted(root.rglob("_*__sources.yml")):
        try:
            content = yaml.load(path.read_text(encoding="utf-8"), Loader=crosscheck.Strict) or {}
        except yaml.YAMLError as error:
            faults.append(f"{path}: not readable YAML: {error}")
            continue
        faults += [f"{path}: {text}" for text in crosscheck.misplaced(content)]
        for source in content.get("sources") or []:
            if not any(_meta(node) for node in (source, *(source.get("tables") or []))):
                continue        # the set-up and the ledger: sources of ours, not interfaces
            filetypes += _source(path, source, faults)
    seen: dict[str, str] = {}
    for ft in filetypes:
        faults += [f"{ft.origin}: {text}" for text in crosscheck.contradictions(ft, areas)]
        for t in ft.tables:
            if seen.setdefault(t.identifier, ft.origin) != ft.origin:
                faults.append(f"{ft.origin}: raw table {t.identifier} is fed by another contract too ({seen[t.identifier]})")
    if faults:
        raise ContractError("\n".join(faults))
    return Contracts(tuple(filetypes))


def fagomraader() -> list[str]:
    """The fagområder there are: `vars.fagomraader` in dbt_project.yml."""
    return yaml.safe_load((REPO / "dbt_project.yml").read_text("utf-8"))["vars"]["fagomraader"]


def _meta(node: dict[str, Any]) -> dict[str, Any]:
    return (node.get("config") or {}).get("meta") or {}


Fault = Callable[[str], None]


@dataclass(frozen=True)
class _Given:
    """One table as it is written: its node, and its words with those of the source under them."""

    node: dict[str, Any]
    meta: TableMeta
    format: Any         # one of grammar's formats, by its `type`

    @property
    def name(self) -> str:
        return str(self.node.get("name", "?"))

    @property
    def kind(self) -> str:
        return self.format.type


def _source(path: Path, source: dict[str, Any], faults: list[str]) -> Iterable[FileType]:
    """The file types of one source: its tables gathered by the file they come from."""
    system, given = source.get("name", "?"), _meta(source)

    def fault(text: str) -> None:
        if f"{path}: {system}: {text}" not in faults:
            faults.append(f"{path}: {system}: {text}")

    _misplaced(source, fault)
    words, wrong = grammar.read(SourceMeta, given)
    for text in wrong:
        fault(text)
    by_file: dict[str, list[_Given]] = {}
    for node in source.get("tables") or []:
        if table := _table(path, system, given, node, faults):
            patterns = [table.meta.fil] if table.meta.fil else [v.fil for v in table.meta.versioner or ()]
            by_file.setdefault("|".join(str(p) for p in patterns), []).append(table)
    for tables in by_file.values():
        origin = f"{path}: {system}.{tables[0].name}"
        before = len(faults)
        ft = words and _filetype(origin, system, words, tables, faults)
        if ft and len(faults) == before:
            yield ft


def _misplaced(node: dict[str, Any], fault: Fault) -> None:
    """Words of the grammar that stand beside config.meta instead of in it, where nobody reads them."""
    for key in sorted(set(node) & grammar.ALL_WORDS | set(node.get("config") or {}) & grammar.ALL_WORDS):
        fault(f"{key} stands outside config.meta, where it is not read")


def _table(path: Path, system: str, source: dict[str, Any], node: dict[str, Any], faults: list[str]) -> _Given | None:
    """One table's words by the grammar, the source's under its own; None when they are not."""
    own = _meta(node)

    def fault(text: str, of_source: bool = False) -> None:
        line = f"{path}: {system}: {text}" if of_source else f"{path}: {system}.{node.get('name', '?')}: {text}"
        if line not in faults:
            faults.append(line)

    _misplaced(node, fault)
    for text in grammar.read(TableMeta, own)[1]:
        fault(text)
    outer, inner = source.get("format") or {}, own.get("format") or {}
    # A table of another kind than the source's takes nothing of its format: what goes with one kind does not go with the other.
    given = inner if inner.get("type") not in (None, outer.get("type")) else {**outer, **inner}
    fmt, wrong = grammar.read_format(given)
    for text in wrong:
        fault(text, of_source=not inner)
    merged, wrong = grammar.read(TableMeta, {**{k: v for k, v in source.items() if k in TableMeta.model_fields}, **own})
    if fmt is None or merged is None:
        return None         # what is wrong in the source alone has been told there
    return _Given(node, merged, fmt)


def _filetype(origin: str, system: str, source: SourceMeta, tables: list[_Given], faults: list[str]) -> FileType | None:
    def fault(text: str) -> None:
        faults.append(f"{origin}: {text}")

    meta, fmt = tables[0].meta, tables[0].format
    if meta.udtraekstype is None:
        fault("udtraekstype is missing (fuld, periode or delta)")
    _together(tables, fault)
    built = [t for given in tables if (t := _raw_table(system, given, fault))]
    if not built:
        return None
    if meta.kommunekolonne and not any(t.kommunekolonne for t in built):
        fault(f"kommunekolonne {meta.kommunekolonne!r} is not a column")
    versions = _versions(meta, built, fault)
    national = meta.kommunekode == "national"
    in_name = all("(?P<kommunekode>" in v.pattern.pattern for v in versions)
    if meta.kommunekode and not national and any("(?P<kommunekode>" in v.pattern.pattern for v in versions):
        fault("kommunekode is fixed, and stands in the file name too")
    if not national and not in_name and meta.kommunekode is None:
        fault("kommunekode must stand in the file name, or be fixed (four digits) or 'national' in the contract")
    for given in tables:
        _whose_rows(given, national, fault)
    _start_against_name(fmt, national, versions, fault)
    plain = fmt.model_dump(exclude_none=True, exclude_defaults=False)
    return FileType(
        kildesystem=system, afsender=source.afsender, fagomraade=source.fagomraade, udtraekstype=meta.udtraekstype or "", frist_dage=source.frist_dage,
        kommunekode=None if national or in_name else meta.kommunekode, national=national, format=plain, tables=tuple(built), versions=tuple(versions), origin=origin)


def _together(tables: list[_Given], fault: Fault) -> None:
    """What several tables from one file need, and what tells them apart."""
    kind, marks = tables[0].kind, [t.format.post if t.kind == "xml" else t.meta.recordtype for t in tables]
    if any({k: v for k, v in t.format if k != "post"} != {k: v for k, v in tables[0].format if k != "post"} for t in tables):
        fault("tables from one file must have one format")
    elif kind == "xml":
        if len({str(m).casefold() for m in marks}) < len(marks):
            fault("several tables from one XML file need a format.post each")
    elif getattr(tables[0].format, "recordtype", None) is None:
        if len(tables) > 1:
            fault("several tables from one file need format.recordtype")
        for t in tables:
            if t.meta.recordtype is not None:
                fault(f"recordtype of {t.name} goes with format.recordtype, which says where it stands")
    else:
        for t in tables:
            if t.meta.recordtype is None:
                fault(f"recordtype is missing on {t.name}: format.recordtype says where it stands")
        ends = [r.type for r in (tables[0].format.startrecord, tables[0].format.slutrecord) if r]
        if len({*marks, *ends}) < len(marks) + len(ends):
            fault("each table, startrecord and slutrecord needs a recordtype of its own")


def _raw_table(system: str, given: _Given, fault: Fault) -> Table | None:
    name, meta, kind = given.name, given.meta, given.kind
    columns = tuple(_column(c, kind, lambda text: fault(f"{name}.{text}")) for c in given.node.get("columns") or [])
    if not columns:
        fault(f"table {name} has no columns")
        return None
    names = [c.name for c in columns]
    for twice in sorted({n for n in names if names.count(n) > 1}):
        fault(f"column {twice} stands twice in {name}")
    if kind == "fixed" and (missing := [c.name for c in columns if not c.pos or not c.length]):
        fault(f"fixed width needs pos and len on {', '.join(missing)}")
    for key, here in (("recordtype", meta.recordtype), ("versioner.kolonner", any(v.kolonner for v in meta.versioner or ())), ("ikke_taget", meta.ikke_taget)):
        if here and kind not in grammar.OF_TABLE[key]:
            fault(f"{key} does not go with format.type {kind}: it is a key of {', '.join(grammar.OF_TABLE[key])}")
    if both := [n for n in meta.ikke_taget if n.casefold() in {(c.path or c.header).casefold() for c in columns}]:
        fault(f"ikke_taget of {name} names what a column takes: {', '.join(both)}")
    if meta.ikke_taget and (getattr(given.format, "gentaget_header", False) or kind == "delimited" and meta.recordtype):
        fault(f"ikke_taget of {name} does not go with gentaget_header or recordtype: there the columns that are taken tell what a line is")
    total, whose, record = meta.kontroltal, meta.raekkens_kommune, given.format.post if kind == "xml" else meta.recordtype
    side = total.debet_kredit if total else None
    pointed = (("kontroltal.kolonne", total and total.kolonne), ("kontroltal.debet_kredit.kolonne", side and side.kolonne), ("raekkens_kommune.kolonne", whose and whose.kolonne))
    for key, column in pointed:
        if column and column not in names:
            nearest = get_close_matches(column, names, 1)
            fault(f"{key} {column!r} is not a column of {name}" + (f" (nearest: {nearest[0]})" if nearest else ""))
    return Table(
        name=name, identifier=given.node.get("identifier") or f"{system}__{name}", columns=columns, recordtype=record,
        kontroltal=ControlTotal(total.kolonne, total.talformat, total.fortegn, (side.kolonne, side.debet, side.kredit) if side else None) if total else None,
        kommunekolonne=meta.kommunekolonne if meta.kommunekolonne in names else None,
        raekkens_kommune=WhoseRow(whose.kolonne, whose.form, whose.raekker == "behold", whose.handler_for) if whose and whose.kolonne and whose.form else None,
        not_taken=meta.ikke_taget)


def _versions(meta: TableMeta, built: list[Table], fault: Fault) -> list[Version]:
    versions = []
    for entry in meta.versioner or (grammar.Versioner(version=meta.version, gaelder_fra=meta.gaelder_fra),):
        if entry.kolonner and (len(built) > 1 or built[0].recordtype):
            fault(f"version {entry.version}: kolonner needs one table without record types")
        elif entry.kolonner and (unknown := [c for c in entry.kolonner if c not in {c.name for c in built[0].columns}]):
            fault(f"version {entry.version} lists unknown columns: {', '.join(unknown)}")
        try:
            versions.append(Version(version=entry.version, gaelder_fra=entry.gaelder_fra, pattern=compile_pattern(entry.fil or meta.fil or ""), columns=entry.kolonner, fil=entry.fil or meta.fil or ""))
        except ValueError as error:
            fault(f"version {entry.version}: {error}")
    if any(not v.pattern.pattern for v in versions):
        fault("fil (the file name pattern) is missing")
    return versions


def _whose_rows(given: _Given, national: bool, fault: Fault) -> None:
    """A table with a municipality in it says whether that is whose the row is. In a national file it always is, so there is nothing to hold it against."""
    whose = given.meta.raekkens_kommune
    if national and whose:
        fault(f"raekkens_kommune does not go with kommunekode: national (kommunekolonne says whose rows they are in {given.name})")
    looks = [c["name"] for c in given.node.get("columns") or [] if _OBVIOUS.search(" ".join(str(v) for v in (c.get("name"), *_meta(c).values())))]
    if not national and not whose and looks:
        fault(f"raekkens_kommune is missing on {given.name}, which has the column {looks[0]}: {{kolonne: {looks[0]}, form: kode or navn}} where it says whose the row is, "
              "{ingen: \"why\"} where it does not")


def _start_against_name(fmt: Words, national: bool, versions: list[Version], fault: Fault) -> None:
    """A start record is held against the file's name, which must then say the same."""
    start = getattr(fmt, "startrecord", None)
    if start and start.kommunekode and national:
        fault("format.startrecord.kommunekode does not go with kommunekode: national")
    if start and start.periode and not all("(?P<periode_" in v.pattern.pattern for v in versions):
        fault("format.startrecord.periode needs a {periode:…} in the file name, which it is held against")


def _column(node: dict[str, Any], kind: str, fault: Fault) -> Column:
    name = str(node.get("name", ""))
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        fault(f"{name}: the name of a column must be lower case ASCII")
    _misplaced(node, lambda text: fault(f"{name}: {text}"))
    words, wrong = grammar.read(ColumnMeta, _meta(node))
    for text in wrong:
        fault(f"{name}: {text}")
    if words is None:
        return Column(name=name, header=name)
    for key, kinds in grammar.OF_COLUMN.items():
        if getattr(words, key) is not None and kind not in kinds:
            fault(f"{name}: {key} does not go with format.type {kind}: it is a key of {', '.join(kinds)}")
    if words.ikke_personnummer and (words.personnummer or words.tidligere_personnummer):
        fault(f"{name}: ikke_personnummer does not go with personnummer")
    return Column(name=name, header=words.overskrift or name, pos=words.pos, length=words.len, personnummer=words.personnummer,
                  tidligere=words.tidligere_personnummer, path=words.sti, is_amount=node.get("data_type") == "decimal", ikke_personnummer=words.ikke_personnummer)
