"""What the reconciler does when the API server refuses, knows better, or something is in between."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from golden.case import CASES, Case
from llm_operator.kube.errors import ApiError, Conflict, Forbidden, Invalid, Throttled, Unavailable
from llm_operator.kube.resources import LLMDEPLOYMENTS, OTHER_KINDS, PODS, RAYCLUSTERS, RAYSERVICES, Resource
from unit.control.case_world import World

KEY = ("llm", "chat")
(REVISIONS, BUDGETS) = OTHER_KINDS


def _world(case: str) -> World:
    return World(Case(CASES / case))


def _refuse(world: World, verb: str, kind: Resource, error: ApiError) -> None:
    """From now on, before it is written down."""
    real: Callable[..., Any] = getattr(world.api, verb)

    async def refusing(resource: Resource, *args: Any, **more: Any) -> Any:
        if resource == kind:
            raise error
        return await real(resource, *args, **more)

    setattr(world.api, verb, refusing)


def _verbs(world: World) -> list[str]:
    """Verb and kind of each write."""
    return [" ".join(str(word) for word in write[:2] if isinstance(word, str)) for write in world.api.written]


def _status(world: World) -> dict[str, Any]:
    """The last one that was written."""
    return next(write[1] for write in reversed(world.api.written) if write[0] == "status")


def _condition(status: dict[str, Any], name: str) -> dict[str, Any]:
    return next(entry for entry in status["conditions"] if entry["type"] == name)


def _later(world: World, kind: Resource, **metadata: Any) -> Any:
    """The API server has a newer one than the caches."""
    live = copy.deepcopy(world.api.objects[kind, "chat"])
    live["metadata"] |= {"resourceVersion": "5", **metadata}
    world.api.objects[kind, "chat"] = live
    return live


@pytest.mark.parametrize("error", [Invalid(422, "Invalid", "too long"), Forbidden(403, "Forbidden", "quota")])
async def test_a_refused_rayservice_is_told_and_raised(error: ApiError) -> None:
    world = _world("create-watched-model")
    _refuse(world, "apply", RAYSERVICES, error)
    with pytest.raises(type(error)) as raised:
        await world.reconcile()
    assert raised.value is error
    rendered = _condition(_status(world), "Rendered")
    assert (rendered["status"], rendered["reason"]) == ("False", "ApplyRejected")
    assert error.message in rendered["message"]
    assert "apply RayService" not in _verbs(world)


@pytest.mark.parametrize(
    "error", [Conflict(409, "Conflict", "no"), Unavailable(500, "X", "no"), Throttled(429, "X", "no")]
)
async def test_other_errors_end_it_before_the_status(error: ApiError) -> None:
    world = _world("create-smallest")
    _refuse(world, "apply", RAYSERVICES, error)
    with pytest.raises(type(error)):
        await world.reconcile()
    assert world.api.written == []


@pytest.mark.parametrize("error", [Invalid(422, "Invalid", "bad"), Forbidden(403, "Forbidden", "policy")])
async def test_a_refused_budget_is_told_and_raised(error: ApiError) -> None:
    world = _world("create-smallest")
    _refuse(world, "apply", BUDGETS, error)
    with pytest.raises(type(error)) as raised:
        await world.reconcile()
    assert raised.value is error
    said = str(_status(world)["conditions"])
    assert f'the API server refuses the PodDisruptionBudget "chat-head": {error.message}' in said
    assert _verbs(world)[0] == "apply RayService", "the RayService is applied before it"


async def test_a_conflict_on_a_budget_is_raised_at_once() -> None:
    world = _world("create-smallest")
    _refuse(world, "apply", BUDGETS, Conflict(409, "Conflict", "no"))
    with pytest.raises(Conflict):
        await world.reconcile()
    assert not any(write[0] == "status" for write in world.api.written)


async def test_the_answers_are_in_the_caches() -> None:
    world = _world("create-smallest")
    await world.reconcile()
    service = world.caches.of(RAYSERVICES).get(KEY)
    assert service is not None
    assert service["metadata"]["resourceVersion"] == "2"
    budget = world.caches.of(BUDGETS).get(("llm", "chat-head"))
    assert budget is not None
    parent = world.caches.parents.get(KEY)
    assert parent is not None
    assert parent["status"] == _status(world)
    world.api.written.clear()
    world.api.objects[LLMDEPLOYMENTS, "chat"] = parent
    await world.reconcile()
    assert _verbs(world) == [], "a second look writes nothing"


async def test_ready_is_a_metric() -> None:
    ready, starting = _world("becomes-ready"), _world("starting")
    await ready.reconcile()
    assert 'llm_operator_llmdeployment_ready{name="chat",namespace="llm"} 1.0' in ready.metrics.text().decode()
    await starting.reconcile()
    assert 'llm_operator_llmdeployment_ready{name="chat",namespace="llm"} 0.0' in starting.metrics.text().decode()


async def test_a_status_that_differs_by_nulls_only_is_not_written() -> None:
    world = _world("unchanged")
    parent = copy.deepcopy(world.api.objects[LLMDEPLOYMENTS, "chat"])
    parent["status"] |= {"dropped": None, "empty": {}}
    parent["status"]["conditions"][0]["gone"] = None
    parent["metadata"]["resourceVersion"] = "3"
    world.caches.parents.put(parent)
    await world.reconcile()
    assert world.api.written == []


# --- what the caches have not seen


async def test_a_parent_that_is_gone_gets_nothing() -> None:
    world = _world("create-smallest")
    del world.api.objects[LLMDEPLOYMENTS, "chat"]
    assert await _forgets(world) is None
    assert world.api.written == []
    assert world.caches.parents.get(KEY) is None


@pytest.mark.parametrize("metadata", [{"uid": "another"}, {"deletionTimestamp": "2026-01-02T00:00:00Z"}])
async def test_a_namesake_and_one_that_is_deleted_get_nothing(metadata: dict[str, str]) -> None:
    world = _world("create-smallest")
    _later(world, LLMDEPLOYMENTS, **metadata)
    assert await _forgets(world) is None
    assert world.api.written == []


async def test_one_that_ends_between_the_two_looks_gets_nothing() -> None:
    """The LLMDeployment is still there when it is asked for, and its RayService is gone with it when that one is."""
    world = _world("edit-image")
    real = world.api.get

    async def ends(resource: Resource, namespace: str | None, name: str) -> Any:
        found = await real(resource, namespace, name)
        if resource == LLMDEPLOYMENTS:
            world.api.objects.clear()
        return found

    world.api.get = ends  # type: ignore[method-assign]
    assert await _forgets(world) is None
    assert world.api.written == []


async def _forgets(world: World) -> float | None:
    """Reconciles; that everything known of the key is dropped is expected."""
    world.metrics.set_ready(*KEY, ready=True)
    forgotten: list[tuple[str, str]] = []
    world.events.forget = lambda namespace, name: forgotten.append((namespace, name))  # type: ignore[method-assign]
    again = await world.reconcile()
    assert forgotten == [KEY]
    assert 'name="chat"' not in world.metrics.text().decode()
    return again


async def test_a_newer_spec_counts() -> None:
    world = _world("create-smallest")
    live = _later(world, LLMDEPLOYMENTS, generation=2)
    live["spec"]["models"][0]["name"] = "newer"
    await world.reconcile()
    applied = next(write[2] for write in world.api.written if write[:2] == ("apply", "RayService"))
    assert "newer" in applied["spec"]["serveConfigV2"]


async def test_a_rayservice_that_is_there_already_is_not_applied_again() -> None:
    world = _world("edit-image")
    await world.reconcile()
    applied = world.api.objects[RAYSERVICES, "chat"]
    behind = _world("edit-image")
    behind.api.objects[RAYSERVICES, "chat"] = {**applied, "metadata": {**applied["metadata"], "resourceVersion": "5"}}
    await behind.reconcile()
    assert "apply RayService" not in _verbs(behind)


async def test_someone_elses_rayservice_without_our_label_is_found() -> None:
    conflict = _world("name-conflict")
    foreign = conflict.api.objects[RAYSERVICES, "chat"]
    world = _world("create-smallest")
    world.api.objects[RAYSERVICES, "chat"] = {**foreign, "metadata": {**foreign["metadata"], "resourceVersion": "5"}}
    await world.reconcile()
    assert "apply RayService" not in _verbs(world)
    assert _condition(_status(world), "Rendered")["reason"] == "NameConflict"


async def test_someone_elses_budget_is_left_alone() -> None:
    world = _world("create-smallest")
    theirs: dict[str, Any] = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "spec": {}}
    theirs |= {"metadata": {"namespace": "llm", "name": "chat-head", "uid": "theirs", "resourceVersion": "1"}}
    world.api.objects[BUDGETS, "chat-head"] = theirs
    await world.reconcile()
    assert "apply PodDisruptionBudget" not in _verbs(world)
    assert "chat-head" in str(_status(world)["conditions"])


# --- deletions


async def test_suspend_deletes_the_rayservice_and_keeps_what_finalizers_hold() -> None:
    world = _world("suspend")
    await world.reconcile()
    kept = world.caches.of(RAYSERVICES).get(KEY)
    assert kept is not None
    assert "deletionTimestamp" in kept["metadata"]


async def test_suspend_forgets_a_rayservice_that_is_gone_at_once() -> None:
    world = _world("suspend")

    async def gone(
        resource: Resource, namespace: str, name: str, *, uid: str, grace_seconds: int | None = None
    ) -> None:
        world.api.written.append(("delete", resource.kind, name, uid))

    world.api.delete = gone  # type: ignore[method-assign]
    await world.reconcile()
    assert world.caches.of(RAYSERVICES).get(KEY) is None
    assert "delete RayService" in _verbs(world)


async def test_one_that_is_being_deleted_is_neither_applied_nor_deleted_again() -> None:
    world = _world("suspend")
    live = _later(world, RAYSERVICES, deletionTimestamp="2026-01-02T00:00:00Z")
    world.caches.of(RAYSERVICES).put(live)
    await world.reconcile()
    assert not [verb for verb in _verbs(world) if verb.endswith("RayService")]
    edited = _world("edit-image")
    live = _later(edited, RAYSERVICES, deletionTimestamp="2026-01-02T00:00:00Z")
    edited.caches.of(RAYSERVICES).put(live)
    await edited.reconcile()
    assert not [verb for verb in _verbs(edited) if verb.endswith("RayService")]


async def test_a_budget_nobody_wants_leaves_the_cache() -> None:
    world = _world("budget-no-longer-wanted")
    held = world.caches.of(BUDGETS).children(KEY)
    assert len(held) == 1
    await world.reconcile()
    (left,) = world.caches.of(BUDGETS).children(KEY) or ({"metadata": {"deletionTimestamp": ""}},)
    assert "deletionTimestamp" in left["metadata"]


@pytest.mark.parametrize(("uid", "stays"), [("", False), ("another", True)])
async def test_a_budget_that_is_gone_at_once_is_forgotten_but_not_its_namesake(uid: str, stays: bool) -> None:
    world = _world("budget-no-longer-wanted")
    (held,) = world.caches.of(BUDGETS).children(KEY)

    async def gone(resource: Resource, namespace: str, name: str, *, uid_of: str = uid, **_: Any) -> None:
        if uid_of:
            newer = {**held, "metadata": {**held["metadata"], "uid": uid_of, "resourceVersion": "9"}}
            world.caches.of(BUDGETS).put(newer)

    world.api.delete = gone  # type: ignore[method-assign]
    await world.reconcile()
    assert bool(world.caches.of(BUDGETS).children(KEY)) is stays


# --- patches


async def test_a_patched_raycluster_is_in_the_cache() -> None:
    world = _world("edit-scaling-bounds-patched-by-hand")
    await world.reconcile()
    versions = {obj["metadata"]["resourceVersion"] for obj in world.caches.of(RAYCLUSTERS).children(KEY)}
    patched = [write for write in world.api.written if write[0] == "patch"]
    assert patched
    assert len(patched) <= len(world.caches.of(RAYCLUSTERS)), versions


async def test_a_refused_patch_ends_it_before_the_status() -> None:
    world = _world("edit-scaling-bounds-patched-by-hand")
    _refuse(world, "patch_json", RAYCLUSTERS, Invalid(422, "Invalid", "the test failed"))
    with pytest.raises(Invalid):
        await world.reconcile()
    assert not any(write[0] == "status" for write in world.api.written)


# --- when to look again


async def test_the_next_look_is_the_earliest_that_somebody_asks_for() -> None:
    world = _world("incremental-no-gateway-api")
    assert await world.reconcile() == 30.0
    assert await _world("unchanged").reconcile() is None
    assert await _world("deleted-by-hand").reconcile() == _world("deleted-by-hand").case.steps[-1].outcome.requeue_after


LONG_AGO = {"deletionTimestamp": "2025-12-31T00:00:00Z", "finalizers": ["x/y"]}


def _held(world: World) -> None:
    """Its RayService and a pod are held by a finalizer."""
    live = _later(world, RAYSERVICES, **LONG_AGO)
    world.caches.of(RAYSERVICES).put(live)
    pod = {"namespace": "llm", "name": "w", "labels": {"llm-operator.io/deployment": "chat"}, **LONG_AGO}
    world.caches.of(PODS).put({"metadata": pod})


def _told(world: World) -> list[tuple[str, str]]:
    """Who is told of, and what is held."""
    notes = [(write[1], write[2]["note"].split(" is being")[0]) for write in world.api.written if write[0] == "event"]
    return [(uid, note) for uid, note in notes if note.startswith(("RayService", "Pod"))]


async def test_what_holds_a_deletion_is_told_of_the_deployment() -> None:
    world = _world("unchanged")
    _held(world)
    world.caches.parents.put(_later(world, LLMDEPLOYMENTS, deletionTimestamp="2026-01-01T00:00:00Z"))
    assert await _forgets(world) == 600.0
    uid = world.scope.parent["metadata"]["uid"]
    assert _told(world) == [(uid, 'RayService "chat"'), (uid, 'Pod "w"')]


async def test_and_of_one_that_is_gone_as_its_children_know_it() -> None:
    world = _world("unchanged")
    _held(world)
    world.caches.parents.discard(world.scope.parent)
    assert await _forgets(world) == 600.0
    assert {uid for uid, _ in _told(world)} == {world.scope.parent["metadata"]["uid"]}


async def test_children_of_somebody_who_is_not_known_are_looked_at_again_without_a_word() -> None:
    world = _world("create-smallest")
    pod = {"namespace": "llm", "name": "w", "labels": {"llm-operator.io/deployment": "chat"}, **LONG_AGO}
    world.caches.of(PODS).put({"metadata": pod})
    world.caches.parents.discard(world.scope.parent)
    assert await _forgets(world) == 600.0
    assert world.api.written == []


async def test_a_rayservice_on_its_way_out_is_looked_at_again_while_the_deployment_stays() -> None:
    world = _world("being-deleted-by-hand")
    again = await world.reconcile()
    assert again is not None
    assert again <= 600.0


async def test_of_nothing_nothing_is_said() -> None:
    world = _world("create-smallest")
    world.caches.parents.discard(world.scope.parent)
    assert await _forgets(world) is None
    assert world.api.written == []
