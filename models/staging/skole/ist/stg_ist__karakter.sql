with kilde as (

    select * from {{ source('ist', 'karakter') }}

),

final as (

    select
        -- oprindelse
        _leverance_id,
        _fil,
        _linje,
        _kommunekode as kommunekode,
        'ist' as kildesystem,
        'karakter' as tabel,
        _periode as leveret_periode,

        -- karakter
        {{ tekst('elev_id') }} as elev_id,
        {{ som_cpr('cpr') }} as cpr,
        {{ tekst('institution') }} as institutionsnummer,
        {{ tekst("split_part(klasse, '.', 1)") }} as klassetrin_kildekode,
        {{ tekst('fag') }} as fag_kildekode,
        {{ tekst('proeve') }} as proevetype_kildekode,
        {{ som_dato('dato', 'yyyyMMdd') }} as dato,
        {{ tekst('karakter') }} as karakter_kildekode
    from kilde

)

select * from final
