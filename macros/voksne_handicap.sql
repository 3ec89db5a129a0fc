{# What Voksne og handicappede says of itself to the models that all fagområder share (docs/tilfoej-et-fagomraade.md). #}
{% macro kvalitet_voksne_handicap() %}
    {{ return([
        {
            'model': 'int_voksne_handicap__ydelse',
            'kildekoder': {'ydelseskode': 'paragraf_kildekode', 'tilbudstype': 'tilbudstype_kildekode', 'ydelsesstatus': 'status_kildekode'},
            'sammenlaegges': true,
            'profil': {
                'paragraf': {'ukendt': 'ukendt'}, 'ydelseskode': {'ukendt': 'ukendt'}, 'ydelsesstatus': {'ukendt': 'ukendt'}, 'tilbud_id': {},
                'betaling_kommunekode': {'ukendt': '0998'}, 'opholds_kommunekode': {'ukendt': '0998'}, 'omfang_timer_uge': {}, 'gyldig_fra': {},
            },
            'fordeling': {'noegler': ['paragraf'], 'aktuelle': 'gyldig_til > leveret_periode'},
            'indhold': {
                'omfang': 'gyldig_til > leverancens_maaned',
                'person': 'person_id',
                'maal': ['omfang_timer_uge'],
                'koder': ['paragraf', 'ydelseskode', 'ydelsesstatus', 'er_akut'],
                'afledte': {'egen_betaling': 'betaling_kommunekode = kommunekode', 'eget_ophold': 'opholds_kommunekode = kommunekode'},
                'enhed': 'tilbud_id',
                'datoer': ['gyldig_fra'],
                'i_gang': {'fra': 'gyldig_fra', 'til': 'gyldig_til', 'kode': 'paragraf'},
                'ens': ['person_id', 'ydelseskode', 'tilbud_id', 'gyldig_fra', 'omfang_timer_uge'],
            },
        },
        {
            'model': 'int_voksne_handicap__maalgruppe',
            'kildekoder': {'maalgruppe': 'maalgruppe_kildekode'},
            'taelles': "tabel = 'maalgruppe'",
            'flyttes_af': 'std_voksne_handicap__ydelse',
            'profil': {'maalgruppe': {'ukendt': 'ukendt'}},
            'indhold': {'koder': ['maalgruppe']},
        },
    ]) }}
{% endmacro %}

{% macro lagafstemning_voksne_handicap() %}
    {{ return([
        {
            'standard': voksne_handicap_i_gang(),
            'marts': ref('fct_voksne_handicap__maaned'),
            'maal': {'ydelser': ('sum(antal)', 'sum(antal_ydelser)')},
        },
    ]) }}
{% endmacro %}

{% macro formler_voksne_handicap() %}{{ return(['formel_voksne_handicap']) }}{% endmacro %}

{#
  Services in force per municipality and month, counted from their intervals: how many have begun by the month, less how many have ended; each interval is looked at
  once, not once per month.
#}
{% macro voksne_handicap_i_gang() -%}
    (
        with til_og_fra as (
            select
                kommunekode,
                cast(date_trunc('month', gyldig_fra) as date) as maaned,
                count(*) as antal
            from {{ ref('std_voksne_handicap__ydelse') }}
            group by
                kommunekode,
                cast(date_trunc('month', gyldig_fra) as date)
            union all
            select
                kommunekode,
                -- the first month without it: the end is not included
                cast(date_trunc('month', {{ dato_plus_dage('gyldig_til', '-1') }}) + interval '1' month as date) as maaned,
                -count(*) as antal
            from {{ ref('std_voksne_handicap__ydelse') }}
            where gyldig_til < date '9999-12-31'
            group by
                kommunekode,
                cast(date_trunc('month', {{ dato_plus_dage('gyldig_til', '-1') }}) + interval '1' month as date)
        )

        select
            y.kommunekode,
            m.periode,
            sum(y.antal) as antal
        from til_og_fra as y
        inner join {{ ref('int_voksne_handicap__daekning') }} as d
            on y.kommunekode = d.kommunekode
        inner join {{ ref('dim_periode') }} as m
            on
                y.maaned <= m.periode
                and m.periode >= date '2015-01-01'
                and m.sidste_dag < d.daekket_til
        group by
            y.kommunekode,
            m.periode
        having sum(y.antal) <> 0
    )
{%- endmacro %}
