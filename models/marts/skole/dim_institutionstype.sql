with final as (

    select
        institutionstype,
        institutionstypenavn,
        er_offentligt_grundskoletilbud,
        er_specialtilbud,
        er_privat_grundskole,
        sortering,
        verificeret
    from {{ ref('institutionstype') }}

)

select * from final
