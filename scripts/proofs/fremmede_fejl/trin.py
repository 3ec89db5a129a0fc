"""A walk's step without what neither rules nor figures read: the tests of the models, the withholding (half of a country's build) and the marks of what is held.

    python -m proofs.fremmede_fejl.trin build|validate HOME
"""

from __future__ import annotations

import sys
from pathlib import Path

from flis.build import signatures
from flis.build.dbt import build
from flis.core.home import Home
from flis.quality.validate import validate

WITHHELD = "int_faelles__tilbageholdt"      # read for who may see a figure, never for what it is


def _build(home: Home) -> str:
    before = signatures.ever_built(home)
    result = build(home, tests=False, leaving=lambda _, due: due & before & {WITHHELD})
    if result.failures:
        raise SystemExit(f"build failed: {result.failures[:3]}")
    return f"models {len(result.nodes['model'])}"


def main() -> None:
    step, home = sys.argv[1], Home.of(Path(sys.argv[2]))
    print(_build(home) if step == "build" else validate(home))


if __name__ == "__main__":
    main()
