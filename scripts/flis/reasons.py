"""Reasons in Danish, from reasons.yml: one place for everything a sender is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml


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
