{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['_leverance_id']}
) }}
-- What the register says holds of a person from a date: status, address, civil status and citizenship in one shape. The rules about one
-- delivered record stand here; what several records make together stands in the std_ models. Typed once and stored, since a day's persons are computed from
-- all that was ever said of them. Stored by number, not by person: two numbers may turn out to be one person's (int_borger__personfaktum).
with personnoegler as (

    select * from {{ source('leverancer', 'person_noegle') }}

),

statusser as (

    select * from {{ ref('cpr_status') }}

),

civilstande as (

    select * from {{ ref('civilstand') }}

),

kommuner as (

    select kommunekode from {{ ref('kommune') }}
    where not er_udledt

),

person as (

    select
        p._leverance_id,
        p._fil,
        p._linje,
        p.kommunekode,
        p.kildesystem,
        p.kilde_id,
        p.tabel,
        p.loebenr,
        p.udtraeksdato,
        p.cpr,
        p.er_annullering,
        p.virkningsdato,
        -- A status about the number (replaced, annulled, duplicate) says nothing of the person.
        case when s.er_om_nummeret then 'nummer' else 'status' end as faktum,
        coalesce(s.borgerstatus, 'ukendt') as vaerdi,
        coalesce(s.er_bosat, false) as er_bosat,
        cast(null as boolean) as har_adressebeskyttelse,
        case when p.koen_kildekode in ('M', 'K') then p.koen_kildekode else 'ukendt' end as koen,
        p.foedselsdato,
        p.status_kildekode,
        p.koen_kildekode,
        cast(null as string) as civilstand_kildekode
    from {{ kun_beroerte(ref('stg_cpr__person')) }} as p
    left join statusser as s
        on p.status_kildekode = s.statuskode

),

adresse as (

    select
        a._leverance_id,
        a._fil,
        a._linje,
        a.kommunekode,
        a.kildesystem,
        a.kilde_id,
        a.tabel,
        a.loebenr,
        a.udtraeksdato,
        a.cpr,
        a.er_annullering,
        a.virkningsdato,
        'adresse' as faktum,
        -- A municipality that does not exist (old codes, mistyping) becomes the member for unknown.
        coalesce(k.kommunekode, '0998') as vaerdi,
        cast(null as boolean) as er_bosat,
        a.har_adressebeskyttelse,
        cast(null as string) as koen,
        cast(null as date) as foedselsdato,
        cast(null as string) as status_kildekode,
        cast(null as string) as koen_kildekode,
        cast(null as string) as civilstand_kildekode
    from {{ kun_beroerte(ref('stg_cpr__adresse')) }} as a
    left join kommuner as k
        on a.kommunekode = k.kommunekode

),

civilstand as (

    select
        c._leverance_id,
        c._fil,
        c._linje,
        c.kommunekode,
        c.kildesystem,
        c.kilde_id,
        c.tabel,
        c.loebenr,
        c.udtraeksdato,
        c.cpr,
        c.er_annullering,
        c.virkningsdato,
        'civilstand' as faktum,
        coalesce(k.civilstand, 'ukendt') as vaerdi,
        cast(null as boolean) as er_bosat,
        cast(null as boolean) as har_adressebeskyttelse,
        cast(null as string) as koen,
        cast(null as date) as foedselsdato,
        cast(null as string) as status_kildekode,
        cast(null as string) as koen_kildekode,
        c.civilstand_kildekode
    from {{ kun_beroerte(ref('stg_cpr__civilstand')) }} as c
    left join civilstande as k
        on c.civilstand_kildekode = k.civilstandskode

),

statsborgerskab as (

    select
        _leverance_id,
        _fil,
        _linje,
        kommunekode,
        kildesystem,
        kilde_id,
        tabel,
        loebenr,
        udtraeksdato,
        cpr,
        er_annullering,
        virkningsdato,
        'statsborgerskab' as faktum,
        coalesce(landekode, '5999') as vaerdi,
        cast(null as boolean) as er_bosat,
        cast(null as boolean) as har_adressebeskyttelse,
        cast(null as string) as koen,
        cast(null as date) as foedselsdato,
        cast(null as string) as status_kildekode,
        cast(null as string) as koen_kildekode,
        cast(null as string) as civilstand_kildekode
    from {{ kun_beroerte(ref('stg_cpr__statsborgerskab')) }}

),

samlet as (

    select * from person
    union all
    select * from adresse
    union all
    select * from civilstand
    union all
    select * from statsborgerskab

),

final as (

    select
        s._leverance_id,
        s._fil,
        s._linje,
        case when s.faktum = 'adresse' then s.vaerdi else '0998' end as kommunekode,
        s.kildesystem,
        s.kilde_id,
        s.tabel,
        s.loebenr,
        s.udtraeksdato,
        n.nummer_id,
        s.faktum,
        s.virkningsdato,
        s.er_annullering,
        s.vaerdi,
        s.er_bosat,
        s.har_adressebeskyttelse,
        s.koen,
        s.foedselsdato,
        s.status_kildekode,
        s.koen_kildekode,
        s.civilstand_kildekode,
        -- The last digit is odd for men; that a person's sex says otherwise is kept and shown, never put right.
        s.koen in ('M', 'K') and s.koen <> case when substr(n.cpr, 10, 1) in ('1', '3', '5', '7', '9') then 'M' else 'K' end as koen_modsiger_nummer,
        s.tabel = 'person' and s.foedselsdato <> {{ cpr_foedselsdato('n.cpr') }} as foedselsdato_modsiger_nummer,
        case
            when n.cpr is null or not {{ cpr_er_gyldigt('n.cpr', 's.udtraeksdato') }} then 'cpr_ugyldig'
            when s.er_annullering is null then 'handling_ukendt'
            when s.virkningsdato is null then 'dato_ulaeselig'
            when
                s.tabel = 'person'
                and (
                    s.foedselsdato is null
                    or s.foedselsdato > s.udtraeksdato
                    or {{ alder_paa('s.foedselsdato', 's.udtraeksdato') }} > 125
                )
                then 'foedselsdato_ugyldig'
        end as frasat_aarsag
    from samlet as s
    left join personnoegler as n
        on s.cpr = n.cpr

)

select * from final
