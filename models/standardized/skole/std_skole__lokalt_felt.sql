{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['_leverance_id']}
) }}

with forloeb as (

    select * from {{ kun_beroerte(ref('int_skole__elevforloeb')) }}

),

felter as (

    select * from {{ source('opsaetning', 'lokale_felter') }}

),

final as (

    select
        e.kommunekode,
        e.kildesystem,
        e.kilde_id,
        f.felt,
        {{ json_tekst('e._lokale_felter', 'f.felt') }} as vaerdi,
        e._leverance_id,
        e._fil,
        e._linje
    from forloeb as e
    inner join felter as f
        on
            e.kommunekode = f.kommunekode
            and e.kildesystem = f.kildesystem
            and e.tabel = f.tabel
    where
        e.frasat_aarsag is null
        and {{ json_tekst('e._lokale_felter', 'f.felt') }} is not null

)

select * from final
