{# Differences between engines live here and nowhere else: a default for DuckDB, spark__ beside it. #}

{# date + whole days, as a date (DuckDB adds integers to dates, Spark has date_add). #}
{% macro dato_plus_dage(dato, dage) -%}{{ return(adapter.dispatch('dato_plus_dage')(dato, dage)) }}{%- endmacro %}
{% macro default__dato_plus_dage(dato, dage) -%}({{ dato }} + {{ dage }}){%- endmacro %}
{% macro spark__dato_plus_dage(dato, dage) -%}date_add({{ dato }}, {{ dage }}){%- endmacro %}

{# Whole days from a to b (b exclusive). #}
{% macro dage_mellem(a, b) -%}{{ return(adapter.dispatch('dage_mellem')(a, b)) }}{%- endmacro %}
{% macro default__dage_mellem(a, b) -%}date_diff('day', {{ a }}, {{ b }}){%- endmacro %}
{% macro spark__dage_mellem(a, b) -%}datediff({{ b }}, {{ a }}){%- endmacro %}

{# First of a month from year and month numbers. #}
{% macro dato_af(aar, maaned, dag) -%}{{ return(adapter.dispatch('dato_af')(aar, maaned, dag)) }}{%- endmacro %}
{% macro default__dato_af(aar, maaned, dag) -%}make_date({{ aar }}, {{ maaned }}, {{ dag }}){%- endmacro %}
{% macro spark__dato_af(aar, maaned, dag) -%}make_date({{ aar }}, {{ maaned }}, {{ dag }}){%- endmacro %}

{# Local Danish date of a UTC timestamp text (2024-12-31T23:00:00Z is 2025-01-01 in Copenhagen). #}
{% macro lokal_dato(tekst) -%}{{ return(adapter.dispatch('lokal_dato')(tekst)) }}{%- endmacro %}
{% macro default__lokal_dato(tekst) -%}cast(timezone('Europe/Copenhagen', try_cast({{ tekst }} as timestamptz)) as date){%- endmacro %}
{% macro spark__lokal_dato(tekst) -%}cast(from_utc_timestamp(try_cast({{ tekst }} as timestamp), 'Europe/Copenhagen') as date){%- endmacro %}

{# The text of one field of a JSON object held as text; the field's name is a column or an expression. #}
{% macro json_tekst(json, felt) -%}{{ return(adapter.dispatch('json_tekst')(json, felt)) }}{%- endmacro %}
{% macro default__json_tekst(json, felt) -%}nullif(json_extract_string({{ json }}, '/' || replace(replace({{ felt }}, '~', '~0'), '/', '~1')), ''){%- endmacro %}
{% macro spark__json_tekst(json, felt) -%}nullif(from_json({{ json }}, 'map<string,string>')[{{ felt }}], ''){%- endmacro %}

{# One row per part of a delimited list; the delimiter is an SQL expression. #}
{% macro del_liste(kolonne, adskiller) -%}{{ return(adapter.dispatch('del_liste')(kolonne, adskiller)) }}{%- endmacro %}
{% macro default__del_liste(kolonne, adskiller) -%}unnest(string_split({{ kolonne }}, {{ adskiller }})){%- endmacro %}
{% macro spark__del_liste(kolonne, adskiller) -%}explode(split({{ kolonne }}, {{ adskiller }})){%- endmacro %}

{# The whole numbers 0, 1, … antal - 1 as a table with the column tal. #}
{% macro talraekke(antal) -%}{{ return(adapter.dispatch('talraekke')(antal)) }}{%- endmacro %}
{% macro default__talraekke(antal) -%}(select cast(range as integer) as tal from range({{ antal }})){%- endmacro %}
{% macro spark__talraekke(antal) -%}(select cast(id as int) as tal from range({{ antal }})){%- endmacro %}

{# The last value that is not null, up to this row; `over (...)` follows. #}
{% macro sidst_kendte(kolonne) -%}{{ return(adapter.dispatch('sidst_kendte')(kolonne)) }}{%- endmacro %}
{% macro default__sidst_kendte(kolonne) -%}last_value({{ kolonne }} ignore nulls){%- endmacro %}
{% macro spark__sidst_kendte(kolonne) -%}last_value({{ kolonne }}, true){%- endmacro %}

{# A group's values as one text, in order. #}
{% macro samlet_liste(kolonne, adskiller) -%}{{ return(adapter.dispatch('samlet_liste')(kolonne, adskiller)) }}{%- endmacro %}
{% macro default__samlet_liste(kolonne, adskiller) -%}string_agg({{ kolonne }}, {{ adskiller }} order by {{ kolonne }}){%- endmacro %}
{% macro spark__samlet_liste(kolonne, adskiller) -%}array_join(array_sort(collect_list({{ kolonne }})), {{ adskiller }}){%- endmacro %}

{#
  The least and the greatest value of a list, remembered in the session, and the condition that lies between them. DuckDB knows a variable when it plans, so
  the condition reaches the scan through any join and union in a view (where `in (select ...)` stays on top when the planner turns a join about), and an
  empty list costs nothing: null, so no row. Only a shortcut beside `in (select ...)`, which decides; engines without such variables leave it out.
#}
{% macro husk_yderste(tabel, kolonne) -%}{{ return(adapter.dispatch('husk_yderste')(tabel, kolonne)) }}{%- endmacro %}
{% macro default__husk_yderste(tabel, kolonne) -%}
set variable flis_mindste = (select min({{ kolonne }}) from {{ tabel }});
set variable flis_stoerste = (select max({{ kolonne }}) from {{ tabel }});
{%- endmacro %}
{% macro spark__husk_yderste(tabel, kolonne) -%}{%- endmacro %}

{% macro inden_for_yderste(kolonne) -%}{{ return(adapter.dispatch('inden_for_yderste')(kolonne)) }}{%- endmacro %}
{% macro default__inden_for_yderste(kolonne) -%}and {{ kolonne }} between getvariable('flis_mindste') and getvariable('flis_stoerste'){%- endmacro %}
{% macro spark__inden_for_yderste(kolonne) -%}{%- endmacro %}

{# The value that the share p of a group lies below (an aggregate). #}
{% macro fraktil(udtryk, p) -%}{{ return(adapter.dispatch('fraktil')(udtryk, p)) }}{%- endmacro %}
{% macro default__fraktil(udtryk, p) -%}quantile_cont({{ udtryk }}, {{ p }}){%- endmacro %}
{% macro spark__fraktil(udtryk, p) -%}percentile({{ udtryk }}, {{ p }}){%- endmacro %}

{# Whole months from the first of one month to the first of another. #}
{% macro maaneder_mellem(a, b) -%}((extract(year from {{ b }}) - extract(year from {{ a }})) * 12 + extract(month from {{ b }}) - extract(month from {{ a }})){%- endmacro %}
