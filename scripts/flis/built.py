"""Whether the models may be shown to anyone: all that has come in is in them, and their tests have passed.

Each model writes in its own transaction that it has been built and is untested (`drift.bygget`, macros/skive.sql); when a build is over, those whose tests
have passed are marked so here. A build that was killed, or in which something failed, thus leaves behind just what is not to be trusted; the next one tests
those models whole, since the slices that were never tested are no longer the last ones touched.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flis.database import exists

if TYPE_CHECKING:
    import duckdb

    from flis.datapackage import Manifest

COMMON = "faelles"
BAD = ("error", "fail", "runtime error", "skipped")
SHOWN = 3


class NotReady(Exception):
    """The models are not fit to be shown; the text says why and what to do. Nothing has been written."""


def note(con: duckdb.DuckDBPyConnection, results: Iterable[Any], models: set[str], tested: bool) -> None:
    """After a build: mark the models whose tests have passed, and those that did not come through. `con` has flis open for writing.

    `results` are dbt's, of all its calls in this build; `models` are the names of all there are. Without tests (`tested`) nothing has passed.
    """
    built, failed, doubtful, everything = set(), set(), set(), False
    for one in results:
        kind, bad = str(one.node.resource_type), one.status in BAD
        if kind == "model":
            (failed if bad else built).add(one.node.name)
        elif kind in ("test", "seed") and bad:
            parents = one.node.depends_on.nodes if kind == "test" else []
            doubtful |= {p.split(".")[-1] for p in parents}
            everything |= not parents or any(not p.startswith("model.") for p in parents)     # what rests on a code list that is wrong is not looked for: nothing passes
    passed = sorted(built - failed - doubtful) if tested and not everything else []
    con.execute("begin")
    con.execute("delete from drift.bygget where model in (select unnest(cast($1 as varchar[]))) or model not in (select unnest(cast($2 as varchar[])))", [passed, sorted(models)])
    con.execute("""
        insert into drift.bygget
        select model, (select max(koersel) from drift.koersel), proevet
        from (select unnest(cast($1 as varchar[])) as model, true as proevet union all select unnest(cast($2 as varchar[])), false)
    """, [passed, sorted(failed)])
    con.execute("commit")


@dataclass(frozen=True)
class _Model:
    """A table that dbt builds, and what it rests on: the systems it reads, and the incremental models above it."""

    name: str
    area: str | None
    sliced: bool
    remembers: bool
    systems: frozenset[str]
    above: frozenset[str]


def require(con: duckdb.DuckDBPyConnection, manifest: Manifest, area: str | None = None) -> None:
    """Raises NotReady unless the tables of a fagområde (of all, where none is given), and what they rest on, are built, tested, and have seen what has been loaded.

    `con` has flis and cpr open. What all fagområder share is looked at as far as the fagområde's own key figures reach.
    """
    if not exists(con, "drift", "bygget"):
        raise NotReady("Nothing has been built yet: run `flis build` first.")
    models = _models(manifest)
    chosen = models if area is None else _resting(con, manifest, models, area)
    faults = [_told("{} not built, or built without their tests passing: {}", _unproven(con, chosen)), _told("{} have not seen deliveries that came since, or that were taken back: {}", _unseen(con, chosen)),
              _told("{} are older than what they are made from: {}", _overtaken(con, chosen))]
    if any(faults):
        raise NotReady(f"Not everything that has been loaded is built and tested{f' in {area}' if area else ''}: {'; '.join(filter(None, faults))}. "
                       "Run `flis build` first, and see what it says. What is published stays as it is.")


def _told(text: str, names: list[str]) -> str | None:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return text.format("one model" if len(names) == 1 else f"{len(names)} models", ", ".join(names[:SHOWN]) + more) if names else None


def _models(manifest: Manifest) -> dict[str, _Model]:
    found = {}
    for node in manifest.nodes.values():
        if node["resource_type"] == "model" and node["config"]["materialized"] not in ("view", "ephemeral"):
            systems, above, queue, seen = set(), set(), [(u, True) for u in node["depends_on"]["nodes"]], set()
            while queue:
                unique_id, direct = queue.pop()
                if (unique_id, direct) in seen:
                    continue
                seen.add((unique_id, direct))
                if unique_id.startswith("source."):
                    system = manifest.sources[unique_id]["source_name"]
                    if direct and system not in ("opsaetning", "leverancer"):
                        systems.add(system)
                elif unique_id.startswith("model."):
                    one = manifest.nodes[unique_id]
                    sliced = _sliced(one)
                    if sliced:
                        above.add(one["name"])
                    queue += [(u, direct and not sliced) for u in one["depends_on"]["nodes"]]
            layer, area = [*node["fqn"], "", ""][1:3]
            found[node["name"]] = _Model(node["name"], area if layer in ("standardized", "marts") else None, _sliced(node), bool(_meta(node).get("behold")),
                                         frozenset(systems), frozenset(above))
    return found


def _sliced(node: dict[str, Any]) -> bool:
    return node["config"].get("incremental_strategy") == "skive"


def _meta(node: dict[str, Any]) -> dict[str, Any]:
    return node["config"].get("meta") or {}


def _resting(con: duckdb.DuckDBPyConnection, manifest: Manifest, models: dict[str, _Model], area: str) -> dict[str, _Model]:
    """The tables an area's packages and reports are made from, with all they rest on in the areas its key figures reach."""
    reach = {area, COMMON, None}
    if exists(con, "marts", "dim_noegletal"):
        for row in con.execute("select distinct taeller_fagomraade, naevner_fagomraade from marts.dim_noegletal where fagomraade = $1", [area]).fetchall():
            reach.update(row)
    queue = [node["unique_id"] for node in manifest.nodes.values() if node["resource_type"] == "model" and node["name"] in models and models[node["name"]].area in (area, COMMON, None)]
    names: set[str] = set()
    while queue:
        node = manifest.nodes[queue.pop()]
        if node["resource_type"] != "model" or node["name"] in names:
            continue
        names.add(node["name"])
        queue += [u for u in node["depends_on"]["nodes"] if u.startswith("model.")]
    kept = {n for n in names if n in models and models[n].area in reach}
    return {n: _Model(m.name, m.area, m.sliced, m.remembers, m.systems, m.above & kept) for n in kept for m in (models[n],)}


def _unproven(con: duckdb.DuckDBPyConnection, models: dict[str, _Model]) -> list[str]:
    proven = {name for name, well in con.execute("select model, bool_and(proevet) from drift.bygget group by all").fetchall() if well}
    return sorted(set(models) - proven)


def _unseen(con: duckdb.DuckDBPyConnection, models: dict[str, _Model]) -> list[str]:
    """Incremental models that have not seen an active delivery of the systems they read, or still hold one that is not active any more."""
    pairs = [(m.name, system, m.remembers) for m in models.values() if m.sliced for system in m.systems]
    if not pairs:
        return []
    return [name for (name,) in con.execute("""
        with laest as (
            select unnest(cast($1 as varchar[])) as model, unnest(cast($2 as varchar[])) as kildesystem, unnest(cast($3 as boolean[])) as husker
        ),
        aktiv as (
            select l.model, r.leverance_id from laest as l inner join cpr.raw.leverance as r on l.kildesystem = r.kildesystem where r.status = 'aktiv'
        ),
        set_ as (
            select model, leverance_id from drift.behandlet where model in (select model from laest)
        )
        select distinct model from (
            (select * from aktiv except select * from set_)
            union all
            (select * from set_ where model not in (select model from laest where husker) except select * from aktiv)
        ) order by model
    """, [list(c) for c in zip(*pairs, strict=True)]).fetchall()]


def _overtaken(con: duckdb.DuckDBPyConnection, models: dict[str, _Model]) -> list[str]:
    """Models built before rows moved in an incremental model above them."""
    pairs = [(m.name, above) for m in models.values() for above in m.above]
    if not pairs:
        return []
    return [name for (name,) in con.execute("""
        with par as (select unnest(cast($1 as varchar[])) as model, unnest(cast($2 as varchar[])) as ophav)
        select distinct p.model
        from par as p
        inner join (select replace(model, ':raekker', '') as model, max(koersel) as koersel from drift.beroert group by all) as b on p.ophav = b.model
        inner join (select model, max(koersel) as koersel from drift.bygget group by all) as m on p.model = m.model
        where b.koersel > m.koersel
        order by all
    """, [list(c) for c in zip(*pairs, strict=True)]).fetchall()]
