{#
  The one place that says when a figure may not leave the house to everybody: it rests on at least one person and on fewer than the limit
  (var mindste_antal_personer). Nobody at all is a true zero and may be shown; null means that the figure does not rest on persons.
#}
{% macro tilbageholdt(antal_personer) -%}
    coalesce({{ antal_personer }} > 0 and {{ antal_personer }} < {{ var('mindste_antal_personer') }}, false)
{%- endmacro %}

{# An average is withheld as well when exactly one of its contributors is: the others are public, so the one could be worked out. #}
{% macro gennemsnit_tilbageholdt(antal_personer, antal_tilbageholdt) -%}
    ({{ tilbageholdt(antal_personer) }} or {{ antal_tilbageholdt }} = 1)
{%- endmacro %}

{# Whether a municipality's figure counts in an average: it has one, and nothing that it rests on is missing. #}
{% macro bidrager(tal) -%}
    ({{ tal }}.vaerdi is not null and {{ tal }}.observationsstatus <> 'ufuldstaendig')
{%- endmacro %}

{# Why: faa_personer (rests on too few) or kan_udledes (a withheld contributor could be worked out); null when free. #}
{% macro fortrolighedsgrund(antal_personer, antal_tilbageholdt='0') -%}
    case
        when {{ tilbageholdt(antal_personer) }} then 'faa_personer'
        when {{ antal_tilbageholdt }} = 1 then 'kan_udledes'
    end
{%- endmacro %}
