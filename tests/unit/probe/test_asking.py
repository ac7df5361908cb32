"""What counts as an answer, over real HTTP."""

from __future__ import annotations

import asyncio
import io
import socket
import wave
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from llm_operator.plan.probing import Ask
from llm_operator.probe.asking import Client, Kind, silence

ROUTES = '{"/chat": "chat"}'


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    made = Client()
    yield made
    await made.close()


@pytest.fixture
async def url() -> AsyncIterator[str]:
    """/STATUS/TEXT answers so; /slow never; /audio with the form's fields; /drop closes."""
    over = asyncio.Event()

    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=int(request.match_info["status"]), text=request.match_info["text"])

    async def slow(_: web.Request) -> web.Response:
        await over.wait()
        return web.Response()

    async def audio(request: web.Request) -> web.Response:
        form = await request.post()
        file = form["file"]
        good = form["model"] == "whisper" and isinstance(file, web.FileField) and file.file.read(4) == b"RIFF"
        return web.Response(status=200 if good else 500)

    async def drop(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    app = web.Application()
    app.router.add_route("*", "/{status:[0-9]+}/{text:.*}", answer)
    app.add_routes([web.get("/slow", slow), web.post("/audio", audio), web.get("/drop", drop)])
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield f"http://127.0.0.1:{port}"
    over.set()
    await runner.cleanup()


@pytest.mark.parametrize(
    ("path", "kind", "error"),
    [
        ("/200/ok", Kind.ANSWERED, ""),
        ("/400/no such task", Kind.ANSWERED, ""),
        ("/401/key", Kind.ANSWERED, ""),
        ("/429/busy", Kind.ANSWERED, ""),
        ("/503/Request dropped due to backpressure", Kind.ANSWERED, ""),
        ("/503/no replica", Kind.FAILED, "HTTP status 503"),
        ("/404/no route", Kind.FAILED, "HTTP status 404"),
        ("/500/broken", Kind.FAILED, "HTTP status 500"),
        ("/302/elsewhere", Kind.FAILED, "HTTP status 302"),
        ("/slow", Kind.SILENT, "no answer in time"),
        ("/drop", Kind.FAILED, "the connection broke (ServerDisconnectedError)"),
    ],
)
async def test_what_counts_as_an_answer(client: Client, url: str, path: str, kind: Kind, error: str) -> None:
    for ask in (Ask(url + path), Ask(url + path, json_body="{}")):
        if path in ("/slow", "/drop") and ask.json_body is not None:
            continue
        found = await client.ask(ask, seconds=0.3 if path == "/slow" else 10)
        assert (found.kind, found.error) == (kind, error)


@pytest.mark.parametrize(
    ("text", "kind"),
    [(ROUTES, Kind.ANSWERED), ('{"/other": "x"}', Kind.FAILED), ("[]", Kind.FAILED), ("no", Kind.FAILED)],
)
async def test_a_route_must_be_listed(client: Client, url: str, text: str, kind: Kind) -> None:
    assert (await client.ask(Ask(f"{url}/200/{text}", lists="/chat"), seconds=10)).kind is kind


async def test_nobody_there(client: Client) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    found = await client.ask(Ask(f"http://127.0.0.1:{port}/"), seconds=10)
    assert (found.kind, found.error) == (Kind.FAILED, "connection refused")
    found = await client.ask(Ask("http://chat-serve-svc.nowhere.invalid:8000/"), seconds=10)
    assert found.kind in (Kind.UNKNOWN_NAME, Kind.SILENT)


async def test_transcription_is_asked_with_a_wav_file(client: Client, url: str) -> None:
    assert (await client.ask(Ask(f"{url}/audio", audio_of="whisper"), seconds=10)).ok
    with wave.open(io.BytesIO(silence())) as file:
        assert (file.getframerate(), file.getnframes()) == (16_000, 1_600)


async def test_text_of_metrics(client: Client, url: str) -> None:
    assert await client.get_text(f"{url}/200/a 1", seconds=10) == "a 1"
    assert await client.get_text(f"{url}/500/a", seconds=10) is None
    assert await client.get_text(f"{url}/slow", seconds=0.2) is None
