"""Danmarks Statistik's tables to hold the key figures against: counted from the areas' worlds and truths, and written as one file in long form.

A table per area: FOLK1AM (population by month), REGK11 (net operating cost of whole accounting years, 1,000 kr.) and HAND01 (full-time services by quarter; a demo
without a whole quarter writes them by month, so that there is something to see).
"""

from __future__ import annotations

from datetime import date, timedelta

from flis.demo.skriv import write_files
from flis.demo.verden import Verden, next_month
from flis.demo.voksne_handicap import ACTS_FOR

SYSTEM = "dst_officielle_tal"
# The tables, with the rule that is to find the fault planted in each and the name its reconciliation goes by.
TABLES = [("FOLK1AM", "BO-96", "folketal_folk1am"), ("REGK11", "OK-96", "nettodriftsudgift_regk11"), ("HAND01", "VH-96", "fuldtidsydelser_hand01")]


def generate(verden: Verden) -> None:
    """Write the file of official figures, its truth, and what is wrong in it."""
    con = verden.con
    con.execute("create schema officiel")
    con.execute("create table officiel.tal (tabel varchar, kommunekode varchar, tid varchar, periode date, vaerdi decimal(18, 5), indhold varchar)")
    count_population(verden)
    count_costs(verden)
    count_services(verden)
    if verden.faults:
        plant_faults(verden)
    # What rests on next to nobody is not published.
    con.execute("""
        update officiel.tal as t set indhold = '..'
        from (
            select tabel, kommunekode, tid from officiel.tal
            where tabel = 'HAND01'
            qualify row_number() over (order by periode desc, vaerdi, kommunekode) = 1 and count(*) over (partition by tid) > 1
        ) as f
        where t.tabel = f.tabel and t.kommunekode = f.kommunekode and t.tid = f.tid
    """)
    write(verden)


def count_population(verden: Verden) -> None:
    """FOLK1AM: residents at the beginning of the first day of each month."""
    days = ", ".join(f"date '{m}'" for m in verden.months)
    verden.con.execute(f"""
        insert into officiel.tal
        select 'FOLK1AM', k.kommunekode, strftime(d.dag, '%YM%m'), d.dag, count(b.person_nr), cast(count(b.person_nr) as varchar)
        from verden.kommune as k
        cross join (select unnest([{days}]) as dag) as d
        left join verden.bopael as b on k.kommunekode = b.kommunekode and b.gyldig_fra < d.dag and b.gyldig_til >= d.dag
        group by all
    """)


def count_costs(verden: Verden) -> None:
    """REGK11: net operating cost on hovedkonto 0-6 of the accounting years whose December is delivered."""
    years = [m.year for m in verden.months if m.month == 12]
    if years:
        verden.con.execute(f"""
            insert into officiel.tal
            select 'REGK11', kommunekode, cast(regnskabsaar as varchar), make_date(regnskabsaar, 1, 1), sum(beloeb_kr), cast(cast(round(sum(beloeb_kr) / 1000) as bigint) as varchar)
            from '{verden.home.truth / "std_oekonomi__postering.parquet"}'
            where beloebstype = 'regnskab' and hovedkonto < '7' and dranst = '1' and regnskabsaar in ({", ".join(map(str, years))})
            group by kommunekode, regnskabsaar
        """)


def count_services(verden: Verden) -> None:
    """HAND01: days of service divided by the days of the period, told of the municipality that acts. What it has not reported to its end is not published."""
    quarters = [m for m in verden.months if m.month % 3 == 1 and next_month(next_month(m)) in verden.months]
    spans: list[tuple[str, date, date]] = [(f"{m.year}K{(m.month + 2) // 3}", m, next_month(next_month(next_month(m)))) for m in quarters]
    spans = spans or [(f"{m:%YM%m}", m, next_month(m)) for m in verden.months]
    acting = ", ".join(f"('{home}', '{actor}')" for home, (actor, _) in ACTS_FOR.items())
    verden.con.execute(f"""
        insert into officiel.tal
        select
            'HAND01', coalesce(h.handler, y.kommunekode), s.tid, s.fra,
            sum(date_diff('day', greatest(y.gyldig_fra, s.fra), least(y.gyldig_til, s.til))) / any_value(date_diff('day', s.fra, s.til)),
            replace(cast(cast(sum(date_diff('day', greatest(y.gyldig_fra, s.fra), least(y.gyldig_til, s.til))) / any_value(date_diff('day', s.fra, s.til)) as decimal(18, 1)) as varchar), '.', ',')
        from '{verden.home.truth / "std_voksne_handicap__ydelse.parquet"}' as y
        inner join (values {", ".join(f"('{tid}', date '{first}', date '{end}')" for tid, first, end in spans)}) as s (tid, fra, til)
            on y.gyldig_fra < s.til and y.gyldig_til > s.fra
        left join (values {acting}) as h (hjemme, handler) on y.kommunekode = h.hjemme
        where not (s.til = date '{verden.end}' and y.kommunekode in (select kommunekode from vh.uden_sidste))
        group by all
    """)


def plant_faults(verden: Verden) -> None:
    """One figure in each table is half again as large as it should be: the largest of the newest period."""
    for table, rule, name in TABLES:
        verden.con.execute(f"""
            create or replace table officiel.forkert as
            select kommunekode, tid, periode
            from officiel.tal
            where tabel = '{table}' and vaerdi > 0 and periode = (select max(periode) from officiel.tal where tabel = '{table}')
            order by vaerdi desc, kommunekode
            limit 1
        """)
        verden.con.execute(f"""
            update officiel.tal as t set indhold = replace(cast(cast(replace(t.indhold, ',', '.') as decimal(18, 1)) * 1.5 + 1 as decimal(18, {1 if table == "HAND01" else 0}))::varchar, '.', ',')
            from officiel.forkert as f
            where t.tabel = '{table}' and t.kommunekode = f.kommunekode and t.tid = f.tid
        """)
        verden.con.execute(f"""
            insert into verden.fejl
            select '{rule}', '{SYSTEM}', kommunekode, periode, '{SYSTEM}|{name}.' || kommunekode || '.' || tid from officiel.forkert
        """)


def write(verden: Verden) -> None:
    """The file, and the truth of the tables it becomes."""
    path, moment = f"dst/OFFICIELLE_TAL_{verden.end:%Y%m%d}.csv", f"timestamp '{verden.end - timedelta(1)} 12:00:00'"
    write_files(verden, f"""
        select '{path}' as sti, {moment} as mtime, 0 as orden, 'TABEL;OMRÅDE;TID;INDHOLD' as tekst
        union all
        select '{path}', {moment}, row_number() over (order by tabel, kommunekode, tid), tabel || ';' || substr(kommunekode, 2) || ';' || tid || ';' || indhold
        from officiel.tal
    """, newline="\n")
    key = "tabel || '|' || substr(kommunekode, 2) || '|' || tid"
    verden.truth("std_faelles__officielt_tal", f"""
        select
            tabel as officiel_tabel, substr(kommunekode, 2) as omraadekode, kommunekode, tid, periode,
            cast(case length(tid) when 4 then 12 when 6 then 3 else 1 end as integer) as antal_maaneder,
            cast(replace(indhold, ',', '.') as decimal(18, 5)) as vaerdi, '{SYSTEM}' as kildesystem, {key} as kilde_id
        from officiel.tal
        where indhold <> '..'
        order by kilde_id
    """)
    verden.truth("std_faelles__frasat", f"""
        select kommunekode, '{SYSTEM}' as kildesystem, 'officielt_tal' as tabel, {key} as kilde_id, periode, 'antal_ulaeseligt' as aarsag
        from officiel.tal
        where indhold = '..'
        order by kilde_id
    """)
