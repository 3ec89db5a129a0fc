with formler as (

    select * from {{ ref('formel') }}
    where fagomraade = 'voksne_handicap'

),

udvalg as (

    select * from {{ ref('formel_ydelsesudvalg') }}

),

maanedsfakta as (

    select * from {{ ref('fct_voksne_handicap__maaned') }}

),

kommuner as (

    select * from {{ ref('dim_kommune') }}
    where er_kommune

),

perioder as (

    select * from {{ ref('dim_periode') }}

),

status as (

    select s.*
    from {{ ref('int_faelles__leveringsstatus') }} as s
    -- a municipality that another one acts for has no figures of its own
    inner join kommuner as k on s.kommunekode = k.kommunekode and k.handlekommunekode = k.kommunekode
    where s.fagomraade = 'voksne_handicap'

),

roller as (

    select
        'handle' as kommunerolle,
        kommunekode as fra_kommunekode,
        handlekommunekode as kommunekode
    from kommuner

),

foerste as (

    select
        kommunekode,
        min(periode) as foerste_periode
    from status
    where leveringsstatus = 'leveret'
    group by kommunekode

),

-- The reports hold everything since 2015, so the months of the first year before the first report are known as well.
alle_maaneder as (

    select
        kommunekode,
        periode,
        leveringsstatus,
        false as er_tidligere
    from status

    union all

    select
        f.kommunekode,
        p.periode,
        'leveret' as leveringsstatus,
        true as er_tidligere
    from foerste as f
    inner join perioder as p
        on
            p.periode >= cast(date_trunc('year', f.foerste_periode) as date)
            and p.periode < f.foerste_periode
    left join status as s on f.kommunekode = s.kommunekode and p.periode = s.periode
    where s.kommunekode is null

),

maaneder as (

    select
        kommunekode,
        periode,
        cast(extract(year from periode) as integer) as aar,
        leveringsstatus,
        er_tidligere,
        count(case when leveringsstatus = 'leveret' then 1 end) over (
            partition by kommunekode, extract(year from periode)
            order by periode
            rows between unbounded preceding and current row
        ) as antal_leveret
    from alle_maaneder

),

-- Where nothing was delivered nothing is counted, though an open service may reach there.
antal_modtagere as (

    select
        t.formel_id,
        t.kommunekode,
        t.periode,
        t.antal_personer
    from {{ ref('int_voksne_handicap__modtagere') }} as t
    inner join maaneder as m
        on
            t.kommunekode = m.kommunekode
            and t.periode = m.periode
            and m.leveringsstatus in ('leveret', 'foreloebig')

),

stoerste as (

    select * from {{ ref('int_voksne_handicap__stoerste_bidrag') }}

),

fuldtidsydelser as (

    select
        u.formel_id,
        k.handlekommunekode as kommunekode,
        f.periode,
        sum(f.fuldtidsydelser) as fuldtidsydelser
    from maanedsfakta as f
    inner join kommuner as k on f.kommunekode = k.kommunekode
    inner join udvalg as u on u.maal = 'fuldtidsydelser' and (u.paragraf = '*' or f.paragraf = u.paragraf)
    group by
        u.formel_id,
        k.handlekommunekode,
        f.periode

),

-- Person-months; twelve make one full-year recipient, which the key figure divides by. It rests on at least as many persons as the month with the most.
til_dato as (

    select
        f.formel_id,
        m.kommunekode,
        m.periode,
        sum(a.antal_personer) as modtagermaaneder,
        max(a.antal_personer) as antal_personer
    from formler as f
    cross join maaneder as m
    left join antal_modtagere as a
        on
            f.formel_id = a.formel_id
            and m.kommunekode = a.kommunekode
            and m.aar = extract(year from a.periode)
            and a.periode <= m.periode
    where f.periodisering = 'aar_til_dato'
    group by
        f.formel_id,
        m.kommunekode,
        m.periode

),

ramme as (

    select
        f.formel_id,
        m.kommunekode,
        m.periode,
        case
            when m.leveringsstatus in ('ikke_relevant', 'ikke_leveret') then m.leveringsstatus
            when f.periodisering = 'maaned' then m.leveringsstatus
            when m.antal_leveret = extract(month from m.periode) then 'leveret'
            else 'foreloebig'
        end as leveringsstatus,
        cast(
            case
                when f.periodisering = 'aar_til_dato' then t.modtagermaaneder
                when u.maal = 'fuldtidsydelser' then d.fuldtidsydelser
                else a.antal_personer
            end as decimal(18, 5)
        ) as vaerdi,
        cast(coalesce(t.antal_personer, a.antal_personer) as bigint) as antal_personer,
        -- a year to date is shown where its months are (docs/afsloering.md), and is not looked at itself
        s.stoerste_bidrag
    from formler as f
    inner join (
        select distinct
            formel_id,
            maal
        from udvalg
    ) as u
        on f.formel_id = u.formel_id
    cross join maaneder as m
    left join antal_modtagere as a
        on f.formel_id = a.formel_id and m.kommunekode = a.kommunekode and m.periode = a.periode
    left join fuldtidsydelser as d
        on f.formel_id = d.formel_id and m.kommunekode = d.kommunekode and m.periode = d.periode
    left join til_dato as t
        on f.formel_id = t.formel_id and m.kommunekode = t.kommunekode and m.periode = t.periode
    left join stoerste as s
        on f.formel_id = s.formel_id and m.kommunekode = s.kommunekode and m.periode = s.periode and f.periodisering <> 'aar_til_dato'
    where not m.er_tidligere

),

final as (

    {{ formelvaerdier('voksne_handicap', 'ramme', 'roller', bidrag=true) }}

)

select * from final
