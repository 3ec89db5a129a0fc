{#- The files that come only in months that have something, by their contracts. #}
{%- set sjaeldne = ["('', '')"] %}
{%- if execute %}
{%- for t in (graph.sources or {}).values() | sort(attribute='unique_id') if ((t.config or {}).get('meta') or t.meta or {}).get('kun_med_raekker') %}
{%- do sjaeldne.append("('" ~ t.source_name ~ "', '" ~ t.name ~ "')") %}
{%- endfor %}
{%- endif %}

with opsaetning as (

    select
        kommunekode,
        fagomraade,
        kildesystem,
        kadence,
        try_cast(cast(gyldig_fra as string) as date) as gyldig_fra,
        coalesce(try_cast(cast(gyldig_til as string) as date), date '9999-12-31') as gyldig_til,
        lower(cast(instrueret as string)) = 'true' as er_instrueret
    from {{ source('opsaetning', 'kommune_opsaetning') }}

),

modtaget_i_alt as (

    select
        leverance_id,
        erstattet_af,
        kildesystem,
        filtype,
        kommunekode,
        status,
        cast(periode as date) as periode,
        coalesce(udtraekstype, 'fuld') = 'periode' as er_periodisk,
        coalesce(cast(udtrukket as date), cast(modtaget as date)) as udtraeksdato,
        coalesce(cast(periode as date), cast(date_trunc('month', coalesce(udtrukket, modtaget)) as date)) as maaned
    from {{ source('leverancer', 'leverance') }}
    where status in ('aktiv', 'erstattet', 'afvist', 'dublet', 'tilbagekaldt') and filtype is not null

),

-- What was withdrawn is counted, and is otherwise as if it had never come.
journal as (

    select * from modtaget_i_alt
    where status <> 'tilbagekaldt'

),

systemer as (

    select * from {{ ref('dim_kildesystem') }}

),

perioder as (

    select * from {{ ref('dim_periode') }}

),

-- The clock of the data: what is late is judged on the newest extract of any system, so that the same input gives the same table.
ur as (

    select max(udtraeksdato) as opgjort_dato
    from journal
    where status <> 'afvist'

),

forventet as (

    select
        o.kommunekode,
        o.fagomraade,
        o.kildesystem,
        p.periode,
        p.sidste_dag,
        u.opgjort_dato,
        coalesce(s.rolle, 'primaer') as rolle,
        coalesce(s.frist_dage, 14) as frist_dage,
        min(o.kadence) as kadence,
        bool_or(o.er_instrueret) as er_instrueret
    from opsaetning as o
    cross join ur as u
    inner join perioder as p
        on
            p.sidste_dag >= o.gyldig_fra
            and p.periode < o.gyldig_til
            and p.periode <= u.opgjort_dato
    left join systemer as s on o.kildesystem = s.kildesystem
    group by
        o.kommunekode,
        o.fagomraade,
        o.kildesystem,
        p.periode,
        p.sidste_dag,
        u.opgjort_dato,
        coalesce(s.rolle, 'primaer'),
        coalesce(s.frist_dage, 14)

),

-- The files a system is seen to deliver: for a period each where it delivers by period, else for every month.
filtyper as (

    select distinct
        kildesystem,
        filtype,
        er_periodisk,
        case when er_periodisk then periode end as periode
    from journal

),

periodisk as (

    select
        kildesystem,
        filtype,
        kommunekode,
        periode,
        min(udtraeksdato) as foerst_udtrukket,
        -- a file equal to the active one says that nothing has changed since: it covers until its own extract
        max(case when status in ('aktiv', 'dublet') then udtraeksdato end) as senest_udtrukket
    from journal
    where er_periodisk and status <> 'afvist'
    group by
        kildesystem,
        filtype,
        kommunekode,
        periode
    having max(case when status = 'aktiv' then 1 else 0 end) = 1

),

-- Full extracts and deltas cover everything up to their extract; a gap in deltas stops the dataset at load, so the newest active one says it all.
loebende as (

    select
        kildesystem,
        filtype,
        kommunekode,
        max(coalesce(last_day(periode), udtraeksdato)) as daekket_til,
        max(udtraeksdato) as senest_udtrukket
    from journal
    where not er_periodisk and status = 'aktiv'
    group by
        kildesystem,
        filtype,
        kommunekode

),

-- What a municipality has delivered in three of six months, it is to deliver in the next too: where nobody has sent the file this month (a system can have one
-- municipality alone), no one else's tells that it is missing. In a month of rest (absence in July) there may be none.
vaner as (

    select
        f.kommunekode,
        f.kildesystem,
        f.periode,
        p.filtype,
        true as er_periodisk
    from forventet as f
    inner join periodisk as p
        on
            f.kildesystem = p.kildesystem
            and f.kommunekode = p.kommunekode
            and p.periode < f.periode
            and p.periode >= cast(f.periode - interval '6' month as date)
    left join {{ ref('fuldstaendighed') }} as h
        on
            f.fagomraade = h.fagomraade
            and {{ er_hvilemaaned('h.hvilemaaneder', 'f.periode') }}
    where
        h.begreb is null
        and (p.kildesystem, p.filtype) not in ({{ sjaeldne | join(', ') }})
    group by
        f.kommunekode,
        f.kildesystem,
        f.periode,
        p.filtype
    having count(distinct p.periode) >= 3

),

ventede_filer as (

    select
        f.kommunekode,
        f.kildesystem,
        f.periode,
        t.filtype,
        t.er_periodisk
    from forventet as f
    inner join filtyper as t
        on f.kildesystem = t.kildesystem and (t.periode is null or t.periode = f.periode)
    union
    select * from vaner

),

filer as (

    select
        f.kommunekode,
        f.kildesystem,
        f.periode,
        t.filtype,
        coalesce(p.senest_udtrukket is not null or l.daekket_til >= f.sidste_dag, false) as er_modtaget,
        coalesce(p.foerst_udtrukket > {{ dato_plus_dage('f.sidste_dag', 'f.frist_dage') }}, false) as er_forsinket,
        case
            when p.senest_udtrukket is not null then least(p.senest_udtrukket, f.sidste_dag)
            when l.daekket_til >= f.periode then least(l.daekket_til, f.sidste_dag)
        end as daekket_til,
        case when p.senest_udtrukket is not null or l.daekket_til >= f.periode then coalesce(p.senest_udtrukket, l.senest_udtrukket) end as senest_udtrukket
    from forventet as f
    left join ventede_filer as t
        on f.kommunekode = t.kommunekode and f.kildesystem = t.kildesystem and f.periode = t.periode
    left join periodisk as p
        on
            t.kildesystem = p.kildesystem
            and t.filtype = p.filtype
            and t.er_periodisk
            and t.periode = p.periode
            and (f.kommunekode = p.kommunekode or p.kommunekode is null)
    left join loebende as l
        on
            t.kildesystem = l.kildesystem
            and t.filtype = l.filtype
            and not t.er_periodisk
            and (f.kommunekode = l.kommunekode or l.kommunekode is null)

),

modtaget as (

    select
        kommunekode,
        kildesystem,
        periode,
        cast(count(distinct coalesce(filtype, '')) as integer) as antal_forventet,
        cast(count(distinct case when er_modtaget then filtype end) as integer) as antal_modtaget,
        cast(count(distinct case when er_modtaget and er_forsinket then filtype end) as integer) as antal_forsinket,
        -- a file that has not come covers nothing, so neither does the whole
        case when count(daekket_til) = count(*) then min(daekket_til) end as daekket_til,
        count(daekket_til) > 0 as er_begyndt,
        max(senest_udtrukket) as senest_udtrukket
    from filer
    group by
        kommunekode,
        kildesystem,
        periode

),

-- Next month's full extract takes the place of this month's as it should; replaced here means by another delivery for the same month.
erstattet_og_afvist as (

    select
        j.kildesystem,
        j.kommunekode,
        j.maaned as periode,
        cast(count(case when j.status = 'erstattet' then 1 end) as integer) as antal_erstattet,
        cast(count(case when j.status = 'erstattet' and j.udtraeksdato = n.udtraeksdato then 1 end) as integer) as antal_erstattet_samme_dag,
        cast(count(case when j.status = 'afvist' then 1 end) as integer) as antal_afvist,
        cast(count(case when j.status = 'tilbagekaldt' then 1 end) as integer) as antal_tilbagekaldt
    from modtaget_i_alt as j
    left join journal as n on j.erstattet_af = n.leverance_id
    where j.status in ('afvist', 'tilbagekaldt') or (j.status = 'erstattet' and j.maaned = n.maaned)
    group by
        j.kildesystem,
        j.kommunekode,
        j.maaned

),

haendelser as (

    select
        f.kommunekode,
        f.kildesystem,
        f.periode,
        -- A weekly or daily extract that takes the place of the one before is the beat itself; replaced is then only the same day's, sent again.
        cast(sum(case when f.kadence = 'maaned' then e.antal_erstattet else e.antal_erstattet_samme_dag end) as integer) as antal_erstattet,
        cast(sum(e.antal_afvist) as integer) as antal_afvist,
        cast(sum(e.antal_tilbagekaldt) as integer) as antal_tilbagekaldt
    from forventet as f
    inner join erstattet_og_afvist as e
        on
            f.kildesystem = e.kildesystem
            and f.periode = e.periode
            and (f.kommunekode = e.kommunekode or e.kommunekode is null)
    group by
        f.kommunekode,
        f.kildesystem,
        f.periode

),

samlet as (

    select
        f.kommunekode,
        f.fagomraade,
        f.kildesystem,
        f.periode,
        f.rolle,
        f.kadence,
        f.er_instrueret,
        {{ dato_plus_dage('f.sidste_dag', 'f.frist_dage') }} as frist,
        f.opgjort_dato,
        m.antal_forventet,
        m.antal_modtaget,
        m.antal_forsinket,
        coalesce(h.antal_erstattet, 0) as antal_erstattet,
        coalesce(h.antal_afvist, 0) as antal_afvist,
        coalesce(h.antal_tilbagekaldt, 0) as antal_tilbagekaldt,
        m.er_begyndt,
        m.daekket_til,
        coalesce(m.daekket_til = f.sidste_dag, false) as er_fuldt_daekket,
        -- Weekly and daily beats are late inside the month too, once it has begun: by the set-up's beat and the days of grace.
        coalesce(
            f.kadence <> 'maaned'
            and m.er_begyndt
            and m.daekket_til < {{ dato_plus_dage(
                'least(f.opgjort_dato, f.sidste_dag)',
                "case f.kadence when 'uge' then -" ~ var('takt_dage')['uge'] ~ " else -" ~ var('takt_dage')['dag'] ~ " end"
            ) }},
            false
        ) as er_bagud,
        m.senest_udtrukket
    from forventet as f
    inner join modtaget as m
        on f.kommunekode = m.kommunekode and f.kildesystem = m.kildesystem and f.periode = m.periode
    left join haendelser as h
        on f.kommunekode = h.kommunekode and f.kildesystem = h.kildesystem and f.periode = h.periode

),

final as (

    select
        kommunekode,
        fagomraade,
        kildesystem,
        periode,
        rolle,
        kadence,
        er_instrueret,
        frist,
        opgjort_dato,
        case
            when not er_instrueret then 'ikke_instrueret'
            when er_bagud and antal_afvist = 0 then 'forsinket'
            when antal_modtaget = antal_forventet and antal_erstattet > 0 then 'erstattet'
            when antal_modtaget = antal_forventet then 'modtaget'
            when antal_afvist > 0 then 'afvist'
            when frist < opgjort_dato then 'forsinket'
            else 'forventet'
        end as status,
        case when er_instrueret then antal_forventet else 0 end as antal_forventet,
        antal_modtaget,
        antal_forsinket,
        case
            when er_instrueret and frist < opgjort_dato and antal_modtaget < antal_forventet then antal_forventet - antal_modtaget
            when er_instrueret and er_bagud then 1
            else 0
        end as antal_mangler,
        antal_erstattet,
        antal_afvist,
        antal_tilbagekaldt,
        er_begyndt,
        er_fuldt_daekket,
        daekket_til,
        senest_udtrukket
    from samlet

)

select * from final
