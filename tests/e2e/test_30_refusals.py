"""Wrong input: a message that names the field, and the running service stays as it was."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from e2e import deployment, kube
from e2e.deployment import Serving


@dataclass(frozen=True)
class Wrong:
    """A change to the sample, and what the user must read."""

    name: str
    change: Callable[[dict[str, Any], dict[str, Any]], Any]
    """Called with the whole object and its model."""
    said: tuple[str, ...]


REFUSED = (
    Wrong(
        "unknown field",
        lambda _, model: model.update(scalling={}),
        ('unknown field "spec.models[0].scalling"',),
    ),
    Wrong(
        "min greater than max",
        lambda _, model: model.update(scaling={"minReplicas": 3, "maxReplicas": 2}),
        ("spec.models[0].scaling.minReplicas", "must not be greater than maxReplicas"),
    ),
    Wrong(
        "name too long",
        lambda document, _: document["metadata"].update(name="a" * 41),
        ("metadata.name", "at most 40 characters"),
    ),
    Wrong(
        "two models with one name",
        lambda document, model: document["spec"]["models"].append(dict(model)),
        ("spec.models[1]", "Duplicate value"),
    ),
    Wrong(
        "tensor parallelism that does not fit",
        lambda _, model: model.update(accelerators=[{"type": "H100", "count": 4}], parallelism={"tensor": 3}),
        ("spec.models[0].parallelism", "accelerators[].count must be a multiple of that"),
    ),
    Wrong(
        "unknown accelerator",
        lambda _, model: model.update(accelerators=[{"type": "H1000"}]),
        ("spec.models[0].accelerators[0].type", 'Unsupported value: "H1000"', '"H100"'),
    ),
)


@pytest.mark.parametrize("wrong", REFUSED, ids=lambda wrong: wrong.name)
def test_refused_by_the_api_server(serving: Serving, wrong: Wrong) -> None:
    before = serving.rayservice()["metadata"]["generation"]
    document = deployment.sample()
    wrong.change(document, document["spec"]["models"][0])
    message = kube.refusal(document)
    for part in wrong.said:
        assert part in message
    assert serving.rayservice()["metadata"]["generation"] == before
    assert serving.serves()


@pytest.fixture
def argument() -> Iterator[str]:
    """An engine argument of the running model while the test runs."""
    path = "/spec/models/0/engine/args/max-num-seq"
    kube.patch(kube.LLM, "demo", {"op": "add", "path": path, "value": 4})
    yield "spec.models[0].engine.args.max-num-seq"
    kube.patch(kube.LLM, "demo", {"op": "remove", "path": path})
    deployment.until_condition("demo", "Accepted", "Valid", seconds=30)


def test_unknown_engine_argument(serving: Serving, argument: str) -> None:
    generation, pods = serving.rayservice()["metadata"]["generation"], kube.pods("demo")
    accepted = deployment.until_condition("demo", "Accepted", "InvalidSpec", seconds=30)
    assert accepted.status == "False"
    assert accepted.message.startswith(f"{argument}: ")
    assert 'did you mean "max_num_seqs"?' in accepted.message
    ready = deployment.state("demo")
    assert (ready.status, ready.reason) == ("True", "Serving")
    assert serving.rayservice()["metadata"]["generation"] == generation
    assert kube.pods("demo") == pods
    assert serving.serves()
