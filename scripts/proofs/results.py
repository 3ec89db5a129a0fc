"""The benchmark's figures: steps, targets, how far they carry, and how they are written."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
REPO = HERE.parents[1]
MARKS = "<!-- written by the benchmark: {} -->", "<!-- end: {} -->"


@dataclass
class Step:
    """One measured process and its floor: seconds, MB at the most, and how much it was about.

    `bytes` is what a load was given, what both database files hold after a build, and what a package step wrote.
    """

    step: str
    seconds: float
    cpu_seconds: float
    peak_rss_mb: float
    rows: int | None = None
    bytes: int | None = None
    files: int | None = None
    nodes: int | None = None
    floor_seconds: float | None = None
    floor_cpu_seconds: float | None = None
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        return round(self.seconds / self.floor_seconds, 2) if self.floor_seconds else None

    def as_json(self) -> dict[str, Any]:
        """With the ratio, and figures no finer than they mean."""
        return {k: round(v, 2) if isinstance(v, float) else v for k, v in asdict(self).items()} | {"ratio": self.ratio}

    @classmethod
    def of(cls, row: dict[str, Any]) -> Step:
        known = {f.name for f in fields(cls)}
        return cls(**{k: v for k, v in row.items() if k in known})


# --- what is judged ----------------------------------------------------------------------------------------------------------------------------------

NOTHING_LOADED, NOTHING_BUILT, IMPORT = "load, nothing new", "build, nothing new", "import of the rule engine"
EVERY_NODE = "build of every node, nothing new"


class Figures:
    """The steps by name, and what the targets ask of them. A measure is None where a step it needs was not run."""

    def __init__(self, steps: Iterable[Step]) -> None:
        self.steps = {s.step: s for s in steps}

    def total(self, names: list[str], what: str = "seconds") -> float | None:
        values = [getattr(self.steps[n], what) if n in self.steps else None for n in names]
        return None if not values or any(v is None for v in values) else sum(values)

    @property
    def per_node(self) -> float | None:
        """Seconds a node costs that has nothing to do: a build of every node though nothing is new, less its own floor and what it costs to find that out, divided by its nodes."""
        every, start = self.steps.get(EVERY_NODE), self.total([NOTHING_BUILT])
        return max(0.0, every.seconds - (every.floor_seconds or 0) - start) / every.nodes if every and every.nodes and start is not None else None

    def ratio(self, steps: list[str]) -> float | None:
        return self._divided(self.total(steps), self.total(steps, "floor_seconds"))

    def ratio_beyond_nodes(self, steps: list[str]) -> float | None:
        seconds, nodes = self.total(steps), self.total(steps, "nodes")
        if seconds is None or nodes is None or self.per_node is None:
            return None
        return self._divided(max(0.0, seconds - self.per_node * nodes - (self.total([NOTHING_BUILT]) or 0)), self.total(steps, "floor_seconds"))

    def ratio_beyond_import(self, steps: list[str]) -> float | None:
        seconds, start = self.total(steps), self.total([IMPORT])
        return None if seconds is None or start is None else self._divided(max(0.0, seconds - start), self.total(steps, "floor_seconds"))

    def beside(self, steps: list[str], against: list[str]) -> float | None:
        return self._divided(self.total(steps), self.total(against))

    def share_beyond_start(self, steps: list[str], against: list[str]) -> float | None:
        """What `steps` cost of `against`, both less what it costs to find that there is nothing to do, and less the constant of their nodes."""
        part, whole, start, per_node = self.total(steps), self.total(against), self.total([NOTHING_LOADED, NOTHING_BUILT]), self.per_node
        if part is None or whole is None or start is None or per_node is None:
            return None
        return self._divided(*(max(0.0, seconds - start - per_node * sum(self.steps[n].nodes or 0 for n in names)) for seconds, names in ((part, steps), (whole, against))))

    def seconds(self, steps: list[str]) -> float | None:
        return self.total(steps)

    def peak(self, steps: list[str] | None = None) -> float | None:
        if steps and any(n not in self.steps for n in steps):
            return None
        chosen = [s for n, s in self.steps.items() if (not steps or n in steps) and n != "demo"]
        return max((s.peak_rss_mb for s in chosen), default=None)

    @staticmethod
    def _divided(above: float | None, below: float | None) -> float | None:
        return None if above is None or not below else above / below


def read_targets() -> dict[str, Any]:
    """targets.yml."""
    return yaml.safe_load((HERE / "targets.yml").read_text("utf-8"))


def judge(steps: Iterable[Step], targets: dict[str, Any]) -> list[dict[str, Any]]:
    """Each target with its figure and a verdict: reached, not reached, floor too small, or not measured."""
    figures, out = Figures(steps), []
    for one in targets["targets"]:
        value = getattr(figures, one["measure"])(**{k: one[k] for k in ("steps", "against") if k in one})
        floor = figures.total(one["steps"], "floor_seconds") if one["measure"].startswith("ratio") else None
        if value is None:
            verdict = "not measured"
        elif floor is not None and floor < targets["floor_from"]:
            verdict = f"floor {floor:.1f} s: too small to judge by"
        else:
            verdict = "reached" if value <= one["most"] else "not reached"
        out.append({"what": one["what"], "most": one["most"], "unit": one["unit"], "value": None if value is None else round(value, 3), "verdict": verdict})
    return out


# --- how far it carries ------------------------------------------------------------------------------------------------------------------------------

def extrapolate(steps: Iterable[Step], sizes: list[dict[str, Any]], periods: int, areas: int, asked: dict[str, Any]) -> dict[str, Any] | None:
    """The month's run and the disk at `asked` months and areas, from the slopes measured; None where a step it needs is missing.

    Load and build: seconds per row that arrives, and how they grow per month stored (from the second month to the last two), a constant per node beside them. Validate
    follows what arrived. Packages hold the whole history, so they follow the months stored. A further area counts as the mean of those measured, in everything
    but memory: models are built one or two at a time, so an area more does not make the largest larger.
    """
    figures = Figures(steps)
    have = figures.steps
    pairs = {2: "the second month", periods - 1: "the last month but one", periods: "the last month"}
    names = [f"{verb} {m}" for m in pairs.values() for verb in ("load", "build")]
    if any(n not in have for n in [*names, "validate the last month", IMPORT]) or figures.per_node is None or len(sizes) < 2 or periods < 4:
        return None
    per_node, packages = figures.per_node, [s for n, s in have.items() if n.startswith("package ") and s.seconds]
    per_row, rows = {}, {}
    for month, name in pairs.items():
        rows[month] = have[f"load {name}"].rows or 1
        per_row[month] = max(0.0, have[f"load {name}"].seconds + have[f"build {name}"].seconds - per_node * (have[f"build {name}"].nodes or 0)) / rows[month]
    late, at = (per_row[periods - 1] + per_row[periods]) / 2, periods - 0.5
    row_slope = max(0.0, (late - per_row[2]) / (at - 2))
    memory = {m: max(have[f"{verb} {n}"].peak_rss_mb for verb in ("load", "build")) for m, n in pairs.items()}
    memory_slope = max(0.0, ((memory[periods - 1] + memory[periods]) / 2 - memory[2]) / (at - 2))
    first, last = next(s for s in sizes if s["months"] == 2), max(sizes, key=lambda s: s["months"])
    month_rows = (rows[periods - 1] + rows[periods]) / 2
    validated = max(0.0, have["validate the last month"].seconds - have[IMPORT].seconds)

    def at_size(months: float, count: int) -> dict[str, float]:
        by = count / areas
        load_build = month_rows * by * (late + row_slope * (months - at)) + per_node * have["build the last month"].nodes * by
        seconds = {"load and build": load_build, "validate": validated * by + have[IMPORT].seconds,
                   "report": have["report"].seconds * by if "report" in have else 0.0, "package": sum(s.seconds for s in packages) * by * months / periods}
        grown = {k: (first[k] + (last[k] - first[k]) / (last["months"] - 2) * (months - 2)) * by / 1e9 for k in ("flis.duckdb", "flis_cpr.duckdb", "arkiv")}
        grown["udbakke"] = sum(s.bytes or 0 for s in packages) * by * months / periods / 1e9
        return {"hours": sum(seconds.values()) / 3600, "memory_mb": memory[periods] + memory_slope * (months - periods), "disk_gb": sum(grown.values()),
                "seconds": {k: round(v) for k, v in seconds.items()}, "gb": {k: round(v, 1) for k, v in grown.items()}}

    cases = [{"months": m, "areas": a, **at_size(m, a)} for m, a in ((periods, areas), (asked["months"], areas), (periods, asked["areas"]), (asked["months"], asked["areas"]))]
    breaks = {}
    for what, limit in asked["limits"].items():
        low = [m for m in range(1, 1201) if at_size(m, asked["areas"])[what] > limit]
        breaks[what] = {"limit": limit, "month": low[0] if low else None}
    between = figures.total(["load the months between", "build the months between"])
    whole = between / (periods - 4) * asked["months"] * asked["areas"] / areas / 3600 if between and periods > 4 else None
    return {"per_node_seconds": per_node, "microseconds_per_row": {str(m): round(v * 1e6, 2) for m, v in per_row.items()}, "microseconds_per_row_and_month": round(row_slope * 1e6, 4),
            "memory_mb_per_month": round(memory_slope, 1), "cases": cases, "breaks": breaks, "hours_from_nothing": whole}


# --- how it is written -------------------------------------------------------------------------------------------------------------------------------

def context(scale: float, periods: int, limit: str) -> dict[str, Any]:
    """When, of what, and on what it was measured."""
    def git(*args: str) -> str:
        return subprocess.run(["git", *args], cwd=REPO, capture_output=True, text=True, check=False).stdout.strip()

    changed = git("status", "--porcelain", "--", "scripts", "macros", "models", "seeds", "expectations", "dbt_project.yml", "profiles.yml")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024**2
    return {"date": datetime.now(UTC).strftime("%Y-%m-%d"), "commit": git("rev-parse", "--short", "HEAD") + (" and changes since" if changed else ""),
            "scale": scale, "periods": periods, "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(), "memory_mb": memory,
            "duckdb_memory_limit": limit}


def summary(about: dict[str, Any], steps: list[Step], sizes: list[dict[str, Any]], proofs: dict[str, Any], areas: int) -> dict[str, Any]:
    """All of it, as written to JSON."""
    targets = read_targets()
    per_node = Figures(steps).per_node
    return {**about, "per_node_seconds": None if per_node is None else round(per_node, 4), "steps": [s.as_json() for s in steps], "targets": judge(steps, targets), "sizes": sizes, "proofs": proofs,
            "extrapolation": extrapolate(steps, sizes, about["periods"], areas, targets["extrapolate"])}


def _number(value: float | None, digits: int = 1) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


def _table(head: list[str], rows: list[list[str]], texts: int = 1) -> str:
    return "\n".join([f"| {' | '.join(head)} |", "|---" * texts + "|--:" * (len(head) - texts) + "|", *(f"| {' | '.join(row)} |" for row in rows)])


def steps_table(steps: Iterable[Step]) -> str:
    """The steps as Markdown."""
    return _table(["step", "files", "rows", "MB", "wall s", "CPU s", "peak MB", "floor wall s", "floor CPU s", "ratio"], [[
        s.step, _number(s.files, 0), _number(s.rows, 0), _number(None if s.bytes is None else s.bytes / 1e6), _number(s.seconds), _number(s.cpu_seconds), _number(s.peak_rss_mb, 0),
        _number(s.floor_seconds), _number(s.floor_cpu_seconds), _number(s.ratio, 2)] for s in steps])


def targets_table(targets: list[dict[str, Any]]) -> str:
    """The targets as Markdown."""
    return _table(["to reach", "at most", "is", "verdict"], [[t["what"], f"{t['most']:,} {t['unit']}", "" if t["value"] is None else f"{t['value']:,.{2 if t['value'] < 100 else 0}f}", t["verdict"]] for t in targets])


def extrapolation_text(found: dict[str, Any] | None) -> str:
    """What the slopes come to, as Markdown."""
    if not found:
        return "Not measured: it takes a month on a short history and on a long one, validate, and builds with nothing new."
    per_row = ", ".join(f"{v} with {m} months" for m, v in found["microseconds_per_row"].items())
    names = {"hours": "the month's run (hours)", "memory_mb": "peak memory (MB)", "disk_gb": "disk (GB)"}
    first = min((b["month"] or 10**6, what) for what, b in found["breaks"].items())
    lines = [f"Load and build cost, beside {found['per_node_seconds'] * 1000:.0f} ms per node, this many µs per row that arrives: {per_row}; that is {found['microseconds_per_row_and_month']} µs more per month stored. "
             f"Memory grows by {found['memory_mb_per_month']} MB per month stored.", "",
             _table(["months × areas", "load and build s", "validate s", "report s", "package s", "hours in all", "peak MB", "flis GB", "cpr GB", "archive GB", "packages GB", "disk GB"], [[
                 f"{c['months']} × {c['areas']}", *(_number(c["seconds"][k], 0) for k in ("load and build", "validate", "report", "package")), _number(c["hours"], 2), _number(c["memory_mb"], 0),
                 *(_number(c["gb"][k]) for k in ("flis.duckdb", "flis_cpr.duckdb", "arkiv", "udbakke")), _number(c["disk_gb"])] for c in found["cases"]]), ""]
    if found["hours_from_nothing"]:
        last = found["cases"][-1]
        lines += [f"All {last['months']} months of {last['areas']} areas from nothing (load and build, at the pace of the months between): {found['hours_from_nothing']:.1f} hours.", ""]
    lines += [f"- {names[w]} passes {b['limit']:,} " + (f"with {b['month']} months stored" if b["month"] else "in no 100 years") for w, b in found["breaks"].items()]
    return "\n".join([*lines, "", f"With {found['cases'][-1]['areas']} areas, what breaks first is {names[first[1]]}." if first[0] < 10**6 else "Nothing breaks."])


def sizes_table(sizes: list[dict[str, Any]]) -> str:
    """Bytes on the disk as the history grew, as Markdown."""
    keys = ("flis.duckdb", "flis_cpr.duckdb", "arkiv", "udbakke")
    return _table(["months stored", *(f"{k} MB" for k in keys)], [[str(s["months"]), *(_number(s[k] / 1e6) for k in keys)] for s in sizes])


def proofs_text(proofs: dict[str, Any]) -> str:
    """What the other parts found: their figures as they give them, long ones cut."""
    lines = []
    for name, found in proofs.items():
        facts = found if isinstance(found, str) else ", ".join(f"{k} {json.dumps(v, ensure_ascii=False)[:300]}" for k, v in found.items())
        lines.append(f"- **{name}**: {facts}")
    return "\n".join(lines) or "None was run."


def as_text(result: dict[str, Any]) -> dict[str, str]:
    """The parts of the page that the benchmark writes, by the name in their marks."""
    about = ", ".join([f"{result['date']}", f"commit {result['commit']}", f"scale {result['scale']:g}", f"{result['periods']} months", f"{result['cores']} cores", f"{result['memory_mb']:,} MB",
                       f"DuckDB memory_limit {result['duckdb_memory_limit']}"])
    constant = "" if result["per_node_seconds"] is None else f"\n\nThe constant per node is {result['per_node_seconds'] * 1000:.0f} ms: a build of every node though nothing is new, less its floor and the start, divided by its nodes."
    steps = [Step.of(row) for row in result["steps"]]
    return {"targets": f"{about}\n\n{targets_table(result['targets'])}{constant}", "steps": steps_table(steps), "sizes": sizes_table(result["sizes"]), "proofs": proofs_text(result["proofs"]),
            "extrapolation": extrapolation_text(result["extrapolation"])}


def write_page(page: Path, parts: dict[str, str]) -> None:
    """Put the parts between their marks in the page. Raises ValueError when a mark is missing."""
    text = page.read_text("utf-8")
    for name, part in parts.items():
        begin, end = (mark.format(name) for mark in MARKS)
        if begin not in text or end not in text:
            raise ValueError(f"{page}: the marks of '{name}' are missing")
        text = text[: text.index(begin) + len(begin)] + f"\n{part}\n" + text[text.index(end):]
    page.write_text(text, "utf-8")
