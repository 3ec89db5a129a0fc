{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['kommunekode', 'periode'], 'pakke': {'niveau': 'kommune', 'fagomraade': 'personale'}}
) }}

with ansaettelser as (

    select * from {{ kun_beroerte(ref('std_personale__ansaettelse')) }}

),

konteringer as (

    select * from {{ kun_beroerte(ref('int_personale__kontering')) }}

),

hverdage as (

    select * from {{ ref('int_personale__hverdage') }}

),

konteret as (

    select
        a.*,
        coalesce(k.funktion, 'ukendt') as funktion,
        coalesce(k.ejerforhold, 'ukendt') as ejerforhold,
        coalesce(k.er_nomenklaturrelevant, false) as er_nomenklaturrelevant,
        h.antal_hverdage
    from ansaettelser as a
    left join konteringer as k
        on
            a.kommunekode = k.kommunekode
            and a.periode = k.periode
            and a.kildesystem = k.kildesystem
            and a.ansaettelse_id = k.ansaettelse_id
    inner join hverdage as h
        on a.periode = h.periode

),

final as (

    select
        kommunekode,
        periode,
        funktion,
        ejerforhold,
        overenskomst,
        ansaettelsesform,
        ansaettelsesstatus,
        er_nomenklaturrelevant,
        cast(count(*) as integer) as antal_ansaettelser,
        cast(count(distinct person_id) as integer) as antal_personer,
        cast(sum(beskaeftigelsesgrad) as decimal(18, 5)) as fuldtidsbeskaeftigede,
        cast(sum(case when beskaeftigelsesgrad < 1 then 1 else 0 end) as integer) as antal_deltidsansaettelser,
        cast(sum(case when er_leder then 1 else 0 end) as integer) as antal_ledere,
        cast(sum(beskaeftigelsesgrad * antal_hverdage) as decimal(18, 5)) as mulige_dagsvaerk
    from konteret
    group by
        kommunekode,
        periode,
        funktion,
        ejerforhold,
        overenskomst,
        ansaettelsesform,
        ansaettelsesstatus,
        er_nomenklaturrelevant

)

select * from final
