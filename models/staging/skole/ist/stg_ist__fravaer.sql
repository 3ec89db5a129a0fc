with kilde as (

    select * from {{ source('ist', 'fravaer') }}

),

final as (

    select
        -- oprindelse
        _leverance_id,
        _fil,
        _linje,
        _kommunekode as kommunekode,
        'ist' as kildesystem,
        'fravaer' as tabel,
        _periode as leveret_periode,

        -- fravær
        {{ tekst('elev_id') }} as elev_id,
        {{ som_cpr('cpr') }} as cpr,
        {{ som_dato('dato', 'yyyyMMdd') }} as dato,
        {{ tekst('type') }} as fravaersart_kildekode,
        cast({{ som_heltal('procent') }} / 100.0 as decimal(9, 2)) as andel
    from kilde

)

select * from final
