{# What the official figures, which belong to no fagområde, say of themselves to the models that all share (docs/tilfoej-et-fagomraade.md). #}
{% macro kvalitet_faelles() %}
    {{ return([{'model': 'int_faelles__officielt_tal'}]) }}
{% endmacro %}
