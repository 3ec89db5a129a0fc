with systemer as (

    select * from {{ ref('kildesystem') }}

),

final as (

    select
        kildesystem,
        systemnavn,
        leverandoer,
        fagomraade,
        afsender,
        rolle,
        frist_dage
    from systemer

)

select * from final
