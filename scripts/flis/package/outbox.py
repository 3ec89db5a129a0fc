"""The first page of a recipient's folder, `udbakke/<kommune>/index.html`: what is there, what is held back and why, and what is new.

Everything stands in `drift.pakke`, `kvalitet.tilbageholdt` and the set-up; the page is what they say now, and the same state gives the same bytes.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from flis.contracts.installation import instructed_now
from flis.core import danish
from flis.core.database import exists
from flis.core.home import Home
from flis.report import pages

PAGE = "index.html"
REPORT = Path("kvalitetsrapport", "rapport.html")
FILE_MODE, FOLDER_MODE = 0o400, 0o700       # as packages: for nobody else on the machine


def write_pages(home: Home, con: duckdb.DuckDBPyConnection, kommune: str | None = None) -> list[Path]:
    """Write the page of each municipality that has instructed, wished for something or has something lying there. Returns those that said something new.

    `con` has flis open and cpr attached; `kommune` (four digits) writes just that one's.
    """
    picture = _Picture(home, con)
    written = []
    for code in picture.recipients:
        if kommune in (None, code):
            folder = home.outbox / code
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(FOLDER_MODE)
            if pages.write(folder / PAGE, pages.render("indeks.html.j2", **picture.page(code)), FILE_MODE):
                written.append(folder / PAGE)
    return written


class _Picture:
    """What has been written to whom, and what is held, read once for all pages."""

    def __init__(self, home: Home, con: duckdb.DuckDBPyConnection) -> None:
        self.home = home
        self.con = con
        self.names = dict(self._rows("select kommunekode, kommunenavn from flis.marts.dim_kommune")) if exists(con, "marts", "dim_kommune") else {}
        self.instructed = instructed_now(con)
        self.written = self._by("select modtager, pakke, fagomraade, version, skrevet from flis.drift.pakke order by nummer") if exists(con, "drift", "pakke") else {}
        self.held = self._by("select kommunekode, fagomraade, regel_id, titel, periode, raekker, afvigelser, taerskel_art, taerskel, koersel from flis.kvalitet.tilbageholdt order by all") \
            if exists(con, "kvalitet", "tilbageholdt") else {}
        self.ended = self._by("select kommunekode, fagomraade, regel_id, periode, udloebet from flis.kvalitet.udloebet order by all") if exists(con, "kvalitet", "udloebet") else {}
        self.released = self._by("select kommunekode, fagomraade, regel_id, titel, periode, frigivet_grund from flis.kvalitet.frigivet order by all") if exists(con, "kvalitet", "frigivet") else {}
        wishes = exists(con, "raw", "opsaetning_pakke_oenske", "cpr")
        self.wished = {code for (code,) in self._rows("select distinct kommunekode from cpr.raw.opsaetning_pakke_oenske")} if wishes else set()
        self.recipients = sorted({*self.wished, *self.written, *self.instructed})

    def _rows(self, sql: str) -> list[tuple]:
        return self.con.execute(sql).fetchall()

    def _by(self, sql: str) -> dict[str, list[dict[str, Any]]]:
        """Rows by their first column."""
        answer = self.con.execute(sql)
        names, found = [d[0] for d in answer.description], {}
        for row in answer.fetchall():
            found.setdefault(row[0], []).append(dict(zip(names, row, strict=True)))
        return found

    def page(self, code: str) -> dict[str, Any]:
        """What the template shows of one municipality."""
        there = self._packages(code)
        newest = max((p["skrevet"].date() for p in there), default=None)
        for one in there:
            one["er_ny"] = one["skrevet"].date() == newest
        return {
            "kommunekode": code, "navn": self.names.get(code, code), "pakker": there, "senest": newest, "holdt": self._held(code, {p["pakke"]: p for p in there}),
            "frigivet": [{**r, "omraade": pages.area_names()[r["fagomraade"]], "maaneder": danish.months([r["periode"]])} for r in self.released.get(code, [])],
            "oenskede": code in self.wished, "rapport": REPORT.as_posix() if (self.home.outbox / code / REPORT).exists() else None,
        }

    def _packages(self, code: str) -> list[dict[str, Any]]:
        """Per package its newest version that lies there, and how many older ones do. A version that has been taken away is not shown."""
        found: dict[str, list[dict[str, Any]]] = {}
        for one in self.written.get(code, []):
            if (self.home.outbox / code / one["pakke"] / one["version"]).exists():
                found.setdefault(one["pakke"], []).append(one)
        names = pages.area_names()
        return [{**ones[-1], "aeldre": len(ones) - 1, "sti": f"{name}/{ones[-1]['version']}",
                 "titel": names[ones[-1]["fagomraade"]] + (", sammenligningstal" if name.endswith("_benchmark") else ""),
                 "maaned": danish.month(datetime.strptime(ones[-1]["version"].split(".")[1], "%Y%m").date())}
                for name, ones in sorted(found.items())]

    def _held(self, code: str, there: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
        """Per fagområde the rules that hold its package, each with its months, and what lies there meanwhile."""
        found: dict[str, dict[str, dict[str, Any]]] = {}
        ended = {(e["fagomraade"], e["regel_id"]): e["udloebet"] for e in self.ended.get(code, [])}
        for one in self.held.get(code, []):
            rule = found.setdefault(one["fagomraade"], {}).setdefault(one["regel_id"], {**one, "perioder": [], "alle": 0, "siden": one["koersel"]})
            rule["perioder"].append(one["periode"])
            rule["alle"] += one["afvigelser"]
            rule["siden"] = min(rule["siden"], one["koersel"])
        return [{"omraade": pages.area_names()[area], "fagomraade": area, "ligger": there.get(area),
                 "regler": [{**rule, "udloebet": ended.get((area, rule["regel_id"])), "maaneder": danish.months(rule["perioder"]), "graense": danish.threshold(rule["taerskel_art"], rule["taerskel"]),
                             "siden": danish.day(danish.of_run(rule["siden"]))} for rule in rules.values()]}
                for area, rules in sorted(found.items())]
