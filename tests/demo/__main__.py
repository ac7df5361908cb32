"""The demo: install the operator, apply one short file, wait for the model, ask it a question."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Final

import yaml
from cluster import env, install, names
from cluster.shell import ClusterError, say, step

from demo.ask import Answer, ask
from demo.follow import wait_ready, where_to_look
from demo.forward import port_forward

SAMPLE: Final = names.ROOT / "manifests" / "samples" / "demo.yaml"
QUESTION: Final = "What is the capital of France?"
EXPECTED: Final = "Paris"
READY_SECONDS: Final = 600.0


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _spec_lines(path: Path) -> str:
    """The sample without its comments: what the user has to write."""
    lines = (line.partition("  #")[0].rstrip() for line in path.read_text().splitlines())
    return "\n".join(f"    {line}" for line in lines if line.strip() and not line.lstrip().startswith("#"))


def _question(name: str, namespace: str, model: str) -> Answer:
    with port_forward(namespace, f"svc/{name}-serve-svc", 8000) as url:
        _write(f"\n  {QUESTION}\n  > ")
        answer = ask(f"{url}/v1", model, QUESTION, tell=_write)
    _write("\n\n")
    if EXPECTED not in answer.text:
        raise ClusterError(
            f"the model answered {answer.text!r}, not {EXPECTED}: weights, tokenizer and chat template do not fit"
            f" together (images/serve-cpu/model)\n{where_to_look(name, namespace)}"
        )
    say(f"first token after {answer.first_token_seconds:.2f} s, {answer.tokens} tokens in {answer.total_seconds:.2f} s")
    return answer


def _next(name: str, namespace: str, model: str) -> str:
    tools = names.cache_dir() / "bin"
    return f"""
What to try next:
  export KUBECONFIG={env.KUBECONFIG} PATH={tools}:$PATH
  kubectl get llmd -n {namespace}                       # the one line
  kubectl describe llmd {name} -n {namespace}             # conditions and events
  kubectl get rayservice,pods -n {namespace}            # what the operator made of it
  kubectl port-forward -n {namespace} svc/{name}-serve-svc 8000 &
  curl -s localhost:8000/v1/chat/completions -H 'Content-Type: application/json' \\
    -d '{{"model": "{model}", "messages": [{{"role": "user", "content": "Who are you?"}}]}}'
  # an edit that restarts nothing:
  kubectl patch llmd {name} -n {namespace} --type=json \\
    -p='[{{"op": "add", "path": "/spec/models/0/scaling", "value": {{"targetOngoingRequests": 8}}}}]'
  # an edit that is wrong: the message says the field, the model goes on serving:
  kubectl patch llmd {name} -n {namespace} --type=json \\
    -p='[{{"op": "add", "path": "/spec/models/0/engine/args/max-num-seq", "value": 4}}]'
  kubectl delete llmd {name} -n {namespace}             # everything goes
  make cluster-down                             # the cluster too
"""


def run() -> None:
    """Raises ClusterError for everything that a person can act on."""
    begin = time.monotonic()
    env.guard()
    install.install()
    document = yaml.safe_load(SAMPLE.read_text())
    name, namespace = document["metadata"]["name"], document["metadata"]["namespace"]
    model = document["spec"]["models"][0]["name"]
    _write(f"\n  kubectl apply -f {SAMPLE.relative_to(names.ROOT)}\n{_spec_lines(SAMPLE)}\n\n")
    with step(f"kubectl apply -f {SAMPLE.relative_to(names.ROOT)}"):
        env.kubectl("apply", "-f", SAMPLE)
    seconds = wait_ready(name, namespace, seconds=READY_SECONDS, tell=say)
    say(f"Ready {seconds:.0f} s after it was applied")
    _write("\n" + env.kubectl("get", "llmdeployments.llm-operator.io", name, "-n", namespace))
    _question(name, namespace, model)
    say(f"demo done in {time.monotonic() - begin:.0f} s")
    _write(_next(name, namespace, model))


def main() -> int:
    """Exit status: 0 with the right answer, 1 with the reason on standard error."""
    try:
        run()
    except ClusterError as problem:
        say(f"error: {problem}")
        return 1
    except KeyboardInterrupt:
        say("interrupted: run `make demo` again to go on")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
