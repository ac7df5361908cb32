"""Walks through the states of one field at the real API server: set, changed, broken, reverted, unset, each of it compared with
a fresh object. The walks of all fields run side by side; the tests look at what they wrote down."""

from __future__ import annotations

import copy
import json
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from apiserver.server import STRICT, Object, Server
from golden.edits import ABSENT, Edit, Spec, put, spec_with
from llm_operator.api import names
from llm_operator.api.crd import Schema
from llm_operator.kube.resources import LLMDEPLOYMENTS, RAYSERVICES

_SECONDS: Final = 60.0
_UNKNOWN_ARGUMENT: Final = {"no-such-argument": 1}
_USER: Final = "user"


@dataclass
class Walk:
    """What was seen of one field; specs of RayServices as text that two of them can be compared by."""

    edit: Edit
    seen: dict[str, str] = field(default_factory=dict)
    fresh: dict[str, str] = field(default_factory=dict)
    exact: dict[str, str] = field(default_factory=dict)
    """Byte by byte, with the order of groups and all."""
    refused: str = ""
    """What the API server said to a value that the schema forbids."""
    kept: dict[str, bool] = field(default_factory=dict)
    """Whether the RayService's resourceVersion was the same after each broken edit."""
    said: str = ""
    """Condition Accepted of the edit that only the operator can refuse."""
    problem: str = ""


def broken(schema: Schema) -> Any:
    """A value that the field's schema forbids."""
    if schema.get("type") == "string" and "enum" not in schema:
        return "x" * (schema["maxLength"] + 1)
    if schema.get("type") == "integer":
        return max(schema["enum"]) + 1 if "enum" in schema else schema["maximum"] + 1
    return {"no": "such value"} if schema.get("type") != "object" else "no such value"


def comparable(service: Object) -> str:
    """Without what a history leaves on purpose: the order of groups, groups that wait at 0 pods for ever, names."""
    spec = copy.deepcopy(service["spec"])
    groups = spec["rayClusterConfig"]["workerGroupSpecs"]
    wanted = sorted((group for group in groups if group["maxReplicas"] > 0), key=lambda group: str(group["groupName"]))
    spec["rayClusterConfig"]["workerGroupSpecs"] = wanted
    head = spec["rayClusterConfig"]["headGroupSpec"]["template"]["metadata"]
    head.get("annotations", {}).pop(f"{names.GROUP}/rollout", None)
    if not head.get("annotations"):
        head.pop("annotations", None)
    return json.dumps(spec, sort_keys=True, indent=1).replace(service["metadata"]["name"], "NAME")


def _without_empty_maps(value: Any) -> Any:
    """When an apply drops every field of a map but not the map, the API server stores null, and refuses that."""
    if isinstance(value, dict):
        inner = {key: _without_empty_maps(item) for key, item in value.items()}
        return {key: item for key, item in inner.items() if item != {}}
    return [_without_empty_maps(item) for item in value] if isinstance(value, list) else value


def _exact(service: Object) -> str:
    return json.dumps(service["spec"], sort_keys=False)


class RefusedError(Exception):
    """The operator does not accept the spec."""


class Walker:
    """One object's way through all its states."""

    def __init__(self, server: Server, namespace: str, name: str) -> None:
        self._server, self._namespace, self._name = server, namespace, name

    def _document(self, name: str, spec: Spec) -> Object:
        return {
            "apiVersion": names.API_VERSION,
            "kind": names.KIND,
            "metadata": {"name": name, "namespace": self._namespace},
            "spec": spec,
        }

    def apply(self, spec: Spec, name: str = "") -> Object:
        """The RayService after the operator has taken the spec up."""
        document = self._document(name or self._name, spec)
        live = self._server.apply(LLMDEPLOYMENTS, document, manager=_USER, query=STRICT).accepted()
        live = self._settled(document, live["metadata"]["generation"])
        accepted = _condition(live, "Accepted")
        if accepted["status"] != "True":
            raise RefusedError(accepted["message"])
        return self._server.get(RAYSERVICES, document)

    def _settled(self, document: Object, generation: int) -> Object:
        end = time.monotonic() + _SECONDS
        while time.monotonic() < end:
            live = self._server.get(LLMDEPLOYMENTS, document)
            status = live.get("status", {})
            if status.get("observedGeneration") == generation and _rendered(status):
                return live
            time.sleep(0.05)
        raise AssertionError(f"generation {generation} was not taken up: {live.get('status')}")

    def fresh(self, spec: Spec) -> str:
        """The RayService of a new object with this spec; it is deleted again."""
        name = f"{self._name}-new"
        service = self.apply(spec, name)
        self.delete(name)
        return comparable(service)

    def delete(self, name: str = "") -> None:
        """The object and, at once, its child: their names are used again."""
        for resource in (LLMDEPLOYMENTS, RAYSERVICES):
            path = resource.path(self._namespace, name or self._name)
            self._server.request("DELETE", path, {"propagationPolicy": "Background"})
        document = self._document(name or self._name, {})
        metadata = document["metadata"]
        for resource in (LLMDEPLOYMENTS, RAYSERVICES):
            path = resource.path(metadata["namespace"], metadata["name"])
            end = time.monotonic() + _SECONDS
            while self._server.request("GET", path).code != 404:
                assert time.monotonic() < end, f"{path} is still there"
                time.sleep(0.05)

    def walk(self, edit: Edit, schema: Schema) -> Walk:
        """Every state of one field. A mistake of the walk itself is written down too."""
        walk = Walk(edit)
        try:
            self._steps(walk, schema)
        except (AssertionError, KeyError, OSError, RefusedError) as error:
            walk.problem = f"{type(error).__name__}: {error}"[:2000]
        return walk

    def _steps(self, walk: Walk, schema: Schema) -> None:
        edit = walk.edit
        before, after = spec_with(edit, edit.before), spec_with(edit, edit.after)
        first = self.apply(before)
        walk.exact["set"] = _exact(first)
        self._break(walk, schema, first)
        changed = self.apply(after)
        walk.seen["changed"], walk.fresh["changed"] = comparable(changed), self.fresh(after)
        reverted = self.apply(before)
        walk.exact["reverted"] = _exact(reverted)
        walk.seen["reverted"], walk.fresh["reverted"] = comparable(reverted), comparable(first)
        unset = _without_empty_maps(spec_with(edit, ABSENT))
        if self._is_right(unset):
            with suppress(RefusedError):  # by the operator: the field must be there
                walk.seen["unset"], walk.fresh["unset"] = comparable(self.apply(unset)), self.fresh(unset)
        self.delete()

    def _is_right(self, spec: Spec) -> bool:
        """Whether the API server and the operator take it; some fields must be there."""
        document = self._document(f"{self._name}-dry", spec)
        query = {"dryRun": "All", **STRICT}
        return self._server.create(LLMDEPLOYMENTS, document, query).code < 400

    def _break(self, walk: Walk, schema: Schema, service: Object) -> None:
        spec = spec_with(walk.edit, walk.edit.before)
        put(spec, walk.edit.path, broken(schema))
        document = self._document(self._name, spec)
        answer = self._server.apply(LLMDEPLOYMENTS, document, manager=_USER, query=STRICT)
        walk.refused = "; ".join(answer.said)
        walk.kept["schema"] = self._same(service)
        spec = spec_with(walk.edit, walk.edit.after)
        put(spec, "spec.models[].engine.args", _UNKNOWN_ARGUMENT)
        document = self._document(self._name, spec)
        live = self._server.apply(LLMDEPLOYMENTS, document, manager=_USER, query=STRICT).accepted()
        live = self._settled(document, live["metadata"]["generation"])
        accepted = _condition(live, "Accepted")
        walk.said = f"{accepted['status']}: {accepted['message']}"
        walk.kept["operator"] = self._same(service)

    def _same(self, service: Object) -> bool:
        live = self._server.get(RAYSERVICES, service)
        return bool(live["metadata"]["resourceVersion"] == service["metadata"]["resourceVersion"])


def _condition(live: Object, kind: str) -> Object:
    return next(entry for entry in live["status"]["conditions"] if entry["type"] == kind)


def _rendered(status: Object) -> bool:
    """Whether the operator is done with it: applied, or refused."""
    conditions = {entry["type"]: entry for entry in status.get("conditions") or ()}
    if conditions.get("Accepted", {}).get("status") == "False":
        return True
    return bool(conditions.get("Rendered", {}).get("status") == "True")
