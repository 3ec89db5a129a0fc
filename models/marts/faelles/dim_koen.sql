with koen as (

    select * from {{ ref('koen') }}

),

final as (

    select
        koen,
        koensnavn,
        dst_kode,
        sortering
    from koen

)

select * from final
