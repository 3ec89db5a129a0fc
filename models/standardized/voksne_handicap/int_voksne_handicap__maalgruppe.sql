{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['kommunekode']}
) }}
with leveret as (

    {{ foren([
        'stg_eg_sensum__maalgruppe',
        'stg_kmd_nexus__maalgruppe',
        'stg_eg_bosted__maalgruppe',
    ]) }}

),

-- A target group follows its service: it is set aside with it.
ydelser as (

    select
        kommunekode,
        kildesystem,
        kilde_id,
        max(case when frasat_aarsag is null then 1 else 0 end) as er_god
    from {{ kun_beroerte(ref('int_voksne_handicap__ydelse')) }}
    group by
        kommunekode,
        kildesystem,
        kilde_id

),

final as (

    select
        l.kommunekode,
        l.kildesystem,
        l.tabel,
        l.kilde_id,
        l.leveret_periode,
        coalesce(k.standardkode, 'ukendt') as maalgruppe,
        l.maalgruppe_kildekode,
        case
            when l.er_slettet is null then 'slettemaerke_ulaeseligt'
            when l.er_slettet then 'slettet_i_kilden'
            when y.kilde_id is null then 'ydelse_mangler'
            when y.er_god = 0 then 'ydelse_frasat'
        end as frasat_aarsag,
        l._leverance_id,
        l._fil,
        l._linje
    from leveret as l
    {{ oversaet('xwalk_voksne_handicap__maalgruppe', 'maalgruppe_kildekode', 'k') }}
    left join ydelser as y
        on
            l.kommunekode = y.kommunekode
            and l.kildesystem = y.kildesystem
            and l.kilde_id = y.kilde_id

)

select * from final
