{# What Borger says of itself to the models that all fagområder share (docs/tilfoej-et-fagomraade.md). #}
{% macro kvalitet_borger() %}
    {{ return([
        {
            'model': 'int_borger__faktum',
            'kildekoder': {
                'borgerstatus': {'kildekode': 'status_kildekode', 'standard': 'vaerdi'}, 'koen': 'koen_kildekode',
                'civilstand': {'kildekode': 'civilstand_kildekode', 'standard': 'vaerdi'},
            },
            'ikke_gaeldende': "faktum = 'nummer'",
            'profil': {
                'vaerdi': {'ukendt': 'ukendt', 'angaar': "faktum in ('status', 'civilstand')"}, 'virkningsdato': {},
                'koen': {'ukendt': 'ukendt', 'angaar': "tabel = 'person'"}, 'foedselsdato': {'angaar': "tabel = 'person'"},
            },
        },
        {
            'model': 'int_borger__haendelse',
            'profil': {'haendelsesart': {}, 'dato': {}, 'kommunekode': {'ukendt': '0998'}},
        },
        {
            'model': 'int_borger__oevrig_post',
            'ikke_gaeldende': 'true',
        },
        {
            'model': 'int_borger__officielt_folketal',
            'profil': {'koen': {'ukendt': 'ukendt'}, 'alder': {}, 'antal_personer': {}},
            'fordeling': {'noegler': ['kommunekode']},
        },
    ]) }}
{% endmacro %}

{% macro lagafstemning_borger() %}
    {{ return([
        {
            'standard': borger_bestand(),
            'marts': ref('fct_borger__folketal'),
            'maal': {'personer': ('sum(antal)', 'sum(antal_personer)')},
        },
    ]) }}
{% endmacro %}

{# The register has no municipality's deliveries to be held against each other: what it says is measured per municipality and month. #}
{% macro indhold_borger() %}{{ return([ref('int_borger__indhold')]) }}{% endmacro %}

{% macro formler_borger() %}{{ return(['formel_borger']) }}{% endmacro %}

{#
  The stock of residents per municipality on the first of each month, counted from their intervals: how many have begun by the month, less how many have ended; each
  interval is looked at once, not once per month. At the beginning of the day: what happened before that month.
#}
{% macro borger_bestand() -%}
    (
        with til_og_fra as (
            select
                bopael_kommunekode as kommunekode,
                cast(date_trunc('month', gyldig_fra) as date) as maaned,
                count(*) as antal
            from {{ ref('std_borger__person_periode') }}
            where er_bosat
            group by
                bopael_kommunekode,
                cast(date_trunc('month', gyldig_fra) as date)
            union all
            select
                bopael_kommunekode as kommunekode,
                cast(date_trunc('month', gyldig_til) as date) as maaned,
                -count(*) as antal
            from {{ ref('std_borger__person_periode') }}
            where
                er_bosat
                and gyldig_til < date '9999-12-31'
            group by
                bopael_kommunekode,
                cast(date_trunc('month', gyldig_til) as date)
        )

        select
            b.kommunekode,
            m.periode,
            sum(b.antal) as antal
        from til_og_fra as b
        inner join {{ ref('int_borger__maaned') }} as m
            on b.maaned < m.periode
        group by
            b.kommunekode,
            m.periode
        having sum(b.antal) <> 0
    )
{%- endmacro %}

{# Age in completed years on a date. Born on 29 February: a year older on 1 March in years that are not leap years. #}
{% macro alder_paa(foedselsdato, dato) -%}
    (
        extract(year from {{ dato }}) - extract(year from {{ foedselsdato }})
        - case
            when extract(month from {{ dato }}) * 100 + extract(day from {{ dato }})
                < extract(month from {{ foedselsdato }}) * 100 + extract(day from {{ foedselsdato }}) then 1
            else 0
        end
    )
{%- endmacro %}

{# Whether a record annuls: A does, blank does not; anything else is null, and the int_ model sets the row aside. #}
{% macro cpr_annullering(kolonne) -%}
    case trim({{ kolonne }}) when 'A' then true when '' then false end
{%- endmacro %}

{# A date of effect in CPR: 00000000 and blank mean that the thing has always been so. #}
{% macro cpr_virkningsdato(kolonne) -%}
    case when replace(trim({{ kolonne }}), '0', '') = '' then date '1900-01-01' else {{ som_dato(kolonne, 'cpr') }} end
{%- endmacro %}

{#
  Entries to and exits from a municipality's population: what happens where one interval of a person ends and the next begins. Each entry
  and each exit is of exactly one kind, so that primo + movements = ultimo. A move within the municipality is neither, and is counted apart.
#}
{% macro borger_bevaegelser(relation) -%}
    (
        with skift as (
            select
                person_id,
                gyldig_fra as dato,
                er_bosat,
                bopael_kommunekode,
                borgerstatus,
                foedselsdato,
                tilflytningsdato,
                lag(person_id) over (partition by person_id order by gyldig_fra) is not null as er_kendt,
                coalesce(lag(er_bosat) over (partition by person_id order by gyldig_fra), false) as foer_bosat,
                lag(bopael_kommunekode) over (partition by person_id order by gyldig_fra) as foer_kommunekode,
                lag(borgerstatus) over (partition by person_id order by gyldig_fra) as foer_status,
                lag(tilflytningsdato) over (partition by person_id order by gyldig_fra) as foer_tilflytningsdato
            from {{ relation }}
        )

        select
            person_id,
            dato,
            bopael_kommunekode as kommunekode,
            1 as fortegn,
            case
                when foer_bosat then 'tilflyttet'
                when not er_kendt and dato = foedselsdato then 'foedt'
                when not er_kendt or foer_status in ('udrejst', 'groenland') then 'indvandret'
                when foer_status = 'forsvundet' then 'genfundet'
                else 'status_til'
            end as bevaegelsesart
        from skift
        where er_bosat and (not foer_bosat or foer_kommunekode <> bopael_kommunekode)
        union all
        select
            person_id,
            dato,
            foer_kommunekode as kommunekode,
            -1 as fortegn,
            case
                when er_bosat then 'fraflyttet'
                when borgerstatus = 'doed' then 'doed'
                when borgerstatus in ('udrejst', 'groenland') then 'udvandret'
                when borgerstatus = 'forsvundet' then 'forsvundet'
                else 'status_fra'
            end as bevaegelsesart
        from skift
        where foer_bosat and (not er_bosat or foer_kommunekode <> bopael_kommunekode)
        union all
        select
            person_id,
            dato,
            bopael_kommunekode as kommunekode,
            0 as fortegn,
            'intern_flytning' as bevaegelsesart
        from skift
        where er_bosat and foer_bosat and foer_kommunekode = bopael_kommunekode and tilflytningsdato <> foer_tilflytningsdato
    )
{%- endmacro %}

{#
  Who counts in the stock on the first of each month, at the beginning of the day: who moves in on the first is a movement of that month and counts from
  the next, as in the official statistics, so that primo + movements = ultimo. `maaneder` has the months (periode); with `efter_kommune` it has the
  municipality too, and of each municipality only its own months are made.
#}
{% macro borger_bosatte(perioder, maaneder, efter_kommune=false) -%}
    (
        select
            p.person_id,
            p.bopael_kommunekode as kommunekode,
            m.periode,
            {{ alder_paa('p.foedselsdato', 'm.periode') }} as alder,
            p.koen,
            p.civilstand,
            p.statsborgerskab
        from {{ perioder }} as p
        inner join {{ maaneder }} as m
            on
                {% if efter_kommune %}p.bopael_kommunekode = m.kommunekode and {% endif %}p.gyldig_fra < m.periode
                and p.gyldig_til >= m.periode
        where p.er_bosat
    )
{%- endmacro %}

{# The months a delivery date opens: the stock on the first of a month is known when the register has reported through the day before. #}
{% macro borger_bestandsmaaned(udtrukket) -%}
    cast(date_trunc('month', {{ dato_plus_dage('cast(' ~ udtrukket ~ ' as date)', 1) }}) as date)
{%- endmacro %}

{#
  What a change of intervals touches (meta.beroert of std_borger__person_periode): the municipalities and months where a touched person counts
  otherwise than before, in the stock or among the movements. A late correction thus touches the months it concerns and no others. A month
  that has just become known touches all municipalities, as does the month before it, whose movements are now complete; so does a month that a new
  full extract has made unknown.
#}
{% macro borger_beroert(maal, ny, i_skiver) -%}
    with gamle as (
        select person_id, gyldig_fra, gyldig_til, bopael_kommunekode, borgerstatus, er_bosat, foedselsdato, koen, civilstand, statsborgerskab, tilflytningsdato
        from {{ maal }}
        where {{ i_skiver }}
    ),

    nye as (
        select person_id, gyldig_fra, gyldig_til, bopael_kommunekode, borgerstatus, er_bosat, foedselsdato, koen, civilstand, statsborgerskab, tilflytningsdato
        from {{ ny }}
    ),

    maaneder as (
        select periode from {{ ref('int_borger__maaned') }}
    ),

    behandlede as (
        select l.udtrukket, l.udtraekstype
        from {{ source('leverancer', 'leverance') }} as l
        inner join drift.behandlet as b on l.leverance_id = b.leverance_id and b.model = '{{ model.name }}'
    ),

    kendte as (
        select distinct {{ borger_bestandsmaaned('d.udtrukket') }} as periode
        from behandlede as d
        where {{ borger_bestandsmaaned('d.udtrukket') }} > (select min(cast(f.udtrukket as date)) from behandlede as f where f.udtraekstype = 'fuld')
    ),

    gammel_bestand as (
        select g.person_id, m.periode, g.bopael_kommunekode, g.foedselsdato, g.koen, g.civilstand, g.statsborgerskab
        from gamle as g
        inner join maaneder as m on g.gyldig_fra < m.periode and g.gyldig_til >= m.periode
        where g.er_bosat
    ),

    ny_bestand as (
        select n.person_id, m.periode, n.bopael_kommunekode, n.foedselsdato, n.koen, n.civilstand, n.statsborgerskab
        from nye as n
        inner join maaneder as m on n.gyldig_fra < m.periode and n.gyldig_til >= m.periode
        where n.er_bosat
    ),

    forskel as (
        (select * from gammel_bestand except select * from ny_bestand)
        union all
        (select * from ny_bestand except select * from gammel_bestand)
    ),

    gamle_bevaegelser as (
        select person_id, dato, kommunekode, bevaegelsesart from {{ borger_bevaegelser('gamle') }} as b
    ),

    nye_bevaegelser as (
        select person_id, dato, kommunekode, bevaegelsesart from {{ borger_bevaegelser('nye') }} as b
    ),

    forskel_bevaegelser as (
        (select * from gamle_bevaegelser except select * from nye_bevaegelser)
        union all
        (select * from nye_bevaegelser except select * from gamle_bevaegelser)
    ),

    -- known now and not before; or known before and not now, when a new full extract has taken the place of the deliveries that told of it
    skiftede_maaneder as (
        (select periode from maaneder except select periode from kendte)
        union all
        (select periode from kendte except select periode from maaneder)
    )

    select bopael_kommunekode as kommunekode, periode from forskel
    union
    select kommunekode, cast(date_trunc('month', dato) as date) as periode from forskel_bevaegelser
    union
    select k.kommunekode, n.periode from {{ ref('kommune') }} as k cross join skiftede_maaneder as n
    union
    select k.kommunekode, cast(date_trunc('month', {{ dato_plus_dage('n.periode', -1) }}) as date) as periode
    from {{ ref('kommune') }} as k
    cross join skiftede_maaneder as n
{%- endmacro %}
