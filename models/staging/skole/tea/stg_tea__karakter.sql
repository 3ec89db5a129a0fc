with kilde as (

    select * from {{ source('tea', 'karakter') }}

),

final as (

    select
        -- oprindelse
        _leverance_id,
        _fil,
        _linje,
        _kommunekode as kommunekode,
        'tea' as kildesystem,
        'karakter' as tabel,
        _periode as leveret_periode,

        -- karakter
        {{ tekst('elev') }} as elev_id,
        {{ som_cpr('cpr') }} as cpr,
        {{ tekst('institution') }} as institutionsnummer,
        {{ tekst('grade') }} as klassetrin_kildekode,
        {{ tekst('fag') }} as fag_kildekode,
        {{ tekst('proevetype') }} as proevetype_kildekode,
        {{ som_dato('dato', 'yyyy-MM-dd') }} as dato,
        {{ tekst('karakter') }} as karakter_kildekode
    from kilde

)

select * from final
