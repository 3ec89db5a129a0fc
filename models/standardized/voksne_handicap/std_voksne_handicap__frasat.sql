{#- Where the target groups stand in the service's own row, the row is counted once, as a service. #}
{%- set begreber = [('ydelse', 'true'), ('maalgruppe', "tabel = 'maalgruppe'")] %}

with final as (

    {%- for begreb, taelles in begreber %}
    select
        kommunekode,
        kildesystem,
        tabel,
        kilde_id,
        leveret_periode as periode,
        frasat_aarsag as aarsag,
        _leverance_id,
        _fil,
        _linje
    from {{ ref('int_voksne_handicap__' ~ begreb) }}
    where
        frasat_aarsag is not null
        and {{ taelles }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}

)

select * from final
