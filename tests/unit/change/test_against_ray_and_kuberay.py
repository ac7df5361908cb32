"""The classifier says what Ray's and KubeRay's own functions say: over the golden edits and over pairs of drawn specs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from golden.case import cases, stored
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from llm_operator.api.change_class import ChangeClass
from llm_operator.change.classify import classify
from llm_operator.change.model import Change
from llm_operator.sync import sync
from unit.change.oracle import expected, restarted
from unit.strategies import specs
from unit.test_drawn_specs import quick, rendered, scope

LEFT_OUT = {"edited-by-hand-foreign-fields", "adopt-hand-written"}
"""The oracle compares whole objects as they are: it does not know that an apply leaves fields of others there, nor what
somebody else's half an object means."""
GOLDEN = [
    pytest.param(step.scope.child, step.outcome.apply, id=case.name)
    for case in cases()
    for step in case.steps
    if step.scope.child is not None and step.outcome.apply is not None and case.name not in LEFT_OUT
]


def agrees(live: dict[str, Any], wanted: dict[str, Any]) -> Change:
    change = classify(live, wanted)
    assert change.change_class == expected(live, wanted), change
    if change.change_class is not ChangeClass.NEW_CLUSTER:
        found = {each.name: set(each.restarted) for each in change.applications if each.restarted}
        assert found == restarted(live, wanted)
    return change


def _readable(rayservice: dict[str, Any]) -> bool:
    try:
        return bool(json.loads(rayservice["spec"]["serveConfigV2"])["applications"][0]["name"])
    except (ValueError, LookupError, TypeError):
        return False


@pytest.mark.parametrize(("live", "wanted"), GOLDEN)
def test_golden_edits(live: dict[str, Any], wanted: dict[str, Any]) -> None:
    live = json.loads(json.dumps(live))
    if _readable(live):
        agrees(live, wanted)
    else:
        assert classify(live, wanted).change_class is ChangeClass.IN_PLACE


@settings(quick, phases=(Phase.explicit, Phase.generate))
@given(specs, specs, st.booleans())
def test_pairs_of_specs(before: dict[str, Any], after: dict[str, Any], back: bool) -> None:
    """From any spec to any other; and back."""
    ways = {"paused": False, "suspend": False, "rollout": {}}  # these decide how, not what
    live = stored(rendered({**before, **ways}), None, [])
    wanted = rendered({**after, **ways})
    second = sync(scope({**after, **ways}, generation=2, child=json.loads(json.dumps(live))))
    assert second.apply is not None or live["spec"] == stored(wanted, live, [])["spec"]
    if second.apply is not None:
        agrees(live, second.apply)
        if back:
            agrees(stored(second.apply, live, []), live)
    assert classify(live, live).change_class is ChangeClass.NONE
