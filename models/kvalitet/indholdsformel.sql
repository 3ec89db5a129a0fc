-- The formulas' own values, as they are measured: whose rows were taken for another's, and a few rows on which much rests (a school's owner), are seen here
-- and nowhere else. What may be above or below zero has no size to be compared.
with formelserier as (

    select
        f.fagomraade,
        v.formel_id,
        v.kommunekode,
        v.periode,
        cast(v.vaerdi as double) as vaerdi,
        cast(v.antal_personer as double) as personer,
        f.enhed,
        min(v.vaerdi) over (partition by v.formel_id, v.kommunekode) < 0 and max(v.vaerdi) over (partition by v.formel_id, v.kommunekode) > 0 as skifter_fortegn
    from {{ ref('int_faelles__formelvaerdi') }} as v
    inner join {{ ref('formel') }} as f
        on v.formel_id = f.formel_id
    where
        v.vaerdi is not null
        and v.observationsstatus in ('som_leveret', 'aegte_nul', 'ufuldstaendig')
        and f.opgoerelsesniveau = 'M'

),

borgere as (

    select
        kommunekode,
        periode,
        cast(vaerdi as double) as borgere
    from {{ ref('int_faelles__formelvaerdi') }}
    where
        formel_id = 'alle_borgere_maaned_primo'
        and vaerdi is not null

),

-- The delivery that tells a fagområde's month: the municipality's newest, or the country's. A full extract tells all the months before it.
aktive as (

    select
        l.fagomraade,
        k.kommunekode,
        {{ leverancens_maaned('l') }} as periode,
        max(l.leverance_id) as _leverance_id
    from {{ source('leverancer', 'leverance') }} as l
    inner join {{ ref('kommune') }} as k
        on coalesce(l.kommunekode, k.kommunekode) = k.kommunekode
    where l.status = 'aktiv'
    group by
        l.fagomraade,
        k.kommunekode,
        {{ leverancens_maaned('l') }}

),

seneste as (

    select
        *,
        coalesce(
            cast(lag(periode) over (partition by fagomraade, kommunekode order by periode) + interval '1' month as date), date '1900-01-01'
        ) as fra_periode
    from aktive

),

final as (

    select
        l._leverance_id,
        s.fagomraade,
        s.formel_id,
        s.kommunekode,
        s.periode,
        greatest(abs(s.vaerdi), 0.5) as stoerrelse,
        case
            -- kroner rest on the municipality's size
            when s.enhed = 'kr.' then b.borgere
            else greatest(coalesce(s.personer, 0), median(coalesce(s.personer, 0)) over (partition by s.formel_id, s.kommunekode))
        end as antal
    from formelserier as s
    inner join seneste as l
        on
            s.fagomraade = l.fagomraade
            and s.kommunekode = l.kommunekode
            and s.periode >= l.fra_periode
            and s.periode <= l.periode
    left join borgere as b
        on
            s.kommunekode = b.kommunekode
            and s.periode = b.periode
    where not s.skifter_fortegn

)

select * from final
