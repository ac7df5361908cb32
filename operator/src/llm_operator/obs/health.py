"""HTTP endpoints for the kubelet and Prometheus: /healthz, /readyz, /metrics."""

from collections.abc import Callable

from aiohttp import web

from llm_operator.obs.metrics import Metrics

Check = Callable[[], str | None]
"""None when all is well, else what is wrong, for people."""


def application(metrics: Metrics, *, healthy: Check, ready: Check) -> web.Application:
    """The app. That it answers at all shows that the event loop turns; the checks say the rest (503 with the reason)."""

    def answer(problem: str | None) -> web.Response:
        return web.Response(text=f"{problem or 'ok'}\n", status=503 if problem else 200)

    async def healthz(_: web.Request) -> web.Response:
        return answer(healthy())

    async def readyz(_: web.Request) -> web.Response:
        return answer(ready())

    async def scrape(_: web.Request) -> web.Response:
        return web.Response(body=metrics.text(), headers={"Content-Type": "text/plain; version=0.0.4"})

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", scrape)])
    return app


async def serve(app: web.Application, *, port: int) -> web.AppRunner:
    """Serves until the returned runner's `cleanup` is awaited. Raises OSError when the port is taken."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    # All interfaces: the kubelet and Prometheus come from outside the pod.
    await web.TCPSite(runner, host="0.0.0.0", port=port).start()  # noqa: S104
    return runner
