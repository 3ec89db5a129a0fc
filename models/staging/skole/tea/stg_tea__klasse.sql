with kilde as (

    select * from {{ source('tea', 'klasse') }}

),

final as (

    select
        -- oprindelse
        _leverance_id,
        _fil,
        _linje,
        _kommunekode as kommunekode,
        'tea' as kildesystem,
        'klasse' as tabel,
        _periode as leveret_periode,

        -- klasse
        {{ tekst('id') }} as klasse_id,
        {{ tekst('institution') }} as institutionsnummer,
        {{ tekst('navn') }} as klassebetegnelse,
        {{ tekst('grade') }} as klassetrin_kildekode,
        {{ tekst('type') }} as klassetype_kildekode,
        {{ tekst('skoleaar') }} as skoleaar
    from kilde

)

select * from final
