{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['_leverance_id']}
) }}
-- The school systems' pupils' courses united and translated. Of a municipality of residence, CPR's goes before the school's.
-- A new system is one line more in the list below.
with leveret as (

    {{ foren([
        'stg_kmd_elev__elev',
        'stg_tea__elev',
        'stg_ist__elev',
    ]) }}

),

personer as (

    select
        cpr,
        person_id
    from {{ source('leverancer', 'person_noegle') }}

),

kommuner as (

    select kommunekode from {{ ref('kommune') }}
    where kommunekode < '0998'

),

-- The set-up decides which system counts for a month: where both deliver, one of them gives way.
systemer as (

    {{ systemets_maaneder('skole') }}

),

oversat as (

    select
        l.*,
        l.elev_id || '-' || {{ aarmaaned('l.leveret_periode') }} || coalesce('-' || {{ datocifre('l.gyldig_fra') }}, '') as kilde_id,
        n.person_id,
        cast(extract(year from {{ cpr_foedselsdato('l.cpr') }}) as integer) as foedselsaar,
        coalesce(k.standardkode, 'ukendt') as klassetrin,
        coalesce(t.standardkode, 'ukendt') as elevtype,
        case when l.betaling_kommune_kildekode is not null then coalesce(bk.kommunekode, '0998') end as betaling_kommunekode,
        case when l.tilhoer_kommune_kildekode is not null then coalesce(tk.kommunekode, '0998') end as tilhoer_kommunekode,
        coalesce(ck.kommunekode, sk.kommunekode, '0998') as bopael_kommunekode,
        ck.kommunekode is not null as har_cpr_bopael,
        coalesce(l.leveret_periode >= s.gyldig_fra and l.leveret_periode < s.gyldig_til, false) as systemet_gaelder
    from leveret as l
    left join personer as n
        on l.cpr = n.cpr
    {{ oversaet('xwalk_skole__klassetrin', 'klassetrin_kildekode', 'k') }}
    {{ oversaet('xwalk_skole__elevtype', 'elevtype_kildekode', 't') }}
    left join kommuner as bk
        on l.betaling_kommune_kildekode = bk.kommunekode
    left join kommuner as tk
        on l.tilhoer_kommune_kildekode = tk.kommunekode
    left join kommuner as ck
        on l.cpr_kommune_kildekode = ck.kommunekode
    left join kommuner as sk
        on l.bopael_kommune_kildekode = sk.kommunekode
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
            when gyldig_fra is null or gyldig_til is null then 'dato_ulaeselig'
            when gyldig_til <= gyldig_fra then 'slut_foer_start'
            when gyldig_til <= leveret_periode or gyldig_fra > last_day(leveret_periode) then 'uden_for_maaneden'
            when skoledage is null or skoledage < 0 then 'skoledage_ulaeselige'
        end as aarsag
    from oversat

),

-- The same key twice in a delivery: one is kept, the others are set aside.
nummereret as (

    select
        *,
        row_number() over (
            partition by _leverance_id, elev_id, gyldig_fra, aarsag is null
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
        foedselsaar,
        institutionsnummer,
        klasse_id,
        klassetrin,
        klassetrin_kildekode,
        elevtype,
        elevtype_kildekode,
        er_tosproget,
        skoledistrikt,
        betaling_kommunekode,
        tilhoer_kommunekode,
        bopael_kommunekode,
        har_cpr_bopael,
        skoleaar,
        skoledage,
        gyldig_fra,
        gyldig_til,
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
