"""What FLIS writes is for the account it runs as alone, whatever the shell's umask: also while it is being written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

from conftest import copy_of
from flis.core.database import connect
from flis.core.home import REPO, Home


def open_to_others(root: Path) -> list[str]:
    """Whatever in a folder, itself included, that group or others may do something with. What disappears meanwhile is not there."""
    found = []
    for path in (root, *root.rglob("*")):
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            continue
        if not path.is_symlink() and mode & 0o077:
            found.append(f"{path.relative_to(root)} {mode & 0o777:o}")
    return found


def flis(home: Home, *args: str) -> subprocess.CompletedProcess:
    """A command as somebody gives it in a shell that lets everybody read."""
    env = {**os.environ, "FLIS_HOME": str(home.root)}
    env.pop("FLIS_NOEGLE", None)
    return subprocess.run(["bash", "-c", f"umask 000; exec {sys.executable} -m flis.cli {' '.join(args)}"], cwd=REPO, env=env, capture_output=True, text=True, check=False)


def test_et_nyt_hjem(tmp_path):
    home = Home.of(tmp_path / "h")
    for args in (("demo", "--scale", "0.0003", "--periods", "1", "--kommuner", "0461,0851"), ("load",), ("status",), ("verify",)):
        done = flis(home, *args)
        assert done.returncode in (0, 1), done.stdout + done.stderr
        assert open_to_others(home.root) == [], args
    assert home.cpr_db.exists() and any(home.archive.rglob("*.gz")) and any(home.inbox.iterdir())


def test_et_aeldre_hjem_lukkes(tmp_path):
    """A home made before: its folders are closed by the next command, and the database files by the first that opens them."""
    home = Home.of(tmp_path / "h").prepare()
    with connect(home, write="flis"):
        pass
    for path in (home.root, home.outbox, home.setup):
        path.chmod(0o755)
    home.db.chmod(0o644)
    with connect(home):
        pass
    assert open_to_others(home.root) == []


def test_pakker_mens_de_skrives(demo_hjem, tmp_path):
    home = copy_of(demo_hjem, tmp_path / "h")
    shutil.rmtree(home.outbox)
    with connect(home, write="flis") as con:
        con.execute("delete from drift.pakke")
        con.execute("delete from drift.pakkefil")
    for path in home.root.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    seen: set[str] = set()
    looks, done = [0], threading.Event()

    def look() -> None:
        while not done.is_set():
            seen.update(open_to_others(home.outbox) if home.outbox.exists() else [])
            looks[0] += 1
            time.sleep(0.01)

    watch = threading.Thread(target=look)
    watch.start()
    try:
        ran = flis(home, "package", "--fagomraade", "oekonomi")
    finally:
        done.set()
        watch.join()
    assert ran.returncode in (0, 1), ran.stdout + ran.stderr
    assert len(list(home.outbox.glob("*/oekonomi/*"))) >= 3 and looks[0] > 50
    assert sorted(seen) == [] and open_to_others(home.root) == []
    assert all(path.lstat().st_mode & 0o777 == 0o400 for path in home.outbox.glob("*/oekonomi/*/*") if path.is_file())
