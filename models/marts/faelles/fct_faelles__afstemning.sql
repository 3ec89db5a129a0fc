{{ config(materialized='table') }}

with afstemninger as (

    select * from {{ ref('afstemning') }}

),

officielle as (

    select
        *,
        cast(periode + antal_maaneder * interval '1' month as date) as naeste_periode
    from {{ ref('std_faelles__officielt_tal') }}
    where kommunekode is not null

),

formler as (

    select
        formel_id,
        opgoerelsesniveau
    from {{ ref('formel') }}

),

noegletal as (

    select
        noegletal_id,
        opgoerelsesniveau
    from {{ ref('dim_noegletal') }}

),

egne as (

    select
        'formel' as egen_art,
        v.formel_id as egen_id,
        f.opgoerelsesniveau,
        v.kommunekode,
        v.periode,
        v.vaerdi,
        v.observationsstatus
    from {{ ref('int_faelles__formelvaerdi') }} as v
    inner join formler as f
        on v.formel_id = f.formel_id
    union all
    select
        'noegletal' as egen_art,
        v.noegletal_id as egen_id,
        n.opgoerelsesniveau,
        v.kommunekode,
        v.periode,
        v.vaerdi,
        v.observationsstatus
    from {{ ref('int_faelles__kommunetal') }} as v
    inner join noegletal as n
        on v.noegletal_id = n.noegletal_id

),

perioder as (

    select
        periode,
        {{ dage_mellem('periode', 'sidste_dag') }} + 1 as dage
    from {{ ref('dim_periode') }}

),

par as (

    select
        a.afstemning_id,
        a.fagomraade,
        a.titel,
        a.officiel_tabel,
        a.egen_art,
        a.egen_id,
        a.sammenfatning,
        a.tolerance_andel,
        a.afrunding,
        a.grund,
        o.kommunekode,
        o.tid,
        o.periode,
        o.naeste_periode,
        o.antal_maaneder,
        -- wide while it is multiplied: the largest accounts are 50 billion kr.
        cast(cast(o.vaerdi as decimal(28, 5)) * a.faktor as decimal(18, 5)) as officiel_vaerdi
    from afstemninger as a
    inner join officielle as o
        on a.officiel_tabel = o.officiel_tabel

),

-- Our figures within the official period; a year's figure stands on 1 January and can only be held against a year. Preliminary ones say nothing yet.
opgjort as (

    select
        p.afstemning_id,
        p.kommunekode,
        p.tid,
        case p.sammenfatning
            when 'foerste' then max(case when e.periode = p.periode then e.vaerdi end)
            when 'sidste' then max(case when e.periode = cast(p.naeste_periode - interval '1' month as date) then e.vaerdi end)
            when 'sum' then case when count(e.vaerdi) = p.antal_maaneder then sum(e.vaerdi) end
            when 'gennemsnit' then case when count(e.vaerdi) = p.antal_maaneder then sum(e.vaerdi * d.dage) / sum(d.dage) end
        end as vaerdi
    from par as p
    inner join egne as e
        on
            p.egen_art = e.egen_art
            and p.egen_id = e.egen_id
            and p.kommunekode = e.kommunekode
            and e.periode >= p.periode
            and e.periode < p.naeste_periode
    inner join perioder as d
        on e.periode = d.periode
    where
        e.observationsstatus in ('som_leveret', 'aegte_nul')
        and (e.opgoerelsesniveau = 'M' or p.antal_maaneder = 12)
    group by
        p.afstemning_id,
        p.kommunekode,
        p.tid,
        p.sammenfatning,
        p.antal_maaneder

),

sammenholdt as (

    select
        p.*,
        cast(round(o.vaerdi, 5) as decimal(18, 5)) as vaerdi,
        cast(round(o.vaerdi, 5) - p.officiel_vaerdi as decimal(18, 5)) as afvigelse
    from par as p
    left join opgjort as o
        on
            p.afstemning_id = o.afstemning_id
            and p.kommunekode = o.kommunekode
            and p.tid = o.tid

),

final as (

    select
        afstemning_id,
        fagomraade,
        titel,
        officiel_tabel,
        kommunekode,
        periode,
        tid,
        vaerdi,
        officiel_vaerdi,
        afvigelse,
        {{ kvotient('afvigelse', 'officiel_vaerdi') }} as afvigelse_andel,
        tolerance_andel,
        case
            when afvigelse is null then 'ikke_relevant'
            when abs(afvigelse) > cast(abs(officiel_vaerdi) as decimal(28, 5)) * tolerance_andel and abs(afvigelse) > afrunding then 'afviger'
            else 'bestaaet'
        end as status,
        grund
    from sammenholdt

)

select * from final
