"""The quality loop, once around: a fault is found and holds a package; the municipality corrects it in its own system; the next delivery shows it as resolved."""

from __future__ import annotations

import gzip
import os
import re
import shutil
from datetime import datetime, timedelta

import pytest

from flis.core.database import connect
from flis.core.home import Home
from flis.operate.run import STEPS, run_steps


@pytest.fixture(scope="module")
def home(demo_hjem: Home, tmp_path_factory) -> Home:
    """A copy of the walked demo, to deliver to."""
    root = tmp_path_factory.mktemp("loeb") / "hjem"
    shutil.copytree(demo_hjem.root, root, ignore=shutil.ignore_patterns("docs", "udbakke"))
    return Home.of(root).prepare()


def ask(home: Home, sql: str, *args) -> list[tuple]:
    with connect(home) as con:
        return con.execute(sql, list(args)).fetchall()


STATUS = slice(61, 63)      # where Bosted's lines have it: 20 under way, 30 ended


def corrected(home: Home, fil: str, linje: int) -> None:
    """The municipality opens the service that was closed without an end date, and the case system makes its extract again a day later."""
    path = next(p for p in home.archive.rglob("*.gz") if fil in p.name)
    lines = gzip.decompress(path.read_bytes()).decode("iso-8859-1").splitlines(keepends=True)
    line = lines[linje - 1]
    assert line[STATUS] == "30"
    lines[linje - 1] = line[:STATUS.start] + "20" + line[STATUS.stop:]
    stamp = re.search(r"_(\d{8})\.txt$", fil).group(1)
    day = datetime.strptime(stamp, "%Y%m%d") + timedelta(days=1)
    target = home.inbox / "dst" / fil.replace(stamp, f"{day:%Y%m%d}")
    target.parent.mkdir(exist_ok=True)
    target.write_bytes("".join(lines).encode("iso-8859-1"))
    moment = (day + timedelta(hours=30)).timestamp()
    os.utime(target, (moment, moment))


def test_once_around(home: Home) -> None:
    kommune, noegle, fil, linje = ask(home, """
        select a.kommunekode, a.noegle, a.fil, a.linje
        from kvalitet.afvigelse as a
        where a.regel_id = 'VH-06' and starts_with(a.noegle, 'eg_bosted|') order by all limit 1
    """)[0]
    others = ask(home, "select count(*) from kvalitet.afvigelse where not (kommunekode = ? and noegle = ?)", kommune, noegle)[0][0]
    assert ask(home, "select count(*) from kvalitet.tilbageholdt where kommunekode = ? and regel_id = 'VH-06'", kommune) == [(1,)]

    corrected(home, fil, linje)
    done: dict[str, dict] = {}
    run_steps(home, list(STEPS), done=done)
    assert done["load"]["loaded"] == 1
    assert done["validate"]["resolved"] >= 1
    assert ask(home, "select count(*) from kvalitet.afvigelse where regel_id = 'VH-06' and kommunekode = ? and noegle = ?", kommune, noegle) == [(0,)]
    assert ask(home, "select loeste, stadig from kvalitet.udvikling where regel_id = 'VH-06' and kommunekode = ?", kommune) == [(1, 0)]
    assert ask(home, "select status from kvalitet.resultat where regel_id = 'VH-06' and kommunekode = ?", kommune) == [("bestaaet",)]
    assert ask(home, "select count(*) from kvalitet.tilbageholdt where kommunekode = ? and regel_id = 'VH-06'", kommune) == [(0,)]
    # Everything else is still there, and not new because its file is; but where the file itself is what is found (VH-94).
    assert ask(home, "select count(*) from kvalitet.afvigelse") == [(others,)]
    assert ask(home, "select count(*) from kvalitet.afvigelse where udvikling = 'ny' and regel_id <> 'VH-94'") == [(0,)]
    # Only the rules that read what had moved were measured: of another area, those that read what all areas share (what has been delivered, and what it holds).
    measured = ask(home, "select regel_id from kvalitet.maalt where koersel = (select max(koersel) from kvalitet.maalt) and fagomraade = 'oekonomi'")
    assert {rule for (rule,) in measured} <= {"OK-17", *(f"OK-{n}" for n in (*range(91, 95), *range(97, 200)))}
