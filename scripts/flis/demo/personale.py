"""Personale: the municipalities' employees in the world's own terms: what they are paid, where they work, and when they are away.

Pay comes from the ledger that Økonomi has written: the pay lines of a month add up to the postings on art 1.0, account by account. A municipality has as many
seats as its pay is worth, and a seat is paid from the accounts that its place in the row of them covers; it is held by one person after another, and every holding is
an employment (`pe.ansaettelse`). Months are made one at a time.
The files and the truth are in `personale_filer.py`; docs/demo.md says what the numbers were estimated from.
"""

from __future__ import annotations

import shutil
from datetime import date, timedelta

from flis.demo.opsaetning import CPR_IN_OWN
from flis.demo.personale_filer import write_month, write_truth
from flis.demo.personale_loen import AT_LEAST, TOO_MUCH, draw, hashed, month_pay, payroll, seats
from flis.demo.verden import Verden, next_month
from flis.demo.voksne_handicap import rows

AREA = "personale"
OPEN = "date '9999-12-31'"
MOST_IN_PERSON = 7          # hours a week of all that a person has beside the first employment
RESENT = "kmd_opus_loen"    # one municipality with it sends the middle month twice
ALWAYS_THERE = 12           # rows of a code in each of three months: then it is missed
FEW = 10                    # municipalities: in a smaller demo all absence of the last month comes

LEAVE_IN_MONTH = 0.014      # of all seats: about 17 in a hundred in a year [general knowledge]
LATE_IN_MONTH = 20          # who begins after that day has the first pay the month after

RARE_FORMS = ["elev", "fleksjob", "vikar", "seniorjob", "loentilskud", "honorar"]

# Which agreements the employees of a function are on: the first beginning that fits.
AGREEMENTS = [
    ("3.22.05", ["paedagoger"] * 7 + ["paedagogmedhjaelpere"] * 3),
    ("3.22.", ["laerere"] * 11 + ["paedagoger"] * 6 + ["kontor_it"] * 3),
    ("5.25.11", ["dagplejere"] * 9 + ["paedagoger"]),
    ("5.25.", ["paedagoger"] * 6 + ["paedagogmedhjaelpere"] * 4),
    ("5.30.", ["sosu"] * 3 + ["syge_sundhed"]),
    ("5.32.", ["sosu"] * 3 + ["syge_sundhed"]),
    ("5.38.", ["paedagoger"] * 7 + ["socialraadgivere"] * 3),
    ("5.28.", ["paedagoger"] * 5 + ["socialraadgivere"] * 5),
    ("6.45.", ["kontor_it"] * 3 + ["akademikere"]),
    ("6.42.", ["akademikere"]),
    ("0.", ["specialarbejdere"] * 2 + ["haandvaerkere", "rengoering"]),
    ("2.", ["specialarbejdere"] * 3 + ["haandvaerkere"]),
    ("", ["kontor_it"]),
]

# Agreement, level of pay (thousand kr. full time), what its employees are called.
TITLES = [
    ("laerere", 45, ["Lærer", "Børnehaveklasseleder", "Skolekonsulent"]),
    ("paedagoger", 38, ["Pædagog", "Souschef", "Specialpædagog"]),
    ("paedagogmedhjaelpere", 31, ["Pædagogmedhjælper", "Pædagogisk assistent"]),
    ("dagplejere", 33, ["Dagplejer"]),
    ("sosu", 36, ["Social- og sundhedsassistent", "Social- og sundhedshjælper"]),
    ("syge_sundhed", 41, ["Sygeplejerske", "Ergoterapeut", "Fysioterapeut"]),
    ("kontor_it", 38, ["Assistent", "Overassistent", "It-medarbejder"]),
    ("akademikere", 50, ["Akademisk medarbejder", "Specialkonsulent"]),
    ("socialraadgivere", 42, ["Socialrådgiver"]),
    ("rengoering", 30, ["Rengøringsassistent"]),
    ("specialarbejdere", 34, ["Specialarbejder", "Gartner"]),
    ("haandvaerkere", 37, ["Håndværker", "Teknisk serviceleder"]),
    ("chefer", 65, ["Afdelingsleder", "Institutionsleder", "Centerchef"]),
]

# The tree above the units: forvaltninger, and the afdeling of each hovedfunktion with the forvaltning it belongs to. What is not listed is under the last.
TOPS = ["Teknik & Miljø", "Børn og Unge", "Kultur og Fritid", "Sundhed", "Ældre", "Social og Beskæftigelse", "Økonomi og Ledelse"]
DEPARTMENTS = [
    ("0.22", 1, "Jord"), ("0.25", 1, "Ejendomme"), ("0.28", 1, "Grønne områder"), ("0.32", 1, "Fritidsfaciliteter"), ("0.38", 1, "Naturbeskyttelse"), ("0.48", 1, "Vandløb"),
    ("0.58", 1, "Redningsberedskab"), ("1.38", 1, "Affald & genbrug"), ("2.22", 1, "Vejdrift"), ("2.28", 1, "Veje & vinter"), ("3.22", 2, "Skoler"), ("3.32", 3, "Biblioteker"),
    ("3.35", 3, "Kultur"), ("3.38", 3, "Folkeoplysning"), ("4.62", 4, "Sundhed og genoptræning"), ("5.25", 2, "Dagtilbud"), ("5.28", 2, "Børn og familier"), ("5.30", 5, "Hjemmepleje & plejehjem"),
    ("5.38", 6, "Handicap og psykiatri"), ("5.46", 6, "Integration"), ("6.42", 7, "Byråd"), ("6.45", 7, "Administration"),
]

# Long absences: cause, share away at a time, shortest and longest in days, whom.
LONG = [
    ("1100", 0.015, 30, 120, "true"),
    ("1400", 0.015, 100, 300, "koen = 'K' and alder between 22 and 42"),
    # never the first in a municipality: somebody must be paid
    ("orlov_uden_loen", 0.008, 150, 450, "plads > 1"),
    ("paragraf_56", 0.002, 30, 90, "true"),
    ("nedsat_tjeneste", 0.003, 30, 90, "true"),
]

# Faults of an employment that is there anyway; of one that is there for the fault alone, with its agreement or form where that matters.
ON_EMPLOYMENTS = ["PE-01", "PE-02", "PE-04", "PE-08", "PE-09", "PE-10", "PE-12", "PE-16", "PE-19"]
EXTRA = ["PE-03", "PE-05", "PE-06", "PE-07", "PE-11", "PE-15", "PE-17", "PE-18"]
ONLY_IN_MONTH = ("PE-03", "PE-07", "PE-15", "PE-17", "PE-18")       # in no file before the month of the fault
HIDDEN = ("PE-03", "PE-15")                                         # in no file of employees at all
UNPAID = ("PE-03", "PE-07", "PE-17", "PE-18")


def generate(verden: Verden) -> None:
    """Make the employments of `verden.kommune`, the monthly files of the three payroll systems, and the truth."""
    con = verden.con
    con.execute("create schema pe")
    code_tables(verden)
    suppliers(verden)
    lose_absence(verden)
    payroll(verden)
    seats(verden)
    employments(verden)
    plant_faults(verden)
    number(verden)
    units(verden)
    long_absences(verden)
    deliveries(verden)
    for done, month in enumerate(verden.months, 1):
        month_employments(verden, month)
        month_pay(verden, month)
        month_absence(verden, month)
        write_month(verden, month)
        verden.progress(f"personale {month:%Y-%m}", done, len(verden.months))
    write_truth(verden)
    con.execute("drop schema pe cascade")


def code_tables(verden: Verden) -> None:
    """The codes of this module as tables, and where the truth of each month is kept until the end."""
    con = verden.con
    con.execute(f"create table pe.overenskomst as select * from (values {rows([(nr, *t) for nr, t in enumerate(TITLES)])}) as t (nr, overenskomst, niveau, titler)")
    con.execute(f"create table pe.afdeling as select * from (values {rows(DEPARTMENTS)}) as t (hovedfunktion, forvaltning, navn)")
    con.execute("create table pe.frasat (kommunekode varchar, kildesystem varchar, tabel varchar, kilde_id varchar, periode date, aarsag varchar)")
    con.execute("create table pe.lokalt_felt (kommunekode varchar, kildesystem varchar, kilde_id varchar, felt varchar, vaerdi varchar)")
    shutil.rmtree(verden.home.tmp / "demo_facit", ignore_errors=True)


def suppliers(verden: Verden) -> None:
    """`pe.system`: which system a municipality's pay is in in which months; `pe.maaned`: the months."""
    con = verden.con
    con.execute("create table pe.maaned (periode date)")
    con.executemany("insert into pe.maaned values (?)", [(month,) for month in verden.months])
    con.execute(f"""
        create table pe.system as
        select
            kommunekode, kildesystem, instrueret, gyldig_fra, coalesce(gyldig_til, {OPEN}) as gyldig_til,
            not instrueret or count(*) over (partition by kommunekode) > 1 or kommunekode = '{CPR_IN_OWN}' as uden_fejl
        from verden.opsaetning
        where fagomraade = '{AREA}'
        order by kommunekode, gyldig_fra
    """)


def lose_absence(verden: Verden) -> None:
    """`pe.uden_fravaer`: whose absence of the last month never comes (PE-91), is refused and does not come again (PE-92), and lacks own illness altogether (PE-93).

    The smallest of each system, and for the last a large one, where nobody would believe it; none of them has another fault.
    """
    con, last = verden.con, verden.months[-1]
    con.execute("create table pe.uden_fravaer (kommunekode varchar, kildesystem varchar, slags varchar)")
    con.execute("create table pe.syge (kommunekode varchar, periode date, antal bigint)")      # how many are ill in each month where illness is to be missing in the last
    if not verden.faults or len(verden.months) < 4 or con.execute("select count(distinct kommunekode) from pe.system").fetchall()[0][0] < FEW:
        return
    for kind, system, order in (("udeblevet", "kmd_opus_loen", "asc"), ("afvist", "sd_loen", "asc"), ("uden_1100", "sd_loen", "desc")):
        con.execute(f"""
            insert into pe.uden_fravaer
            select s.kommunekode, s.kildesystem, '{kind}'
            from pe.system as s
            inner join verden.kommune as k on s.kommunekode = k.kommunekode
            where not s.uden_fejl and s.kildesystem = '{system}' and s.kommunekode not in (select u.kommunekode from pe.uden_fravaer as u)
            order by k.folketal {order}, s.kommunekode
            limit 1
        """)
    con.execute("update pe.system set uden_fejl = true where kommunekode in (select kommunekode from pe.uden_fravaer)")
    con.execute(f"""
        insert into verden.fejl
        select r.regel_id, u.kildesystem, u.kommunekode, date '{last}', u.kildesystem || '|' || r.noegle
        from pe.uden_fravaer as u
        inner join (
            values ('udeblevet', 'PE-91', '{last:%Y-%m}'), ('afvist', 'PE-91', '{last:%Y-%m}'), ('afvist', 'PE-92', '{last:%Y-%m}'), ('uden_1100', 'PE-93', '1100')
        ) as r (slags, regel_id, noegle) on u.slags = r.slags
    """)


def call_off(verden: Verden) -> None:
    """In a small demo so few are ill that a month without anybody is no wonder: then nothing is missing (PE-93)."""
    con, before = verden.con, verden.months[-4:-1]
    only = con.execute("""
        select u.kommunekode, u.kildesystem from pe.uden_fravaer as u
        where u.slags = 'uden_1100' and not exists (
            select 1 from pe.m_frav as f inner join pe.m_ans as a on f.nr = a.nr where a.kommunekode = u.kommunekode and f.aarsag <> '1100'
        )
    """).fetchall()
    # without illness nothing is left: the file is empty, and that is what is found
    for code, system in only:
        con.execute("update verden.fejl set noegle = ? where regel_id = 'PE-93' and kommunekode = ?", [f"{system}|alle", code])
    small = con.execute(f"select kommunekode from pe.syge where periode in ({', '.join(repr(str(m)) + '::date' for m in before) or 'null'}) group by kommunekode having min(antal) < {ALWAYS_THERE}").fetchall()
    for (code,) in small:
        con.execute("delete from pe.uden_fravaer where kommunekode = ? and slags = 'uden_1100'", [code])
        con.execute("delete from verden.fejl where regel_id = 'PE-93' and kommunekode = ?", [code])


def employments(verden: Verden) -> None:
    """`pe.raa`: who held which seat from when until when (half-open). LEAVE_IN_MONTH of them leave in a month, and the next one comes the day after."""
    con, first = verden.con, verden.first

    def u(*keys: str) -> str:
        return verden.chance("'pe'", *keys)

    con.execute(f"""
        create table pe.holder as
        with slut as (
            select p.plads_nr, cast(m.periode + 1 + cast(floor({u('p.plads_nr', 'm.periode', "'dag'")} * day(last_day(m.periode))) as integer) as date) as til
            from pe.plads as p
            cross join pe.maaned as m
            where {u('p.plads_nr', 'm.periode', "'slut'")} < {LEAVE_IN_MONTH}
            union all
            select plads_nr, {OPEN} from pe.plads
        ),
        perioder as (
            select plads_nr, til, lag(til) over (partition by plads_nr order by til) as efter from slut
        )
        select
            p.*, row_number() over (order by s.plads_nr, s.til) as nr, s.til,
            -- the first holder came before the first month: most of them long before, the rest in the two years up to it
            coalesce(s.efter, date '{first}' - cast(case
                when {u('s.plads_nr', "'laenge'")} < 0.7 then 730 + floor({u('s.plads_nr', "'start'")} * 23 * 365) else floor({u('s.plads_nr', "'start'")} * 730)
            end as integer)) as fra,
            {u('nr', "'bijob'")} < 0.05 as er_bijob
        from perioder as s
        inner join pe.plads as p on s.plads_nr = p.plads_nr
    """)
    # Who: the adults of the municipality in a drawn order, and where they are too few (a small demo has an employee on every account) those of the others.
    con.execute(f"""
        create table pe.ansat as
        with talt as (
            select nr, kommunekode, sum(cast(not er_bijob as integer)) over (partition by kommunekode order by hash({verden.seed}::bigint, 'pe', nr), nr) as hvem from pe.holder
        )
        -- somebody employed there already: the one who is drawn before
        select nr, kommunekode, cast(greatest(1, hvem) as bigint) as hvem from talt
    """)
    con.execute(f"""
        create table pe.voksen as
        select b.kommunekode, p.person_nr, hash({verden.seed}::bigint, 'pe-person', p.person_nr) as lod
        from verden.bopael as b
        inner join verden.person as p on b.person_nr = p.person_nr
        where b.gyldig_fra <= date '{first}' and b.gyldig_til > date '{first}' and (p.doedsdato is null or p.doedsdato >= date '{verden.end}')
            and p.foedselsdato <= date '{first}' - interval 18 year and p.foedselsdato > date '{first}' - interval 70 year
    """)
    con.execute("""
        create table pe.hvem as
        with behov as (
            select kommunekode, max(hvem) as antal from pe.ansat group by kommunekode
        )
        select v.kommunekode, v.person_nr, row_number() over (partition by v.kommunekode order by v.lod, v.person_nr) as hvem
        from pe.voksen as v
        inner join behov as b on v.kommunekode = b.kommunekode
        qualify hvem <= b.antal
    """)
    missing = "select a.kommunekode, max(a.hvem) as antal, (select count(*) from pe.hvem as h where h.kommunekode = a.kommunekode) as egne from pe.ansat as a group by a.kommunekode"
    if verden.rows(f"({missing}) where antal > egne") and verden.rows("pe.voksen"):
        con.execute(f"""
            insert into pe.hvem
            with mangler as (
                select kommunekode, unnest(range(egne + 1, antal + 1)) as hvem from ({missing}) where antal > egne
            ),
            alle as (
                select person_nr, row_number() over (order by hash(lod), person_nr) - 1 as plads, count(*) over () as antal from pe.voksen
            )
            select m.kommunekode, a.person_nr, m.hvem
            from mangler as m
            inner join alle as a on (m.hvem + hash(m.kommunekode) % 1000003) % (select count(*) from pe.voksen) = a.plads
        """)
    weights = " ".join(
        f"when funktion like '{start}%' then {draw(options, hashed(verden, 'nr', repr('overenskomst')))}" for start, options in AGREEMENTS
    )
    con.execute(f"""
        create table pe.raa as
        with personer as (
            select
                h.* exclude (er_bijob, fra), w.person_nr, p.koen, p.foedselsdato,
                -- nobody was employed before eighteen
                greatest(h.fra, cast(p.foedselsdato + interval 18 year as date)) as fra,
                date_diff('year', p.foedselsdato, date '{first}') as alder,
                row_number() over (partition by h.kommunekode, w.person_nr order by a.hvem, h.er_bijob, h.nr) - 1 as bijob,
                count(*) over (partition by h.kommunekode, w.person_nr) as ansaettelser
            from pe.holder as h
            inner join pe.ansat as a on h.nr = a.nr
            inner join pe.hvem as w on a.kommunekode = w.kommunekode and a.hvem = w.hvem
            inner join verden.person as p on w.person_nr = p.person_nr
        ),
        former as (
            select
                *,
                case
                    when bijob > 0 then 'overenskomst'
                    when {u('nr', "'form'")} < 0.08 then 'tjenestemand'
                    when {u('nr', "'form'")} < 0.86 then 'overenskomst'
                    when {u('nr', "'form'")} < 0.95 then 'timeloen'
                    else {draw(RARE_FORMS, hashed(verden, 'nr', repr('sjaelden')))}
                end as form
            from personer
        ),
        ledere as (
            select *, form in ('tjenestemand', 'overenskomst') and bijob = 0 and {u('nr', "'leder'")} < 0.05 as er_leder from former
        )
        select
            nr, kommunekode, konto_nr, funktion, hovedfunktion, enhed, plads, plads as plads_i_kommune, person_nr, koen, alder, foedselsdato, fra, til, bijob, ansaettelser, form, er_leder,
            -- a teacher is not paid by day care, nor a childminder by anything else (PE-11)
            case
                when er_leder then 'chefer'
                when not uden_dagtilbud and not kun_dagtilbud and (case {weights} end) in ('laerere', 'dagplejere') then 'paedagoger'
                else case {weights} end
            end as overenskomst,
            plads > 1 and bijob = 0 and ({u('nr', "'ikke i loen'")} < 0.008 or (er_stoerst and plads = 2)) as er_ikke_i_loen,
            er_stoerst and plads = 3 as er_paa_orlov,
            del,
            cast(case when bijob > 0 then floor({MOST_IN_PERSON} * 100 / (ansaettelser - 1)) / 100 else plads_timer end as decimal(9, 2)) as timer_uge,
            cast(null as varchar) as fejl, cast(null as date) as fejl_maaned
        from ledere
    """)


def plant_faults(verden: Verden) -> None:
    """Known faults, one of each, each in a municipality of its own as far as they go, and in the last month unless the fault wants another."""
    con = verden.con
    con.execute("""
        create table pe.plantet (
            nr bigint, loebe integer, aarsag varchar, fra date, til date, er_delvis boolean, timer decimal(9, 2), fejl varchar, fejl_maaned date
        )
    """)
    con.execute("create table pe.for_meget (konto_nr integer, periode date)")
    places = [row[0] for row in con.execute(f"""
        select kommunekode from pe.system where not uden_fejl order by hash({verden.seed}::bigint, 'pe-fejl', kommunekode), kommunekode
    """).fetchall()]
    if not verden.faults or not places:
        return
    rules = ON_EMPLOYMENTS + EXTRA
    for number, rule in enumerate(rules):
        plant = mark_employment if rule in ON_EMPLOYMENTS else add_employment
        # where nobody can bear it, as in a small demo's small municipalities, the next one gets it
        turn = number % len(places)
        any(plant(verden, rule, place) for place in places[turn:] + places[:turn])
    add_dead(verden)
    con.execute(f"""
        insert into pe.for_meget
        select l.konto_nr, l.periode
        from pe.loensum as l
        inner join pe.konto as k on l.konto_nr = k.konto_nr
        inner join pe.system as s on k.kommunekode = s.kommunekode and not s.uden_fejl
        where l.periode = date '{verden.change}' and l.beloeb_kr * {TOO_MUCH} >= {AT_LEAST}
            -- only where the month can be held against the ledger
            and exists (select 1 from pe.regnskab as r where r.kommunekode = k.kommunekode and r.kontostreng = k.kontostreng and r.periode = l.periode)
        order by l.beloeb_kr desc, l.konto_nr
        limit 1
    """)


def mark_employment(verden: Verden, rule: str, code: str) -> bool:
    """A fault of an employment that has been there all along. It has no absence but what is planted. False where there is none."""
    con, last = verden.con, verden.months[-1]
    month = {"PE-01": crossing(verden), "PE-10": verden.change}.get(rule, last)
    found = con.execute(f"""
        select nr
        from pe.raa
        where kommunekode = ? and fra < date '{verden.first}' - 400 and til = {OPEN} and ansaettelser = 1 and form in ('overenskomst', 'tjenestemand')
            and not er_leder and not er_ikke_i_loen and not er_paa_orlov and fejl is null
        order by {hashed(verden, "'fejl'", 'nr')}, nr
        limit 1
    """, [code]).fetchone()
    if not found:
        return False
    nr = found[0]
    con.execute("update pe.raa set fejl = ?, fejl_maaned = ? where nr = ?", [rule, month, nr])
    monday = month + timedelta(days=(7 - month.weekday()) % 7)
    end = next_month(month)
    absences = {
        # the hours of the whole absence stand in the month it began
        "PE-01": [("1100", end - timedelta(3), end + timedelta(80), False, rule)],
        "PE-02": [("1100", monday, monday + timedelta(3), False, None), ("1100", monday, monday + timedelta(3), False, rule)],
        "PE-08": [("1100", monday, monday + timedelta(2), False, None), ("1300", monday, monday + timedelta(2), False, rule)],
        "PE-09": [("1200", monday, monday + timedelta(3), False, rule)],
        # delivered twice
        "PE-19": [("1100", monday, monday + timedelta(2), False, rule)],
        # more than a year before the end of the last month, and of no month before
        "PE-12": [("1100", end - timedelta(370), end + timedelta(200), False, rule)],
    }
    for number, (cause, start, stop, part, planted) in enumerate(absences.get(rule, [])):
        hours = None
        if rule == "PE-01":
            hours = 7.4 * sum((start + timedelta(days=d)).weekday() < 5 for d in range((stop - start).days))
            hours = round(hours * 4) / 4
        con.execute("insert into pe.plantet values (?, ?, ?, ?, ?, ?, ?, ?, ?)", [nr, 990 + number, cause, start, stop, part, hours, planted, month if planted else None])
    return True


def crossing(verden: Verden) -> date:
    """The month that PE-01 is planted in: the latest December, or the last month."""
    return max((month for month in verden.months if month.month == 12), default=verden.months[-1])


def add_employment(verden: Verden, rule: str, code: str) -> bool:
    """An employment for the fault alone, of an adult who is not employed in the municipality; PE-05 is two of one person. False where no account or adult is to be had."""
    con, last = verden.con, verden.months[-1]
    account = con.execute("""
        select k.konto_nr, k.funktion
        from pe.konto as k
        inner join pe.loensum as l on k.konto_nr = l.konto_nr and l.periode = ?
        where k.kommunekode = ? and l.beloeb_kr > 0 and (? <> 'PE-11' or k.funktion = '5.25.14')
        order by k.stoerrelse, k.konto_nr
        limit 1
    """, [last, code, rule]).fetchone()
    person = con.execute(f"""
        select v.person_nr
        from pe.voksen as v
        where not exists (select 1 from pe.raa as r where r.kommunekode = $1 and r.person_nr = v.person_nr)
        order by v.kommunekode <> $1, {hashed(verden, 'v.lod', repr(rule))}, v.person_nr
        limit 1
    """, [code]).fetchone()
    if not account or not person:
        return False
    start, stop = last, date(9999, 12, 31)
    if rule in ("PE-03", "PE-15", "PE-17"):
        start = verden.first - timedelta(500)
    if rule == "PE-07":
        start, stop = last + timedelta(10), last - timedelta(9)
    if rule == "PE-18":
        start, stop = last - timedelta(900), last - timedelta(40)
    agreement = "laerere" if rule == "PE-11" else next(options[0] for begins, options in AGREEMENTS if account[1].startswith(begins))
    for number in range(2 if rule == "PE-05" else 1):
        insert_extra(verden, rule, last, code, account, person[0], start, stop, agreement, "timeloen" if rule == "PE-06" else "overenskomst", 30.0 if rule == "PE-05" else 37.0, number)
    if rule == "PE-03":
        monday = last + timedelta(days=(7 - last.weekday()) % 7)
        con.execute("insert into pe.plantet select max(nr), 990, '1100', ?::date, ?::date, false, null, 'PE-03', ?::date from pe.raa", [monday, monday + timedelta(2), last])
    return True


def insert_extra(verden: Verden, rule: str, month: date, code: str, account: tuple[int, str], person: int, start: date, stop: date, agreement: str, form: str, hours: float, number: int) -> None:
    """One row in `pe.raa` with the next number."""
    verden.con.execute(f"""
        insert into pe.raa
        select
            (select max(nr) + 1 from pe.raa), '{code}', {account[0]}, '{account[1]}', '{account[1][:4]}', 0, 0, 0, p.person_nr, p.koen, date_diff('year', p.foedselsdato, date '{verden.first}'),
            p.foedselsdato, date '{start}', date '{stop}', {number}, 1, '{form}', false, '{agreement}', false, false, 1.0, {hours}, '{rule}', date '{month}'
        from verden.person as p
        where p.person_nr = {person}
    """)


def add_dead(verden: Verden) -> None:
    """PE-13: somebody has died, and goes on being employed. The youngest of those who died before the last month."""
    con = verden.con
    found = con.execute(f"""
        select b.kommunekode, p.person_nr
        from verden.person as p
        inner join verden.bopael as b on p.person_nr = b.person_nr
        inner join pe.system as s on b.kommunekode = s.kommunekode and not s.uden_fejl
        where p.doedsdato >= date '{verden.first}' and p.doedsdato < date '{verden.months[-1]}' and p.foedselsdato < date '{verden.first}' - interval 30 year
            and b.gyldig_fra <= date '{verden.first}' and b.gyldig_til > date '{verden.first}'
        order by p.foedselsdato desc, p.person_nr
        limit 1
    """).fetchone()
    account = con.execute("select konto_nr, funktion from pe.konto where kommunekode = ? order by stoerrelse limit 1", [found[0]]).fetchone() if found else None
    if account:
        agreement = next(options[0] for begins, options in AGREEMENTS if account[1].startswith(begins))
        insert_extra(verden, "PE-13", verden.months[-1], found[0], account, found[1], verden.first - timedelta(2000), date(9999, 12, 31), agreement, "overenskomst", 37.0, 0)


def number(verden: Verden) -> None:
    """`pe.ansaettelse`: the employments with the numbers and words that the systems need, and what each weighs in the pay of its account."""
    verden.con.execute(f"""
        create table pe.ansaettelse as
        select
            r.*, o.niveau, o.nr as overenskomst_nr, o.titler[1 + cast({hashed(verden, 'r.nr', "'titel'")} % len(o.titler) as integer)] as titel,
            row_number() over (partition by r.kommunekode order by r.nr) as nr_i_kommune,
            row_number() over (partition by r.kommunekode, r.form = 'timeloen' order by r.nr) as nr_i_form,
            -- who has a day off to care or for age is drawn among those who can have it
            row_number() over (partition by r.kommunekode, r.alder >= 58 order by r.nr) as nr_i_alder,
            cast(r.kommunekode as integer) * 3 as institution,
            d.doedsdato
        from pe.raa as r
        inner join pe.overenskomst as o on r.overenskomst = o.overenskomst
        inner join verden.person as d on r.person_nr = d.person_nr
    """)
    verden.con.execute("""
        create table pe.cpr as
        select h.person_nr, h.cpr, h.gyldig_fra, h.gyldig_til
        from verden.cpr_historik as h
        where h.person_nr in (select person_nr from pe.ansaettelse)
    """)
    verden.con.execute("drop table pe.voksen")


def units(verden: Verden) -> None:
    """`pe.enhed`: the tree of three levels. Beside those that somebody works in, one that closes, one that closes later and one that opens."""
    con = verden.con
    con.execute("create table pe.top (forvaltning integer, navn varchar)")
    con.executemany("insert into pe.top values (?, ?)", list(enumerate(TOPS, 1)))
    last = verden.months[-1]
    second = verden.months[min(1, len(verden.months) - 1)]
    special = rows([(900, f"{date(2015, 1, 1)}", f"{second + timedelta(14)}", "lukket"), (901, f"{date(2019, 8, 1)}", f"{next_month(last)}", "under afvikling"),
                    (902, f"{verden.change + timedelta(9)}", "9999-12-31", "ny")])
    con.execute(f"""
        create table pe.enhed as
        with blade as (
            select kommunekode, hovedfunktion, enhed from pe.plads
            union
            -- who is there for a fault alone is in the first unit of the account's
            select kommunekode, hovedfunktion, enhed from pe.raa where plads = 0
        ),
        afdelinger as (
            select b.kommunekode, b.hovedfunktion, coalesce(a.forvaltning, {len(TOPS)}) as forvaltning, coalesce(a.navn, 'Øvrige opgaver') as navn, count(*) as enheder
            from blade as b
            left join pe.afdeling as a on b.hovedfunktion = a.hovedfunktion
            group by all
        ),
        stoerst as (
            select * from afdelinger qualify row_number() over (partition by kommunekode order by enheder desc, hovedfunktion) = 1
        ),
        alle as (
            select
                a.kommunekode, 1 as niveau, 'F' || a.forvaltning as noegle, cast(null as varchar) as over_noegle, any_value(t.navn) as navn,
                date '1900-01-01' as fra, {OPEN} as til
            from afdelinger as a
            inner join pe.top as t on a.forvaltning = t.forvaltning
            group by a.kommunekode, a.forvaltning
            union all
            select kommunekode, 2, 'A' || hovedfunktion, 'F' || forvaltning, navn, date '1900-01-01', {OPEN} from afdelinger
            union all
            select b.kommunekode, 3, 'E' || b.hovedfunktion || '.' || b.enhed, 'A' || b.hovedfunktion, a.navn || ', enhed ' || (b.enhed + 1), date '2007-01-01', {OPEN}
            from blade as b
            inner join afdelinger as a on b.kommunekode = a.kommunekode and b.hovedfunktion = a.hovedfunktion
            union all
            select s.kommunekode, 3, 'E' || s.hovedfunktion || '.' || p.nr || 'x', 'A' || s.hovedfunktion, s.navn || ', enhed ' || p.ord, cast(p.fra as date), cast(p.til as date)
            from stoerst as s
            cross join (values {special}) as p (nr, fra, til, ord)
        )
        select *, row_number() over (partition by kommunekode order by niveau, noegle) as nr from alle
    """)


def long_absences(verden: Verden) -> None:
    """`pe.lang`: absence over several months, at most one to an employment, none beside a second employment (the same person would be away twice).

    The starts of a kind are spread evenly over time in each municipality, so that no month happens to be without one where there use to be many.
    """
    days = (verden.end - verden.first).days
    kinds, low = [], 0.0
    for cause, share, shortest, longest, whom in LONG:
        # who is away in the first month began up to the longest time before
        high = low + share * (days + longest) / ((shortest + longest) / 2)
        kinds.append((cause, low, high, shortest, longest, whom))
        low = high
    # in a very long demo the kinds would fill more than everybody
    scale = min(1.0, 0.9 / low)
    whom = " ".join(f"when u >= {a * scale!r} and u < {b * scale!r} and {who} then {n}" for n, (_, a, b, _, _, who) in enumerate(kinds))
    values = rows([(n, cause, shortest, longest) for n, (cause, _, _, shortest, longest, _) in enumerate(kinds)])
    verden.con.execute(f"""
        create table pe.lang as
        with trukket as (
            select *, {verden.chance("'pe'", 'nr', "'lang'")} as u
            from pe.ansaettelse
            where bijob = 0 and form not in ('timeloen', 'honorar') and fejl is null and not er_ikke_i_loen
        ),
        slags as (
            select *, case when er_paa_orlov then 2 {whom} end as art from trukket
        ),
        talt as (
            select *, row_number() over (partition by kommunekode, art order by nr) as plads_i_art from slags where art is not null
        ),
        datoer as (
            select
                t.nr, t.fra as ansat, t.til as fratraadt, a.aarsag, t.er_paa_orlov,
                date '{verden.first}' - a.laengst + cast(floor(
                    ((t.plads_i_art * 0.6180339887::double + {verden.chance("'pe'", 't.kommunekode', 't.art')}) % 1.0) * ({days} + a.laengst)
                ) as integer) as start,
                a.kortest + cast({hashed(verden, 't.nr', "'varighed'")} % (a.laengst - a.kortest + 1) as integer) as dage
            from talt as t
            inner join (values {values}) as a (art, aarsag, kortest, laengst) on t.art = a.art
        ),
        hele as (
            select
                nr, ansat, fratraadt, aarsag,
                case when er_paa_orlov then date '{verden.first}' - 200 else start end as fra,
                least(fratraadt, case when er_paa_orlov then date '{verden.end}' + 100 else start + dage end) as til
            from datoer
        )
        select nr, aarsag, fra, til, aarsag = 'nedsat_tjeneste' as er_delvis
        from hele
        where fra >= ansat and til > fra and til > date '{verden.first}'
    """)


def deliveries(verden: Verden) -> None:
    """`pe.levering`: each delivery there will be: drawn on the fifth, arrived the morning after. One middle month comes twice: first with half the pay lines, then right."""
    verden.con.execute(f"""
        create table pe.levering as
        with omleveret as (
            select kommunekode from pe.system where kildesystem = '{RESENT}' and not uden_fejl order by kommunekode desc limit 1
        )
        select
            s.kommunekode, s.kildesystem, s.instrueret, m.periode, g.gang, g.gang = 0 and o.kommunekode is not null and m.periode = date '{verden.change}' as forkert,
            cast(m.periode + interval 1 month as date) + 4 + g.gang * 10 as udtrukket,
            cast(udtrukket + 1 as timestamp) + interval 5 hour as mtime
        from pe.system as s
        inner join pe.maaned as m on m.periode >= s.gyldig_fra and m.periode < s.gyldig_til
        left join omleveret as o on s.kommunekode = o.kommunekode
        cross join (values (0), (1)) as g (gang)
        where g.gang = 0 or (o.kommunekode is not null and m.periode = date '{verden.change}')
        order by s.kommunekode, m.periode, g.gang
    """)


def month_employments(verden: Verden, month: date) -> None:
    """`pe.m_ans`: the employments that the files of the month know, as they stand at the month's end, in the system's own numbers."""
    con, end = verden.con, next_month(month)
    later = next_month(end)
    u = verden.chance("'pe'", "a.nr", f"'{month}'", "'timer'")
    con.execute(f"""
        create or replace table pe.m_ans as
        with raekker as (
            select
                a.*, s.kildesystem, s.instrueret, case when a.fejl_maaned = date '{month}' then a.fejl end as fejl_nu,
                -- an end is known a month ahead
                case when a.til <= date '{later}' then a.til else {OPEN} end as vist_til,
                a.form = 'timeloen' as er_timeloennet,
                case
                    when a.form <> 'timeloen' then null
                    when a.fejl = 'PE-06' then 160.33
                    else cast(greatest(5.0, round((5 + 115 * {u}) * a.del * 4) / 4) as decimal(9, 2))
                end as timer_maaned
            from pe.ansaettelse as a
            inner join pe.system as s on a.kommunekode = s.kommunekode and s.gyldig_fra <= date '{month}' and s.gyldig_til > date '{month}'
            where case when a.fejl in {ONLY_IN_MONTH} then a.fejl_maaned = date '{month}' else a.fra < date '{end}' and a.til > date '{month}' end
        ),
        grader as (
            select
                * replace (case when fejl_nu = 'PE-04' then 44.0 else timer_uge end as timer_uge),
                cast(round(case when er_timeloennet then timer_maaned / 160.33 when fejl_nu = 'PE-04' then 44 / 37.0 else timer_uge / 37.0 end, 4) as decimal(9, 4)) as grad
            from raekker
        ),
        orlov as (
            select
                g.*, l.aarsag as lang_aarsag, l.fra as lang_fra, l.til as lang_til,
                coalesce(l.aarsag in ('1400', 'orlov_uden_loen') and l.fra < date '{end}' and l.til >= date '{end}', false) as er_orlov,
                greatest(0, date_diff('day', greatest(g.fra, date '{month}'), least(g.til, date '{end}'))) - case
                    when l.aarsag = 'orlov_uden_loen' then greatest(0, date_diff('day', greatest(l.fra, date '{month}'), least(l.til, date '{end}'))) else 0
                end as dage
            from grader as g
            left join pe.lang as l on g.nr = l.nr
        )
        select
            o.*,
            case when o.fejl_nu = 'PE-17' then '99' || substr(h.cpr, 3) else h.cpr end as cpr,
            case o.kildesystem
                when 'kmd_opus_loen' then '00' || (400000 + o.nr_i_kommune)
                when 'koebenhavn_loen' then '3' || (400000 + o.nr_i_kommune)
                else {sd_institution('o.institution + ' + SD_SERIES)} || '-' || {SD_NUMBER}
            end as ansaettelse_id,
            ansaettelse_id || '-{month:%Y%m}' as kilde_id,
            case
                when o.kildesystem = 'kmd_opus_loen' then case when o.vist_til < date '{end}' then 'fratraadt' else 'i_loen' end
                when o.vist_til <= date '{end}' then 'fratraadt'
                when o.er_ikke_i_loen then 'ikke_i_loen'
                when o.er_orlov then 'orlov'
                else 'i_loen'
            end as status,
            e.nr as enhed_nr, e.niveau as enhed_niveau,
            -- a whole number, so that the shares do not depend on the order they are added in
            case
                when o.er_ikke_i_loen or o.dage = 0 or o.fejl in {UNPAID} or o.fra >= date '{month}' + {LATE_IN_MONTH} then 0
                else greatest(1, cast(round(cast(o.grad as double) * o.niveau * (85 + cast({hashed(verden, 'o.nr', "'tillaeg'")} % 31 as integer)) * o.dage / {(end - month).days}) as bigint))
            end as vaegt,
            coalesce(o.fejl in {HIDDEN}, false) as skjult
        from orlov as o
        inner join pe.cpr as h on o.person_nr = h.person_nr and h.gyldig_fra < date '{end}' and h.gyldig_til >= date '{end}'
        left join pe.enhed as e on o.kommunekode = e.kommunekode and 'E' || o.hovedfunktion || '.' || o.enhed = e.noegle
    """)


# SD Løn: an employment's number has five digits in its institution; from 90000 on they are paid by the hour.
SD_SERIES = "case when o.er_timeloennet then (o.nr_i_form - 1) // 9000 else (o.nr_i_form - 1) // 79000 end"
SD_NUMBER = "case when o.er_timeloennet then 90000 + (o.nr_i_form - 1) % 9000 else 10000 + (o.nr_i_form - 1) % 79000 end"


def sd_institution(number: str) -> str:
    """SQL: two letters."""
    return f"(chr(cast(65 + ({number}) // 26 % 26 as integer)) || chr(cast(65 + ({number}) % 26 as integer)))"


def month_absence(verden: Verden, month: date) -> None:
    """`pe.m_frav`: absence in the month: the long ones, the short ones that begin in it, the holiday that began before, and what is planted.

    Short absences are put into weeks of their own, counted from the first Monday, so that those of one employment never overlap: own sickness in one, the rest
    in the next. Who has a child or an accident goes by number, so that a cause does not fall out of a month by chance.
    """
    con, end = verden.con, next_month(month)
    before = verden.months.index(month)
    con.execute("create or replace table pe.m_frav (nr bigint, loebe integer, aarsag varchar, fra date, til date, er_delvis boolean, timer decimal(9, 2), fejl varchar)")
    con.execute(f"""
        insert into pe.m_frav
        select nr, 998, aarsag, fra, til, er_delvis, null, null from pe.lang where fra < date '{end}' and til > date '{month}'
        union all
        select nr, loebe, aarsag, fra, til, er_delvis, case when fejl_maaned = date '{month}' then timer end, case when fejl_maaned = date '{month}' then fejl end
        from pe.plantet
        where fra < date '{end}' and til > date '{month}'
    """)
    monday = month + timedelta(days=(7 - month.weekday()) % 7)
    # July and December have the holiday in the last weeks
    weeks = 1 if month.month in (7, 12) else 3
    in_month = f"'{month}'"
    week = f"{hashed(verden, 'nr', in_month, repr('uge'))} % {weeks}"
    week_a = f"date '{monday}' + cast({week} as integer) * 7"
    week_b = f"date '{monday}' + cast(({week} + 1) % 3 as integer) * 7"
    turn = month.year * 12 + month.month

    def length(most: int) -> str:
        return f"1 + cast({hashed(verden, 'nr', in_month, repr('dage'))} % {most} as integer)"

    # cause, number, who, first day, days
    kinds = [
        ("'1100'", 0, f"{verden.chance(repr('pe'), 'nr', in_month, repr('syg'))} < 0.33", f"{week_a} + cast(nr % 2 as integer)", length(4)),
        ("'1200'", 1, f"(plads_i_kommune + {turn * 7}) % 33 = 0", week_b, length(2)),
        ("'1300'", 2, f"(plads_i_kommune + {turn * 11}) % 333 = 0", f"{week_b} + 2", length(2)),
        ("case when alder >= 58 then 'seniordage' else 'omsorgsdage' end", 3, f"(nr_i_alder + {turn * 13}) % 83 = 0", f"{week_b} + 4", "1"),
    ]
    if month.month == 7:
        kinds.append(("'ferie'", 4, "plads_i_kommune % 5 < 3", f"date '{monday + timedelta(14)}'", str(min(12, (end - monday).days - 14))))
    short = " union all ".join(
        f"select nr, {(before + 1) * 5 + number} as loebe, {cause} as aarsag, {start} as fra, {start} + {days} as til from mulige where {who}" for cause, number, who, start, days in kinds
    )
    # the holiday of December goes into January for some
    for december in [m for m in (month, month - timedelta(days=1)) if m.month == 12]:
        year = date(december.year, 12, 1)
        monday = year + timedelta(days=(7 - year.weekday()) % 7)
        new_year = date(year.year + 1, 1, 1)
        back = new_year + timedelta(days=(7 - new_year.weekday()) % 7)
        number = (before + 1 - (month != year)) * 5 + 4
        short += f"""
            union all
            select nr, {number}, 'ferie', date '{monday + timedelta(14)}', case when plads_i_kommune % 2 = 0 then date '{back}' else date '{monday + timedelta(26)}' end
            from mulige
            where plads_i_kommune % 10 in (1, 4, 8)
        """
    con.execute(f"""
        insert into pe.m_frav
        with mulige as (
            select * from pe.m_ans where fejl is null and bijob = 0 and form <> 'honorar' and not er_ikke_i_loen
        ),
        korte as (
            {short}
        )
        select
            k.nr, k.loebe, k.aarsag, k.fra, k.til, k.aarsag = '1100' and {hashed(verden, 'k.nr', in_month, repr('delvis'))} % 100 < 3, null, null
        from korte as k
        inner join pe.m_ans as a on k.nr = a.nr
        where k.fra >= a.fra and k.til <= a.til and k.til > date '{month}' and not coalesce(a.lang_fra < k.til and a.lang_til > k.fra, false)
    """)
    con.execute(f"""
        insert into pe.syge
        select u.kommunekode, date '{month}', count(f.nr) filter (where f.aarsag = '1100')
        from pe.uden_fravaer as u
        left join pe.m_ans as a on u.kommunekode = a.kommunekode
        left join pe.m_frav as f on a.nr = f.nr
        where u.slags = 'uden_1100'
        group by u.kommunekode
    """)
    if month == verden.months[-1]:
        call_off(verden)
        con.execute("""
            delete from pe.m_frav as f
            using pe.m_ans as a, pe.uden_fravaer as u
            where f.nr = a.nr and a.kommunekode = u.kommunekode and (u.slags <> 'uden_1100' or f.aarsag = '1100')
        """)
