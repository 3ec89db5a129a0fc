{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['kommunekode', 'periode'], 'pakke': {'niveau': 'kommune', 'fagomraade': 'skole'}}
) }}

-- The law's limit is 9 hours of teaching a week; the groups are those of Statistikbanken SPECIAL1.
with foranstaltninger as (

    select * from {{ kun_beroerte(ref('std_skole__specialundervisning')) }}
    where {{ gaelder_den_femte() }}

),

elever as (

    select * from {{ kun_beroerte(ref('int_skole__elev')) }}

),

grupperet as (

    select
        f.kommunekode,
        f.periode,
        f.person_id,
        f.tilbudstype,
        case
            when f.timer_pr_uge is null then '6'
            when f.timer_pr_uge < 9 then '2'
            when f.timer_pr_uge <= 20 then '3'
            else '4'
        end as timegruppe,
        coalesce(f.takstgruppe, 'uden') as takstgruppe,
        coalesce(e.institutionstype, 'ukendt') as institutionstype,
        coalesce(e.klassetrin, 'ukendt') as klassetrin,
        coalesce(e.betaling_kommunekode, '0998') as betaling_kommunekode,
        coalesce(e.bopael_kommunekode, '0998') as bopael_kommunekode,
        f.timer_pr_uge
    from foranstaltninger as f
    left join elever as e
        on
            f.kommunekode = e.kommunekode
            and f.periode = e.periode
            and f.person_id = e.person_id

),

final as (

    select
        kommunekode,
        periode,
        tilbudstype,
        timegruppe,
        takstgruppe,
        institutionstype,
        klassetrin,
        betaling_kommunekode,
        bopael_kommunekode,
        cast(count(*) as integer) as antal_foranstaltninger,
        cast(count(distinct person_id) as integer) as antal_elever,
        cast(coalesce(sum(timer_pr_uge), 0) as decimal(18, 2)) as timer_pr_uge
    from grupperet
    group by
        kommunekode,
        periode,
        tilbudstype,
        timegruppe,
        takstgruppe,
        institutionstype,
        klassetrin,
        betaling_kommunekode,
        bopael_kommunekode

)

select * from final
