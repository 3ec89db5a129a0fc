{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['kommunekode', 'periode'], 'beroert': 'skole_beroert'}
) }}

{%- set valg = ['kommunekode', 'periode', 'ejer_kommunekode', 'bopael_kommunekode', 'institutionstype', 'klassetrin', 'klassetype'] %}

-- What the pupil with most absence has of each sum of shares, by all that a formula can choose on: a pupil has one row in the month, so the largest of several
-- rows is the largest of their pupils.
with elever as (

    select * from {{ kun_beroerte(ref('int_skole__elev')) }}

),

final as (

    {%- for maal, dage in [
        ('fravaersandel', 'fravaersdage'), ('fravaersandel_sygdom', 'sygdomsdage'),
        ('fravaersandel_frihed', 'frihedsdage'), ('fravaersandel_ulovligt', 'ulovlige_dage'),
    ] %}
    select
        '{{ maal }}' as maal,
        {{ valg | join(', ') }},
        max({{ elevens_andel(dage) }}) as stoerste_bidrag
    from elever
    where {{ elevens_andel(dage) }} > 0
    group by {{ valg | join(', ') }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}

)

select * from final
