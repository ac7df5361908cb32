"""A golden case: case.yaml → Scope, what the reconciler would do with it → the document that want.yaml holds.

Keys of case.yaml (all but `about` and `spec` are optional):
  about       one sentence
  name, uid, generation, spec   of the LLMDeployment; the name defaults to `chat`
  before      what the operator did and saw last time: `spec` (default: the same), `models` and `applications` (see below),
              `status` literal
  child       how the live RayService is now: `absent`, `raw`, `generation`, `models`, `applications`, `pending`, `status`,
              `edit`, `edit_serve`, `remove`, `deleting`; without this key it is as `before` left it, or absent without `before`
  clusters    RayClusters: name → pointers to set in what `before` had given KubeRay (bounds changed by hand, a status)
  pods, kuberay_installed, apply_error    as in Scope
  drops       JSON pointers that this API server prunes from what is applied
`models` maps a model to `APP/ENGINE` or to {status, engine, message, engineMessage}; `applications` maps a custom application to
`APP` (all deployments healthy) or to {status, message, deployments: {NAME: {status, message}}}. Pointers are RFC 6901.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from llm_operator.outcome import Outcome
from llm_operator.plan.deployments import engine_deployment
from llm_operator.plan.inputs import Scope
from llm_operator.sync import sync

EARLIER = "2026-01-01T00:00:00Z"
NOW = "2026-01-02T00:00:00Z"
UID = "00000000-0000-0000-0000-000000000001"
CASES = Path(__file__).parent / "cases"

_CASE_KEYS = {
    "about", "name", "uid", "generation", "spec", "before", "child", "clusters", "pods",
    "kuberay_installed", "apply_error", "drops",
}  # fmt: skip
_BEFORE_KEYS = {"spec", "generation", "models", "applications", "status", "drops"}
_CHILD_KEYS = {
    "absent", "raw", "generation", "models", "applications", "pending", "active_cluster", "conditions", "observed_generation",
    "status", "edit", "edit_serve", "remove", "deleting",
}  # fmt: skip


def _tokens(pointer: str) -> list[str]:
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.removeprefix("/").split("/")]


def _parent_of(document: Any, pointer: str) -> tuple[Any, str]:
    *parents, last = _tokens(pointer)
    for token in parents:
        document = document[int(token)] if isinstance(document, list) else document[token]
    return document, last


def put(document: Any, pointer: str, value: Any) -> None:
    """Set one place of a document; `-` appends to a list."""
    node, last = _parent_of(document, pointer)
    if isinstance(node, list):
        if last == "-":
            node.append(value)
        else:
            node[int(last)] = value
    else:
        node[last] = value


def drop(document: Any, pointer: str) -> None:
    """Remove one place of a document; it must be there."""
    node, last = _parent_of(document, pointer)
    del node[int(last) if isinstance(node, list) else last]


def stored(applied: dict[str, Any], live: dict[str, Any] | None, drops: list[str]) -> dict[str, Any]:
    """What the API server answers to a forced server-side apply: CRD defaults added, `drops` pruned, status kept, and the
    generation raised when the spec changed."""
    answer = copy.deepcopy(applied)
    for pointer in drops:
        drop(answer, pointer)
    for group in answer["spec"]["rayClusterConfig"]["workerGroupSpecs"]:
        group.setdefault("replicas", 0)  # default of the KubeRay CRD (ray.io_rayservices.yaml, 1.6.2)
    generation = 1
    if live is not None:
        answer["status"] = copy.deepcopy(live.get("status", {}))
        generation = live["metadata"]["generation"] + (live["spec"] != answer["spec"])
    answer["metadata"] |= {"generation": generation, "uid": "00000000-0000-0000-0000-0000000000aa"}
    return answer


def _application(model: str, said: str | dict[str, str]) -> dict[str, Any]:
    if isinstance(said, str):
        status, _, engine = said.partition("/")
        said = {"status": status, "engine": engine}
    engine_status = {"status": said.get("engine", ""), "message": said.get("engineMessage", "")}
    return {
        "status": said["status"],
        "message": said.get("message", ""),
        "serveDeploymentStatuses": {
            engine_deployment(model): engine_status,
            "OpenAiIngress": {"status": "HEALTHY", "message": ""},
        },
    }


def _custom(said: str | dict[str, Any]) -> dict[str, Any]:
    if isinstance(said, str):
        said = {"status": said, "deployments": {"Main": {"status": "HEALTHY", "message": ""}}}
    return {
        "status": said["status"],
        "message": said.get("message", ""),
        "serveDeploymentStatuses": said.get("deployments", {}),
    }


def _side(cluster: str, models: dict[str, Any], applications: dict[str, Any]) -> dict[str, Any]:
    if not cluster:
        return {}
    statuses = {model: _application(model, said) for model, said in models.items()}
    statuses |= {name: _custom(said) for name, said in applications.items()}
    return {"rayClusterName": cluster, "applicationStatuses": statuses}


def kuberay_status(live: dict[str, Any], spec: dict[str, Any]) -> dict[str, Any]:
    """The status that KubeRay 1.6 writes. `pending` present means that a second cluster is being prepared."""
    name, pending = live["metadata"]["name"], spec.get("pending")
    models, applications = spec.get("models", {}), spec.get("applications", {})
    conditions = [
        {"type": "Ready", "status": "True", "reason": "NonZeroServeEndpoints", "message": ""},
        {
            "type": "UpgradeInProgress",
            "status": str(pending is not None),
            "reason": "BothActivePendingClustersExist" if pending is not None else "NoPendingCluster",
            "message": "",
        },
    ]
    for condition in spec.get("conditions", []):
        conditions = [entry for entry in conditions if entry["type"] != condition["type"]] + [condition]
    return {
        "observedGeneration": spec.get("observed_generation", live["metadata"]["generation"]),
        "conditions": conditions,
        "activeServiceStatus": _side(spec.get("active_cluster", f"{name}-aaaaa"), models, applications),
        "pendingServiceStatus": _side(f"{name}-bbbbb" if pending is not None else "", pending or {}, {}),
    }


@dataclass(frozen=True)
class Step:
    """One call of sync: its scope and its outcome."""

    scope: Scope
    outcome: Outcome


class Case:
    """One folder below tests/golden/cases."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = folder.name
        self.raw: dict[str, Any] = yaml.load(
            (folder / "case.yaml").read_text(encoding="utf-8"),
            Loader=yaml.CSafeLoader,
        )
        for found, known in (
            (self.raw, _CASE_KEYS),
            (self.raw.get("before") or {}, _BEFORE_KEYS),
            (self.raw.get("child") or {}, _CHILD_KEYS),
        ):
            if unknown := found.keys() - known:
                raise ValueError(f"{folder.name}/case.yaml: unknown keys {sorted(unknown)}; known: {sorted(known)}")

    def parent(self, spec: Any, generation: int, status: dict[str, Any] | None) -> dict[str, Any]:
        """The LLMDeployment."""
        metadata = {
            "name": self.raw.get("name", "chat"),
            "namespace": "llm",
            "uid": self.raw.get("uid", UID),
            "generation": generation,
        }
        body = {
            "apiVersion": "llm-operator.io/v1alpha1",
            "kind": "LLMDeployment",
            "metadata": metadata,
            "spec": copy.deepcopy(spec),
        }
        return body if status is None else {**body, "status": status}

    def _before(self) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        """The child and the status that the operator left behind the last time."""
        before = self.raw.get("before")
        if before is None:
            return None, None
        spec = before.get("spec", self.raw["spec"])
        generation = before.get("generation", 1)
        first = sync(Scope(parent=self.parent(spec, generation, None), now=EARLIER))
        if first.apply is None:
            raise ValueError(f"{self.name}: the spec in `before` gives no RayService: {first.status['conditions'][1]}")
        child = stored(first.apply, None, before.get("drops", []))
        models = before.get("models", {model["name"]: "RUNNING/HEALTHY" for model in spec.get("models", ())})
        applications = before.get("applications", {each["name"]: "RUNNING" for each in spec.get("applications", ())})
        child["status"] = kuberay_status(child, {"models": models, "applications": applications})
        scope = Scope(parent=self.parent(spec, generation, first.status), now=EARLIER, child=child, applied=True)
        status: dict[str, Any] = before.get("status", sync(scope).status)
        return child, status

    def _child(self, left: dict[str, Any] | None) -> dict[str, Any] | None:
        now = self.raw.get("child", {})
        if now.get("absent"):
            return None
        live: dict[str, Any] | None = copy.deepcopy(now.get("raw", left))
        if live is None or "raw" in now:
            return live
        live["metadata"]["generation"] = now.get("generation", live["metadata"]["generation"])
        for pointer, value in now.get("edit", {}).items():
            put(live, pointer, value)
        for pointer in now.get("remove", []):
            drop(live, pointer)
        if "edit_serve" in now:
            config = json.loads(live["spec"]["serveConfigV2"])
            for pointer, value in now["edit_serve"].items():
                put(config, pointer, value)
            live["spec"]["serveConfigV2"] = json.dumps(config)
        if now.get("deleting"):
            live["metadata"] |= {"deletionTimestamp": NOW, "finalizers": ["ray.io/rayservice-finalizer"]}
        if {"models", "applications", "pending", "conditions", "active_cluster", "observed_generation"} & now.keys():
            live["status"] = kuberay_status(live, now)
        if "status" in now:
            live["status"] = now["status"]
        return live

    def _clusters(self, left: dict[str, Any] | None) -> tuple[dict[str, Any], ...]:
        clusters = []
        for name, change in self.raw.get("clusters", {}).items():
            spec = copy.deepcopy((left or {}).get("spec", {}).get("rayClusterConfig", {}))
            cluster = {"metadata": {"name": name, "namespace": "llm"}, "spec": spec}
            for pointer, value in (change or {}).items():
                put(cluster, pointer, value)
            clusters.append(cluster)
        return tuple(clusters)

    def scope(self) -> Scope:
        """What the operator sees."""
        left, status = self._before()
        return Scope(
            parent=self.parent(self.raw["spec"], self.raw.get("generation", 1), status),
            now=NOW,
            child=self._child(left),
            clusters=self._clusters(left),
            pods=tuple(self.raw.get("pods", ())),
            kuberay_installed=self.raw.get("kuberay_installed", True),
            apply_error=self.raw.get("apply_error"),
        )

    @cached_property
    def steps(self) -> list[Step]:
        """What the reconciler does: one sync, or two with the apply between them (outcome.py says so)."""
        scope = self.scope()
        steps = [Step(scope, sync(scope))]
        if (wanted := steps[0].outcome.apply) is not None:
            live = None if scope.child is None else json.loads(json.dumps(scope.child))
            after = replace(scope, child=stored(wanted, live, self.raw.get("drops", [])), applied=True)
            steps.append(Step(after, sync(after)))
        return steps

    def settled(self, last: Step) -> Step:
        """The next sync, after the status was written and the RayClusters were patched, when nothing else has happened."""
        clusters = json.loads(json.dumps(last.scope.clusters))
        for patch in last.outcome.patches:
            (cluster,) = [cluster for cluster in clusters if cluster["metadata"]["name"] == patch.name]
            for operation in patch.operations:
                if operation["op"] != "test":
                    put(cluster, operation["path"], operation["value"])
        parent = {**last.scope.parent, "status": last.outcome.status}
        scope = replace(last.scope, parent=parent, applied=False, clusters=tuple(clusters))
        return Step(scope, sync(scope))


def document(steps: list[Step]) -> dict[str, Any]:
    """All that is written, in a form made to be read: the Serve configuration parsed, events of both passes."""
    wanted: dict[str, Any] = {}
    for step in steps:
        if step.outcome.apply is not None:
            applied = copy.deepcopy(step.outcome.apply)
            applied["spec"]["serveConfigV2"] = json.loads(applied["spec"]["serveConfigV2"])
            wanted["apply"] = applied
    last = steps[-1].outcome
    wanted["delete_child"] = last.delete_child
    wanted["patches"] = [{"name": patch.name, "operations": list(patch.operations)} for patch in last.patches]
    wanted["events"] = [
        {"type": event.type, "reason": event.reason, "note": event.note, "action": event.action}
        for step in steps
        for event in step.outcome.events
    ]
    wanted["requeue_after"] = last.requeue_after
    wanted["status"] = last.status
    plain: dict[str, Any] = json.loads(json.dumps(wanted))
    return plain


def cases() -> list[Case]:
    """All cases, by name."""
    return [Case(folder) for folder in sorted(CASES.iterdir()) if (folder / "case.yaml").exists()]
