{#
  Whether what was delivered of a concept in a month is all of it (docs/decisions/0024). One row per municipality, concept and month that a delivery in force is about;
  no row: none is. The limits, and which concepts always have rows, are data (the seed fuldstaendighed):

  hel            every row is in the standard
  frasat         some rows are set aside, within the limit: a figure stands, but a zero is not proven
  ufuldstaendig  more rows are set aside than the limit allows
  tom            nothing is in the standard, and there ought to be

  `optalt` has kommunekode, begreb, periode, antal_raekker (those in the standard) and antal_frasat.
#}
{% macro fuldstaendighed(omraade, optalt) -%}
    select
        o.kommunekode,
        o.begreb,
        o.periode,
        cast(o.antal_raekker as bigint) as antal_raekker,
        cast(o.antal_frasat as bigint) as antal_frasat,
        case
            when o.antal_raekker <= 0 and o.antal_frasat > 0 then 'tom'
            when
                o.antal_raekker <= 0
                and g.altid_raekker
                and not {{ er_hvilemaaned('g.hvilemaaneder', 'o.periode') }}
                then 'tom'
            when o.antal_frasat > g.frasat_graense * (o.antal_raekker + o.antal_frasat) then 'ufuldstaendig'
            when o.antal_frasat > 0 then 'frasat'
            else 'hel'
        end as fuldstaendighed
    from {{ optalt }} as o
    inner join {{ ref('fuldstaendighed') }} as g
        on o.begreb = g.begreb and g.fagomraade = '{{ omraade }}'
{%- endmacro %}

{# Reasons for which a row is set aside without being a fault: it is no part of what the delivery says. #}
{% macro ikke_gaeldende_aarsager() -%}('slettet_i_kilden', 'afgang_meldt', 'andet_system_gaelder'){%- endmacro %}

{# The raw tables a concept comes from, as rows of (kildesystem, tabel, begreb): the staging models that its int_ model unites. #}
{% macro begrebernes_tabeller(begreber) -%}
    {%- set raekker = [] %}
    {%- if execute %}
        {%- for begreb, int_model in begreber.items() %}
            {%- for id in graph.nodes['model.flis.' ~ int_model].depends_on.nodes if id.startswith('model.flis.stg_') %}
                {%- set kildesystem, tabel = id[15:].split('__') %}
                {%- do raekker.append("select '" ~ kildesystem ~ "' as kildesystem, '" ~ tabel ~ "' as tabel, '" ~ begreb ~ "' as begreb") %}
            {%- endfor %}
        {%- endfor %}
    {%- endif %}
    {{- (raekker or ["select cast(null as string) as kildesystem, cast(null as string) as tabel, cast(null as string) as begreb"]) | join('\n    union all\n    ') -}}
{%- endmacro %}

{#
  The rows of each delivery in force of a fagområde's own files (one municipality's each), by concept: in the standard and set aside, from the ledger and the list of what
  is set aside. `begreber` is concept: int_ model.
#}
{% macro leverancernes_raekker(omraade, begreber) -%}
    select
        l.leverance_id,
        l.kommunekode,
        cast(l.periode as date) as periode,
        b.begreb,
        sum(t.raekker - coalesce(f.antal_i_alt, 0)) as antal_raekker,
        sum(coalesce(f.antal_frasat, 0)) as antal_frasat
    from {{ source('leverancer', 'leverance') }} as l
    inner join {{ source('leverancer', 'leverance_tabel') }} as t
        on l.leverance_id = t.leverance_id
    inner join (
    {{ begrebernes_tabeller(begreber) }}
    ) as b
        on
            l.kildesystem = b.kildesystem
            and t.tabel = b.tabel
    left join (
        select
            _leverance_id,
            tabel,
            count(*) as antal_i_alt,
            sum(case when aarsag in {{ ikke_gaeldende_aarsager() }} then 0 else 1 end) as antal_frasat
        from {{ ref('std_' ~ omraade ~ '__frasat') }}
        group by
            _leverance_id,
            tabel
    ) as f
        on
            l.leverance_id = f._leverance_id
            and t.tabel = f.tabel
    where
        l.fagomraade = '{{ omraade }}'
        and l.status = 'aktiv'
        and l.kommunekode is not null
    group by
        l.leverance_id,
        l.kommunekode,
        cast(l.periode as date),
        b.begreb
{%- endmacro %}

{#
  The fuldstaendighed of a fagområde whose deliveries are each about one month, and take the place of the one before for that month alone. `begreber` is concept: int_ model.
#}
{% macro maanedsvis_fuldstaendighed(omraade, begreber) -%}
with leverancer as (

    {{ leverancernes_raekker(omraade, begreber) }}

),

optalt as (

    select
        kommunekode,
        begreb,
        periode,
        sum(antal_raekker) as antal_raekker,
        sum(antal_frasat) as antal_frasat
    from leverancer
    group by
        kommunekode,
        begreb,
        periode

),

final as (

    {{ fuldstaendighed(omraade, 'optalt') }}

)

select * from final
{%- endmacro %}

{# The first and the last month that a formula's figure of a month rests on (the seed formelgrundlag says which window each concept has). #}
{% macro vindue_fra(vindue, periode) -%}
    case {{ vindue }}
        when 'maaned' then {{ periode }}
        when 'maaned_og_forrige' then cast({{ periode }} - interval '1' month as date)
        -- of days in school: in the third quarter they begin with the school year
        when 'skolekvartal' then cast(
            date_trunc('quarter', {{ periode }}) + case when extract(month from {{ periode }}) in (8, 9) then interval '1' month else interval '0' month end as date
        )
        when 'aar' then {{ periode }}
        when 'aar_til_dato' then cast(date_trunc('year', {{ periode }}) as date)
        when 'skoleaar_til_dato' then {{ skoleaar_start(periode) }}
        when 'september' then cast({{ periode }} + interval '8' month as date)
        when 'september_foer' then cast({{ periode }} - interval '4' month as date)
        when 'tolv_maaneder' then cast({{ periode }} - interval '11' month as date)
        when 'tretten_maaneder' then cast({{ periode }} - interval '12' month as date)
        when 'tolv_maaneder_foer' then cast({{ periode }} - interval '12' month as date)
    end
{%- endmacro %}

{% macro vindue_til(vindue, periode) -%}
    case {{ vindue }}
        when 'aar' then cast({{ periode }} + interval '11' month as date)
        when 'september' then cast({{ periode }} + interval '8' month as date)
        when 'september_foer' then cast({{ periode }} - interval '4' month as date)
        when 'tolv_maaneder_foer' then cast({{ periode }} - interval '12' month as date)
        else {{ periode }}
    end
{%- endmacro %}

{# Whole months from a first of month to another, both counted. #}
{% macro antal_maaneder(fra, til) -%}
    (12 * (extract(year from {{ til }}) - extract(year from {{ fra }})) + extract(month from {{ til }}) - extract(month from {{ fra }}) + 1)
{%- endmacro %}

{# Whether a month is among those that a concept rests in: a list of their numbers, divided by blanks ('7' is July). #}
{% macro er_hvilemaaned(liste, maaned) -%}
    (' ' || coalesce({{ liste }}, '') || ' ' like '% ' || cast(extract(month from {{ maaned }}) as string) || ' %')
{%- endmacro %}

{# How many of the months from a first of month to another, both counted, are of such a list: how often each calendar month occurs in between. #}
{% macro hvilende_maaneder(liste, fra, til) -%}
    (
        {%- for m in range(1, 13) %}
        case when ' ' || coalesce({{ liste }}, '') || ' ' like '% {{ m }} %' then
            floor((12 * extract(year from {{ til }}) + extract(month from {{ til }}) - {{ m }}) / 12.0)
            - floor((12 * extract(year from {{ fra }}) + extract(month from {{ fra }}) - 1 - {{ m }}) / 12.0)
        else 0 end
        {%- if not loop.last %} +{% endif %}
        {%- endfor %}
    )
{%- endmacro %}
