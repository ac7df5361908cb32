"""Every Serve configuration of the golden cases and the samples, checked where vLLM is: Ray's strict classes, and vLLM's own for the arguments."""

from __future__ import annotations

import json
from typing import Any, Final

import samples
from golden.case import cases
from image.container import python

DIRECT: Final = "RAY_SERVE_LLM_ENABLE_DIRECT_STREAMING"
FORWARDED: Final = "RAY_SERVE_INGRESS_REQUEST_ROUTER_FORWARD_BODY"
CHECK: Final = """
import contextlib, json, sys
with contextlib.redirect_stdout(sys.stderr):
    from llm_serve_app.check import check
    found = {
        name: [str(problem) for problem in check(config, direct, body_forwarded=forwarded)]
        for name, config, direct, forwarded in json.load(sys.stdin)
    }
print(json.dumps(found))
"""


def _switched_on(applied: dict[str, Any], name: str) -> bool:
    (container,) = applied["spec"]["rayClusterConfig"]["headGroupSpec"]["template"]["spec"]["containers"]
    return {"name": name, "value": "1"} in container["env"]


def _given() -> list[tuple[str, dict[str, Any], bool, bool]]:
    applied = [(case.name, step.outcome.apply) for case in cases() for step in case.steps]
    applied += [(f"sample-{name}", samples.rendered(samples.document(name))) for name in samples.names()]
    return [
        (name, json.loads(made["spec"]["serveConfigV2"]), _switched_on(made, DIRECT), _switched_on(made, FORWARDED))
        for name, made in applied
        if made is not None
    ]


def _wrong() -> tuple[str, dict[str, Any], bool, bool]:
    """Without it, nothing here could fail."""
    loading = {"model_id": "m", "model_source": "a/b"}
    kwargs = {"structured_outputs_config": {"backend": "nobody"}}
    args = {"llm_configs": [{"model_loading_config": loading, "engine_kwargs": kwargs}]}
    application = {"name": "m", "route_prefix": "/", "import_path": "ray.serve.llm:build_openai_app", "args": args}
    return "wrong", {"applications": [application]}, False, False


def test_vllm_takes_the_arguments_of_every_golden_case_and_sample() -> None:
    given = _given()
    assert sum(1 for name, *_ in given if name.startswith(("engine-", "task-", "source-", "cache-", "lora-"))) >= 25
    printed = python("-c", CHECK, stdin=json.dumps([*given, _wrong()]))
    found: dict[str, list[str]] = json.loads(printed.splitlines()[-1])
    assert any("structured_outputs_config" in problem for problem in found.pop("wrong"))
    assert {name: problems for name, problems in found.items() if problems} == {}
    assert found.keys() == {name for name, *_ in given}
