with officielle as (

    select * from {{ ref('int_faelles__officielt_tal') }}

),

final as (

    select
        coalesce(kommunekode, '0998') as kommunekode,
        kildesystem,
        tabel,
        kilde_id,
        periode,
        frasat_aarsag as aarsag,
        _leverance_id,
        _fil,
        _linje
    from officielle
    where frasat_aarsag is not null

)

select * from final
