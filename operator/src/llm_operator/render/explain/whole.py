"""What holds for the whole object: cost, URL, the way of requests, Ray, scheduling."""

from typing import Final

from llm_operator.api.quantity import canonical
from llm_operator.api.spec.deployment import LLMDeploymentSpec
from llm_operator.plan.plan import FastPath, Plan
from llm_operator.plan.pods import PodResources
from llm_operator.plan.totals import cost, pods
from llm_operator.render.explain.layout import Section, costs, listed, many, span

_QUEUE_MANAGER: Final = {"Volcano": "volcano", "YuniKorn": "yunikorn", "KAI": "kai-scheduler"}


def _serves(plan: Plan) -> str:
    counted = [many(len(found), word) for found, word in ((plan.models, "model"), (plan.applications, "application"))]
    return listed([said for said in counted if not said.startswith("0 ")])


def _fast_path(fast: FastPath) -> str:
    if fast.enabled:
        return "on: HAProxy hands each request to the engine's own HTTP server"
    return f"off ({fast.reason}): requests go through Ray Serve's proxy and OpenAI ingress; {fast.message}"


def resources(pod: PodResources) -> str:
    """CPU, memory, /dev/shm and disk of one pod."""
    said = [f"{pod.cpu} CPU", f"{canonical(pod.memory)} memory ({canonical(pod.shared_memory)} of it /dev/shm)"]
    said += [f"{pod.ephemeral_storage} disk"] if pod.ephemeral_storage is not None else []
    return ", ".join(said)


def _scheduling(spec: LLMDeploymentSpec, plan: Plan) -> list[str]:
    wanted, said = spec.scheduling, []
    if wanted.priority_class_name is not None:
        said.append(f"PriorityClass {wanted.priority_class_name}, which must exist")
    if wanted.queue_name is not None:
        said.append(
            f"admitted by Kueue's LocalQueue {wanted.queue_name}, which must exist in namespace {plan.namespace}; "
            "the number of pods is fixed"
        )
    if wanted.gang is not None:
        queue = f", queue {wanted.gang_queue}" if wanted.gang_queue is not None else ""
        said.append(
            f"the fewest pods start together or not at all: {wanted.gang}{queue}; KubeRay must run with "
            f"--batch-scheduler={_QUEUE_MANAGER[wanted.gang]}"
        )
    said += [
        f"worker pods of each model spread over {spread.topology_key}, at most {spread.max_skew} apart "
        f"({spread.when_unsatisfiable})"
        for spread in wanted.topology_spread
    ]
    return said


def whole_section(spec: LLMDeploymentSpec, plan: Plan, week: Plan) -> Section:
    """`week`: over all windows."""
    made = Section("In all")
    made.add("Serves", _serves(plan))
    made.add("Accelerators", costs(cost(week)), f"now: {costs(cost(plan))}" if cost(plan) != cost(week) else "")
    made.add("Worker pods", f"{span(pods(week))}, besides the head pod")
    made.add("URL", plan.url)
    made.add("Fast path", _fast_path(plan.fast_path))
    made.add("Ray", f"{plan.ray_version}, image {plan.head_image}", f"head pod: {resources(plan.head)}")
    made.add("Scheduling", *_scheduling(spec, plan))
    if spec.suspend or spec.paused:
        made.add("Now", "suspended: nothing runs" if spec.suspend else "paused: the operator changes nothing")
    return made
