{%- set tid = skrevet_som('tid', '[12][0-9]{3}(K[1-4]|M[0-9]{2})?') -%}
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
        {{ som_heltal('substr(' ~ tid ~ ', 1, 4)') }} as aar,
        case when length({{ tid }}) > 4 then substr({{ tid }}, 5, 1) else 'A' end as periodetype,
        case when length({{ tid }}) > 4 then {{ som_heltal('substr(' ~ tid ~ ', 6)') }} else 1 end as nummer,

        -- mål
        try_cast(replace({{ skrevet_som('indhold', '[-+]?[0-9]{1,12}([.,][0-9]{1,5}0*)?') }}, ',', '.') as decimal(18, 5)) as vaerdi

    from kilde

)

select * from final
