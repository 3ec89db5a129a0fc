{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['_leverance_id']}
) }}
-- Records that say nothing the standard needs of a person (names), or that did their work at load (changed numbers, which the key of persons joins).
with personnoegler as (

    select
        cpr,
        person_id
    from {{ source('leverancer', 'person_noegle') }}

),

samlet as (

    {{ foren(['stg_cpr__navn', 'stg_cpr__historisk_personnummer']) }}

),

final as (

    select
        s._leverance_id,
        s._fil,
        s._linje,
        '0998' as kommunekode,
        s.kildesystem,
        s.kilde_id,
        s.tabel,
        s.udtraeksdato,
        case
            when n.cpr is null or not {{ cpr_er_gyldigt('n.cpr', 's.udtraeksdato') }} then 'cpr_ugyldig'
            when s.er_annullering is null then 'handling_ukendt'
        end as frasat_aarsag
    from samlet as s
    left join personnoegler as n
        on s.cpr = n.cpr

)

select * from final
