-- The register is one for the whole country, told in a full extract and what has changed since: a month is known to every municipality or to none. What was set
-- aside in it is missing from then on. A row of which nobody knows the municipality could be anybody's: together they count against all of them alike.
with befolkning as (

    select
        kommunekode,
        periode,
        sum(antal_personer) as antal_personer
    from {{ ref('fct_borger__folketal') }}
    group by
        kommunekode,
        periode

),

kommuner as (

    select kommunekode from {{ ref('dim_kommune') }}
    where not er_udledt

),

maaneder as (

    select
        periode,
        cast(periode + interval '1' month as date) as naeste_periode
    from {{ ref('int_borger__maaned') }}

),

landet as (

    select
        periode,
        sum(antal_personer) as antal_personer
    from befolkning
    group by periode

),

frasat as (

    select
        kommunekode,
        periode,
        count(*) as antal_frasat
    from {{ ref('std_borger__frasat') }}
    where
        tabel <> 'folk1a'
        and aarsag not in {{ ikke_gaeldende_aarsager() }}
    group by
        kommunekode,
        periode

),

-- What the register of the first of a month has set aside so far; of a month's movements, what the registers of that month and the next have.
frasat_til_dato as (

    select
        'bestand' as begreb,
        f.kommunekode,
        m.periode,
        sum(f.antal_frasat) as antal_frasat
    from maaneder as m
    inner join frasat as f on f.periode <= m.periode
    group by
        f.kommunekode,
        m.periode
    union all
    select
        'bevaegelse' as begreb,
        f.kommunekode,
        m.periode,
        sum(f.antal_frasat) as antal_frasat
    from maaneder as m
    inner join frasat as f on f.periode >= m.periode and f.periode <= m.naeste_periode
    group by
        f.kommunekode,
        m.periode

),

optalt as (

    select
        k.kommunekode,
        d.begreb,
        m.periode,
        coalesce(b.antal_personer, 0) as antal_raekker,
        coalesce(e.antal_frasat, 0)
        + case when u.antal_frasat > d.frasat_graense * coalesce(l.antal_personer, 0) then u.antal_frasat else 0 end as antal_frasat
    from kommuner as k
    cross join maaneder as m
    inner join {{ ref('fuldstaendighed') }} as d
        on d.fagomraade = 'borger'
    left join befolkning as b
        on
            k.kommunekode = b.kommunekode
            and m.periode = b.periode
    left join landet as l
        on m.periode = l.periode
    left join frasat_til_dato as e
        on
            d.begreb = e.begreb
            and k.kommunekode = e.kommunekode
            and m.periode = e.periode
    left join frasat_til_dato as u
        on
            d.begreb = u.begreb
            and u.kommunekode = '0998'
            and m.periode = u.periode

),

final as (

    {{ fuldstaendighed('borger', 'optalt') }}

)

select * from final
