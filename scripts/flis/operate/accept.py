"""`flis accept`: what a person says of a delivery that waits because it has far fewer rows than the one it replaces (flis.intake.drops).

The answer is kept by the file's own content, so that it is about that file and no later one; the next load acts on it.
"""

from __future__ import annotations

from dataclasses import dataclass

from flis.core.home import Home, now
from flis.core.keys import masked
from flis.intake import drops
from flis.trail.journal import WAITING

EVENT = "fald_besvaret"


class AcceptError(Exception):
    """There is nothing to answer; the text (Danish) says why. Nothing has been changed."""


@dataclass(frozen=True)
class Answered:
    """The delivery that was answered for."""

    leverance_id: int
    afsender: str
    fil: str
    aarsag: str


def answer(home: Home, leverance_id: int, reason: str, accepted: bool = True) -> Answered:
    """Accept the delivery, or turn it down. Raises AcceptError for one that does not wait for that."""
    from datetime import UTC

    from flis.contracts.contract import read_contracts
    from flis.core.database import connect, exists
    from flis.operate import status
    from flis.trail.events import actor, keep, record
    from flis.trail.ledger import create_tables

    if not reason.strip():
        raise AcceptError("Skriv en grund: den står bagefter i leverancejournalen.")
    why = masked(reason.strip().rstrip("."))
    with connect(home, write="cpr") as con:
        rows = con.execute("select afsender, fil, sha256, kommunekode, fagomraade, status, aarsag_kode, aarsag from raw.leverance where leverance_id = $1",
                           [leverance_id]).fetchall() if exists(con, "raw", "leverance", "cpr") else []
        if not rows or (rows[0][5], rows[0][6]) != (WAITING, drops.WAITS):
            raise AcceptError(f"Leverance {leverance_id} venter ikke på at blive godkendt. `flis status` viser dem, der gør.")
        newer = dict(con.execute(drops.OVERTAKEN.replace("cpr.raw.", "raw.")).fetchall()).get(leverance_id)
        if newer:
            raise AcceptError(f"Leverance {leverance_id} skal ikke godkendes: en nyere fil af samme slags er indlæst (leverance {newer}), og den afløser den. Den afvises ved næste indlæsning.")
        sender, name, sha, municipality, area, _, _, text = rows[0]
        create_tables(con, read_contracts())
        con.execute("insert into raw.faldsvar values ($1, $2, $3, $4, $5, $6, $7)",
                    [sender, name, sha, drops.YES if accepted else drops.NO, why, actor(), now().astimezone(UTC).replace(tzinfo=None)])
    with connect(home, write="flis") as con:
        record(con, EVENT, municipality, area, leverance_id=leverance_id, fil=name, sha256=sha, svar=drops.YES if accepted else drops.NO, grund=why)
        keep(con, home)
    status.mark_incomplete(home)
    return Answered(leverance_id, sender, name, text)
