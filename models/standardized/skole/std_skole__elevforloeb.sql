with raekker as (

    select * from {{ ref('int_skole__elevforloeb') }}

),

final as (

    select
        kommunekode,
        periode,
        elev_id,
        person_id,
        foedselsaar,
        institutionsnummer,
        klasse_id,
        klassetrin,
        elevtype,
        er_tosproget,
        skoledistrikt,
        betaling_kommunekode,
        tilhoer_kommunekode,
        bopael_kommunekode,
        har_cpr_bopael,
        skoleaar,
        skoledage,
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
