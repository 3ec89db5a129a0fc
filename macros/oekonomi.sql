{# What Økonomi says of itself to the models that all fagområder share (docs/tilfoej-et-fagomraade.md). #}
{% macro kvalitet_oekonomi() %}
    {{ return([
        {
            'model': 'int_oekonomi__postering',
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
                'afledte': {'leverancens_maaned': 'periode = leverancens_maaned'},
                'datoer': ['bogfoeringsdato'],
                'ens': ['kontostreng', 'beloeb_kr'],
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

{% macro formler_oekonomi() %}{{ return(['formel_oekonomi']) }}{% endmacro %}
