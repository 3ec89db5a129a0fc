with kilde as (

    select * from {{ source('ist', 'institution') }}

),

final as (

    select
        -- oprindelse
        _leverance_id,
        _fil,
        _linje,
        _kommunekode as kommunekode,
        'ist' as kildesystem,
        'institution' as tabel,
        _periode as leveret_periode,

        -- institution
        {{ tekst('nummer') }} as institutionsnummer,
        {{ tekst('navn') }} as institutionsnavn,
        {{ tekst('art') }} as institutionstype_kildekode,
        {{ som_kommunekode('ejerkommune') }} as ejer_kommune_kildekode,
        {{ som_dato('aabnet', 'yyyyMMdd') }} as gyldig_fra,
        {{ aaben_slut('lukket', dagen_efter(som_dato('lukket', 'yyyyMMdd'))) }} as gyldig_til
    from kilde

)

select * from final
