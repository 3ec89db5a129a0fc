"""Borger: a population with its moves, and the Central Person Register's extracts of it.

The world is spells (status, address, civil status, citizenship) made once from chance and never changed. The files are what the register
reports of them: when, with what delay, what it got wrong at first and corrected later. The truth is taken from the spells, the files from the
reports, so that neither is made from the other.

The CPR numbers are formally right (date, century digit, sex) and cannot belong to anyone: every one fails modulus 11, and nobody is
born on 1 January, the date for which numbers without a check digit have been issued since 2007.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import zipfile
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from flis.demo.opsaetning import CPR_IN_OWN
from flis.demo.skriv import write_files
from flis.demo.verden import Verden

FIRST_SERIAL = 100          # the full extract's number; the deltas follow
OPEN_END = "date '9999-12-31'"
QUANTILES = 10000
PIECE = 400_000               # persons at a time

# Persons per single year of age at a few ages, in thousands, straight lines between [general knowledge, about 2024].
PYRAMID = [(0, 59), (5, 63), (10, 63), (15, 70), (20, 71), (25, 78), (30, 79), (35, 73), (40, 66), (45, 70), (50, 78), (55, 82), (60, 78), (65, 69),
           (70, 64), (75, 61), (80, 43), (85, 24), (90, 11), (95, 3), (100, 0.6), (105, 0)]

# Foreign citizenships with shares of all foreigners and shares of immigrants [general knowledge]: the register's country code.
CITIZENSHIPS = [("5154", 12), ("5158", 10), ("5704", 9), ("5180", 7), ("5172", 6), ("5486", 7), ("5110", 4), ("5120", 4), ("5432", 6), ("5170", 4),
                ("5150", 3), ("5130", 3), ("5164", 3), ("5128", 3), ("5390", 3), ("5436", 2), ("5434", 2), ("5448", 3), ("5140", 2), ("5106", 2), ("5103", 2), ("5999", 1)]

FIRST_NAMES_M = ["Søren", "Jørgen", "Lars", "Magnus", "Bjørn", "Åge", "Emil", "Kær", "Noah", "Rasmus"]
FIRST_NAMES_K = ["Åse", "Mette", "Søs", "Anna", "Kæthe", "Bente", "Freja", "Ølla", "Maja", "Lærke"]
LAST_NAMES = ["Demosen", "Prøvegaard", "Eksempelsen", "Testrup", "Æblegård", "Ålborgsen", "Øvelund", "Modelby"]

# What each register status is in the standard's words, and whether one lives here with it.
STATUS_WORD = {"01": "bosat", "03": "bosat", "05": "groenland", "20": "uden_bopael", "70": "forsvundet", "80": "udrejst", "90": "doed", "??": "ukendt"}
CIVIL_WORD = {"U": "ugift", "G": "gift", "F": "fraskilt", "E": "enke", "P": "gift", "O": "fraskilt", "L": "enke", "X": "ukendt"}

# Places in a large municipality kept for what must be there however small the demo: ordinary rarities, and known faults.
FORCED = {0: "forsvundet", 1: "status20", 2: "groenland", 3: "cprskift", 4: "land", 5: "fejlmelding", 6: "flyt", 7: "udrejse", 8: "civil"}
FORMER_NUMBER, BOGUS_IN_FIRST_TRY = 10, 11
FAULTS = {20: "BO-01", 21: "BO-02", 22: "BO-03", 23: "BO-03b", 24: "BO-04", 25: "BO-05", 26: "BO-07"}


def generate(verden: Verden) -> None:
    """Make the population of `verden.kommune`, its register extracts and its truth.

    Leaves `verden.person`, `verden.cpr_historik` and `verden.bopael` for the other areas.
    """
    con = verden.con
    con.execute("create schema borger")
    con.execute(f"set variable alder = {ages()}")
    con.execute(f"set variable land = {weighted(CITIZENSHIPS)}")
    con.execute("create macro felt(t, n) as rpad(substr(coalesce(t, ''), 1, n), n, ' ')")
    con.execute("create macro tal8(d, uvis) as case when d is null then '00000000' when uvis then strftime(d, '%Y%m') || '00' else strftime(d, '%Y%m%d') end")
    build_population(verden)
    build_events(verden)
    build_spells(verden)
    build_newcomers(verden)
    build_numbers(verden)
    build_shared_tables(verden)
    build_lines(verden)
    write_extracts(verden)
    write_truth(verden)
    write_official(verden)


def ages() -> list[int]:
    """Ages by quantile of the pyramid: the value at place i is the age below which about i/QUANTILES of the population is."""
    weights = []
    for (low, w1), (high, w2) in zip(PYRAMID, PYRAMID[1:]):
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
                    when stor and idx < 40 then 25 + cast(idx as integer)
                    else getvariable('alder')[1 + cast(floor({u('alder')} * {QUANTILES}) as integer)]
                end as alder
            from raekker
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
            {u('beskyttet')} < 0.012 as beskyttet
        from (
            select *, greatest(status_dato, {day0} - cast(floor(-ln(1 - {u('adresse')}) * 2200) as integer)) as adr from statusdato
        ) as g
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
            where not (g.stor and g.idx < 40)
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
        select g.person_nr, case when {fault(verden, 'BO-03b')} then '??' else g.status end as status, case when {fault(verden, 'BO-03b')} then date '1900-01-01' else g.status_dato end as fra,
            true as fra_start
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
    con.execute("insert into borger.status select person_nr, '01', dato, false from borger.ny union all select person_nr, '80', udrejst, false from borger.ny where udrejst is not null")
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


def redeliveries(verden: Verden) -> list[tuple[date, date]]:
    """Days whose extract was faulty at first, with the day the corrected one came: one soon, one after the turn of a month."""
    days = (verden.end - verden.first).days
    if days < 62:
        return [(verden.first + timedelta(10), verden.first + timedelta(13))]
    return [(verden.first + timedelta(20), verden.first + timedelta(53)), (verden.first + timedelta(40), verden.first + timedelta(43))]


def build_lines(verden: Verden) -> None:
    """`borger.linje`: every line of every extract as it finally stands, with its place in the file."""
    con = verden.con
    first, last = f"date '{verden.first}'", f"date '{verden.end - timedelta(1)}'"

    def u(*keys: str) -> str:
        return verden.chance("'borger'", "person_nr", "dato", *(f"'{k}'" for k in keys))

    # When each thing is reported: most within a week, some moves ahead of time, one in a hundred late, some with a wrong date at first.
    con.execute(f"""
        create table borger.meldt as
        with ting as (
            select person_nr, dato, bool_or(art = 'flyt') as flytning, bool_or(art in ('flyt', 'udrejse') and antal_for_person = 1) as kan_rettes,
                bool_or(tvungen and art in ('flyt', 'udrejse')) as tvungen
            from borger.haendelse group by all
            union all
            select person_nr, dato, false, false, false from borger.ny
            union all
            select person_nr, udrejst, false, false, false from borger.ny where udrejst is not null
            union all
            select person_nr, fra, false, false, false from borger.civil where civil = 'X'
            union all
            select person_nr, fra, false, false, false from borger.adresse where kommunekode = '0998'
        ),
        dage as (
            select
                *,
                least(greatest(dato + case
                    when {u('sent')} < 0.01 then 20 + cast(floor({u('hvor sent')} * 70) as integer)
                    when flytning and {u('sent')} > 0.9 then -cast(floor({u('hvor sent')} * 3) as integer)
                    else cast(floor({u('hvor sent')} * 6) as integer)
                end, {first}), {last}) as meldt_rigtigt,
                case when kan_rettes and (tvungen or {u('forkert')} < 0.02) then greatest({first}, dato + case
                    when tvungen then 14 when {u('vej')} < 0.6 then 12 + cast(floor({u('hvor langt')} * 28) as integer)
                    else -10 - cast(floor({u('hvor langt')} * 10) as integer) end) end as forkert_dato
            from ting
        ),
        rettelser as (
            select *, greatest(dato, forkert_dato) + 2 as meldt_forkert, greatest(dato, forkert_dato) + 17 + cast(floor({u('rettes')} * 40) as integer) as rettet
            from dage
        )
        select
            person_nr, dato,
            case when rettes then forkert_dato end as forkert_dato,
            case when rettes then meldt_forkert end as meldt_forkert,
            case when rettes then rettet else meldt_rigtigt end as meldt
        from (select *, coalesce(forkert_dato <> dato and rettet <= {last}, false) as rettes from rettelser)
    """)
    # Each change of status, with where the person lived before and after.
    con.execute("""
        create table borger.skift as
        with status as (
            select *, lag(status) over (partition by person_nr order by fra) as foer_status from borger.status
        )
        select s.person_nr, s.fra, s.status, s.foer_status, n.person_nr is not null and n.art = 'foeder' as foedt, foer.kommunekode as fra_kommunekode, efter.kommunekode as til_kommunekode
        from status as s
        left join borger.ny as n on s.person_nr = n.person_nr and s.fra = n.dato
        left join borger.tilstand as foer on s.person_nr = foer.person_nr and s.fra = foer.til
        left join borger.tilstand as efter on s.person_nr = efter.person_nr and s.fra = efter.fra
        where not s.fra_start
    """)
    con.execute(f"""
        create macro krop001(status, dato, koen, foedt) as status || tal8(dato, false) || koen || tal8(foedt, false);
        create macro krop002(person_nr, kommunekode, fra, dato, uvis, beskyttet) as
            kommunekode || lpad(cast(hash(person_nr, fra, 'vej') % 8000 + 10 as varchar), 4, '0') || lpad(cast(hash(person_nr, fra, 'nr') % 120 + 1 as varchar), 3, '0') || ' '
            || case hash(person_nr, fra, 'etage') % 4 when 0 then '01' when 1 then '02' when 2 then 'st' else '  ' end
            || case hash(person_nr, fra, 'side') % 3 when 0 then 'tv  ' when 1 then 'th  ' else '    ' end
            || tal8(dato, uvis) || case when hash(person_nr, fra) % 3 = 0 then '0000' else lpad(cast(hash(person_nr, fra) % 24 as varchar), 2, '0') || '00' end
            || case when beskyttet then 'J' else 'N' end;
        create macro krop008(person_nr, koen, dato) as
            tal8(dato, false)
            || felt(case koen when 'M' then {FIRST_NAMES_M}[1 + cast(hash(person_nr, 'fornavn') % {len(FIRST_NAMES_M)} as integer)]
                else {FIRST_NAMES_K}[1 + cast(hash(person_nr, 'fornavn') % {len(FIRST_NAMES_K)} as integer)] end, 30)
            || felt({LAST_NAMES}[1 + cast(hash(person_nr, 'efternavn') % {len(LAST_NAMES)} as integer)], 30);
    """)
    con.execute("create table borger.beskyttet as select person_nr from borger.grund where beskyttet union all select person_nr from borger.ny where hash(person_nr, 'beskyttet') % 100 = 0")
    con.execute("create macro leveret_kommune(k) as case when k = '0998' then '0199' else k end")
    # What is reported of each new fact: record, date of effect, and the rest of the line with a mark where the date stands.
    con.execute(f"""
        create table borger.fakta as
        select s.person_nr, '001' as rec, s.fra, s.fra as dato, s.status || '<DATO>' || a.koen || tal8(a.foedselsdato, false) as krop
        from borger.status as s inner join borger.alle as a on s.person_nr = a.person_nr where not s.fra_start
        union all
        select a.person_nr, '002', a.fra, a.fra,
            replace(krop002(a.person_nr, leveret_kommune(a.kommunekode), a.fra, date '1111-11-11', false, b.person_nr is not null), '11111111', '<DATO>')
        from borger.adresse as a left join borger.beskyttet as b on a.person_nr = b.person_nr where not a.fra_start
        union all
        select c.person_nr, '012', coalesce(n.dato, c.fra), c.fra, c.civil || '<DATO>'
        from borger.civil as c left join borger.ny as n on c.person_nr = n.person_nr where not c.fra_start
        union all
        select l.person_nr, '010', coalesce(n.dato, l.fra), l.fra, l.land || '<DATO>'
        from borger.land as l left join borger.ny as n on l.person_nr = n.person_nr where not l.fra_start
        union all
        select n.person_nr, '008', n.dato, n.foedselsdato, krop008(n.person_nr, n.koen, n.foedselsdato) from borger.ny as n
        union all
        select person_nr, '090', fra, fra, '<DATO>' || fra_kommunekode from borger.skift where status = '90'
        union all
        select person_nr, '005', fra, fra, 'U<DATO>' || case status when '05' then '5101' else '5120' end || fra_kommunekode from borger.skift where status in ('80', '05')
        union all
        select person_nr, '005', fra, fra, 'I<DATO>' || case foer_status when '05' then '5101' else '5180' end || til_kommunekode
        from borger.skift where status = '01' and not foedt and coalesce(foer_status, '80') in ('80', '05')
        union all
        select person_nr, '025', fra, fra, 'F<DATO>' || fra_kommunekode from borger.skift where status = '70'
        union all
        select person_nr, '025', fra, fra, 'G<DATO>' || til_kommunekode from borger.skift where status = '01' and foer_status = '70'
        union all
        select person_nr, '009', fra, fra, '<DATO>' || til_kommunekode from borger.skift where foedt
    """)
    con.execute(f"""
        create table borger.skiftet_nummer as
        select n.person_nr, n.cpr, g.cpr as tidligere, n.skiftet, m.meldt
        from borger.nummer as n
        inner join borger.nummer as g on n.person_nr = g.person_nr and g.omgang = 0
        left join borger.meldt as m on n.person_nr = m.person_nr and n.skiftet = m.dato
        where n.omgang = 1
    """)
    con.execute(f"""
        create table borger.melding as
        -- the ordinary reports, the wrong ones, and what takes the wrong ones back
        select m.meldt as dag, f.person_nr, f.rec, f.fra, ' ' as handling, replace(f.krop, '<DATO>', tal8(f.dato, false)) as krop, 'ny' as nummer, cast(null as varchar) as regel
        from borger.fakta as f inner join borger.meldt as m on f.person_nr = m.person_nr and f.fra = m.dato
        union all
        select m.meldt_forkert, f.person_nr, f.rec, m.forkert_dato, ' ', replace(f.krop, '<DATO>', tal8(m.forkert_dato, false)), 'ny', null
        from borger.fakta as f inner join borger.meldt as m on f.person_nr = m.person_nr and f.fra = m.dato where m.forkert_dato is not null
        union all
        select m.meldt, f.person_nr, f.rec, m.forkert_dato, 'A', replace(f.krop, '<DATO>', tal8(m.forkert_dato, false)), 'ny', null
        from borger.fakta as f inner join borger.meldt as m on f.person_nr = m.person_nr and f.fra = m.dato where m.forkert_dato is not null
        union all
        -- a move that never was, annulled some weeks later
        select unnest([dag, annulleret]), person_nr, '002', fra, unnest([' ', 'A']), krop, 'ny', null
        from (
            select
                person_nr, dato as fra, dato + 1 as dag, dato + 16 + cast(hash(person_nr, 'annulleres') % 20 as integer) as annulleret,
                krop002(person_nr, maal_kommunekode, dato, dato, false, false) as krop
            from borger.haendelse where art = 'fejlmelding' and antal_for_person = 1
        ) where annulleret <= {last}
        union all
        -- a changed number: the new one with the former and with all that holds, the old one marked as replaced
        select n.meldt, n.person_nr, '022', n.skiftet, ' ', n.tidligere || tal8(n.skiftet, false), 'ny', null from borger.skiftet_nummer as n where n.meldt is not null
        union all
        select n.meldt, n.person_nr, '001', n.skiftet, ' ', krop001('60', n.skiftet, a.koen, a.foedselsdato), 'tidligere', null
        from borger.skiftet_nummer as n inner join borger.alle as a on n.person_nr = a.person_nr where n.meldt is not null
        union all
        select n.meldt, n.person_nr, '001', s.fra, ' ', krop001(s.status, s.fra, a.koen, a.foedselsdato), 'ny', null
        from borger.skiftet_nummer as n asof join borger.status as s on n.person_nr = s.person_nr and n.skiftet >= s.fra
        inner join borger.alle as a on n.person_nr = a.person_nr where n.meldt is not null
        union all
        select n.meldt, n.person_nr, '002', s.fra, ' ', krop002(n.person_nr, s.kommunekode, s.fra, s.fra, false, b.person_nr is not null), 'ny', null
        from borger.skiftet_nummer as n asof join borger.adresse as s on n.person_nr = s.person_nr and n.skiftet >= s.fra
        left join borger.beskyttet as b on n.person_nr = b.person_nr where n.meldt is not null
        union all
        select n.meldt, n.person_nr, '010', s.fra, ' ', s.land || tal8(s.fra, false), 'ny', null
        from borger.skiftet_nummer as n asof join borger.land as s on n.person_nr = s.person_nr and n.skiftet >= s.fra where n.meldt is not null
        union all
        select n.meldt, n.person_nr, '012', s.fra, ' ', s.civil || tal8(s.fra, false), 'ny', null
        from borger.skiftet_nummer as n asof join borger.civil as s on n.person_nr = s.person_nr and n.skiftet >= s.fra where n.meldt is not null
        union all
        select n.meldt, n.person_nr, '008', a.foedselsdato, ' ', krop008(a.person_nr, a.koen, a.foedselsdato), 'ny', null
        from borger.skiftet_nummer as n inner join borger.alle as a on n.person_nr = a.person_nr where n.meldt is not null
        union all
        -- known faults
        select {first} + 5, g.person_nr, '002', {first} + 4, ' ', krop002(g.person_nr, g.kommunekode, {first} + 4, {first} + 4, false, false), 'ugyldigt', 'BO-01'
        from borger.grund as g where {fault(verden, 'BO-01')}
        union all
        select {first} + 6, g.person_nr, '001', g.status_dato, ' ', krop001(g.status, g.status_dato, g.koen, date '2099-05-05'), 'ny', 'BO-03'
        from borger.grund as g where {fault(verden, 'BO-03')}
        union all
        select least(d.dato + 23, {last}), g.person_nr, '002', least(d.dato + 20, {last}), ' ', krop002(g.person_nr, d.maal_kommunekode, d.dato, least(d.dato + 20, {last}), false, false), 'ny', 'BO-05'
        from borger.grund as g inner join borger.haendelse as d on g.person_nr = d.person_nr and d.art = 'doed' where {fault(verden, 'BO-05')}
    """)
    # The full extract, five records a person or so, numbered as they stand in the file (line 1 is the start record).
    eve_loebenr = FIRST_SERIAL
    con.execute(f"""
        create table borger.linje as
        with personer as (
            select
                g.*, coalesce(n.cpr, o.cpr) as cpr, n.tidligere, n.skiftet, {fault(verden, 'BO-03b')} as for_gammel
            from borger.grund as g
            inner join borger.nummer as o on g.person_nr = o.person_nr and o.omgang = 0
            left join borger.skiftet_nummer as n on g.person_nr = n.person_nr and n.skiftet < {first}
            order by g.person_nr
        ),
        poster as (
            select
                person_nr, status, status_dato, for_gammel,
                unnest([
                    '001' || cpr || ' ' || krop001(status, status_dato, koen, case when for_gammel then date '1885-05-05' else foedselsdato end),
                    case when er_bosat then '002' || cpr || ' ' || krop002(person_nr, kommunekode, adresse_dato, adresse_dato, uvis_dag, beskyttet) end,
                    '008' || cpr || ' ' || krop008(person_nr, koen, foedselsdato),
                    '010' || cpr || ' ' || land || tal8(case when not ukendt_dato then land_dato end, false),
                    '012' || cpr || ' ' || civil || tal8(case when not ukendt_dato then civil_dato end, false),
                    case when tidligere is not null then '022' || cpr || ' ' || tidligere || tal8(skiftet, false) end,
                    case when status = '90' then '090' || cpr || ' ' || tal8(status_dato, false) || kommunekode end
                ]) as tekst
            from personer
        )
        select
            {eve_loebenr} as loebenr, row_number() over () + 1 as linje, person_nr, substr(tekst, 1, 3) as rec,
            case when tekst like '090%' then status_dato end as fra,
            ' ' as handling, tekst, case when for_gammel and tekst like '001%' then 'BO-03' end as regel
        from poster
        where tekst is not null
    """)
    con.execute(f"""
        create table borger.ugyldig as
        select unnest(['0000000000', '3213990123', '310299012X', '9906550123']) as cpr, unnest(range(4)) as nr
    """)
    con.execute(f"""
        insert into borger.linje
        select
            {eve_loebenr} + date_diff('day', date '{eve(verden)}', m.dag) as loebenr,
            1 + row_number() over (partition by m.dag order by m.person_nr, m.rec, m.handling, m.fra, m.krop) as linje,
            m.person_nr, m.rec, m.fra, m.handling,
            m.rec || case
                when m.nummer = 'ugyldigt' then u.cpr
                when m.nummer = 'tidligere' then n.tidligere
                when n.cpr is not null and m.dag >= coalesce(n.meldt, n.skiftet) then n.cpr
                else o.cpr
            end || m.handling || m.krop as tekst,
            m.regel
        from borger.melding as m
        inner join borger.nummer as o on m.person_nr = o.person_nr and o.omgang = 0
        left join borger.skiftet_nummer as n on m.person_nr = n.person_nr
        left join borger.ugyldig as u on m.person_nr % 4 = u.nr
        order by loebenr, linje
    """)


def write_extracts(verden: Verden) -> None:
    """The register's files: the full extract (gzip, for it is large), one delta a day, one of them in a zip, and the corrected redeliveries."""
    con = verden.con
    folder = verden.home.inbox / "cpr"
    folder.mkdir(parents=True, exist_ok=True)
    con.execute("create macro filnavn(d) as 'D' || strftime(d, '%y%m%d') || '.L431101'")
    con.execute(f"""
        create macro start(kind, loebenr, d) as '000' || kind || lpad(cast(loebenr as varchar), 6, '0') || strftime(d, '%Y%m%d')
            || case kind when 'F' then '00000000000000' else lpad(cast(loebenr - 1 as varchar), 6, '0') || strftime(d - 1, '%Y%m%d') end
    """)
    con.execute("create macro slut(antal) as '999' || lpad(cast(antal as varchar), 9, '0')")
    con.execute(f"""
        create table borger.dag as
        select
            cast(dag as date) as dag, {FIRST_SERIAL} + date_diff('day', date '{eve(verden)}', cast(dag as date)) as loebenr
        from (select unnest(generate_series(date '{verden.first}', date '{verden.end - timedelta(1)}', interval 1 day)) as dag)
    """)
    again = redeliveries(verden)
    con.execute("create table borger.omlevering (dag date, leveret date)")
    con.executemany("insert into borger.omlevering values (?, ?)", again)
    write_full(verden, folder)
    # The deltas as they first came: on a day that was delivered again, some lines are missing and one is another person's.
    con.execute(f"""
        create table borger.foerste_udgave as
        select l.loebenr, l.linje, l.tekst
        from borger.linje as l
        inner join borger.dag as d on l.loebenr = d.loebenr
        inner join borger.omlevering as o on d.dag = o.dag
        where hash(l.person_nr, 'mangler') % 3 > 0
        union all
        select d.loebenr, 1000000000 + g.person_nr, '002' || n.cpr || ' ' || krop002(g.person_nr, k.kommunekode, d.dag, d.dag, false, false)
        from borger.grund as g
        inner join borger.nummer as n on g.person_nr = n.person_nr and n.omgang = 0
        cross join borger.omlevering as o
        inner join borger.dag as d on o.dag = d.dag
        cross join (select min(kommunekode) as kommunekode from borger.kommune) as k
        where g.stor and g.idx = {BOGUS_IN_FIRST_TRY}
    """)
    deltas = """
        select {name} as sti, {delivered} + time '21:30:00' as mtime, d.loebenr, 0 as orden, start('D', d.loebenr, d.dag) as tekst from {days}
        union all
        select {name}, {delivered} + time '21:30:00', d.loebenr, l.linje, l.tekst from {days} inner join {lines} as l on d.loebenr = l.loebenr
        union all
        select {name}, {delivered} + time '21:30:00', d.loebenr, 9000000000000, slut(count(l.linje)) from {days} left join {lines} as l on d.loebenr = l.loebenr group by all
    """
    first_try = "(select * from borger.linje where loebenr not in (select d.loebenr from borger.dag as d inner join borger.omlevering as o on d.dag = o.dag) union all by name select loebenr, linje, tekst from borger.foerste_udgave)"
    name = "'cpr/' || filnavn(d.dag)"
    write_files(verden, f"select sti, mtime, orden, tekst from ({deltas.format(name=name, delivered='d.dag', days='borger.dag as d', lines=first_try)})",
                charset="iso-8859-1", newline="\n")
    zipped = verden.first + timedelta(7)
    pack(folder / f"D{zipped:%y%m%d}.L431101", "zip")
    # The corrected ones come packed, so that the inbox can hold both.
    apart = verden.home.tmp / "omleveret"
    write_files(verden, f"select sti, mtime, orden, tekst from ({deltas.format(name=name, delivered='o.leveret', days='(borger.dag as d inner join borger.omlevering as o on d.dag = o.dag)', lines='borger.linje')})",
                charset="iso-8859-1", newline="\n", root=apart)
    for path in sorted((apart / "cpr").iterdir()):
        pack(path, "gz", folder)
    (apart / "cpr").rmdir()
    apart.rmdir()


def write_full(verden: Verden, folder: Path) -> None:
    """The full extract, a piece at a time."""
    con, day = verden.con, eve(verden)
    total = con.execute(f"select count(*) from borger.linje where loebenr = {FIRST_SERIAL}").fetchone()[0]
    path = folder / f"D{day:%y%m%d}.L431101.gz"
    stamp = datetime.combine(day, time(21, 30), UTC).timestamp()
    with path.open("wb") as raw, gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=1, mtime=0) as out:
        out.write((con.execute(f"select start('F', {FIRST_SERIAL}, date '{day}')").fetchone()[0] + "\n").encode("iso-8859-1"))
        for low in range(2, total + 2, 200_000):
            text = con.execute(f"select string_agg(tekst, chr(10) order by linje) from borger.linje where loebenr = {FIRST_SERIAL} and linje between {low} and {low + 199_999}").fetchone()[0]
            out.write((text + "\n").encode("iso-8859-1"))
        out.write((con.execute(f"select slut({total})").fetchone()[0] + "\n").encode("iso-8859-1"))
    os.utime(path, (stamp, stamp))


def pack(path: Path, kind: str, folder: Path | None = None) -> None:
    """Put a file in a gzip or zip of its own name, with the same bytes every time and the file's own time of delivery."""
    stamp = path.stat().st_mtime
    target = (folder or path.parent) / f"{path.name}.{kind}"
    if kind == "gz":
        with target.open("wb") as raw, gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=6, mtime=0) as out:
            out.write(path.read_bytes())
    else:
        with zipfile.ZipFile(target, "w") as archive:
            archive.writestr(zipfile.ZipInfo(path.name, (1980, 1, 1, 0, 0, 0)), path.read_bytes(), zipfile.ZIP_DEFLATED)
    path.unlink()
    os.utime(target, (stamp, stamp))


def person_ids(verden: Verden) -> None:
    """`borger.person_id`: HMAC-SHA256 under the installation's key of each person's oldest number, first 32 hex digits."""
    con = verden.con
    key = (os.environ.get("FLIS_NOEGLE") or verden.home.key_file.read_text("utf-8")).strip().encode()
    key = hashlib.sha256(key).digest() if len(key) > 64 else key
    key = key.ljust(64, b"\0")
    con.execute("set variable ipad = $1::blob", [bytes(b ^ 0x36 for b in key)])
    con.execute("set variable opad = $1::blob", [bytes(b ^ 0x5C for b in key)])
    con.execute("""
        create table borger.person_id as
        select person_nr, substr(sha256(getvariable('opad') || unhex(sha256(getvariable('ipad') || encode(cpr)))), 1, 32) as person_id
        from borger.nummer
        where omgang = 0
        order by person_nr
    """)


def write_truth(verden: Verden) -> None:
    """`facit/std_borger__*.parquet` and the planted faults."""
    con = verden.con
    person_ids(verden)
    con.execute(f"create macro statusord(s) as {switch('s', STATUS_WORD)}")
    con.execute(f"create macro civilord(s) as {switch('s', CIVIL_WORD)}")
    # An interval is what one can see of a person: where a person does not live here, the address is not seen.
    fill(verden, "borger.interval", f"""
        with synligt as (
            select
                t.person_nr, t.fra, t.til, statusord(t.status) as borgerstatus, t.er_bosat,
                case when t.er_bosat then coalesce(t.kommunekode, '0998') when t.status in ('80', '05') then '0999' else '0998' end as kommunekode,
                civilord(t.civil) as civilstand, t.land as statsborgerskab,
                case when t.er_bosat then t.adresse_fra end as tilflytningsdato,
                t.er_bosat and t.kommunekode is not null and b.person_nr is not null as har_adressebeskyttelse
            from borger.tilstand as t
            left join borger.beskyttet as b on t.person_nr = b.person_nr
            where t.{{piece}}
        ),
        brud as (
            select
                *,
                coalesce((borgerstatus, er_bosat, kommunekode, civilstand, statsborgerskab, tilflytningsdato, har_adressebeskyttelse)
                    is distinct from lag((borgerstatus, er_bosat, kommunekode, civilstand, statsborgerskab, tilflytningsdato, har_adressebeskyttelse))
                        over (partition by person_nr order by fra), true) as er_ny
            from synligt
        ),
        sammen as (
            select *, sum(cast(er_ny as integer)) over (partition by person_nr order by fra) as nr from brud
        )
        select
            person_nr, nr, min(fra) as gyldig_fra, max(til) as gyldig_til,
            any_value(borgerstatus) as borgerstatus, any_value(er_bosat) as er_bosat, any_value(kommunekode) as kommunekode,
            any_value(civilstand) as civilstand, any_value(statsborgerskab) as statsborgerskab, any_value(tilflytningsdato) as tilflytningsdato,
            any_value(har_adressebeskyttelse) as har_adressebeskyttelse
        from sammen
        group by person_nr, nr
        having max(til) > date '{eve(verden)}'
    """)
    # Laid down in the order of the persons, a piece at a time, so that nothing as long as the population has to be sorted.
    fill(verden, "borger.facit_periode", """
        select
            p.person_id, i.gyldig_fra, i.gyldig_til, i.kommunekode, i.kommunekode as bopael_kommunekode, i.borgerstatus, i.er_bosat,
            case when not a.uden_person then a.foedselsdato end as foedselsdato, case when a.uden_person then 'ukendt' else a.koen end as koen,
            i.civilstand, i.statsborgerskab, i.tilflytningsdato, i.har_adressebeskyttelse, 'cpr' as kildesystem, p.person_id as kilde_id
        from borger.interval as i
        inner join borger.alle as a on i.person_nr = a.person_nr
        inner join borger.person_id as p on i.person_nr = p.person_nr
        where i.{piece} and a.{piece} and p.{piece}
        order by i.person_nr, i.gyldig_fra
    """)
    verden.truth("std_borger__person_periode", "select * from borger.facit_periode")
    fill(verden, "borger.facit_person", f"""
        select
            p.person_id, case when not a.uden_person then a.foedselsdato end as foedselsdato, case when a.uden_person then 'ukendt' else a.koen end as koen,
            d.doedsdato, i.kommunekode, a.uden_person as er_udledt, {fault(verden, 'BO-02')} as koen_modsiger_nummer,
            {fault(verden, 'BO-05')} as er_flyttet_efter_doed, 'cpr' as kildesystem, p.person_id as kilde_id
        from borger.alle as a
        inner join borger.person_id as p on a.person_nr = p.person_nr
        inner join borger.interval as i on a.person_nr = i.person_nr and i.gyldig_til = {OPEN_END}
        left join (select person_nr, stor, idx from borger.grund where {{piece}}) as g on a.person_nr = g.person_nr
        left join (select person_nr, min(fra) as doedsdato from borger.status where status = '90' and {{piece}} group by person_nr) as d on a.person_nr = d.person_nr
        where i.{{piece}} and a.{{piece}} and p.{{piece}}
        order by a.person_nr
    """.replace("(g.stor and", "(coalesce(g.stor, false) and"))
    verden.truth("std_borger__person", "select * from borger.facit_person")
    verden.truth("std_borger__haendelse", """
        with poster as (
            select person_nr, case when foedt then 'foedt' when status = '90' then 'doed' when status in ('80', '05') then 'udvandret' when status = '70' then 'forsvundet'
                when status = '01' and foer_status = '70' then 'genfundet' when status = '01' and coalesce(foer_status, '80') in ('80', '05') then 'indvandret' end as haendelsesart,
                fra as dato, case when status = '01' then til_kommunekode else fra_kommunekode end as kommunekode
            from borger.skift
            union all
            select person_nr, 'doed', status_dato, kommunekode from borger.grund where status = '90'
        )
        select
            i.person_id, p.haendelsesart, p.dato, p.kommunekode, 'cpr' as kildesystem, max_by(l.loebenr || '-' || l.linje, (l.loebenr, l.linje)) as kilde_id
        from poster as p
        inner join borger.person_id as i on p.person_nr = i.person_nr
        inner join borger.linje as l on p.person_nr = l.person_nr and p.dato = l.fra and l.handling = ' '
            and l.rec = case p.haendelsesart when 'foedt' then '009' when 'doed' then '090' when 'udvandret' then '005' when 'indvandret' then '005' else '025' end
        where p.haendelsesart is not null
        group by all
        order by i.person_id, p.dato, p.haendelsesart
    """)
    verden.truth("std_borger__frasat", f"""
        select
            case l.regel when 'BO-01' then g.kommunekode else '0998' end as kommunekode, 'cpr' as kildesystem, case l.rec when '001' then 'person' else 'adresse' end as tabel,
            l.loebenr || '-' || l.linje as kilde_id, cast(date_trunc('month', date '{eve(verden)}' + cast(l.loebenr - {FIRST_SERIAL} as integer)) as date) as periode,
            case l.regel when 'BO-01' then 'cpr_ugyldig' else 'foedselsdato_ugyldig' end as aarsag
        from borger.linje as l
        inner join borger.grund as g on l.person_nr = g.person_nr
        where l.regel in ('BO-01', 'BO-03')
        order by l.loebenr, l.linje
    """)
    con.execute(f"""
        insert into verden.fejl
        select l.regel, 'cpr', g.kommunekode, cast(date_trunc('month', date '{eve(verden)}' + cast(l.loebenr - {FIRST_SERIAL} as integer)) as date), 'cpr|' || l.loebenr || '-' || l.linje
        from borger.linje as l
        inner join borger.grund as g on l.person_nr = g.person_nr
        where l.regel in ('BO-01', 'BO-03')
        union all
        select
            case when {fault(verden, 'BO-02')} then 'BO-02' when {fault(verden, 'BO-04')} then 'BO-04' when {fault(verden, 'BO-05')} then 'BO-05' else 'BO-07' end,
            'cpr', g.kommunekode, date '{verden.first}', 'cpr|' || p.person_id
        from borger.grund as g
        inner join borger.person_id as p on g.person_nr = p.person_nr
        where {fault(verden, 'BO-02')} or {fault(verden, 'BO-04')} or {fault(verden, 'BO-05')} or {fault(verden, 'BO-07')}
    """)


def switch(expression: str, words: dict[str, str]) -> str:
    """SQL that puts one word for another."""
    return f"case {expression} " + " ".join(f"when '{a}' then '{b}'" for a, b in words.items()) + " end"


def write_official(verden: Verden) -> None:
    """Danmarks Statistik's FOLK1A file, counted from the same world: residents at the beginning of the first day of each quarter."""
    month = verden.end
    quarters = [m for m in [*verden.months, month] if m.month in (1, 4, 7, 10)]
    if not quarters:
        return
    days = ", ".join(f"date '{q}'" for q in quarters)
    con = verden.con
    con.execute(f"""
        create table borger.officielt as
        with kvartaler as (
            select unnest([{days}]) as dag
        ),
        omraader as (
            select kommunekode, substr(kommunekode, 2) as omraade from borger.kommune
            union all
            select kommunekode, '000' from borger.kommune
        ),
        bosatte as (
            select o.omraade, case p.koen when 'M' then '1' else '2' end as koen, least(date_diff('year', p.foedselsdato, k.dag)
                - case when (month(k.dag), day(k.dag)) < (month(p.foedselsdato), day(p.foedselsdato)) then 1 else 0 end, 125) as alder, k.dag, count(*) as antal
            from verden.bopael as b
            inner join kvartaler as k on b.gyldig_fra < k.dag and b.gyldig_til >= k.dag
            inner join verden.person as p on b.person_nr = p.person_nr
            inner join omraader as o on b.kommunekode = o.kommunekode
            group by all
        ),
        ramme as (
            select o.omraade, s.koen, a.alder, k.dag
            from (select distinct omraade from omraader) as o
            cross join (values ('1'), ('2')) as s (koen)
            cross join (select unnest(range(126)) as alder) as a
            cross join kvartaler as k
        )
        select r.omraade, r.koen, r.alder, r.dag, coalesce(b.antal, 0) as antal
        from ramme as r
        left join bosatte as b on r.omraade = b.omraade and r.koen = b.koen and r.alder = b.alder and r.dag = b.dag
        order by r.omraade, r.koen, r.alder, r.dag
    """)
    sti, moment = f"dst/FOLK1A_{verden.end:%Y%m%d}.csv", f"timestamp '{verden.end - timedelta(1)} 12:00:00'"
    write_files(verden, f"""
        select '{sti}' as sti, {moment} as mtime, 0 as orden, 'OMRÅDE;KØN;ALDER;TID;INDHOLD' as tekst
        union all
        select
            '{sti}', {moment}, row_number() over (order by omraade, koen, alder, dag),
            omraade || ';' || koen || ';' || alder || ';' || year(dag) || 'K' || quarter(dag) || ';' || antal
        from borger.officielt
    """, newline="\n")
    verden.truth("std_borger__officielt_folketal", """
        select
            o.omraade as omraadekode, k.kommunekode, o.dag as periode, case o.koen when '1' then 'M' else 'K' end as koen, cast(o.alder as integer) as alder,
            cast(o.antal as integer) as antal_personer, 'dst_folk1a' as kildesystem,
            o.omraade || '|' || o.koen || '|' || o.alder || '|' || year(o.dag) || 'K' || quarter(o.dag) as kilde_id
        from borger.officielt as o
        left join borger.kommune as k on '0' || o.omraade = k.kommunekode
        order by kilde_id
    """)
