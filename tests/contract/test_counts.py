"""How many writes each thing costs. Events and leases are not writes here; they are counted apart."""

from builders import llm
from contract.conftest import Start
from contract.objects import Address
from contract.operator_process import until
from contract.scenario import CREATE, NAMESPACE, child, condition, converged, create, edit, kuberay_serves, parent, ready
from contract.server import FakeServer


async def test_create_is_one_apply_and_one_status(server: FakeServer, start: Start) -> None:
    operator = await start()
    create(server)
    await converged(server)
    await operator.wait_metric('llm_operator_reconciles_total{result="ok"}', 1)
    assert server.writes() == CREATE
    assert server.events() == {}
