{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    full_refresh=false,
    meta={'skive': ['_leverance_id'], 'behold': true, 'foelger_maaneder': foelges_maaneder()}
) }}
-- What a delivery's good rows say, counted when it comes and kept when it is replaced: the next one is measured against it (indholdsmaal). Counts
-- and sums by code; no keys and no persons.
{#- Every fagområde's own list, said by its macro (docs/decisions/0022): one pass over each concept's standardized rows, and one over its persons. #}
{%- set begreber = [] %}
{%- for omraade in (var('fagomraader') + ['faelles']) | sort %}{% do begreber.extend(context['kvalitet_' ~ omraade]()) %}{% endfor %}
{%- set profiler = [] %}
{%- for b in begreber %}
{%- set omraade, begreb = b.model[4:].split('__') %}
{%- set faelles = {'model': b.model, 'sammenlaegges': b.get('sammenlaegges'), 'omraade': omraade} %}
{%- if 'indhold' in b %}{% do profiler.append(dict(faelles, begreb=begreb, indhold=b.indhold)) %}{% endif %}
{%- for navn, indhold in b.get('andet_indhold', {}).items() %}
{%- do profiler.append(dict(faelles, begreb=navn, indhold=indhold)) %}
{%- endfor %}
{%- endfor %}

with leverancer as (

    select
        leverance_id,
        kommunekode as leverancens_kommunekode,
        {{ leverancens_maaned() }} as leverancens_maaned
    from {{ source('leverancer', 'leverance') }}

),

-- The deliveries of the months before, and how many months.
foerende as (

    select
        l.leverance_id as _leverance_id,
        f.leverance_id as foer_id,
        l.kildesystem = f.kildesystem as er_samme_system,
        {{ maaneder_mellem('f.maaned', 'l.maaned') }} as maaneder_tilbage
    from (select leverance_id, fagomraade, kommunekode, kildesystem, {{ leverancens_maaned() }} as maaned from {{ source('leverancer', 'leverance') }}) as l
    inner join (
        select leverance_id, fagomraade, kommunekode, kildesystem, {{ leverancens_maaned() }} as maaned from {{ source('leverancer', 'leverance') }}
        where status = 'aktiv'
    ) as f
        on
            l.fagomraade = f.fagomraade
            and l.kommunekode = f.kommunekode
            and f.maaned < l.maaned
            and f.maaned >= cast(l.maaned - interval '{{ foelges_maaneder() }}' month as date)

),
{% for b in profiler %}
{%- set nr = loop.index %}
{%- set i = b.indhold %}
{%- set tal = i.get('maal', []) %}
{%- set felter = {} %}
{%- for felt in i.koder %}{% do felter.update({felt: felt}) %}{% endfor %}
{%- do felter.update(i.get('afledte', {})) %}
{%- if 'enhed' in i %}{% do felter.update({'enhed': i.enhed}) %}{% endif %}
{%- for dato in i.get('datoer', []) %}
{%- do felter.update({'dato_' ~ dato: "case when " ~ dato ~ " is null then 'tom' when " ~ dato ~ " < leverancens_maaned then 'foer' when " ~ dato
    ~ " >= cast(leverancens_maaned + interval '1' month as date) then 'efter' else 'i_maaneden' end"}) %}
{%- if not i.bevaegelser %}{% do felter.update({'maaned_' ~ dato: 'extract(month from ' ~ dato ~ ')'}) %}{% endif %}
{%- endfor %}
raekker_{{ nr }} as (

    select
        r._leverance_id,
        r.kildesystem,
        {%- for felt, udtryk in felter.items() %}
        coalesce(cast({{ udtryk }} as varchar(80)), 'tom') as kode_{{ loop.index }},
        {%- endfor %}
        {%- for navn in tal %}
        cast({{ navn }} as decimal(18, 4)) as tal_{{ loop.index }},
        {%- endfor %}
        {% if 'person' in i %}{{ i.person }}{% else %}cast(null as varchar(64)){% endif %} as person_id
    from {{ beroerte_gode_raekker(b) }} as r
    inner join leverancer as l
        on r._leverance_id = l.leverance_id
    {%- if 'omfang' in i %}
    where {{ i.omfang }}
    {%- endif %}

),

optalt_{{ nr }} as (

    select
        _leverance_id,
        kildesystem,
        case
            {%- for felt in felter %}
            when grouping(kode_{{ loop.index }}) = 0 then '{{ felt }}'
            {%- endfor %}
            else 'alt'
        end as felt,
        case
            {%- for felt in felter %}
            when grouping(kode_{{ loop.index }}) = 0 then kode_{{ loop.index }}
            {%- endfor %}
            else 'alt'
        end as vaerdi,
        {%- for navn in tal %}
        {%- set x = 'tal_' ~ loop.index %}
        sum(case when {{ x }} <> 0 then 1 else 0 end) as antal_{{ loop.index }},
        sum(abs({{ x }})) as stoerrelse_{{ loop.index }},
        sum(case when {{ x }} < 0 then -{{ x }} else 0 end) as negativ_{{ loop.index }},
        sum(case when {{ x }} <> 0 then ln(cast(abs({{ x }}) as double)) end) as logsum_{{ loop.index }},
        {%- endfor %}
        count(*) as antal_raekker
    from raekker_{{ nr }}
    group by grouping sets (
        (_leverance_id, kildesystem)
        {%- for felt in felter %},
        (_leverance_id, kildesystem, kode_{{ loop.index }})
        {%- endfor %}
    )

),
{%- if 'person' in i %}

personer_{{ nr }} as (

    select distinct
        p._leverance_id,
        p.kildesystem,
        p.person_id,
        -- a person whom the register does not know has no sex; a number with two digits that have changed places is as a rule such a one
        coalesce(b.koen, 'findes_ikke') as koen,
        case when b.kommunekode = l.leverancens_kommunekode then 'egen' else 'anden' end as bopael,
        case
            when b.foedselsdato is null then 'findes_ikke'
            when b.doedsdato < l.leverancens_maaned then 'doed'
            else cast(cast(floor((extract(year from l.leverancens_maaned) - extract(year from b.foedselsdato)) / 10) as integer) as varchar(80))
        end as alder
    from raekker_{{ nr }} as p
    inner join leverancer as l
        on p._leverance_id = l.leverance_id
    left join {{ ref('std_borger__person') }} as b
        on p.person_id = b.person_id
    where p.person_id is not null

),

persontal_{{ nr }} as (

    select
        _leverance_id,
        kildesystem,
        case
            when grouping(koen) = 0 then 'person_koen'
            when grouping(alder) = 0 then 'person_alder'
            when grouping(bopael) = 0 then 'person_bopael'
            else 'personer'
        end as felt,
        case
            when grouping(koen) = 0 then koen
            when grouping(alder) = 0 then alder
            when grouping(bopael) = 0 then bopael
            else 'alt'
        end as vaerdi,
        count(*) as antal
    from personer_{{ nr }}
    group by grouping sets (
        (_leverance_id, kildesystem),
        (_leverance_id, kildesystem, koen),
        (_leverance_id, kildesystem, alder),
        (_leverance_id, kildesystem, bopael)
    )

),
{%- for navn, udtryk in i.get('personkoder', {}).items() %}
{%- set o = namespace(udtryk=udtryk) %}
{%- for felt in felter %}{% set o.udtryk = o.udtryk | replace('{' ~ felt ~ '}', 'r.kode_' ~ loop.index) %}{% endfor %}

-- What the row says of a person, beside what CPR says.
personkode_{{ nr }}_{{ loop.index }} as (

    select
        r._leverance_id,
        r.kildesystem,
        coalesce(cast({{ o.udtryk }} as varchar(80)), 'tom') as vaerdi,
        count(distinct r.person_id) as antal
    from raekker_{{ nr }} as r
    inner join leverancer as l
        on r._leverance_id = l.leverance_id
    inner join {{ ref('std_borger__person') }} as b
        on r.person_id = b.person_id
    group by
        r._leverance_id,
        r.kildesystem,
        coalesce(cast({{ o.udtryk }} as varchar(80)), 'tom')

),
{%- endfor %}
{%- endif %}
{%- if 'foelges' in i %}

{{ profilens_foelge(b, nr) }}
{%- endif %}
{%- if 'i_gang' in i %}

-- A full extract tells the earlier months again: what was in force at the end of each of the last thirteen.
i_gang_{{ nr }} as (

    select
        r._leverance_id,
        r.kildesystem,
        case when grouping({{ i.i_gang.kode }}) = 0 then coalesce(cast({{ i.i_gang.kode }} as varchar(80)), 'tom') else 'alt' end as vaerdi,
        substr(cast(m.periode as varchar(10)), 1, 7) as maal,
        count(*) as antal
    from {{ beroerte_gode_raekker(b) }} as r
    inner join leverancer as l
        on r._leverance_id = l.leverance_id
    inner join {{ ref('dim_periode') }} as m
        on
            m.periode >= cast(l.leverancens_maaned - interval '12' month as date)
            and m.periode <= l.leverancens_maaned
            and r.{{ i.i_gang.fra }} <= m.sidste_dag
            and r.{{ i.i_gang.til }} > m.sidste_dag
    group by grouping sets (
        (r._leverance_id, r.kildesystem, m.periode),
        (r._leverance_id, r.kildesystem, m.periode, {{ i.i_gang.kode }})
    )

),
{%- endif %}
{% endfor %}
samlet as (

    {%- for b in profiler %}
    {%- set nr = loop.index %}
    {{ profilraekker(b, 'optalt_' ~ nr, maal="'raekker'", antal='antal_raekker') }}
    union all
    {%- for navn in b.indhold.get('maal', []) %}
    {{ profilraekker(b, 'optalt_' ~ nr, maal="'" ~ navn ~ "'", antal='antal_' ~ loop.index, tal=loop.index) }}
    union all
    {%- endfor %}
    {%- if 'person' in b.indhold %}
    {{ profilraekker(b, 'persontal_' ~ nr) }}
    union all
    {%- for felt in b.indhold.get('personkoder', {}) %}
    {{ profilraekker(b, 'personkode_' ~ nr ~ '_' ~ loop.index, felt="'" ~ felt ~ "'") }}
    union all
    {%- endfor %}
    {%- endif %}
    {%- set foelges = b.indhold.get('foelges', {}) %}
    {%- for felt in foelges.get('koder', []) %}
    {{ profilraekker(b, 'skift_' ~ nr, felt="'skift_" ~ felt ~ "'", vaerdi="'andet'", maal="'raekker'", antal='andre_' ~ loop.index) }}
    union all
    {{ profilraekker(b, 'skift_' ~ nr, felt="'skift_" ~ felt ~ "'", vaerdi="'samme'", maal="'raekker'", antal='antal - andre_' ~ loop.index) }}
    union all
    {%- endfor %}
    {%- for navn in foelges.get('maal', {}) %}
    {{ profilraekker(b, 'forhold_' ~ nr ~ '_' ~ loop.index, felt="'forhold'", maal="'" ~ navn ~ "'", tal=loop.index) }}
    union all
    {%- endfor %}
    {%- if foelges and 'person' in b.indhold %}
    {{ profilraekker(b, 'genkendt_' ~ nr, felt="'person_foelge'") }}
    union all
    {%- endif %}
    {%- if 'i_gang' in b.indhold %}
    {{ profilraekker(b, 'i_gang_' ~ nr, felt="'i_gang'", maal='maal') }}
    union all
    {%- endif %}
    {%- endfor %}
    select
        cast(null as bigint) as _leverance_id,
        '' as kildesystem,
        '' as fagomraade,
        '' as begreb,
        '' as felt,
        '' as vaerdi,
        '' as maal,
        0 as antal,
        cast(null as decimal(38, 4)) as stoerrelse,
        cast(null as decimal(38, 4)) as negativ,
        cast(null as double) as logsum
    where false

),

final as (

    select
        _leverance_id,
        fagomraade,
        begreb,
        kildesystem,
        felt,
        vaerdi,
        maal,
        cast(antal as bigint) as antal,
        cast(stoerrelse as decimal(18, 2)) as stoerrelse,
        cast(negativ as decimal(18, 2)) as negativ,
        cast(round(logsum, 3) as decimal(18, 3)) as logsum
    from samlet

)

select * from final
