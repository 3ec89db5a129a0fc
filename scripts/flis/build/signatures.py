"""What has been built and tested, and from what; so what has to be built now, and whether the models may be shown to anyone.

A node (a seed or a model) is built when anything that decides its rows has changed since it was last built and tested: its text, its macros, the seeds and
set-up it reads, what tests it, or the deliveries of the systems it rests on. That is one digest per node, its signature, in the manner of make
(docs/decisions/0019). Each node writes in its own transaction that it has been built (`drift.bygget`, macros/skive.sql), without a signature; it gets one here
when its tests have passed. So whatever a run leaves behind when it is killed, or when a test fails, is due again, and is tested whole.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from flis.build import moved_rows
from flis.core.database import connect, content_sign, exists
from flis.core.home import Home

HELD = "kvalitet"                       # what the rules hold back, and has been marked (flis.quality.held)
OURS = ("opsaetning", "leverancer", HELD)     # sources that are not deliveries
GOOD = ("success", "pass", "warn", "no-op")
SHOWN = 3
# A delivery, with how often its texts have been rewritten since it came (flis.intake.stray).
LEDGER = """
    select l.* exclude (koersel), o.omskrevet from cpr.raw.leverance as l
    left join (select leverance_id, count(*) as omskrevet from cpr.raw.omskrevet group by leverance_id) as o on l.leverance_id = o.leverance_id
"""


class NotReady(Exception):
    """The models are not fit to be shown; the text says why and what to do. Nothing has been written."""


class Project:
    """The seeds and models as they stand in the repo, over what has been loaded in a home."""

    def __init__(self, manifest: Any, home: Home) -> None:
        self.manifest, self.home = manifest, home
        self.nodes = {u: n for u, n in manifest.nodes.items() if n.resource_type in ("seed", "model")}
        self.sliced = {n.name: n for n in self.nodes.values() if n.config.get("incremental_strategy") == "skive"}

    @cached_property
    def upstream(self) -> dict[str, set[str]]:
        """Per node all the nodes it rests on."""
        found: dict[str, set[str]] = {}

        def of(unique_id: str) -> set[str]:
            if unique_id not in found:
                direct = [u for u in _parents(self.nodes[unique_id]) if u in self.nodes]
                found[unique_id] = set(direct).union(*map(of, direct))
            return found[unique_id]

        return {unique_id: of(unique_id) for unique_id in self.nodes}

    @cached_property
    def views(self) -> dict[str, list[str]]:
        """The views that show incremental models' rows and nothing else that moves, and which: what has moved in these has moved in the view (flis.build.moved_rows).

        A code list or the set-up may stand beside them: when that changes, so does the view's print.
        """
        found: dict[str, set[str] | None] = {}

        def of(unique_id: str) -> set[str] | None:
            if unique_id not in found:
                node, rests_on = self.nodes.get(unique_id), set()
                if node is None:
                    rests_on = set() if self.manifest.sources[unique_id].source_name == "opsaetning" else None
                elif node.name in self.sliced:
                    rests_on = {node.name}
                elif node.resource_type == "model":
                    above = [of(one) for one in _parents(node)] if _is_view(node) else [None]
                    rests_on = None if None in above else set().union(*above)
                found[unique_id] = rests_on
            return found[unique_id]

        return {n.name: sorted(stored) for u, n in self.nodes.items() if n.name not in self.sliced and (stored := of(u))}

    @cached_property
    def systems(self) -> dict[str, set[str]]:
        """Per node the kildesystemer whose raw tables it rests on, through whatever lies between. What an area's model reads of the ledger alone is about its area's systems."""
        areas: dict[str, set[str]] = {}
        for one in self.manifest.sources.values():
            if one.source_name not in OURS and (area := one.fqn[2]) != "faelles":
                areas.setdefault(area, set()).add(one.source_name)
        direct = {}
        for unique_id, node in self.nodes.items():
            sources = {self.manifest.sources[p].source_name for p in _parents(node) if p in self.manifest.sources}
            alone = "leverancer" in sources and not self.upstream[unique_id]
            direct[unique_id] = sources.difference(OURS) or (areas.get(_area(node), set()) if alone else set())
        return {u: direct[u].union(*(direct[above] for above in self.upstream[u])) for u in self.nodes}

    @cached_property
    def signs(self) -> dict[str, str]:
        """Per name of a seed or model: a digest of all that decides its rows and of what tests them, the data that have arrived included."""
        with connect(self.home) as con:
            ledger, active = ({system or "": sign for system, sign in con.execute(
                f"select kildesystem, {content_sign('l')} from ({LEDGER}) as l where {which} group by 1 order by 1").fetchall()}
                for which in ("true", "status in ('aktiv', 'tilbagekaldt')"))      # those withdrawn, for the sake of the memories
            persons = str(con.execute("select (select count(*) from cpr.raw.beroert_person), (select max(leverance_id) from cpr.raw.beroert_person), (select max(version) from cpr.raw.noegle)").fetchall()[0])
            held = marked(con)
        checks: dict[str, list] = {}
        for one in sorted((n for n in self.manifest.nodes.values() if n.resource_type == "test"), key=lambda n: n.unique_id):
            for above in one.depends_on.nodes:
                checks.setdefault(above, []).append(one)
        signs: dict[str, str] = {}

        def source(unique_id: str, own: set[str]) -> str:
            one = self.manifest.sources[unique_id]
            if one.source_name == "opsaetning":
                return hashlib.sha256(self._setup(one.name)).hexdigest()
            if one.source_name == HELD:
                return repr(sorted(held, key=str))
            if one.source_name != "leverancer":
                return active.get(one.source_name, "")
            # The ledger, and what the load step writes beside it: a node that rests on raw tables reads of it what is about their systems.
            part = " ".join(f"{system}={sign}" for system, sign in ledger.items() if not own or system in own)
            return part + (persons if one.name in ("person_noegle", "beroert_person") else "")

        def of(unique_id: str) -> str:
            if unique_id not in signs:
                one, digest = self.nodes[unique_id], hashlib.sha256()
                contract = getattr(getattr(one, "contract", None), "checksum", None)
                for text in (one.checksum.checksum, contract, json.dumps(one.config.to_dict(), sort_keys=True, default=str), *((t.unique_id, t.checksum.checksum) for t in checks.get(unique_id, []))):
                    digest.update(repr(text).encode())
                for macro in sorted(self.macros([*one.depends_on.macros, *(m for t in checks.get(unique_id, []) for m in t.depends_on.macros)])):
                    digest.update(self.manifest.macros[macro].macro_sql.encode())
                digest.update(self._contracts_in(one) + _code(one))
                for above in sorted(_parents(one)):
                    digest.update((of(above) if above in self.nodes else source(above, self.systems[unique_id])).encode())
                signs[unique_id] = digest.hexdigest()
            return signs[unique_id]

        return {node.name: of(unique_id) for unique_id, node in self.nodes.items()}

    @cached_property
    def prints(self) -> dict[str, str]:
        """Per incremental model and per view: a digest of all that decides its rows but the data: its text, the views, macros and seeds it reads, and the set-up."""
        prints = {}
        for name, node in {n.name: n for n in self.nodes.values() if n.name in self.sliced or _is_view(n)}.items():
            digest, queue, seen = hashlib.sha256(), [node.unique_id], set()
            while queue:
                unique_id = queue.pop(0)
                if unique_id in seen:
                    continue
                seen.add(unique_id)
                if unique_id.startswith("source."):
                    if self.manifest.sources[unique_id].source_name == "opsaetning":
                        digest.update(self._setup(self.manifest.sources[unique_id].name))
                    continue
                one = self.manifest.nodes[unique_id]
                digest.update(f"{unique_id}:{one.checksum.checksum}".encode() + self._contracts_in(one) + _code(one))
                if one.resource_type == "model" and (one.unique_id == node.unique_id or one.name not in self.sliced):
                    queue += sorted(one.depends_on.nodes)
                    for macro in sorted(self.macros(one.depends_on.macros)):
                        if ".skive" not in macro and ".kun_beroerte" not in macro:
                            digest.update(self.manifest.macros[macro].macro_sql.encode())
            prints[name] = digest.hexdigest()
        return prints

    @cached_property
    def untested_views(self) -> set[str]:
        """The views that no test looks at (most of staging): there is nothing to do about one when data arrive."""
        tested = {u for t in self.manifest.nodes.values() if t.resource_type == "test" for u in t.depends_on.nodes}
        return {n.name for u, n in self.nodes.items() if _is_view(n) and u not in tested}

    def _contracts_in(self, one: Any) -> bytes:
        """The contracts, for a model that is written from them (graph.sources): its text is the same when they change, and its rows are not."""
        return self._contracts if "graph.sources" in (getattr(one, "raw_code", None) or "") else b""

    @cached_property
    def _contracts(self) -> bytes:
        return json.dumps({u: s.config.meta for u, s in self.manifest.sources.items()}, sort_keys=True, default=str).encode()

    def _setup(self, name: str) -> bytes:
        file = self.home.setup / f"{name}.csv"
        return file.read_bytes() if file.exists() else b""

    def macros(self, names: Iterable[str]) -> set[str]:
        """The project's own macros among these and those they call in turn; dbt names only the outermost on a node."""
        queue, found = list(names), set()
        while queue:
            name = queue.pop()
            if name.startswith("macro.flis.") and name not in found:
                found.add(name)
                queue += self.manifest.macros[name].depends_on.macros
        return found

    def above(self, names: Iterable[str]) -> list[str]:
        """The seeds and plain views that the incremental models named rest on."""
        queue, found = [self.sliced[name].unique_id for name in names], set()
        while queue:
            for unique_id in _parents(self.nodes[queue.pop()]):
                if unique_id in self.nodes and unique_id not in found and self.nodes[unique_id].name not in self.sliced:
                    found.add(unique_id)
                    queue.append(unique_id)
        return sorted(self.nodes[u].name for u in found)

    def all_above(self, names: Iterable[str]) -> set[str]:
        """The names of all that the incremental models named rest on."""
        return {self.nodes[u].name for name in names for u in self.upstream[self.sliced[name].unique_id]}

    def below(self, names: Iterable[str]) -> set[str]:
        """The names of all that rest on the incremental models named."""
        ids = {self.sliced[name].unique_id for name in names}
        return {n.name for u, n in self.nodes.items() if self.upstream[u] & ids}

    def resting_on(self, wanted: set[str]) -> set[str]:
        """The nodes that rest on raw tables of these kildesystemer."""
        return {self.nodes[u].name for u, systems in self.systems.items() if systems & wanted}

    def bearing_marks(self) -> set[str]:
        """The nodes that rest on what the rules hold back, by unique id."""
        sources = {u for u, s in self.manifest.sources.items() if s.source_name == HELD}
        return {u for u, n in self.nodes.items() if any(sources & set(_parents(self.nodes[one])) for one in {u, *self.upstream[u]})}

    def until_marked(self, looked_at: Iterable[str]) -> set[str]:
        """The names of those of them that no rule looks at (`looked_at` are the tables that rules do): they can wait for what the rules find, and so be built once."""
        seen = {u for u, n in self.nodes.items() if n.name in set(looked_at)}
        return {self.nodes[u].name for u in self.bearing_marks().difference(seen, *(self.upstream[u] for u in seen))}

    def area(self, fagomraade: str) -> tuple[set[str], set[str]]:
        """(a fagområde's own models and all they rest on, what rests on its own in whatever fagområde), by unique id.

        What all fagområder share and rests on no system's deliveries (the dimensions, the account of deliveries) is every fagområde's own.
        """
        own = {u for u, n in self.nodes.items() if n.resource_type == "model" and (_area(n) == fagomraade or _area(n) == "faelles" and not self.systems[u])}
        return own.union(*(self.upstream[u] for u in own)), {u for u in self.nodes if own & self.upstream[u]} - own

    def narrowed(self, fagomraade: str, due: set[str]) -> set[str]:
        """The names among `due` that a build of one fagområde takes: its own, and of what rests on them all but what also rests on something that is not taken.

        What it shares with others counts their figures too. Of those of whom nothing has been loaded that is nothing, and it is built: else the first fagområde to be built could never be shown.
        """
        ids = {u for u, n in self.nodes.items() if n.name in due}
        mine, after = self.area(fagomraade)
        with connect(self.home) as con:
            loaded = {system for (system,) in con.execute("select distinct kildesystem from cpr.raw.leverance where status in ('aktiv', 'tilbagekaldt')").fetchall()}
        beside = {u for a in after for u in self.upstream[a] if not self.systems[u] & loaded} - mine
        taken = ids & mine
        for u in sorted(ids & (after | beside) - mine, key=lambda u: len(self.upstream[u])):
            if self.upstream[u] & ids <= taken:
                taken.add(u)
        return {self.nodes[u].name for u in taken}


def _parents(node: Any) -> list[str]:
    return getattr(node.depends_on, "nodes", [])     # a seed rests on nothing


def _is_view(node: Any) -> bool:
    return node.resource_type == "model" and node.config.materialized == "view"


def _code(node: Any) -> bytes:
    """The packages that a model in Python says it is made of (meta.kode): its own text is the same when they change, and its rows are not."""
    named = (node.config.meta or {}).get("kode", []) if node.resource_type == "model" else []
    return b"".join(file.read_bytes() for name in named for file in sorted((Path(__file__).parents[1] / name).glob("*.py")))


def _area(node: Any) -> str | None:
    """The fagområde a model belongs to; `faelles` also for the models about quality."""
    folder, *rest = node.path.split("/")
    return {"standardized": rest[0], "marts": rest[0], "kvalitet": "faelles"}.get(folder) if rest else None


def marked(con: duckdb.DuckDBPyConnection) -> set[tuple[str, str, date | None, str]]:
    """The slices that bear a mark of the quality rules: (kommunekode, fagomraade, periode, kvalitetsstatus); none where nothing has been marked yet."""
    return set(con.execute("select * from flis.kvalitet.holdt").fetchall()) if exists(con, HELD, "holdt") else set()


def to_mark(home: Home, project: Project) -> set[str]:
    """The names of nodes that are due for the sake of the marks and can be built as things stand: all that they rest on is built, or among them, and their text is the one they were built from."""
    names = due(home, project)
    waiting = {u for u, n in project.nodes.items() if n.name in names}
    with connect(home) as con:
        before = dict(con.execute("select model, fingeraftryk from drift.fingeraftryk").fetchall()) if exists(con, "drift", "fingeraftryk") else {}
    taken: set[str] = set()
    for u in sorted(waiting & project.bearing_marks(), key=lambda u: len(project.upstream[u])):
        name = project.nodes[u].name
        if project.upstream[u] & waiting <= taken and (name not in project.sliced or before.get(name) == project.prints[name]):
            taken.add(u)
    return {project.nodes[u].name for u in taken}


def ever_built(home: Home) -> set[str]:
    """The names of the nodes that have been built at all in this home, whatever they were built from."""
    with connect(home) as con:
        return {name for (name,) in con.execute("select distinct model from drift.bygget").fetchall()} if exists(con, "drift", "bygget") else set()


def standing_views(home: Home, project: Project) -> set[str]:
    """The names of the views that are built and say what they said: when data arrive there is nothing to do about them but what tests them."""
    return _standing(project, *_stood(home))


def due(home: Home, project: Project) -> set[str]:
    """The names of nodes that are not built and tested as they stand. A view that no test looks at stands as long as it says the same, whatever has arrived."""
    known, prints = _stood(home)
    return {name for name, sign in project.signs.items() if known.get(name) != sign} - (project.untested_views & _standing(project, known, prints))


def _stood(home: Home) -> tuple[dict[str, str], dict[str, str]]:
    """What is built and tested, with its signature; and the prints of what is built."""
    with connect(home) as con:
        known = dict(con.execute("select model, max(signatur) from drift.bygget group by model having count(*) = count(signatur)").fetchall()) if exists(con, "drift", "bygget") else {}
        prints = dict(con.execute("select model, fingeraftryk from drift.fingeraftryk").fetchall()) if exists(con, "drift", "fingeraftryk") else {}
    return known, prints


def _standing(project: Project, known: dict[str, str], prints: dict[str, str]) -> set[str]:
    return {n.name for n in project.nodes.values() if _is_view(n) and n.name in known and prints.get(n.name) == project.prints[n.name]}


def remember(home: Home, project: Project, results: Iterable[Any], standing: Collection[str] = ()) -> None:
    """After a build with tests: the nodes that were built and whose tests passed get their signature, where all that they rest on has its own; the others lose it.

    `results` are dbt's; `standing` are the names of views that were not built anew but only tested. The deliveries that staging's tests have passed on are noted with it,
    as those that an incremental model has seen are.
    """
    built, doubtful = {u for u, n in project.nodes.items() if n.name in standing}, set()
    for one in results:
        good = one.status in GOOD
        if one.node.unique_id in project.nodes:
            (built if good else doubtful).add(one.node.unique_id)
        elif not good:
            doubtful |= {u for u in one.node.depends_on.nodes if u in project.nodes} or set(project.nodes)      # a test of no node in particular is about all
    stale = due(home, project)
    sound = (built | {u for u, n in project.nodes.items() if n.name not in stale}) - doubtful
    passed = {u for u in built & sound if project.upstream[u] <= sound}
    names = {u: project.nodes[u].name for u in project.nodes}
    staging = [(names[u], system) for u in passed if project.nodes[u].fqn[1] == "staging" for system in project.systems[u]]
    with connect(home, write="flis") as con:
        con.execute("begin")
        con.execute("update drift.bygget set signatur = null where model in (select unnest(cast($1 as varchar[])))", [[names[u] for u in doubtful]])
        con.execute("delete from drift.bygget where model in (select unnest(cast($1 as varchar[]))) or model not in (select unnest(cast($2 as varchar[])))",
                    [[names[u] for u in passed], list(names.values())])
        con.execute("insert into drift.bygget select unnest(cast($1 as varchar[])), (select max(koersel) from drift.koersel), unnest(cast($2 as varchar[]))",
                    [[names[u] for u in passed], [project.signs[names[u]] for u in passed]])
        con.execute("""
            insert into drift.behandlet
            select s.model, l.leverance_id
            from (select unnest(cast($1 as varchar[])) as model, unnest(cast($2 as varchar[])) as kildesystem) as s
            inner join cpr.raw.leverance as l on s.kildesystem = l.kildesystem
            where l.status = 'aktiv'
            except
            select model, leverance_id from drift.behandlet
        """, [[model for model, _ in staging], [system for _, system in staging]])
        con.execute("commit")


def changed(home: Home, project: Project) -> list[str]:
    """Incremental models that were built from something else than stands in the repo now, or by a run that was stopped before it could tell; and the new ones that they rest on.

    They are to be built whole: what was known of what they were built from is forgotten, and staging above them is tested whole. A view that shows something else now
    than it did has moved, all of it, and is tested whole.
    """
    with connect(home, write="flis") as con:
        con.execute("create schema if not exists drift")
        con.execute("create table if not exists drift.fingeraftryk (model varchar, fingeraftryk varchar)")
        before = dict(con.execute("select model, fingeraftryk from drift.fingeraftryk").fetchall())
        built = {name for (name,) in con.execute("select distinct model from drift.tilstand").fetchall()} if exists(con, "drift", "tilstand") else set()
        other = {name for name in built & set(project.sliced) if before.get(name) != project.prints[name]}
        shown = sorted(name for name in project.views if before.get(name) != project.prints[name])
        new = {project.nodes[u].name for name in other for u in project.upstream[project.sliced[name].unique_id]} & (set(project.sliced) - built)
        con.execute("begin")
        con.execute("delete from drift.fingeraftryk where model in (select unnest(cast($1 as varchar[])))", [sorted(other)])
        if exists(con, "drift", "behandlet"):
            con.execute("delete from drift.behandlet where model in (select unnest(cast($1 as varchar[])))", [project.above(other | new)])
        if exists(con, "drift", "beroert"):
            # under the number of the next build: the newest has been
            con.execute("insert into drift.beroert select unnest(cast($1 as varchar[])), (select coalesce(max(koersel), 0) + 1 from drift.koersel), $2, null", [shown, moved_rows.WHOLE])
            con.execute("delete from drift.bygget where model in (select unnest(cast($1 as varchar[])))", [shown])
            # one that has ceased to be incremental remembers no slices
            for table in ("tilstand", "behandlet"):
                con.execute(f"delete from drift.{table} where list_contains($1, model)", [[n.name for n in project.nodes.values() if n.fqn[1] != "staging" and n.name not in project.sliced]])
        pairs = [(name, one) for name, stored in sorted(project.views.items()) for one in stored]
        con.execute("create or replace table drift.visning as select unnest(cast($1 as varchar[])) as model, unnest(cast($2 as varchar[])) as af", [[pair[i] for pair in pairs] for i in range(2)])
        con.execute("commit")
    return sorted(other | new)


def remember_prints(home: Home, project: Project, results: Iterable[Any]) -> None:
    """What the incremental models and the views were built from, as soon as they are built: so that what failed elsewhere does not have them built whole again."""
    names = sorted({one.node.name for one in results if one.status in GOOD} & set(project.prints))
    with connect(home, write="flis") as con:
        con.execute("begin")
        con.execute("delete from drift.fingeraftryk where model in (select unnest(cast($1 as varchar[])))", [names])
        con.execute("insert into drift.fingeraftryk select unnest(cast($1 as varchar[])), unnest(cast($2 as varchar[]))", [names, [project.prints[name] for name in names]])
        con.execute("commit")


def require(home: Home, project: Project, fagomraade: str | None = None) -> None:
    """Raises NotReady unless the nodes of a fagområde (all, where none is given), what is shared and rests on them, and all that these rest on are built and tested as they stand.

    Another fagområde's model holds it back where the shared tables (the nøgletal) count it, and nowhere else. One that has never been built is counted nowhere: where that leaves a
    shared table unbuilt, there is nothing of it to show (the package step says so).
    """
    waiting = due(home, project)
    if fagomraade:
        mine, after = project.area(fagomraade)
        shared = {u for u in after if _area(project.nodes[u]) == "faelles"}
        ever = ever_built(home)
        counted = {u for u in shared.union(*(project.upstream[u] for u in shared)) if project.nodes[u].name in ever}
        waiting &= {project.nodes[u].name for u in mine | counted}
    if waiting:
        names = sorted(waiting)
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        raise NotReady(f"{'One model is' if len(names) == 1 else f'{len(names)} models are'} not built and tested with what has been loaded: {', '.join(names[:SHOWN])}{more}. "
                       "Run `flis build` first, and see what it says. What is published stays as it is.")
