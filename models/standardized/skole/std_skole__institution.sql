with raekker as (

    select * from {{ ref('int_skole__institution') }}

),

final as (

    select
        kommunekode,
        periode,
        institutionsnummer,
        institutionsnavn,
        institutionstype,
        ejer_kommunekode,
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
