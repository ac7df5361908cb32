"""What the chart tells the operator is what the operator reads: names, meaning, ports, times, version."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from chart import rendered
from llm_operator import __version__
from llm_operator.config import PREFIX, Config
from llm_operator.kube.resources import WATCHED

EVERYTHING = yaml.safe_load((Path(__file__).parent / "cases/everything/values.yaml").read_text(encoding="utf-8"))
# Of no use to who installs the chart; their defaults are right for every cluster.
INTERNAL = {
    "leader_election", "discovery_seconds", "kube_concurrency", "backoff_min_seconds", "backoff_max_seconds",
    "drain_seconds", "http_port",
}  # fmt: skip


def _environment(values: dict[str, Any]) -> dict[str, str]:
    """As the kubelet would fill it in for a pod `pod-0`."""
    downward = {"metadata.name": "pod-0", "metadata.namespace": "llm-operator-system"}
    return {
        entry["name"]: entry["value"] if "value" in entry else downward[entry["valueFrom"]["fieldRef"]["fieldPath"]]
        for entry in rendered.container(rendered.objects(values))["env"]
    }


def test_every_variable_is_a_setting_and_every_setting_a_variable() -> None:
    variables = {name.removeprefix(PREFIX).lower() for name in _environment({})}
    assert variables == Config.model_fields.keys() - INTERNAL


def test_the_charts_defaults_are_the_operators_defaults() -> None:
    config = Config.from_environment(_environment({}))
    assert config == Config(identity="pod-0")


def test_values_arrive() -> None:
    config = Config.from_environment(_environment({**EVERYTHING, "watchNamespaces": ["a", "b"]}))
    assert config == Config(
        identity="pod-0",
        namespaces=("a", "b"),
        lease_name="llmo",
        lease_seconds=30,
        renew_deadline_seconds=20,
        lease_retry_seconds=4,
        workers=4,
        resync_seconds=60,
        request_timeout_seconds=12.5,
        allow_host_path=True,
        allow_remote_code=True,
        application_import_paths=("llm_serve_app", "team.serving"),
        probes=False,
        free_capacity=True,
        restart_stalled=True,
        gateway_classes=("istio", "envoy"),
        render_version="1",
        log_level="DEBUG",
    )


def test_every_kind_that_the_operator_watches_may_be_watched() -> None:
    rules = rendered.only(rendered.objects(), "ClusterRole")["rules"]
    granted = {
        (group, kind)
        for r in rules
        if {"list", "watch"} <= set(r["verbs"])
        for group in r["apiGroups"]
        for kind in r["resources"]
    }
    assert granted == {(resource.group, resource.plural) for resource in WATCHED}


def test_probes_ask_the_operators_port() -> None:
    container = rendered.container(rendered.objects())
    assert container["ports"] == [{"name": "http", "containerPort": Config(identity="x").http_port, "protocol": "TCP"}]
    probes = {name: container[name]["httpGet"] for name in container if name.endswith("Probe")}
    assert probes == {
        "livenessProbe": {"path": "/healthz", "port": "http"},
        "readinessProbe": {"path": "/readyz", "port": "http"},
        "startupProbe": {"path": "/healthz", "port": "http"},
    }


def test_the_grace_period_is_longer_than_draining_and_releasing_the_lease() -> None:
    config = Config(identity="x")
    pod = rendered.only(rendered.objects(), "Deployment")["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] > config.drain_seconds + config.renew_deadline_seconds


def test_one_version() -> None:
    chart = yaml.safe_load((rendered.CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert (chart["version"], chart["appVersion"]) == (__version__, __version__)
    assert rendered.container(rendered.objects())["image"] == f"llm-operator/operator:{__version__}"


def test_services_do_not_become_settings() -> None:
    """A Service `llm-operator-http` would set LLM_OPERATOR_HTTP_PORT=tcp://..."""
    assert rendered.only(rendered.objects(), "Deployment")["spec"]["template"]["spec"]["enableServiceLinks"] is False
