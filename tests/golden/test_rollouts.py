"""Stories of changes: tests/golden/rollouts/NAME.yaml says what happens, NAME.want.yaml what the operator does at each step
(`--update` writes it). Each step is one thing that happens, then one reconcile; only what changed is recorded.

Steps: `edit` (pointers into the spec), `kuberay` (one look; states of the applications), `kuberay_refuses` (its words), `wait` (seconds),
`by_hand` (pointers into the RayService), `pods` (a message of the scheduler, or null), `probes` (what each model
says to the prober: an error, or empty when it answers), `lose_status`, `nodes` (what each one has, and what is taken of it; as a
key of the story: at the start, and the operator counts what is free), `nodes_refused` (the API server's words when it does; "" ends it).
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from golden.world import World
from jsonschema import Draft202012Validator
from llm_operator.api.crd import structural_schema
from llm_operator.api.status_types import LLMDeploymentStatus
from llm_operator.plan.inputs import Probed
from llm_operator.render.sticky import sticky_of
from llm_operator.render.text import to_yaml

STORIES = sorted(
    path for path in (Path(__file__).parent / "rollouts").glob("*.yaml") if not path.name.endswith(".want.yaml")
)
STATUS = Draft202012Validator(structural_schema(LLMDeploymentStatus))
_SHOWN = ("Ready", "Accepted", "Rendered", "Progressing", "Degraded", "Stalled", "Reconciling")


def _pod(message: str) -> dict[str, Any]:
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    labels = {"ray.io/node-type": "worker", "ray.io/group": "qwen"}
    return {"metadata": {"name": "w", "labels": labels}, "status": {"conditions": [condition]}}


def _pods(world: World, message: str | None) -> None:
    world.pods = (_pod(message),) if message else ()


def _probes(world: World, said: dict[str, str]) -> None:
    cluster = (world.child or {})["status"]["activeServiceStatus"]["rayClusterName"]
    world.probes = {name: Probed(cluster, not error, error=error) for name, error in said.items()}


def _by_hand_and_kuberay(world: World, changes: dict[str, Any]) -> None:
    world.by_hand(changes)
    world.kuberay({})


def _nodes_refused(world: World, words: str) -> None:
    world.refusal = words


def _nodes(world: World, nodes: list[dict[str, Any]]) -> None:
    world.nodes = nodes


def _lose_status(world: World, _: Any) -> None:
    world.status = None


_STEPS: dict[str, Callable[[World, Any], None]] = {
    "edit": World.edit,
    "kuberay": World.kuberay,
    "kuberay_steps": World.steps,
    "kuberay_refuses": lambda world, words: world.refuse("ValidationFailed", words),
    "kuberay_gives_up": lambda world, words: world.refuse("InitializingTimeout", words),
    "wait": World.wait,
    "by_hand": World.by_hand,
    "by_hand_and_kuberay": _by_hand_and_kuberay,
    "pods": _pods,
    "probes": _probes,
    "lose_status": _lose_status,
    "nodes": _nodes,
    "nodes_refused": _nodes_refused,
}


def happens(world: World, step: dict[str, Any]) -> None:
    """One step of a story, before the operator looks."""
    ((what, value),) = step.items()
    _STEPS[what](world, value)


def _seen(world: World) -> dict[str, Any]:
    """What a person would look at."""
    status = world.status or {}
    conditions = {entry["type"]: entry for entry in status.get("conditions", ())}
    shown = {
        kind: f"{conditions[kind]['status']}/{conditions[kind]['reason']}: {conditions[kind]['message']}".removesuffix(
            ": "
        )
        for kind in _SHOWN
        if kind in conditions
    }
    child, sticky = world.child or {}, sticky_of(world.child)
    live = child.get("status") or {}
    return {
        **shown,
        "lastChange": status.get("lastChange"),
        "measured": status.get("measured"),
        "retries": status.get("retries"),
        "rollback": status.get("rollback"),
        "forced": sticky.forced,
        "restartedAt": sticky.restarted_at,
        "attempts": {name: retry.number for name, retry in sticky.retries.items()},
        "active": (live.get("activeServiceStatus") or {}).get("rayClusterName"),
        "pending": (live.get("pendingServiceStatus") or {}).get("rayClusterName"),
        "revisions": [obj["metadata"]["name"] for obj in world.others if obj["kind"] == "ControllerRevision"],
    }


def told(story: dict[str, Any]) -> list[dict[str, Any]]:
    """What the operator does, step by step."""
    world = World(story["spec"], nodes=story.get("nodes"))
    found, before = [], dict[str, Any]()
    for step in [{"created": True}, *story["steps"]]:
        world.written, world.events, world.counted = [], [], 0
        if "created" not in step:
            happens(world, step)
        outcome = world.reconcile()
        errors = [error.message for error in STATUS.iter_errors(world.status) if error.validator != "required"]
        assert not errors, f"{step}: {errors}"
        seen = _seen(world)
        entry: dict[str, Any] = {"step": step, "at": world.now, "writes": list(world.written)}
        if world.counted:
            entry["counted"] = world.counted
        if world.events:
            entry["events"] = [f"{event.reason}: {event.note}" for event in world.events]
        if changed := {key: value for key, value in seen.items() if before.get(key) != value}:
            entry["changed"] = changed
        if outcome.requeue_after is not None:
            entry["again_in"] = outcome.requeue_after
        found.append(entry)
        before = seen
        if then := _settled(world, step):
            entry["then"] = then
    return found


def _settled(world: World, step: dict[str, Any]) -> list[str]:
    """What the next look writes: nothing, unless the first one changed what KubeRay says. The one after it: nothing."""
    world.written = []
    world.reconcile()
    then = list(world.written)
    world.written = []
    world.reconcile()
    assert world.written == [], f"{step}: the next look writes {world.written}"
    return then


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_story(path: Path, request: pytest.FixtureRequest) -> None:
    story = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    text = f"# {story['about']}\n# Generated by `make golden`. Do not edit.\n" + to_yaml(told(story))
    want = path.with_suffix(".want.yaml")
    if request.config.getoption("--update"):
        want.write_text(text, encoding="utf-8")
        return
    assert want.exists(), f"{want}: missing; run `make golden` and read what it wrote"
    if (known := want.read_text(encoding="utf-8")) != text:
        pytest.fail(
            "\n".join(
                list(difflib.unified_diff(known.splitlines(), text.splitlines(), "want", "got", lineterm=""))[:80]
            )
        )


def test_there_are_stories() -> None:
    assert len(STORIES) >= 20
