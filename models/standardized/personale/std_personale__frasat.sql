with final as (

    {%- for begreb in ['organisation', 'ansaettelse', 'loenlinje', 'fravaer'] %}
    select
        kommunekode,
        kildesystem,
        tabel,
        kilde_id,
        periode,
        frasat_aarsag as aarsag,
        _leverance_id,
        _fil,
        _linje
    from {{ ref('int_personale__' ~ begreb) }}
    where frasat_aarsag is not null
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}

)

select * from final
