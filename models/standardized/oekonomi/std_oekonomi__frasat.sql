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
        tabel,
        kilde_id,
        leveret_periode as periode,
        frasat_aarsag as aarsag,
        _leverance_id,
        _fil,
        _linje
    from posteringer
    where frasat_aarsag is not null

)

select * from final
