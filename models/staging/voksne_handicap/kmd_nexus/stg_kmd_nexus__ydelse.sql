{%- set utc = '([12][0-9]{3}|9999)-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?Z' -%}
with kilde as (

    select * from {{ source('kmd_nexus', 'ydelse') }}

),

-- What is not written as a moment in UTC, or as hours and minutes, is ''.
skrevet as (

    select
        *,
        {{ skrevet_som('fra', utc) }} as fra_utc,
        {{ skrevet_som('til', utc) }} as til_utc,
        {{ skrevet_som('timer_pr_maaned', '[0-9]{1,4}:[0-5][0-9]') }} as timer_og_minutter
    from kilde

),

final as (

    select
        -- oprindelse
        _kommunekode as kommunekode,
        'kmd_nexus' as kildesystem,
        'ydelse' as tabel,
        {{ tekst('ydelse_id') }} as kilde_id,
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

        -- periode: UTC, slutningen er eksklusiv; 1900-01-01 er ukendt start og beholdes som sådan
        case
            when fra_utc like '1900-01-01%' then date '1900-01-01'
            else {{ lokal_dato('fra_utc') }}
        end as gyldig_fra,
        case
            when til_utc like '9999-12-31%' then date '9999-12-31'
            else {{ lokal_dato('til_utc') }}
        end as gyldig_til,

        -- mål: timer pr. måned til timer pr. uge er 12 måneder delt med 52 uger
        cast(round(
            (try_cast(split_part(timer_og_minutter, ':', 1) as integer) * 60 + try_cast(split_part(timer_og_minutter, ':', 2) as integer))
            * 12 / (52 * 60.0), 2
        ) as decimal(9, 2)) as omfang_timer_uge,
        case trim(akut) when 'True' then true when 'False' then false end as er_akut,
        case trim(slettet) when 'True' then true when 'False' then false when '' then false end as er_slettet,
        _lokale_felter,
        _leverance_id,
        _fil,
        _linje
    from skrevet

)

select * from final
