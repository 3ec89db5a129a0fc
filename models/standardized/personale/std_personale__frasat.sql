{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['_leverance_id']}
) }}

with final as (

    select
        kommunekode,
        kildesystem,
        tabel,
        kilde_id,
        periode,
        frasat_aarsag as aarsag,
        _leverance_id,
        _fil,
        _linje
    from {{ kun_beroerte(ref('int_personale__organisation')) }}
    where frasat_aarsag is not null
    union all
    select
        kommunekode,
        kildesystem,
        tabel,
        kilde_id,
        periode,
        frasat_aarsag as aarsag,
        _leverance_id,
        _fil,
        _linje
    from {{ kun_beroerte(ref('int_personale__ansaettelse')) }}
    where frasat_aarsag is not null
    union all
    select
        kommunekode,
        kildesystem,
        tabel,
        kilde_id,
        periode,
        frasat_aarsag as aarsag,
        _leverance_id,
        _fil,
        _linje
    from {{ kun_beroerte(ref('int_personale__loenlinje')) }}
    where frasat_aarsag is not null
    union all
    select
        kommunekode,
        kildesystem,
        tabel,
        kilde_id,
        periode,
        frasat_aarsag as aarsag,
        _leverance_id,
        _fil,
        _linje
    from {{ kun_beroerte(ref('int_personale__fravaer')) }}
    where frasat_aarsag is not null

)

select * from final
