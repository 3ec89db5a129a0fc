-- A change of system is a known place where figures may jump though nothing has happened in the municipality. Limits stand in the seed systemgraense.
with graenser as (

    select
        max(case when graense = 'spring_faktor' then vaerdi end) as faktor,
        max(case when graense = 'spring_mindste_andel' then vaerdi end) as mindste_andel,
        max(case when graense = 'spring_mindste_antal' then vaerdi end) as mindste_antal
    from {{ ref('systemgraense') }}

),

systemer as (

    select
        o.kommunekode,
        o.fagomraade,
        o.kildesystem,
        cast(o.gyldig_fra as date) as gyldig_fra,
        lag(o.kildesystem) over (partition by o.kommunekode, o.fagomraade order by o.gyldig_fra, o.kildesystem) as fra_kildesystem,
        lag(coalesce(cast(o.gyldig_til as date), date '9999-12-31')) over (
            partition by o.kommunekode, o.fagomraade order by o.gyldig_fra, o.kildesystem
        ) as forrige_til
    from {{ source('opsaetning', 'kommune_opsaetning') }} as o
    left join {{ ref('kildesystem') }} as k
        on o.kildesystem = k.kildesystem
    where coalesce(k.rolle, 'primaer') = 'primaer'

),

skift as (

    select
        kommunekode,
        fagomraade,
        fra_kildesystem,
        kildesystem,
        cast(date_trunc('month', gyldig_fra) as date) as periode
    from systemer
    where
        fra_kildesystem <> kildesystem
        and forrige_til <= gyldig_fra

),

vaerdier as (

    select
        formel_id,
        kommunekode,
        periode,
        vaerdi
    from {{ ref('int_faelles__formelvaerdi') }}
    -- what is incomplete is no jump
    where vaerdi is not null and observationsstatus is distinct from 'ufuldstaendig'

),

-- Monthly measures of the areas where somebody has changed system. A sum of persons from January on is the month's measure once more.
maaneder as (

    select
        f.fagomraade,
        f.formel_id as maal,
        f.enhed,
        f.periodisering,
        v.kommunekode,
        v.periode,
        v.vaerdi,
        lag(v.vaerdi) over (partition by v.formel_id, v.kommunekode order by v.periode) as forrige_vaerdi,
        lag(v.periode) over (partition by v.formel_id, v.kommunekode order by v.periode) as forrige_periode
    from vaerdier as v
    inner join {{ ref('formel') }} as f
        on v.formel_id = f.formel_id
    where
        f.opgoerelsesniveau = 'M'
        and (f.periodisering <> 'aar_til_dato' or f.enhed = 'kr.')
        and f.fagomraade in (select s.fagomraade from skift as s)

),

-- Year to date becomes the month's own: less the month before in the same year; where that is not known, neither is the month.
maalinger as (

    select
        fagomraade,
        maal,
        enhed,
        kommunekode,
        periode,
        case
            when periodisering <> 'aar_til_dato' or extract(month from periode) = 1 then vaerdi
            when forrige_periode = cast(periode - interval '1' month as date) then vaerdi - forrige_vaerdi
        end as vaerdi
    from maaneder

),

-- The change from month to month, as a share; the month of a change of system is left out, for it is what is to be judged.
fra_maaned_til_maaned as (

    select
        *,
        lag(vaerdi) over (partition by maal, kommunekode order by periode) as forrige_vaerdi,
        lag(periode) over (partition by maal, kommunekode order by periode) as forrige_periode
    from maalinger
    where vaerdi is not null

),

udsving as (

    select
        a.maal,
        a.kommunekode,
        abs(a.vaerdi - a.forrige_vaerdi) / abs(a.forrige_vaerdi) as andel
    from fra_maaned_til_maaned as a
    left join skift as s
        on
            a.kommunekode = s.kommunekode
            and a.fagomraade = s.fagomraade
            and a.periode = s.periode
    where
        a.forrige_periode = cast(a.periode - interval '1' month as date)
        and a.forrige_vaerdi <> 0
        and s.kommunekode is null

),

eget_udsving as (

    select
        maal,
        kommunekode,
        median(andel) as andel
    from udsving
    group by
        maal,
        kommunekode

),

landets_udsving as (

    select
        maal,
        median(andel) as andel
    from udsving
    group by maal

),

skiftemaaneder as (

    select
        fagomraade,
        periode
    from skift
    group by
        fagomraade,
        periode

),

skiftende as (

    select
        fagomraade,
        kommunekode
    from skift
    group by
        fagomraade,
        kommunekode

),

-- What the same months did where nobody changed system: season, and what happens to everybody at once. Each municipality against itself, and the middle one:
-- a sum or a mean also moves when somebody is missing in a month.
rolige as (

    select
        s.fagomraade,
        s.periode,
        m.maal,
        m.kommunekode,
        avg(case when m.periode < s.periode then m.vaerdi end) as foer,
        avg(case when m.periode >= s.periode then m.vaerdi end) as efter
    from skiftemaaneder as s
    inner join maalinger as m
        on
            s.fagomraade = m.fagomraade
            and m.periode >= cast(s.periode - interval '3' month as date)
            and m.periode < cast(s.periode + interval '3' month as date)
    left join skiftende as k
        on
            m.fagomraade = k.fagomraade
            and m.kommunekode = k.kommunekode
    where
        m.vaerdi is not null
        and k.kommunekode is null
    group by
        s.fagomraade,
        s.periode,
        m.maal,
        m.kommunekode

),

landet as (

    select
        fagomraade,
        periode,
        maal,
        median((efter - foer) / abs(foer)) as aendring
    from rolige
    where
        foer <> 0
        and efter is not null
    group by
        fagomraade,
        periode,
        maal

),

omkring as (

    select
        s.kommunekode,
        s.fagomraade,
        s.periode,
        s.fra_kildesystem,
        s.kildesystem,
        m.maal,
        m.enhed,
        avg(case when m.periode < s.periode then m.vaerdi end) as foer,
        avg(case when m.periode >= s.periode then m.vaerdi end) as efter,
        count(case when m.periode < s.periode then 1 end) as antal_foer,
        count(case when m.periode >= s.periode then 1 end) as antal_efter
    from skift as s
    inner join maalinger as m
        on
            s.kommunekode = m.kommunekode
            and s.fagomraade = m.fagomraade
            and m.periode >= cast(s.periode - interval '3' month as date)
            and m.periode < cast(s.periode + interval '3' month as date)
    where m.vaerdi is not null
    group by
        s.kommunekode,
        s.fagomraade,
        s.periode,
        s.fra_kildesystem,
        s.kildesystem,
        m.maal,
        m.enhed

),

regnet as (

    select
        o.*,
        case when o.foer <> 0 then (o.efter - o.foer) / abs(o.foer) end as aendring,
        coalesce(n.aendring, 0) as landets_aendring,
        coalesce(e.andel, l.andel) as eget_udsving,
        l.andel as landets_udsving
    from omkring as o
    left join eget_udsving as e
        on
            o.maal = e.maal
            and o.kommunekode = e.kommunekode
    left join landets_udsving as l
        on o.maal = l.maal
    left join landet as n
        on
            o.fagomraade = n.fagomraade
            and o.periode = n.periode
            and o.maal = n.maal
    where
        o.antal_foer > 0
        and o.antal_efter > 0

),

vurderet as (

    select
        r.*,
        greatest(g.mindste_andel, g.faktor * greatest(coalesce(r.eget_udsving, 0), coalesce(r.landets_udsving, 0))) as graense,
        r.enhed = 'kr.' or abs(r.efter - r.foer) >= g.mindste_antal as er_stor_nok
    from regnet as r
    cross join graenser as g

),

final as (

    select
        kommunekode,
        fagomraade,
        periode,
        fra_kildesystem,
        kildesystem,
        maal,
        enhed,
        cast(round(foer, 5) as decimal(18, 5)) as foer,
        cast(round(efter, 5) as decimal(18, 5)) as efter,
        cast(antal_foer as integer) as antal_maaneder_foer,
        cast(antal_efter as integer) as antal_maaneder_efter,
        cast(round(aendring, 5) as decimal(18, 5)) as aendring,
        cast(round(landets_aendring, 5) as decimal(18, 5)) as landets_aendring,
        cast(round(eget_udsving, 5) as decimal(18, 5)) as eget_udsving,
        cast(round(landets_udsving, 5) as decimal(18, 5)) as landets_udsving,
        cast(round(graense, 5) as decimal(18, 5)) as graense,
        -- from nothing to something is a jump that has no share
        er_stor_nok and coalesce(abs(aendring - landets_aendring) > graense, efter <> 0) as er_spring
    from vurderet

)

select * from final
