"""The working folder of an installation: where everything lies."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

REPO = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Home:
    """Paths of one installation. `root` is an absolute folder; nothing is created before `prepare()`."""

    root: Path

    @classmethod
    def of(cls, path: str | Path | None = None) -> Home:
        """The home given, else FLIS_HOME, else `var/` in the current folder."""
        return cls(Path(path or os.environ.get("FLIS_HOME") or "var").expanduser().resolve())

    @property
    def inbox(self) -> Path:
        return self.root / "indbakke"

    @property
    def published(self) -> Path:
        """The key figures of each release as they left, one file per release (flis.disclosure.tables)."""
        return self.archive / "offentliggjort"

    @property
    def archive(self) -> Path:
        return self.root / "arkiv"

    @property
    def quarantine(self) -> Path:
        return self.root / "karantaene"

    @property
    def setup(self) -> Path:
        return self.root / "opsaetning"

    @property
    def outbox(self) -> Path:
        return self.root / "udbakke"

    @property
    def reports(self) -> Path:
        return self.root / "rapporter"

    @property
    def docs(self) -> Path:
        return self.root / "docs"

    @property
    def log(self) -> Path:
        return self.root / "log"

    @property
    def truth(self) -> Path:
        return self.root / "facit"

    @property
    def tmp(self) -> Path:
        return self.root / "tmp"

    @property
    def key_file(self) -> Path:
        return Path(os.environ.get("FLIS_NOEGLE_FIL") or self.root / "noegle")

    @property
    def db(self) -> Path:
        return self.root / "flis.duckdb"

    @property
    def cpr_db(self) -> Path:
        return self.root / "flis_cpr.duckdb"

    @property
    def lock(self) -> Path:
        return self.root / "laas"

    @property
    def status(self) -> Path:
        return self.root / "status.json"

    @property
    def is_there(self) -> bool:
        """Whether this is a home: a folder with a set-up, an archive or a database file. `flis demo` makes one, and whoever lays down a set-up; no other verb does, for the name may be mistyped."""
        return any(path.exists() for path in (self.setup, self.archive, self.cpr_db, self.db))

    def prepare(self) -> Home:
        """Create the folders that every step needs. They are for the account that runs FLIS alone, also those of an older home."""
        for folder in (self.root, self.inbox, self.archive, self.quarantine, self.setup, self.outbox,
                       self.reports, self.docs, self.log, self.tmp):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for folder in (self.root, self.inbox, self.archive, self.quarantine, self.setup, self.outbox, self.reports, self.docs, self.log, self.tmp):
            if folder.stat().st_mode & 0o077:
                folder.chmod(0o700)
        return self


def readable(name: str) -> str:
    """A name from the file system as text: bytes that are not UTF-8 are replaced."""
    return os.fsencode(name).decode("utf-8", "replace")


def now() -> datetime:
    """The present moment in UTC, or FLIS_NU (ISO 8601) where it is set: every 'now' of the product comes from here."""
    given = os.environ.get("FLIS_NU")
    if not given:
        return datetime.now(UTC)
    moment = datetime.fromisoformat(given)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
