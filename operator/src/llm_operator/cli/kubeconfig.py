"""What runs now in the cluster of the user's kubeconfig. Read only. To be imported when it is used: the Kubernetes client takes
15 MiB, and `llm-operator run` imports less of it (kube/lean.py)."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from llm_operator.capacity.room import Room
from llm_operator.cli.live import Live, NoCluster
from llm_operator.control.capacity import count
from llm_operator.kube import login
from llm_operator.kube.cluster import KubeCluster
from llm_operator.kube.errors import ApiError, Forbidden
from llm_operator.kube.resources import LLMDEPLOYMENTS, RAYSERVICES
from llm_operator.kube.transport import Transport
from llm_operator.plan.inputs import Scope

TIMEOUT_SECONDS: Final = 20.0


def _never() -> None:
    raise AssertionError("nothing is written here")


class Kubeconfig:
    """The cluster of a kubeconfig file (None: $KUBECONFIG, else ~/.kube/config)."""

    def __init__(self, path: str | None) -> None:
        self._path = path

    def of(self, namespace: str, name: str) -> Live:
        """Raises NoCluster."""
        try:
            return asyncio.run(self._of(namespace, name))
        except (login.LoginError, ApiError) as error:
            raise NoCluster(
                f"{error}; to compare with a file instead: --against FILE (`kubectl get rayservice {name} -o yaml`)"
            ) from error

    def room(self, scope: Scope, config: Mapping[str, Any]) -> Room:
        """For the Ray cluster of this rayClusterConfig, beside what runs; unknown for who may not look."""
        try:
            return asyncio.run(self._room(scope, config))
        except Forbidden:
            return Room(known=False, unknown="you may not list the nodes, and the pods of all namespaces")
        except (login.LoginError, ApiError) as error:
            return Room(known=False, unknown=str(error))

    @asynccontextmanager
    async def _cluster(self, namespace: str) -> AsyncIterator[KubeCluster]:
        configuration = await login.load(self._path)
        transport = Transport(
            configuration, concurrency=2, timeout_seconds=TIMEOUT_SECONDS, count=lambda verb, result: None
        )
        try:
            yield KubeCluster(transport, namespaces=(namespace,), fence=_never)
        finally:
            await transport.close()

    async def _of(self, namespace: str, name: str) -> Live:
        async with self._cluster(namespace) as cluster:
            parent, child = await asyncio.gather(
                cluster.get(LLMDEPLOYMENTS, namespace, name), cluster.get(RAYSERVICES, namespace, name)
            )
            return Live(parent, child)

    async def _room(self, scope: Scope, config: Mapping[str, Any]) -> Room:
        async with self._cluster(scope.namespace) as cluster:
            return await count(cluster, scope, config)
