"""Goals S1, S3, S4: rights of the operator and of its pod, over all cases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from chart import rendered
from golden.restricted import pod_problems

CASES = {path.parent.name: path for path in (Path(__file__).parent / "cases").glob("*/values.yaml")}
each_case = pytest.mark.parametrize("case", sorted(CASES))

READ = {"list", "watch"}
# All that the operator may ever do, whatever the values; templates/_rules.tpl says why.
MOST: dict[tuple[str, str], set[str]] = {
    ("", "nodes"): {"list"},
    ("", "pods"): READ | {"delete"},
    ("apps", "controllerrevisions"): READ | {"create", "delete", "get", "patch"},
    ("coordination.k8s.io", "leases"): {"create", "get", "update"},
    ("events.k8s.io", "events"): {"create", "get", "patch"},
    ("gateway.networking.k8s.io", "gatewayclasses"): {"get"},
    ("gateway.networking.k8s.io", "gateways"): {"get"},
    ("llm-operator.io", "llmdeployments"): READ | {"get"},
    ("llm-operator.io", "llmdeployments/finalizers"): {"update"},
    ("llm-operator.io", "llmdeployments/status"): {"patch"},
    ("policy", "poddisruptionbudgets"): READ | {"create", "delete", "get", "patch"},
    ("ray.io", "rayclusters"): READ | {"patch"},
    ("ray.io", "rayservices"): READ | {"create", "delete", "get", "patch"},
    ("ray.io", "rayservices/status"): {"patch"},
}
FOR_PEOPLE = ("-viewer", "-editor")


def _manifests(case: str) -> list[rendered.Manifest]:
    return rendered.objects(yaml.safe_load(CASES[case].read_text(encoding="utf-8")))


def _roles(manifests: list[rendered.Manifest]) -> list[rendered.Manifest]:
    return [manifest for manifest in manifests if manifest["kind"] in ("Role", "ClusterRole")]


def _grants(role: rendered.Manifest) -> Iterator[tuple[str, str, set[str]]]:
    for rule in role["rules"]:
        yield from ((group, kind, set(rule["verbs"])) for group in rule["apiGroups"] for kind in rule["resources"])


@each_case
def test_no_right_beyond_the_list(case: str) -> None:
    roles = [role for role in _roles(_manifests(case)) if not role["metadata"]["name"].endswith(FOR_PEOPLE)]
    assert roles
    for group, kind, verbs in (grant for role in roles for grant in _grants(role)):
        assert verbs <= MOST.get((group, kind), set()), f"{group}/{kind}: {sorted(verbs)}"


def test_pods_are_deleted_only_where_that_was_switched_on() -> None:
    for on in (False, True):
        (role,) = [
            made
            for made in _roles(rendered.objects({"operator": {"restartStalled": on}}))
            if made["kind"] == "ClusterRole"
        ]
        verbs = {kind: verbs for _, kind, verbs in _grants(role)}
        assert ("delete" in verbs["pods"]) is on


def test_nodes_and_all_pods_are_listed_only_where_that_was_switched_on() -> None:
    for on in (False, True):
        for namespaces in ([], ["team-a"]):
            made = rendered.objects({"operator": {"freeCapacity": on}, "watchNamespaces": namespaces})
            nodes = [role for role in _roles(made) if "nodes" in {kind for _, kind, _ in _grants(role)}]
            assert len(nodes) == on
            for role in nodes:
                assert role["kind"] == "ClusterRole", "a Role grants nothing of nodes"
                assert list(_grants(role)) == [("", "nodes", {"list"}), ("", "pods", {"list"})]
                bound = [
                    each
                    for each in rendered.of_kind(made, "ClusterRoleBinding")
                    if each["roleRef"]["name"] == role["metadata"]["name"]
                ]
                assert len(bound) == 1


@each_case
def test_no_secrets_no_wildcard_no_escalation(case: str) -> None:
    """Also for the roles that people get."""
    for role in _roles(_manifests(case)):
        for group, kind, verbs in _grants(role):
            assert "*" not in {group, kind} | verbs
            assert kind.split("/")[0] not in {"secrets", "serviceaccounts", "roles", "clusterroles", "rolebindings"}
            assert not verbs & {"escalate", "bind", "impersonate", "deletecollection"}
        assert all("nonResourceURLs" not in rule for rule in role["rules"])


@each_case
def test_rules_are_sorted(case: str) -> None:
    for role in _roles(_manifests(case)):
        keys = [(rule["apiGroups"], rule["resources"], rule.get("resourceNames", [])) for rule in role["rules"]]
        assert keys == sorted(keys)
        assert all(rule["verbs"] == sorted(rule["verbs"]) for rule in role["rules"])


@each_case
def test_every_binding_is_of_the_operators_account_to_a_role_that_exists(case: str) -> None:
    manifests = _manifests(case)
    pod = rendered.only(manifests, "Deployment")["spec"]["template"]["spec"]
    roles = {(role["kind"], role["metadata"].get("namespace"), role["metadata"]["name"]) for role in _roles(manifests)}
    bindings = [manifest for manifest in manifests if manifest["kind"].endswith("RoleBinding")]
    assert bindings
    for binding in bindings:
        reference = binding["roleRef"]
        assert (reference["kind"], binding["metadata"].get("namespace"), reference["name"]) in roles
        subject = {"kind": "ServiceAccount", "name": pod["serviceAccountName"], "namespace": "llm-operator-system"}
        assert binding["subjects"] == [subject]
        assert pod["serviceAccountName"] not in ("", "default")


def test_namespaced_mode_has_nothing_cluster_wide() -> None:
    manifests = _manifests("namespaced")
    assert {manifest["kind"] for manifest in manifests} == {"Deployment", "Role", "RoleBinding", "Service"}
    where = {(m["metadata"]["namespace"], m["metadata"]["name"]) for m in rendered.of_kind(manifests, "Role")}
    assert where == {
        ("team-a", "llm-operator"),
        ("team-b", "llm-operator"),
        ("llm-operator-system", "llm-operator-leader"),
    }


def test_namespaced_mode_has_the_rules_of_the_cluster_wide_mode() -> None:
    (cluster_role,) = rendered.of_kind(_manifests("default"), "ClusterRole")
    for role in rendered.of_kind(_manifests("namespaced"), "Role"):
        if role["metadata"]["namespace"] != "llm-operator-system":
            assert role["rules"] == cluster_role["rules"]


@each_case
def test_only_the_release_own_lease_is_written(case: str) -> None:
    manifests = _manifests(case)
    environment = {entry["name"]: entry.get("value") for entry in rendered.container(manifests)["env"]}
    leader = next(role for role in _roles(manifests) if role["metadata"]["name"].endswith("-leader"))
    assert leader["kind"] == "Role"
    assert leader["metadata"]["namespace"] == "llm-operator-system"
    named = [rule for rule in leader["rules"] if rule.get("resourceNames")]
    assert [rule["resourceNames"] for rule in named] == [[environment["LLM_OPERATOR_LEASE_NAME"]]]
    assert {verb for rule in leader["rules"] if rule not in named for verb in rule["verbs"]} == {"create"}


@each_case
def test_the_pod_is_restricted(case: str) -> None:
    template: dict[str, Any] = rendered.only(_manifests(case), "Deployment")["spec"]["template"]
    assert pod_problems(template) == []
    spec = template["spec"]
    assert (spec["securityContext"]["runAsUser"], spec["securityContext"]["runAsGroup"]) == (65532, 65532)
    assert all(container["securityContext"]["readOnlyRootFilesystem"] is True for container in spec["containers"])
    assert "volumes" not in spec


def test_the_namespace_enforces_what_the_pod_keeps() -> None:
    (namespace,) = rendered.of_kind(_manifests("everything"), "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_people_get_no_rights_unless_asked_for() -> None:
    assert not [role for role in _roles(_manifests("default")) if role["metadata"]["name"].endswith(FOR_PEOPLE)]
    without = {"rbac": {"userRoles": True}, "crds": {"install": False}}
    roles = [role for role in _roles(rendered.objects(without)) if role["metadata"]["name"].endswith(FOR_PEOPLE)]
    assert len(roles) == len(FOR_PEOPLE)
    assert not [label for role in roles for label in role["metadata"]["labels"] if "aggregate-to" in label]
