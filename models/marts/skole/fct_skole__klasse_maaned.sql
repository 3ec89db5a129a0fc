{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['kommunekode', 'periode'], 'pakke': {'niveau': 'kommune', 'fagomraade': 'skole'}}
) }}

-- Which classes the average counts (FLIS 100-0110-003): one grade only, in a folkeskole, and from 5 to 35 pupils.
with klasser as (

    select * from {{ kun_beroerte(ref('std_skole__klasse')) }}

),

institutioner as (

    select * from {{ kun_beroerte(ref('std_skole__institution')) }}

),

klassetyper as (

    select * from {{ ref('klassetype') }}

),

elever as (

    select
        kommunekode,
        periode,
        kildesystem,
        klasse_id,
        count(*) as antal_elever
    from {{ kun_beroerte(ref('int_skole__elev')) }}
    where er_paa_opgoerelsesdagen
    group by
        kommunekode,
        periode,
        kildesystem,
        klasse_id

),

elevmaaneder as (

    select distinct
        kommunekode,
        periode
    from elever

),

final as (

    select
        k.kommunekode,
        k.periode,
        k.kildesystem,
        k.klasse_id,
        k.klassebetegnelse,
        k.institutionsnummer,
        coalesce(i.institutionstype, 'ukendt') as institutionstype,
        case when i.institutionsnummer is null then '0998' else coalesce(i.ejer_kommunekode, 'ingen') end as ejer_kommunekode,
        k.klassetrin,
        k.klassetype,
        -- a class that nobody is in is empty; where no pupils at all were told of, it is not known
        cast(coalesce(e.antal_elever, case when m.periode is not null then 0 end) as integer) as antal_elever,
        coalesce(i.institutionstype = '1012' and t.flis_gruppe = '10' and t.er_fuldt_aargangsdelt and e.antal_elever between 5 and 35, false)
            as er_i_klassekvotient
    from klasser as k
    left join klassetyper as t
        on k.klassetype = t.klassetype
    left join institutioner as i
        on
            k.kommunekode = i.kommunekode
            and k.periode = i.periode
            and k.kildesystem = i.kildesystem
            and k.institutionsnummer = i.institutionsnummer
    left join elevmaaneder as m
        on
            k.kommunekode = m.kommunekode
            and k.periode = m.periode
    left join elever as e
        on
            k.kommunekode = e.kommunekode
            and k.periode = e.periode
            and k.kildesystem = e.kildesystem
            and k.klasse_id = e.klasse_id

)

select * from final
