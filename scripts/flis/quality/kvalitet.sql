-- The quality store. Tables keep what was counted and found, as versions: a row stands until a later run counts something else, so history costs what has
-- changed. Views judge it by the rules as they stand now: a new threshold, an accepted fault or a release applies at once, to old counts too.
create schema if not exists kvalitet;

-- ---- what was run
create table if not exists kvalitet.koersel (
    koersel varchar, startet timestamp, fagomraade varchar, kommunekode varchar, periode date, alt boolean, antal_regler integer, antal_maalt integer,
    antal_kunne_ikke_koere integer
);
create table if not exists kvalitet.maalt (koersel varchar, regel_id varchar, fagomraade varchar, laest varchar, aarsag varchar);
-- How far each rule has come: what decides its result, and the last build it has seen. Small tables are known by their content.
create table if not exists kvalitet.tilstand (regel_id varchar, fingeraftryk varchar, byg bigint);
create table if not exists kvalitet.tabeltilstand (regel_id varchar, tabel varchar, aftryk varchar);

-- ---- what was found
create table if not exists kvalitet.maaling (
    regel_id varchar, kommunekode varchar, periode date, raekker bigint, afvigelser bigint, aarsag varchar, fra_koersel varchar, til_koersel varchar
);
create table if not exists kvalitet.fund (
    regel_id varchar, kommunekode varchar, periode date, noegle varchar, nr bigint, leverance_id bigint, fil varchar, linje bigint, fra_koersel varchar,
    til_koersel varchar
);

-- ---- what it is judged by
create table if not exists kvalitet.regel (
    regel_id varchar, fagomraade varchar, titel varchar, dimension varchar, alvor varchar, hvad varchar, hvornaar varchar, hvordan varchar,
    faggruppe varchar, rolle varchar, model varchar, grundlag varchar, raekkevidde varchar, taerskel_art varchar, taerskel decimal(18, 5),
    taerskel_grund varchar, taerskel_dato date
);
create table if not exists kvalitet.accepteret (kommunekode varchar, regel_id varchar, periode date, antal integer, grund varchar, dato date);
create table if not exists kvalitet.frigivelse (
    kommunekode varchar, fagomraade varchar, regel_id varchar, periode date, afvigelser bigint, grund varchar, udfoert_af varchar, tidspunkt timestamp,
    leverancer bigint[]
);
-- null: given before it was kept which deliveries a release is of; such a one is ended by more breaking rows alone
alter table kvalitet.frigivelse add column if not exists leverancer bigint[];
-- The municipalities' active deliveries, as the ledger had them when results were last judged: what a result rests on where its breaking rows do not say it.
create table if not exists kvalitet.leverance (leverance_id bigint, kommunekode varchar, fagomraade varchar, periode date);
-- The sides of the key figures as they last were published and counted (drift.offentliggjort): what is said of a month since is held against it.
create table if not exists kvalitet.udgivet (formel_id varchar, kommunekode varchar, periode date, vaerdi decimal(18, 5), antal_personer bigint);

-- ---- what it comes to
-- The last run that measured anything in each area, and the one before: what is new and what is resolved is told by these.
create or replace view kvalitet.seneste as
with koersler as (
    select distinct fagomraade, koersel from kvalitet.maalt
)
select
    fagomraade,
    max(koersel) as seneste,
    max(koersel) filter (where koersel < nyeste) as forrige
from (select *, max(koersel) over (partition by fagomraade) as nyeste from koersler)
group by fagomraade;

create or replace view kvalitet.resultat_historik as
with maalt as (
    select
        m.*,
        r.fagomraade,
        r.dimension,
        r.alvor,
        r.taerskel_art,
        r.taerskel,
        -- a fault accepted for this month counts before one accepted for every month
        coalesce(ap.antal, a.antal, 0) as accepteret,
        coalesce(ap.grund, a.grund) as accept_grund,
        coalesce(ap.dato, a.dato) as accept_dato
    from kvalitet.maaling as m
    inner join kvalitet.regel as r on m.regel_id = r.regel_id
    left join kvalitet.accepteret as ap on m.regel_id = ap.regel_id and m.kommunekode = ap.kommunekode and m.periode = ap.periode
    left join kvalitet.accepteret as a on m.regel_id = a.regel_id and m.kommunekode = a.kommunekode and a.periode is null
),
bedoemt as (
    select *, greatest(afvigelser - accepteret, 0) as ud_over from maalt
)
select
    regel_id,
    fagomraade,
    kommunekode,
    periode,
    raekker,
    afvigelser,
    accepteret,
    case when raekker > 0 then cast(round(afvigelser / raekker, 5) as decimal(18, 5)) end as andel,
    taerskel_art,
    taerskel,
    alvor,
    dimension,
    case
        when aarsag is not null then 'kunne_ikke_koere'
        when raekker = 0 and afvigelser = 0 then 'ikke_relevant'
        when taerskel_art = 'antal' and ud_over > taerskel then 'fejlet'
        -- A share is a limit of whole rows, and the least is one: one row in thousands is what the limit was set to let through, whatever the municipality's size. Where a row
        -- is more than a twentieth of what the rule is about, it moves the figure, and one is too many. A share of 0 lets nothing through.
        when taerskel_art = 'andel' and ud_over > taerskel * raekker and (taerskel = 0 or ud_over > 1 or raekker < 20) then 'fejlet'
        else 'bestaaet'
    end as status,
    case
        when aarsag is not null then aarsag
        when raekker = 0 and afvigelser = 0 then 'Ingen data som reglen angår.'
        when accepteret > 0 and afvigelser > 0
            then least(afvigelser, accepteret) || ' kendte afvigelser er accepteret ' || strftime(accept_dato, '%d-%m-%Y') || ': ' || accept_grund
    end as aarsag,
    fra_koersel,
    til_koersel
from bedoemt;

create or replace view kvalitet.afvigelse as
select
    f.regel_id,
    r.fagomraade,
    f.kommunekode,
    f.periode,
    f.noegle,
    f.leverance_id,
    f.fil,
    f.linje,
    case when s.forrige is null then 'foerste' when f.fra_koersel = s.seneste then 'ny' else 'stadig' end as udvikling,
    f.fra_koersel as foerst_set
from kvalitet.fund as f
inner join kvalitet.regel as r on f.regel_id = r.regel_id
left join kvalitet.seneste as s on r.fagomraade = s.fagomraade
where f.til_koersel is null;

create or replace view kvalitet.udvikling as
select
    f.regel_id,
    r.fagomraade,
    f.kommunekode,
    f.periode,
    count(*) filter (where f.til_koersel is null and f.fra_koersel = s.seneste and s.forrige is not null) as nye,
    count(*) filter (where f.til_koersel is null and (f.fra_koersel < s.seneste or s.forrige is null)) as stadig,
    count(*) filter (where f.til_koersel = s.seneste) as loeste,
    s.seneste,
    s.forrige
from kvalitet.fund as f
inner join kvalitet.regel as r on f.regel_id = r.regel_id
inner join kvalitet.seneste as s on r.fagomraade = s.fagomraade
group by f.regel_id, r.fagomraade, f.kommunekode, f.periode, s.seneste, s.forrige;

-- One row per rule, municipality with an instruction, and period: complete, so that a rule that did not run is seen.
create or replace view kvalitet.resultat as
select
    h.regel_id,
    h.fagomraade,
    h.kommunekode,
    h.periode,
    h.raekker,
    h.afvigelser,
    h.accepteret,
    h.andel,
    h.taerskel_art,
    h.taerskel,
    h.alvor,
    h.dimension,
    h.status,
    h.aarsag,
    h.fra_koersel as koersel,
    coalesce(u.nye, 0) as nye,
    coalesce(u.loeste, 0) as loeste
from kvalitet.resultat_historik as h
left join kvalitet.udvikling as u
    on h.regel_id = u.regel_id and h.kommunekode = u.kommunekode and h.periode is not distinct from u.periode
where h.til_koersel is null;

-- Results of severity fejl past their threshold, in a municipality, with the release that lets them through. One holds for the deliveries it was given for, and as long
-- as no more breaks than then; `udloebet` tells of one that does not hold any more.
create or replace view kvalitet.overskridelse as
with brudt as (
    select
        r.kommunekode,
        r.fagomraade,
        r.periode,
        r.regel_id,
        g.titel,
        r.raekker,
        r.afvigelser,
        r.andel,
        r.taerskel_art,
        r.taerskel,
        r.koersel
    from kvalitet.resultat as r
    inner join kvalitet.regel as g on r.regel_id = g.regel_id
    where r.alvor = 'fejl' and r.status = 'fejlet' and r.kommunekode <> '0998'
),
-- the deliveries that the breaking rows stand in
fundne as (
    select regel_id, kommunekode, periode, list_sort(list(distinct leverance_id)) as leverancer
    from kvalitet.fund
    where til_koersel is null and leverance_id is not null
    group by regel_id, kommunekode, periode
),
-- where they do not say it (a sum, something that is missing): the municipality's own of the fagomraade and the month
modtagne as (
    select b.regel_id, b.kommunekode, b.periode, list_sort(list(l.leverance_id)) as leverancer
    from brudt as b
    inner join kvalitet.leverance as l
        on b.kommunekode = l.kommunekode and b.fagomraade = l.fagomraade and (b.periode is null or l.periode is null or b.periode = l.periode)
    group by b.regel_id, b.kommunekode, b.periode
),
hviler as (
    select b.*, coalesce(f.leverancer, m.leverancer, []) as leverancer
    from brudt as b
    left join fundne as f on b.regel_id = f.regel_id and b.kommunekode = f.kommunekode and b.periode is not distinct from f.periode
    left join modtagne as m on b.regel_id = m.regel_id and b.kommunekode = m.kommunekode and b.periode is not distinct from m.periode
),
bedoemt as (
    select
        h.*,
        f.grund,
        f.udfoert_af,
        f.tidspunkt,
        f.afvigelser as frigivne_afvigelser,
        coalesce(list_has_all(f.leverancer, h.leverancer), true) as samme_leverancer,
        f.tidspunkt is not null and h.afvigelser <= f.afvigelser and samme_leverancer as gaelder
    from hviler as h
    left join kvalitet.frigivelse as f on h.regel_id = f.regel_id and h.kommunekode = f.kommunekode and h.periode is not distinct from f.periode
)
select
    kommunekode,
    fagomraade,
    periode,
    regel_id,
    titel,
    raekker,
    afvigelser,
    andel,
    taerskel_art,
    taerskel,
    koersel,
    leverancer,
    case when gaelder then grund end as frigivet_grund,
    case when gaelder then udfoert_af end as frigivet_af,
    case when gaelder then tidspunkt end as frigivet,
    case
        when tidspunkt is not null and not gaelder
            then 'Frigivelsen fra ' || strftime(tidspunkt, '%d-%m-%Y') || ' gælder ikke længere: '
                || case
                    when not samme_leverancer then 'en anden leverance er kommet i stedet for den, der blev frigivet'
                    else 'der er flere rækker med fejl (' || afvigelser || ') end dengang (' || frigivne_afvigelser || ')'
                end || '.'
    end as udloebet
from bedoemt
qualify row_number() over (partition by regel_id, kommunekode, periode order by gaelder desc, tidspunkt desc nulls last) = 1;

create or replace view kvalitet.tilbageholdt as
select * exclude (leverancer, frigivet_grund, frigivet_af, frigivet, udloebet) from kvalitet.overskridelse where frigivet is null;

-- What is held again though it was once released, and why.
create or replace view kvalitet.udloebet as
select kommunekode, fagomraade, periode, regel_id, udloebet from kvalitet.overskridelse where udloebet is not null;

create or replace view kvalitet.frigivet as
select * exclude (leverancer, udloebet) from kvalitet.overskridelse where frigivet is not null;
