with formler as (

    select * from {{ ref('formel') }}
    where fagomraade = 'oekonomi'

),

udvalg as (

    select * from {{ ref('formel_kontoudvalg') }}

),

bevaegelser as (

    select * from {{ ref('fct_oekonomi__bevaegelse') }}

),

kommuner as (

    select * from {{ ref('dim_kommune') }}
    where er_kommune

),

perioder as (

    select * from {{ ref('dim_periode') }}

),

status as (

    select * from {{ ref('int_faelles__leveringsstatus') }}
    where fagomraade = 'oekonomi'

),

foerste as (

    select
        kommunekode,
        min(periode) as foerste_periode
    from status
    where leveringsstatus = 'leveret'
    group by kommunekode

),

-- A municipality's first delivery brings the year so far: the months before it are delivered too, from the first that has accounts.
aabning as (

    select
        b.kommunekode,
        f.foerste_periode,
        min(b.periode) as foerste_bogfoerte
    from bevaegelser as b
    inner join foerste as f
        on
            b.kommunekode = f.kommunekode
            and b.regnskabsaar = extract(year from f.foerste_periode)
    where b.beloebstype = 'regnskab'
    group by
        b.kommunekode,
        f.foerste_periode

),

tidligere as (

    select
        a.kommunekode,
        p.periode
    from aabning as a
    inner join perioder as p on p.periode >= a.foerste_bogfoerte and p.periode < a.foerste_periode
    left join status as s on a.kommunekode = s.kommunekode and p.periode = s.periode
    where s.kommunekode is null

),

alle_maaneder as (

    select
        kommunekode,
        periode,
        leveringsstatus,
        false as er_tidligere
    from status

    union all

    select
        kommunekode,
        periode,
        'leveret' as leveringsstatus,
        true as er_tidligere
    from tidligere

),

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

-- Which accounts a formula takes is found once per account, not once per posting.
konti as (

    select distinct
        beloebstype,
        funktion,
        dranst,
        gruppering,
        art
    from bevaegelser

),

valgte_konti as (

    select
        u.formel_id,
        k.beloebstype,
        k.funktion,
        k.dranst,
        k.gruppering,
        k.art,
        cast(sum(u.fortegn) as integer) as fortegn
    from konti as k
    inner join udvalg as u
        on
            k.beloebstype = u.beloebstype
            and k.funktion between u.funktion_fra and u.funktion_til
            and k.dranst between u.dranst_fra and u.dranst_til
            and k.gruppering between u.gruppering_fra and u.gruppering_til
            and (
                u.art_regel = 'alle'
                or (u.art_regel = 'uden_hovedart_0' and k.art not like '0%')
                or (u.art_regel = 'udgift' and k.art not like '7%' and k.art not like '8%' and k.art <> '9.7')
            )
    group by
        u.formel_id,
        k.beloebstype,
        k.funktion,
        k.dranst,
        k.gruppering,
        k.art
    having sum(u.fortegn) <> 0

),

maanedsbeloeb as (

    select
        v.formel_id,
        r.kommunekode,
        b.regnskabsaar,
        b.periode,
        sum(v.fortegn * b.beloeb_kr) as beloeb_kr
    from bevaegelser as b
    inner join valgte_konti as v
        on
            b.beloebstype = v.beloebstype
            and b.funktion = v.funktion
            and b.dranst = v.dranst
            and b.gruppering = v.gruppering
            and b.art = v.art
    inner join formler as f on v.formel_id = f.formel_id
    inner join roller as r on f.kommunerolle = r.kommunerolle and b.kommunekode = r.fra_kommunekode
    group by
        v.formel_id,
        r.kommunekode,
        b.regnskabsaar,
        b.periode

),

aarsbeloeb as (

    select
        formel_id,
        kommunekode,
        regnskabsaar,
        sum(beloeb_kr) as beloeb_kr
    from maanedsbeloeb
    group by
        formel_id,
        kommunekode,
        regnskabsaar

),

maaneder as (

    select
        r.kommunerolle,
        r.kommunekode,
        s.periode,
        cast(extract(year from s.periode) as integer) as aar,
        case
            when bool_and(s.leveringsstatus = 'ikke_relevant') then 'ikke_relevant'
            when bool_and(s.leveringsstatus = 'leveret') then 'leveret'
            when bool_or(s.leveringsstatus in ('leveret', 'foreloebig')) then 'foreloebig'
            else 'ikke_leveret'
        end as leveringsstatus,
        bool_and(s.er_tidligere) as er_tidligere
    from alle_maaneder as s
    inner join roller as r on s.kommunekode = r.fra_kommunekode
    group by
        r.kommunerolle,
        r.kommunekode,
        s.periode

),

-- Year to date stands when every month from January on is delivered.
maaneder_til_dato as (

    select
        kommunerolle,
        kommunekode,
        periode,
        aar,
        leveringsstatus,
        er_tidligere,
        count(case when leveringsstatus = 'leveret' then 1 end) over (
            partition by kommunerolle, kommunekode, aar
            order by periode
            rows between unbounded preceding and current row
        ) as antal_leveret
    from maaneder

),

-- Balance accounts begin the year with what was brought forward (regnskabsperiode 0). Where it was not delivered there are movements, and no balance.
primosaldi as (

    select distinct
        kommunekode,
        regnskabsaar
    from bevaegelser
    where
        beloebstype = 'regnskab'
        and hovedkonto = '9'
        and regnskabsperiode = 0

),

budgetformler as (

    select formel_id
    from udvalg
    group by formel_id
    having min(beloebstype) <> 'regnskab' and max(beloebstype) <> 'regnskab'

),

aar as (

    select
        kommunerolle,
        kommunekode,
        aar,
        count(case when leveringsstatus = 'leveret' then 1 end) as antal_leveret,
        count(case when leveringsstatus in ('leveret', 'foreloebig') then 1 end) as antal_begyndt,
        count(case when leveringsstatus <> 'ikke_relevant' then 1 end) as antal_relevante
    from maaneder
    group by
        kommunerolle,
        kommunekode,
        aar

),

ramme_maaned as (

    select
        f.formel_id,
        m.kommunekode,
        m.periode,
        case
            when m.leveringsstatus in ('ikke_relevant', 'ikke_leveret') then m.leveringsstatus
            when f.periodisering in ('saldo', 'saldo_12') and p.kommunekode is null then 'ikke_leveret'
            when m.antal_leveret = extract(month from m.periode) then 'leveret'
            else 'foreloebig'
        end as leveringsstatus,
        sum(b.beloeb_kr) as beloeb_kr
    from formler as f
    inner join maaneder_til_dato as m on f.kommunerolle = m.kommunerolle
    left join maanedsbeloeb as b
        on
            f.formel_id = b.formel_id
            and m.kommunekode = b.kommunekode
            and m.aar = b.regnskabsaar
            and b.periode <= m.periode
    left join primosaldi as p
        on m.kommunekode = p.kommunekode and m.aar = p.regnskabsaar
    where f.periodisering in ('aar_til_dato', 'saldo', 'saldo_12') and not m.er_tidligere
    group by
        f.formel_id,
        f.periodisering,
        m.kommunekode,
        m.periode,
        m.leveringsstatus,
        m.antal_leveret,
        p.kommunekode

),

-- The mean of twelve months' balances; fewer than twelve is not that mean.
ramme_saldo_12 as (

    select
        m.formel_id,
        m.kommunekode,
        m.periode,
        case
            when m.leveringsstatus = 'ikke_relevant' then 'ikke_relevant'
            when count(case when t.leveringsstatus in ('leveret', 'foreloebig') then 1 end) < 12 then 'ikke_leveret'
            when bool_and(t.leveringsstatus = 'leveret') then 'leveret'
            else 'foreloebig'
        end as leveringsstatus,
        round(sum(t.beloeb_kr) / 12, 2) as beloeb_kr
    from ramme_maaned as m
    inner join ramme_maaned as t
        on
            m.formel_id = t.formel_id
            and m.kommunekode = t.kommunekode
            and t.periode <= m.periode
            and t.periode > cast(m.periode - interval '12' month as date)
    inner join formler as f
        on
            m.formel_id = f.formel_id
            and f.periodisering = 'saldo_12'
    group by
        m.formel_id,
        m.kommunekode,
        m.periode,
        m.leveringsstatus

),

-- Accounts of a year are preliminary until twelve months are in. A budget is whole once it is there; one that is not there is missing, not zero.
ramme_aar as (

    select
        f.formel_id,
        a.kommunekode,
        {{ dato_af('a.aar', 1, 1) }} as periode,
        case
            when a.antal_relevante = 0 then 'ikke_relevant'
            when g.formel_id is not null and b.formel_id is not null then 'leveret'
            when g.formel_id is not null then 'ikke_leveret'
            when a.antal_leveret = 12 then 'leveret'
            when a.antal_begyndt > 0 then 'foreloebig'
            else 'ikke_leveret'
        end as leveringsstatus,
        b.beloeb_kr
    from formler as f
    inner join aar as a on f.kommunerolle = a.kommunerolle
    left join budgetformler as g on f.formel_id = g.formel_id
    left join aarsbeloeb as b
        on
            f.formel_id = b.formel_id
            and a.kommunekode = b.kommunekode
            and a.aar = b.regnskabsaar
    where f.periodisering = 'aar'

),

samlet as (

    select
        m.formel_id,
        m.kommunekode,
        m.periode,
        m.leveringsstatus,
        m.beloeb_kr
    from ramme_maaned as m
    inner join formler as f on m.formel_id = f.formel_id
    where f.periodisering <> 'saldo_12'

    union all

    select * from ramme_saldo_12

    union all

    select * from ramme_aar

),

udfyldt as (

    select
        formel_id,
        kommunekode,
        periode,
        leveringsstatus,
        cast(beloeb_kr as decimal(18, 5)) as vaerdi,
        cast(null as bigint) as antal_personer
    from samlet

),

final as (

    {{ formelvaerdier('oekonomi', 'udfyldt', 'roller') }}

)

select * from final
