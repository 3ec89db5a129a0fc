with kilde as (

    select * from {{ source('sd_loen', 'organisation') }}

),

final as (

    select
        -- oprindelse
        _leverance_id,
        _fil,
        _linje,
        _kommunekode as kommunekode,
        'sd_loen' as kildesystem,
        'organisation' as tabel,
        _periode as leveret_periode,

        -- enhed
        {{ tekst('department_identifier') }} as enhed_id,
        {{ tekst('parent_department_identifier') }} as overordnet_enhed_id,
        {{ tekst('department_name') }} as enhedsnavn,
        {{ tekst('department_level_identifier') }} as enhedstype_kildekode,
        {{ tekst('production_unit_identifier') }} as p_nummer,
        {{ som_dato('activation_date', 'yyyy-MM-dd') }} as gyldig_fra,
        {{ aaben_slut('deactivation_date', dagen_efter(som_dato('deactivation_date', 'yyyy-MM-dd'))) }} as gyldig_til
    from kilde

)

select * from final
