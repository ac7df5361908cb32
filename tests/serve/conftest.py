"""A real Ray and a real Ray Serve on this machine, one for all tests of the applications, on ports of its own."""

import json
import os
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from llm_serve_app.text_models.train import train

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_AUTH_MODE", "disabled")  # else Ray writes a token file into the home directory
FOLDER = Path(__file__).parent

START_SECONDS = 240  # on a machine that does much else


class Serve:
    """Applies Serve configurations as KubeRay does, and asks the applications over HTTP."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._applications: dict[str, dict[str, Any]] = {}

    def apply(self, *applications: dict[str, Any]) -> None:
        """Returns when these run with this configuration; applications of earlier tests go on, which saves their start."""
        from ray.serve.context import _get_global_client
        from ray.serve.schema import ServeDeploySchema

        self._applications |= {application["name"]: application for application in applications}
        wanted = list(self._applications.values())
        config = {"http_options": {"host": "127.0.0.1", "port": self.port}, "applications": wanted}
        client = _get_global_client()
        client.deploy_apps(ServeDeploySchema.model_validate(config), _blocking=False)
        end, seen = time.monotonic() + START_SECONDS, {}
        while time.monotonic() < end:
            seen = client.get_serve_details()["applications"]
            states = {name: seen[name]["status"] for name in self._applications if name in seen}
            assert "DEPLOY_FAILED" not in states.values(), seen
            if len(states) == len(self._applications) and set(states.values()) == {"RUNNING"}:
                return
            time.sleep(0.2)
        pytest.fail(f"not all applications run after {START_SECONDS} s: {seen}")

    def remove(self, *names: str) -> None:
        """Forgets applications: the next `apply` ends them."""
        for name in names:
            self._applications.pop(name, None)

    def replicas(self, application: str) -> dict[str, set[str]]:
        """Deployment -> ids of its running replicas."""
        from ray.serve.context import _get_global_client

        details = _get_global_client().get_serve_details()["applications"][application]["deployments"]
        return {
            name: {item["replica_id"] for item in deployment["replicas"] if item["state"] == "RUNNING"}
            for name, deployment in details.items()
        }

    def post(self, path: str, body: Any, headers: dict[str, str] | None = None) -> tuple[int, Any, dict[str, str]]:
        """Status, parsed answer and headers (lower case)."""
        data = json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"content-type": "application/json", **(headers or {})})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.loads(answer.read()), {k.lower(): v for k, v in answer.headers.items()}
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null"), {k.lower(): v for k, v in error.headers.items()}


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both text models, trained here."""
    folder = tmp_path_factory.mktemp("models")
    train(folder)
    return folder


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    import ray
    from ray import serve as ray_serve

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # Ray's processes import stand_in.py from here.
    os.environ["PYTHONPATH"] = os.pathsep.join([str(FOLDER), *filter(None, [os.environ.get("PYTHONPATH")])])
    ray.init(
        address="local",
        num_cpus=4,
        resources={"group:router": 1},
        include_dashboard=False,
        logging_level="ERROR",
        log_to_driver=False,
    )
    try:
        ray_serve.start(http_options={"host": "127.0.0.1", "port": port})
        yield Serve(port)
    finally:
        ray_serve.shutdown()
        ray.shutdown()
