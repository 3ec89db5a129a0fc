{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['kommunekode', 'periode'], 'pakke': {'niveau': 'kommune', 'fagomraade': 'borger'}}
) }}

-- depends_on: {{ ref('std_borger__person_periode') }}
with maaneder as (

    select
        k.kommunekode,
        m.periode
    from {{ ref('kommune') }} as k
    cross join {{ ref('int_borger__maaned') }} as m

),

-- Municipality by municipality the months that were touched: narrowed before the persons are counted, not after.
beroerte_maaneder as (

    select * from {{ kun_beroerte('maaneder') }}

),

bosatte as (

    select * from {{ borger_bosatte(ref('std_borger__person_periode'), 'beroerte_maaneder', efter_kommune=true) }}

),

landekoder as (

    select * from {{ ref('landekode') }}

),

final as (

    select
        b.kommunekode,
        b.periode,
        cast(b.alder as integer) as alder,
        b.koen,
        b.civilstand,
        coalesce(l.statsborgerskabsgruppe, 'ukendt') as statsborgerskabsgruppe,
        cast(count(*) as integer) as antal_personer
    from bosatte as b
    left join landekoder as l
        on b.statsborgerskab = l.landekode
    group by
        b.kommunekode,
        b.periode,
        b.alder,
        b.koen,
        b.civilstand,
        coalesce(l.statsborgerskabsgruppe, 'ukendt')

)

select * from final
