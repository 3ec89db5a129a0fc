-- The facts as measures in one long form: what a formula can take (the seed formel_personaleudvalg).
{#- Each with the persons that it counts, and not those of the row: a leader's row has others in it. #}
{%- set fra_ansaettelser = [
    ('fuldtidsbeskaeftigede', 'fuldtidsbeskaeftigede', 'antal_personer_en_gang'),
    ('ansaettelser', 'antal_ansaettelser', 'antal_personer_en_gang'),
    ('deltidsansaettelser', 'antal_deltidsansaettelser', 'antal_deltidspersoner_en_gang'),
    ('ledere', 'antal_ledere', 'antal_lederpersoner_en_gang'),
    ('ikke_ledere', 'antal_ansaettelser - antal_ledere', 'antal_ikke_lederpersoner_en_gang'),
    ('mulige_dagsvaerk', 'mulige_dagsvaerk', 'antal_personer_en_gang'),
] %}
{%- set fra_fravaer = [
    ('fravaersdagsvaerk', 'fravaersdagsvaerk', 'antal_personer_en_gang'),
    ('fravaersdagsvaerk_lange', 'fravaersdagsvaerk_lange', 'antal_personer_lange_en_gang'),
] %}

with former as (

    select * from {{ ref('ansaettelsesform') }}

),

ansaettelser as (

    select * from {{ ref('fct_personale__ansaettelse_maaned') }}
    where ansaettelsesstatus = 'i_loen'

),

fravaer as (

    select * from {{ ref('fct_personale__fravaer_maaned') }}

),

loen as (

    select * from {{ ref('fct_personale__loen') }}

),

samlet as (

    {%- for maal, udtryk, personer in fra_ansaettelser %}
    select
        '{{ maal }}' as maal,
        kommunekode,
        periode,
        funktion,
        ejerforhold,
        overenskomst,
        ansaettelsesform,
        er_nomenklaturrelevant,
        '-' as fravaersaarsag,
        cast({{ udtryk }} as decimal(18, 5)) as vaerdi,
        {{ personer }} as antal_personer
    from ansaettelser
    union all
    {%- endfor %}
    {%- for maal, udtryk, personer in fra_fravaer %}
    select
        '{{ maal }}' as maal,
        kommunekode,
        periode,
        funktion,
        ejerforhold,
        overenskomst,
        ansaettelsesform,
        er_nomenklaturrelevant,
        fravaersaarsag,
        cast({{ udtryk }} as decimal(18, 5)) as vaerdi,
        {{ personer }} as antal_personer
    from fravaer
    union all
    {%- endfor %}
    select
        'bruttoloen' as maal,
        kommunekode,
        periode,
        funktion,
        ejerforhold,
        '-' as overenskomst,
        '-' as ansaettelsesform,
        true as er_nomenklaturrelevant,
        '-' as fravaersaarsag,
        cast(beloeb_kr as decimal(18, 5)) as vaerdi,
        antal_personer
    from loen

),

final as (

    select
        s.maal,
        s.kommunekode,
        s.periode,
        s.funktion,
        s.ejerforhold,
        s.overenskomst,
        s.ansaettelsesform,
        coalesce(f.flis_kode, '-') as flis_ansaettelsesform,
        s.er_nomenklaturrelevant,
        s.fravaersaarsag,
        s.vaerdi,
        s.antal_personer
    from samlet as s
    left join former as f
        on s.ansaettelsesform = f.ansaettelsesform

)

select * from final
