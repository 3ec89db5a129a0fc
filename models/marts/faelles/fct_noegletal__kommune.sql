with kommunetal as (

    select * from {{ ref('int_faelles__kommunetal') }}

),

tilbageholdt as (

    select * from {{ ref('int_faelles__tilbageholdt') }}
    where modtagerkreds = 'kommuner' and gruppetype = 'kommune' and omfang = 'alt'

),

-- The municipality sees its own in full; the status says what others see.
final as (

    select
        k.noegletal_id,
        k.kommunekode,
        k.periode,
        k.taeller,
        k.naevner,
        k.vaerdi,
        k.observationsstatus,
        case when t.noegletal_id is null then 'fri' else 'tilbageholdt' end as fortrolighedsstatus,
        t.grund as fortrolighedsgrund,
        least(nullif(k.antal_taeller, 0), nullif(k.antal_naevner, 0)) as antal_personer,
        k.antal_taeller,
        k.antal_naevner,
        k.antal_rest,
        k.kvalitetsstatus,
        k.kvalitetsgrund
    from kommunetal as k
    left join tilbageholdt as t
        on
            k.noegletal_id = t.noegletal_id
            and k.kommunekode = t.gruppekode
            and k.periode = t.periode

)

select * from final
