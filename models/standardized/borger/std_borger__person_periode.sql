{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['person_id'], 'beroert': 'borger_beroert'}
) }}
-- depends_on: {{ ref('int_borger__maaned') }}
-- depends_on: {{ ref('kommune') }}

with fakta as (

    select * from {{ kun_beroerte(ref('int_borger__personfaktum')) }}

),

etablering as (

    select coalesce(min(cast(udtrukket as date)), date '1900-01-01') as dato
    from {{ source('leverancer', 'leverance') }}
    where kildesystem = 'cpr' and status = 'aktiv' and udtraekstype = 'fuld'

),

leverancer as (

    select
        leverance_id,
        loebenr,
        fil
    from {{ source('leverancer', 'leverance') }}
    where kildesystem = 'cpr' and status = 'aktiv'

),

-- The newest delivery wins for the same person, fact and date of effect; when it is an annulment, the fact is gone.
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

-- Sex and birth date are as last reported, in every interval. A person's history begins with the first status; a person without one (the record
-- is missing or was set aside) with whatever is known first.
stamdata as (

    select
        person_id,
        max_by(koen, post) filter (where faktum = 'status') as koen,
        max_by(foedselsdato, post) filter (where faktum = 'status') as foedselsdato,
        coalesce(min(virkningsdato) filter (where faktum = 'status'), min(virkningsdato)) as foerste_dato
    from gaeldende
    group by person_id

),

spring as (

    select
        g.person_id,
        s.koen,
        s.foedselsdato,
        greatest(g.virkningsdato, s.foerste_dato) as dato,
        max_by(g.vaerdi, g.virkningsdato) filter (where g.faktum = 'status') as borgerstatus,
        max_by(g.er_bosat, g.virkningsdato) filter (where g.faktum = 'status') as er_bosat,
        max_by(g.vaerdi, g.virkningsdato) filter (where g.faktum = 'adresse') as kommunekode,
        max(g.virkningsdato) filter (where g.faktum = 'adresse') as tilflytningsdato,
        max_by(g.har_adressebeskyttelse, g.virkningsdato) filter (where g.faktum = 'adresse') as har_adressebeskyttelse,
        max_by(g.vaerdi, g.virkningsdato) filter (where g.faktum = 'civilstand') as civilstand,
        max_by(g.vaerdi, g.virkningsdato) filter (where g.faktum = 'statsborgerskab') as statsborgerskab,
        max(g.post) as post
    from gaeldende as g
    inner join stamdata as s
        on g.person_id = s.person_id
    group by
        g.person_id,
        s.koen,
        s.foedselsdato,
        greatest(g.virkningsdato, s.foerste_dato)

),

-- At each date the last known of each kind.
fyldt as (

    select
        person_id,
        koen,
        foedselsdato,
        dato,
        {{ sidst_kendte('borgerstatus') }} over (partition by person_id order by dato) as borgerstatus,
        {{ sidst_kendte('er_bosat') }} over (partition by person_id order by dato) as er_bosat,
        {{ sidst_kendte('kommunekode') }} over (partition by person_id order by dato) as kommunekode,
        {{ sidst_kendte('tilflytningsdato') }} over (partition by person_id order by dato) as tilflytningsdato,
        {{ sidst_kendte('har_adressebeskyttelse') }} over (partition by person_id order by dato) as har_adressebeskyttelse,
        {{ sidst_kendte('civilstand') }} over (partition by person_id order by dato) as civilstand,
        {{ sidst_kendte('statsborgerskab') }} over (partition by person_id order by dato) as statsborgerskab,
        post
    from spring

),

-- An address counts only while the person lives in Denmark: abroad is a municipality of its own, and of the dead and the disappeared we know none.
synligt as (

    select
        person_id,
        koen,
        foedselsdato,
        dato,
        coalesce(borgerstatus, 'ukendt') as borgerstatus,
        coalesce(er_bosat, false) as er_bosat,
        case
            when er_bosat then coalesce(kommunekode, '0998')
            when borgerstatus in ('udrejst', 'groenland') then '0999'
            else '0998'
        end as kommunekode,
        case when er_bosat then tilflytningsdato end as tilflytningsdato,
        coalesce(er_bosat and har_adressebeskyttelse, false) as har_adressebeskyttelse,
        coalesce(civilstand, 'ukendt') as civilstand,
        coalesce(statsborgerskab, '5999') as statsborgerskab,
        post
    from fyldt

),

-- Neighbours that look the same are one interval: only the rows where something changes open a new one.
brud as (

    select
        *,
        case
            when
                lag(borgerstatus) over (partition by person_id order by dato) = borgerstatus
                and lag(er_bosat) over (partition by person_id order by dato) = er_bosat
                and lag(kommunekode) over (partition by person_id order by dato) = kommunekode
                and lag(har_adressebeskyttelse) over (partition by person_id order by dato) = har_adressebeskyttelse
                and lag(civilstand) over (partition by person_id order by dato) = civilstand
                and lag(statsborgerskab) over (partition by person_id order by dato) = statsborgerskab
                and coalesce(lag(tilflytningsdato) over (partition by person_id order by dato), date '1000-01-01')
                = coalesce(tilflytningsdato, date '1000-01-01')
                then 0
            else 1
        end as er_brud
    from synligt

),

intervaller as (

    select
        *,
        dato as gyldig_fra,
        lead(dato, 1, date '9999-12-31') over (partition by person_id order by dato) as gyldig_til
    from brud
    where er_brud = 1

),

-- The full extract knows the state of its own date, not the way there: what ended before it is left out.
final as (

    select
        i.person_id,
        i.gyldig_fra,
        i.gyldig_til,
        i.kommunekode,
        i.kommunekode as bopael_kommunekode,
        i.borgerstatus,
        i.er_bosat,
        i.foedselsdato,
        coalesce(i.koen, 'ukendt') as koen,
        i.civilstand,
        i.statsborgerskab,
        i.tilflytningsdato,
        i.har_adressebeskyttelse,
        'cpr' as kildesystem,
        i.person_id as kilde_id,
        l.leverance_id as _leverance_id,
        l.fil as _fil,
        mod(i.post, 100000000) as _linje
    from intervaller as i
    cross join etablering as e
    left join leverancer as l
        on l.loebenr = cast((i.post - mod(i.post, 100000000)) / 100000000 as bigint)
    where i.gyldig_til > e.dato

)

select * from final
