with raekker as (

    select * from {{ ref('int_personale__ansaettelse') }}

),

final as (

    select
        kommunekode,
        periode,
        ansaettelse_id,
        person_id,
        enhed_id,
        overenskomst,
        stillingsbetegnelse,
        ansaettelsesform,
        ansaettelsesstatus,
        ansat_dato,
        fratraadt_dato,
        beskaeftigelsesgrad,
        er_timeloennet,
        er_leder,
        kildesystem,
        kilde_id,
        _leverance_id,
        _fil,
        _linje
    from raekker
    where frasat_aarsag is null

)

select * from final
