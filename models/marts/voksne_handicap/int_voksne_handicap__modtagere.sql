-- How many recipients there are by formula and month, wherever a service is reported. It rests on the area's own deliveries alone: what arrives of other
-- fagområder leaves it as it is, and it is the one costly count behind formel_voksne_handicap.
with udvalg as (

    select * from {{ ref('formel_ydelsesudvalg') }}

),

ydelser as (

    select * from {{ ref('std_voksne_handicap__ydelse') }}

),

kommuner as (

    select * from {{ ref('dim_kommune') }}
    where er_kommune

),

-- A report is a full extract: it takes the place of the one before, and tells everything since 2015. So what is known does not begin with the first
-- report that is in force now, nor with the first that came: it begins where the municipality's set-up begins, and ends with the last report in force.
opsaetning as (

    select date_trunc('year', min(greatest(coalesce(cast(gyldig_fra as date), date '2015-01-01'), date '2015-01-01'))) as fra
    from {{ source('opsaetning', 'kommune_opsaetning') }}
    where fagomraade = 'voksne_handicap'

),

indberetning as (

    select max(cast(periode as date)) as til
    from {{ source('leverancer', 'leverance') }}
    where
        fagomraade = 'voksne_handicap'
        and status = 'aktiv'

),

maaneder as (

    select
        p.periode,
        p.sidste_dag
    from {{ ref('dim_periode') }} as p
    cross join opsaetning as o
    cross join indberetning as i
    where p.periode between cast(o.fra as date) and i.til

),

-- A recipient is a person with a service open on at least one day of the month; the person counts once, whatever the number of services.
final as (

    select
        u.formel_id,
        k.handlekommunekode as kommunekode,
        m.periode,
        count(distinct y.person_id) as antal_personer
    from ydelser as y
    inner join kommuner as k on y.kommunekode = k.kommunekode
    inner join udvalg as u on u.paragraf = '*' or y.paragraf = u.paragraf
    inner join maaneder as m on y.gyldig_fra <= m.sidste_dag and y.gyldig_til > m.periode
    group by
        u.formel_id,
        k.handlekommunekode,
        m.periode

)

select * from final
