-- Who counts in the stock on the first of each month, at the beginning of the day: who moves in on the first is a movement of that month and counts from
-- the next, as in the official statistics, so that primo + movements = ultimo. A view: only ever counted from, never stored person by month.
with perioder as (

    select * from {{ ref('std_borger__person_periode') }}
    where er_bosat

),

maaneder as (

    select periode from {{ ref('int_borger__maaned') }}

),

final as (

    select
        p.person_id,
        p.bopael_kommunekode as kommunekode,
        m.periode,
        {{ alder_paa('p.foedselsdato', 'm.periode') }} as alder,
        p.koen,
        p.civilstand,
        p.statsborgerskab
    from perioder as p
    inner join maaneder as m
        on
            p.gyldig_fra < m.periode
            and p.gyldig_til >= m.periode

)

select * from final
