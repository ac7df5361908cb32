"""KV blocks in host memory: vLLM's size in GiB is that of one engine, the API's that of one pod (vLLM 0.29.0, config/cache.py:
"total buffer size summed across all TP ranks"; v1/kv_offload/cpu/spec.py divides it by the whole world size)."""

from collections.abc import Iterator
from typing import Any

from llm_operator.api import quantity
from llm_operator.api.errors import FieldError
from llm_operator.api.parts import Part
from llm_operator.api.spec.model import Model
from llm_operator.plan.groups import pod_resources
from llm_operator.plan.placement import shape


def offload_kwargs(model: Model, part: Part) -> dict[str, Any]:
    """Of the model, or of one half of it."""
    offload = model.kv_cache.offload
    if offload is None:
        return {}
    gibibytes = (
        quantity.parse(offload.memory)
        / quantity.GIB
        * min(shape(accelerator, part.parallelism).pods_per_engine for accelerator in part.accelerators)
    )
    whole = int(gibibytes) if gibibytes == int(gibibytes) else round(gibibytes, 3)
    return {"kv_offloading_backend": "native", "kv_offloading_size": whole}


def check(path: str, model: Model, part: Part) -> Iterator[FieldError]:
    """Does it fit beside /dev/shm? `path`: of the model."""
    offload = model.kv_cache.offload
    if offload is None:
        return
    here = f"{path}.kvCache.offload.memory"
    wanted = quantity.parse(offload.memory)
    if wanted < quantity.GIB:
        yield FieldError(here, f"{offload.memory} must be at least 1Gi")
    for accelerator in part.accelerators:
        pod = pod_resources(part.resources_path, part.resources, accelerator)
        engines = max(1, shape(accelerator, part.parallelism).engines_per_pod)
        left = quantity.parse(pod.memory) - quantity.parse(pod.shared_memory)
        if engines * wanted >= left:
            yield FieldError(
                here,
                f"{engines} replica(s) x {offload.memory} per pod must be less than resources.memory - sharedMemory = "
                f"{pod.memory} - {pod.shared_memory} = {quantity.mebibytes(left)}",
            )
            return
