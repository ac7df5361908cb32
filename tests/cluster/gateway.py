"""What strategy Incremental needs beside KubeRay: the Gateway API, a controller that is a real one (Traefik, pulled or built from its Go
module) with its GatewayClass, and KubeRay's feature gate. Only while a test asks for it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import yaml

from cluster import env, golang, images, kuberay, names
from cluster.engine import docker, image_id, pull_all, remove_tags
from cluster.golang import TRAEFIK
from cluster.node_image import import_binary
from cluster.shell import step
from cluster.source import Source, choose

CLASS: Final = "traefik"
GATE: Final = "RayServiceIncrementalUpgrade"
_API: Final = "sigs.k8s.io/gateway-api"
_LABEL: Final = "llm-operator/traefik"
_MANIFEST: Final = Path(__file__).parent / "manifests" / "gateway.yaml"
_ADDRESS: Final = "--providers.kubernetesgateway.statusaddress.ip="
_ARGUMENTS: Final = "/spec/template/spec/containers/0/args"
_START_SECONDS: Final = 120


def ensure_image(source: Source) -> str:
    """Return the reference of the controller's image, pulled or built if it is not there."""
    if source is Source.PULL:
        pull_all(names.TRAEFIK_IMAGE)
        return names.TRAEFIK_IMAGE
    platform = golang.linux_platform()
    tagged = f"{_LABEL}:{golang.key(TRAEFIK, *platform)}"
    if image_id(tagged) is None:
        import_binary(golang.build(TRAEFIK, *platform) / "traefik", tagged, ["/usr/local/bin/traefik"])
        remove_tags(_LABEL, keep=[tagged])
    docker("tag", tagged, names.TRAEFIK_IMAGE)
    return names.TRAEFIK_IMAGE


def crds() -> Path:
    """The CRDs of the Gateway API's standard channel, of the version that the controller is made for; kept in the cache."""
    kept = names.cache_dir() / "built" / f"gateway-api-{golang.key(TRAEFIK, *golang.linux_platform())}"
    if not kept.is_dir():
        part = kept.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        shutil.copytree(golang.module_folder(TRAEFIK, _API) / "config" / "crd" / "standard", part)
        part.rename(kept)
    return kept


@contextmanager
def api_and_controller() -> Iterator[None]:
    """The Gateway API and the GatewayClass CLASS are there while the context lasts, and all Gateways go with it."""
    reference, definitions = ensure_image(choose()), crds()
    golang.drop_caches()
    images.load(reference)
    try:
        with step("Gateway API and its controller"):
            env.kubectl("apply", "--server-side", "-f", definitions)
            env.kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", definitions)
            _apply(reference)
        yield
    finally:
        # Fails where the Gateway API never came.
        env.kubectl("delete", "-f", _MANIFEST, "--ignore-not-found", check=False)
        env.kubectl("delete", "-f", definitions, "--ignore-not-found")


def _apply(reference: str) -> None:
    documents: list[dict[str, Any]] = list(yaml.safe_load_all(_MANIFEST.read_text()))
    deployment = next(each for each in documents if each["kind"] == "Deployment")
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    container["image"] = reference
    others = [each for each in documents if each is not deployment]
    env.kubectl("apply", "-f", "-", input=yaml.safe_dump_all(others))
    service: Any = env.get("service", "traefik", "-n", names.GATEWAY_NAMESPACE)
    container["args"].append(f"{_ADDRESS}{service['spec']['clusterIP']}")
    env.kubectl("apply", "-f", "-", input=json.dumps(deployment))
    env.kubectl(
        "-n", names.GATEWAY_NAMESPACE, "rollout", "status", "deployment/traefik", f"--timeout={_START_SECONDS}s"
    )


def gate(on: bool) -> None:
    """Switches KubeRay's feature gate, and returns when KubeRay runs so. It only starts with the gate where the Gateway API is."""
    found: Any = env.get("deployment", "kuberay-operator", "-n", names.KUBERAY_NAMESPACE)
    arguments: list[str] = found["spec"]["template"]["spec"]["containers"][0].get("args", [])
    flag = next(each for each in arguments if each.startswith("--feature-gates="))
    others = [each for each in flag.partition("=")[2].split(",") if each and not each.startswith(f"{GATE}=")]
    wanted = "--feature-gates=" + ",".join([*others, *([f"{GATE}=true"] if on else [])])
    if wanted != flag:
        patch = [{"op": "replace", "path": f"{_ARGUMENTS}/{arguments.index(flag)}", "value": wanted}]
        with step(f"KubeRay with {wanted}"):
            env.kubectl(
                "-n", names.KUBERAY_NAMESPACE, "patch", "deployment", "kuberay-operator", "--type=json",
                "-p", json.dumps(patch),
            )  # fmt: skip
            kuberay.wait_available()
