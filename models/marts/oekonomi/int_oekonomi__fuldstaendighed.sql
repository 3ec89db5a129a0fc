-- One system delivers accounts and budget in one file, and another delivers for several municipalities in one: so what is in the standard is counted in the
-- facts, kind of amount by kind of amount, and the ledger says only that a delivery is in force.
with tabeller as (

    {{ begrebernes_tabeller({'postering': 'int_oekonomi__postering'}) }}

),

-- What is delivered in which tables: the tables named budget have no accounts, and the others have both where the system has no such table. Of a row that is
-- set aside there nobody knows which it was: it is measured against all of the file.
begreber as (

    select
        t.kildesystem,
        t.tabel,
        'postering' as begreb,
        false as er_faelles
    from tabeller as t
    where t.tabel <> 'budget'
    union all
    select
        t.kildesystem,
        t.tabel,
        'budget' as begreb,
        b.kildesystem is null as er_faelles
    from tabeller as t
    left join (
        select distinct kildesystem
        from tabeller
        where tabel = 'budget'
    ) as b
        on t.kildesystem = b.kildesystem
    where t.tabel = 'budget' or b.kildesystem is null

),

leverancer as (

    select
        coalesce(l.kommunekode, o.kommunekode) as kommunekode,
        b.begreb,
        cast(l.periode as date) as periode,
        bool_or(b.er_faelles) as er_faelles
    from {{ source('leverancer', 'leverance') }} as l
    inner join {{ source('leverancer', 'leverance_tabel') }} as t
        on l.leverance_id = t.leverance_id
    inner join begreber as b
        on
            l.kildesystem = b.kildesystem
            and t.tabel = b.tabel
    -- a file of several municipalities is of those that the set-up says deliver through that system
    left join {{ source('opsaetning', 'kommune_opsaetning') }} as o
        on
            l.kommunekode is null
            and l.kildesystem = o.kildesystem
            and o.fagomraade = 'oekonomi'
            and cast(o.gyldig_fra as date) <= last_day(cast(l.periode as date))
            and coalesce(cast(o.gyldig_til as date), date '9999-12-31') > cast(l.periode as date)
    where
        l.fagomraade = 'oekonomi'
        and l.status = 'aktiv'
        and coalesce(l.kommunekode, o.kommunekode) is not null
    group by
        coalesce(l.kommunekode, o.kommunekode),
        b.begreb,
        cast(l.periode as date)

),

bogfoert as (

    select
        kommunekode,
        case when beloebstype = 'regnskab' then 'postering' else 'budget' end as begreb,
        periode,
        sum(antal_posteringer) as antal_raekker
    from {{ ref('fct_oekonomi__bevaegelse') }}
    group by
        kommunekode,
        case when beloebstype = 'regnskab' then 'postering' else 'budget' end,
        periode

),

-- A municipality's first delivery brings the year so far: the months before it that it booked in are delivered too.
foerste as (

    select
        kommunekode,
        begreb,
        min(periode) as foerste_periode
    from leverancer
    group by
        kommunekode,
        begreb

),

gaeldende as (

    select * from leverancer
    union all
    select
        b.kommunekode,
        b.begreb,
        b.periode,
        false as er_faelles
    from bogfoert as b
    inner join foerste as f
        on
            b.kommunekode = f.kommunekode
            and b.begreb = f.begreb
            and b.periode < f.foerste_periode
            and b.periode >= cast(date_trunc('year', f.foerste_periode) as date)

),

frasat as (

    select
        f.kommunekode,
        b.begreb,
        f.periode,
        count(*) as antal_frasat
    from {{ ref('std_oekonomi__frasat') }} as f
    inner join begreber as b
        on
            f.kildesystem = b.kildesystem
            and f.tabel = b.tabel
    where f.aarsag not in {{ ikke_gaeldende_aarsager() }}
    group by
        f.kommunekode,
        b.begreb,
        f.periode

),

optalt as (

    select
        g.kommunekode,
        g.begreb,
        g.periode,
        coalesce(b.antal_raekker, 0) + case when g.er_faelles then coalesce(p.antal_raekker, 0) else 0 end as antal_raekker,
        coalesce(f.antal_frasat, 0) as antal_frasat
    from gaeldende as g
    left join bogfoert as b
        on
            g.kommunekode = b.kommunekode
            and g.begreb = b.begreb
            and g.periode = b.periode
    left join bogfoert as p
        on
            g.kommunekode = p.kommunekode
            and p.begreb = 'postering'
            and g.periode = p.periode
    left join frasat as f
        on
            g.kommunekode = f.kommunekode
            and g.begreb = f.begreb
            and g.periode = f.periode

),

final as (

    {{ fuldstaendighed('oekonomi', 'optalt') }}

)

select * from final
