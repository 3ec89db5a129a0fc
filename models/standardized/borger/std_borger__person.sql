{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['person_id']}
) }}

with fakta as (

    select * from {{ kun_beroerte(ref('int_borger__personfaktum')) }}

),

perioder as (

    select * from {{ kun_beroerte(ref('std_borger__person_periode')) }}

),

leverancer as (

    select
        leverance_id,
        loebenr,
        fil
    from {{ source('leverancer', 'leverance') }}
    where kildesystem = 'cpr' and status = 'aktiv'

),

nyeste as (

    select *
    from fakta
    where frasat_aarsag is null and faktum <> 'nummer'
    qualify row_number() over (partition by person_id, faktum, virkningsdato order by loebenr desc, _linje desc) = 1

),

-- A record is known by its delivery and its line, in one number that grows with both.
gaeldende as (

    select
        *,
        loebenr * 100000000 + _linje as post
    from nyeste
    where not er_annullering

),

-- Two addresses from the same day in one delivery, in municipalities of their own: the register says that the person lives in both.
samtidige_adresser as (

    select
        person_id,
        virkningsdato,
        loebenr
    from fakta
    where frasat_aarsag is null and faktum = 'adresse' and not er_annullering
    group by
        person_id,
        virkningsdato,
        loebenr
    having count(distinct vaerdi) > 1

),

-- It is so until a later delivery reports the address of that day again, or annuls it.
personer_med_samtidige as (

    select distinct g.person_id
    from gaeldende as g
    inner join samtidige_adresser as s
        on g.person_id = s.person_id and g.virkningsdato = s.virkningsdato and g.loebenr = s.loebenr
    where g.faktum = 'adresse'

),

personer as (

    select
        person_id,
        max_by(koen_modsiger_nummer, post) filter (where faktum = 'status') as koen_modsiger_nummer,
        max_by(foedselsdato_modsiger_nummer, post) filter (where faktum = 'status') as foedselsdato_modsiger_nummer,
        min(virkningsdato) filter (where faktum = 'status' and vaerdi = 'doed') as doedsdato,
        max(virkningsdato) filter (where faktum = 'adresse') as sidste_tilflytning,
        max(case when faktum = 'status' then 1 else 0 end) as har_status,
        max(post) as post
    from gaeldende
    group by person_id

),

nuvaerende as (

    select * from perioder
    where gyldig_til = date '9999-12-31'

),

final as (

    select
        p.person_id,
        n.foedselsdato,
        n.koen,
        case when n.borgerstatus = 'doed' then p.doedsdato end as doedsdato,
        n.kommunekode,
        p.har_status = 0 as er_udledt,
        coalesce(p.koen_modsiger_nummer, false) as koen_modsiger_nummer,
        coalesce(p.foedselsdato_modsiger_nummer, false) as foedselsdato_modsiger_nummer,
        coalesce(n.borgerstatus = 'doed' and p.sidste_tilflytning > p.doedsdato, false) as er_flyttet_efter_doed,
        s.person_id is not null as har_samtidige_adresser,
        'cpr' as kildesystem,
        p.person_id as kilde_id,
        l.leverance_id as _leverance_id,
        l.fil as _fil,
        mod(p.post, 100000000) as _linje
    from personer as p
    inner join nuvaerende as n
        on p.person_id = n.person_id
    left join personer_med_samtidige as s
        on p.person_id = s.person_id
    left join leverancer as l
        on l.loebenr = cast((p.post - mod(p.post, 100000000)) / 100000000 as bigint)

)

select * from final
