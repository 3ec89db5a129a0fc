"""Limits before work, and what in the inbox is no file: told, and never opened."""

from __future__ import annotations

import json
import os
import socket
import stat
import time

import pytest
from typer.testing import CliRunner

from flis.cli import app
from flis.intake.inbox import no_files
from flis.intake.inspection import Limits
from flis.operate.run import HELD, _load
from test_load import GOOD, World, saldo


@pytest.fixture
def world(tmp_path) -> World:
    return World(tmp_path)


@pytest.mark.parametrize("name", ["SALDO_101_202601_20260205.csv", "noget helt andet.bin"])
def test_en_fil_paa_24_gb_laeses_ikke_for_at_blive_afvist(world, name):
    """Sparse: it takes no room, but an hour to hash. Under an agreed name as under any other."""
    path = world.put("saldo", name, b"")
    os.truncate(path, 24 * 1024**3)
    os.utime(path, (1_790_000_000, 1_790_000_000))
    start = time.process_time()
    result = world.load(limits=Limits())
    assert time.process_time() - start < 10 and result.rejected == 1
    row = world.query("select status, aarsag_kode, sha256, bytes from raw.leverance")
    assert row == [("afvist", "for_stor" if name.startswith("SALDO") else "ukendt_filnavn", "", 24 * 1024**3)]
    assert (world.home.quarantine / "saldo" / name).stat().st_size == 24 * 1024**3


def make_all(world: World) -> list[str]:
    folder = world.home.inbox / "saldo"
    folder.mkdir(exist_ok=True)
    os.mkfifo(folder / "roer.csv")
    (folder / "mappe").mkdir()
    (folder / "mappe" / "SALDO_101_202601_20260205.csv").write_bytes(saldo(GOOD))
    here = os.getcwd()
    os.chdir(folder)        # the name of a socket may be no longer than a hundred characters
    try:
        socket.socket(socket.AF_UNIX).bind("stik.csv")
    finally:
        os.chdir(here)
    (world.home.inbox / "loes.csv").write_bytes(saldo(GOOD))
    made = ["loes.csv", "mappe", "roer.csv", "stik.csv"]
    try:
        os.mknod(folder / "enhed.csv", 0o600 | stat.S_IFCHR, os.makedev(1, 5))      # /dev/zero: it has no end
        made.append("enhed.csv")
    except PermissionError:
        pass
    return sorted(made)


def test_det_der_ikke_er_en_fil_siges(world):
    made = make_all(world)
    world.put("saldo", "SALDO_461_202601_20260205.csv", saldo(GOOD))
    result = world.load()
    assert (result.loaded, result.no_files) == (1, len(made))
    assert sorted(one.name for one in no_files(world.home)) == made
    assert {one.name: one.kind for one in no_files(world.home)}["roer.csv"] == "a named pipe (FIFO)"
    run = CliRunner()
    facts = json.loads(run.invoke(app, ["status", "--home", str(world.home.root), "--json"]).output)
    assert sorted(one["navn"] for one in facts["ingen_filer"]) == made
    _, code = _load(world.home, {"fagomraade": None, "kommune": None, "periode": None}, None)      # nothing else has come: told all the same
    assert code == HELD


def test_load_naevner_dem(world):
    make_all(world)
    out = CliRunner().invoke(app, ["load", "--home", str(world.home.root)])
    assert out.exit_code == 1 and "saldo/roer.csv is a named pipe" in out.output and "saldo/mappe is a folder" in out.output and "loes.csv in the inbox" in out.output
