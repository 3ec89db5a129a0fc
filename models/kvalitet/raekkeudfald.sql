{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['_leverance_id']}
) }}
{#- Every fagområde's own list, said by its macro (docs/decisions/0022). -#}
{%- set begreber = [] %}
{%- for omraade in (var('fagomraader') + ['faelles']) | sort %}{% do begreber.extend(context['kvalitet_' ~ omraade]()) %}{% endfor %}
-- A row can be judged by another delivery's rows (a target group by its service), so what moves those counts their deliveries again.
{%- for b in begreber if b.get('flyttes_af') %}
-- depends_on: {{ ref(b.flyttes_af) }}
{%- endfor %}

with raekker as (

    {%- for b in begreber %}
    select
        _leverance_id,
        kildesystem,
        tabel,
        case
            -- deleted at the source, or from a system that does not count on that date: no fault, and not the standard's business
            when frasat_aarsag in {{ ikke_gaeldende_aarsager() }} then 'ikke_gaeldende'
            when frasat_aarsag is not null then 'frasat'
            when {{ b.get('ikke_gaeldende', 'false') }} then 'ikke_gaeldende'
            else 'god'
        end as udfald,
        cast({{ b.get('beloeb', 'null') }} as decimal(18, 2)) as beloeb_kr
    from {{ kun_beroerte(ref(b.model)) }}
    where {{ b.get('taelles', 'true') }}
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
