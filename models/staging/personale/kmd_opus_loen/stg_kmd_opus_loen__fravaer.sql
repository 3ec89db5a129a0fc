with kilde as (

    select * from {{ source('kmd_opus_loen', 'fravaer') }}

),

final as (

    select
        -- oprindelse
        _leverance_id,
        _fil,
        _linje,
        _kommunekode as kommunekode,
        'kmd_opus_loen' as kildesystem,
        'fravaer' as tabel,
        _periode as leveret_periode,

        -- fravær
        {{ tekst('loebenummer') }} as fravaer_id,
        {{ tekst('medarbejdernummer') }} as ansaettelse_id,
        {{ som_cpr('cpr_nummer') }} as cpr,
        {{ tekst('fravaersart') }} as fravaersaarsag_kildekode,
        {{ som_dato('fra', 'dd.MM.yyyy') }} as fravaer_fra,
        {{ aaben_slut('til', dagen_efter(som_dato('til', 'dd.MM.yyyy'))) }} as fravaer_til,

        -- mål
        {{ som_timer('timer') }} as timer,
        case trim(delvis) when 'X' then true when '' then false end as er_delvis
    from kilde

)

select * from final
