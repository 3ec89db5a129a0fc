{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    full_refresh=false,
    meta={'skive': ['_leverance_id'], 'behold': true}
) }}
-- As leveranceprofil: counted when the delivery comes, kept when it is replaced. What is always there and is gone, is a missing part (manglende_del).
{#- A new fagområde is one line more: what its rows are (begreb), the rows whose key fields are counted, the rows that hold in the delivery's month (the rest is
    history, which a new system need not bring), and the key fields. A key field holds codes of a code list, never free text or a person. #}
{%- set fordelinger = [
    ('int_oekonomi__postering', 'oekonomi', 'postering', "beloebstype = 'regnskab'", 'true', ['hovedkonto', 'hovedfunktion', 'dranst']),
    ('int_voksne_handicap__ydelse', 'voksne_handicap', 'ydelse', 'true', 'gyldig_til > leveret_periode', ['paragraf']),
    ('int_personale__ansaettelse', 'personale', 'ansaettelse', 'true', 'true', ['overenskomst']),
    ('int_personale__loenlinje', 'personale', 'loenlinje', 'true', 'true', ['loenart']),
    ('int_personale__fravaer', 'personale', 'fravaer', 'true', 'true', ['fravaersaarsag']),
    ('int_borger__officielt_folketal', 'borger', 'officielt_folketal', 'true', 'true', ['kommunekode']),
] %}

with
{%- for navn, omraade, begreb, taelles, aktuelle, noegler in fordelinger %}
optalt_{{ loop.index }} as (

    select
        _leverance_id,
        kildesystem,
        tabel,
        {{ noegler | join(',\n        ') }},
        count(*) as antal_raekker,
        sum(case when {{ aktuelle }} then 1 else 0 end) as antal_aktuelle
    from {{ kun_beroerte(ref(navn)) }}
    where
        {{ taelles }}
        and coalesce(frasat_aarsag, '') not in ('slettet_i_kilden', 'andet_system_gaelder')
    group by
        _leverance_id,
        kildesystem,
        tabel,
        {{ noegler | join(',\n        ') }}

),
{% endfor %}
samlet as (

    {%- for navn, omraade, begreb, taelles, aktuelle, noegler in fordelinger %}
    {%- set nr = loop.index %}
    {%- for felt in noegler %}
    select
        _leverance_id,
        kildesystem,
        tabel,
        '{{ omraade }}' as fagomraade,
        '{{ begreb }}' as begreb,
        '{{ felt }}' as felt,
        {{ felt }} as vaerdi,
        antal_raekker,
        antal_aktuelle
    from optalt_{{ nr }}
    where {{ felt }} is not null
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}

),

final as (

    select
        _leverance_id,
        fagomraade,
        begreb,
        kildesystem,
        tabel,
        felt,
        vaerdi,
        cast(sum(antal_raekker) as bigint) as antal_raekker,
        cast(sum(antal_aktuelle) as bigint) as antal_aktuelle
    from samlet
    group by
        _leverance_id,
        fagomraade,
        begreb,
        kildesystem,
        tabel,
        felt,
        vaerdi

)

select * from final
