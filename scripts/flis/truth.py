"""The rules held against the demo's truth: what was planted and is found (recall), and what is found and was planted (precision), rule by rule."""

from __future__ import annotations

from dataclasses import dataclass

from flis.database import connect, exists
from flis.home import Home

IN_SERIES = "serie:"    # a fault that is found only if each delivery was built before the next came: the rule's number stands after the colon; not counted here
WHOLE = 97              # rules from this number on look at a delivery as a whole: any fault planted in it may show there
AT_LOAD = "load:"       # a fault that is found when the file is taken in: the reason's code stands after the colon, the file's name is the key


class TruthMissing(Exception):
    """There is no truth to hold the rules against; the message says what to do."""


@dataclass(frozen=True)
class Score:
    """One rule, or one reason at load: `found` of the `planted` faults were found, `extra` findings were not planted."""

    regel_id: str
    alvor: str
    planted: int
    found: int
    extra: int

    @property
    def recall(self) -> float | None:
        """Share of the planted faults that were found; None when none was planted."""
        return self.found / self.planted if self.planted else None

    @property
    def precision(self) -> float | None:
        """Share of the findings that were planted; None when nothing was found."""
        return self.found / (self.found + self.extra) if self.found + self.extra else None


def score(home: Home) -> list[Score]:
    """Every rule, in order, then the faults found at load. A breaking row is the same as a planted one when rule, municipality (or none) and key are.

    The rules that look at a delivery as a whole (WHOLE) have no extra findings in a delivery with a planted fault of any kind.
    A fault of a series of deliveries (IN_SERIES) is left out: whether it can be found depends on when they were built.

    Raises TruthMissing when the home is not a demo, or no rule has run.
    """
    truth = home.truth / "fejl.parquet"
    if not truth.exists():
        raise TruthMissing(f"{truth} is missing: only a demo (`flis demo`) knows what was planted")
    with connect(home) as con:
        if not exists(con, "kvalitet", "afvigelse"):
            raise TruthMissing("no rule has run: `flis validate` first")
        con.execute(f"create temp view fejl as select * from '{truth}'")
        rows = con.execute("""
            with fundet as (
                select distinct regel_id, kommunekode, periode, noegle from kvalitet.afvigelse
            ),
            plantet as (
                select
                    f.regel_id,
                    count(*) as plantet,
                    count(*) filter (where exists (
                        select 1 from fundet as a where a.regel_id = f.regel_id and a.noegle = f.noegle and (a.kommunekode = f.kommunekode or a.kommunekode = '0998' or f.kommunekode is null)
                    )) as fundet
                from (select distinct regel_id, kommunekode, noegle from fejl) as f
                group by f.regel_id
            ),
            andre as (
                select a.regel_id, count(*) as andre
                from fundet as a
                where not exists (
                    select 1 from fejl as f where f.regel_id in (a.regel_id, $1 || a.regel_id) and a.noegle = f.noegle and (a.kommunekode = f.kommunekode or a.kommunekode = '0998' or f.kommunekode is null)
                )
                -- a delivery with faults in it is another than it should be: that is no false alarm
                and not (cast(split_part(a.regel_id, '-', 2) as integer) >= $2 and exists (
                    select 1 from fejl as f
                    where split_part(replace(f.regel_id, $1, ''), '-', 1) = split_part(a.regel_id, '-', 1) and f.kommunekode = a.kommunekode and coalesce(f.periode = a.periode, true)
                ))
                group by a.regel_id
            )
            select r.regel_id, r.alvor, coalesce(p.plantet, 0), coalesce(p.fundet, 0), coalesce(a.andre, 0)
            from kvalitet.regel as r
            left join plantet as p on r.regel_id = p.regel_id
            left join andre as a on r.regel_id = a.regel_id
            order by r.fagomraade, r.regel_id
        """, [IN_SERIES, WHOLE]).fetchall()
        rows += con.execute("""
            select
                f.regel_id,
                'fejl',
                count(*),
                count(*) filter (where exists (
                    select 1 from cpr.raw.leverance as l where l.status in ('afvist', 'venter') and l.fil = f.noegle and l.aarsag_kode = substr(f.regel_id, 6)
                )),
                0
            from fejl as f
            where starts_with(f.regel_id, $1)
            group by f.regel_id
            order by f.regel_id
        """, [AT_LOAD]).fetchall()
    return [Score(*row) for row in rows]
