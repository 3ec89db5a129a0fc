with kommunetal as (

    select * from {{ ref('fct_noegletal__kommune') }}

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
        case when {{ bidrager('k') }} then 1 else 0 end as bidrager,
        case when {{ bidrager('k') }} then coalesce(k.taeller, 0) else 0 end as egen_taeller,
        case when {{ bidrager('k') }} then coalesce(k.naevner, 0) else 0 end as egen_naevner,
        case when {{ bidrager('k') }} then k.vaerdi else 0 end as egen_vaerdi,
        case when {{ bidrager('k') }} and k.taeller <> 0 then coalesce(k.antal_personer, 0) else 0 end as egne_personer,
        case when {{ bidrager('k') }} and k.fortrolighedsstatus = 'tilbageholdt' then 1 else 0 end as egen_tilbageholdt,
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
        g.antal_tilbageholdt,
        g.antal_holdt,
        g.antal_personer
    from kommunetal as k
    inner join egne_grupper as eg on k.kommunekode = eg.kommunekode
    inner join grupper as g
        on
            k.noegletal_id = g.noegletal_id
            and k.periode = g.periode
            and eg.gruppetype = g.gruppetype
            and eg.gruppekode = g.gruppekode
    inner join noegletal as n on k.noegletal_id = n.noegletal_id
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
        antal_personer - fradrag * egne_personer as antal_personer,
        -- the municipality knows its own figure, so what counts is how many of the others' are withheld
        antal_tilbageholdt - egen_tilbageholdt as antal_andre_tilbageholdt
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
        case
            when antal_bidragydere > 0 and not {{ gennemsnit_tilbageholdt('antal_personer', 'antal_andre_tilbageholdt') }}
                then {{ kvotient('sum_taeller', 'sum_naevner', 'faktor') }}
        end as vaegtet_gennemsnit,
        case
            when antal_bidragydere > 0 and not {{ gennemsnit_tilbageholdt('antal_personer', 'antal_andre_tilbageholdt') }}
                then {{ kvotient('sum_vaerdi', 'antal_bidragydere') }}
        end as simpelt_gennemsnit,
        cast(antal_bidragydere as integer) as antal_bidragydere,
        cast(antal_mulige as integer) as antal_mulige,
        cast(antal_ufuldstaendig as integer) as antal_ufuldstaendig,
        cast(antal_ikke_leveret as integer) as antal_ikke_leveret,
        cast(antal_ikke_relevant as integer) as antal_ikke_relevant,
        cast(antal_holdt as integer) as antal_holdt,
        {{ oplyst_status(
            "not " ~ gennemsnit_tilbageholdt('antal_personer', 'antal_andre_tilbageholdt'),
            gennemsnit_status('antal_bidragydere', 'antal_foreloebig', 'antal_ikke_leveret', 'sum_taeller', 'antal_holdt', 'antal_ufuldstaendig')
        ) }} as observationsstatus,
        case when {{ gennemsnit_tilbageholdt('antal_personer', 'antal_andre_tilbageholdt') }} then 'tilbageholdt' else 'fri' end as fortrolighedsstatus,
        {{ fortrolighedsgrund('antal_personer', 'antal_andre_tilbageholdt') }} as fortrolighedsgrund,
        coalesce(egen_kvalitetsstatus, 'i_orden') as egen_kvalitetsstatus
    from regnet

)

select * from final
