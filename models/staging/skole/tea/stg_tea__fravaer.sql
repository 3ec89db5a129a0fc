with kilde as (

    select * from {{ source('tea', 'fravaer') }}

),

final as (

    select
        -- oprindelse
        _leverance_id,
        _fil,
        _linje,
        _kommunekode as kommunekode,
        'tea' as kildesystem,
        'fravaer' as tabel,
        _periode as leveret_periode,

        -- fravær
        {{ tekst('elev') }} as elev_id,
        {{ som_cpr('cpr') }} as cpr,
        {{ som_dato('dato', 'yyyy-MM-dd') }} as dato,
        {{ tekst('art') }} as fravaersart_kildekode,
        {{ som_timer('del', '[.]') }} as andel
    from kilde

)

select * from final
