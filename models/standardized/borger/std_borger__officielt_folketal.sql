with officielle as (

    select * from {{ ref('int_borger__officielt_folketal') }}

),

final as (

    select
        omraadekode,
        kommunekode,
        periode,
        koen,
        alder,
        antal_personer,
        kildesystem,
        kilde_id,
        _leverance_id,
        _fil,
        _linje
    from officielle
    where frasat_aarsag is null

)

select * from final
