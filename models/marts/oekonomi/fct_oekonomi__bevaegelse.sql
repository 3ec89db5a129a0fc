{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['kommunekode', 'periode'], 'pakke': {'niveau': 'kommune', 'fagomraade': 'oekonomi'}}
) }}

with posteringer as (

    select * from {{ kun_beroerte(ref('std_oekonomi__postering')) }}

),

final as (

    select
        kommunekode,
        periode,
        regnskabsaar,
        regnskabsperiode,
        beloebstype,
        kontostreng,
        hovedkonto,
        hovedfunktion,
        funktion,
        dranst,
        ejerforhold,
        gruppering,
        art,
        funktion || '.' || dranst || '.' || gruppering as konto_id,
        cast(sum(beloeb_kr) as decimal(18, 2)) as beloeb_kr,
        cast(count(*) as integer) as antal_posteringer
    from posteringer
    group by
        kommunekode,
        periode,
        regnskabsaar,
        regnskabsperiode,
        beloebstype,
        kontostreng,
        hovedkonto,
        hovedfunktion,
        funktion,
        dranst,
        ejerforhold,
        gruppering,
        art

)

select * from final
