-- The key figures of each municipality, with the persons that each side of them counts. What may be shown to others is decided from them
-- (int_faelles__tilbageholdt).
with noegletal as (

    select * from {{ ref('dim_noegletal') }}

),

formler as (

    select * from {{ ref('formel') }}

),

kommuner as (

    select distinct kommunekode
    from {{ ref('int_faelles__leveringsstatus') }}

),

perioder as (

    select
        periode,
        aar_start
    from {{ ref('dim_periode') }}

),

formelvaerdier as (

    select * from {{ ref('int_faelles__formelvaerdi') }}

),

formelkvalitet as (

    select * from {{ ref('int_faelles__formelkvalitet') }}

),

formelperioder as (

    select distinct
        formel_id,
        periode
    from formelvaerdier

),

-- A formula without a single row for a municipality does not concern it; one that lacks the period has not been delivered for it.
formelkommuner as (

    select distinct
        formel_id,
        kommunekode
    from formelvaerdier

),

-- Where those above the line are some of those below it, the others are persons too.
dele as (

    select
        formel_id,
        led_formel_id
    from {{ ref('formelsammenhaeng') }}
    where sammenhaeng = 'del'

),

ramme as (

    select
        n.noegletal_id,
        n.faktor,
        n.taeller_formel,
        n.naevner_formel,
        k.kommunekode,
        fp.periode,
        -- a yearly denominator serves every month of its year
        case when d.opgoerelsesniveau = 'Å' then p.aar_start else fp.periode end as naevner_periode
    from noegletal as n
    inner join formelperioder as fp on n.taeller_formel = fp.formel_id
    inner join perioder as p on fp.periode = p.periode
    left join formler as d on n.naevner_formel = d.formel_id
    cross join kommuner as k

),

sat_sammen as (

    select
        r.noegletal_id,
        r.kommunekode,
        r.periode,
        r.naevner_periode,
        r.faktor,
        r.naevner_formel is not null as har_naevner,
        t.vaerdi as taeller,
        n.vaerdi as naevner,
        case
            when t.observationsstatus is not null then t.observationsstatus
            when tk.formel_id is not null then 'ikke_leveret'
            else 'ikke_relevant'
        end as taeller_status,
        case
            when r.naevner_formel is null then 'som_leveret'
            when n.observationsstatus is not null then n.observationsstatus
            when nk.formel_id is not null then 'ikke_leveret'
            else 'ikke_relevant'
        end as naevner_status,
        t.antal_personer as antal_taeller,
        n.antal_personer as antal_naevner,
        t.stoerste_bidrag as stoerste_taeller,
        n.stoerste_bidrag as stoerste_naevner,
        case when d.formel_id is not null then n.antal_personer - coalesce(t.antal_personer, 0) end as antal_rest,
        {{ vaerste_kvalitetsstatus('tq.kvalitetsstatus', 'nq.kvalitetsstatus') }} as kvalitetsstatus,
        tq.fagomraade as taeller_holdt,
        nullif(nq.fagomraade, coalesce(tq.fagomraade, '')) as naevner_holdt
    from ramme as r
    left join formelvaerdier as t
        on r.taeller_formel = t.formel_id and r.kommunekode = t.kommunekode and r.periode = t.periode
    left join formelvaerdier as n
        on r.naevner_formel = n.formel_id and r.kommunekode = n.kommunekode and r.naevner_periode = n.periode
    left join formelkvalitet as tq
        on r.taeller_formel = tq.formel_id and r.kommunekode = tq.kommunekode and r.periode = tq.periode
    left join formelkvalitet as nq
        on r.naevner_formel = nq.formel_id and r.kommunekode = nq.kommunekode and r.naevner_periode = nq.periode
    left join dele as d on r.naevner_formel = d.formel_id and r.taeller_formel = d.led_formel_id
    left join formelkommuner as tk on r.taeller_formel = tk.formel_id and r.kommunekode = tk.kommunekode
    left join formelkommuner as nk on r.naevner_formel = nk.formel_id and r.kommunekode = nk.kommunekode

),

med_status as (

    select
        *,
        case
            when taeller_status = 'ikke_relevant' or naevner_status = 'ikke_relevant' then 'ikke_relevant'
            when taeller_status = 'ikke_leveret' or naevner_status = 'ikke_leveret' then 'ikke_leveret'
            when taeller_status = 'ufuldstaendig' or naevner_status = 'ufuldstaendig' then 'ufuldstaendig'
            -- nobody to divide by: the figure does not exist for this municipality and period
            when naevner = 0 then 'ikke_relevant'
            when taeller_status = 'foreloebig' or naevner_status = 'foreloebig' then 'foreloebig'
            when taeller = 0 then 'aegte_nul'
            else 'som_leveret'
        end as observationsstatus
    from sat_sammen

),

sat_op as (

    select
        noegletal_id,
        kommunekode,
        periode,
        naevner_periode,
        taeller,
        naevner,
        case
            when observationsstatus in ('ikke_relevant', 'ikke_leveret') then cast(null as decimal(18, 5))
            -- nobody above the line, and what is below it is not whole: not a zero yet
            when taeller = 0 and observationsstatus <> 'aegte_nul' then cast(null as decimal(18, 5))
            when har_naevner then {{ kvotient('taeller', 'naevner', 'faktor') }}
            else cast(taeller * faktor as decimal(18, 5))
        end as vaerdi,
        observationsstatus,
        cast(antal_taeller as bigint) as antal_taeller,
        cast(antal_naevner as bigint) as antal_naevner,
        cast(antal_rest as bigint) as antal_rest,
        stoerste_taeller,
        stoerste_naevner,
        kvalitetsstatus,
        case
            when taeller_holdt is not null and naevner_holdt is not null then taeller_holdt || ', ' || naevner_holdt
            else coalesce(taeller_holdt, naevner_holdt)
        end as kvalitetsgrund
    from med_status

),

-- Said once here: averages, comparisons, what is withheld and what is noted as published all read it.
final as (

    select
        *,
        {{ bidrager('sat_op') }} as bidrager
    from sat_op

)

select * from final
