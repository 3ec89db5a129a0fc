with kilde as (

    select * from {{ source('kmd_elev', 'klasse') }}

),

final as (

    select
        -- oprindelse
        _leverance_id,
        _fil,
        _linje,
        _kommunekode as kommunekode,
        'kmd_elev' as kildesystem,
        'klasse' as tabel,
        _periode as leveret_periode,

        -- klasse
        {{ tekst('klasse_id') }} as klasse_id,
        {{ tekst('institutionsnr') }} as institutionsnummer,
        {{ tekst('klassebetegnelse') }} as klassebetegnelse,
        {{ tekst('klassetrin') }} as klassetrin_kildekode,
        {{ tekst('klassetype') }} as klassetype_kildekode,
        {{ tekst('skoleaar') }} as skoleaar
    from kilde

)

select * from final
