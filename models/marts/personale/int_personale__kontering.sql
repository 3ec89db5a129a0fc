{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['kommunekode', 'periode'], 'beroert': 'personale_beroert'}
) }}

-- Where an employment is booked in a month: the account that bears most of its pay. FLIS filters on the account's ejerforhold (Ejerkode) and on whether
-- the pay is nomenklaturrelevant; both come from here. No pay line in a month says nothing of where one is employed (leave, hours paid a month later,
-- a pay line set aside): then it is the account of the last month with pay, of the twelve before; else the one most of the unit is on; else unknown.
-- `grundlag` says which. Why nothing later is looked at: docs/decisions/0024.
with loenlinjer as (

    select * from {{ kun_beroerte(ref('std_personale__loenlinje')) }}

),

ansaettelser as (

    select * from {{ kun_beroerte(ref('std_personale__ansaettelse')) }}

),

loenarter as (

    select * from {{ ref('loenart') }}

),

konti as (

    select
        l.kommunekode,
        l.periode,
        l.kildesystem,
        l.ansaettelse_id,
        l.funktion,
        l.ejerforhold,
        sum(l.beloeb_kr) as beloeb_kr,
        max(case when a.er_nomenklaturrelevant then 1 else 0 end) as relevant
    from loenlinjer as l
    inner join loenarter as a on l.loenart = a.loenart
    group by
        l.kommunekode,
        l.periode,
        l.kildesystem,
        l.ansaettelse_id,
        l.funktion,
        l.ejerforhold

),

nummereret as (

    select
        *,
        max(relevant) over (partition by kommunekode, periode, kildesystem, ansaettelse_id) = 1 as er_nomenklaturrelevant,
        row_number() over (
            partition by kommunekode, periode, kildesystem, ansaettelse_id
            order by beloeb_kr desc, funktion asc, ejerforhold asc
        ) as nr
    from konti

),

egne as (

    select
        kommunekode,
        periode,
        kildesystem,
        ansaettelse_id,
        funktion,
        ejerforhold,
        er_nomenklaturrelevant
    from nummereret
    where nr = 1

),

uden_loen as (

    select
        a.kommunekode,
        a.periode,
        a.kildesystem,
        a.ansaettelse_id,
        a.enhed_id
    from ansaettelser as a
    left join egne as e
        on
            a.kommunekode = e.kommunekode
            and a.periode = e.periode
            and a.kildesystem = e.kildesystem
            and a.ansaettelse_id = e.ansaettelse_id
    where e.ansaettelse_id is null

),

kendte as (

    select * from egne
    {%- if is_incremental() %}
    union all
    select
        t.kommunekode,
        t.periode,
        t.kildesystem,
        t.ansaettelse_id,
        t.funktion,
        t.ejerforhold,
        t.er_nomenklaturrelevant
    from {{ this }} as t
    where
        t.grundlag = 'maanedens_loen'
        and t.periode >= (select cast(min(u.periode) - interval '12' month as date) from uden_loen as u)
        and (t.kommunekode, t.periode) not in (
            select
                s.kommunekode,
                s.periode
            from {{ skive_tabel() }} as s
        )
    {%- endif %}

),

foer as (

    select
        u.kommunekode,
        u.periode,
        u.kildesystem,
        u.ansaettelse_id,
        k.funktion,
        k.ejerforhold,
        k.er_nomenklaturrelevant,
        row_number() over (
            partition by u.kommunekode, u.periode, u.kildesystem, u.ansaettelse_id
            order by k.periode desc
        ) as nr
    from uden_loen as u
    inner join kendte as k
        on
            u.kommunekode = k.kommunekode
            and u.kildesystem = k.kildesystem
            and u.ansaettelse_id = k.ansaettelse_id
            and k.periode < u.periode
            and k.periode >= cast(u.periode - interval '12' month as date)

),

-- What the unit's paid employees are on this month.
enheder as (

    select
        a.kommunekode,
        a.periode,
        a.kildesystem,
        a.enhed_id,
        e.funktion,
        e.ejerforhold,
        max(case when e.er_nomenklaturrelevant then 1 else 0 end) = 1 as er_nomenklaturrelevant,
        row_number() over (
            partition by a.kommunekode, a.periode, a.kildesystem, a.enhed_id
            order by count(*) desc, e.funktion asc, e.ejerforhold asc
        ) as nr
    from ansaettelser as a
    inner join egne as e
        on
            a.kommunekode = e.kommunekode
            and a.periode = e.periode
            and a.kildesystem = e.kildesystem
            and a.ansaettelse_id = e.ansaettelse_id
    where a.enhed_id is not null
    group by
        a.kommunekode,
        a.periode,
        a.kildesystem,
        a.enhed_id,
        e.funktion,
        e.ejerforhold

),

final as (

    select
        kommunekode,
        periode,
        kildesystem,
        ansaettelse_id,
        funktion,
        ejerforhold,
        er_nomenklaturrelevant,
        'maanedens_loen' as grundlag
    from egne
    union all
    select
        u.kommunekode,
        u.periode,
        u.kildesystem,
        u.ansaettelse_id,
        coalesce(f.funktion, e.funktion, 'ukendt') as funktion,
        -- nothing known of it: as the municipality's own, which nearly all are
        coalesce(f.ejerforhold, e.ejerforhold, '1') as ejerforhold,
        coalesce(f.er_nomenklaturrelevant, e.er_nomenklaturrelevant, true) as er_nomenklaturrelevant,
        case
            when f.ansaettelse_id is not null then 'tidligere_loen'
            when e.enhed_id is not null then 'enheden'
            else 'antaget'
        end as grundlag
    from uden_loen as u
    left join foer as f
        on
            u.kommunekode = f.kommunekode
            and u.periode = f.periode
            and u.kildesystem = f.kildesystem
            and u.ansaettelse_id = f.ansaettelse_id
            and f.nr = 1
    left join enheder as e
        on
            u.kommunekode = e.kommunekode
            and u.periode = e.periode
            and u.kildesystem = e.kildesystem
            and u.enhed_id = e.enhed_id
            and e.nr = 1

)

select * from final
