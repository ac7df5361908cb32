"""For every field of the spec: set, break, change, revert, unset at the real API server, by the real operator. After each step
the RayService is what a fresh object would have, a broken edit leaves it untouched, and a revert brings back every byte.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import pytest
from apiserver.loop.operator import Operator
from apiserver.loop.transitions import Walk, Walker
from apiserver.server import Server
from golden.edits import Edit, leaves, values
from golden.test_costs import NEVER_RIGHT, ONLY_A_NAME, SWITCHES
from llm_operator.render.drain import VARIABLE, drain_of

LEAVES: Final = leaves()
_AT_ONCE: Final = 12
# Not a state of the RayService alone: their own tests.
_ELSEWHERE: Final = NEVER_RIGHT | SWITCHES | ONLY_A_NAME
# Another name is another model or application: its group is appended, the old one waits at 0 pods, and routes that were given
# away stay as they are.
_NAMES: Final = {"spec.models[].name", "spec.applications[].name"}
# Without a Gateway API in the cluster nothing with strategy Incremental is applied (golden cases, and stories of rollouts).
_NEEDS_GATEWAY: Final = {path for path in LEAVES if path.startswith("spec.rollout.incremental.")}
PATHS: Final = sorted(LEAVES.keys() - _ELSEWHERE - _NEEDS_GATEWAY)


@pytest.fixture(scope="session")
def walks(
    operator: Operator, server: Server, namespace: str, request: pytest.FixtureRequest
) -> Iterator[dict[str, Walk]]:
    """The walks of all selected fields, made side by side."""
    chosen = {item.callspec.params.get("walk") for item in request.session.items if hasattr(item, "callspec")}

    def walk(numbered: tuple[int, str]) -> Walk:
        number, path = numbered
        edit = Edit(path, *values(path, LEAVES[path]))
        return Walker(server, namespace, f"w{number}").walk(edit, LEAVES[path])

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        yield {
            made.edit.path: made
            for made in pool.map(walk, ((i, path) for i, path in enumerate(PATHS) if path in chosen))
        }


@pytest.fixture(params=PATHS)
def walk(walks: dict[str, Walk], request: pytest.FixtureRequest) -> Walk:
    """One field's."""
    found = walks[request.param]
    assert not found.problem, found.problem
    return found


def test_a_broken_edit_leaves_the_service_alone(walk: Walk) -> None:
    assert walk.refused, "the API server took a value that the schema forbids"
    assert "no-such-argument" in walk.said
    assert walk.said.startswith("False: ")
    assert walk.kept == {"schema": True, "operator": True}


def test_every_state_is_that_of_a_fresh_object(walk: Walk) -> None:
    assert walk.seen.keys() >= {"changed", "reverted"}
    if walk.edit.path in _NAMES:
        del walk.seen["changed"], walk.fresh["changed"]
    if (
        walk.edit.path == "spec.rollout.restartedAt"
    ):  # the mark of the last restart stays: without it there would be one more
        del walk.seen["unset"], walk.fresh["unset"]
    if walk.edit.path.endswith(
        ".gracefulShutdownSeconds"
    ):  # set in place: pods keep the time to drain that they were made with
        assert len({drain_of({"spec": json.loads(each)}) for each in walk.seen.values()}) == 1
        walk.seen, walk.fresh = _without_drain(walk.seen), _without_drain(walk.fresh)
    assert walk.seen == walk.fresh


def _without_drain(states: dict[str, str]) -> dict[str, str]:
    found = {name: json.loads(text) for name, text in states.items()}
    for spec in found.values():
        for group in spec["rayClusterConfig"]["workerGroupSpecs"]:
            pod = group["template"]["spec"]
            del pod["terminationGracePeriodSeconds"]
            pod["containers"][0]["env"] = [each for each in pod["containers"][0]["env"] if each["name"] != VARIABLE]
    return {name: json.dumps(spec) for name, spec in found.items()}


def test_a_revert_brings_back_every_byte(walk: Walk) -> None:
    same = walk.exact["reverted"] == walk.exact["set"]
    assert same == (walk.edit.path not in _NAMES)
