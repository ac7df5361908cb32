"""A model, or the two halves of a disaggregated one: what has pods, replicas and a scaling of its own."""

from dataclasses import dataclass

from llm_operator.api.spec.hardware import Accelerator, ModelResources, Parallelism
from llm_operator.api.spec.model import Model
from llm_operator.api.spec.scaling import Scaling
from llm_operator.api.spec.serving import Role


@dataclass(frozen=True, slots=True)
class Part:
    """What one engine deployment is made from; a half has what the model has unless it says otherwise."""

    name: str
    """"" for a whole model; `prefill` or `decode`."""
    path: str
    accelerators: tuple[Accelerator, ...]
    parallelism: Parallelism
    resources: ModelResources
    resources_path: str
    """Where `resources` stands in the spec."""
    scaling: Scaling


def _half(model: Model, path: str, name: str, role: Role) -> Part:
    here = f"{path}.disaggregation.{name}"
    return Part(
        name=name,
        path=here,
        accelerators=role.accelerators or model.accelerators[:1],
        parallelism=role.parallelism or model.parallelism,
        resources=role.resources or model.resources,
        resources_path=f"{here}.resources" if role.resources is not None else f"{path}.resources",
        scaling=role.scaling or model.scaling,
    )


def parts(path: str, model: Model) -> tuple[Part, ...]:
    """One, or prefill and decode."""
    halves = model.disaggregation
    if halves is not None:
        return (_half(model, path, "prefill", halves.prefill), _half(model, path, "decode", halves.decode))
    whole = Part("", path, model.accelerators, model.parallelism, model.resources, f"{path}.resources", model.scaling)
    return (whole,)
