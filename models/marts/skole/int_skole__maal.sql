-- The facts as measures in one long form: what a formula can take (the seed formel_skoleudvalg). Each row bears the municipalities it can be counted for, and
-- how many persons its figure rests on. A school that another municipality owns is that one's to deliver: what somebody else has delivered of its pupils
-- would count them once more. A private school has no owner ('ingen'), and of one that is not known (0998) nobody else is known to deliver it.
{%- set kilder = [
    ('fct_skole__elev_maaned', [('elever', 'antal_elever', 'antal_elever')]),
    ('fct_skole__fravaer_maaned', [
        ('elever_med_skoledage', 'antal_elever', 'antal_elever'),
        ('fravaersandel', 'fravaersandel', 'antal_elever_med_fravaer'),
        ('fravaersandel_sygdom', 'fravaersandel_sygdom', 'antal_elever_med_fravaer_sygdom'),
        ('fravaersandel_frihed', 'fravaersandel_frihed', 'antal_elever_med_fravaer_frihed'),
        ('fravaersandel_ulovligt', 'fravaersandel_ulovligt', 'antal_elever_med_fravaer_ulovligt'),
    ]),
    ('fct_skole__fravaer_skoleaar', [
        ('elever_i_skoleaaret', 'antal_elever', 'antal_elever'),
        ('elever_hele_skoleaaret', 'antal_elever_hele_skoleaaret', 'antal_elever_hele_skoleaaret'),
        ('elever_over_10_pct', 'antal_over_10_pct', 'antal_over_10_pct'),
        ('elever_ulovligt_over_15_pct', 'antal_ulovligt_over_15_pct_i_kvartalet', 'antal_ulovligt_over_15_pct_i_kvartalet'),
    ]),
    ('fct_skole__klasse_maaned', [
        ('elever_i_klasserne', 'case when er_i_klassekvotient then antal_elever else 0 end', 'case when er_i_klassekvotient then antal_elever else 0 end'),
        ('klasser', 'case when er_i_klassekvotient then 1 else 0 end', 'case when er_i_klassekvotient then antal_elever else 0 end'),
    ]),
    ('fct_skole__afgangselev', [
        ('elever_med_gennemsnit', 'antal_elever_med_gennemsnit', 'antal_elever_med_gennemsnit'),
        ('gennemsnitssum', 'gennemsnitssum', 'antal_elever_med_gennemsnit'),
        ('elever_i_dansk_og_matematik', 'antal_elever_i_dansk_og_matematik', 'antal_elever_i_dansk_og_matematik'),
        ('elever_mindst_02', 'antal_mindst_02_i_begge', 'antal_mindst_02_i_begge'),
    ]),
] %}
{%- set har_klassetype = ['fct_skole__elev_maaned', 'fct_skole__fravaer_maaned', 'fct_skole__fravaer_skoleaar', 'fct_skole__klasse_maaned'] %}

with final as (

    {%- for fakta, maalene in kilder %}
    {%- for maal, udtryk, personer in maalene %}
    select
        '{{ maal }}' as maal,
        kommunekode,
        periode,
        ejer_kommunekode,
        {{ 'betaling_kommunekode' if fakta == 'fct_skole__elev_maaned' else 'cast(null as string)' }} as betaling_kommunekode,
        {{ 'cast(null as string)' if fakta == 'fct_skole__klasse_maaned' else 'bopael_kommunekode' }} as bopael_kommunekode,
        institutionstype,
        {{ "'09'" if fakta == 'fct_skole__afgangselev' else 'klassetrin' }} as klassetrin,
        {{ 'klassetype' if fakta in har_klassetype else "'-'" }} as klassetype,
        '-' as institutionstype_nu,
        '-' as klassetrin_nu,
        '-' as klassetype_nu,
        cast({{ udtryk }} as decimal(18, 5)) as vaerdi,
        cast({{ personer }} as bigint) as antal_personer,
        cast(null as decimal(18, 5)) as stoerste_bidrag
    from {{ ref(fakta) }}
    where ejer_kommunekode in (kommunekode, 'ingen', '0998')
    union all
    {%- endfor %}
    {%- endfor %}
    select
        maal,
        kommunekode,
        periode,
        ejer_kommunekode,
        betaling_kommunekode,
        bopael_kommunekode,
        institutionstype,
        klassetrin,
        klassetype,
        institutionstype_nu,
        klassetrin_nu,
        klassetype_nu,
        cast(antal_elever as decimal(18, 5)) as vaerdi,
        cast(antal_elever as bigint) as antal_personer,
        cast(null as decimal(18, 5)) as stoerste_bidrag
    from {{ ref('int_skole__skolestart') }}
    union all
    -- the largest pupil's own part of the measures above, as rows that add nothing
    select
        maal,
        kommunekode,
        periode,
        ejer_kommunekode,
        cast(null as string) as betaling_kommunekode,
        bopael_kommunekode,
        institutionstype,
        klassetrin,
        klassetype,
        '-' as institutionstype_nu,
        '-' as klassetrin_nu,
        '-' as klassetype_nu,
        cast(null as decimal(18, 5)) as vaerdi,
        cast(null as bigint) as antal_personer,
        stoerste_bidrag
    from {{ ref('int_skole__stoerste_bidrag') }}
    where ejer_kommunekode in (kommunekode, 'ingen', '0998')
    union all
    -- a school in the month: an institution where there are pupils in 0.-10. klasse
    select
        'skoler' as maal,
        kommunekode,
        periode,
        ejer_kommunekode,
        cast(null as string) as betaling_kommunekode,
        cast(null as string) as bopael_kommunekode,
        institutionstype,
        '-' as klassetrin,
        '-' as klassetype,
        '-' as institutionstype_nu,
        '-' as klassetrin_nu,
        '-' as klassetype_nu,
        cast(1 as decimal(18, 5)) as vaerdi,
        cast(sum(antal_elever) as bigint) as antal_personer,
        cast(null as decimal(18, 5)) as stoerste_bidrag
    from {{ ref('fct_skole__elev_maaned') }}
    where
        klassetrin <> 'ukendt'
        and ejer_kommunekode in (kommunekode, 'ingen', '0998')
    group by
        kommunekode,
        periode,
        ejer_kommunekode,
        institutionstype,
        institutionsnummer

)

select * from final
