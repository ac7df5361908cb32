"""What the classifier says of an edit is what a real Ray Serve does: the ids of replicas before and after each of many edits."""

from __future__ import annotations

import json
from typing import Any, Final

import change_edits
import pytest
from builders import applied
from change_edits import Edit, Object
from llm_operator.change.model import Change

from .conftest import Serve

EDITS: Final = (
    *change_edits.IN_PLACE,
    *change_edits.RESTARTS,
    *change_edits.ENGINE_RESTARTS,
    *change_edits.MORE,
)
REPLACED: Final = {"ray.serve.llm:build_openai_app": "stand_in:build_openai_app"}
Replicas = dict[str, dict[str, set[str]]]


def _configuration(rayservice: Object) -> list[dict[str, Any]]:
    """The applications as rendered, with the engines' builder replaced."""
    found = json.loads(rayservice["spec"]["serveConfigV2"])["applications"]
    return [{**each, "import_path": REPLACED.get(each["import_path"], each["import_path"])} for each in found]


class Running:
    """The applications of one LLMDeployment on the local Ray Serve."""

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self.document = change_edits.document("img:1", "llm")
        self.live = applied(change_edits.rendered(self.document, None))
        self._apply(self.live)

    def _apply(self, rayservice: Object) -> None:
        wanted = _configuration(rayservice)
        self._serve.remove("chat", "more", "router")
        self._serve.apply(*wanted)
        self.names = [each["name"] for each in wanted]

    def replicas(self) -> Replicas:
        """Application → deployment → ids."""
        return {name: self._serve.replicas(name) for name in self.names}

    def edit(self, edit: Edit) -> tuple[Change, Replicas, Replicas]:
        """What the classifier says; replicas before and after."""
        self.document = change_edits.edited(self.document, edit)
        wanted = change_edits.rendered(self.document, self.live)
        said, before = change_edits.expected(self.live, wanted), self.replicas()
        self._apply(wanted)
        self.live = applied(wanted, self.live["metadata"]["generation"] + 1)
        return said, before, self.replicas()


@pytest.fixture(scope="module")
def running(serve: Serve) -> Running:
    return Running(serve)


def _restarted(before: dict[str, set[str]], after: dict[str, set[str]]) -> set[str]:
    """Deployments of which no replica is left."""
    return {name for name, ids in before.items() if not ids & after.get(name, set())}


@pytest.mark.parametrize("edit", [pytest.param(edit, id=edit.name) for edit in EDITS])
def test_serve_does_what_was_said(running: Running, edit: Edit) -> None:
    """The edits build upon each other, in the order of the table."""
    said, before, after = running.edit(edit)
    assert all(ids for deployments in after.values() for ids in deployments.values())
    assert (set(after) - set(before), set(before) - set(after)) == (set(said.added), set(said.removed))
    seen = {name: _restarted(before[name], after[name]) for name in before.keys() & after.keys()}
    assert {name for name, deployments in seen.items() if deployments} == set(said.restarted)
    for each in said.applications:
        if before[each.name].keys() == after[each.name].keys():
            assert seen[each.name] == set(each.restarted)
