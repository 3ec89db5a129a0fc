{#
  The parts of an account string, as the standard writes them: funktion 5.28.20, gruppering three digits, art 4.0. Each gives null where the text
  does not have the length it should: the int_ model then sets the row aside.
#}

{# Five digits 52820 as 5.28.20. #}
{% macro funktion_af_cifre(cifre) -%}
    case when length({{ cifre }}) = 5 then substr({{ cifre }}, 1, 1) || '.' || substr({{ cifre }}, 2, 2) || '.' || substr({{ cifre }}, 4, 2) end
{%- endmacro %}

{# Two digits 40 as 4.0. #}
{% macro art_af_cifre(cifre) -%}
    case when length({{ cifre }}) = 2 then substr({{ cifre }}, 1, 1) || '.' || substr({{ cifre }}, 2, 1) end
{%- endmacro %}

{#
  A part of an account string of a fixed length: hovedkonto (1), hovedfunktion (2), funktion (2), dranst (1), then for ØS Indsigt's sixteen digits
  ejerforhold (1), gruppering (3), art (2) and four local digits, for København's twelve the same without the local, for Prisme's nine digits gruppering (3).
#}
{% macro kontostreng_del(streng, laengde, del) -%}
    {%- set dele = {
        12: {'funktion': [1, 5], 'dranst': [6, 1], 'ejerforhold': [7, 1], 'gruppering': [8, 3], 'art': [11, 2]},
        16: {'funktion': [1, 5], 'dranst': [6, 1], 'ejerforhold': [7, 1], 'gruppering': [8, 3], 'art': [11, 2]},
        9: {'funktion': [1, 5], 'dranst': [6, 1], 'gruppering': [7, 3]},
    } -%}
    {%- set fra, antal = dele[laengde][del] -%}
    {%- set stykke = "substr(" ~ streng ~ ", " ~ fra ~ ", " ~ antal ~ ")" -%}
    case when length({{ streng }}) = {{ laengde }} then
        {%- if del == 'funktion' %} substr({{ streng }}, 1, 1) || '.' || substr({{ streng }}, 2, 2) || '.' || substr({{ streng }}, 4, 2)
        {%- elif del == 'art' %} substr({{ streng }}, 11, 1) || '.' || substr({{ streng }}, 12, 1)
        {%- else %} {{ stykke }}
        {%- endif %} end
{%- endmacro %}
