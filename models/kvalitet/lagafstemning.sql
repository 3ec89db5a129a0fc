{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['kommunekode', 'periode']}
) }}
-- Each layer is counted for itself, standardized by rows and intervals, marts by facts.
{#- Every fagområde's own pairs, said by its macro (docs/decisions/0022). #}
{%- set par = [] %}
{%- for omraade in var('fagomraader') %}
{%- for p in context['lagafstemning_' ~ omraade]() %}{% do par.append((omraade, p)) %}{% endfor %}
{%- endfor %}

with
{%- for omraade, p in par %}
standard_{{ loop.index }} as (

    select
        {%- for maal, (standard, marts) in p.maal.items() %}
        {{ standard }} as {{ maal }},
        {%- endfor %}
        kommunekode,
        periode
    from {{ kun_beroerte(p.standard) }}
    group by
        kommunekode,
        periode

),

marts_{{ loop.index }} as (

    select
        {%- for maal, (standard, marts) in p.maal.items() %}
        {{ marts }} as {{ maal }},
        {%- endfor %}
        kommunekode,
        periode
    from {{ kun_beroerte(p.marts) }}
    group by
        kommunekode,
        periode

),
{% endfor %}
sat_sammen as (

    {%- for omraade, p in par %}
    {%- set nr = loop.index %}
    {%- for maal in p.maal %}
    select
        '{{ omraade }}' as fagomraade,
        '{{ maal }}' as maal,
        coalesce(s.kommunekode, f.kommunekode) as kommunekode,
        coalesce(s.periode, f.periode) as periode,
        cast(coalesce(s.{{ maal }}, 0) as decimal(18, 2)) as standard,
        cast(coalesce(f.{{ maal }}, 0) as decimal(18, 2)) as marts
    from standard_{{ nr }} as s
    full join marts_{{ nr }} as f
        on
            s.kommunekode = f.kommunekode
            and s.periode = f.periode
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
        fagomraade,
        kommunekode,
        periode,
        maal,
        standard,
        marts,
        cast(standard - marts as decimal(18, 2)) as forskel
    from sat_sammen

)

select * from final
