-- A part that was in each of the deliveries before and is not in this one. Deliveries are compared month by month within municipality and concept, whatever
-- system they came from: what is compared is the standard's codes.
{#- Months in which a concept has nothing (no school in July), by the fagområder's own words (docs/decisions/0022). #}
{%- set hvile = [] %}
{%- for omraade in (var('fagomraader') + ['faelles']) | sort %}
{%- for b in context['kvalitet_' ~ omraade]() if b.get('fordeling', {}).hviler %}
{%- do hvile.append((b.model[4:].split('__'), b.fordeling.hviler | join(', '))) %}
{%- endfor %}
{%- endfor %}
{#- How many rows make a part that is always there: what is new each month (absence) can miss by chance, what stands (a grade) cannot. #}
{#- Codes that come and go with the seasons (holiday) are no part that is always there. #}
{%- set mindst, kommer_og_gaar = [], [] %}
{%- for omraade in (var('fagomraader') + ['faelles']) | sort %}
{%- for b in context['kvalitet_' ~ omraade]() if 'fordeling' in b %}
{%- if b.fordeling.mindst %}{% do mindst.append((b.model[4:].split('__'), b.fordeling.mindst)) %}{% endif %}
{%- if b.fordeling.kommer_og_gaar %}{% do kommer_og_gaar.append((b.model[4:].split('__'), skive_liste(b.fordeling.kommer_og_gaar))) %}{% endif %}
{%- endfor %}
{%- endfor %}

with fordeling as (

    select * from {{ ref('leverancefordeling') }}

),

-- Which tables bring which key fields is seen in what they have brought; so an empty delivery is known too, though it has no rows to count.
tabeller as (

    select distinct
        fagomraade,
        begreb,
        felt,
        kildesystem,
        tabel
    from fordeling

),

-- A file about a part of a month (weekly and daily beats, before the month has ended) cannot be expected to have all of it.
leverancer as (

    select
        l.leverance_id,
        t.tabel,
        l.kildesystem,
        l.fil,
        l.status,
        coalesce(l.kommunekode, '0998') as kommunekode,
        coalesce(cast(l.periode as date), cast(date_trunc('month', coalesce(l.udtrukket, l.modtaget)) as date)) as periode
    from {{ source('leverancer', 'leverance') }} as l
    inner join {{ source('leverancer', 'leverance_tabel') }} as t
        on l.leverance_id = t.leverance_id
    where
        l.status in ('aktiv', 'erstattet')
        and (
            coalesce(l.udtraekstype, 'fuld') <> 'periode'
            or cast(coalesce(l.udtrukket, l.modtaget) as date) >= last_day(cast(l.periode as date))
        )

),

-- Of several deliveries for the same month the newest counts: a corrected one is compared with the months before, not with the one it corrects.
nyeste as (

    select *
    from leverancer
    qualify row_number() over (partition by kommunekode, kildesystem, tabel, periode order by leverance_id desc) = 1

),

vaerdier as (

    select
        n.kommunekode,
        n.periode,
        f.fagomraade,
        f.begreb,
        f.felt,
        f.vaerdi,
        sum(f.antal_raekker) as antal_raekker,
        sum(f.antal_aktuelle) as antal_aktuelle
    from nyeste as n
    inner join fordeling as f
        on
            n.leverance_id = f._leverance_id
            and n.tabel = f.tabel
    group by
        n.kommunekode,
        n.periode,
        f.fagomraade,
        f.begreb,
        f.felt,
        f.vaerdi

),

raekker as (

    select
        kommunekode,
        periode,
        begreb,
        felt,
        sum(antal_raekker) as antal_raekker
    from vaerdier
    group by
        kommunekode,
        periode,
        begreb,
        felt

),

maaneder as (

    select
        n.kommunekode,
        t.fagomraade,
        t.begreb,
        t.felt,
        n.periode,
        max(n.leverance_id) as leverance_id,
        max(n.kildesystem) as kildesystem,
        max(n.fil) as fil,
        max(case when n.status = 'aktiv' then 1 else 0 end) as er_aktiv,
        max(coalesce(r.antal_raekker, 0)) as antal_raekker
    from nyeste as n
    inner join tabeller as t
        on
            n.kildesystem = t.kildesystem
            and n.tabel = t.tabel
    left join raekker as r
        on
            n.kommunekode = r.kommunekode
            and n.periode = r.periode
            and t.begreb = r.begreb
            and t.felt = r.felt
    group by
        n.kommunekode,
        t.fagomraade,
        t.begreb,
        t.felt,
        n.periode

),

-- An empty delivery lacks everything, but says nothing of what is always there: it is judged, and passed over as a predecessor.
nummereret as (

    select
        *,
        sum(case when antal_raekker > 0 then 1 else 0 end) over (
            partition by kommunekode, begreb, felt
            order by periode
            rows between unbounded preceding and current row
        ) as nr
    from maaneder

),

foregaaende as (

    select
        m.kommunekode,
        m.fagomraade,
        m.begreb,
        m.felt,
        m.periode,
        m.kildesystem,
        m.leverance_id,
        m.fil,
        m.antal_raekker = 0 as er_tom,
        f.periode as foer_periode,
        f.kildesystem as foer_kildesystem,
        count(*) over (partition by m.kommunekode, m.begreb, m.felt, m.periode) as antal_foregaaende
    from nummereret as m
    inner join nummereret as f
        on
            m.kommunekode = f.kommunekode
            and m.begreb = f.begreb
            and m.felt = f.felt
            and f.antal_raekker > 0
            and f.periode < m.periode
            and f.nr > m.nr - case when m.antal_raekker > 0 then 1 else 0 end - 3
    where
        m.er_aktiv = 1
        {%- for (omraade, begreb), maaneder in hvile %}
        and not (m.fagomraade = '{{ omraade }}' and m.begreb = '{{ begreb }}' and extract(month from m.periode) in ({{ maaneder }}))
        {%- endfor %}

),

-- A new system need not bring the history of the old one: across a change only the rows that held in the month are compared.
altid_med as (

    select
        a.kommunekode,
        a.fagomraade,
        a.begreb,
        a.felt,
        a.periode,
        a.kildesystem,
        a.leverance_id,
        a.fil,
        a.er_tom,
        v.vaerdi,
        max(a.antal_foregaaende) as antal_foregaaende,
        min(case when a.kildesystem = a.foer_kildesystem then v.antal_raekker else v.antal_aktuelle end) as mindst_raekker
    from foregaaende as a
    inner join vaerdier as v
        on
            a.kommunekode = v.kommunekode
            and a.begreb = v.begreb
            and a.felt = v.felt
            and a.foer_periode = v.periode
    where
        a.antal_foregaaende >= 2
        and v.vaerdi <> 'ukendt'
        -- of an empty file any code tells that it is empty
        {%- for (omraade, begreb), koder in kommer_og_gaar %}
        and (a.er_tom or not (a.fagomraade = '{{ omraade }}' and a.begreb = '{{ begreb }}' and v.vaerdi in ({{ koder }})))
        {%- endfor %}
    group by
        a.kommunekode,
        a.fagomraade,
        a.begreb,
        a.felt,
        a.periode,
        a.kildesystem,
        a.leverance_id,
        a.fil,
        a.er_tom,
        v.vaerdi
    having
        count(*) = max(a.antal_foregaaende)
        and min(case when a.kildesystem = a.foer_kildesystem then v.antal_raekker else v.antal_aktuelle end) >= case
            {%- for (omraade, begreb), antal in mindst %}
            when a.fagomraade = '{{ omraade }}' and a.begreb = '{{ begreb }}' then {{ antal }}
            {%- endfor %}
            else 5
        end

),

-- One finding says that all is missing.
final as (

    select
        a.leverance_id,
        a.fagomraade,
        a.kommunekode,
        a.periode,
        a.kildesystem,
        a.begreb,
        case when a.er_tom then 'alle' else a.felt end as felt,
        case when a.er_tom then 'alle' else a.vaerdi end as vaerdi,
        a.fil,
        cast(max(a.antal_foregaaende) as integer) as antal_foregaaende,
        cast(min(a.mindst_raekker) as bigint) as mindst_raekker
    from altid_med as a
    left join vaerdier as v
        on
            a.kommunekode = v.kommunekode
            and a.begreb = v.begreb
            and a.felt = v.felt
            and a.periode = v.periode
            and a.vaerdi = v.vaerdi
    where v.vaerdi is null
    group by
        a.leverance_id,
        a.fagomraade,
        a.kommunekode,
        a.periode,
        a.kildesystem,
        a.begreb,
        case when a.er_tom then 'alle' else a.felt end,
        case when a.er_tom then 'alle' else a.vaerdi end,
        a.fil

)

select * from final
