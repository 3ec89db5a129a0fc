-- What a delivery says, held against what the municipality's other months say of the same, less what happened to everybody that month; as many times the
-- usual swing, and as a share of what was expected. A first month is held against the other municipalities. Limits stand in the seed indholdsgraense.
{#- Levels are compared as logarithms and shares as angles: then the swing of a count of n rows is about 1/sqrt(n) either way, and one limit serves a small
    and a large municipality. What should not be there at all (other municipalities' rows, rows that could not be read) is held against nothing. #}
{#- What is nothing is measured as a half (indholdsmaaling), so that it has a logarithm; the whole as pi. -#}
{%- set intet = 0.51 %}
{%- set det_hele = 3.14159 %}
{%- set serie = ['fagomraade', 'begreb', 'felt', 'vaerdi', 'maaling', 'maal'] %}
{%- set egen_serie = ['kommunekode', 'kildesystem'] + serie %}
{#- What comes for the whole country at once is wrong for everybody at once, and a unit is one municipality's. -#}
{%- set er_faelles = "felt not in ('enhed') and not er_landsdaekkende" %}
{%- set mindst_kommuner = 8 %}
{#- In its first half year a municipality's own swing is not known (eget_udsving): what is not large must then be so many times over the limit before it
    holds anything. -#}
{%- set uden_eget_udsving = 2.5 %}
{#- Of the municipalities so many have moved as the country has, before it is the country's. -#}
{%- set mindst_enige = 0.2 %}
{%- set faelles_serie = ['fagomraade', 'begreb', 'felt', 'pulje', 'maaling', 'maal'] %}

with leverancer as (

    select
        leverance_id,
        kildesystem,
        fil
    from {{ source('leverancer', 'leverance') }}
    where status = 'aktiv'

),

-- Levels as logarithms, shares as angles. Units and months back have names of their own in each municipality, and are one measure to the country; the
-- country, where it is measured itself, is no municipality among them.
maalt as (

    select
        *,
        case
            when felt in ('enhed', 'maaned') then 'alle'
            when er_landsdaekkende and kommunekode = '0998' then 'landet ' || vaerdi
            else vaerdi
        end as pulje,
        case
            when art = 'niveau' then ln(vaerdi_nu)
            else 2 * asin(sqrt(least(greatest(vaerdi_nu, 0), 1)))
        end as f
    from {{ ref('indholdsmaaling') }}

),

-- What the month is to everybody: the season, a rise in prices, a code that was opened. Taken off each month before they are compared, so that a municipality
-- with a new system and three months behind it is not held to the season of those three.
maaneder as (

    select
        {{ faelles_serie | join(', ') }},
        periode,
        median(f - f_serie) as f_maaned
    from (
        select
            *,
            median(f) over (partition by {{ egen_serie | join(', ') }}) as f_serie
        from maalt
        where {{ er_faelles }}
    ) as s
    group by
        {{ faelles_serie | join(', ') }},
        periode
    having count(distinct kommunekode) >= {{ mindst_kommuner }}

),

uden_maaned as (

    select
        m.*,
        coalesce(a.f_maaned, 0) as f_maaned,
        m.f - coalesce(a.f_maaned, 0) as f_uden
    from maalt as m
    left join maaneder as a
        on {{ lige('m', 'a', ['periode'] + faelles_serie) }}

),

foregaaende as (

    select
        *,
        median(f) over (partition by {{ egen_serie | join(', ') }} order by periode rows between 12 preceding and 1 preceding) as f_plejede,
        median(f_uden) over (partition by {{ egen_serie | join(', ') }} order by periode rows between 12 preceding and 1 preceding) as f_foer,
        row_number() over (partition by {{ egen_serie | join(', ') }} order by periode) as nr
    from uden_maaned
    where maaling not in ('andres', 'frasat', 'tom', 'genfortalt', 'samme_fil')

),

-- The first three have too few before them: they are held against the six that follow, when three have come. Of the rest nobody looks ahead.
efterfoelgende as (

    select
        {{ egen_serie | join(', ') }},
        median(f) as f_plejer,
        median(f_uden) as f_efter
    from foregaaende
    where nr between 4 and 9
    group by {{ egen_serie | join(', ') }}
    having count(*) >= 3

),

ventede as (

    select
        *,
        f_plejede as f_plejer,
        f_foer as f_egen
    from foregaaende
    where nr > 3
    union all
    select
        f.*,
        e.f_plejer,
        e.f_efter as f_egen
    from foregaaende as f
    left join efterfoelgende as e
        on {{ lige('f', 'e', egen_serie) }}
    where f.nr <= 3

),

-- A count of rows rests on those that were expected as well.
egne as (

    select
        *,
        case when maaling = 'antal' and f_egen is not null then (antal + exp(f_egen + f_maaned)) / 2 else antal end as n_egne
    from ventede

),

-- What happened to everybody besides: against their own months, so that it does not matter which municipalities they are.
landet as (

    select
        {{ faelles_serie | join(', ') }},
        periode,
        count(*) as antal_kommuner,
        median(f_uden - f_egen) as f_landet,
        median(f - f_plejer) as f_aendring
    from egne
    where
        f_egen is not null
        and {{ er_faelles }}
    group by
        {{ faelles_serie | join(', ') }},
        periode

),

-- What is in no other month and comes to everybody in this one (exam marks, last year's late postings) comes as many as the municipality is large: no month
-- of its own says how many, and it is held against nothing.
ventet_i_maaneden as (

    select
        e.*,
        e.f_egen + e.f_maaned + case when l.antal_kommuner >= {{ mindst_kommuner }} then l.f_landet else 0 end as f_ventet
    from egne as e
    left join landet as l
        on {{ lige('e', 'l', ['periode'] + faelles_serie) }}
    where
        e.f_egen is not null
        and not (
            case when e.art = 'niveau' then exp(e.f_plejer) <= {{ intet }} else e.f_plejer = 0 or e.f_plejer > {{ det_hele }} end
            and coalesce(l.antal_kommuner >= {{ mindst_kommuner }} and abs(l.f_aendring) > 0.1, false)
        )

),

-- A formula counts other persons in July than in June: what it rests on follows its value.
afvigelser as (

    select *
    from (
        select
            *,
            f - f_ventet as d,
            case when maaling = 'vaerdi' then n_egne * (exp(f) + exp(f_ventet)) / 2 / exp(greatest(f, f_egen)) else n_egne end as n
        from ventet_i_maaneden
    ) as a
    where n >= 5

),

-- The usual swing: the country's per row, that month's where there are municipalities enough to say, and the municipality's own. Nine of ten lie within
-- it, so that what is wrong in a few does not widen it.
udsving as (

    select
        {{ faelles_serie | join(', ') }},
        -- of the country itself there is one a month: of so few the greatest is left out with more of the rest
        case
            when min(kommunekode) = '0998' then {{ fraktil('abs(d) * sqrt(n)', 0.8) }} / 1.28
            else greatest({{ fraktil('abs(d) * sqrt(n)', 0.9) }} / 1.645, median(abs(d) * sqrt(n)) * 1.4826)
        end as landets,
        case when min(kommunekode) = '0998' then 0 else {{ fraktil('abs(d)', 0.9) }} / 1.645 end as landets_andel
    from afvigelser
    group by {{ faelles_serie | join(', ') }}

),

maanedens_udsving as (

    select
        {{ faelles_serie | join(', ') }},
        periode,
        {{ fraktil('abs(d) * sqrt(n)', 0.9) }} / 1.645 as maanedens
    from afvigelser
    where not er_landsdaekkende
    group by
        {{ faelles_serie | join(', ') }},
        periode
    having count(*) >= 30

),

eget_udsving as (

    select
        {{ egen_serie | join(', ') }},
        {{ fraktil('abs(d)', 0.8) }} / 1.28 as eget
    from afvigelser
    group by {{ egen_serie | join(', ') }}
    having count(*) >= 4

),

-- No swing is less than chance alone makes: of what happens each for itself (births, moves) a count's own root.
mulige as (

    select *
    from (
        select
            *,
            case when art = 'andel' then 0.5 when felt in ('foedte_og_doede', 'flytninger') then 1 else 0.1 end as mindste
        from afvigelser
    ) as a
    where abs(d) * sqrt(n) > 3 * mindste

),

mod_egne as (

    select
        a.*,
        e.eget is not null as kender_udsving,
        abs(a.d) / greatest(
            greatest(u.landets, coalesce(m.maanedens, 0), a.mindste) / sqrt(a.n),
            -- a large municipality swings less than a small one, but not as little as its rows alone would say
            0.3 * u.landets_andel,
            coalesce(e.eget, 0)
        ) as z
    from mulige as a
    inner join udsving as u
        on {{ lige('a', 'u', faelles_serie) }}
    left join maanedens_udsving as m
        on {{ lige('a', 'm', ['periode'] + faelles_serie) }}
    left join eget_udsving as e
        on {{ lige('a', 'e', egen_serie) }}

),

-- A first month has no months to be held against: it is held against the other municipalities', on what does not follow a municipality's size.
andres as (

    select
        {{ faelles_serie | join(', ') }},
        periode,
        median(f) as f_ventet,
        median(n_egne) as n_ventet,
        {{ fraktil('f', 0.9) }} - {{ fraktil('f', 0.1) }} as f_bredde
    from egne
    where
        n_egne >= 20
        and (
            (felt = 'alt' and maaling in ('gennemsnit', 'typisk', 'negativ', 'uden_tal', 'pr_person'))
            or (maaling = 'fordeling' and felt <> 'enhed')
        )
    group by
        {{ faelles_serie | join(', ') }},
        periode
    having count(*) >= 10

),

mod_andre as (

    select
        e.*,
        e.n_egne as n,
        a.f_ventet,
        e.f - a.f_ventet as d,
        abs(e.f - a.f_ventet) / greatest(
            a.f_bredde / 2.56 * greatest(1, sqrt(a.n_ventet / e.n_egne)),
            case when e.art = 'andel' then 1 else 0.3 end / sqrt(e.n_egne),
            0.05
        ) as z
    from egne as e
    inner join andres as a
        on {{ lige('e', 'a', ['periode'] + faelles_serie) }}
    where
        e.f_egen is null
        and e.n_egne >= 20

),

samlet as (

    {%- for kilde, mod_hvad, n, z, f_ventet, kender_udsving, naar in [
        ('mod_egne', 'egne_maaneder', 'n', 'z', 'f_ventet', 'kender_udsving', 'true'),
        ('mod_andre', 'andre_kommuner', 'n', 'z', 'f_ventet', 'true', 'true'),
        ('maalt', 'ingen', 'antal', 'abs(f) * sqrt(antal)', '0.0', 'true', "maaling in ('andres', 'frasat', 'tom', 'genfortalt', 'samme_fil')"),
    ] %}
    select
        {{ serie | join(', ') }},
        kommunekode,
        kildesystem,
        periode,
        _leverance_id,
        art,
        vaerdi_nu,
        {{ n }} as n,
        {{ z }} as z,
        {{ f_ventet }} as f_ventet,
        {{ kender_udsving }} as kender_udsving,
        er_landsdaekkende,
        personer_pr_raekke,
        '{{ mod_hvad }}' as mod_hvad
    from {{ kilde }}
    where {{ naar }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}

),

-- How many municipalities have moved the way the country has, and at least a third as far (nobody at all is half a person): what one alone has done is its own.
enige as (

    select
        {%- for kolonne in serie %}
        l.{{ kolonne }},
        {%- endfor %}
        l.periode,
        count(
            distinct case
                when (k.f - k.f_ventet) / nullif(l.f - l.f_ventet, 0) >= 0.33 then k.kommunekode
            end
        ) as antal_enige
    from ventet_i_maaneden as l
    inner join ventet_i_maaneden as k
        on {{ lige('l', 'k', ['periode'] + serie) }}
    where
        l.er_landsdaekkende
        and l.kommunekode = '0998'
        and k.kommunekode <> '0998'
    group by
        {%- for kolonne in serie %}
        l.{{ kolonne }},
        {%- endfor %}
        l.periode

),

maalte_kommuner as (

    select
        fagomraade,
        periode,
        count(distinct kommunekode) as antal_kommuner
    from maalt
    where
        er_landsdaekkende
        and kommunekode <> '0998'
    group by
        fagomraade,
        periode

),

landets as (

    select e.*
    from enige as e
    inner join maalte_kommuner as m
        on
            e.fagomraade = m.fagomraade
            and e.periode = m.periode
    where e.antal_enige >= {{ mindst_enige }} * m.antal_kommuner

),

-- What is wrong with the whole country's is wrong with each municipality's.
kommuner as (

    select kommunekode from {{ ref('kommune') }}
    where not er_udledt

),

fordelt as (

    select
        {%- for kolonne in serie + [
            'kildesystem', 'periode', '_leverance_id', 'art', 'vaerdi_nu', 'n', 'z', 'f_ventet', 'kender_udsving', 'personer_pr_raekke', 'mod_hvad'
        ] %}
        s.{{ kolonne }},
        {%- endfor %}
        coalesce(k.kommunekode, s.kommunekode) as kommunekode,
        k.kommunekode is not null as er_landets
    from samlet as s
    left join landets as l
        on
            s.er_landsdaekkende
            and s.kommunekode = '0998'
            and {{ lige('s', 'l', ['periode'] + serie) }}
    left join kommuner as k
        on l.periode is not null
    where s.z > case when s.maaling = 'genfortalt' then 1 else 3 end

),

ventet as (

    select
        *,
        case
            when art = 'niveau' then exp(f_ventet)
            else power(sin(least(greatest(f_ventet, 0), 3.14159265) / 2), 2)
        end as vaerdi_ventet
    from fordelt

),

-- The kinds of field that share limits.
grupperet as (

    select
        *,
        case
            when felt in ('alt', 'enhed', 'fil', 'maaned', 'kommune', 'formel', 'i_gang', 'forhold') then felt
            -- should hardly be there at all
            when vaerdi in ('efter', 'igen') or (felt = 'person_foelge' and vaerdi = 'ny') then vaerdi
            when felt like 'skift\_%' escape '\' then 'skift'
            when felt like 'person%' then 'person'
            when felt like 'dato%' or felt like 'maaned%' then 'dato'
            else 'kode'
        end as feltslags
    from ventet

),

-- A code with rows enough that none is left of is gone, whatever the season: no new school year takes a grade away. So is what a formula counts.
bortfald as (

    select
        v.*,
        g.felt is not null as er_vaek,
        coalesce(g.felt, v.feltslags) as feltgruppe
    from grupperet as v
    left join {{ ref('indholdsgraense') }} as g
        on
            v.maaling = g.maaling
            and v.mod_hvad = g.mod_hvad
            and g.begreb = 'alle'
            and g.felt = 'vaek'
            and v.feltslags in ('kode', 'formel')
            and v.vaerdi_nu <= g.hoejst_nu
            and case v.maaling
                when 'vaerdi' then v.vaerdi_ventet
                when 'beloebsdel' then v.n
                else v.n * v.personer_pr_raekke * v.vaerdi_ventet
            end >= g.mindst_ventet

),

-- How far a figure that rests on the measure is moved: a level and a code by what it should have been, the rest by the rows or kroner concerned.
virkninger as (

    select
        *,
        case
            when er_vaek and maaling in ('fordeling', 'beloebsdel') then vaerdi_ventet
            when felt = 'flytninger' then abs(vaerdi_nu - vaerdi_ventet) / greatest(vaerdi_nu, vaerdi_ventet)
            when art = 'niveau' then abs(vaerdi_nu / vaerdi_ventet - 1)
            when maaling = 'negativ' then 2 * abs(vaerdi_nu - vaerdi_ventet) / greatest(abs(1 - 2 * vaerdi_ventet), 0.1)
            when
                maaling = 'fordeling'
                and felt <> 'enhed'
                and felt not like 'dato%'
                and felt not like '%maaned%'
                and felt not like 'person%'
                and feltslags <> 'skift'
                then abs(vaerdi_nu - vaerdi_ventet) / greatest(vaerdi_nu, vaerdi_ventet)
            else abs(vaerdi_nu - vaerdi_ventet)
        end as virkning,
        -- a level that is two and a half times another, or three of ten rows that are others
        case when art = 'niveau' then abs(ln(vaerdi_nu / vaerdi_ventet)) > 0.92 else abs(vaerdi_nu - vaerdi_ventet) > 0.3 end as er_stor,
        -- A person's rows follow each other (a payslip has twenty): how many persons it would take. One who comes or goes is no fault in a file.
        case
            -- a sum of parts of persons (absence) is moved by as many
            when er_vaek and maaling = 'vaerdi' then vaerdi_ventet
            when maaling = 'beloebsdel' then n
            when maaling = 'vaerdi' then least(n * (1 - least(vaerdi_nu, vaerdi_ventet) / greatest(vaerdi_nu, vaerdi_ventet)), abs(vaerdi_nu - vaerdi_ventet))
            when art = 'niveau' then n * personer_pr_raekke * (1 - least(vaerdi_nu, vaerdi_ventet) / greatest(vaerdi_nu, vaerdi_ventet))
            else n * personer_pr_raekke * abs(vaerdi_nu - vaerdi_ventet)
        end as flyttet
    from bortfald

),

graenser as (

    select
        v.*,
        -- a formula rests on all of the month's files
        case when v.felt <> 'formel' then l.fil end as fil,
        case when v.felt = 'formel' then l.kildesystem else v.kildesystem end as leverancens_system,
        coalesce(s.regel, g.regel) as regel,
        coalesce(s.z_advarsel, g.z_advarsel) as z_advarsel,
        coalesce(s.z_fejl, g.z_fejl) as z_fejl,
        coalesce(s.z_stor, g.z_stor) as z_stor,
        coalesce(s.virkning_advarsel, g.virkning_advarsel) as virkning_advarsel,
        coalesce(s.virkning_fejl, g.virkning_fejl) as virkning_fejl
    from virkninger as v
    inner join leverancer as l
        on v._leverance_id = l.leverance_id
    inner join {{ ref('indholdsgraense') }} as g
        on
            v.maaling = g.maaling
            and v.mod_hvad = g.mod_hvad
            and v.feltgruppe = g.felt
            and g.begreb = 'alle'
    left join {{ ref('indholdsgraense') }} as s
        on
            v.maaling = s.maaling
            and v.mod_hvad = s.mod_hvad
            and v.begreb = s.begreb
            -- a formula can have limits of its own
            and case when v.felt = 'formel' then v.vaerdi else v.felt end = s.felt
            and (not v.er_vaek or v.felt = 'formel')

),

final as (

    select
        _leverance_id,
        fagomraade,
        kommunekode,
        periode,
        leverancens_system as kildesystem,
        begreb,
        felt,
        vaerdi,
        maal,
        maaling,
        mod_hvad,
        fil,
        cast(n as bigint) as antal,
        cast(round(vaerdi_nu, 5) as decimal(18, 5)) as vaerdi_nu,
        cast(round(vaerdi_ventet, 5) as decimal(18, 5)) as vaerdi_ventet,
        cast(round(least(virkning, 1000000), 4) as decimal(18, 4)) as virkning,
        cast(round(least(z, 1000000), 2) as decimal(18, 2)) as udsving,
        cast(regel as integer) as regel,
        er_landets,
        case
            when
                flyttet >= 5 and virkning > virkning_fejl
                and (z > z_fejl * case when kender_udsving then 1 else {{ uden_eget_udsving }} end or (er_stor and z > z_stor))
                then 'fejl'
            when flyttet >= 3 and virkning > virkning_advarsel and z > z_advarsel then 'advarsel'
            else 'ingen'
        end as alvor
    from graenser
    where
        virkning > virkning_advarsel
        -- less of what was seen before, or stands twice, is no fault
        and (maaling not in ('set_foer', 'gentaget') or vaerdi_nu > vaerdi_ventet)

)

select * from final
