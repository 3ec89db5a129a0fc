{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['kommunekode', 'periode'], 'pakke': {'niveau': 'kommune', 'fagomraade': 'personale'}}
) }}

with {{ maalt_fravaer() }},

talt as (

    select
        *,
        row_number() over (
            partition by kommunekode, periode, person_id
            order by fravaersaarsag, funktion, ejerforhold, overenskomst, ansaettelsesform, er_nomenklaturrelevant
        ) as nr,
        row_number() over (
            partition by kommunekode, periode, person_id, dagsvaerk_lange > 0
            order by fravaersaarsag, funktion, ejerforhold, overenskomst, ansaettelsesform, er_nomenklaturrelevant
        ) as nr_blandt_lange
    from maalt

),

final as (

    select
        kommunekode,
        periode,
        funktion,
        ejerforhold,
        overenskomst,
        ansaettelsesform,
        er_nomenklaturrelevant,
        fravaersaarsag,
        cast(count(*) as integer) as antal_fravaer,
        cast(count(distinct person_id) as integer) as antal_personer,
        -- who is absent in several ways stands in one of the month's rows only, so these can be added: they are never more than the persons there are
        cast(count(case when nr = 1 then 1 end) as integer) as antal_personer_en_gang,
        cast(count(case when dagsvaerk_lange > 0 and nr_blandt_lange = 1 then 1 end) as integer) as antal_personer_lange_en_gang,
        cast(sum(timer) as decimal(18, 2)) as fravaerstimer,
        cast(round(sum(dagsvaerk), 5) as decimal(18, 5)) as fravaersdagsvaerk,
        cast(round(sum(dagsvaerk_lange), 5) as decimal(18, 5)) as fravaersdagsvaerk_lange
    from talt
    group by
        kommunekode,
        periode,
        funktion,
        ejerforhold,
        overenskomst,
        ansaettelsesform,
        er_nomenklaturrelevant,
        fravaersaarsag

)

select * from final
