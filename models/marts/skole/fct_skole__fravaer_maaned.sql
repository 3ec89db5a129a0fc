{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['kommunekode', 'periode'], 'pakke': {'niveau': 'kommune', 'fagomraade': 'skole'}}
) }}

-- The ministry's absence per cent is the mean of the pupils' own (uvm.dk): fravaersandel sums each pupil's days absent over its school days, and the mean is
-- that sum over antal_elever. A pupil without school days in the month has no share. Where absence has not been told of, all of it is null.
with elever as (

    select * from {{ kun_beroerte(ref('int_skole__elev')) }}
    where
        skoledage > 0
        or fravaersdage > 0

),

andele as (

    select
        *,
        {{ elevens_andel('fravaersdage') }} as andel,
        {{ elevens_andel('sygdomsdage') }} as andel_sygdom,
        {{ elevens_andel('frihedsdage') }} as andel_frihed,
        {{ elevens_andel('ulovlige_dage') }} as andel_ulovligt
    from elever

),

final as (

    select
        kommunekode,
        periode,
        institutionsnummer,
        institutionstype,
        klassetrin,
        klassetype,
        ejer_kommunekode,
        bopael_kommunekode,
        cast(sum(case when skoledage > 0 then 1 else 0 end) as integer) as antal_elever,
        cast(sum(skoledage) as integer) as skoledage,
        cast(sum(case when fravaersdage > 0 then 1 when fravaersdage is not null then 0 end) as integer) as antal_elever_med_fravaer,
        cast(sum(fravaersdage) as decimal(18, 2)) as fravaersdage,
        cast(coalesce(sum(andel), case when count(fravaersdage) > 0 then 0 end) as decimal(18, 5)) as fravaersandel,
        cast(sum(case when sygdomsdage > 0 then 1 when sygdomsdage is not null then 0 end) as integer) as antal_elever_med_fravaer_sygdom,
        cast(sum(sygdomsdage) as decimal(18, 2)) as fravaersdage_sygdom,
        cast(coalesce(sum(andel_sygdom), case when count(sygdomsdage) > 0 then 0 end) as decimal(18, 5)) as fravaersandel_sygdom,
        cast(sum(case when frihedsdage > 0 then 1 when frihedsdage is not null then 0 end) as integer) as antal_elever_med_fravaer_frihed,
        cast(sum(frihedsdage) as decimal(18, 2)) as fravaersdage_frihed,
        cast(coalesce(sum(andel_frihed), case when count(frihedsdage) > 0 then 0 end) as decimal(18, 5)) as fravaersandel_frihed,
        cast(sum(case when ulovlige_dage > 0 then 1 when ulovlige_dage is not null then 0 end) as integer) as antal_elever_med_fravaer_ulovligt,
        cast(sum(ulovlige_dage) as decimal(18, 2)) as fravaersdage_ulovligt,
        cast(coalesce(sum(andel_ulovligt), case when count(ulovlige_dage) > 0 then 0 end) as decimal(18, 5)) as fravaersandel_ulovligt
    from andele
    group by
        kommunekode,
        periode,
        institutionsnummer,
        institutionstype,
        klassetrin,
        klassetype,
        ejer_kommunekode,
        bopael_kommunekode

)

select * from final
