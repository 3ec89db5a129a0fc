"""Build the models: dbt's own runner, in process."""

from __future__ import annotations

import gc
import hashlib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from flis.built import BAD, note
from flis.database import connect, exists
from flis.home import REPO, Home
from flis.keys import masked

Progress = Callable[[str, int, int], None]


class BuildError(Exception):
    """dbt could not build; the message names the nodes that failed and why."""


@dataclass
class BuildResult:
    """What one build did: nodes by kind, and the failures as (name, message)."""

    nodes: dict[str, set[str]] = field(default_factory=lambda: {"model": set(), "seed": set(), "test": set()})
    failures: list[tuple[str, str]] = field(default_factory=list)
    rebuilt: list[str] = field(default_factory=list)

    @property
    def models(self) -> int:
        return len(self.nodes["model"])

    @property
    def tests(self) -> int:
        return len(self.nodes["test"])


class Dbt:
    """dbt in this process for one home. The manifest is parsed once per process and handed over from call to call."""

    _manifest = None

    def __init__(self, home: Home, progress: Progress | None = None) -> None:
        self.home, self.progress = home, progress
        self._total = self._done = 0

    def _on_event(self, event) -> None:
        name = event.info.name
        if name == "ConcurrencyLine":
            self._total, self._done = event.data.node_count, 0
        elif name == "NodeFinished" and self.progress:
            self._done += 1
            self.progress(event.data.node_info.node_name, self._done, max(self._total, self._done))

    def invoke(self, *args: str):
        """Run one dbt command; returns dbt's result object. Raises BuildError when dbt itself breaks (not when a node fails)."""
        return self._run(*args, manifest=self.manifest)

    @property
    def manifest(self):
        """The project as dbt reads it."""
        if Dbt._manifest is None:
            Dbt._manifest = self._run("parse", manifest=None).result
        return Dbt._manifest

    def _run(self, *args: str, manifest):
        os.environ["FLIS_HOME"] = str(self.home.root)
        os.environ["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "false"
        from dbt.cli.main import dbtRunner

        here = Path.cwd()
        try:
            result = dbtRunner(manifest=manifest, callbacks=[self._on_event]).invoke([
                "--quiet", "--no-use-colors", "--log-level", "none", "--log-level-file", "none", *args,
                "--project-dir", str(REPO), "--profiles-dir", str(REPO), "--log-path", str(self.home.log)])
        finally:
            os.chdir(here)
            close_dbt_connections()
        if result.exception is not None:
            raise BuildError(str(result.exception))
        return result


def close_dbt_connections() -> None:
    """Let go of the database files. dbt-duckdb keeps them open after a run, and DuckDB refuses a second way in from the same process."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    if DuckDBConnectionManager._ENV is not None:
        DuckDBConnectionManager._ENV.close()
        DuckDBConnectionManager._ENV = None
    gc.collect()


def build(home: Home, *, fagomraade: str | None = None, kommune: str | None = None, periode: str | None = None,
          full_refresh: bool = False, tests: bool = True, select: Iterable[str] = (), progress: Progress | None = None) -> BuildResult:
    """Build seeds, models and their tests; incremental models take only the slices that what arrived has touched.

    `fagomraade` narrows to that area's models and what they rest on. `kommune` (four digits) and `periode` (YYYY-MM) make those deliveries be computed again even though nothing
    new arrived. Without `tests` the models are built unchecked. A model whose own text, crosswalk or set-up has changed since it was last built is rebuilt whole first.
    """
    _ensure_cpr_tables(home)
    dbt = Dbt(home, progress)
    _clear(home)
    if kommune or periode:
        _touch(home, fagomraade, kommune, periode)
    selected = list(select) or ([f"+path:models/{layer}/{fagomraade}" for layer in ("standardized", "marts")] if fagomraade else [])
    narrowed = ["--select", *selected] if selected else []
    result = BuildResult()
    outcomes: list = []
    prints = _fingerprints(dbt.manifest, home)
    changed = _changed(home, prints)
    if changed and not full_refresh:
        # Views and seeds above the changed models first, so that what is rebuilt rests on what stands in the repo now.
        above = _above(dbt.manifest, changed)
        _collect(dbt.invoke("build", "--select", *above, "--exclude-resource-type", "test", "unit_test"), result, outcomes)
        _collect(dbt.invoke("run", "--full-refresh", "--select", *changed), result, outcomes)
        result.rebuilt = changed
    # Unit tests try the text of the models on rows of their own; they belong to `make test` and plain `dbt build`, not to every night's data.
    outcome = dbt.invoke("build", *narrowed, "--exclude-resource-type", "unit_test", *([] if tests else ["test"]), *(["--full-refresh"] if full_refresh else []))
    _collect(outcome, result, outcomes)
    # What a model was built from is remembered as soon as it is built, so that what failed elsewhere does not have it built whole again; of what was not built,
    # nothing: else a crosswalk edited meanwhile would pass unseen.
    fell = {one.node.name for one in outcomes if one.status in BAD}
    _remember(home, {name: value for name, value in prints.items() if name in {one.node.name for one in outcomes} - fell})
    with connect(home, write="flis") as con:
        note(con, outcomes, {n.name for n in dbt.manifest.nodes.values() if n.resource_type == "model"}, tests)
    return result


def _collect(outcome, result: BuildResult, outcomes: list) -> None:
    for one in outcome.result or []:
        outcomes.append(one)
        kind = str(one.node.resource_type).replace("unit_test", "test")
        if kind in result.nodes:
            result.nodes[kind].add(one.node.unique_id)
        if one.status in ("error", "fail", "runtime error"):
            result.failures.append((one.node.name, masked(str(one.message or one.status))))


def _ensure_cpr_tables(home: Home) -> None:
    """The views of staging need the raw tables to exist, also where nothing has arrived; and the set-up as it stands now."""
    from flis import installation, ledger
    from flis.contract import read_contracts

    contracts, setup = read_contracts(None), installation.read_setup(home)
    with connect(home, write="cpr") as con:
        con.execute("begin")
        ledger.create_tables(con, contracts)
        installation.store(con, setup)
        con.execute("commit")


def _touch(home: Home, fagomraade: str | None, kommune: str | None, periode: str | None) -> None:
    """Forget that the models have seen the deliveries named, so that the next build computes their slices again."""
    with connect(home, write="flis") as con:
        if not exists(con, "drift", "behandlet"):
            return
        con.execute(
            """
            delete from drift.behandlet where leverance_id in (
                select leverance_id from cpr.raw.leverance
                where coalesce(fagomraade = $1, true) and coalesce(kommunekode = $2, true) and coalesce(strftime(periode, '%Y-%m') = $3, true)
            )
            """,
            [fagomraade, kommune, periode],
        )


def _skive_models(manifest) -> dict:
    return {n.name: n for n in manifest.nodes.values() if n.resource_type == "model" and n.config.get("incremental_strategy") == "skive"}


def _fingerprints(manifest, home: Home) -> dict[str, str]:
    """Per incremental model: a digest of all that decides its rows but the data: its text, the views, macros and seeds it reads, and the set-up."""
    prints = {}
    for name, node in _skive_models(manifest).items():
        digest, queue, seen = hashlib.sha256(), [node.unique_id], set()
        while queue:
            unique_id = queue.pop(0)
            if unique_id in seen:
                continue
            seen.add(unique_id)
            if unique_id.startswith("source."):
                if manifest.sources[unique_id].source_name == "opsaetning":
                    file = home.setup / f"{manifest.sources[unique_id].name}.csv"
                    digest.update(file.read_bytes() if file.exists() else b"")
                continue
            one = manifest.nodes[unique_id]
            digest.update(f"{unique_id}:{one.checksum.checksum}".encode())
            if one.resource_type == "model" and (one.unique_id == node.unique_id or one.config.get("incremental_strategy") != "skive"):
                queue += sorted(one.depends_on.nodes)
                for macro in sorted(_all_macros(manifest, one.depends_on.macros)):
                    if ".skive" not in macro and ".kun_beroerte" not in macro:
                        digest.update(manifest.macros[macro].macro_sql.encode())
        prints[name] = digest.hexdigest()
    return prints


def _all_macros(manifest, names: Iterable[str]) -> set[str]:
    """The project's own macros among these and those they call in turn; dbt names only the outermost on a node."""
    queue, found = list(names), set()
    while queue:
        name = queue.pop()
        if name.startswith("macro.flis.") and name not in found:
            found.add(name)
            queue += manifest.macros[name].depends_on.macros
    return found


def _above(manifest, names: list[str]) -> list[str]:
    """The seeds and plain views that the models named rest on."""
    queue, found = [n.unique_id for n in _skive_models(manifest).values() if n.name in names], []
    while queue:
        for unique_id in getattr(manifest.nodes[queue.pop(0)].depends_on, "nodes", []):   # a seed rests on nothing
            if unique_id.startswith("source.") or unique_id in found:
                continue
            one = manifest.nodes[unique_id]
            if one.config.get("incremental_strategy") != "skive":
                found.append(unique_id)
                queue.append(unique_id)
    return sorted({manifest.nodes[u].name for u in found})


def _changed(home: Home, prints: dict[str, str]) -> list[str]:
    """Models that were built before from something else, or by a run that was stopped before it could tell from what. What was known of them is forgotten, for now it is to be made anew."""
    with connect(home, write="flis") as con:
        con.execute("create schema if not exists drift")
        con.execute("create table if not exists drift.fingeraftryk (model varchar, fingeraftryk varchar)")
        before = dict(con.execute("select model, fingeraftryk from drift.fingeraftryk").fetchall())
        built = {name for (name,) in con.execute("select distinct model from drift.tilstand").fetchall()} if exists(con, "drift", "tilstand") else set()
        changed = sorted(name for name, value in prints.items() if name in built and before.get(name) != value)
        con.execute("delete from drift.fingeraftryk where model in (select unnest(cast($1 as varchar[])))", [changed])
    return changed


def _clear(home: Home) -> None:
    """Half-made and outdated tables of a run that was killed: dbt takes away only those of the models it makes in the same way next."""
    with connect(home, write="flis") as con:
        for schema, name in con.execute("select schema_name, table_name from duckdb_tables() where database_name = 'flis' and regexp_matches(table_name, '__dbt_(tmp|backup)')").fetchall():
            con.execute(f'drop table flis."{schema}"."{name}"')


def _remember(home: Home, prints: dict[str, str]) -> None:
    if not prints:
        return
    with connect(home, write="flis") as con:
        con.execute("begin")
        con.execute("delete from drift.fingeraftryk where model in (select unnest(cast($1 as varchar[])))", [sorted(prints)])
        con.executemany("insert into drift.fingeraftryk values (?, ?)", sorted(prints.items()))
        con.execute("commit")


def docs(home: Home, progress: Progress | None = None) -> Path:
    """dbt's documentation with lineage as one static page in the home; returns its path."""
    _ensure_cpr_tables(home)
    result = Dbt(home, progress).invoke("docs", "generate", "--static")
    if not result.success:
        raise BuildError("dbt docs generate failed")
    page = home.docs / "index.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_bytes((Path(os.environ.get("DBT_TARGET_PATH", REPO / "target")) / "static_index.html").read_bytes())
    return page
