{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['kommunekode', 'periode']}
) }}

-- What the largest person has of each formula of money or time in the month: the person's rows are added first, for one may stand in many. Whoever has
-- most is told by the amount, also where it is taken back.
with {{ maalt_fravaer() }},

loenlinjer as (

    select * from {{ kun_beroerte(ref('std_personale__loenlinje')) }}

),

udvalg as (

    select * from {{ ref('formel_personaleudvalg') }}

),

aarsager as (

    select * from {{ ref('fravaersaarsag') }}

),

samlet as (

    {%- for maal, udtryk in [('fravaersdagsvaerk', 'dagsvaerk'), ('fravaersdagsvaerk_lange', 'dagsvaerk_lange')] %}
    select
        '{{ maal }}' as maal,
        kommunekode,
        periode,
        person_id,
        funktion,
        ejerforhold,
        overenskomst,
        ansaettelsesform,
        er_nomenklaturrelevant,
        fravaersaarsag,
        {{ udtryk }} as vaerdi
    from maalt
    union all
    {%- endfor %}
    select
        'bruttoloen' as maal,
        kommunekode,
        periode,
        person_id,
        funktion,
        ejerforhold,
        '-' as overenskomst,
        '-' as ansaettelsesform,
        true as er_nomenklaturrelevant,
        '-' as fravaersaarsag,
        cast(beloeb_kr as decimal(18, 6)) as vaerdi
    from loenlinjer

),

per_person as (

    select
        u.formel_id,
        m.kommunekode,
        m.periode,
        m.person_id,
        sum(m.vaerdi) as vaerdi
    from samlet as m
    left join aarsager as a
        on m.fravaersaarsag = a.fravaersaarsag
    inner join udvalg as u
        on
            m.maal = u.maal
            and {{ er_udvalgt('u', 'm', 'a') }}
    where m.person_id is not null
    group by
        u.formel_id,
        m.kommunekode,
        m.periode,
        m.person_id

),

final as (

    select
        formel_id,
        kommunekode,
        periode,
        cast(round(max(abs(vaerdi)), 5) as decimal(18, 5)) as stoerste_bidrag
    from per_person
    group by
        formel_id,
        kommunekode,
        periode

)

select * from final
