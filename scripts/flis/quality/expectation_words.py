"""The expectations that a rule can be, and the words that a rule file says them with.

Each is Great Expectations' own, known by its name there; what the words come to in it is `Expectation.kwargs`. A new one is an entry in EXPECTATIONS, and must tell of a row by its own
values: one about the whole table (a mean, a number of rows) breaks no row in particular. Not regex and like, which Great Expectations has no way of saying to DuckDB.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Form:
    """What an expectation takes: how many columns, whether a set of values, whether limits."""

    columns: int = 1
    values: bool = False
    limits: bool = False


EXPECTATIONS = {
    "expect_column_values_to_be_in_set": Form(values=True),
    "expect_column_values_to_not_be_in_set": Form(values=True),
    "expect_column_values_to_be_between": Form(limits=True),
    "expect_column_values_to_not_be_null": Form(),
    "expect_column_pair_values_to_be_equal": Form(columns=2),
    "expect_column_pair_values_to_be_in_set": Form(columns=2, values=True),
}
LIMITS = {"min": "min_value", "max": "max_value", "over": "min_value", "under": "max_value"}      # `over` and `under`: the limit itself is outside
STRICT = {"over": "strict_min", "under": "strict_max"}
WORDS = ("kolonne", "kolonner", "vaerdier", "kodeliste", *LIMITS, "raekkebetingelse")


@dataclass(frozen=True)
class Expectation:
    """A rule that is an expectation. A value that is missing breaks none of them but `not_be_null`."""

    type: str
    columns: tuple[str, ...]
    values: tuple[Any, ...] = ()
    code_list: str | None = None            # the seed that has the values, in columns of the same names
    limits: dict[str, Any] = field(default_factory=dict)
    condition: str | None = None            # SQL: the rows it is tried on, of those that the rule is about

    def kwargs(self, values: tuple[Any, ...]) -> dict[str, Any]:
        """What Great Expectations is to be given; `values` are the code list's, where there is one."""
        form = EXPECTATIONS[self.type]
        if form.columns == 2:
            given: dict[str, Any] = {"column_A": self.columns[0], "column_B": self.columns[1], "ignore_row_if": "either_value_is_missing"}
        else:
            given = {"column": self.columns[0]}
        if form.values:
            given["value_set" if form.columns == 1 else "value_pairs_set"] = list(values)
        for word, limit in self.limits.items():
            given[LIMITS[word]] = limit
            if word in STRICT:
                given[STRICT[word]] = True
        return given


def expectation(entry: dict[str, Any]) -> Expectation:
    """What an entry of a rule file says, which `problems` has found nothing wrong with."""
    columns = tuple(entry["kolonner"]) if "kolonner" in entry else (entry["kolonne"],)
    return Expectation(entry["forventning"], columns, tuple(entry.get("vaerdier", ())), entry.get("kodeliste"), {word: entry[word] for word in LIMITS if word in entry}, entry.get("raekkebetingelse"))


def problems(entry: dict[str, Any]) -> list[str]:
    """What is wrong with the words of an entry that has a `forventning`, in Danish; empty when nothing is."""
    kind = entry["forventning"]
    form = EXPECTATIONS.get(kind) if isinstance(kind, str) else None
    if form is None:
        return [f"forventning skal være en af {', '.join(EXPECTATIONS)}; alt andet skrives som sql"]
    column = "kolonne" if form.columns == 1 else "kolonner"
    fits = {column, "raekkebetingelse", *(("vaerdier", "kodeliste") if form.values else ()), *(LIMITS if form.limits else ())}
    found = [f"'{word}' hører ikke til {kind}" for word in WORDS if word in entry and word not in fits]
    if column not in entry:
        found.append(f"'{column}' mangler")
    elif form.columns == 1 and not _is_name(entry[column]):
        found.append("kolonne skal være navnet på en kolonne")
    elif form.columns == 2 and not (isinstance(entry[column], list) and len(entry[column]) == 2 and all(map(_is_name, entry[column]))):
        found.append("kolonner skal være to navne, fx [hovedkonto, dranst]")
    return found + (_value_problems(entry, form) if form.values else []) + (_limit_problems(entry) if form.limits else [])


def _is_name(name: Any) -> bool:
    return isinstance(name, str) and name.isidentifier()


def _value_problems(entry: dict[str, Any], form: Form) -> list[str]:
    if ("vaerdier" in entry) == ("kodeliste" in entry):
        return ["skriv enten 'vaerdier' eller 'kodeliste', og kun den ene"]
    if "kodeliste" in entry:
        return [] if _is_name(entry["kodeliste"]) else ["kodeliste skal være navnet på en kodeliste"]
    values = entry["vaerdier"]
    if not isinstance(values, list) or not values or any(value is None for value in values):
        return ["vaerdier skal være en liste, fx [ukendt]"]
    if form.columns == 2 and not all(isinstance(pair, list) and len(pair) == 2 for pair in values):
        return ["vaerdier skal være en liste af par, fx [[a, b], [c, d]]"]
    return []


def _limit_problems(entry: dict[str, Any]) -> list[str]:
    given = [word for word in LIMITS if word in entry]
    if not given:
        return [f"mangler en grænse: {', '.join(LIMITS)}"]
    found = [f"{word} skal være et tal" for word in given if isinstance(entry[word], bool) or not isinstance(entry[word], int | float)]
    return found + [f"skriv enten '{a}' eller '{b}'" for a, b in (("min", "over"), ("max", "under")) if a in given and b in given]
