{#- The month is the register's; the official figures have one of their own, and may be of no municipality. #}
{%- set registermaaned = "cast(date_trunc('month', udtraeksdato) as date)" %}
{%- set begreber = [
    ('faktum', 'kommunekode', registermaaned),
    ('haendelse', 'kommunekode', registermaaned),
    ('oevrig_post', 'kommunekode', registermaaned),
    ('officielt_folketal', "coalesce(kommunekode, '0998')", 'periode'),
] %}

with final as (

    {%- for begreb, kommunekode, periode in begreber %}
    select
        {{ kommunekode }} as kommunekode,
        kildesystem,
        tabel,
        kilde_id,
        {{ periode }} as periode,
        frasat_aarsag as aarsag,
        _leverance_id,
        _fil,
        _linje
    from {{ ref('int_borger__' ~ begreb) }}
    where frasat_aarsag is not null
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}

)

select * from final
