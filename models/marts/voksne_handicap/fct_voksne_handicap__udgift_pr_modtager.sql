{%- set hviler_paa = ['oekonomi', 'voksne_handicap'] -%}
{{ config(meta={'hviler_paa': hviler_paa, 'pakke': {'niveau': 'kommune', 'fagomraade': 'voksne_handicap', 'aarsraekker': 'true'}}) }}

-- The money is booked by the municipality that pays, the services are reported by the one that acts. Both sides are therefore summed over the acting
-- municipality and those it acts for (Ishøj with Vallensbæk, Tårnby with Dragør).
with bevaegelser as (

    select * from {{ ref('fct_oekonomi__bevaegelse') }}
    where
        beloebstype = 'regnskab'
        and dranst in ('1', '2')

),

ydelser as (

    select * from {{ ref('std_voksne_handicap__ydelse') }}

),

daekning as (

    select * from {{ ref('int_voksne_handicap__daekning') }}

),

kommuner as (

    select * from {{ ref('dim_kommune') }}

),

kobling as (

    select * from {{ ref('paragraf_funktion') }}

),

grupper as (

    select distinct
        udgiftsgruppe,
        udgiftsgruppenavn
    from kobling

),

-- The months that both sides know: from the year's first booked month to its last, and no further than the reports of services reach.
bogfoert as (

    select
        k.handlekommunekode as kommunekode,
        b.regnskabsaar,
        min(b.periode) as foerste_maaned,
        {{ dato_plus_dage('last_day(max(b.periode))', 1) }} as slut
    from bevaegelser as b
    inner join kommuner as k
        on b.kommunekode = k.kommunekode
    group by
        k.handlekommunekode,
        b.regnskabsaar

),

vinduer as (

    select
        b.kommunekode,
        b.regnskabsaar,
        b.foerste_maaned as vindue_fra,
        least(b.slut, d.daekket_til) as vindue_til
    from bogfoert as b
    inner join daekning as d
        on b.kommunekode = d.kommunekode
    where d.daekket_til > b.foerste_maaned

),

udgifter as (

    select
        v.kommunekode,
        v.regnskabsaar,
        f.udgiftsgruppe,
        sum(b.beloeb_kr) as nettoudgift_kr
    from bevaegelser as b
    inner join kommuner as k
        on b.kommunekode = k.kommunekode
    inner join vinduer as v
        on
            k.handlekommunekode = v.kommunekode
            and b.regnskabsaar = v.regnskabsaar
            and b.periode < v.vindue_til
    inner join (
        select distinct
            udgiftsgruppe,
            funktion,
            gyldig_fra_aar,
            gyldig_til_aar
        from kobling
    ) as f
        on
            b.funktion = f.funktion
            and b.regnskabsaar between f.gyldig_fra_aar and f.gyldig_til_aar
    group by
        v.kommunekode,
        v.regnskabsaar,
        f.udgiftsgruppe

),

modtagere as (

    select
        v.kommunekode,
        v.regnskabsaar,
        f.udgiftsgruppe,
        count(distinct y.person_id) as antal_modtagere
    from ydelser as y
    inner join kommuner as k
        on y.kommunekode = k.kommunekode
    inner join vinduer as v
        on
            k.handlekommunekode = v.kommunekode
            and y.gyldig_fra < v.vindue_til
            and y.gyldig_til > v.vindue_fra
    inner join kobling as f
        on
            y.ydelseskode = f.ydelseskode
            and v.regnskabsaar between f.gyldig_fra_aar and f.gyldig_til_aar
    group by
        v.kommunekode,
        v.regnskabsaar,
        f.udgiftsgruppe

),

-- A fault that a rule holds in either fagområde, in any of the months and municipalities counted.
holdt as (

    select
        v.kommunekode,
        v.regnskabsaar,
        {{ kvalitetsstatus('h.kvalitetsstatus') }} as kvalitetsstatus
    from vinduer as v
    inner join kommuner as k
        on v.kommunekode = k.handlekommunekode
    inner join {{ ref('int_faelles__holdt') }} as h
        on
            k.kommunekode = h.kommunekode
            and h.fagomraade in ({{ skive_liste(hviler_paa) }})
            and h.periode >= v.vindue_fra
            and h.periode < v.vindue_til
    group by
        v.kommunekode,
        v.regnskabsaar

),

-- Whether both sides are whole in the months counted: a year without a booking, or without a recipient, is zero only then.
fuldstaendige as (

    select
        v.kommunekode,
        v.regnskabsaar,
        s.begreb,
        max(case when s.fuldstaendighed in ('tom', 'ufuldstaendig') then 1 else 0 end) = 0
        and count(distinct s.periode) = {{ antal_maaneder('v.vindue_fra', dato_plus_dage('v.vindue_til', '-1')) }} as er_fuldstaendig,
        max(case when s.fuldstaendighed <> 'hel' then 1 else 0 end) = 0 as er_hel
    from vinduer as v
    inner join kommuner as k
        on v.kommunekode = k.handlekommunekode
    inner join (
        select * from {{ ref('int_oekonomi__fuldstaendighed') }}
        where begreb = 'postering'
        union all
        select * from {{ ref('int_voksne_handicap__fuldstaendighed') }}
        where begreb = 'ydelse'
    ) as s
        on
            k.kommunekode = s.kommunekode
            and s.periode >= v.vindue_fra
            and s.periode < v.vindue_til
    group by
        v.kommunekode,
        v.regnskabsaar,
        v.vindue_fra,
        v.vindue_til,
        s.begreb

),

final as (

    select
        v.kommunekode,
        {{ dato_af('v.regnskabsaar', 1, 1) }} as periode,
        v.regnskabsaar,
        g.udgiftsgruppe,
        g.udgiftsgruppenavn,
        v.vindue_fra,
        v.vindue_til,
        cast(coalesce(u.nettoudgift_kr, case when fo.er_fuldstaendig and fo.er_hel then 0 end) as decimal(18, 2)) as nettoudgift_kr,
        cast(coalesce(m.antal_modtagere, case when fy.er_fuldstaendig and fy.er_hel then 0 end) as integer) as antal_modtagere,
        cast(round(u.nettoudgift_kr / nullif(m.antal_modtagere, 0), 5) as decimal(18, 5)) as udgift_pr_modtager_kr,
        case
            when not coalesce(fo.er_fuldstaendig and (fo.er_hel or u.nettoudgift_kr is not null), false) then 'ufuldstaendig'
            when not coalesce(fy.er_fuldstaendig and (fy.er_hel or m.antal_modtagere is not null), false) then 'ufuldstaendig'
            else 'som_leveret'
        end as observationsstatus,
        coalesce(h.kvalitetsstatus, 'i_orden') as kvalitetsstatus
    from vinduer as v
    cross join grupper as g
    left join udgifter as u
        on
            v.kommunekode = u.kommunekode
            and v.regnskabsaar = u.regnskabsaar
            and g.udgiftsgruppe = u.udgiftsgruppe
    left join modtagere as m
        on
            v.kommunekode = m.kommunekode
            and v.regnskabsaar = m.regnskabsaar
            and g.udgiftsgruppe = m.udgiftsgruppe
    left join fuldstaendige as fo
        on
            v.kommunekode = fo.kommunekode
            and v.regnskabsaar = fo.regnskabsaar
            and fo.begreb = 'postering'
    left join fuldstaendige as fy
        on
            v.kommunekode = fy.kommunekode
            and v.regnskabsaar = fy.regnskabsaar
            and fy.begreb = 'ydelse'
    left join holdt as h
        on
            v.kommunekode = h.kommunekode
            and v.regnskabsaar = h.regnskabsaar

)

select * from final
