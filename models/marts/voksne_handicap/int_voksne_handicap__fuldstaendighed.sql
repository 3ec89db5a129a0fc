-- A report is a full extract and holds everything since 2015: it is about every month up to its own, and so is what was set aside in it.
with leverancer as (

    {{ leverancernes_raekker('voksne_handicap', {'ydelse': 'int_voksne_handicap__ydelse'}) }}

),

perioder as (

    select periode from {{ ref('dim_periode') }}
    where periode >= date '2015-01-01'

),

optalt as (

    select
        l.kommunekode,
        l.begreb,
        p.periode,
        sum(l.antal_raekker) as antal_raekker,
        sum(l.antal_frasat) as antal_frasat
    from leverancer as l
    inner join perioder as p
        on l.periode >= p.periode
    inner join {{ ref('dim_kommune') }} as k
        on l.kommunekode = k.kommunekode
    -- a municipality that another one acts for may have nothing to report itself: its empty file is whole
    where k.handlekommunekode = k.kommunekode or l.antal_raekker > 0 or l.antal_frasat > 0
    group by
        l.kommunekode,
        l.begreb,
        p.periode

),

final as (

    {{ fuldstaendighed('voksne_handicap', 'optalt') }}

)

select * from final
