with paragraffer as (

    select * from {{ ref('paragraf') }}

),

final as (

    select
        ydelseskode,
        paragraf,
        lov,
        paragrafnummer,
        jaevnfoer,
        ydelsesnavn,
        gyldig_fra,
        gyldig_til
    from paragraffer

)

select * from final
