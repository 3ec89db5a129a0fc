with kilde as (

    select * from {{ source('kmd_elev', 'institution') }}

),

final as (

    select
        -- oprindelse
        _leverance_id,
        _fil,
        _linje,
        _kommunekode as kommunekode,
        'kmd_elev' as kildesystem,
        'institution' as tabel,
        _periode as leveret_periode,

        -- institution
        {{ tekst('institutionsnr') }} as institutionsnummer,
        {{ tekst('institutionsnavn') }} as institutionsnavn,
        {{ tekst('institutionstype') }} as institutionstype_kildekode,
        {{ som_kommunekode('ejerkommune') }} as ejer_kommune_kildekode,
        {{ som_dato('startdato', 'dd-MM-yyyy') }} as gyldig_fra,
        {{ aaben_slut('slutdato', dagen_efter(som_dato('slutdato', 'dd-MM-yyyy'))) }} as gyldig_til
    from kilde

)

select * from final
