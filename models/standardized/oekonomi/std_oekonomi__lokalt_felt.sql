{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['_leverance_id']}
) }}

with posteringer as (

    select * from {{ kun_beroerte(ref('int_oekonomi__postering')) }}

),

felter as (

    select * from {{ source('opsaetning', 'lokale_felter') }}

),

final as (

    select
        p.kommunekode,
        p.kildesystem,
        p.kilde_id,
        f.felt,
        {{ json_tekst('p._lokale_felter', 'f.felt') }} as vaerdi,
        p._leverance_id,
        p._fil,
        p._linje
    from posteringer as p
    inner join felter as f
        on
            p.kommunekode = f.kommunekode
            and p.kildesystem = f.kildesystem
            and p.tabel = f.tabel
    where
        p.frasat_aarsag is null
        and {{ json_tekst('p._lokale_felter', 'f.felt') }} is not null

)

select * from final
