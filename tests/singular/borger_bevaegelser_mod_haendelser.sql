-- The movements, made from the intervals, against the register's own reports of births, deaths, migrations and disappearances. A difference is
-- the register's two accounts disagreeing, so it warns and does not stop the build.
{{ config(severity='warn') }}

with bevaegelser as (

    select
        kommunekode,
        periode,
        bevaegelsesart,
        antal_personer
    from {{ ref('fct_borger__bevaegelse') }}
    where bevaegelsesart in ('foedt', 'doed', 'indvandret', 'udvandret', 'forsvundet', 'genfundet')

),

maaneder as (

    select periode from {{ ref('int_borger__maaned') }}

),

haendelser as (

    select
        h.kommunekode,
        m.periode,
        h.haendelsesart as bevaegelsesart,
        count(*) as antal_personer
    from {{ ref('std_borger__haendelse') }} as h
    inner join maaneder as m
        on cast(date_trunc('month', h.dato) as date) = m.periode
    inner join maaneder as n
        on n.periode = cast(m.periode + interval '1' month as date)
    group by
        h.kommunekode,
        m.periode,
        h.haendelsesart

)

select
    coalesce(b.kommunekode, h.kommunekode) as kommunekode,
    coalesce(b.periode, h.periode) as periode,
    coalesce(b.bevaegelsesart, h.bevaegelsesart) as bevaegelsesart,
    coalesce(b.antal_personer, 0) as antal_bevaegelser,
    coalesce(h.antal_personer, 0) as antal_haendelser
from bevaegelser as b
full outer join haendelser as h
    on
        b.kommunekode = h.kommunekode
        and b.periode = h.periode
        and b.bevaegelsesart = h.bevaegelsesart
where coalesce(b.antal_personer, 0) <> coalesce(h.antal_personer, 0)
