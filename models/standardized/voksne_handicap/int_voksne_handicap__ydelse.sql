{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['kommunekode']}
) }}
-- The case systems united and translated. A new system is one line more in the list below.
with leveret as (

    {{ foren([
        'stg_eg_sensum__ydelse',
        'stg_kmd_nexus__ydelse',
        'stg_eg_bosted__ydelse',
    ]) }}

),

personer as (

    select
        cpr,
        person_id
    from {{ source('leverancer', 'person_noegle') }}

),

paragraffer as (

    select * from {{ ref('paragraf') }}

),

tilbudstyper as (

    select * from {{ ref('tilbudstype') }}

),

handlekommuner as (

    select
        kommunekode,
        handlekommunekode
    from {{ ref('kommune') }}

),

undtagelser as (

    select * from {{ ref('handlekommune_undtagelse') }}

),

-- A municipality is written as four digits, three digits or by name; odd spellings stand in the crosswalk.
kommunekoder as (

    select
        kommunekode as kildekode,
        kommunekode
    from {{ ref('kommune') }}
    union
    select
        substr(kommunekode, 2) as kildekode,
        kommunekode
    from {{ ref('kommune') }}
    union
    select
        kommunenavn as kildekode,
        kommunekode
    from {{ ref('kommune') }}
    union
    select
        kildekode,
        standardkode as kommunekode
    from {{ ref('xwalk_voksne_handicap__kommune') }}

),

-- The set-up decides which system counts on a date. A system's history before the municipality's first system, and after its last, is its own.
systemperioder as (

    select
        kommunekode,
        kildesystem,
        min(cast(gyldig_fra as date)) as gyldig_fra,
        max(coalesce(cast(gyldig_til as date), date '9999-12-31')) as gyldig_til
    from {{ source('opsaetning', 'kommune_opsaetning') }}
    where fagomraade = 'voksne_handicap'
    group by
        kommunekode,
        kildesystem

),

vinduer as (

    select
        kommunekode,
        kildesystem,
        case
            when row_number() over (partition by kommunekode order by gyldig_fra, kildesystem) = 1 then date '1900-01-01'
            else gyldig_fra
        end as system_fra,
        gyldig_til as system_til
    from systemperioder

),

oversat as (

    select
        l.*,
        n.person_id,
        case
            when tt.er_botilbudslignende and p.ydelseskode_botilbudslignende is not null then p.ydelseskode_botilbudslignende
            else coalesce(p.ydelseskode, 'ukendt')
        end as ydelseskode,
        coalesce(p.paragraf, 'ukendt') as paragraf,
        -- lpad cuts what is longer; two places must not become one
        case
            when length(trim(leading '0' from l.tilbud_kildekode)) > 6 then trim(leading '0' from l.tilbud_kildekode)
            else lpad(nullif(trim(leading '0' from l.tilbud_kildekode), ''), 6, '0')
        end as tilbud_id,
        coalesce(tk.standardkode, 'ukendt') as tilbudstype,
        coalesce(s.standardkode, 'ukendt') as ydelsesstatus,
        -- An empty or unknown code of the acting municipality means the one that reports.
        coalesce(hk.kommunekode, l.kommunekode) as angivet_handlekommunekode,
        coalesce(bk.kommunekode, '0998') as betaling_kommunekode,
        coalesce(ok.kommunekode, '0998') as opholds_kommunekode,
        v.system_fra,
        v.system_til
    from leveret as l
    left join personer as n
        on l.cpr = n.cpr
    {{ oversaet('xwalk_voksne_handicap__paragraf', 'paragraf_kildekode', 'pk') }}
    left join paragraffer as p
        on pk.standardkode = p.ydelseskode
    {{ oversaet('xwalk_voksne_handicap__tilbudstype', 'tilbudstype_kildekode', 'tk') }}
    left join tilbudstyper as tt
        on tk.standardkode = tt.tilbudstype
    {{ oversaet('xwalk_voksne_handicap__ydelsesstatus', 'status_kildekode', 's') }}
    left join kommunekoder as hk
        on l.handlekommune_kildekode = hk.kildekode
    left join kommunekoder as bk
        on l.betalingskommune_kildekode = bk.kildekode
    left join kommunekoder as ok
        on l.opholdskommune_kildekode = ok.kildekode
    left join vinduer as v
        on
            l.kommunekode = v.kommunekode
            and l.kildesystem = v.kildesystem

),

-- Who is to report: the acting municipality of the one stated, except for the paragraphs that a municipality keeps (Vallensbæk, §§ 95 and 96).
med_handlekommune as (

    select
        o.*,
        case
            when u.kommunekode is not null then o.angivet_handlekommunekode
            else coalesce(h.handlekommunekode, o.angivet_handlekommunekode)
        end as handlekommunekode,
        greatest(o.gyldig_fra, o.system_fra) as afgraenset_fra,
        least(o.gyldig_til, o.system_til) as afgraenset_til
    from oversat as o
    left join handlekommuner as h
        on o.angivet_handlekommunekode = h.kommunekode
    left join undtagelser as u
        on
            o.angivet_handlekommunekode = u.kommunekode
            and o.paragraf = u.paragraf

),

vurderet as (

    select
        *,
        case
            when kilde_id is null then 'noegle_mangler'
            when er_slettet is null then 'slettemaerke_ulaeseligt'
            when er_slettet then 'slettet_i_kilden'
            when person_id is null or not {{ cpr_er_gyldigt('cpr', 'last_day(leveret_periode)') }} then 'cpr_ugyldig'
            when gyldig_fra is null or gyldig_til is null then 'dato_ulaeselig'
            when gyldig_til <= gyldig_fra then 'slut_foer_start'
            when system_fra is null or afgraenset_til <= afgraenset_fra then 'andet_system_gaelder'
            when handlekommunekode <> kommunekode then 'anden_handlekommune'
        end as aarsag
    from med_handlekommune

),

-- The same key or the same service twice: one is kept, the others are set aside.
nummereret as (

    select
        *,
        row_number() over (
            partition by kommunekode, kildesystem, kilde_id, aarsag is null
            order by _linje
        ) as nr_i_noegle,
        row_number() over (
            partition by kommunekode, kildesystem, person_id, ydelseskode, tilbud_id, afgraenset_fra, aarsag is null
            order by gyldig_til desc, kilde_id asc, _linje asc
        ) as nr_i_ydelse
    from vurderet

),

final as (

    select
        kommunekode,
        kildesystem,
        tabel,
        kilde_id,
        leveret_periode,
        person_id,
        paragraf,
        ydelseskode,
        paragraf_kildekode,
        tilbudstype,
        tilbudstype_kildekode,
        tilbud_id,
        afgraenset_fra as gyldig_fra,
        afgraenset_til as gyldig_til,
        angivet_handlekommunekode as angivet_handle_kommunekode,
        betaling_kommunekode,
        opholds_kommunekode,
        ydelsesstatus,
        status_kildekode,
        omfang_timer_uge,
        er_akut,
        case
            when aarsag is not null then aarsag
            when nr_i_noegle > 1 or nr_i_ydelse > 1 then 'dublet'
        end as frasat_aarsag,
        _lokale_felter,
        _leverance_id,
        _fil,
        _linje
    from nummereret

)

select * from final
