"""JSON lines."""

import json
import logging

from llm_operator.obs import log


def line(message: str, **extra: object) -> dict[str, str]:
    record = logging.LogRecord("x.y", logging.INFO, __file__, 1, message, (), None)
    record.__dict__.update(extra)
    parsed: dict[str, str] = json.loads(log.JsonFormatter().format(record))
    return parsed


def test_object_is_named_inside_the_block_only() -> None:
    with log.about("llm", "a"):
        assert line("hello\nworld")["object"] == "llm/a"
    got = line("hello")
    assert "object" not in got
    assert (got["level"], got["logger"], got["message"]) == ("INFO", "x.y", "hello")


def test_kopfs_own_reference_is_used() -> None:
    assert line("x", k8s_ref={"namespace": "llm", "name": "a"})["object"] == "llm/a"
