{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['kommunekode']}
) }}

with maalgrupper as (

    select * from {{ kun_beroerte(ref('int_voksne_handicap__maalgruppe')) }}
    where frasat_aarsag is null

),

ydelser as (

    select
        kommunekode,
        kildesystem,
        kilde_id
    from {{ ref('std_voksne_handicap__ydelse') }}

),

-- Several codes of a vendor may be one code of the standard. The parts of a service that went on in another system are left to its latest part.
final as (

    select
        m.kommunekode,
        m.kildesystem,
        m.kilde_id,
        m.maalgruppe,
        max(m._leverance_id) as _leverance_id,
        max(m._fil) as _fil,
        min(m._linje) as _linje
    from maalgrupper as m
    inner join ydelser as y
        on
            m.kommunekode = y.kommunekode
            and m.kildesystem = y.kildesystem
            and m.kilde_id = y.kilde_id
    group by
        m.kommunekode,
        m.kildesystem,
        m.kilde_id,
        m.maalgruppe

)

select * from final
