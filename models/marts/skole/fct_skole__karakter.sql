{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['kommunekode', 'periode'], 'pakke': {'niveau': 'kommune', 'fagomraade': 'skole'}}
) }}

with karakterer as (

    select * from {{ kun_beroerte(ref('std_skole__karakter')) }}

),

skala as (

    select * from {{ ref('karakter') }}

),

elever as (

    select * from {{ kun_beroerte(ref('int_skole__elev')) }}

),

final as (

    select
        k.kommunekode,
        k.periode,
        coalesce(k.institutionsnummer, 'ukendt') as institutionsnummer,
        coalesce(e.institutionstype, 'ukendt') as institutionstype,
        coalesce(e.ejer_kommunekode, '0998') as ejer_kommunekode,
        coalesce(e.bopael_kommunekode, '0998') as bopael_kommunekode,
        k.klassetrin,
        k.proevefag,
        k.proevetype,
        cast(count(s.vaerdi) as integer) as antal_karakterer,
        cast(sum(case when k.karakter = 'U' then 1 else 0 end) as integer) as antal_udeblevet,
        cast(count(distinct k.person_id) as integer) as antal_elever,
        cast(coalesce(sum(s.vaerdi), 0) as integer) as karaktersum,
        cast(sum(case when s.er_bestaaet then 1 else 0 end) as integer) as antal_bestaaet
    from karakterer as k
    inner join skala as s
        on k.karakter = s.karakter
    left join elever as e
        on
            k.kommunekode = e.kommunekode
            and k.periode = e.periode
            and k.person_id = e.person_id
    group by
        k.kommunekode,
        k.periode,
        coalesce(k.institutionsnummer, 'ukendt'),
        coalesce(e.institutionstype, 'ukendt'),
        coalesce(e.ejer_kommunekode, '0998'),
        coalesce(e.bopael_kommunekode, '0998'),
        k.klassetrin,
        k.proevefag,
        k.proevetype

)

select * from final
