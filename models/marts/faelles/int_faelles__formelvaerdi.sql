{{ config(materialized='view') }}

-- Every area's formulas as one: what key figures are made of, and what is held against official figures. A new area is one line more in the list.
with formler as (

    {{ foren([
        'formel_borger',
        'formel_oekonomi',
        'formel_voksne_handicap',
        'formel_personale',
    ]) }}

),

final as (

    select
        formel_id,
        kommunekode,
        periode,
        vaerdi,
        antal_personer,
        observationsstatus
    from formler

)

select * from final
