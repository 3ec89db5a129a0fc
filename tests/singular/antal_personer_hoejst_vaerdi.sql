-- The limit is of the persons that a figure counts: where a formula counts them one by one, there cannot be more of them than the figure (docs/decisions/0032).
with fratraekker as (

    -- births less deaths is not a count
    select formel_id
    from {{ ref('formel_borgerudvalg') }}
    group by formel_id
    having min(fortegn) < 0

)

select
    v.formel_id,
    v.kommunekode,
    v.periode,
    v.vaerdi,
    v.antal_personer
from {{ ref('int_faelles__formelvaerdi') }} as v
inner join {{ ref('formel') }} as f on v.formel_id = f.formel_id
left join fratraekker as n on v.formel_id = n.formel_id
where
    f.enhed in ('personer', 'elever', 'ansættelser')
    and f.periodisering <> 'aar_til_dato'
    and n.formel_id is null
    and v.vaerdi is not null
    and (v.antal_personer is null or v.antal_personer > v.vaerdi or (v.antal_personer = 0 and v.vaerdi > 0))
