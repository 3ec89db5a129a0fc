{#
  What is remembered of every delivery (models/kvalitet/leveranceprofil, leverancefordeling): the int_ models, their fields and their key fields. A new fagområde is
  one entry more. Counts and standard codes only: a field may be anything, for nothing but its emptiness is kept; a key field must be a code list's.

    begreb       what the rows are: deliveries are compared by it, across tables and systems
    felter       per field: the standard's code for unknown (none: the field has no code), and the rows it is about (all)
    noegler      the fields whose values are counted, for the rows of `noegler_for`; a value that is always there and is gone is a missing part
    aktuelle     the rows that hold in the delivery's month; the rest is history, which a new system need not bring
#}
{% macro leveranceprofiler() %}
    {{ return([
        {
            'model': 'int_oekonomi__postering', 'fagomraade': 'oekonomi', 'begreb': 'postering',
            'felter': {
                'beloebstype': ('ukendt', 'true'), 'funktion': (none, 'true'), 'dranst': (none, 'true'), 'ejerforhold': (none, 'true'),
                'gruppering': (none, 'true'), 'art': (none, 'true'), 'beloeb_kr': (none, 'true'),
                'bilag_id': (none, "beloebstype = 'regnskab'"), 'bogfoeringsdato': (none, "beloebstype = 'regnskab'"),
            },
            'noegler': ['hovedkonto', 'hovedfunktion', 'dranst'],
            'noegler_for': "beloebstype = 'regnskab'",
            'aktuelle': 'true',
        },
        {
            'model': 'int_voksne_handicap__ydelse', 'fagomraade': 'voksne_handicap', 'begreb': 'ydelse',
            'felter': {
                'paragraf': ('ukendt', 'true'), 'ydelseskode': ('ukendt', 'true'), 'ydelsesstatus': ('ukendt', 'true'), 'tilbud_id': (none, 'true'),
                'betaling_kommunekode': ('0998', 'true'), 'opholds_kommunekode': ('0998', 'true'), 'omfang_timer_uge': (none, 'true'),
                'gyldig_fra': (none, 'true'),
            },
            'noegler': ['paragraf'],
            'noegler_for': 'true',
            'aktuelle': 'gyldig_til > leveret_periode',
        },
        {
            'model': 'int_voksne_handicap__maalgruppe', 'fagomraade': 'voksne_handicap', 'begreb': 'maalgruppe',
            'felter': {'maalgruppe': ('ukendt', 'true')},
            'noegler': [],
            'noegler_for': 'true',
            'aktuelle': 'true',
        },
        {
            'model': 'int_borger__faktum', 'fagomraade': 'borger', 'begreb': 'faktum',
            'felter': {
                'vaerdi': ('ukendt', "faktum in ('status', 'civilstand')"), 'virkningsdato': (none, 'true'),
                'koen': ('ukendt', "tabel = 'person'"), 'foedselsdato': (none, "tabel = 'person'"),
            },
            'noegler': [],
            'noegler_for': 'true',
            'aktuelle': 'true',
        },
        {
            'model': 'int_borger__haendelse', 'fagomraade': 'borger', 'begreb': 'haendelse',
            'felter': {'haendelsesart': (none, 'true'), 'dato': (none, 'true'), 'kommunekode': ('0998', 'true')},
            'noegler': [],
            'noegler_for': 'true',
            'aktuelle': 'true',
        },
        {
            'model': 'int_borger__officielt_folketal', 'fagomraade': 'borger', 'begreb': 'officielt_folketal',
            'felter': {'koen': ('ukendt', 'true'), 'alder': (none, 'true'), 'antal_personer': (none, 'true')},
            'noegler': ['kommunekode'],
            'noegler_for': 'true',
            'aktuelle': 'true',
        },
    ]) }}
{% endmacro %}

{# Rows deleted at the source, or of a system that does not count on the date, are no part of what the delivery says. #}
{% macro profilens_raekker() -%}coalesce(frasat_aarsag, '') not in ('slettet_i_kilden', 'andet_system_gaelder'){%- endmacro %}
