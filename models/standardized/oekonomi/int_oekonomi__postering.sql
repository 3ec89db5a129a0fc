{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['_leverance_id']}
) }}
-- The finance systems united and translated. A new system is one line more in the list below.
with leveret as (

    {{ foren([
        'stg_kmd_opus__zd1sl',
        'stg_fujitsu_prisme__finanspostering',
        'stg_fujitsu_prisme__budget',
        'stg_oes_indsigt__saldo',
        'stg_oes_indsigt__budget',
        'stg_koer__regnskab',
        'stg_koer__budget',
    ]) }}

),

-- The set-up decides which system counts for a month: where a change of system is dated anew after both have delivered, one of them gives way.
systemer as (

    {{ systemets_maaneder('oekonomi') }}

),

-- A value type without a row in the crosswalk is kept as 'ukendt' and counted, never dropped.
oversat as (

    select
        l.*,
        coalesce(b.standardkode, 'ukendt') as beloebstype,
        split_part(l.funktion, '.', 1) as hovedkonto,
        split_part(l.funktion, '.', 1) || '.' || split_part(l.funktion, '.', 2) as hovedfunktion,
        coalesce(l.leveret_periode >= s.gyldig_fra and l.leveret_periode < s.gyldig_til, false) as systemet_gaelder
    from leveret as l
    left join systemer as s
        on
            l.kommunekode = s.kommunekode
            and l.kildesystem = s.kildesystem
    {{ oversaet('xwalk_oekonomi__beloebstype', 'vaerditype_kildekode', 'b') }}

),

vurderet as (

    select
        *,
        case
            when not systemet_gaelder then 'andet_system_gaelder'
            when beloeb_kr is null then 'beloeb_ulaeseligt'
            when coalesce(regnskabsaar, 0) not between 1900 and 2999 or coalesce(regnskabsperiode, -1) not between 0 and 16 then 'periode_ugyldig'
            when funktion is null or dranst is null or ejerforhold is null or gruppering is null or art is null then 'konto_ulaeselig'
        end as frasat_aarsag
    from oversat

),

final as (

    select
        kommunekode,
        kildesystem,
        tabel,
        kilde_id,
        beloebstype,
        vaerditype_kildekode,
        regnskabsaar,
        regnskabsperiode,
        case
            when frasat_aarsag is null then {{ periode_af_regnskabsperiode('regnskabsaar', 'regnskabsperiode') }}
            else leveret_periode
        end as periode,
        leveret_periode,
        funktion || '.' || dranst || '.' || ejerforhold || '.' || gruppering || '.' || art as kontostreng,
        hovedkonto,
        hovedfunktion,
        funktion,
        dranst,
        ejerforhold,
        gruppering,
        art,
        bilag_id,
        bogfoeringsdato,
        beloeb_kr,
        frasat_aarsag,
        _lokale_felter,
        _leverance_id,
        _fil,
        _linje
    from vurderet

)

select * from final
