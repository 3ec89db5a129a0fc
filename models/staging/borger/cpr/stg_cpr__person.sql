with kilde as (

    select * from {{ source('cpr', 'person') }}

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
        'person' as tabel,
        loebenr,
        udtraeksdato,

        -- nøgler
        {{ som_cpr('cpr') }} as cpr,
        {{ cpr_annullering('handling') }} as er_annullering,

        -- oplysning
        {{ tekst('status') }} as status_kildekode,
        {{ cpr_virkningsdato('status_dato') }} as virkningsdato,
        {{ tekst('koen') }} as koen_kildekode,
        {{ som_dato('foedselsdato', 'cpr') }} as foedselsdato

    from poster

)

select * from final
