"""Reading numbers, dates and CPR numbers: what each way of writing is, and that everything that reads reads it so.

The tables in tests/tabeller are the truth. Held to them: the macros that staging types with, the control total of the load step, and the oracle of the fuzz.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any, get_args

import duckdb
import jinja2
import pytest
import yaml

from flis.contracts.contract import read_contracts
from flis.contracts.grammar import Talformat
from flis.core.home import REPO, Home
from flis.core.keys import create_key
from flis.intake.load import load
from flis.intake.splitting import amount_sql, cpr_sql
from proofs import fuzz_oracle as oracle

TALFORMATER = get_args(Talformat)
DATES = ("yyyy-MM-dd", "dd-MM-yyyy", "dd.MM.yyyy", "yyyyMMdd", "cpr", "ddMMyy", "excel")
KNOWN = "date '2026-11-30'"


def table(name: str) -> dict[str, Any]:
    return yaml.safe_load((REPO / "tests" / "tabeller" / f"{name}.yml").read_text("utf-8"))


@cache
def macros() -> Any:
    """The typing macros as dbt renders them for DuckDB."""
    environment = jinja2.Environment()
    environment.globals["dato_plus_dage"] = lambda day, days: f"({day} + {days})"
    return environment.from_string((REPO / "macros" / "typer.sql").read_text("utf-8")).module


def read(sql: str, written: list[str]) -> list[Any]:
    """What an expression on the column `t` makes of each text."""
    with duckdb.connect() as con:
        return [value for value, in con.execute(f"select {sql} from (select unnest($1) as t, unnest(range(len($1))) as nr) order by nr", [written]).fetchall()]


@pytest.mark.parametrize("talformat", TALFORMATER)
def test_amounts(talformat):
    rows = table("beloeb")
    wanted = [Decimal(by[talformat]) if talformat in by else None for by in rows.values()]
    assert dict(zip(rows, read(str(macros().som_beloeb("t", talformat)), list(rows)), strict=True)) == dict(zip(rows, wanted, strict=True))
    assert dict(zip(rows, read(amount_sql("t", talformat), list(rows)), strict=True)) == dict(zip(rows, wanted, strict=True))
    assert {form: oracle.amount(form, talformat) for form in rows} == dict(zip(rows, wanted, strict=True))


def test_every_talformat_is_in_the_table():
    assert {form for by in table("beloeb").values() for form in by} == set(TALFORMATER)


@pytest.mark.parametrize("mark", [",", "[.]"])
def test_hours(mark):
    rows = table("timer")
    wanted = {form: Decimal(by[mark]) if mark in by else None for form, by in rows.items()}
    assert dict(zip(rows, read(str(macros().som_timer("t", mark)), list(rows)), strict=True)) == wanted
    assert {form: oracle.hours(form, mark) for form in rows} == wanted


@pytest.mark.parametrize("form", DATES)
def test_dates(form):
    rows = table("datoer")
    wanted = {written: by.get(form) for written, by in rows.items()}
    assert dict(zip(rows, read(str(macros().som_dato("t", form)), list(rows)), strict=True)) == wanted
    assert {written: oracle.day(written, form) for written in rows} == wanted


def test_every_date_format_is_in_the_table():
    assert {form for by in table("datoer").values() for form in by} == set(DATES)
    used = {form for path in (REPO / "models").rglob("*.sql") for form in re.findall(r"som_dato\([^,]+, '([^']+)'\)", path.read_text("utf-8"))}
    assert used <= set(DATES)


def test_only_the_register_has_uncertain_dates():
    """Month 00 and day 00 are CPR's marks; every date of the register is read with them, and no other system's."""
    for path in (REPO / "models" / "staging").rglob("stg_*.sql"):
        formats = set(re.findall(r"som_dato\([^,]+, '([^']+)'\)", path.read_text("utf-8")))
        assert formats <= {"cpr"} if path.parent.name == "cpr" else "cpr" not in formats, path.name


def test_cpr_numbers():
    rows = table("personnumre")
    normal = read(cpr_sql("t"), list(rows))
    valid = read(str(macros().cpr_er_gyldigt("t", KNOWN)), normal)
    stated = read(str(macros().cpr_foedselsdato("t")), normal)
    assert {number: day if good else None for number, good, day in zip(rows, valid, stated, strict=True)} == rows
    assert set(valid) == {True, False}


def test_a_number_is_not_valid_before_it_is_born():
    born_today = str(macros().cpr_er_gyldigt("t", "date '2026-11-29'"))
    assert read(born_today, ["3011265678", "2911265678"]) == [False, True]
    assert read(str(macros().cpr_er_gyldigt("t", "cast(null as date)")), ["0101701234", "0101575000"]) == [True, False]


def test_there_is_one_definition_of_a_valid_number():
    """Every model that sets a row aside for its CPR number asks the one macro, and no macro but those of typer.sql reads a date in a number."""
    asks = [path for path in (REPO / "models").rglob("*.sql") if "'cpr_ugyldig'" in path.read_text("utf-8")]
    assert len(asks) > 8
    assert [path.name for path in asks if "cpr_er_gyldigt(" not in path.read_text("utf-8")] == []
    defined = [path.name for path in (REPO / "macros").glob("*.sql") if re.search(r"macro cpr_(er_gyldigt|formelt|foedselsdato)", path.read_text("utf-8"))]
    assert defined == ["typer.sql"]


CONTRACT = """
version: 2
sources:
  - name: proeve
    config:
      meta:
        afsender: proeve
        fagomraade: oekonomi
        udtraekstype: periode
        fil: "P_{{kommunekode:4}}_{{periode:yyyymm}}.csv"
        kontroltal: {{kolonne: beloeb, talformat: {talformat}}}
        format: {{type: delimited, tegnsaet: utf-8, adskiller: "|", slutrecord: {{kendes_paa: TOTAL, antal: 2, sum: 3}}}}
    tables:
      - name: post
        columns: [{{name: nr}}, {{name: beloeb}}, {{name: tekst}}]
"""


@pytest.mark.parametrize("talformat", TALFORMATER)
def test_the_control_total_reads_as_the_table(tmp_path, talformat):
    """Every form as a row: the ledger's total is the sum of those the talformat reads, and of no other. Every form as the end record's sum: read as the rows are."""
    (tmp_path / "modeller").mkdir()
    (tmp_path / "modeller" / "_proeve__sources.yml").write_text(CONTRACT.format(talformat=talformat), "utf-8")
    home = Home(tmp_path / "hjem").prepare()
    create_key(home)
    (home.setup / "kommune_opsaetning.csv").write_text(
        "kommunekode,fagomraade,kildesystem,kadence,gyldig_fra,gyldig_til,instrueret\n0461,oekonomi,proeve,maaned,1900-01-01,,true\n", "utf-8")
    forms = {form: by.get(talformat) for form, by in table("beloeb").items()}
    inbox = home.inbox / "proeve"
    inbox.mkdir()
    (inbox / "P_0461_190001.csv").write_text("nr|beloeb|tekst\n" + "".join(f"{n}|{form}|x\n" for n, form in enumerate(forms)), "utf-8")
    stated = {f"P_0461_{1901 + n // 12}{n % 12 + 1:02d}.csv": (form, value) for n, (form, value) in enumerate(forms.items()) if form.strip()}
    for name, (form, value) in stated.items():
        row = next(w for w, v in forms.items() if v == value) if value else "5"
        (inbox / name).write_text(f"nr|beloeb|tekst\n1|{row}|x\nTOTAL|1|{form}\n", "utf-8")
    load(home, models=tmp_path / "modeller")
    with duckdb.connect(str(home.cpr_db), read_only=True) as con:
        ledger = {fil: (status, code, total) for fil, status, code, total in con.execute("select fil, status, aarsag_kode, kontrolsum from raw.leverance").fetchall()}
    assert ledger["P_0461_190001.csv"][2] == sum(Decimal(v) for v in forms.values() if v)
    for fil, (form, value) in stated.items():
        status, code, total = ledger[fil]
        assert (status, total) == ("aktiv", Decimal(value)) if value else (status, code) == ("afvist", "ulaeselig_slutrecord"), (fil, form)


@pytest.mark.parametrize("amounts, total, ends, unreadable", [
    (["1,230", "12,500", "3,450", "2,000", "1,230-", "12,500-", "3,450-", "2,000-"], "19,180", "afvist", None),         # thousands as English systems write them
    (["1,230", "12,500", "1,230-", "12,500-"], "13,73", "afvist", None),                                                # and a sum that would have come out
    (["1.234,56", "1,230", "1.234,56-", "1,234.56"], "2.464,56", "aktiv", 2),                                           # some of them: those rows alone
])
def test_opus_with_english_thousands(tmp_path, amounts, total, ends, unreadable):
    """A ledger written as 1,230 for 1230 kr. is not a thousandth of itself: none of it is read as 1.23, and the sender is told of the first line."""
    home = Home(tmp_path).prepare()
    create_key(home)
    (home.setup / "kommune_opsaetning.csv").write_text(
        "kommunekode,fagomraade,kildesystem,kadence,gyldig_fra,gyldig_til,instrueret\n0851,oekonomi,kmd_opus,maaned,2020-01-01,,true\n", "utf-8")
    columns = next(t for f in read_contracts().filetypes if f.kildesystem == "kmd_opus" for t in f.tables).columns
    plain = {"zikom": "851", "fiscyear0": "2026", "fiscper30": "010", "amount0": "{amount}"}
    rows = [";".join(plain.get(c.name, "1") for c in columns).format(amount=amount) + ";" for amount in amounts]
    inbox = home.inbox / "kmd"
    inbox.mkdir()
    (inbox / "ZD1SL_851_202610_20261105.csv").write_bytes("\n".join([";".join(c.header for c in columns) + ";", *rows, f"TOTAL;{len(rows)};{total};", ""]).encode("latin-1"))
    load(home)
    with duckdb.connect(str(home.cpr_db), read_only=True) as con:
        (status, said), = con.execute("select status, aarsag from raw.leverance").fetchall()
        read_, = con.execute(f"select count({amount_sql('amount0', 'efterstillet_minus')}) from raw.kmd_opus__zd1sl").fetchone()
    assert status == ends and ("linje 2" if unreadable is None else "kunne ikke efterprøves") in said
    assert read_ == (0 if unreadable is None else len(rows) - unreadable)


def test_the_tables_are_read_as_they_are_meant():
    """YAML reads a bare date as a date, and nothing else as anything else."""
    assert all(isinstance(v, date) for by in table("datoer").values() for v in by.values())
    assert all(isinstance(v, str) for name in ("beloeb", "timer") for by in table(name).values() for v in by.values())
    assert all(v is None or isinstance(v, date) for v in table("personnumre").values())
