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

{# Whether a municipality's figure counts in an average: it has one, nothing that it rests on is missing, and no rule holds it. #}
{% macro bidrager(tal) -%}
    ({{ tal }}.vaerdi is not null and {{ tal }}.observationsstatus <> 'ufuldstaendig' and {{ tal }}.kvalitetsstatus is distinct from 'tilbageholdt')
{%- endmacro %}

{# Why: faa_personer (rests on too few) or kan_udledes (a withheld contributor could be worked out); null when free. #}
{% macro fortrolighedsgrund(antal_personer, antal_tilbageholdt='0') -%}
    case
        when {{ tilbageholdt(antal_personer) }} then 'faa_personer'
        when {{ antal_tilbageholdt }} = 1 then 'kan_udledes'
    end
{%- endmacro %}

{#
  Held by a quality rule is another thing than withheld for the sake of few persons: the figure may be wrong (docs/decisions/0025). i_orden, frigivet (it breaks a rule,
  and somebody has let it through) or tilbageholdt (it counts nowhere until it is corrected or released).
#}

{# Of a group's statuses the gravest; of none, and of those that are null, i_orden. #}
{% macro kvalitetsstatus(kolonne) -%}
    case
        when count(case when {{ kolonne }} = 'tilbageholdt' then 1 end) > 0 then 'tilbageholdt'
        when count(case when {{ kolonne }} = 'frigivet' then 1 end) > 0 then 'frigivet'
        else 'i_orden'
    end
{%- endmacro %}

{# The graver of two. #}
{% macro vaerste_kvalitetsstatus(a, b) -%}
    case
        when {{ a }} = 'tilbageholdt' or {{ b }} = 'tilbageholdt' then 'tilbageholdt'
        when {{ a }} = 'frigivet' or {{ b }} = 'frigivet' then 'frigivet'
        else 'i_orden'
    end
{%- endmacro %}

{# Whether it would count, but for the rule. #}
{% macro er_holdt(tal) -%}
    ({{ tal }}.vaerdi is not null and {{ tal }}.observationsstatus <> 'ufuldstaendig' and {{ tal }}.kvalitetsstatus = 'tilbageholdt')
{%- endmacro %}

{#
  What stands in place of the observation status where the figure itself is not shown: one and the same, for aegte_nul would tell that the withheld figure is zero, and
  som_leveret that it is not.
#}
{% macro oplyst_status(vises, status) -%}
    case when {{ vises }} then {{ status }} else 'ikke_oplyst' end
{%- endmacro %}
