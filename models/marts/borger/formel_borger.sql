with formler as (

    select * from {{ ref('formel') }}
    where fagomraade = 'borger'

),

udvalg as (

    select * from {{ ref('formel_borgerudvalg') }}

),

folketal as (

    select * from {{ ref('fct_borger__folketal') }}

),

bevaegelser as (

    select * from {{ ref('fct_borger__bevaegelse') }}

),

kommuner as (

    select * from {{ ref('dim_kommune') }}
    where not er_udledt

),

status as (

    select * from {{ ref('int_faelles__leveringsstatus') }}
    where fagomraade = 'borger'

),

-- Whose figure a municipality's persons count in: its own, or the one that acts for it.
roller as (

    select
        'egen' as kommunerolle,
        kommunekode as fra_kommunekode,
        kommunekode
    from kommuner

    union all

    select
        'handle' as kommunerolle,
        kommunekode as fra_kommunekode,
        handlekommunekode as kommunekode
    from kommuner

),

folketal_pr_alder as (

    select
        kommunekode,
        periode,
        alder,
        sum(antal_personer) as antal_personer
    from folketal
    group by
        kommunekode,
        periode,
        alder

),

-- One row per line of a formula: the lines are kept apart, because a figure rests on the smallest of them.
bestand as (

    select
        u.formel_id,
        f.kommunekode,
        f.periode,
        u.fortegn * u.skala * sum(f.antal_personer) as vaerdi,
        sum(f.antal_personer) as antal_personer
    from folketal_pr_alder as f
    inner join udvalg as u
        on coalesce(u.bevaegelsesart, '') = '' and f.alder between u.alder_fra and u.alder_til
    group by
        u.formel_id,
        u.alder_fra,
        u.fortegn,
        u.skala,
        f.kommunekode,
        f.periode

),

haendelser as (

    select
        u.formel_id,
        b.kommunekode,
        b.periode,
        u.fortegn * u.skala * sum(b.antal_personer) as vaerdi,
        sum(b.antal_personer) as antal_personer
    from bevaegelser as b
    inner join udvalg as u on b.bevaegelsesart = u.bevaegelsesart
    group by
        u.formel_id,
        u.bevaegelsesart,
        u.fortegn,
        u.skala,
        b.kommunekode,
        b.periode

),

linjer as (

    select * from bestand

    union all

    select * from haendelser

),

vaerdier as (

    select
        l.formel_id,
        r.kommunekode,
        l.periode,
        cast(sum(l.vaerdi) as decimal(18, 5)) as vaerdi,
        cast(min(nullif(l.antal_personer, 0)) as bigint) as antal_personer
    from linjer as l
    inner join formler as f on l.formel_id = f.formel_id
    inner join roller as r on f.kommunerolle = r.kommunerolle and l.kommunekode = r.fra_kommunekode
    group by
        l.formel_id,
        r.kommunekode,
        l.periode

),

-- Before the first population there is nothing to count, and nothing is not zero.
foerste as (

    select min(periode) as foerste_periode
    from folketal

),

-- A stock on the first of the month stands when that day is covered; movements need the whole month. A figure by the acting municipality is as
-- complete as the least complete of those it acts for.
ramme as (

    select
        f.formel_id,
        r.kommunekode,
        s.periode,
        case
            when bool_and(s.leveringsstatus = 'ikke_relevant') then 'ikke_relevant'
            when f.periodisering = 'primo' and bool_and(s.leveringsstatus in ('leveret', 'foreloebig')) then 'leveret'
            when bool_and(s.leveringsstatus = 'leveret') then 'leveret'
            when bool_or(s.leveringsstatus in ('leveret', 'foreloebig')) then 'foreloebig'
            else 'ikke_leveret'
        end as leveringsstatus
    from formler as f
    inner join roller as r on f.kommunerolle = r.kommunerolle
    inner join status as s on r.fra_kommunekode = s.kommunekode
    inner join foerste as t on s.periode >= t.foerste_periode
    where f.opgoerelsesniveau = 'M' or extract(month from s.periode) = 1
    group by
        f.formel_id,
        f.periodisering,
        r.kommunekode,
        s.periode

),

udfyldt as (

    select
        r.formel_id,
        r.kommunekode,
        r.periode,
        r.leveringsstatus,
        v.vaerdi,
        v.antal_personer
    from ramme as r
    left join vaerdier as v
        on r.formel_id = v.formel_id and r.kommunekode = v.kommunekode and r.periode = v.periode

),

final as (

    {{ formelvaerdier('borger', 'udfyldt', 'roller') }}

)

select * from final
