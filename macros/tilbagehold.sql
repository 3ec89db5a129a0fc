{# Whether a municipality's figure counts in an average: it has one, nothing that it rests on is missing, and no rule holds it. Is asked once, in
   int_faelles__kommunetal; all others read the column. #}
{% macro bidrager(tal) -%}
    ({{ tal }}.vaerdi is not null and {{ tal }}.observationsstatus <> 'ufuldstaendig' and {{ tal }}.kvalitetsstatus is distinct from 'tilbageholdt')
{%- endmacro %}

{#
  What others are told of why a figure is withheld: that it is, for the sake of persons. Whether it is small itself or protects another only the municipality is told
  (fct_noegletal__kommune), for "it rests on too few" says that it is 1, 2, 3 or 4.
#}
{% macro fortrolighedsgrund(vises) -%}
    case when not {{ vises }} then 'personhensyn' end
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
