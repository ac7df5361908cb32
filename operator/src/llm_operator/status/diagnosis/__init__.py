"""Why is it not ready: the first cause found in pods, RayClusters and Serve's words, as reason and message.

Each finder looks for one cause; FINDERS is the order in which causes are believed. Worker readiness is never looked at:
a worker without a Serve proxy is NotReady by design (KubeRay 1.6.2, controllers/ray/common/pod.go). Kubernetes events are not
watched: what those of KubeRay say stands in conditions too (see admission), and of the kubelet's only FailedMount does not
(see configuration.volume). Tests: tests/unit/status.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from llm_operator.api.conditions import truncate
from llm_operator.plan.inputs import Scope
from llm_operator.plan.plan import Plan
from llm_operator.status.diagnosis.admission import forbidden
from llm_operator.status.diagnosis.capacity import never_fits
from llm_operator.status.diagnosis.configuration import config, volume
from llm_operator.status.diagnosis.ended import crash_loop, evicted, exited, gcs_storage, out_of_memory
from llm_operator.status.diagnosis.engine import deploy_failed, engine, unhealthy
from llm_operator.status.diagnosis.evidence import Cause, Evidence, is_head
from llm_operator.status.diagnosis.images import image
from llm_operator.status.diagnosis.kuberay import look_again, refused, silent
from llm_operator.status.diagnosis.lasting import lasting
from llm_operator.status.diagnosis.scheduling import unschedulable
from llm_operator.status.observed import Observed
from llm_operator.status.serve_message import scrub

__all__ = ["FINDERS", "Cause", "Evidence", "Finder", "diagnose", "look_again"]

Finder = Callable[[Evidence], Cause | None]

FINDERS: Final[tuple[Finder, ...]] = (
    refused,
    silent,
    forbidden,
    image,
    config,
    volume,
    engine,
    gcs_storage,
    out_of_memory,
    evicted,
    crash_loop,
    exited,
    lasting,
    deploy_failed,
    unschedulable,
    never_fits,
    unhealthy,
)


# What can be the matter with a pod, whoever else is well.
OF_PODS: Final[tuple[Finder, ...]] = (
    image,
    config,
    volume,
    gcs_storage,
    out_of_memory,
    evicted,
    crash_loop,
    exited,
    unschedulable,
)


def diagnose(scope: Scope, observed: Observed, plan: Plan | None = None, head: Cause | None = None) -> Cause | None:
    """The first cause, or None when nothing is wrong (yet). `plan` is None while the spec is wrong. `head`: the head of the
    cluster that serves is lost; then the cause is what its pods say, or else that."""
    evidence = Evidence(scope, observed, plan)
    finders = FINDERS
    if head is not None:
        heads = tuple(pod for pod in scope.pods if is_head(pod))
        evidence, finders = Evidence(replace(scope, pods=heads), observed, plan), (forbidden, *OF_PODS)
    cause = next((cause for find in finders if (cause := find(evidence)) is not None), head)
    return None if cause is None else Cause(cause.reason, truncate(" ".join(scrub(cause.message).split())))
