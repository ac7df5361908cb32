"""The operator's process does without the synchronous half of the official client, and no other command brings it in."""

import subprocess
import sys

PROGRAM = """
import sys
import llm_operator.__main__
from llm_operator.kube import lean
lean.install()
import llm_operator.main
loaded = {name for name, module in sys.modules.items() if module is not None}
print(sorted(loaded & {"kubernetes.client", "kubernetes.config", "kubernetes.aio.dynamic", "requests", "google.auth", "jinja2"}))
"""


def test_only_what_it_needs_is_loaded() -> None:
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
