"""`python -m bench.naive`: the same job done the usual way with kopf, to compare with.

Create and update handlers, a field handler on the child's conditions, kopf's own annotations and its own peering. It renders the
same children with the same code, through the same HTTP client as the operator, and without kopf's import of the synchronous
Kubernetes client: what differs is the way of working, and all that the operator diagnoses and this one does not. NAIVE_PRIORITY
(optional) switches the peering on: the process with the highest number works, the others wait.
"""

import asyncio
import logging
import os
from datetime import UTC, datetime
from typing import Any

from llm_operator.kube import lean

lean.install()

import kopf  # noqa: E402
from llm_operator.api import names  # noqa: E402
from llm_operator.kube import login  # noqa: E402
from llm_operator.kube.cluster import KubeCluster  # noqa: E402
from llm_operator.kube.resources import LLMDEPLOYMENTS, PODDISRUPTIONBUDGETS, RAYSERVICES  # noqa: E402
from llm_operator.kube.transport import Transport  # noqa: E402
from llm_operator.plan.inputs import Scope  # noqa: E402
from llm_operator.render.children import children  # noqa: E402
from llm_operator.stages.intent import intent  # noqa: E402
from llm_operator.sync import sync  # noqa: E402

CONCURRENCY = 32
LLM = (names.GROUP, names.VERSION, names.PLURAL)
RAY = (names.RAY_GROUP, names.RAY_VERSION, "rayservices")


class Naive:
    """The handlers. kopf writes `patch.status` and its annotations."""

    def __init__(self, cluster: KubeCluster, transport: Transport) -> None:
        self._cluster, self._transport = cluster, transport

    async def reconcile(self, body: kopf.Body, meta: kopf.Meta, patch: kopf.Patch, **_: Any) -> None:
        """A new LLMDeployment, or one with another spec."""
        scope = Scope(parent=dict(body), now=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
        outcome, plan = sync(scope), intent(scope).plan
        assert outcome.apply is not None
        assert plan is not None
        await self._cluster.apply(RAYSERVICES, outcome.apply)
        for child in children(plan):
            await self._cluster.apply(PODDISRUPTIONBUDGETS, child)
        patch.status["observedGeneration"] = meta["generation"]

    async def follow(self, new: Any, namespace: str | None, name: str | None, **_: Any) -> None:
        """Other conditions of a RayService: they are copied to the LLMDeployment of the same name."""
        path = LLMDEPLOYMENTS.path(namespace, name, "status")
        kind = "application/merge-patch+json"
        body = {"status": {"conditions": list(new or ())}}
        await self._transport.request("patch", "PATCH", path, body=body, content_type=kind)

    def registry(self) -> kopf.OperatorRegistry:
        """The handlers, registered."""
        made = kopf.OperatorRegistry()
        kopf.on.login(registry=made)(kopf.login_with_kubeconfig)
        kopf.on.create(*LLM, registry=made)(self.reconcile)
        kopf.on.update(*LLM, field="spec", registry=made)(self.reconcile)
        labels = {names.DEPLOYMENT_LABEL: kopf.PRESENT}
        kopf.on.field(*RAY, field="status.conditions", labels=labels, registry=made)(self.follow)
        return made


async def main() -> None:
    """Runs until it is killed."""
    logging.basicConfig(level=logging.WARNING)
    transport = Transport(await login.load(), concurrency=CONCURRENCY, timeout_seconds=30, count=lambda *_: None)
    cluster = KubeCluster(transport, namespaces=(), fence=lambda: None)
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.peering.mandatory = "NAIVE_PRIORITY" in os.environ
    settings.peering.standalone = not settings.peering.mandatory
    settings.peering.clusterwide = True
    settings.peering.priority = int(os.environ.get("NAIVE_PRIORITY", "0"))
    await kopf.operator(registry=Naive(cluster, transport).registry(), settings=settings, clusterwide=True)


if __name__ == "__main__":
    asyncio.run(main())
