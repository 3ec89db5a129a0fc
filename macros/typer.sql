{#
  Typing of delivered text. Each gives null where the text is not what it should be: the int_ model then sets the row aside with a reason.
  `som_cpr` and `som_beloeb` are plain Jinja on purpose: the load step renders them too, so that a CPR number and an amount are read in one way.
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

{# The part of a text that is written as it should be: the text without blanks around, or '' where it is not. try_cast makes null of ''. #}
{% macro skrevet_som(kolonne, moenster) -%}
    regexp_extract(trim({{ kolonne }}), '^{{ moenster }}$', 0)
{%- endmacro %}

{# A whole number of at most nine digits. A cast alone would take 1e3, 1_000, 0x1f and 1.5. #}
{% macro som_heltal(kolonne) -%}
    try_cast({{ skrevet_som(kolonne, '[-+]?0*[0-9]{1,9}') }} as integer)
{%- endmacro %}

{#
  Kroner as decimal(18,2). talformat: komma | punktum | efterstillet_minus | oere | tusinde (see docs/arkitektur.md).
  Strict: 12.34 where the comma is the decimal sign is not 1234 but unreadable, as are parts of an øre, and 10^12 kroner or more.
#}
{% macro som_beloeb(kolonne, talformat) -%}
    {%- set hele = '(0*[0-9]{1,12}|[0-9]{1,3}([.][0-9]{3}){1,3})' -%}
    {%- set komma = hele ~ '(,[0-9]{1,2}0*)?' -%}
    {%- if talformat == 'komma' -%}
        try_cast(replace(replace({{ skrevet_som(kolonne, '[-+]?' ~ komma) }}, '.', ''), ',', '.') as decimal(18, 2))
    {%- elif talformat == 'punktum' -%}
        try_cast({{ skrevet_som(kolonne, '[-+]?0*[0-9]{1,12}([.][0-9]{1,2}0*)?') }} as decimal(18, 2))
    {%- elif talformat == 'efterstillet_minus' -%}
        {%- set t = "replace(replace(" ~ skrevet_som(kolonne, '([-+]?' ~ komma ~ '|' ~ komma ~ '-)') ~ ", '.', ''), ',', '.')" -%}
        try_cast(case when {{ t }} like '%-' then '-' || replace({{ t }}, '-', '') else {{ t }} end as decimal(18, 2))
    {%- elif talformat == 'oere' -%}
        {%- set t = skrevet_som(kolonne, '([-+]?0*[0-9]{1,14}|0*[0-9]{1,14}[-+])') -%}
        cast(try_cast(case when {{ t }} like '%-%' then '-' else '' end || replace(replace({{ t }}, '-', ''), '+', '') as decimal(18, 0)) * cast(0.01 as decimal(3, 2)) as decimal(18, 2))
    {%- elif talformat == 'tusinde' -%}
        {%- set t = skrevet_som(kolonne, '[-+]?(0*[0-9]{1,9}|[0-9]{1,3}([.][0-9]{3}){1,2})(,[0-9]{1,5}0*)?') -%}
        cast(try_cast(replace(replace({{ t }}, '.', ''), ',', '.') as decimal(15, 5)) * 1000 as decimal(18, 2))
    {%- else -%}
        {{ exceptions.raise_compiler_error("Unknown talformat: " ~ talformat) }}
    {%- endif -%}
{%- endmacro %}

{# A number with a decimal comma (or point: '[.]'), at most two decimals, as decimal(9,2): hours. #}
{% macro som_timer(kolonne, decimaltegn=',') -%}
    try_cast(replace({{ skrevet_som(kolonne, '[0-9]{1,6}(' ~ decimaltegn ~ '[0-9]{1,2}0*)?') }}, ',', '.') as decimal(9, 2))
{%- endmacro %}

{#
  A date from text. format: yyyy-MM-dd | dd-MM-yyyy | dd.MM.yyyy | yyyyMMdd | ddMMyy | excel. The years are 1000-2999, and 9999 for open.
  Blank and 00000000 are null; 9999-12-31 stays. Day 00 (CPR's mark of an uncertain day) becomes the first. A time of day after dd-MM-yyyy is let be.
#}
{% macro som_dato(kolonne, format) -%}
    {%- set aar = '([12][0-9]{3}|9999)' -%}
    {%- if format == 'yyyy-MM-dd' -%}
        try_cast({{ skrevet_som(kolonne, aar ~ '-[0-9]{2}-[0-9]{2}') }} as date)
    {%- elif format in ('dd-MM-yyyy', 'dd.MM.yyyy') -%}
        {%- set skille = format[2] if format[2] == '-' else '[.]' -%}
        {%- set t = skrevet_som(kolonne, '[0-9]{2}' ~ skille ~ '[0-9]{2}' ~ skille ~ aar ~ '( [0-9]{2}:[0-9]{2}(:[0-9]{2})?)?') -%}
        try_cast(substr({{ t }}, 7, 4) || '-' || substr({{ t }}, 4, 2) || '-' || substr({{ t }}, 1, 2) as date)
    {%- elif format == 'yyyyMMdd' -%}
        {%- set t = skrevet_som(kolonne, aar ~ '[0-9]{4}') -%}
        try_cast(substr({{ t }}, 1, 4) || '-' || substr({{ t }}, 5, 2) || '-' || case when substr({{ t }}, 7, 2) = '00' then '01' else substr({{ t }}, 7, 2) end as date)
    {%- elif format == 'ddMMyy' -%}
        {%- set t = skrevet_som(kolonne, '[0-9]{6}') -%}
        try_cast('20' || substr({{ t }}, 5, 2) || '-' || substr({{ t }}, 3, 2) || '-' || substr({{ t }}, 1, 2) as date)
    {%- elif format == 'excel' -%}
        {{ dato_plus_dage("date '1899-12-30'", "try_cast(" ~ skrevet_som(kolonne, '[0-9]{1,6}') ~ " as integer)") }}
    {%- else -%}
        {{ exceptions.raise_compiler_error("Unknown date format: " ~ format) }}
    {%- endif -%}
{%- endmacro %}

{# A last day (inclusive) as the first day after it; the last day there is stays. #}
{% macro dagen_efter(dato) -%}
    case when {{ dato }} >= date '9999-12-31' then date '9999-12-31' else {{ dato_plus_dage(dato, 1) }} end
{%- endmacro %}

{# An amount that stands without a sign, with the sign its side gives it: debit is positive, credit negative. A side that is neither gives null. #}
{% macro med_side(beloeb, kolonne, debet='D', kredit='K') -%}
    case trim({{ kolonne }}) when '{{ debet }}' then {{ beloeb }} when '{{ kredit }}' then -({{ beloeb }}) end
{%- endmacro %}
