"""`flis restore`: a database file that is damaged, missing or out of date is made anew.

The CPR-bearing file comes from the archive: every delivery that was ever taken in is read again, in the order and under the number it had, with the ledger's
rows as the journal has them. Nothing is judged again. It is made beside the old one, and put in its place when it is whole; the old one is kept, set aside.
flis.duckdb is a matter of setting it aside: the journal of events and the next build make it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flis.core.database import connect, exists, unreadable
from flis.core.faults import Damaged
from flis.core.home import Home
from flis.core.reasons import Reason
from flis.intake.archive import Differs, archived, as_it_is, unpack
from flis.intake.load import BATCH_BYTES, BATCH_FILES, Delivery, Progress, _Run
from flis.operate.run import ready
from flis.trail import journal
from flis.trail.events import keep, record

TAKEN = ("aktiv", "erstattet")
NEVER_IN = ("afvist", "dublet", "ikke_instrueret", journal.WAITING)
SHOWN = 10
NOT_LOADED = "arkiv_afviger"


class RestoreError(Exception):
    """A file cannot be made anew as things stand; the text says what is missing. What was there is untouched."""


@dataclass
class RestoreResult:
    """What was made anew, and where the old files lie. `missing` are replaced or withdrawn deliveries that the archive no longer gives; `differing` were in force,
    and what the archive holds of them is not what was loaded: they are in force no more."""

    anew: list[str] = field(default_factory=list)
    aside: list[Path] = field(default_factory=list)
    deliveries: int = 0
    rows: int = 0
    missing: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)

    def facts(self) -> dict[str, Any]:
        """Figures for status.json."""
        return {"files": len(self.anew), "deliveries": self.deliveries, "rows": self.rows}


class _WithoutFlis(Home):
    """The home with an empty flis.duckdb, for when the real one cannot be opened."""

    @property
    def db(self) -> Path:
        return self.tmp / "gendan_flis.duckdb"


class _WithNewCpr(Home):
    """The home with the CPR-bearing file that is being made in place of the old one."""

    @property
    def cpr_db(self) -> Path:
        return self.root / "flis_cpr.duckdb.ny"


class _Beside(_WithNewCpr, _WithoutFlis):
    """The home while that file is being made."""


def wanting(home: Home) -> dict[str, str]:
    """Which of the two files (cpr, flis) cannot be used, and why. Both are read through."""
    found = {}
    for name, path in (("cpr", home.cpr_db), ("flis", home.db)):
        if path.exists() and (why := unreadable(path)):
            found[name] = why
    if "cpr" not in found:
        try:
            journal.check(_WithoutFlis(home.root))
        except Damaged as fault:
            found["cpr"] = str(fault)
    return found


def restore(home: Home, anew: set[str], progress: Progress | None = None, models: Path | None = None) -> RestoreResult:
    """Make the files named (cpr, flis) anew; then everything is to be built whole, which the next build does by itself.

    flis is only set aside: the events are taken from their journal, and the build makes the rest. Raises RestoreError when the archive does not hold what the journal tells of, or cannot be read by today's contracts, and JournalDamaged.
    """
    home.prepare()
    result = RestoreResult()
    if "cpr" in anew:
        if not journal.last(journal.deliveries_file(home)):
            raise RestoreError(f"There is no journal of deliveries ({journal.deliveries_file(home)}): without it nobody knows what the files in the archive became.")
        _Replay(_Beside(home.root), progress or (lambda *_: None), models).go_over(result)
        if "flis" not in anew:
            _forget(home)
        _swap(home.cpr_db, _Beside(home.root).cpr_db, result)
        result.anew.append("cpr")
        with connect(_WithoutFlis(home.root), write="cpr") as con:         # the real one may be damaged too
            journal.keep(con, home)         # what is no longer in force
    if "flis" in anew:
        _swap(home.db, None, result)
        result.anew.append("flis")
    ready(home)
    with connect(home, write="flis") as con:
        record(con, "gendannet", filer=result.anew, leverancer=result.deliveries, raekker=result.rows, afviger=result.differing)
        keep(con, home)
    return result


def _forget(home: Home) -> None:
    """Have the next build make every model whole: what they were built from is forgotten. Done before the new file is in place, so that it is so also when this run is stopped."""
    with connect(_WithNewCpr(home.root), write="flis") as con:
        if exists(con, "drift", "fingeraftryk"):
            con.execute("delete from drift.fingeraftryk")


def _swap(path: Path, new: Path | None, result: RestoreResult) -> None:
    """Put the old file aside and the new in its place. The old one's log goes first: DuckDB would play it into the new."""
    for old in (path.with_name(path.name + ".wal"), path):
        if old.exists():
            aside = old.with_name(f"{old.name}.kasseret")
            os.replace(old, aside)
            result.aside.append(aside)
    if new:
        os.replace(new, path)


class _Replay(_Run):
    """A load of what the archive holds, with the outcomes that the journal tells of."""

    def __init__(self, home: Home, progress: Progress, models: Path | None) -> None:
        super().__init__(home, progress, models, None, None, BATCH_BYTES, BATCH_FILES)
        self.unpacked = home.tmp / "gendan"
        self.faults: list[str] = []
        self.missing: list[str] = []
        self.differing: dict[int, str] = {}
        self.final: dict[int, dict[str, Any]] = {}

    def go_over(self, result: RestoreResult) -> None:
        """Make the file."""
        from flis.contracts import installation
        from flis.trail import keycheck, ledger

        lines = journal.deliveries(self.home)
        self.final = {line["leverance_id"]: line for line in lines}
        for path in (self.home.cpr_db, self.home.cpr_db.with_name(self.home.cpr_db.name + ".wal"), self.home.db):
            path.unlink(missing_ok=True)
        for folder in (self.spool_folder, self.unpacked):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(mode=0o700)
        try:
            with connect(self.home, write="cpr") as self.con:
                if "FLIS_HUKOMMELSE" not in os.environ:
                    self.con.execute("set memory_limit = '1GB'")
                ledger.create_tables(self.con, self.contracts)
                keycheck.remember(self.con, self.home, self.key)
                installation.store(self.con, self.setup)
                self._replay(lines, result)
                if self.faults:
                    more = f"\nand {len(self.faults) - SHOWN} more" if len(self.faults) > SHOWN else ""
                    raise RestoreError(f"{len(self.faults)} deliveries cannot be read from the archive; nothing has been changed:\n" + "\n".join(self.faults[:SHOWN]) + more)
                result.missing, result.differing = self.missing, list(self.differing.values())
                values = ", ".join(f"unnest(cast(${i} as {kind}[]))" for i, kind in enumerate(ledger.LEDGER.values(), start=1))
                self.con.execute(f"insert into raw.leverance select {values}", [[row[c] for row in self._ledger_rows()] for c in ledger.LEDGER])
                journal.note(self.con, [journal.Entry(row["nr"], row["leverance_id"], row["status"], row["erstattet_af"]) for row in self.final.values()])
        except BaseException:
            self.home.cpr_db.unlink(missing_ok=True)
            raise
        finally:
            self.spools.close()
            for folder in (self.spool_folder, self.unpacked):
                shutil.rmtree(folder, ignore_errors=True)

    def _ledger_rows(self) -> list[dict[str, Any]]:
        """The ledger as the journal has it, but for what the archive no longer holds: that is refused from now on, and its months are missing until it is sent again."""
        reason, rows = Reason.of(NOT_LOADED), []
        for row in sorted(self.final.values(), key=lambda r: r["leverance_id"]):
            if row["leverance_id"] in self.differing:
                row = {**row, "status": "afvist", "aarsag": reason.text, "aarsag_kode": reason.code,
                       **dict.fromkeys(("raekker", "raekker_afvist", "raekker_uden_instruks", "kontrolsum", "lukket"))}
            rows.append(row)
        return rows

    def _replay(self, lines: list[dict[str, Any]], result: RestoreResult) -> None:
        replaced_by: dict[int, set[int]] = {}
        for line in lines:
            if line["erstattet_af"]:
                replaced_by.setdefault(line["erstattet_af"], set()).add(line["leverance_id"])
        batch: list[Delivery] = []
        size = 0
        steps = list(_steps(lines))
        for number, (what, row) in enumerate(steps, start=1):
            self.progress(row["fil"], number, len(steps))
            if what == "ud" or what == "igen":
                self._load(batch, result)
                batch, size = [], 0
                self._take_out(row["leverance_id"], what == "igen")
            if what != "ud" and (d := self._fetch(row, tuple(sorted(replaced_by.get(row["leverance_id"], ()))))):
                batch.append(d)
                size += max(d.bytes, d.inspected.unpacked)
            if size >= self.batch_bytes or len(batch) >= self.batch_files:
                self._load(batch, result)
                batch, size = [], 0
        self._load(batch, result)

    def _fetch(self, row: dict[str, Any], replaces: tuple[int, ...]) -> Delivery | None:
        """A delivery from the archive, read into its spool; None, with the reason noted, when that cannot be done."""
        from flis.intake.inspection import Refused, inspect, plain_name, receipt
        from flis.trail import ledger

        match = self.contracts.match(row["afsender"], plain_name(row["fil"]))
        if not match:
            self._miss(row, "no contract knows the name any more")
            return None
        source = archived(self.home, row["afsender"], row["kildesystem"], row["periode"], row["udtrukket"], row["fil"], row["sha256"])
        inbox = self.home.inbox / row["afsender"] / row["fil"]
        path = self.unpacked / f"{row['leverance_id']}{''.join(Path(row['fil']).suffixes[-1:]) if as_it_is(row['fil']) else ''}"
        try:
            if inbox.is_file() and inbox.stat().st_size == row["bytes"] and receipt(inbox)[0] == row["sha256"]:      # the run that took it in was stopped before it was archived; or it has been sent again
                shutil.copyfile(inbox, path)
            elif source.exists():
                unpack(source, path, row["fil"], row["sha256"])
            else:
                self._miss(row, f"{source} is missing (the file as it was sent can also be put in {inbox})")
                return None
            local = self.setup.local_fields(match.kommunekode, match.filetype.kildesystem, (t.name for t in match.filetype.tables))
            found = inspect(path, match, local, self.spools, self.limits)
        except Refused as refusal:
            self._miss(row, f"today's contract or set-up does not take it ({refusal.reason.code})")
            return None
        except Differs as fault:
            self._miss(row, f"{source} {fault}", differs=True)
            return None
        finally:
            path.unlink(missing_ok=True)
        return Delivery(path, row["afsender"], row["fil"], row["modtaget"], match, row["udtrukket"], row["loebenr"], found, sha256=found.sha256, bytes=found.bytes,
                        ident=row["leverance_id"], decision=ledger.Decision("aktiv", replaces=replaces), closed=tuple((row["lukket"] or "").split()))

    def _miss(self, row: dict[str, Any], why: str, differs: bool = False) -> None:
        """Note what cannot be read. Of a delivery that is not active any more it is no fault: its rows are in no table. One whose file is another than was loaded
        (`differs`) is left out, and the rest restored; for one that is not there, or that today's contracts do not take, it is ours to put right first."""
        text = f"{row['afsender']}/{row['fil']} (leverance {row['leverance_id']}): {why}"
        if self.final[row["leverance_id"]]["status"] != "aktiv":
            self.missing.append(text)
        elif differs:
            self.differing[row["leverance_id"]] = text
        else:
            self.faults.append(text)

    def _load(self, batch: list[Delivery], result: RestoreResult) -> None:
        """The rows of a batch into raw, in one transaction; what each replaced is taken out again, and the account held against the journal's."""
        if not batch:
            return
        self.spools.flush()
        self.con.execute("begin")
        refused = self._into_raw(batch, batch)
        self._keys(batch)
        self._replace(batch)
        self.con.execute("commit")
        self.spools.close()
        for d in batch:
            row = self.final[d.ident]
            if id(d) in refused:
                self._miss(row, f"today's contract does not take it ({refused[id(d)].code})")
            elif (d.rows, d.set_aside, d.without) != (row["raekker"], row["raekker_afvist"], row["raekker_uden_instruks"]):
                self._miss(row, f"{d.rows} rows, {d.set_aside} set aside and {d.without} without instruction; "
                                f"when it was loaded {row['raekker']}, {row['raekker_afvist']} and {row['raekker_uden_instruks']}")
        result.deliveries += len(batch)
        result.rows += sum(d.rows for d in batch)

    def _take_out(self, ident: int, for_good: bool) -> None:
        """The rows of a delivery out of raw: it was withdrawn; also what is told of it, when it is to be read anew."""
        from flis.intake import stray

        for ft in self.contracts.filetypes:
            for t in ft.tables:
                self.con.execute(f"delete from raw.{t.identifier} where _leverance_id = $1", [ident])
        stray.forget(self.con, str(ident))
        if for_good:
            for table in ("leverance_tabel", "afvist_linje"):
                self.con.execute(f"delete from raw.{table} where leverance_id = $1", [ident])


def _steps(lines: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What happened to the rows in raw, in order: a delivery came in (ind), was withdrawn (ud), or came back when the one that had replaced it was (igen)."""
    before: dict[int, str] = {}
    for line in lines:
        ident, status = line["leverance_id"], line["status"]
        was = before.get(ident)
        if status in TAKEN and was not in TAKEN:
            yield ("ind" if was is None or was in NEVER_IN else "igen"), line
        elif status == "aktiv" and was == "erstattet":
            yield "igen", line
        elif status not in TAKEN and was in TAKEN:
            yield "ud", line
        before[ident] = status
