{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['_leverance_id']}
) }}
-- A delivery's content as a sketch: of the rows' signs (what a row says, without its numbers of document and line) the 300 that come first. The signs
-- are as good as drawn by lot, and all deliveries draw the same: what two sketches share, their deliveries share in proportion. No memory: a delivery
-- that is replaced or withdrawn leaves none.
{#- Every fagområde's own list, said by its macro (docs/decisions/0022). #}
{%- set begreber = [] %}
{%- for omraade in (var('fagomraader') + ['faelles']) | sort %}{% do begreber.extend(context['kvalitet_' ~ omraade]()) %}{% endfor %}
{%- set profiler = begreber | selectattr('indhold', 'defined') | selectattr('indhold.ens', 'defined') | list %}

with leverancer as (

    select
        leverance_id,
        {{ leverancens_maaned() }} as leverancens_maaned
    from {{ source('leverancer', 'leverance') }}

),

raekker as (

    {%- for b in profiler %}
    {%- set omraade, begreb = b.model[4:].split('__') %}
    {%- set dele = [] %}
    {%- for del in b.indhold.ens %}{% do dele.append("coalesce(cast(" ~ del ~ " as varchar(80)), '')") %}{% endfor %}
    {%- set datoer = [] %}
    {%- set hvornaar = b.indhold.get('datoer', []) + ([b.indhold.maaned] if 'maaned' in b.indhold else []) %}
    {%- for dato in hvornaar %}{% do datoer.append("coalesce(cast(" ~ dato ~ " as varchar(10)), '')") %}{% endfor %}
    select
        r._leverance_id,
        '{{ omraade }}' as fagomraade,
        '{{ begreb }}' as begreb,
        {{ b.indhold.get('bevaegelser', false) | lower }} as er_bevaegelser,
        substr(md5({{ dele | join(" || '|' || ") }}), 1, 16) as tegn,
        {{ (datoer or ["''"]) | join(" || '|' || ") }} as datoer
    from {{ beroerte_gode_raekker(b) }} as r
    inner join leverancer as l
        on r._leverance_id = l.leverance_id
    {%- if 'omfang' in b.indhold %}
    where {{ b.indhold.omfang }}
    {%- endif %}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}

),

-- A row that says the same on the same day, and of the same month, is a repeated one: a balance of March may be the same as that of April.
forskellige as (

    select
        _leverance_id,
        fagomraade,
        begreb,
        er_bevaegelser,
        tegn,
        datoer,
        count(*) as antal
    from raekker
    group by
        _leverance_id,
        fagomraade,
        begreb,
        er_bevaegelser,
        tegn,
        datoer

),

ens as (

    select
        _leverance_id,
        fagomraade,
        begreb,
        er_bevaegelser,
        tegn,
        sum(antal) as antal_raekker,
        count(*) as antal_forskellige
    from forskellige
    group by
        _leverance_id,
        fagomraade,
        begreb,
        er_bevaegelser,
        tegn

),

nummereret as (

    select
        *,
        row_number() over (partition by _leverance_id, begreb order by tegn) as nr,
        sum(antal_raekker) over (partition by _leverance_id, begreb) as raekker_ialt,
        sum(antal_forskellige) over (partition by _leverance_id, begreb) as forskellige_ialt,
        count(*) over (partition by _leverance_id, begreb) as tegn_ialt
    from ens

),

final as (

    select
        _leverance_id,
        fagomraade,
        begreb,
        er_bevaegelser,
        tegn,
        cast(raekker_ialt as bigint) as antal_raekker,
        cast(forskellige_ialt as bigint) as antal_forskellige,
        cast(tegn_ialt as bigint) as antal_tegn
    from nummereret
    where nr <= 300

)

select * from final
