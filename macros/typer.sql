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

{#
  The birth date a CPR number states, by the century rule of its seventh digit; null when there is no such date. The number is normalised (som_cpr).
  A replacement number, for who has no CPR number, has the day of birth + 60.
#}
{% macro cpr_foedselsdato(cpr) -%}
    try_cast(
        case
            when substr({{ cpr }}, 7, 1) in ('0', '1', '2', '3') then '19'
            when substr({{ cpr }}, 7, 1) in ('4', '9') and substr({{ cpr }}, 5, 2) >= '37' then '19'
            when substr({{ cpr }}, 7, 1) in ('5', '6', '7', '8') and substr({{ cpr }}, 5, 2) >= '58' then '18'
            else '20'
        end || substr({{ cpr }}, 5, 2) || '-' || substr({{ cpr }}, 3, 2) || '-' || translate(substr({{ cpr }}, 1, 1), '6789', '0123') || substr({{ cpr }}, 2, 1) as date
    )
{%- endmacro %}

{#
  Whether a normalised CPR number is valid, the one definition for every area: ten digits whose first six are a date in the century the seventh says, and
  not later than `kendt`, the last day the delivery can know of (a null is today). Modulus 11 is not asked for: numbers without a check digit have been
  issued since 2007.
#}
{% macro cpr_er_gyldigt(cpr, kendt) -%}
    coalesce(
        length({{ cpr }}) = 10
        and translate({{ cpr }}, '0123456789', '') = ''
        and {{ cpr_foedselsdato(cpr) }} <= coalesce({{ kendt }}, current_date),
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
  Decimals after a decimal sign: none, one or two digits, or two with zeros after. Never exactly three: 1,230 and 1.230 are a thousand and more in one country and
  one and a quarter in another, and the file does not say which. `altid_tre`: the contract says that there are always three.
#}
{% macro decimaler(decimaltegn, altid_tre=false) -%}
    {%- if altid_tre -%}
        {{ decimaltegn }}[0-9]{2}0
    {%- else -%}
        ({{ decimaltegn }}([0-9]{1,2}|[0-9]{2}00+))?
    {%- endif -%}
{%- endmacro %}

{#
  Kroner as decimal(18,2). talformat: komma | punktum | efterstillet_minus (each also with _tre: always three decimals) | oere | tusinde (see docs/arkitektur.md).
  Strict: 12.34 where the comma is the decimal sign is not 1234 but unreadable, as is 0.500 (no thousands begin with a nought), parts of an øre, and 10^12 kroner or more.
#}
{% macro som_beloeb(kolonne, talformat) -%}
    {%- set altid_tre = talformat.endswith('_tre') -%}
    {%- set skrift = talformat[:-4] if altid_tre else talformat -%}
    {%- set komma = '(0*[0-9]{1,12}|[1-9][0-9]{0,2}([.][0-9]{3}){1,3})' ~ decimaler(',', altid_tre) -%}
    {%- if skrift == 'komma' -%}
        try_cast(replace(replace({{ skrevet_som(kolonne, '[-+]?' ~ komma) }}, '.', ''), ',', '.') as decimal(18, 2))
    {%- elif skrift == 'punktum' -%}
        try_cast({{ skrevet_som(kolonne, '[-+]?0*[0-9]{1,12}' ~ decimaler('[.]', altid_tre)) }} as decimal(18, 2))
    {%- elif skrift == 'efterstillet_minus' -%}
        {%- set t = "replace(replace(" ~ skrevet_som(kolonne, '([-+]?' ~ komma ~ '|' ~ komma ~ '-)') ~ ", '.', ''), ',', '.')" -%}
        try_cast(case when {{ t }} like '%-' then '-' || replace({{ t }}, '-', '') else {{ t }} end as decimal(18, 2))
    {%- elif talformat == 'oere' -%}
        {%- set t = skrevet_som(kolonne, '([-+]?0*[0-9]{1,14}|0*[0-9]{1,14}[-+])') -%}
        cast(try_cast(case when {{ t }} like '%-%' then '-' else '' end || replace(replace({{ t }}, '-', ''), '+', '') as decimal(18, 0)) * cast(0.01 as decimal(3, 2)) as decimal(18, 2))
    {%- elif talformat == 'tusinde' -%}
        {%- set t = skrevet_som(kolonne, '[-+]?(0*[0-9]{1,9}|[1-9][0-9]{0,2}([.][0-9]{3}){1,2})(,[0-9]{1,5}0*)?') -%}
        cast(try_cast(replace(replace({{ t }}, '.', ''), ',', '.') as decimal(15, 5)) * 1000 as decimal(18, 2))
    {%- else -%}
        {{ exceptions.raise_compiler_error("Unknown talformat: " ~ talformat) }}
    {%- endif -%}
{%- endmacro %}

{# A number with a decimal comma (or point: '[.]'), at most two decimals, as decimal(9,2): hours. #}
{% macro som_timer(kolonne, decimaltegn=',') -%}
    try_cast(replace({{ skrevet_som(kolonne, '[0-9]{1,6}' ~ decimaler(decimaltegn)) }}, ',', '.') as decimal(9, 2))
{%- endmacro %}

{#
  A date from text. format: yyyy-MM-dd | dd-MM-yyyy | dd.MM.yyyy | yyyyMMdd | cpr | ddMMyy | excel. The years are 1000-2999, and 9999 for open.
  Blank and 00000000 are null; 9999-12-31 stays. A time of day after dd-MM-yyyy is let be. cpr is yyyyMMdd where month 00 and day 00 are the register's marks of
  what is uncertain: read as the first month, and the first day. excel is the number of a day from 1927 to 2173: a year or a month that has got there is no date.
#}
{% macro som_dato(kolonne, format) -%}
    {%- set aar = '([12][0-9]{3}|9999)' -%}
    {%- if format == 'yyyy-MM-dd' -%}
        try_cast({{ skrevet_som(kolonne, aar ~ '-[0-9]{2}-[0-9]{2}') }} as date)
    {%- elif format in ('dd-MM-yyyy', 'dd.MM.yyyy') -%}
        {%- set skille = format[2] if format[2] == '-' else '[.]' -%}
        {%- set t = skrevet_som(kolonne, '[0-9]{2}' ~ skille ~ '[0-9]{2}' ~ skille ~ aar ~ '( ([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?)?') -%}
        try_cast(substr({{ t }}, 7, 4) || '-' || substr({{ t }}, 4, 2) || '-' || substr({{ t }}, 1, 2) as date)
    {%- elif format == 'yyyyMMdd' -%}
        {%- set t = skrevet_som(kolonne, aar ~ '[0-9]{4}') -%}
        try_cast(substr({{ t }}, 1, 4) || '-' || substr({{ t }}, 5, 2) || '-' || substr({{ t }}, 7, 2) as date)
    {%- elif format == 'cpr' -%}
        {%- set t = skrevet_som(kolonne, aar ~ '[0-9]{2}([0-2][0-9]|3[01])') -%}
        try_cast(
            substr({{ t }}, 1, 4) || '-'
            || case
                when substr({{ t }}, 5, 2) = '00' then '01-01'
                when substr({{ t }}, 7, 2) = '00' then substr({{ t }}, 5, 2) || '-01'
                else substr({{ t }}, 5, 2) || '-' || substr({{ t }}, 7, 2)
            end as date
        )
    {%- elif format == 'ddMMyy' -%}
        {%- set t = skrevet_som(kolonne, '[0-9]{6}') -%}
        try_cast('20' || substr({{ t }}, 5, 2) || '-' || substr({{ t }}, 3, 2) || '-' || substr({{ t }}, 1, 2) as date)
    {%- elif format == 'excel' -%}
        {{ dato_plus_dage("date '1899-12-30'", "try_cast(" ~ skrevet_som(kolonne, '[1-9][0-9]{4}') ~ " as integer)") }}
    {%- else -%}
        {{ exceptions.raise_compiler_error("Unknown date format: " ~ format) }}
    {%- endif -%}
{%- endmacro %}

{# A last day (inclusive) as the first day after it; the last day there is stays. #}
{% macro dagen_efter(dato) -%}
    case when {{ dato }} >= date '9999-12-31' then date '9999-12-31' else {{ dato_plus_dage(dato, 1) }} end
{%- endmacro %}

{# An open interval: an end that is blank. Anything else must be a date; `dato` is the end already typed, and the first day after. #}
{% macro aaben_slut(kolonne, dato) -%}
    case when nullif(trim({{ kolonne }}), '') is null then date '9999-12-31' else {{ dato }} end
{%- endmacro %}

{# An amount that stands without a sign, with the sign its side gives it: debit is positive, credit negative. A side that is neither gives null. #}
{% macro med_side(beloeb, kolonne, debet='D', kredit='K') -%}
    case trim({{ kolonne }}) when '{{ debet }}' then {{ beloeb }} when '{{ kredit }}' then -({{ beloeb }}) end
{%- endmacro %}
