{# What Personale says of itself to the models that all fagområder share (docs/tilfoej-et-fagomraade.md). #}
{% macro kvalitet_personale() %}
    {{ return([
        {
            'model': 'int_personale__organisation',
            'kildekoder': {'enhedstype': 'enhedstype_kildekode'},
            'profil': {'enhedstype': {'ukendt': 'ukendt'}, 'overordnet_enhed_id': {}, 'enhedsnavn': {}, 'p_nummer': {}},
            'indhold': {'koder': ['enhedstype'], 'foelges': {'noegle': ['enhed_id'], 'koder': ['enhedstype', 'overordnet_enhed_id']}},
        },
        {
            'model': 'int_personale__ansaettelse',
            'kildekoder': {'overenskomst': 'overenskomst_kildekode', 'ansaettelsesform': 'ansaettelsesform_kildekode', 'ansaettelsesstatus': 'ansaettelsesstatus_kildekode'},
            'profil': {
                'overenskomst': {'ukendt': 'ukendt'}, 'ansaettelsesform': {'ukendt': 'ukendt'}, 'ansaettelsesstatus': {'ukendt': 'ukendt'}, 'enhed_id': {},
                'stillingsbetegnelse': {}, 'beskaeftigelsesgrad': {}, 'ansat_dato': {},
            },
            'fordeling': {'noegler': ['overenskomst']},
            'indhold': {
                'person': 'person_id',
                'maal': ['beskaeftigelsesgrad'],
                'koder': ['overenskomst', 'ansaettelsesform', 'ansaettelsesstatus', 'er_timeloennet', 'er_leder'],
                'enhed': 'enhed_id',
                'datoer': ['ansat_dato'],
                'foelges': {
                    'noegle': ['ansaettelse_id'],
                    'koder': ['overenskomst', 'ansaettelsesform', 'ansaettelsesstatus', 'er_leder', 'enhed_id', 'ansat_dato'],
                    'maal': {'beskaeftigelsesgrad': "'alt'"},
                },
                'ens': ['person_id', 'enhed_id', 'overenskomst', 'ansaettelsesform', 'ansaettelsesstatus', 'ansat_dato', 'beskaeftigelsesgrad'],
            },
        },
        {
            'model': 'int_personale__loenlinje',
            'kildekoder': {'loenart': 'loenart_kildekode'},
            'beloeb': 'beloeb_kr',
            'profil': {'loenart': {'ukendt': 'ukendt'}, 'funktion': {}, 'ejerforhold': {}, 'beloeb_kr': {}, 'timer': {'angaar': "loenart = 'timeloen'"}},
            'fordeling': {'noegler': ['loenart'], 'mindst': 12},
            'indhold': {
                'person': 'person_id',
                'bevaegelser': true,
                'maal': ['beloeb_kr', 'timer'],
                'koder': ['loenart', 'funktion', 'art'],
                'ens': ['person_id', 'loenart', 'kontostreng', 'timer', 'beloeb_kr'],
                'maaned': 'periode',
            },
        },
        {
            'model': 'int_personale__fravaer',
            'kildekoder': {'fravaersaarsag': 'fravaersaarsag_kildekode'},
            'profil': {'fravaersaarsag': {'ukendt': 'ukendt'}, 'fravaer_fra': {}, 'timer': {}, 'er_delvis': {}},
            'fordeling': {'noegler': ['fravaersaarsag'], 'mindst': 12, 'kommer_og_gaar': ['ferie', 'omsorgsdage', 'seniordage']},
            'indhold': {
                'person': 'person_id',
                'bevaegelser': true,
                'maal': ['timer'],
                'koder': ['fravaersaarsag', 'er_delvis'],
                'afledte': {
                    'varighed': "case when " ~ dage_mellem('fravaer_fra', 'gyldig_til') ~ " <= 2 then 'kort' when " ~ dage_mellem('fravaer_fra', 'gyldig_til')
                    ~ " <= 14 then 'mellem' else 'lang' end",
                    'over_otte_timer_om_dagen': 'timer > 8 * ' ~ dage_mellem('gyldig_fra', 'gyldig_til'),
                },
                'datoer': ['fravaer_fra'],
                'ens': ['person_id', 'fravaersaarsag', 'timer', 'er_delvis'],
            },
        },
    ]) }}
{% endmacro %}

{% macro lagafstemning_personale() %}
    {{ return([
        {
            'standard': ref('std_personale__ansaettelse'),
            'marts': ref('fct_personale__ansaettelse_maaned'),
            'maal': {'ansaettelser': ('count(*)', 'sum(antal_ansaettelser)')},
        },
        {
            'standard': ref('std_personale__loenlinje'),
            'marts': ref('fct_personale__loen'),
            'maal': {'loen_kr': ('sum(beloeb_kr)', 'sum(beloeb_kr)')},
        },
        {
            'standard': ref('std_personale__fravaer'),
            'marts': ref('fct_personale__fravaer_maaned'),
            'maal': {'fravaerstimer': ('sum(timer)', 'sum(fravaerstimer)')},
        },
    ]) }}
{% endmacro %}

{% macro formler_personale() %}{{ return(['formel_personale']) }}{% endmacro %}

{#
  The share of full time, with four decimals: payroll systems write it in three ways, and two of them know no more. Each gives null where the text is not a number, or
  a number no employment can have.
#}

{# A fraction written with a decimal point: 0.8649. #}
{% macro som_grad(kolonne) -%}
    try_cast(round(try_cast({{ skrevet_som(kolonne, '-?[0-9]{1,3}([.][0-9]{1,6})?') }} as decimal(12, 6)), 4) as decimal(9, 4))
{%- endmacro %}

{# A part of a whole: 32.00 of 37.00 hours, 86,49 of 100. #}
{% macro grad_af(del, hele) -%}
    try_cast(round({{ del }} / nullif({{ hele }}, 0), 4) as decimal(9, 4))
{%- endmacro %}

{# A month's paid hours as a share of full time: 1,924 hours a year (37 a week for 52 weeks) are 160.33 a month. #}
{% macro grad_af_timer(timer) -%}
    {{ grad_af(timer, '160.33') }}
{%- endmacro %}

{# What a month's rows touch (meta.beroert): the month, and the next one, which is held against it to tell who has come and who has gone. #}
{% macro personale_beroert(maal, ny, i_skiver) -%}
    with raekker as (
        select kommunekode, periode from {{ maal }} where {{ i_skiver }}
        union
        select kommunekode, periode from {{ ny }}
    )
    select kommunekode, periode from raekker
    union
    select kommunekode, cast(periode + interval '1' month as date) as periode from raekker
{%- endmacro %}

{#
  What a month's pay lines touch (meta.beroert): the month, and the twelve after it, in which an employment without pay is on the account it was last paid from
  (int_personale__kontering). In ordinary running those months have not come yet, and cost nothing.
#}
{% macro personale_loen_beroert(maal, ny, i_skiver) -%}
    with raekker as (
        select kommunekode, periode from {{ maal }} where {{ i_skiver }}
        union
        select kommunekode, periode from {{ ny }}
    )
    {%- for n in range(13) %}
    {% if not loop.first %}union {% endif -%}
    select kommunekode, cast(periode + interval '{{ n }}' month as date) as periode from raekker
    {%- endfor %}
{%- endmacro %}

{#
  Whether a month's row of employment is somebody employed in it: std_personale__ansaettelse has those whose dates reach into the month; status fratraadt with an end
  that has not come says that they have left all the same.
#}
{% macro personale_er_ansat(a) -%}
    not ({{ a }}.ansaettelsesstatus = 'fratraadt' and {{ a }}.fratraadt_dato > {{ dato_plus_dage('last_day(' ~ a ~ '.periode)', 1) }})
{%- endmacro %}

{#
  The number of an employment among the person's in the month, those of the same kind alone (paid or not, and the condition): where it is 1 the person is counted, so that
  who has several is counted once. The order is that of the rows of fct_personale__ansaettelse_maaned.
#}
{% macro kun_een_gang(ansaettelse, kontering, betingelse=none) -%}
    row_number() over (
        partition by
            {{ ansaettelse }}.kommunekode,
            {{ ansaettelse }}.periode,
            {{ ansaettelse }}.person_id,
            {{ ansaettelse }}.ansaettelsesstatus{% if betingelse %},
            {{ betingelse }}{% endif %}
        order by
            {{ kontering }}.funktion,
            {{ kontering }}.ejerforhold,
            {{ ansaettelse }}.overenskomst,
            {{ ansaettelse }}.ansaettelsesform,
            {{ ansaettelse }}.kildesystem,
            {{ ansaettelse }}.ansaettelse_id
    )
{%- endmacro %}

{# CTEs that end in `maalt`: each absence's working days in the month, with what its employment is. A working day is 7.4 hours. Long is more than 30 calendar days of the
   whole absence; one that is still open (kendt_til) is counted to the end of its month. #}
{% macro maalt_fravaer() -%}
fravaer as (

    select
        *,
        case when fravaer_til >= date '9999-12-31' then gyldig_til else fravaer_til end as kendt_til
    from {{ kun_beroerte(ref('std_personale__fravaer')) }}

),

ansaettelser as (

    select * from {{ kun_beroerte(ref('std_personale__ansaettelse')) }}

),

konteringer as (

    select * from {{ kun_beroerte(ref('int_personale__kontering')) }}

),

maalt as (

    select
        f.kommunekode,
        f.periode,
        f.person_id,
        f.fravaersaarsag,
        f.timer,
        cast(f.timer / 7.4 as decimal(18, 6)) as dagsvaerk,
        case
            when {{ dage_mellem('f.fravaer_fra', 'f.kendt_til') }} > 30 then cast(f.timer / 7.4 as decimal(18, 6))
            else cast(0 as decimal(18, 6))
        end as dagsvaerk_lange,
        coalesce(k.funktion, 'ukendt') as funktion,
        coalesce(k.ejerforhold, 'ukendt') as ejerforhold,
        coalesce(e.overenskomst, 'ukendt') as overenskomst,
        coalesce(e.ansaettelsesform, 'ukendt') as ansaettelsesform,
        coalesce(k.er_nomenklaturrelevant, false) as er_nomenklaturrelevant
    from fravaer as f
    left join ansaettelser as e
        on
            f.kommunekode = e.kommunekode
            and f.periode = e.periode
            and f.kildesystem = e.kildesystem
            and f.ansaettelse_id = e.ansaettelse_id
    left join konteringer as k
        on
            f.kommunekode = k.kommunekode
            and f.periode = k.periode
            and f.kildesystem = k.kildesystem
            and f.ansaettelse_id = k.ansaettelse_id

)
{%- endmacro %}

{# Whether the row `m` is one that the selection `u` (formel_personaleudvalg) takes: '*' is everything, a list is separated by blanks, and causes may be named by the
   code list's (`a`) flag (er_...). #}
{% macro er_udvalgt(u, m, a) -%}
    ({{ u }}.funktion = '*' or {{ m }}.funktion = {{ u }}.funktion)
    and ({{ u }}.overenskomst = '*' or {{ m }}.overenskomst = {{ u }}.overenskomst)
    and ({{ u }}.ejerforhold = '*' or {{ m }}.ejerforhold = {{ u }}.ejerforhold)
    and (not {{ u }}.kun_nomenklaturrelevant or {{ m }}.er_nomenklaturrelevant)
    and ({{ u }}.ansaettelsesformer = '*' or ' ' || {{ u }}.ansaettelsesformer || ' ' like '% ' || {{ m }}.ansaettelsesform || ' %')
    and (
        {{ u }}.fravaersaarsager = '*'
        or ' ' || {{ u }}.fravaersaarsager || ' ' like '% ' || {{ m }}.fravaersaarsag || ' %'
        or ({{ a }}.er_egen_sygdom and ' ' || {{ u }}.fravaersaarsager || ' ' like '% er_egen_sygdom %')
        or ({{ a }}.er_arbejdsulykke and ' ' || {{ u }}.fravaersaarsager || ' ' like '% er_arbejdsulykke %')
    )
{%- endmacro %}
