{{ config(materialized='view') }}

-- What is held for every month is held in each month; one fault that has not been released counts before those that have.
with holdt as (

    select * from {{ source('kvalitet', 'holdt') }}

),

perioder as (

    select periode from {{ ref('dim_periode') }}

),

final as (

    select
        h.kommunekode,
        h.fagomraade,
        p.periode,
        {{ kvalitetsstatus('h.kvalitetsstatus') }} as kvalitetsstatus
    from holdt as h
    inner join perioder as p on h.periode = p.periode or h.periode is null
    group by
        h.kommunekode,
        h.fagomraade,
        p.periode

)

select * from final
