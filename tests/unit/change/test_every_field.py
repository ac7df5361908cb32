"""The classifier says what Ray's and KubeRay's own functions say, over an edit of every field of the API."""

from __future__ import annotations

import json

import pytest
from golden.case import stored
from golden.edits import Edit, spec_with
from golden.test_costs import SECOND, _edits, _look
from unit.change.test_against_ray_and_kuberay import agrees

FIELDS = [*_edits(), *(edit for edit, _ in SECOND)]


@pytest.mark.parametrize("edit", [pytest.param(edit, id=str(edit)[:80]) for edit in FIELDS])
def test_an_edit_of_every_field(edit: Edit) -> None:
    first = _look(spec_with(edit, edit.before), None)
    assert first.apply is not None
    live = stored(first.apply, None, [])
    second = _look(spec_with(edit, edit.after), json.loads(json.dumps(live)))
    if second.apply is not None:
        agrees(live, second.apply)
