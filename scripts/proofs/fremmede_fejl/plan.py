"""Who gets which kind, and the planting of it.

In a walk a municipality has faults in one group of areas only (GROUPS), so that what is said of an area comes from its own fault and not from another area's: the register's persons are looked up by all, the ledger is held
against pay and divided by pupils and recipients. The groups go round from walk to walk. Some municipalities never get any, to see what is said where nothing is wrong.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from proofs.fremmede_fejl.greb import Delivery, NotHere
from proofs.fremmede_fejl.lager import HERE, NATIONAL, REGISTER, WHOLE, Register, Store
from proofs.fremmede_fejl.vaner import MOVES

GROUPS = [["oekonomi"], ["personale", "voksne_handicap"], ["skole"], [NATIONAL]]      # no rule or figure of one area in a group reads another
TWICE = 3                   # municipalities per system that get a kind of two months
CONTROLS = 12               # every so many municipalities is left alone
TRIES = 8                   # kinds tried before a municipality is left alone for want of one that makes sense there
BALANCE = {"funktion": "92205", "dranst": "8", "gruppering": "999", "art": "00"}


@dataclass(frozen=True)
class Planted:
    """One fault: what, where, by which system, how many rows it touched, and whose rows came in if they were another's."""

    walk: int
    omraade: str
    art: str
    titel: str
    kommunekode: str
    kildesystem: str
    raekker: int
    donor: str = ""


def kinds() -> dict[str, dict[str, Any]]:
    return yaml.safe_load((HERE / "arter.yml").read_text("utf-8"))


def chance(*key: object) -> float:
    return int(hashlib.sha256("|".join(map(str, key)).encode()).hexdigest()[:12], 16) / 16 ** 12


def controls(codes: list[str], seed: int) -> set[str]:
    ordered = sorted(codes, key=lambda c: chance(seed, "kontrol", c))
    return set(ordered[::CONTROLS]) if len(ordered) >= CONTROLS else set()


class Plan:
    """Kinds dealt out over the walks, those tried least first, system by system."""

    def __init__(self, store: Store, seed: int, areas: list[str] | None = None) -> None:
        self.store, self.seed = store, seed
        self.kinds = {a: k for a, k in kinds().items() if a in (areas or set(kinds()) - {REGISTER})}
        self.tried: Counter[tuple[str, str, str]] = Counter()
        codes = sorted({c for (m, a, c) in store.found if m == store.months and c})
        self.controls = controls(codes, seed)
        self.codes = [c for c in codes if c not in self.controls]
        self.not_here: Counter[tuple[str, str, str]] = Counter()

    def plant(self, walk: int, into: Path) -> list[Planted]:
        """Plant one walk's faults in `into`/<month>, where the clean files of the last month lie."""
        if REGISTER in self.kinds:
            return [self._register(walk, into)]
        groups = [g for g in ([a for a in group if a in self.kinds] for group in GROUPS) if g]
        ordered = sorted(self.codes, key=lambda c: chance(self.seed, "gruppe", c))
        done: list[Planted] = []
        for number, group in enumerate(groups):
            codes = [c for i, c in enumerate(ordered) if (i + walk) % len(groups) == number]
            for area in group:
                done += self._national(walk, codes, into) if area == NATIONAL else self._area(walk, area, codes, into)
        return done

    def plant_two(self, walk: int, into: Path) -> list[Planted]:
        """Plant the kinds that change the month before too: in some municipalities of each system."""
        done: list[Planted] = []
        for area in [a for group in GROUPS for a in group if a in self.kinds]:
            for kind in [k for k, about in self.kinds[area].items() if about.get("to_maaneder")]:
                used = {p.kommunekode for p in done}
                systems = {c: s for c in self.codes if c not in used and (s := self._system(area, c))}
                for system in sorted(set(systems.values())):
                    codes = sorted((c for c in systems if systems[c] == system), key=lambda c: chance(self.seed, area, "to", c))
                    for code in codes[:TWICE]:
                        try:
                            done.append(self._apply(walk, area, kind, self.store.delivery(self.store.months, area, code, f"{self.seed}|{area}|{code}"), into, []))
                        except NotHere:
                            continue
        return done

    def _area(self, walk: int, area: str, codes: list[str], into: Path) -> list[Planted]:
        systems = {c: s for c in self.codes if (s := self._system(area, c))}
        small_first = Counter(systems.values())
        done: list[Planted] = []
        for code in sorted((c for c in codes if c in systems), key=lambda c: (small_first[systems[c]], chance(self.seed, walk, area, c))):
            others = [c for c in systems if systems[c] == systems[code] and c not in codes] or [c for c in systems if systems[c] == systems[code] and c != code]
            if planted := self._one(walk, area, code, systems[code], sorted(others, key=lambda c: chance(self.seed, code, "donor", c)), into):
                done.append(planted)
        return done

    def _system(self, area: str, code: str) -> str | None:
        """The system, where it is the same in the last two months."""
        now = self.store.system(self.store.months, area, code)
        return now if now and now == self.store.system(self.store.months - 1, area, code) else None

    def _order(self, walk: int, area: str, system: str) -> list[str]:
        fits = [k for k, about in self.kinds[area].items() if not about.get("to_maaneder") and system in about.get("systemer", [system]) and system not in about.get("ikke_systemer", [])]
        total = Counter({k: sum(n for (a, kind, _), n in self.tried.items() if (a, kind) == (area, k)) for k in fits})
        return sorted((k for k in fits if not self.not_here[area, k, system]), key=lambda k: (self.tried[area, k, system], total[k], chance(self.seed, walk, area, system, k)))

    def _one(self, walk: int, area: str, code: str, system: str, others: list[str], into: Path) -> Planted | None:
        for kind in self._order(walk, area, system)[:TRIES]:
            seed = f"{self.seed}|{walk}|{area}|{code}|{kind}"
            d = self.store.delivery(self.store.months, area, code, seed)
            d.donor = _donor(self.store, area, others, seed)
            try:
                planted = self._apply(walk, area, kind, d, into, others)
            except NotHere:
                self.not_here[area, kind, system] += not others
                continue
            self.tried[area, kind, system] += 1
            return planted
        return None

    def _apply(self, walk: int, area: str, kind: str, d: Delivery, into: Path, others: list[str]) -> Planted:
        about = self.kinds[area][kind]
        months = self.store.months
        if about.get("to_maaneder"):
            d.second = self.store.delivery(months - 1, area, d.kommunekode, d.seed)
        before = balances(d) if about.get("balance") else {}
        rows = sum(MOVES[m["greb"]](d, {k: v for k, v in m.items() if k != "greb"}) for m in about["greb"])
        if about.get("balance"):
            balance(d, before)
        if any(not f.rows and f.match.filetype.kind == "jsonl" and f.path.stat().st_size > len(f.breaks) for f in d.files):
            raise NotHere("a file of nothing but a line end is seen at the door")
        written = [self.store.write(f, into / f"{months:03}") for f in d.files]
        written += [self.store.write(f, into / f"{months - 1:03}") for f in (d.second.files if d.second else [])]
        if not any(written):
            raise NotHere("nothing came of it")
        donor = others[0] if any(m["greb"] == "anden" for m in about["greb"]) else ""
        return Planted(walk, area, kind, about["titel"], d.kommunekode, d.files[0].system, rows, donor)

    def _register(self, walk: int, into: Path) -> Planted:
        """One kind in the whole register, the walks' number of them in turn."""
        every = list(self.kinds[REGISTER])
        kind = every[(walk - 1) % len(every)]
        register = Register(self.store, self.store.months)
        d = register.whole(f"{self.seed}|{walk}|{kind}")
        about = self.kinds[REGISTER][kind]
        rows = sum(MOVES[m["greb"]](d, {k: v for k, v in m.items() if k != "greb"}) for m in about["greb"])
        for file in register.files:
            self.store.write(file, into / f"{self.store.months:03}")
        return Planted(walk, REGISTER, kind, about["titel"], WHOLE, "cpr", rows)

    def _national(self, walk: int, codes: list[str], into: Path) -> list[Planted]:
        """The register's kinds, one per municipality, in the same files; they are written when all are planted."""
        done: list[Planted] = []
        register = Register(self.store, self.store.months)
        for code in sorted(codes, key=lambda c: chance(self.seed, walk, NATIONAL, c)):
            for kind in self._order(walk, NATIONAL, "cpr")[:TRIES]:
                d = register.delivery(code, f"{self.seed}|{walk}|{NATIONAL}|{code}|{kind}")
                about = self.kinds[NATIONAL][kind]
                try:
                    rows = sum(MOVES[m["greb"]](d, {k: v for k, v in m.items() if k != "greb"}) for m in about["greb"])
                except NotHere:
                    continue
                self.tried[NATIONAL, kind, "cpr"] += 1
                done.append(Planted(walk, NATIONAL, kind, about["titel"], code, "cpr", rows))
                break
        for file in register.files:
            self.store.write(file, into / f"{self.store.months:03}")
        return done


def _donor(store: Store, area: str, others: list[str], seed: str) -> Any:
    def read() -> Delivery:
        if not others:
            raise NotHere("no other municipality has the system")
        return store.delivery(store.months, area, others[0], seed)
    return read


# --- double entry --------------------------------------------------------------------------------------------------------------------------------

def _sums(d: Delivery) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for _, row, fields in d.rows("postering"):
        key = fields.get(row.values, "bilag") if fields.has("bilag") else ""
        sums[key] = sums.get(key, Decimal(0)) + (fields.get(row.values, "beloeb") or 0)
    return sums


def balances(d: Delivery) -> dict[str, Decimal]:
    """Each document's sum before the fault; without documents the ledger's."""
    return _sums(d)


def balance(d: Delivery, before: dict[str, Decimal]) -> None:
    """What was in balance is so again, on the municipality's bank account, as a system that keeps double entry would have it; a document with nothing left but that goes."""
    rows: dict[str, list[Any]] = {}
    for file, row, fields in d.rows("postering"):
        rows.setdefault(fields.get(row.values, "bilag") if fields.has("bilag") else "", []).append((file, row, fields))
    gone: set[int] = set()
    for key, total in _sums(d).items():
        if before.get(key) != 0 or total == 0:
            continue
        bank = [t for t in rows[key] if t[2].get(t[1].values, "funktion").startswith("922")]
        if len(bank) == len(rows[key]):
            gone |= {id(r) for _, r, _ in bank}
            continue
        if bank:
            _, row, fields = bank[0]
        else:
            file, model, fields = rows[key][-1]
            row = model.copy()
            for link, value in BALANCE.items():
                fields.put(row.values, link, value)
            fields.put(row.values, "beloeb", Decimal(0))
            file.rows.append(row)
        fields.put(row.values, "beloeb", fields.get(row.values, "beloeb") - total)
    for file in d.files:
        file.rows = [r for r in file.rows if id(r) not in gone]


def as_json(planted: list[Planted]) -> list[dict[str, Any]]:
    return [asdict(p) for p in planted]
