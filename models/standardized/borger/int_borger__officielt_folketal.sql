-- Danmarks Statistik's three-digit areas with the municipality's own code; regions and the country have none.
with leveret as (

    select * from {{ ref('stg_dst_folk1a__folk1a') }}

),

kommuner as (

    select kommunekode from {{ ref('kommune') }}
    where not er_udledt

),

final as (

    select
        l._leverance_id,
        l._fil,
        l._linje,
        k.kommunekode,
        l.kildesystem,
        l.kilde_id,
        l.tabel,
        l.omraadekode,
        case when l.kvartal between 1 and 4 then {{ dato_af('l.aar', '3 * l.kvartal - 2', 1) }} end as periode,
        case l.koen_kildekode when '1' then 'M' when '2' then 'K' else 'ukendt' end as koen,
        l.alder,
        l.antal_personer,
        case
            when l.omraadekode is null or l.alder is null or l.aar is null or coalesce(l.kvartal, 0) not between 1 and 4 then 'noegle_ulaeselig'
            when l.antal_personer is null then 'antal_ulaeseligt'
        end as frasat_aarsag
    from leveret as l
    left join kommuner as k
        on '0' || l.omraadekode = k.kommunekode

)

select * from final
