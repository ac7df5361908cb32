"""Whether the whole Ray cluster runs on the fast path: HAProxy, direct streaming, Serve's throughput mode.

The switch is in the environment of head and workers (Ray 2.60.0, serve/_private/constants.py), so it holds for all models
and applications. What works there is data: plan/data/compatibility-*.yaml. Tests: tests/unit/plan/test_fast_path.py.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from llm_operator.api.conditions import Reason
from llm_operator.api.errors import FieldError
from llm_operator.api.spec.deployment import LLMDeploymentSpec
from llm_operator.api.spec.model import Model
from llm_operator.plan.compatibility import RAY_VERSION, Feature, compatibility
from llm_operator.plan.plan import FastPath
from llm_operator.plan.pods import Pairs
from llm_operator.plan.schedules import may_sleep, scalings_of

_ENV: Final[Pairs] = (
    # Seconds that a HAProxy which was replaced (any change of replicas does that) may finish its streams: 120 by default,
    # which cuts longer ones. HAProxy's own limit of an idle client connection in Ray is as long.
    ("RAY_SERVE_HAPROXY_HARD_STOP_AFTER_S", "3600"),
)

Places = Iterator[str]


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A field that cannot go with the fast path."""

    path: str
    feature: Feature

    @property
    def reason(self) -> Reason:
        """Of condition FastPath."""
        return self.feature.reason or Reason.CLASSIC_INGRESS

    def __str__(self) -> str:
        return f"{self.path} ({self.reason}): {self.feature.change}"


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def _old_ray(spec: LLMDeploymentSpec) -> Places:
    if _version(spec.ray.version) < _version(RAY_VERSION):
        yield "spec.ray.version"


def _models(tail: str, uses: Callable[[Model], object]) -> Callable[[LLMDeploymentSpec], Places]:
    """The places of a feature that a model has or has not."""

    def places(spec: LLMDeploymentSpec) -> Places:
        for i, model in enumerate(spec.models):
            if uses(model):
                yield f"spec.models[{i}].{tail}"

    return places


def _strategy(name: str) -> Callable[[LLMDeploymentSpec], Places]:
    return _models("routing.strategy", lambda model: model.routing.strategy == name)


def _task(name: str) -> Callable[[LLMDeploymentSpec], Places]:
    return _models("task", lambda model: model.task == name)


def patterned(model: Model) -> bool:
    """Built by a builder of Ray that takes no server class: data parallel, or prefill and decode apart."""
    return model.disaggregation is not None or model.parallelism.data > 1


def _adapters_with_aliases(model: Model) -> bool:
    return model.lora is not None and any(adapter.aliases for adapter in model.lora.adapters)


# Feature of the table → where a spec uses it.
USES: Final[dict[str, Callable[[LLMDeploymentSpec], Places]]] = {
    "Ray": _old_ray,
    "Ingress": _models("ingress", lambda model: model.ingress is not None),
    "Aliases": _models("aliases", lambda model: model.aliases and not patterned(model)),
    "AliasesOfPatterns": _models("aliases", lambda model: model.aliases and patterned(model)),
    "AdapterAliases": _models("lora.adapters", _adapters_with_aliases),
    "Lora": _models("lora", lambda model: model.lora is not None),
    "PrefixCacheAffinity": _strategy("PrefixCacheAffinity"),
    "KVAware": _strategy("KVAware"),
    "Session": _strategy("Session"),
    "PowerOfTwo": _strategy("PowerOfTwo"),
    "RoundRobin": _strategy("RoundRobin"),
    "SeveralModels": lambda spec: iter(("spec.models",) if len(spec.models) > 1 else ()),
    "Applications": lambda spec: iter(("spec.applications",) if spec.applications else ()),
    "ScaleToZero": _models("scaling", lambda model: any(may_sleep(scaling) for scaling in scalings_of(model))),
    "DataParallel": _models("parallelism.data", lambda model: model.parallelism.data > 1),
    "PrefillDecode": _models("disaggregation", lambda model: model.disaggregation is not None),
    "Simulated": _models("engine.type", lambda model: model.engine.type == "Simulated"),
    "Cpu": _models("accelerators", lambda model: any(kind.type == "CPU" for kind in model.accelerators)),
    "Embed": _task("Embed"),
    "Score": _task("Score"),
    "Transcribe": _task("Transcribe"),
    "StructuredOutput": _models("engine.structuredOutput", lambda model: model.engine.structured_output is not None),
}


def used(spec: LLMDeploymentSpec) -> Iterator[tuple[Feature, str]]:
    """Every feature that the spec uses, and where; in the order of the table."""
    for name, feature in compatibility().features.items():
        yield from ((feature, path) for path in USES[name](spec))


def obstacles(spec: LLMDeploymentSpec) -> tuple[Obstacle, ...]:
    """What keeps the fast path off; () when nothing does."""
    return _obstacles(used(spec))


def _obstacles(uses: Iterable[tuple[Feature, str]]) -> tuple[Obstacle, ...]:
    return tuple(Obstacle(path, feature) for feature, path in uses if feature.works == "No")


def fast_path(spec: LLMDeploymentSpec) -> FastPath:
    """Decided by the profile and the compatibility table."""
    if spec.performance.profile == "Classic":
        return FastPath(False, Reason.CLASSIC_INGRESS, "spec.performance.profile is Classic")
    uses = tuple(used(spec))
    if found := _obstacles(uses):
        return FastPath(False, found[0].reason, "to switch it on: " + "; ".join(str(obstacle) for obstacle in found))
    env = {**dict(compatibility().env), **dict(_ENV)}
    for feature, _ in uses:
        env |= dict(feature.env)
    return FastPath(True, Reason.DIRECT_STREAMING, env=tuple(sorted(env.items())))


def check(spec: LLMDeploymentSpec) -> Iterator[FieldError]:
    """Profile Throughput is refused where the fast path cannot work; so is what works on the fast path only."""
    if spec.performance.profile == "Throughput":
        for obstacle in obstacles(spec):
            yield FieldError(
                obstacle.path,
                f"{obstacle.reason}: not with spec.performance.profile Throughput: {obstacle.feature.change}, "
                "or set the profile to Auto or Classic",
            )
        return
    fast_only = tuple(USES["KVAware"](spec))
    if fast_only and not (classic := fast_path(spec)).enabled:
        for path in fast_only:
            yield FieldError(path, f"KVAware works on the fast path only, which is off: {classic.message}")
