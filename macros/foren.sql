{#
  Several models of one shape as one (a concept's staging models, the areas' formulas): the same columns in the same order, row for row. In an incremental model
  each is narrowed to the touched slices where it is read, so that nothing is translated that is not wanted.
#}
{% macro foren(modeller) -%}
    {%- set kun = execute and skive_for_skive() -%}
    {%- for navn in modeller %}
    select * from {{ ref(navn) }}
    {%- if kun %}
    where {{ skive_betingelse() }}
    {%- endif %}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}

{# A crosswalk seed with its rows' end of validity: the next row's gyldig_fra for the same system and code. #}
{% macro xwalk(navn) -%}
    (
        select
            kildesystem,
            kildekode,
            standardkode,
            gyldig_fra,
            lead(gyldig_fra, 1, date '9999-12-31') over (partition by kildesystem, kildekode order by gyldig_fra) as gyldig_til
        from {{ ref(navn) }}
    )
{%- endmacro %}

{# The join that translates a code of `l` (a delivered row): the standard's code for what the row's system wrote, by what it meant in the delivery's month. #}
{% macro oversaet(navn, kode, alias) -%}
    left join {{ xwalk(navn) }} as {{ alias }}
        on
            l.kildesystem = {{ alias }}.kildesystem
            and l.{{ kode }} = {{ alias }}.kildekode
            and l.leveret_periode >= {{ alias }}.gyldig_fra
            and l.leveret_periode < {{ alias }}.gyldig_til
{%- endmacro %}

{#
  A source's code as it may be listed. What could be a person's number, whole or in part of a text, or is the mask of one (flis.intake.stray), does not stand in a list of codes:
  nine or ten digits with nothing, a hyphen or a blank before the last four. Wider than what is looked for as a file comes in, for a code is seldom so long.
#}
{% macro vist_kildekode(kode) -%}
    case when regexp_extract({{ kode }}, '(^|[^0-9])[0-9]{5,6}[ -]?[0-9]{4}([^0-9]|$)|pnr-[a-p]{16}', 0) <> '' then '(maskeret)' else {{ kode }} end
{%- endmacro %}

{# The month a regnskabsperiode belongs to: 0 (opening balance) to January, 13-16 (supplement) to December of the regnskabsår. #}
{% macro periode_af_regnskabsperiode(aar, periode) -%}
    {{ dato_af(aar, "case when " ~ periode ~ " < 1 then 1 when " ~ periode ~ " > 12 then 12 else " ~ periode ~ " end", 1) }}
{%- endmacro %}

{# A month as its six digits (202601), as part of a key. #}
{% macro aarmaaned(dato) -%}
    cast(cast(extract(year from {{ dato }}) * 100 + extract(month from {{ dato }}) as integer) as varchar(6))
{%- endmacro %}

{#
  The months in which the set-up says a system counts for a municipality, [gyldig_fra, gyldig_til): where two deliver, one of them gives way. A system that counts for
  part of a month counts for all of it.
#}
{% macro systemets_maaneder(fagomraade) -%}
    select
        kommunekode,
        kildesystem,
        cast(date_trunc('month', min(cast(gyldig_fra as date))) as date) as gyldig_fra,
        max(coalesce(cast(gyldig_til as date), date '9999-12-31')) as gyldig_til
    from {{ source('opsaetning', 'kommune_opsaetning') }}
    where fagomraade = '{{ fagomraade }}'
    group by
        kommunekode,
        kildesystem
{%- endmacro %}
