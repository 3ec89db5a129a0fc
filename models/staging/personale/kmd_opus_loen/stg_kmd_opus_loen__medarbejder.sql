with kilde as (

    select * from {{ source('kmd_opus_loen', 'medarbejder') }}

),

final as (

    select
        -- oprindelse
        _leverance_id,
        _fil,
        _linje,
        _kommunekode as kommunekode,
        'kmd_opus_loen' as kildesystem,
        'medarbejder' as tabel,
        _periode as leveret_periode,

        -- ansættelse
        {{ tekst('id') }} as ansaettelse_id,
        {{ som_cpr('cpr') }} as cpr,
        {{ tekst('org_unit') }} as enhed_id,
        {{ tekst('pay_grade_text') }} as overenskomst_kildekode,
        {{ tekst('position') }} as stillingsbetegnelse,
        {{ tekst('work_contract') }} as ansaettelsesform_kildekode,
        cast(null as string) as ansaettelsesstatus_kildekode,
        {{ som_dato('entry_date', 'yyyy-MM-dd') }} as ansat_dato,
        {{ aaben_slut('leave_date', dagen_efter(som_dato('leave_date', 'yyyy-MM-dd'))) }} as fratraadt_dato,

        -- mål
        {{ grad_af(som_beloeb('numerator', 'punktum'), som_beloeb('denominator', 'punktum')) }} as beskaeftigelsesgrad,
        case trim(is_manager) when 'true' then true when 'false' then false end as er_leder,
        false as er_slettet,
        case lower(trim(coalesce(action, ''))) when '' then false when 'leave' then true end as er_afgang,
        _lokale_felter
    from kilde

)

select * from final
