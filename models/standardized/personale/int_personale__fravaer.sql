{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['_leverance_id']}
) }}
-- The payroll systems' absence united and translated. A new system is one line more in the list below. What a month's file says of an absence is cut to the
-- month, so that hours never go beyond their year.
with leveret as (

    {{ foren([
        'stg_kmd_opus_loen__fravaer',
        'stg_sd_loen__fravaer',
        'stg_koebenhavn_loen__fravaer',
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

    {{ systemets_maaneder('personale') }}

),

oversat as (

    select
        l.*,
        l.fravaer_id || '-' || {{ aarmaaned('l.leveret_periode') }} as kilde_id,
        n.person_id,
        coalesce(a.standardkode, 'ukendt') as fravaersaarsag,
        greatest(l.fravaer_fra, l.leveret_periode) as gyldig_fra,
        least(l.fravaer_til, {{ dato_plus_dage('last_day(l.leveret_periode)', 1) }}) as gyldig_til,
        coalesce(l.leveret_periode >= s.gyldig_fra and l.leveret_periode < s.gyldig_til, false) as systemet_gaelder
    from leveret as l
    left join personer as n
        on l.cpr = n.cpr
    {{ oversaet('xwalk_personale__fravaersaarsag', 'fravaersaarsag_kildekode', 'a') }}
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
            when fravaer_id is null or ansaettelse_id is null then 'noegle_mangler'
            when person_id is null or not {{ cpr_er_gyldigt('cpr', 'last_day(leveret_periode)') }} then 'cpr_ugyldig'
            when fravaer_fra is null or fravaer_til is null then 'dato_ulaeselig'
            when fravaer_til <= fravaer_fra then 'slut_foer_start'
            when timer is null or er_delvis is null then 'timer_ulaeselige'
            when gyldig_til <= gyldig_fra then 'uden_for_maaneden'
        end as aarsag
    from oversat

),

-- The same key twice in a delivery: one is kept, the others are set aside.
nummereret as (

    select
        *,
        row_number() over (
            partition by _leverance_id, fravaer_id, aarsag is null
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
        fravaer_id,
        ansaettelse_id,
        person_id,
        fravaersaarsag,
        fravaersaarsag_kildekode,
        gyldig_fra,
        gyldig_til,
        fravaer_fra,
        fravaer_til,
        timer,
        er_delvis,
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
