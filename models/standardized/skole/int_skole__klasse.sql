{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['_leverance_id']}
) }}
-- The school systems' classes united and translated. A new system is one line more in the list below.
with leveret as (

    {{ foren([
        'stg_kmd_elev__klasse',
        'stg_tea__klasse',
        'stg_ist__klasse',
    ]) }}

),

-- The set-up decides which system counts for a month: where both deliver, one of them gives way.
systemer as (

    {{ systemets_maaneder('skole') }}

),

oversat as (

    select
        l.*,
        l.klasse_id || '-' || {{ aarmaaned('l.leveret_periode') }} as kilde_id,
        coalesce(k.standardkode, 'ukendt') as klassetrin,
        coalesce(t.standardkode, 'ukendt') as klassetype,
        coalesce(l.leveret_periode >= s.gyldig_fra and l.leveret_periode < s.gyldig_til, false) as systemet_gaelder
    from leveret as l
    {{ oversaet('xwalk_skole__klassetrin', 'klassetrin_kildekode', 'k') }}
    {{ oversaet('xwalk_skole__klassetype', 'klassetype_kildekode', 't') }}
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
            when klasse_id is null then 'noegle_mangler'
        end as aarsag
    from oversat

),

-- The same key twice in a delivery: one is kept, the others are set aside.
nummereret as (

    select
        *,
        row_number() over (
            partition by _leverance_id, klasse_id, aarsag is null
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
        klasse_id,
        institutionsnummer,
        klassebetegnelse,
        klassetrin,
        klassetrin_kildekode,
        klassetype,
        klassetype_kildekode,
        skoleaar,
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
