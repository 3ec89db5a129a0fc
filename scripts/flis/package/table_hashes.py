"""What the rows of a packaged table are, per municipality, remembered from one run of `flis package` to the next.

A table of ten years is not read again because one municipality's month was corrected: a table whose digest of the build is the one it was last looked at with has
not moved, and of a table whose movements are noted only the municipalities are read whose slices have been touched since (flis.build.moved_rows).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import duckdb

from flis.build import moved_rows
from flis.core.database import content_sign, exists

READER = "flis package"     # its row in drift.tilstand keeps the build from forgetting touched slices that no package has looked at yet
WHOLE = ""                  # stands for the municipality of a table that is not divided by municipality


class TableSigns:
    """The signs of the packaged tables, on a connection with flis open for writing."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self.con = con
        con.execute("create table if not exists flis.drift.pakketabel (tabel varchar, del varchar, kommune varchar, aftryk varchar, farlige varchar[], digest varchar, koersel bigint)")
        con.execute("create table if not exists flis.drift.pakkesvar (hvad varchar, digest varchar, svar varchar)")
        known = moved_rows.noted(con) and exists(con, "drift", "bygget", "flis")
        self._built: dict[str, str] = dict(con.execute(
            "select model, max(signatur) from flis.drift.bygget group by model having count(*) = count(signatur)").fetchall()) if known else {}
        self.build: int = con.execute("select coalesce(max(koersel), 0) from flis.drift.koersel").fetchall()[0][0] if known else 0
        self._unmoved: list[tuple[str, str]] = []
        self._followed = moved_rows.followed(con) if known else set()

    def of(self, table: str, relation: str, by: str | None, texts: Iterable[str], dangerous: str, part: str = "", where: str | None = None) -> dict[str, tuple[str, frozenset[str]]]:
        """Per municipality (WHOLE where `by` names no column): a sign of its rows, and those of the columns `texts` that hold a value matching the pattern `dangerous`.

        `relation` is the table in the database, `part` a name for the rows that `where` picks.
        """
        digest = self._built.get(table)
        columns = list(texts)
        asked = f"{digest}|{by}|{where}|{' '.join(columns)}|{duckdb.__version__}" if digest else None
        kept = {k: (sign, frozenset(found), then, at) for k, sign, found, then, at in self.con.execute(
            "select kommune, aftryk, farlige, digest, koersel from flis.drift.pakketabel where tabel = $1 and del = $2", [table, part]).fetchall()}
        if asked and kept and all(then == asked for *_, then, _ in kept.values()):
            self._unmoved.append((table, part))
            return {k: (sign, found) for k, (sign, found, *_) in kept.items()}
        only = self._moved(table, min(at for *_, at in kept.values())) if kept and asked and by and table in self._followed and self._same_question(kept, asked) else None
        found = {k: (sign, bad) for k, (sign, bad, *_) in kept.items() if k not in only} if only is not None else {}
        found |= self._read(relation, by, columns, dangerous, where, only)
        self._keep(table, part, found, asked)
        return found

    def is_key(self, table: str, column: str, relation: str, target: str, key: str, target_relation: str) -> bool:
        """Whether every value of a column is found in the key of another table."""
        orphan = f'select 1 from {relation} as f anti join {target_relation} as d on f."{column}" = d."{key}" where f."{column}" is not null'
        return self.remembered(f"{table}.{column} {target}", [table, target], f"select cast(not exists ({orphan}) as varchar)") == "true"

    def remembered(self, what: str, tables: Iterable[str], sql: str) -> str:
        """What a query says, in text: as it said last, where no table it rests on has been built from anything new since."""
        digests = [self._built.get(table) for table in tables]
        asked = hashlib.sha256(" ".join([sql, duckdb.__version__, *digests]).encode()).hexdigest() if all(digests) else None
        known = self.con.execute("select svar from flis.drift.pakkesvar where hvad = $1 and digest = $2", [what, asked]).fetchall()
        if known:
            return known[0][0]
        answer = self.con.execute(sql).fetchall()[0][0]
        self.con.execute("begin")
        self.con.execute("delete from flis.drift.pakkesvar where hvad = $1", [what])
        if asked:
            self.con.execute("insert into flis.drift.pakkesvar values ($1, $2, $3)", [what, asked, answer])
        self.con.execute("commit")
        return answer

    @staticmethod
    def _same_question(kept: dict, asked: str) -> bool:
        """What was asked then is what is asked now, but for the build's digest."""
        return all(then and then.split("|", 1)[1] == asked.split("|", 1)[1] for *_, then, _ in kept.values())

    def _moved(self, table: str, since: int) -> set[str] | None:
        """The municipalities whose rows have been touched; None for all."""
        codes = {code for (code,) in self.con.execute(f"select distinct kommunekode from {moved_rows.slices(self.con)} where koersel > $1 and tabel = $2", [since, table]).fetchall()}
        return None if codes & {moved_rows.WHOLE, None} else codes

    def _read(self, relation: str, by: str | None, columns: list[str], dangerous: str, where: str | None, only: set[str] | None) -> dict[str, tuple[str, frozenset[str]]]:
        if only is not None and not only:
            return {}
        key = f't."{by}"' if by else f"'{WHOLE}'"
        matches = ", ".join(f"case when bool_or(regexp_matches(cast(t.\"{c}\" as varchar), $1)) then '{c}' end" for c in columns)
        conditions = [c for c in (where, f"list_contains($2, {key})" if only is not None else None) if c]
        rows = self.con.execute(
            f"select {key}, {content_sign('t')}, [{matches}], $1 from {relation} as t {'where ' + ' and '.join(conditions) if conditions else ''} group by 1",
            [dangerous, *([sorted(only)] if only is not None else [])]).fetchall()
        return {k: (sign, frozenset(bad) - {None}) for k, sign, bad, _ in rows if k is not None}

    def _keep(self, table: str, part: str, found: dict[str, tuple[str, frozenset[str]]], asked: str | None) -> None:
        rows = [(k, sign, sorted(bad)) for k, (sign, bad) in sorted(found.items())]
        self.con.execute("begin")
        self.con.execute("delete from flis.drift.pakketabel where tabel = $1 and del = $2", [table, part])
        if asked:
            self.con.execute("insert into flis.drift.pakketabel select $1, $2, unnest(cast($3 as varchar[])), unnest(cast($4 as varchar[])), unnest(cast($5 as varchar[][])), $6, $7",
                             [table, part, *([row[i] for row in rows] for i in range(3)), asked, self.build])
        self.con.execute("commit")

    def done(self, tables: Iterable[str]) -> None:
        """All that a package may hold has been looked at: what is remembered of other tables is let go of, and the build may forget what has been seen."""
        if not self._built:
            return
        self.con.execute("begin")
        self.con.execute("delete from flis.drift.pakketabel where not list_contains($1, tabel)", [sorted(tables)])
        # What has not moved is as it is after this build too; else the build could never forget a slice touched after the first of them was read.
        self.con.execute("update flis.drift.pakketabel set koersel = $1 where (tabel, del) in (select (unnest($2), unnest($3)))", [self.build, *([one[i] for one in self._unmoved] for i in range(2))])
        self.con.execute("delete from flis.drift.tilstand where model = $1", [READER])
        self.con.execute("insert into flis.drift.tilstand select $1, min(koersel) from flis.drift.pakketabel having count(*) > 0", [READER])
        self.con.execute("commit")
