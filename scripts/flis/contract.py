"""The contracts of the interfaces, as they stand in the source YAML of the models (grammar: docs/arkitektur.md)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import yaml

from flis.home import REPO

TALFORMATER = ("komma", "punktum", "efterstillet_minus", "komma_tre", "punktum_tre", "efterstillet_minus_tre", "oere", "tusinde")
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


@dataclass(frozen=True)
class Table:
    """One raw table. A file with record types feeds several; in XML the record type is the element's name."""

    name: str
    identifier: str
    columns: tuple[Column, ...]
    recordtype: str | None = None
    kontroltal: tuple[str, str, str] | None = None   # column, talformat, fortegn (netto, or debet: the positive amounts only)
    kommunekolonne: str | None = None
    not_taken: tuple[str, ...] = ()     # fields that are known to come (as in `sti`) and are never stored

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
        return bool(self.format.get("header", self.kind == "delimited"))

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
            out += r"[A-Za-z0-9._-]+"
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
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    filetypes: list[FileType] = []
    faults: list[str] = []
    for path in sorted(root.rglob("_*__sources.yml")):
        try:
            content = yaml.load(path.read_text(encoding="utf-8"), Loader=loader) or {}
        except yaml.YAMLError as error:
            faults.append(f"{path}: not readable YAML: {error}")
            continue
        for source in content.get("sources") or []:
            meta = _meta(source)
            if "afsender" not in meta:
                continue        # the set-up and the ledger: sources of ours, not interfaces
            filetypes += _source(path, source, meta, faults)
    seen: dict[str, str] = {}
    for ft in filetypes:
        for t in ft.tables:
            if seen.setdefault(t.identifier, ft.origin) != ft.origin:
                faults.append(f"{ft.origin}: raw table {t.identifier} is fed by another contract too ({seen[t.identifier]})")
    if faults:
        raise ContractError("\n".join(faults))
    return Contracts(tuple(filetypes))


def _meta(node: dict[str, Any]) -> dict[str, Any]:
    return (node.get("config") or {}).get("meta") or node.get("meta") or {}


def _as_date(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def _source(path: Path, source: dict[str, Any], meta: dict[str, Any], faults: list[str]) -> Iterable[FileType]:
    """The file types of one source: its tables gathered by the file they come from."""
    system = source.get("name", "?")
    by_file: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {}
    for table in source.get("tables") or []:
        merged = {**meta, **_meta(table)}
        merged["format"] = {**(meta.get("format") or {}), **(_meta(table).get("format") or {})}
        patterns = [merged["fil"]] if merged.get("fil") else [v.get("fil") for v in merged.get("versioner") or []]
        by_file.setdefault("|".join(str(p) for p in patterns), []).append((table, merged))
    for tables in by_file.values():
        origin = f"{path}: {system}.{tables[0][0].get('name', '?')}"
        before = len(faults)
        ft = _filetype(origin, system, tables, faults)
        if ft and len(faults) == before:
            yield ft


def _filetype(origin: str, system: str, tables: list[tuple[dict[str, Any], dict[str, Any]]], faults: list[str]) -> FileType | None:
    def fault(text: str) -> None:
        faults.append(f"{origin}: {text}")

    meta = tables[0][1]
    fmt = meta["format"]
    for key in ("fagomraade", "udtraekstype"):
        if not meta.get(key):
            fault(f"{key} is missing")
    if meta.get("udtraekstype") not in ("fuld", "periode", "delta"):
        fault("udtraekstype must be fuld, periode or delta")
    kind = fmt.get("type")
    if kind not in ("delimited", "fixed", "jsonl", "xml"):
        fault("format.type must be delimited, fixed, jsonl or xml")
    if fmt.get("tegnsaet") not in CHARSETS:
        fault(f"format.tegnsaet must be one of {', '.join(CHARSETS)}")
    if kind == "delimited" and len(fmt.get("adskiller") or "") != 1:
        fault("format.adskiller must be one character")
    if fmt.get("citation") and len(fmt["citation"]) != 1:
        fault("format.citation must be one character")
    posts = [str(own["format"].get("post") or "") for _, own in tables]
    if kind == "xml" and not all(posts):
        fault("format.post (the element that is one row) is missing")
    if kind == "xml" and len({p.casefold() for p in posts}) < len(posts):
        fault("several tables from one XML file need a format.post each")
    if len(tables) > 1 and kind != "xml" and not fmt.get("recordtype"):
        fault("several tables from one file need format.recordtype")

    built = []
    for node, own in tables:
        columns = tuple(_column(c, fault) for c in node.get("columns") or [])
        if not columns:
            fault(f"table {node.get('name')} has no columns")
            continue
        names = [c.name for c in columns]
        for name in sorted({n for n in names if names.count(n) > 1}):
            fault(f"column {name} stands twice in {node.get('name')}")
        if kind == "fixed" and (missing := [c.name for c in columns if not c.pos or not c.length]):
            fault(f"fixed width needs pos and len on {', '.join(missing)}")
        total = own.get("kontroltal")
        if total and (total.get("kolonne") not in names or total.get("talformat") not in TALFORMATER or total.get("fortegn", "netto") not in ("netto", "debet")):
            fault(f"kontroltal must name a column of {node.get('name')}, a talformat ({', '.join(TALFORMATER)}) and, if any, a fortegn (netto, debet)")
        recordtype = own["format"].get("post") if kind == "xml" else own.get("recordtype")
        if fmt.get("recordtype") and not recordtype:
            fault(f"table {node.get('name')} has no recordtype")
        municipality = own.get("kommunekolonne")
        built.append(Table(
            name=node["name"], identifier=node.get("identifier") or f"{system}__{node['name']}", columns=columns,
            recordtype=str(recordtype) if recordtype is not None else None,
            kontroltal=(total["kolonne"], total["talformat"], total.get("fortegn", "netto")) if total else None,
            kommunekolonne=municipality if municipality in names else None, not_taken=_not_taken(own, kind, columns, fault)))
    if not built:
        return None
    if meta.get("kommunekolonne") and not any(t.kommunekolonne for t in built):
        fault(f"kommunekolonne {meta['kommunekolonne']!r} is not a column")

    versions = []
    entries = meta.get("versioner") or [{"version": meta.get("version", 1), "gaelder_fra": meta.get("gaelder_fra", "1900-01-01")}]
    for entry in entries:
        columns = entry.get("kolonner")
        if columns and len(built) == 1:
            known = {c.name for c in built[0].columns}
            if unknown := [c for c in columns if c not in known]:
                fault(f"version {entry.get('version')} lists unknown columns: {', '.join(unknown)}")
        try:
            versions.append(Version(
                version=str(entry.get("version", 1)), gaelder_fra=_as_date(entry.get("gaelder_fra", "1900-01-01")),
                pattern=compile_pattern(entry.get("fil") or meta.get("fil") or ""), columns=tuple(columns) if columns else None))
        except ValueError as error:
            fault(f"version {entry.get('version')}: {error}")
    if any(not v.pattern.pattern for v in versions):
        fault("fil (the file name pattern) is missing")

    fixed = meta.get("kommunekode")
    national = fixed == "national"
    in_name = all("(?P<kommunekode>" in v.pattern.pattern for v in versions)
    if not national and not in_name and not re.fullmatch(r"\d{4}", str(fixed or "")):
        fault("kommunekode must stand in the file name, or be fixed (four digits) or 'national' in the contract")
    return FileType(
        kildesystem=system, afsender=meta["afsender"], fagomraade=meta.get("fagomraade", ""), udtraekstype=meta.get("udtraekstype", ""),
        frist_dage=int(meta.get("frist_dage") or 31), kommunekode=None if national or in_name else str(fixed), national=national,
        format=fmt, tables=tuple(built), versions=tuple(versions), origin=origin)


def _not_taken(own: dict[str, Any], kind: str | None, columns: tuple[Column, ...], fault: Any) -> tuple[str, ...]:
    """Fields that are known to come and are not stored (`ikke_taget`)."""
    listed = own.get("ikke_taget") or []
    if not isinstance(listed, list) or not all(isinstance(name, str) and name for name in listed):
        fault("ikke_taget must be a list of names (XML and JSON: paths, as in `sti`)")
        return ()
    if listed and kind == "fixed":
        fault("ikke_taget goes with delimited, jsonl and xml: a file of fixed width has places, and what no column covers is not taken")
    if listed and own["format"].get("gentaget_header"):
        fault("ikke_taget does not go with gentaget_header: the header that comes again is known by the columns that are taken")
    taken = {(c.path or c.header).casefold() for c in columns}
    if both := [name for name in listed if name.casefold() in taken]:
        fault(f"ikke_taget names what a column takes: {', '.join(both)}")
    return tuple(listed)


def _column(node: dict[str, Any], fault: Any) -> Column:
    meta = _meta(node)
    name = str(node.get("name", ""))
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        fault(f"column name {name!r} must be lower case ASCII")
    pos, length = meta.get("pos", node.get("pos")), meta.get("len", node.get("len"))
    return Column(
        name=name, header=str(meta.get("overskrift") or name), pos=int(pos) if pos else None, length=int(length) if length else None,
        personnummer=bool(meta.get("personnummer")), tidligere=bool(meta.get("tidligere_personnummer")), path=meta.get("sti"))
