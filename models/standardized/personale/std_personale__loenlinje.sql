with raekker as (

    select * from {{ ref('int_personale__loenlinje') }}

),

final as (

    select
        kommunekode,
        periode,
        ansaettelse_id,
        person_id,
        loenart,
        kontostreng,
        funktion,
        dranst,
        ejerforhold,
        gruppering,
        art,
        timer,
        beloeb_kr,
        kildesystem,
        kilde_id,
        _leverance_id,
        _fil,
        _linje
    from raekker
    where frasat_aarsag is null

)

select * from final
