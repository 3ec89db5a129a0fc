"""What the benchmark delivers: the demo's files dealt out by month and by day, and a correction of one municipality's old month."""

from __future__ import annotations

import gzip
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

ARRIVAL = timedelta(days=25)        # what arrives on the 1st to the 25th tells of the month before; the CPR register tells of the day itself
DAYS_KEPT = 5                       # the last days of the CPR register are kept back, to be delivered one at a time
SYSTEM, OPUS = "cpr", "ZD1SL_"


def deal(inbox: Path, hold: Path, last: date, months: int) -> None:
    """Move the demo's files to `hold`/<number of the month, 001 the first>/<sender>, and the last days of the CPR register to `hold`/dag_<yyyymmdd>/cpr.

    `last` is the first day of the last of the `months`. What tells of a time before the first month goes with it, and what arrives after the last with that.
    """
    from flis.contracts.contract import read_contracts
    from flis.intake.inspection import plain_name

    contracts = read_contracts(None)
    before = last.year * 12 + last.month - months
    end = (last.replace(day=28) + timedelta(days=4)).replace(day=1)
    for path in sorted(inbox.glob("*/*")):
        match = contracts.match(path.parent.name, plain_name(path.name))
        arrived = datetime.fromtimestamp(path.stat().st_mtime, UTC).date()
        told = match.periode if match and match.periode else arrived if path.parent.name == SYSTEM else arrived - ARRIVAL
        number = min(max(1, told.year * 12 + told.month - before), months)
        alone = path.parent.name == SYSTEM and end - timedelta(days=DAYS_KEPT) <= told < end
        away = hold / (f"dag_{told:%Y%m%d}" if alone else f"{number:03}") / path.parent.name / path.name
        away.parent.mkdir(parents=True, exist_ok=True)
        path.rename(away)


def deliver(part: Path, inbox: Path) -> int:
    """Put what is held in `part` in the inbox, without taking it from where it is (the same bytes on the disk). Returns the number of bytes."""
    size = 0
    for path in part.glob("*/*"):
        there = inbox / path.parent.name / path.name
        there.parent.mkdir(parents=True, exist_ok=True)
        if not there.exists():
            os.link(path, there)
        size += path.stat().st_size
    return size


def correct(archive: Path, inbox: Path, month: date) -> Path:
    """Deliver one municipality's Opus file of an old month once more, extracted a day after the newest there is of it: two amounts have changed places, so the totals hold.

    It is the file of middle size among those of the month that have been corrected the fewest times. Returns the new file.
    """
    newest: dict[str, tuple[str, Path]] = {}
    times: dict[str, int] = {}
    for path in archive.rglob(f"{OPUS}*_{month:%Y%m}_*"):
        _, code, _, extracted = path.name.partition(".")[0].split("_")
        times[code] = times.get(code, 0) + 1
        newest[code] = max(newest.get(code, ("", path)), (extracted, path))
    fewest = sorted((path.stat().st_size, code) for code, (_, path) in newest.items() if times[code] == min(times.values()))
    code = fewest[len(fewest) // 2][1]
    extracted, path = newest[code]
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    lines = data.split(b"\n")
    head = lines[0].decode("latin-1").split(";")
    account, amount = head.index("ZIFUNKT"), head.index("AMOUNT0")
    rows = [line.split(b";") for line in lines[1:3000]]
    first = rows[0]
    other = next(row for row in rows if len(row) == len(first) and row[account] != first[account] and row[amount] != first[amount])
    place = rows.index(other) + 1
    first[amount], other[amount] = other[amount], first[amount]
    lines[1], lines[place] = b";".join(first), b";".join(other)
    later = datetime.strptime(extracted, "%Y%m%d") + timedelta(days=1)
    new = inbox / "kmd" / f"{OPUS}{code}_{month:%Y%m}_{later:%Y%m%d}.csv"
    new.parent.mkdir(parents=True, exist_ok=True)
    new.write_bytes(b"\n".join(lines))
    return new
