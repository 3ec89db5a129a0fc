{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['kommunekode', 'periode'], 'pakke': {'niveau': 'kommune', 'fagomraade': 'personale'}}
) }}

with loenlinjer as (

    select * from {{ kun_beroerte(ref('std_personale__loenlinje')) }}

),

final as (

    select
        kommunekode,
        periode,
        kontostreng,
        funktion,
        dranst,
        ejerforhold,
        gruppering,
        art,
        loenart,
        cast(count(*) as integer) as antal_linjer,
        cast(count(distinct person_id) as integer) as antal_personer,
        cast(coalesce(sum(timer), 0) as decimal(18, 2)) as timer,
        cast(sum(beloeb_kr) as decimal(18, 2)) as beloeb_kr
    from loenlinjer
    group by
        kommunekode,
        periode,
        kontostreng,
        funktion,
        dranst,
        ejerforhold,
        gruppering,
        art,
        loenart

)

select * from final
