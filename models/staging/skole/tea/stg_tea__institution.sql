with kilde as (

    select * from {{ source('tea', 'institution') }}

),

final as (

    select
        -- oprindelse
        _leverance_id,
        _fil,
        _linje,
        _kommunekode as kommunekode,
        'tea' as kildesystem,
        'institution' as tabel,
        _periode as leveret_periode,

        -- institution
        {{ tekst('nr') }} as institutionsnummer,
        {{ tekst('navn') }} as institutionsnavn,
        {{ tekst('type') }} as institutionstype_kildekode,
        {{ som_kommunekode('ejer') }} as ejer_kommune_kildekode,
        {{ som_dato('fra', 'yyyy-MM-dd') }} as gyldig_fra,
        {{ aaben_slut('til', som_dato('til', 'yyyy-MM-dd')) }} as gyldig_til
    from kilde

)

select * from final
