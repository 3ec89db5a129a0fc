-- How much of a delivery's content another has: the municipality's own earlier months, and other municipalities'. A sketch holds the signs that come
-- first, so what two share is seen as far as both reach, and that is as far as the larger of the two deliveries reaches: it is of its signs that the
-- shared ones are a part.
{%- set leverancens = ['_leverance_id', 'fagomraade', 'begreb', 'kommunekode', 'kildesystem', 'periode', 'er_bevaegelser'] %}

with leverancer as (

    select
        leverance_id,
        kommunekode,
        kildesystem,
        {{ leverancens_maaned() }} as periode
    from {{ source('leverancer', 'leverance') }}
    where
        status = 'aktiv'
        and kommunekode is not null

),

skitser as (

    select
        s._leverance_id,
        s.fagomraade,
        s.begreb,
        s.tegn,
        s.antal_tegn,
        s.er_bevaegelser,
        l.kommunekode,
        l.kildesystem,
        l.periode
    from {{ ref('indholdsskitse') }} as s
    inner join leverancer as l
        on s._leverance_id = l.leverance_id

),

hele as (

    select
        {{ leverancens | join(', ') }},
        count(*) as antal_i_skitse,
        max(antal_tegn) as antal_tegn
    from skitser
    group by {{ leverancens | join(', ') }}

),

faelles as (

    select
        a._leverance_id,
        b._leverance_id as anden_leverance_id,
        a.fagomraade,
        a.begreb,
        count(*) as antal_faelles
    from skitser as a
    inner join skitser as b
        on
            a.fagomraade = b.fagomraade
            and a.begreb = b.begreb
            and a.tegn = b.tegn
            and a._leverance_id <> b._leverance_id
            and (
                (
                    a.kommunekode = b.kommunekode
                    and a.kildesystem = b.kildesystem
                    and b.periode < a.periode
                    and b.periode >= cast(a.periode - interval '12' month as date)
                )
                or (
                    a.kommunekode <> b.kommunekode
                    and b.periode >= cast(a.periode - interval '1' month as date)
                    and b.periode <= cast(a.periode + interval '1' month as date)
                )
            )
    group by a._leverance_id, b._leverance_id, a.fagomraade, a.begreb

),

-- own months are compared though they share nothing
par as (

    select
        a._leverance_id,
        b._leverance_id as anden_leverance_id,
        a.fagomraade,
        a.begreb
    from hele as a
    inner join hele as b
        on
            a.fagomraade = b.fagomraade
            and a.begreb = b.begreb
            and a.kommunekode = b.kommunekode
            and a.kildesystem = b.kildesystem
            and b.periode < a.periode
            and b.periode >= cast(a.periode - interval '12' month as date)
    union
    select
        _leverance_id,
        anden_leverance_id,
        fagomraade,
        begreb
    from faelles

),

maalt as (

    select
        p._leverance_id,
        p.fagomraade,
        p.begreb,
        a.kommunekode,
        a.periode,
        a.er_bevaegelser,
        p.anden_leverance_id,
        b.kommunekode as anden_kommunekode,
        b.periode as anden_periode,
        a.antal_tegn as egne_tegn,
        greatest(a.antal_tegn, b.antal_tegn) as stoerstes_tegn,
        case when a.antal_tegn >= b.antal_tegn then a.antal_i_skitse else b.antal_i_skitse end as sammenlignet,
        coalesce(f.antal_faelles, 0) as antal_faelles
    from par as p
    inner join hele as a
        on
            p._leverance_id = a._leverance_id
            and p.fagomraade = a.fagomraade
            and p.begreb = a.begreb
    inner join hele as b
        on
            p.anden_leverance_id = b._leverance_id
            and p.fagomraade = b.fagomraade
            and p.begreb = b.begreb
    left join faelles as f
        on
            p._leverance_id = f._leverance_id
            and p.anden_leverance_id = f.anden_leverance_id
            and p.fagomraade = f.fagomraade
            and p.begreb = f.begreb

),

final as (

    select
        _leverance_id,
        fagomraade,
        begreb,
        kommunekode,
        periode,
        er_bevaegelser,
        anden_leverance_id,
        anden_kommunekode,
        anden_periode,
        cast(egne_tegn as bigint) as antal_tegn,
        -- of this delivery's own signs as many as the larger one's sketch reaches over
        cast(greatest(round(sammenlignet * egne_tegn / cast(stoerstes_tegn as double)), antal_faelles, 1) as bigint) as antal_sammenlignet,
        cast(antal_faelles as bigint) as antal_faelles,
        -- of this delivery's own signs
        cast(least(1.0, cast(antal_faelles as double) * stoerstes_tegn / egne_tegn / sammenlignet) as decimal(9, 5)) as andel
    from maalt

)

select * from final
