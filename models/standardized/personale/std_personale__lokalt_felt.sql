{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['_leverance_id']}
) }}

with ansaettelser as (

    select * from {{ kun_beroerte(ref('int_personale__ansaettelse')) }}

),

felter as (

    select * from {{ source('opsaetning', 'lokale_felter') }}

),

final as (

    select
        a.kommunekode,
        a.kildesystem,
        a.kilde_id,
        f.felt,
        {{ json_tekst('a._lokale_felter', 'f.felt') }} as vaerdi,
        a._leverance_id,
        a._fil,
        a._linje
    from ansaettelser as a
    inner join felter as f
        on
            a.kommunekode = f.kommunekode
            and a.kildesystem = f.kildesystem
            and a.tabel = f.tabel
    where
        a.frasat_aarsag is null
        and {{ json_tekst('a._lokale_felter', 'f.felt') }} is not null

)

select * from final
