with final as (

    select
        klassetype,
        klassetypenavn,
        klassegruppe,
        flis_gruppe,
        er_fuldt_aargangsdelt,
        sortering,
        verificeret
    from {{ ref('klassetype') }}

)

select * from final
