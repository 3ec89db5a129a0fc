{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['_leverance_id']}
) }}

with fakta as (

    select * from {{ kun_beroerte(ref('int_borger__faktum')) }}

),

haendelser as (

    select * from {{ kun_beroerte(ref('int_borger__haendelse')) }}

),

oevrige as (

    select * from {{ kun_beroerte(ref('int_borger__oevrig_post')) }}

),

officielle as (

    select * from {{ kun_beroerte(ref('int_borger__officielt_folketal')) }}

),

samlet as (

    select
        kommunekode,
        kildesystem,
        tabel,
        kilde_id,
        cast(date_trunc('month', udtraeksdato) as date) as periode,
        frasat_aarsag as aarsag,
        _leverance_id,
        _fil,
        _linje
    from fakta
    where frasat_aarsag is not null
    union all
    select
        kommunekode,
        kildesystem,
        tabel,
        kilde_id,
        cast(date_trunc('month', udtraeksdato) as date) as periode,
        frasat_aarsag as aarsag,
        _leverance_id,
        _fil,
        _linje
    from haendelser
    where frasat_aarsag is not null
    union all
    select
        kommunekode,
        kildesystem,
        tabel,
        kilde_id,
        cast(date_trunc('month', udtraeksdato) as date) as periode,
        frasat_aarsag as aarsag,
        _leverance_id,
        _fil,
        _linje
    from oevrige
    where frasat_aarsag is not null
    union all
    select
        coalesce(kommunekode, '0998') as kommunekode,
        kildesystem,
        tabel,
        kilde_id,
        periode,
        frasat_aarsag as aarsag,
        _leverance_id,
        _fil,
        _linje
    from officielle
    where frasat_aarsag is not null

),

final as (

    select
        kommunekode,
        kildesystem,
        tabel,
        kilde_id,
        periode,
        aarsag,
        _leverance_id,
        _fil,
        _linje
    from samlet

)

select * from final
