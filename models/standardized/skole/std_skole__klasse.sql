with raekker as (

    select * from {{ ref('int_skole__klasse') }}

),

final as (

    select
        kommunekode,
        periode,
        klasse_id,
        institutionsnummer,
        klassebetegnelse,
        klassetrin,
        klassetype,
        skoleaar,
        kildesystem,
        kilde_id,
        _leverance_id,
        _fil,
        _linje
    from raekker
    where frasat_aarsag is null

)

select * from final
