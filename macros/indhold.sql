{# What the models of a delivery's content (kvalitet.indhold…, docs/decisions/0030) share. #}

{# The month a delivery is about: the one it says, or the one it was extracted in. `leverance` is the alias, where there is one. #}
{% macro leverancens_maaned(leverance='') -%}
    {%- set l = leverance ~ '.' if leverance else '' -%}
    cast(date_trunc('month', coalesce(cast({{ l }}periode as date), cast({{ l }}udtrukket as date))) as date)
{%- endmacro %}

{# A number as it is read: Danish, with no more decimals than it has. #}
{% macro kort_tal(udtryk, decimaler) -%}
    regexp_replace(replace(cast(cast(round({{ udtryk }}, {{ decimaler }}) as decimal(18, {{ decimaler }})) as varchar(30)), '.', ','), ',?0+$', '')
{%- endmacro %}

{# That two rows agree on these columns. #}
{% macro lige(a, b, kolonner) -%}
    {%- for kolonne in kolonner %}{{ '' if loop.first else ' and ' }}{{ a }}.{{ kolonne }} = {{ b }}.{{ kolonne }}{% endfor -%}
{%- endmacro %}

{# One select of the profile's rows: all kinds of counts have the same columns, and what a kind does not have is null. #}
{% macro profilraekker(profil, kilde, felt='felt', vaerdi='vaerdi', maal="'personer'", antal='antal', tal=none) -%}
    select
        _leverance_id,
        kildesystem,
        '{{ profil.omraade }}' as fagomraade,
        '{{ profil.begreb }}' as begreb,
        {{ felt }} as felt,
        {{ vaerdi }} as vaerdi,
        {{ maal }} as maal,
        {{ antal }} as antal,
        {%- for navn, art in [('stoerrelse', 'decimal(38, 4)'), ('negativ', 'decimal(38, 4)'), ('logsum', 'double')] %}
        {% if tal is none %}cast(null as {{ art }}){% else %}{{ navn }}_{{ tal }}{% endif %} as {{ navn }}{{ '' if loop.last else ',' }}
        {%- endfor %}
    from {{ kilde }}
{%- endmacro %}

{#
  A concept's good rows of the touched deliveries, as they were delivered: where the std_ model merges rows, the newest system's row speaks for those before it, and the last delivery of
  the old system would have lost what goes on in the new one.
#}
{% macro beroerte_gode_raekker(begreb) -%}
    {%- if begreb.get('sammenlaegges') -%}
    (select * from {{ kun_beroerte(ref(begreb.model)) }} where frasat_aarsag is null)
    {%- else -%}
    {{ kun_beroerte(ref('std_' ~ begreb.model[4:])) }}
    {%- endif -%}
{%- endmacro %}

{# How many months back what is followed is looked for. #}
{% macro foelges_maaneder() %}{{ return(4) }}{% endmacro %}

{#
  What is followed from month to month (`foelges` in `indhold`), as CTEs of the profile: whose code is another than it was, how many times a number is what it was, and which persons are
  known from the month before. `noegle`: what says that it is the same; `koder`: fields that seldom change; `maal`: a number and what it is told by. A code that is back at what it was two
  months ago is no change: it was the month between that was wrong. `omfang`: the rows that are followed, where not all.
#}
{% macro profilens_foelge(profil, nr) -%}
    {%- set f = profil.indhold.foelges -%}
    {%- set std = ref('std_' ~ profil.model[4:]) -%}
    {%- set omfang = profil.indhold.get('omfang', 'true') ~ ' and ' ~ f.get('omfang', 'true') -%}
    {%- set koder = f.get('koder', []) -%}
    {%- set noegle = f.noegle | join(', ') -%}
fulgte_{{ nr }} as (

    select
        r._leverance_id,
        r.kildesystem,
        {%- for felt in koder %}
        coalesce(cast({{ felt }} as varchar(80)), 'tom') as kode_{{ loop.index }},
        {%- endfor %}
        {%- for navn, gruppe in f.get('maal', {}).items() %}
        cast({{ navn }} as double) as tal_{{ loop.index }},
        cast({{ gruppe }} as varchar(80)) as gruppe_{{ loop.index }},
        {%- endfor %}
        {{ noegle }}
    from {{ kun_beroerte(std) }} as r
    inner join leverancer as l
        on r._leverance_id = l.leverance_id
    where {{ omfang }}

),
{%- if koder %}

foer_{{ nr }} as (

    select
        p._leverance_id,
        p.maaneder_tilbage,
        {%- for felt in koder %}
        max(coalesce(cast({{ felt }} as varchar(80)), 'tom')) as kode_{{ loop.index }},
        {%- endfor %}
        {{ noegle }}
    from foerende as p
    inner join {{ std }} as q
        on p.foer_id = q._leverance_id
    where
        p.maaneder_tilbage <= 2
        and p._leverance_id in (select _leverance_id from fulgte_{{ nr }})
        and {{ omfang }}
    group by
        p._leverance_id,
        p.maaneder_tilbage,
        {{ noegle }}

),

skift_{{ nr }} as (

    select
        r._leverance_id,
        r.kildesystem,
        {%- for felt in koder %}
        sum(case when r.kode_{{ loop.index }} <> f.kode_{{ loop.index }} and r.kode_{{ loop.index }} <> coalesce(ff.kode_{{ loop.index }}, '') then 1 else 0 end) as andre_{{ loop.index }},
        {%- endfor %}
        count(*) as antal
    from fulgte_{{ nr }} as r
    inner join foer_{{ nr }} as f
        on
            {{ lige('r', 'f', ['_leverance_id'] + f.noegle) }}
            and f.maaneder_tilbage = 1
    left join foer_{{ nr }} as ff
        on
            {{ lige('r', 'ff', ['_leverance_id'] + f.noegle) }}
            and ff.maaneder_tilbage = 2
    group by
        r._leverance_id,
        r.kildesystem

),
{%- endif %}
{%- for navn, gruppe in f.get('maal', {}).items() %}

-- What the number usually is where it stands: its geometric mean in the three months before. Another system divides what it tells otherwise.
vante_{{ nr }}_{{ loop.index }} as (

    select
        p._leverance_id,
        avg(ln(cast(abs({{ navn }}) as double))) as logtal,
        {{ noegle }}
    from foerende as p
    inner join {{ std }} as q
        on p.foer_id = q._leverance_id
    where
        p.maaneder_tilbage <= 3
        and p.er_samme_system
        and p._leverance_id in (select _leverance_id from fulgte_{{ nr }})
        and {{ navn }} <> 0
        and {{ omfang }}
    group by
        p._leverance_id,
        {{ noegle }}

),

forhold_{{ nr }}_{{ loop.index }} as (

    select
        r._leverance_id,
        r.kildesystem,
        r.gruppe_{{ loop.index }} as vaerdi,
        count(*) as antal,
        cast(null as decimal(38, 4)) as stoerrelse_{{ loop.index }},
        cast(null as decimal(38, 4)) as negativ_{{ loop.index }},
        sum(ln(abs(r.tal_{{ loop.index }})) - v.logtal) as logsum_{{ loop.index }}
    from fulgte_{{ nr }} as r
    inner join vante_{{ nr }}_{{ loop.index }} as v
        on {{ lige('r', 'v', ['_leverance_id'] + f.noegle) }}
    where
        r.tal_{{ loop.index }} <> 0
        and r.gruppe_{{ loop.index }} is not null
    group by
        r._leverance_id,
        r.kildesystem,
        r.gruppe_{{ loop.index }}

),
{%- endfor %}
{%- if 'person' in profil.indhold %}

-- Known from the month before, seen in one of the three before that and come again, or new.
senest_set_{{ nr }} as (

    select
        p._leverance_id,
        q.{{ profil.indhold.person }} as person_id,
        min(p.maaneder_tilbage) as maaneder_tilbage
    from foerende as p
    inner join {{ std }} as q
        on p.foer_id = q._leverance_id
    where
        p._leverance_id in (select _leverance_id from personer_{{ nr }})
        and {{ omfang }}
    group by
        p._leverance_id,
        q.{{ profil.indhold.person }}

),

genkendt_{{ nr }} as (

    select
        p._leverance_id,
        p.kildesystem,
        case when s.maaneder_tilbage = 1 then 'kendt' when s.maaneder_tilbage is null then 'ny' else 'igen' end as vaerdi,
        count(*) as antal
    from personer_{{ nr }} as p
    left join senest_set_{{ nr }} as s
        on
            p._leverance_id = s._leverance_id
            and p.person_id = s.person_id
    -- where the month before has not come, nobody is known from it
    where p._leverance_id in (select _leverance_id from senest_set_{{ nr }} where maaneder_tilbage = 1)
    group by
        p._leverance_id,
        p.kildesystem,
        case when s.maaneder_tilbage = 1 then 'kendt' when s.maaneder_tilbage is null then 'ny' else 'igen' end

),
{%- endif %}
{%- endmacro %}
