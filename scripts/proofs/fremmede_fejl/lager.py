"""The demo's files dealt out by month, found by area and municipality, read as deliveries, and written back changed."""

from __future__ import annotations

import csv
import gzip
import os
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import yaml

from flis.contracts.contract import Contracts, Match, read_contracts
from flis.intake.inspection import plain_name
from proofs.fremmede_fejl import filer
from proofs.fremmede_fejl.felter import Fields
from proofs.fremmede_fejl.filer import File, Row
from proofs.fremmede_fejl.greb import Delivery, NotHere

HERE = Path(__file__).parent
NATIONAL, REGISTER = "borger", "registret"    # faults in what the register says of one municipality; in the register as a whole
WHOLE, SENDER = "", "cpr"
UNREAD = ("dst_folk1a", "dst_officielle_tal")
OFTEN = 2                           # so many ledgers in a month: a municipality that delivers by week or day, whose files take each other's place


def names(repo: Path) -> dict[str, str]:
    """The municipalities' names by code, as the seed has them."""
    with (repo / "seeds" / "faelles" / "kommune.csv").open(encoding="utf-8") as rows:
        return {r["kommunekode"]: r["kommunenavn"] for r in csv.DictReader(rows)}


@dataclass
class Store:
    """The files that are not yet delivered, by month (`venter`/001 …), and what they say by their names."""

    hold: Path
    last: date
    months: int
    names: dict[str, str]
    contracts: Contracts = field(default_factory=lambda: read_contracts(None))
    systems: dict[str, Any] = field(default_factory=lambda: yaml.safe_load((HERE / "systemer.yml").read_text("utf-8")))

    def __post_init__(self) -> None:
        self.fields = {s: {t: Fields(about, self.names) for t, about in tables.items()} for s, tables in self.systems.items()}
        self.found: dict[tuple[int, str, str], list[tuple[Path, Match]]] = defaultdict(list)
        for folder in sorted(self.hold.glob("0*")):
            for path in sorted(folder.glob("*/*")):
                match = self.contracts.match(path.parent.name, plain_name(path.name))
                if match and match.filetype.kildesystem not in UNREAD:
                    code = "" if match.filetype.national else match.kommunekode or match.filetype.kommunekode or ""
                    self.found[int(folder.name), match.filetype.fagomraade, code].append((path, match))

    def period(self, month: int) -> date:
        total = self.last.year * 12 + self.last.month - 1 - (self.months - month)
        return date(total // 12, total % 12 + 1, 1)

    def newest(self, month: int, area: str, code: str) -> list[tuple[Path, Match]]:
        """The files of a month that end up in force: of each kind the newest."""
        by_kind: dict[str, tuple[Path, Match]] = {}
        for path, match in self.found.get((month, area, code), []):
            kind, at = match.filetype.kildesystem + match.filetype.name, match.udtrukket or datetime.min
            if kind not in by_kind or at >= (by_kind[kind][1].udtrukket or datetime.min):
                by_kind[kind] = (path, match)
        return list(by_kind.values())

    def system(self, month: int, area: str, code: str) -> str | None:
        """The system a municipality delivers an area with, if it is one alone and monthly: files that come weekly take each other's place."""
        files = self.found.get((month, area, code), [])
        told = {m.filetype.kildesystem for _, m in files}
        of_kind: dict[str, int] = defaultdict(int)
        for _, m in files:
            of_kind[m.filetype.name] += 1
        return told.pop() if len(told) == 1 and max(of_kind.values()) <= OFTEN else None

    def read(self, path: Path, match: Match) -> File:
        return filer.read(path, match)

    def delivery(self, month: int, area: str, code: str, seed: str) -> Delivery:
        files = [self.read(*f) for f in self.newest(month, area, code)]
        if not files:
            raise NotHere(f"nothing from {code} in month {month}")
        return Delivery(code, self.period(month), files, self.fields, seed, lambda back: self.delivery(month - back, area, code, seed), names=self.names)

    def write(self, file: File, into: Path) -> bool:
        """Lay the file as it now is in `into`/<sender>/, in the place of the one that was there. False if it is as it was."""
        data = filer.write(file, self.fields.get(file.system, {}))
        there = into / file.path.parent.name / file.path.name
        if data == file.path.read_bytes():
            return False
        at = file.path.stat().st_mtime
        there.unlink(missing_ok=True)
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_bytes(data)
        os.utime(there, (at, at))
        return True


# --- the register --------------------------------------------------------------------------------------------------------------------------------

@dataclass
class PersonDelivery(Delivery):
    """What the national register's files of a month say of one municipality. The files are the same for all, so what is planted for one stands when the next is planted."""

    homes: dict[str, str] = field(default_factory=dict)

    def theirs(self, row: Row, fields: Fields, who: str | None) -> bool:
        number = fields.get(row.values, "cpr")
        named = fields.has("kommune") and fields.get(row.values, "kommune") == self.kommunekode
        lives = self.homes.get(number) == self.kommunekode
        new = number not in self.homes and self.here.get(number) == self.kommunekode
        return {"til": named and not (fields.has("handling") and fields.get(row.values, "handling") == "A"), "beboere": lives, "nyfoedte": new and named}.get(who or "begge", named or lives or new)

    @property
    def here(self) -> dict[str, str]:
        """Where those lived whom this month's files name for the first time."""
        if not hasattr(self, "_here"):
            self._here = {f.get(r.values, "cpr"): f.get(r.values, "kommune") for _, r, f in self.rows("foedsel")}
        return self._here


class Register:
    """The register's files of the last month, and where everybody lived before it."""

    def __init__(self, store: Store, month: int) -> None:
        self.store, self.month = store, month
        self.files = [store.read(*f) for f in store.found[month, NATIONAL, ""]]
        self.homes = self._homes()

    def _homes(self) -> dict[str, str]:
        """By the address records in the order they came; who has died or left is out."""
        homes: dict[str, str] = {}
        for month in range(1, self.month):
            for path, match in self.store.found.get((month, NATIONAL, ""), []):
                data = path.read_bytes()
                text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode(match.filetype.charset)
                for line in text.splitlines():
                    if line.startswith("002") and line[13] != "A":
                        homes[line[3:13]] = line[14:18]
                    elif line.startswith("001") and line[14:16] not in ("01", "03", "  "):
                        homes.pop(line[3:13], None)
        return homes

    def whole(self, seed: str) -> Delivery:
        """The month's days as one delivery, the whole country's."""
        return Delivery(WHOLE, self.store.period(self.month), self.files, self.store.fields, seed, names=self.store.names)

    def delivery(self, code: str, seed: str) -> PersonDelivery:
        return PersonDelivery(code, self.store.period(self.month), self.files, self.store.fields, seed, names=self.store.names, homes=self.homes)

