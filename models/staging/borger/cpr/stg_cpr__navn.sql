with kilde as (

    select * from {{ source('cpr', 'navn') }}

),

leverancer as (

    select
        leverance_id,
        loebenr,
        cast(udtrukket as date) as udtraeksdato
    from {{ source('leverancer', 'leverance') }}

),

poster as (

    select
        k.*,
        l.loebenr,
        l.udtraeksdato
    from kilde as k
    inner join leverancer as l
        on k._leverance_id = l.leverance_id

),

final as (

    select
        -- oprindelse
        _leverance_id,
        _fil,
        _linje,
        cast(null as string) as kommunekode,
        'cpr' as kildesystem,
        cast(loebenr as string) || '-' || cast(_linje as string) as kilde_id,
        'navn' as tabel,
        loebenr,
        udtraeksdato,

        -- nøgler
        {{ som_cpr('cpr') }} as cpr,
        {{ cpr_annullering('handling') }} as er_annullering,

        -- oplysning
        {{ som_dato('navne_dato', 'cpr') }} as dato

    from poster

)

select * from final
