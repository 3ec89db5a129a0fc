{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    full_refresh=false,
    meta={'skive': ['_leverance_id'], 'behold': true}
) }}
-- A delivery is counted when it comes, and what was counted is kept when it is replaced: the next one is measured against it.
{#- A new fagområde is one line more per int_ model: what its rows are (begreb), and per field the standard's code for unknown (none: it has none) and the rows
    the field is about. Only emptiness and unknown codes are counted, so a field may be anything. #}
{%- set profiler = [
    ('int_oekonomi__postering', 'oekonomi', 'postering', [
        ('beloebstype', 'ukendt', 'true'), ('funktion', none, 'true'), ('dranst', none, 'true'), ('ejerforhold', none, 'true'), ('gruppering', none, 'true'),
        ('art', none, 'true'), ('beloeb_kr', none, 'true'),
        ('bilag_id', none, "beloebstype = 'regnskab'"), ('bogfoeringsdato', none, "beloebstype = 'regnskab'"),
    ]),
    ('int_voksne_handicap__ydelse', 'voksne_handicap', 'ydelse', [
        ('paragraf', 'ukendt', 'true'), ('ydelseskode', 'ukendt', 'true'), ('ydelsesstatus', 'ukendt', 'true'), ('tilbud_id', none, 'true'),
        ('betaling_kommunekode', '0998', 'true'), ('opholds_kommunekode', '0998', 'true'), ('omfang_timer_uge', none, 'true'), ('gyldig_fra', none, 'true'),
    ]),
    ('int_voksne_handicap__maalgruppe', 'voksne_handicap', 'maalgruppe', [('maalgruppe', 'ukendt', 'true')]),
    ('int_personale__organisation', 'personale', 'organisation', [('enhedstype', 'ukendt', 'true'), ('overordnet_enhed_id', none, 'true'), ('enhedsnavn', none, 'true'), ('p_nummer', none, 'true')]),
    ('int_personale__ansaettelse', 'personale', 'ansaettelse', [
        ('overenskomst', 'ukendt', 'true'), ('ansaettelsesform', 'ukendt', 'true'), ('ansaettelsesstatus', 'ukendt', 'true'), ('enhed_id', none, 'true'),
        ('stillingsbetegnelse', none, 'true'), ('beskaeftigelsesgrad', none, 'true'), ('ansat_dato', none, 'true'),
    ]),
    ('int_personale__loenlinje', 'personale', 'loenlinje', [
        ('loenart', 'ukendt', 'true'), ('funktion', none, 'true'), ('ejerforhold', none, 'true'), ('beloeb_kr', none, 'true'), ('timer', none, "loenart = 'timeloen'"),
    ]),
    ('int_personale__fravaer', 'personale', 'fravaer', [('fravaersaarsag', 'ukendt', 'true'), ('fravaer_fra', none, 'true'), ('timer', none, 'true'), ('er_delvis', none, 'true')]),
    ('int_borger__faktum', 'borger', 'faktum', [
        ('vaerdi', 'ukendt', "faktum in ('status', 'civilstand')"), ('virkningsdato', none, 'true'),
        ('koen', 'ukendt', "tabel = 'person'"), ('foedselsdato', none, "tabel = 'person'"),
    ]),
    ('int_borger__haendelse', 'borger', 'haendelse', [('haendelsesart', none, 'true'), ('dato', none, 'true'), ('kommunekode', '0998', 'true')]),
    ('int_borger__officielt_folketal', 'borger', 'officielt_folketal', [('koen', 'ukendt', 'true'), ('alder', none, 'true'), ('antal_personer', none, 'true')]),
] %}

with
{%- for navn, omraade, begreb, felter in profiler %}
optalt_{{ loop.index }} as (

    select
        {%- for felt, ukendt, angaar in felter %}
        {%- set er_ukendt = felt ~ " = '" ~ ukendt ~ "'" if ukendt else 'false' %}
        sum(case when {{ angaar }} then 1 else 0 end) as raekker_{{ felt }},
        sum(case when {{ angaar }} and {{ felt }} is null then 1 else 0 end) as tomme_{{ felt }},
        sum(case when {{ angaar }} and {{ er_ukendt }} then 1 else 0 end) as ukendte_{{ felt }},
        {%- endfor %}
        _leverance_id,
        kildesystem,
        tabel
    from {{ kun_beroerte(ref(navn)) }}
    -- deleted at the source, or of a system that does not count on that date: no part of what the delivery says
    where coalesce(frasat_aarsag, '') not in ('slettet_i_kilden', 'andet_system_gaelder')
    group by
        _leverance_id,
        kildesystem,
        tabel

),
{% endfor %}
samlet as (

    {%- for navn, omraade, begreb, felter in profiler %}
    {%- set nr = loop.index %}
    {%- for felt, ukendt, angaar in felter %}
    select
        _leverance_id,
        kildesystem,
        tabel,
        '{{ omraade }}' as fagomraade,
        '{{ begreb }}' as begreb,
        '{{ felt }}' as felt,
        raekker_{{ felt }} as antal_raekker,
        tomme_{{ felt }} as antal_tomme,
        ukendte_{{ felt }} as antal_ukendte
    from optalt_{{ nr }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}

),

final as (

    select
        _leverance_id,
        fagomraade,
        begreb,
        kildesystem,
        tabel,
        felt,
        cast(antal_raekker as bigint) as antal_raekker,
        cast(antal_tomme as bigint) as antal_tomme,
        cast(antal_ukendte as bigint) as antal_ukendte
    from samlet
    where antal_raekker > 0

)

select * from final
