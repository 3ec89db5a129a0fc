with kilde as (

    select * from {{ source('kmd_elev', 'fravaer') }}

),

final as (

    select
        -- oprindelse
        _leverance_id,
        _fil,
        _linje,
        _kommunekode as kommunekode,
        'kmd_elev' as kildesystem,
        'fravaer' as tabel,
        _periode as leveret_periode,

        -- fravær
        {{ tekst('elevident') }} as elev_id,
        {{ som_cpr('cprnr') }} as cpr,
        {{ som_dato('dato', 'dd-MM-yyyy') }} as dato,
        {{ tekst('fravaerskode') }} as fravaersart_kildekode,
        {{ som_timer('omfang') }} as andel
    from kilde

)

select * from final
