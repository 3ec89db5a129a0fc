{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    full_refresh=false,
    meta={'skive': ['_leverance_id'], 'behold': true}
) }}
{#- Which models and key fields stands in macros/leveranceprofil.sql. #}
{%- set profiler = leveranceprofiler() | selectattr('noegler') | list %}

with
{%- for p in profiler %}
optalt_{{ loop.index }} as (

    select
        _leverance_id,
        kildesystem,
        tabel,
        {{ p.noegler | join(',\n        ') }},
        count(*) as antal_raekker,
        sum(case when {{ p.aktuelle }} then 1 else 0 end) as antal_aktuelle
    from {{ kun_beroerte(ref(p.model)) }}
    where
        {{ p.noegler_for }}
        and {{ profilens_raekker() }}
    group by
        _leverance_id,
        kildesystem,
        tabel,
        {{ p.noegler | join(',\n        ') }}

),
{% endfor %}
samlet as (

    {%- for p in profiler %}
    {%- set nr = loop.index %}
    {%- for felt in p.noegler %}
    select
        _leverance_id,
        kildesystem,
        tabel,
        '{{ p.fagomraade }}' as fagomraade,
        '{{ p.begreb }}' as begreb,
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
