{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['_leverance_id'], 'beroert': 'skole_beroert'}
) }}
-- The school systems' marks united and translated: 2 and 02 are the same mark, and which is which is the crosswalk's to say.
-- A new system is one line more in the list below.
with leveret as (

    {{ foren([
        'stg_kmd_elev__karakter',
        'stg_tea__karakter',
        'stg_ist__karakter',
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
        l.elev_id || '-' || {{ aarmaaned('l.leveret_periode') }}
        || '-' || coalesce(l.fag_kildekode, '') || '-' || coalesce(l.proevetype_kildekode, '') as kilde_id,
        n.person_id,
        coalesce(k.standardkode, 'ukendt') as klassetrin,
        coalesce(f.standardkode, 'ukendt') as proevefag,
        coalesce(t.standardkode, 'ukendt') as proevetype,
        coalesce(v.standardkode, 'ukendt') as karakter,
        coalesce(l.leveret_periode >= s.gyldig_fra and l.leveret_periode < s.gyldig_til, false) as systemet_gaelder
    from leveret as l
    left join personer as n
        on l.cpr = n.cpr
    {{ oversaet('xwalk_skole__klassetrin', 'klassetrin_kildekode', 'k') }}
    {{ oversaet('xwalk_skole__proevefag', 'fag_kildekode', 'f') }}
    {{ oversaet('xwalk_skole__proevetype', 'proevetype_kildekode', 't') }}
    {{ oversaet('xwalk_skole__karakter', 'karakter_kildekode', 'v') }}
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
            when elev_id is null then 'noegle_mangler'
            when person_id is null or not {{ cpr_er_gyldigt('cpr', 'last_day(leveret_periode)') }} then 'cpr_ugyldig'
            when dato is null then 'dato_ulaeselig'
            when dato < leveret_periode or dato > last_day(leveret_periode) then 'uden_for_maaneden'
        end as aarsag
    from oversat

),

-- The same key twice in a delivery: one is kept, the others are set aside.
nummereret as (

    select
        *,
        row_number() over (
            partition by _leverance_id, elev_id, proevefag, proevetype, aarsag is null
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
        elev_id,
        person_id,
        institutionsnummer,
        klassetrin,
        klassetrin_kildekode,
        proevefag,
        fag_kildekode,
        proevetype,
        proevetype_kildekode,
        dato,
        karakter,
        karakter_kildekode,
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
