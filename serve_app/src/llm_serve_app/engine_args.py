"""The names of vLLM's engine arguments, from vLLM's own classes, as the data file that the operator checks against.

Run inside an image with vLLM: `python -m llm_serve_app.engine_args VERSION`. Ray Serve LLM takes the fields of these two
classes as engine_kwargs (Ray 2.60.0, llm/_internal/serve/engines/vllm/vllm_models.py).
"""

import contextlib
import dataclasses
import json
import sys
from typing import Any


def names() -> list[str]:
    """Sorted names of all fields of AsyncEngineArgs and FrontendArgs. Raises ImportError without vLLM."""
    with contextlib.redirect_stdout(sys.stderr):  # vLLM logs to standard output, which holds the data here
        from vllm.engine.arg_utils import AsyncEngineArgs
        from vllm.entrypoints.launchers.cli_args import FrontendArgs

    classes: tuple[Any, ...] = (AsyncEngineArgs, FrontendArgs)
    found = {field.name for cls in classes for field in dataclasses.fields(cls)}
    return sorted(name for name in found if not name.startswith("_"))


def main() -> int:
    """Prints the data file; exit status 2 without a version."""
    if len(sys.argv) != 2:
        sys.stderr.write("usage: python -m llm_serve_app.engine_args VLLM_VERSION\n")
        return 2
    json.dump({"engine": "vLLM", "version": sys.argv[1], "arguments": names()}, sys.stdout, indent=1)
    sys.stdout.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
