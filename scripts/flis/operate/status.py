"""status.json: what each step last did, and what has come in. One writer holds the file; `flis status` reads it."""

from __future__ import annotations

import json
import os
from typing import Any

from flis.core.home import REPO, Home, now, readable


def read(home: Home) -> dict[str, Any]:
    """The status as last written; empty when no step has run."""
    return json.loads(home.status.read_text("utf-8")) if home.status.exists() else {}


def write_step(home: Home, step: str, **facts: Any) -> None:
    """Write what a step did, in one rename so that a reader never sees half of it."""
    status = read(home)
    status.setdefault("trin", {})[step] = {"afsluttet": now().isoformat(timespec="seconds"), **facts}
    _write(home, status)


def write_stale(home: Home) -> None:
    """Refresh what is behind (flis.operate.backlog)."""
    from flis.core.database import connect
    from flis.operate.backlog import facts

    with connect(home) as con:
        _write(home, {**read(home), "bagud": facts(con)})


def write_deliveries(home: Home) -> None:
    """Refresh the table of what was expected, received, late, replaced and refused, per municipality, dataset and kildesystem; and what is behind."""
    from flis.core.database import connect, exists
    from flis.operate.backlog import facts

    status = read(home)
    with connect(home) as con:
        if exists(con, "marts", "leveranceoversigt") and "antal_tilbagekaldt" in {row[0] for row in con.execute("describe marts.leveranceoversigt").fetchall()}:     # one built before that was counted is written at the next build
            columns = ("kommunekode", "fagomraade", "kildesystem", "forventet", "modtaget", "forsinket", "mangler", "erstattet", "afvist", "tilbagekaldt")
            rows = con.execute("""
                select kommunekode, fagomraade, kildesystem,
                    sum(antal_forventet)::bigint, sum(antal_modtaget)::bigint, sum(antal_forsinket)::bigint, sum(antal_mangler)::bigint,
                    sum(antal_erstattet)::bigint, sum(antal_afvist)::bigint, sum(antal_tilbagekaldt)::bigint
                from marts.leveranceoversigt group by all order by all
            """).fetchall()
            status["leverancer"] = [dict(zip(columns, row, strict=True)) for row in rows]
            status["perioder"] = _periods_to_look_at(con)
        status["bagud"] = facts(con)
        if exists(con, "raw", "leverance", "cpr"):
            # Files nobody has agreed on belong to no municipality and no dataset: they are counted per sender.
            status["til_godkendelse"] = _to_be_accepted(con)
            status["uden_aftale"] = dict(con.execute("select afsender, count(*) from cpr.raw.leverance where status = 'afvist' and (filtype is null or aarsag_kode = 'ikke_aftalt') group by all order by all").fetchall())
    _write(home, status)


def _to_be_accepted(con: Any) -> list[dict[str, Any]]:
    """The deliveries that wait for a person, because they have far fewer rows than what they would replace; not one that a newer has overtaken, which is refused at the next load."""
    from flis.intake.drops import OVERTAKEN, WAITS

    columns = ("leverance_id", "afsender", "fil", "kommunekode", "fagomraade", "kildesystem", "aarsag")
    rows = con.execute(f"select {', '.join(columns)} from cpr.raw.leverance where status = 'venter' and aarsag_kode = $1 and leverance_id not in (select leverance_id from ({OVERTAKEN})) order by leverance_id", [WAITS]).fetchall()
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _periods_to_look_at(con: Any) -> list[dict[str, Any]]:
    """Each municipality, kildesystem and month where something is late, missing, replaced or refused, or where a part is missing inside what came."""
    from flis.core.database import exists

    columns = ("kommunekode", "fagomraade", "kildesystem", "periode", "status", "forventet", "modtaget", "mangler", "erstattet", "afvist", "tilbagekaldt", "manglende_dele")
    missing = ("select kommunekode, kildesystem, periode, string_agg(felt || ' ' || vaerdi, ', ' order by felt, vaerdi) as dele from kvalitet.manglende_del group by all" if exists(con, "kvalitet", "manglende_del")
               else "select null::varchar as kommunekode, null::varchar as kildesystem, null::date as periode, null::varchar as dele where false")
    rows = con.execute(f"""
        select o.kommunekode, o.fagomraade, o.kildesystem, strftime(o.periode, '%Y-%m'), o.status,
            o.antal_forventet, o.antal_modtaget, o.antal_mangler, o.antal_erstattet, o.antal_afvist, o.antal_tilbagekaldt, coalesce(d.dele, '')
        from marts.leveranceoversigt as o
        left join ({missing}) as d on o.kommunekode = d.kommunekode and o.kildesystem = d.kildesystem and o.periode = d.periode
        where o.er_instrueret and (o.status in ('forsinket', 'afvist') or o.antal_mangler + o.antal_erstattet + o.antal_afvist + o.antal_tilbagekaldt > 0 or d.dele is not null)
        order by all
    """).fetchall()
    return [dict(zip(columns, row, strict=True)) for row in rows]


def deliveries(home: Home) -> list[dict[str, Any]]:
    """How each delivery stands, by the journal (which can be read while a run holds the databases), in the order of their numbers."""
    from flis.trail import journal

    newest = {line["leverance_id"]: line for line in journal.read(journal.deliveries_file(home))}
    return [newest[number] for number in sorted(newest)]


def nothing_new(home: Home) -> bool:
    """True when the last full run ended well, the inbox holds nothing it did not leave there, and neither the repo nor the set-up has changed since."""
    last = read(home).get("faerdig")
    return bool(last) and not something_arrived(home) and _newest_change(home) <= last["tid"]


def something_arrived(home: Home) -> bool:
    """True when the inbox holds other files than the last full run left there."""
    return sorted(waiting_files(home)) != read(home).get("faerdig", {}).get("venter")


def mark_complete(home: Home) -> None:
    """Remember that all four steps are done with what there is."""
    status = read(home)
    status["faerdig"] = {"tid": _newest_change(home), "venter": sorted(waiting_files(home))}
    _write(home, status)


def mark_incomplete(home: Home) -> None:
    """Something has begun that is not yet carried through."""
    status = read(home)
    if status.pop("faerdig", None) is not None:
        _write(home, status)


def waiting_files(home: Home) -> list[str]:
    """Files that have arrived in the inbox, as '<afsender>/<fil>': not those that are still on their way."""
    from flis.intake.inbox import arrived, is_still

    found = []
    for sender, entry in arrived(home):
        try:
            if entry.is_file() and is_still(entry.stat()):
                found.append(readable(f"{sender}/{entry.name}"))
        except FileNotFoundError:       # the sender has just taken it back
            continue
    return found


def _newest_change(home: Home) -> float:
    newest = 0.0
    for top in (*(REPO / d for d in ("models", "seeds", "macros", "expectations", "deklaration", "pakker", "tests/generic", "tests/singular", "scripts/flis")), home.setup):
        for folder, _, files in os.walk(top):
            if not folder.endswith("__pycache__"):
                newest = max([newest, *(os.stat(os.path.join(folder, f)).st_mtime for f in files)])
    return newest


def _write(home: Home, status: dict[str, Any]) -> None:
    temp = home.status.with_suffix(".tmp")
    temp.write_text(json.dumps(status, ensure_ascii=False, indent=1, sort_keys=True), "utf-8")
    os.replace(temp, home.status)
