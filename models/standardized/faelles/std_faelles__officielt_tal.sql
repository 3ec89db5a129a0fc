with officielle as (

    select * from {{ ref('int_faelles__officielt_tal') }}

),

final as (

    select
        officiel_tabel,
        omraadekode,
        kommunekode,
        tid,
        periode,
        cast(antal_maaneder as integer) as antal_maaneder,
        vaerdi,
        kildesystem,
        kilde_id,
        _leverance_id,
        _fil,
        _linje
    from officielle
    where frasat_aarsag is null

)

select * from final
