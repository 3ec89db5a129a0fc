"""Økonomi: a ledger in the world's own terms, and the files the finance systems would deliver of it.

Amounts follow `konti.csv` (kr. per inhabitant and year) times the demo's population. The ledger is made a delivered month and a group of
municipalities at a time, so memory does not grow with the scale. Every document balances; what does not is a planted fault.
"""

from __future__ import annotations

import shutil
from datetime import date, timedelta

from flis.demo.oekonomi_filer import regular_extract, write_month
from flis.demo.opsaetning import CPR_IN_OWN, OEKONOMI_CHANGE, OUTSIDE
from flis.demo.skriv import break_off
from flis.demo.verden import FOLDER, Verden

# An average municipality books about 21,000 rows a month, four in five on accounts and one on the bank account (docs/demo.md).
LINES_PER_INHABITANT = 16_800 / 60_700
LINES_PER_DOCUMENT = 4
# A municipality's own level of an account: so much from the others' at most, and less where the account is larger than so many kr. per inhabitant.
HABITS, HABITS_UP_TO = 0.12, 2_000.0
# Rows made at a time. Bounds memory.
ROWS_PER_BATCH = 400_000

EMPTY = "0825"      # delivers one month without a single row

BANK = "'9.22.05' as funktion, '8' as dranst, '1' as ejerforhold, '999' as gruppering, '0.0' as art"

# Opening balance: account, dranst, kr. per inhabitant. The balance account carries the rest.
OPENING = [("9.22.05", "8", 8200), ("9.22.08", "8", 3100), ("9.55.70", "9", -9800), ("9.55.77", "9", -2300)]

# Internal settlement, one document a month: account, art, kr. per inhabitant and year. It adds up to 0 by itself, without the bank account.
INTERNAL = [("5.30.27", "9.2", 12), ("5.25.14", "9.4", 9), ("6.45.51", "9.7", -21)]

# The planted faults are documents, whose lines stand in oekonomi_fejl.csv. One in ten municipalities gets each, but these just one:
# they move the municipality's sums.
JUST_ONE = ("OK-15", "OK-16", "OK-17")
# Faults that are no documents: a whole delivery that is missing (91), arrives only in half (92) or lacks something (93), is in another unit (19), or jumps at
# the change of system (95).
WITH_AN_END = "kmd_opus"        # its files have an end record, so half of one is known for what it is
MISSING_PART = "3.22"           # hovedfunktion
UNIT = 0.001                    # in thousands
JUMP_ART, JUMP_ON, JUMP = "4.7", "5.38", 3.0    # art, hovedfunktion: a quarter of the botilbud's cost
JUMP_IN = "0482"                # changes system, and has no other role
JUMPS = ("udgift_par_107", "udgift_par_107_108", "udgift_par_108")      # the measures that jump
# What is found in a sum, and not in a row: the rest of its key after the month. The system is not known there: the area stands in its place.
IN_SUMS = {"OK-15": ".korrigeret_budget", "OK-16": ".art9", "OK-17": ".5.30.28", "OK-18": ".5.68.94", "OK-19": ""}
SWING = 630                     # kr. per inhabitant and year: 60 % on top of the year to date (OK-17)
# ØS Indsigt delivers balances: no documents (OK-04, OK-20) and no dates (OK-21), and a single wage row cannot be told apart in them (OK-08).
NOT_IN_BALANCES = ("OK-04", "OK-08", "OK-20", "OK-21")
# Municipalities that show something else (docs/demo.md): their sums are left alone.
WITH_A_ROLE = ("0101", "0751", "0563", "0825", "0851", CPR_IN_OWN, *OEKONOMI_CHANGE)


def generate(verden: Verden) -> None:
    """Write the finance systems' files into the inbox and the truth into facit."""
    con = verden.con
    prepare(verden)
    groups = {month: batches(verden, month) for month in verden.months}
    total, done = sum(len(batch) for batch in groups.values()), 0
    for month in verden.months:
        for codes in groups[month]:
            make_ledger(verden, month, codes)
            write_month(verden, month, done)
            done += 1
            verden.progress(f"oekonomi {month:%Y-%m}", done, total)
    write_truth(verden)
    if verden.faults:
        cut_short(verden)
        name_the_first(verden)
    con.execute("drop schema oek cascade")


def name_the_first(verden: Verden) -> None:
    """A daily extract with nothing new is the one before once more: the same bytes are taken in once, so what does not add up (OK-94) is the first of them."""
    for code, key in verden.con.execute("select kommunekode, noegle from verden.fejl where regel_id = 'OK-94'").fetchall():
        system, _, name = key.partition("|")
        (path,) = verden.home.inbox.glob(f"*/{name}")
        same = [other.name for other in sorted(path.parent.glob(f"{path.stem[:-8]}*{path.suffix}")) if other.read_bytes() == path.read_bytes()]
        verden.con.execute("update verden.fejl set noegle = ? where regel_id = 'OK-94' and kommunekode = ? and noegle = ?", [f"{system}|{same[0]}", code, key])


def cut_short(verden: Verden) -> None:
    """Transfers that broke in the last month: of one municipality half a file arrives the day before the whole one; of another (OK-92) no more than half.

    The halves are refused, and the truth is as without them.
    """
    planted = verden.con.execute("select kommunekode from oek.saerlig where regel_id = 'OK-92'").fetchall()
    also_whole = verden.con.execute(f"""
        select kommunekode from verden.opsaetning
        where kildesystem = '{WITH_AN_END}' and kommunekode not in (select kommunekode from oek.saerlig where regel_id in ('OK-91', 'OK-92'))
        group by kommunekode
        having count(*) = 1 and bool_and(kadence = 'maaned' and gyldig_til is null)
        order by kommunekode
        limit 1
    """).fetchall()
    for (code,) in planted + also_whole:
        whole = verden.home.inbox / "kmd" / f"ZD1SL_{code[1:]}_{verden.months[-1]:%Y%m}_{regular_extract(verden.months[-1]):%Y%m%d}.csv"
        day_before = whole.with_name(f"{whole.stem[:-8]}{regular_extract(verden.months[-1]) - timedelta(1):%Y%m%d}.csv")
        half = break_off(whole, day_before.name, 86400) if (code,) in also_whole else break_off(whole)
        verden.con.execute("insert into verden.fejl values ('load:mangler_slutrecord', ?, ?, ?, ?)", [WITH_AN_END, code, verden.months[-1], half.name])


def prepare(verden: Verden) -> None:
    con = verden.con
    con.execute("create schema oek")
    parts = verden.home.tmp / "demo_facit"
    shutil.rmtree(parts, ignore_errors=True)
    parts.mkdir()
    con.execute(
        f"""
        create table oek.konto as
        select
            cast(row_number() over (order by funktion, dranst, ejerforhold, gruppering, art) as integer) as konto_nr,
            *,
            vaegt / sum(vaegt) over () as andel,
            -- Accounts of weight and wages are booked every month, small ones every third where the demo is small.
            abs(kr_pr_indbygger) >= 400 or art = '1.0' or funktion like '5.38.%' or saeson <> 'jaevn' as hver_maaned
        from (
            select
                funktion, dranst, ejerforhold, gruppering, art, cast(kr_pr_indbygger as double) as kr_pr_indbygger, cast(vaegt as double) as vaegt, saeson
            from read_csv('{FOLDER / "konti.csv"}', all_varchar = true, header = true)
            -- a function that came later is in no ledger that begins before it
            where coalesce(cast(fra_aar as integer), 0) <= {verden.first.year}
        )
        """
    )
    # Share of the year's amount per month; what is bought or built late in the year weighs late.
    con.execute(
        """
        create table oek.saeson as
        select
            s.saeson,
            cast(m.maaned as integer) as maaned,
            case s.saeson
                when 'jaevn' then 1.0 / 12
                when 'halvaar' then case when m.maaned in (6, 12) then 0.5 else 0.0 end
                when 'vinter' then case m.maaned when 1 then 0.3 when 2 then 0.25 when 3 then 0.15 when 11 then 0.1 when 12 then 0.2 else 0.0 end
                when 'anlaeg' then (2.0 + m.maaned) / 102
            end as andel
        from (select unnest(['jaevn', 'halvaar', 'vinter', 'anlaeg']) as saeson) as s
        cross join (select unnest(range(1, 13)) as maaned) as m
        """
    )
    con.execute("create table oek.frasat (kommunekode varchar, kildesystem varchar, tabel varchar, kilde_id varchar, periode date, aarsag varchar)")
    con.execute("create table oek.lokalt_felt (kommunekode varchar, kildesystem varchar, kilde_id varchar, felt varchar, vaerdi varchar)")
    con.execute(
        f"""
        create table oek.fejllinje as
        select
            regel_id, cast(bilag as integer) as bilag, cast(linje as integer) as linje, funktion, dranst, ejerforhold, gruppering, art,
            cast(beloeb_kr as decimal(18, 2)) as beloeb_kr, er_fejl is not null as er_fejl
        from read_csv('{FOLDER / "oekonomi_fejl.csv"}', all_varchar = true, header = true)
        """
    )
    con.execute("create table oek.samlet_fejl (regel_id varchar, endelse varchar)")
    con.executemany("insert into oek.samlet_fejl values (?, ?)", list(IN_SUMS.items()))
    # Who delivers which month through what.
    con.execute("create table oek.maaned (leveret date)")
    con.executemany("insert into oek.maaned values (?)", [(month,) for month in verden.months])
    con.execute(
        f"""
        create table oek.leverandoer as
        select o.kommunekode, k.folketal, m.leveret, o.kildesystem, o.kadence, not {is_empty(verden, 'o.kommunekode', 'm.leveret')} as har_poster
        from verden.opsaetning as o
        inner join verden.kommune as k on o.kommunekode = k.kommunekode
        inner join oek.maaned as m on m.leveret >= o.gyldig_fra and m.leveret < coalesce(o.gyldig_til, date '9999-12-31')
        where o.fagomraade = 'oekonomi' and o.kommunekode <> '{OUTSIDE}'
        """
    )
    plan_whole_deliveries(verden)
    plan_faults(verden)


def is_empty(verden: Verden, code: str, month: str) -> str:
    """SQL: does this municipality deliver this month without rows? The month after the change, so never the first or only one; and never in a demo without faults."""
    if len(verden.months) < 3 or not verden.faults:
        return "false"
    return f"({code} = '{EMPTY}' and {month} = date '{verden.months[len(verden.months) // 2]}')"


def plan_whole_deliveries(verden: Verden) -> None:
    """`oek.saerlig`: which municipality gets which of the faults that move its sums, in which month. None in a demo of less than three months.

    They are handed out from the last municipality on, for cut_short() takes the first. What compares with the year before (OK-17) needs one, and
    the month in another unit (OK-19) is one that no month of the next year is compared with.
    """
    con = verden.con
    con.execute("create table oek.saerlig (regel_id varchar, kommunekode varchar, maaned date)")
    if not verden.faults or len(verden.months) < 3:
        return
    last = verden.months[-1]
    unit = max(month for month in verden.months if month.year == verden.first.year)
    wanted = [("OK-91", last), ("OK-93", last)]
    if unit.month > 3 and (last.year, last.month) < (unit.year + 1, unit.month):
        wanted.append(("OK-19", unit))
    if verden.first.year < last.year:
        wanted.append(("OK-17", last))
    wanted += [("OK-16", verden.change), ("OK-15", verden.change)]
    free = con.execute(f"select distinct kommunekode from oek.leverandoer where kommunekode not in {WITH_A_ROLE} order by 1 desc").fetchall()
    plan = [(regel_id, code, month) for (regel_id, month), (code,) in zip(wanted, free, strict=False)]
    half = con.execute(f"""
        select distinct 'OK-92', kommunekode, ?::date
        from oek.leverandoer
        where kildesystem = '{WITH_AN_END}' and kommunekode not in {WITH_A_ROLE} and kommunekode not in ({", ".join(repr(code) for _, code, _ in plan)})
        order by kommunekode desc
        limit 1
    """, [last]).fetchall() if plan else []
    plan += half
    # What a month cost is the year to date less that of the month before, so the first month's is known in January only; and a jump is one from a month that is known.
    if any(month.month == 1 or month != verden.first for month in verden.months if month < verden.change):
        plan += con.execute("select distinct 'OK-95', kommunekode, ?::date from oek.leverandoer where kommunekode = ?", [verden.change, JUMP_IN]).fetchall()
    if plan:
        con.executemany("insert into oek.saerlig values (?, ?, ?)", plan)
    # A file that was refused, and none after it: the month is missing too.
    con.execute(
        f"""
        insert into verden.fejl
        select
            s.regel_id,
            case s.regel_id when 'OK-19' then 'oekonomi' else l.kildesystem end as system,
            s.kommunekode,
            s.maaned,
            system || '|' || case s.regel_id when 'OK-93' then '{MISSING_PART}' when 'OK-95' then j.maal else strftime(s.maaned, '%Y-%m') end
        from (from oek.saerlig union all select 'OK-91', kommunekode, maaned from oek.saerlig where regel_id = 'OK-92') as s
        inner join oek.leverandoer as l on s.kommunekode = l.kommunekode and s.maaned = l.leveret
        left join (select unnest({list(JUMPS)}) as maal) as j on s.regel_id = 'OK-95'
        where s.regel_id in ('OK-19', 'OK-91', 'OK-92', 'OK-93', 'OK-95')
        """
    )
    # The month without a row lacks all of it; two months with rows before it tell that it is not as usual.
    con.execute(
        """
        insert into verden.fejl
        select 'OK-93', t.kildesystem, t.kommunekode, t.leveret, t.kildesystem || '|alle'
        from oek.leverandoer as t
        inner join oek.leverandoer as f on t.kommunekode = f.kommunekode and f.leveret < t.leveret and f.har_poster
        where not t.har_poster
        group by t.kildesystem, t.kommunekode, t.leveret
        having count(*) >= 2
        """
    )
    con.execute(f"delete from oek.leverandoer where {is_planted(verden, 'OK-91', 'kommunekode', 'leveret')}")


def is_planted(verden: Verden, regel_id: str, code: str, month: str, since: bool = False) -> str:
    """SQL: is this the municipality and the month (or, with `since`, the month or a later one) of that fault?"""
    row = verden.con.execute("select kommunekode, maaned from oek.saerlig where regel_id = ?", [regel_id]).fetchone()
    return f"({code} = '{row[0]}' and {month} {'>=' if since else '='} date '{row[1]}')" if row else "false"


def is_left_out(verden: Verden) -> str:
    """SQL: is account `a` left out of what `k` delivers?"""
    return f"({is_planted(verden, 'OK-93', 'k.kommunekode', 'k.leveret')} and a.funktion like '{MISSING_PART}.%')"


def factor(verden: Verden, konto: str) -> str:
    """SQL: what an amount of `k` on the account (an alias with funktion and art) in the month of `g` is multiplied by."""
    return (
        f"(case when {is_planted(verden, 'OK-19', 'k.kommunekode', 'g.maaned')} then {UNIT!r}"
        f" when {is_planted(verden, 'OK-95', 'k.kommunekode', 'g.maaned', since=True)} and {konto}.art = '{JUMP_ART}'"
        f" and {konto}.funktion like '{JUMP_ON}.%' then {JUMP!r} else 1.0 end)"
    )


def plan_faults(verden: Verden) -> None:
    """Which municipality gets which fault in which month: about one in ten for each rule, at least one."""
    verden.con.execute(
        f"""
        create table oek.fejl as
        with regler as (
            select distinct regel_id from oek.fejllinje where {str(verden.faults).lower()} and regel_id not in {JUST_ONE}
        ),
        mulige as (
            select
                l.kommunekode, l.leveret, l.kildesystem, r.regel_id,
                row_number() over (
                    partition by r.regel_id, l.kommunekode order by {verden.chance('r.regel_id', 'l.kommunekode', 'l.leveret')}, l.leveret
                ) as nr_maaned
            from oek.leverandoer as l
            cross join regler as r
            where l.har_poster
                and l.kommunekode <> '{CPR_IN_OWN}'
                and not {is_planted(verden, 'OK-92', 'l.kommunekode', 'l.leveret')}
                and not {is_planted(verden, 'OK-93', 'l.kommunekode', 'l.leveret')}
                and not (l.kildesystem = 'oes_indsigt' and r.regel_id in {NOT_IN_BALANCES})
                -- A posting two months ahead must still be in an ordinary period.
                and not (r.regel_id = 'OK-06' and month(l.leveret) > 10)
        ),
        ordnet as (
            select *, row_number() over (partition by regel_id order by {verden.chance('regel_id', 'kommunekode')}, kommunekode) as nr
            from mulige
            where nr_maaned = 1
        )
        select kommunekode, leveret, kildesystem, regel_id
        from ordnet
        where nr <= greatest(1, (select count(distinct kommunekode) from oek.leverandoer) // 10)
        union all
        select l.kommunekode, l.leveret, l.kildesystem, s.regel_id
        from oek.saerlig as s
        inner join oek.leverandoer as l on s.kommunekode = l.kommunekode and s.maaned = l.leveret
        where s.regel_id in {JUST_ONE}
        """
    )


def ledger_months(verden: Verden, month: date) -> list[date]:
    """The months whose postings come with the delivery of `month`: the first delivery brings the year to date."""
    if month != verden.first:
        return [month]
    return [date(month.year, number, 1) for number in range(1, month.month + 1)]


def batches(verden: Verden, month: date) -> list[list[str]]:
    """Municipalities grouped so that a group has at most about ROWS_PER_BATCH rows."""
    months = len(ledger_months(verden, month))
    groups: list[list[str]] = []
    room = 0.0
    for code, population in verden.con.execute("select kommunekode, folketal from oek.leverandoer where leveret = ? order by kommunekode", [month]).fetchall():
        rows = months * (250 + 1.25 * LINES_PER_INHABITANT * population * verden.scale)
        if not groups or room < rows:
            groups.append([])
            room = float(ROWS_PER_BATCH)
        groups[-1].append(code)
        room -= rows
    # With Christiansø alone nobody delivers, and the truth is still a table: an empty one.
    return groups or [[""]]


def make_ledger(verden: Verden, month: date, codes: list[str]) -> None:
    """Fill `post` with all rows these municipalities deliver for this month, in the world's terms."""
    con = verden.con
    con.execute(
        """
        create or replace temp table post (
            kommunekode varchar, kildesystem varchar, leveret date, beloebstype varchar, regnskabsaar integer, regnskabsperiode integer,
            bilag integer, linje integer, funktion varchar, dranst varchar, ejerforhold varchar, gruppering varchar, art varchar,
            omkostningssted varchar, beloeb_kr decimal(18, 2), dato date, tekst_nr integer, regel_id varchar, er_fejl boolean
        )
        """
    )
    wanted = ", ".join(f"'{code}'" for code in codes)
    con.execute(f"create or replace temp table k_alle as select * from oek.leverandoer where leveret = date '{month}' and kommunekode in ({wanted})")
    con.execute("create or replace temp table k as select * from k_alle where har_poster")
    con.execute("create or replace temp table g (maaned date)")
    con.executemany("insert into g values (?)", [(m,) for m in ledger_months(verden, month)])
    insert_postings(verden)
    insert_reversals(verden)
    insert_internal(verden)
    insert_openings(verden, month)
    insert_supplements(verden, month)
    insert_budget(verden, month)
    insert_faults(verden)


def yearly_amount(verden: Verden) -> str:
    """SQL: kr. of account `a` in municipality `k` in the year of `g.maaned`: level per inhabitant, the municipality's own habits, prices."""
    return (
        f"(k.folketal * {verden.scale!r} * a.kr_pr_indbygger * (0.94 + 0.12 * {verden.chance('k.kommunekode')})"
        # the larger the account, the less its own habits: nobody taxes or teaches for a tenth more than the others
        f" * (1 + {HABITS!r} * least(1, sqrt({HABITS_UP_TO!r} / abs(a.kr_pr_indbygger))) * (2 * {verden.chance('k.kommunekode', 'a.konto_nr')} - 1)) * (1 + 0.025 * (year(g.maaned) - 2025)))"
    )


def insert_postings(verden: Verden) -> None:
    """Ordinary postings: up to four account lines to a document, and the bank account as its last line."""
    mean = "p.beloeb_maaned / p.antal"
    verden.con.execute(
        f"""
        create or replace temp table linjer as
        with forventet as (
            select
                k.kommunekode, k.kildesystem, k.leveret, g.maaned, a.konto_nr,
                {yearly_amount(verden)} * s.andel * {factor(verden, 'a')} * case when a.hver_maaned then 1 else 3 end as beloeb_maaned,
                k.folketal * {verden.scale!r} * {LINES_PER_INHABITANT!r} * a.andel as antal_forventet,
                a.hver_maaned, s.andel as saesonandel
            from k
            cross join g
            cross join oek.konto as a
            inner join oek.saeson as s on a.saeson = s.saeson and month(g.maaned) = s.maaned
            where not {is_left_out(verden)}
        ),
        poster as (
            -- Where a small account would have less than one row a month it is booked every third month with three months' amount.
            select
                kommunekode, kildesystem, leveret, maaned, konto_nr,
                case when hver_maaned or antal_forventet < 1 then beloeb_maaned else beloeb_maaned / 3 end as beloeb_maaned,
                cast(greatest(1, round(antal_forventet)) as integer) as antal
            from forventet
            where saesonandel > 0 and (hver_maaned or antal_forventet >= 1 or (month(maaned) + konto_nr) % 3 = 0)
        ),
        enkelte as (
            select
                p.kommunekode, p.kildesystem, p.leveret, p.maaned, p.konto_nr, i.nr,
                -- Rows come in pairs as far above as below the mean: single amounts vary, and an account's month is as steady as a large one's.
                cast(round({mean} * (1 + least(0.8, 0.06 * p.antal) * ({verden.chance('p.kommunekode', 'p.maaned', 'p.konto_nr', '(i.nr + 1) // 2')} - 0.5) * 2
                    * case when i.nr % 2 = 0 then -1 else 1 end), 2) as decimal(18, 2)) as beloeb_kr
            from poster as p, unnest(range(1, p.antal + 1)) as i (nr)
        )
        select
            *,
            cast(row_number() over (
                partition by kommunekode, maaned
                order by {verden.pick(1000003, 'kommunekode', 'maaned', 'konto_nr', 'nr')}, konto_nr, nr
            ) - 1 as integer) as raekke
        from enkelte
        """
    )
    verden.con.execute(
        f"""
        insert into post
        with nummereret as (
            select *, raekke // {LINES_PER_DOCUMENT} + 1 as bilag, raekke % {LINES_PER_DOCUMENT} + 1 as linje from linjer
        ),
        bilag as (
            select kommunekode, kildesystem, leveret, maaned, bilag, count(*) + 1 as linje, -sum(beloeb_kr) as beloeb_kr
            from nummereret
            group by all
        ),
        alle as (
            select
                n.kommunekode, n.kildesystem, n.leveret, n.maaned, n.bilag, n.linje, a.funktion, a.dranst, a.ejerforhold, a.gruppering, a.art, n.beloeb_kr
            from nummereret as n
            inner join oek.konto as a on n.konto_nr = a.konto_nr
            union all
            select kommunekode, kildesystem, leveret, maaned, bilag, linje, {BANK}, beloeb_kr from bilag
        )
        select
            kommunekode, kildesystem, leveret, 'regnskab', year(maaned), month(maaned), bilag, linje,
            funktion, dranst, ejerforhold, gruppering, art,
            lpad(cast({verden.pick(40, 'kommunekode', 'funktion', 'bilag')} + 1000 as varchar), 4, '0'),
            cast(beloeb_kr as decimal(18, 2)),
            maaned + {verden.pick(28, 'kommunekode', 'maaned', 'bilag')},
            {verden.pick(12, 'kommunekode', 'maaned', 'bilag', 'linje')}, null, false
        from alle
        """
    )


def insert_reversals(verden: Verden) -> None:
    """One document in a hundred was booked twice by mistake, and the second reversed some days later. Wages are left alone (OK-08)."""
    verden.con.execute(
        f"""
        insert into post
        with dobbelte as (
            select * from post
            where beloebstype = 'regnskab' and bilag < 800000
                and {verden.pick(100, 'kommunekode', 'regnskabsaar', 'regnskabsperiode', 'bilag')} = 7
        ),
        uden_loen as (
            select * from dobbelte
            qualify count(*) filter (where art = '1.0') over (partition by kommunekode, regnskabsaar, regnskabsperiode, bilag) = 0
        ),
        begge as (
            select *, unnest([1, -1]) as fortegn from uden_loen
        )
        select
            kommunekode, kildesystem, leveret, beloebstype, regnskabsaar, regnskabsperiode,
            case fortegn when 1 then 800000 else 850000 end + bilag % 50000, linje, funktion, dranst, ejerforhold, gruppering, art, omkostningssted,
            cast(fortegn * beloeb_kr as decimal(18, 2)),
            case fortegn when 1 then dato else least(dato + 5, last_day(dato)) end,
            case fortegn when 1 then tekst_nr else 99 end, null, false
        from begge
        """
    )


def insert_internal(verden: Verden) -> None:
    """What the municipality's own units settle with each other (art 9): it adds up to 0."""
    values = ", ".join(f"({number}, '{account}', '{art}', {kr})" for number, (account, art, kr) in enumerate(INTERNAL, 1))
    own = f"(0.8 + 0.4 * {verden.chance('k.kommunekode', 'g.maaned', repr('intern'))})"
    verden.con.execute(
        f"""
        insert into post
        with linjer as (
            select
                k.kommunekode, k.kildesystem, k.leveret, g.maaned, v.linje, v.funktion, v.art,
                cast(round(k.folketal * {verden.scale!r} * v.kr / 12 * {own} * {factor(verden, 'v')}, 2) as decimal(18, 2)) as beloeb_kr
            from k
            cross join g
            cross join (values {values}) as v (linje, funktion, art, kr)
        )
        select
            kommunekode, kildesystem, leveret, 'regnskab', year(maaned), month(maaned), 940000, linje, funktion, '1', '1', '999', art, '1000',
            -- the last line carries what rounding leaves
            case when linje < {len(INTERNAL)} then beloeb_kr
                else -sum(case when linje < {len(INTERNAL)} then beloeb_kr end) over (partition by kommunekode, maaned) end,
            maaned + 24, 54, null, false
        from linjer
        """
    )


def insert_openings(verden: Verden, month: date) -> None:
    """Period 0: the opening balance on hovedkonto 9, in January's delivery (or the first, which brings the year to date)."""
    if month != verden.first and month.month != 1:
        return
    year_start = date(month.year, 1, 1)
    values = ", ".join(f"({number}, '{account}', '{dranst}', {kr})" for number, (account, dranst, kr) in enumerate(OPENING, 1))
    verden.con.execute(
        f"""
        insert into post
        with konti as (
            select * from (values {values}) as v (linje, funktion, dranst, kr)
        ),
        saldi as (
            select
                k.kommunekode, k.kildesystem, k.leveret, linje, funktion, dranst,
                cast(round(k.folketal * {verden.scale!r} * kr * (0.8 + 0.4 * {verden.chance('k.kommunekode', 'funktion', str(month.year))}), 2) as decimal(18, 2)) as beloeb_kr
            from k cross join konti
        ),
        alle as (
            select * from saldi
            union all
            select kommunekode, kildesystem, leveret, {len(OPENING) + 1}, '9.75.99', '9', -sum(beloeb_kr) from saldi group by all
        )
        select
            kommunekode, kildesystem, leveret, 'regnskab', {month.year}, 0, 900000, linje, funktion, dranst, '1', '999', '0.0', '1000',
            cast(beloeb_kr as decimal(18, 2)), date '{year_start}', 50, null, false
        from alle
        """
    )


def insert_supplements(verden: Verden, month: date) -> None:
    """Periods 13-16: late postings to the year before, with the deliveries of January (13, 14) and February (15, 16)."""
    if month == verden.first or month.month > 2 or verden.first >= date(month.year, 1, 1):
        return
    periods = [13, 14] if month.month == 1 else [15, 16]
    verden.con.execute(
        f"""
        insert into post
        with udvalgt as (
            select k.kommunekode, k.kildesystem, k.leveret, a.*, p.periode, g.maaned,
                row_number() over (partition by k.kommunekode, p.periode order by {verden.chance('k.kommunekode', 'p.periode', 'a.konto_nr')}, a.konto_nr) as nr,
                {yearly_amount(verden)} as aar_kr
            from k
            cross join g
            cross join (select unnest({periods}) as periode) as p
            cross join oek.konto as a
            where a.dranst in ('1', '3') and a.art <> '1.0' and not {is_left_out(verden)}
        ),
        linjer as (
            select
                kommunekode, kildesystem, leveret, periode, cast(nr as integer) as linje, funktion, dranst, ejerforhold, gruppering, art,
                cast(round(aar_kr * 0.02 * ({verden.chance('kommunekode', 'periode', 'konto_nr', "'s'")} - 0.3), 2) as decimal(18, 2)) as beloeb_kr
            from udvalgt
            where nr <= 8
        ),
        alle as (
            select * from linjer
            union all
            select kommunekode, kildesystem, leveret, periode, 9, {BANK}, -sum(beloeb_kr) from linjer group by all
        )
        select
            kommunekode, kildesystem, leveret, 'regnskab', {month.year - 1}, periode, 910000, linje, funktion, dranst, ejerforhold, gruppering, art, '1000',
            cast(beloeb_kr as decimal(18, 2)), date '{month.year - 1}-12-31', 51, null, false
        from alle
        """
    )


def insert_budget(verden: Verden, month: date) -> None:
    """The budget as adopted and, as rows that add up, as corrected: both whole in January, later only what the council has changed since.

    Whole kr.; period is the month it takes effect. The bank account's movement (8.22.05) makes hovedkonto 0-8 add up to 0.
    """
    months = ledger_months(verden, month)
    kinds = []
    if months[0].month == 1:
        kinds += [("oprindeligt_budget", months[0], 1), ("korrigeret_budget", months[0], 1)]
    kinds += [("korrigeret_budget", m, 2) for m in months if m.month in (4, 6, 9, 11)]
    for kind, effective, round_no in kinds:
        share, chosen = "1.0", "true"
        if round_no == 2:
            share = f"0.04 * ({verden.chance('k.kommunekode', 'a.konto_nr', str(effective.year), str(effective.month))} - 0.4)"
            chosen = f"{verden.pick(10, 'k.kommunekode', 'a.konto_nr', str(effective.month), repr('tillaeg'))} = 0"
        verden.con.execute(
            f"""
            insert into post
            with konti as (
                select
                    k.kommunekode, k.kildesystem, k.leveret, a.*,
                    round({yearly_amount(verden)} * (0.97 + 0.05 * {verden.chance('k.kommunekode', 'a.konto_nr', "'budget'")}) * {share}) as kr
                from k
                cross join (select date '{effective}' as maaned) as g
                cross join oek.konto as a
                where {chosen} and not {is_left_out(verden)}
            ),
            linjer as (
                select
                    kommunekode, kildesystem, leveret, cast(row_number() over (partition by kommunekode order by konto_nr) as integer) as linje,
                    funktion, dranst, ejerforhold, gruppering, art, cast(kr as decimal(18, 2)) as beloeb_kr
                from konti
                where kr <> 0
            ),
            alle as (
                select * from linjer
                union all
                select kommunekode, kildesystem, leveret, cast(count(*) + 1 as integer), '8.22.05', '5', '1', '999', '0.0', -sum(beloeb_kr)
                from linjer
                group by all
            )
            select
                kommunekode, kildesystem, leveret, '{kind}', {effective.year}, {effective.month}, {920000 if kind.startswith('opr') else 930000}, linje,
                funktion, dranst, ejerforhold, gruppering, art, '1000', cast(beloeb_kr as decimal(18, 2)), date '{effective}', 52, null, false
            from alle
            """
        )


def insert_faults(verden: Verden) -> None:
    """The planted faults are documents of their own (990001 and up), so that they disturb nothing else."""
    swing = f"k.folketal * {verden.scale!r} * {SWING} * month(f.leveret) / 12"
    verden.con.execute(
        f"""
        insert into post
        select
            f.kommunekode, f.kildesystem, f.leveret,
            case f.regel_id when 'OK-05' then 'ukendt' when 'OK-15' then 'korrigeret_budget' else 'regnskab' end,
            year(f.leveret),
            case when f.regel_id = 'OK-06' then month(f.leveret) + 2 when f.regel_id = 'OK-09' and l.linje = 2 then 17 else month(f.leveret) end,
            990000 + cast(right(f.regel_id, 2) as integer) + 1000 * (l.bilag - 1), l.linje, l.funktion, l.dranst, l.ejerforhold, l.gruppering, l.art,
            '90' || right(f.regel_id, 2),
            case f.regel_id when 'OK-17' then cast(round({swing}, 2) as decimal(18, 2)) * case l.linje when 1 then 1 else -1 end else l.beloeb_kr end,
            f.leveret + case f.regel_id when 'OK-21' then -400 else 3 end, 53, f.regel_id, l.er_fejl
        from oek.fejl as f
        inner join k on f.kommunekode = k.kommunekode and f.leveret = k.leveret
        inner join oek.fejllinje as l on f.regel_id = l.regel_id
        """
    )


def write_truth(verden: Verden) -> None:
    # The parts are in order, and each is: sorting the whole would take memory that grows with the scale.
    parts = verden.home.tmp / "demo_facit"
    verden.truth("std_oekonomi__postering", f"select * from read_parquet({[str(part) for part in sorted(parts.glob('*.parquet'))]})")
    shutil.rmtree(parts)
    verden.truth("std_oekonomi__frasat", "select * from oek.frasat order by all")
    verden.truth("std_oekonomi__lokalt_felt", "select * from oek.lokalt_felt order by all")

