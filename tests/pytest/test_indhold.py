"""That what the content of deliveries is measured on is there: a measure without rows would never be found to be another than it should be."""

from __future__ import annotations

from flis.database import connect
from flis.home import Home


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
    """What the memory has for the delivery's own month is what the rows say."""
    with connect(demo_hjem) as con:
        different = con.execute("""
            with igang as (
                select y.kommunekode, count(*) as antal
                from standardized.std_voksne_handicap__ydelse as y
                inner join cpr.raw.leverance as l on y._leverance_id = l.leverance_id
                where y.gyldig_fra <= last_day(cast(l.periode as date)) and y.gyldig_til > last_day(cast(l.periode as date))
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
        some = con.execute("select count(*) from kvalitet.indholdsprofil where felt = 'i_gang'").fetchall()[0][0]
    assert some > 0
    assert different == []


def test_most_pupils_were_six_in_grade_zero(demo_hjem: Home) -> None:
    with connect(demo_hjem) as con:
        ages = dict(con.execute("select vaerdi, sum(antal) from kvalitet.indholdsprofil where felt = 'person_alder_i_0_klasse' group by vaerdi").fetchall())
    assert ages.get("6", 0) > 0.7 * sum(ages.values()) > 0
