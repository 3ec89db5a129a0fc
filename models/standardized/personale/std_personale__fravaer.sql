with raekker as (

    select * from {{ ref('int_personale__fravaer') }}

),

final as (

    select
        kommunekode,
        periode,
        fravaer_id,
        ansaettelse_id,
        person_id,
        fravaersaarsag,
        gyldig_fra,
        gyldig_til,
        fravaer_fra,
        fravaer_til,
        timer,
        er_delvis,
        kildesystem,
        kilde_id,
        _leverance_id,
        _fil,
        _linje
    from raekker
    where frasat_aarsag is null

)

select * from final
