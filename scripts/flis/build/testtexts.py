"""What a dbt test says in Danish when it fails: what should hold, and what to do. By kind in testtexts.yml; a singular test says it of itself, in its YAML."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """Every kind of generic test: navn, goer."""
    return yaml.safe_load(Path(__file__).with_name("testtexts.yml").read_text("utf-8"))


def name_of(test: Any) -> str:
    """What should hold. Raises KeyError for a kind without a text."""
    return catalogue()[test.test_metadata.name]["navn"].format(**_facts(test)) if _is_generic(test) else _one_line(test.description)


def advice_of(test: Any) -> str:
    """What to do when it does not hold."""
    return _one_line(catalogue()[test.test_metadata.name]["goer"] if _is_generic(test) else test.config.meta["goer"])


def told(test: Any, rows: int | None, said: str) -> str:
    """A failure as it is shown: what should hold, how much does not, what to do, how the rows are seen; and what dbt said last."""
    count = "En række" if rows == 1 else f"{rows or 0:,} rækker".replace(",", ".")
    return "\n".join([f"{name_of(test)}. {count} bryder det.", f"Gør sådan: {advice_of(test)}", f"Rækkerne ses med: FLIS_HOME=… .venv/bin/dbt show --select {test.name}", said])


def _is_generic(test: Any) -> bool:
    return getattr(test, "test_metadata", None) is not None


def _facts(test: Any) -> dict[str, str]:
    given = test.test_metadata.kwargs
    other = re.search(r"'(\w+)'\s*\)", str(given.get("to", "")))
    return {
        "tabel": test.attached_node.rsplit(".", 1)[-1],
        "kolonner": ", ".join(given.get("kolonner") or given.get("noegle") or [given.get("column_name", "")]),
        "vaerdier": ", ".join(map(str, given.get("values", ()))),
        "anden_tabel": other[1] if other else "",
        "anden_kolonne": given.get("field", ""),
    }


def _one_line(text: str) -> str:
    return " ".join(text.split())
