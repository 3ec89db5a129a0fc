"""The demo's truth: what came out held against it row for row, and what the rules found held against what was planted (recall and precision, rule by rule)."""

from __future__ import annotations

from dataclasses import dataclass

from flis.core.database import connect, exists
from flis.core.home import REPO, Home

IN_SERIES = "serie:"    # a fault that is found only if each delivery was built before the next came: the rule's number stands after the colon; not counted here
WHOLE = 97              # rules from this number on look at a delivery as a whole: any fault planted in it may show there
AT_LOAD = "load:"       # a fault that is found when the file is taken in: the reason's code stands after the colon, the file's name is the key


@dataclass(frozen=True)
class Difference:
    """A model beside its truth: how many rows each has, and some of those that are in one and not in the other."""

    there: int
    expected: int
    rows: list[tuple]


def models() -> list[str]:
    """The models that have a truth: every table of the standardized layer."""
    return sorted(p.stem for p in (REPO / "models" / "standardized").rglob("std_*.sql"))


def differences(home: Home, model: str) -> Difference:
    """Hold a standardized table against its truth, which has the outcome of every faulty row too. Raises ValueError where they have not the same columns."""
    truth = home.truth / f"{model}.parquet"
    with connect(home) as con:
        columns = [row[0] for row in con.execute(f"describe standardized.{model}").fetchall() if not row[0].startswith("_")]
        expected = [row[0] for row in con.execute(f"describe select * from '{truth}'").fetchall()]
        if sorted(expected) != sorted(columns):
            raise ValueError(f"{model}: the truth has other columns than the model")
        listed = ", ".join(columns)
        rows = con.execute(f"""
            with ud as (select {listed} from standardized.{model}), facit as (select {listed} from '{truth}'),
            forskel as (
                (select 'for meget' as hvad, * from (select * from ud except all select * from facit))
                union all
                (select 'mangler' as hvad, * from (select * from facit except all select * from ud))
            )
            select * from forskel order by all limit 10
        """).fetchall()
        there, expected_rows = con.execute(f"select (select count(*) from standardized.{model}), (select count(*) from '{truth}')").fetchall()[0]
    return Difference(there, expected_rows, rows)


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
                -- A delivery with faults in it is another than it should be, and so is what is counted over months from it: that is no false alarm. The demo's
                -- employees are paid what the ledger says, and a ledger in thousands pays in thousands.
                and not (cast(split_part(a.regel_id, '-', 2) as integer) >= $2 and exists (
                    select 1 from fejl as f
                    where
                        split_part(replace(f.regel_id, $1, ''), '-', 1) in (split_part(a.regel_id, '-', 1), case when a.regel_id like 'PE-%' then 'OK' end)
                        and f.kommunekode = a.kommunekode
                        and coalesce(f.periode <= a.periode, true)
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
