"""Messages as Ray Serve 2.60 wrote them on the local cluster, shortened in the middle."""

from llm_operator.status.serve_message import readable

GAVE_UP = """The deployment failed to start 3 times in a row during a rolling update. This may be due to a problem with its \
constructor, initial health check or health checks failing. See controller logs for details. Error:
\x1b[36mray::ServeReplica:second:LLMServer:second.initialize_and_get_metadata()\x1b[39m (pid=1552, ip=10.244.0.48, \
actor_id=5200, repr=<ray.serve._private.replica.ServeReplica:second:LLMServer:second object at 0x7f2a0f53e050>)
  File "/usr/lib/python3.11/concurrent/futures/_base.py", line 449, in result
    return self.__get_result()
           ^^^^^^^^^^^^^^^^^^^
RuntimeError: Traceback (most recent call last):
  File "/usr/local/lib/python3.11/dist-packages/ray/llm/_internal/serve/engines/vllm/vllm_engine.py", line 222, in _get
    raise RuntimeError(f"Failed to create vLLM engine config: {e}") from None
RuntimeError: Failed to create vLLM engine config: We couldn't connect to 'https://huggingface.co' to load the files.
Check your internet connection."""


def test_a_traceback_becomes_its_error() -> None:
    assert readable(GAVE_UP) == (
        "The deployment failed to start 3 times in a row during a rolling update. RuntimeError: Failed to create vLLM "
        "engine config: We couldn't connect to 'https://huggingface.co' to load the files. Check your internet connection."
    )


def test_a_bare_traceback_is_its_error() -> None:
    assert readable('Traceback (most recent call last):\n  File "a.py", line 1\nValueError: no') == "ValueError: no"


def test_other_messages_are_left_alone() -> None:
    message = (
        "Deployment has 1 replicas that have taken more than 30s to initialize.\nThis may be caused by a slow __init__."
    )
    assert readable(message) == message
    assert readable("") == ""


def test_a_traceback_without_an_end_keeps_the_first_sentence() -> None:
    assert readable('It failed. Error:\n  File "a.py", line 1') == "It failed"


def test_a_first_line_that_ends_with_a_colon_leads_to_the_error() -> None:
    message = (
        "Deploying app 'reviews' failed with exception:\nTraceback (most recent call last):\n"
        '  File "/x/api.py", line 1, in build\n    raise\nllm_serve_app.settings.InvalidSettings: args.models: no'
    )
    assert readable(message) == (
        "Deploying app 'reviews' failed with exception: llm_serve_app.settings.InvalidSettings: args.models: no"
    )
