-- Sensum delivers the target groups as one list in the service's own row; here it becomes the shape that the other systems deliver.
with kilde as (

    select * from {{ source('eg_sensum', 'ydelse') }}

),

delt as (

    select
        *,
        {{ del_liste('maalgrupper', "','") }} as maalgruppe
    from kilde

),

final as (

    select
        _kommunekode as kommunekode,
        'eg_sensum' as kildesystem,
        'ydelse' as tabel,
        {{ tekst('indsats_id') }} as kilde_id,
        _periode as leveret_periode,
        trim(maalgruppe) as maalgruppe_kildekode,
        false as er_slettet,
        _leverance_id,
        _fil,
        _linje
    from delt
    where trim(maalgruppe) <> ''

)

select * from final
