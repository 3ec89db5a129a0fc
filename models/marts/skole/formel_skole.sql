with formler as (

    select * from {{ ref('formel') }}
    where fagomraade = 'skole'

),

udvalg as (

    select * from {{ ref('formel_skoleudvalg') }}

),

maal as (

    select * from {{ ref('int_skole__maal') }}

),

status as (

    select * from {{ ref('int_faelles__leveringsstatus') }}
    where fagomraade = 'skole'

),

-- What a formula takes: '*' is everything, and a list is separated by blanks. Whose it is, is the formula's role: the school's owner (egen), who pays
-- (betaling), or where the pupil lives (bopael).
udvalgt as (

    select
        f.formel_id,
        case f.kommunerolle
            when 'betaling' then m.betaling_kommunekode
            when 'bopael' then m.bopael_kommunekode
            else m.ejer_kommunekode
        end as kommunekode,
        m.periode,
        sum(m.vaerdi) as vaerdi,
        sum(m.antal_personer) as antal_personer
    from maal as m
    inner join udvalg as u
        on
            m.maal = u.maal
            and (u.institutionstyper = '*' or ' ' || u.institutionstyper || ' ' like '% ' || m.institutionstype || ' %')
            and (u.klassetrin = '*' or ' ' || u.klassetrin || ' ' like '% ' || m.klassetrin || ' %')
            and (u.klassetyper = '*' or ' ' || u.klassetyper || ' ' like '% ' || m.klassetype || ' %')
    inner join formler as f
        on u.formel_id = f.formel_id
    group by
        f.formel_id,
        case f.kommunerolle
            when 'betaling' then m.betaling_kommunekode
            when 'bopael' then m.bopael_kommunekode
            else m.ejer_kommunekode
        end,
        m.periode

),

-- A year's figure is September's: the reference date of the school year that begins in it.
maaneder as (

    select
        kommunekode,
        periode,
        periode as opgjort,
        'M' as opgoerelsesniveau,
        leveringsstatus
    from status
    union all
    select
        kommunekode,
        cast(date_trunc('year', periode) as date) as periode,
        {{ dato_af('cast(extract(year from periode) as integer)', 9, 1) }} as opgjort,
        'Å' as opgoerelsesniveau,
        coalesce(
            max(case when extract(month from periode) = 9 then leveringsstatus end),
            case when bool_and(leveringsstatus = 'ikke_relevant') then 'ikke_relevant' else 'ikke_leveret' end
        ) as leveringsstatus
    from status
    group by
        kommunekode,
        cast(date_trunc('year', periode) as date),
        cast(extract(year from periode) as integer)

),

ramme as (

    select
        f.formel_id,
        m.kommunekode,
        m.periode,
        m.leveringsstatus,
        cast(round(u.vaerdi, 5) as decimal(18, 5)) as vaerdi,
        cast(u.antal_personer as bigint) as antal_personer
    from formler as f
    inner join maaneder as m
        on f.opgoerelsesniveau = m.opgoerelsesniveau
    left join udvalgt as u
        on
            f.formel_id = u.formel_id
            and m.kommunekode = u.kommunekode
            and m.opgjort = u.periode

),

final as (

    {{ formelvaerdier('skole', 'ramme') }}

)

select * from final
