-- What the person with most service days has of each formula that counts them, in the months that recipients are counted in. Who receives services from both
-- of two municipalities that one acts for is one person.
with udvalg as (

    select * from {{ ref('formel_ydelsesudvalg') }}
    where maal = 'fuldtidsydelser'

),

ydelser as (

    select * from {{ ref('std_voksne_handicap__ydelse') }}

),

kommuner as (

    select * from {{ ref('dim_kommune') }}
    where er_kommune

),

talte as (

    select distinct periode
    from {{ ref('int_voksne_handicap__modtagere') }}

),

maaneder as (

    select
        p.periode,
        {{ dato_plus_dage('p.sidste_dag', 1) }} as naeste_periode
    from {{ ref('dim_periode') }} as p
    inner join talte as t on p.periode = t.periode

),

per_person as (

    select
        u.formel_id,
        k.handlekommunekode as kommunekode,
        m.periode,
        y.person_id,
        sum({{ dage_mellem('greatest(y.gyldig_fra, m.periode)', 'least(y.gyldig_til, m.naeste_periode)') }}) as dage,
        max({{ dage_mellem('m.periode', 'm.naeste_periode') }}) as maanedens_dage
    from ydelser as y
    inner join kommuner as k on y.kommunekode = k.kommunekode
    inner join udvalg as u on u.paragraf = '*' or y.paragraf = u.paragraf
    inner join maaneder as m on y.gyldig_fra < m.naeste_periode and y.gyldig_til > m.periode
    where y.person_id is not null
    group by
        u.formel_id,
        k.handlekommunekode,
        m.periode,
        y.person_id

),

final as (

    select
        formel_id,
        kommunekode,
        periode,
        cast(round(max(dage * 1.0 / maanedens_dage), 5) as decimal(18, 5)) as stoerste_bidrag
    from per_person
    group by
        formel_id,
        kommunekode,
        periode

)

select * from final
