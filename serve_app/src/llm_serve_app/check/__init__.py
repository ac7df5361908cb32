"""Strict offline check of a Ray Serve configuration (serveConfigV2): what Ray 2.60 would drop silently is a problem here.

Serve ignores unknown keys, takes any autoscaling_config and does not look into `args`; mistakes show as a deployment that
behaves wrongly or fails minutes later on the cluster. This uses Ray's own classes, so it needs ray[serve]==2.60.0 and
pyarrow; with vLLM installed it also checks engine_kwargs with vLLM's. Tests: tests/unit/serve_app/test_check*.py.
"""

from llm_serve_app.check.application import check
from llm_serve_app.check.command import main
from llm_serve_app.check.server import server_name
from llm_serve_app.problem import Problem

__all__ = ["Problem", "check", "main", "server_name"]
