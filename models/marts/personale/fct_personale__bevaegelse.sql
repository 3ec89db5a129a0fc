{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['kommunekode', 'periode'], 'pakke': {'niveau': 'kommune', 'fagomraade': 'personale'}}
) }}

-- Who has come and who has gone, counted in persons: a person who changes job within the municipality does neither. The selection is the published
-- one of TN 39: Ejerkode 1, Nomenklaturrelevant, and the forms tjenestemand and overenskomst (FLIS 1 and 2). Employed is who has an employment in the month,
-- paid or not; a system that says somebody has left is believed, also where it gives no end. A month is held against the one before,
-- so the first month delivered has no row; what arrives of a month touches the next one too (meta.beroert of std_personale__ansaettelse).
with former as (

    select ansaettelsesform from {{ ref('ansaettelsesform') }}
    where flis_kode in ('1', '2')

),

denne as (

    select distinct
        a.kommunekode,
        a.periode,
        a.person_id
    from {{ kun_beroerte(ref('std_personale__ansaettelse')) }} as a
    inner join former as f on a.ansaettelsesform = f.ansaettelsesform
    inner join {{ kun_beroerte(ref('int_personale__kontering')) }} as k
        on
            a.kommunekode = k.kommunekode
            and a.periode = k.periode
            and a.kildesystem = k.kildesystem
            and a.ansaettelse_id = k.ansaettelse_id
            and k.ejerforhold = '1'
            and k.er_nomenklaturrelevant
    where {{ personale_er_ansat('a') }}

),

beroerte_maaneder as (

    select distinct
        kommunekode,
        periode,
        cast(periode - interval '1' month as date) as forrige_periode
    from denne

),

-- Only the months before those touched are read, not the history.
foer as (

    select distinct
        m.kommunekode,
        m.periode,
        a.person_id
    from beroerte_maaneder as m
    inner join {{ ref('std_personale__ansaettelse') }} as a
        on
            m.kommunekode = a.kommunekode
            and m.forrige_periode = a.periode
    inner join former as f on a.ansaettelsesform = f.ansaettelsesform
    inner join {{ ref('int_personale__kontering') }} as k
        on
            a.kommunekode = k.kommunekode
            and a.periode = k.periode
            and a.kildesystem = k.kildesystem
            and a.ansaettelse_id = k.ansaettelse_id
            and m.forrige_periode = k.periode
            and k.ejerforhold = '1'
            and k.er_nomenklaturrelevant
    where {{ personale_er_ansat('a') }}

),

maaneder as (

    select distinct
        kommunekode,
        periode
    from foer

),

nu as (

    select
        d.kommunekode,
        d.periode,
        d.person_id
    from denne as d
    inner join maaneder as m
        on
            d.kommunekode = m.kommunekode
            and d.periode = m.periode

),

sat_sammen as (

    select
        coalesce(n.kommunekode, f.kommunekode) as kommunekode,
        coalesce(n.periode, f.periode) as periode,
        n.person_id is not null as er_nu,
        f.person_id is not null as var_foer
    from nu as n
    full join foer as f
        on
            n.kommunekode = f.kommunekode
            and n.periode = f.periode
            and n.person_id = f.person_id

),

final as (

    select
        kommunekode,
        periode,
        cast(sum(case when var_foer then 1 else 0 end) as integer) as antal_ansatte_foer,
        cast(sum(case when er_nu then 1 else 0 end) as integer) as antal_ansatte,
        cast(sum(case when er_nu and not var_foer then 1 else 0 end) as integer) as antal_tiltraadte,
        cast(sum(case when var_foer and not er_nu then 1 else 0 end) as integer) as antal_fratraadte
    from sat_sammen
    group by
        kommunekode,
        periode

)

select * from final
