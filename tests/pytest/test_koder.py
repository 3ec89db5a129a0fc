"""A code that no crosswalk knows: from the delivered file to the list of those that keep the crosswalks, the municipality's report and the declaration."""

from __future__ import annotations

import gzip
import os
import re
import shutil
from datetime import datetime, timedelta

import pytest

from flis.core.database import connect
from flis.core.home import Home
from flis.operate.run import run_steps
from flis.report.report import FOLDER

SICK = ";S;"                                # absence for sickness, as KMD Elev writes it
NUMBER = "3112991234"                       # of a CPR number's form, and nobody's: it comes through as it is written
PLANTED = ["Q7", "Q7", NUMBER, ""]          # a code, twice; what could be a person; and none at all


def ask(home: Home, sql: str, *args) -> list[tuple]:
    with connect(home) as con:
        return con.execute(sql, list(args)).fetchall()


def share(home: Home, kommune: str) -> tuple:
    return ask(home, "select taeller, naevner from kvalitet.deklaration where maal_id = 'dq:koder_oversat' and fagomraade = 'skole' and kommunekode = ?", kommune)[0]


def deliver_again(home: Home, fil: str) -> None:
    """The same file a day later, where the first lines of sickness have other codes."""
    path = next(p for p in home.archive.rglob("*.gz") if p.name.startswith(fil))
    lines, codes = gzip.decompress(path.read_bytes()).decode("iso-8859-1").splitlines(keepends=True), iter(PLANTED)
    lines = [line.replace(SICK, f";{code};") if SICK in line and (code := next(codes, None)) is not None else line for line in lines]
    assert next(codes, None) is None
    stamp = re.search(r"_(\d{8})\.csv$", fil).group(1)
    day = datetime.strptime(stamp, "%Y%m%d") + timedelta(days=1)
    target = home.inbox / "kmd" / fil.replace(stamp, f"{day:%Y%m%d}")
    target.write_bytes("".join(lines).encode("iso-8859-1"))
    moment = (day + timedelta(hours=30)).timestamp()
    os.utime(target, (moment, moment))


@pytest.fixture(scope="module")
def leveret(demo_hjem: Home, tmp_path_factory) -> tuple[Home, str, tuple]:
    """A copy of the walked demo that has had such a file; the municipality, and its share of translated codes before."""
    root = tmp_path_factory.mktemp("koder") / "hjem"
    shutil.copytree(demo_hjem.root, root, ignore=shutil.ignore_patterns("docs", "udbakke"))
    home = Home.of(root).prepare()
    fil, kommune = ask(home, """
        select l.fil, l.kommunekode
        from cpr.raw.leverance as l
        inner join kvalitet.kodeoversaettelse as k on l.leverance_id = k._leverance_id
        where l.kildesystem = 'kmd_elev' and k.kode = 'fravaersart' and k.kildekode = 'S' and k.antal_raekker > 5
            and l.kommunekode not in (select kommunekode from kvalitet.uoversat_kode where fagomraade = 'skole')
        order by l.periode desc, l.fil limit 1
    """)[0]
    before = share(home, kommune)
    deliver_again(home, fil)
    done: dict[str, dict] = {}
    # a delivery that moves a figure, too: the build leaves the figures until the rules have run, and so the tests that look at both
    run_steps(home, ["load", "build", "validate", "report"], done=done)
    assert done["load"]["loaded"] == 1 and not done["build"].get("failed"), done
    return home, kommune, before


def test_the_code_is_listed_for_its_municipality_system_and_month(leveret) -> None:
    home, kommune, _ = leveret
    found = ask(home, "select kildesystem, begreb, kode, kildekode, antal_raekker from kvalitet.uoversat_kode where kommunekode = ? and fagomraade = 'skole' order by kildekode", kommune)
    assert found == [("kmd_elev", "fravaer", "fravaersart", "(maskeret)", 1), ("kmd_elev", "fravaer", "fravaersart", "Q7", 2)]      # and nothing of the empty one
    assert ask(home, "select count(*) from kvalitet.uoversat_kode where kildekode like ?", f"%{NUMBER}%") == [(0,)]


def test_the_code_stands_beside_what_it_became(leveret) -> None:
    home, kommune, _ = leveret
    assert ask(home, "select fravaersart, fravaersart_kildekode, count(*) from standardized.int_skole__fravaer where kommunekode = ? and fravaersart = 'ukendt' and frasat_aarsag is null group by all order by all nulls last",
               kommune) == [("ukendt", NUMBER, 1), ("ukendt", "Q7", 2), ("ukendt", None, 1)]


def test_the_municipality_is_told_and_the_number_is_not(leveret) -> None:
    home, kommune, _ = leveret
    page = (home.outbox / kommune / FOLDER / "rapport.html").read_text("utf-8")
    school = page[page.index('id="skole"'):].split("</section>")[0]
    section = school[school.index("Koder uden oversættelse"):].split("</table>")[0]
    assert ">Q7<" in section and ">fravaersart<" in section and ">(maskeret)<" in section and ">februar 2026<" in section
    assert NUMBER not in page
    other = next(k for (k,) in ask(home, "select distinct kommunekode from kvalitet.kodeoversaettelse where fagomraade = 'skole' and kommunekode not in (select kommunekode from kvalitet.uoversat_kode where fagomraade = 'skole') order by all"))
    clean = (home.outbox / other / FOLDER / "rapport.html").read_text("utf-8")
    assert "Q7" not in clean and "Alle koder i jeres leverancer er oversat." in clean


def test_the_page_of_systems_does_not_show_what_one_municipality_has_written(leveret) -> None:
    home, _, _ = leveret
    page = (home.reports / "systemer.html").read_text("utf-8")
    school = page[page.index('id="skole"'):].split("</section>")[0]
    few = len(ask(home, "select distinct kildesystem, begreb, kode, kildekode from kvalitet.uoversat_kode where fagomraade = 'skole'"))
    assert "Q7" not in page and f"{few} koder fra færre end 3 kommuner" in school
    assert ">X<" in page[page.index('id="borger"'):].split("</section>")[0], "what the register writes is no municipality's"


def test_the_share_is_measured(leveret) -> None:
    home, kommune, (translated, delivered) = leveret
    assert share(home, kommune) == (translated - 4, delivered - 1)      # of four codes three are not known, and one is none
