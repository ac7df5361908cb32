"""Brings the cluster up and down. Each part can be interrupted and run again: what is there is not made twice."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from cluster import (
    base,
    binaries,
    engine,
    env,
    golang,
    images,
    kuberay,
    names,
    node_image,
    nodes,
    oci_runtime,
    pod_network,
    store,
)
from cluster.engine import docker
from cluster.kind_config import kind_config
from cluster.shell import ClusterError, locked, parallel, run, say, step, wait_for
from cluster.source import Source, choose

_MANIFESTS: Final = Path(__file__).parent / "manifests"
_NODE_READY_SECONDS: Final = 180
_LOW_DISK_BYTES: Final = 15e9  # a rebuild of serve-cpu with its node store takes about 10


@dataclass(frozen=True, slots=True)
class Parts:
    """What a cluster is made of: image references; `own` holds name and reference of our images."""

    source: Source
    node: str
    kuberay: str
    own: tuple[tuple[str, str], ...]


def up(without: frozenset[str], count: int | None = None) -> None:
    """From whatever state this machine is in to a running cluster with KubeRay and our images but `without`.

    `count` is the number of nodes; a cluster of another number is made anew. None keeps the number that is there,
    and is one node where there is no cluster.
    """
    source = choose()
    _warn_of_full_disk()
    parts = _ensure_parts(source, without)
    with locked(names.lock("cluster")):
        _bring_up(parts, count)
    golang.drop_caches()
    say(f"cluster {names.CLUSTER} is up: python -m cluster kubectl get pods -A")


def _warn_of_full_disk() -> None:
    free = shutil.disk_usage(names.cache_dir()).free
    if free < _LOW_DISK_BYTES:
        say(f"only {free / 1e9:.0f} GB of disk are free: `docker image prune` removes layers of earlier builds")


def _ensure_parts(source: Source, without: frozenset[str]) -> Parts:
    """Build or pull everything; compiling, installing, image builds and downloads run beside each other."""
    own = tuple(name for name in names.BUILDABLE if name not in without)
    programs = (*golang.NODE_PROGRAMS, golang.KUBERAY) if source is Source.BUILD else ()
    platform = golang.linux_platform()
    todo = [program for program in programs if not golang.is_built(program, *platform)]

    def compile_all() -> None:
        binaries.ensure_tools()
        for program in programs:
            golang.build(program, *platform)

    def prepare_images() -> None:
        engine.ensure_engine()
        base.ensure_base(source)
        for name in own:
            images.build(name, source)

    def prefetch() -> None:
        if len(todo) > 1:
            with step("download Go modules"):
                golang.prefetch(*todo)

    parallel(compile_all, prepare_images, prefetch)
    references = tuple((name, names.image_ref(name)) for name in own)
    return Parts(source, node_image.ensure_node_image(source), kuberay.ensure_image(source), references)


def _bring_up(parts: Parts, count: int | None) -> None:
    if not _runs(count):
        _create(parts, count or 1)
    env.guard()
    if parts.source is Source.BUILD:
        pod_network.connect(len(nodes.existing()))
    parallel(_install_kuberay, lambda: _load(parts))
    engine.remove_tags(names.NODE_IMAGE.partition(":")[0], keep=[parts.node])


def _runs(count: int | None) -> bool:
    """Whether the cluster is there, answers and has `count` nodes (None: any number); any other one is removed."""
    there = nodes.existing()
    if not there:
        return False
    if count not in (None, len(there)):
        say(f"the cluster has {len(there)} nodes, {count} are asked for: it is made anew")
        _remove()
        return False
    states = set(docker("inspect", "--format", "{{.State.Running}}", *there).split())
    if states == {"true"} and names.kubeconfig().exists():
        answer = run(
            [names.binary("kubectl"), "get", "--raw", "/readyz", "--request-timeout=10s"],
            env=env.environment(),
            check=False,
        )
        if answer.returncode == 0 and answer.stdout.strip() == "ok":
            return True
    say("the cluster is there but does not answer: it is made anew")
    _remove()
    return False


def _create(parts: Parts, count: int) -> None:
    """Make the kind cluster; a failure leaves nothing behind but kind's log in the cache."""
    ready = store.usable(store.engine_info(), linux=sys.platform == "linux")
    names.kubeconfig().unlink(missing_ok=True)
    preloaded = (parts.kuberay, *(reference for name, reference in parts.own if name in names.PRELOADED))
    wanted = nodes.wanted(count)
    golden = store.ensure_golden(parts.node, preloaded) if ready else None
    stores = store.clone(golden, parts.node, wanted) if golden else [None] * count
    policy = names.cache_dir() / "audit-policy.yaml"
    shutil.copy(_MANIFESTS / "audit-policy.yaml", policy)
    lacks = sys.platform == "linux" and "CAP_SYS_RESOURCE" in oci_runtime.host_lacks()
    config = kind_config(parts.source, policy=policy, stores=stores, restrict_oom=lacks)
    with step(f"kind create cluster, nodes: {count}"):
        run(
            [
                names.binary("kind"),
                "create",
                "cluster",
                "--name",
                names.CLUSTER,
                "--image",
                parts.node,
                "--kubeconfig",
                names.kubeconfig(),
                "--config",
                "-",
            ],
            stdin=yaml.safe_dump(config),
            env=env.environment(),
        )
    if golden is not None:
        images.note_loaded(*preloaded)


def _install_kuberay() -> None:
    env.kubectl("apply", "--server-side", "-f", _MANIFESTS / "namespaces.yaml")
    crds, operator = kuberay.manifests()
    with step("KubeRay: custom resource definitions"):
        kuberay.apply(crds)
    # One replica answers as well on one node and leaves 100m CPU to the models.
    env.kubectl("-n", "kube-system", "scale", "deployment/coredns", "--replicas=1")
    with step("nodes Ready, CoreDNS available"):
        env.kubectl("wait", "--for=condition=Ready", "nodes", "--all", f"--timeout={_NODE_READY_SECONDS}s")
        env.kubectl("-n", "kube-system", "rollout", "status", "deployment/coredns", f"--timeout={_NODE_READY_SECONDS}s")
    # CoreDNS is ready when services are reachable from pods; KubeRay exits if it starts before that.
    with step("KubeRay available"):
        kuberay.apply(operator)
        kuberay.wait_available()
    wait_for(
        "the default StorageClass exists",
        lambda: "standard" in env.kubectl("get", "storageclass"),
        seconds=60,
        hint="See `python -m cluster kubectl get storageclass`.",
    )


def _load(parts: Parts) -> None:
    for reference in (parts.kuberay, *(reference for _, reference in parts.own)):
        images.load(reference)


def down() -> None:
    """Remove the cluster's containers, volumes, stores, kubeconfig and, if nothing else uses it, kind's network."""
    with locked(names.lock("cluster")):
        _remove()


def _remove() -> None:
    names.kubeconfig().unlink(missing_ok=True)
    if engine.running():
        node = docker("inspect", "--format", "{{.Config.Image}}", names.NODE, check=False) or None
        with step("remove the cluster"):
            workshops = (f"{names.CLUSTER}-node-build", f"{names.CLUSTER}-store-build")
            servers = [
                container
                for label in (names.S3_LABEL, names.REDIS_LABEL)
                for container in docker("ps", "--all", "--quiet", "--filter", f"label={label}").split()
            ]
            for container in (*nodes.existing(), *workshops, *servers):
                docker("rm", "--force", "--volumes", container, check=False)
            _remove_network()
            for leftover in ("live", "live.part"):
                store.delete(store.folder() / leftover, node)
    (names.cache_dir() / "loaded.json").unlink(missing_ok=True)


def _remove_network() -> None:
    used = docker("network", "inspect", "--format", "{{len .Containers}}", names.NETWORK, check=False)
    others = docker("ps", "--all", "--quiet", "--filter", "label=io.x-k8s.kind.cluster", check=False)
    if used == "0" and not others:
        docker("network", "rm", names.NETWORK, check=False)


def status() -> str:
    """One screen: engine, source, images, cluster, disk."""
    if not engine.running():
        return "Docker engine: does not answer (`python -m cluster up` starts or installs it)"
    lines = ["Docker engine: " + docker("version", "--format", "{{.Server.Version}}")]
    for reference in (names.BASE_IMAGE, *map(names.image_ref, names.BUILDABLE), names.KUBERAY_IMAGE):
        size = docker("image", "inspect", "--format", "{{.Size}}", reference, check=False)
        lines.append(f"image {reference}: " + (f"{int(size) / 1e9:.2f} GB" if size else "not built"))
    lines.append(f"cache {names.cache_dir()}; kubeconfig {names.kubeconfig()}")
    free = shutil.disk_usage(names.cache_dir()).free
    lines.append(f"disk: {free / 1e9:.0f} GB free")
    if not names.kubeconfig().exists():
        return "\n".join([*lines, "cluster: down"])
    try:
        lines += ["cluster: up", env.kubectl("get", "nodes,pods", "-A", "-o", "wide").rstrip()]
    except ClusterError as problem:
        lines.append(f"cluster: does not answer ({problem})")
    return "\n".join(lines)
