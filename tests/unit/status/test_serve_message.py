"""Messages as Ray Serve 2.60 wrote them on the local cluster, shortened in the middle."""

import pytest
from llm_operator.status.serve_message import readable, scrub

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
    message = "Upscaling from 1 to 2 replicas."
    assert readable(message) == message
    assert readable("") == ""


@pytest.mark.parametrize(
    ("message", "want"),
    [
        (
            "Deployment has 2 replicas that have taken more than 30s to initialize.",
            "Deployment has replicas that have taken more than 30s to initialize.",
        ),
        (
            "Resources required for each replica: {'CPU': 3.0}, total resources available: {'CPU': 1.0}. Use `ray status`.",
            "Resources required for each replica: {'CPU': 3.0}. Use `ray status`.",
        ),
        ("A replica failed. Retrying 2 more time(s). Error:", "A replica failed. Error:"),
        ("401 Client Error. (Request ID: Root=1-6920-ff09;12)", "401 Client Error."),
        ("read udp 10.244.0.5:41234->10.96.0.10:53: i/o timeout", "read udp 10.96.0.10:53: i/o timeout"),
    ],
)
def test_what_ticks_is_left_out(message: str, want: str) -> None:
    assert readable(message) == want


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("token hf_abcdefghijklmnop is wrong", "abcdefghijklmnop"),
        ("Authorization: Bearer eyJhbGciOi.JIUzI1NiJ9", "eyJhbGciOi"),
        ("redis://:hunter22@redis:6379", "hunter22"),
        ("https://s3/x?X-Amz-Signature=0123456789abcdef&y=1", "0123456789abcdef"),
        ("key AKIAABCDEFGHIJKLMNOP", "AKIAABCDEFGHIJKLMNOP"),
        ("sk-abcdefghijklmnopqrstuvwx", "abcdefghijklmnopqrstuvwx"),
        ("password=hunter2222 x", "hunter2222"),
    ],
)
def test_secrets_are_left_out(text: str, secret: str) -> None:
    assert secret not in scrub(text)


def test_an_error_of_several_lines_is_whole() -> None:
    """pydantic indents what is wrong; only the code below a frame is left out."""
    message = 'It failed. Error:\n  File "a.py", line 1, in f\n    raise E\n    ^^^^^^^\nE: 1 validation error for M\ndtype\n  Input wrong'
    assert readable(message) == "It failed. E: 1 validation error for M dtype Input wrong"


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
