"""The applications on a real Ray Serve: answers, refusals, settings that change in place."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import aiohttp.web

from .conftest import Serve

GOOD = "The food was excellent and the staff was friendly. We sat in the garden. The garden and the food were lovely."
BAD = "The room was dirty and the staff was rude."


def pipeline(models: Path, **user_config: Any) -> dict[str, Any]:
    overrides = [{"name": name, "user_config": value} for name, value in user_config.items()]
    return {
        "name": "pipeline",
        "route_prefix": "/pipeline",
        "import_path": "llm_serve_app.pipeline:build",
        "args": {"models": str(models), "max_characters": 500},
        "deployments": [*overrides, {"name": "Preprocess", "num_replicas": 2, "ray_actor_options": {"num_cpus": 0.05}}],
    }


def batch(models: Path, **user_config: Any) -> dict[str, Any]:
    return {
        "name": "batch",
        "route_prefix": "/batch",
        "import_path": "llm_serve_app.batch:build",
        "args": {"models": str(models)},
        "deployments": [{"name": "BatchedSentiment", "user_config": user_config}],
    }


def eventually(check: Callable[[], bool], what: str) -> None:
    """Serve hands a new user_config to running replicas in the background."""
    end = time.monotonic() + 30
    while not check():
        assert time.monotonic() < end, f"not within 30 s: {what}"
        time.sleep(0.1)


def test_pipeline_joins_the_answers_of_its_stages(serve: Serve, models: Path) -> None:
    serve.apply(pipeline(models, Summary={"sentences": 1}))
    status, answer, _ = serve.post("/pipeline/", {"text": GOOD})
    assert status == 200
    assert answer["sentiment"]["label"] == "positive"
    assert answer["summary"] == "The garden and the food were lovely."  # shares most words with the others
    assert (answer["sentences"], answer["words"]) == (3, 21)
    assert serve.post("/pipeline/", {"text": BAD})[1]["sentiment"]["label"] == "negative"
    running = serve.replicas("pipeline")
    assert {name: len(ids) for name, ids in running.items()} == {
        "Pipeline": 1,
        "Preprocess": 2,
        "Sentiment": 1,
        "Summary": 1,
    }

    serve.apply(pipeline(models, Summary={"sentences": 2}, Sentiment={"neutral_band": 1.0}))
    eventually(lambda: serve.post("/pipeline/", {"text": GOOD})[1]["sentiment"]["label"] == "neutral", "the band is 1")
    eventually(lambda: serve.post("/pipeline/", {"text": GOOD})[1]["summary"].count(".") == 2, "two sentences")
    serve.apply(pipeline(models, Summary={"sentences": "many"}, Sentiment={"neutral_band": 0.1}))
    eventually(
        lambda: serve.post("/pipeline/", {"text": GOOD})[1]["sentiment"]["label"] == "positive", "the band is .1"
    )
    assert serve.post("/pipeline/", {"text": GOOD})[1]["summary"].count(".") == 2  # the bad setting changed nothing
    assert serve.replicas("pipeline") == running  # all of it in place


def test_pipeline_says_what_is_wrong_with_a_request(serve: Serve, models: Path) -> None:
    serve.apply(pipeline(models))
    for body, want in (
        ({"text": " "}, "text: is empty"),
        ({"text": "x" * 501}, "text: has 501 characters, 1 more than the 500 allowed"),
        ({"txt": "x"}, "text"),
        ({"text": "x", "lang": "en"}, "lang"),
        ({"text": 1}, "valid string"),
    ):
        status, answer, _ = serve.post("/pipeline/", body)
        assert (status, want in str(answer["detail"])) == (422, True), answer


def test_requests_that_wait_together_are_one_batch(serve: Serve, models: Path) -> None:
    def sizes(count: int) -> Counter[int]:
        with ThreadPoolExecutor(count) as pool:
            answers = list(pool.map(lambda i: serve.post("/batch/", {"text": (GOOD, BAD)[i % 2]}), range(count)))
        for index, (status, answer, _) in enumerate(answers):
            assert (status, answer["label"]) == (200, ("positive", "negative")[index % 2]), answer
        return Counter(answer["batch_size"] for _, answer, _ in answers)

    serve.apply(batch(models, max_batch_size=4, batch_wait_timeout_s=20))
    running = serve.replicas("batch")
    assert sizes(8) == {4: 8}  # two full batches; none waits 20 s for a fifth
    serve.apply(batch(models, max_batch_size=2, batch_wait_timeout_s=20))
    eventually(lambda: sizes(4) == {2: 4}, "batches of 2")
    serve.apply(batch(models, max_batch_size=1, batch_wait_timeout_s=0))
    eventually(lambda: sizes(2) == {1: 2}, "no batching")
    assert serve.replicas("batch") == running


def ab(serve: Serve, split: dict[str, Any] | None, *targets: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": "ab",
        "route_prefix": "/ab",
        "import_path": "llm_serve_app.ab_router:build",
        "args": {
            "targets": dict(zip("ab", targets, strict=True)),
            "sticky_header": "x-session-id",
            "serve_url": serve.url,
        },
        "deployments": [{"name": "ABRouter", "user_config": {"split": split}}],
    }


def test_router_splits_sticks_and_is_set_in_place(serve: Serve, models: Path) -> None:
    both = (pipeline(models), batch(models))
    targets = ({"url": "/pipeline"}, {"url": "/batch"})
    serve.apply(*both, ab(serve, {"a": 1, "b": 0}, *targets))
    running = serve.replicas("ab")

    def chosen(headers: dict[str, str] | None = None) -> str:
        status, answer, got = serve.post("/ab/", {"text": GOOD}, headers)
        assert status == 200
        assert ("summary" in answer) == (got["x-ab-target"] == "a")  # the header tells the truth
        return got["x-ab-target"]

    assert {chosen() for _ in range(20)} == {"a"}
    serve.apply(*both, ab(serve, {"a": 0, "b": 5}, *targets))
    eventually(lambda: chosen() == "b", "all to b")
    assert {chosen() for _ in range(20)} == {"b"}
    serve.apply(*both, ab(serve, None, *targets))
    eventually(lambda: chosen() == "a", "equal shares")
    assert 15 <= Counter(chosen() for _ in range(60))["a"] <= 45  # 1 of 20 000 fair runs is outside
    per_user = {user: chosen({"x-session-id": str(user)}) for user in range(12)}
    assert set(per_user.values()) == {"a", "b"}
    assert {user: chosen({"X-Session-Id": str(user)}) for user in range(12)} == per_user
    serve.apply(*both, ab(serve, {"a": 1, "c": 1}, *targets))  # no such target: stays as it was
    assert serve.post("/ab/", {"text": " "})[0] == 422  # the target's own refusal
    assert serve.replicas("ab") == running


@dataclass(slots=True)
class Target:
    """An HTTP server that writes a line, the next one when `read` is set, then lines until its client has gone."""

    read: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    seen: dict[str, Any] = field(default_factory=dict)

    async def answer(self, request: aiohttp.web.Request) -> aiohttp.web.StreamResponse:
        self.seen.update(path=request.path_qs, body=await request.json(), host=request.headers["host"])
        response = aiohttp.web.StreamResponse(status=207, headers={"x-own": "1", "content-type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"data: one\n\n")
        await asyncio.wait_for(self.read.wait(), 30)
        await response.write(b"data: two\n\n")
        try:
            while True:
                await response.write(b"data: more\n\n")
                await asyncio.sleep(0.05)
        except (ConnectionError, asyncio.CancelledError):
            self.gone.set()
            raise

    @asynccontextmanager
    async def served(self) -> AsyncIterator[str]:
        """host:port."""
        application = aiohttp.web.Application()
        application.router.add_post("/{path:.*}", self.answer)
        runner = aiohttp.web.AppRunner(application, handler_cancellation=True)
        await runner.setup()
        try:
            await aiohttp.web.TCPSite(runner, "127.0.0.1", 0).start()
            yield "{}:{}".format(*runner.addresses[0][:2])
        finally:
            await runner.cleanup()


async def test_router_streams_and_ends_with_its_client(serve: Serve) -> None:
    """The target writes the next line only after this test has read the first through the router."""
    target = Target()
    async with target.served() as address, aiohttp.ClientSession() as session:
        targets = ({"url": f"http://{address}/base", "model": "model-b"}, {"url": "http://127.0.0.1:1"})
        await asyncio.to_thread(serve.apply, ab(serve, {"a": 1}, *targets))
        async with session.post(f"{serve.url}/ab/v1/x?y=1", json={"model": "m", "n": 1}) as answer:
            assert (answer.status, answer.headers["x-own"], answer.headers["x-ab-target"]) == (207, "1", "a")
            assert await answer.content.readline() == b"data: one\n"
            target.read.set()
            assert await answer.content.readline() == b"\n"
            assert await answer.content.readline() == b"data: two\n"
        assert target.seen == {"path": "/base/v1/x?y=1", "body": {"model": "model-b", "n": 1}, "host": address}
        await asyncio.wait_for(target.gone.wait(), 30)
        await asyncio.to_thread(serve.apply, ab(serve, {"b": 1}, *targets))
        end = time.monotonic() + 30
        while True:
            async with session.post(f"{serve.url}/ab/", json={}) as answer:
                if answer.headers["x-ab-target"] == "b":
                    assert (answer.status, "target b" in await answer.text()) == (502, True)
                    break
            assert time.monotonic() < end
