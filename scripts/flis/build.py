"""Build the models: dbt's own runner, in process."""

from __future__ import annotations

import gc
import hashlib
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from flis.database import connect, content_sign, exists
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
                "--quiet", "--no-use-colors", "--log-level-file", "none", *args,
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
    """Build the seeds, models and their tests that rest on something that has changed; incremental models take only the slices that what arrived has touched.

    `fagomraade` narrows to that area's models and what they rest on, `select` (dbt's selectors) to nodes that are then built whether they need it or not. `kommune` (four digits) and `periode` (YYYY-MM) make those deliveries be computed again even though nothing
    new arrived. Without `tests` the models are built unchecked. A model whose own text, crosswalk or set-up has changed since it was last built is rebuilt whole first.
    """
    _ensure_cpr_tables(home)
    dbt = Dbt(home, progress)
    forced = _touch(home, fagomraade, kommune, periode) if kommune or periode else set()
    result = BuildResult()
    manifest, prints = dbt.manifest, _fingerprints(dbt.manifest, home)
    signs = _signatures(manifest, home)
    changed = _changed(home, manifest, prints)
    if changed and not full_refresh:
        # First what they rest on: a model that goes by delivery and is rebuilt on a stored one that has not taken the newest deliveries would count them as seen.
        if behind := sorted((_with_all_above(manifest, [f"model.flis.{name}" for name in changed]) & _due(home, signs)) - set(changed)):
            _collect(dbt.invoke("build", "--select", *behind, "--exclude-resource-type", "test", "unit_test"), result)
        # With the views and seeds above them, so that what is rebuilt rests on what stands in the repo now.
        above = _above(manifest, changed)
        _collect(dbt.invoke("build", "--full-refresh", "--select", *above, *changed, "--exclude-resource-type", "test", "unit_test"), result)
        result.rebuilt = changed
        _untested(home)
    due = set(signs) if full_refresh else _due(home, signs) | set(changed) | _resting_on(manifest, forced)
    if fagomraade:
        due &= _area(manifest, fagomraade)
    wanted = list(select) or sorted(due)
    if not wanted:
        return result
    # Unit tests try the text of the models on rows of their own; they belong to `make test` and plain `dbt build`, not to every night's data.
    outcome = dbt.invoke("build", "--select", *wanted, "--exclude-resource-type", "unit_test", *([] if tests else ["test"]), *(["--full-refresh"] if full_refresh else []))
    _collect(outcome, result)
    if not result.failures:
        # A narrowed build remembers what it built, no more: else a crosswalk edited after it would pass unseen.
        built = {one.node.name for one in outcome.result or []} | set(result.rebuilt)
        _remember(home, "fingeraftryk", {name: value for name, value in prints.items() if name in built})
        if tests:
            _remember(home, "signatur", {name: value for name, value in signs.items() if name in built})
            _tested(home, manifest, built)
    return result


def _collect(outcome, result: BuildResult) -> None:
    for one in outcome.result or []:
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


def _touch(home: Home, fagomraade: str | None, kommune: str | None, periode: str | None) -> set[str]:
    """Forget that the models have seen the deliveries named, so that the next build computes their slices again; returns their kildesystemer."""
    with connect(home, write="flis") as con:
        if not exists(con, "drift", "behandlet"):
            return set()
        named = """
            select leverance_id, kildesystem from cpr.raw.leverance
            where coalesce(fagomraade = $1, true) and coalesce(kommunekode = $2, true) and coalesce(strftime(periode, '%Y-%m') = $3, true)
        """
        con.execute(f"delete from drift.behandlet where leverance_id in (select leverance_id from ({named}))", [fagomraade, kommune, periode])
        return {system for (system,) in con.execute(f"select distinct kildesystem from ({named}) where kildesystem is not null", [fagomraade, kommune, periode]).fetchall()}


# --- what has to be built --------------------------------------------------------------------------------------------------------------------------
#
# A node is built when anything that decides its rows has changed since it was last built and tested: its text, its macros, the seeds and set-up it reads, or
# the deliveries of the systems it rests on. That is one digest per node, in the manner of make (docs/decisions/0019).


def _nodes(manifest) -> dict:
    """Seeds and models by their unique id."""
    return {u: n for u, n in manifest.nodes.items() if n.resource_type in ("seed", "model")}


def _systems(manifest) -> dict[str, set[str]]:
    """Per node the kildesystemer whose raw tables it rests on, through whatever lies between."""
    nodes, found = _nodes(manifest), {}

    def of(unique_id: str) -> set[str]:
        if unique_id not in found:
            found[unique_id] = set()
            for above in getattr(nodes[unique_id].depends_on, "nodes", []):
                if above in nodes:
                    found[unique_id] |= of(above)
                elif manifest.sources[above].source_name not in ("opsaetning", "leverancer"):
                    found[unique_id].add(manifest.sources[above].source_name)
        return found[unique_id]

    return {unique_id: of(unique_id) for unique_id in nodes}


def _signatures(manifest, home: Home) -> dict[str, str]:
    """Per seed and model: a digest of all that decides its rows and of what tests them, the data that have arrived included."""
    nodes, systems = _nodes(manifest), _systems(manifest)
    with connect(home) as con:
        ledger, active = ({system or "": sign for system, sign in con.execute(
            f"select kildesystem, {content_sign('l')} from (select * exclude (koersel) from cpr.raw.leverance) as l where {which} group by 1 order by 1").fetchall()}
            for which in ("true", "status = 'aktiv'"))
        moved = str(con.execute("select count(*), max(leverance_id) from cpr.raw.beroert_person").fetchall()[0])
    checks: dict[str, list] = {}
    for one in sorted((n for n in manifest.nodes.values() if n.resource_type == "test"), key=lambda n: n.unique_id):
        for above in one.depends_on.nodes:
            checks.setdefault(above, []).append(one)
    signs: dict[str, str] = {}

    def source(unique_id: str, own: set[str]) -> str:
        one = manifest.sources[unique_id]
        if one.source_name == "opsaetning":
            file = home.setup / f"{one.name}.csv"
            return hashlib.sha256(file.read_bytes() if file.exists() else b"").hexdigest()
        if one.source_name != "leverancer":
            return active.get(one.source_name, "")
        # The ledger, and what the load step writes beside it: a node that rests on raw tables reads of it what is about their systems.
        part = " ".join(f"{system}={sign}" for system, sign in ledger.items() if not own or system in own)
        return part + (moved if one.name in ("person_noegle", "beroert_person") else "")

    def of(unique_id: str) -> str:
        if unique_id not in signs:
            one, digest = nodes[unique_id], hashlib.sha256()
            contract = getattr(getattr(one, "contract", None), "checksum", None)
            for text in (one.checksum.checksum, contract, json.dumps(one.config.to_dict(), sort_keys=True, default=str), *((t.unique_id, t.checksum.checksum) for t in checks.get(unique_id, []))):
                digest.update(repr(text).encode())
            for macro in sorted(_all_macros(manifest, [*one.depends_on.macros, *(m for t in checks.get(unique_id, []) for m in t.depends_on.macros)])):
                digest.update(manifest.macros[macro].macro_sql.encode())
            for above in sorted(getattr(one.depends_on, "nodes", [])):
                digest.update((of(above) if above in nodes else source(above, systems[unique_id])).encode())
            signs[unique_id] = digest.hexdigest()
        return signs[unique_id]

    return {node.name: of(unique_id) for unique_id, node in nodes.items()}


def _due(home: Home, signs: dict[str, str]) -> set[str]:
    """The nodes whose signature is not the one they were last built and tested with."""
    with connect(home) as con:
        known = dict(con.execute("select model, signatur from drift.signatur").fetchall()) if exists(con, "drift", "signatur") else {}
    return {name for name, sign in signs.items() if known.get(name) != sign}


def _untested(home: Home) -> None:
    """What is translated anew is tested anew, all of it."""
    with connect(home, write="flis") as con:
        if exists(con, "drift", "proevet"):
            con.execute("delete from drift.proevet")


def _tested(home: Home, manifest, built: set[str]) -> None:
    """Remember the deliveries whose systems' staging has now been built and tested."""
    nodes = _nodes(manifest)
    systems = sorted({s for u, of in _systems(manifest).items() if nodes[u].name in built and nodes[u].fqn[1] == "staging" for s in of})
    with connect(home, write="flis") as con:
        con.execute("""
            insert into drift.proevet
            select leverance_id from cpr.raw.leverance where status = 'aktiv' and list_contains($1, kildesystem) except select leverance_id from drift.proevet
        """, [systems])


def _resting_on(manifest, wanted: set[str]) -> set[str]:
    """The models that rest on raw tables of these kildesystemer."""
    nodes = _nodes(manifest)
    return {nodes[unique_id].name for unique_id, systems in _systems(manifest).items() if systems & wanted}


def _area(manifest, fagomraade: str) -> set[str]:
    """An area's models and all that they rest on."""
    return _with_all_above(manifest, [u for u, n in _nodes(manifest).items() if n.resource_type == "model" and n.path.split("/")[:2] in (["standardized", fagomraade], ["marts", fagomraade])])


def _with_all_above(manifest, unique_ids: list[str]) -> set[str]:
    """The names of these nodes and of all seeds and models they rest on."""
    nodes, queue, found = _nodes(manifest), list(unique_ids), set(unique_ids)
    while queue:
        for above in getattr(nodes[queue.pop()].depends_on, "nodes", []):
            if above in nodes and above not in found:
                found.add(above)
                queue.append(above)
    return {nodes[unique_id].name for unique_id in found}


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


def _changed(home: Home, manifest, prints: dict[str, str]) -> list[str]:
    """Models that were built before, with another fingerprint; and the new ones that they rest on."""
    with connect(home, write="flis") as con:
        con.execute("create schema if not exists drift")
        con.execute("create table if not exists drift.fingeraftryk (model varchar, fingeraftryk varchar)")
        before = dict(con.execute("select model, fingeraftryk from drift.fingeraftryk").fetchall())
    other = {name for name, value in prints.items() if name in before and before[name] != value}
    skive, nodes, new = _skive_models(manifest), _nodes(manifest), set()
    queue = [skive[name].unique_id for name in other]
    while queue:
        for above in getattr(nodes[queue.pop()].depends_on, "nodes", []):
            if above in nodes and nodes[above].name not in before and nodes[above].name not in new:
                if nodes[above].name in prints:
                    new.add(nodes[above].name)
                queue.append(above)
    return sorted(other | new)


def _remember(home: Home, kind: str, values: dict[str, str]) -> None:
    """Keep a digest per node, of the kind fingeraftryk or signatur."""
    if not values:
        return
    with connect(home, write="flis") as con:
        con.execute("begin")
        con.execute(f"create table if not exists drift.{kind} (model varchar, {kind} varchar)")
        con.execute(f"delete from drift.{kind} where model in (select unnest(cast($1 as varchar[])))", [sorted(values)])
        con.execute(f"insert into drift.{kind} select unnest(cast($1 as varchar[])), unnest(cast($2 as varchar[]))", [list(values), list(values.values())])
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
