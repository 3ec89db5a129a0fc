{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['kommunekode', 'periode']}
) }}
-- Each layer is counted for itself, standardized by rows and intervals, marts by facts. A new fagområde is a CTE per side and two lines in `sider`.
with posteringer as (

    select
        kommunekode,
        periode,
        cast(sum(beloeb_kr) as decimal(18, 2)) as beloeb_kr,
        count(*) as antal
    from {{ kun_beroerte(ref('std_oekonomi__postering')) }}
    group by
        kommunekode,
        periode

),

bevaegelser as (

    select
        kommunekode,
        periode,
        cast(sum(beloeb_kr) as decimal(18, 2)) as beloeb_kr,
        sum(antal_posteringer) as antal
    from {{ kun_beroerte(ref('fct_oekonomi__bevaegelse')) }}
    group by
        kommunekode,
        periode

),

-- Stocks from intervals: how many have begun by the month, less how many have ended; each interval is looked at once, not once per month.
bosat_til_og_fra as (

    select
        bopael_kommunekode as kommunekode,
        cast(date_trunc('month', gyldig_fra) as date) as maaned,
        count(*) as antal
    from {{ ref('std_borger__person_periode') }}
    where er_bosat
    group by
        bopael_kommunekode,
        cast(date_trunc('month', gyldig_fra) as date)
    union all
    select
        bopael_kommunekode as kommunekode,
        cast(date_trunc('month', gyldig_til) as date) as maaned,
        -count(*) as antal
    from {{ ref('std_borger__person_periode') }}
    where
        er_bosat
        and gyldig_til < date '9999-12-31'
    group by
        bopael_kommunekode,
        cast(date_trunc('month', gyldig_til) as date)

),

-- The stock on the first, at the beginning of the day: what happened before that month.
bosatte as (

    select
        b.kommunekode,
        m.periode,
        sum(b.antal) as antal
    from bosat_til_og_fra as b
    inner join {{ ref('int_borger__maaned') }} as m
        on b.maaned < m.periode
    group by
        b.kommunekode,
        m.periode
    having sum(b.antal) <> 0

),

folketal as (

    select
        kommunekode,
        periode,
        sum(antal_personer) as antal
    from {{ kun_beroerte(ref('fct_borger__folketal')) }}
    group by
        kommunekode,
        periode

),

ydelser_til_og_fra as (

    select
        kommunekode,
        cast(date_trunc('month', gyldig_fra) as date) as maaned,
        count(*) as antal
    from {{ ref('std_voksne_handicap__ydelse') }}
    group by
        kommunekode,
        cast(date_trunc('month', gyldig_fra) as date)
    union all
    select
        kommunekode,
        -- the first month without it: the end is not included
        cast(date_trunc('month', {{ dato_plus_dage('gyldig_til', '-1') }}) + interval '1' month as date) as maaned,
        -count(*) as antal
    from {{ ref('std_voksne_handicap__ydelse') }}
    where gyldig_til < date '9999-12-31'
    group by
        kommunekode,
        cast(date_trunc('month', {{ dato_plus_dage('gyldig_til', '-1') }}) + interval '1' month as date)

),

ydelser as (

    select
        y.kommunekode,
        m.periode,
        sum(y.antal) as antal
    from ydelser_til_og_fra as y
    inner join {{ ref('int_voksne_handicap__daekning') }} as d
        on y.kommunekode = d.kommunekode
    inner join {{ ref('dim_periode') }} as m
        on
            y.maaned <= m.periode
            and m.periode >= date '2015-01-01'
            and m.sidste_dag < d.daekket_til
    group by
        y.kommunekode,
        m.periode
    having sum(y.antal) <> 0

),

ydelsesfakta as (

    select
        kommunekode,
        periode,
        sum(antal_ydelser) as antal
    from {{ kun_beroerte(ref('fct_voksne_handicap__maaned')) }}
    group by
        kommunekode,
        periode

),

ansaettelser as (

    select
        kommunekode,
        periode,
        count(*) as antal
    from {{ kun_beroerte(ref('std_personale__ansaettelse')) }}
    group by
        kommunekode,
        periode

),

ansaettelsesfakta as (

    select
        kommunekode,
        periode,
        sum(antal_ansaettelser) as antal
    from {{ kun_beroerte(ref('fct_personale__ansaettelse_maaned')) }}
    group by
        kommunekode,
        periode

),

loenlinjer as (

    select
        kommunekode,
        periode,
        sum(beloeb_kr) as beloeb_kr
    from {{ kun_beroerte(ref('std_personale__loenlinje')) }}
    group by
        kommunekode,
        periode

),

loenfakta as (

    select
        kommunekode,
        periode,
        sum(beloeb_kr) as beloeb_kr
    from {{ kun_beroerte(ref('fct_personale__loen')) }}
    group by
        kommunekode,
        periode

),

fravaer as (

    select
        kommunekode,
        periode,
        sum(timer) as timer
    from {{ kun_beroerte(ref('std_personale__fravaer')) }}
    group by
        kommunekode,
        periode

),

fravaersfakta as (

    select
        kommunekode,
        periode,
        sum(fravaerstimer) as timer
    from {{ kun_beroerte(ref('fct_personale__fravaer_maaned')) }}
    group by
        kommunekode,
        periode

),

{%- set sider = [
    ('oekonomi', 'beloeb_kr', 'posteringer', 'beloeb_kr', 'bevaegelser', 'beloeb_kr'),
    ('oekonomi', 'raekker', 'posteringer', 'antal', 'bevaegelser', 'antal'),
    ('borger', 'personer', 'bosatte', 'antal', 'folketal', 'antal'),
    ('voksne_handicap', 'ydelser', 'ydelser', 'antal', 'ydelsesfakta', 'antal'),
    ('personale', 'ansaettelser', 'ansaettelser', 'antal', 'ansaettelsesfakta', 'antal'),
    ('personale', 'loen_kr', 'loenlinjer', 'beloeb_kr', 'loenfakta', 'beloeb_kr'),
    ('personale', 'fravaerstimer', 'fravaer', 'timer', 'fravaersfakta', 'timer'),
] %}

sat_sammen as (

    {%- for omraade, maal, std, std_vaerdi, fakta, fakta_vaerdi in sider %}
    select
        '{{ omraade }}' as fagomraade,
        '{{ maal }}' as maal,
        coalesce(s.kommunekode, f.kommunekode) as kommunekode,
        coalesce(s.periode, f.periode) as periode,
        cast(coalesce(s.{{ std_vaerdi }}, 0) as decimal(18, 2)) as standard,
        cast(coalesce(f.{{ fakta_vaerdi }}, 0) as decimal(18, 2)) as marts
    from {{ kun_beroerte(std) }} as s
    full join {{ fakta }} as f
        on
            s.kommunekode = f.kommunekode
            and s.periode = f.periode
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
