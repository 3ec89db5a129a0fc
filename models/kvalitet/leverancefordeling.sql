{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    full_refresh=false,
    meta={'skive': ['_leverance_id'], 'behold': true}
) }}
-- As leveranceprofil: counted when the delivery comes, kept when it is replaced. What is always there and is gone, is a missing part (manglende_del).
{#- Every fagområde's own list, said by its macro (docs/decisions/0022). A key field holds codes of a code list, never free text or a
    person. What holds in the delivery's month is counted apart: the rest is history, which a new system need not bring. #}
{%- set begreber = [] %}
{%- for omraade in (var('fagomraader') + ['faelles']) | sort %}{% do begreber.extend(context['kvalitet_' ~ omraade]()) %}{% endfor %}
{%- set fordelinger = begreber | selectattr('fordeling', 'defined') | list %}

with
{%- for b in fordelinger %}
{%- set noegler = b.fordeling.noegler %}
optalt_{{ loop.index }} as (

    select
        _leverance_id,
        kildesystem,
        tabel,
        {{ noegler | join(',\n        ') }},
        count(*) as antal_raekker,
        sum(case when {{ b.fordeling.get('aktuelle', 'true') }} then 1 else 0 end) as antal_aktuelle
    from {{ kun_beroerte(ref(b.model)) }}
    where
        {{ b.fordeling.get('taelles', 'true') }}
        and coalesce(frasat_aarsag, '') not in {{ ikke_gaeldende_aarsager() }}
    group by
        _leverance_id,
        kildesystem,
        tabel,
        {{ noegler | join(',\n        ') }}

),
{% endfor %}
samlet as (

    {%- for b in fordelinger %}
    {%- set nr = loop.index %}
    {%- set omraade, begreb = b.model[4:].split('__') %}
    {%- for felt in b.fordeling.noegler %}
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
