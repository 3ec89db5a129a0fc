with kommunetal as (

    select * from {{ ref('int_faelles__kommunetal') }}

),

grupper as (

    select * from {{ ref('fct_noegletal__gruppe') }}

),

noegletal as (

    select * from {{ ref('dim_noegletal') }}

),

kommuner as (

    select * from {{ ref('dim_kommune') }}
    where er_kommune

),

egne_grupper as (

    select
        kommunekode,
        'landet' as gruppetype,
        '000' as gruppekode
    from kommuner

    union all

    select
        kommunekode,
        'region' as gruppetype,
        regionskode as gruppekode
    from kommuner

    union all

    select
        kommunekode,
        'kommunegruppe' as gruppetype,
        kommunegruppekode as gruppekode
    from kommuner

),

tilbageholdt as (

    select * from {{ ref('int_faelles__tilbageholdt') }}
    where modtagerkreds = 'kommuner'

),

-- Who counts in a group and is shown to nobody else.
skjulte as (

    select
        k.noegletal_id,
        k.kommunekode,
        k.periode
    from kommunetal as k
    inner join tilbageholdt as t
        on
            k.noegletal_id = t.noegletal_id
            and k.kommunekode = t.gruppekode
            and k.periode = t.periode
            and t.gruppetype = 'kommune'
            and t.omfang = 'alt'
    where k.bidrager

),

skjulte_i_gruppen as (

    select
        s.noegletal_id,
        s.periode,
        g.gruppetype,
        g.gruppekode,
        count(*) as antal_skjulte
    from skjulte as s
    inner join egne_grupper as g on s.kommunekode = g.kommunekode
    group by
        s.noegletal_id,
        s.periode,
        g.gruppetype,
        g.gruppekode

),

-- The group with the municipality itself, and without: what it adds is taken out again (0 when it has no figure).
sat_sammen as (

    select
        k.noegletal_id,
        k.kommunekode,
        k.periode,
        g.gruppetype,
        g.gruppekode,
        g.gruppenavn,
        n.faktor,
        e.egen_kommune,
        k.vaerdi,
        k.observationsstatus as egen_observationsstatus,
        case when e.egen_kommune = 'uden' then 1 else 0 end as fradrag,
        k.kvalitetsstatus as egen_kvalitetsstatus,
        case when k.bidrager then 1 else 0 end as bidrager,
        case when k.bidrager then coalesce(k.taeller, 0) else 0 end as egen_taeller,
        case when k.bidrager then coalesce(k.naevner, 0) else 0 end as egen_naevner,
        case when k.bidrager then k.vaerdi else 0 end as egen_vaerdi,
        -- the municipality knows its own figure: where the others' are all shown, it can add them up itself
        (coalesce(sg.antal_skjulte, 0) = case when s.kommunekode is not null then 1 else 0 end) as andre_vises,
        t.omfang,
        case when {{ er_holdt('k') }} then 1 else 0 end as egen_holdt,
        g.sum_taeller,
        g.sum_naevner,
        g.sum_vaerdi,
        g.antal_bidragydere,
        g.antal_mulige,
        g.antal_foreloebig,
        g.antal_ufuldstaendig,
        g.antal_ikke_leveret,
        g.antal_ikke_relevant,
        g.antal_holdt
    from kommunetal as k
    inner join egne_grupper as eg on k.kommunekode = eg.kommunekode
    inner join grupper as g
        on
            k.noegletal_id = g.noegletal_id
            and k.periode = g.periode
            and eg.gruppetype = g.gruppetype
            and eg.gruppekode = g.gruppekode
    inner join noegletal as n on k.noegletal_id = n.noegletal_id
    left join tilbageholdt as t
        on
            g.noegletal_id = t.noegletal_id
            and g.periode = t.periode
            and g.gruppetype = t.gruppetype
            and g.gruppekode = t.gruppekode
    left join skjulte_i_gruppen as sg
        on
            g.noegletal_id = sg.noegletal_id
            and g.periode = sg.periode
            and g.gruppetype = sg.gruppetype
            and g.gruppekode = sg.gruppekode
    left join skjulte as s
        on
            k.noegletal_id = s.noegletal_id
            and k.kommunekode = s.kommunekode
            and k.periode = s.periode
    cross join (
        select 'med' as egen_kommune
        union all
        select 'uden' as egen_kommune
    ) as e

),

regnet as (

    select
        noegletal_id,
        kommunekode,
        periode,
        gruppetype,
        gruppekode,
        gruppenavn,
        egen_kommune,
        faktor,
        vaerdi,
        egen_observationsstatus,
        egen_kvalitetsstatus,
        coalesce(sum_taeller, 0) - fradrag * egen_taeller as sum_taeller,
        sum_naevner - fradrag * egen_naevner as sum_naevner,
        coalesce(sum_vaerdi, 0) - fradrag * egen_vaerdi as sum_vaerdi,
        antal_bidragydere - fradrag * bidrager as antal_bidragydere,
        antal_mulige - fradrag * case when egen_observationsstatus <> 'ikke_relevant' then 1 else 0 end as antal_mulige,
        antal_foreloebig - fradrag * case when egen_observationsstatus = 'foreloebig' then 1 else 0 end as antal_foreloebig,
        antal_ufuldstaendig - fradrag * case when egen_observationsstatus = 'ufuldstaendig' then 1 else 0 end as antal_ufuldstaendig,
        antal_ikke_leveret - fradrag * case when egen_observationsstatus = 'ikke_leveret' then 1 else 0 end as antal_ikke_leveret,
        antal_ikke_relevant - fradrag * case when egen_observationsstatus = 'ikke_relevant' then 1 else 0 end as antal_ikke_relevant,
        antal_holdt - fradrag * egen_holdt as antal_holdt,
        (omfang is distinct from 'alt' or andre_vises) as vises,
        (omfang is null or andre_vises) as simpelt_vises
    from sat_sammen

),

final as (

    select
        noegletal_id,
        kommunekode,
        periode,
        gruppetype,
        gruppekode,
        gruppenavn,
        egen_kommune,
        vaerdi,
        case when antal_bidragydere > 0 and vises then {{ kvotient('sum_taeller', 'sum_naevner', 'faktor') }} end as vaegtet_gennemsnit,
        case when antal_bidragydere > 0 and simpelt_vises then {{ kvotient('sum_vaerdi', 'antal_bidragydere') }} end as simpelt_gennemsnit,
        cast(antal_bidragydere as integer) as antal_bidragydere,
        cast(antal_mulige as integer) as antal_mulige,
        cast(antal_ufuldstaendig as integer) as antal_ufuldstaendig,
        cast(antal_ikke_leveret as integer) as antal_ikke_leveret,
        cast(antal_ikke_relevant as integer) as antal_ikke_relevant,
        cast(antal_holdt as integer) as antal_holdt,
        {{ oplyst_status(
            'vises', gennemsnit_status('antal_bidragydere', 'antal_foreloebig', 'antal_ikke_leveret', 'sum_taeller', 'antal_holdt', 'antal_ufuldstaendig')
        ) }} as observationsstatus,
        case when vises then 'fri' else 'tilbageholdt' end as fortrolighedsstatus,
        {{ fortrolighedsgrund('vises') }} as fortrolighedsgrund,
        coalesce(egen_kvalitetsstatus, 'i_orden') as egen_kvalitetsstatus
    from regnet

)

select * from final
