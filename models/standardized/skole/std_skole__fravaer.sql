with raekker as (

    select * from {{ ref('int_skole__fravaer') }}

),

final as (

    select
        kommunekode,
        periode,
        elev_id,
        person_id,
        dato,
        fravaersart,
        andel,
        kildesystem,
        kilde_id,
        _leverance_id,
        _fil,
        _linje
    from raekker
    where frasat_aarsag is null

)

select * from final
