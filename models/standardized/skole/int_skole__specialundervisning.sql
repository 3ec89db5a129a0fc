{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['_leverance_id']}
) }}
-- The school systems' special education united and translated. A new system is one line more in the list below.
with leveret as (

    {{ foren([
        'stg_kmd_elev__specialundervisning',
        'stg_tea__specialundervisning',
        'stg_ist__specialundervisning',
    ]) }}

),

personer as (

    select
        cpr,
        person_id
    from {{ source('leverancer', 'person_noegle') }}

),

-- The set-up decides which system counts for a month: where both deliver, one of them gives way.
systemer as (

    {{ systemets_maaneder('skole') }}

),

oversat as (

    select
        l.*,
        l.foranstaltning_id || '-' || {{ aarmaaned('l.leveret_periode') }} as kilde_id,
        n.person_id,
        coalesce(t.standardkode, 'ukendt') as tilbudstype,
        coalesce(l.leveret_periode >= s.gyldig_fra and l.leveret_periode < s.gyldig_til, false) as systemet_gaelder
    from leveret as l
    left join personer as n
        on l.cpr = n.cpr
    {{ oversaet('xwalk_skole__specialtilbud', 'tilbudstype_kildekode', 't') }}
    left join systemer as s
        on
            l.kommunekode = s.kommunekode
            and l.kildesystem = s.kildesystem

),

vurderet as (

    select
        *,
        case
            when not systemet_gaelder then 'andet_system_gaelder'
            when foranstaltning_id is null or elev_id is null then 'noegle_mangler'
            when person_id is null or not {{ cpr_er_gyldigt('cpr', 'last_day(leveret_periode)') }} then 'cpr_ugyldig'
            when gyldig_fra is null or gyldig_til is null then 'dato_ulaeselig'
            when gyldig_til <= gyldig_fra then 'slut_foer_start'
            when gyldig_til <= leveret_periode or gyldig_fra > last_day(leveret_periode) then 'uden_for_maaneden'
        end as aarsag
    from oversat

),

-- The same key twice in a delivery: one is kept, the others are set aside.
nummereret as (

    select
        *,
        row_number() over (
            partition by _leverance_id, foranstaltning_id, aarsag is null
            order by _linje
        ) as nr_i_noegle
    from vurderet

),

final as (

    select
        kommunekode,
        kildesystem,
        tabel,
        kilde_id,
        leveret_periode as periode,
        foranstaltning_id,
        elev_id,
        person_id,
        tilbudstype,
        tilbudstype_kildekode,
        timer_pr_uge,
        takstgruppe,
        visitationsdato,
        gyldig_fra,
        gyldig_til,
        case
            when aarsag is not null then aarsag
            when nr_i_noegle > 1 then 'dublet'
        end as frasat_aarsag,
        _leverance_id,
        _fil,
        _linje
    from nummereret

)

select * from final
