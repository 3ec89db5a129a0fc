{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['_leverance_id']}
) }}
-- Danmarks Statistik's three-digit areas with the municipality's own code; regions and the country have none.
with leveret as (

    select * from {{ kun_beroerte(ref('stg_dst_folk1a__folk1a')) }}

),

kommuner as (

    select kommunekode from {{ ref('kommune') }}
    where not er_udledt

),

oversat as (

    select
        l.*,
        k.kommunekode as kommunekode_kendt,
        case when l.kvartal between 1 and 4 then {{ dato_af('l.aar', '3 * l.kvartal - 2', 1) }} end as periode,
        case l.koen_kildekode when '1' then 'M' when '2' then 'K' else 'ukendt' end as koen
    from leveret as l
    left join kommuner as k
        on '0' || l.omraadekode = k.kommunekode

),

final as (

    select
        _leverance_id,
        _fil,
        _linje,
        kommunekode_kendt as kommunekode,
        kildesystem,
        kilde_id,
        tabel,
        omraadekode,
        periode,
        koen,
        alder,
        antal_personer,
        case
            when omraadekode is null or alder is null or periode is null then 'noegle_ulaeselig'
            when antal_personer is null then 'antal_ulaeseligt'
            -- The same figure twice: of equal ones the first is kept, of two that differ none.
            when min(antal_personer) over noegle <> max(antal_personer) over noegle or row_number() over (noegle order by _linje) > 1 then 'dublet'
        end as frasat_aarsag
    from oversat
    window noegle as (partition by _leverance_id, omraadekode, periode, koen, alder)

)

select * from final
