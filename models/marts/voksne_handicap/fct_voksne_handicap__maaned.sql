{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['kommunekode'], 'pakke': {'niveau': 'kommune', 'fagomraade': 'voksne_handicap'}}
) }}

with ydelser as (

    select * from {{ kun_beroerte(ref('std_voksne_handicap__ydelse')) }}

),

daekning as (

    select * from {{ ref('int_voksne_handicap__daekning') }}

),

-- The reports hold everything since 2015, so no month before can be counted.
perioder as (

    select
        periode,
        {{ dato_plus_dage('sidste_dag', 1) }} as naeste_periode
    from {{ ref('dim_periode') }}
    where periode >= date '2015-01-01'

),

dage_i_maaned as (

    select
        y.kommunekode,
        p.periode,
        y.paragraf,
        y.ydelseskode,
        y.person_id,
        {{ dage_mellem('p.periode', 'p.naeste_periode') }} as maanedens_dage,
        {{ dage_mellem('greatest(y.gyldig_fra, p.periode)', 'least(y.gyldig_til, p.naeste_periode)') }} as dage
    from ydelser as y
    inner join daekning as d
        on y.kommunekode = d.kommunekode
    inner join perioder as p
        on
            y.gyldig_fra < p.naeste_periode
            and y.gyldig_til > p.periode
            and p.naeste_periode <= d.daekket_til

),

final as (

    select
        kommunekode,
        periode,
        paragraf,
        ydelseskode,
        cast(count(distinct person_id) as integer) as antal_modtagere,
        cast(count(*) as integer) as antal_ydelser,
        cast(sum(dage) as integer) as ydelsesdage,
        cast(round(sum(dage) * 1.0 / max(maanedens_dage), 5) as decimal(18, 5)) as fuldtidsydelser
    from dage_i_maaned
    group by
        kommunekode,
        periode,
        paragraf,
        ydelseskode

)

select * from final
