{# What the models of a delivery's content (kvalitet.indhold…, docs/decisions/0030) share. #}

{# The month a delivery is about: the one it says, or the one it was extracted in. `leverance` is the alias, where there is one. #}
{% macro leverancens_maaned(leverance='') -%}
    {%- set l = leverance ~ '.' if leverance else '' -%}
    cast(date_trunc('month', coalesce(cast({{ l }}periode as date), cast({{ l }}udtrukket as date))) as date)
{%- endmacro %}

{# One select of the profile's rows: all kinds of counts have the same columns, and what a kind does not have is null. #}
{% macro profilraekker(profil, kilde, felt='felt', vaerdi='vaerdi', maal="'personer'", antal='antal', tal=none) -%}
    select
        _leverance_id,
        kildesystem,
        '{{ profil.omraade }}' as fagomraade,
        '{{ profil.begreb }}' as begreb,
        {{ felt }} as felt,
        {{ vaerdi }} as vaerdi,
        {{ maal }} as maal,
        {{ antal }} as antal,
        {%- for navn, art in [('stoerrelse', 'decimal(38, 4)'), ('negativ', 'decimal(38, 4)'), ('logsum', 'double')] %}
        {% if tal is none %}cast(null as {{ art }}){% else %}{{ navn }}_{{ tal }}{% endif %} as {{ navn }}{{ '' if loop.last else ',' }}
        {%- endfor %}
    from {{ kilde }}
{%- endmacro %}
