with kilde as (

    select * from {{ source('koebenhavn_loen', 'organisation') }}

),

final as (

    select
        -- oprindelse
        _leverance_id,
        _fil,
        _linje,
        _kommunekode as kommunekode,
        'koebenhavn_loen' as kildesystem,
        'organisation' as tabel,
        _periode as leveret_periode,

        -- enhed
        {{ tekst('enhed') }} as enhed_id,
        {{ tekst('overenhed') }} as overordnet_enhed_id,
        {{ tekst('navn') }} as enhedsnavn,
        {{ tekst('niveau') }} as enhedstype_kildekode,
        {{ tekst('produktionsenhed') }} as p_nummer,
        {{ som_dato('fra', 'dd-MM-yyyy') }} as gyldig_fra,
        {{ aaben_slut('til', dagen_efter(som_dato('til', 'dd-MM-yyyy'))) }} as gyldig_til
    from kilde

)

select * from final
