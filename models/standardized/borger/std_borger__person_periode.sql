{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['person_id'], 'beroert': 'borger_beroert'}
) }}
-- depends_on: {{ ref('int_borger__maaned') }}
-- depends_on: {{ ref('kommune') }}

with fakta as (

    select * from {{ kun_beroerte(ref('int_borger__faktum')) }}

),

etablering as (

    select coalesce(min(cast(udtrukket as date)), date '1900-01-01') as dato
    from {{ source('leverancer', 'leverance') }}
    where kildesystem = 'cpr' and status = 'aktiv' and udtraekstype = 'fuld'

),

-- The newest delivery wins for the same person, fact and date of effect; when it is an annulment, the fact is gone.
nyeste as (

    select *
    from fakta
    where frasat_aarsag is null and faktum <> 'nummer'
    qualify row_number() over (partition by person_id, faktum, virkningsdato order by loebenr desc, _linje desc) = 1

),

gaeldende as (

    select * from nyeste
    where not er_annullering

),

-- Sex and birth date are as last reported, in every interval. A person's history begins with the first status; a person without one (the record
-- is missing or was set aside) with whatever is known first.
stamdata as (

    select
        person_id,
        max_by(koen, loebenr * 10000000000 + _linje) filter (where faktum = 'status') as koen,
        max_by(foedselsdato, loebenr * 10000000000 + _linje) filter (where faktum = 'status') as foedselsdato,
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
        max_by(g._leverance_id, g.loebenr * 10000000000 + g._linje) as _leverance_id,
        max_by(g._fil, g.loebenr * 10000000000 + g._linje) as _fil,
        max_by(g._linje, g.loebenr * 10000000000 + g._linje) as _linje
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
        lead(dato, 1, date '9999-12-31') over (partition by person_id order by dato) as dato_til,
        {{ sidst_kendte('borgerstatus') }} over (partition by person_id order by dato) as borgerstatus,
        {{ sidst_kendte('er_bosat') }} over (partition by person_id order by dato) as er_bosat,
        {{ sidst_kendte('kommunekode') }} over (partition by person_id order by dato) as kommunekode,
        {{ sidst_kendte('tilflytningsdato') }} over (partition by person_id order by dato) as tilflytningsdato,
        {{ sidst_kendte('har_adressebeskyttelse') }} over (partition by person_id order by dato) as har_adressebeskyttelse,
        {{ sidst_kendte('civilstand') }} over (partition by person_id order by dato) as civilstand,
        {{ sidst_kendte('statsborgerskab') }} over (partition by person_id order by dato) as statsborgerskab,
        _leverance_id,
        _fil,
        _linje
    from spring

),

-- An address counts only while the person lives in Denmark: abroad is a municipality of its own, and of the dead and the disappeared we know none.
synligt as (

    select
        person_id,
        koen,
        foedselsdato,
        dato,
        dato_til,
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
        _leverance_id,
        _fil,
        _linje
    from fyldt

),

-- Neighbours that look the same are one interval.
noegler as (

    select
        *,
        borgerstatus || '|' || cast(er_bosat as string) || '|' || kommunekode || '|' || coalesce(cast(tilflytningsdato as string), '') || '|'
        || cast(har_adressebeskyttelse as string) || '|' || civilstand || '|' || statsborgerskab as tilstand
    from synligt

),

brud as (

    select
        *,
        case when tilstand = lag(tilstand) over (partition by person_id order by dato) then 0 else 1 end as er_brud
    from noegler

),

nummereret as (

    select
        *,
        sum(er_brud) over (partition by person_id order by dato) as intervalnr
    from brud

),

intervaller as (

    select
        person_id,
        koen,
        foedselsdato,
        borgerstatus,
        er_bosat,
        kommunekode,
        tilflytningsdato,
        har_adressebeskyttelse,
        civilstand,
        statsborgerskab,
        min(dato) as gyldig_fra,
        max(dato_til) as gyldig_til,
        min_by(_leverance_id, dato) as _leverance_id,
        min_by(_fil, dato) as _fil,
        min_by(_linje, dato) as _linje
    from nummereret
    group by
        person_id,
        intervalnr,
        koen,
        foedselsdato,
        borgerstatus,
        er_bosat,
        kommunekode,
        tilflytningsdato,
        har_adressebeskyttelse,
        civilstand,
        statsborgerskab

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
        i._leverance_id,
        i._fil,
        i._linje
    from intervaller as i
    cross join etablering as e
    where i.gyldig_til > e.dato

)

select * from final
