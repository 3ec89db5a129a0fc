{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['kommunekode', 'periode'], 'pakke': {'niveau': 'kommune', 'fagomraade': 'borger'}}
) }}

with bevaegelser as (

    select * from {{ kun_beroerte(ref('int_borger__bevaegelse')) }}

),

final as (

    select
        kommunekode,
        periode,
        bevaegelsesart,
        cast(fortegn as integer) as fortegn,
        cast(count(*) as integer) as antal_personer
    from bevaegelser
    group by
        kommunekode,
        periode,
        bevaegelsesart,
        fortegn

)

select * from final
