with kommunetal as (

    select * from {{ ref('int_faelles__kommunetal') }}

),

grupper as (

    select * from {{ ref('fct_noegletal__gruppe') }}

),

kommuner as (

    select * from {{ ref('dim_kommune') }}

),

tilbageholdt as (

    select * from {{ ref('int_faelles__tilbageholdt') }}
    where modtagerkreds = 'kommuner'

),

-- What everybody may see: not a figure that is withheld for the sake of persons, and not one that a rule holds.
kommunernes as (

    select
        k.*,
        -- one that a rule holds is shown to nobody, protects nobody and counts nowhere: withheld besides would say that it is small itself
        (t.noegletal_id is null or coalesce(k.kvalitetsstatus = 'tilbageholdt', false)) as er_fri,
        (t.noegletal_id is null and k.kvalitetsstatus is distinct from 'tilbageholdt') as vises
    from kommunetal as k
    left join tilbageholdt as t
        on
            k.noegletal_id = t.noegletal_id
            and k.kommunekode = t.gruppekode
            and k.periode = t.periode
            and t.gruppetype = 'kommune'

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
        case when t.vises then case when t.bidrager then 1 else 0 end end as antal_bidragydere,
        case when t.vises then case when t.observationsstatus <> 'ikke_relevant' then 1 else 0 end end as antal_mulige,
        case when t.kvalitetsstatus = 'tilbageholdt' then 1 else 0 end as antal_holdt,
        t.observationsstatus,
        t.er_fri,
        t.er_fri as simpelt_vises,
        coalesce(t.kvalitetsstatus, 'i_orden') as kvalitetsstatus,
        t.kvalitetsgrund,
        t.vises
    from kommunernes as t
    inner join kommuner as k on t.kommunekode = k.kommunekode

    union all

    select
        g.noegletal_id,
        g.gruppetype,
        g.gruppekode,
        g.gruppenavn,
        g.periode,
        g.sum_taeller as taeller,
        g.sum_naevner as naevner,
        g.vaegtet_gennemsnit as vaerdi,
        g.simpelt_gennemsnit,
        g.antal_bidragydere,
        g.antal_mulige,
        g.antal_holdt,
        g.observationsstatus,
        (t.omfang is distinct from 'alt') as er_fri,
        (t.omfang is null) as simpelt_vises,
        case
            when g.antal_bidragydere = 0 and g.antal_holdt > 0 then 'tilbageholdt'
            when g.antal_frigivet > 0 then 'frigivet'
            else 'i_orden'
        end as kvalitetsstatus,
        cast(null as string) as kvalitetsgrund,
        (t.omfang is distinct from 'alt') as vises
    from grupper as g
    left join tilbageholdt as t
        on
            g.noegletal_id = t.noegletal_id
            and g.gruppetype = t.gruppetype
            and g.gruppekode = t.gruppekode
            and g.periode = t.periode

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
        case when vises and simpelt_vises then simpelt_gennemsnit end as simpelt_gennemsnit,
        cast(antal_bidragydere as integer) as antal_bidragydere,
        cast(antal_mulige as integer) as antal_mulige,
        cast(antal_holdt as integer) as antal_holdt,
        {{ oplyst_status('vises', 'observationsstatus') }} as observationsstatus,
        case when er_fri then 'fri' else 'tilbageholdt' end as fortrolighedsstatus,
        {{ fortrolighedsgrund('er_fri') }} as fortrolighedsgrund,
        kvalitetsstatus,
        kvalitetsgrund
    from samlet

)

select * from final
