with final as (

    select
        proevefag,
        proevefagsnavn,
        fag,
        er_bunden,
        sortering,
        verificeret
    from {{ ref('proevefag') }}

)

select * from final
