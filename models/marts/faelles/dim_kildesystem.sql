{#- Who sends and when it is due stand in the systems' contracts alone. #}
{%- set kontrakter = {} %}
{%- if execute %}
{%- for s in graph.sources.values() | sort(attribute='unique_id') %}
{%- set meta = (s.config or {}).get('meta') or s.meta or {} %}
{%- if meta.get('afsender') %}{% do kontrakter.update({s.source_name: meta}) %}{% endif %}
{%- endfor %}
{%- endif %}

with systemer as (

    select * from {{ ref('kildesystem') }}

),

kontrakter as (

    {%- for kildesystem, meta in kontrakter.items() %}
    select
        '{{ kildesystem }}' as kildesystem,
        '{{ meta.afsender }}' as afsender,
        {{ meta.get('frist_dage', 31) }} as frist_dage
    union all
    {%- endfor %}
    select
        cast(null as string) as kildesystem,
        cast(null as string) as afsender,
        cast(null as integer) as frist_dage

),

final as (

    select
        s.kildesystem,
        s.systemnavn,
        s.leverandoer,
        s.fagomraade,
        k.afsender,
        s.rolle,
        k.frist_dage
    from systemer as s
    left join kontrakter as k
        on s.kildesystem = k.kildesystem

)

select * from final
