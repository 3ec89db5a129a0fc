with kilde as (

    select * from {{ source('ist', 'klasse') }}

),

final as (

    select
        -- oprindelse
        _leverance_id,
        _fil,
        _linje,
        _kommunekode as kommunekode,
        'ist' as kildesystem,
        'klasse' as tabel,
        _periode as leveret_periode,

        -- klasse
        {{ tekst('id') }} as klasse_id,
        {{ tekst('institution') }} as institutionsnummer,
        {{ tekst('klasse') }} as klassebetegnelse,
        {{ tekst("split_part(klasse, '.', 1)") }} as klassetrin_kildekode,
        {{ tekst('type') }} as klassetype_kildekode,
        {{ tekst('skoleaar') }} as skoleaar
    from kilde

)

select * from final
