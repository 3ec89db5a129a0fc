{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['kommunekode', 'periode'], 'pakke': {'niveau': 'kommune', 'fagomraade': 'skole'}}
) }}

-- Absence of the school year to date: each pupil's days up to and with the month over its school days, counted by pupils. Who has not been there in every month
-- of the school year delivered so far, is in no share of the year (uvm.dk: pupils registered the whole year). The quarter is the calendar's, to date.
with beroerte as (

    select distinct
        kommunekode,
        periode,
        {{ skoleaar_start('periode') }} as skoleaar_fra
    from {{ kun_beroerte(ref('int_skole__elev')) }}
    where skoledage > 0

),

skoleaar as (

    select distinct
        kommunekode,
        skoleaar_fra
    from beroerte

),

elever as (

    select
        e.*,
        s.skoleaar_fra
    from {{ ref('int_skole__elev') }} as e
    inner join skoleaar as s
        on
            e.kommunekode = s.kommunekode
            and {{ skoleaar_start('e.periode') }} = s.skoleaar_fra
    where e.skoledage > 0

),

maaneder as (

    select
        kommunekode,
        periode,
        skoleaar_fra,
        row_number() over (partition by kommunekode, skoleaar_fra order by periode) as antal_maaneder
    from elever
    group by
        kommunekode,
        periode,
        skoleaar_fra

),

til_dato as (

    select
        kommunekode,
        periode,
        institutionsnummer,
        institutionstype,
        klassetrin,
        klassetype,
        ejer_kommunekode,
        bopael_kommunekode,
        sum(skoledage) over aaret as skoledage,
        sum(fravaersdage) over aaret as fravaersdage,
        count(*) over aaret as elevens_maaneder,
        sum(skoledage) over kvartalet as kvartalets_skoledage,
        sum(ulovlige_dage) over kvartalet as kvartalets_ulovlige_dage
    from elever
    window
        aaret as (partition by kommunekode, person_id, skoleaar_fra order by periode),
        kvartalet as (partition by kommunekode, person_id, date_trunc('quarter', periode) order by periode)

),

vurderet as (

    select
        t.*,
        t.elevens_maaneder = m.antal_maaneder as er_med_hele_skoleaaret,
        t.fravaersdage * 10 > t.skoledage as er_over_10_pct,
        t.kvartalets_ulovlige_dage * 100 > t.kvartalets_skoledage * 15 as er_ulovligt_over_15_pct
    from til_dato as t
    inner join beroerte as b
        on
            t.kommunekode = b.kommunekode
            and t.periode = b.periode
    inner join maaneder as m
        on
            t.kommunekode = m.kommunekode
            and t.periode = m.periode

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
        cast(count(*) as integer) as antal_elever,
        cast(sum(case when er_ulovligt_over_15_pct then 1 else 0 end) as integer) as antal_ulovligt_over_15_pct_i_kvartalet,
        cast(sum(case when er_med_hele_skoleaaret then 1 else 0 end) as integer) as antal_elever_hele_skoleaaret,
        cast(sum(case when er_med_hele_skoleaaret and er_over_10_pct then 1 else 0 end) as integer) as antal_over_10_pct
    from vurderet
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
