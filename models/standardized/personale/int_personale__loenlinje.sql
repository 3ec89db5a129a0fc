{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['_leverance_id'], 'beroert': 'personale_loen_beroert'}
) }}
-- The payroll systems' pay lines united and translated. A new system is one line more in the list below.
with leveret as (

    {{ foren([
        'stg_kmd_opus_loen__zd2l1',
        'stg_sd_loen__loenlinje',
        'stg_koebenhavn_loen__loenlinje',
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
        l.ansaettelse_id || '-' || {{ aarmaaned('l.leveret_periode') }} || '-' || l.linjenummer as kilde_id,
        case when {{ cpr_er_gyldigt('l.cpr', 'last_day(l.leveret_periode)') }} then n.person_id end as person_id,
        coalesce(a.standardkode, 'ukendt') as loenart,
        coalesce(l.leveret_periode >= s.gyldig_fra and l.leveret_periode < s.gyldig_til, false) as systemet_gaelder
    from leveret as l
    left join personer as n
        on l.cpr = n.cpr
    {{ oversaet('xwalk_personale__loenart', 'loenart_kildekode', 'a') }}
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
            when beloeb_kr is null then 'beloeb_ulaeseligt'
            when kilde_id is null then 'noegle_mangler'
            when funktion is null or dranst is null or ejerforhold is null or gruppering is null or art is null then 'konto_ulaeselig'
        end as aarsag
    from oversat

),

-- The same key twice in a delivery: one is kept, the others are set aside.
nummereret as (

    select
        *,
        row_number() over (
            partition by _leverance_id, ansaettelse_id, linjenummer, aarsag is null
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
        loenart,
        loenart_kildekode,
        funktion || '.' || dranst || '.' || ejerforhold || '.' || gruppering || '.' || art as kontostreng,
        funktion,
        dranst,
        ejerforhold,
        gruppering,
        art,
        timer,
        beloeb_kr,
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
