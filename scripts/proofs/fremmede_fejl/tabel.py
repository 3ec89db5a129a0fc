"""The outcomes as a table: kind × area × system, and the totals that are the figure of it all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from proofs.fremmede_fejl.maal import CEILING, FOUND_OVER, HELD_OVER, Outcome


def totals(outcomes: Iterable[Outcome]) -> dict[str, Any]:
    """Recall among the faults that moved a key figure over the one limit, held among those over the other; of faults, and of kinds of which every fault was caught."""
    done = list(outcomes)
    moved, far = [o for o in done if o.move > FOUND_OVER], [o for o in done if o.move > HELD_OVER]
    return {"planted": len(done), "found": sum(o.found for o in done),
            "moved": len(moved), "moved_found": sum(o.found for o in moved), "recall": _share([o.found for o in moved]),
            "far": len(far), "far_held": sum(o.held for o in far), "held": _share([o.held for o in far]),
            "kinds": len(_by_kind(done)), "kinds_moved": len(_by_kind(moved)), "kinds_found": _whole(moved, "found"), "kinds_far": len(_by_kind(far)), "kinds_held": _whole(far, "held")}


def _share(flags: list[bool]) -> float | None:
    return round(sum(flags) / len(flags), 3) if flags else None


def _by_kind(outcomes: list[Outcome]) -> dict[tuple[str, str], list[Outcome]]:
    kinds: dict[tuple[str, str], list[Outcome]] = defaultdict(list)
    for o in outcomes:
        kinds[o.planted.omraade, o.planted.art].append(o)
    return kinds


def _whole(outcomes: list[Outcome], what: str) -> int:
    return sum(all(getattr(o, what) for o in of) for of in _by_kind(outcomes).values())


def markdown(outcomes: list[Outcome], titles: dict[str, str]) -> str:
    """The tables, area by area: a line per kind, with the fault that moved a figure most as its example."""
    lines = _summary(outcomes)
    for area in dict.fromkeys(o.planted.omraade for o in outcomes):
        lines += ["", f"### {area}", "", "| art | plantet | fundet | fundet af | holdt | flyttet mest | rigtigt | plantet fejl viser | nøgletal |", "|---|--:|--:|---|--:|--:|--:|--:|---|"]
        for (_, _), of in sorted(_by_kind([o for o in outcomes if o.planted.omraade == area]).items(), key=lambda kv: -max(o.move for o in kv[1])):
            lines.append(_line(of, titles))
    return "\n".join(lines) + "\n"


def _summary(outcomes: list[Outcome]) -> list[str]:
    lines = ["| fagområde | plantet | fundet | flyttede et nøgletal > 5 % | heraf fundet | recall | flyttede > 10 % | heraf holdt | andel | arter fundet hver gang | arter holdt hver gang |",
             "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"]
    for area in [*dict.fromkeys(o.planted.omraade for o in outcomes), "alle"]:
        t = totals(o for o in outcomes if area in ("alle", o.planted.omraade))
        lines.append(f"| {area} | {t['planted']} | {t['found']} | {t['moved']} | {t['moved_found']} | {percent(t['recall'])} | {t['far']} | {t['far_held']} | {percent(t['held'])} "
                     f"| {t['kinds_found']} af {t['kinds_moved']} | {t['kinds_held']} af {t['kinds_far']} |")
    return lines


def percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.0f} %"


def _line(of: list[Outcome], titles: dict[str, str]) -> str:
    worst = max(of, key=lambda o: o.move)
    by: dict[str, int] = defaultdict(int)
    for o in of:
        for word in [*(f"load:{w}" for w in o.load), *(f"frasat:{w}" for w in o.aside), *(f"**{w}**" for w in o.fejl), *o.advarsel]:
            by[word] += 1
    told = ", ".join(f"{w} ({n})" for w, n in sorted(by.items(), key=lambda wn: (-wn[1], wn[0]))[:6]) or "–"
    systems = ", ".join(f"{s} {sum(o.found for o in of if o.planted.kildesystem == s)}/{sum(o.planted.kildesystem == s for o in of)}" for s in sorted({o.planted.kildesystem for o in of}))
    move = f"{'ny' if worst.move >= CEILING else percent(worst.move)}" if worst.figure else "0 %"
    return (f"| {worst.planted.titel} (`{worst.planted.art}`) | {len(of)} | {sum(o.found for o in of)} ({systems}) | {told} | {sum(o.held for o in of)} | {move} | {_number(worst.right)} | {_number(worst.wrong)} "
            f"| {titles.get(worst.figure, '')} |")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.2f}"
