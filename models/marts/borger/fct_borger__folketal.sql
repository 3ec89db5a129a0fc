{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['kommunekode', 'periode'], 'pakke': {'niveau': 'kommune', 'fagomraade': 'borger'}}
) }}

with bosatte as (

    select * from {{ kun_beroerte(ref('int_borger__bosat_maaned')) }}

),

landekoder as (

    select * from {{ ref('landekode') }}

),

final as (

    select
        b.kommunekode,
        b.periode,
        cast(b.alder as integer) as alder,
        b.koen,
        b.civilstand,
        coalesce(l.statsborgerskabsgruppe, 'ukendt') as statsborgerskabsgruppe,
        cast(count(*) as integer) as antal_personer
    from bosatte as b
    left join landekoder as l
        on b.statsborgerskab = l.landekode
    group by
        b.kommunekode,
        b.periode,
        b.alder,
        b.koen,
        b.civilstand,
        coalesce(l.statsborgerskabsgruppe, 'ukendt')

)

select * from final
