"""Pages made from the templates: one look, one way to write a file, and the texts that are the same for all (templates/tekster.yml)."""

from __future__ import annotations

import os
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import yaml

from flis.core import danish
from flis.core.home import REPO
from flis.disclosure.guard import Limits

TEMPLATES = Path(__file__).with_name("templates")


@cache
def texts() -> dict[str, Any]:
    """templates/tekster.yml."""
    return yaml.safe_load((TEMPLATES / "tekster.yml").read_text("utf-8"))


def count(value: int, word: str) -> str:
    """A number with its word, both in Danish: count(2, 'raekke') is '2 rækker'. The words stand in tekster.yml."""
    one, more = texts()["ord"][word]
    return f"{danish.number(value)} {one if value == 1 else more}"


@cache
def least_shown() -> int:
    """The fewest persons that a municipality's people may be told of in another municipality (seed fortrolighedsgraense, what holds for every key figure)."""
    return Limits.read().fewest


def rough(value: int) -> str:
    """A number of rows as others may see it: none, some (fewer than the limit), else to the nearest so many, so that no municipality's few are a sum less the rest."""
    least = least_shown()
    return danish.number(0) if not value else f"1–{least - 1}" if value < least else danish.number(rounded(value))


def rounded(value: int) -> int:
    """A number to the nearest so many as the fewest that are shown: what a share is of, where the number itself is told so."""
    return round(value / least_shown()) * least_shown()


def rough_share(part: Decimal, whole: Decimal, per_row: int = 1) -> tuple[str, Decimal | None] | None:
    """A share of rows as others may see it where fewer than the limit are on the one side: ('mindst', a step) or ('højst', one), of the steps in tekster.yml the nearest that so few do not reach.

    None where it may be seen as it is, also when it is nought or whole: neither tells how many. No step where it is of so little that none is far enough. What is counted may stand several times in a row.
    """
    least, left = least_shown() * per_row, whole - part
    if not 0 < part < whole or min(part, left) >= least:
        return None
    step = next((one for one in map(Decimal, texts()["groft"]["trin"]) if 1 - least / whole >= one), None)
    return (texts()["groft"]["for_faa"], None) if step is None else ("mindst", step) if left < least else ("højst", 1 - step)


@cache
def environment() -> jinja2.Environment:
    """The templates, with the Danish filters (tal, groft, andel, maaned, dag, tidspunkt, antal, taerskel)."""
    made = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    made.filters.update(tal=danish.number, groft=rough, afrundet=rounded, andel=danish.share, maaned=danish.month, dag=danish.day, tidspunkt=danish.moment, antal=count)
    made.globals.update(tekst=texts(), taerskel=danish.threshold, mindst_vist=least_shown())
    return made


def render(template: str, **values: Any) -> bytes:
    """A page as it is written."""
    return environment().get_template(template).render(**values).encode("utf-8")


def write(path: Path, data: bytes, mode: int = 0o600) -> bool:
    """Put a file in place whole or not at all; one that holds the same bytes is left alone. Returns whether it was written."""
    if path.exists() and path.read_bytes() == data:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.ny")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(data)
    half.chmod(mode)
    os.replace(half, path)
    return True


@cache
def area_names() -> dict[str, str]:
    """What the fagområder are called: the packages' titles, where a new area writes its own anyway."""
    return {p.stem: yaml.safe_load(p.read_text("utf-8"))["titel"] for p in sorted((REPO / "pakker").glob("[!_]*.yml"))}


@cache
def group_names() -> dict[str, str]:
    """What the faggrupper are called (models/_groups.yml)."""
    return {g["name"]: g["owner"]["name"] for g in yaml.safe_load((REPO / "models" / "_groups.yml").read_text("utf-8"))["groups"]}
