-- How the deliveries of different systems behave, with the municipalities' size and type taken out (scripts/flis/report/systems.py). Reads kvalitet, marts and koder.
-- Each figure is made per municipality and system first, and is compared with the mean of all municipalities of the same type and size.
create or replace table kvalitet.systemmaal as
with systemer as (

    select fagomraade, kildesystem
    from koder.kildesystem
    where rolle = 'primaer'

),

-- Size by thirds of the municipalities, so that it does not matter whether the population is a country's or a demo's.
folketal as (

    select kommunekode, sum(antal_personer) as antal
    from marts.fct_borger__folketal
    where periode = (select max(periode) from marts.fct_borger__folketal)
    group by kommunekode

),

kommuner as (

    select
        k.kommunekode,
        k.kommunegruppekode,
        case when f.antal is not null then ntile(3) over (partition by f.antal is null order by f.antal, k.kommunekode) end as stoerrelse
    from marts.dim_kommune as k
    left join folketal as f on k.kommunekode = f.kommunekode
    where k.er_kommune

),

leverancer as (

    select r.leverance_id, r.fagomraade, r.kommunekode, r.kildesystem, sum(r.antal_ind) as antal_raekker
    from kvalitet.raekkeregnskab as r
    semi join systemer as s on r.fagomraade = s.fagomraade and r.kildesystem = s.kildesystem
    semi join kommuner as k on r.kommunekode = k.kommunekode
    group by all

),

leverandoerer as (

    select fagomraade, kommunekode, kildesystem, sum(antal_raekker) as antal_raekker
    from leverancer
    group by all
    having sum(antal_raekker) > 0

),

felter as (

    select
        l.fagomraade,
        l.kommunekode,
        l.kildesystem,
        p.begreb || '.' || p.felt as maal,
        sum(p.antal_raekker) as raekker,
        sum(p.antal_tomme) as tomme,
        sum(p.antal_ukendte) as ukendte
    from leverancer as l
    inner join kvalitet.leveranceprofil as p on l.leverance_id = p._leverance_id
    group by all

),

vaerdier as (

    select l.fagomraade, l.kommunekode, l.kildesystem, f.begreb, f.felt, f.vaerdi, sum(f.antal_aktuelle) as antal
    from leverancer as l
    inner join kvalitet.leverancefordeling as f on l.leverance_id = f._leverance_id
    group by all

),

-- A value that a municipality has none of is a zero, not a gap.
fordeling as (

    select
        i.fagomraade,
        i.kommunekode,
        i.kildesystem,
        a.felt || '.' || a.vaerdi as maal,
        coalesce(v.antal, 0) / i.antal as vaerdi
    from (select fagomraade, kommunekode, kildesystem, begreb, felt, sum(antal) as antal from vaerdier group by all having sum(antal) > 0) as i
    inner join (select distinct fagomraade, begreb, felt, vaerdi from vaerdier) as a on i.fagomraade = a.fagomraade and i.begreb = a.begreb and i.felt = a.felt
    left join vaerdier as v
        on i.fagomraade = v.fagomraade and i.kommunekode = v.kommunekode and i.kildesystem = v.kildesystem and i.begreb = v.begreb and i.felt = v.felt and a.vaerdi = v.vaerdi

),

brud as (

    select regel_id, kommunekode, split_part(noegle, '|', 1) as kildesystem, count(distinct (periode, noegle)) as antal
    from kvalitet.afvigelse
    group by all

),

regelbrud as (

    select l.fagomraade, l.kommunekode, l.kildesystem, r.regel_id as maal, 1000 * coalesce(b.antal, 0) / l.antal_raekker as vaerdi
    from leverandoerer as l
    inner join kvalitet.regel as r on l.fagomraade = r.fagomraade
    left join brud as b on r.regel_id = b.regel_id and l.kommunekode = b.kommunekode and l.kildesystem = b.kildesystem
    where r.regel_id in (select regel_id from brud)

),

tal as (

    select fagomraade, kommunekode, kildesystem, 'tomt_felt' as art, maal, tomme / raekker as vaerdi from felter
    union all
    select fagomraade, kommunekode, kildesystem, 'ukendt_kode', maal, ukendte / raekker from felter
    union all
    select fagomraade, kommunekode, kildesystem, 'fordeling', maal, vaerdi from fordeling
    union all
    select fagomraade, kommunekode, kildesystem, 'regelbrud', maal, vaerdi from regelbrud

),

-- A field that nobody leaves empty, and a rule that nobody breaks, is no comparison.
forskelle as (

    select t.*, t.vaerdi - avg(t.vaerdi) over (partition by t.fagomraade, t.art, t.maal, k.kommunegruppekode, k.stoerrelse) as forskel
    from tal as t
    inner join kommuner as k on t.kommunekode = k.kommunekode
    qualify max(abs(t.vaerdi)) over (partition by t.fagomraade, t.art, t.maal) > 0

),

graenser as (

    select
        max(vaerdi) filter (where graense = 'system_mindste_kommuner') as kommuner,
        max(vaerdi) filter (where graense = 'system_mindste_forskel') as forskel,
        max(vaerdi) filter (where graense = 'system_mindste_brud') as brud,
        max(vaerdi) filter (where graense = 'system_standardfejl') as standardfejl
    from koder.systemgraense

),

samlet as (

    select
        fagomraade,
        kildesystem,
        art,
        maal,
        count(*) as antal_kommuner,
        avg(vaerdi) as raa,
        avg(forskel) as justeret,
        stddev_samp(forskel) / sqrt(count(*)) as standardfejl
    from forskelle
    group by all

)

-- With fewer municipalities than the limit the figures are not written at all: beside a system's name they would be one municipality's.
select
    s.fagomraade,
    s.kildesystem,
    s.art,
    s.maal,
    case when s.art = 'regelbrud' then 'pr. 1.000 rækker' else 'andel' end as enhed,
    cast(s.antal_kommuner as integer) as antal_kommuner,
    case when s.antal_kommuner >= g.kommuner then cast(round(s.raa, 5) as decimal(18, 5)) end as raa,
    case when s.antal_kommuner >= g.kommuner then cast(round(s.justeret, 5) as decimal(18, 5)) end as justeret,
    s.antal_kommuner >= g.kommuner
    and abs(s.justeret) >= case when s.art = 'regelbrud' then g.brud else g.forskel end
    -- to the decimals that are shown, so that rounding in sums decides nothing
    and round(abs(s.justeret), 5) > round(g.standardfejl * s.standardfejl, 5) as er_tydelig
from samlet as s
cross join graenser as g
order by all;
