"""Accelerators x parallelism → placement group, pods and Ray resources. Pure arithmetic; api/checks/hardware.py has refused
what does not fit. Tests: tests/unit/plan/test_placement.py.

Ray's logical resources, which placement and the node autoscaler count with:
  * a worker pod of model M offers `group:M` = 1, GPU = accelerators per pod, CPU = 1 for each engine it can hold (plus, on
    CPU, the engine's bundle);
  * an engine takes one bundle per accelerator, and its actor 1 CPU more in the first bundle (Ray 2.60.0,
    llm/_internal/serve/core/server/llm_server.py, get_deployment_options);
  * every bundle asks for 0.001 of `group:M`, so that a model's replicas land on its own pods only;
  * a TPU slice is one bundle per host, reserved by the running replica itself, whose actor is outside of it
    (llm/_internal/serve/core/configs/accelerators.py); Ray adds 1 CPU to each of these bundles (ray/util/tpu.py).
"""

import math
from dataclasses import dataclass
from typing import Final

from llm_operator.api.checks.hardware import engines_per_device
from llm_operator.api.parts import Part
from llm_operator.api.spec.hardware import Accelerator, Parallelism
from llm_operator.api.tpu import Slice, tpu_slice
from llm_operator.plan.plan import Bundle, Placement
from llm_operator.plan.pods import Pairs

TOKEN: Final = 0.001
_REPLICA_ACTOR_CPUS: Final = 1
_CPU_BUNDLE: Final = 1
# What vLLM has long taken of a whole GPU (now 0.92); the rest is for CUDA contexts, which every engine has of its own.
_SHARE_TAKEN: Final = 0.9


def group_name(name: str) -> str:
    """Worker group of a model or application: dots are not allowed in pod names' labels as KubeRay builds them."""
    return name.replace(".", "-")


def group_resource(group: str) -> str:
    """The Ray resource that all pods of a model (or half of one) offer."""
    return f"group:{group}"


def device_key(accelerator: Accelerator) -> str:
    """What Ray calls one accelerator (Ray 2.60.0, ray/_private/accelerators)."""
    return "TPU" if accelerator.type.is_tpu else "GPU"


def devices_per_pod(accelerator: Accelerator) -> int:
    """Accelerators that one pod asks Kubernetes for."""
    if accelerator.topology is not None:
        return tpu_slice(accelerator.type, accelerator.topology).per_host
    return accelerator.count


@dataclass(frozen=True, slots=True)
class Shape:
    """How replicas and pods of one kind fit together. A replica is what the user scales: with data parallelism all its ranks."""

    accelerator: Accelerator
    devices: int
    """Accelerators of one engine: tensor x pipeline."""
    ranks: int
    """Engines of one replica: data parallel size."""

    @property
    def cpu_only(self) -> bool:
        """No accelerator at all."""
        return self.accelerator.type == "CPU"

    @property
    def slice(self) -> Slice | None:
        """The TPU slice that one engine takes."""
        topology = self.accelerator.topology
        return None if topology is None else tpu_slice(self.accelerator.type, topology)

    @property
    def devices_per_pod(self) -> int:
        """Accelerators that one pod asks Kubernetes for."""
        return devices_per_pod(self.accelerator)

    @property
    def engines_per_pod(self) -> int:
        """Engines that one pod holds; 0 when one engine takes several pods."""
        if self.cpu_only:
            return 1
        if self.accelerator.share is not None:
            return self.accelerator.count * engines_per_device(self.accelerator.share)
        return self.devices_per_pod // self.devices

    @property
    def pods_per_engine(self) -> int:
        """Pods that one engine takes; 1 when it fits into one."""
        return 1 if self.engines_per_pod else self.devices // self.devices_per_pod

    @property
    def hosts(self) -> int:
        """KubeRay's numOfHosts. Only a TPU slice needs it: its hosts are one machine to Google and to Ray, which looks for them
        by labels. With GPUs it would do harm: Ray packs a placement group onto any pods of the group, not onto the sets that
        KubeRay made, so that a lost pod would take replicas of two sets with it (KubeRay 1.6.2, raycluster_controller.go,
        reconcileMultiHostWorkerGroup deletes whole sets), and the autoscaler would round what it asks for down to whole sets
        (Ray 2.60.0, autoscaler/v2/instance_manager/cloud_providers/kuberay/cloud_provider.py, _submit_scale_request)."""
        return self.slice.hosts if self.slice is not None else 1

    def pods(self, replicas: int) -> int:
        """Pods that hold this many replicas."""
        engines = replicas * self.ranks
        return math.ceil(engines / self.engines_per_pod) if self.engines_per_pod else engines * self.pods_per_engine

    def ray_resources(self, group: str) -> Pairs:
        """What one pod offers."""
        actors = max(1, self.engines_per_pod)
        cpus = actors * (_REPLICA_ACTOR_CPUS + (_CPU_BUNDLE if self.cpu_only else 0))
        offered = {"CPU": str(cpus), group_resource(group): "1"}
        if not self.cpu_only:
            offered |= {
                device_key(self.accelerator): str(self.devices_per_pod),
                # Ray's autoscaler does not know it otherwise and would never start a first pod.
                f"accelerator_type:{self.accelerator.type}": "1",
            }
        return tuple(sorted(offered.items()))

    def describe(self) -> str:
        """Accelerators of one replica for people: `CPU`, `2xH100`, `0.3xL4`."""
        if self.cpu_only:
            return "CPU"
        amount = self.accelerator.share or self.devices * self.ranks
        return f"{amount:g}x{self.accelerator.type.value}"


def shape(accelerator: Accelerator, parallelism: Parallelism) -> Shape:
    """The shape of one kind of pods."""
    return Shape(accelerator, devices=parallelism.tensor * parallelism.pipeline, ranks=parallelism.data)


def shapes_of(part: Part) -> tuple[Shape, ...]:
    """One for each kind of pods."""
    return tuple(shape(accelerator, part.parallelism) for accelerator in part.accelerators)


def _bundles(shape: Shape, group: str) -> tuple[Bundle, ...]:
    token = (group_resource(group), TOKEN)
    if shape.cpu_only:
        return ((("CPU", _CPU_BUNDLE), token),)
    if shape.slice is not None:
        return ((("TPU", shape.devices_per_pod), token),) * shape.hosts
    return ((("GPU", shape.accelerator.share or 1), token),) * shape.devices


def placement(shapes: tuple[Shape, ...], group: str) -> Placement:
    """The placement group of one engine. With several kinds of pods no kind is asked for: whichever is there will do."""
    first = shapes[0]
    kinds = {shape.accelerator.type.value for shape in shapes}
    return Placement(
        bundles=_bundles(first, group),
        # STRICT_PACK: the default PACK would spread tensor parallel workers over nodes without a word. With data parallelism
        # Ray drops it: the engines of one replica are one PACK group (Ray 2.60.0, serving_patterns/data_parallel/dp_server.py).
        strategy="STRICT_PACK" if all(shape.pods_per_engine == 1 for shape in shapes) else "PACK",
        accelerator_type=None if first.cpu_only or len(kinds) > 1 else first.accelerator.type.value,
        tpu_topology=first.accelerator.topology,
        token=group_resource(group),
    )


def memory_utilization(shapes: tuple[Shape, ...]) -> float | None:
    """vLLM's gpu_memory_utilization for engines that share a GPU, when the user has said none; None for vLLM's default."""
    share = shapes[0].accelerator.share
    return None if share is None else math.floor(share * _SHARE_TAKEN * 1000) / 1000
