{{ config(materialized='table') }}

-- The population's account, held against the register's own records of what happened. Every entry and exit is counted from the intervals as well, so a
-- difference is an event that was not reported, or one that was and had no effect.
with folketal as (

    select * from {{ ref('fct_borger__folketal') }}

),

bevaegelser as (

    select * from {{ ref('fct_borger__bevaegelse') }}

),

haendelser as (

    select * from {{ ref('std_borger__haendelse') }}

),

maaneder as (

    select periode from {{ ref('int_borger__maaned') }}

),

hele_maaneder as (

    select
        m.periode,
        n.periode as naeste_periode
    from maaneder as m
    inner join maaneder as n
        on n.periode = cast(m.periode + interval '1' month as date)

),

poster as (

    select
        f.kommunekode,
        h.periode,
        'primo' as post,
        sum(f.antal_personer) as antal
    from folketal as f
    inner join hele_maaneder as h
        on f.periode = h.periode
    group by
        f.kommunekode,
        h.periode
    union all
    select
        f.kommunekode,
        h.periode,
        'ultimo' as post,
        sum(f.antal_personer) as antal
    from folketal as f
    inner join hele_maaneder as h
        on f.periode = h.naeste_periode
    group by
        f.kommunekode,
        h.periode
    union all
    -- what no event tells of: moves between municipalities, and administrative changes of status
    select
        kommunekode,
        periode,
        bevaegelsesart as post,
        antal_personer as antal
    from bevaegelser
    where bevaegelsesart in ('tilflyttet', 'fraflyttet', 'status_til', 'status_fra')
    union all
    select
        e.kommunekode,
        h.periode,
        e.haendelsesart as post,
        count(*) as antal
    from haendelser as e
    inner join hele_maaneder as h
        on cast(date_trunc('month', e.dato) as date) = h.periode
    group by
        e.kommunekode,
        h.periode,
        e.haendelsesart

),

opstillet as (

    select
        kommunekode,
        periode,
        sum(case when post = 'primo' then antal else 0 end) as folketal_primo,
        sum(case when post = 'foedt' then antal else 0 end) as foedte,
        sum(case when post = 'doed' then antal else 0 end) as doede,
        sum(case when post = 'tilflyttet' then antal else 0 end) as tilflyttede,
        sum(case when post = 'fraflyttet' then antal else 0 end) as fraflyttede,
        sum(case when post = 'indvandret' then antal else 0 end) as indvandrede,
        sum(case when post = 'udvandret' then antal else 0 end) as udvandrede,
        sum(case when post = 'genfundet' then antal else 0 end) as genfundne,
        sum(case when post = 'forsvundet' then antal else 0 end) as forsvundne,
        sum(case post when 'status_til' then antal when 'status_fra' then -antal else 0 end) as korrektioner,
        sum(case when post = 'ultimo' then antal else 0 end) as folketal_ultimo
    from poster
    group by
        kommunekode,
        periode

),

final as (

    select
        kommunekode,
        periode,
        cast(folketal_primo as integer) as folketal_primo,
        cast(foedte as integer) as foedte,
        cast(doede as integer) as doede,
        cast(tilflyttede as integer) as tilflyttede,
        cast(fraflyttede as integer) as fraflyttede,
        cast(indvandrede as integer) as indvandrede,
        cast(udvandrede as integer) as udvandrede,
        cast(genfundne as integer) as genfundne,
        cast(forsvundne as integer) as forsvundne,
        cast(korrektioner as integer) as korrektioner,
        cast(folketal_ultimo as integer) as folketal_ultimo,
        cast(
            folketal_ultimo - folketal_primo - foedte + doede - tilflyttede + fraflyttede
            - indvandrede + udvandrede - genfundne + forsvundne - korrektioner as integer
        ) as afvigelse
    from opstillet

)

select * from final
