-- What became of every row that was loaded: in = out + merged + set aside + not applicable.
{#- Which concepts' rows may become one, each fagområde says itself (docs/decisions/0022). #}
{%- set sammenlagte = [] %}
{%- for omraade in (var('fagomraader') + ['faelles']) | sort %}
{%- for b in context['kvalitet_' ~ omraade]() if b.get('sammenlaegges') %}{% do sammenlagte.append(b.model[4:]) %}{% endfor %}
{%- endfor %}
{%- set er_sammenlagt %}l.fagomraade || '__' || l.tabel in ({% for navn in sammenlagte %}'{{ navn }}'{% if not loop.last %}, {% endif %}{% endfor %}){% endset %}
with leverancer as (

    select
        l.leverance_id,
        l.fagomraade,
        l.kommunekode,
        l.periode,
        l.kildesystem,
        l.fil,
        t.tabel,
        t.raekker as antal_ind
    from {{ source('leverancer', 'leverance') }} as l
    inner join {{ source('leverancer', 'leverance_tabel') }} as t
        on l.leverance_id = t.leverance_id
    where l.status = 'aktiv'

),

udfald as (

    select
        _leverance_id,
        tabel,
        sum(case when udfald = 'god' then antal_raekker else 0 end) as antal_gode,
        sum(case when udfald = 'frasat' then antal_raekker else 0 end) as antal_frasat,
        sum(case when udfald = 'ikke_gaeldende' then antal_raekker else 0 end) as antal_ikke_gaeldende
    from {{ ref('raekkeudfald') }}
    group by
        _leverance_id,
        tabel

),

-- Where rows become one in the standardized layer (spells that go on in another system), the row that speaks for the whole is out, the others are merged.
talende as (

    {%- for navn in sammenlagte %}
    select
        _leverance_id,
        '{{ navn.split('__')[1] }}' as tabel,
        count(*) as antal_ud
    from {{ ref('std_' ~ navn) }}
    group by _leverance_id
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}

),

final as (

    select
        l.leverance_id,
        l.fagomraade,
        l.kommunekode,
        l.periode,
        l.kildesystem,
        l.fil,
        l.tabel,
        cast(l.antal_ind as bigint) as antal_ind,
        cast(
            case
                when {{ er_sammenlagt }} then coalesce(t.antal_ud, 0)
                else coalesce(u.antal_gode, 0)
            end as bigint
        ) as antal_ud,
        cast(
            case
                when {{ er_sammenlagt }} then coalesce(u.antal_gode, 0) - coalesce(t.antal_ud, 0)
                else 0
            end as bigint
        ) as antal_sammenlagt,
        cast(coalesce(u.antal_frasat, 0) as bigint) as antal_frasat,
        cast(coalesce(u.antal_ikke_gaeldende, 0) as bigint) as antal_ikke_gaeldende
    from leverancer as l
    left join udfald as u
        on
            l.leverance_id = u._leverance_id
            and l.tabel = u.tabel
    left join talende as t
        on
            l.leverance_id = t._leverance_id
            and l.tabel = t.tabel

)

select * from final
