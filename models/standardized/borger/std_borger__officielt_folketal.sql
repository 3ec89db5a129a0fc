{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['_leverance_id']}
) }}

with officielle as (

    select * from {{ kun_beroerte(ref('int_borger__officielt_folketal')) }}

),

final as (

    select
        omraadekode,
        kommunekode,
        periode,
        koen,
        alder,
        antal_personer,
        kildesystem,
        kilde_id,
        _leverance_id,
        _fil,
        _linje
    from officielle
    where frasat_aarsag is null

)

select * from final
