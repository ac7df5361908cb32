"""What the operator knows of vLLM's arguments, against the vLLM in the serving image."""

import json
from typing import Any, Final

from image.container import python
from llm_operator.plan import presets
from llm_operator.plan.engine_args import known, parsers, schema_of
from llm_operator.plan.engine_args_refused import REFUSED

# vLLM builds its configuration (no weights, no engine) from one argument at a time, the way Ray's LLMServer does.
ACCEPTS: Final = """
import contextlib, dataclasses, json, sys
with contextlib.redirect_stdout(sys.stderr):
    from ray.llm._internal.serve.engines.vllm.vllm_engine import _normalize_vllm_engine_kwargs
    from vllm.engine.arg_utils import AsyncEngineArgs
    from vllm.entrypoints.launchers.cli_args import FrontendArgs
    frontend = {field.name for field in dataclasses.fields(FrontendArgs)}
    errors = {}
    for name, value in json.loads(sys.argv[1]):
        try:
            if name in frontend:
                FrontendArgs(**{name: value})
            else:
                kwargs = {"model": "/models/demo", "max_model_len": 64} | {name: value}
                AsyncEngineArgs(**_normalize_vllm_engine_kwargs(kwargs)).create_engine_config()
        except Exception as error:
            errors[f"{name}={value!r}"] = str(error)[:200]
print(json.dumps(errors))
"""
IMPORTS: Final = """
import contextlib, json, sys
with contextlib.redirect_stdout(sys.stderr):
    from vllm.reasoning import ReasoningParserManager
    from vllm.tool_parsers import ToolParserManager
    errors = {}
    for kind, name in json.loads(sys.argv[1]):
        try:
            ToolParserManager.get_tool_parser(name) if kind == "tool" else ReasoningParserManager.get_reasoning_parser(name)
        except Exception as error:
            errors[name] = str(error)[:200]
print(json.dumps(errors))
"""


def errors(code: str, cases: list[Any]) -> dict[str, str]:
    """What the code printed as its last line, run in the image without a network."""
    printed = python("-c", code, json.dumps(cases))
    found: dict[str, str] = json.loads(printed.splitlines()[-1])
    return found


def test_vllm_takes_every_value_that_is_said_to_be_its_default() -> None:
    """With two values that it must refuse, because without them this could not fail."""
    names = sorted(known() - REFUSED.keys())
    cases = [[name, schema_of(name)["default"]] for name in names if "default" in schema_of(name)]
    assert len(cases) > 150
    wrong = [["max_num_seqs", 0], ["dtype", "bf17"]]
    assert errors(ACCEPTS, [*cases, *wrong]).keys() == {"max_num_seqs=0", "dtype='bf17'"}


def test_every_parser_can_be_imported_and_those_of_presets_need_no_package() -> None:
    """Cohere's tool parsers need cohere_melody, which vLLM does not install."""
    cases = [["tool", name] for name in parsers("tool")] + [["reasoning", name] for name in parsers("reasoning")]
    missing = errors(IMPORTS, cases).keys()
    assert missing == {"cohere_command3", "cohere_command4"}
    engines = [presets.preset(name).engine for name in presets.names()]
    assert not missing & {engine.tool_call_parser for engine in engines}
    assert not missing & {engine.reasoning_parser for engine in engines}
