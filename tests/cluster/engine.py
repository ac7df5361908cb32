"""The Docker engine: used when it runs, started when it is only installed, installed when apt can do it.

Nothing of the host's configuration is edited: a daemon started here reads a configuration file in the cache,
which is the host's own plus, only where the host lacks a capability, the runtime of `oci_runtime`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any, Final

from cluster import names, oci_runtime
from cluster.shell import ClusterError, locked, parallel, run, say, step, wait_for

_HOST_CONFIG: Final = Path("/etc/docker/daemon.json")
_RUNTIME: Final = "runc-reduced"
_START_SECONDS: Final = 60.0


def docker(*args: str | Path, stdin: str | None = None, check: bool = True) -> str:
    """Run the docker command and return its standard output, stripped; raises ClusterError when it fails."""
    return run(["docker", *args], stdin=stdin, check=check).stdout.strip()


def docker_json(*args: str | Path) -> Any:
    """The parsed JSON that a docker command prints, or None when the command fails."""
    done = run(["docker", *args], check=False)
    return json.loads(done.stdout) if done.returncode == 0 and done.stdout.strip() else None


def running() -> bool:
    """Whether a Docker engine answers."""
    if shutil.which("docker") is None:
        return False
    return run(["docker", "version", "--format", "{{.Server.Version}}"], check=False, timeout=20).returncode == 0


def apt_install(*packages: str, why: str) -> None:
    """Install Debian packages as root; without apt or root, raise ClusterError with the line to run."""
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise ClusterError(
            f"{why}: install {' '.join(packages)} (Debian, Ubuntu: `sudo apt-get install"
            f" {' '.join(packages)}`), then run this again"
        )
    with step(f"apt-get install {' '.join(packages)}"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        command = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages]
        # Some of the host's lists may be out of reach; whether the packages are there is what counts.
        run(["apt-get", "update", "-q"], env=environment, check=False)
        run(command, env=environment)


def ensure_engine() -> None:
    """Return with a Docker engine that answers and can start privileged containers."""
    with locked(names.lock("engine")):
        if not running() and shutil.which("dockerd") is None:
            _install()
        if not running():
            _start()
    lacking = oci_runtime.host_lacks() if sys.platform == "linux" else frozenset()
    if lacking and os.geteuid() == 0:
        _check_runtime(lacking)


def _install() -> None:
    if sys.platform != "linux":
        raise ClusterError("no Docker engine answers: start Docker Desktop (or colima), then run this again")
    why = "no Docker engine answers and none is installed"
    apt_install("docker.io", "iptables", why=why)
    if shutil.which("docker") is None:  # from Debian 13 on the command is a package of its own
        apt_install("docker-cli", why=why)


def _start() -> None:
    """Start the daemon: by the init system where there is one, else in the background, out of this process group."""
    if os.geteuid() != 0:
        raise ClusterError(
            "the Docker engine is installed but does not answer: `sudo systemctl start docker`,"
            " and see that you may use it (`docker info`)"
        )
    with step("start the Docker engine"):
        # The init system's daemon would not have our runtime, so a host that needs it gets a daemon of ours.
        if Path("/run/systemd/system").is_dir() and not oci_runtime.host_lacks():
            run(["systemctl", "start", "docker"])
        else:
            _spawn()
        hint = f"See {_log()} (no init system) or `journalctl -u docker`."
        wait_for("the Docker engine answers", running, seconds=_START_SECONDS, hint=hint)


def _log() -> Path:
    path = names.cache_dir() / "logs" / "dockerd.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _spawn() -> None:
    configuration = names.cache_dir() / "docker" / "daemon.json"
    configuration.parent.mkdir(parents=True, exist_ok=True)
    host = json.loads(_HOST_CONFIG.read_text()) if _HOST_CONFIG.exists() else {}
    configuration.write_text(json.dumps(daemon_config(host, _install_runtime()), indent=2))
    _forget_dead_daemon()
    with _log().open("ab") as log:
        subprocess.Popen(
            ["dockerd", "--config-file", str(configuration)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd="/",
        )


def _forget_dead_daemon(pid_file: Path = Path("/var/run/docker.pid")) -> None:
    """A daemon that was killed leaves its pid file, and the next one will not start if that pid is taken again."""
    if pid_file.exists():
        command = Path(f"/proc/{pid_file.read_text().strip()}/comm")
        if not command.exists() or command.read_text().strip() != "dockerd":
            pid_file.unlink()


def daemon_config(host: dict[str, Any], runtime: Path | None) -> dict[str, Any]:
    """The daemon's configuration: the host's own, with `runtime` as the default OCI runtime unless it is None."""
    if runtime is None:
        return host
    runtimes = {**host.get("runtimes", {}), _RUNTIME: {"path": str(runtime)}}
    return {**host, "runtimes": runtimes, "default-runtime": _RUNTIME}


def _install_runtime() -> Path | None:
    """Put the reducing runtime into the cache and return its path; None where no capability is missing."""
    lacking = oci_runtime.host_lacks()
    if not lacking:
        return None
    say(f"this host grants no {', '.join(sorted(lacking))}: containers run without it")
    folder = names.cache_dir() / "docker"
    program, launcher = folder / "oci_runtime.py", folder / _RUNTIME
    shutil.copyfile(oci_runtime.__file__, program)
    python = Path(sys.executable).resolve()  # not the virtual environment, which may be deleted
    launcher.write_text(f'#!/bin/sh\nexec "{python}" -I -S "{program}" "$@"\n')
    launcher.chmod(0o755)
    return launcher


def _check_runtime(lacking: frozenset[str]) -> None:
    if docker("info", "--format", "{{.DefaultRuntime}}") == _RUNTIME:
        return
    raise ClusterError(
        f"this host grants no {', '.join(sorted(lacking))}, so privileged containers fail under the running Docker"
        " engine: stop it and run this again (it is then started with a runtime that leaves the capability out)"
    )


def image_id(reference: str) -> str | None:
    """The id of a local image, or None when there is no such image."""
    done = run(["docker", "image", "inspect", "--format", "{{.Id}}", reference], check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def pull_all(*references: str) -> None:
    """Pull those images that are not there, at the same time."""
    parallel(*(partial(_pull, reference) for reference in references if image_id(reference) is None))


def _pull(reference: str) -> None:
    with step(f"pull {reference}"):
        docker("pull", "--quiet", reference)


def remove_tags(repository: str, *, keep: Iterable[str], prefix: str = "") -> None:
    """Untag the images of `repository` whose tag starts with `prefix`, but `keep`; layers that are in use stay."""
    kept = set(keep)
    for reference in docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", repository).split():
        if reference not in kept and reference.startswith(f"{repository}:{prefix}"):
            docker("rmi", reference, check=False)
