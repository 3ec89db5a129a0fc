{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['_leverance_id']}
) }}
{#- Which codes a concept has, each fagområde says itself (docs/decisions/0022). -#}
{%- set begreber = [] %}
{%- for omraade in (var('fagomraader') + ['faelles']) | sort %}
{%- do begreber.extend(context['kvalitet_' ~ omraade]() | selectattr('kildekoder', 'defined')) %}
{%- endfor %}
-- What the systems' codes became, counted on the rows in force: a row that is set aside has a reason of its own, and no figure waits for its codes.
-- A row can be judged by another delivery's rows (a target group by its service), so what moves those counts their deliveries again.
{%- for b in begreber if b.get('flyttes_af') %}
-- depends_on: {{ ref(b.flyttes_af) }}
{%- endfor %}

with koder as (

    {%- for b in begreber %}
    {%- set omraade, begreb = b.model[4:].split('__') %}
    {%- set sidste = loop.last %}
    {%- set raekker = kun_beroerte(ref(b.model)) %}
    {%- for kode, om in b.kildekoder.items() %}
    {%- set kildekode = om.kildekode if om is mapping else om %}
    select
        _leverance_id,
        '{{ omraade }}' as fagomraade,
        kildesystem,
        '{{ begreb }}' as begreb,
        '{{ kode }}' as kode,
        {{ kildekode }} as kildekode,
        {{ om.standard if om is mapping else kode }} <> 'ukendt' as er_oversat
    from {{ raekker }}
    where frasat_aarsag is null and {{ kildekode }} is not null
    {%- if not (sidste and loop.last) %}
    union all
    {%- endif %}
    {%- endfor %}
    {%- endfor %}

),

talt as (

    select
        _leverance_id,
        fagomraade,
        kildesystem,
        begreb,
        kode,
        {{ vist_kildekode('kildekode') }} as kildekode,
        er_oversat,
        count(*) as antal_raekker
    from koder
    group by
        _leverance_id,
        fagomraade,
        kildesystem,
        begreb,
        kode,
        {{ vist_kildekode('kildekode') }},
        er_oversat

),

final as (

    select
        t._leverance_id,
        t.fagomraade,
        coalesce(l.kommunekode, '0998') as kommunekode,
        {{ leverancens_maaned('l') }} as periode,
        t.kildesystem,
        t.begreb,
        t.kode,
        t.kildekode,
        t.er_oversat,
        cast(t.antal_raekker as bigint) as antal_raekker
    from talt as t
    inner join {{ source('leverancer', 'leverance') }} as l
        on t._leverance_id = l.leverance_id

)

select * from final
