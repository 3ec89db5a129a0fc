"""What the register reports of Borger's world, when, and what it got wrong at first: the extracts. And Danmarks Statistik's FOLK1A of the same world."""

from __future__ import annotations

import gzip
import os
import zipfile
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from flis.demo.borger_verden import BOGUS_IN_FIRST_TRY, eve, fault
from flis.demo.skriv import write_files
from flis.demo.verden import Verden

FIRST_SERIAL = 100          # the full extract's number; the deltas follow
BROKEN_AGAIN_AFTER = 9 * 3600    # seconds from a transfer that broke to the whole file
OFF_BY = 0.02               # the share of its population by which one municipality's official figure is wrong

FIRST_NAMES_M = ["Søren", "Jørgen", "Lars", "Magnus", "Bjørn", "Åge", "Emil", "Kær", "Noah", "Rasmus"]
FIRST_NAMES_K = ["Åse", "Mette", "Søs", "Anna", "Kæthe", "Bente", "Freja", "Ølla", "Maja", "Lærke"]
LAST_NAMES = ["Demosen", "Prøvegaard", "Eksempelsen", "Testrup", "Æblegård", "Ålborgsen", "Øvelund", "Modelby"]


def redeliveries(verden: Verden) -> list[tuple[date, date]]:
    """Days whose extract was faulty at first, with the day the corrected one came: one soon, one after the turn of a month."""
    days = (verden.end - verden.first).days
    if days < 62:
        return [(verden.first + timedelta(10), verden.first + timedelta(13))]
    return [(verden.first + timedelta(20), verden.first + timedelta(53)), (verden.first + timedelta(40), verden.first + timedelta(43))]


def build_lines(verden: Verden) -> None:
    """`borger.linje`: every line of every extract as it finally stands, with its place in the file."""
    con = verden.con
    first, last = f"date '{verden.first}'", f"date '{verden.end - timedelta(1)}'"

    def u(*keys: str) -> str:
        return verden.chance("'borger'", "person_nr", "dato", *(f"'{k}'" for k in keys))

    con.execute("create macro felt(t, n) as rpad(substr(coalesce(t, ''), 1, n), n, ' ')")
    con.execute("create macro tal8(d, uvis) as case when d is null then '00000000' when uvis then strftime(d, '%Y%m') || '00' else strftime(d, '%Y%m%d') end")
    # When each thing is reported: most within a week, some moves ahead of time, one in a hundred late, some with a wrong date at first.
    con.execute(f"""
        create table borger.meldt as
        with ting as (
            select person_nr, dato, bool_or(art = 'flyt') as flytning, bool_or(art in ('flyt', 'udrejse') and antal_for_person = 1) as kan_rettes,
                bool_or(tvungen and art in ('flyt', 'udrejse')) as tvungen
            from borger.haendelse group by all
            union all
            select person_nr, dato, false, false, false from borger.ny
            union all
            select person_nr, udrejst, false, false, false from borger.ny where udrejst is not null
            union all
            -- planted in the spells themselves, so reported as everything else is
            select c.person_nr, c.fra, false, false, false from borger.civil as c inner join borger.grund as g on c.person_nr = g.person_nr
            where not c.fra_start and ({fault(verden, 'BO-07')} or {fault(verden, 'BO-11')})
            union all
            select a.person_nr, a.fra, false, false, false from borger.adresse as a inner join borger.grund as g on a.person_nr = g.person_nr
            where not a.fra_start and ({fault(verden, 'BO-04')} or {fault(verden, 'BO-10')} or g.er_masse)
        ),
        dage as (
            select
                *,
                least(greatest(dato + case
                    when {u('sent')} < 0.01 then 20 + cast(floor({u('hvor sent')} * 70) as integer)
                    when flytning and {u('sent')} > 0.9 then -cast(floor({u('hvor sent')} * 3) as integer)
                    else cast(floor({u('hvor sent')} * 6) as integer)
                end, {first}), {last}) as meldt_rigtigt,
                case when kan_rettes and (tvungen or {u('forkert')} < 0.02) then greatest({first}, dato + case
                    when tvungen then 14 when {u('vej')} < 0.6 then 12 + cast(floor({u('hvor langt')} * 28) as integer)
                    else -10 - cast(floor({u('hvor langt')} * 10) as integer) end) end as forkert_dato
            from ting
        ),
        rettelser as (
            select *, greatest(dato, forkert_dato) + 2 as meldt_forkert, greatest(dato, forkert_dato) + 17 + cast(floor({u('rettes')} * 40) as integer) as rettet
            from dage
        )
        select
            person_nr, dato,
            case when rettes then forkert_dato end as forkert_dato,
            case when rettes then meldt_forkert end as meldt_forkert,
            case when rettes then rettet else meldt_rigtigt end as meldt
        from (select *, coalesce(forkert_dato <> dato and rettet <= {last}, false) as rettes from rettelser)
    """)
    # Each change of status, with where the person lived before and after.
    con.execute("""
        create table borger.skift as
        with status as (
            select *, lag(status) over (partition by person_nr order by fra) as foer_status from borger.status
        )
        select
            s.person_nr, s.fra, s.status, s.foer_status, n.person_nr is not null and n.art = 'foeder' as foedt,
            foer.kommunekode as fra_kommunekode, efter.kommunekode as til_kommunekode,
            -- the status is reported, the event itself is not
            s.status = '80' and coalesce(g.er_tavs, false) as er_tavs
        from status as s
        left join borger.grund as g on s.person_nr = g.person_nr
        left join borger.ny as n on s.person_nr = n.person_nr and s.fra = n.dato
        left join borger.tilstand as foer on s.person_nr = foer.person_nr and s.fra = foer.til
        left join borger.tilstand as efter on s.person_nr = efter.person_nr and s.fra = efter.fra
        where not s.fra_start
    """)
    con.execute(f"""
        create macro krop001(status, dato, koen, foedt) as status || tal8(dato, false) || koen || tal8(foedt, false);
        create macro krop002(person_nr, kommunekode, fra, dato, uvis, beskyttet) as
            kommunekode || lpad(cast(hash(person_nr, fra, 'vej') % 8000 + 10 as varchar), 4, '0') || lpad(cast(hash(person_nr, fra, 'nr') % 120 + 1 as varchar), 3, '0') || ' '
            || case hash(person_nr, fra, 'etage') % 4 when 0 then '01' when 1 then '02' when 2 then 'st' else '  ' end
            || case hash(person_nr, fra, 'side') % 3 when 0 then 'tv  ' when 1 then 'th  ' else '    ' end
            || tal8(dato, uvis) || case when hash(person_nr, fra) % 3 = 0 then '0000' else lpad(cast(hash(person_nr, fra) % 24 as varchar), 2, '0') || '00' end
            || case when beskyttet then 'J' else 'N' end;
        create macro krop008(person_nr, koen, dato) as
            tal8(dato, false)
            || felt(case koen when 'M' then {FIRST_NAMES_M}[1 + cast(hash(person_nr, 'fornavn') % {len(FIRST_NAMES_M)} as integer)]
                else {FIRST_NAMES_K}[1 + cast(hash(person_nr, 'fornavn') % {len(FIRST_NAMES_K)} as integer)] end, 30)
            || felt({LAST_NAMES}[1 + cast(hash(person_nr, 'efternavn') % {len(LAST_NAMES)} as integer)], 30);
    """)
    con.execute("""
        create table borger.beskyttet as
        select person_nr from borger.grund where beskyttet
        union all
        select person_nr from borger.ny where hash(person_nr, 'beskyttet') % 100 = 0
    """)
    con.execute("create macro leveret_kommune(k) as case when k = '0998' then '0199' else k end")
    # What is reported of each new fact: record, date of effect, and the rest of the line with a mark where the date stands.
    con.execute("""
        create table borger.fakta as
        select s.person_nr, '001' as rec, s.fra, s.fra as dato, s.status || '<DATO>' || a.koen || tal8(a.foedselsdato, false) as krop
        from borger.status as s inner join borger.alle as a on s.person_nr = a.person_nr where not s.fra_start
        union all
        select a.person_nr, '002', a.fra, a.fra,
            replace(krop002(a.person_nr, leveret_kommune(a.kommunekode), a.fra, date '1111-11-11', false, b.person_nr is not null), '11111111', '<DATO>')
        from borger.adresse as a left join borger.beskyttet as b on a.person_nr = b.person_nr where not a.fra_start
        union all
        select c.person_nr, '012', coalesce(n.dato, c.fra), c.fra, c.civil || '<DATO>'
        from borger.civil as c left join borger.ny as n on c.person_nr = n.person_nr where not c.fra_start
        union all
        select l.person_nr, '010', coalesce(n.dato, l.fra), l.fra, l.land || '<DATO>'
        from borger.land as l left join borger.ny as n on l.person_nr = n.person_nr where not l.fra_start
        union all
        select n.person_nr, '008', n.dato, n.foedselsdato, krop008(n.person_nr, n.koen, n.foedselsdato) from borger.ny as n
        union all
        select person_nr, '090', fra, fra, '<DATO>' || fra_kommunekode from borger.skift where status = '90'
        union all
        select person_nr, '005', fra, fra, 'U<DATO>' || case status when '05' then '5101' else '5120' end || fra_kommunekode from borger.skift where status in ('80', '05') and not er_tavs
        union all
        select person_nr, '005', fra, fra, 'I<DATO>' || case foer_status when '05' then '5101' else '5180' end || til_kommunekode
        from borger.skift where status = '01' and not foedt and coalesce(foer_status, '80') in ('80', '05')
        union all
        select person_nr, '025', fra, fra, 'F<DATO>' || fra_kommunekode from borger.skift where status = '70'
        union all
        select person_nr, '025', fra, fra, 'G<DATO>' || til_kommunekode from borger.skift where status = '01' and foer_status = '70'
        union all
        select person_nr, '009', fra, fra, '<DATO>' || til_kommunekode from borger.skift where foedt
    """)
    con.execute("""
        create table borger.skiftet_nummer as
        select n.person_nr, n.cpr, g.cpr as tidligere, n.skiftet, m.meldt
        from borger.nummer as n
        inner join borger.nummer as g on n.person_nr = g.person_nr and g.omgang = 0
        left join borger.meldt as m on n.person_nr = m.person_nr and n.skiftet = m.dato
        where n.omgang = 1
    """)
    con.execute(f"""
        create table borger.melding as
        -- the ordinary reports, the wrong ones, and what takes the wrong ones back
        select
            m.meldt as dag, f.person_nr, f.rec, f.fra, ' ' as handling, replace(f.krop, '<DATO>', tal8(f.dato, false)) as krop, 'ny' as nummer,
            cast(null as varchar) as regel
        from borger.fakta as f inner join borger.meldt as m on f.person_nr = m.person_nr and f.fra = m.dato
        union all
        select m.meldt_forkert, f.person_nr, f.rec, m.forkert_dato, ' ', replace(f.krop, '<DATO>', tal8(m.forkert_dato, false)), 'ny', null
        from borger.fakta as f inner join borger.meldt as m on f.person_nr = m.person_nr and f.fra = m.dato where m.forkert_dato is not null
        union all
        select m.meldt, f.person_nr, f.rec, m.forkert_dato, 'A', replace(f.krop, '<DATO>', tal8(m.forkert_dato, false)), 'ny', null
        from borger.fakta as f inner join borger.meldt as m on f.person_nr = m.person_nr and f.fra = m.dato where m.forkert_dato is not null
        union all
        -- a move that never was, annulled some weeks later
        select unnest([dag, annulleret]), person_nr, '002', fra, unnest([' ', 'A']), krop, 'ny', null
        from (
            select
                person_nr, dato as fra, dato + 1 as dag, dato + 16 + cast(hash(person_nr, 'annulleres') % 20 as integer) as annulleret,
                krop002(person_nr, maal_kommunekode, dato, dato, false, false) as krop
            from borger.haendelse where art = 'fejlmelding' and antal_for_person = 1
        ) where annulleret <= {last}
        union all
        -- a changed number: the new one with the former and with all that holds, the old one marked as replaced
        select n.meldt, n.person_nr, '022', n.skiftet, ' ', n.tidligere || tal8(n.skiftet, false), 'ny', null from borger.skiftet_nummer as n where n.meldt is not null
        union all
        select n.meldt, n.person_nr, '001', n.skiftet, ' ', krop001('60', n.skiftet, a.koen, a.foedselsdato), 'tidligere', null
        from borger.skiftet_nummer as n inner join borger.alle as a on n.person_nr = a.person_nr where n.meldt is not null
        union all
        select n.meldt, n.person_nr, '001', s.fra, ' ', krop001(s.status, s.fra, a.koen, a.foedselsdato), 'ny', null
        from borger.skiftet_nummer as n asof join borger.status as s on n.person_nr = s.person_nr and n.skiftet >= s.fra
        inner join borger.alle as a on n.person_nr = a.person_nr where n.meldt is not null
        union all
        select n.meldt, n.person_nr, '002', s.fra, ' ', krop002(n.person_nr, s.kommunekode, s.fra, s.fra, false, b.person_nr is not null), 'ny', null
        from borger.skiftet_nummer as n asof join borger.adresse as s on n.person_nr = s.person_nr and n.skiftet >= s.fra
        left join borger.beskyttet as b on n.person_nr = b.person_nr where n.meldt is not null
        union all
        select n.meldt, n.person_nr, '010', s.fra, ' ', s.land || tal8(s.fra, false), 'ny', null
        from borger.skiftet_nummer as n asof join borger.land as s on n.person_nr = s.person_nr and n.skiftet >= s.fra where n.meldt is not null
        union all
        select n.meldt, n.person_nr, '012', s.fra, ' ', s.civil || tal8(s.fra, false), 'ny', null
        from borger.skiftet_nummer as n asof join borger.civil as s on n.person_nr = s.person_nr and n.skiftet >= s.fra where n.meldt is not null
        union all
        select n.meldt, n.person_nr, '008', a.foedselsdato, ' ', krop008(a.person_nr, a.koen, a.foedselsdato), 'ny', null
        from borger.skiftet_nummer as n inner join borger.alle as a on n.person_nr = a.person_nr where n.meldt is not null
        union all
        -- known faults
        select {first} + 7, g.person_nr, '002', {first} + 7, ' ',
            replace(krop002(g.person_nr, g.kommunekode, {first} + 7, date '1111-11-11', false, false), '11111111', '20261399'), 'ny', 'BO-09'
        from borger.grund as g where {fault(verden, 'BO-09')}
        union all
        select {first} + 8, g.person_nr, '025', {first} + 8, ' ', 'X' || tal8({first} + 8, false) || g.kommunekode, 'ny', 'BO-09'
        from borger.grund as g where {fault(verden, 'BO-09b')}
        union all
        -- the line stands before the right one in the same file (ordered by `fra`), so the right one is the one that holds
        select m.meldt, g.person_nr, '002', m.dato - 1, ' ',
            krop002(g.person_nr, case g.kommunekode when '0101' then '0147' else '0101' end, m.dato, m.dato, false, false), 'ny', 'BO-10'
        from borger.grund as g inner join borger.meldt as m on g.person_nr = m.person_nr where {fault(verden, 'BO-10')}
        union all
        select {first} + 5, g.person_nr, '002', {first} + 4, ' ', krop002(g.person_nr, g.kommunekode, {first} + 4, {first} + 4, false, false), 'ugyldigt', 'BO-01'
        from borger.grund as g where {fault(verden, 'BO-01')}
        union all
        select {first} + 6, g.person_nr, '001', g.status_dato, ' ', krop001(g.status, g.status_dato, g.koen, date '2099-05-05'), 'ny', 'BO-03'
        from borger.grund as g where {fault(verden, 'BO-03')}
        union all
        select
            least(d.dato + 23, {last}), g.person_nr, '002', least(d.dato + 20, {last}), ' ',
            krop002(g.person_nr, d.maal_kommunekode, d.dato, least(d.dato + 20, {last}), false, false), 'ny', 'BO-05'
        from borger.grund as g inner join borger.haendelse as d on g.person_nr = d.person_nr and d.art = 'doed' where {fault(verden, 'BO-05')}
    """)
    # The full extract, five records a person or so, numbered as they stand in the file (line 1 is the start record).
    eve_loebenr = FIRST_SERIAL
    con.execute(f"""
        create table borger.linje as
        with personer as (
            select
                g.*, coalesce(n.cpr, o.cpr) as cpr, n.tidligere, n.skiftet, {fault(verden, 'BO-03b')} as for_gammel
            from borger.grund as g
            inner join borger.nummer as o on g.person_nr = o.person_nr and o.omgang = 0
            left join borger.skiftet_nummer as n on g.person_nr = n.person_nr and n.skiftet < {first}
            order by g.person_nr
        ),
        poster as (
            select
                person_nr, status, status_dato, for_gammel,
                unnest([
                    '001' || cpr || ' ' || krop001(status, status_dato, koen, case when for_gammel then date '1885-05-05' else foedselsdato end),
                    case when er_bosat then '002' || cpr || ' ' || krop002(person_nr, kommunekode, adresse_dato, adresse_dato, uvis_dag, beskyttet) end,
                    '008' || cpr || ' ' || krop008(person_nr, koen, foedselsdato),
                    '010' || cpr || ' ' || land || tal8(case when not ukendt_dato then land_dato end, false),
                    '012' || cpr || ' ' || civil || tal8(case when not ukendt_dato then civil_dato end, false),
                    case when tidligere is not null then '022' || cpr || ' ' || tidligere || tal8(skiftet, false) end,
                    case when status = '90' then '090' || cpr || ' ' || tal8(status_dato, false) || kommunekode end
                ]) as tekst
            from personer
        )
        select
            {eve_loebenr} as loebenr, row_number() over () + 1 as linje, person_nr, substr(tekst, 1, 3) as rec,
            case when tekst like '090%' then status_dato end as fra,
            ' ' as handling, tekst, case when for_gammel and tekst like '001%' then 'BO-03' end as regel
        from poster
        where tekst is not null
    """)
    con.execute("""
        create table borger.ugyldig as
        select unnest(['0000000000', '3213990123', '310299012X', '9906550123']) as cpr, unnest(range(4)) as nr
    """)
    con.execute(f"""
        insert into borger.linje
        select
            {eve_loebenr} + date_diff('day', date '{eve(verden)}', m.dag) as loebenr,
            1 + row_number() over (partition by m.dag order by m.person_nr, m.rec, m.handling, m.fra, m.krop) as linje,
            m.person_nr, m.rec, m.fra, m.handling,
            m.rec || case
                when m.nummer = 'ugyldigt' then u.cpr
                when m.nummer = 'tidligere' then n.tidligere
                when n.cpr is not null and m.dag >= coalesce(n.meldt, n.skiftet) then n.cpr
                else o.cpr
            end || m.handling || m.krop as tekst,
            m.regel
        from borger.melding as m
        inner join borger.nummer as o on m.person_nr = o.person_nr and o.omgang = 0
        left join borger.skiftet_nummer as n on m.person_nr = n.person_nr
        left join borger.ugyldig as u on m.person_nr % 4 = u.nr
        order by loebenr, linje
    """)


def write_extracts(verden: Verden) -> None:
    """The register's files: the full extract (gzip, for it is large), one delta a day, one of them in a zip, and the corrected redeliveries."""
    con = verden.con
    folder = verden.home.inbox / "cpr"
    folder.mkdir(parents=True, exist_ok=True)
    con.execute("create macro filnavn(d) as 'D' || strftime(d, '%y%m%d') || '.L431101'")
    con.execute("""
        create macro start(kind, loebenr, d) as '000' || kind || lpad(cast(loebenr as varchar), 6, '0') || strftime(d, '%Y%m%d')
            || case kind when 'F' then '00000000000000' else lpad(cast(loebenr - 1 as varchar), 6, '0') || strftime(d - 1, '%Y%m%d') end
    """)
    con.execute("create macro slut(antal) as '999' || lpad(cast(antal as varchar), 9, '0')")
    con.execute(f"""
        create table borger.dag as
        select
            cast(dag as date) as dag, {FIRST_SERIAL} + date_diff('day', date '{eve(verden)}', cast(dag as date)) as loebenr
        from (select unnest(generate_series(date '{verden.first}', date '{verden.end - timedelta(1)}', interval 1 day)) as dag)
    """)
    again = redeliveries(verden)
    con.execute("create table borger.omlevering (dag date, leveret date)")
    con.executemany("insert into borger.omlevering values (?, ?)", again)
    write_full(verden, folder)
    # The deltas as they first came: on a day that was delivered again, some lines are missing and one is another person's.
    con.execute(f"""
        create table borger.foerste_udgave as
        select l.loebenr, l.linje, l.tekst
        from borger.linje as l
        inner join borger.dag as d on l.loebenr = d.loebenr
        inner join borger.omlevering as o on d.dag = o.dag
        where hash(l.person_nr, 'mangler') % 3 > 0
        union all
        select d.loebenr, 1000000000 + g.person_nr, '002' || n.cpr || ' ' || krop002(g.person_nr, k.kommunekode, d.dag, d.dag, false, false)
        from borger.grund as g
        inner join borger.nummer as n on g.person_nr = n.person_nr and n.omgang = 0
        cross join borger.omlevering as o
        inner join borger.dag as d on o.dag = d.dag
        cross join (select min(kommunekode) as kommunekode from borger.kommune) as k
        where g.stor and g.idx = {BOGUS_IN_FIRST_TRY}
    """)
    deltas = """
        select {name} as sti, {delivered} + time '21:30:00' as mtime, d.loebenr, 0 as orden, start('D', d.loebenr, d.dag) as tekst from {days}
        union all
        select {name}, {delivered} + time '21:30:00', d.loebenr, l.linje, l.tekst from {days} inner join {lines} as l on d.loebenr = l.loebenr
        union all
        select {name}, {delivered} + time '21:30:00', d.loebenr, 9000000000000, slut(count(l.linje)) from {days} left join {lines} as l on d.loebenr = l.loebenr group by all
    """
    first_try = """(
        select loebenr, linje, tekst from borger.linje
        where loebenr not in (select d.loebenr from borger.dag as d inner join borger.omlevering as o on d.dag = o.dag)
        union all
        select loebenr, linje, tekst from borger.foerste_udgave
    )"""
    name = "'cpr/' || filnavn(d.dag)"
    write_files(verden, f"select sti, mtime, orden, tekst from ({deltas.format(name=name, delivered='d.dag', days='borger.dag as d', lines=first_try)})",
                charset="iso-8859-1", newline="\n")
    zipped = verden.first + timedelta(7)
    pack(folder / f"D{zipped:%y%m%d}.L431101", "zip")
    # The corrected ones come packed, so that the inbox can hold both.
    apart = verden.home.tmp / "omleveret"
    days = "(borger.dag as d inner join borger.omlevering as o on d.dag = o.dag)"
    write_files(verden, f"select sti, mtime, orden, tekst from ({deltas.format(name=name, delivered='o.leveret', days=days, lines='borger.linje')})",
                charset="iso-8859-1", newline="\n", root=apart)
    for path in sorted((apart / "cpr").iterdir()):
        pack(path, "gz", folder)
    (apart / "cpr").rmdir()
    apart.rmdir()


def write_full(verden: Verden, folder: Path) -> None:
    """The full extract, a piece at a time."""
    con, day = verden.con, eve(verden)
    total = con.execute(f"select count(*) from borger.linje where loebenr = {FIRST_SERIAL}").fetchone()[0]
    path = folder / f"D{day:%y%m%d}.L431101.gz"
    stamp = datetime.combine(day, time(21, 30), UTC).timestamp()
    with path.open("wb") as raw, gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=1, mtime=0) as out:
        out.write((con.execute(f"select start('F', {FIRST_SERIAL}, date '{day}')").fetchone()[0] + "\n").encode("iso-8859-1"))
        for low in range(2, total + 2, 200_000):
            text = con.execute(f"""
                select string_agg(tekst, chr(10) order by linje) from borger.linje
                where loebenr = {FIRST_SERIAL} and linje between {low} and {low + 199_999}
            """).fetchone()[0]
            out.write((text + "\n").encode("iso-8859-1"))
        out.write((con.execute(f"select slut({total})").fetchone()[0] + "\n").encode("iso-8859-1"))
    os.utime(path, (stamp, stamp))


def pack(path: Path, kind: str, folder: Path | None = None) -> None:
    """Put a file in a gzip or zip of its own name, with the same bytes every time and the file's own time of delivery."""
    stamp = path.stat().st_mtime
    target = (folder or path.parent) / f"{path.name}.{kind}"
    if kind == "gz":
        with target.open("wb") as raw, gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=6, mtime=0) as out:
            out.write(path.read_bytes())
    else:
        with zipfile.ZipFile(target, "w") as archive:
            archive.writestr(zipfile.ZipInfo(path.name, (1980, 1, 1, 0, 0, 0)), path.read_bytes(), zipfile.ZIP_DEFLATED)
    path.unlink()
    os.utime(target, (stamp, stamp))


def break_transfer(verden: Verden) -> None:
    """A transfer that broke: of one delta only the first half of the lines came, and the whole one the morning after, packed. The first is refused."""
    day = verden.first + timedelta(16)
    path = verden.home.inbox / "cpr" / f"D{day:%y%m%d}.L431101"
    lines, stamp = path.read_bytes().splitlines(keepends=True), path.stat().st_mtime
    os.utime(path, (stamp + BROKEN_AGAIN_AFTER, stamp + BROKEN_AGAIN_AFTER))
    pack(path, "gz")
    path.write_bytes(b"".join(lines[: max(1, len(lines) // 2)]))
    os.utime(path, (stamp, stamp))
    verden.con.execute("insert into verden.fejl values ('load:mangler_slutrecord', 'cpr', '0998', null, ?)", [path.name])


def official_name(verden: Verden) -> str:
    """The name of Danmarks Statistik's FOLK1A file."""
    return f"FOLK1A_{verden.end:%Y%m%d}.csv"


def delivered_name(verden: Verden, serial: int) -> str:
    """The name of the file in which an extract came as it finally stands: where it came twice, the last one."""
    day = eve(verden) + timedelta(serial - FIRST_SERIAL)
    return max((verden.home.inbox / "cpr").glob(f"D{day:%y%m%d}.L431101*"), key=lambda path: path.stat().st_mtime).name


def build_official(verden: Verden) -> None:
    """`borger.officielt`: FOLK1A counted from the same world, residents at the beginning of the first day of each quarter, as the file says it.

    `indhold` is the text in the file; with faults one age is missing, one figure is too large, and one is not known ('..').
    """
    # A demo of a month or two may cover no quarter: then the table is empty, and there is no file.
    quarters = [m for m in [*verden.months, verden.end] if m.month in (1, 4, 7, 10)] or [date(1900, 1, 1)]
    days = ", ".join(f"date '{q}'" for q in quarters)
    con = verden.con
    con.execute(f"""
        create table borger.officielt as
        with kvartaler as (
            select unnest([{days}]) as dag
        ),
        omraader as (
            select kommunekode, substr(kommunekode, 2) as omraade from borger.kommune
            union all
            select kommunekode, '000' from borger.kommune
        ),
        bosatte as (
            select o.omraade, case p.koen when 'M' then '1' else '2' end as koen, least(date_diff('year', p.foedselsdato, k.dag)
                - case when (month(k.dag), day(k.dag)) < (month(p.foedselsdato), day(p.foedselsdato)) then 1 else 0 end, 125) as alder, k.dag, count(*) as antal
            from verden.bopael as b
            inner join kvartaler as k on b.gyldig_fra < k.dag and b.gyldig_til >= k.dag
            inner join verden.person as p on b.person_nr = p.person_nr
            inner join omraader as o on b.kommunekode = o.kommunekode
            group by all
        ),
        ramme as (
            select o.omraade, s.koen, a.alder, k.dag
            from (select distinct omraade from omraader) as o
            cross join (values ('1'), ('2')) as s (koen)
            cross join (select unnest(range(126)) as alder) as a
            cross join kvartaler as k
        )
        select r.omraade, r.koen, r.alder, r.dag, cast(coalesce(b.antal, 0) as varchar) as indhold, cast(null as varchar) as regel
        from ramme as r
        left join bosatte as b on r.omraade = b.omraade and r.koen = b.koen and r.alder = b.alder and r.dag = b.dag
        where r.dag > date '1900-01-01'
        order by r.omraade, r.koen, r.alder, r.dag
    """)
    if verden.faults:
        # each in a municipality of its own where there are three large ones; the newest quarter
        con.execute(f"""
            update borger.officielt as o
            set
                regel = f.regel,
                indhold = case f.regel when 'BO-08' then cast(cast(o.indhold as integer) + cast(ceil(s.antal * {OFF_BY}) as integer) + 1 as varchar) when 'BO-17' then '..' end
            from (values ('BO-06', '2', 38, 2), ('BO-08', '1', 40, 3), ('BO-17', '2', 110, 4)) as f (regel, koen, alder, nr)
            inner join borger.stor as s on s.nr = least(f.nr, (select max(nr) from borger.stor))
            where o.omraade = substr(s.kommunekode, 2) and o.koen = f.koen and o.alder = f.alder and o.dag = date '{max(quarters)}'
        """)


def write_official(verden: Verden) -> None:
    """Danmarks Statistik's FOLK1A file."""
    if not verden.rows("borger.officielt"):
        return
    sti, moment = f"dst/{official_name(verden)}", f"timestamp '{verden.end - timedelta(1)} 12:00:00'"
    write_files(verden, f"""
        select '{sti}' as sti, {moment} as mtime, 0 as orden, 'OMRÅDE;KØN;ALDER;TID;INDHOLD' as tekst
        union all
        select
            '{sti}', {moment}, row_number() over (order by omraade, koen, alder, dag),
            omraade || ';' || koen || ';' || alder || ';' || year(dag) || 'K' || quarter(dag) || ';' || indhold
        from borger.officielt
        where indhold is not null
    """, newline="\n")
    verden.truth("std_borger__officielt_folketal", """
        select
            o.omraade as omraadekode, k.kommunekode, o.dag as periode, case o.koen when '1' then 'M' else 'K' end as koen, cast(o.alder as integer) as alder,
            cast(o.indhold as integer) as antal_personer, 'dst_folk1a' as kildesystem,
            o.omraade || '|' || o.koen || '|' || o.alder || '|' || year(o.dag) || 'K' || quarter(o.dag) as kilde_id
        from borger.officielt as o
        left join borger.kommune as k on '0' || o.omraade = k.kommunekode
        where try_cast(o.indhold as integer) is not null
        order by kilde_id
    """)
