{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['kommunekode']}
) }}
-- Two persons that turn out to be one can make two services one: what moves the services moves this list too.
-- depends_on: {{ ref('std_voksne_handicap__ydelse') }}

with ydelser as (

    select * from {{ kun_beroerte(ref('int_voksne_handicap__ydelse')) }}
    where frasat_aarsag is not null

),

-- Where the target groups stand in the service's own row, the row is counted once, as a service.
maalgrupper as (

    select * from {{ kun_beroerte(ref('int_voksne_handicap__maalgruppe')) }}
    where
        frasat_aarsag is not null
        and tabel = 'maalgruppe'

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
    from ydelser
    union all
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
    from maalgrupper

)

select * from final
