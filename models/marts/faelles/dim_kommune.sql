with kommuner as (

    select * from {{ ref('kommune') }}

),

final as (

    select
        kommunekode,
        kommunenavn,
        regionskode,
        regionsnavn,
        landsdelskode,
        landsdelsnavn,
        kommunegruppekode,
        kommunegruppe,
        handlekommunekode,
        er_kommune,
        er_udledt
    from kommuner

)

select * from final
