{# What Skole says of itself to the models that all fagområder share (docs/tilfoej-et-fagomraade.md). #}
{% macro kvalitet_skole() %}
    {{ return([
        {
            'model': 'int_skole__institution',
            'kildekoder': {'institutionstype': 'institutionstype_kildekode'},
            'profil': {'institutionstype': {'ukendt': 'ukendt'}, 'institutionsnavn': {}, 'ejer_kommunekode': {'ukendt': '0998', 'angaar': "institutionstype = '1012'"}},
            'indhold': {'koder': ['institutionstype'], 'foelges': {'noegle': ['institutionsnummer'], 'koder': ['institutionstype', 'ejer_kommunekode']}},
        },
        {
            'model': 'int_skole__klasse',
            'kildekoder': {'klassetrin': 'klassetrin_kildekode', 'klassetype': 'klassetype_kildekode'},
            'profil': {'klassetrin': {'ukendt': 'ukendt'}, 'klassetype': {'ukendt': 'ukendt'}, 'institutionsnummer': {}, 'klassebetegnelse': {}, 'skoleaar': {}},
            'indhold': {
                'koder': ['klassetrin', 'klassetype'],
                'enhed': 'institutionsnummer',
                'foelges': {'noegle': ['klasse_id'], 'koder': ['klassetrin', 'klassetype', 'institutionsnummer']},
                'ens': ['klasse_id', 'institutionsnummer', 'klassetrin', 'klassetype'],
            },
        },
        {
            'model': 'int_skole__elevforloeb',
            'kildekoder': {'klassetrin': 'klassetrin_kildekode', 'elevtype': 'elevtype_kildekode'},
            'profil': {
                'klassetrin': {'ukendt': 'ukendt'}, 'elevtype': {'ukendt': 'ukendt'}, 'klasse_id': {}, 'institutionsnummer': {}, 'er_tosproget': {}, 'skoledistrikt': {},
                'betaling_kommunekode': {'ukendt': '0998'}, 'tilhoer_kommunekode': {'ukendt': '0998'}, 'bopael_kommunekode': {'ukendt': '0998'}, 'skoleaar': {}, 'skoledage': {},
            },
            'fordeling': {'noegler': ['klassetrin'], 'hviler': [8]},
            'indhold': {
                'person': 'person_id',
                'maal': ['skoledage'],
                'koder': ['klassetrin', 'elevtype', 'er_tosproget', 'har_cpr_bopael'],
                'afledte': {'bor_i_kommunen': 'bopael_kommunekode = kommunekode', 'har_betaling': 'betaling_kommunekode is not null'},
                'personkoder': {
                    'person_alder_i_0_klasse': "case when {klassetrin} between '00' and '10' then extract(year from l.leverancens_maaned)"
                    ~ " - case when extract(month from l.leverancens_maaned) < 8 then 1 else 0 end - extract(year from b.foedselsdato) - cast({klassetrin} as integer) end",
                },
                'enhed': 'institutionsnummer',
                'datoer': ['gyldig_fra'],
                'foelges': {
                    'noegle': ['person_id'],
                    'koder': ['klassetrin', 'elevtype', 'er_tosproget', 'institutionsnummer', 'bopael_kommunekode', 'betaling_kommunekode', 'tilhoer_kommunekode'],
                },
                'ens': ['person_id', 'institutionsnummer', 'klasse_id', 'klassetrin', 'elevtype'],
            },
        },
        {
            'model': 'int_skole__fravaer',
            'kildekoder': {'fravaersart': 'fravaersart_kildekode'},
            'profil': {'fravaersart': {'ukendt': 'ukendt'}, 'dato': {}, 'andel': {}},
            'fordeling': {'noegler': ['fravaersart'], 'hviler': [7], 'mindst': 12},
            'indhold': {
                'person': 'person_id',
                'bevaegelser': true,
                'maal': ['andel'],
                'koder': ['fravaersart'],
                'afledte': {'er_hel_dag': 'andel = 1'},
                'datoer': ['dato'],
                'ens': ['person_id', 'fravaersart', 'andel', 'extract(day from dato)'],
            },
        },
        {
            'model': 'int_skole__specialundervisning',
            'kildekoder': {'tilbudstype': 'tilbudstype_kildekode'},
            'profil': {'tilbudstype': {'ukendt': 'ukendt'}, 'timer_pr_uge': {}, 'takstgruppe': {}, 'visitationsdato': {}},
            'indhold': {
                'person': 'person_id',
                'maal': ['timer_pr_uge'],
                'koder': ['tilbudstype', 'takstgruppe'],
                'datoer': ['visitationsdato'],
                'foelges': {'noegle': ['foranstaltning_id'], 'koder': ['tilbudstype', 'takstgruppe'], 'maal': {'timer_pr_uge': "'alt'"}},
                'ens': ['person_id', 'tilbudstype', 'timer_pr_uge', 'takstgruppe', 'visitationsdato'],
            },
        },
        {
            'model': 'int_skole__karakter',
            'kildekoder': {'klassetrin': 'klassetrin_kildekode', 'proevefag': 'fag_kildekode', 'proevetype': 'proevetype_kildekode', 'karakter': 'karakter_kildekode'},
            'profil': {'proevefag': {'ukendt': 'ukendt'}, 'proevetype': {'ukendt': 'ukendt'}, 'klassetrin': {'ukendt': 'ukendt'}, 'karakter': {'ukendt': 'ukendt'}},
            'indhold': {
                'person': 'person_id',
                'bevaegelser': true,
                'koder': ['proevefag', 'proevetype', 'klassetrin', 'karakter'],
                'enhed': 'institutionsnummer',
                'ens': ['person_id', 'proevefag', 'proevetype', 'karakter'],
            },
        },
    ]) }}
{% endmacro %}

{% macro lagafstemning_skole() %}
    {{ return([
        {
            'standard': ref('std_skole__elevforloeb'),
            'marts': ref('fct_skole__elev_maaned'),
            'maal': {'elever': ('count(distinct case when ' ~ gaelder_den_femte() ~ ' then person_id end)', 'sum(antal_elever)')},
        },
        {
            'standard': ref('std_skole__klasse'),
            'marts': ref('fct_skole__klasse_maaned'),
            'maal': {'klasser': ('count(*)', 'count(*)')},
        },
        {
            'standard': ref('std_skole__fravaer'),
            'marts': ref('fct_skole__fravaer_maaned'),
            'maal': {'fravaersdage': ('sum(andel)', 'sum(fravaersdage)')},
        },
        {
            'standard': ref('std_skole__specialundervisning'),
            'marts': ref('fct_skole__specialundervisning'),
            'maal': {'foranstaltninger': ('sum(case when ' ~ gaelder_den_femte() ~ ' then 1 else 0 end)', 'sum(antal_foranstaltninger)')},
        },
        {
            'standard': ref('std_skole__karakter'),
            'marts': ref('fct_skole__karakter'),
            'maal': {'karakterer': ("sum(case when karakter <> 'ukendt' then 1 else 0 end)", 'sum(antal_karakterer + antal_udeblevet)')},
        },
    ]) }}
{% endmacro %}

{% macro formler_skole() %}{{ return(['formel_skole']) }}{% endmacro %}

{# Whether an interval holds on the 5th, the day of the month on which pupils are counted (5 September is the school year's reference date). #}
{% macro gaelder_den_femte() -%}
    gyldig_fra <= {{ dato_plus_dage('periode', 4) }} and gyldig_til > {{ dato_plus_dage('periode', 4) }}
{%- endmacro %}

{# A pupil's days absent as a share of its school days; one without school days has none. #}
{% macro elevens_andel(dage) -%}
    cast(round({{ dage }} / nullif(skoledage, 0), 5) as decimal(18, 5))
{%- endmacro %}

{#
  What the school systems write in three ways. Each macro gives null where the text is not what it should be.
#}

{# A municipality's code of three or four digits as the standard's four. #}
{% macro som_kommunekode(kolonne) -%}
    lpad(nullif({{ skrevet_som(kolonne, '[0-9]{3,4}') }}, ''), 4, '0')
{%- endmacro %}

{# A date as its eight digits (20260203), as part of a key. #}
{% macro datocifre(dato) -%}
    replace(cast({{ dato }} as varchar(10)), '-', '')
{%- endmacro %}

{# The first month of a month's school year, August to July. #}
{% macro skoleaar_start(periode) -%}
    cast(date_trunc('year', {{ periode }} - interval '7' month) + interval '7' month as date)
{%- endmacro %}

{# What a month's rows touch (meta.beroert): the month, and the rest of its school year, for which absence and marks are counted to date. #}
{% macro skole_beroert(maal, ny, i_skiver) -%}
    with raekker as (
        select kommunekode, periode from {{ maal }} where {{ i_skiver }}
        union
        select kommunekode, periode from {{ ny }}
    )
    {%- for n in range(12) %}
    {%- set senere = "periode + interval '" ~ n ~ "' month" %}
    {% if not loop.first %}union {% endif -%}
    select kommunekode, cast({{ senere }} as date) as periode from raekker where {{ skoleaar_start(senere) }} = {{ skoleaar_start('periode') }}
    {%- endfor %}
{%- endmacro %}
