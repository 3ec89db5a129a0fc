"""Borger's truth: what the standardized tables must hold, taken from the world and from the places of the lines in the files."""

from __future__ import annotations

import hashlib
import os

from flis.demo.borger_filer import FIRST_SERIAL, delivered_name, official_name
from flis.demo.borger_verden import FAULTS, OPEN_END, eve, fault, fill, swing_days
from flis.demo.verden import Verden

# What each register status is in the standard's words, and whether one lives here with it.
STATUS_WORD = {"01": "bosat", "03": "bosat", "05": "groenland", "20": "uden_bopael", "70": "forsvundet", "80": "udrejst", "90": "doed", "??": "ukendt"}
CIVIL_WORD = {"U": "ugift", "G": "gift", "F": "fraskilt", "E": "enke", "P": "gift", "O": "fraskilt", "L": "enke", "X": "ukendt"}
ON_PERSONS = ("BO-02", "BO-04", "BO-05", "BO-07", "BO-10", "BO-11")      # rules that find the person the fault was planted on


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
            d.doedsdato, i.kommunekode, a.uden_person as er_udledt, {fault(verden, 'BO-02')} as koen_modsiger_nummer, false as foedselsdato_modsiger_nummer,
            {fault(verden, 'BO-05')} as er_flyttet_efter_doed, {fault(verden, 'BO-10')} as har_samtidige_adresser, 'cpr' as kildesystem, p.person_id as kilde_id
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
            select
                person_nr,
                case
                    when foedt then 'foedt'
                    when status = '90' then 'doed'
                    when status in ('80', '05') then 'udvandret'
                    when status = '70' then 'forsvundet'
                    when status = '01' and foer_status = '70' then 'genfundet'
                    when status = '01' and coalesce(foer_status, '80') in ('80', '05') then 'indvandret'
                end as haendelsesart,
                fra as dato,
                case when status = '01' then til_kommunekode else fra_kommunekode end as kommunekode
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
    # What could not be standardised: the register's lines, and a figure that is not known in the official file.
    con.execute(f"""
        create table borger.frasat as
        select
            l.regel, g.kommunekode as plantet_i, case l.regel when 'BO-03' then '0998' else g.kommunekode end as kommunekode, 'cpr' as kildesystem,
            case l.rec when '001' then 'person' when '002' then 'adresse' else 'forsvinding' end as tabel, l.loebenr || '-' || l.linje as kilde_id,
            cast(date_trunc('month', date '{eve(verden)}' + cast(l.loebenr - {FIRST_SERIAL} as integer)) as date) as periode,
            case l.regel when 'BO-01' then 'cpr_ugyldig' when 'BO-03' then 'foedselsdato_ugyldig' else case l.rec when '025' then 'art_ukendt' else 'dato_ulaeselig' end end as aarsag
        from borger.linje as l
        inner join borger.grund as g on l.person_nr = g.person_nr
        where l.regel in ('BO-01', 'BO-03', 'BO-09')
        union all
        select
            regel, '0' || omraade, '0' || omraade, 'dst_folk1a', 'folk1a', omraade || '|' || koen || '|' || alder || '|' || year(dag) || 'K' || quarter(dag), dag, 'antal_ulaeseligt'
        from borger.officielt
        where regel = 'BO-17'
    """)
    verden.truth("std_borger__frasat", "select kommunekode, kildesystem, tabel, kilde_id, periode, aarsag from borger.frasat order by all")
    con.execute(f"""
        insert into verden.fejl
        select regel, kildesystem, plantet_i, periode, kildesystem || '|' || kilde_id from borger.frasat
        union all
        select f.regel, 'cpr', g.kommunekode, date '{verden.first}', 'cpr|' || p.person_id
        from borger.grund as g
        inner join borger.person_id as p on g.person_nr = p.person_nr
        inner join (values {", ".join(f"('{name}', {place})" for place, name in FAULTS.items() if name in ON_PERSONS)}) as f (regel, idx) on g.stor and g.idx = f.idx
        where {str(verden.faults).lower()}
        union all
        select regel, 'dst_folk1a', '0' || omraade, dag,
            'dst_folk1a|' || case regel when 'BO-06' then omraade || '.K.' || alder || '.' || dag else '0' || omraade || '.' || dag end
        from borger.officielt
        where regel in ('BO-06', 'BO-08')
        union all
        -- the month in which emigrants left and the register did not say so
        select distinct 'BO-12', 'cpr', g.kommunekode, date_trunc('month', s.fra), 'cpr|' || g.kommunekode || '.' || cast(date_trunc('month', s.fra) as date)
        from borger.skift as s
        inner join borger.grund as g on s.person_nr = g.person_nr
        where s.er_tavs
    """)
    if verden.faults:
        record_files(verden)
        plant_swings(verden)


def record_files(verden: Verden) -> None:
    """BO-94: the files with a row set aside do not add up with the standard. They belong to no municipality."""
    con = verden.con
    serials = con.execute("select distinct cast(split_part(kilde_id, '-', 1) as integer) from borger.frasat where kildesystem = 'cpr' order by 1").fetchall()
    files = [("cpr", delivered_name(verden, serial)) for (serial,) in serials]
    files += [("dst_folk1a", official_name(verden)) for _ in con.execute("select 1 from borger.frasat where kildesystem = 'dst_folk1a' limit 1").fetchall()]
    con.executemany("insert into verden.fejl values ('BO-94', ?, '0998', null, ?)", [(system, f"{system}|{name}") for system, name in files])


def plant_swings(verden: Verden) -> None:
    """BO-13: the months in which the many were registered elsewhere by mistake, where that moves the population as much as the rule asks for."""
    months = ", ".join(f"(date '{day.replace(day=1)}')" for day in swing_days(verden))
    verden.con.execute(f"""
        insert into verden.fejl
        with bestand as (
            select i.kommunekode, m.maaned, count(*) filter (where i.gyldig_fra < m.maaned and i.gyldig_til >= m.maaned) as primo,
                count(*) filter (where i.gyldig_fra < m.maaned + interval 1 month and i.gyldig_til >= m.maaned + interval 1 month) as ultimo
            from borger.interval as i
            inner join borger.udpeget as p on i.kommunekode in (p.mindste, p.stoerste) and p.masse > 0
            cross join (values {months}) as m (maaned)
            where i.er_bosat
            group by all
        )
        select 'BO-13', 'cpr', kommunekode, maaned, 'cpr|' || kommunekode || '.' || maaned || '.maaned'
        from bestand
        where abs(ultimo - primo) > 0.01 * primo and abs(ultimo - primo) >= 10
    """)


def switch(expression: str, words: dict[str, str]) -> str:
    """SQL that puts one word for another."""
    return f"case {expression} " + " ".join(f"when '{a}' then '{b}'" for a, b in words.items()) + " end"
