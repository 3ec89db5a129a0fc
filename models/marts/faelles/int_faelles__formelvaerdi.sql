{{ config(materialized='view') }}

-- Every area's formulas as one: what key figures are made of, and what is held against official figures.
{#- Which models they stand in, each fagområde says itself; its macro is found by its name (docs/decisions/0022). #}
{%- set formler = [] %}
{%- for navn in context | sort if navn.startswith('formler_') %}{% do formler.extend(context[navn]()) %}{% endfor %}
with formler as (

    {{ foren(formler) }}

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
