"""Reading and selecting from the API server's audit log."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cluster.audit import AuditEvent, parse, select

_OPERATOR = "system:serviceaccount:llm-operator-system:llm-operator"


def _line(second: int, resource: str = "rayservices", user: str = _OPERATOR, **more: Any) -> str:
    return json.dumps(
        {
            "requestReceivedTimestamp": f"2026-01-02T03:04:{second:02d}.000000Z",
            "user": {"username": user},
            "verb": "patch",
            "objectRef": {"apiGroup": "ray.io", "resource": resource, "namespace": "llm", "name": "demo"},
            "responseStatus": {"code": 200},
            "userAgent": "agent",
            **more,
        }
    )


def _select(*lines: str, **wanted: Any) -> list[AuditEvent]:
    defaults: dict[str, Any] = {"since": None, "user": None, "resource": None, "bookkeeping": False}
    return select(map(parse, lines), **(defaults | wanted))


def test_parses_a_line() -> None:
    assert parse(_line(5)) == AuditEvent(
        time=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), user=_OPERATOR, verb="patch", group="ray.io",
        resource="rayservices", subresource="", namespace="llm", name="demo", code=200, user_agent="agent",
    )  # fmt: skip


def test_a_request_that_names_no_object_parses() -> None:
    event = parse(_line(5, objectRef=None, responseStatus=None))
    assert (event.resource, event.name, event.code) == ("", "", 0)


@pytest.mark.parametrize(
    ("wanted", "seconds"),
    [
        ({}, [1, 3, 4]),
        ({"since": datetime(2026, 1, 2, 3, 4, 3, tzinfo=UTC)}, [3, 4]),
        ({"user": "llm-operator-system/llm-operator"}, [1, 4]),
        ({"user": "kubernetes-admin"}, [3]),
        ({"resource": "llmdeployments"}, [4]),
        ({"bookkeeping": True}, [1, 2, 3, 4]),
    ],
    ids=["all", "since", "service-account", "user", "resource", "with-leases"],
)
def test_selects(wanted: dict[str, Any], seconds: list[int]) -> None:
    lines = (_line(4, "llmdeployments"), _line(1), _line(2, "leases"), _line(3, user="kubernetes-admin"))
    assert [event.time.second for event in _select(*lines, **wanted)] == seconds
