{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['kommunekode']}
) }}

with ydelser as (

    select * from {{ kun_beroerte(ref('int_voksne_handicap__ydelse')) }}
    where frasat_aarsag is null

),

-- A service that goes on in another system from the very day it stopped in the first is one service. Inside one system the municipality's own
-- division stands.
foregaaende as (

    select
        *,
        lag(gyldig_til) over (
            partition by kommunekode, person_id, ydelseskode, tilbud_id
            order by gyldig_fra, gyldig_til, kildesystem, kilde_id
        ) as forrige_til,
        lag(kildesystem) over (
            partition by kommunekode, person_id, ydelseskode, tilbud_id
            order by gyldig_fra, gyldig_til, kildesystem, kilde_id
        ) as forrige_system
    from ydelser

),

forloeb as (

    select
        *,
        sum(case when forrige_til = gyldig_fra and forrige_system <> kildesystem then 0 else 1 end) over (
            partition by kommunekode, person_id, ydelseskode, tilbud_id
            order by gyldig_fra, gyldig_til, kildesystem, kilde_id
            rows between unbounded preceding and current row
        ) as forloebsnr
    from foregaaende

),

-- The latest part speaks for the whole: it stands in the system where the service can be corrected.
samlet as (

    select
        *,
        min(gyldig_fra) over (partition by kommunekode, person_id, ydelseskode, tilbud_id, forloebsnr) as forloeb_fra,
        row_number() over (
            partition by kommunekode, person_id, ydelseskode, tilbud_id, forloebsnr
            order by gyldig_fra desc, gyldig_til desc, kildesystem desc, kilde_id desc
        ) as nr_bagfra
    from forloeb

),

final as (

    select
        kommunekode,
        person_id,
        paragraf,
        ydelseskode,
        tilbud_id,
        forloeb_fra as gyldig_fra,
        gyldig_til,
        angivet_handle_kommunekode,
        betaling_kommunekode,
        opholds_kommunekode,
        ydelsesstatus,
        omfang_timer_uge,
        er_akut,
        kildesystem,
        kilde_id,
        _leverance_id,
        _fil,
        _linje
    from samlet
    where nr_bagfra = 1

)

select * from final
