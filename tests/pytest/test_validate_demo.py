"""The quality rules on the demo: what was planted is found, and nothing else."""

from __future__ import annotations

import pytest
import yaml

from flis.core.database import connect
from flis.core.home import Home
from flis.quality.rules import load_rules
from flis.quality.truth import AT_LOAD, Score, score
from regelverden import CASES

# Rules that the demo cannot plant a fault for, with the reason.
# `*-97` is rule 97 of every area.
NOT_PLANTED: dict[str, str] = {
    one: reason for rule, reason in yaml.safe_load((CASES / "uden_plantet_fejl.yml").read_text("utf-8")).items()
    for one in ([r.regel_id for r in load_rules() if r.regel_id.partition("-")[2] == rule[2:]] if rule.startswith("*-") else [rule])
}


@pytest.fixture(scope="module")
def scores(demo_hjem: Home) -> dict[str, Score]:
    return {one.regel_id: one for one in score(demo_hjem)}


def test_every_rule_ran(demo_hjem: Home) -> None:
    with connect(demo_hjem) as con:
        assert con.execute("select distinct regel_id, aarsag from kvalitet.resultat where status = 'kunne_ikke_koere' order by all").fetchall() == []
        assert {rule for (rule,) in con.execute("select distinct regel_id from kvalitet.resultat").fetchall()} == {rule.regel_id for rule in load_rules()}


def test_faults_are_planted_for_every_rule(scores: dict[str, Score]) -> None:
    without = {rule for rule, one in scores.items() if not one.planted}
    assert without == set(NOT_PLANTED)
    assert all(len(reason) > 20 for reason in NOT_PLANTED.values())
    assert any(rule.startswith(AT_LOAD) for rule in scores)
    assert sum(one.planted for one in scores.values()) > 60


def test_recall_is_one(scores: dict[str, Score]) -> None:
    assert [one for one in scores.values() if one.found != one.planted] == []


def test_precision_is_one_for_fejl(scores: dict[str, Score]) -> None:
    hard = [one for one in scores.values() if one.alvor == "fejl"]
    assert len(hard) > 15
    assert [one for one in hard if one.extra] == []
