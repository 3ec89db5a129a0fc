"""What is built slice by slice is what would be built from the start: chance sequences of deliveries, against everything rebuilt.

`flis bench equal` tries many more (scripts/bench/ligestilling.py, where a sequence is told).
"""

from __future__ import annotations

import random
import sys

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from flis.home import REPO, Home

sys.path.insert(0, str(REPO / "scripts" / "bench"))
import ligestilling


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> ligestilling.World:
    return ligestilling.make_world(tmp_path_factory.mktemp("lig"))


# One example is some builds and a rebuild: half a minute. There is no shrinking, for the same reason; the message has what was done.
@settings(max_examples=1, derandomize=True, deadline=None, phases=[Phase.generate])
@given(chance=st.randoms(use_true_random=True))
def test_incremental_is_a_full_rebuild(world: ligestilling.World, chance: random.Random) -> None:
    told = ligestilling.play(world, Home(world.base.parent / "hjem"), ligestilling.sequence(chance, turns=3), seed=chance.randrange(1000))
    assert told.tables > 60 and told.rows > 30_000
    assert not told.differing, f"{told.differing} after {told.done}"


def test_what_is_sent_again_holds_together(world: ligestilling.World) -> None:
    """Of every interface: rows taken out leave a file whose end record and sums are right, and fewer rows; none leaves none; and no delivery is refused for it."""
    chance = random.Random(1)
    seen = set()
    for file in [f for f in (*world.first, *(f for month in world.months for f in month)) if f.match and not f.name.endswith((".gz", ".zip"))]:
        if file.match.filetype.origin in seen:
            continue
        seen.add(file.match.filetype.origin)
        whole, some, none = (ligestilling.again(file, how, 1, chance) for how in ("as it was", "thinned", "emptied"))
        assert len(whole.data) >= len(some.data) >= len(none.data) and whole.data.count(b"\n") > none.data.count(b"\n"), file.name
    assert len(seen) >= 10
