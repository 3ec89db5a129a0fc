with posteringer as (

    select * from {{ ref('int_oekonomi__postering') }}

),

final as (

    select
        kommunekode,
        kildesystem,
        tabel,
        kilde_id,
        leveret_periode as periode,
        frasat_aarsag as aarsag,
        _leverance_id,
        _fil,
        _linje
    from posteringer
    where frasat_aarsag is not null

)

select * from final
