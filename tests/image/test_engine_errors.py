"""Why an engine's core process did not start comes out of that process: with vLLM itself, in the serving image."""

from __future__ import annotations

from typing import Final

from image.container import python
from llm_operator.api.conditions import Reason
from llm_operator.status.diagnosis.engine import recognised
from llm_operator.status.diagnosis.evidence import Subject

# The demo model keeps 1 KiB a token: two million tokens are more than the 1 GiB that the image gives to the KV cache.
STARTS: Final = """
import contextlib, os, sys
os.environ["VLLM_ALLOW_LONG_MAX_MODEL_LEN"] = "1"
with contextlib.redirect_stdout(sys.stderr):
    from llm_serve_app.engine_errors import root_cause
    from vllm.engine.arg_utils import AsyncEngineArgs
    from vllm.v1.engine.async_llm import AsyncLLM
    try:
        with root_cause():
            arguments = {"model": "/models/demo", "dtype": "float32", "enforce_eager": True, "max_model_len": 2_000_000}
            AsyncLLM.from_engine_args(AsyncEngineArgs(**arguments))
        said = "it started"
    except RuntimeError as error:
        said = str(error)
print(said.replace("\\n", " "))
"""
ENGINE_CLASS: Final = """
import os
from ray._common.utils import import_attr
print(import_attr(os.environ["RAYLLM_VLLM_ENGINE_CLS"]).__mro__[1].__name__)
"""


def test_a_kv_cache_that_is_too_small_is_said_with_its_numbers() -> None:
    said = python("-c", STARTS).splitlines()[-1]
    assert said.startswith("Engine core initialization failed.")
    found = recognised(said, Subject("model", "demo", "spec.models[0]", {"accelerators": [{"type": "CPU"}]}))
    assert found is not None
    assert found[0] is Reason.KV_CACHE_TOO_SMALL
    assert "one sequence of 2000000 tokens needs 1.91 GiB of KV cache, and 1.0 GiB are there" in found[1]
    assert "set spec.models[0].engine.contextLength to 1048448 or less" in found[1]


def test_the_image_names_the_engine_class_that_passes_causes_on() -> None:
    assert python("-c", ENGINE_CLASS).splitlines()[-1] == "VLLMEngine"
