{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['_leverance_id']}
) }}
-- A row can be judged by another delivery's rows (a target group by its service), so what moves the services counts their deliveries again.
-- depends_on: {{ ref('std_voksne_handicap__ydelse') }}
{#- A new fagområde is one line more: its int_ views, the condition under which a row is not the standard's business, which rows count, and the amount the
    sender's control total sums (kvalitet.kontrolsum), where there is one. -#}
{%- set mellemled = [
    ('int_oekonomi__postering', 'false', 'true', 'beloeb_kr'),
    ('int_borger__faktum', "faktum = 'nummer'", 'true', none),
    ('int_borger__haendelse', 'false', 'true', none),
    ('int_borger__oevrig_post', 'true', 'true', none),
    ('int_borger__officielt_folketal', 'false', 'true', none),
    ('int_faelles__officielt_tal', 'false', 'true', none),
    ('int_voksne_handicap__ydelse', 'false', 'true', none),
    ('int_voksne_handicap__maalgruppe', 'false', "tabel = 'maalgruppe'", none),
    ('int_personale__organisation', 'false', 'true', none),
    ('int_personale__ansaettelse', 'false', 'true', none),
    ('int_personale__loenlinje', 'false', 'true', 'beloeb_kr'),
    ('int_personale__fravaer', 'false', 'true', none),
] %}

with raekker as (

    {%- for navn, ikke_gaeldende, taelles, beloeb in mellemled %}
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
        end as udfald,
        cast({{ beloeb or 'null' }} as decimal(18, 2)) as beloeb_kr
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
        cast(count(*) as bigint) as antal_raekker,
        cast(sum(case when beloeb_kr > 0 then beloeb_kr else 0 end) as decimal(18, 2)) as debet_kr,
        cast(sum(coalesce(beloeb_kr, 0)) as decimal(18, 2)) as netto_kr
    from raekker
    group by
        _leverance_id,
        kildesystem,
        tabel,
        udfald

)

select * from final
