with raekker as (

    select * from {{ ref('int_skole__specialundervisning') }}

),

final as (

    select
        kommunekode,
        periode,
        foranstaltning_id,
        elev_id,
        person_id,
        tilbudstype,
        timer_pr_uge,
        takstgruppe,
        visitationsdato,
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
