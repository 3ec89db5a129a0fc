"""The report step: what the quality rules found, told to those who are to act on it.

A municipality gets one page over its fagområder and a workbook per fagområde with the rows to correct; a faggruppe gets a page over all municipalities
and systems, with counts only; the country gets `rapporter/kvalitet.html`. Everything is read from `kvalitet.*` and nothing is kept: the files are what
the store says now. Persons' ids are keyed anew per municipality, as in its packages.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from flis.contracts.installation import instructed_now
from flis.core import danish
from flis.core.database import connect, content_sign, exists
from flis.core.home import Home
from flis.core.keys import master_key, pseudonym, recipient_key
from flis.quality.measuring import MOST_DEVIATIONS, UNKNOWN
from flis.quality.rules import ROLES, SEVERITIES
from flis.report import extras, pages

Progress = Callable[[str, int, int], None]

FOLDER = "kvalitetsrapport"
FILE_MODE, FOLDER_MODE = 0o400, 0o700       # as packages: for nobody else on the machine
SHOWN = 5                                   # rows to correct that the page itself shows per rule
MONTHS_BACK = 14                            # of deliveries
FEWEST_TO_COMPARE = 5                       # municipalities behind a mean
RUNS_BACK = 10                              # in a faggruppe's history
PERSON = re.compile(r"[0-9a-f]{32}")        # a person_id, also inside a composed key
SIGN = re.compile(rb'<meta name="flis-indhold" content="([0-9a-z_= ]+)">')
RULE_TEXTS = ("regel_id", "titel", "alvor", "dimension", "hvad", "hvornaar", "hvordan", "rolle", "taerskel_art", "taerskel", "taerskel_grund")
RULE_LISTS = ("regler", *SEVERITIES, "under", "loest", "bestaaet", "ikke_relevant", "kunne_ikke")      # what a fagområde's content says of its rules
ORDER = {severity: number for number, severity in enumerate(SEVERITIES)}


@dataclass
class ReportResult:
    """What one run wrote. A report that would say the same as the one that lies there is left alone."""

    written: list[Path] = field(default_factory=list)
    unchanged: list[Path] = field(default_factory=list)
    workbooks: int = 0
    bytes: int = 0

    def facts(self) -> dict[str, Any]:
        """Figures for status.json and the table at the end of a run: pages, workbooks written, bytes written."""
        return {"reports": len(self.written), "unchanged": len(self.unchanged), "workbooks": self.workbooks, "bytes": self.bytes}

    def _note(self, path: Path, written: bool) -> None:
        (self.written if written else self.unchanged).append(path)
        self.bytes += path.stat().st_size if written else 0


def report(home: Home, *, fagomraade: str | None = None, kommune: str | None = None, periode: str | None = None, progress: Progress | None = None) -> ReportResult:
    """Write the municipalities' reports, the faggrupper's overviews and the national page, as the quality store stands.

    `kommune` (four digits) writes just that municipality's; `fagomraade` those of the municipalities that have instructed it, and that faggruppe's. A report
    always covers all months, so `periode` narrows nothing; it is taken so that all steps are called alike. With no quality store nothing is written.
    """
    result = ReportResult()
    with connect(home) as con:
        if not exists(con, "kvalitet", "resultat"):
            return result
        picture = Picture(con)
        wanted = [k for k in sorted(picture.instructed) if kommune in (None, k) and (not fagomraade or fagomraade in picture.instructed[k])]
        areas = [a for a in picture.areas if fagomraade in (None, a)] if not kommune else []
        for number, code in enumerate(wanted, start=1):
            if progress:
                progress(code, number, len(wanted) + len(areas))
            _write_municipality(home, picture, code, result)
        for number, area in enumerate(areas, start=len(wanted) + 1):
            if progress:
                progress(area, number, len(wanted) + len(areas))
            path = home.reports / "faggrupper" / f"{area}.html"
            result._note(path, pages.write(path, pages.render("faggruppe.html.j2", **picture.group_page(area))))
        if not kommune and not fagomraade:
            write_overview(con, home)
            _remove_stale(home, picture)
    return result


# --- what there is -----------------------------------------------------------------------------------------------------------------------------

class Picture:
    """The quality store as it stands, read once for all reports. Only breaking rows stay in the database until their municipality's turn."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self.con = con
        self.instructed = instructed_now(con)
        self.rules = {r["regel_id"]: {**r, "rolle": ROLES[r["rolle"]]} for r in self._dicts("select * from kvalitet.regel order by regel_id")}
        self.areas = sorted({r["fagomraade"] for r in self.rules.values()})
        self.runs = {area: (latest, before) for area, latest, before in self._rows("select fagomraade, seneste, forrige from kvalitet.seneste")}
        self.municipalities = {m["kommunekode"]: m for m in self._dicts("select kommunekode, kommunenavn, kommunegruppe from marts.dim_kommune")} if self._has("marts", "dim_kommune") else {}
        self.systems = dict(self._rows("select kildesystem, systemnavn from marts.dim_kildesystem")) if self._has("marts", "dim_kildesystem") else {}
        self._read_results()
        self.held = self._by("select kommunekode, fagomraade, regel_id, titel, periode, afvigelser, udloebet from kvalitet.overskridelse where frigivet is null order by all")
        self.released = self._by("select kommunekode, fagomraade, regel_id, titel, periode, frigivet_grund, frigivet, frigivet_af from kvalitet.frigivet order by all")
        self.accepted = self._by("""
            select a.kommunekode, r.fagomraade, a.regel_id, r.titel, a.periode, a.antal, a.grund, a.dato
            from kvalitet.accepteret as a inner join kvalitet.regel as r on a.regel_id = r.regel_id order by all
        """)
        self._read_deliveries()
        self.extras = extras.read(con)
        self._prepare_rows()
        code = [*sorted(pages.TEMPLATES.iterdir()), *(Path(__file__).with_name(f"{n}.py") for n in ("report", "extras", "workbook", "pages")), Path(danish.__file__)]
        self.sign = hashlib.sha256(b"".join(p.read_bytes() for p in code) + json.dumps(self.rules, default=str, sort_keys=True).encode()).hexdigest()
        self._master: bytes | None = None

    def _rows(self, sql: str, values: list | None = None) -> list[tuple]:
        return self.con.execute(sql, values or []).fetchall()

    def _dicts(self, sql: str, values: list | None = None) -> list[dict[str, Any]]:
        answer = self.con.execute(sql, values or [])
        names = [d[0] for d in answer.description]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]

    def _by(self, sql: str) -> dict[tuple[str, str], list[dict[str, Any]]]:
        """Rows by (kommunekode, fagomraade)."""
        found: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for row in self._dicts(sql):
            found.setdefault((row["kommunekode"], row["fagomraade"]), []).append(row)
        return found

    def _has(self, schema: str, table: str, catalog: str = "flis") -> bool:
        return exists(self.con, schema, table, catalog)

    def name(self, code: str) -> str:
        """A municipality's name."""
        return self.municipalities.get(code, {}).get("kommunenavn") or code

    def system(self, code: str | None) -> str:
        """A source system's name; none for what is found in sums over all systems, whose keys have the area in the system's place."""
        return "" if code in self.areas else self.systems.get(code, code) or ""

    def _read_results(self) -> None:
        """Per rule and municipality what all its months come to."""
        moved = {(rule, code): (new, gone) for rule, code, new, gone in self._rows(
            "select regel_id, kommunekode, sum(nye)::bigint, sum(loeste)::bigint from kvalitet.udvikling group by all")}
        self.results: dict[tuple[str, str], dict[str, Any]] = {}
        for row in self._dicts("select regel_id, kommunekode, periode, raekker, afvigelser, accepteret, status, aarsag, nye, loeste from kvalitet.resultat order by all"):
            self.results.setdefault((row.pop("kommunekode"), row.pop("regel_id")), {"perioder": []})["perioder"].append(row)
        for (code, rule), one in self.results.items():
            one.update(_together(one["perioder"]))
            one["nye"], one["loeste"] = moved.get((rule, code), (0, 0))
        for rule, code in moved:        # resolved, and the month has gone with it
            if (code, rule) not in self.results:
                self.results[code, rule] = {"perioder": [], **_together([]), "nye": moved[rule, code][0], "loeste": moved[rule, code][1]}
        self._shares: dict[str, list[tuple[str, str | None, float, int]]] = {}
        for (code, rule), one in sorted(self.results.items()):
            if one["raekker"] and not one["kunne_ikke_koere"] and code != UNKNOWN:
                group = self.municipalities.get(code, {}).get("kommunegruppe")
                self._shares.setdefault(rule, []).append((code, group, one["afvigelser"] / one["raekker"], one["afvigelser"]))

    def comparison(self, rule: str, code: str) -> dict[str, Any] | None:
        """The mean of the other municipalities in the group, or of all others where the group is too small; None where there are too few at all."""
        others = [s for s in self._shares.get(rule, []) if s[0] != code]
        group = self.municipalities.get(code, {}).get("kommunegruppe")
        same = [s for s in others if group and s[1] == group]
        chosen, whom = (same, group) if len(same) >= FEWEST_TO_COMPARE else (others, None)
        if len(chosen) < FEWEST_TO_COMPARE:
            return None
        return {"gruppe": whom, "kommuner": len(chosen), "andel": sum(s[2] for s in chosen) / len(chosen), "antal": sum(s[3] for s in chosen) / len(chosen)}

    def _read_deliveries(self) -> None:
        self.deliveries, self.refused = {}, {}
        if self._has("marts", "leveranceoversigt"):
            self.deliveries = self._by(f"""
                select kommunekode, fagomraade, kildesystem, periode, status, frist, antal_forventet, antal_modtaget, antal_forsinket, antal_mangler, antal_erstattet, antal_afvist, antal_tilbagekaldt
                from marts.leveranceoversigt
                where periode > (select max(periode) from marts.leveranceoversigt) - interval {MONTHS_BACK} month
                order by all
            """)
        if self._has("raw", "leverance", "cpr"):
            # A national file (no municipality) that was refused is told to everybody it was for.
            self.refused = self._by(f"""
                select coalesce(kommunekode, '*') as kommunekode, fagomraade, kildesystem, periode, cast(modtaget as date) as modtaget, fil, aarsag
                from cpr.raw.leverance
                where status = 'afvist' and fagomraade is not null
                    and modtaget > (select max(modtaget) from cpr.raw.leverance) - interval {MONTHS_BACK} month
                order by modtaget desc, fil
            """)

    def _prepare_rows(self) -> None:
        extracted = "(select leverance_id, cast(udtrukket as date) as udtrukket from cpr.raw.leverance)" if self._has("raw", "leverance", "cpr") else "(select null::bigint as leverance_id, null::date as udtrukket)"
        self.con.execute(f"""
            create or replace temp table til_rettelse as
            select a.kommunekode, a.fagomraade, a.regel_id, a.periode, a.noegle, a.fil, a.linje, l.udtrukket, a.leverance_id, a.udvikling, a.foerst_set
            from kvalitet.afvigelse as a
            left join {extracted} as l on a.leverance_id = l.leverance_id
            where a.kommunekode <> '{UNKNOWN}'
            order by a.kommunekode, a.regel_id, a.periode desc, a.udvikling, a.noegle, a.fil, a.linje, a.leverance_id
        """)
        self.row_signs = {(code, area): sign for code, area, sign in self._rows(
            f"select kommunekode, fagomraade, {content_sign('t')} from temp.til_rettelse as t group by kommunekode, fagomraade")}

    def breaking(self, home: Home, code: str, area: str) -> dict[str, list[tuple]]:
        """A municipality's rows to correct per rule, as a workbook has them, persons keyed anew for it."""
        if self._master is None:
            self._master = master_key(home)
        key = recipient_key(self._master, code)
        found: dict[str, list[tuple]] = {}
        words = pages.texts()["udvikling"]
        for rule, month, name, file, line, extracted, delivery, trend, first in self._rows(
                """
                select regel_id, periode, noegle, fil, linje, udtrukket, leverance_id, udvikling, foerst_set
                from temp.til_rettelse where kommunekode = $1 and fagomraade = $2
                order by regel_id, periode desc, udvikling, noegle, fil, linje, leverance_id
                """, [code, area]):
            system, _, own = name.partition("|")
            own = PERSON.sub(lambda found_id: pseudonym(key, found_id[0]), own)
            found.setdefault(rule, []).append((month, self.system(system), own, file, line, extracted, delivery, words[trend], danish.local(danish.of_run(first)).date()))
        return found

    # --- a municipality --------------------------------------------------------------------------------------------------------------------

    def municipality(self, code: str) -> dict[str, Any]:
        """All that a municipality's page says, but for the rows to correct."""
        areas = [self._area(code, a) for a in self.instructed[code] if a in self.areas]
        areas.sort(key=lambda a: (not a["holdt"], -len(a["fejl"]), -len(a["advarsel"]), -a["over"], a["titel"]))
        return {"kommunekode": code, "navn": self.name(code), "gruppe": self.municipalities.get(code, {}).get("kommunegruppe"), "omraader": areas}

    def _area(self, code: str, area: str) -> dict[str, Any]:
        rules = [self._rule(code, r) for r in self.rules.values() if r["fagomraade"] == area]
        rules.sort(key=lambda r: (ORDER[r["alvor"]], -r["over"], -r["afvigelser"], r["regel_id"]))
        latest, before = self.runs.get(area, (None, None))
        failing = [r for r in rules if r["status"] == "fejlet"]
        deliveries = self.deliveries.get((code, area), [])
        return {
            "id": area, "titel": pages.area_names().get(area, area), "seneste": latest, "forrige": before, "har_data": any(r["raekker"] for r in rules),
            "gruppenavn": pages.group_names().get(f"faggruppe_{area}", ""), "regler": rules,
            **{severity: [r for r in failing if r["alvor"] == severity] for severity in SEVERITIES},
            "over": sum(r["over"] for r in failing), "nye": sum(r["nye"] for r in rules), "loeste": sum(r["loeste"] for r in rules),
            "holdt": _by_rule(self.held.get((code, area), [])), "frigivet": _by_rule(self.released.get((code, area), [])),
            "under": [r for r in rules if r["status"] == "bestaaet" and r["afvigelser"] > r["accepteret"]],
            "accepteret": self._accepted(code, area, rules),
            "loest": [r for r in rules if r["loeste"]],
            "bestaaet": [r for r in rules if r["status"] == "bestaaet" and not r["afvigelser"]],
            "ikke_relevant": [r for r in rules if r["status"] == "ikke_relevant"],
            "kunne_ikke": [r for r in rules if r["kunne_ikke_koere"]],
            "leverancer": _delivery_table(deliveries, self.system),
            "mangler": sum(d["antal_mangler"] for d in deliveries),
            "afvist": [{**d, "system": self.system(d["kildesystem"])} for d in self.refused.get((code, area), []) + self.refused.get(("*", area), [])],
            "ekstra": extras.shown(self.extras, (code, area), self.system),
        }

    def _rule(self, code: str, rule: dict[str, Any]) -> dict[str, Any]:
        texts = {k: rule[k] for k in RULE_TEXTS}
        found = self.results.get((code, rule["regel_id"])) or {"perioder": [], **_together([]), "nye": 0, "loeste": 0}
        return {**texts, **found, "sammenligning": self.comparison(rule["regel_id"], code) if found["status"] == "fejlet" else None}

    def _accepted(self, code: str, area: str, rules: list[dict]) -> list[dict[str, Any]]:
        """Known faults, and how many of them are there now."""
        found = []
        for one in self.accepted.get((code, area), []):
            months = next((r["perioder"] for r in rules if r["regel_id"] == one["regel_id"]), [])
            found.append({**one, "nu": sum(m["afvigelser"] or 0 for m in months if m["accepteret"] and one["periode"] in (None, m["periode"]))})
        return found

    def fingerprints(self, municipality: dict[str, Any]) -> dict[str, str]:
        """Per fagområde what tells what a municipality's report says of it, and how: the same sign, the same workbook; all the same and in the same order, the same page.

        When it was measured counts only where something is new or resolved since: a later run that finds the same has nothing to tell.
        """
        about = {k: v for k, v in municipality.items() if k != "omraader"}
        signs = {}
        for area in municipality["omraader"]:
            rows = self.row_signs.get((municipality["kommunekode"], area["id"]))
            told = area if area["nye"] or area["loeste"] else {**area, "seneste": bool(area["seneste"]), "forrige": bool(area["forrige"])}
            told = {k: [_without_texts(one) for one in v] if k in RULE_LISTS else v for k, v in told.items()}
            signs[area["id"]] = hashlib.sha256(json.dumps([self.sign, about, told, rows], default=str, sort_keys=True).encode()).hexdigest()
        return signs

    # --- a faggruppe -----------------------------------------------------------------------------------------------------------------------

    def group_page(self, area: str) -> dict[str, Any]:
        """All that a faggruppe's page says: counts, and what is said about municipalities as such."""
        rules = [r for r in self.rules.values() if r["fagomraade"] == area]
        codes = [c for c, areas in self.instructed.items() if area in areas]
        municipalities = [self._group_line(code, area, rules) for code in codes]
        municipalities.sort(key=lambda m: (-m["fejl"], -m["advarsel"], -m["oplysning"], -m["afvigelser"], m["navn"]))
        per_rule = []
        for rule in rules:
            results = [self.results[c, rule["regel_id"]] for c in codes if (c, rule["regel_id"]) in self.results]
            nobody = self.results.get((UNKNOWN, rule["regel_id"]), {"afvigelser": 0})
            per_rule.append({**rule, "fejlet": sum(r["status"] == "fejlet" for r in results), "afvigelser": sum(r["afvigelser"] for r in results),
                             "raekker": sum(r["raekker"] for r in results), "nye": sum(r["nye"] for r in results), "loeste": sum(r["loeste"] for r in results),
                             "maalt": sum(r["status"] in ("fejlet", "bestaaet") for r in results), "uden_kommune": nobody["afvigelser"]})
        latest, before = self.runs.get(area, (None, None))
        return {
            "id": area, "titel": pages.area_names().get(area, area), "gruppenavn": pages.group_names().get(f"faggruppe_{area}", ""), "seneste": latest and danish.of_run(latest),
            "forrige": before and danish.of_run(before), "regler": rules, "kommuner": municipalities,
            "vaerst": sorted(per_rule, key=lambda r: (not r["fejlet"], ORDER[r["alvor"]], -r["fejlet"], -r["afvigelser"], r["regel_id"])),
            "holdt": [(self.name(c), "; ".join(f"{h['regel_id']} {h['maaneder']}".strip() for h in _by_rule(self.held[c, area]))) for c in codes if (c, area) in self.held], "frigivet": self._across(self.released, area, codes),
            "accepteret": [{**one, "navn": self.name(code)} for code in codes for one in self.accepted.get((code, area), [])],
            "kunne_ikke": self._not_run(area), "systemer": self._systems(area, codes), "historik": self._history(area), "hoejst": danish.number(MOST_DEVIATIONS),
        }

    def _group_line(self, code: str, area: str, rules: list[dict]) -> dict[str, Any]:
        cells, failing = [], Counter()
        found = [(rule, self.results.get((code, rule["regel_id"]))) for rule in rules]
        for rule, one in found:
            status = one["status"] if one else "ikke_relevant"
            failing[rule["alvor"]] += status == "fejlet"
            cells.append({"status": status, "alvor": rule["alvor"], "antal": one["afvigelser"] if one else 0, "titel": rule["titel"]})
        known = [one for _, one in found if one]
        return {"kommunekode": code, "navn": self.name(code), "celler": cells, **{s: failing[s] for s in SEVERITIES}, "afvigelser": sum(o["afvigelser"] for o in known),
                "nye": sum(o["nye"] for o in known), "loeste": sum(o["loeste"] for o in known), "holdt": bool(self.held.get((code, area))),
                "mangler": sum(d["antal_mangler"] for d in self.deliveries.get((code, area), []))}

    def _across(self, what: dict, area: str, codes: list[str]) -> list[dict[str, Any]]:
        return [{**one, "navn": self.name(code)} for code in codes for one in _by_rule(what.get((code, area), []))]

    def _not_run(self, area: str) -> list[dict[str, Any]]:
        return self._dicts("""
            select r.regel_id, g.titel, max(r.aarsag) as aarsag, count(distinct r.kommunekode) as kommuner
            from kvalitet.resultat as r inner join kvalitet.regel as g on r.regel_id = g.regel_id
            where r.status = 'kunne_ikke_koere' and r.fagomraade = $1 group by all order by all
        """, [area])

    def _systems(self, area: str, codes: list[str]) -> list[dict[str, Any]]:
        """Per system: how many municipalities deliver from it, and the breaking rows by rule, most first."""
        users: dict[str, set[str]] = {}
        for code in codes:
            for one in self.deliveries.get((code, area), []):
                users.setdefault(one["kildesystem"], set()).add(code)
        lines: dict[str, list[dict[str, Any]]] = {}
        for one in self._dicts("""
            select split_part(noegle, '|', 1) as kildesystem, regel_id, count(*) as antal, count(distinct kommunekode) as kommuner, count(*) filter (where udvikling = 'ny') as nye
            from temp.til_rettelse where fagomraade = $1 group by all order by all
        """, [area]):
            lines.setdefault(one["kildesystem"], []).append(one)
        made = [{"navn": self.system(s), "kommuner": len(users.get(s, ())), "antal": sum(o["antal"] for o in lines.get(s, [])), "nye": sum(o["nye"] for o in lines.get(s, [])),
                 "regler": sorted(lines.get(s, []), key=lambda o: (-o["antal"], o["regel_id"]))} for s in sorted({*users, *lines})]
        return sorted(made, key=lambda s: (-s["antal"], s["navn"]))

    def _history(self, area: str) -> list[dict[str, Any]]:
        """How things stood at each of the last runs, newest first, judged by the thresholds of today."""
        return [{**one, "koersel": danish.of_run(one["koersel"])} for one in self._dicts(f"""
            with koersler as (select distinct koersel from kvalitet.maalt where fagomraade = $1 order by koersel desc limit {RUNS_BACK})
            select k.koersel, count(distinct (h.regel_id, h.kommunekode)) filter (where h.alvor = 'fejl' and h.status = 'fejlet') as fejl,
                count(distinct (h.regel_id, h.kommunekode)) filter (where h.alvor = 'advarsel' and h.status = 'fejlet') as advarsel,
                count(distinct h.kommunekode) filter (where h.alvor = 'fejl' and h.status = 'fejlet') as kommuner, coalesce(sum(h.afvigelser), 0)::bigint as afvigelser
            from koersler as k
            inner join kvalitet.resultat_historik as h on h.fra_koersel <= k.koersel and coalesce(h.til_koersel > k.koersel, true) and h.kommunekode <> '{UNKNOWN}'
            where h.fagomraade = $1
            group by k.koersel order by k.koersel desc
        """, [area])]


def _without_texts(rule: dict[str, Any]) -> dict[str, Any]:
    """What a rule came to; its texts are everybody's."""
    return {k: v for k, v in rule.items() if k == "regel_id" or k not in RULE_TEXTS}


def _together(months: list[dict[str, Any]]) -> dict[str, Any]:
    """What a rule's months come to in one municipality: the worst status, sums, and which months break it."""
    seen = {m["status"] for m in months}
    broken = [m for m in months if m["status"] == "fejlet"]
    rows, faults = sum(m["raekker"] or 0 for m in months), sum(m["afvigelser"] or 0 for m in months)
    over_rows = sum(m["raekker"] for m in broken)
    over = sum(m["afvigelser"] for m in broken)
    return {
        "status": next((s for s in ("fejlet", "kunne_ikke_koere", "bestaaet") if s in seen), "ikke_relevant"), "kunne_ikke_koere": "kunne_ikke_koere" in seen,
        "aarsag": max((m["aarsag"] for m in months if m["status"] == "kunne_ikke_koere"), default=None), "raekker": rows, "afvigelser": faults,
        "andel": faults / rows if rows else None, "over": over, "over_raekker": over_rows, "over_andel": over / over_rows if over_rows else None,
        "over_maaneder": [m["periode"] for m in broken if m["periode"]], "maaneder": [m["periode"] for m in months if m["periode"] and m["afvigelser"]],
        "accepteret": sum(min(m["accepteret"] or 0, m["afvigelser"] or 0) for m in months),
    }


def _by_rule(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Held or released results of one municipality, drawn together per rule (and reason), with their months in words."""
    found: dict[tuple, dict[str, Any]] = {}
    for one in results:
        line = found.setdefault((one["regel_id"], one.get("frigivet_grund"), one.get("frigivet"), one.get("udloebet")), {**one, "maaneder": []})
        line["maaneder"].append(one["periode"])
    return [{**one, "maaneder": danish.months(one["maaneder"])} for one in found.values()]


def _delivery_table(deliveries: list[dict[str, Any]], system: Callable[[str], str]) -> dict[str, Any] | None:
    """Months down, newest first, systems across; a cell says how the month stands and what is out of the ordinary."""
    if not deliveries:
        return None
    words = pages.texts()["leverance"]
    cells: dict[date, dict[str, dict[str, Any]]] = {}
    for one in deliveries:
        files = f"{one['antal_modtaget']} af {one['antal_forventet']} filer" if one["antal_modtaget"] != one["antal_forventet"] and one["antal_forventet"] else ""
        more = [files, f"{pages.count(one['antal_mangler'], 'fil')} mangler" if one["antal_mangler"] else "", f"{pages.count(one['antal_forsinket'], 'fil')} kom for sent" if one["antal_forsinket"] else "",
                f"{pages.count(one['antal_erstattet'], 'fil')} erstattet" if one["antal_erstattet"] else "", f"{pages.count(one['antal_afvist'], 'fil')} afvist" if one["antal_afvist"] else "",
                f"{pages.count(one['antal_tilbagekaldt'], 'fil')} trukket tilbage" if one["antal_tilbagekaldt"] else "", f"frist {danish.day(one['frist'])}" if one["status"] == "forventet" else ""]
        cells.setdefault(one["periode"], {})[one["kildesystem"]] = {"ord": words[one["status"]], "mere": ", ".join(m for m in more if m), "slem": one["status"] in ("forsinket", "afvist")}
    systems = sorted({d["kildesystem"] for d in deliveries})
    return {"systemer": [system(s) for s in systems], "maaneder": [(danish.month(m), [cells[m].get(s) for s in systems]) for m in sorted(cells, reverse=True)],
            "ialt": Counter(words[d["status"]] for d in deliveries)}


# --- files -------------------------------------------------------------------------------------------------------------------------------------

def _write_municipality(home: Home, picture: Picture, code: str, result: ReportResult) -> None:
    """A municipality's workbooks, then its page, which bears the signs of them all: what has the same sign is not made again."""
    from flis.report.workbook import workbook

    folder = home.outbox / code / FOLDER
    page = folder / "rapport.html"
    content = picture.municipality(code)
    signs, before = picture.fingerprints(content), _signs(page)
    books = {a["id"]: folder / f"{a['id']}.xlsx" for a in content["omraader"] if a["har_data"] and a["seneste"]}
    if list(before.items()) == list(signs.items()) and all(p.exists() for p in books.values()):
        result._note(page, False)
        return
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(FOLDER_MODE)
    folder.parent.chmod(FOLDER_MODE)
    for area in content["omraader"]:
        rows = picture.breaking(home, code, area["id"]) if area["id"] in books else {}
        for rule in area["regler"]:
            rule["ark"] = len(rows.get(rule["regel_id"], []))
            rule["raekker_vist"] = sorted(rows.get(rule["regel_id"], []), key=lambda r: r[7] != pages.texts()["udvikling"]["ny"])[:SHOWN]
        if (path := books.get(area["id"])) and not (path.exists() and before.get(area["id"]) == signs[area["id"]]):
            data = workbook(picture.name(code), area, rows, danish.of_run(area["seneste"]), MOST_DEVIATIONS)
            if pages.write(path, data, FILE_MODE):
                result.workbooks += 1
                result.bytes += len(data)
    stamps = [a["seneste"] for a in content["omraader"] if a["seneste"]]
    result._note(page, pages.write(page, pages.render("rapport.html.j2", **content, indhold=" ".join(f"{a}={sign}" for a, sign in signs.items()), maalt=danish.of_run(max(stamps)) if stamps else None, of_run=danish.of_run,
                                                      months=danish.months, together=danish.together, boeger=set(books)), FILE_MODE))


def _signs(page: Path) -> dict[str, str]:
    """The signs a page bears, by fagområde, in its order; none where there is no page."""
    if not page.exists():
        return {}
    with page.open("rb") as file:
        found = SIGN.search(file.read(4_000))
    return dict(one.split("=", 1) for one in found[1].decode().split() if "=" in one) if found else {}


def _remove_stale(home: Home, picture: Picture) -> None:
    """A report shows what is now: what stands for an instruction that has ended goes."""
    for folder in home.outbox.glob(f"*/{FOLDER}"):
        areas = picture.instructed.get(folder.parent.name, [])
        for path in folder.iterdir():
            if path.suffix == ".xlsx" and path.stem not in areas or path.name == "rapport.html" and not areas:
                path.unlink()


def write_overview(con: duckdb.DuckDBPyConnection, home: Home) -> Path:
    """`rapporter/kvalitet.html`: per area and rule, in how many municipalities and periods it was met. Counts only, nothing about persons. Returns its path."""
    answer = con.execute(f"""
        select
            g.*,
            count(*) filter (where r.status = 'bestaaet') as bestaaet,
            count(*) filter (where r.status = 'fejlet') as fejlet,
            count(*) filter (where r.status = 'ikke_relevant') as ikke_relevant,
            count(*) filter (where r.status = 'kunne_ikke_koere') as kunne_ikke_koere,
            count(distinct r.kommunekode) filter (where r.status = 'fejlet' and r.kommunekode <> '{UNKNOWN}') as kommuner_fejlet,
            coalesce(sum(r.afvigelser), 0)::bigint as afvigelser,
            max(r.aarsag) filter (where r.status = 'kunne_ikke_koere') as aarsag
        from kvalitet.regel as g
        left join kvalitet.resultat as r on g.regel_id = r.regel_id
        group by all order by g.fagomraade, g.regel_id
    """)
    names = [d[0] for d in answer.description]
    areas: dict[str, list[dict]] = {}
    for row in answer.fetchall():
        rule = dict(zip(names, row, strict=True))
        areas.setdefault(rule["fagomraade"], []).append(rule)
    latest = con.execute("select max(koersel) from kvalitet.maalt").fetchall()[0][0]
    page = pages.render(
        "landet.html.j2", areas=areas, area_names=pages.area_names(), group_names=pages.group_names(), total=_total(areas.values()), roles=ROLES,
        held=con.execute("select count(distinct (kommunekode, fagomraade)) from kvalitet.tilbageholdt").fetchall()[0][0],
        measured=danish.of_run(latest) if latest else None)
    path = home.reports / "kvalitet.html"
    pages.write(path, page)
    return path


def _total(areas: Iterable[list[dict]]) -> Counter:
    return Counter({s: sum(rule[s] for rules in areas for rule in rules) for s in ("bestaaet", "fejlet", "ikke_relevant", "kunne_ikke_koere")})
