{{ config(materialized='view') }}

-- Weekdays of each month. Holidays are not taken out: which they are differs by agreement. 1 January 1900 was a Monday.
with perioder as (

    select
        periode,
        sidste_dag,
        {{ dage_mellem("date '1900-01-01'", 'periode') }} as dage_foer,
        {{ dage_mellem('periode', 'sidste_dag') }} + 1 as dage
    from {{ ref('dim_periode') }}

),

final as (

    select
        periode,
        -- four whole weeks, and those of the days left that are Monday to Friday
        cast(
            20
            + case when dage > 28 and dage_foer % 7 < 5 then 1 else 0 end
            + case when dage > 29 and (dage_foer + 1) % 7 < 5 then 1 else 0 end
            + case when dage > 30 and (dage_foer + 2) % 7 < 5 then 1 else 0 end
            as integer
        ) as antal_hverdage
    from perioder

)

select * from final
