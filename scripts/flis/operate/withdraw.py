"""`flis withdraw`: a delivery is taken back, and what stands is as if it had never come (docs/decisions/0016).

Its rows leave raw; the deliveries it had replaced come into force again, read anew from the archive; of a delivery that was replaced itself, only the ledger
changes. All of it is one transaction, written to the journal beside the archive afterwards, so that `flis restore` does the same. The next build computes the
slices touched; what is published stays until the next package.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flis.core.home import Home
from flis.core.keys import masked
from flis.intake.archive import Differs, archived, as_it_is, unpack
from flis.intake.load import BATCH_BYTES, BATCH_FILES, Delivery, _Run

if TYPE_CHECKING:
    from flis.intake.inspection import Limits

STATUS = "tilbagekaldt"
EVENT = "tilbagekaldt"
IN_LEDGER = ("leverance_id", "afsender", "fagomraade", "kildesystem", "filtype", "kommunekode", "periode", "loebenr", "udtrukket", "modtaget", "fil", "sha256", "raekker", "raekker_afvist",
             "raekker_uden_instruks", "status", "aarsag", "erstattet_af")


class WithdrawError(Exception):
    """The delivery cannot be taken back as things stand; the text (Danish) says why. Nothing has been changed."""


@dataclass(frozen=True)
class Withdrawn:
    """What came of it. `back` are the deliveries in force again, as (leverance_id, fil); `already` when it had been taken back before."""

    leverance_id: int
    fil: str
    kommunekode: str | None
    fagomraade: str
    periode: date | None
    back: tuple[tuple[int, str], ...] = ()
    already: bool = False


def withdraw(home: Home, leverance_id: int, reason: str, *, models: Path | None = None, seeds: Path | None = None, limits: Limits | None = None) -> Withdrawn:
    """Take a delivery back, for a reason (Danish; it goes into the ledger and the event, what could be a CPR number masked).

    Done again it changes nothing, and completes what a run that was stopped left. Raises WithdrawError for a delivery that is unknown or was never taken in, in
    the middle of a numbered series, or whose predecessor cannot be read again from the archive; and while a load that was stopped is not carried through.
    """
    from flis.core.database import connect, exists
    from flis.operate import status
    from flis.trail import journal
    from flis.trail.events import keep, record

    if not reason.strip():
        raise WithdrawError("Skriv en grund: den står bagefter i leverancejournalen.")
    home.prepare()
    status.mark_incomplete(home)
    done = _Withdrawal(home, models, seeds, limits).go(leverance_id, masked(reason.strip()))
    with connect(home, write="cpr") as con:
        journal.keep(con, home)
    with connect(home, write="flis") as con:
        told = exists(con, "drift", "haendelse") and con.execute(
            "select 1 from drift.haendelse where haendelse = $1 and cast(detalje ->> 'leverance_id' as bigint) = $2", [EVENT, leverance_id]).fetchall()
        if not told:
            record(con, EVENT, done.kommunekode, done.fagomraade, leverance_id=leverance_id, fil=done.fil, periode=done.periode, grund=masked(reason.strip()), genindsat=[i for i, _ in done.back])
        keep(con, home)
    status.write_deliveries(home)
    return done


class _Withdrawal(_Run):
    """The load step run backwards for one delivery."""

    def __init__(self, home: Home, models: Path | None, seeds: Path | None, limits: Limits | None) -> None:
        super().__init__(home, None, models, seeds, limits, BATCH_BYTES, BATCH_FILES)

    def go(self, leverance_id: int, reason: str) -> Withdrawn:  # type: ignore[override]
        from flis.core.database import connect
        from flis.trail import journal, ledger

        with connect(self.home, write="cpr") as self.con:
            if "FLIS_HUKOMMELSE" not in os.environ:
                self.con.execute("set memory_limit = '1GB'")
            ledger.create_tables(self.con, self.contracts)
            if any(one["ny"] for one in journal.unwritten(self.con)):      # their files may still lie in the inbox: the next load settles them
                raise WithdrawError("En indlæsning blev afbrudt, før den var gjort færdig. Kør `flis load` først.")
            rows = self._ledger("leverance_id = $1", leverance_id)
            if not rows:
                raise WithdrawError(f"Der er ingen leverance {leverance_id} i leverancejournalen.")
            row = rows[0]
            if row["status"] == STATUS:
                return self._told(row, already=True)
            if row["status"] not in ("aktiv", "erstattet"):
                raise WithdrawError(f"Leverance {leverance_id} ({row['fil']}) er aldrig taget ind (status {row['status']}): der er intet at trække tilbage.")
            before = self._ledger("erstattet_af = $1 and status = 'erstattet' order by leverance_id", leverance_id)
            back = before if row["status"] == "aktiv" else []
            self._check_series(row, before)
            shutil.rmtree(self.spool_folder, ignore_errors=True)
            self.spool_folder.mkdir(mode=0o700)
            try:
                deliveries = [self._fetch(one) for one in back]
                self.con.execute("begin")
                if row["status"] == "aktiv":
                    self._take_out(row)
                    self._put_back(deliveries, {one["leverance_id"]: one for one in back})
                self._note(row, reason, [one["leverance_id"] for one in before])
                self.con.execute("commit")
            finally:
                self.spools.close()
                shutil.rmtree(self.spool_folder, ignore_errors=True)
            return self._told(row, back)

    def _ledger(self, which: str, leverance_id: int) -> list[dict[str, Any]]:
        return [dict(zip(IN_LEDGER, r, strict=True)) for r in self.con.execute(f"select {', '.join(IN_LEDGER)} from raw.leverance where {which}", [leverance_id]).fetchall()]

    def _told(self, row: dict[str, Any], back: list[dict[str, Any]] | None = None, already: bool = False) -> Withdrawn:
        return Withdrawn(row["leverance_id"], row["fil"], row["kommunekode"], row["fagomraade"], row["periode"], tuple((b["leverance_id"], b["fil"]) for b in back or []), already)

    def _check_series(self, row: dict[str, Any], before: list[dict[str, Any]]) -> None:
        """A numbered extract with others after it is in the middle of a series: without it there would be a gap, now or when the series comes into force again."""
        if row["loebenr"] is None or row["loebenr"] in {b["loebenr"] for b in before}:
            return
        later = self.con.execute("""
            select count(*), min(loebenr), max(loebenr) from raw.leverance
            where (afsender, kildesystem, filtype) = ($1, $2, $3) and kommunekode is not distinct from $4 and loebenr > $5 and status = $6 and erstattet_af is not distinct from $7
        """, [row[c] for c in ("afsender", "kildesystem", "filtype", "kommunekode", "loebenr", "status", "erstattet_af")]).fetchall()[0]
        if later[0]:
            raise WithdrawError(f"Leverance {row['leverance_id']} er udtræk nr. {row['loebenr']} i en række, og {later[0]} senere (nr. {later[1]} til {later[2]}) bygger på det. "
                                "Træk de senere tilbage først, det nyeste først, eller bed afsenderen sende udtrækket igen med samme nummer.")

    def _fetch(self, row: dict[str, Any]) -> Delivery:
        """A replaced delivery from the archive, read into its spool."""
        from flis.contracts.installation import span_of
        from flis.intake.inspection import Refused, inspect, plain_name
        from flis.trail import ledger

        def cannot(why: str) -> WithdrawError:
            return WithdrawError(f"Den forrige leverance {row['leverance_id']} ({row['fil']}) kan ikke sættes i kraft igen: {why}. "
                                 "Træk den tilbage først, hvis der skal være tomt uden den, eller bed afsenderen om en ny.")

        match = self.contracts.match(row["afsender"], plain_name(row["fil"]))
        if not match:
            raise cannot("ingen snitflade kender længere filnavnet")
        ft = match.filetype
        first, last = span_of(match.periode, row["udtrukket"].date(), ft.frist_dage)
        if not self.setup.instructed(ft.fagomraade, ft.kildesystem, match.kommunekode, first, last):
            raise cannot("kommunens instruks dækker den ikke længere")
        source = archived(self.home, row["afsender"], ft.kildesystem, match.periode, row["udtrukket"], row["fil"], row["sha256"])
        if not source.exists():
            raise cannot("filen er ikke i arkivet")
        path = self.spool_folder / f"{row['leverance_id']}{source.suffix if as_it_is(row['fil']) else ''}"
        try:
            unpack(source, path, row["fil"], row["sha256"])
            found = inspect(path, match, self.setup.local_fields(match.kommunekode, ft.kildesystem, (t.name for t in ft.tables)), self.spools, self.limits)
        except Refused as refusal:
            raise cannot(f"den svarer ikke længere til det aftalte ({refusal.reason.code})") from refusal
        except Differs as fault:
            raise cannot("filen i arkivet er beskadiget eller ikke den, der blev leveret") from fault
        finally:
            path.unlink(missing_ok=True)
        return Delivery(path, row["afsender"], row["fil"], row["modtaget"], match, row["udtrukket"], row["loebenr"], found, sha256=found.sha256, bytes=found.bytes,
                        ident=row["leverance_id"], decision=ledger.Decision("aktiv"))

    def _take_out(self, row: dict[str, Any]) -> None:
        """The rows out of raw, and the persons they were about noted."""
        from flis.intake import persons, stray

        ft = next(f for f in self.contracts.filetypes if (f.afsender, f.kildesystem, f.name) == (row["afsender"], row["kildesystem"], row["filtype"]))
        self.con.execute("create or replace temp table _erstattet as select cast($1 as bigint) as leverance_id", [row["leverance_id"]])
        persons.note_replaced(self.con, ft)
        stray.forget(self.con, "select leverance_id from _erstattet")
        for t in ft.tables:
            self.con.execute(f"delete from raw.{t.identifier} where _leverance_id = $1", [row["leverance_id"]])

    def _put_back(self, deliveries: list[Delivery], rows: dict[int, dict[str, Any]]) -> None:
        """The rows of what it had replaced into raw again, under their own numbers; held against what was counted when they first came."""
        if not deliveries:
            return
        idents = [d.ident for d in deliveries]
        for table in ("leverance_tabel", "afvist_linje"):
            self.con.execute(f"delete from raw.{table} where leverance_id in (select unnest(cast($1 as bigint[])))", [idents])
        self.spools.flush()
        refused = self._into_raw(deliveries, deliveries)
        for d in deliveries:
            row = rows[d.ident]
            if id(d) in refused or (d.rows, d.set_aside, d.without) != (row["raekker"], row["raekker_afvist"], row["raekker_uden_instruks"]):
                raise WithdrawError(f"Den forrige leverance {d.ident} ({d.fil}) kan ikke sættes i kraft igen: den læses ikke længere, som da den kom. Bed afsenderen om en ny.")
        self._keys(deliveries)

    def _note(self, row: dict[str, Any], reason: str, before: list[int]) -> None:
        """The ledger: it is withdrawn, and what it had replaced stands as it did itself: in force, or replaced by what had replaced it."""
        from flis.core.reasons import Reason

        why = Reason.of(STATUS, grund=reason.rstrip("."))
        self.con.execute("update raw.leverance set status = $1, erstattet_af = null, aarsag = concat_ws(' ', aarsag, $2), aarsag_kode = concat_ws(' ', aarsag_kode, $3) where leverance_id = $4",
                         [STATUS, why.text, why.code, row["leverance_id"]])
        self.con.execute("update raw.leverance set status = $1, erstattet_af = $2 where leverance_id in (select unnest(cast($3 as bigint[])))", [row["status"], row["erstattet_af"], before])
