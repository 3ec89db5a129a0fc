{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['_leverance_id']}
) }}
-- The payroll systems' organisations united. A new system is one line more in the list below.
with leveret as (

    {{ foren([
        'stg_kmd_opus_loen__organisation',
        'stg_sd_loen__organisation',
        'stg_koebenhavn_loen__organisation',
    ]) }}

),

-- The set-up decides which system counts for a month: where both deliver, one of them gives way.
systemer as (

    {{ systemets_maaneder('personale') }}

),

oversat as (

    select
        l.*,
        l.enhed_id || '-' || {{ aarmaaned('l.leveret_periode') }} as kilde_id,
        coalesce(t.standardkode, 'ukendt') as enhedstype,
        coalesce(l.leveret_periode >= s.gyldig_fra and l.leveret_periode < s.gyldig_til, false) as systemet_gaelder
    from leveret as l
    {{ oversaet('xwalk_personale__enhedstype', 'enhedstype_kildekode', 't') }}
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
            when enhed_id is null then 'noegle_mangler'
            when gyldig_fra is null or gyldig_til is null then 'dato_ulaeselig'
            when gyldig_til <= gyldig_fra then 'slut_foer_start'
        end as aarsag
    from oversat

),

-- The same key twice in a delivery: one is kept, the others are set aside.
nummereret as (

    select
        *,
        row_number() over (
            partition by _leverance_id, enhed_id, gyldig_fra, aarsag is null
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
        enhed_id,
        overordnet_enhed_id,
        enhedsnavn,
        enhedstype,
        enhedstype_kildekode,
        p_nummer,
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
