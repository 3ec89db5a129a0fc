-- The intervals say what the delivered facts say: on the day after each date something takes effect, the newest status and the newest address of a
-- person, looked up in the facts without the intervals, against the interval of that day. Of the persons the last run computed; of everybody where the
-- intervals were built whole.
with fakta as (

    select
        person_id,
        faktum,
        virkningsdato,
        vaerdi,
        er_bosat,
        er_annullering
    from {{ beroert_udsnit(ref('std_borger__person_periode'), ref('int_borger__personfaktum')) }}
    where
        frasat_aarsag is null
        and faktum in ('status', 'adresse')
    qualify row_number() over (partition by person_id, faktum, virkningsdato order by loebenr desc, _linje desc) = 1

),

perioder as (

    select
        person_id,
        gyldig_fra,
        gyldig_til,
        er_bosat,
        bopael_kommunekode
    from {{ beroert_udsnit(ref('std_borger__person_periode')) }}

),

-- the intervals begin with the first full extract
etablering as (

    select min(cast(udtrukket as date)) as dato
    from {{ source('leverancer', 'leverance') }}
    where kildesystem = 'cpr' and status = 'aktiv' and udtraekstype = 'fuld'

),

datoer as (

    select distinct
        f.person_id,
        {{ dato_plus_dage('greatest(f.virkningsdato, e.dato)', 1) }} as dato
    from fakta as f
    cross join etablering as e

),

opslag as (

    select
        d.person_id,
        d.dato,
        coalesce(max_by(f.er_bosat, f.virkningsdato) filter (where f.faktum = 'status'), false) as er_bosat,
        coalesce(max_by(f.vaerdi, f.virkningsdato) filter (where f.faktum = 'adresse'), '0998') as kommunekode
    from datoer as d
    left join fakta as f
        on d.person_id = f.person_id and f.virkningsdato < d.dato and not f.er_annullering
    group by
        d.person_id,
        d.dato

),

final as (

    select
        o.person_id,
        o.dato,
        case when o.er_bosat then o.kommunekode end as ventet,
        case when p.er_bosat then p.bopael_kommunekode end as fundet
    from opslag as o
    left join perioder as p
        on o.person_id = p.person_id and p.gyldig_fra < o.dato and p.gyldig_til >= o.dato
    union all
    select
        person_id,
        gyldig_fra as dato,
        null as ventet,
        bopael_kommunekode as fundet
    from perioder
    where er_bosat and person_id not in (select person_id from fakta)

)

select * from final
where ventet is distinct from fundet
