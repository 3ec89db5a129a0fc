{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['kommunekode'], 'pakke': {'niveau': 'kommune', 'fagomraade': 'voksne_handicap', 'aarsraekker': 'true'}}
) }}

with ydelser as (

    select * from {{ kun_beroerte(ref('std_voksne_handicap__ydelse')) }}

),

daekning as (

    select * from {{ ref('int_voksne_handicap__daekning') }}

),

aar as (

    select distinct
        aar,
        aar_start
    from {{ ref('dim_periode') }}
    where aar >= 2015

),

final as (

    select
        y.kommunekode,
        a.aar_start as periode,
        a.aar,
        y.paragraf,
        cast(count(distinct y.person_id) as integer) as antal_modtagere,
        cast(count(*) as integer) as antal_ydelser,
        max(d.daekket_til) >= {{ dato_af('a.aar + 1', 1, 1) }} as er_helt_aar
    from ydelser as y
    inner join daekning as d
        on y.kommunekode = d.kommunekode
    inner join aar as a
        on
            y.gyldig_fra < least({{ dato_af('a.aar + 1', 1, 1) }}, d.daekket_til)
            and y.gyldig_til > a.aar_start
            and d.daekket_til > a.aar_start
    group by
        y.kommunekode,
        a.aar_start,
        a.aar,
        y.paragraf

)

select * from final
