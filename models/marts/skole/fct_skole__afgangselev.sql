{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['kommunekode', 'periode'], 'pakke': {'niveau': 'kommune', 'fagomraade': 'skole'}}
) }}

-- The pupils' results in the compulsory exams, the school year up to and with the month: the mean of a pupil's own marks, where there are four or more, and
-- whether the means in Danish and in mathematics are both 02 or better. Only months in which marks were given have rows; a pupil is counted where it goes in
-- that month.
with beroerte as (

    select distinct
        kommunekode,
        periode,
        {{ skoleaar_start('periode') }} as skoleaar_fra
    from {{ kun_beroerte(ref('std_skole__karakter')) }}
    where
        proevetype = 'bunden'
        and klassetrin = '09'

),

karakterer as (

    select
        b.kommunekode,
        b.periode,
        k.person_id,
        f.fag,
        s.vaerdi
    from beroerte as b
    inner join {{ ref('std_skole__karakter') }} as k
        on
            b.kommunekode = k.kommunekode
            and k.periode <= b.periode
            and k.periode >= b.skoleaar_fra
    inner join {{ ref('proevefag') }} as f
        on k.proevefag = f.proevefag
    inner join {{ ref('karakter') }} as s
        on k.karakter = s.karakter
    where
        k.proevetype = 'bunden'
        and k.klassetrin = '09'
        and f.er_bunden
        and s.vaerdi is not null

),

elevernes as (

    select
        kommunekode,
        periode,
        person_id,
        count(*) as antal_karakterer,
        cast(round(avg(vaerdi), 5) as decimal(9, 5)) as gennemsnit,
        avg(case when fag = 'dansk' then vaerdi end) as dansk,
        avg(case when fag = 'matematik' then vaerdi end) as matematik
    from karakterer
    group by
        kommunekode,
        periode,
        person_id

),

elever as (

    select * from {{ kun_beroerte(ref('int_skole__elev')) }}

),

final as (

    select
        k.kommunekode,
        k.periode,
        coalesce(e.institutionsnummer, 'ukendt') as institutionsnummer,
        coalesce(e.institutionstype, 'ukendt') as institutionstype,
        coalesce(e.ejer_kommunekode, '0998') as ejer_kommunekode,
        coalesce(e.bopael_kommunekode, '0998') as bopael_kommunekode,
        cast(count(*) as integer) as antal_elever,
        cast(sum(case when k.antal_karakterer >= 4 then 1 else 0 end) as integer) as antal_elever_med_gennemsnit,
        cast(sum(case when k.antal_karakterer >= 4 then k.gennemsnit else 0 end) as decimal(18, 5)) as gennemsnitssum,
        cast(sum(case when k.dansk is not null and k.matematik is not null then 1 else 0 end) as integer) as antal_elever_i_dansk_og_matematik,
        cast(sum(case when k.dansk >= 2 and k.matematik >= 2 then 1 else 0 end) as integer) as antal_mindst_02_i_begge
    from elevernes as k
    left join elever as e
        on
            k.kommunekode = e.kommunekode
            and k.periode = e.periode
            and k.person_id = e.person_id
    group by
        k.kommunekode,
        k.periode,
        coalesce(e.institutionsnummer, 'ukendt'),
        coalesce(e.institutionstype, 'ukendt'),
        coalesce(e.ejer_kommunekode, '0998'),
        coalesce(e.bopael_kommunekode, '0998')

)

select * from final
