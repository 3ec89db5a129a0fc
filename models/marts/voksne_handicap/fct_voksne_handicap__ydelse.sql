{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['kommunekode'], 'pakke': {'niveau': 'individ', 'fagomraade': 'voksne_handicap'}}
) }}

with ydelser as (

    select * from {{ kun_beroerte(ref('std_voksne_handicap__ydelse')) }}

),

maalgrupper as (

    select
        kommunekode,
        kildesystem,
        kilde_id,
        {{ samlet_liste('maalgruppe', "' '") }} as maalgrupper
    from {{ ref('std_voksne_handicap__maalgruppe') }}
    group by
        kommunekode,
        kildesystem,
        kilde_id

),

paragraffer as (

    select
        ydelseskode,
        ydelsesnavn
    from {{ ref('paragraf') }}

),

final as (

    select
        y.kommunekode,
        y.person_id,
        y.paragraf,
        y.ydelseskode,
        p.ydelsesnavn,
        y.tilbud_id,
        y.gyldig_fra,
        y.gyldig_til,
        y.gyldig_til = date '9999-12-31' as er_aaben,
        y.betaling_kommunekode,
        y.opholds_kommunekode,
        y.ydelsesstatus,
        y.omfang_timer_uge,
        y.er_akut,
        m.maalgrupper,
        y.kildesystem,
        y.kilde_id,
        y._leverance_id
    from ydelser as y
    left join paragraffer as p
        on y.ydelseskode = p.ydelseskode
    left join maalgrupper as m
        on
            y.kommunekode = m.kommunekode
            and y.kildesystem = m.kildesystem
            and y.kilde_id = m.kilde_id

)

select * from final
