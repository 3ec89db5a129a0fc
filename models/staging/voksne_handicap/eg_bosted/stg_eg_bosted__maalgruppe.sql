with kilde as (

    select * from {{ source('eg_bosted', 'maalgruppe') }}

),

final as (

    select
        _kommunekode as kommunekode,
        'eg_bosted' as kildesystem,
        'maalgruppe' as tabel,
        {{ tekst('sag_id') }} as kilde_id,
        _periode as leveret_periode,
        {{ tekst('maalgruppe') }} as maalgruppe_kildekode,
        false as er_slettet,
        _leverance_id,
        _fil,
        _linje
    from kilde

)

select * from final
