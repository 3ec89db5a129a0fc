{#
  Typing of delivered text. Each gives null where the text is not what it should be: the int_ model then sets the row aside with a reason.
  `som_cpr` is plain Jinja on purpose: the load step renders it too, so that a CPR number is normalised in one way.
#}

{# Text without blanks around; empty is null. #}
{% macro tekst(kolonne) -%}
    nullif(trim({{ kolonne }}), '')
{%- endmacro %}

{# A CPR number as ten digits: hyphen and blanks out, a lost leading zero put back. Anything else comes through as delivered, for the rules to see. #}
{% macro som_cpr(kolonne) -%}
    case when length(replace(trim({{ kolonne }}), '-', '')) = 9 then '0' || replace(trim({{ kolonne }}), '-', '') else nullif(replace(trim({{ kolonne }}), '-', ''), '') end
{%- endmacro %}

{# Whether a normalised CPR number is formally right: ten digits, and a date in them. A replacement number has the day of birth + 60. #}
{% macro cpr_formelt_gyldigt(cpr) -%}
    coalesce(
        length({{ cpr }}) = 10
        and try_cast({{ cpr }} as bigint) is not null
        and try_cast(
            '20' || substr({{ cpr }}, 5, 2) || '-' || substr({{ cpr }}, 3, 2) || '-'
            || lpad(cast(
                case when try_cast(substr({{ cpr }}, 1, 2) as integer) > 60 then -60 else 0 end + try_cast(substr({{ cpr }}, 1, 2) as integer)
            as varchar(2)), 2, '0') as date
        ) is not null,
        false
    )
{%- endmacro %}

{% macro som_heltal(kolonne) -%}
    try_cast(trim({{ kolonne }}) as integer)
{%- endmacro %}

{# Kroner as decimal(18,2). talformat: komma | punktum | efterstillet_minus | oere | tusinde (see docs/arkitektur.md). #}
{% macro som_beloeb(kolonne, talformat) -%}
    {%- set uden_tusind = "replace(replace(trim(" ~ kolonne ~ "), '.', ''), ',', '.')" -%}
    {%- if talformat == 'komma' -%}
        try_cast({{ uden_tusind }} as decimal(18, 2))
    {%- elif talformat == 'punktum' -%}
        try_cast(trim({{ kolonne }}) as decimal(18, 2))
    {%- elif talformat == 'efterstillet_minus' -%}
        try_cast(case when trim({{ kolonne }}) like '%-' then '-' || replace({{ uden_tusind }}, '-', '') else {{ uden_tusind }} end as decimal(18, 2))
    {%- elif talformat == 'oere' -%}
        cast(try_cast(case when trim({{ kolonne }}) like '%-' or trim({{ kolonne }}) like '-%' then '-' else '' end || replace(replace(trim({{ kolonne }}), '-', ''), '+', '') as decimal(18, 0)) * cast(0.01 as decimal(3, 2)) as decimal(18, 2))
    {%- elif talformat == 'tusinde' -%}
        cast(try_cast({{ uden_tusind }} as decimal(15, 5)) * 1000 as decimal(18, 2))
    {%- else -%}
        {{ exceptions.raise_compiler_error("Unknown talformat: " ~ talformat) }}
    {%- endif -%}
{%- endmacro %}

{#
  A date from text. format: yyyy-MM-dd | dd-MM-yyyy | dd.MM.yyyy | yyyyMMdd | ddMMyy | excel.
  Blank and 00000000 are null; 9999-12-31 stays. Day 00 (CPR's mark of an uncertain day) becomes the first.
#}
{% macro som_dato(kolonne, format) -%}
    {%- set t = "trim(" ~ kolonne ~ ")" -%}
    {%- if format == 'yyyy-MM-dd' -%}
        try_cast(substr({{ t }}, 1, 10) as date)
    {%- elif format in ('dd-MM-yyyy', 'dd.MM.yyyy') -%}
        try_cast(substr({{ t }}, 7, 4) || '-' || substr({{ t }}, 4, 2) || '-' || substr({{ t }}, 1, 2) as date)
    {%- elif format == 'yyyyMMdd' -%}
        try_cast(substr({{ t }}, 1, 4) || '-' || substr({{ t }}, 5, 2) || '-' || case when substr({{ t }}, 7, 2) = '00' then '01' else substr({{ t }}, 7, 2) end as date)
    {%- elif format == 'ddMMyy' -%}
        try_cast('20' || substr({{ t }}, 5, 2) || '-' || substr({{ t }}, 3, 2) || '-' || substr({{ t }}, 1, 2) as date)
    {%- elif format == 'excel' -%}
        {{ dato_plus_dage("date '1899-12-30'", "try_cast(" ~ t ~ " as integer)") }}
    {%- else -%}
        {{ exceptions.raise_compiler_error("Unknown date format: " ~ format) }}
    {%- endif -%}
{%- endmacro %}
