"""The rooms of the Python, along the walk: a package imports from those before it in the row, and from no later one (docs/decisions/0040)."""

from __future__ import annotations

import ast

from flis.core.home import REPO

# docs/arkitektur.md says what is in each.
ROOMS = ["core", "contracts", "trail", "intake", "build", "quality", "disclosure", "report", "package", "operate", "cli"]
BESIDE = {"demo": {"core", "contracts"}}        # makes a home's inbox and stands beside the walk: what it may use
SCRIPTS = REPO / "scripts" / "flis"


def imported(path) -> set[str]:
    """The rooms a module imports from, wherever in it that stands."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names] if isinstance(node, ast.Import) else []
        if names == ["flis"]:
            names = [f"flis.{a.name}" for a in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("flis.")}
    return found & {path.name for path in SCRIPTS.iterdir() if path.is_dir()}


def test_every_room_has_a_place() -> None:
    assert {path.parent.name for path in SCRIPTS.glob("*/__init__.py")} == {*ROOMS, *BESIDE}
    assert [path.name for path in SCRIPTS.glob("*.py")] == ["__init__.py"]


def test_no_room_imports_from_a_later_one() -> None:
    wrong = []
    for room in [*ROOMS, *BESIDE]:
        may = BESIDE.get(room) or {*ROOMS[:ROOMS.index(room)], *(BESIDE if room in ("operate", "cli") else ())}
        for path in sorted((SCRIPTS / room).rglob("*.py")):
            wrong += [f"{path.relative_to(SCRIPTS)} imports from {other}" for other in sorted(imported(path) - may - {room})]
    assert not wrong
