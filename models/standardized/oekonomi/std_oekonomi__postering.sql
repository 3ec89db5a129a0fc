with posteringer as (

    select * from {{ ref('int_oekonomi__postering') }}

),

final as (

    select
        kommunekode,
        kildesystem,
        kilde_id,
        beloebstype,
        regnskabsaar,
        regnskabsperiode,
        periode,
        leveret_periode,
        kontostreng,
        hovedkonto,
        hovedfunktion,
        funktion,
        dranst,
        ejerforhold,
        gruppering,
        art,
        bilag_id,
        bogfoeringsdato,
        beloeb_kr,
        _leverance_id,
        _fil,
        _linje
    from posteringer
    where frasat_aarsag is null

)

select * from final
