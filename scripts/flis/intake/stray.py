"""CPR numbers that stand in a text or a key where they do not belong (docs/decisions/0036).

They are looked for once, as a delivery comes into raw, and masked there: what is built on raw never sees them. A number is one that somebody has (`person_noegle`), or one
that is written as only a CPR number is: six digits that are a date, a hyphen, four digits. A number that nobody has yet is kept as a candidate, and masked when it becomes
somebody's. The mask is a pseudonym of the number under a key of the municipality's own: two keys that each hold a number stay two, and the same number is the same mask.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flis.core.keys import pseudonym, recipient_key
from flis.intake.splitting import cpr_is_valid_sql, text

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb

    from flis.contracts.contract import FileType, Table

LOCAL = "_lokale_felter"
NATIONAL = "landet"         # whose key masks the texts of a file that is no municipality's
SHORTEST = 10               # a field of fewer characters holds no number
TABLE = "personnummer_i_tekst"
POSSIBLE = 366 * 10**6      # ten digits that begin with a day and a month
SPREADS = 3                 # known numbers in a field are no chance when they are more than what chance makes, by so many of its spreads
MOST_CANDIDATES = 100       # numbers that are nobody's yet and fill a field alone, in a delivery: more are a series of another kind (documents), and are not kept

# Day (a replacement number's is + 60), month and year; a separator that people write; four digits. No digit beside them: a part of a longer number is none.
# The same text to DuckDB's RE2 and to Python, but for what stands beside: RE2 cannot look without taking.
_BORN = "[0-36-9][0-9](?:0[1-9]|1[0-2])[0-9]{2}"
_BETWEEN = "[ \u00a0]?[-\u2013]?[ \u00a0]?"
_PRESENT = f"(?:^|[^0-9]){_BORN}{_BETWEEN}[0-9]{{4}}(?:[^0-9]|$)"
_NUMBER = re.compile(f"(?<![0-9])({_BORN})({_BETWEEN})([0-9]{{4}})(?![0-9])")
_MASK = re.compile("pnr-[a-p]{16}")
_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")


def mask_of(key: bytes, kommunekode: str | None, cpr: str) -> str:
    """What stands in a number's place. Letters alone, so that it is never taken for a number itself."""
    return "pnr-" + pseudonym(recipient_key(key, f"tekst:{kommunekode or NATIONAL}"), cpr)[:16].translate(_LETTERS)


def masked_name(key: bytes, name: str) -> str:
    """A file's name with whatever has the form of a CPR number masked."""
    return _NUMBER.sub(lambda m: mask_of(key, None, m[1] + m[3]), name)


def searched(table: Table) -> list[str]:
    """The columns that a number could have got into: all but those it belongs in, amounts, and fields that are too short."""
    total = table.kontroltal.column if table.kontroltal else None
    return [c.name for c in table.columns if not (c.personnummer or c.tidligere or c.is_amount or c.name == total) and (c.length is None or c.length >= SHORTEST)]


def find(con: duckdb.DuckDBPyConnection, key: bytes, loaded: list[tuple[FileType, list[int]]], koersel: str) -> None:
    """Look through the texts of newly loaded deliveries, after their own numbers have been entered, and mask what is found; also what has become known in earlier ones."""
    con.execute("create or replace temp table _tekst (leverance_id bigint, kommunekode varchar, tabel varchar, linje bigint, felt varchar, tekst varchar, anden boolean)")
    for ft, idents in loaded:
        con.execute("create or replace temp table _nye as select unnest(cast($1 as bigint[])) as leverance_id", [idents])
        for table in ft.tables:
            _search(con, table, min(idents), max(idents))
    _keep(con)
    con.execute("drop table _tekst")
    _mask(con, key, koersel)


def _search(con: duckdb.DuckDBPyConnection, table: Table, lowest: int, highest: int) -> None:
    """The fields of the new rows that hold something of a number's form, to `_tekst`. One scan tells which columns have any; most tables have none, and are done with."""
    new = f"from raw.{table.identifier} where _leverance_id between {lowest} and {highest} and _leverance_id in (select leverance_id from _nye)"
    let_be = {c.name: c.ikke_personnummer for c in table.columns if c.ikke_personnummer}
    holds = {field: f"(strlen({field}) >= {SHORTEST} and regexp_matches({field}, {text(_PRESENT)}))" for field in [*searched(table), LOCAL]}
    hits = con.execute(f"select {', '.join(f'bool_or({one})' for one in holds.values())} {new}").fetchall()[0]
    for field in (f for f, hit in zip(holds, hits, strict=True) if hit):
        con.execute(f"""
            insert into _tekst
            select _leverance_id, _kommunekode, {text(table.identifier)}, _linje, {text(field)}, {field}, {_of_another_kind(field, let_be.get(field))} {new} and {holds[field]}
        """)


def _of_another_kind(field: str, form: str | None) -> str:
    """SQL: the field is written as the numbers of another kind that the contract says it holds."""
    return f"coalesce(regexp_full_match(trim({field}), {text(form)}), false)" if form else "false"


def _keep(con: duckdb.DuckDBPyConnection) -> None:
    """Of what has a number's form: keep what is somebody's or is written with a hyphen, and candidates. Where many rows have nothing but ten digits in a field, they are a series
    of another kind (documents), in which some are somebody's by chance: those are masked as well, and told only where they are more than chance makes. What the contract says is of
    another kind is let be, unless the field has CPR numbers beside it that are not: then a column has slipped."""
    pairs = [(whole, m[1] + m[3], "-" in m[2] or "\u2013" in m[2])
             for (whole,) in con.execute(f"select distinct tekst from _tekst where length(tekst) <> {SHORTEST}").fetchall() for m in _NUMBER.finditer(whole)]
    con.execute("create or replace temp table _nr as select unnest(cast($1 as varchar[])) as tekst, unnest(cast($2 as varchar[])) as cpr, unnest(cast($3 as boolean[])) as skrevet",
                [list(column) for column in zip(*pairs, strict=True)] or [[], [], []])
    con.execute("""
        create or replace temp table _fund as
        select leverance_id, kommunekode, tabel, linje, felt, tekst as cpr, false as skrevet, true as alene, anden from _tekst where length(tekst) = $1
        union all
        select t.leverance_id, t.kommunekode, t.tabel, t.linje, t.felt, n.cpr, bool_or(n.skrevet), false, t.anden from _tekst as t inner join _nr as n on t.tekst = n.tekst group by all
    """, [SHORTEST])
    # what has been found is few beside all there are, and is looked up among them once
    con.execute("create or replace temp table _kendt as select n.cpr from raw.person_noegle as n inner join (select distinct cpr from _fund) as f on n.cpr = f.cpr")
    con.execute(f"""
        insert into raw.{TABLE}
        with kendte as (
            select f.*, k.cpr is not null as kendt from _fund as f left join _kendt as k on f.cpr = k.cpr
        ),
        talt as (
            select leverance_id, tabel, felt, alene,
                count(*) as antal,
                count(*) * (select count(*) from raw.person_noegle) / {POSSIBLE} as ventet,
                count(*) filter (kendt and not skrevet) as antal_kendte,
                bool_or(kendt and not anden) as er_personnumre
            from kendte
            group by all
        )
        select k.leverance_id, k.kommunekode, k.tabel, k.linje, k.felt, k.cpr,
            case when k.skrevet then if(k.kendt, 'kendt', 'form') when not k.kendt then 'kandidat'
                when k.alene and t.antal_kendte <= t.ventet + {SPREADS} * sqrt(t.ventet) then 'tilfaelde' else 'kendt' end,
            cast(null as varchar)
        from kendte as k
        inner join talt as t on k.leverance_id = t.leverance_id and k.tabel = t.tabel and k.felt = t.felt and k.alene = t.alene
        where (k.kendt or k.skrevet or not k.alene or t.antal <= {MOST_CANDIDATES})
            and (not k.anden or exists (select 1 from talt as o where o.leverance_id = k.leverance_id and o.tabel = k.tabel and o.felt = k.felt and o.er_personnumre))
            and {cpr_is_valid_sql('k.cpr')}
        order by all
    """)


def _mask(con: duckdb.DuckDBPyConnection, key: bytes, koersel: str) -> None:
    """Mask in raw what is known to be a number and has no mask yet. Deliveries that were there before are noted: what was built of them is to be computed again."""
    con.execute(f"update raw.{TABLE} as p set art = 'kendt' from raw.person_noegle as n where p.art in ('kandidat', 'form') and p.cifre = n.cpr")
    due = con.execute(f"select distinct kommunekode, cifre from raw.{TABLE} where art <> 'kandidat' and maske is null").fetchall()
    if not due:
        return
    con.execute("create or replace temp table _maske as select unnest(cast($1 as varchar[])) as kommunekode, unnest(cast($2 as varchar[])) as cpr, unnest(cast($3 as varchar[])) as maske",
                [[k for k, _ in due], [c for _, c in due], [mask_of(key, k, c) for k, c in due]])
    con.execute(f"""
        create or replace temp table _ramt as
        select distinct leverance_id, kommunekode, tabel, linje, felt from raw.{TABLE} where art <> 'kandidat' and maske is null
    """)
    masks = {(code, cpr): mask_of(key, code, cpr) for code, cpr in due}
    _rewrite(con, lambda code, whole: _NUMBER.sub(lambda m: masks.get((code, m[1] + m[3]), m[0]), whole))
    con.execute(f"""
        update raw.{TABLE} as p set maske = m.maske
        from _maske as m where p.maske is null and p.art <> 'kandidat' and p.cifre = m.cpr and p.kommunekode is not distinct from m.kommunekode
    """)
    con.execute("""
        insert into raw.omskrevet
        select distinct r.leverance_id, $1 from _ramt as r inner join raw.leverance as l on r.leverance_id = l.leverance_id
    """, [koersel])


def _rewrite(con: duckdb.DuckDBPyConnection, rewritten: Callable[[str | None, str], str]) -> None:
    """Write the texts of raw that `_ramt` names anew, each as `rewritten` gives it for its municipality."""
    for table, field in con.execute("select distinct tabel, felt from _ramt order by all").fetchall():
        hit = f"from raw.{table} as r inner join _ramt as x on r._leverance_id = x.leverance_id and r._linje = x.linje and x.tabel = $1 and x.felt = $2"
        old = con.execute(f"select distinct x.kommunekode, r.{field} {hit} where r.{field} is not null", [table, field]).fetchall()
        con.execute("create or replace temp table _nytekst as select unnest(cast($1 as varchar[])) as kommunekode, unnest(cast($2 as varchar[])) as gammel, unnest(cast($3 as varchar[])) as ny",
                    [[code for code, _ in old], [whole for _, whole in old], [rewritten(code, whole) for code, whole in old]])
        con.execute(f"""
            update raw.{table} as r set {field} = n.ny
            from _ramt as x, _nytekst as n
            where r._leverance_id = x.leverance_id and r._linje = x.linje and x.tabel = $1 and x.felt = $2 and r.{field} = n.gammel and x.kommunekode is not distinct from n.kommunekode
        """, [table, field])


def renew(con: duckdb.DuckDBPyConnection, key: bytes, koersel: str) -> None:
    """Every mask made anew under another key, in the caller's transaction. `con` has cpr as its own database."""
    there = con.execute(f"select distinct kommunekode, cifre, maske from raw.{TABLE} where maske is not null").fetchall()
    new = {old: mask_of(key, code, cpr) for code, cpr, old in there}
    con.execute(f"create or replace temp table _ramt as select distinct leverance_id, kommunekode, tabel, linje, felt from raw.{TABLE} where maske is not null")
    _rewrite(con, lambda _, whole: _MASK.sub(lambda m: new.get(m[0], m[0]), whole))
    con.execute("create or replace temp table _maske as select unnest(cast($1 as varchar[])) as gammel, unnest(cast($2 as varchar[])) as ny", [list(new), list(new.values())])
    con.execute(f"update raw.{TABLE} as p set maske = m.ny from _maske as m where p.maske = m.gammel")
    con.execute("insert into raw.omskrevet select distinct leverance_id, $1 from _ramt", [koersel])


def forget(con: duckdb.DuckDBPyConnection, which: str) -> None:
    """Forget what was found in deliveries whose rows leave raw. `which` is SQL for their numbers."""
    con.execute(f"delete from raw.{TABLE} where leverance_id in ({which})")
