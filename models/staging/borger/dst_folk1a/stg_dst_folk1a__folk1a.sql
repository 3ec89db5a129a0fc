with kilde as (

    select * from {{ source('dst_folk1a', 'folk1a') }}

),

final as (

    select
        -- oprindelse
        _leverance_id,
        _fil,
        _linje,
        cast(null as string) as kommunekode,
        'dst_folk1a' as kildesystem,
        trim(omraade) || '|' || trim(koen) || '|' || trim(alder) || '|' || trim(tid) as kilde_id,
        'folk1a' as tabel,

        -- nøgler
        {{ tekst('omraade') }} as omraadekode,
        {{ tekst('koen') }} as koen_kildekode,
        {{ som_heltal('alder') }} as alder,
        {{ som_heltal('substr(' ~ skrevet_som('tid', '[12][0-9]{3}K[1-4]') ~ ', 1, 4)') }} as aar,
        {{ som_heltal('substr(' ~ skrevet_som('tid', '[12][0-9]{3}K[1-4]') ~ ', 6, 1)') }} as kvartal,

        -- mål
        {{ som_heltal('indhold') }} as antal_personer

    from kilde

)

select * from final
