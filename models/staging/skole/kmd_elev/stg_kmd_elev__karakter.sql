with kilde as (

    select * from {{ source('kmd_elev', 'karakter') }}

),

final as (

    select
        -- oprindelse
        _leverance_id,
        _fil,
        _linje,
        _kommunekode as kommunekode,
        'kmd_elev' as kildesystem,
        'karakter' as tabel,
        _periode as leveret_periode,

        -- karakter
        {{ tekst('elevident') }} as elev_id,
        {{ som_cpr('cprnr') }} as cpr,
        {{ tekst('institutionsnr') }} as institutionsnummer,
        {{ tekst('klassetrin') }} as klassetrin_kildekode,
        {{ tekst('fag') }} as fag_kildekode,
        {{ tekst('proevetype') }} as proevetype_kildekode,
        {{ som_dato('dato', 'dd-MM-yyyy') }} as dato,
        {{ tekst('karakter') }} as karakter_kildekode
    from kilde

)

select * from final
