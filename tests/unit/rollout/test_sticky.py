"""What stays as it is live."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from builders import applied, llm
from llm_operator.api.validation import validate
from llm_operator.plan.resolve import resolve
from llm_operator.render.rayservice import rayservice
from llm_operator.render.sticky import Retry, Sticky, code_of, sticky_of


def plan() -> Any:
    spec = validate("chat", llm("chat").object()["spec"])
    return resolve(spec, name="chat", namespace="llm", uid="u", routes={}, now=datetime(2026, 1, 1, tzinfo=UTC))


def application(child: dict[str, Any]) -> dict[str, Any]:
    (found,) = json.loads(child["spec"]["serveConfigV2"])["applications"]
    return dict(found)


def test_round_trip() -> None:
    bare = rayservice(plan(), None)
    assert sticky_of(bare).annotations == {}
    assert "runtime_env" not in application(bare)
    sticky = Sticky("f", "2026-01-01T00:00:00Z", {"chat": Retry(code_of(application(bare)), 2)})
    made = applied(rayservice(plan(), None, sticky))
    found = sticky_of(made)
    assert (found.forced, found.restarted_at, dict(found.retries)) == (
        "f",
        "2026-01-01T00:00:00Z",
        dict(sticky.retries),
    )
    assert application(made)["runtime_env"] == {"env_vars": {"LLM_OPERATOR_RETRY": "2"}}
    assert rayservice(plan(), made)["spec"]["serveConfigV2"] == made["spec"]["serveConfigV2"]
    template = made["spec"]["rayClusterConfig"]["headGroupSpec"]["template"]["metadata"]
    assert template["annotations"] == {
        "llm-operator.io/rollout": "f",
        "llm-operator.io/restarted-at": "2026-01-01T00:00:00Z",
    }


def test_a_retry_is_for_one_code() -> None:
    sticky = Sticky(retries={"chat": Retry("another", 2)})
    assert "runtime_env" not in application(rayservice(plan(), None, sticky))


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"serveConfigV2": "{", "rayClusterConfig": {"headGroupSpec": None}},
        {"serveConfigV2": '{"applications": [1]}', "rayClusterConfig": []},
        {
            "serveConfigV2": '{"applications": [{"name": "m", "runtime_env": {"env_vars": {"LLM_OPERATOR_RETRY": "x"}}}]}'
        },
    ],
)
def test_nonsense_is_none(spec: dict[str, Any]) -> None:
    found = sticky_of({"metadata": {"name": "chat"}, "spec": spec})
    assert (found.annotations, dict(found.retries)) == ({}, {})
