-- Every area's formulas as one: what key figures are made of, and what is held against official figures.
{#- Which models they stand in, each fagområde says itself (docs/decisions/0022). #}
{%- set formler = [] %}
{%- for omraade in var('fagomraader') %}{% do formler.extend(context['formler_' ~ omraade]()) %}{% endfor %}
with formler as (

    {{ foren(formler) }}

),

leverancer as (

    select
        leverance_id,
        sum(antal_ind) as raekker
    from {{ ref('raekkeregnskab') }}
    group by leverance_id

),

-- A part that was always in the deliveries and is not in this one (kvalitet.manglende_del) counts as rows set aside do; it is known only when all
-- fagområder have been looked at, so it is put on here and not in each formel_.
mangler as (

    select
        m.fagomraade,
        m.kommunekode,
        m.begreb,
        m.periode,
        d.daekker,
        sum(m.mindst_raekker) > d.frasat_graense * (coalesce(max(l.raekker), 0) + sum(m.mindst_raekker)) as er_over_graensen
    from {{ ref('manglende_del') }} as m
    inner join {{ ref('fuldstaendighed') }} as d
        on m.fagomraade = d.fagomraade and m.begreb = d.begreb
    left join leverancer as l
        on m.leverance_id = l.leverance_id
    group by
        m.fagomraade,
        m.kommunekode,
        m.begreb,
        m.periode,
        m.felt,
        d.daekker,
        d.frasat_graense

),

formelmangler as (

    select
        v.formel_id,
        v.kommunekode,
        v.periode,
        max(case when m.er_over_graensen then 1 else 0 end) = 1 as er_over_graensen
    from formler as v
    inner join {{ ref('formel') }} as f
        on v.formel_id = f.formel_id
    inner join {{ ref('formelgrundlag') }} as g
        on v.formel_id = g.formel_id
    inner join {{ ref('dim_kommune') }} as k
        on v.kommunekode = case when f.kommunerolle = 'handle' then k.handlekommunekode else k.kommunekode end
    inner join mangler as m
        on
            f.fagomraade = m.fagomraade
            and g.begreb = m.begreb
            and k.kommunekode = m.kommunekode
            and m.periode >= {{ vindue_fra('g.vindue', 'v.periode') }}
            and (m.daekker = 'historik' or m.periode <= {{ vindue_til('g.vindue', 'v.periode') }})
    group by
        v.formel_id,
        v.kommunekode,
        v.periode

),

vurderet as (

    select
        v.formel_id,
        v.kommunekode,
        v.periode,
        v.vaerdi,
        v.antal_personer,
        v.stoerste_bidrag,
        case
            when m.formel_id is null or v.observationsstatus in ('ikke_leveret', 'ikke_relevant') then v.observationsstatus
            when m.er_over_graensen or v.observationsstatus = 'aegte_nul' then 'ufuldstaendig'
            else v.observationsstatus
        end as observationsstatus
    from formler as v
    left join formelmangler as m
        on
            v.formel_id = m.formel_id
            and v.kommunekode = m.kommunekode
            and v.periode = m.periode

),

final as (

    select
        formel_id,
        kommunekode,
        periode,
        case when observationsstatus = 'aegte_nul' or vaerdi <> 0 then vaerdi end as vaerdi,
        case when observationsstatus = 'aegte_nul' or vaerdi <> 0 then antal_personer end as antal_personer,
        case when observationsstatus <> 'aegte_nul' and vaerdi <> 0 then stoerste_bidrag end as stoerste_bidrag,
        observationsstatus
    from vurderet

)

select * from final
