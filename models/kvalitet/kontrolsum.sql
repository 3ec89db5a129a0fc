{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['_leverance_id']}
) }}
{#- Every fagområde's own list, said by its macro (docs/decisions/0022). Which side is summed stands in the contract alone (kontroltal.fortegn). #}
{%- set begreber = [] %}
{%- for omraade in (var('fagomraader') + ['faelles']) | sort %}{% do begreber.extend(context['kvalitet_' ~ omraade]()) %}{% endfor %}
{%- set med_beloeb = begreber | selectattr('beloeb', 'defined') | list %}
-- The sender's control totals (end record or load, whichever the contract says) against what came out: standardized + set aside + not applicable.
-- Which deliveries are new is known from the raw tables the amounts come from:
{%- for b in med_beloeb %}
-- depends_on: {{ ref(b.model) }}
{%- endfor %}
{%- set fortegn = [] %}
{%- if execute %}
{%- for s in graph.sources.values() | sort(attribute='unique_id') %}
{%- set kontroltal = ((s.config or {}).get('meta') or s.meta or {}).get('kontroltal') %}
{%- if kontroltal %}{% do fortegn.append((s.source_name, s.name, kontroltal.get('fortegn', 'netto'))) %}{% endif %}
{%- endfor %}
{%- endif %}

with sider as (

    {%- for kildesystem, tabel, side in fortegn %}
    select
        '{{ kildesystem }}' as kildesystem,
        '{{ tabel }}' as filtype,
        '{{ side }}' as fortegn
    union all
    {%- endfor %}
    select
        cast(null as string) as kildesystem,
        cast(null as string) as filtype,
        cast(null as string) as fortegn

),

leverancer as (

    select
        l.leverance_id as _leverance_id,
        l.fagomraade,
        l.kommunekode,
        l.periode,
        l.kildesystem,
        l.filtype,
        l.fil,
        l.kontrolsum,
        coalesce(s.fortegn, 'netto') as fortegn
    from {{ source('leverancer', 'leverance') }} as l
    left join sider as s
        on
            l.kildesystem = s.kildesystem
            and l.filtype = s.filtype
    where
        l.status = 'aktiv'
        and l.kontrolsum is not null

),

udvalgte as (

    select * from {{ kun_beroerte('leverancer') }}

),

standard as (

    {%- for b in med_beloeb %}
    select
        _leverance_id,
        sum({{ b.beloeb }}) as netto,
        sum(case when {{ b.beloeb }} > 0 then {{ b.beloeb }} else 0 end) as debet
    from {{ kun_beroerte(ref('std_' ~ b.model[4:])) }}
    group by _leverance_id
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}

),

-- A row whose amount cannot be read is in no sum; the loader leaves it out of the control total too.
uden_for as (

    select
        _leverance_id,
        sum(case when udfald = 'frasat' then netto_kr else 0 end) as frasat_netto,
        sum(case when udfald = 'frasat' then debet_kr else 0 end) as frasat_debet,
        sum(case when udfald = 'ikke_gaeldende' then netto_kr else 0 end) as ikke_gaeldende_netto,
        sum(case when udfald = 'ikke_gaeldende' then debet_kr else 0 end) as ikke_gaeldende_debet
    from {{ kun_beroerte(ref('raekkeudfald')) }}
    where udfald <> 'god'
    group by _leverance_id

),

sat_sammen as (

    select
        l._leverance_id,
        l.fagomraade,
        l.kommunekode,
        l.periode,
        l.kildesystem,
        l.filtype,
        l.fil,
        l.fortegn,
        l.kontrolsum as leveret_kr,
        coalesce(case l.fortegn when 'debet' then s.debet else s.netto end, 0) as standard_kr,
        coalesce(case l.fortegn when 'debet' then u.frasat_debet else u.frasat_netto end, 0) as frasat_kr,
        coalesce(case l.fortegn when 'debet' then u.ikke_gaeldende_debet else u.ikke_gaeldende_netto end, 0) as ikke_gaeldende_kr
    from udvalgte as l
    left join standard as s
        on l._leverance_id = s._leverance_id
    left join uden_for as u
        on l._leverance_id = u._leverance_id

),

final as (

    select
        _leverance_id,
        fagomraade,
        kommunekode,
        cast(periode as date) as periode,
        kildesystem,
        filtype,
        fil,
        fortegn,
        cast(leveret_kr as decimal(18, 2)) as leveret_kr,
        cast(standard_kr as decimal(18, 2)) as standard_kr,
        cast(frasat_kr as decimal(18, 2)) as frasat_kr,
        cast(ikke_gaeldende_kr as decimal(18, 2)) as ikke_gaeldende_kr,
        cast(leveret_kr - standard_kr - frasat_kr - ikke_gaeldende_kr as decimal(18, 2)) as forskel_kr
    from sat_sammen

)

select * from final
