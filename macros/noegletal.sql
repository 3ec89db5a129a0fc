{# The observation status of a formula's value, from how its slice was delivered (leveret, foreloebig, ikke_leveret, ikke_relevant). #}
{% macro observationsstatus(leveringsstatus, vaerdi) -%}
    case
        when {{ leveringsstatus }} <> 'leveret' then {{ leveringsstatus }}
        when {{ vaerdi }} = 0 then 'aegte_nul'
        else 'som_leveret'
    end
{%- endmacro %}

{# What a formel_ model ends in: of each formula, municipality and month there can be (with leveringsstatus) the value, where something was delivered, and its status. #}
{% macro formelvaerdier(ramme) -%}
    select
        formel_id,
        kommunekode,
        periode,
        cast(case when leveringsstatus in ('leveret', 'foreloebig') then vaerdi end as decimal(18, 5)) as vaerdi,
        case when leveringsstatus in ('leveret', 'foreloebig') then antal_personer end as antal_personer,
        {{ observationsstatus('leveringsstatus', 'vaerdi') }} as observationsstatus
    from {{ ramme }}
{%- endmacro %}

{# A quotient as a figure: rounded, then cast, so that both engines give the same digits. Null when the denominator is zero. #}
{% macro kvotient(taeller, naevner, faktor='1') -%}
    cast(round({{ faktor }} * {{ taeller }} / nullif({{ naevner }}, 0), 5) as decimal(18, 5))
{%- endmacro %}

{# The observation status of an average, from what its possible contributors were. One who has not delivered yet, or is held by a rule, can still change it. #}
{% macro gennemsnit_status(antal_bidragydere, antal_foreloebig, antal_ikke_leveret, sum_taeller, antal_holdt='0') -%}
    case
        when {{ antal_bidragydere }} = 0 and {{ antal_holdt }} > 0 then 'ikke_oplyst'
        when {{ antal_bidragydere }} = 0 and {{ antal_ikke_leveret }} > 0 then 'ikke_leveret'
        when {{ antal_bidragydere }} = 0 then 'ikke_relevant'
        when {{ antal_foreloebig }} > 0 or {{ antal_ikke_leveret }} > 0 or {{ antal_holdt }} > 0 then 'foreloebig'
        when {{ sum_taeller }} = 0 then 'aegte_nul'
        else 'som_leveret'
    end
{%- endmacro %}

{#
  Whether a formula's figure rests on a month, by how the formula is made up over time. A stock on the first of the month is the outcome of the month before too.
#}
{% macro hviler_paa_maaned(periodisering, periode, maaned) -%}
    case {{ periodisering }}
        when 'aar' then extract(year from {{ maaned }}) = extract(year from {{ periode }})
        when 'aar_til_dato' then extract(year from {{ maaned }}) = extract(year from {{ periode }}) and {{ maaned }} <= {{ periode }}
        when 'primo' then {{ maaned }} = {{ periode }} or cast({{ maaned }} + interval '1' month as date) = {{ periode }}
        else {{ maaned }} = {{ periode }}
    end
{%- endmacro %}
