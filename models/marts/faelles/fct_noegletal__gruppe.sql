with kommunetal as (

    select * from {{ ref('int_faelles__kommunetal') }}

),

noegletal as (

    select * from {{ ref('dim_noegletal') }}

),

-- The whole country is the 98 municipalities; Christiansø lies outside the division.
kommuner as (

    select * from {{ ref('dim_kommune') }}
    where er_kommune

),

grupper as (

    select
        kommunekode,
        'landet' as gruppetype,
        '000' as gruppekode,
        'Hele landet' as gruppenavn
    from kommuner

    union all

    select
        kommunekode,
        'region' as gruppetype,
        regionskode as gruppekode,
        regionsnavn as gruppenavn
    from kommuner

    union all

    select
        kommunekode,
        'kommunegruppe' as gruppetype,
        kommunegruppekode as gruppekode,
        kommunegruppe as gruppenavn
    from kommuner

),

-- A municipality without a figure, with one that is incomplete, or with one that a rule holds, is out of both numerator and denominator: a sum over some
-- divided by a sum over others means nothing.
sammenlagt as (

    select
        k.noegletal_id,
        g.gruppetype,
        g.gruppekode,
        g.gruppenavn,
        k.periode,
        sum(case when k.bidrager then k.taeller end) as sum_taeller,
        sum(case when k.bidrager then k.naevner end) as sum_naevner,
        sum(case when k.bidrager then k.vaerdi end) as sum_vaerdi,
        count(case when k.bidrager then 1 end) as antal_bidragydere,
        count(case when k.observationsstatus <> 'ikke_relevant' then 1 end) as antal_mulige,
        count(case when k.observationsstatus = 'foreloebig' then 1 end) as antal_foreloebig,
        count(case when k.observationsstatus = 'ufuldstaendig' then 1 end) as antal_ufuldstaendig,
        count(case when k.observationsstatus = 'ikke_leveret' then 1 end) as antal_ikke_leveret,
        count(case when k.observationsstatus = 'ikke_relevant' then 1 end) as antal_ikke_relevant,
        count(case when {{ er_holdt('k') }} then 1 end) as antal_holdt,
        count(case when k.bidrager and k.kvalitetsstatus = 'frigivet' then 1 end) as antal_frigivet,
        sum(case when k.bidrager then k.antal_taeller end) as antal_taeller,
        sum(case when k.bidrager then k.antal_naevner end) as antal_naevner,
        sum(case when k.bidrager then k.antal_rest end) as antal_rest,
        -- a person is counted in one municipality: the largest of the group is the largest of its members' largest
        max(case when k.bidrager then k.stoerste_taeller end) as stoerste_taeller,
        max(case when k.bidrager then k.stoerste_naevner end) as stoerste_naevner
    from kommunetal as k
    inner join grupper as g on k.kommunekode = g.kommunekode
    group by
        k.noegletal_id,
        g.gruppetype,
        g.gruppekode,
        g.gruppenavn,
        k.periode

),

final as (

    select
        s.noegletal_id,
        s.gruppetype,
        s.gruppekode,
        s.gruppenavn,
        s.periode,
        cast(s.sum_taeller as decimal(18, 5)) as sum_taeller,
        cast(s.sum_naevner as decimal(18, 5)) as sum_naevner,
        cast(s.sum_vaerdi as decimal(18, 5)) as sum_vaerdi,
        {{ kvotient('s.sum_taeller', 's.sum_naevner', 'n.faktor') }} as vaegtet_gennemsnit,
        {{ kvotient('s.sum_vaerdi', 's.antal_bidragydere') }} as simpelt_gennemsnit,
        cast(s.antal_bidragydere as integer) as antal_bidragydere,
        cast(s.antal_mulige as integer) as antal_mulige,
        cast(s.antal_foreloebig as integer) as antal_foreloebig,
        cast(s.antal_ufuldstaendig as integer) as antal_ufuldstaendig,
        cast(s.antal_ikke_leveret as integer) as antal_ikke_leveret,
        cast(s.antal_ikke_relevant as integer) as antal_ikke_relevant,
        cast(s.antal_holdt as integer) as antal_holdt,
        cast(s.antal_frigivet as integer) as antal_frigivet,
        {{ gennemsnit_status(
            's.antal_bidragydere', 's.antal_foreloebig', 's.antal_ikke_leveret', 's.sum_taeller', 's.antal_holdt', 's.antal_ufuldstaendig'
        ) }} as observationsstatus,
        cast(s.antal_taeller as bigint) as antal_taeller,
        cast(s.antal_naevner as bigint) as antal_naevner,
        cast(s.antal_rest as bigint) as antal_rest,
        cast(s.stoerste_taeller as decimal(18, 5)) as stoerste_taeller,
        cast(s.stoerste_naevner as decimal(18, 5)) as stoerste_naevner
    from sammenlagt as s
    inner join noegletal as n on s.noegletal_id = n.noegletal_id

)

select * from final
