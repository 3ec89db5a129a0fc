{# Intervals of one key do not overlap, leave no gap, are never empty, and the last one is open. Breaking keys come out. #}
{% test tidsrum_uden_huller(model, noegle, fra, til) %}

with tidsrum as (

    select
        {{ noegle | join(', ') }},
        {{ fra }} as fra,
        {{ til }} as til,
        lead({{ fra }}, 1, date '9999-12-31') over (partition by {{ noegle | join(', ') }} order by {{ fra }}) as naeste_fra
    from {{ beroert_udsnit(model) }}

)

select *
from tidsrum
where fra >= til or til <> naeste_fra

{% endtest %}
