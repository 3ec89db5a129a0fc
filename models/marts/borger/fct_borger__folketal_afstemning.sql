{{ config(
    materialized='table',
    meta={'pakke': {'niveau': 'kommune', 'fagomraade': 'borger'}}
) }}

with officielle as (

    select * from {{ ref('std_borger__officielt_folketal') }}
    where kommunekode is not null

),

egne as (

    select
        kommunekode,
        periode,
        koen,
        alder,
        sum(antal_personer) as antal_personer
    from {{ ref('fct_borger__folketal') }}
    group by
        kommunekode,
        periode,
        koen,
        alder

),

egne_perioder as (

    select distinct periode from egne

),

tolerancer as (

    select tolerance_andel from {{ ref('afstemning') }}
    where afstemning_id = 'folketal_folk1a'

),

-- Only what both have is set against each other: an age the official file lacks is not a difference between the counts, but a hole in the file.
celler as (

    select
        o.kommunekode,
        o.periode,
        o.antal_personer as officielt_antal,
        coalesce(e.antal_personer, 0) as antal,
        p.periode is not null as er_opgjort
    from officielle as o
    left join egne as e
        on
            o.kommunekode = e.kommunekode
            and o.periode = e.periode
            and o.koen = e.koen
            and o.alder = e.alder
    left join egne_perioder as p
        on o.periode = p.periode

),

summer as (

    select
        kommunekode,
        periode,
        er_opgjort,
        case when er_opgjort then sum(antal) end as antal_personer,
        sum(officielt_antal) as officielt_antal_personer,
        case when er_opgjort then sum(antal) - sum(officielt_antal) end as afvigelse_personer,
        count(*) as antal_celler
    from celler
    group by
        kommunekode,
        periode,
        er_opgjort

),

final as (

    select
        s.kommunekode,
        s.periode,
        cast(s.antal_personer as integer) as antal_personer,
        cast(s.officielt_antal_personer as integer) as officielt_antal_personer,
        cast(s.afvigelse_personer as integer) as afvigelse_personer,
        cast(round(cast(s.afvigelse_personer as decimal(18, 5)) / nullif(s.officielt_antal_personer, 0), 5) as decimal(18, 5)) as afvigelse_andel,
        t.tolerance_andel,
        cast(s.antal_celler as integer) as antal_celler,
        case
            when not s.er_opgjort then 'ikke_relevant'
            when abs(s.afvigelse_personer) > t.tolerance_andel * s.officielt_antal_personer then 'afviger'
            else 'bestaaet'
        end as status
    from summer as s
    cross join tolerancer as t

)

select * from final
