"""Reasons in Danish, from reasons.yml: one place for everything a sender is told."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_NAME = re.compile(r"[@(]?[^\W\d][\w.:-]{0,59}\)?( [\w.:-]{1,40}){0,5}")
MOST_PARTS = 6
UNTOLD = "(navnet kan ikke gengives)"


def told_name(name: str) -> str:
    """The name of a field or an element ('a/b', 'a.b', '@a') as a sender can be told it: it comes from the file, and may be a value that has got into a name's place."""
    parts = name.split("/")
    if len(parts) <= MOST_PARTS and all(_NAME.fullmatch(part) and not re.search(r"\d{5}", part) for part in parts):
        return name
    return UNTOLD


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """Every reason by its code: udfald, hvad, ret."""
    return yaml.safe_load(Path(__file__).with_name("reasons.yml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Reason:
    """One reason with the facts that belong in its text. The facts are numbers, dates and agreed names, never a value from a row."""

    code: str
    facts: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, code: str, **facts: Any) -> Reason:
        catalogue()[code]
        return cls(code, facts)

    @property
    def what(self) -> str:
        return catalogue()[self.code]["hvad"].format(**self.facts)

    @property
    def correction(self) -> str:
        return catalogue()[self.code]["ret"].format(**self.facts)

    @property
    def text(self) -> str:
        return f"{self.what} {self.correction}"

    @property
    def line(self) -> int | None:
        return self.facts.get("linje")
