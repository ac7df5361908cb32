"""Our names and numbers of accelerators are Ray's own, read from the Ray that the images hold."""

from __future__ import annotations

import inspect

import pytest
from llm_operator.api.accelerators import UNSUPPORTED, AcceleratorType, unsupported
from llm_operator.api.spec.hardware import Accelerator
from llm_operator.api.tpu import TOPOLOGIES, tpu_slice
from llm_operator.plan import catalog
from ray._private.accelerators import tpu
from ray.autoscaler._private.kuberay import utils as kuberay
from ray.llm._internal.serve.core.configs import accelerators, llm_config
from ray.util.accelerators import accelerators as names

KNOWN = {value for name, value in vars(names).items() if name.isupper() or name.startswith(("NVIDIA", "AMD", "INTEL"))}
TPUS = [kind for kind in AcceleratorType if kind.is_tpu]


@pytest.mark.parametrize("kind", [kind for kind in AcceleratorType if kind is not AcceleratorType.CPU])
def test_ray_knows_the_name(kind: AcceleratorType) -> None:
    assert kind.value in KNOWN
    assert (kind.value in accelerators.TPU_ACCELERATOR_VALUES) == kind.is_tpu


@pytest.mark.parametrize("kind", TPUS)
def test_topologies_are_rays(kind: AcceleratorType) -> None:
    version = kind.value.lower().removeprefix("tpu-")
    assert tpu.VALID_TPU_TOPOLOGY[version] == TOPOLOGIES[kind]
    for topology in TOPOLOGIES[kind]:
        found = tpu_slice(kind, topology)
        assert found.chips == tpu.get_num_chips_from_topology(topology)
        assert found.per_host == tpu.get_chips_per_host(topology, version)


@pytest.mark.parametrize("kind", TPUS)
def test_rays_autoscaler_reads_the_gke_labels(kind: AcceleratorType) -> None:
    labels = catalog.tpu_node_labels(Accelerator.model_validate({"type": kind.value, "topology": "4x4x4"}))
    generation = kuberay.gke_tpu_accelerator_to_generation[labels["cloud.google.com/gke-tpu-accelerator"]]
    assert generation == kind.value.lower().removeprefix("tpu-")


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_what_ray_serve_llm_cannot_place(name: str) -> None:
    """Ray knows the device, but Ray Serve LLM takes a bundle of it for one without accelerator, and refuses the type with it."""
    resource = {"Intel-GAUDI": "HPU", "aws-neuron-core": "neuron_cores", "Ascend910B": "NPU"}[name]
    assert name in KNOWN
    assert resource in (unsupported(name) or "")
    assert accelerators.infer_hardware_kind_from_bundles({"bundles": [{resource: 1}]}) == "cpu"
    with pytest.raises(ValueError, match="CPU-only"):
        llm_config.LLMConfig(
            model_loading_config={"model_id": "m"},
            accelerator_type=name,
            placement_group_config={"bundles": [{resource: 1}]},
        )
    kinds = {kind.model_fields["kind"].default for kind in accelerators.AcceleratorConfig.__subclasses__()}
    assert kinds == {"cpu", "gpu", "tpu"}
    # Kind gpu by hand would not help: the engine's configuration is made in a task that asks for a GPU.
    assert accelerators.GPUAccelerator().get_remote_options()["num_gpus"] > 0
    assert "num_gpus" in inspect.getsource(accelerators.GPUAccelerator.get_remote_options)


def test_nothing_special_to_say_of_other_names() -> None:
    assert unsupported("H1000") is None
