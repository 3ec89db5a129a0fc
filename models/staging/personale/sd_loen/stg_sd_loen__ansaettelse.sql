with kilde as (

    select * from {{ source('sd_loen', 'ansaettelse') }}

),

final as (

    select
        -- oprindelse
        _leverance_id,
        _fil,
        _linje,
        _kommunekode as kommunekode,
        'sd_loen' as kildesystem,
        'ansaettelse' as tabel,
        _periode as leveret_periode,

        -- ansættelse
        {{ tekst('institution_identifier') }} || '-' || {{ tekst('employment_identifier') }} as ansaettelse_id,
        {{ som_cpr('person_civil_registration_identifier') }} as cpr,
        {{ tekst('department_identifier') }} as enhed_id,
        {{ tekst('salary_agreement_identifier') }} as overenskomst_kildekode,
        {{ tekst('employment_name') }} as stillingsbetegnelse,
        {{ tekst('employment_type_code') }} as ansaettelsesform_kildekode,
        {{ tekst('employment_status_code') }} as ansaettelsesstatus_kildekode,
        {{ som_dato('employment_date', 'yyyy-MM-dd') }} as ansat_dato,
        {{ aaben_slut('termination_date', dagen_efter(som_dato('termination_date', 'yyyy-MM-dd'))) }} as fratraadt_dato,

        -- mål
        case
            when {{ tekst('occupation_rate') }} is null then {{ grad_af_timer(som_beloeb('paid_hours', 'punktum')) }}
            else {{ som_grad('occupation_rate') }}
        end as beskaeftigelsesgrad,
        case trim(management_indicator) when '1' then true when '0' then false end as er_leder,
        coalesce(trim(employment_status_code) = 'S', false) as er_slettet,
        false as er_afgang,
        _lokale_felter
    from kilde

)

select * from final
