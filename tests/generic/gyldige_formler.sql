{# Every key figure's numerator and denominator are formulas that exist; a denominator may only be left out on purpose (no id at all). #}
{% test gyldige_formler(model) %}

select
    noegletal_id,
    taeller_formel,
    naevner_formel
from {{ model }}
where taeller_navn is null or (naevner_formel is not null and naevner_navn is null)

{% endtest %}
