{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['_leverance_id']}
) }}

with posteringer as (

    select * from {{ kun_beroerte(ref('int_oekonomi__postering')) }}

),

final as (

    select
        kommunekode,
        kildesystem,
        kilde_id,
        beloebstype,
        regnskabsaar,
        regnskabsperiode,
        periode,
        leveret_periode,
        kontostreng,
        hovedkonto,
        hovedfunktion,
        funktion,
        dranst,
        ejerforhold,
        gruppering,
        art,
        bilag_id,
        bogfoeringsdato,
        beloeb_kr,
        _leverance_id,
        _fil,
        _linje
    from posteringer
    where frasat_aarsag is null

)

select * from final
