with final as (

    select
        klassetrin,
        klassetrinsnavn,
        dst_kode,
        forventet_alder,
        sortering,
        verificeret
    from {{ ref('klassetrin') }}

)

select * from final
