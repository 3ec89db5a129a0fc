{{ config(materialized='view') }}

-- Every area's formulas as one: what key figures are made of, and what is held against official figures. A new area is one branch more.
with final as (

    select
        formel_id,
        kommunekode,
        periode,
        vaerdi,
        antal_personer,
        observationsstatus
    from {{ ref('formel_borger') }}

    union all

    select
        formel_id,
        kommunekode,
        periode,
        vaerdi,
        antal_personer,
        observationsstatus
    from {{ ref('formel_oekonomi') }}

    union all

    select
        formel_id,
        kommunekode,
        periode,
        vaerdi,
        antal_personer,
        observationsstatus
    from {{ ref('formel_voksne_handicap') }}

)

select * from final
