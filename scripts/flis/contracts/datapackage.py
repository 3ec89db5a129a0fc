"""What a data package says about itself: Frictionless descriptor, Danish README and DuckDB SQL, all from the dbt models' own YAML.

Nothing here reads data; `flis.package.write` does that and decides what goes to whom.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from flis.core.home import REPO

DELIVERY = "_leverance_id"
LEVELS = ("individ", "kommune", "dimension", "benchmark")
FOLDER = "data"
FORMULA_GUARD = "'"
# A spreadsheet takes a cell that begins so as a formula. The guard itself is guarded too, so that reading the file back loses nothing.
FORMULA_START = r"^[=+\-@\t\r\n']"

RESERVED = frozenset("all analyse analyze and any as asc both case cast check collate column constraint create default desc distinct do else end except false fetch for "
                     "foreign from group having in initially intersect into lateral leading limit not null offset on only or order pivot placing primary qualify references "
                     "returning select show some summarize table then to trailing true union unique unpivot using variadic when where window with".split())

TECHNICAL = {
    "kommunekode": "Kommunens kode, fire cifre.",
    "kildesystem": "Det fagsystem rækken kommer fra.",
    "kilde_id": "Rækkens nøgle i kildesystemet.",
    "_leverance_id": "Leverancens nummer (se tabellen leverancer).",
    "_fil": "Filen rækken kom i.",
    "_linje": "Linjen i filen.",
}


@dataclass(frozen=True)
class Column:
    """One column: its DuckDB type and what the model's YAML says of it."""

    name: str
    type: str
    description: str = ""
    unit: str | None = None
    values: tuple[str, ...] = ()
    required: bool = False
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, eq=False)
class Table:
    """One table of a package. `key` is the grain; `foreign` maps a column to (table, column) of a dimension. Two tables are the same only as objects."""

    name: str
    relation: str
    level: str
    area: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    foreign: dict[str, tuple[str, str]] = field(default_factory=dict)
    owner: str = ""
    owner_email: str = ""
    meta: dict[str, Any] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        return [c.name for c in self.columns]

    @property
    def quiet(self) -> bool:
        """A table about the deliveries rather than of the area: what changes in it alone makes no new version (`meta.pakke.udloeser_version: false`)."""
        return self.meta.get("udloeser_version") is False

    @property
    def controller(self) -> str:
        """The column that names the municipality whose row it is (`meta.pakke.ejer`)."""
        return self.meta.get("ejer", "kommunekode")

    def with_columns(self, columns: list[Column], note: str = "") -> Table:
        """The same table with these columns: keys and foreign keys that lost a column go."""
        names = {c.name for c in columns}
        whole = all(k in names for k in self.key)
        return replace(self, columns=tuple(columns), key=self.key if whole else (), foreign={c: t for c, t in self.foreign.items() if c in names},
                       description=f"{self.description} {note}".strip())


def manifest_path() -> Path:
    """Where dbt's manifest lies: in the folder DBT_TARGET_PATH, else `target/` in the repo."""
    return Path(os.environ.get("DBT_TARGET_PATH", REPO / "target")) / "manifest.json"


class Manifest:
    """The parts of dbt's manifest that packages are made from."""

    def __init__(self, path: Path) -> None:
        whole = json.loads(path.read_text("utf-8"))
        self.nodes, self.sources = whole["nodes"], whole["sources"]
        self.groups = {g["name"]: g.get("owner") or {} for g in whole.get("groups", {}).values()}
        self._tests: dict[str, list[dict]] = {}
        for node in self.nodes.values():
            if node["resource_type"] == "test" and node.get("test_metadata") and node.get("attached_node"):
                self._tests.setdefault(node["attached_node"], []).append(node)

    def packaged(self) -> list[dict]:
        """Models that say `config.meta.pakke`, by name."""
        found = [n for n in self.nodes.values() if n["resource_type"] == "model" and _meta(n).get("pakke")]
        for node in found:
            level = _meta(node)["pakke"].get("niveau")
            if level not in LEVELS:
                raise ValueError(f"{node['name']}: meta.pakke.niveau is {level!r}; it must be one of {', '.join(LEVELS)}")
        return sorted(found, key=lambda n: n["name"])

    def table(self, node: dict, types: dict[str, str]) -> Table:
        """The table of one model; `types` are its columns as they stand in the database, in order."""
        pakke, texts = _meta(node)["pakke"], {c["name"].lower(): c for c in node["columns"].values()}
        tests = self._tests.get(node["unique_id"], [])
        values = {_arguments(t)["column_name"].lower(): tuple(map(str, _arguments(t)["values"]))
                  for t in tests if t["test_metadata"]["name"] == "accepted_values"}
        owner = self.groups.get(node.get("group") or node["config"].get("group") or "", {})
        # A grain may be stated with an expression; a key in a package is columns, so the first grain test that names only columns gives it.
        grains = [tuple(c.lower() for c in _arguments(t)["kolonner"]) for t in tests if t["test_metadata"]["name"] == "unik_noegle"]
        key = tuple(pakke.get("noegle", ())) or next((g for g in sorted(grains) if all(c in types for c in g)), ()) or _constraint_key(node)
        required = set(key) | {_arguments(t)["column_name"].lower() for t in tests if t["test_metadata"]["name"] == "not_null"}
        required |= {name for name, text in texts.items() for c in text.get("constraints") or [] if c.get("type") == "not_null"}
        columns = tuple(
            Column(name, kind, _one_line(texts.get(name, {}).get("description")) or TECHNICAL.get(name, ""), _meta(texts.get(name, {})).get("enhed"),
                   values.get(name, ()), name in required)
            for name, kind in types.items())
        foreign = {}
        for test in tests:
            target = re.search(r"ref\(\s*['\"](\w+)['\"]", str(_arguments(test).get("to")))
            if test["test_metadata"]["name"] == "relationships" and target:
                foreign[_arguments(test)["column_name"].lower()] = (target.group(1), _arguments(test)["field"].lower())
        return Table(node["name"], f'flis."{node["schema"]}"."{node.get("alias") or node["name"]}"', pakke["niveau"], pakke.get("fagomraade", "faelles"),
                     _one_line(node["description"]), columns, key, foreign, owner.get("name") or "", _first(owner.get("email")), pakke)

    def relation(self, name: str) -> str:
        """The relation of a model."""
        node = next(n for n in self.nodes.values() if n["resource_type"] == "model" and n["name"] == name)
        return f'flis."{node["schema"]}"."{node.get("alias") or node["name"]}"'

    def code_list(self, name: str) -> str | None:
        """The relation of a seed, for a column that refers to a code list which is no dimension of its own."""
        node = next((n for n in self.nodes.values() if n["resource_type"] == "seed" and n["name"] == name), None)
        return node and f'flis."{node["schema"]}"."{node.get("alias") or node["name"]}"'

    def crosswalks(self, area: str) -> dict[str, str]:
        """Version of each crosswalk seed of the area: the first 12 digits of its checksum."""
        return {n["name"]: n["checksum"]["checksum"][:12] for n in sorted(self.nodes.values(), key=lambda n: n["name"])
                if n["resource_type"] == "seed" and n["name"].startswith(f"xwalk_{area}__")}

    def source_title(self, system: str) -> str:
        """The source's own description, its first sentence."""
        text = next((_one_line(s.get("source_description")) for s in self.sources.values() if s["source_name"] == system), "")
        return re.split(r"\.\s+(?=[A-ZÆØÅ])", text)[0].rstrip(".") or system


def conventional_keys(tables: list[Table]) -> list[tuple[str, str, str, str]]:
    """(table, column, dimension, key) that follow from names alone: a column named as a dimension's key, or `<rolle>_<key>`."""
    keys = {t.key[0]: t.name for t in tables if t.level == "dimension" and len(t.key) == 1}
    found = []
    for table in tables:
        for column in table.names:
            for key, dimension in sorted(keys.items()):
                if dimension != table.name and column not in table.foreign and (column == key or column.endswith(f"_{key}")):
                    found.append((table.name, column, dimension, key))
    return found


@cache
def texts(area: str) -> dict[str, Any]:
    """The faggruppe's own texts for the area's packages: `pakker/<fagomraade>.yml`."""
    path = REPO / "pakker" / f"{area}.yml"
    if not path.exists():
        raise FileNotFoundError(f"{path.relative_to(REPO)} is missing: every fagområde with packages has its texts there (title, contract, why figures differ)")
    found = yaml.safe_load(path.read_text("utf-8"))
    common = yaml.safe_load((REPO / "pakker" / "_faelles.yml").read_text("utf-8"))
    return {**common, **found, "forskelle": [*found.get("forskelle", []), *common.get("forskelle", [])]}


@cache
def _titles() -> dict[str, str]:
    return yaml.safe_load((REPO / "pakker" / "_tabeller.yml").read_text("utf-8"))


def title_of(table: str) -> str:
    """What people call a table of the packages (`pakker/_tabeller.yml`); its name where nobody has said."""
    return _titles().get(table, table)


# --- descriptor -----------------------------------------------------------------------------------------------------------------------------

def resources(table: Table, formats: list[str], dimension_formats: list[str]) -> list[dict[str, Any]]:
    """One Frictionless resource per file of the table: CSV under the table's own name, Parquet beside it (alone, it takes the name)."""
    made = []
    for kind in formats:
        csv = kind == "csv"
        resource: dict[str, Any] = {
            "name": _resource_name(table.name, kind, formats),
            "title": title_of(table.name),
            "description": table.description,
            "path": f"{FOLDER}/{table.name}.{kind}",
            "format": kind,
            "mediatype": "text/csv" if csv else "application/vnd.apache.parquet",
            "niveau": table.level,
        }
        if table.owner:
            resource["dataejer"] = table.owner
        if csv:
            resource |= {"encoding": "utf-8", "dialect": {"delimiter": ";", "quoteChar": '"', "doubleQuote": True, "header": True}, "formelvaern": FORMULA_GUARD}
        resource["schema"] = _schema(table, kind, tuple(dimension_formats))
        made.append(resource)
    return made


def _resource_name(table: str, kind: str, formats: list[str]) -> str:
    return table if kind == "csv" or formats == ["parquet"] else f"{table}-parquet"


SCHEMA_INDENT = 3         # "schema" stands in a resource, in the list of resources, in the descriptor


class Json(str):
    """JSON that is already written, indented for its place in the descriptor."""


@cache
def _schema(table: Table, kind: str, dimension_formats: tuple[str, ...]) -> Json:
    """The table's schema as it stands in a resource. Hundreds of packages hold the same one."""
    schema: dict[str, Any] = {"fields": [_field(c, kind == "csv") for c in table.columns]}
    if kind == "parquet":
        schema["missingValues"] = ["", "nan", "NaT"]  # what a reader by way of pandas makes of an empty cell
    if table.key:
        schema["primaryKey"] = list(table.key)
    if table.foreign:
        schema["foreignKeys"] = [{"fields": [c], "reference": {"resource": _resource_name(t, kind, list(dimension_formats)), "fields": [k]}}
                                 for c, (t, k) in sorted(table.foreign.items())]
    return Json(to_json(schema, SCHEMA_INDENT))


def _field(column: Column, csv: bool) -> dict[str, Any]:
    kind = field_type(column.type)
    made: dict[str, Any] = {"name": column.name, "type": kind, "description": column.description}
    if csv and kind == "number":
        made["decimalChar"] = ","
    if csv and kind == "boolean":
        made |= {"trueValues": ["true"], "falseValues": ["false"]}
    if column.unit:
        made["enhed"] = column.unit
    constraints: dict[str, Any] = {}
    if column.required:
        constraints["required"] = True
    if column.values and kind in ("string", "integer"):
        constraints["enum"] = [int(v) for v in column.values] if kind == "integer" else list(column.values)
    if constraints:
        made["constraints"] = constraints
    if column.labels and kind == "string":
        made["categories"] = [{"value": v, "label": text} for v, text in column.labels]
    return made


def field_type(duckdb_type: str) -> str:
    """Frictionless' type for a DuckDB type."""
    kind = duckdb_type.upper()
    if kind.startswith(("DECIMAL", "NUMERIC", "DOUBLE", "FLOAT", "REAL")):
        return "number"
    if kind in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"):
        return "integer"
    return {"BOOLEAN": "boolean", "DATE": "date", "TIMESTAMP": "datetime"}.get(kind, "string")


_ENCODE = json.JSONEncoder(ensure_ascii=False).encode


def to_json(value: Any, indent: int = 0) -> str:
    """JSON to be read by people too: what fits on a line stands on one. The same bytes for the same value."""
    if isinstance(value, Json):
        return value  # what holds it is always longer than a line
    line = _ENCODE(value)
    if len(line) + indent <= 150 or not isinstance(value, dict | list) or not value:
        return line
    pad = " " * (indent + 1)
    if isinstance(value, dict):
        body = ",\n".join(f"{pad}{_ENCODE(k)}: {to_json(v, indent + 1)}" for k, v in value.items())
        return "{\n" + body + "\n" + " " * indent + "}"
    return "[\n" + ",\n".join(pad + to_json(v, indent + 1) for v in value) + "\n" + " " * indent + "]"


# --- SQL that loads the package --------------------------------------------------------------------------------------------------------------

def load_sql(title: str, tables: list[Table], formats: dict[str, list[str]]) -> str:
    """DuckDB SQL: typed tables with keys, comments, and one cube view per fact with its dimensions' texts beside the codes."""
    lines = [
        f"-- {title}",
        "-- Læser pakken ind i DuckDB som typede tabeller med nøgler. Kør fra pakkens mappe:",
        "--   duckdb min_pakke.duckdb \".read indlaes.sql\"",
        "-- Den kan køres igen, og en nyere version oven i en ældre: tabeller og visninger med pakkens navne bliver lavet om.",
        "-- Visningerne kube_* er analysekuber: en tabel med dimensionernes tekster ved siden af koderne.",
        "",
    ]
    return "\n".join(lines) + "\n" + _load_body(tuple(tables), tuple(tuple(formats[t.name]) for t in tables))


@cache
def _load_body(tables: tuple[Table, ...], table_formats: tuple[tuple[str, ...], ...]) -> str:
    """The statements. Most recipients' packages hold the same tables, and so the same text."""
    formats = {t.name: f for t, f in zip(tables, table_formats, strict=True)}
    lines = []
    ordered = _dimensions_first(list(tables))
    by_name = {t.name: t for t in tables}
    # What refers to a table goes before it: a table that a key points at cannot be dropped, nor replaced.
    lines += [f"drop view if exists {_cube(t)};" for t in ordered if t.level != "dimension"]
    lines += [f"drop table if exists {_id(t.name)};" for t in reversed(ordered)] + [""]
    for table in ordered:
        columns = [f"    {_id(c.name)} {c.type.lower()}{' not null' if c.required else ''}" for c in table.columns]
        if table.key:
            columns.append(f"    primary key ({', '.join(map(_id, table.key))})")
        columns += [f"    foreign key ({_id(c)}) references {_id(t)} ({_id(k)})" for c, (t, k) in sorted(table.foreign.items())]
        lines += [f"create table {_id(table.name)} (", ",\n".join(columns), ");", f"insert into {_id(table.name)}", _select(table, formats[table.name]) + ";"]
        lines.append(f"comment on table {_id(table.name)} is {_text(table.description)};")
        lines += [f"comment on column {_id(table.name)}.{_id(c.name)} is {_text(c.description + (f' (enhed: {c.unit})' if c.unit else ''))};"
                  for c in table.columns if c.description]
        lines.append("")
    for table in ordered:
        lookups = sorted((c, t) for c, t in table.foreign.items() if c != DELIVERY)      # which delivery a row came in is no dimension of an analysis
        if table.level == "dimension" or not (lookups or _by_year(table, tables)):
            continue
        texts_, joins = ["    f.*"], []
        for number, (column, (target, key)) in enumerate(lookups, 1):
            joins.append(f"left join {_id(target)} as d{number} on f.{_id(column)} = d{number}.{_id(key)}")
            texts_ += [f"    d{number}.{_id(c)} as {_id(f'{column}__{c}')}" for c in by_name[target].names if c != key]
        for number, (column, target) in enumerate(_by_year(table, tables), len(joins) + 1):
            joins.append(f"left join {_id(target.name)} as d{number} on f.{_id(column)} = d{number}.{_id(column)} "
                         f"and f.regnskabsaar between d{number}.gyldig_fra_aar and d{number}.gyldig_til_aar")
            texts_ += [f"    d{number}.{_id(c)} as {_id(f'{column}__{c}')}" for c in target.names if c not in (column, *table.names)]
        lines += [f"create view {_cube(table)} as", "select", ",\n".join(texts_), f"from {_id(table.name)} as f", *joins]
        lines[-1] += ";"
        lines.append("")
    return "\n".join(lines)


def _cube(table: Table) -> str:
    return _id(f"kube_{table.name.split('_', 1)[-1]}")


def _select(table: Table, formats: tuple[str, ...]) -> str:
    if "parquet" in formats:
        return f"select {', '.join(_id(c) for c in table.names)} from read_parquet('{FOLDER}/{table.name}.parquet')"
    unguard = f"case when regexp_matches({{0}}, {_text(FORMULA_START.replace('^', f'^{FORMULA_GUARD}'))}) then substr({{0}}, 2) else {{0}} end"
    columns = ", ".join(unguard.format(_id(c.name)) if field_type(c.type) == "string" else _id(c.name) for c in table.columns)
    types = ", ".join(f"{_text(c.name)}: {_text(c.type.lower())}" for c in table.columns)
    return (f"select {columns} from read_csv('{FOLDER}/{table.name}.csv', delim = ';', quote = '\"', escape = '\"', header = true, "
            f"decimal_separator = ',', nullstr = '', allow_quoted_nulls = false, columns = {{{types}}})")


def _by_year(table: Table, tables: tuple[Table, ...]) -> list[tuple[str, Table]]:
    """Dimensions whose members hold from year to year (the account plan), with the column the table looks them up on."""
    if "regnskabsaar" not in table.names:
        return []
    return [(t.key[0], t) for t in tables if t.level == "dimension" and len(t.key) == 2 and t.key[1] == "gyldig_fra_aar" and "gyldig_til_aar" in t.names and t.key[0] in table.names]


def _dimensions_first(tables: list[Table]) -> list[Table]:
    """Referenced tables before those that refer to them."""
    left, done = sorted(tables, key=lambda t: (t.level != "dimension", t.name)), []
    names = {t.name for t in tables}
    while left:
        ready = next((t for t in left if all(target in {d.name for d in done} or target == t.name or target not in names for target, _ in t.foreign.values())), None)
        if ready is None:
            raise ValueError(f"foreign keys go in a ring: {', '.join(t.name for t in left)}")
        left.remove(ready)
        done.append(ready)
    return done


# --- README ----------------------------------------------------------------------------------------------------------------------------------

def readme(facts: dict[str, Any], tables: list[Table], rows: dict[str, int], formats: dict[str, list[str]]) -> str:
    """The package's Danish README. `facts` is what `flis.package.write` knows of this package."""
    text = texts(facts["area"])
    example = tables[0].name
    kind = "parquet" if "parquet" in formats[example] else "csv"
    out = [
        f"# {facts['title']}", "",
        text["benchmark"].strip() if facts["benchmark"] else text["beskrivelse"].strip(), "",
        f"- Modtager: {facts['recipient_name']} ({facts['recipient']})",
        f"- Version: {facts['version']} (kontrakt {facts['contract']}, data til og med {facts['month']}, rettelse {facts['correction']})",
        f"- Permanent id: `{facts['id']}`",
        f"- Dataejer: {facts['owner']}", "",
        "## Hvem må se pakken", "",
        (text["adgang_benchmark"] if facts["benchmark"] else text["adgang_cpr"] if facts["cpr"] else text["adgang"]).strip(), "",
        "## Tabeller", "",
        "| Tabel | Rækker | Indhold |", "|---|---:|---|",
        *[f"| `{t.name}` | {_thousands(rows[t.name])} | {_cell(t.description)} |" for t in tables], "",
        "Kolonner, typer, enheder, kodelister og nøgler står i `datapackage.json` (Frictionless Data Package 2.0).", "",
    ]
    if facts["wishes"]:
        out += ["## Jeres ønsker", "", *[f"- {w}" for w in facts["wishes"]], ""]
    out += ["## Sådan åbner I pakken", ""]
    if "csv" in formats[example]:
        out += [f"- **Excel**: *Data → Hent data → Fra tekst/CSV*, vælg `{FOLDER}/{example}.csv`, filoprindelse *65001: Unicode (UTF-8)*, afgrænser *Semikolon*. "
                "Sæt koder (kommunekode, konto) til *Tekst*, ellers falder foranstillede nuller bort.",
                "- **Power BI**: *Hent data → Tekst/CSV* eller *Parquet*, relationerne står i `datapackage.json` under `foreignKeys`."]
    else:
        out += [f"- **Power BI**: *Hent data → Parquet*, vælg `{FOLDER}/{example}.parquet`; relationerne står i `datapackage.json` under `foreignKeys`.",
                f"- **Excel**: *Data → Hent data → Fra fil → Fra Parquet*, vælg `{FOLDER}/{example}.parquet`."]
    out += [
        "- **DuckDB**: kør `duckdb min_pakke.duckdb \".read indlaes.sql\"` i pakkens mappe. Det giver typede tabeller med nøgler og en visning `kube_…` pr. tabel.",
        f"- **Python**: `duckdb.sql(\"from '{FOLDER}/{example}.{kind}'\")` eller `frictionless.Package('datapackage.json')`.", "",
        "Kontrollér at pakken er hel med `sha256sum -c SHA256SUMS`.", "",
    ]
    if "csv" in formats[example]:
        out += ["CSV-filerne er UTF-8 med BOM, semikolon og decimalkomma. En tekst der begynder med `=`, `+`, `-`, `@`, tabulator, linjeskift eller `'`, har fået en apostrof foran, "
                f"så et regneark ikke læser den som en formel; {'Parquet-filerne og ' if kind == 'parquet' else ''}`indlaes.sql` giver teksten uændret.", ""]
    out += [
        "## Sådan henviser I til tallene", "",
        f"> FLIS, {facts['title']}, version {facts['version']}. `{facts['id']}`", "",
        "En version ændres aldrig. Rettes data, kommer der en ny version med et højere nummer, og den gamle bliver liggende under sit nummer.", "",
        "## Hvorfor tallene kan afvige fra andres", "",
        *[f"- **{d['fra']}**: {d['hvorfor'].strip()}" for d in text["forskelle"]], "",
        "## Datakvalitet", "",
        *(facts["declaration"] or ["Pakkens datakvalitet er ikke deklareret endnu: der er hverken tal eller forbehold at vise."]), "",
        *([] if facts["benchmark"] else ["### Faggruppens regler", "", *_quality(facts["quality"]), ""]),
        "## Kilder", "",
        f"Pakken bygger på {_thousands(sum(s['antal_leverancer'] for s in facts['sources']))} leverancer; hver står i tabellen `leverancer`, og `_leverance_id` på rækkerne peker dertil."
        if facts["sources"] else "Pakken bygger ikke på leverancer.", "",
        *[f"- {s['title']} (`{s['kildesystem']}`): {_thousands(s['antal_leverancer'])} leverancer, senest udtrukket {s['senest_udtrukket']}" for s in facts["sources"]], "",
        "## Fejl og spørgsmål", "",
        text["kontakt"].strip().replace("{dataejer}", facts["owner"]).replace("{id}", facts["id"]), "",
    ]
    return "\n".join(out).rstrip() + "\n"


def _quality(results: list[dict[str, Any]] | None) -> list[str]:
    if results is None:
        return ["Kvalitetsreglerne er ikke kørt for denne pakke."]
    broken = [r for r in results if r["status"] == "fejlet"]
    silent = [r for r in results if r["status"] == "kunne_ikke_koere"]
    out = [f"Faggruppens regler: {len(results)} kørt, {len(broken)} med afvigelser over grænsen" + (f", {len(silent)} kunne ikke køre." if silent else ".")]
    if broken or silent:
        out += ["", "| Regel | Hvad | Status | Afvigelser | Måneder |", "|---|---|---|---:|---|"]
        for r in [*broken, *silent]:
            span = (r["fra"] or "alle") if r["fra"] == r["til"] else f"{r['fra']} til {r['til']}"
            out.append(f"| {r['regel_id']} | {_cell(r['titel'])} | {r['status'].replace('_', ' ').replace('koere', 'køre')} | {_thousands(r['afvigelser'])} | {span} |")
    return out


# --- small ----------------------------------------------------------------------------------------------------------------------------------

def _meta(node: dict) -> dict[str, Any]:
    """dbt keeps meta in config; a column's in either place."""
    return (node.get("config") or {}).get("meta") or node.get("meta") or {}


def _arguments(test: dict) -> dict[str, Any]:
    kwargs = test["test_metadata"]["kwargs"]
    return {**kwargs, **(kwargs.get("arguments") or {})}


def _constraint_key(node: dict) -> tuple[str, ...]:
    for constraint in node.get("constraints") or []:
        if constraint.get("type") == "primary_key":
            return tuple(c.lower() for c in constraint["columns"])
    return tuple(name.lower() for name, c in node["columns"].items() if any(k.get("type") == "primary_key" for k in c.get("constraints") or []))


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())


def _first(value: Any) -> str:
    return value[0] if isinstance(value, list) and value else value or ""


def _id(name: str) -> str:
    return name if re.fullmatch(r"[a-z_][a-z0-9_]*", name) and name not in RESERVED else f'"{name}"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def literal(text: str) -> str:
    """What somebody wrote freely, as one line of Markdown without HTML."""
    return _one_line(text).replace("<", "\\<")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _thousands(number: int) -> str:
    return f"{number:,}".replace(",", ".")
