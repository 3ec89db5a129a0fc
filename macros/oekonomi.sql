{# What Økonomi says of itself to the models that all fagområder share (docs/tilfoej-et-fagomraade.md). #}
{% macro kvalitet_oekonomi() %}
    {{ return([
        {
            'model': 'int_oekonomi__postering',
            'kildekoder': {'beloebstype': 'vaerditype_kildekode'},
            'beloeb': 'beloeb_kr',
            'profil': {
                'beloebstype': {'ukendt': 'ukendt'}, 'funktion': {}, 'dranst': {}, 'ejerforhold': {}, 'gruppering': {}, 'art': {}, 'beloeb_kr': {},
                'bilag_id': {'angaar': "beloebstype = 'regnskab'"}, 'bogfoeringsdato': {'angaar': "beloebstype = 'regnskab'"},
            },
            'fordeling': {'noegler': ['hovedkonto', 'hovedfunktion', 'dranst'], 'taelles': "beloebstype = 'regnskab'"},
            'indhold': {
                'omfang': "beloebstype = 'regnskab'",
                'bevaegelser': true,
                'maal': ['beloeb_kr'],
                'koder': ['hovedkonto', 'hovedfunktion', 'funktion', 'dranst', 'ejerforhold', 'art'],
                'afledte': {'dato_periode': "case when periode = leverancens_maaned then 'i_maaneden' when periode < leverancens_maaned then 'foer' else 'efter' end"},
                'datoer': ['bogfoeringsdato'],
                'foelges': {
                    'noegle': ['kontostreng'],
                    'maal': {'beloeb_kr': artgruppe()},
                    'omfang': 'regnskabsperiode between 1 and 12',
                },
                'ens': ['kontostreng', 'beloeb_kr'],
                'maaned': 'periode',
            },
            'andet_indhold': {
                'budget': {'omfang': "beloebstype <> 'regnskab'", 'maal': ['beloeb_kr'], 'koder': ['beloebstype', 'dranst']},
            },
        },
    ]) }}
{% endmacro %}

{% macro lagafstemning_oekonomi() %}
    {{ return([
        {
            'standard': ref('std_oekonomi__postering'),
            'marts': ref('fct_oekonomi__bevaegelse'),
            'maal': {'beloeb_kr': ('sum(beloeb_kr)', 'sum(beloeb_kr)'), 'raekker': ('count(*)', 'sum(antal_posteringer)')},
        },
    ]) }}
{% endmacro %}

{# What an amount is paid for, by the art's first digit: what VAT is paid of (goods 2, purchases 3 and services 4), and pay (1). Of the rest a single large item says more than all others. #}
{% macro artgruppe() -%}
    case when substr(art, 1, 1) in ('2', '3', '4') then 'varer_og_tjenester' when substr(art, 1, 1) = '1' then 'loen' end
{%- endmacro %}

{% macro formler_oekonomi() %}{{ return(['formel_oekonomi']) }}{% endmacro %}
