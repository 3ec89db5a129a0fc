"""Writes delivered files from SQL: lines are joined in DuckDB, Python only encodes and writes, so memory does not grow with the size."""

from __future__ import annotations

import os
from datetime import UTC
from pathlib import Path

from flis.demo.verden import Verden

LINES_PER_CHUNK = 5000


def write_files(verden: Verden, sql: str, *, charset: str = "utf-8", bom: bool = False, newline: str = "\r\n", root: Path | None = None) -> int:
    """Write every file that the query describes, and return how many.

    The query gives one row per line: `sti` (path below the inbox), `mtime` (UTC timestamp: the moment the file was delivered, the same
    for all lines of a file), `orden` (bigint, unique within the file, for most lines the line's number: lines are joined in
    chunks of it) and `tekst` (the line without its line end). Header and end record
    are lines as well. A file must be described whole by one call.
    """
    root = root or verden.home.inbox
    lines = verden.con.execute(
        f"""
        select sti, max(mtime) as mtime, orden // {LINES_PER_CHUNK} as bid, string_agg(tekst, $nl order by orden) as tekst
        from ({sql}) as linjer
        group by sti, bid
        order by sti, bid
        """,
        {"nl": newline},
    )
    count, current, path, handle, moment = 0, None, None, None, None

    def close() -> None:
        if handle:
            handle.close()
            stamp = moment.replace(tzinfo=UTC).timestamp()
            os.utime(path, (stamp, stamp))

    while chunk := lines.fetchmany(20):
        for relative, mtime, _, text in chunk:
            if relative != current:
                close()
                current, path, moment, count = relative, root / relative, mtime, count + 1
                path.parent.mkdir(parents=True, exist_ok=True)
                handle = path.open("wb")
                if bom:
                    handle.write(b"\xef\xbb\xbf")
            handle.write((text + newline).encode(charset))
    close()
    return count


def break_off(path: Path, name: str | None = None, seconds_before: int = 0) -> Path:
    """A transfer that broke: the first half of a file's bytes stands in its place, or beside it under `name`, arrived so much earlier. Returns it."""
    half, stamp = path.with_name(name or path.name), path.stat().st_mtime - seconds_before
    half.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    os.utime(half, (stamp, stamp))
    return half
