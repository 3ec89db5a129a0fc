with kilde as (

    select * from {{ source('kmd_opus_loen', 'organisation') }}

),

final as (

    select
        -- oprindelse
        _leverance_id,
        _fil,
        _linje,
        _kommunekode as kommunekode,
        'kmd_opus_loen' as kildesystem,
        'organisation' as tabel,
        _periode as leveret_periode,

        -- enhed
        {{ tekst('id') }} as enhed_id,
        {{ tekst('parent_org_unit') }} as overordnet_enhed_id,
        {{ tekst('long_name') }} as enhedsnavn,
        {{ tekst('org_type') }} as enhedstype_kildekode,
        nullif({{ tekst('p_nr') }}, '0000000000') as p_nummer,
        case when {{ tekst('start_date') }} is null then date '1900-01-01' else {{ som_dato('start_date', 'yyyy-MM-dd') }} end as gyldig_fra,
        {{ aaben_slut('end_date', dagen_efter(som_dato('end_date', 'yyyy-MM-dd'))) }} as gyldig_til
    from kilde

)

select * from final
