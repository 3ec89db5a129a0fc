{%- set kontostreng = '^([0-9][.][0-9]{2}[.][0-9]{2})[.]([0-9])[.]([0-9])[.]([0-9]{3})[.]([0-9][.][0-9])$' -%}
with kilde as (

    select * from {{ source('sd_loen', 'loenlinje') }}

),

final as (

    select
        -- oprindelse
        _leverance_id,
        _fil,
        _linje,
        _kommunekode as kommunekode,
        'sd_loen' as kildesystem,
        'loenlinje' as tabel,
        _periode as leveret_periode,

        -- lønlinje
        {{ tekst('institution_identifier') }} || '-' || {{ tekst('employment_identifier') }} as ansaettelse_id,
        {{ tekst('line_number') }} as linjenummer,
        {{ som_cpr('person_civil_registration_identifier') }} as cpr,
        {{ tekst('salary_type_identifier') }} as loenart_kildekode,

        -- konto
        nullif(regexp_extract(trim(account_string), '{{ kontostreng }}', 1), '') as funktion,
        nullif(regexp_extract(trim(account_string), '{{ kontostreng }}', 2), '') as dranst,
        nullif(regexp_extract(trim(account_string), '{{ kontostreng }}', 3), '') as ejerforhold,
        nullif(regexp_extract(trim(account_string), '{{ kontostreng }}', 4), '') as gruppering,
        nullif(regexp_extract(trim(account_string), '{{ kontostreng }}', 5), '') as art,

        -- mål
        {{ som_timer('hours', '[.]') }} as timer,
        {{ som_beloeb('amount', 'oere') }} as beloeb_kr
    from kilde

)

select * from final
