with kommunetal as (

    select * from {{ ref('fct_noegletal__kommune') }}

),

grupper as (

    select * from {{ ref('fct_noegletal__gruppe') }}

),

kommuner as (

    select * from {{ ref('dim_kommune') }}

),

samlet as (

    select
        t.noegletal_id,
        'kommune' as gruppetype,
        t.kommunekode as gruppekode,
        k.kommunenavn as gruppenavn,
        t.periode,
        t.taeller,
        t.naevner,
        t.vaerdi,
        t.vaerdi as simpelt_gennemsnit,
        case when {{ bidrager('t') }} then 1 else 0 end as antal_bidragydere,
        case when t.observationsstatus <> 'ikke_relevant' then 1 else 0 end as antal_mulige,
        t.observationsstatus,
        t.fortrolighedsstatus,
        t.fortrolighedsgrund
    from kommunetal as t
    inner join kommuner as k on t.kommunekode = k.kommunekode

    union all

    select
        noegletal_id,
        gruppetype,
        gruppekode,
        gruppenavn,
        periode,
        sum_taeller as taeller,
        sum_naevner as naevner,
        vaegtet_gennemsnit as vaerdi,
        simpelt_gennemsnit,
        antal_bidragydere,
        antal_mulige,
        observationsstatus,
        fortrolighedsstatus,
        fortrolighedsgrund
    from grupper

),

-- Withheld takes the number and what it could be worked out from; the observation status stays, so that withheld is never read as zero or missing.
final as (

    select
        noegletal_id,
        gruppetype,
        gruppekode,
        gruppenavn,
        periode,
        case when fortrolighedsstatus = 'fri' then taeller end as taeller,
        case when fortrolighedsstatus = 'fri' then naevner end as naevner,
        case when fortrolighedsstatus = 'fri' then vaerdi end as vaerdi,
        case when fortrolighedsstatus = 'fri' then simpelt_gennemsnit end as simpelt_gennemsnit,
        cast(antal_bidragydere as integer) as antal_bidragydere,
        cast(antal_mulige as integer) as antal_mulige,
        observationsstatus,
        fortrolighedsstatus,
        fortrolighedsgrund
    from samlet

)

select * from final
