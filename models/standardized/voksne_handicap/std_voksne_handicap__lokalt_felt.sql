{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['kommunekode']}
) }}

with leveret as (

    select * from {{ kun_beroerte(ref('int_voksne_handicap__ydelse')) }}

),

ydelser as (

    select
        kommunekode,
        kildesystem,
        kilde_id
    from {{ ref('std_voksne_handicap__ydelse') }}

),

felter as (

    select * from {{ source('opsaetning', 'lokale_felter') }}

),

final as (

    select
        l.kommunekode,
        l.kildesystem,
        l.kilde_id,
        f.felt,
        {{ json_tekst('l._lokale_felter', 'f.felt') }} as vaerdi,
        l._leverance_id,
        l._fil,
        l._linje
    from leveret as l
    inner join ydelser as y
        on
            l.kommunekode = y.kommunekode
            and l.kildesystem = y.kildesystem
            and l.kilde_id = y.kilde_id
    inner join felter as f
        on
            l.kommunekode = f.kommunekode
            and l.kildesystem = f.kildesystem
            and l.tabel = f.tabel
    where
        l.frasat_aarsag is null
        and {{ json_tekst('l._lokale_felter', 'f.felt') }} is not null

)

select * from final
