{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['kommunekode', 'periode'], 'beroert': 'personale_beroert'}
) }}

-- Where an employment is booked in a month: the account that bears most of its pay. FLIS filters on the account's ejerforhold (Ejerkode) and on whether
-- the pay is nomenklaturrelevant; both come from here. An employment without pay has no row.
with loenlinjer as (

    select * from {{ kun_beroerte(ref('std_personale__loenlinje')) }}

),

loenarter as (

    select * from {{ ref('loenart') }}

),

konti as (

    select
        l.kommunekode,
        l.periode,
        l.kildesystem,
        l.ansaettelse_id,
        l.funktion,
        l.ejerforhold,
        sum(l.beloeb_kr) as beloeb_kr,
        max(case when a.er_nomenklaturrelevant then 1 else 0 end) as relevant
    from loenlinjer as l
    inner join loenarter as a on l.loenart = a.loenart
    group by
        l.kommunekode,
        l.periode,
        l.kildesystem,
        l.ansaettelse_id,
        l.funktion,
        l.ejerforhold

),

nummereret as (

    select
        *,
        max(relevant) over (partition by kommunekode, periode, kildesystem, ansaettelse_id) = 1 as er_nomenklaturrelevant,
        row_number() over (
            partition by kommunekode, periode, kildesystem, ansaettelse_id
            order by beloeb_kr desc, funktion asc, ejerforhold asc
        ) as nr
    from konti

),

final as (

    select
        kommunekode,
        periode,
        kildesystem,
        ansaettelse_id,
        funktion,
        ejerforhold,
        er_nomenklaturrelevant
    from nummereret
    where nr = 1

)

select * from final
