with kommunetal as (

    select * from {{ ref('fct_noegletal__kommune') }}

),

grupper as (

    select * from {{ ref('fct_noegletal__gruppe') }}

),

kommuner as (

    select * from {{ ref('dim_kommune') }}

),

-- What everybody may see: not a figure on too few persons, and not one that a rule holds.
kommunernes as (

    select
        *,
        (fortrolighedsstatus = 'fri' and kvalitetsstatus is distinct from 'tilbageholdt') as vises
    from kommunetal

),

samlet as (

    -- How many count in a municipality's own figure follows from the figure, and is not told where that is not.
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
        case when t.vises then case when {{ bidrager('t') }} then 1 else 0 end end as antal_bidragydere,
        case when t.vises then case when t.observationsstatus <> 'ikke_relevant' then 1 else 0 end end as antal_mulige,
        case when t.kvalitetsstatus = 'tilbageholdt' then 1 else 0 end as antal_holdt,
        t.observationsstatus,
        t.fortrolighedsstatus,
        t.fortrolighedsgrund,
        coalesce(t.kvalitetsstatus, 'i_orden') as kvalitetsstatus,
        t.kvalitetsgrund,
        t.vises
    from kommunernes as t
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
        antal_holdt,
        observationsstatus,
        fortrolighedsstatus,
        fortrolighedsgrund,
        case
            when antal_bidragydere = 0 and antal_holdt > 0 then 'tilbageholdt'
            when antal_frigivet > 0 then 'frigivet'
            else 'i_orden'
        end as kvalitetsstatus,
        cast(null as string) as kvalitetsgrund,
        fortrolighedsstatus = 'fri' as vises
    from grupper

),

-- Not shown takes the number, what it could be worked out from, and what would tell of it: withheld is never read as zero or missing, nor told apart.
final as (

    select
        noegletal_id,
        gruppetype,
        gruppekode,
        gruppenavn,
        periode,
        case when vises then taeller end as taeller,
        case when vises then naevner end as naevner,
        case when vises then vaerdi end as vaerdi,
        case when vises then simpelt_gennemsnit end as simpelt_gennemsnit,
        cast(antal_bidragydere as integer) as antal_bidragydere,
        cast(antal_mulige as integer) as antal_mulige,
        cast(antal_holdt as integer) as antal_holdt,
        {{ oplyst_status('vises', 'observationsstatus') }} as observationsstatus,
        fortrolighedsstatus,
        fortrolighedsgrund,
        kvalitetsstatus,
        kvalitetsgrund
    from samlet

)

select * from final
