"""KubeRay's real CRD takes every RayService that we render, strictly, and keeps all of it; Kubernetes takes its pods."""

from __future__ import annotations

import copy
import json
from typing import Final

import pytest
import samples
from apiserver.server import DRY_RUN, STRICT, Answer, Object, Server
from golden.case import cases
from llm_operator.api.names import MANAGED_BY_LABEL
from llm_operator.kube.resources import RAYSERVICES, Resource
from llm_operator.render.drift import differences


def _rendered() -> dict[str, Object]:
    """Every RayService that a golden case applies, each once, by the name of the first case; and those of the samples."""
    found = {json.dumps(apply): case.name for case in cases() for step in case.steps if (apply := step.outcome.apply)}
    found |= {json.dumps(samples.rendered(samples.document(name))): f"sample-{name}" for name in samples.names()}
    return {f"{name}-{i}": json.loads(apply) for i, (apply, name) in enumerate(found.items())}


def _templates(rendered: Object) -> list[Object]:
    """Pod templates of our own making: golden cases also hold worker groups that others wrote."""
    cluster = rendered["spec"]["rayClusterConfig"]
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    return [group["template"] for group in groups if MANAGED_BY_LABEL in _labels(group["template"])]


def _labels(template: Object) -> Object:
    return dict(template.get("metadata", {}).get("labels", {}))


def _pods() -> dict[str, Object]:
    found = {
        json.dumps(template, sort_keys=True): name
        for name, rendered in RENDERED.items()
        for template in _templates(rendered)
    }
    return {f"{name}-{i}": json.loads(text) for i, (text, name) in enumerate(found.items())}


POD_TEMPLATES: Final = Resource("", "v1", "podtemplates", "PodTemplate")
RENDERED: Final = _rendered()
TEMPLATES: Final = _pods()


def _in(namespace: str, rendered: Object) -> Object:
    made = copy.deepcopy(rendered)
    made["metadata"]["namespace"] = namespace
    return made


@pytest.mark.parametrize("name", RENDERED)
def test_accepted_and_nothing_pruned(server: Server, namespace: str, name: str) -> None:
    sent = _in(namespace, RENDERED[name])
    answer = server.apply(RAYSERVICES, sent, query=DRY_RUN | STRICT)
    assert list(differences(sent, answer.accepted())) == []
    assert answer.warnings == ""


def test_the_crd_is_strict(server: Server, namespace: str) -> None:
    """Or the test above would prove nothing."""
    sent = _in(namespace, next(iter(RENDERED.values())))
    sent["spec"]["rayClusterConfig"]["headGroupSpec"]["noSuchField"] = 1
    refused = server.create(RAYSERVICES, sent, DRY_RUN | STRICT)
    assert refused.code == 400
    assert 'unknown field "spec.rayClusterConfig.headGroupSpec.noSuchField"' in refused.said[0]
    lax = server.create(RAYSERVICES, sent, DRY_RUN).accepted()
    assert list(differences(sent, lax)) == ["spec.rayClusterConfig.headGroupSpec.noSuchField"]


def _pod_template(server: Server, namespace: str, template: Object) -> Answer:
    """A v1 PodTemplate: checked and spelled anew by the API server's own Go types, and no admission plugin adds to it."""
    document = {"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": "x", "namespace": namespace}}
    return server.create(POD_TEMPLATES, document | {"template": template}, DRY_RUN | STRICT)


@pytest.mark.parametrize("name", TEMPLATES)
def test_kubernetes_takes_the_pods(server: Server, namespace: str, name: str) -> None:
    """KubeRay's CRD does not look into pods; what is wrong with one only KubeRay's log would say, and what Go's types spell
    in another way KubeRay would write back into the RayService, for us to correct for ever."""
    answer = _pod_template(server, namespace, TEMPLATES[name])
    assert list(differences(TEMPLATES[name], answer.accepted()["template"])) == []
    assert answer.warnings == "", "PodSecurity `restricted` refuses such pods"


def test_pods_that_are_wrong_are_seen(server: Server, namespace: str) -> None:
    """Or the test above would prove nothing."""
    template = copy.deepcopy(next(iter(TEMPLATES.values())))
    template["spec"]["hostNetwork"] = True
    assert "host namespaces (hostNetwork=true)" in _pod_template(server, namespace, template).warnings
    container = template["spec"]["containers"][0]
    container["resources"]["requests"]["memory"] = "2048Mi"
    respelled = _pod_template(server, namespace, template).accepted()["template"]
    assert list(differences(template, respelled)) == ["spec.containers[0].resources.requests.memory"]
    container["resources"]["requests"]["memory"] = "-1"
    assert _pod_template(server, namespace, template).code == 422


def test_enough_is_rendered() -> None:
    assert len(RENDERED) >= 25
    assert len(TEMPLATES) >= 15
