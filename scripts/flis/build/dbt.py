"""Build the models: dbt's own runner, in process."""

from __future__ import annotations

import atexit
import gc
import os
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flis.build import signatures, testtexts
from flis.contracts.datapackage import manifest_path
from flis.core.database import connect, exists
from flis.core.home import REPO, Home
from flis.core.keys import masked

Progress = Callable[[str, int, int], None]
DUE = "flis_due"        # the mark dbt finds nodes by
NOT_YET = "flis_ikke_endnu"     # and that of tests of something that is not built


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

    _manifest: Any = None

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

    def build(self, names: Iterable[str], *args: str, leaving: Iterable[str] = (), standing: Collection[str] = ()):
        """`dbt build` of the seeds and models named, and of what tests them. Of those that are `standing`, views that say what they said, only what tests them.

        They are marked, for dbt holds each name it is given against every node, three times, which of everything takes a second or two. Nor is the manifest written
        anew, for it says what it said; how each node went is. A test that also looks at something that is not there yet (the other end of a key) is left out: dbt would
        run it and fail (dbt-core 10648). It is that node's test as well, and is run when it is built. The same goes for what is left to a later build (`leaving`): it is not up with the rest yet.
        """
        wanted = set(names)
        there = (wanted | signatures.ever_built(self.home)) - set(leaving)
        nodes = self.manifest.nodes
        absent = {u for u, n in nodes.items() if n.resource_type in ("seed", "model") and n.name not in there}
        shown = {u for u, n in nodes.items() if n.resource_type == "model" and n.name in wanted and n.name in standing}
        marked = [(node, node.tags) for u, node in nodes.items()
                  if node.resource_type in ("seed", "model") and node.name in wanted and u not in shown or node.resource_type == "test" and shown & set(node.depends_on.nodes)]
        left_out = [(node, node.tags) for node in nodes.values() if node.resource_type == "test" and absent & set(node.depends_on.nodes)]
        for found, mark in ((marked, DUE), (left_out, NOT_YET)):
            for node, tags in found:
                node.tags = [*tags, mark]
        try:
            outcome = self.invoke("build", "--select", f"tag:{DUE}", "--exclude", f"tag:{NOT_YET}", "--no-write-json", *args)
        finally:
            for node, tags in [*marked, *left_out]:
                node.tags = tags
        outcome.result.write(str(manifest_path().with_name("run_results.json")))
        return outcome

    @property
    def manifest(self):
        """The project as dbt reads it. The file of it is written where dbt has read something anew, not every time (0.7 s)."""
        if Dbt._manifest is None:
            Dbt._manifest = self._run("parse", "--no-write-json", manifest=None).result
            if _overlooked(Dbt._manifest):
                Dbt._manifest = self._run("parse", "--no-write-json", "--no-partial-parse", manifest=None).result
            path = manifest_path()
            if not _as_old_as(path, path.with_name("partial_parse.msgpack")):
                Dbt._manifest.write(str(path.with_suffix(".ny")))
                path.with_suffix(".ny").replace(path)
            gc.freeze()     # what is kept as long as the process is not looked through for garbage again and again
            atexit.register(gc.unfreeze)
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


def _overlooked(manifest) -> bool:
    """Whether a macro that a model finds by its fagområde's name is none that the model was read with: a new one, which dbt does not read the old models again for."""
    ours = {m.name: m.unique_id for m in manifest.macros.values() if m.package_name == "flis"}
    return any(name.startswith(start) and unique_id not in model.depends_on.macros
               for model in manifest.nodes.values() if model.resource_type == "model"
               for start in re.findall(r"'(\w+_)' ~ omraade", model.raw_code) for name, unique_id in ours.items())


def _as_old_as(made: Path, source: Path) -> bool:
    return made.exists() and source.exists() and made.stat().st_mtime_ns >= source.stat().st_mtime_ns


def close_dbt_connections() -> None:
    """Let go of the database files. dbt-duckdb keeps them open after a run, and DuckDB refuses a second way in from the same process."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    if DuckDBConnectionManager._ENV is not None:
        DuckDBConnectionManager._ENV.close()
        DuckDBConnectionManager._ENV = None
    gc.collect()


def build(home: Home, *, fagomraade: str | None = None, kommune: str | None = None, periode: str | None = None,
          full_refresh: bool = False, tests: bool = True, select: Iterable[str] = (), progress: Progress | None = None,
          meanwhile: Callable[[], object] | None = None, leaving: Callable[[signatures.Project, set[str]], set[str]] | None = None) -> BuildResult:
    """Build the seeds, models and their tests that rest on something that has changed; incremental models take only the slices that what arrived has touched.

    `fagomraade` narrows to that area's models and what they rest on, `select` (dbt's selectors) to nodes that are then built whether they need it or not. `kommune` (four digits) and `periode` (YYYY-MM) make those deliveries be computed again even though nothing
    new arrived; they leave nothing out, for a model is fit to be shown only when it has taken all that is loaded. Without `tests` the models are built unchecked. `meanwhile` is called before the work begins, where there is something to build. `leaving` says which of the nodes that are due are left to a later build, unless everything is to be built anew. A model whose own text, crosswalk or set-up has changed since it was last built is rebuilt whole first.
    """
    stands = project(home)
    dbt = Dbt(home, progress)
    _clear(home)
    named = _named(home, fagomraade, kommune, periode) if kommune or periode else {}
    result = BuildResult()
    _look_again(home)
    changed = signatures.changed(home, stands)
    if changed and not full_refresh:
        # First what they rest on: a model that goes by delivery and is rebuilt on a stored one that has not taken the newest deliveries would count them as seen.
        due_above, below = (stands.all_above(changed) & signatures.due(home, stands)) - set(changed), stands.below(changed)
        # Then with the views and seeds above them, so that what is rebuilt rests on what stands in the repo now; and what lies between two of them, which may show what the first has not got before.
        whole = sorted({*stands.above(changed), *changed, *(due_above & below)})
        for names, how in (sorted(due_above - below), []), (whole, ["--full-refresh"]):
            if names and not result.failures:
                outcome = dbt.build(names, *how, "--exclude-resource-type", "test", "unit_test")
                _collect(outcome, result)
                signatures.remember_prints(home, stands, outcome.result or [])
        result.rebuilt = changed
        if result.failures:
            return result
    due = set(stands.signs) if full_refresh else signatures.due(home, stands) | set(changed) | stands.resting_on(set(named))
    if fagomraade:
        due = stands.narrowed(fagomraade, due)
    _forget(home, due, named)
    left = leaving(stands, due) if leaving and due and not full_refresh else set()
    due -= left
    chosen = list(select)
    if not (chosen or due):
        return result
    if meanwhile:
        meanwhile()
    # Unit tests try the text of the models on rows of their own; they belong to `make test` and plain `dbt build`, not to every night's data.
    how = ["--exclude-resource-type", "unit_test", *([] if tests else ["test"]), *(["--full-refresh"] if full_refresh else [])]
    # of a part that is named, the tests that look at nothing outside it and what it rests on
    standing = signatures.standing_views(home, stands) & due if tests and not (full_refresh or changed or chosen) else set()
    outcome = dbt.invoke("build", "--select", *chosen, "--indirect-selection", "buildable", "--no-write-json", *how) if chosen else dbt.build(due, *how, leaving=left, standing=standing)
    _collect(outcome, result)
    signatures.remember_prints(home, stands, outcome.result or [])
    if tests:
        signatures.remember(home, stands, outcome.result or [], standing)
    return result


def mark(home: Home, progress: Progress | None = None) -> BuildResult:
    """Build, with their tests, the models that bear the marks of the quality rules and have not got them as they stand; nothing else. Does nothing where all have."""
    stands, result = project(home), BuildResult()
    if names := signatures.to_mark(home, stands):
        outcome = Dbt(home, progress).build(names, "--exclude-resource-type", "unit_test")
        _collect(outcome, result)
        signatures.remember_prints(home, stands, outcome.result or [])
        signatures.remember(home, stands, outcome.result or [])
    return result


def project(home: Home) -> signatures.Project:
    """The project as it stands in the repo, over what has been loaded in the home."""
    _ensure_cpr_tables(home)
    return signatures.Project(Dbt(home).manifest, home)


def _collect(outcome, result: BuildResult) -> None:
    for one in outcome.result or []:
        kind = str(one.node.resource_type).replace("unit_test", "test")
        if kind in result.nodes:
            result.nodes[kind].add(one.node.unique_id)
        if one.status in ("error", "fail", "runtime error"):
            said = str(one.message or one.status)
            if one.status == "fail" and one.node.resource_type == "test":
                said = testtexts.told(one.node, one.failures, said)
            result.failures.append((one.node.name, masked(said)))


def _ensure_cpr_tables(home: Home) -> None:
    """The views of staging need the raw tables to exist, also where nothing has arrived; and the set-up as it stands now."""
    from flis.contracts import installation
    from flis.contracts.contract import read_contracts
    from flis.trail import ledger

    contracts, setup = read_contracts(None), installation.read_setup(home)
    with connect(home, write="cpr") as con:
        con.execute("begin")
        ledger.create_tables(con, contracts)
        installation.store(con, setup)
        con.execute("commit")


def _named(home: Home, fagomraade: str | None, kommune: str | None, periode: str | None) -> dict[str, list[int]]:
    """The active deliveries of a fagområde, municipality and month, by kildesystem. One of the whole country is no municipality's, and one without a month of no month."""
    with connect(home) as con:
        return dict(con.execute("""
            select kildesystem, list(leverance_id) from cpr.raw.leverance
            where status = 'aktiv' and ($1 is null or fagomraade = $1) and ($2 is null or kommunekode = $2) and ($3 is null or strftime(periode, '%Y-%m') = $3)
            group by kildesystem
        """, [fagomraade, kommune, periode]).fetchall())


def _forget(home: Home, models: set[str], deliveries: dict[str, list[int]]) -> None:
    """Forget that these models have seen these deliveries, so that they compute their slices again."""
    with connect(home, write="flis") as con:
        if deliveries and exists(con, "drift", "behandlet"):
            con.execute("delete from drift.behandlet where list_contains($1, model) and list_contains($2, leverance_id)", [sorted(models), [one for found in deliveries.values() for one in found]])


def _look_again(home: Home) -> None:
    """Deliveries whose texts have been rewritten since they came (a number in them has become known, flis.intake.stray): every model forgets that it has seen them."""
    with connect(home, write="flis") as con:
        con.execute("create schema if not exists drift")
        con.execute("create table if not exists drift.omskrevet (leverance_id bigint, koersel varchar)")
        con.execute("begin")
        con.execute("create or replace temp table _omskrevet as select * from cpr.raw.omskrevet except select * from flis.drift.omskrevet")
        if exists(con, "drift", "behandlet"):
            con.execute("delete from flis.drift.behandlet where leverance_id in (select leverance_id from _omskrevet)")
        con.execute("insert into flis.drift.omskrevet select * from _omskrevet")
        con.execute("commit")


def _clear(home: Home) -> None:
    """Half-made and outdated tables of a run that was killed: dbt takes away only those of the models it makes in the same way next."""
    with connect(home, write="flis") as con:
        for schema, name in con.execute("select schema_name, table_name from duckdb_tables() where database_name = 'flis' and regexp_matches(table_name, '__dbt_(tmp|backup)')").fetchall():
            con.execute(f'drop table flis."{schema}"."{name}"')


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
