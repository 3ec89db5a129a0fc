"""What is built slice by slice is what would be built from the start: chance sequences of deliveries, against everything rebuilt.

`flis bench equal` tries many more (scripts/proofs/ligestilling.py, where a sequence is told).
"""

from __future__ import annotations

import random
import shutil

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from flis.core.database import connect
from flis.core.home import Home
from proofs import ligestilling

pytestmark = pytest.mark.langsom


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


def test_what_is_sent_again_is_taken_in(world: ligestilling.World, tmp_path) -> None:
    """Of every interface: with rows taken out, with none left and as it was, the end record and its sums are right: nothing is refused but for being older than what is there."""
    home, chance, seen = Home(tmp_path / "hjem"), random.Random(1), {}
    shutil.copytree(world.base, home.root)
    for file in [*world.first, *(f for month in world.months for f in month)]:
        if file.match and not file.name.endswith((".gz", ".zip")):
            seen[file.match.filetype.origin] = file
    assert len(seen) >= 10
    for days, how in enumerate(("thinned", "emptied", "as it was"), start=1):
        for file in seen.values():
            new = ligestilling.again(file, how, days, chance)
            assert len(new.data) <= len(file.data) and (how != "emptied" or new.data.count(b"\n") <= 2 + new.name.endswith(".xml")), new.name
            ligestilling.put(home, new)
        ligestilling.take_in(home)
    with connect(home) as con:
        last = con.execute("select aarsag_kode, fil from cpr.raw.leverance where status = 'afvist' and koersel > (select min(koersel) from cpr.raw.leverance)").fetchall()
        emptied = con.execute("select count(*) from cpr.raw.leverance where status in ('aktiv', 'erstattet') and raekker = 0").fetchall()[0][0]
    assert {code for code, _ in last} <= {"aeldre_end_aktiv", "toemt_uden_besked"}, last        # JSON lines cannot say that there are none
    assert emptied >= 6
