with kilde as (

    select * from {{ source('eg_sensum', 'ydelse') }}

),

final as (

    select
        -- oprindelse
        _kommunekode as kommunekode,
        'eg_sensum' as kildesystem,
        'ydelse' as tabel,
        {{ tekst('indsats_id') }} as kilde_id,
        _periode as leveret_periode,

        -- nøgler og koder som leveret
        {{ som_cpr('cpr') }} as cpr,
        {{ tekst('forventetparagraf') }} as paragraf_kildekode,
        {{ tekst('tilbud') }} as tilbud_kildekode,
        {{ tekst('facet') }} as tilbudstype_kildekode,
        {{ tekst('indsatsstatus') }} as status_kildekode,
        {{ tekst('handlekommune') }} as handlekommune_kildekode,
        {{ tekst('betalingskommune') }} as betalingskommune_kildekode,
        {{ tekst('opholdskommune') }} as opholdskommune_kildekode,

        -- periode: slutdatoen er sidste dag; tom og 31-12-2099 er åben
        {{ som_dato('indsatsstartdato', 'dd-MM-yyyy') }} as gyldig_fra,
        case
            when {{ tekst('indsatsslutdato') }} is null or {{ som_dato('indsatsslutdato', 'dd-MM-yyyy') }} = date '2099-12-31' then date '9999-12-31'
            else {{ dagen_efter(som_dato('indsatsslutdato', 'dd-MM-yyyy')) }}
        end as gyldig_til,

        -- mål
        {{ som_timer('timer_pr_uge') }} as omfang_timer_uge,
        case trim(akut) when 'Ja' then true when 'Nej' then false end as er_akut,
        false as er_slettet,
        _lokale_felter,
        _leverance_id,
        _fil,
        _linje
    from kilde

)

select * from final
