{{ config(materialized='view') }}

with oversigt as (

    select * from {{ ref('leveranceoversigt') }}

),

-- Systems kept for control (official figures) do not decide whether the municipality has delivered, and a month that has not ended is not missing.
maaneder as (

    select
        kommunekode,
        fagomraade,
        periode,
        bool_or(er_instrueret) as er_instrueret,
        bool_and(status in ('modtaget', 'erstattet') and er_fuldt_daekket) as er_leveret,
        bool_or(er_begyndt) as er_begyndt,
        max(daekket_til) as daekket_til
    from oversigt
    where rolle = 'primaer' and (last_day(periode) <= opgjort_dato or er_begyndt)
    group by
        kommunekode,
        fagomraade,
        periode

),

final as (

    select
        kommunekode,
        fagomraade,
        periode,
        daekket_til,
        case
            when not er_instrueret then 'ikke_relevant'
            when er_leveret then 'leveret'
            when er_begyndt then 'foreloebig'
            else 'ikke_leveret'
        end as leveringsstatus
    from maaneder

)

select * from final
