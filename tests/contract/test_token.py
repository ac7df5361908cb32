"""A service account's token expires while the operator runs; the kubelet has put another one into the file."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from contract.authority import server_context
from contract.conftest import Start
from contract.operator_process import until
from contract.scenario import CREATE, converged, create
from contract.server import FakeServer

OURS = "llm-operator"
"""User agent of the operator's own client; kopf's watches have one of theirs."""


@pytest.fixture
def account(tmp_path: Path) -> Path:
    """Stands for /var/run/secrets/kubernetes.io/serviceaccount."""
    folder = tmp_path / "serviceaccount"
    folder.mkdir()
    (folder / "token").write_text("first")
    return folder


@pytest.fixture
async def server(account: Path) -> AsyncIterator[FakeServer]:
    """Over TLS, with tokens that are checked."""
    async with FakeServer(tls=server_context(account), tokens={"first": "a"}) as running:
        yield running


def _refused(server: FakeServer, agent: str) -> int:
    return sum(call.user == "" and who.startswith(agent) for _, call, who in server.seen_at)


async def test_expired_token_is_read_again_and_nobody_restarts(server: FakeServer, start: Start, account: Path) -> None:
    operator = await start(
        "a",
        RESYNC_SECONDS="3600",
        KUBECONFIG="",
        KUBERNETES_SERVICE_HOST="127.0.0.1",
        KUBERNETES_SERVICE_PORT=str(server.port),
        CONTRACT_SERVICE_ACCOUNT=str(account),
    )
    create(server, "before")
    await converged(server, "before")
    (account / "token").write_text("second")
    server.tokens = {"second": "a"}
    watches = server.count("watch", "llmdeployments")
    server.drop_watches()
    await until(lambda: server.count("watch", "llmdeployments") > watches, what="watched again")
    create(server, "after")
    await converged(server, "after")
    assert operator.returncode is None
    assert server.writes("a") == {kind: 2 * count for kind, count in CREATE.items()}
    # One for each request that was under way or came first: the election, the re-sync, a reconcile.
    assert 1 <= _refused(server, OURS) <= 4
