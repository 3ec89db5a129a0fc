"""The quality rules as data: reads and checks `expectations/<fagomraade>.yml`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from flis.core.home import REPO
from flis.quality.expectation_words import WORDS, Expectation, expectation
from flis.quality.expectation_words import problems as expectation_problems

RULES = REPO / "expectations"
SEVERITIES = {"fejl": "critical", "advarsel": "warning", "oplysning": "info"}
DIMENSIONS = ("korrekthed", "komplethed", "aktualitet", "genbrugelighed")
ROLES = {"dataejer": "FLIS-dataejeren for området", "systemejer": "FLIS-systemejeren"}     # who in the municipality acts (accession material, 5.3)
REACHES = ("skive", "kommune", "land")      # how far a rule looks: one municipality's month, one municipality, the country
COMMON = "_faelles"                         # the file of the rules that every area has

_TEXTS = ("regel_id", "titel", "dimension", "alvor", "hvad", "hvornaar", "hvordan", "faggruppe", "rolle", "model")
_REQUIRED = (*_TEXTS, "taerskel")
_OPTIONAL = ("grundlag", "omfang", "raekkevidde", "sql", "forventning", *WORDS)
_READS = re.compile(r"\b(standardized|marts|koder|kvalitet)\.([a-z0-9_]+)")


class RuleError(ValueError):
    """A rule file is not what it should be. The message lists every fault with file and rule, in Danish."""


@dataclass(frozen=True)
class Threshold:
    """How much may break before the rule fails: `andel` (share of the rows, 0-1) or `antal` (rows), why, and since when."""

    kind: str
    value: Decimal
    reason: str
    since: date


@dataclass(frozen=True)
class Rule:
    """One quality rule. Rows break an `expectation`, or `sql` selects them: exactly one of the two is set."""

    regel_id: str
    fagomraade: str
    titel: str
    dimension: str
    alvor: str
    hvad: str
    hvornaar: str
    hvordan: str
    faggruppe: str
    rolle: str              # who in the municipality must act, one of ROLES
    model: str
    grundlag: str           # the model whose rows are the denominator
    omfang: str | None      # SQL condition: the rows of `grundlag` that the rule is about
    raekkevidde: str        # one of REACHES
    threshold: Threshold
    sql: str | None
    expectation: Expectation | None

    @property
    def measured_by(self) -> str:
        """All that decides what the rule finds, and nothing of what is only said about it: a new text or threshold is no reason to measure again."""
        return json.dumps([self.model, self.grundlag, self.omfang, self.raekkevidde, self.sql, self.expectation and asdict(self.expectation)], sort_keys=True, default=str)

    @property
    def reads(self) -> set[str]:
        """The names of the other tables that the rule reads."""
        return {name for _, name in self._read} - {self.model, self.grundlag}

    @property
    def code_lists(self) -> set[str]:
        """Those of them that are seeds."""
        return {name for schema, name in self._read if schema == "koder"}

    @property
    def _read(self) -> set[tuple[str, str]]:
        """Schema and name of the tables that the rule's own words name."""
        asked = self.expectation
        said = set(_READS.findall(self.sql or (asked.condition if asked else None) or ""))
        return said | {("koder", asked.code_list)} if asked and asked.code_list else said


def areas(folder: Path = RULES) -> list[str]:
    """The fagområder that have a rule file, in order."""
    return sorted(file.stem for file in folder.glob("[!_]*.yml"))


def load_rules(folder: Path = RULES, fagomraade: str | None = None) -> list[Rule]:
    """All rules of all areas, or of one, in the order of the files. All files are checked either way.

    Raises RuleError with every fault found.
    """
    faults: list[str] = []
    rules: list[Rule] = []
    seen: dict[str, str] = {}
    common = _entries(folder / f"{COMMON}.yml", faults)
    for area in areas(folder):
        file = folder / f"{area}.yml"
        own = _entries(file, faults)
        for number, entry in enumerate([*own, *_common_for(area, own, common)], start=1):
            name = entry.get("regel_id") if isinstance(entry, dict) else None
            where = f"{file.name if number <= len(own) else f'{COMMON}.yml'}, {name or f'regel nr. {number}'}"
            problems = _problems(entry)
            if name in seen:
                problems.append(f"regel_id {name} bruges også i {seen[name]}")
            elif name:
                seen[name] = file.name
            faults += [f"{where}: {problem}" for problem in problems]
            if not problems:
                rules.append(_rule(area, entry))
    if fagomraade and fagomraade not in areas(folder):
        faults.append(f"Der er ingen regler for fagområdet '{fagomraade}'. Der er: {', '.join(areas(folder))}")
    if faults:
        raise RuleError("\n".join(faults))
    return [rule for rule in rules if fagomraade in (None, rule.fagomraade)]


def looked_at(rules: Iterable[Rule]) -> set[str]:
    """The names of all tables that these rules read."""
    return set().union(*({rule.model, rule.grundlag, *rule.reads} for rule in rules))


def _entries(file: Path, faults: list[str]) -> list[Any]:
    """The entries of one rule file; what is wrong with the file as a whole is added to `faults`."""
    if not file.exists():
        return []
    try:
        entries = yaml.load(file.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) or []      # the C one: a tenth of the time
    except yaml.YAMLError as fault:
        faults.append(f"{file.name}: kan ikke læses som YAML: {fault}")
        return []
    if not isinstance(entries, list):
        faults.append(f"{file.name}: skal være en liste af regler (hver begynder med '- regel_id:')")
        return []
    return entries


def _common_for(area: str, own: list[Any], common: list[Any]) -> list[Any]:
    """The rules that every area has, as this area's: numbered with the area's own letters, owned by its faggruppe."""
    letters = next((str(e["regel_id"]).partition("-")[0] for e in own if isinstance(e, dict) and e.get("regel_id")), area[:2].upper())
    made = []
    for entry in common:
        if not isinstance(entry, dict) or "nummer" not in entry:
            made.append(entry)
            continue
        filled = {k: v.replace("{fagomraade}", area) if k in ("sql", "omfang", "raekkebetingelse") and isinstance(v, str) else v for k, v in entry.items() if k != "nummer"}
        made.append({**filled, "regel_id": f"{letters}-{entry['nummer']}", "faggruppe": f"faggruppe_{area}"})
    return made


def _problems(entry: Any) -> list[str]:
    """What is wrong with the form of one entry, in Danish; empty when nothing is."""
    if not isinstance(entry, dict):
        return ["skal være et sæt af navn: værdi"]
    found = [f"ukendt felt '{key}'" for key in entry if key not in _REQUIRED + _OPTIONAL]
    found += [f"'{key}' mangler" for key in _REQUIRED if not entry.get(key)]
    found += [f"'{key}' skal være tekst" for key in (*_TEXTS, "grundlag", "omfang", "raekkevidde", "raekkebetingelse", "sql")
              if entry.get(key) and not isinstance(entry[key], str)]
    found += [f"'{key}' er kun for en 'forventning'" for key in WORDS if key in entry and "forventning" not in entry]
    if found:
        return found
    if not re.fullmatch(r"[A-ZÆØÅ0-9]{2,6}-\d{2,3}", entry["regel_id"]):
        found.append("regel_id skal være bogstaver, bindestreg og tal, fx OK-01")
    if entry["dimension"] not in DIMENSIONS:
        found.append(f"dimension skal være en af {', '.join(DIMENSIONS)}")
    if entry["alvor"] not in SEVERITIES:
        found.append(f"alvor skal være en af {', '.join(SEVERITIES)}")
    if entry["rolle"] not in ROLES:
        found.append(f"rolle skal være en af {', '.join(ROLES)}")
    if entry.get("raekkevidde", "kommune") not in REACHES:
        found.append(f"raekkevidde skal være en af {', '.join(REACHES)}")
    for key in ("model", "grundlag"):
        if not re.fullmatch(r"[a-z0-9_]+", entry.get(key, "x")):
            found.append(f"{key} skal være navnet på en model")
    found += _threshold_problems(entry["taerskel"])
    if ("sql" in entry) == ("forventning" in entry):
        found.append("skriv enten 'sql' eller 'forventning', og kun den ene")
    elif "sql" in entry:
        found += _sql_problems(entry["sql"])
    else:
        found += expectation_problems(entry)
    return found


def _threshold_problems(threshold: Any) -> list[str]:
    if not isinstance(threshold, dict):
        return ["taerskel skal være {andel eller antal, grund, dato}"]
    found = [f"ukendt felt '{key}' i taerskel" for key in threshold if key not in ("andel", "antal", "grund", "dato")]
    if ("andel" in threshold) == ("antal" in threshold):
        found.append("taerskel skal have enten 'andel' eller 'antal'")
    share, count = threshold.get("andel", 0), threshold.get("antal", 0)
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
        found.append("taerskel.andel skal være et tal fra 0 til 1")
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        found.append("taerskel.antal skal være et helt tal, 0 eller derover")
    if not isinstance(threshold.get("grund"), str) or not threshold["grund"].strip():
        found.append("taerskel.grund mangler: hvorfor er tærsklen sat her?")
    if type(threshold.get("dato")) is not date:
        found.append("taerskel.dato mangler eller er ikke en dato (åååå-mm-dd)")
    return found


def _sql_problems(sql: str) -> list[str]:
    found = []
    if "{batch}" not in sql:
        found.append("sql skal læse fra {batch}, som er reglens model")
    if not re.match(r"\s*(select|with|from)\b", sql, re.IGNORECASE):
        found.append("sql skal være én forespørgsel, der begynder med select eller with")
    if ";" in sql:
        found.append("sql må ikke indeholde semikolon")
    return found


def _rule(area: str, entry: dict[str, Any]) -> Rule:
    threshold = entry["taerskel"]
    kind = "andel" if "andel" in threshold else "antal"
    texts = {key: " ".join(entry[key].split()) for key in _TEXTS}
    return Rule(
        **texts,
        fagomraade=area,
        grundlag=entry.get("grundlag", entry["model"]),
        omfang=entry.get("omfang"),
        # An expectation judges each row by itself.
        raekkevidde=entry.get("raekkevidde", "skive" if "forventning" in entry else "kommune"),
        threshold=Threshold(kind, Decimal(str(threshold[kind])), threshold["grund"].strip(), threshold["dato"]),
        sql=entry.get("sql"),
        expectation=expectation(entry) if "forventning" in entry else None,
    )
