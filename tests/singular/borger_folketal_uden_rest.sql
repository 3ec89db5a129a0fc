-- Primo + movements = ultimo for every municipality and month, and the stock itself is right: it is counted once more from the intervals, of the
-- months the last run touched. That the intervals are right is another test's matter (borger_perioder_som_fakta).
with maaneder as (

    select distinct periode from {{ beroert_udsnit(ref('fct_borger__folketal')) }}

),

datoer as (

    select periode as dato from maaneder
    union
    select cast(m.periode + interval '1' month as date) as dato
    from maaneder as m
    inner join {{ ref('int_borger__maaned') }} as n
        on n.periode = cast(m.periode + interval '1' month as date)

),

bestand as (

    select
        p.bopael_kommunekode as kommunekode,
        d.dato,
        count(*) as antal
    from {{ ref('std_borger__person_periode') }} as p
    inner join datoer as d
        on p.gyldig_fra < d.dato and p.gyldig_til >= d.dato
    where p.er_bosat
    group by
        p.bopael_kommunekode,
        d.dato

),

folketal as (

    select
        kommunekode,
        periode,
        sum(antal_personer) as antal
    from {{ ref('fct_borger__folketal') }}
    group by
        kommunekode,
        periode

),

bevaegelser as (

    select
        kommunekode,
        periode,
        sum(fortegn * antal_personer) as netto
    from {{ ref('fct_borger__bevaegelse') }}
    group by
        kommunekode,
        periode

),

-- Every municipality and date there is anything about, from either side.
noegler as (

    select
        kommunekode,
        dato
    from bestand
    union
    select
        kommunekode,
        periode as dato
    from folketal
    where periode in (select d.dato from datoer as d)

),

bestandsfejl as (

    select
        n.kommunekode,
        n.dato,
        'folketal' as hvad,
        coalesce(b.antal, 0) as ventet,
        coalesce(f.antal, 0) as fundet
    from noegler as n
    left join bestand as b
        on n.kommunekode = b.kommunekode and n.dato = b.dato
    left join folketal as f
        on n.kommunekode = f.kommunekode and n.dato = f.periode

),

balancefejl as (

    select
        k.kommunekode,
        m.periode as dato,
        'primo + bevægelser = ultimo' as hvad,
        coalesce(u.antal, 0) as ventet,
        coalesce(p.antal, 0) + coalesce(b.netto, 0) as fundet
    from maaneder as m
    inner join datoer as d
        on d.dato = cast(m.periode + interval '1' month as date)
    cross join (select distinct kommunekode from noegler) as k
    left join bestand as p
        on k.kommunekode = p.kommunekode and m.periode = p.dato
    left join bestand as u
        on k.kommunekode = u.kommunekode and d.dato = u.dato
    left join bevaegelser as b
        on k.kommunekode = b.kommunekode and m.periode = b.periode

)

select * from bestandsfejl
where ventet <> fundet
union all
select * from balancefejl
where ventet <> fundet
