{# The grain of a model: no two rows with the same key, and no row without one. Breaking keys come out with their number of rows. #}
{% test unik_noegle(model, kolonner) %}

select
    {{ kolonner | join(', ') }},
    count(*) as antal_raekker
from {{ beroert_udsnit(model) }}
group by {{ kolonner | join(', ') }}
having count(*) > 1 {% for kolonne in kolonner %} or {{ kolonne }} is null{% endfor %}

{% endtest %}
