with final as (

    select
        overenskomst,
        overenskomstnavn,
        sortering,
        verificeret
    from {{ ref('overenskomst') }}

)

select * from final
