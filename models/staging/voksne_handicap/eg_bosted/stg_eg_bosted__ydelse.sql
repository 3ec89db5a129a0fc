with kilde as (

    select * from {{ source('eg_bosted', 'ydelse') }}

),

final as (

    select
        -- oprindelse
        _kommunekode as kommunekode,
        'eg_bosted' as kildesystem,
        'ydelse' as tabel,
        {{ tekst('sag_id') }} as kilde_id,
        _periode as leveret_periode,

        -- nøgler og koder som leveret
        {{ som_cpr('cpr') }} as cpr,
        {{ tekst('paragraf') }} as paragraf_kildekode,
        {{ tekst('tilbud_id') }} as tilbud_kildekode,
        {{ tekst('tilbudstype') }} as tilbudstype_kildekode,
        {{ tekst('status') }} as status_kildekode,
        {{ tekst('handlekommune') }} as handlekommune_kildekode,
        {{ tekst('betalingskommune') }} as betalingskommune_kildekode,
        {{ tekst('opholdskommune') }} as opholdskommune_kildekode,

        -- periode: slutdatoen er sidste dag; 00000000 er åben
        {{ som_dato('fra', 'yyyyMMdd') }} as gyldig_fra,
        case
            when trim(til) = '00000000' then date '9999-12-31'
            else {{ dagen_efter(som_dato('til', 'yyyyMMdd')) }}
        end as gyldig_til,

        -- mål
        cast(round({{ som_heltal('minutter_pr_uge') }} / 60.0, 2) as decimal(9, 2)) as omfang_timer_uge,
        case trim(akut) when '1' then true when '0' then false end as er_akut,
        false as er_slettet,
        _lokale_felter,
        _leverance_id,
        _fil,
        _linje
    from kilde

)

select * from final
