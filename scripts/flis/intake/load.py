"""The load step: from the inbox to raw (policy: docs/modtagelse.md).

Files are inspected one by one, in the order of their extracts, and their text is gathered in spools, one per shape. A batch of inspected files is then
decided upon and loaded in one transaction. A delivery that does not hold (its end record, its totals) is refused and the batch done again without it, so
that each delivery is in whole or not at all and the decisions about the others are those of a world where it never came. Only after the commit are
the files archived, the ledger's new rows written to the journal beside the archive, and both seen onto the disk; then the files are taken out of the inbox.
A run that is stopped anywhere can be run again: what it had loaded is settled first (docs/decisions/0015).
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from flis.core.home import REPO, Home, now, readable
from flis.intake.archive import archived, pack

if TYPE_CHECKING:
    import duckdb

    from flis.contracts.contract import Contracts, FileType, Match
    from flis.contracts.installation import Setup
    from flis.core.reasons import Reason
    from flis.intake.inspection import Inspected, Limits, Spools
    from flis.trail.ledger import Decision, State

Progress = Callable[[str, int, int], None]
PACKERS = 2
BATCH_BYTES, BATCH_FILES = 64 * 1024**2, 4000      # two batches are at work at a time, one read and one loaded


LATEST = int(datetime(9999, 1, 1, tzinfo=UTC).timestamp()) * 10**9     # nanoseconds
NOTE = ".aarsag.txt"
LONGEST_NAME = 200              # bytes of a file's own name in quarantine; the system allows 255, and a note beside it has the longer name


class Unreadable(Exception):
    """The reader did not get through what it was given: it told of no fault of ours. Its text is the kind of the fault alone, for a database's words may hold a value."""


class Unsettled(Exception):
    """A file is being written to: it is left where it lies, and looked at the next time."""


class LoadError(Exception):
    """A fault of ours: some deliveries could not be loaded and are still in the inbox."""


@dataclass
class LoadResult:
    """What a load did. Rows are data lines; every line of a loaded file is in exactly one of the counts or is header, start or end record."""

    received: int = 0
    loaded: int = 0
    rejected: int = 0
    duplicates: int = 0
    not_instructed: int = 0
    waiting: int = 0
    under_way: int = 0
    no_files: int = 0
    replaced: int = 0
    rows: int = 0
    rows_loaded: int = 0
    rows_set_aside: int = 0
    rows_without_instruction: int = 0
    events: list[dict[str, Any]] = field(default_factory=list)
    refusals: list[tuple[str, str]] = field(default_factory=list)
    koersel: str | None = None

    def facts(self) -> dict[str, Any]:
        """The figures, for status.json and the table at the end of a run, and what was refused or waits with its reason."""
        return {**{k: v for k, v in self.__dict__.items() if isinstance(v, int)}, "refused": [f"{file}: {reason}" for file, reason in self.refusals]}


@dataclass
class Delivery:
    """One file in the inbox on its way through."""

    path: Path
    afsender: str
    fil: str
    modtaget: datetime
    match: Match | None = None
    udtrukket: datetime = datetime.min
    loebenr: int | None = None
    found: Inspected | None = None
    reason: Reason | None = None
    decision: Decision | None = None
    sha256: str = ""
    bytes: int = 0
    ident: int = 0
    warnings: list[Reason] = field(default_factory=list)
    rows: int = 0
    set_aside: int = 0
    without: int = 0
    total: Any = None
    closed: tuple[str, ...] | None = None       # municipalities whose rows in it are not stored
    still: bool = True                          # has lain still for the settled time

    @property
    def filetype(self) -> FileType:
        assert self.match, "only a recognised file has a type"
        return self.match.filetype

    @property
    def inspected(self) -> Inspected:
        assert self.found, "only a readable file has been inspected"
        return self.found

    @property
    def decided(self) -> Decision:
        assert self.decision, "a delivery is decided upon before it is loaded"
        return self.decision

    @property
    def status(self) -> str:
        return self.decided.status

    @property
    def key(self) -> tuple[str, str, datetime]:
        """What tells one file in the inbox from another, also from one run to the next."""
        return self.afsender, self.fil, self.modtaget


def load(home: Home, *, fagomraade: str | None = None, kommune: str | None = None, periode: str | None = None, progress: Progress | None = None,
         models: Path | None = None, seeds: Path | None = None, limits: Limits | None = None,
         batch_bytes: int = BATCH_BYTES, batch_files: int = BATCH_FILES) -> LoadResult:
    """Load what is in the inbox; narrowed, only the files whose name or contract says so, and the rest stays: also what is of no municipality, of no month, or of no contract.
    A full extract takes those of earlier months with it, which it replaces: after it they would be refused.

    `progress(what, done, total)` is called per file. `models`, `seeds` and `limits` stand in for the repo's own in tests.
    Returns the figures and one event per file. Raises ContractError, SetupError and KeyMissing before anything is touched, and LoadError when
    something of ours failed; never for what a sender did.
    """
    from flis.intake import inbox

    home.prepare()
    waiting = list(inbox.arrived(home))
    mark = home.tmp / "indlaest"
    signature = _signature(home, models or REPO / "models" / "staging")
    if not waiting and home.cpr_db.exists() and mark.exists() and mark.read_text() == signature:
        return LoadResult(under_way=len(inbox.under_way(home)), no_files=len(inbox.no_files(home)))
    run = _Run(home, progress, models, seeds, limits, batch_bytes, batch_files)
    result = run.go(waiting, fagomraade, kommune, date.fromisoformat(periode + "-01") if periode else None)
    mark.write_text(signature)
    result.under_way, result.no_files = len(inbox.under_way(home)), len(inbox.no_files(home))
    return result


def _moment(stat: os.stat_result) -> datetime:
    stamp = min(max(stat.st_mtime_ns, 0), LATEST)      # a file system takes times that no calendar has
    return datetime(1970, 1, 1) + timedelta(microseconds=stamp // 1000)


def _is_of(match: Match, month: date) -> bool:
    return match.periode == month or match.filetype.udtraekstype == "fuld" and match.periode is not None and match.periode < month


def _signature(home: Home, models: Path) -> str:
    """Changes when the set-up or a contract does."""
    digest = hashlib.sha256()
    for path in [*sorted(home.setup.glob("*.csv")), *sorted(models.rglob("_*__sources.yml"))]:
        digest.update(f"{path.name}\0".encode() + path.read_bytes())
    return digest.hexdigest()


class _Run:
    """One load. Holds what every part needs; each method is one step of the walk."""

    def __init__(self, home: Home, progress: Progress | None, models: Path | None, seeds: Path | None, limits: Limits | None,
                 batch_bytes: int, batch_files: int) -> None:
        from flis.contracts.contract import read_contracts
        from flis.contracts.installation import read_setup
        from flis.core.keys import master_key
        from flis.intake import drops
        from flis.intake.inspection import Limits, Spools
        from flis.trail import keycheck

        self.home, self.progress = home, progress or (lambda what, done, total: None)
        self.contracts: Contracts = read_contracts(models)
        self.setup: Setup = read_setup(home, seeds)
        self.key = master_key(home)
        keycheck.check(home, self.key)
        self.limits = limits or Limits()
        self.drops = drops.read_limits(seeds)
        self.answered: dict[tuple[str, str, str], tuple[str, str]] = {}       # what a person has said of a file that waited (flis.intake.drops)
        self.batch_bytes, self.batch_files = batch_bytes, batch_files
        self.moment = now()
        self.koersel = self.moment.strftime("%Y%m%dT%H%M%S.%fZ")
        self.result = LoadResult(koersel=self.koersel)
        self.spool_folder = home.tmp / "indlaesning"
        self.spools = Spools(self.spool_folder)
        self.con: duckdb.DuckDBPyConnection
        self.state: State
        self.again: dict[tuple[str, str, datetime], int] = {}
        self.waited: dict[tuple[str, str, datetime], int] = {}
        self.failures: list[str] = []

    def go(self, waiting: list[tuple[str, os.DirEntry[str]]], fagomraade: str | None, kommune: str | None, periode: date | None) -> LoadResult:
        from flis.contracts import installation
        from flis.core.database import connect
        from flis.intake import drops, persons
        from flis.trail import keycheck, ledger
        from flis.trail.journal import WAITING

        narrowed = bool(fagomraade or kommune or periode)
        arrived = [d for item in waiting if (d := self._recognised(item))]
        with connect(self.home, write="cpr") as self.con:   # first: it holds the lock against a second load
            shutil.rmtree(self.spool_folder, ignore_errors=True)
            self.spool_folder.mkdir(mode=0o700)
            try:
                if "FLIS_HUKOMMELSE" not in os.environ:
                    self.con.execute("set memory_limit = '1GB'")     # beyond that it spills: memory does not grow with the files
                self.con.execute("begin")
                ledger.create_tables(self.con, self.contracts)
                persons.complete(self.con, self.key)
                keycheck.remember(self.con, self.home, self.key)
                installation.store(self.con, self.setup)
                self.con.execute("commit")
                self.answered = drops.answers(self.con)
                self.waited = {(a, f, m): i for a, f, m, i in self.con.execute("select afsender, fil, modtaget, leverance_id from raw.leverance where status = $1", [WAITING]).fetchall()}
                keycheck.keep(self.con, self.home)
                deliveries = [d for d in self._take_up(arrived)
                              if not narrowed or d.match and (not fagomraade or d.match.filetype.fagomraade == fagomraade)
                              and (not kommune or d.match.kommunekode == kommune) and (not periode or _is_of(d.match, periode))]
                deliveries.sort(key=lambda d: (d.udtrukket, d.loebenr or 0, d.fil))
                types = {(m.filetype.afsender, m.filetype.kildesystem, m.filetype.name) for d in deliveries if (m := d.match)}
                self.state = ledger.read_state(self.con, types)
                self._walk(deliveries)
            finally:
                self.spools.close()
                shutil.rmtree(self.spool_folder, ignore_errors=True)
        if self.failures:
            raise LoadError("\n".join(self.failures))
        return self.result

    # -------------------------------------------------------------- reading

    def _recognised(self, item: tuple[str, os.DirEntry[str]]) -> Delivery | None:
        """The delivery, or None when its name cannot be read now, or belongs to two contracts; then it is left where it is."""
        from flis.contracts.contract import ContractError

        try:
            return self._recognise(item)
        except (OSError, ContractError) as fault:       # the sender has just taken it back, or a contract of ours is wrong
            self.failures.append(f"{readable(item[0])}/{readable(item[1].name)}: {fault}")
            return None

    def _recognise(self, item: tuple[str, os.DirEntry[str]]) -> Delivery:
        """What the name alone says (and, for numbered extracts, the start record)."""
        from flis.intake.inbox import is_still
        from flis.intake.inspection import peek_number, plain_name
        from flis.intake.stray import masked_name

        afsender, entry = readable(item[0]), item[1]
        name, stat = readable(entry.name), entry.stat(follow_symlinks=False)
        moment = _moment(stat)
        delivery = Delivery(Path(entry.path), afsender, name, moment, udtrukket=moment, still=is_still(stat))
        match = self.contracts.match(afsender, plain_name(name))
        if not match or match.free_name:
            delivery.fil = masked_name(self.key, name)
        if match:
            delivery.match = match
            delivery.udtrukket = match.udtrukket or moment
            delivery.loebenr = match.loebenr
            if match.loebenr is None and match.filetype.format.get("startrecord", {}).get("loebenr"):
                delivery.loebenr = peek_number(delivery.path, match.filetype, self.limits)
        return delivery

    def _walk(self, deliveries: list[Delivery]) -> None:
        """Inspect in order, load batch by batch; while one batch is loaded, the next is read.

        A full disk ends it there: each file more would say the same, and what comes later must not get before what did not fit.
        """
        from flis.core.faults import is_full

        batch: list[Delivery] = []
        size = 0
        with ThreadPoolExecutor(1) as loader:
            loading: Future | None = None
            for number, delivery in enumerate(deliveries, start=1):
                self.progress(delivery.fil, number, len(deliveries))
                try:
                    self._inspect(delivery)
                except Unsettled:
                    continue
                except Exception as fault:      # ours, the disk's, or the sender has just taken it back: it stays, and the others go on
                    if is_full(fault):
                        raise
                    self.failures.append(f"{delivery.afsender}/{delivery.fil}: {type(fault).__name__}: {fault}")
                    continue
                batch.append(delivery)
                size += delivery.bytes if not delivery.found else max(delivery.bytes, delivery.found.unpacked)
                if size >= self.batch_bytes or len(batch) >= self.batch_files:
                    loading = self._hand_over(loader, loading, batch)
                    batch, size = [], 0
            if batch:
                loading = self._hand_over(loader, loading, batch)
            if loading:
                loading.result()

    def _hand_over(self, loader: ThreadPoolExecutor, before: Future | None, batch: list[Delivery]) -> Future:
        """Let the batch be loaded, after the one before it; what is inspected from now on goes to spools of its own. Only the loader uses the connection meanwhile."""
        from flis.intake.inspection import Spools

        if before:
            before.result()
        spools, self.spools = self.spools, Spools(self.spool_folder, int(self.spools.number) + 1)
        return loader.submit(self._flush, batch, spools)

    def _inspect(self, d: Delivery, spools: Spools | None = None) -> None:
        """Read the file into a spool, or learn why it is refused. Raises Unsettled for one that is still being written, as far as anyone can tell.

        A file that has not lain still is taken only when it shows its end; what is wrong with it may be that the rest has not come, so it is not refused either.
        """
        from flis.contracts.installation import span_of
        from flis.core.faults import of_ours
        from flis.core.reasons import Reason
        from flis.intake.inbox import shows_its_end
        from flis.intake.inspection import Changed, Refused, inspect, plain_name, receipt

        if _moment(d.path.lstat()) != d.modtaget:
            raise Unsettled
        if not d.still and not (d.match and shows_its_end(d.match.filetype, d.fil)):
            raise Unsettled
        try:
            if d.path.is_symlink():
                raise Refused("ikke_en_fil")
            if d.fil != readable(d.path.name):
                raise Refused("personnummer_i_filnavn", afsender=d.afsender)
            if not d.match:
                raise Refused("ukendt_filnavn", afsender=d.afsender, navne=self.contracts.nearest(d.afsender, plain_name(d.fil)))
            ft = d.match.filetype
            first, last = span_of(d.match.periode, d.udtrukket.date(), ft.frist_dage)
            agreed = self.setup.instructed(ft.fagomraade, ft.kildesystem, d.match.kommunekode, first, last)
            if agreed is None:
                raise Refused("ikke_aftalt", afsender=d.afsender, kildesystem=ft.kildesystem, kommunekode=d.match.kommunekode or "(alle)",
                              dato=(d.match.periode or d.udtrukket.date()).strftime("%d-%m-%Y"))
            local = self.setup.local_fields(d.match.kommunekode, ft.kildesystem, (t.name for t in ft.tables))
            try:
                d.found = inspect(d.path, d.match, local, spools or self.spools, self.limits)
            except (Refused, Changed):
                raise
            except Exception as fault:
                if of_ours(fault):
                    raise
                raise Refused("laesefejl", fejl=type(fault).__name__) from fault
            d.sha256, d.bytes, d.warnings = d.found.sha256, d.found.bytes, d.found.warnings
            if d.found.loebenr is not None:
                d.loebenr = d.found.loebenr
            if not agreed:
                d.reason = Reason.of("ikke_instrueret", kommunekode=d.match.kommunekode or "(alle)", fagomraade=ft.fagomraade)
        except Changed as changed:
            raise Unsettled from changed
        except Refused as refusal:
            if not d.still:
                raise Unsettled from refusal
            d.reason = refusal.reason
            d.bytes = d.path.lstat().st_size
            if d.bytes <= self.limits.received:     # what is refused is not worth an hour's reading; a link has no content of its own
                d.sha256, d.bytes = receipt(d.path)

    # -------------------------------------------------------------- loading

    def _flush(self, batch: list[Delivery], spools: Spools) -> None:
        """Load a batch and settle what is committed."""
        from flis.trail import ledger

        ledger.read_known(self.con, self.state, [d.sha256 for d in batch])
        self._settle(self._load_or_halve(batch, spools))

    def _load_or_halve(self, batch: list[Delivery], spools: Spools) -> list[Delivery]:
        """Load a batch; if that fails, each half of it, read anew into spools of its own, until the one that it fails for stands alone. Returns what is decided upon.

        Alone, a file that the reader cannot get through is refused; what fails for a reason of ours stays in the inbox.
        """
        from flis.core.faults import is_full

        spools.flush()
        before = self.state.copy()
        try:
            self._load_batch(batch)
            return batch
        except Exception as fault:
            self._rollback()
            if is_full(fault):
                raise
            self.state = before
            if len(batch) == 1:
                return self._blame(batch[0], fault)
        finally:
            spools.close()
        done: list[Delivery] = []
        for half in (batch[:len(batch) // 2], batch[len(batch) // 2:]):
            own = spools.another()
            if again := [d for d in half if self._read_again(d, own)]:
                done += self._load_or_halve(again, own)
            else:
                own.close()
        return done

    def _blame(self, d: Delivery, fault: Exception) -> list[Delivery]:
        """What becomes of the one delivery that a load fails for."""
        from flis.core.reasons import Reason

        if isinstance(fault, Unreadable) and self._reader_works() and not d.reason:
            d.reason = Reason.of("laesefejl", fejl=str(fault))
            self._load_batch([d])
            return [d]
        self.failures.append(f"{d.afsender}/{d.fil}: {fault.__cause__ if isinstance(fault, Unreadable) else fault}")
        return []

    def _reader_works(self) -> bool:
        """Whether the database reads a line that is known to be right: if not, the fault is ours and no file's."""
        from flis.intake import splitting

        try:
            return splitting.reads(self.con, self.spool_folder / "proeve")
        except Exception:   # noqa: BLE001 - whatever is wrong, it cannot be read
            return False

    def _read_again(self, d: Delivery, spools: Spools) -> bool:
        """A delivery's text in a spool of its own half of a batch. False when it cannot be had any more: then it stays in the inbox."""
        if d.found is None:
            return True
        before = d.sha256
        try:
            self._inspect(d, spools)
            if d.sha256 == before:
                return True
            raise OSError("the file was changed while it was being loaded")
        except (OSError, Unsettled) as fault:
            self.failures.append(f"{d.afsender}/{d.fil}: {fault}")
            return False

    def _rollback(self) -> None:
        import duckdb

        try:
            self.con.execute("rollback")
        except duckdb.Error:
            pass        # no transaction is open

    def _load_batch(self, chosen: list[Delivery]) -> None:
        """Decide, load and register in one transaction; again without those that turn out not to hold. `chosen` is what the spools contain, in order."""
        from flis.intake import drops
        from flis.trail.journal import WAITING

        before = self.state.copy()
        while True:
            self.state = before.copy()
            next_id = self.con.execute("select coalesce(max(leverance_id), 0) from raw.leverance").fetchall()[0][0]
            for d in chosen:
                self._decide(d)
                if d.status != "rest":
                    d.ident = self.again.get(d.key, 0) or (self.waited.get(d.key, 0) if d.status == WAITING else 0)      # one that still waits keeps its number; when it is taken in, it comes last
                    if not d.ident:
                        next_id += 1
                        d.ident = next_id
                if d.status == "aktiv":
                    self._apply(d)
            taken = [d for d in chosen if d.status == "aktiv"]
            self.con.execute("begin")
            refused = self._into_raw(taken, chosen) if taken else {}
            refused = refused or drops.judge(self.con, taken, self.drops, self.answered)
            if refused:
                self.con.execute("rollback")
                for d in taken:
                    d.reason = refused.get(id(d), d.reason)
                continue
            self._overtaken(chosen)
            self._keys(taken)
            self._replace(taken)
            self._register(chosen)
            self.con.execute("commit")
            break

    def _overtaken(self, chosen: list[Delivery]) -> None:
        """One that waits for a person, and of which a newer one is taken in with it, waits for nobody."""
        from flis.intake import drops
        from flis.trail import ledger

        for d in chosen:
            if d.status == "venter" and d.reason and d.reason.code == drops.WAITS:
                now = ledger.decide(self.state, d.filetype, forrige=d.inspected.forrige, **self._facts(d))
                if now.status == "afvist":
                    d.decision, d.reason = now, now.reason

    def _decide(self, d: Delivery) -> None:
        from flis.core.reasons import catalogue
        from flis.intake import splitting
        from flis.trail import ledger

        if d.reason:
            d.decision = ledger.Decision(catalogue()[d.reason.code]["udfald"], d.reason)
            if d.status == "ikke_instrueret":
                d.without = splitting.data_lines(d.filetype, d.inspected)
            return
        d.decision = ledger.decide(self.state, d.filetype, forrige=d.inspected.forrige, **self._facts(d))

    def _apply(self, d: Delivery) -> None:
        from flis.trail import ledger

        ledger.apply(self.state, d.filetype, d.decided, d.ident, **self._facts(d))

    def _facts(self, d: Delivery) -> dict[str, Any]:
        assert d.match
        return {"afsender": d.afsender, "fil": d.fil, "modtaget": d.modtaget, "sha256": d.sha256, "kommunekode": d.match.kommunekode,
                "periode": d.match.periode, "udtrukket": d.udtrukket, "loebenr": d.loebenr, "full": d.found.full if d.found else None}

    def _into_raw(self, taken: list[Delivery], spooled: list[Delivery]) -> dict[int, Reason]:
        """The rows of the taken deliveries into raw, with their account. Gives those that do not hold, by id() of the delivery. Raises Unreadable."""
        from flis.contracts.installation import span_of
        from flis.core.faults import of_ours
        from flis.intake import splitting

        refused: dict[int, Reason] = {}
        spools: dict[Path, list[Delivery]] = {}
        for d in spooled:
            if d.found and d.found.spool:
                spools.setdefault(d.found.spool, []).append(d)
        wanted = {id(d) for d in taken}
        for path, files in spools.items():
            if not any(id(d) in wanted for d in files):
                continue
            ft = files[0].filetype
            parts = []
            for d in files:
                assert d.match and d.found
                if d.closed is None:
                    first, last = span_of(d.match.periode, d.udtrukket.date(), ft.frist_dage)
                    d.closed = tuple(self.setup.without_instruction(ft.fagomraade, ft.kildesystem, first, last) if any(t.kommunekolonne for t in ft.tables) else ())
                parts.append(splitting.Part(d.ident, d.fil, d.match.kommunekode, d.match.periode, d.found, id(d) in wanted, d.closed))
            try:
                accounts = splitting.into_raw(self.con, ft, path, parts, self.setup)
            except Exception as fault:
                if of_ours(fault):
                    raise
                raise Unreadable(type(fault).__name__) from fault
            for d in files:
                if id(d) in wanted:
                    account = accounts[d.ident]
                    d.rows, d.set_aside, d.without, d.total = account.rows, account.set_aside, account.without, account.total
                    d.warnings = [*d.inspected.warnings, *account.warnings]
                    if account.refusal:
                        refused[id(d)] = account.refusal
        return refused

    def _keys(self, taken: list[Delivery]) -> None:
        """The numbers of the persons they are about entered, and numbers that stand where they do not belong masked."""
        from flis.intake import persons, stray

        by_type: dict[str, tuple[FileType, list[int]]] = {}
        for d in taken:
            if any(t.cpr_columns for t in d.filetype.tables):
                by_type.setdefault(d.filetype.origin, (d.filetype, []))[1].append(d.ident)
        if by_type:
            persons.enter(self.con, self.key, list(by_type.values()))
        every: dict[str, tuple[FileType, list[int]]] = {}
        for d in taken:
            every.setdefault(d.filetype.origin, (d.filetype, []))[1].append(d.ident)
        stray.find(self.con, self.key, list(every.values()), self.koersel)

    def _replace(self, taken: list[Delivery]) -> None:
        """Take the rows of replaced deliveries out of raw, and note the persons they were about."""
        from flis.intake import persons, stray

        by_type: dict[str, tuple[FileType, list[tuple[int, int]]]] = {}
        for d in taken:
            for old in d.decided.replaces:
                by_type.setdefault(d.filetype.origin, (d.filetype, []))[1].append((old, d.ident))
        for ft, pairs in by_type.values():
            self.con.execute("create or replace temp table _erstattet as select unnest(cast($1 as bigint[])) as leverance_id, unnest(cast($2 as bigint[])) as erstattet_af",
                             [[a for a, _ in pairs], [b for _, b in pairs]])
            persons.note_replaced(self.con, ft)
            stray.forget(self.con, "select leverance_id from _erstattet")
            for t in ft.tables:
                self.con.execute(f"delete from raw.{t.identifier} where _leverance_id in (select leverance_id from _erstattet)")
            self.con.execute("""
                update raw.leverance as l set status = 'erstattet', erstattet_af = e.erstattet_af
                from _erstattet as e where l.leverance_id = e.leverance_id
            """)

    def _register(self, chosen: list[Delivery]) -> None:
        from flis.trail import ledger

        rows = [self._ledger_row(d) for d in chosen if d.status != "rest"]
        seen = [(d.afsender, d.fil) for d in chosen]
        self.con.execute("""
            delete from raw.leverance where status = 'venter'
            and (afsender, fil) in (select (unnest(cast($1 as varchar[])), unnest(cast($2 as varchar[]))))
        """, [[a for a, _ in seen], [f for _, f in seen]])
        again = [d.ident for d in chosen if d.key in self.again]
        if again:
            self.con.execute("delete from raw.leverance where leverance_id in (select unnest(cast($1 as bigint[])))", [again])
        values = ", ".join(f"unnest(cast(${i} as {kind}[]))" for i, kind in enumerate(ledger.LEDGER.values(), start=1))
        self.con.execute(f"insert into raw.leverance select {values}", [[row[c] for row in rows] for c in ledger.LEDGER])
        # A delivery that was both taken in and replaced in this batch.
        late = [(old, d.ident) for d in chosen if d.status == "aktiv" for old in d.decided.replaces]
        if late:
            self.con.execute("""
                update raw.leverance as l set status = 'erstattet', erstattet_af = e.ny
                from (select unnest(cast($1 as bigint[])) as gammel, unnest(cast($2 as bigint[])) as ny) as e where l.leverance_id = e.gammel
            """, [[a for a, _ in late], [b for _, b in late]])

    def _ledger_row(self, d: Delivery) -> dict[str, Any]:
        ft = d.match.filetype if d.match else None
        taken = d.status == "aktiv"
        kind = ft.udtraekstype if ft else None
        if kind == "delta" and d.found and d.found.full:
            kind = "fuld"
        reasons = [d.decided.reason] if d.decided.reason else d.warnings
        return {
            "leverance_id": d.ident, "afsender": d.afsender, "fagomraade": ft.fagomraade if ft else None, "kildesystem": ft.kildesystem if ft else None,
            "filtype": ft.name if ft else None, "kommunekode": d.match.kommunekode if d.match else None, "periode": d.match.periode if d.match else None,
            "loebenr": d.loebenr, "udtraekstype": kind, "version": d.match.version.version if d.match else None, "udtrukket": d.udtrukket,
            "modtaget": d.modtaget, "fil": d.fil, "sha256": d.sha256, "bytes": d.bytes, "linjer": d.found.lines if d.found else None,
            "raekker": d.rows if taken else None, "raekker_afvist": d.set_aside if taken else None,
            "raekker_uden_instruks": d.without if taken or d.status == "ikke_instrueret" else None, "kontrolsum": d.total if taken else None,
            "status": d.status, "aarsag": " ".join(r.text for r in reasons) or None, "aarsag_kode": " ".join(r.code for r in reasons) or None,
            "erstattet_af": None, "koersel": self.koersel, "lukket": " ".join(d.closed or ()) or None if taken else None}

    # -------------------------------------------------------------- after the commit

    def _take_up(self, arrived: list[Delivery]) -> list[Delivery]:
        """Settle what a run that was stopped had loaded, and count it here, for that run told nobody. Returns what is left to look at.

        What it had refused, or counted only, is decided upon once more, under the number it has.
        """
        from flis.intake.inspection import receipt
        from flis.trail import journal, ledger

        started = {(row["afsender"], row["fil"], row["modtaget"]): row for row in journal.unwritten(self.con) if row["ny"]}
        loaded, left = [], []
        for d in arrived:
            row = started.get(d.key)
            if row and row["status"] in ("aktiv", "erstattet") and d.path.lstat().st_size == row["bytes"] and receipt(d.path)[0] == row["sha256"]:
                d.decision, d.ident, d.sha256, d.bytes = ledger.Decision("aktiv"), row["leverance_id"], row["sha256"], row["bytes"]
                d.rows, d.set_aside, d.without = row["raekker"], row["raekker_afvist"], row["raekker_uden_instruks"]
                loaded.append(d)
                continue
            if row and row["status"] not in ("aktiv", "erstattet"):
                self.again[d.key] = row["leverance_id"]
            left.append(d)
        self._settle(loaded)
        return left

    def _settle(self, done: list[Delivery]) -> None:
        """Archive, write the journal, clear the inbox, count: in that order, so that a file leaves the inbox only when all else is on the disk."""
        from flis.core.faults import is_full
        from flis.trail import journal

        folders: set[Path] = set()
        stuck: set[int] = set()
        with ThreadPoolExecutor(PACKERS) as pool:
            packed = [(d, pool.submit(self._archive, d)) for d in done if d.status in ("aktiv", "rest")]
        for d, archived_ in packed:
            try:
                folders.add(archived_.result().parent)
            except OSError as fault:            # loaded already: the next run takes it up
                if is_full(fault):
                    raise
                self.failures.append(f"{d.afsender}/{d.fil}: {fault}")
                stuck.add(d.ident)
        for folder in {p for f in folders for p in (f, *f.parents) if p.is_relative_to(self.home.archive)}:
            journal.sync_folder(folder)
        entries = journal.write(self.con, self.home)
        for d in done:
            if d.ident not in stuck:
                try:
                    self._clear(d)
                    self._count(d)
                except OSError as fault:
                    self.failures.append(f"{d.afsender}/{d.fil}: {fault}")
                    stuck.add(d.ident)
        # A refused file that is still to be decided upon again is not done with.
        journal.note(self.con, [e for e in entries if e.leverance_id not in stuck | set(self.again.values()) - {d.ident for d in done}])

    def _clear(self, d: Delivery) -> None:
        """Out of the inbox; a refused file into quarantine."""
        if d.status == "afvist":
            self._quarantine(d)
        elif d.status != "venter":
            d.path.unlink()

    def _count(self, d: Delivery) -> None:
        r = self.result
        if d.status == "rest":
            return
        r.received += 1
        if d.status == "aktiv":
            r.loaded += 1
            r.replaced += len(d.decided.replaces)
            r.rows_loaded += d.rows
            r.rows_set_aside += d.set_aside
        if d.status in ("aktiv", "ikke_instrueret"):
            r.rows_without_instruction += d.without
            r.rows += (d.rows + d.set_aside if d.status == "aktiv" else 0) + d.without
        r.rejected += d.status == "afvist"
        r.duplicates += d.status == "dublet"
        r.not_instructed += d.status == "ikke_instrueret"
        r.waiting += d.status == "venter"
        reason = d.decided.reason
        if d.status in ("afvist", "venter") and reason:
            r.refusals.append((f"{d.afsender}/{d.fil}", reason.text))
        r.events.append({
            "tidspunkt": self.moment, "handling": "indlaes", "status": d.status, "leverance_id": d.ident, "afsender": d.afsender, "fil": d.fil,
            "fagomraade": d.match.filetype.fagomraade if d.match else None, "kildesystem": d.match.filetype.kildesystem if d.match else None,
            "kommunekode": d.match.kommunekode if d.match else None, "periode": d.match.periode if d.match else None,
            "raekker": d.rows if d.status == "aktiv" else None, "aarsag": reason.text if reason else None})

    def _archive(self, d: Delivery) -> Path:
        """The file as it came, compressed, under a name that says what it holds: writing it again gives the same file. Raises OSError when it is no longer the file that was loaded."""
        assert d.match
        target = archived(self.home, d.afsender, d.filetype.kildesystem, d.match.periode, d.udtrukket, d.fil, d.sha256)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temp = target.with_name(f".{target.name}.tmp")
        sha256, there = pack(d.path, temp, d.fil)
        if sha256 != d.sha256 or there.st_size != d.bytes or _moment(there) != d.modtaget:
            temp.unlink()
            raise OSError("the file was changed while it was being loaded; what was loaded of it cannot be archived")
        os.replace(temp, target)
        return target

    def _quarantine(self, d: Delivery) -> None:
        """The refused file aside, with a note to the sender beside it."""
        reason = d.decided.reason
        assert reason
        folder = self.home.quarantine / d.afsender
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = d.fil.encode()[:LONGEST_NAME].decode("utf-8", "ignore")
        target = folder / name
        if any(os.path.lexists(f"{target}{more}") for more in ("", NOTE)):
            target = folder / f"{name}.{d.ident}"
        local = d.modtaget.replace(tzinfo=UTC).astimezone(ZoneInfo("Europe/Copenhagen"))
        lines = [f"Filen er afvist: {d.fil}", f"Afsender: {d.afsender}", f"Modtaget: {local:%d-%m-%Y %H:%M}", "", f"Hvad er galt: {reason.what}"]
        if reason.line is not None:
            lines.append(f"Linje: {reason.line}")
        lines += [f"Hvad skal rettes: {reason.correction}", "", f"Intet fra filen er indlæst. Reference: leverance {d.ident}, årsag {reason.code}.", ""]
        note = target.with_name(target.name + NOTE)
        note.write_text("\n".join(lines), encoding="utf-8")
        shutil.move(d.path, target)
