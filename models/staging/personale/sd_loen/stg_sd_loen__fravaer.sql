with kilde as (

    select * from {{ source('sd_loen', 'fravaer') }}

),

final as (

    select
        -- oprindelse
        _leverance_id,
        _fil,
        _linje,
        _kommunekode as kommunekode,
        'sd_loen' as kildesystem,
        'fravaer' as tabel,
        _periode as leveret_periode,

        -- fravær
        {{ tekst('absence_identifier') }} as fravaer_id,
        {{ tekst('institution_identifier') }} || '-' || {{ tekst('employment_identifier') }} as ansaettelse_id,
        {{ som_cpr('person_civil_registration_identifier') }} as cpr,
        {{ tekst('absence_code') }} as fravaersaarsag_kildekode,
        {{ som_dato('start_date', 'yyyy-MM-dd') }} as fravaer_fra,
        {{ aaben_slut('end_date', dagen_efter(som_dato('end_date', 'yyyy-MM-dd'))) }} as fravaer_til,

        -- mål
        {{ som_timer('absence_hours', '[.]') }} as timer,
        case trim(part_day) when 'J' then true when 'N' then false end as er_delvis
    from kilde

)

select * from final
