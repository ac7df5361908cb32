"""Accelerators x parallelism → placement group, pods and Ray resources. Pure arithmetic; api/checks/hardware.py has refused
what does not fit. Tests: tests/unit/plan/test_placement.py.

Ray's logical resources, which placement and the node autoscaler count with:
  * a worker pod of model M offers `group:M` = 1, GPU = accelerators per pod, CPU = 1 for each replica it can hold (plus, on
    CPU, the replica's bundle);
  * a replica takes one bundle per accelerator, and its actor 1 CPU more in the first bundle (Ray 2.60.0,
    llm/_internal/serve/core/server/llm_server.py, get_deployment_options);
  * every bundle asks for 0.001 of `group:M`, so that a model's replicas land on its own pods only.
"""

import math
from dataclasses import dataclass
from typing import Final

from llm_operator.api.spec.hardware import Accelerator, Parallelism
from llm_operator.plan.plan import Bundle, Pairs, Placement

TOKEN: Final = 0.001
_REPLICA_ACTOR_CPUS: Final = 1
_CPU_BUNDLE: Final = 1


def group_name(name: str) -> str:
    """Worker group of a model or application: dots are not allowed in pod names' labels as KubeRay builds them."""
    return name.replace(".", "-")


def group_resource(group: str) -> str:
    """The Ray resource that all pods of a model (or half of one) offer."""
    return f"group:{group}"


def device_key(accelerator: Accelerator) -> str:
    """What Ray calls one accelerator (Ray 2.60.0, ray/_private/accelerators)."""
    return "TPU" if accelerator.type.startswith("TPU") else "GPU"


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
    def engines_per_pod(self) -> int:
        """Engines that one pod holds; 0 when one engine takes several pods."""
        if self.cpu_only:
            return 1
        if self.accelerator.share is not None:
            return self.accelerator.count * math.floor(1 / self.accelerator.share + 1e-9)
        return self.accelerator.count // self.devices

    @property
    def pods_per_engine(self) -> int:
        """Pods that one engine takes; 1 when it fits into one."""
        return 1 if self.engines_per_pod else self.devices // self.accelerator.count

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
                device_key(self.accelerator): str(self.accelerator.count),
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


def _bundle(shape: Shape, group: str) -> Bundle:
    token = (group_resource(group), TOKEN)
    if shape.cpu_only:
        return (("CPU", _CPU_BUNDLE), token)
    return ((device_key(shape.accelerator), shape.accelerator.share or 1), token)


def placement(shapes: tuple[Shape, ...], group: str) -> Placement:
    """The placement group of one engine. With several kinds of pods no kind is asked for: whichever is there will do."""
    first = shapes[0]
    kinds = {shape.accelerator.type.value for shape in shapes}
    return Placement(
        bundles=(_bundle(first, group),) * first.devices,
        # STRICT_PACK: the default PACK would spread tensor parallel workers over nodes without a word.
        strategy="STRICT_PACK" if all(shape.pods_per_engine == 1 for shape in shapes) else "PACK",
        accelerator_type=None if first.cpu_only or len(kinds) > 1 else first.accelerator.type.value,
        tpu_topology=first.accelerator.topology,
    )
