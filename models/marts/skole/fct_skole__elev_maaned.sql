{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['kommunekode', 'periode'], 'pakke': {'niveau': 'kommune', 'fagomraade': 'skole'}}
) }}

with elever as (

    select * from {{ kun_beroerte(ref('int_skole__elev')) }}
    where er_paa_opgoerelsesdagen

),

final as (

    select
        kommunekode,
        periode,
        institutionsnummer,
        institutionstype,
        klassetrin,
        klassetype,
        elevtype,
        tosproget,
        ejer_kommunekode,
        betaling_kommunekode,
        bopael_kommunekode,
        cast(count(*) as integer) as antal_elever
    from elever
    group by
        kommunekode,
        periode,
        institutionsnummer,
        institutionstype,
        klassetrin,
        klassetype,
        elevtype,
        tosproget,
        ejer_kommunekode,
        betaling_kommunekode,
        bopael_kommunekode

)

select * from final
