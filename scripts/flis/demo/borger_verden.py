"""Borger's world: who lives where, and what happens to them, as spells (status, address, civil status, citizenship)."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

from flis.demo.opsaetning import CPR_IN_OWN
from flis.demo.verden import Verden

OPEN_END = "date '9999-12-31'"
QUANTILES = 10000
PIECE = 400_000               # persons at a time

# Persons per single year of age at a few ages, in thousands, straight lines between [general knowledge, about 2024].
PYRAMID = [(0, 59), (5, 63), (10, 63), (15, 70), (20, 71), (25, 78), (30, 79), (35, 73), (40, 66), (45, 70), (50, 78), (55, 82), (60, 78), (65, 69),
           (70, 64), (75, 61), (80, 43), (85, 24), (90, 11), (95, 3), (100, 0.6), (105, 0)]

# Foreign citizenships with shares of all foreigners and shares of immigrants [general knowledge]: the register's country code.
CITIZENSHIPS = [("5154", 12), ("5158", 10), ("5704", 9), ("5180", 7), ("5172", 6), ("5486", 7), ("5110", 4), ("5120", 4), ("5432", 6), ("5170", 4),
                ("5150", 3), ("5130", 3), ("5164", 3), ("5128", 3), ("5390", 3), ("5436", 2), ("5434", 2), ("5448", 3), ("5140", 2), ("5106", 2), ("5103", 2), ("5999", 1)]

# Places in a large municipality kept for what must be there however small the demo: ordinary rarities, and known faults.
FORCED = {0: "forsvundet", 1: "status20", 2: "groenland", 3: "cprskift", 4: "land", 5: "fejlmelding", 6: "flyt", 7: "udrejse", 8: "civil"}
FORMER_NUMBER, BOGUS_IN_FIRST_TRY = 10, 11
FAULTS = {12: "BO-09", 13: "BO-09b", 14: "BO-10", 15: "BO-11", 20: "BO-01", 21: "BO-02", 22: "BO-03", 23: "BO-03b", 24: "BO-04", 25: "BO-05", 26: "BO-07"}
# BO-12, in the smallest of the large municipalities: so many emigrants, from this place on, that the register never reports leaving. More than one in
# ten thousand of the population, whatever the scale.
SILENT_FROM, SILENT_MOST, SILENT_SHARE = 27, 13, 0.00012
# BO-13: so many of the largest municipality's residents are registered in the smallest of the large ones for a month.
SWING_FROM, SWING_LEAST, SWING_SHARE = 40, 15, 0.03


def build(verden: Verden) -> None:
    """The whole population with everything that happens to it, and the tables that the other areas build on."""
    con = verden.con
    con.execute("create schema borger")
    con.execute(f"set variable alder = {ages()}")
    con.execute(f"set variable land = {weighted(CITIZENSHIPS)}")
    build_population(verden)
    build_events(verden)
    build_spells(verden)
    build_newcomers(verden)
    build_numbers(verden)
    build_shared_tables(verden)


def ages() -> list[int]:
    """Ages by quantile of the pyramid: the value at place i is the age below which about i/QUANTILES of the population is."""
    weights = []
    for (low, w1), (high, w2) in pairwise(PYRAMID):
        weights += [w1 + (w2 - w1) * (age - low) / (high - low) for age in range(low, high)]
    total, cumulated, out = sum(weights), 0.0, []
    for age, weight in enumerate(weights):
        cumulated += weight
        out += [age] * (round(cumulated / total * QUANTILES) - len(out))
    return out


def weighted(pairs: list[tuple[str, int]]) -> list[str]:
    """Each value as many times as its weight."""
    return [value for value, weight in pairs for _ in range(weight)]


def eve(verden: Verden) -> date:
    """The production date of the full extract: the day before the first period."""
    return verden.first - timedelta(days=1)


def pieces(verden: Verden) -> list[str]:
    """Conditions that cut the persons in pieces: what is computed per person by windows is done a piece at a time, so memory does not grow."""
    last = verden.con.execute("select max(person_nr) from borger.alle").fetchone()[0]
    return [f"person_nr between {low} and {low + PIECE - 1}" for low in range(0, last + 1, PIECE)]


def fill(verden: Verden, table: str, sql: str) -> None:
    """Create `table` from a query with `{piece}` in it, a piece of the persons at a time."""
    for number, piece in enumerate(pieces(verden)):
        verden.con.execute(f"{'insert into' if number else 'create table'} {table} {'' if number else 'as '}{sql.replace('{piece}', piece)}")


def fault(verden: Verden, name: str) -> str:
    """SQL that is true for the persons kept for one kind of fault; false everywhere in a demo without faults."""
    if not verden.faults:
        return "false"
    return f"(g.stor and g.idx = {next(i for i, n in FAULTS.items() if n == name)})"


def swing_days(verden: Verden) -> list[date]:
    """When the many are registered elsewhere by mistake, and when they are put back; in a demo of one or two months they are not."""
    months = verden.months
    return [months[min(1, len(months) - 1)] + timedelta(9)] + ([months[2] + timedelta(9)] if len(months) > 2 else [])


def build_population(verden: Verden) -> None:
    """`borger.grund`: everyone the full extract knows, a row per person with the state on the eve of the first period."""
    con, day0 = verden.con, f"date '{eve(verden)}'"

    def u(*keys: str) -> str:
        return verden.chance("'borger'", "person_nr", *(f"'{k}'" for k in keys))

    con.execute(f"""
        create table borger.kommune as
        with antal as (
            select kommunekode, greatest(cast(round(folketal * {verden.scale}) as bigint), 1) as antal from verden.kommune
        ),
        talt as (
            select
                *,
                antal + cast(ceil(antal * 0.02) as bigint) as med_andre,
                row_number() over (order by antal desc, kommunekode) as nr
            from antal
        )
        select
            kommunekode, antal, med_andre,
            nr <= 10 and kommunekode <> '{CPR_IN_OWN}' and (antal >= 60 or nr = 1) as stor,
            coalesce(sum(antal) over (order by kommunekode rows between unbounded preceding and 1 preceding), 0) / sum(antal) over () as andel_fra,
            cast(coalesce(sum(med_andre) over (order by kommunekode rows between unbounded preceding and 1 preceding), 0) as bigint) as foer
        from talt
        order by kommunekode
    """)
    # The large municipalities in order of size: the faults that are planted once only are spread over them.
    con.execute("create table borger.stor as select kommunekode, antal, row_number() over (order by antal desc, kommunekode) as nr from borger.kommune where stor")
    con.execute(f"""
        create table borger.udpeget as
        select
            (select kommunekode from borger.stor order by nr desc limit 1) as mindste,
            (select kommunekode from borger.stor where nr = 1) as stoerste,
            (select least({SILENT_MOST}, cast(ceil(antal * {SILENT_SHARE}) as bigint)) from borger.stor order by nr desc limit 1) as tavse,
            (select case when max(nr) > 1 then greatest({SWING_LEAST}, cast(ceil(min(antal) * {SWING_SHARE}) as bigint)) else 0 end from borger.stor) as masse
    """)
    con.execute(f"""
        create table borger.grund as
        with raekker as (
            select foer + idx as person_nr, kommunekode, idx, stor, idx < antal as er_bosat
            from (select *, unnest(range(med_andre)) as idx from borger.kommune)
        ),
        aldre as (
            select
                *,
                case
                    when {fault(verden, 'BO-11')} then 10
                    when stor and idx < 40 then 25 + cast(idx as integer)
                    else getvariable('alder')[1 + cast(floor({u('alder')} * {QUANTILES}) as integer)]
                end as alder
            from raekker as g
        ),
        koen as (
            select
                *,
                case
                    when {u('koen')} < case when alder < 50 then 0.508 when alder < 65 then 0.5 when alder < 75 then 0.48 when alder < 85 then 0.44
                        when alder < 95 then 0.33 else 0.2 end then 'M' else 'K'
                end as nummer_koen,
                cast({day0} - to_years(alder) as date) - cast(floor({u('dag')} * 365) as integer) as raa_dato
            from aldre
        ),
        foedt as (
            select * exclude (raa_dato), case when month(raa_dato) = 1 and day(raa_dato) = 1 then raa_dato + 1 else raa_dato end as foedselsdato
            from koen
        ),
        tilstand as (
            select
                *,
                case
                    when er_bosat then case when {u('03')} < 0.002 then '03' else '01' end
                    when {u('status')} < 0.6 then '80' when {u('status')} < 0.95 then '90' else '70'
                end as status,
                case
                    when stor and idx in (4) then '5154'
                    when stor and idx < 40 then '5100'
                    when {u('land')} < case when alder < 20 then 0.10 when alder < 45 then 0.19 when alder < 65 then 0.07 else 0.025 end
                        then getvariable('land')[1 + cast(floor({u('hvilket')} * len(getvariable('land'))) as integer)]
                    else '5100'
                end as land,
                case
                    when alder < 18 then 'U'
                    when {u('civil')} < case when alder < 25 then 0.03 when alder < 30 then 0.18 when alder < 40 then 0.45 when alder < 80 then 0.57 else 0.40 end
                        then case when {u('partner')} < 0.004 then 'P' else 'G' end
                    when {u('civil')} > 1 - case when alder < 30 then 0.005 when alder < 40 then 0.06 when alder < 80 then 0.17 else 0.10 end
                        then case when {u('partner')} < 0.004 then 'O' else 'F' end
                    when {u('civil')} > 0.83 - case when alder < 50 then 0 when alder < 60 then 0.02 when alder < 70 then 0.06 when alder < 80 then 0.18 else 0.40 end
                        and alder >= 50 then case when {u('partner')} < 0.004 then 'L' else 'E' end
                    else 'U'
                end as civil
            from foedt
        ),
        datoer as (
            select
                *,
                cast(date_diff('day', foedselsdato, {day0}) as double) as dage,
                case when land = '5100' and status in ('01', '03') then foedselsdato end as fra_foedsel
            from tilstand
        ),
        statusdato as (
            select
                *,
                coalesce(fra_foedsel, {day0} - cast(floor(least(dage * 0.9, 5000) * {u('statusdato')}) as integer)) as status_dato
            from datoer
        )
        select
            g.person_nr, g.kommunekode, g.idx, g.stor, g.er_bosat, g.nummer_koen, g.foedselsdato, g.alder, g.status, g.status_dato, g.land, g.civil,
            case when {fault(verden, 'BO-02')} then case g.nummer_koen when 'M' then 'K' else 'M' end else g.nummer_koen end as koen,
            g.foedselsdato as land_dato,
            case
                when g.civil = 'U' then g.foedselsdato
                else {day0} - cast(floor((dage - 18 * 365.25) * {u('civildato')} * {u('civildato2')}) as integer)
            end as civil_dato,
            -- an uncertain day: the register writes 00, which is read as the first of the month
            case
                when {u('uvis')} < 0.004 then cast(date_trunc('month', adr) as date) else adr
            end as adresse_dato,
            {u('uvis')} < 0.004 as uvis_dag,
            {u('ukendt')} < 0.003 and g.civil = 'U' as ukendt_dato,
            {u('beskyttet')} < 0.012 as beskyttet,
            {str(verden.faults).lower()} and coalesce(g.kommunekode = p.mindste and g.idx between {SILENT_FROM} and {SILENT_FROM} + p.tavse - 1, false) as er_tavs,
            {str(verden.faults).lower()} and coalesce(g.er_bosat and g.kommunekode = p.stoerste and g.idx between {SWING_FROM} and {SWING_FROM} + p.masse - 1, false) as er_masse
        from (
            select *, greatest(status_dato, {day0} - cast(floor(-ln(1 - {u('adresse')}) * 2200) as integer)) as adr from statusdato
        ) as g
        cross join borger.udpeget as p
        order by g.person_nr
    """)


def build_events(verden: Verden) -> None:
    """`borger.haendelse`: at most one thing per person and month, and what cannot be (after a death, while away) taken out."""
    con = verden.con
    months = ", ".join(f"date '{m}'" for m in verden.months)
    forced = ", ".join(f"({i}, '{kind}')" for i, kind in FORCED.items())
    faults = "(25, 'doed')" if verden.faults else "(-1, '')"

    def u(*keys: str) -> str:
        return verden.chance("'borger'", "person_nr", "maaned", *(f"'{k}'" for k in keys))

    con.execute(f"""
        create table borger.kandidat as
        with maaneder as (
            select unnest([{months}]) as maaned
        ),
        tvungne as (
            select * from (values {forced}, {faults}) as t (idx, art)
        ),
        trukket as (
            select g.*, m.maaned, {u('hvad')} as u
            from borger.grund as g
            cross join maaneder as m
            where not (g.stor and g.idx < 40) and not g.er_masse
        ),
        chancer as (
            select
                *,
                case when alder < 40 then 0.0006 when alder < 50 then 0.0018 when alder < 60 then 0.004 when alder < 70 then 0.010
                    when alder < 80 then 0.026 when alder < 90 then 0.085 else 0.24 end / 12 as p_doed,
                case when koen = 'K' and alder between 20 and 41 then 0.071 else 0 end / 12 as p_foeder,
                0.0130 / 12 as p_tilrejse,
                case when alder between 18 and 40 then 0.018 else 0.005 end * case when land = '5100' then 0.6 else 3 end / 12 as p_udrejse,
                case when alder < 17 then 0.13 when alder < 30 then 0.40 when alder < 40 then 0.20 when alder < 60 then 0.08 else 0.05 end / 12 as p_flyt,
                case when alder < 18 then 0 when civil in ('G', 'P') then 0.014 when alder between 25 and 60 then 0.03 else 0.002 end / 12 as p_civil,
                case when land <> '5100' and alder >= 18 then 0.02 else 0 end / 12 as p_land
            from trukket
        ),
        valgt as (
            select
                person_nr, kommunekode, maaned, stor, idx, civil, land,
                case
                    when not er_bosat then case when status = '80' and u < 0.008 then 'hjem' end
                    when u < p_doed then 'doed'
                    when u < p_doed + p_foeder then 'foeder'
                    when u < p_doed + p_foeder + p_tilrejse then 'tilrejse'
                    when u < p_doed + p_foeder + p_tilrejse + p_udrejse then 'udrejse'
                    when u < p_doed + p_foeder + p_tilrejse + p_udrejse + p_flyt then 'flyt'
                    when u < p_doed + p_foeder + p_tilrejse + p_udrejse + p_flyt + p_civil then 'civil'
                    when u < p_doed + p_foeder + p_tilrejse + p_udrejse + p_flyt + p_civil + p_land then 'land'
                    when u > 1 - 0.00003 then 'forsvundet'
                    when u > 1 - 0.00004 then 'status20'
                    when u > 1 - 0.00008 then 'groenland'
                    when u > 1 - 0.00009 then 'cprskift'
                    when u > 1 - 0.00020 then 'fejlmelding'
                end as art
            from chancer
            union all
            select g.person_nr, g.kommunekode, date '{verden.first}' as maaned, g.stor, g.idx, g.civil, g.land, t.art
            from borger.grund as g
            inner join tvungne as t on g.idx = t.idx
            where g.stor and g.er_bosat
            union all
            select person_nr, kommunekode, date '{verden.first}', stor, idx, civil, land, 'udrejse' from borger.grund where er_tavs
        )
        select
            *,
            maaned + cast(floor({u('dag')} * day(last_day(maaned))) as integer) as dato
        from valgt
        where art is not null
        qualify art <> 'hjem' or row_number() over (partition by person_nr, art order by maaned) = 1
    """)
    con.execute(f"""
        create table borger.haendelse as
        with fravaer as (
            select
                *,
                case
                    when art in ('udrejse', 'groenland', 'forsvundet', 'status20') then case
                        when stor and idx < 40 then dato + 35
                        when {u('retur')} < case art when 'udrejse' then 0.35 when 'groenland' then 0.5 when 'forsvundet' then 0.6 else 0.7 end
                            then dato + 40 + cast(floor({u('hvornaar')} * 300) as integer)
                        else {OPEN_END}
                    end
                    when art = 'doed' then {OPEN_END}
                end as vaek_til
            from borger.kandidat
        ),
        tidligere as (
            select
                *,
                max(vaek_til) over (partition by person_nr order by dato rows between unbounded preceding and 1 preceding) as stadig_vaek_til
            from fravaer
        ),
        beholdt as (
            select * from tidligere where stadig_vaek_til is null or dato > stadig_vaek_til
        ),
        returer as (
            select * replace (vaek_til as dato, 'retur' as art), art as efter from beholdt where vaek_til < date '{verden.end}' and art <> 'doed'
        ),
        alle as (
            select *, cast(null as varchar) as efter from beholdt
            union all
            select * from returer
        ),
        maal as (
            select
                a.person_nr, a.kommunekode, a.dato, a.art, a.efter, a.civil, a.land, a.stor and a.idx < 40 as tvungen,
                {verden.chance("'borger'", 'a.person_nr', 'a.dato', "'inden for'")} < 0.58 as samme_kommune,
                {verden.chance("'borger'", 'a.person_nr', 'a.dato', "'hvorhen'")} as hvorhen
            from alle as a
        )
        select
            m.* exclude (hvorhen),
            k.kommunekode as maal_kommunekode,
            count(*) over (partition by m.person_nr) as antal_for_person
        from maal as m
        asof join borger.kommune as k on m.hvorhen >= k.andel_fra
        order by m.person_nr, m.dato
    """)


def build_spells(verden: Verden) -> None:
    """What is so from when, for those the full extract knows: status, address, civil status, citizenship."""
    con = verden.con
    con.execute(f"""
        create table borger.status as
        select
            g.person_nr, case when {fault(verden, 'BO-03b')} then '??' else g.status end as status,
            case when {fault(verden, 'BO-03b')} then date '1900-01-01' else g.status_dato end as fra, true as fra_start
        from borger.grund as g
        union all
        select
            person_nr,
            case art when 'doed' then '90' when 'udrejse' then '80' when 'groenland' then '05' when 'forsvundet' then '70' when 'status20' then '20' else '01' end,
            dato,
            false
        from borger.haendelse
        where art in ('doed', 'udrejse', 'groenland', 'forsvundet', 'status20', 'retur', 'hjem')
    """)
    # A move within the municipality keeps the code of the address before it, so the moves are chained.
    con.execute(f"""
        create table borger.adresse as
        with flytninger as (
            select person_nr, adresse_dato as fra, kommunekode, false as samme_kommune, uvis_dag, true as fra_start from borger.grund where er_bosat
            union all
            select person_nr, dato, maal_kommunekode, samme_kommune and art <> 'hjem', false, false
            from borger.haendelse
            where art in ('flyt', 'hjem') or (art = 'retur' and efter in ('udrejse', 'groenland'))
            union all
            select g.person_nr, date '{verden.first}' + 12, '0998', false, false, false from borger.grund as g where {fault(verden, 'BO-04')}
            union all
            -- a move within the municipality, reported together with one to another municipality on the same day
            select g.person_nr, date '{verden.first}' + 14, g.kommunekode, true, false, false from borger.grund as g where {fault(verden, 'BO-10')}
            union all
            select g.person_nr, f.dag, case f.nr when 1 then p.mindste else p.stoerste end, false, false, false
            from borger.grund as g
            cross join borger.udpeget as p
            cross join (values {", ".join(f"({nr}, date '{day}')" for nr, day in enumerate(swing_days(verden), start=1))}) as f (nr, dag)
            where g.er_masse
        )
        select
            * exclude (kommunekode, samme_kommune),
            last_value(case when not samme_kommune then kommunekode end ignore nulls) over (partition by person_nr order by fra) as kommunekode
        from flytninger
    """)
    con.execute(f"""
        create table borger.civil as
        select person_nr, civil, civil_dato as fra, true as fra_start from borger.grund
        union all
        select
            person_nr,
            case
                when (row_number() over (partition by person_nr order by dato) % 2 = 1) = (civil in ('G', 'P'))
                    then case when {verden.chance("'borger'", 'person_nr', "'enke'")} < 0.2 then 'E' else 'F' end
                else 'G'
            end,
            dato,
            false
        from borger.haendelse
        where art = 'civil'
        union all
        select g.person_nr, 'X', date '{verden.first}' + 9, false from borger.grund as g where {fault(verden, 'BO-07')}
        union all
        select g.person_nr, 'G', date '{verden.first}' + 11, false from borger.grund as g where {fault(verden, 'BO-11')}
    """)
    con.execute("""
        create table borger.land as
        select person_nr, land, land_dato as fra, true as fra_start from borger.grund
        union all
        select person_nr, '5100', min(dato), false from borger.haendelse where art = 'land' group by person_nr
    """)


def build_newcomers(verden: Verden) -> None:
    """Children of resident mothers, and immigrants the register has not met before."""
    con = verden.con

    def u(*keys: str) -> str:
        return verden.chance("'borger'", "vaert", "dato", *(f"'{k}'" for k in keys))

    con.execute(f"""
        create table borger.ny as
        with antal as (
            select max(person_nr) + 1 as naeste from borger.grund
        ),
        ny as (
            select
                (select naeste from antal) + row_number() over (order by h.dato, h.person_nr) as person_nr,
                h.person_nr as vaert, h.dato, h.art, h.land as moders_land, a.kommunekode
            from borger.haendelse as h
            asof join (select * from borger.adresse where kommunekode <> '0998') as a on h.person_nr = a.person_nr and h.dato >= a.fra
            where h.art in ('foeder', 'tilrejse') and not (month(h.dato) = 1 and day(h.dato) = 1 and h.art = 'foeder')
        ),
        trukket as (
            select
                *,
                case when {u('koen')} < case art when 'foeder' then 0.514 else 0.53 end then 'M' else 'K' end as koen,
                case
                    when art = 'foeder' then 0
                    when {u('ung')} < 0.75 then 18 + cast(floor({u('alder')} * 20) as integer)
                    else getvariable('alder')[1 + cast(floor({u('alder')} * {QUANTILES}) as integer)] * 0.7
                end as alder,
                case
                    when art = 'foeder' then moders_land
                    when {u('dansk')} < 0.15 then '5100'
                    else getvariable('land')[1 + cast(floor({u('hvilket')} * len(getvariable('land'))) as integer)]
                end as land
            from ny
        ),
        datoer as (
            select
                *,
                case when art = 'foeder' then dato else cast(dato - to_years(cast(alder as integer)) as date) - cast(floor({u('dag')} * 365) as integer) - 1 end as raa_dato
            from trukket
        )
        select
            person_nr, dato, art, koen, land, kommunekode,
            case when month(raa_dato) = 1 and day(raa_dato) = 1 then raa_dato + 1 else raa_dato end as foedselsdato,
            case when alder >= 25 and {u('gift')} < 0.4 then 'G' else 'U' end as civil,
            case
                when art = 'tilrejse' and {u('kort')} < 0.12 and dato + 60 + cast(floor({u('laenge')} * 200) as integer) < date '{verden.end}'
                    then dato + 60 + cast(floor({u('laenge')} * 200) as integer)
            end as udrejst
        from datoer
        order by person_nr
    """)
    con.execute("insert into borger.status select person_nr, '01', dato, false from borger.ny")
    con.execute("insert into borger.status select person_nr, '80', udrejst, false from borger.ny where udrejst is not null")
    con.execute("insert into borger.adresse by name select person_nr, dato as fra, false as uvis_dag, false as fra_start, kommunekode from borger.ny")
    con.execute("insert into borger.civil select person_nr, civil, foedselsdato, false from borger.ny")
    con.execute("insert into borger.land select person_nr, land, foedselsdato, false from borger.ny")


def build_numbers(verden: Verden) -> None:
    """`borger.nummer`: every number every person has had.

    Numbers are dealt within a birth date and sex. The first nine digits decide which last digit would pass modulus 11, so of the five digits
    of the right parity that one is left out (or the last of them, where none would pass): four are dealt, and all fail.
    """
    con = verden.con
    con.execute(f"""
        create table borger.nummer as
        with behov as (
            select
                g.person_nr, 0 as omgang, g.foedselsdato, g.nummer_koen, cast(null as date) as skiftet
            from borger.grund as g
            union all
            select person_nr, 0, foedselsdato, koen, null from borger.ny
            union all
            -- the later number of those who change it
            select h.person_nr, 1, g.foedselsdato, g.nummer_koen, min(h.dato)
            from borger.haendelse as h
            inner join borger.grund as g on h.person_nr = g.person_nr
            where h.art = 'cprskift'
            group by all
            union all
            -- and of those who had changed it before the full extract
            select g.person_nr, 1, g.foedselsdato, g.nummer_koen, date '{eve(verden)}' - 400
            from borger.grund as g
            where g.stor and g.idx = {FORMER_NUMBER}
        ),
        nummereret as (
            select *, row_number() over (partition by foedselsdato, nummer_koen order by person_nr, omgang) - 1 as k from behov
        ),
        serie as (
            select
                *,
                case
                    when year(foedselsdato) < 1937 then ['0', '1', '2', '3']
                    when year(foedselsdato) < 2000 then ['0', '1', '2', '3', '4', '9']
                    else ['4', '5', '6', '7', '8', '9']
                end as cifre
            from nummereret
        ),
        ni as (
            select
                *,
                strftime(foedselsdato, '%d%m%y')
                || cifre[1 + cast(((k // 4) * 259 + hash(foedselsdato) % 1000) % (len(cifre) * 100) // 100 as integer)]
                || lpad(cast(((k // 4) * 259 + hash(foedselsdato) % 1000) % 100 as varchar), 2, '0') as ni
            from serie
        ),
        sidste as (
            select
                *,
                (11 - list_sum(list_transform([4, 3, 2, 7, 6, 5, 4, 3, 2], lambda vaegt, i: vaegt * cast(ni[i] as integer))) % 11) % 11 as forbudt,
                case nummer_koen when 'M' then [1, 3, 5, 7, 9] else [0, 2, 4, 6, 8] end as paritet
            from ni
        )
        select
            person_nr, omgang, skiftet,
            ni || cast(list_filter(paritet, lambda c: c <> forbudt)[1 + cast(k % 4 as integer)] as varchar) as cpr
        from sidste
        order by person_nr, omgang
    """)


def build_shared_tables(verden: Verden) -> None:
    """What the other areas build on: `verden.person`, `verden.cpr_historik`, `verden.bopael`."""
    con = verden.con
    con.execute(f"""
        create table verden.cpr_historik as
        select
            person_nr, cpr,
            case omgang when 0 then date '1900-01-01' else skiftet end as gyldig_fra,
            lead(skiftet, 1, {OPEN_END}) over (partition by person_nr order by omgang) as gyldig_til
        from borger.nummer
        order by person_nr, gyldig_fra
    """)
    con.execute(f"""
        create table borger.alle as
        select g.person_nr, g.foedselsdato, g.koen, {fault(verden, 'BO-03b')} as uden_person from borger.grund as g
        union all
        select person_nr, foedselsdato, koen, false from borger.ny
        order by person_nr
    """)
    con.execute(f"""
        create table verden.person as
        select a.person_nr, h.cpr, a.foedselsdato, a.koen, d.doedsdato
        from borger.alle as a
        inner join verden.cpr_historik as h on a.person_nr = h.person_nr and h.gyldig_til = {OPEN_END}
        left join (select person_nr, min(fra) as doedsdato from borger.status where status = '90' group by person_nr) as d on a.person_nr = d.person_nr
        where not a.uden_person
        order by a.person_nr
    """)
    # One overlay of the four kinds of spell for both the residence spells and the truth: at each date the newest of each kind.
    fill(verden, "borger.tilstand", f"""
        with start as (
            select s.person_nr, case when any_value(a.uden_person) then date '1900-01-01' else min(s.fra) end as foerste
            from borger.status as s
            inner join borger.alle as a on s.person_nr = a.person_nr
            where s.{{piece}} and a.{{piece}}
            group by s.person_nr
        ),
        spring as (
            select
                s.person_nr, greatest(s.fra, t.foerste) as dato,
                any_value(s.status) as status, any_value(s.adresse) as adresse, any_value(s.civil) as civil, any_value(s.land) as land
            from (
                select person_nr, fra, status, null as adresse, null as civil, null as land from borger.status where {{piece}}
                union all
                select person_nr, fra, null, {{'kommunekode': kommunekode, 'fra': fra}}, null, null from borger.adresse where {{piece}}
                union all
                select person_nr, fra, null, null, civil, null from borger.civil where {{piece}}
                union all
                select person_nr, fra, null, null, null, land from borger.land where {{piece}}
            ) as s
            inner join start as t on s.person_nr = t.person_nr
            group by all
        ),
        fyldt as (
            select
                person_nr, dato,
                last_value(status ignore nulls) over (partition by person_nr order by dato) as status,
                last_value(adresse ignore nulls) over (partition by person_nr order by dato) as adresse,
                last_value(civil ignore nulls) over (partition by person_nr order by dato) as civil,
                last_value(land ignore nulls) over (partition by person_nr order by dato) as land
            from spring
        )
        select
            person_nr, dato as fra,
            lead(dato, 1, {OPEN_END}) over (partition by person_nr order by dato) as til,
            status, status in ('01', '03') as er_bosat, adresse.kommunekode as kommunekode, adresse.fra as adresse_fra, civil, land
        from fyldt
        order by person_nr, dato
    """)
    fill(verden, "verden.bopael", f"""
        with bosat as (
            select person_nr, kommunekode, fra, til, lag(til) over (partition by person_nr, kommunekode order by fra) is not distinct from fra as fortsat
            from borger.tilstand
            where {{piece}} and er_bosat and kommunekode is not null and kommunekode <> '0998' and til > date '{eve(verden)}'
        ),
        sammen as (
            select *, sum(case when fortsat then 0 else 1 end) over (partition by person_nr, kommunekode order by fra) as spil from bosat
        )
        select person_nr, kommunekode, min(fra) as gyldig_fra, max(til) as gyldig_til
        from sammen
        group by person_nr, kommunekode, spil
        order by person_nr, gyldig_fra
    """)
