"""The round trip: what came out of the standardized layer equals the truth the demo wrote beside its inbox, row for row."""

from __future__ import annotations

import pytest

from conftest import copy_of, deliver_until, months_of, next_month
from flis.build.dbt import build
from flis.core.database import connect
from flis.core.home import Home
from flis.intake.load import load
from flis.quality.truth import IN_SERIES, differences, models, score
from flis.quality.validate import validate

pytestmark = pytest.mark.langsom

MODELS = models()
# What a delivery can move. A build without tests is not remembered, so the next would take everything, the code lists and views among it.
STORED = ["config.materialized:incremental", "config.materialized:table"]


@pytest.mark.parametrize("model", MODELS)
def test_alt_paa_en_gang(demo_hjem: Home, model: str) -> None:
    found = differences(demo_hjem, model)
    assert found.there > 0, f"{model} is empty"
    assert not found.rows, found.rows
    assert found.expected > 0


def test_de_indlagte_fejl_er_der(demo_hjem: Home) -> None:
    """Every kind of fault the demo knows was planted, each key once in its municipality (document numbers are each municipality's own)."""
    with connect(demo_hjem) as con:
        rules, keys, distinct = con.execute(f"select count(distinct regel_id), count(*), count(distinct regel_id || kommunekode || noegle) from '{demo_hjem.truth}/fejl.parquet'").fetchall()[0]
        cpr = con.execute(f"select count(*) from '{demo_hjem.truth}/fejl.parquet' as f, cpr.raw.person_noegle as p where contains(replace(f.noegle, '-', ''), p.cpr)").fetchall()[0][0]
    assert rules >= 18
    assert keys == distinct
    assert cpr == 0


@pytest.fixture(scope="module")
def maanedsvis(leveret_demo: Home, tmp_path_factory) -> Home:
    """The same demo, delivered and built month by month."""
    target, source = copy_of(leveret_demo, tmp_path_factory.mktemp("maanedsvis")), Home.of(tmp_path_factory.mktemp("kilde"))
    target.inbox.replace(source.inbox)
    target.prepare()
    months = months_of(source)
    assert len(months) > 3
    for month in months:
        assert deliver_until(source, target, next_month(month))
        load(target)
        result = build(target, tests=month == months[-1], select=[] if month in (months[0], months[-1]) else STORED)
        assert not result.failures, result.failures
        assert validate(target).not_run == []
    return target


@pytest.mark.parametrize("model", MODELS)
def test_maaned_for_maaned(maanedsvis: Home, model: str) -> None:
    found = differences(maanedsvis, model)
    assert found.there > 0
    assert not found.rows, found.rows


def test_quality_month_by_month_is_quality_all_at_once(maanedsvis: Home) -> None:
    """Rules measured where something had moved, month after month, give what measuring everything gives; and they did not read everything each time."""
    def picture() -> tuple[list, list]:
        with connect(maanedsvis) as con:
            return (con.execute("select * exclude (koersel, nye, loeste) from kvalitet.resultat order by all").fetchall(),
                    con.execute("select regel_id, kommunekode, periode, noegle, leverance_id, fil, linje from kvalitet.afvigelse order by all").fetchall())

    with connect(maanedsvis) as con:
        read = dict(con.execute("select laest, count(*) from kvalitet.maalt where koersel > (select min(koersel) from kvalitet.maalt) group by all").fetchall())
    assert read["skiver"] > 20
    results, deviations = picture()
    assert len(results) > 1000 and len(deviations) > 30
    validate(maanedsvis, alt=True)
    again, rows = picture()
    assert set(again) - set(results) == set() and len(again) == len(results)
    assert rows == deviations


def test_en_erstattet_leverance_huskes(maanedsvis: Home) -> None:
    """Each month's full extract takes the place of the one before, whose rows are gone; what was in it is still known, and survives a rebuild of everything."""
    with connect(maanedsvis) as con:
        seen = con.execute("""
            select l.status, count(distinct l.periode) > 0, count(distinct f._leverance_id) = count(distinct l.leverance_id)
            from cpr.raw.leverance as l
            left join kvalitet.leveranceprofil as f on l.leverance_id = f._leverance_id
            where l.kildesystem = 'eg_sensum' and l.status in ('aktiv', 'erstattet') and l.raekker > 0
                and l.leverance_id in (select max(leverance_id) from cpr.raw.leverance where kildesystem = 'eg_sensum' group by kommunekode, periode)
            group by all order by all
        """).fetchall()
    assert seen == [("aktiv", True, True), ("erstattet", True, True)]


def test_faults_of_a_series_are_found_month_by_month(maanedsvis: Home) -> None:
    """What only shows where each delivery was built before the next came is found here: the planted, and nothing else. The score leaves it out."""
    with connect(maanedsvis) as con:
        planted = set(con.execute(f"select regel_id, kommunekode, noegle from '{maanedsvis.truth}/fejl.parquet' where starts_with(regel_id, $1)", [IN_SERIES]).fetchall())
        rules = sorted({rule.removeprefix(IN_SERIES) for rule, *_ in planted})
        found = set(con.execute("select distinct $1 || regel_id, kommunekode, noegle from kvalitet.afvigelse where list_contains($2, regel_id)", [IN_SERIES, rules]).fetchall())
    assert rules == ["VH-93"]
    assert found == planted
    assert [(one.planted, one.extra) for one in score(maanedsvis) if one.regel_id in rules] == [(0, 0)]


def test_skiver_giver_det_samme_som_alt_forfra(maanedsvis: Home) -> None:
    """Every incremental model, built slice by slice, equals itself rebuilt whole, technical columns but the delivery's number included."""
    from flis.build.dbt import project

    names = {name: node.schema for name, node in project(maanedsvis).sliced.items()}
    with connect(maanedsvis, write="flis") as con:
        con.execute("create schema foer")
        for name, schema in names.items():
            con.execute(f"create table foer.{name} as select * from {schema}.{name}")
    result = build(maanedsvis, full_refresh=True)
    assert not result.failures, result.failures
    with connect(maanedsvis, write="flis") as con:
        for name, schema in names.items():
            different = con.execute(f"""
                select count(*) from (
                    (select * from foer.{name} except all select * from {schema}.{name}) union all (select * from {schema}.{name} except all select * from foer.{name})
                )
            """).fetchall()[0][0]
            assert different == 0, f"{name}: {different} rows differ"
        con.execute("drop schema foer cascade")


def test_aftrykket_daekker_makroer_i_makroer(demo_hjem: Home) -> None:
    """dbt names only the outermost macros on a node; a change inside one of them must still rebuild what rests on it."""
    from flis.build.dbt import project

    stands = project(demo_hjem)
    macros = stands.macros(stands.nodes["model.flis.stg_cpr__adresse"].depends_on.macros)
    assert {"macro.flis.cpr_virkningsdato", "macro.flis.som_dato"} <= macros
    assert "macro.flis.default__dato_plus_dage" in stands.macros(stands.nodes["model.flis.fct_voksne_handicap__maaned"].depends_on.macros)


def test_samme_koersel_igen_aendrer_intet(demo_hjem: Home) -> None:
    """Loading and building again with nothing new leaves every incremental model as it is."""
    def counts() -> list:
        with connect(demo_hjem) as con:
            return con.execute("select table_name, estimated_size from duckdb_tables() where database_name = 'flis' and schema_name in ('standardized', 'marts') order by all").fetchall()

    before = counts()
    load(demo_hjem)
    result = build(demo_hjem)
    assert not result.failures
    assert counts() == before
    assert before
