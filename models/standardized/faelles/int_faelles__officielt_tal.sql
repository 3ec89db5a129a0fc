{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['_leverance_id']}
) }}
-- Danmarks Statistik's areas and times as municipalities and periods; regions and the country have no municipality.
with leveret as (

    select * from {{ kun_beroerte(ref('stg_dst_officielle_tal__officielt_tal')) }}

),

kommuner as (

    select kommunekode from {{ ref('kommune') }}
    where not er_udledt

),

-- How many months a period of each kind has, and how many there are in a year.
periodetyper as (

    select
        *,
        case periodetype when 'A' then 12 when 'K' then 3 when 'M' then 1 end as antal_maaneder,
        case periodetype when 'A' then 1 when 'K' then 4 when 'M' then 12 end as antal_i_aaret
    from leveret

),

final as (

    select
        p._leverance_id,
        p._fil,
        p._linje,
        k.kommunekode,
        p.kildesystem,
        p.kilde_id,
        p.tabel,
        p.officiel_tabel,
        p.omraadekode,
        p.tid,
        case
            when p.aar between 1900 and 2999 and p.nummer between 1 and p.antal_i_aaret
                then {{ dato_af('p.aar', 'p.antal_maaneder * (p.nummer - 1) + 1', 1) }}
        end as periode,
        p.antal_maaneder,
        p.vaerdi,
        case
            when p.officiel_tabel is null or p.omraadekode is null then 'noegle_ulaeselig'
            when coalesce(p.aar, 0) not between 1900 and 2999 or coalesce(p.nummer, 0) not between 1 and coalesce(p.antal_i_aaret, 0) then 'noegle_ulaeselig'
            when p.vaerdi is null then 'antal_ulaeseligt'
            -- The same figure twice: of equal ones the first is kept, of two that differ none.
            when min(p.vaerdi) over noegle <> max(p.vaerdi) over noegle or row_number() over (noegle order by p._linje) > 1 then 'dublet'
        end as frasat_aarsag
    from periodetyper as p
    left join kommuner as k
        on '0' || p.omraadekode = k.kommunekode
    window noegle as (partition by p._leverance_id, p.officiel_tabel, p.omraadekode, p.tid)

)

select * from final
