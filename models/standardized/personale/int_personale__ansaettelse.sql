{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['_leverance_id'], 'beroert': 'personale_beroert'}
) }}
-- The payroll systems' employments united and translated. A new system is one line more in the list below.
with leveret as (

    {{ foren([
        'stg_kmd_opus_loen__medarbejder',
        'stg_sd_loen__ansaettelse',
        'stg_koebenhavn_loen__ansaettelse',
    ]) }}

),

personer as (

    select
        cpr,
        person_id
    from {{ source('leverancer', 'person_noegle') }}

),

formliste as (

    select * from {{ ref('ansaettelsesform') }}

),

-- The set-up decides which system counts for a month: where both deliver, one of them gives way.
systemer as (

    {{ systemets_maaneder('personale') }}

),

oversat as (

    select
        l.*,
        l.ansaettelse_id || '-' || {{ aarmaaned('l.leveret_periode') }} as kilde_id,
        n.person_id,
        coalesce(o.standardkode, 'ukendt') as overenskomst,
        coalesce(f.standardkode, 'ukendt') as ansaettelsesform,
        coalesce(fl.er_timeloennet, false) as er_timeloennet,
        -- A system that delivers no status delivers those it pays; the end date tells who has left.
        case
            when l.ansaettelsesstatus_kildekode is not null then coalesce(st.standardkode, 'ukendt')
            when l.fratraadt_dato <= last_day(l.leveret_periode) then 'fratraadt'
            else 'i_loen'
        end as ansaettelsesstatus,
        coalesce(l.leveret_periode >= s.gyldig_fra and l.leveret_periode < s.gyldig_til, false) as systemet_gaelder
    from leveret as l
    left join personer as n
        on l.cpr = n.cpr
    {{ oversaet('xwalk_personale__overenskomst', 'overenskomst_kildekode', 'o') }}
    {{ oversaet('xwalk_personale__ansaettelsesform', 'ansaettelsesform_kildekode', 'f') }}
    {{ oversaet('xwalk_personale__ansaettelsesstatus', 'ansaettelsesstatus_kildekode', 'st') }}
    left join formliste as fl
        on f.standardkode = fl.ansaettelsesform
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
            when er_slettet then 'slettet_i_kilden'
            -- the source says that the employee has left, and nothing of the employment
            when er_afgang then 'afgang_meldt'
            when er_afgang is null then 'handling_ukendt'
            when ansaettelse_id is null then 'noegle_mangler'
            when person_id is null or not {{ cpr_er_gyldigt('cpr', 'last_day(leveret_periode)') }} then 'cpr_ugyldig'
            when ansat_dato is null or fratraadt_dato is null then 'dato_ulaeselig'
            when fratraadt_dato <= ansat_dato then 'slut_foer_start'
            when beskaeftigelsesgrad is null then 'grad_ulaeselig'
            -- FLIS deletes rows outside the employment (eflis.dk, PersonalePeriode)
            when fratraadt_dato <= leveret_periode or ansat_dato > last_day(leveret_periode) then 'uden_for_ansaettelsen'
        end as aarsag
    from oversat

),

-- The same key twice in a delivery: one is kept, the others are set aside.
nummereret as (

    select
        *,
        row_number() over (
            partition by _leverance_id, ansaettelse_id, aarsag is null
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
        ansaettelse_id,
        person_id,
        enhed_id,
        overenskomst,
        overenskomst_kildekode,
        stillingsbetegnelse,
        ansaettelsesform,
        ansaettelsesform_kildekode,
        ansaettelsesstatus,
        ansaettelsesstatus_kildekode,
        ansat_dato,
        fratraadt_dato,
        beskaeftigelsesgrad,
        er_timeloennet,
        coalesce(er_leder, false) as er_leder,
        case
            when aarsag is not null then aarsag
            when nr_i_noegle > 1 then 'dublet'
        end as frasat_aarsag,
        _lokale_felter,
        _leverance_id,
        _fil,
        _linje
    from nummereret

)

select * from final
