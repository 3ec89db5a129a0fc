{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    full_refresh=false,
    meta={'skive': ['_leverance_id'], 'behold': true}
) }}
{#- Which models and fields stands in macros/leveranceprofil.sql. A delivery is counted when it comes, and what was counted is kept when it is replaced. #}
{%- set profiler = leveranceprofiler() %}

with
{%- for p in profiler %}
optalt_{{ loop.index }} as (

    select
        _leverance_id,
        kildesystem,
        tabel
        {%- for felt, om in p.felter.items() %},
        sum(case when {{ om[1] }} then 1 else 0 end) as raekker_{{ felt }},
        sum(case when {{ om[1] }} and {{ felt }} is null then 1 else 0 end) as tomme_{{ felt }},
        {% if om[0] is none %}0{% else %}sum(case when {{ om[1] }} and {{ felt }} = '{{ om[0] }}' then 1 else 0 end){% endif %} as ukendte_{{ felt }}
        {%- endfor %}
    from {{ kun_beroerte(ref(p.model)) }}
    where {{ profilens_raekker() }}
    group by
        _leverance_id,
        kildesystem,
        tabel

),
{% endfor %}
samlet as (

    {%- for p in profiler %}
    {%- set nr = loop.index %}
    {%- for felt in p.felter %}
    select
        _leverance_id,
        kildesystem,
        tabel,
        '{{ p.fagomraade }}' as fagomraade,
        '{{ p.begreb }}' as begreb,
        '{{ felt }}' as felt,
        raekker_{{ felt }} as antal_raekker,
        tomme_{{ felt }} as antal_tomme,
        ukendte_{{ felt }} as antal_ukendte
    from optalt_{{ nr }}
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
        cast(antal_raekker as bigint) as antal_raekker,
        cast(antal_tomme as bigint) as antal_tomme,
        cast(antal_ukendte as bigint) as antal_ukendte
    from samlet
    where antal_raekker > 0

)

select * from final
