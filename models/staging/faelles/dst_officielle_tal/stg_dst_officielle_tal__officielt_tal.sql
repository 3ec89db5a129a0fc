with kilde as (

    select * from {{ source('dst_officielle_tal', 'officielt_tal') }}

),

final as (

    select
        -- oprindelse
        _leverance_id,
        _fil,
        _linje,
        cast(null as string) as kommunekode,
        'dst_officielle_tal' as kildesystem,
        trim(tabel) || '|' || trim(omraade) || '|' || trim(tid) as kilde_id,
        'officielt_tal' as tabel,

        -- nøgler
        {{ tekst('tabel') }} as officiel_tabel,
        {{ tekst('omraade') }} as omraadekode,
        {{ tekst('tid') }} as tid,
        {{ som_heltal('substr(trim(tid), 1, 4)') }} as aar,
        case when length(trim(tid)) > 4 then substr(trim(tid), 5, 1) else 'A' end as periodetype,
        case when length(trim(tid)) > 4 then {{ som_heltal('substr(trim(tid), 6)') }} else 1 end as nummer,

        -- mål
        try_cast(replace(trim(indhold), ',', '.') as decimal(18, 5)) as vaerdi

    from kilde

)

select * from final
