"""A delivery that has far fewer rows than the one it replaces is not taken without a person (docs/decisions/0034).

An error page, an empty answer or half an extract looks like a delivery, and would put nothing in the place of what was there. What is refused by its form
(root, keys, end record) never comes here; this is about those of the right form. The limits are the seed `faldgraense`.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flis.core import danish
from flis.core.home import REPO
from flis.core.reasons import Reason

if TYPE_CHECKING:
    import duckdb

    from flis.intake.load import Delivery

WAITS, EMPTIED, REFUSED, ACCEPTED = "usaedvanligt_fald", "toemt_uden_besked", "fald_afvist", "fald_godkendt"
YES, NO = "godkendt", "afvist"


@dataclass(frozen=True)
class Limit:
    """How far the number of rows may fall without anybody being asked (seeds/faelles/faldgraense.csv)."""

    andel: float
    spredning: float
    mindste: int
    historik: int

    def floor(self, before: int, smallest: int | None) -> int:
        """The fewest rows that are explained by how many there were, and by the municipality's own smallest of late."""
        by_size = max(before - max(self.andel * before, self.spredning * before ** 0.5), 0)
        if not by_size and before > self.mindste:
            by_size = 1         # what was full is not emptied unseen, however few rows chance explains
        return -int(-min(by_size, by_size if smallest is None else smallest) // 1)


def read_limits(seeds: Path | None = None) -> dict[str, Limit]:
    """The limits by the contract's udtraekstype."""
    with ((seeds or REPO / "seeds") / "faelles" / "faldgraense.csv").open(encoding="utf-8", newline="") as source:
        return {r["udtraekstype"]: Limit(float(r["andel"]), float(r["spredning"]), int(r["mindste"]), int(r["historik"])) for r in csv.DictReader(source)}


def answers(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str, str], tuple[str, str]]:
    """What a person has said of a file that waited: (afsender, fil, sha256) → (svar, grund); the last word counts."""
    return {(sender, name, sha): (said, why) for sender, name, sha, said, why in
            con.execute("select afsender, fil, sha256, svar, grund from raw.faldsvar order by tidspunkt").fetchall()}


def judge(con: duckdb.DuckDBPyConnection, taken: list[Delivery], limits: dict[str, Limit], answered: dict[tuple[str, str, str], tuple[str, str]]) -> dict[int, Reason]:
    """Which of the deliveries just put into raw (in this transaction) are not to be taken, by id() of the delivery. Those a person has accepted get that as a warning.

    Each table is held against what the replaced delivery brought of it. A numbered full extract is held against the full one before it, not against the changes since.
    """
    replacing = [d for d in taken if d.decided.replaces]
    if not replacing:
        return {}
    before, smallest = _before(con, taken, replacing), {}
    if any(limits[d.filetype.udtraekstype].historik for d in replacing):
        smallest = _smallest(con, taken, replacing, limits)
    found: dict[int, Reason] = {}
    for d in replacing:
        rows = before.get(d.ident, {})
        if d.without and len(rows) > 1:
            continue        # rows of municipalities that have withdrawn their instruction are in no table of its own
        if reason := _of(d, rows, smallest.get(d.ident, {}), limits[d.filetype.udtraekstype]):
            said, why = answered.get((d.afsender, d.fil, d.sha256), (None, ""))
            if said == YES and reason.code == WAITS:
                d.warnings = [*d.warnings, Reason.of(ACCEPTED, grund=why, **{k: reason.facts[k] for k in ("nu", "tabel", "foer")})]
            else:
                found[id(d)] = Reason.of(REFUSED, grund=why) if said == NO and reason.code == WAITS else reason
    return found


def _of(d: Delivery, rows: dict[str, tuple[int, int]], smallest: dict[str, int], limit: Limit) -> Reason | None:
    """Why one delivery is not taken: of its tables, the one that has lost most."""
    whole = sum(was for was, _ in rows.values())
    if whole and not d.rows + d.without and not says_none(d):
        return Reason.of(EMPTIED, foer=danish.number(whole))
    worst = None
    for table, (was, is_now) in sorted(rows.items()):
        floor = limit.floor(was, smallest.get(table))
        if is_now + d.without < floor and (worst is None or was - is_now > worst[1] - worst[2]):
            worst = table, was, is_now + d.without, floor
    if worst is None:
        return None
    return Reason.of(WAITS, tabel=worst[0], foer=danish.number(worst[1]), nu=danish.number(worst[2]), mindst=danish.number(worst[3]))


def says_none(d: Delivery) -> bool:
    """Whether a file without rows says itself that there are none: its header or its root stands alone, or its start or end record counts 0."""
    found, ft = d.inspected, d.filetype
    return ft.kind == "xml" and not found.records or ft.kind == "delimited" and ft.has_header or 0 in (found.start_count, found.end_count)


def _before(con: duckdb.DuckDBPyConnection, taken: list[Delivery], replacing: list[Delivery]) -> dict[int, dict[str, tuple[int, int]]]:
    """Per delivery and table: the rows of what it replaces, and its own."""
    full = {d.ident for d in taken if d.inspected.full}
    full |= {i for (i,) in con.execute("select leverance_id from raw.leverance where udtraekstype = 'fuld' and leverance_id in (select unnest(cast($1 as bigint[])))",
                                       [[old for d in replacing for old in d.decided.replaces]]).fetchall()}
    pairs = [(d.ident, old) for d in replacing for old in d.decided.replaces if not d.inspected.full or old in full]
    closed = {d.ident: d.without for d in taken}
    found: dict[int, dict[str, tuple[int, int]]] = {}
    for ident, table, was, uninstructed, old, is_now in con.execute("""
        select p.ny, f.tabel, f.raekker, l.raekker_uden_instruks, p.gammel, coalesce(n.raekker, 0)
        from (select unnest(cast($1 as bigint[])) as ny, unnest(cast($2 as bigint[])) as gammel) as p
        inner join raw.leverance_tabel as f on p.gammel = f.leverance_id
        left join raw.leverance_tabel as n on p.ny = n.leverance_id and f.tabel = n.tabel
        left join raw.leverance as l on p.gammel = l.leverance_id
        order by all
    """, [[new for new, _ in pairs], [old for _, old in pairs]]).fetchall():
        was += closed.get(old, uninstructed or 0)
        rows = found.setdefault(ident, {})
        rows[table] = (rows.get(table, (0, 0))[0] + was, is_now)
    return found


def _smallest(con: duckdb.DuckDBPyConnection, taken: list[Delivery], replacing: list[Delivery], limits: dict[str, Limit]) -> dict[int, dict[str, int]]:
    """Per delivery and table: the fewest rows, but none, of the municipality's own latest deliveries of the same file that are in force."""
    gone = {old for d in taken for old in d.decided.replaces}
    here = [d for d in taken if d.ident not in gone]
    con.execute("""
        create or replace temp table _i_kraft as
        select leverance_id, afsender, kildesystem, filtype, kommunekode, udtrukket from raw.leverance
        where status = 'aktiv' and not list_contains(cast($1 as bigint[]), leverance_id)
        union all
        select unnest(cast($2 as bigint[])), unnest(cast($3 as varchar[])), unnest(cast($4 as varchar[])), unnest(cast($5 as varchar[])), unnest(cast($6 as varchar[])), unnest(cast($7 as timestamp[]))
    """, [sorted(gone), [d.ident for d in here], *([key(d) for d in here] for key in (
        lambda d: d.afsender, lambda d: d.filetype.kildesystem, lambda d: d.filetype.name, lambda d: d.match.kommunekode, lambda d: d.udtrukket))])
    asked = [(d, n) for d in replacing if (n := limits[d.filetype.udtraekstype].historik)]
    found: dict[int, dict[str, int]] = {}
    for ident, table, rows in con.execute("""
        with spurgt as (
            select unnest(cast($1 as bigint[])) as ny, unnest(cast($2 as integer[])) as antal, unnest(cast($3 as varchar[])) as afsender, unnest(cast($4 as varchar[])) as kildesystem,
                unnest(cast($5 as varchar[])) as filtype, unnest(cast($6 as varchar[])) as kommunekode
        ),
        egne as (
            select s.ny, s.antal, k.leverance_id, row_number() over (partition by s.ny order by k.udtrukket desc, k.leverance_id desc) as nr
            from spurgt as s
            inner join _i_kraft as k on s.afsender = k.afsender and s.kildesystem = k.kildesystem and s.filtype = k.filtype and s.kommunekode is not distinct from k.kommunekode
                and s.ny <> k.leverance_id
        )
        select e.ny, t.tabel, min(t.raekker) from egne as e inner join raw.leverance_tabel as t on e.leverance_id = t.leverance_id
        where e.nr <= e.antal and t.raekker > 0
        group by all
    """, [[d.ident for d, _ in asked], [n for _, n in asked], [d.afsender for d, _ in asked], [d.filetype.kildesystem for d, _ in asked], [d.filetype.name for d, _ in asked],
          [d.match.kommunekode if d.match else None for d, _ in asked]]).fetchall():
        found.setdefault(ident, {})[table] = rows
    return found


# A delivery that waits (w), and the newer one (n) that has been taken in of the same meanwhile: nobody is to answer for the first.
OVERTAKEN = """
    select w.leverance_id, max(n.leverance_id) as nyere
    from cpr.raw.leverance as w
    inner join cpr.raw.leverance as n
        on w.afsender = n.afsender and w.kildesystem = n.kildesystem and w.filtype = n.filtype and w.kommunekode is not distinct from n.kommunekode
            and (w.udtraekstype = 'fuld' or w.periode is not distinct from n.periode) and n.udtrukket > w.udtrukket
    where w.status = 'venter' and n.status = 'aktiv' and w.udtraekstype <> 'delta'
    group by w.leverance_id
"""
