"""The ledger: what has come in, what it replaces, and which rows of raw are active."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flis.contracts.contract import Contracts, FileType
from flis.core.reasons import Reason

if TYPE_CHECKING:
    import duckdb

LEDGER = {
    "leverance_id": "bigint", "afsender": "varchar", "fagomraade": "varchar", "kildesystem": "varchar", "filtype": "varchar", "kommunekode": "varchar",
    "periode": "date", "loebenr": "bigint", "udtraekstype": "varchar", "version": "varchar", "udtrukket": "timestamp", "modtaget": "timestamp",
    "fil": "varchar", "sha256": "varchar", "bytes": "bigint", "linjer": "bigint", "raekker": "bigint", "raekker_afvist": "bigint",
    "raekker_uden_instruks": "bigint", "kontrolsum": "decimal(38,2)", "status": "varchar", "aarsag": "varchar", "aarsag_kode": "varchar",
    "erstattet_af": "bigint", "koersel": "varchar", "lukket": "varchar"}
TABLES = {
    "leverance": LEDGER,
    "leverance_tabel": {"leverance_id": "bigint", "tabel": "varchar", "raekker": "bigint", "kontrolsum": "decimal(38,2)"},
    "afvist_linje": {"leverance_id": "bigint", "fil": "varchar", "linje": "bigint", "aarsag_kode": "varchar", "aarsag": "varchar"},
    "person_noegle": {"cpr": "varchar", "person_id": "varchar", "nummer_id": "varchar", "noegle_version": "integer", "tidligere_cpr": "varchar"},
    "faldsvar": {"afsender": "varchar", "fil": "varchar", "sha256": "varchar", "svar": "varchar", "grund": "varchar", "svaret_af": "varchar", "tidspunkt": "timestamp"},
    "beroert_person": {"leverance_id": "bigint", "person_id": "varchar"},
    "personnummer_i_tekst": {"leverance_id": "bigint", "kommunekode": "varchar", "tabel": "varchar", "linje": "bigint", "felt": "varchar", "cifre": "varchar", "art": "varchar", "maske": "varchar"},
    "noegle": {"version": "integer", "kontrol": "varchar", "fra": "timestamp"},      # the key's versions, by a check value (flis.trail.keycheck)
    "omskrevet": {"leverance_id": "bigint", "koersel": "varchar"},     # deliveries in which a number was masked after they had come (flis.intake.stray)
    "journal": {"nr": "bigint", "leverance_id": "bigint", "status": "varchar", "erstattet_af": "bigint"},      # what is written beside the archive (flis.trail.journal)
}
TECHNICAL = {"_leverance_id": "bigint", "_fil": "varchar", "_linje": "bigint", "_kommunekode": "varchar", "_periode": "date", "_lokale_felter": "varchar"}


def create_tables(con: duckdb.DuckDBPyConnection, contracts: Contracts) -> None:
    """Create the ledger and a raw table for every contract, and add the columns a contract has got since."""
    con.execute("create schema if not exists raw")
    present: dict[str, set[str]] = {}
    for table, column in con.execute("select table_name, column_name from duckdb_columns() where database_name = current_database() and schema_name = 'raw'").fetchall():
        present.setdefault(table, set()).add(column)
    wanted = dict(TABLES)
    for ft in contracts.filetypes:
        for t in ft.tables:
            wanted[t.identifier] = {**{c.name: "varchar" for c in t.columns}, **TECHNICAL}
    for table, columns in wanted.items():
        if table not in present:
            con.execute(f"create table raw.{table} ({', '.join(f'{c} {kind}' for c, kind in columns.items())})")
            continue
        for name, kind in columns.items():
            if name not in present[table]:
                con.execute(f"alter table raw.{table} add column {name} {kind}")


@dataclass(frozen=True)
class Active:
    """An active delivery, as far as the next one has to know it."""

    leverance_id: int
    udtrukket: datetime
    full: bool


@dataclass(frozen=True)
class Loaded:
    """A file that has been loaded, by its hash within its key: a file without data is the same bytes every month, and is no duplicate of last month's."""

    leverance_id: int
    fil: str
    modtaget: datetime
    udtrukket: datetime


Dataset = tuple[str, str, str, str | None]
Key = tuple[Dataset, Any]


@dataclass
class State:
    """What is active, per key of replacement: (afsender, kildesystem, filtype, kommunekode) and period, delta number or nothing."""

    active: dict[Dataset, dict[Any, Active]] = field(default_factory=dict)
    known: dict[tuple[Any, ...], Loaded] = field(default_factory=dict)

    def copy(self) -> State:
        return State({d: dict(keys) for d, keys in self.active.items()}, dict(self.known))


@dataclass
class Decision:
    """What is done with one delivery. `replaces` are the active deliveries it takes the place of."""

    status: str
    reason: Reason | None = None
    replaces: tuple[int, ...] = ()


def read_state(con: duckdb.DuckDBPyConnection, filetypes: set[tuple[str, str, str]]) -> State:
    """The active deliveries of the given (afsender, kildesystem, filtype)."""
    state = State()
    if not filetypes:
        return state
    marks = ", ".join("(?, ?, ?)" for _ in filetypes)
    rows = con.execute(f"""
        select afsender, kildesystem, filtype, kommunekode, periode, loebenr, udtraekstype, leverance_id, udtrukket
        from raw.leverance where status = 'aktiv' and (afsender, kildesystem, filtype) in ({marks})
    """, [v for f in sorted(filetypes) for v in f]).fetchall()
    for afsender, system, filtype, kommune, periode, loebenr, kind, ident, udtrukket in rows:
        # As in `apply`: a delta by its number, a full extract by nothing (its period is in the name only), else by period.
        key = loebenr if loebenr is not None else None if kind == "fuld" else periode
        state.active.setdefault((afsender, system, filtype, kommune), {})[key] = Active(ident, udtrukket, kind == "fuld")
    return state


def read_known(con: duckdb.DuckDBPyConnection, state: State, hashes: list[str]) -> None:
    """Add to the state which of these files have been loaded before (refused and uninstructed ones may come again)."""
    rows = con.execute("""
        select afsender, kildesystem, filtype, kommunekode, periode, loebenr, sha256, leverance_id, fil, modtaget, udtrukket from raw.leverance
        where status in ('aktiv', 'erstattet') and sha256 in (select unnest(cast($1 as varchar[])))
        order by status desc, leverance_id
    """, [hashes]).fetchall()
    for *key, ident, fil, modtaget, udtrukket in rows:      # 'erstattet' first: an active one has the last word
        state.known[tuple(key)] = Loaded(ident, fil, modtaget, udtrukket)


def decide(state: State, filetype: FileType, *, afsender: str, fil: str, modtaget: datetime, sha256: str, kommunekode: str | None, periode: Any,
           udtrukket: datetime, loebenr: int | None, forrige: int | None, full: bool | None) -> Decision:
    """What a readable, agreed delivery is to the ledger: new, a replacement, a duplicate, too old, or ahead of one that has not come."""
    dataset = (afsender, filetype.kildesystem, filetype.name, kommunekode)
    active = state.active.setdefault(dataset, {})
    known = state.known.get((*dataset, periode, loebenr, sha256))
    if known:
        if known.fil == fil and known.modtaget == modtaget:
            return Decision("rest")     # loaded by a run that was interrupted before the inbox was cleared
        # The content of a replaced delivery in a newer extract is a change back, not a duplicate.
        if udtrukket <= known.udtrukket or known.leverance_id in {a.leverance_id for a in active.values()}:
            return Decision("dublet", Reason.of("dublet", leverance=known.leverance_id, fil=known.fil))
    if filetype.udtraekstype == "delta":
        return _decide_delta(active, udtrukket, loebenr, forrige, full)
    same = active.get(periode if filetype.udtraekstype == "periode" else None)
    if same and udtrukket < same.udtrukket:
        return Decision("afvist", Reason.of("aeldre_end_aktiv", udtrukket=_time(udtrukket), aktiv=_time(same.udtrukket)))
    return Decision("aktiv", replaces=(same.leverance_id,) if same else ())


def _decide_delta(active: dict[Any, Active], udtrukket: datetime, loebenr: int | None, forrige: int | None, full: bool | None) -> Decision:
    if loebenr is None:
        return Decision("afvist", Reason.of("mangler_startrecord", type=""))
    starts = [n for n, a in active.items() if a.full]
    begun = max(starts) if starts else min(active, default=None)
    last = max(active, default=None)
    same = active.get(loebenr)
    if same and udtrukket < same.udtrukket:
        return Decision("afvist", Reason.of("aeldre_end_aktiv", udtrukket=_time(udtrukket), aktiv=_time(same.udtrukket)))
    if full:
        if begun is not None and loebenr < begun:
            return Decision("afvist", Reason.of("aeldre_end_aktiv", udtrukket=f"nr. {loebenr}", aktiv=f"nr. {begun}"))
        return Decision("aktiv", replaces=tuple(a.leverance_id for n, a in sorted(active.items()) if n <= loebenr))
    if same:
        return Decision("aktiv", replaces=(same.leverance_id,))
    if begun is not None and loebenr < begun:
        return Decision("afvist", Reason.of("aeldre_end_aktiv", udtrukket=f"nr. {loebenr}", aktiv=f"nr. {begun}"))
    if last is None:
        if full is None:
            return Decision("aktiv")        # an interface without full extracts: the series begins with what comes first
        return Decision("venter", Reason.of("afventer_forgaenger", loebenr=loebenr, mangler="et fuldt udtræk"))
    before = loebenr - 1 if forrige is None else forrige
    if before == last:
        return Decision("aktiv")
    if before < last:
        return Decision("afvist", Reason.of("forkert_forgaenger", loebenr=loebenr, forrige=before, aktiv=last))
    return Decision("venter", Reason.of("afventer_forgaenger", loebenr=loebenr, mangler=f"udtræk {before}"))


def apply(state: State, filetype: FileType, decision: Decision, leverance_id: int, *, afsender: str, fil: str, modtaget: datetime, sha256: str,
          kommunekode: str | None, periode: Any, udtrukket: datetime, loebenr: int | None, full: bool | None) -> None:
    """Bring the state forward past a delivery that is taken in."""
    dataset = (afsender, filetype.kildesystem, filetype.name, kommunekode)
    active = state.active.setdefault(dataset, {})
    gone = set(decision.replaces)
    for key in [k for k, a in active.items() if a.leverance_id in gone]:
        del active[key]
    key = {"delta": loebenr, "periode": periode, "fuld": None}[filetype.udtraekstype]
    active[key] = Active(leverance_id, udtrukket, bool(full) or filetype.udtraekstype == "fuld")
    state.known[(*dataset, periode, loebenr, sha256)] = Loaded(leverance_id, fil, modtaget, udtrukket)


def _time(moment: datetime) -> str:
    return moment.strftime("%d-%m-%Y" if (moment.hour, moment.minute) == (0, 0) else "%d-%m-%Y %H:%M")
