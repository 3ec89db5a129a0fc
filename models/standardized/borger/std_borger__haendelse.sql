{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['person_id']}
) }}

with haendelser as (

    select * from {{ kun_beroerte(ref('int_borger__personhaendelse')) }}

),

-- The newest delivery wins for the same person, kind and date; when it is an annulment, nothing happened.
nyeste as (

    select *
    from haendelser
    where frasat_aarsag is null
    qualify row_number() over (partition by person_id, haendelsesart, dato order by loebenr desc, _linje desc) = 1

),

final as (

    select
        person_id,
        haendelsesart,
        dato,
        kommunekode,
        kildesystem,
        kilde_id,
        _leverance_id,
        _fil,
        _linje
    from nyeste
    where not er_annullering

)

select * from final
