{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['_leverance_id']}
) }}
-- Births, deaths, migrations and disappearances as the register reports them in records of their own: an account independent of the intervals.
-- Stored by number, not by person: two numbers may turn out to be one person's (int_borger__personhaendelse).
with personnoegler as (

    select
        cpr,
        nummer_id
    from {{ source('leverancer', 'person_noegle') }}

),

kommuner as (

    select kommunekode from {{ ref('kommune') }}
    where not er_udledt

),

foedsel as (

    select
        _leverance_id,
        _fil,
        _linje,
        kommunekode,
        kildesystem,
        kilde_id,
        tabel,
        loebenr,
        udtraeksdato,
        cpr,
        er_annullering,
        dato,
        'foedt' as haendelsesart
    from {{ kun_beroerte(ref('stg_cpr__foedsel')) }}

),

doed as (

    select
        _leverance_id,
        _fil,
        _linje,
        kommunekode,
        kildesystem,
        kilde_id,
        tabel,
        loebenr,
        udtraeksdato,
        cpr,
        er_annullering,
        dato,
        'doed' as haendelsesart
    from {{ kun_beroerte(ref('stg_cpr__doed')) }}

),

udrejse as (

    select
        _leverance_id,
        _fil,
        _linje,
        kommunekode,
        kildesystem,
        kilde_id,
        tabel,
        loebenr,
        udtraeksdato,
        cpr,
        er_annullering,
        dato,
        case art_kildekode when 'I' then 'indvandret' when 'U' then 'udvandret' end as haendelsesart
    from {{ kun_beroerte(ref('stg_cpr__udrejse')) }}

),

forsvinding as (

    select
        _leverance_id,
        _fil,
        _linje,
        kommunekode,
        kildesystem,
        kilde_id,
        tabel,
        loebenr,
        udtraeksdato,
        cpr,
        er_annullering,
        dato,
        case art_kildekode when 'F' then 'forsvundet' when 'G' then 'genfundet' end as haendelsesart
    from {{ kun_beroerte(ref('stg_cpr__forsvinding')) }}

),

samlet as (

    select * from foedsel
    union all
    select * from doed
    union all
    select * from udrejse
    union all
    select * from forsvinding

),

final as (

    select
        s._leverance_id,
        s._fil,
        s._linje,
        coalesce(k.kommunekode, '0998') as kommunekode,
        s.kildesystem,
        s.kilde_id,
        s.tabel,
        s.loebenr,
        s.udtraeksdato,
        n.nummer_id,
        s.haendelsesart,
        s.dato,
        s.er_annullering,
        case
            when n.cpr is null or not {{ cpr_er_gyldigt('n.cpr', 's.udtraeksdato') }} then 'cpr_ugyldig'
            when s.er_annullering is null then 'handling_ukendt'
            when s.dato is null then 'dato_ulaeselig'
            when s.haendelsesart is null then 'art_ukendt'
        end as frasat_aarsag
    from samlet as s
    left join personnoegler as n
        on s.cpr = n.cpr
    left join kommuner as k
        on s.kommunekode = k.kommunekode

)

select * from final
