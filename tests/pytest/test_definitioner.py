"""dbt's unit tests: every definition with a rule in it, on rows one can check by hand."""

from __future__ import annotations

from flis.build.dbt import Dbt
from flis.core.home import Home


def test_definitionernes_unit_tests(demo_hjem: Home) -> None:
    outcome = [one for one in Dbt(demo_hjem).invoke("test", "--select", "test_type:unit").result if one.node.resource_type == "unit_test"]
    failed = [(one.node.name, one.message) for one in outcome if one.status != "pass"]
    assert not failed
    assert len(outcome) >= 25
