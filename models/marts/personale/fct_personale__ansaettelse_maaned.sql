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
        h.antal_hverdage,
        {{ kun_een_gang('a', 'k', 'a.beskaeftigelsesgrad < 1') }} as nr_blandt_deltid,
        {{ kun_een_gang('a', 'k', 'a.er_leder') }} as nr_blandt_ledere,
        {{ kun_een_gang('a', 'k') }} as nr
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
        -- who has several employments stands in one of the month's rows only, so these can be added: they are never more than the persons there are
        cast(count(case when nr = 1 then 1 end) as integer) as antal_personer_en_gang,
        cast(count(case when beskaeftigelsesgrad < 1 and nr_blandt_deltid = 1 then 1 end) as integer) as antal_deltidspersoner_en_gang,
        cast(count(case when er_leder and nr_blandt_ledere = 1 then 1 end) as integer) as antal_lederpersoner_en_gang,
        cast(count(case when not er_leder and nr_blandt_ledere = 1 then 1 end) as integer) as antal_ikke_lederpersoner_en_gang,
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
