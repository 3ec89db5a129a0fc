{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['_leverance_id']}
) }}
-- A row can be judged by another delivery's rows (a target group by its service), so what moves the services counts their deliveries again.
-- depends_on: {{ ref('std_voksne_handicap__ydelse') }}
{#- A new fagområde is one line more: its int_ views, and the condition under which a row is not the standard's business. -#}
{%- set mellemled = [
    ('int_oekonomi__postering', 'false', 'true'),
    ('int_borger__faktum', "faktum = 'nummer'", 'true'),
    ('int_borger__haendelse', 'false', 'true'),
    ('int_borger__oevrig_post', 'true', 'true'),
    ('int_borger__officielt_folketal', 'false', 'true'),
    ('int_faelles__officielt_tal', 'false', 'true'),
    ('int_voksne_handicap__ydelse', 'false', 'true'),
    ('int_voksne_handicap__maalgruppe', 'false', "tabel = 'maalgruppe'"),
] %}

with raekker as (

    {%- for navn, ikke_gaeldende, taelles in mellemled %}
    select
        _leverance_id,
        kildesystem,
        tabel,
        case
            -- deleted at the source, or from a system that does not count on that date: no fault, and not the standard's business
            when frasat_aarsag in ('slettet_i_kilden', 'andet_system_gaelder') then 'ikke_gaeldende'
            when frasat_aarsag is not null then 'frasat'
            when {{ ikke_gaeldende }} then 'ikke_gaeldende'
            else 'god'
        end as udfald
    from {{ kun_beroerte(ref(navn)) }}
    where {{ taelles }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}

),

final as (

    select
        _leverance_id,
        kildesystem,
        tabel,
        udfald,
        cast(count(*) as bigint) as antal_raekker
    from raekker
    group by
        _leverance_id,
        kildesystem,
        tabel,
        udfald

)

select * from final
