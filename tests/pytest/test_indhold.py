"""That what the content of deliveries is measured on is there: a measure without rows would never be found to be another than it should be."""

from __future__ import annotations

from flis.core.database import connect
from flis.core.home import Home


def test_every_monthly_formula_is_measured(demo_hjem: Home) -> None:
    with connect(demo_hjem) as con:
        without = con.execute("""
            select f.formel_id
            from koder.formel as f
            where f.opgoerelsesniveau = 'M'
              -- what is above zero in one month and below in the next has no size
              and not exists (
                  select 1 from marts.int_faelles__formelvaerdi as v where v.formel_id = f.formel_id and v.vaerdi < 0
              )
              and exists (select 1 from marts.int_faelles__formelvaerdi as v where v.formel_id = f.formel_id and v.observationsstatus in ('som_leveret', 'aegte_nul', 'ufuldstaendig'))
              and f.formel_id not in (select m.vaerdi from kvalitet.indholdsmaaling as m where m.felt = 'formel')
        """).fetchall()
    assert without == []


def test_a_formula_is_measured_where_it_has_a_value(demo_hjem: Home) -> None:
    """A full extract alone is active: its earlier months are measured as well."""
    with connect(demo_hjem) as con:
        months = dict(con.execute("select fagomraade, count(distinct periode) from kvalitet.indholdsmaaling where felt = 'formel' group by fagomraade").fetchall())
        delivered = con.execute("select count(distinct periode) from marts.int_faelles__leveringsstatus where fagomraade = 'voksne_handicap' and leveringsstatus = 'leveret'").fetchall()[0][0]
    assert set(months) == {"borger", "oekonomi", "personale", "voksne_handicap", "skole"}
    assert months["voksne_handicap"] >= delivered > 1


def test_a_full_extract_says_what_was_in_force(demo_hjem: Home) -> None:
    """What the memory has for the delivery's own month is what its good rows say, also those that a newer system's go on from (0265 and 0461 have changed systems)."""
    with connect(demo_hjem) as con:
        different = con.execute("""
            with igang as (
                select y.kommunekode, count(*) as antal
                from standardized.int_voksne_handicap__ydelse as y
                inner join cpr.raw.leverance as l on y._leverance_id = l.leverance_id
                where y.frasat_aarsag is null and y.gyldig_fra <= last_day(cast(l.periode as date)) and y.gyldig_til > last_day(cast(l.periode as date))
                group by y.kommunekode
            ),
            husket as (
                select l.kommunekode, sum(p.antal) as antal
                from kvalitet.indholdsprofil as p
                inner join cpr.raw.leverance as l on p._leverance_id = l.leverance_id and l.status = 'aktiv'
                where p.felt = 'i_gang' and p.vaerdi = 'alt' and p.maal = strftime(cast(l.periode as date), '%Y-%m')
                group by l.kommunekode
            )
            select * from igang as i full join husket as h on i.kommunekode = h.kommunekode
            where i.antal is distinct from h.antal
        """).fetchall()
        merged = con.execute("""
            select count(*) from standardized.int_voksne_handicap__ydelse as y
            where y.frasat_aarsag is null and not exists (
                select 1 from standardized.std_voksne_handicap__ydelse as s where s.kommunekode = y.kommunekode and s.kildesystem = y.kildesystem and s.kilde_id = y.kilde_id)
        """).fetchall()[0][0]
    assert merged > 0
    assert different == []


def test_most_pupils_were_six_in_grade_zero(demo_hjem: Home) -> None:
    with connect(demo_hjem) as con:
        ages = dict(con.execute("select vaerdi, sum(antal) from kvalitet.indholdsprofil where felt = 'person_alder_i_0_klasse' group by vaerdi").fetchall())
    assert ages.get("6", 0) > 0.7 * sum(ages.values()) > 0


def test_another_code_than_the_month_before_is_counted(demo_hjem: Home) -> None:
    """As a window over the standard has it: another than last month, and than the month before that."""
    with connect(demo_hjem) as con:
        different = con.execute("""
            with maaned as (
                select kommunekode, periode, person_id, max(klassetrin) as trin from standardized.std_skole__elevforloeb group by all
            ),
            talt as (
                select e.kommunekode, e.periode, count(*) as kendte,
                    count(*) filter (where e.klassetrin <> f.trin and e.klassetrin is distinct from ff.trin) as andre
                from standardized.std_skole__elevforloeb as e
                inner join maaned as f on e.kommunekode = f.kommunekode and e.person_id = f.person_id and f.periode = e.periode - interval 1 month
                left join maaned as ff on e.kommunekode = ff.kommunekode and e.person_id = ff.person_id and ff.periode = e.periode - interval 2 month
                group by all
            ),
            husket as (
                select l.kommunekode, cast(l.periode as date) as periode, sum(p.antal) as kendte, sum(p.antal) filter (where p.vaerdi = 'andet') as andre
                from kvalitet.indholdsprofil as p
                inner join cpr.raw.leverance as l on p._leverance_id = l.leverance_id and l.status = 'aktiv'
                where p.felt = 'skift_klassetrin' and p.begreb = 'elevforloeb'
                group by all
            )
            select * from talt as t full join husket as h using (kommunekode, periode)
            where t.kendte is distinct from h.kendte or t.andre is distinct from h.andre
        """).fetchall()
        some = con.execute("select sum(antal) from kvalitet.indholdsprofil where felt = 'skift_klassetrin' and vaerdi = 'andet'").fetchall()[0][0]
    assert some > 0
    assert different == []


def test_each_person_is_known_new_or_come_again(demo_hjem: Home) -> None:
    with connect(demo_hjem) as con:
        sums = con.execute("""
            select sum(antal) filter (where felt = 'person_foelge'), sum(antal) filter (where felt = 'personer'), count(distinct vaerdi) filter (where felt = 'person_foelge')
            from kvalitet.indholdsprofil
            where begreb = 'ansaettelse'
            group by _leverance_id
            having count(*) filter (where felt = 'person_foelge') > 0
        """).fetchall()
        known = con.execute("select sum(antal) filter (where vaerdi = 'kendt') / sum(antal) from kvalitet.indholdsprofil where felt = 'person_foelge' and begreb = 'ansaettelse'").fetchall()[0][0]
    assert sums and all(told == persons for told, persons, _ in sums)
    assert known > 0.9


def test_a_number_is_held_against_what_stood_there(demo_hjem: Home) -> None:
    """A service of school hours that stands is as long as it was."""
    with connect(demo_hjem) as con:
        usual = con.execute("select exp(sum(logsum) / sum(antal)) from kvalitet.indholdsprofil where felt = 'forhold' and begreb = 'specialundervisning'").fetchall()[0][0]
        groups = {g for (g,) in con.execute("select distinct vaerdi from kvalitet.indholdsprofil where felt = 'forhold' and begreb = 'postering'").fetchall()}
    assert 0.9 < usual < 1.1
    assert groups == {"varer_og_tjenester", "loen"}
