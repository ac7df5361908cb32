"""kopf as an informer only: one event handler per kind on an explicit registry. It writes nothing to any object."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import aiohttp
import kopf
from kopf._core.reactor.inventory import ResourceMemories, ResourceMemory

from llm_operator.control.pacing import PAGE_SIZE, Pacing
from llm_operator.kube import login
from llm_operator.kube.resources import Resource

Observe = Callable[[Resource, Any, str | None], None]
"""Called with the kind, the raw object and the event's type (None: from the list at the start of a watch)."""

# kopf 1.45.2 never retries and never writes for `on.event`; create/update/resume/delete handlers, timers and daemons
# would write annotations or finalizers to the objects.


class NoMemories(ResourceMemories):
    """kopf remembers every object that it ever saw, for handlers that we do not have: a kilobyte each."""

    async def recall(self, raw_body: kopf.RawBody, *, ephemeral: bool = False, **named: Any) -> ResourceMemory:
        """A new memory, which nobody keeps."""
        return await super().recall(raw_body, ephemeral=True, **named)


def registry(resources: Iterable[Resource], observe: Observe, pacing: Pacing) -> kopf.OperatorRegistry:
    """A registry that watches exactly these kinds."""
    handlers = kopf.OperatorRegistry()

    async def log_in(**_: Any) -> kopf.AiohttpSession:
        return await _login(pacing)

    kopf.on.login(registry=handlers)(log_in)
    for resource in resources:
        watch = kopf.on.event(
            group=resource.group,
            version=resource.version,
            plural=resource.plural,
            id=f"observe-{resource.plural}",
            registry=handlers,
        )
        watch(_handler(resource, observe))
    return handlers


def _handler(resource: Resource, observe: Observe) -> Callable[..., Awaitable[None]]:
    async def handle(event: kopf.RawEvent, **_: Any) -> None:
        observe(resource, event["object"], event["type"])

    return handle


def settings(resources: Iterable[Resource], *, request_timeout: float) -> kopf.OperatorSettings:
    """kopf without its state, peering, scanning and events; paged lists; short-lived per-object workers."""
    chosen = kopf.OperatorSettings()
    chosen.peering.standalone = True
    chosen.scanning.disabled = True
    chosen.posting.enabled = False
    # It would kill the process ten minutes after kopf ended, and kopf may end and be started again.
    chosen.process.ultimate_exiting_timeout = None
    chosen.watching.chunk_size = PAGE_SIZE
    chosen.watching.server_timeout = 300
    chosen.watching.client_timeout = 310
    chosen.watching.reconnect_backoff = 1
    chosen.networking.request_timeout = request_timeout
    # Both or none: a worker holds its slot while it idles.
    chosen.queueing.worker_limit = 200
    chosen.queueing.idle_timeout = 0.05
    for resource in resources:
        if resource.selector is not None:
            chosen.watching.label_selectors[resource.group, resource.version, resource.plural] = resource.selector
    return chosen


async def _login(pacing: Pacing) -> kopf.AiohttpSession:
    """The same credentials as our own client's; kopf asks again after a 401, so a rotated token is picked up. A session as
    kopf (1.45.2, _cogs/clients/auth.py) makes it, with a brake."""
    found = await login.connection()
    info = kopf.ConnectionInfo(
        server=found.server,
        ca_path=found.ca_path,
        insecure=found.insecure,
        certificate_path=found.certificate_path,
        private_key_path=found.key_path,
        scheme=found.scheme,
        token=found.token,
    )
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=info.as_ssl_context()),
        headers=info.as_http_headers(),
        middlewares=(pacing.middleware,),
    )
    return kopf.AiohttpSession(server=found.server, aiohttp_session=session)
