"""Why an engine did not start, in the words of the process in which it failed.

vLLM 0.29.0 runs the engine's core in a process of its own. What fails there (no room for the KV cache, CUDA out of memory,
a full disk, broken weights) reaches Ray Serve only as "Engine core initialization failed. See root cause above."
(vllm/v1/engine/utils.py, wait_for_engine_startup), and above is a file in the pod. Here the cause is passed on:

- `register` is a vLLM plugin (entry point vllm.general_plugins, loaded by every process of an engine): it writes the first
  exception that vLLM logs into the file that LLM_SERVE_APP_ENGINE_ERRORS names;
- `root_cause` names such a file while an engine starts, and adds what stands in it to the error;
- the serving images name ExplainingVLLMEngine in RAYLLM_VLLM_ENGINE_CLS, Ray's variable for the class of its engines
  (Ray 2.60.0, ray/llm/_internal/serve/core/server/llm_server.py).
"""

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ray.llm._internal.serve.engines.vllm.vllm_engine import VLLMEngine

VARIABLE = "LLM_SERVE_APP_ENGINE_ERRORS"
MOST = 2000
"""Characters of a cause that are passed on: its end, where a nested traceback has its error."""


class FirstError(logging.Handler):
    """Writes the first logged exception of all processes of an engine into one file; later ones only follow from it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Never raises: an engine's logging must not be what stops it."""
        path = os.environ.get(VARIABLE)
        if not path or record.exc_info is None or record.exc_info[1] is None:
            return
        error = record.exc_info[1]
        # The folder is gone once the engine has started; the file is there once somebody has written.
        with suppress(OSError), open(path, "x", encoding="utf-8") as file:
            file.write(f"{type(error).__name__}: {error}"[-MOST:])


def register() -> None:
    """The vLLM plugin. Loaded more than once in some processes, added once."""
    logger = logging.getLogger("vllm")
    if not any(isinstance(handler, FirstError) for handler in logger.handlers):
        logger.addHandler(FirstError(level=logging.ERROR))


@contextmanager
def root_cause() -> Iterator[None]:
    """Adds to an error of its body what a process of the engine said first. Raises RuntimeError then, else as it was."""
    with tempfile.TemporaryDirectory(prefix="engine-errors-", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "first"
        os.environ[VARIABLE] = str(path)
        try:
            yield
        except Exception as error:
            said = path.read_text(encoding="utf-8").strip() if path.exists() else ""
            if not said or said in str(error):
                raise
            raise RuntimeError(f"{error} Root cause: {said}") from error
        finally:
            os.environ.pop(VARIABLE, None)


class ExplainingVLLMEngine(VLLMEngine):  # type: ignore[misc]  # Ray's class is untyped
    """Ray's engine, whose start says why it failed."""

    async def start(self) -> None:
        """Raises RuntimeError with the root cause."""
        with root_cause():
            await super().start()
