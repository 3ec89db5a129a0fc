with kilde as (

    select * from {{ source('koebenhavn_loen', 'fravaer') }}

),

final as (

    select
        -- oprindelse
        _leverance_id,
        _fil,
        _linje,
        _kommunekode as kommunekode,
        'koebenhavn_loen' as kildesystem,
        'fravaer' as tabel,
        _periode as leveret_periode,

        -- fravær
        {{ tekst('fravaersnr') }} as fravaer_id,
        {{ tekst('tjenestenr') }} as ansaettelse_id,
        {{ som_cpr('cpr') }} as cpr,
        {{ tekst('aarsag') }} as fravaersaarsag_kildekode,
        {{ som_dato('fra', 'dd-MM-yyyy') }} as fravaer_fra,
        {{ aaben_slut('til', dagen_efter(som_dato('til', 'dd-MM-yyyy'))) }} as fravaer_til,

        -- mål
        try_cast(round({{ som_heltal('minutter') }} / 60.0, 2) as decimal(9, 2)) as timer,
        case trim(delvis) when 'J' then true when 'N' then false end as er_delvis
    from kilde

)

select * from final
