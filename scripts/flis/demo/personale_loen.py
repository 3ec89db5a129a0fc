"""Personale: what the municipalities pay, who sits in how many seats, and which accounts a seat is paid from (`personale.py` has the people)."""

from __future__ import annotations

from datetime import date

from flis.demo.verden import Verden

FULL_TIME_PAY = 42_000      # kr. a month with pension [general knowledge, rounded]
SEATS_IN_UNIT = 25
TOO_MUCH, AT_LEAST = 0.25, 10_000                                   # PE-14: share, and kr.

# Hours a week, out of a hundred employments.
HOURS = [37.0] * 60 + [32.0] * 10 + [30.0] * 10 + [28.0] * 8 + [25.0] * 6 + [18.5] * 6
MEAN_SHARE = 0.825          # of full time, with those paid by the hour and second jobs


def hashed(verden: Verden, *keys: str) -> str:
    """SQL for a whole number that depends on the seed and the keys alone."""
    return f"hash({verden.seed}::bigint, 'pe', {', '.join(keys)})"


def draw(options: list, key: str) -> str:
    """SQL for one of the options, by a number from hash()."""
    values = ", ".join(repr(o) for o in options)
    return f"([{values}])[1 + cast({key} % {len(options)} as integer)]"


def payroll(verden: Verden) -> None:
    """`pe.konto`: the accounts that wages are booked on, and how many hold a seat on each; `pe.loensum`: what each account paid in each month."""
    con = verden.con
    con.execute(f"""
        create table pe.regnskab as
        select
            kommunekode, periode, kontostreng, funktion, dranst, ejerforhold, gruppering, art, cast(sum(beloeb_kr) as decimal(18, 2)) as beloeb_kr
        from read_parquet('{verden.home.truth / "std_oekonomi__postering.parquet"}')
        where beloebstype = 'regnskab' and periode in (select m.periode from pe.maaned as m) and kommunekode in (select s.kommunekode from pe.system as s)
        group by all
    """)
    con.execute(f"""
        create table pe.konto as
        with gennemsnit as (
            select
                kommunekode, kontostreng, funktion, dranst, ejerforhold, gruppering, art,
                -- a decimal, so that sums of it are the same in any order
                cast(abs(sum(beloeb_kr)) / {len(verden.months)} / {FULL_TIME_PAY} as decimal(18, 6)) as aarsvaerk
            from pe.regnskab
            where art = '1.0'
            group by all
        )
        select
            cast(row_number() over (order by kommunekode, kontostreng) as integer) as konto_nr, *,
            row_number() over (partition by kommunekode order by aarsvaerk desc, kontostreng) as stoerrelse
        from gennemsnit
    """)
    # Where the ledger of a month never came (OK-91, OK-92) or is empty, the employees were paid much as in the month before; to the øre would be the same
    # month sent twice.
    con.execute(f"""
        create table pe.loensum as
        with maaneder as (
            select s.kommunekode, m.periode from (select distinct kommunekode from pe.system) as s cross join pe.maaned as m
        ),
        kendte as (
            select distinct kommunekode, periode from pe.regnskab
        ),
        kilder as (
            select
                m.kommunekode, m.periode,
                coalesce(max(k.periode) filter (where k.periode <= m.periode), min(k.periode)) as fra_periode
            from maaneder as m
            inner join kendte as k on m.kommunekode = k.kommunekode
            group by all
        )
        select
            a.konto_nr, k.periode,
            case
                when k.fra_periode = k.periode then r.beloeb_kr
                else cast(r.beloeb_kr * (9800 + {hashed(verden, 'a.konto_nr', 'k.periode', repr('som foer'))} % 401) / 10000 as decimal(18, 2))
            end as beloeb_kr
        from kilder as k
        inner join pe.regnskab as r on k.kommunekode = r.kommunekode and k.fra_periode = r.periode
        inner join pe.konto as a on r.kommunekode = a.kommunekode and r.kontostreng = a.kontostreng
    """)


def seats(verden: Verden) -> None:
    """`pe.plads`: the seats of each municipality; `pe.plads_konto`: which accounts a seat is paid from, and how much of its pay each bears.

    The accounts of a municipality lie end to end, each as long as the full-time employees it pays, and the seats beside them, each as long as its hours. So a large account has many
    seats and nothing else, and a seat takes as many small ones as it has room for. What a seat's holders share, whoever they are: hours, accounts, unit.
    """
    con = verden.con
    con.execute(f"""
        create table pe.raekke as
        with behov as (
            select kommunekode, cast(sum(aarsvaerk) as double) as aarsvaerk, cast(greatest(1, round(cast(sum(aarsvaerk) as double) / {MEAN_SHARE})) as integer) as pladser
            from pe.konto
            group by kommunekode
        ),
        pladser as (
            select kommunekode, aarsvaerk, pladser, unnest(range(1, pladser + 1)) as plads from behov
        ),
        timer as (
            select
                *, cast({draw(HOURS, hashed(verden, 'kommunekode', 'plads', repr('timer')))} as decimal(9, 2)) as timer,
                -- where one is too many for the pay, the hours follow it
                case when pladser = 1 then least(1.0, aarsvaerk * 37 / timer) else 1.0 end as del
            from pladser
        )
        select
            kommunekode, plads, pladser, del, cast(greatest(1.0, round(cast(timer as double) * del * 2) / 2) as decimal(9, 2)) as timer_uge,
            cast(sum(timer) over (partition by kommunekode order by plads) as double) / cast(sum(timer) over (partition by kommunekode) as double) as til,
            cast(sum(timer) over (partition by kommunekode order by plads) - timer as double) / cast(sum(timer) over (partition by kommunekode) as double) as fra
        from timer
    """)
    con.execute("""
        create table pe.plads_konto as
        with strimler as (
            select
                kommunekode, konto_nr,
                cast(sum(aarsvaerk) over (partition by kommunekode order by konto_nr) as double) / cast(sum(aarsvaerk) over (partition by kommunekode) as double) as til,
                cast(sum(aarsvaerk) over (partition by kommunekode order by konto_nr) - aarsvaerk as double) / cast(sum(aarsvaerk) over (partition by kommunekode) as double) as fra
            from pe.konto
        ),
        faelles as (
            select p.kommunekode, p.plads, s.konto_nr, round(10000 * (least(p.til, s.til) - greatest(p.fra, s.fra)) / (p.til - p.fra)) as andel
            from pe.raekke as p
            inner join strimler as s on p.kommunekode = s.kommunekode and p.fra < s.til and p.til > s.fra
        )
        -- parts in ten thousand of the seat's own pay; a sliver that only rounding made is none
        select kommunekode, plads, konto_nr, cast(andel as bigint) as andel from faelles where andel >= 1
    """)
    con.execute(f"""
        create table pe.plads as
        with flest as (
            -- the account that bears most of a seat's pay says what the work is
            select
                p.*, bool_and(k.funktion like '5.25.%') over plads as kun_dagtilbud, not bool_or(k.funktion like '5.25.%') over plads as uden_dagtilbud
            from pe.plads_konto as p
            inner join pe.konto as k on p.konto_nr = k.konto_nr
            window plads as (partition by p.kommunekode, p.plads)
            qualify row_number() over (partition by p.kommunekode, p.plads order by p.andel desc, p.konto_nr) = 1
        )
        select
            r.kommunekode, f.konto_nr, k.funktion, substr(k.funktion, 1, 4) as hovedfunktion, r.plads, r.pladser, r.timer_uge as plads_timer, r.del,
            row_number() over (order by r.kommunekode, r.plads) as plads_nr,
            (row_number() over (partition by r.kommunekode, substr(k.funktion, 1, 4) order by r.plads) - 1) // {SEATS_IN_UNIT} as enhed,
            f.kun_dagtilbud, f.uden_dagtilbud,
            -- in the largest municipality of each system one is on the list without being paid and one away without pay; the others are drawn
            r.kommunekode in (
                select s.kommunekode
                from pe.system as s
                inner join verden.kommune as v on s.kommunekode = v.kommunekode
                where not s.uden_fejl
                qualify row_number() over (partition by s.kildesystem order by v.folketal desc, s.kommunekode) = 1
            ) and r.pladser > 3 as er_stoerst
        from pe.raekke as r
        inner join flest as f on r.kommunekode = f.kommunekode and r.plads = f.plads
        inner join pe.konto as k on f.konto_nr = k.konto_nr
    """)


def month_pay(verden: Verden, month: date) -> None:
    """`pe.m_loen`: two to four lines a month on each account somebody is paid from. They add up to the account's amount; the largest takes what rounding leaves."""
    con = verden.con
    # Who is paid from which account. Where nobody whose account it is has pay in the month, the next one in the row stands in.
    con.execute(f"""
        create or replace table pe.m_konto as
        with egne as (
            select a.nr, k.konto_nr, a.vaegt * k.andel as vaegt, k.andel
            from pe.m_ans as a
            inner join pe.plads_konto as k on a.kommunekode = k.kommunekode and a.plads = k.plads
            where a.vaegt > 0
            union all
            -- who is there for a fault alone has no seat
            select nr, konto_nr, vaegt * 10000, 10000 from pe.m_ans where vaegt > 0 and plads = 0
        ),
        tomme as (
            select s.konto_nr, k.kommunekode, (select min(p.plads) from pe.plads_konto as p where p.konto_nr = s.konto_nr) as plads
            from pe.loensum as s
            inner join pe.konto as k on s.konto_nr = k.konto_nr
            where s.periode = date '{month}' and s.konto_nr not in (select e.konto_nr from egne as e)
        )
        select * from egne
        union all
        select a.nr, t.konto_nr, 1, 0
        from tomme as t
        inner join pe.m_ans as a on t.kommunekode = a.kommunekode and a.vaegt > 0 and a.plads > 0
        qualify row_number() over (partition by t.konto_nr order by a.overenskomst in ('laerere', 'dagplejere'), abs(a.plads - coalesce(t.plads, 1)), a.nr) = 1
    """)
    con.execute(f"""
        create or replace table pe.m_loen as
        with linjer as (
            select
                a.nr, k.konto_nr, 1 as slags, case when a.er_timeloennet then 'timeloen' when a.form = 'honorar' then 'honorar' else 'grundloen' end as loenart,
                k.vaegt * 80 as vaegt, case when a.er_timeloennet then cast(a.timer_maaned as double) * k.andel / 10000 end as timer
            from pe.m_ans as a
            inner join pe.m_konto as k on a.nr = k.nr
            union all
            select nr, konto_nr, 2, 'pension', vaegt * 12, null from pe.m_konto
            union all
            -- who has a supplement or works overtime does so all the time
            select a.nr, k.konto_nr, 3, case when a.er_leder or a.nr % 3 = 0 then 'funktionsloen' else 'kvalifikationsloen' end, k.vaegt * 6, null
            from pe.m_ans as a
            inner join pe.m_konto as k on a.nr = k.nr
            where {hashed(verden, 'a.nr', "'har tillaeg'")} % 2 = 0
            union all
            select a.nr, k.konto_nr, 4, 'overarbejde', k.vaegt * 4, (4 + {hashed(verden, 'a.nr', repr(str(month)), repr('over'))} % 60) / 4.0
            from pe.m_ans as a
            inner join pe.m_konto as k on a.nr = k.nr and a.konto_nr = k.konto_nr
            where not a.er_timeloennet and {hashed(verden, 'a.nr', "'har overarbejde'")} % 20 = 0
        ),
        belob as (
            select
                l.nr, l.konto_nr, l.slags, l.loenart, l.vaegt, cast(l.timer as decimal(9, 2)) as timer,
                case when f.konto_nr is null then s.beloeb_kr else cast(round(s.beloeb_kr * {1 + TOO_MUCH}, 2) as decimal(18, 2)) end as konto_kr,
                cast(round(cast(konto_kr as double) * l.vaegt / sum(l.vaegt) over (partition by l.konto_nr), 2) as decimal(18, 2)) as kr,
                row_number() over (partition by l.konto_nr order by l.vaegt desc, l.nr, l.slags) as plads,
                row_number() over (partition by l.nr order by l.konto_nr, l.slags) as linjenummer
            from linjer as l
            inner join pe.loensum as s on l.konto_nr = s.konto_nr and s.periode = date '{month}'
            left join pe.for_meget as f on l.konto_nr = f.konto_nr and f.periode = s.periode
        )
        select
            b.nr, b.konto_nr, b.linjenummer, b.loenart, b.timer,
            cast(b.kr + case when b.plads = 1 then b.konto_kr - sum(b.kr) over (partition by b.konto_nr) else 0 end as decimal(18, 2)) as beloeb_kr
        from belob as b
    """)
