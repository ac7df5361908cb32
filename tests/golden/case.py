"""A golden case: case.yaml → Scope, what the reconciler would do with it → the document that want.yaml holds.

Keys of case.yaml (all but `about` and `spec` are optional):
  about       one sentence
  name, uid, generation, annotations, spec   of the LLMDeployment; the name defaults to `chat`
  before      what the operator did and saw last time: `spec` (default: the same), `models` and `applications` (see below),
              `status` literal
  child       how the live RayService is now: `absent`, `raw`, `generation`, `models`, `applications`, `pending`, `status`,
              `edit`, `edit_serve`, `remove`, `deleting`, `active_share` and `pending_share` (what KubeRay counts of the Ray clusters in
              strategy Incremental); without this key it is as `before` left it, or absent without `before`
  clusters    RayClusters: name → pointers to set in what `before` had given KubeRay (bounds changed by hand, a status)
  others      further children: `absent` (kinds that are gone), `edit` (kind → pointer → value), `remove` (kind → pointers), `raw`
              (more objects), `deleting` (kinds); without this key they are as `before` left them
  pods, kuberay_installed, apply_error, objects_error    as in Scope
  render      version of the rendering for new Ray clusters, also in `before` (default: the newest)
  gateway     for strategy Incremental: `classes` that the administrator allows (also in `before`), and as in Scope.gateway: `served`,
              `class_found`, `address`
  drops       JSON pointers that this API server prunes from what is applied
`models` maps a model to `APP/ENGINE` or to {status, engine, message, engineMessage}; `applications` maps a custom application to
`APP` (all deployments healthy) or to {status, message, deployments: {NAME: {status, message}}}. Pointers are RFC 6901.
"""

from __future__ import annotations

import copy
import json
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from llm_operator.outcome import Outcome
from llm_operator.plan.deployments import engine_deployment
from llm_operator.plan.inputs import DEFAULT_POLICY, GatewaySeen, Policy, Scope
from llm_operator.sync import sync

EARLIER = "2026-01-01T00:00:00Z"
NOW = "2026-01-02T00:00:00Z"
UID = "00000000-0000-0000-0000-000000000001"
CASES = Path(__file__).parent / "cases"

_CASE_KEYS = {
    "about", "name", "uid", "generation", "annotations", "spec", "before", "child", "clusters", "pods",
    "kuberay_installed", "apply_error", "objects_error", "others", "drops", "render", "gateway",
}  # fmt: skip
_BEFORE_KEYS = {"render", "gateway", "active_share", "spec", "generation", "models", "applications", "status", "drops"}
_CHILD_KEYS = {
    "absent", "raw", "generation", "models", "applications", "pending", "active_cluster", "conditions", "observed_generation",
    "status", "edit", "edit_serve", "remove", "deleting", "active_share", "pending_share",
}  # fmt: skip
_OTHERS_KEYS = {"absent", "edit", "remove", "raw", "deleting"}


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


def kept(objects: tuple[dict[str, Any], ...], live: tuple[Any, ...] = ()) -> tuple[dict[str, Any], ...]:
    """Further children after an apply of `objects`, ordered by kind and name; they keep their uid."""
    found = {(obj["kind"], obj["metadata"]["name"]): obj for obj in live}
    for obj in objects:
        made = copy.deepcopy(obj)
        made["metadata"]["uid"] = f"00000000-0000-0000-0000-{obj['kind'][:12]:0>12}"
        found[made["kind"], made["metadata"]["name"]] = made
    return tuple(found[key] for key in sorted(found))


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
        "activeServiceStatus": _side(spec.get("active_cluster", f"{name}-aaaaa"), models, applications)
        | spec.get("active_share", {}),
        "pendingServiceStatus": _side(f"{name}-bbbbb" if pending is not None else "", pending or {}, {})
        | spec.get("pending_share", {}),
    }


@dataclass(frozen=True)
class Step:
    """One call of sync: its scope and its outcome."""

    scope: Scope
    outcome: Outcome


def _policy(raw: dict[str, Any]) -> Policy:
    classes = tuple((raw.get("gateway") or {}).get("classes", ()))
    version = raw.get("render", DEFAULT_POLICY.render_version)
    return replace(DEFAULT_POLICY, render_version=version, gateway_classes=classes)


def _gateway(raw: dict[str, Any]) -> GatewaySeen | None:
    if "gateway" not in raw:
        return None
    return GatewaySeen(**{key: value for key, value in raw["gateway"].items() if key != "classes"})


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
            (self.raw.get("others") or {}, _OTHERS_KEYS),
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
        if "annotations" in self.raw:
            metadata["annotations"] = self.raw["annotations"]
        body = {
            "apiVersion": "llm-operator.io/v1alpha1",
            "kind": "LLMDeployment",
            "metadata": metadata,
            "spec": copy.deepcopy(spec),
        }
        return body if status is None else {**body, "status": status}

    def _before(self) -> tuple[dict[str, Any] | None, dict[str, Any] | None, tuple[dict[str, Any], ...]]:
        """The child, the status and the further children that the operator left behind the last time."""
        before = self.raw.get("before")
        if before is None:
            return None, None, ()
        spec = before.get("spec", self.raw["spec"])
        generation = before.get("generation", 1)
        policy = _policy(before)
        seen = _gateway(before)
        first = sync(Scope(parent=self.parent(spec, generation, None), now=EARLIER, policy=policy, gateway=seen))
        if first.apply is None:
            raise ValueError(f"{self.name}: the spec in `before` gives no RayService: {first.status['conditions'][1]}")
        child = stored(first.apply, None, before.get("drops", []))
        models = before.get("models", {model["name"]: "RUNNING/HEALTHY" for model in spec.get("models", ())})
        applications = before.get("applications", {each["name"]: "RUNNING" for each in spec.get("applications", ())})
        share = before.get("active_share", {})
        child["status"] = kuberay_status(child, {"models": models, "applications": applications, "active_share": share})
        scope = Scope(parent=self.parent(spec, generation, first.status), now=EARLIER, child=child, applied=True)
        scope = replace(scope, policy=policy, gateway=_gateway(before))
        last = sync(scope)
        status: dict[str, Any] = before.get("status", last.status)
        return child, status, kept(last.objects)

    def _others(self, left: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
        now = self.raw.get("others", {})
        live = {obj["kind"]: copy.deepcopy(obj) for obj in left if obj["kind"] not in now.get("absent", ())}
        for kind, edits in now.get("edit", {}).items():
            for pointer, value in edits.items():
                put(live[kind], pointer, value)
        for kind, pointers in now.get("remove", {}).items():
            for pointer in pointers:
                drop(live[kind], pointer)
        for kind in now.get("deleting", ()):
            live[kind]["metadata"] |= {"deletionTimestamp": NOW, "finalizers": ["example.com/hold"]}
        return (*live.values(), *copy.deepcopy(now.get("raw", [])))

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
        left, status, others = self._before()
        return Scope(
            parent=self.parent(self.raw["spec"], self.raw.get("generation", 1), status),
            now=NOW,
            child=self._child(left),
            clusters=self._clusters(left),
            pods=tuple(self.raw.get("pods", ())),
            others=self._others(others),
            kuberay_installed=self.raw.get("kuberay_installed", True),
            apply_error=self.raw.get("apply_error"),
            objects_error=self.raw.get("objects_error"),
            policy=_policy(self.raw),
            gateway=_gateway(self.raw),
        )

    @cached_property
    def steps(self) -> list[Step]:
        """What the reconciler does: syncs until nothing more is announced, and one more after an apply (outcome.py says so)."""
        scope = self.scope()
        steps = [Step(scope, sync(scope))]
        while steps[-1].outcome.announce:
            scope = replace(scope, parent={**scope.parent, "status": steps[-1].outcome.status})
            steps.append(Step(scope, sync(scope)))
        if (wanted := steps[-1].outcome.apply) is not None:
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
        gone = {(removal.kind, removal.name) for removal in last.outcome.removals}
        others = kept(last.outcome.objects, tuple(json.loads(json.dumps(last.scope.others))))
        others = tuple(obj for obj in others if (obj["kind"], obj["metadata"]["name"]) not in gone)
        scope = replace(last.scope, parent=parent, applied=False, clusters=tuple(clusters), others=others)
        if last.outcome.drop_pending is not None and last.scope.child is not None:
            child = json.loads(json.dumps(last.scope.child))
            for operation in last.outcome.drop_pending.operations[1:]:
                put(child, operation["path"], operation["value"])
            scope = replace(scope, child=child)
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
    said = [step.outcome.status for step in steps if step.outcome.announce]
    if said:
        wanted["announced"] = [{key: status.get(key) for key in ("lastChange", "rollback")} for status in said]
    if last.drop_pending is not None:
        wanted["drop_pending"] = list(last.drop_pending.operations)
    wanted["delete_child"] = last.delete_child
    wanted["patches"] = [{"name": patch.name, "operations": list(patch.operations)} for patch in last.patches]
    if last.objects:
        wanted["objects"] = list(last.objects)
    if last.removals:
        wanted["removals"] = [asdict(removal) for removal in last.removals]
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
