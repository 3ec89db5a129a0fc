-- The codes that stand as 'ukendt' in the standard: those that the crosswalk has no row for in the delivery's month. Who keeps the crosswalks adds the row.
with koder as (

    select * from {{ ref('kodeoversaettelse') }}

),

final as (

    select
        fagomraade,
        kommunekode,
        kildesystem,
        periode,
        begreb,
        kode,
        kildekode,
        cast(sum(antal_raekker) as bigint) as antal_raekker
    from koder
    where not er_oversat
    group by
        fagomraade,
        kommunekode,
        kildesystem,
        periode,
        begreb,
        kode,
        kildekode

)

select * from final
