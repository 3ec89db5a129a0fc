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

indberetning as (

    select
        cast(date_trunc('year', min(cast(periode as date))) as date) as fra,
        max(cast(periode as date)) as til
    from {{ source('leverancer', 'leverance') }}
    where
        fagomraade = 'voksne_handicap'
        and status = 'aktiv'

),

-- The reports hold everything since 2015, so the months of the first year before the first report are known as well.
maaneder as (

    select
        p.periode,
        p.sidste_dag
    from {{ ref('dim_periode') }} as p
    inner join indberetning as i
        on p.periode between i.fra and i.til

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
