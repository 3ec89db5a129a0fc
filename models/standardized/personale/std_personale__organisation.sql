{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['_leverance_id']}
) }}

with raekker as (

    select * from {{ kun_beroerte(ref('int_personale__organisation')) }}

),

final as (

    select
        kommunekode,
        periode,
        enhed_id,
        overordnet_enhed_id,
        enhedsnavn,
        enhedstype,
        p_nummer,
        gyldig_fra,
        gyldig_til,
        kildesystem,
        kilde_id,
        _leverance_id,
        _fil,
        _linje
    from raekker
    where frasat_aarsag is null

)

select * from final
