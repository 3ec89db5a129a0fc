with kilde as (

    select * from {{ source('kmd_nexus', 'maalgruppe') }}

),

final as (

    select
        _kommunekode as kommunekode,
        'kmd_nexus' as kildesystem,
        'maalgruppe' as tabel,
        {{ tekst('ydelse_id') }} as kilde_id,
        _periode as leveret_periode,
        {{ tekst('maalgruppe') }} as maalgruppe_kildekode,
        case trim(slettet) when 'True' then true when 'False' then false when '' then false end as er_slettet,
        _leverance_id,
        _fil,
        _linje
    from kilde

)

select * from final
