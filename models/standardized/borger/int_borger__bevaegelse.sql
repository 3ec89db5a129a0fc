-- Every entry to and exit from a municipality's population in the months that are complete: the stock is known both on the first of the
-- month and on the first of the next.
with bevaegelser as (

    select * from {{ borger_bevaegelser(ref('std_borger__person_periode')) }}

),

maaneder as (

    select periode from {{ ref('int_borger__maaned') }}

),

hele_maaneder as (

    select m.periode
    from maaneder as m
    inner join maaneder as n
        on n.periode = cast(m.periode + interval '1' month as date)

),

final as (

    select
        b.person_id,
        b.kommunekode,
        h.periode,
        b.dato,
        b.bevaegelsesart,
        b.fortegn
    from bevaegelser as b
    inner join hele_maaneder as h
        on cast(date_trunc('month', b.dato) as date) = h.periode

)

select * from final
