{%- set hviler_paa = ['oekonomi', 'personale'] -%}
{{ config(
    materialized='incremental',
    incremental_strategy='skive',
    on_schema_change='fail',
    meta={'skive': ['kommunekode', 'periode'], 'hviler_paa': hviler_paa, 'pakke': {'niveau': 'kommune', 'fagomraade': 'personale'}}
) }}

-- What the payroll system says was paid, account by account, beside what the ledger says (art 1, wages). Only months that both have delivered.
with loen as (

    select
        kommunekode,
        periode,
        kontostreng,
        sum(beloeb_kr) as loen_kr
    from {{ kun_beroerte(ref('fct_personale__loen')) }}
    group by
        kommunekode,
        periode,
        kontostreng

),

regnskab as (

    select
        kommunekode,
        periode,
        kontostreng,
        sum(beloeb_kr) as regnskab_kr
    from {{ kun_beroerte(ref('fct_oekonomi__bevaegelse')) }}
    where
        beloebstype = 'regnskab'
        and substr(art, 1, 1) = '1'
    group by
        kommunekode,
        periode,
        kontostreng

),

begge as (

    select distinct
        l.kommunekode,
        l.periode
    from loen as l
    inner join (
        select
            kommunekode,
            periode
        from {{ kun_beroerte(ref('fct_oekonomi__bevaegelse')) }}
        where beloebstype = 'regnskab'
    ) as r
        on
            l.kommunekode = r.kommunekode
            and l.periode = r.periode

),

sat_sammen as (

    select
        coalesce(l.kommunekode, r.kommunekode) as kommunekode,
        coalesce(l.periode, r.periode) as periode,
        coalesce(l.kontostreng, r.kontostreng) as kontostreng,
        coalesce(l.loen_kr, 0) as loen_kr,
        coalesce(r.regnskab_kr, 0) as regnskab_kr
    from loen as l
    full join regnskab as r
        on
            l.kommunekode = r.kommunekode
            and l.periode = r.periode
            and l.kontostreng = r.kontostreng

),

holdt as (

    select
        kommunekode,
        periode,
        {{ kvalitetsstatus('kvalitetsstatus') }} as kvalitetsstatus
    from {{ ref('int_faelles__holdt') }}
    where fagomraade in ({{ skive_liste(hviler_paa) }})
    group by
        kommunekode,
        periode

),

final as (

    select
        s.kommunekode,
        s.periode,
        s.kontostreng,
        cast(s.loen_kr as decimal(18, 2)) as loen_kr,
        cast(s.regnskab_kr as decimal(18, 2)) as regnskab_kr,
        cast(s.loen_kr - s.regnskab_kr as decimal(18, 2)) as forskel_kr,
        coalesce(h.kvalitetsstatus, 'i_orden') as kvalitetsstatus
    from sat_sammen as s
    inner join begge as b
        on
            s.kommunekode = b.kommunekode
            and s.periode = b.periode
    left join holdt as h
        on
            s.kommunekode = h.kommunekode
            and s.periode = h.periode

)

select * from final
