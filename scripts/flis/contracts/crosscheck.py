"""What no single key of a contract shows: keys that contradict each other, say the same twice, or stand where nobody reads them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any

import yaml

# dbt's own keys of a source, a table and a column (docs.getdbt.com: source properties). What a contract says stands under config.meta.
FILE = {"version", "sources"}
SOURCE = {"name", "description", "database", "schema", "loader", "overrides", "quoting", "config", "tables", "tags"}
TABLE = {"name", "identifier", "description", "loaded_at_field", "quoting", "config", "columns", "data_tests", "tags"}
COLUMN = {"name", "description", "data_type", "quote", "config", "data_tests", "tags"}


class Strict(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML in which a key may stand once: of two the last would be taken without a word."""


def _mapping(loader: Strict, node: yaml.MappingNode, deep: bool = False) -> dict:
    seen: set[str] = set()
    for key, _ in node.value:
        name = key.value if isinstance(key, yaml.ScalarNode) else None
        if name in seen and name != "<<":
            raise yaml.constructor.ConstructorError(None, None, f"{name} stands twice", key.start_mark)
        seen.add(name)
    loader.flatten_mapping(node)
    return yaml.constructor.SafeConstructor.construct_mapping(loader, node, deep)


Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def misplaced(content: dict[str, Any]) -> Iterator[str]:
    """Keys of a source YAML that neither dbt nor a contract has. A mark that is not read (`personnummer` under a `meta` beside config) would be no mark."""
    yield from _unknown("the file", content, FILE)
    if not content.get("sources"):
        yield "the file has no sources"
    for source in content.get("sources") or []:
        at = str(source.get("name", "?"))
        yield from _unknown(at, source, SOURCE)
        names = Counter(str(t.get("name")) for t in source.get("tables") or [])
        yield from (f"{at}: the table {name} stands {n} times" for name, n in names.items() if n > 1)
        raw = Counter(str(t["identifier"]) for t in source.get("tables") or [] if "identifier" in t)
        yield from (f"{at}: two tables have the identifier {name}" for name, n in raw.items() if n > 1)
        for table in source.get("tables") or []:
            yield from _unknown(f"{at}.{table.get('name', '?')}", table, TABLE)
            whose = ((table.get("config") or {}).get("meta") or {}).get("kommunekolonne")
            if whose and whose not in {c.get("name") for c in table.get("columns") or []}:
                yield f"{at}.{table.get('name', '?')}: kommunekolonne {whose} is no column of it"
            for column in table.get("columns") or []:
                yield from _unknown(f"{at}.{table.get('name', '?')}.{column.get('name', '?')}", column, COLUMN)


def _unknown(at: str, node: dict[str, Any], known: set[str]) -> Iterator[str]:
    for key in sorted(map(str, set(node) - known)):
        if key == "meta":
            yield f"{at}: meta stands outside config, where it is not read"
        else:
            near = get_close_matches(key, sorted(known), 1)
            yield f"{at}: unknown key {key}{f'; did you mean {near[0]}?' if near else ''}"


def contradictions(filetype: Any, areas: Iterable[str]) -> Iterator[str]:
    """What is wrong between the keys of one kind of file (flis.contracts.contract.FileType)."""
    form, totals = filetype.format, [t.kontroltal for t in filetype.tables if t.kontroltal]
    if filetype.fagomraade not in areas:
        yield f"fagomraade {filetype.fagomraade} is none of {', '.join(sorted(areas))}"
    if form.get("citation") and form.get("citation") == form.get("adskiller"):
        yield "citation and adskiller are the same"
    for name in ("startrecord", "slutrecord"):
        record = form.get(name) or {}
        if record.get("sum") is not None and not totals:
            yield f"{name}.sum has nothing to be held against: no table has a kontroltal"
        given = [form.get("recordtype"), *(record.get(key) for key in ("kommunekode", "antal", "sum", "loebenr", "forrige_loebenr"))]
        places = Counter(repr({"felt": place} if isinstance(place, int) else place) for place in given if place is not None)
        yield from (f"{name}: two keys stand in the same place ({place})" for place, n in places.items() if n > 1)
    for total in totals:
        if total.side and total.side[1] == total.side[2]:
            yield f"kontroltal.debet_kredit: debet and kredit have the same mark ({total.side[1]})"
    versions = Counter(v.version for v in filetype.versions)
    yield from (f"version {name} stands {n} times" for name, n in versions.items() if n > 1)
    groups = [set(v.pattern.groupindex) for v in filetype.versions]
    if filetype.udtraekstype == "delta" and not (form.get("startrecord") or {}).get("loebenr") and any("loebenr" not in g for g in groups):
        yield "udtraekstype delta needs a loebenr, in the file name or the start record"
