"""Skole: the children of Borger's world in school: where they go, in which class, when they are away, what support they have and what marks they get.

A child goes to school in the municipality it lives in, or now and then in the next one; the municipality whose school it is delivers the pupil. A course (`sk.forloeb`) is
a pupil in a school for as long as it lives there, a school year at the most. Months are made one at a time. The files and the truth are in `skole_filer.py`;
docs/demo.md says what the numbers were estimated from.
"""

from __future__ import annotations

import shutil
from datetime import date, timedelta

from flis.demo.opsaetning import CPR_IN_OWN
from flis.demo.skole_filer import ABSENCE_WORDS, UNKNOWN_MUNICIPALITY, write_month, write_truth
from flis.demo.verden import Verden, next_month
from flis.demo.voksne_handicap import rows

AREA = "skole"
OPEN = "date '9999-12-31'"
RESENT = "kmd_elev"             # one municipality with it sends the absence of the middle month twice
DRAWN_ON = 5                    # the day of the month after that deliveries are drawn on
FEW = 10                        # municipalities: in a smaller demo all absence of the last month comes

# Shares of a municipality's children [general knowledge, rounded]; every twentieth child is in special education.
PRIVATE, NEIGHBOUR, LATE, TENTH = 0.18, 0.015, 0.05, 0.3
SPECIAL, SUPPORT = 20, 33
# The share of those in special education who are back in a class of their year from 7. klasse, and of their neighbours in the order who come to it from 1. klasse.
MOVES = 0.1

# Pupils in a school, and in a class at most. Grades with few pupils are put together in classes that are not divided by year.
IN_FOLKESKOLE, IN_PRIVATE, IN_SPECIAL = 400, 200, 90
IN_CLASS = {"M": 20, "S": 8, "X": 14}
IN_YEAR_CLASS, FEWEST_IN_YEAR = 28, 14

FOLKESKOLER = ["Skovbrynets Skole", "Søndre Skole", "Østervangskolen", "Bakkeskolen", "Åskolen", "Kirkebjerg Skole", "Nørrevangsskolen", "Engskolen", "Fjordskolen",
               "Møllevangskolen", "Lindeskolen", "Hedeskolen"]
PRIVATE_SCHOOLS = ["Sankt Knuds Skole", "Den lille Friskole", "Realskolen", "Rosenlund Friskole", "Ådalens Friskole"]

# Kind of place: institution type, its number in the municipality (three digits), in municipalities of at least so many inhabitants.
OTHERS = [("dag", "1016", 601, "Dagbehandlingsstedet Elmely", 90_000), ("ung", "1014", 651, "Ungdomsskolen", 60_000), ("efter", "1011", 701, "Efterskolen ved Søen", 40_000)]
CLOSED_SCHOOL, CLOSED_FROM, CLOSED_UNTIL = 801, "date '2008-08-01'", "date '2019-08-01'"

# Absence: how often, how long. Every thirteenth pupil has a holiday in a month, every sixth a day without leave.
SICK_LENGTHS = [1] * 45 + [2] * 27 + [3] * 15 + [4] * 8 + [5] * 5
HOLIDAY, ILLEGAL = 13, 6
TRUANT = 0.012                  # of the oldest pupils: away without leave some days of every month
FULL_MONTH = 20                 # school days that the frequencies are stated for

BOUND = ["dansk_laesning", "dansk_retskrivning", "dansk_skriftlig", "dansk_mundtlig", "matematik_uden", "matematik_med", "engelsk_mundtlig", "naturfag"]
DRAWN = ["historie", "samfundsfag", "kristendom", "tysk", "fransk", "idraet"]
MARKS_APART = 0.5               # how far apart the marks of one pupil are, as a share of the list
MARKS = ["12"] * 15 + ["10"] * 23 + ["7"] * 28 + ["4"] * 18 + ["02"] * 9 + ["00"] * 4 + ["-3"] + ["U"] * 2

# Faults on a pupil, and what the pupil must be like; the rest are planted on schools, classes and what has been granted.
IN_CLASS_OF_SOME = "(e.klassenr is null or exists (select 1 from sk.m_fri as f where f.kommunekode = e.kommunekode and f.klassenr = e.klassenr))"
NOT_SILENT = "e.institutionsnummer not in (select s.institutionsnummer from sk.m_stille as s)"
AWAY = "exists (select 1 from sk.m_frav as f where f.nr = e.nr)"
NOT_AWAY = f"e.skoledage >= 5 and not {AWAY} and {NOT_SILENT}"
ON_PUPILS = [
    ("SK-01", IN_CLASS_OF_SOME),
    ("SK-04", IN_CLASS_OF_SOME),
    ("SK-05", "exists (select 1 from sk.m_foer_trin as p where p.kommunekode = e.kommunekode and p.person_nr = e.person_nr)"),
    ("SK-06", NOT_AWAY),
    ("SK-07", NOT_SILENT),
    ("SK-08", NOT_AWAY),
    ("SK-09", "(select sum(f.andel) from sk.m_frav as f where f.nr = e.nr) >= 2"),
    ("SK-11", f"{IN_CLASS_OF_SOME} and {NOT_SILENT}"),
    ("SK-11 lukket", f"{IN_CLASS_OF_SOME} and {NOT_SILENT}"),
    ("SK-12", IN_CLASS_OF_SOME),
    ("SK-15", "exists (select 1 from sk.kommune as k where k.kommunekode = e.kommunekode and k.naeste <> k.kommunekode)"),
    ("SK-16", "e.fra < e.del_fra"),
    # in a month without exams IST has no file of marks
    ("SK-17", "e.trin = 9 and e.kildesystem <> 'ist'"),
    ("SK-19 slut", "true"),
    ("SK-19 skoledage", "true"),
    ("SK-19 andel", NOT_AWAY),
    ("SK-20", "true"),
    ("SK-21 elevtype", "true"),
    ("SK-21 bopael", "true"),
    ("SK-22 uden for", "true"),
    ("SK-22 dublet", AWAY),
]
LARGEST_CLASS, SILENT_SCHOOL = 28, 24       # SK-03, SK-10
ALWAYS_THERE = 12                           # rows of a kind in each month, before it can be missed (SK-93; macros/skole.sql, mindst)
ALONE, UNKNOWN = 99_001, 900_001            # the numbers of classes and pupils that are there for a fault alone


def generate(verden: Verden) -> None:
    """Make the pupils of `verden.kommune`, the monthly files of the three school systems, and the truth."""
    con = verden.con
    con.execute("create schema sk")
    suppliers(verden)
    lose_files(verden)
    children(verden)
    structure(verden)
    schools(verden)
    courses(verden)
    classes(verden)
    support(verden)
    calendar(verden)
    deliveries(verden)
    choose_all_along(verden)
    for done, month in enumerate(verden.months, 1):
        month_pupils(verden, month)
        month_classes(verden, month)
        month_absence(verden, month)
        month_support(verden, month)
        month_marks(verden, month)
        plant_faults(verden, month)
        write_month(verden, month)
        verden.progress(f"skole {month:%Y-%m}", done, len(verden.months))
    write_truth(verden)
    con.execute("drop schema sk cascade")


def u(verden: Verden, *keys: str) -> str:
    """SQL for a number in [0, 1) of this area's own."""
    return verden.chance("'sk'", *keys)


def pick(verden: Verden, options: str | int, *keys: str) -> str:
    """SQL for a whole number below `options`, which may be SQL itself."""
    return f"cast(hash({verden.seed}::bigint, 'sk', {', '.join(keys)}) % cast({options} as bigint) as integer)"


def draw(options: list, key: str) -> str:
    """SQL for one of the options, by a number from pick()."""
    return f"([{', '.join(repr(o) for o in options)}])[1 + {key}]"


def suppliers(verden: Verden) -> None:
    """`sk.system`: which system a municipality's schools are in in which months; `sk.maaned`: the months; where the truth is kept until the end."""
    con = verden.con
    con.execute("create table sk.maaned (periode date)")
    con.executemany("insert into sk.maaned values (?)", [(month,) for month in verden.months])
    con.execute(f"""
        create table sk.system as
        select
            kommunekode, kildesystem, instrueret, gyldig_fra, coalesce(gyldig_til, {OPEN}) as gyldig_til,
            not instrueret or count(*) over (partition by kommunekode) > 1 or kommunekode = '{CPR_IN_OWN}' as uden_fejl
        from verden.opsaetning
        where fagomraade = '{AREA}'
        order by kommunekode, gyldig_fra
    """)
    con.execute("create table sk.frasat (kommunekode varchar, kildesystem varchar, tabel varchar, kilde_id varchar, periode date, aarsag varchar)")
    con.execute("create table sk.lokalt_felt (kommunekode varchar, kildesystem varchar, kilde_id varchar, felt varchar, vaerdi varchar)")
    shutil.rmtree(verden.home.tmp / "demo_facit", ignore_errors=True)


def lose_files(verden: Verden) -> None:
    """`sk.uden_fravaer`: whose absence of the last month never comes (SK-91), is refused and does not come again (SK-92), and lacks illness altogether (SK-93).

    The smallest of a system with a file for absence alone, and the third largest, where nobody would believe it; none of them has another fault.
    """
    con, last = verden.con, verden.months[-1]
    con.execute("create table sk.uden_fravaer (kommunekode varchar, kildesystem varchar, slags varchar)")
    if not verden.faults or len(verden.months) < 4 or con.execute("select count(distinct kommunekode) from sk.system").fetchall()[0][0] < FEW or school_days(last) == 0:
        return
    for kind, systems, order, skipped in (
        ("uden_sygdom", ("kmd_elev", "tea", "ist"), "k.folketal desc", 1), ("udeblevet", ("ist", "kmd_elev"), "s.kildesystem, k.folketal", 0), ("afvist", ("kmd_elev", ""), "k.folketal", 0),
    ):
        con.execute(f"""
            insert into sk.uden_fravaer
            select s.kommunekode, s.kildesystem, '{kind}'
            from sk.system as s
            inner join verden.kommune as k on s.kommunekode = k.kommunekode
            where not s.uden_fejl and s.kildesystem in {systems} and s.kommunekode not in (select t.kommunekode from sk.uden_fravaer as t)
                and k.folketal < (select max(folketal) from verden.kommune)
            order by {order}, s.kommunekode
            limit 1 offset {skipped}
        """)
    con.execute("update sk.system set uden_fejl = true where kommunekode in (select kommunekode from sk.uden_fravaer)")
    con.execute(f"""
        insert into verden.fejl
        select r.regel_id, t.kildesystem, t.kommunekode, date '{last}', t.kildesystem || '|' || r.noegle
        from sk.uden_fravaer as t
        inner join (
            values ('udeblevet', 'SK-91', '{last:%Y-%m}'), ('afvist', 'SK-91', '{last:%Y-%m}'), ('afvist', 'SK-92', '{last:%Y-%m}')
        ) as r (slags, regel_id, noegle) on t.slags = r.slags
        union all
        select
            'load:manglende_kolonne', kildesystem, kommunekode, date '{last}',
            'KE_FRAVAER_' || right(kommunekode, 3) || '_{last:%Y%m}_{verden.end + timedelta(DRAWN_ON - 1):%Y%m%d}.csv'
        from sk.uden_fravaer
        where slags = 'afvist'
    """)


def school_days(month: date) -> int:
    """How many school days a month has, with the winter holiday in week 7."""
    return sum(is_school_day(month + timedelta(n), 7) for n in range((next_month(month) - month).days))


def school_year(day: date) -> int:
    """The year that the school year of a day began in."""
    return day.year if day.month >= 8 else day.year - 1


def children(verden: Verden) -> None:
    """`sk.barn`: children of school age, a row per school year and place of living; `sk.plads`: the children of a municipality in a drawn order."""
    con = verden.con
    years = rows([(y, f"{y}-08-01", f"{y + 1}-08-01") for y in range(school_year(verden.first), school_year(verden.months[-1]) + 1)])
    con.execute(f"""
        create table sk.barn as
        with spil as (
            select b.person_nr, b.kommunekode, b.gyldig_fra, b.gyldig_til, p.foedselsdato
            from verden.bopael as b
            inner join verden.person as p on b.person_nr = p.person_nr
            where b.kommunekode in (select s.kommunekode from sk.system as s)
                and p.foedselsdato > date '{verden.first}' - interval 19 year and p.foedselsdato < date '{verden.end}' - interval 5 year
        ),
        trin as (
            select
                s.person_nr, s.kommunekode, a.aar,
                -- a child begins in the calendar year it turns six; some a year later
                a.aar - year(s.foedselsdato) - 6 - cast({u(verden, 's.person_nr', "'sen'")} < {LATE} as integer) as trin,
                greatest(s.gyldig_fra, cast(a.fra as date)) as fra, least(s.gyldig_til, cast(a.til as date)) as til
            from spil as s
            cross join (values {years}) as a (aar, fra, til)
        )
        select *
        from trin
        where (trin between 0 and 9 or (trin = 10 and {u(verden, 'person_nr', "'tiende'")} < {TENTH}))
            and fra < til and fra < date '{verden.end}' and til > date '{verden.first}'
    """)
    con.execute(f"""
        create table sk.plads as
        select kommunekode, person_nr, row_number() over (partition by kommunekode order by hash({verden.seed}::bigint, 'sk', person_nr), person_nr) as plads
        from (select distinct kommunekode, person_nr from sk.barn)
    """)


def structure(verden: Verden) -> None:
    """`sk.kommune`: how many schools of each kind a municipality has. Folkeskoler follow the demo's own number of children, the rest the real number of inhabitants."""
    verden.con.execute(f"""
        create table sk.kommune as
        with antal as (
            select kommunekode, max(antal) as antal
            from (select kommunekode, aar, count(distinct person_nr) as antal from sk.barn group by all)
            group by kommunekode
        ),
        alle as (
            select k.kommunekode, k.folketal, coalesce(a.antal, 0) as antal
            from verden.kommune as k
            left join antal as a on k.kommunekode = a.kommunekode
            where k.kommunekode in (select s.kommunekode from sk.system as s)
        ),
        typer as (
            select *, antal >= 400 or {pick(verden, 2, 'kommunekode', "'special'")} = 0 as har_specialskole from alle
        )
        select
            *, antal >= 400 or not har_specialskole as har_specialklasser,
            -- where there are children for one folkeskole only, the other is there, and empty
            cast(greatest(1, round(antal * 0.77 / {IN_FOLKESKOLE})) as integer) as aktive, greatest(2, aktive) as folkeskoler,
            greatest(1, aktive // 5) as vaerter,
            cast(greatest(1, round(antal * 0.18 / {IN_PRIVATE})) as integer) as private,
            cast(case when har_specialskole then greatest(1, round(antal * 0.025 / {IN_SPECIAL})) else 0 end as integer) as specialskoler,
            {', '.join(f"folketal >= {least} as har_{kind}" for kind, _, _, _, least in OTHERS)},
            coalesce(lead(kommunekode) over (order by kommunekode), min(kommunekode) over ()) as naeste,
            7 + {pick(verden, 2, 'kommunekode', "'vinterferie'")} as vinteruge
        from typer
    """)


def number(code: str, place: str) -> str:
    """SQL for an institution's number."""
    return f"(right({code}, 3) || lpad(cast({place} as varchar), 3, '0'))"


def schools(verden: Verden) -> None:
    """`sk.skole`: every place of teaching, and in each municipality a school that has closed."""
    def name(options: list, base: int) -> str:
        place = f"cast((nr - {base} - 1 + hash(kommunekode) % {len(options)}) % {len(options)} as integer)"
        return f"{draw(options, place)} || case when nr - {base} > {len(options)} then ' ' || (1 + (nr - {base} - 1) // {len(options)}) else '' end"

    others = " union all ".join(f"select kommunekode, folketal, {nr}, '{kind}', '{navn}', {kind != '1011'} from sk.kommune where har_{key}" for key, kind, nr, navn, _ in OTHERS)
    verden.con.execute(f"""
        create table sk.skole as
        with steder as (
            select kommunekode, folketal, unnest(range(1, folkeskoler + 1)) as nr, '1012' as art, {name(FOLKESKOLER, 0)} as navn, true as er_kommunal from sk.kommune
            union all
            select kommunekode, folketal, 300 + unnest(range(1, private + 1)) as nr, '1013', {name(PRIVATE_SCHOOLS, 300)}, false from sk.kommune
            union all
            select
                kommunekode, folketal, 500 + unnest(range(1, specialskoler + 1)) as nr, '1015', 'Specialskolen Kærbo' || case when nr > 501 then ' ' || (nr - 500) else '' end, true
            from sk.kommune
            union all
            {others}
            union all
            select kommunekode, folketal, {CLOSED_SCHOOL}, '1012', 'Den gamle Byskole', true from sk.kommune
        )
        select
            kommunekode, nr, {number('kommunekode', 'nr')} as institutionsnummer, art as institutionstype, navn, case when er_kommunal then kommunekode end as ejer,
            case when nr = {CLOSED_SCHOOL} then {CLOSED_FROM} else make_date(1958 + {pick(verden, 55, 'kommunekode', 'nr')}, 8, 1) end as fra,
            case when nr = {CLOSED_SCHOOL} then {CLOSED_UNTIL} else {OPEN} end as til
        from steder
        order by kommunekode, nr
    """)


def courses(verden: Verden) -> None:
    """`sk.forloeb`: which pupil is in which school from when until when (half-open). Where a child goes depends on its place in the drawn order and on its own draws."""
    con = verden.con
    con.execute(f"""
        create table sk.forloeb_raa as
        with trukket as (
            select
                b.*, p.plads, k.* exclude (kommunekode), {u(verden, 'b.person_nr', "'privat'")} as lod, {u(verden, 'b.person_nr', "'tosproget'")} as tosproget_lod,
                {u(verden, 'b.person_nr', "'flytter'")} < {MOVES} as flytter
            from sk.barn as b
            inner join sk.plads as p on b.kommunekode = p.kommunekode and b.person_nr = p.person_nr
            inner join sk.kommune as k on b.kommunekode = k.kommunekode
        ),
        slags as (
            select
                *,
                case
                    when (plads % {SPECIAL} = 1 and not (flytter and trin >= 7)) or (plads % {SPECIAL} = 2 and flytter and trin >= 1) then case
                        when har_dag and plads // {SPECIAL} % 8 = 2 then 'dag'
                        when har_specialskole and (not har_specialklasser or plads // {SPECIAL} % 2 = 0) then 'specialskole'
                        else 'specialklasse'
                    end
                    when lod < {PRIVATE} then case when trin = 10 and har_efter then 'efterskole' else 'privat' end
                    when lod < {PRIVATE + NEIGHBOUR} and naeste <> kommunekode then 'nabo'
                    when trin = 10 and har_ung then 'ungdomsskole'
                    when antal >= 400 and tosproget_lod < 0.01 then 'modtagelse'
                    else 'almen'
                end as slags
            from trukket
        ),
        steder as (
            select
                s.*, case when s.slags = 'nabo' then s.naeste else s.kommunekode end as skolekommune,
                case s.slags
                    when 'dag' then 601
                    when 'specialskole' then 501 + {pick(verden, 's.specialskoler', 's.person_nr', "'skole'")}
                    when 'specialklasse' then 1 + s.plads % s.vaerter
                    when 'modtagelse' then 1 + s.plads % s.vaerter
                    when 'efterskole' then 701
                    when 'ungdomsskole' then 651
                    when 'privat' then 301 + {pick(verden, 's.private', 's.person_nr', "'skole'")}
                    else 1 + {pick(verden, 'n.aktive', 's.person_nr', "'skole'")}
                end as sted
            from slags as s
            inner join sk.kommune as n on case when s.slags = 'nabo' then s.naeste else s.kommunekode end = n.kommunekode
        )
        select
            skolekommune as kommunekode, kommunekode as bopael, person_nr, aar, trin, fra, til, case when slags = 'nabo' then 'almen' else slags end as slags, slags = 'nabo' as er_nabo,
            {number('skolekommune', 'sted')} as institutionsnummer,
            slags in ('dag', 'specialskole', 'specialklasse') as er_special,
            case when tosproget_lod < 0.11 then true when tosproget_lod < 0.96 then false end as tosproget,
            case when slags <> 'nabo' then 'Distrikt ' || (1 + {pick(verden, 'aktive', 'person_nr', "'skole'")}) end as distrikt
        from steder
    """)
    con.execute(f"""
        create table sk.elev as
        select kommunekode, person_nr, row_number() over (partition by kommunekode order by hash({verden.seed}::bigint, 'sk-elev', person_nr), person_nr) as elevnr
        from (select distinct kommunekode, person_nr from sk.forloeb_raa)
    """)


def classes(verden: Verden) -> None:
    """`sk.klasse`: the classes of each school year, and the courses with their class: `sk.forloeb`.

    A year's pupils of a school share its classes, whenever they came. A class that would have a single pupil at some count is not made: the pupil has none.
    """
    con = verden.con
    sizes = " ".join(f"when '{pool}' then {size}" for pool, size in IN_CLASS.items())
    con.execute(f"""
        create table sk.klasseplads as
        with medlemmer as (
            select distinct kommunekode, aar, institutionsnummer, slags, trin, person_nr from sk.forloeb_raa where slags <> 'dag'
        ),
        puljer as (
            select
                *,
                case
                    when slags in ('specialklasse', 'specialskole') then 'S'
                    when slags = 'modtagelse' then 'X'
                    when count(*) over (partition by kommunekode, aar, institutionsnummer, slags, trin) < {FEWEST_IN_YEAR} then 'M'
                    else cast(trin as varchar)
                end as pulje
            from medlemmer
        ),
        talt as (
            select
                *, count(*) over pulje as antal,
                row_number() over (partition by kommunekode, aar, institutionsnummer, pulje order by trin, hash({verden.seed}::bigint, 'sk-klasse', person_nr), person_nr) - 1 as nr,
                cast(ceil(antal / case pulje {sizes} else {IN_YEAR_CLASS} end) as integer) as klasser
            from puljer
            window pulje as (partition by kommunekode, aar, institutionsnummer, pulje)
        )
        select * exclude (antal, nr, klasser), cast(case when pulje in ('M', 'S', 'X') then nr * klasser // antal else nr % klasser end as integer) as spor
        from talt
    """)
    con.execute("""
        create table sk.klasse as
        with klasser as (
            select kommunekode, aar, institutionsnummer, pulje, spor, any_value(slags) as slags, min(trin) as trin
            from sk.klasseplads
            group by kommunekode, aar, institutionsnummer, pulje, spor
        )
        select
            *, row_number() over (partition by kommunekode order by aar, institutionsnummer, pulje, spor) as klassenr,
            case
                when pulje = 'S' then '50'
                when pulje = 'X' then case when trin >= 7 then '55' else '54' end
                when slags = 'ungdomsskole' then case spor % 3 when 1 then '46' when 2 then '45' else '40' end
                when pulje = 'M' then '41'
                else '40'
            end as klassetype,
            case when pulje in ('M', 'S', 'X') then pulje || case when spor > 0 then cast(spor + 1 as varchar) else '' end
                else chr(cast(65 + spor % 26 as integer)) || case when spor >= 26 then cast(spor // 26 + 1 as varchar) else '' end end as bogstav
        from klasser
    """)
    con.execute("""
        create table sk.forloeb as
        select
            row_number() over (order by f.kommunekode, e.elevnr, f.fra) as nr, f.*, e.elevnr, k.klassenr
        from sk.forloeb_raa as f
        inner join sk.elev as e on f.kommunekode = e.kommunekode and f.person_nr = e.person_nr
        left join sk.klasseplads as p
            on f.kommunekode = p.kommunekode and f.aar = p.aar and f.institutionsnummer = p.institutionsnummer and f.person_nr = p.person_nr
        left join sk.klasse as k
            on p.kommunekode = k.kommunekode and p.aar = k.aar and p.institutionsnummer = k.institutionsnummer and p.pulje = k.pulje and p.spor = k.spor
    """)
    con.execute("""
        create table sk.ene as
        with talt as (
            select f.kommunekode, f.klassenr, m.periode, count(*) as antal
            from sk.forloeb as f
            inner join sk.maaned as m on f.fra <= m.periode + 4 and f.til > m.periode + 4
            where f.klassenr is not null
            group by all
        )
        select distinct kommunekode, klassenr from talt where antal = 1
    """)
    con.execute("update sk.forloeb as f set klassenr = null from sk.ene as e where f.kommunekode = e.kommunekode and f.klassenr = e.klassenr")
    con.execute("drop table sk.forloeb_raa")
    con.execute("drop table sk.klasseplads")
    con.execute("""
        create table sk.cpr as
        select h.person_nr, h.cpr, h.gyldig_fra, h.gyldig_til
        from verden.cpr_historik as h
        where h.person_nr in (select person_nr from sk.elev)
    """)


def support(verden: Verden) -> None:
    """`sk.foranstaltning`: what a pupil in special education, or with support in the class, has been granted; for a school year at a time."""
    verden.con.execute(f"""
        create table sk.foranstaltning as
        with alle as (
            select
                f.nr as forloeb_nr, f.kommunekode, case f.slags when 'dag' then 'dagbehandling' else f.slags end as tilbud, f.fra, f.til,
                case when {u(verden, 'f.nr', "'uoplyst'")} >= 0.08 then 20 + {pick(verden, 41, 'f.nr', "'timer'")} * 0.25 end as timer,
                'T' || (1 + {pick(verden, 4, 'f.person_nr', "'takst'")}) as takst
            from sk.forloeb as f
            where f.er_special
            union all
            select
                nr, kommunekode, 'stoette', fra + cast({u(verden, 'nr', "'fra'")} >= 0.7 as integer) * {pick(verden, 60, 'nr', "'start'")}, til, 2 + {pick(verden, 28, 'nr', "'timer'")} * 0.25, null
            from sk.forloeb
            where not er_special and elevnr % {SUPPORT} = 5
        )
        select
            * replace (cast(timer as decimal(9, 2)) as timer), fra - 30 - {pick(verden, 90, 'forloeb_nr', "'visiteret'")} as visiteret,
            row_number() over (partition by kommunekode order by forloeb_nr) as nr
        from alle
        where fra < til
    """)


def calendar(verden: Verden) -> None:
    """`sk.skoledag`: the school days of every month, numbered within it; winter holiday is in week 7 or 8. About 200 in a school year, none in July."""
    days = []
    for week in (7, 8):
        for month in verden.months:
            found = [month + timedelta(n) for n in range((next_month(month) - month).days) if is_school_day(month + timedelta(n), week)]
            days += [(week, day, month, place) for place, day in enumerate(found)]
    con = verden.con
    con.execute("create table sk.skoledag (vinteruge integer, dato date, periode date, plads integer)")
    if days:
        con.executemany("insert into sk.skoledag values (?, ?, ?, ?)", days)


def easter(year: int) -> date:
    """Easter Sunday (Gauss, as Butcher wrote it down)."""
    a, b, c = year % 19, year // 100, year % 100
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    k = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    m = (a + 11 * h + 22 * k) // 451
    month, day = divmod(h + k - 7 * m + 114, 31)
    return date(year, month, day + 1)


def is_school_day(day: date, winter_week: int) -> bool:
    """Whether the schools are open: a weekday outside the holidays."""
    week, weekday = day.isocalendar()[1:]
    sunday = easter(day.year)
    summer = date.fromisocalendar(day.year, 27, 1) <= day < date.fromisocalendar(day.year, 33, 1)
    christmas = (day.month, day.day) >= (12, 22) or (day.month, day.day) <= (1, 2)
    off = -6 <= (day - sunday).days <= 1 or (day - sunday).days in (39, 40, 50) or (day.month, day.day) == (6, 5)
    return weekday <= 5 and not (summer or christmas or off or week in (winter_week, 42))


def deliveries(verden: Verden) -> None:
    """`sk.levering`: each delivery there will be: drawn on the fifth, arrived the morning after. One middle month's absence comes twice: first with half the lines, then right."""
    twice = f"date '{verden.change}'" if verden.change < verden.months[-1] else "null"
    verden.con.execute(f"""
        create table sk.levering as
        with omleveret as (
            select kommunekode from sk.system where kildesystem = '{RESENT}' and not uden_fejl order by kommunekode desc limit 1
        )
        select
            s.kommunekode, s.kildesystem, s.instrueret, m.periode, g.gang, coalesce(g.gang = 0 and o.kommunekode is not null and m.periode = {twice}, false) as forkert,
            cast(m.periode + interval 1 month as date) + {DRAWN_ON - 1} + g.gang * 10 as udtrukket,
            cast(udtrukket + 1 as timestamp) + interval 5 hour as mtime
        from sk.system as s
        inner join sk.maaned as m on m.periode >= s.gyldig_fra and m.periode < s.gyldig_til
        left join omleveret as o on s.kommunekode = o.kommunekode
        cross join (values (0), (1)) as g (gang)
        where g.gang = 0 or (o.kommunekode is not null and m.periode = {twice})
        order by s.kommunekode, m.periode, g.gang
    """)


def pupil_id(system: str, place: str) -> str:
    """SQL for a pupil's number in its system."""
    return f"""
        (case {system}
            when 'kmd_elev' then '1' || lpad(cast({place} as varchar), 7, '0') when 'tea' then 'P' || lpad(cast({place} as varchar), 6, '0') else cast(500000 + {place} as varchar)
        end)
    """


def class_id(system: str, code: str, place: str) -> str:
    """SQL for a class' number in its system; null for no class."""
    return f"""
        (case {system}
            when 'kmd_elev' then right({code}, 3) || lpad(cast({place} as varchar), 5, '0') when 'tea' then 'C' || lpad(cast({place} as varchar), 5, '0') else cast(20000 + {place} as varchar)
        end)
    """


def month_pupils(verden: Verden, month: date) -> None:
    """`sk.m_elev`: the courses of the month in the system's own numbers; `sk.m_inst`: the places. An end is known when it has come."""
    con, end = verden.con, next_month(month)
    # how many school days there are before each day of the month
    con.execute(f"""
        create or replace table sk.m_foer as
        select v.vinteruge, cast(d.dato as date) as dato, count(s.dato) as dage
        from (values (7), (8)) as v (vinteruge)
        cross join (select unnest(range(date '{month}', date '{end}' + 1, interval 1 day)) as dato) as d
        left join sk.skoledag as s on v.vinteruge = s.vinteruge and s.periode = date '{month}' and s.dato < d.dato
        group by all
    """)
    con.execute(f"""
        create or replace table sk.m_elev as
        with raekker as (
            select
                f.*, s.kildesystem, s.instrueret, s.uden_fejl, k.vinteruge,
                greatest(f.fra, date '{month}') as del_fra, least(f.til, date '{end}') as del_til,
                {pupil_id('s.kildesystem', 'f.elevnr')} as elev_id, {class_id('s.kildesystem', 'f.kommunekode', 'f.klassenr')} as klasse_id
            from sk.forloeb as f
            inner join sk.system as s on f.kommunekode = s.kommunekode and s.gyldig_fra <= date '{month}' and s.gyldig_til > date '{month}'
            inner join sk.kommune as k on f.kommunekode = k.kommunekode
            where f.fra < date '{end}' and f.til > date '{month}'
        )
        select
            r.nr, r.kommunekode, r.kildesystem, r.instrueret, r.uden_fejl, r.person_nr, h.cpr, r.elevnr, r.elev_id, r.slags, r.institutionsnummer, r.klassenr, r.klasse_id, k.bogstav,
            r.trin + coalesce(x.forskel, 0) as trin, case when r.er_special then 'special' else 'almen' end as elevtype, r.tosproget, r.distrikt,
            case when r.er_nabo then r.bopael end as betaling, r.bopael as tilhoer, r.bopael,
            case when {u(verden, 'r.person_nr', "'opslag'")} >= 0.03 then r.bopael end as bopael_cpr, r.aar,
            cast(t.dage - f.dage as integer) as skoledage, cast(null as varchar) as skoledage_tekst, cast(f.dage as integer) as dag_fra, cast(t.dage as integer) as dag_til, r.vinteruge,
            r.fra, case when r.til <= date '{end}' then r.til else {OPEN} end as til, r.del_fra, r.del_til, cast(null as varchar) as aarsag, x.person_nr is not null as er_brugt
        from raekker as r
        inner join sk.cpr as h on r.person_nr = h.person_nr and h.gyldig_fra < date '{end}' and h.gyldig_til >= date '{end}'
        inner join sk.m_foer as f on r.vinteruge = f.vinteruge and r.del_fra = f.dato
        inner join sk.m_foer as t on r.vinteruge = t.vinteruge and r.del_til = t.dato
        left join sk.klasse as k on r.kommunekode = k.kommunekode and r.klassenr = k.klassenr
        left join sk.forkert_trin as x on r.kommunekode = x.kommunekode and r.person_nr = x.person_nr
    """)
    con.execute(f"""
        create or replace table sk.m_inst as
        select i.*, s.kildesystem, s.instrueret
        from sk.skole as i
        inner join sk.system as s on i.kommunekode = s.kommunekode and s.gyldig_fra <= date '{month}' and s.gyldig_til > date '{month}'
    """)


def month_classes(verden: Verden, month: date) -> None:
    """`sk.m_klasse`: the classes that somebody is in."""
    verden.con.execute("""
        create or replace table sk.m_klasse as
        select k.kommunekode, e.kildesystem, e.instrueret, e.klasse_id, k.klassenr, k.institutionsnummer, k.trin, k.klassetype, k.bogstav, k.aar
        from sk.klasse as k
        inner join (select distinct kommunekode, kildesystem, instrueret, klassenr, klasse_id from sk.m_elev where klassenr is not null) as e
            on k.kommunekode = e.kommunekode and k.klassenr = e.klassenr
    """)


def month_absence(verden: Verden, month: date) -> None:
    """`sk.m_frav`: a row per pupil and school day away. Illness comes in spells by chance, some pupils more often than others; who is on holiday or away without leave goes by
    number, so that a kind does not fall out of a month by chance. One kind to a day."""
    turn, winter = month.year * 12 + month.month, 1.2 if month.month in (11, 12, 1, 2, 3) else 0.85
    key = f"'{month}'"
    days = "(dag_til - dag_fra)"

    def start(kind: str) -> str:
        return f"dag_fra + {pick(verden, days, 'nr', key, repr(kind))}"

    def sick(slot: int) -> str:
        often = f"0.27 * {winter} * (0.45 + 2.2 * pow({u(verden, 'person_nr', repr('sygelig'))}, 3)) * {days} / {FULL_MONTH}"
        return f"""
            select nr, 2 + {slot} as rang, 'sygdom' as art, {start(f'syg {slot}')} as fra, {draw(SICK_LENGTHS, pick(verden, len(SICK_LENGTHS), 'nr', key, repr(f'dage {slot}')))} as dage
            from elever
            where {u(verden, 'nr', key, repr(f'er syg {slot}'))} < {often}
        """

    verden.con.execute(f"""
        create or replace table sk.m_frav as
        with elever as (
            select nr, person_nr, elevnr, trin, dag_fra, dag_til from sk.m_elev where dag_til > dag_fra
        ),
        forfald as (
            {sick(0)}
            union all
            {sick(1)}
            union all
            select nr, 1, 'ekstraordinaer_frihed', {start('fri')}, 1 + {pick(verden, 5, 'nr', key, repr('fri dage'))} from elever where (elevnr + {turn * 7}) % {HOLIDAY} = 0
            union all
            select nr, 0, 'ulovligt', {start('ulovligt')}, 1 from elever where (elevnr + {turn * 11}) % {ILLEGAL} = 0
            union all
            select nr, -1, 'ulovligt', {start('skulk')}, 3 + {pick(verden, 4, 'nr', key, repr('skulk dage'))} from elever where trin >= 7 and {u(verden, 'person_nr', repr('skulk'))} < {TRUANT}
        ),
        dage as (
            select f.nr, f.rang, f.art, f.dage, unnest(range(f.fra, least(f.fra + f.dage, e.dag_til))) as plads
            from forfald as f
            inner join elever as e on f.nr = e.nr
        ),
        valgt as (
            select nr, plads, min_by(art, rang) as art, min_by(dage, rang) as dage from dage group by nr, plads
        )
        select
            v.nr, e.kommunekode, e.kildesystem, e.instrueret, e.person_nr, e.cpr, e.elev_id, e.institutionsnummer, d.dato, v.art,
            -- who is away for a single day is so for half of it now and then
            cast(case when v.dage = 1 and {u(verden, 'v.nr', 'd.dato', "'halv'")} < case v.art when 'ulovligt' then 0.5 else 0.12 end then 0.5 else 1 end as decimal(9, 2)) as andel,
            cast(null as varchar) as andel_tekst, cast(null as varchar) as aarsag
        from valgt as v
        inner join sk.m_elev as e on v.nr = e.nr
        inner join sk.skoledag as d on e.vinteruge = d.vinteruge and d.periode = date '{month}' and v.plads = d.plads
    """)
    if month == verden.months[-1]:
        verden.con.execute("""
            delete from sk.m_frav as f
            using sk.uden_fravaer as t
            where f.kommunekode = t.kommunekode and (t.slags <> 'uden_sygdom' or f.art = 'sygdom')
        """)


def support_id(system: str, place: str) -> str:
    """SQL for the number of what has been granted."""
    return f"(case {system} when 'kmd_elev' then 'F' || lpad(cast({place} as varchar), 6, '0') when 'tea' then cast(300000 + {place} as varchar) else cast(700000 + {place} as varchar) end)"


def month_support(verden: Verden, month: date) -> None:
    """`sk.m_spec`: what has been granted and holds in the month."""
    end = next_month(month)
    verden.con.execute(f"""
        create or replace table sk.m_spec as
        select
            e.nr, e.kommunekode, e.kildesystem, e.instrueret, e.person_nr, e.cpr, e.elev_id, {support_id('e.kildesystem', 'a.nr')} as foranstaltning_id, a.nr as foranstaltning_nr,
            a.tilbud, a.timer, a.takst, a.visiteret, a.fra, case when a.til <= date '{end}' then a.til else {OPEN} end as til
        from sk.foranstaltning as a
        inner join sk.m_elev as e on a.forloeb_nr = e.nr
        where a.fra < date '{end}' and a.til > date '{month}'
    """)


def mark_place(verden: Verden) -> str:
    """SQL for a place among MARKS, the best first: about where the pupil's others are. What would be beyond either end is as far inside it."""
    drawn = f"({u(verden, 'n.person_nr', repr('niveau'))} + ({u(verden, 'n.nr', 'f.fag', 'f.proevetype')} - 0.5) * {MARKS_APART})"
    return f"cast(floor(least({len(MARKS) - 1}, {len(MARKS)} * case when {drawn} < 0 then -{drawn} when {drawn} > 1 then 2 - {drawn} else {drawn} end)) as integer)"


def month_marks(verden: Verden, month: date) -> None:
    """`sk.m_kar`: the year's marks in May, the exams in June. One ninth-grader in twenty, and one at least, takes exams in the winter already."""
    weekday = [month + timedelta(n) for n in range(3, 26) if (month + timedelta(n)).weekday() < 5 and (month.month, n) != (6, 4)]
    subjects: list[tuple[str, str, date]] = []
    everybody = True
    if month.month == 5:
        subjects = [(name, "aarskarakter", weekday[4]) for name in BOUND + DRAWN[:3]]
    elif month.month == 6:
        subjects = [(name, "bunden", weekday[place]) for place, name in enumerate(BOUND)]
        subjects += [(name, "udtraek", weekday[9]) for name in DRAWN]
    elif month.month == 12:
        subjects, everybody = [(name, "bunden", weekday[place]) for place, name in enumerate(BOUND[:6])], False
    elif month.month == 1:
        subjects, everybody = [(name, "udtraek", weekday[6]) for name in DRAWN], False
    values = rows([(place, name, kind, f"{day}") for place, (name, kind, day) in enumerate(subjects)] or [(0, "", "", "1900-01-01")])
    who = "true" if everybody else "n.plads % 20 = 1"
    verden.con.execute(f"""
        create or replace table sk.m_kar as
        with niende as (
            select *, row_number() over (partition by kommunekode order by elevnr, fra) as plads
            from sk.m_elev
            where slags <> 'dag' and (trin = 9 or (trin = 10 and {u(verden, 'person_nr', "'proever'")} < 0.6))
        )
        select
            n.nr, n.kommunekode, n.kildesystem, n.instrueret, n.person_nr, n.cpr, n.elev_id, n.institutionsnummer, n.trin, n.bogstav, f.fag, f.proevetype, cast(f.dato as date) as dato,
            {draw(MARKS, mark_place(verden))} as karakter, cast(null as varchar) as karakter_tekst, f.plads as fag_nr
        from niende as n
        cross join (values {values}) as f (plads, fag, proevetype, dato)
        where cast(f.dato as date) >= n.del_fra and cast(f.dato as date) < n.del_til and {who}
            -- of the subjects that are drawn, each pupil has one
            and (f.proevetype <> 'udtraek' or f.fag = {draw(DRAWN, pick(verden, len(DRAWN), 'n.nr', "'udtraek'"))})
    """)


def places(verden: Verden) -> list[str]:
    """The municipalities that faults are planted in, in a drawn order."""
    if not verden.faults:
        return []
    return [row[0] for row in verden.con.execute(f"""
        select kommunekode from sk.system where not uden_fejl order by hash({verden.seed}::bigint, 'sk-fejl', kommunekode), kommunekode
    """).fetchall()]


def choose_all_along(verden: Verden) -> None:
    """`sk.forkert_trin`: SK-02, a pupil who all along stands four grades too low."""
    con = verden.con
    con.execute("create table sk.forkert_trin (kommunekode varchar, person_nr bigint, forskel integer)")
    where = places(verden)
    if where:
        con.execute(f"""
            insert into sk.forkert_trin
            select f.kommunekode, f.person_nr, -4
            from sk.forloeb as f
            where f.kommunekode in {(*where, '')} and f.aar = {school_year(verden.months[-1])} and f.trin between 6 and 8 and f.slags = 'almen' and not f.er_nabo
                and not exists (select 1 from sk.forloeb as g where g.person_nr = f.person_nr and (g.kommunekode <> f.kommunekode or (g.aar = f.aar and g.nr <> f.nr)))
                and f.fra <= date '{verden.months[-1]}' and f.til >= date '{verden.end}'
            order by list_position({where}, f.kommunekode), hash({verden.seed}::bigint, 'sk-fejl', f.nr), f.nr
            limit 1
        """)


def plant_faults(verden: Verden, month: date) -> None:
    """Known faults in the last month's rows, one of each, each in a municipality of its own as far as they go and on a pupil of its own; SK-02 is there every month."""
    con, where = verden.con, places(verden)
    con.execute(f"""
        insert into verden.fejl
        select 'SK-02', e.kildesystem, e.kommunekode, date '{month}', e.kildesystem || '|' || {key_of('e', month)}
        from sk.m_elev as e
        inner join sk.forkert_trin as x on e.kommunekode = x.kommunekode and e.person_nr = x.person_nr
    """)
    count_kinds(verden, month)
    if month != verden.months[-1] or not where:
        return
    # classes that can do without one, each once
    con.execute(f"""
        create or replace table sk.m_fri as
        select kommunekode, klassenr from sk.m_elev where fra <= date '{month}' + 4 and til > date '{month}' + 4 and klassenr is not null group by all having count(*) >= 4
    """)
    con.execute("create or replace table sk.m_stille (kommunekode varchar, institutionsnummer varchar)")
    con.execute(f"""
        create or replace table sk.m_foer_trin as
        select f.kommunekode, f.person_nr, f.trin
        from sk.forloeb as f
        where f.aar = {school_year(month - timedelta(1))} and f.fra < date '{month}' and f.til >= date '{month}' and f.trin <= 6 and date '{month}' > date '{verden.first}'
    """)
    fill_class(verden, month, where)
    miss_illness(verden, month)
    silence_school(verden, month, where)
    for place, (rule, condition) in enumerate(ON_PUPILS):
        turned = where[place % len(where):] + where[:place % len(where)]
        found = con.execute(f"""
            select e.nr
            from sk.m_elev as e
            where e.kommunekode in {(*where, '')} and not e.er_brugt and e.aarsag is null and e.slags = 'almen' and e.betaling is null
                and e.del_fra = date '{month}' and e.del_til = date '{next_month(month)}' and {condition}
            order by list_position({turned}, e.kommunekode), hash({verden.seed}::bigint, 'sk-fejl', '{rule}', e.nr), e.nr
            limit 1
        """).fetchone()
        if found:
            plant_on_pupil(verden, month, rule, found[0])
    plant_on_support(verden, month, where)
    tell_of_files(verden, month)


def key_of(row: str, month: date) -> str:
    """SQL for the key of a course."""
    return f"{row}.elev_id || '-{month:%Y%m}-' || strftime({row}.fra, '%Y%m%d')"


def tell(verden: Verden, rule: str, month: date, row: tuple[str, str], key: str) -> None:
    """Note a planted fault: `row` is the municipality and its system."""
    verden.con.execute("insert into verden.fejl values (?, ?, ?, ?, ?)", [rule, row[1], row[0], month, f"{row[1]}|{key}"])


def count_kinds(verden: Verden, month: date) -> None:
    """`sk.artstal`: how many rows of each kind of absence each municipality has delivered in each month."""
    verden.con.execute("create table if not exists sk.artstal (kommunekode varchar, periode date, art varchar, antal bigint)")
    verden.con.execute(f"insert into sk.artstal select kommunekode, date '{month}', art, count(*) from sk.m_frav group by all order by all")


def fill_class(verden: Verden, month: date, where: list[str]) -> None:
    """SK-03: so many classes of the school with most pupils are put together that they are more than 28. The other classes are empty, and not delivered."""
    con = verden.con
    classes = con.execute(f"""
        with klasser as (
            select k.kommunekode, k.kildesystem, k.institutionsnummer, k.klassenr, k.trin, count(*) as antal
            from sk.m_klasse as k
            inner join sk.m_elev as e on k.kommunekode = e.kommunekode and k.klassenr = e.klassenr and e.fra <= date '{month}' + 4 and e.til > date '{month}' + 4
            where k.klassetype in ('40', '41') and k.kommunekode in {(*where, '')}
            group by all
        )
        select kommunekode, kildesystem, klassenr, antal
        from klasser
        where institutionsnummer = (select institutionsnummer from klasser group by institutionsnummer having sum(antal) > {LARGEST_CLASS} order by sum(antal) desc, institutionsnummer limit 1)
        order by trin, klassenr
    """).fetchall()
    taken: list[int] = []
    pupils = 0
    for _, _, number, count in classes:
        if pupils <= LARGEST_CLASS:
            taken.append(number)
            pupils += count
    if pupils <= LARGEST_CLASS:
        return
    code, system, first, _ = classes[0]
    con.execute(f"delete from sk.m_fri where kommunekode = '{code}' and klassenr in {(*taken, 0)}")
    con.execute(f"delete from sk.m_klasse where kommunekode = '{code}' and klassenr in {(*taken[1:], 0)}")
    con.execute(f"update sk.m_klasse set klassetype = '41' where kommunekode = '{code}' and klassenr = {first}")
    con.execute(f"update sk.m_elev set klassenr = {first}, klasse_id = {class_id(repr(system), repr(code), str(first))} where kommunekode = '{code}' and klassenr in {(*taken, 0)}")
    key = con.execute(f"select klasse_id from sk.m_klasse where kommunekode = '{code}' and klassenr = {first}").fetchall()[0][0]
    tell(verden, "SK-03", month, (code, system), f"{key}-{month:%Y%m}")


def miss_illness(verden: Verden, month: date) -> None:
    """SK-93: the municipality that delivers no illness, where there was enough of it in each of the months before."""
    verden.con.execute(f"""
        insert into verden.fejl
        select 'SK-93', u.kildesystem, u.kommunekode, date '{month}', u.kildesystem || '|sygdom'
        from sk.uden_fravaer as u
        inner join lateral (
            select a.periode, sum(case when a.art = 'sygdom' then a.antal else 0 end) as syge
            from sk.artstal as a
            where a.kommunekode = u.kommunekode and a.periode < date '{month}'
            group by a.periode
            order by a.periode desc
            limit 3
        ) as m on true
        where u.slags = 'uden_sygdom'
        group by all
        having count(*) >= 2 and min(m.syge) >= {ALWAYS_THERE}
    """)


def silence_school(verden: Verden, month: date, where: list[str]) -> None:
    """SK-10: a school with pupils enough has no absence. In a municipality with other schools, if there is one, so that no kind of absence disappears
    with it."""
    con = verden.con
    # it is so too where the absence never came
    con.execute(f"""
        insert into verden.fejl
        select 'SK-10', e.kildesystem, e.kommunekode, date '{month}', e.kildesystem || '|' || e.institutionsnummer || '-{month:%Y%m}'
        from (select * from sk.m_elev where skoledage > 0) as e
        inner join sk.uden_fravaer as t on e.kommunekode = t.kommunekode
        inner join sk.m_inst as i on e.kommunekode = i.kommunekode and e.institutionsnummer = i.institutionsnummer and i.institutionstype = '1012'
        where e.institutionsnummer not in (select f.institutionsnummer from sk.m_frav as f)
        group by all
        having count(*) >= 20 and sum(e.skoledage) >= 5 * count(*)
        order by all
    """)
    found = con.execute(f"""
        with skoler as (
            select e.kommunekode, e.kildesystem, e.institutionsnummer, count(*) as antal
            from sk.m_elev as e
            inner join sk.m_inst as i on e.kommunekode = i.kommunekode and e.institutionsnummer = i.institutionsnummer and i.institutionstype = '1012'
            where e.skoledage >= 8 and e.kommunekode in {(*where, '')}
            group by all
        )
        select *, count(*) over (partition by kommunekode) as skoler_i_kommunen
        from skoler
        where antal >= {SILENT_SCHOOL} and kommunekode not in (select kommunekode from verden.fejl where regel_id = 'SK-03')
        order by least(skoler_i_kommunen, 2) desc, list_position({where}, kommunekode), institutionsnummer
        limit 1
    """).fetchone()
    if not found:
        return
    code, system, school = found[:3]
    con.execute("insert into sk.m_stille values (?, ?)", [code, school])
    con.execute("delete from sk.m_frav where institutionsnummer = ?", [school])
    tell(verden, "SK-10", month, (code, system), f"{school}-{month:%Y%m}")
    # where the school is most of the municipality, a kind of absence may be gone with it, or all of it
    left = verden.rows(f"(select 1 from sk.m_frav where kommunekode = '{code}')")
    con.execute(f"""
        insert into verden.fejl
        with foer as (
            -- a month without absence says nothing of what is always there
            select distinct periode from sk.artstal where kommunekode = '{code}' and periode < date '{month}' order by periode desc limit 3
        )
        select distinct 'SK-93', '{system}', '{code}', date '{month}', '{system}|' || case when {left} = 0 then 'alle' else a.art end
        from sk.artstal as a
        inner join foer as f on a.periode = f.periode
        where a.kommunekode = '{code}' and a.antal >= {ALWAYS_THERE} and a.art not in (select r.art from sk.m_frav as r where r.kommunekode = '{code}')
        group by a.art
        having count(*) = (select count(*) from foer) and count(*) >= 2
    """)


def plant_on_pupil(verden: Verden, month: date, rule: str, nr: int) -> None:
    """One fault on one pupil of the month, who is then used, and so is the class."""
    con = verden.con
    code, system, winter, key, pupil, class_number = con.execute(f"""
        select kommunekode, kildesystem, vinteruge, {key_of('e', month)}, elev_id, klassenr from sk.m_elev as e where nr = {nr}
    """).fetchall()[0]
    row = (code, system)
    con.execute(f"update sk.m_elev set er_brugt = true where nr = {nr}")
    con.execute("delete from sk.m_fri where kommunekode = ? and klassenr is not distinct from ?", [code, class_number])
    open_days = [day for (day,) in con.execute("select dato from sk.skoledag where vinteruge = ? and periode = ? order by dato", [winter, month]).fetchall()]
    weekday = open_days[len(open_days) // 2] if open_days else month + timedelta(days=(7 - month.weekday()) % 7)

    def days(start: date) -> str:
        return str(sum(day >= start for day in open_days))

    def change(**given: str) -> None:
        con.execute(f"update sk.m_elev set {', '.join(f'{column} = {sql}' for column, sql in given.items())} where nr = {nr}")

    def course(start: date, **given: str) -> str:
        """A course of its own for the fault; returns its key."""
        replaced = {
            "nr": "(select max(m.nr) + 1 from sk.m_elev as m)", "fra": f"date '{start}'", "til": OPEN, "skoledage": days(start), "klassenr": "null", "klasse_id": "null", "er_brugt": "true",
            **given,
        }
        con.execute(f"insert into sk.m_elev select * replace ({', '.join(f'{sql} as {column}' for column, sql in replaced.items())}) from sk.m_elev where nr = {nr}")
        return con.execute(f"select {key_of('e', month)} from sk.m_elev as e order by nr desc limit 1").fetchall()[0][0]

    def away(day: date, kind: str = "sygdom", **given: str) -> str:
        """A day away; returns its key."""
        con.execute(f"""
            insert into sk.m_frav
            select
                nr, kommunekode, kildesystem, instrueret, person_nr, cpr, {given.get('elev_id', 'elev_id')}, institutionsnummer, date '{day}', '{kind}', 1, {given.get('andel_tekst', 'null')},
                {given.get('aarsag', 'null')}
            from sk.m_elev
            where nr = {nr}
        """)
        return f"{pupil}-{day:%Y%m%d}-{absence_code(system, kind)}"

    if rule == "SK-01":
        other = number(repr(code), f"case when institutionsnummer = {number(repr(code), '1')} then 2 else 1 end")
        key = course(month + timedelta(9), institutionsnummer=other)
    elif rule == "SK-04":
        con.execute(f"""
            insert into sk.m_klasse
            select kommunekode, kildesystem, instrueret, {class_id(repr(system), repr(code), str(ALONE))}, {ALONE}, institutionsnummer, trin, '40', 'Q', aar from sk.m_elev where nr = {nr}
        """)
        change(klassenr=str(ALONE), klasse_id=class_id(repr(system), repr(code), str(ALONE)), bogstav="'Q'")
        key = con.execute(f"select klasse_id from sk.m_elev where nr = {nr}").fetchall()[0][0] + f"-{month:%Y%m}"
    elif rule == "SK-05":
        change(trin="(select max(p.trin) + 2 from sk.m_foer_trin as p where p.kommunekode = m_elev.kommunekode and p.person_nr = m_elev.person_nr)")
    elif rule == "SK-06":
        key = away(month + timedelta(days=(5 - month.weekday()) % 7))
    elif rule == "SK-07":
        unknown = con.execute(f"select {pupil_id(repr(system), str(UNKNOWN))}").fetchall()[0][0]
        key = away(weekday, elev_id=repr(unknown)).replace(pupil, unknown)
    elif rule == "SK-08":
        away(weekday)
        key = away(weekday, "ulovligt")
    elif rule == "SK-09":
        change(skoledage="1")
    elif rule == "SK-11":
        change(institutionsnummer=number(repr(code), "999"))
    elif rule == "SK-11 lukket":
        change(institutionsnummer=number(repr(code), str(CLOSED_SCHOOL)))
    elif rule == "SK-12":
        change(klassenr=str(ALONE + 1), klasse_id=class_id(repr(system), repr(code), str(ALONE + 1)))
    elif rule == "SK-15":
        change(bopael=f"(select naeste from sk.kommune where kommunekode = '{code}')", bopael_cpr=f"(select naeste from sk.kommune where kommunekode = '{code}')")
    elif rule == "SK-16":
        if not enroll_elsewhere(verden, month, nr, code):
            return
    elif rule == "SK-17":
        con.execute(f"""
            insert into sk.m_kar
            select nr, kommunekode, kildesystem, instrueret, person_nr, cpr, elev_id, institutionsnummer, trin, bogstav, 'idraet', 'bunden', date '{weekday}', null, '13', 99
            from sk.m_elev
            where nr = {nr}
        """)
        key = f"{pupil}-{month:%Y%m}-" + {"kmd_elev": "IDR-PRA-B", "tea": "Idræt-bunden"}[system]
    elif rule == "SK-19 slut":
        key = course(month + timedelta(9), til=f"date '{month + timedelta(4)}'", skoledage="0", aarsag="'slut_foer_start'")
    elif rule == "SK-19 skoledage":
        key = course(month + timedelta(1), skoledage_tekst="'alle'", aarsag="'skoledage_ulaeselige'")
    elif rule == "SK-19 andel":
        key = away(weekday, andel_tekst="'hel'", aarsag="'andel_ulaeselig'")
    elif rule == "SK-20":
        key = course(month, elevnr=str(UNKNOWN + 1), elev_id=pupil_id("kildesystem", str(UNKNOWN + 1)), cpr="'99' || substr(cpr, 3)", aarsag="'cpr_ugyldig'")
    elif rule == "SK-21 elevtype":
        change(elevtype="'ukendt'")
    elif rule == "SK-21 bopael":
        change(bopael=f"'{UNKNOWN_MUNICIPALITY}'", bopael_cpr="null")
    elif rule == "SK-22 uden for":
        key = course(month - timedelta(400), til=f"date '{month - timedelta(40)}'", skoledage="0", aarsag="'uden_for_maaneden'")
    elif rule == "SK-22 dublet":
        con.execute(f"insert into sk.m_frav select * replace ('dublet' as aarsag) from sk.m_frav where nr = {nr} order by dato limit 1")
        day, kind = con.execute(f"select dato, art from sk.m_frav where nr = {nr} and aarsag is not null").fetchall()[0]
        key = f"{pupil}-{day:%Y%m%d}-{absence_code(system, kind)}"
    tell(verden, rule[:5], month, row, key)


def enroll_elsewhere(verden: Verden, month: date, nr: int, code: str) -> bool:
    """SK-16: the pupil has begun in the first folkeskole of another municipality on the second, and was never taken off the list at home. False if there is no other."""
    other = verden.con.execute("""
        select s.kommunekode, s.kildesystem, k.vinteruge
        from sk.system as s
        inner join sk.kommune as k on s.kommunekode = k.kommunekode
        where not s.uden_fejl and s.kommunekode <> $1
        order by s.kommunekode < $1, s.kommunekode
        limit 1
    """, [code]).fetchone()
    if not other:
        return False
    place, system, winter = other
    verden.con.execute(f"""
        insert into sk.m_elev
        select * replace (
            (select max(m.nr) + 1 from sk.m_elev as m) as nr, '{place}' as kommunekode, '{system}' as kildesystem, {UNKNOWN + 2} as elevnr, {pupil_id(repr(system), str(UNKNOWN + 2))} as elev_id,
            {number(repr(place), '1')} as institutionsnummer, null as klassenr, null as klasse_id, null as bogstav, null as distrikt, '{place}' as tilhoer, '{place}' as bopael, null as bopael_cpr,
            {winter} as vinteruge, date '{month}' + 1 as fra, {OPEN} as til, true as er_brugt,
            (select cast(count(*) as integer) from sk.skoledag where vinteruge = {winter} and periode = date '{month}' and dato > date '{month}') as skoledage
        )
        from sk.m_elev
        where nr = {nr}
    """)
    return True


def absence_code(system: str, kind: str) -> str:
    """How the system writes a kind of absence."""
    return next(dict(zip(("kmd_elev", "tea", "ist"), codes, strict=True))[system] for name, *codes in ABSENCE_WORDS if name == kind)


def plant_on_support(verden: Verden, month: date, where: list[str]) -> None:
    """SK-13: somebody in a special class has been granted nothing. SK-14: somebody else's special education has no rate."""
    con = verden.con
    found = con.execute(f"""
        select e.nr, e.kommunekode, e.kildesystem, {key_of('e', month)}
        from sk.m_elev as e
        inner join sk.m_klasse as k on e.kommunekode = k.kommunekode and e.klassenr = k.klassenr and k.klassetype = '50'
        where e.kommunekode in {(*where, '')} and not e.er_brugt and e.del_fra = date '{month}' and e.del_til = date '{next_month(month)}'
        order by list_position({where}, e.kommunekode), hash({verden.seed}::bigint, 'sk-fejl', 'SK-13', e.nr), e.nr
        limit 1
    """).fetchone()
    if found:
        con.execute("delete from sk.m_spec where nr = ?", [found[0]])
        tell(verden, "SK-13", month, (found[1], found[2]), found[3])
    found = con.execute(f"""
        select s.foranstaltning_id, s.kommunekode, s.kildesystem
        from sk.m_spec as s
        where s.kommunekode in {(*where, '')} and s.tilbud <> 'stoette'
        order by list_position({where[1:] + where[:1]}, s.kommunekode), hash({verden.seed}::bigint, 'sk-fejl', 'SK-14', s.nr), s.nr
        limit 1
    """).fetchone()
    if found:
        con.execute("update sk.m_spec set takst = null where foranstaltning_id = ? and kommunekode = ?", list(found[:2]))
        tell(verden, "SK-14", month, (found[1], found[2]), f"{found[0]}-{month:%Y%m}")


def tell_of_files(verden: Verden, month: date) -> None:
    """SK-94: a file with a row set aside does not add up with the standard."""
    verden.con.execute(f"""
        insert into verden.fejl
        select distinct
            'SK-94', l.kildesystem, l.kommunekode, l.periode,
            l.kildesystem || '|' || case l.kildesystem
                when 'kmd_elev' then 'KE_' || r.tabel || '_' || right(l.kommunekode, 3) when 'tea' then 'TEA_' || l.kommunekode else 'IST_' || r.tabel || '_' || l.kommunekode
            end || strftime(l.periode, '_%Y%m') || strftime(l.udtrukket, '_%Y%m%d') || case l.kildesystem when 'kmd_elev' then '.csv' when 'tea' then '.xml' else '.jsonl' end
        from sk.levering as l
        inner join (
            select kommunekode, 'ELEV' as tabel from sk.m_elev where aarsag is not null
            union all
            select kommunekode, 'FRAVAER' from sk.m_frav where aarsag is not null
        ) as r on l.kommunekode = r.kommunekode
        where l.periode = date '{month}' and l.gang = 0
        order by all
    """)
