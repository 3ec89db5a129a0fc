{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['person_id']}
) }}

with fakta as (

    select * from {{ kun_beroerte(ref('int_borger__faktum')) }}

),

perioder as (

    select * from {{ kun_beroerte(ref('std_borger__person_periode')) }}

),

nyeste as (

    select *
    from fakta
    where frasat_aarsag is null and faktum <> 'nummer'
    qualify row_number() over (partition by person_id, faktum, virkningsdato order by loebenr desc, _linje desc) = 1

),

gaeldende as (

    select * from nyeste
    where not er_annullering

),

personer as (

    select
        person_id,
        max_by(koen_modsiger_nummer, loebenr * 10000000000 + _linje) filter (where faktum = 'status') as koen_modsiger_nummer,
        min(virkningsdato) filter (where faktum = 'status' and vaerdi = 'doed') as doedsdato,
        max(virkningsdato) filter (where faktum = 'adresse') as sidste_tilflytning,
        max(case when faktum = 'status' then 1 else 0 end) as har_status,
        max_by(_leverance_id, loebenr * 10000000000 + _linje) as _leverance_id,
        max_by(_fil, loebenr * 10000000000 + _linje) as _fil,
        max_by(_linje, loebenr * 10000000000 + _linje) as _linje
    from gaeldende
    group by person_id

),

nuvaerende as (

    select * from perioder
    where gyldig_til = date '9999-12-31'

),

final as (

    select
        p.person_id,
        n.foedselsdato,
        n.koen,
        case when n.borgerstatus = 'doed' then p.doedsdato end as doedsdato,
        n.kommunekode,
        p.har_status = 0 as er_udledt,
        coalesce(p.koen_modsiger_nummer, false) as koen_modsiger_nummer,
        coalesce(n.borgerstatus = 'doed' and p.sidste_tilflytning > p.doedsdato, false) as er_flyttet_efter_doed,
        'cpr' as kildesystem,
        p.person_id as kilde_id,
        p._leverance_id,
        p._fil,
        p._linje
    from personer as p
    inner join nuvaerende as n
        on p.person_id = n.person_id

)

select * from final
