with raekker as (

    select * from {{ ref('int_personale__organisation') }}

),

final as (

    select
        kommunekode,
        periode,
        enhed_id,
        overordnet_enhed_id,
        enhedsnavn,
        enhedstype,
        p_nummer,
        gyldig_fra,
        gyldig_til,
        kildesystem,
        kilde_id,
        _leverance_id,
        _fil,
        _linje
    from raekker
    where frasat_aarsag is null

)

select * from final
