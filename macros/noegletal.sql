{#
  The observation status of a formula's value. From how its slice was delivered (leveret, foreloebig, ikke_leveret, ikke_relevant), and how complete the concepts are that
  it rests on: a zero is a true zero only where the delivery of every one of them is in force, covers the months counted, and has no row set aside. Where it is not known
  how complete they are, it is not true either.
#}
{% macro observationsstatus(leveringsstatus, vaerdi, grundlag) -%}
    case
        when {{ leveringsstatus }} not in ('leveret', 'foreloebig') then {{ leveringsstatus }}
        when {{ grundlag }}.alt_mangler and not {{ grundlag }}.har_mangel then 'ikke_leveret'
        when {{ grundlag }}.maaneden_mangler then 'ikke_leveret'
        when {{ grundlag }}.har_mangel or {{ grundlag }}.har_hul then 'ufuldstaendig'
        when {{ leveringsstatus }} = 'foreloebig' then 'foreloebig'
        -- of months that were never delivered nothing is known: what the others give is a part, whether it is zero or not
        when coalesce({{ vaerdi }}, 0) <> 0 and {{ grundlag }}.er_daekket then 'som_leveret'
        when {{ grundlag }}.er_helt_daekket then 'aegte_nul'
        else 'ufuldstaendig'
    end
{%- endmacro %}

{#
  What every formel_ model ends in: of each formula, municipality and month there can be (with leveringsstatus) the value and its status. `ramme` leaves the value null
  where there is no row to count; this is the one place that makes it a zero, and only where that is true.
  `bidrag` says that `ramme` has stoerste_bidrag, the largest person's own part of the value; where it has not, that is not known.
  `roller` says whose deliveries a figure gathered at the municipality that acts rests on (kommunerolle, fra_kommunekode, kommunekode); without it, its own.
#}
{% macro formelvaerdier(omraade, ramme, roller=none, bidrag=false) -%}
    with perioder as (
        select distinct
            kommunekode,
            periode
        from {{ ramme }}
    ),

    -- by concept and window, not by formula: many rest on the same
    vinduer as (
        select distinct
            f.kommunerolle,
            g.begreb,
            g.vindue,
            d.altid_raekker,
            d.hvilemaaneder,
            p.kommunekode,
            p.periode,
            {{ vindue_fra('g.vindue', 'p.periode') }} as fra,
            {{ vindue_til('g.vindue', 'p.periode') }} as til
        from {{ ref('formelgrundlag') }} as g
        inner join {{ ref('formel') }} as f on g.formel_id = f.formel_id and f.fagomraade = '{{ omraade }}'
        inner join {{ ref('fuldstaendighed') }} as d on g.begreb = d.begreb and d.fagomraade = '{{ omraade }}'
        cross join perioder as p
    ),

    -- the months of which anything at all is delivered, by any of those whose figures are gathered
    begyndte as (
        select distinct
            {%- if roller %}
            r.kommunerolle,
            r.kommunekode,
            {%- else %}
            s.kommunekode,
            {%- endif %}
            s.periode
        from {{ ref('int_' ~ omraade ~ '__fuldstaendighed') }} as s
        {%- if roller %}
        inner join {{ roller }} as r on s.kommunekode = r.fra_kommunekode
        {%- endif %}
    ),

    -- and those between them: one that never came at all is a hole like any other
    leverede as (
        select * from begyndte
        union
        select
            {%- if roller %}
            d.kommunerolle,
            {%- endif %}
            p.kommunekode,
            p.periode
        from perioder as p
        inner join (
            select
                {%- if roller %}
                kommunerolle,
                {%- endif %}
                kommunekode,
                min(periode) as foerste,
                max(periode) as sidste
            from begyndte
            group by
                {%- if roller %}
                kommunerolle,
                {%- endif %}
                kommunekode
        ) as d
            on
                p.kommunekode = d.kommunekode
                and p.periode > d.foerste
                and p.periode < d.sidste
    ),
    {%- if roller %}

    -- one who has never delivered a concept has no part in it (whom another reports for)
    afsendere as (
        select distinct
            kommunekode,
            begreb
        from {{ ref('int_' ~ omraade ~ '__fuldstaendighed') }}
    ),
    {%- endif %}

    tilstande as (
        select
            v.kommunerolle,
            v.begreb,
            v.vindue,
            v.kommunekode,
            v.periode,
            {%- set hviler = er_hvilemaaned('v.hvilemaaneder', 'l.periode') %}
            -- some systems send nothing of what rests, and others a file without rows: it is the same
            max(case when s.fuldstaendighed in ('hel', 'frasat', 'ufuldstaendig') or (s.periode is null and {{ hviler }}) then 1 else 0 end) as har_noget,
            max(case when s.fuldstaendighed in ('tom', 'ufuldstaendig') then 1 else 0 end) as har_mangel,
            max(case when s.fuldstaendighed <> 'hel' then 1 else 0 end) as har_frasat,
            -- a concept that need not have rows (marks, budgets; absence in July, also before the first delivery) is not missing in the months that have none
            {%- set hul = ('a.begreb is not null and ' if roller else '') ~ 'v.altid_raekker and l.periode is not null and s.periode is null and not ' ~ hviler %}
            case
                when not v.altid_raekker then 1
                when
                    count(distinct case when not {{ hviler }} then s.periode end)
                    = {{ antal_maaneder('v.fra', 'v.til') }} - {{ hvilende_maaneder('v.hvilemaaneder', 'v.fra', 'v.til') }}
                    then 1
                else 0
            end as er_daekket,
            -- the rest of the month came and this did not: what is told of the others' months would be divided by, or counted as nothing
            max(case when {{ hul }} then 1 else 0 end) as har_hul,
            max(case when {{ hul }} and l.periode = v.periode and l.periode = v.til then 1 else 0 end) as maaneden_mangler
        from vinduer as v
        {%- if roller %}
        inner join {{ roller }} as r on v.kommunerolle = r.kommunerolle and v.kommunekode = r.kommunekode
        left join afsendere as a on r.fra_kommunekode = a.kommunekode and v.begreb = a.begreb
        {%- endif %}
        left join leverede as l
            on
                v.kommunekode = l.kommunekode
                {%- if roller %}
                and v.kommunerolle = l.kommunerolle
                {%- endif %}
                and l.periode >= v.fra
                and l.periode <= v.til
        left join {{ ref('int_' ~ omraade ~ '__fuldstaendighed') }} as s
            on
                s.kommunekode = {{ 'r.fra_kommunekode' if roller else 'v.kommunekode' }}
                and l.periode = s.periode
                and v.begreb = s.begreb
        group by
            v.kommunerolle,
            v.begreb,
            v.vindue,
            v.altid_raekker,
            v.kommunekode,
            v.periode,
            v.fra,
            v.til,
            v.hvilemaaneder
    ),

    grundlag as (
        select
            g.formel_id,
            t.kommunekode,
            t.periode,
            min(t.har_noget) = 0 as alt_mangler,
            max(t.har_mangel) = 1 as har_mangel,
            max(t.har_hul) = 1 as har_hul,
            max(t.maaneden_mangler) = 1 as maaneden_mangler,
            min(t.er_daekket) = 1 as er_daekket,
            max(t.har_frasat) = 0 and min(t.er_daekket) = 1 as er_helt_daekket
        from {{ ref('formelgrundlag') }} as g
        inner join {{ ref('formel') }} as f on g.formel_id = f.formel_id and f.fagomraade = '{{ omraade }}'
        inner join tilstande as t on f.kommunerolle = t.kommunerolle and g.begreb = t.begreb and g.vindue = t.vindue
        group by
            g.formel_id,
            t.kommunekode,
            t.periode
    ),

    vurderet as (
        select
            r.formel_id,
            r.kommunekode,
            r.periode,
            case when coalesce(g.alt_mangler, false) then null else r.vaerdi end as vaerdi,
            r.antal_personer,
            {{ 'r.stoerste_bidrag' if bidrag else 'cast(null as decimal(18, 5))' }} as stoerste_bidrag,
            {{ observationsstatus('r.leveringsstatus', 'r.vaerdi', 'g') }} as observationsstatus
        from {{ ramme }} as r
        left join grundlag as g
            on r.formel_id = g.formel_id and r.kommunekode = g.kommunekode and r.periode = g.periode
    )

    select
        formel_id,
        kommunekode,
        periode,
        cast(
            case
                when observationsstatus = 'aegte_nul' then 0
                when observationsstatus not in ('ikke_leveret', 'ikke_relevant') and vaerdi <> 0 then vaerdi
            end as decimal(18, 5)
        ) as vaerdi,
        case
            when observationsstatus = 'aegte_nul' then coalesce(antal_personer, 0)
            when observationsstatus not in ('ikke_leveret', 'ikke_relevant') and vaerdi <> 0 then antal_personer
        end as antal_personer,
        case when observationsstatus not in ('ikke_leveret', 'ikke_relevant', 'aegte_nul') and vaerdi <> 0 then stoerste_bidrag end as stoerste_bidrag,
        observationsstatus
    from vurderet
{%- endmacro %}

{# A quotient as a figure: rounded, then cast, so that both engines give the same digits. Null when the denominator is zero. #}
{% macro kvotient(taeller, naevner, faktor='1') -%}
    cast(round({{ faktor }} * {{ taeller }} / nullif({{ naevner }}, 0), 5) as decimal(18, 5))
{%- endmacro %}

{#
  The observation status of an average, from what its possible contributors were. One who has not delivered yet can still change it, and so can one whose figure is
  incomplete or held by a rule: it does not count until it has delivered anew, or is released.
#}
{% macro gennemsnit_status(antal_bidragydere, antal_foreloebig, antal_ikke_leveret, sum_taeller, antal_holdt='0', antal_ufuldstaendig='0') -%}
    case
        when {{ antal_bidragydere }} = 0 and {{ antal_holdt }} > 0 then 'ikke_oplyst'
        when {{ antal_bidragydere }} = 0 and {{ antal_ufuldstaendig }} > 0 then 'ufuldstaendig'
        when {{ antal_bidragydere }} = 0 and {{ antal_ikke_leveret }} > 0 then 'ikke_leveret'
        when {{ antal_bidragydere }} = 0 then 'ikke_relevant'
        when {{ antal_ufuldstaendig }} > 0 then 'ufuldstaendig'
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
        -- a balance is the year's opening and what has moved since
        when 'saldo' then extract(year from {{ maaned }}) = extract(year from {{ periode }}) and {{ maaned }} <= {{ periode }}
        when 'saldo_12' then extract(year from {{ maaned }}) >= extract(year from {{ periode }} - interval '11' month) and {{ maaned }} <= {{ periode }}
        when 'fra_sidste_skolestart' then extract(year from {{ periode }}) - extract(year from {{ maaned }}) in (0, 1)
        when 'primo' then {{ maaned }} = {{ periode }} or cast({{ maaned }} + interval '1' month as date) = {{ periode }}
        else {{ maaned }} = {{ periode }}
    end
{%- endmacro %}
