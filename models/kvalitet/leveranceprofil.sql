{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    full_refresh=false,
    meta={'skive': ['_leverance_id'], 'behold': true}
) }}
-- A delivery is counted when it comes, and what was counted is kept when it is replaced: the next one is measured against it.
{#- Every fagområde's own list, said by its macro (docs/decisions/0022). Only emptiness and unknown codes are counted, so a field may be anything. #}
{%- set begreber = [] %}
{%- for omraade in (var('fagomraader') + ['faelles']) | sort %}{% do begreber.extend(context['kvalitet_' ~ omraade]()) %}{% endfor %}
{%- set profiler = begreber | selectattr('profil', 'defined') | list %}

with
{%- for b in profiler %}
optalt_{{ loop.index }} as (

    select
        {%- for felt, om in b.profil.items() %}
        {%- set angaar = om.get('angaar', 'true') %}
        {%- set er_ukendt = felt ~ " = '" ~ om.ukendt ~ "'" if 'ukendt' in om else 'false' %}
        sum(case when {{ angaar }} then 1 else 0 end) as raekker_{{ felt }},
        sum(case when {{ angaar }} and {{ felt }} is null then 1 else 0 end) as tomme_{{ felt }},
        sum(case when {{ angaar }} and {{ er_ukendt }} then 1 else 0 end) as ukendte_{{ felt }},
        {%- endfor %}
        _leverance_id,
        kildesystem,
        tabel
    from {{ kun_beroerte(ref(b.model)) }}
    -- deleted at the source, or of a system that does not count on that date: no part of what the delivery says
    where coalesce(frasat_aarsag, '') not in {{ ikke_gaeldende_aarsager() }}
    group by
        _leverance_id,
        kildesystem,
        tabel

),
{% endfor %}
samlet as (

    {%- for b in profiler %}
    {%- set nr = loop.index %}
    {%- set omraade, begreb = b.model[4:].split('__') %}
    {%- for felt in b.profil %}
    select
        _leverance_id,
        kildesystem,
        tabel,
        '{{ omraade }}' as fagomraade,
        '{{ begreb }}' as begreb,
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
