"""What dbt gives a model and sqlfluff's Jinja templater does not: each module here by its name, `context` and `var`."""

import re
from functools import cache, partial
from pathlib import Path

import jinja2
import yaml

from sqlfluff_lib import adapter

_repo = Path(__file__).resolve().parents[2]
_text = "\n".join(file.read_text("utf-8") for file in sorted((_repo / "macros").glob("*.sql")))
_returned: list = []


@cache
def _macros():
    return jinja2.Environment(extensions=["jinja2.ext.do"]).from_string(_text, globals={"adapter": adapter, "ref": str, "return": _returned.append}).module


def _call(name: str):
    """What a macro returns: a list is a list here, where Jinja alone would write it as text."""
    getattr(_macros(), name)()
    return _returned.pop()


# dbt's `context`, as far as models look macros up in it: what each fagområde says of itself.
context = {name: partial(_call, name) for name in re.findall(r"{% macro ((?:kvalitet|lagafstemning|formler)_\w+)\(\)", _text)}


def var(name: str, default=None):
    """The project's own variables; sqlfluff's builtin has none of them."""
    return yaml.safe_load((_repo / "dbt_project.yml").read_text("utf-8"))["vars"].get(name, default)
