"""Start-up: missing CRDs, wrong settings, no credentials, and a clean end."""

from contract.conftest import Start
from contract.operator_process import until
from contract.scenario import CREATE, condition, converged, create, kuberay_serves, ready
from contract.server import FakeServer


async def test_kuberay_installed_later(server: FakeServer, start: Start) -> None:
    server.installed.discard("ray.io/v1")
    operator = await start()
    create(server)
    await until(
        lambda: condition(server, "Rendered").get("reason") == "KubeRayNotInstalled", what="KubeRayNotInstalled"
    )
    await operator.wait_status("/readyz", 200)
    assert server.writes() == {"apply llmdeployments/status": 1}
    server.installed.add("ray.io/v1")
    await converged(server)
    kuberay_serves(server)
    await ready(server)
    await operator.settled()
    assert server.writes()["apply rayservices"] == CREATE["apply rayservices"]
    assert operator.returncode is None


async def test_own_crd_installed_later(server: FakeServer, start: Start) -> None:
    server.installed.discard("llm-operator.io/v1alpha1")
    operator = await start()
    await operator.wait_status("/healthz", 200)
    await until(lambda: "manifests/crd.yaml" in operator.log.read_text(), what="the log says what to do")
    status, text = await operator.get("/readyz")
    assert status == 503
    assert "llmdeployments.llm-operator.io is not installed" in text
    server.installed.add("llm-operator.io/v1alpha1")
    await operator.wait_status("/readyz", 200)
    create(server)
    await converged(server)


async def test_only_the_given_namespaces_are_watched(server: FakeServer, start: Start) -> None:
    operator = await start(NAMESPACES="other, third")
    create(server)
    await operator.wait_status("/readyz", 200)
    await operator.settled()
    assert server.writes() == {}


async def test_wrong_setting_ends_at_once_and_says_which(start: Start) -> None:
    operator = await start(WORKERS="0")
    assert await operator.exit_code() == 2
    assert "LLM_OPERATOR_WORKERS='0'" in operator.log.read_text()


async def test_sigterm_while_waiting_for_the_crd_ends_cleanly(server: FakeServer, start: Start) -> None:
    server.installed.clear()
    operator = await start()
    await operator.wait_status("/healthz", 200)
    assert await operator.stop() == 0


async def test_every_log_line_is_json_and_names_its_object(server: FakeServer, start: Start) -> None:
    import json

    operator = await start()
    create(server)
    await converged(server)
    lines = [json.loads(line) for line in operator.log.read_text().splitlines()]
    about = [line for line in lines if line["logger"] == "llm_operator.control.reconciler"]
    assert {line["object"] for line in about} == {"llm/a"}
