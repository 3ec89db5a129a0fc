-- What a delivery says, as measures that can be compared from month to month and from one municipality to another: a level (rows, a mean) or a share
-- (a code's, what is negative). One row per municipality, month and measure: the value, and the number of rows or persons it rests on.
{#- From where, field, value, measure, of what, level or share, the value, what it rests on, persons per row, and when. #}
{%- set pr_raekke = 'coalesce(least(1, personer / raekker), 1)' %}
{#- What should hardly be there at all: few are something, and many rows in another month are not asked for. #}
{%- set sjaeldne = "('findes_ikke', 'doed', 'efter', 'andet', 'igen')" %}
{%- set maal = [
    ('kodedele', 'felt', 'vaerdi', 'fordeling', 'maal', 'andel', 'antal_med / antal', 'antal', "case when maal = 'personer' then 1 else " ~ pr_raekke ~ " end",
        "antal >= case when vaerdi in " ~ sjaeldne ~ " then 5 else 20 end"),
    ('beloebsdele', 'felt', 'vaerdi', 'beloebsdel', 'maal', 'andel', 'stoerrelse / ialt', 'least(raekker_plejer, coalesce(nullif(personer, 0), raekker_plejer))', '1', 'true'),
    ('tal', 'felt', 'vaerdi', 'forhold', 'maal', 'niveau', 'exp(logsum / antal_med)', 'antal_med', pr_raekke, "felt = 'forhold'"),
    ('ialt', "'alt'", "'alt'", 'antal', "'raekker'", 'niveau', 'raekker', 'raekker', pr_raekke, 'raekker > 0'),
    ('ialt', "'personer'", "'alt'", 'antal', "'personer'", 'niveau', 'personer', 'personer', '1', 'personer > 0'),
    ('filer', "'fil'", "'alt'", 'antal', "'raekker'", 'niveau', 'greatest(raekker, 0.5)', 'raekker', '1', 'true'),
    ('ialt', "'alt'", "'alt'", 'pr_person', "'raekker'", 'niveau', 'raekker / personer', 'personer', '1', 'personer > 0'),
    ('tal', 'felt', 'vaerdi', 'sum', 'maal', 'niveau', 'stoerrelse', 'antal_med', pr_raekke, "felt = 'alt' and stoerrelse > 0"),
    ('tal', 'felt', 'vaerdi', 'gennemsnit', 'maal', 'niveau', 'stoerrelse / antal_med', 'antal_med', pr_raekke, 'stoerrelse > 0 and antal_med >= 10'),
    ('tal', 'felt', 'vaerdi', 'typisk', 'maal', 'niveau', 'exp(logsum / antal_med)', 'antal_med', pr_raekke, 'stoerrelse > 0 and antal_med >= 10'),
    ('tal', 'felt', 'vaerdi', 'negativ', 'maal', 'andel', 'negativ / cast(stoerrelse as double)', 'antal_med', pr_raekke, 'stoerrelse > 0 and antal_med >= 10'),
    ('tal', 'felt', 'vaerdi', 'uden_tal', 'maal', 'andel', '1 - antal_med / raekker', 'raekker', pr_raekke, "felt = 'alt' and raekker >= 10"),
    ('sammenfald', "'maaned'", 'cast(maaneder_tilbage as varchar(80))', 'set_foer', "'raekker'", 'andel', 'andel', 'antal_sammenlignet', '1',
        'kommunekode = anden_kommunekode and er_bevaegelser'),
    ('gentagne', "'alt'", "'alt'", 'gentaget', "'raekker'", 'andel', '1 - antal_forskellige / cast(antal_raekker as double)', 'antal_raekker', '1', 'true'),
    ('sammenfald', "'kommune'", 'anden_kommunekode', 'andres', "'raekker'", 'andel', 'andel', 'antal_sammenlignet', '1', 'kommunekode <> anden_kommunekode and not er_den_rette'),
    ('frasatte', "'fil'", "'alt'", 'frasat', "'raekker'", 'andel', 'antal_frasat / cast(antal_ind as double)', 'antal_ind', '1', 'antal_ind > 0'),
    ('tomme', "'alt'", "'alt'", 'tom', "'raekker'", 'andel', '1.0', 'antal', '1', 'true'),
    ('formler', "'formel'", 'formel_id', 'vaerdi', "'raekker'", 'niveau', 'stoerrelse', 'antal', '1', 'true'),
    ('samme_filer', "'fil'", "'alt'", 'samme_fil', "'raekker'", 'andel', '1.0', 'raekker', '1', 'true'),
    ('genfortalte', "'i_gang'", 'vaerdi', 'genfortalt', 'maal', 'niveau', 'greatest(antal_nu, 0.5) / greatest(antal_foer, 0.5)', 'greatest(antal_nu, antal_foer)', '1',
        'antal_nu <> antal_foer'),
] %}
{#- What a delivery says of one concept, and of one code of it. #}
{%- set begrebets = ['fagomraade', 'begreb', 'kommunekode', 'kildesystem'] %}
{%- set leverancens = begrebets + ['periode', '_leverance_id'] %}
{%- set maalets = leverancens + ['felt', 'vaerdi', 'maaling', 'maal', 'art', 'er_landsdaekkende'] %}

with leverancer as (

    select
        leverance_id,
        kommunekode,
        kildesystem,
        fagomraade,
        fil,
        status,
        udtraekstype,
        sha256,
        {{ leverancens_maaned() }} as periode
    from {{ source('leverancer', 'leverance') }}
    where
        status in ('aktiv', 'erstattet')
        and kommunekode is not null
        -- a file about a part of a month cannot be expected to have all of it
        and (
            coalesce(udtraekstype, 'fuld') <> 'periode'
            or cast(coalesce(udtrukket, modtaget) as date) >= last_day(cast(periode as date))
        )

),

-- Of several deliveries for the same month the newest counts.
profiler as (

    select
        p.*,
        l.kommunekode,
        l.periode,
        max(p._leverance_id) over (partition by p.fagomraade, p.begreb, l.kommunekode, l.periode) as nyeste_id
    from {{ ref('indholdsprofil') }} as p
    inner join leverancer as l
        on p._leverance_id = l.leverance_id

),

profil as (

    select * from profiler
    where _leverance_id = nyeste_id

),

ialt as (

    select
        {{ leverancens | join(', ') }},
        cast(max(case when felt = 'alt' and maal = 'raekker' then antal end) as double) as raekker,
        cast(max(case when felt = 'personer' then antal end) as double) as personer
    from profil
    group by {{ leverancens | join(', ') }}

),

-- A code that the municipality uses in other months and not in this is a share of nothing.
koder as (

    select {{ (begrebets + ['felt', 'vaerdi', 'maal']) | join(', ') }}
    from profil
    where
        -- whose residents they are says whose rows they are (egne_borgere), and is no measure of its own
        felt not in ('alt', 'personer', 'person_bopael')
        and maal in ('raekker', 'personer')
        -- what others it is of: those that are known
        and vaerdi not in ('kendt', 'samme')
    group by {{ (begrebets + ['felt', 'vaerdi', 'maal']) | join(', ') }}
    -- That fewer than ten become none is within what chance makes (twice the root is no more than six). Whom CPR does not know are few, and should be none.
    having max(antal) >= 10 or vaerdi in {{ sjaeldne }}

),

filer as (

    select
        l.fagomraade,
        t.tabel as begreb,
        l.kommunekode,
        l.kildesystem,
        l.periode,
        l.leverance_id as _leverance_id,
        cast(t.raekker as double) as raekker
    from leverancer as l
    inner join {{ source('leverancer', 'leverance_tabel') }} as t
        on l.leverance_id = t.leverance_id
    -- a full extract grows with what has been; of the others the good rows are counted
    where l.udtraekstype = 'fuld'
    qualify row_number() over (partition by l.kommunekode, l.kildesystem, t.tabel, l.periode order by l.leverance_id desc) = 1

),

-- What is followed from the month before is a share of those that could be followed.
fulgte as (

    select
        _leverance_id,
        begreb,
        felt,
        maal,
        cast(sum(antal) as double) as antal
    from profil
    where felt = 'person_foelge' or felt like 'skift\_%' escape '\'
    group by
        _leverance_id,
        begreb,
        felt,
        maal

),

kodedele as (

    select
        i.*,
        k.felt,
        k.vaerdi,
        k.maal,
        cast(coalesce(p.antal, 0) as double) as antal_med,
        case
            when k.felt = 'person_foelge' or k.felt like 'skift\_%' escape '\' then f.antal
            when k.maal = 'personer' then i.personer
            else i.raekker
        end as antal
    from koder as k
    inner join ialt as i
        on {{ lige('k', 'i', begrebets) }}
    left join profil as p
        on
            i._leverance_id = p._leverance_id
            and k.begreb = p.begreb
            and k.felt = p.felt
            and k.vaerdi = p.vaerdi
            and k.maal = p.maal
    left join fulgte as f
        on
            i._leverance_id = f._leverance_id
            and k.begreb = f.begreb
            and k.felt = f.felt
            and k.maal = f.maal

),

-- A code's part of the kroner: a few large bills can be most of them, and the many lines of one person's pay are one person's.
beloebsdele as (

    select
        i.*,
        k.felt,
        k.vaerdi,
        t.maal,
        k.raekker_plejer,
        coalesce(p.stoerrelse, 0) as stoerrelse,
        cast(t.stoerrelse as double) as ialt
    from (
        select
            {{ (begrebets + ['felt', 'vaerdi']) | join(', ') }},
            median(antal) as raekker_plejer
        from profil
        where
            maal = 'raekker'
            and felt not in ('alt', 'enhed')
            and felt not like 'dato%'
            and felt not like 'maaned%'
        group by {{ (begrebets + ['felt', 'vaerdi']) | join(', ') }}
        having median(antal) >= 10
    ) as k
    inner join ialt as i
        on {{ lige('k', 'i', begrebets) }}
    inner join profil as t
        on
            i._leverance_id = t._leverance_id
            and k.begreb = t.begreb
            and t.felt = 'alt'
            and t.maal like '%\_kr' escape '\'
            and t.stoerrelse > 0
    left join profil as p
        on
            i._leverance_id = p._leverance_id
            and k.begreb = p.begreb
            and k.felt = p.felt
            and k.vaerdi = p.vaerdi
            and t.maal = p.maal

),

tal as (

    select
        p.*,
        cast(p.antal as double) as antal_med,
        i.raekker,
        i.personer
    from profil as p
    inner join ialt as i
        on
            p._leverance_id = i._leverance_id
            and p.begreb = i.begreb
    where
        p.maal not in ('raekker', 'personer')
        -- of a few rows neither the typical size nor the sign is known
        and (p.felt = 'alt' or (p.antal >= 20 and p.felt <> 'enhed' and p.felt not like 'dato%' and p.felt not like 'maaned%'))

),

-- How many of a delivery's persons live in the municipality that sends it.
egne_borgere as (

    select
        _leverance_id,
        begreb,
        sum(case when vaerdi = 'egen' then antal else 0 end) / cast(sum(antal) as double) as andel
    from profiler
    where felt = 'person_bopael'
    group by
        _leverance_id,
        begreb

),

-- Of two that have the same rows it is those whose own residents they are that sent the right ones.
sammenfald as (

    select
        s.*,
        l.kildesystem,
        {{ maaneder_mellem('s.anden_periode', 's.periode') }} as maaneder_tilbage,
        coalesce(e.andel >= 0.3 and e.andel > 3 * a.andel, false) as er_den_rette
    from {{ ref('indholdssammenfald') }} as s
    inner join leverancer as l
        on s._leverance_id = l.leverance_id
    left join egne_borgere as e
        on
            s._leverance_id = e._leverance_id
            and s.begreb = e.begreb
    left join egne_borgere as a
        on
            s.anden_leverance_id = a._leverance_id
            and s.begreb = a.begreb

),

gentagne as (

    select distinct
        s._leverance_id,
        s.fagomraade,
        s.begreb,
        l.kommunekode,
        l.kildesystem,
        l.periode,
        s.antal_raekker,
        s.antal_forskellige
    from {{ ref('indholdsskitse') }} as s
    inner join leverancer as l
        on s._leverance_id = l.leverance_id

),

frasatte as (

    select
        leverance_id as _leverance_id,
        fagomraade,
        tabel as begreb,
        kommunekode,
        kildesystem,
        periode,
        antal_frasat,
        antal_ind
    from {{ ref('raekkeregnskab') }}
    where
        antal_frasat > 0
        and kommunekode is not null

),

-- Nothing at all where there always is something: all of the figure is gone.
tomme as (

    select
        leverance_id as _leverance_id,
        fagomraade,
        begreb,
        kommunekode,
        kildesystem,
        periode,
        max(mindst_raekker) as antal
    from {{ ref('manglende_del') }}
    where
        vaerdi = 'alle'
        and kommunekode <> '0998'
    group by {{ (begrebets + ['periode', 'leverance_id']) | join(', ') }}

),

-- A full extract tells the earlier months again: what it says was in force then, beside what the one before said of the same month.
fuldt_fortalt as (

    select distinct {{ leverancens | join(', ') }}
    from profil
    where felt = 'i_gang'

),

-- A full extract of cases that is, byte by byte, one of the municipality's earlier months': of a hundred persons nobody has come or gone since. A smaller
-- one, and files of other kinds, can be the same for months.
samme_filer as (

    select i.*
    from ialt as i
    inner join leverancer as l
        on i._leverance_id = l.leverance_id
    inner join leverancer as f
        on
            l.kommunekode = f.kommunekode
            and l.kildesystem = f.kildesystem
            and l.sha256 = f.sha256
            and f.periode < l.periode
    where
        i.personer >= 100
        and i._leverance_id in (select t._leverance_id from fuldt_fortalt as t)

),

foelge as (

    select
        *,
        lag(_leverance_id) over (partition by {{ begrebets | join(', ') }} order by periode) as foer_id,
        substr(cast(lag(periode) over (partition by {{ begrebets | join(', ') }} order by periode) as varchar(10)), 1, 7) as foer_maaned
    from fuldt_fortalt

),

beggefortalte as (

    {%- for leverance, nu, foer in [('_leverance_id', 'p.antal', '0'), ('foer_id', '0', 'p.antal')] %}
    select
        d._leverance_id,
        d.fagomraade,
        d.begreb,
        d.kommunekode,
        d.kildesystem,
        d.periode,
        d.foer_maaned,
        p.vaerdi,
        p.maal,
        cast({{ nu }} as double) as nu,
        cast({{ foer }} as double) as foer
    from foelge as d
    inner join profil as p
        on
            d.{{ leverance }} = p._leverance_id
            and d.begreb = p.begreb
            and p.felt = 'i_gang'
    where
        d.foer_id is not null
        and p.maal <= d.foer_maaned
        and p.maal >= substr(cast(cast(d.periode - interval '12' month as date) as varchar(10)), 1, 7)
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}

),

genfortalte as (

    select
        {{ (leverancens + ['vaerdi', 'maal']) | join(', ') }},
        sum(nu) as antal_nu,
        sum(foer) as antal_foer
    from beggefortalte
    group by {{ (leverancens + ['vaerdi', 'maal']) | join(', ') }}

),

-- What it all is for: the formulas' own values; the series goes on when the system is another.
formler as (

    select
        *,
        'noegletal' as begreb,
        'alle' as kildesystem
    from {{ ref('indholdsformel') }}

),

maalinger as (

    {%- for kilde, felt, vaerdi, maaling, maal, art, nu, antal, personer, naar in maal %}
    select
        _leverance_id,
        fagomraade,
        kommunekode,
        periode,
        kildesystem,
        begreb,
        {{ felt }} as felt,
        {{ vaerdi }} as vaerdi,
        '{{ maaling }}' as maaling,
        {{ maal }} as maal,
        '{{ art }}' as art,
        {{ nu }} as vaerdi_nu,
        {{ antal }} as antal,
        {{ personer }} as personer_pr_raekke,
        false as er_landsdaekkende
    from {{ kilde }}
    where {{ naar }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
    {#- What comes for the whole country has no municipality's deliveries: the fagområde measures it itself. #}
    {%- for omraade in var('fagomraader') if 'indhold_' ~ omraade in context %}
    {%- for relation in context['indhold_' ~ omraade]() %}
    union all
    select
        _leverance_id,
        fagomraade,
        kommunekode,
        periode,
        kildesystem,
        begreb,
        felt,
        vaerdi,
        maaling,
        maal,
        art,
        vaerdi_nu,
        antal,
        1 as personer_pr_raekke,
        true as er_landsdaekkende
    from {{ relation }}
    {%- endfor %}
    {%- endfor %}

),

final as (

    select
        {{ maalets | join(', ') }},
        round(max(cast(vaerdi_nu as double)), 6) as vaerdi_nu,
        max(cast(antal as double)) as antal,
        max(cast(personer_pr_raekke as double)) as personer_pr_raekke
    from maalinger
    where vaerdi_nu is not null and antal is not null
    group by {{ maalets | join(', ') }}

)

select * from final
