"""What an edit of these fields costs: what is part of the pods (a new Ray cluster), of the replicas' code (a restart), or
neither. tests/golden measures the same with Ray's and KubeRay's own functions, for fewer edits."""

from __future__ import annotations

from typing import Any

import pytest
from builders import LLM, llm
from llm_operator.plan.inputs import Policy, Scope
from llm_operator.sync import sync
from unit.plan.features import NOW, OWN_IMAGE, engine, group, planned

S3 = {"uri": "s3://b/m", "streaming": {}}
KEY = {"name": "s", "key": "k"}


def model(**fields: Any) -> LLM:
    return llm("m").with_("spec.ray", OWN_IMAGE).model(**fields)


def template(text: str) -> LLM:
    return model(engine={"chatTemplate": {"inline": text}})


def lora(**fields: Any) -> LLM:
    return model(lora={"root": "s3://b/l", **fields})


def aliases(*names: str) -> LLM:
    return lora(adapters=[{"name": "a", "aliases": list(names)}])


# (name, before, after, what changes)
EDITS: list[tuple[str, LLM, LLM, set[str]]] = [
    ("chat template", template("{{ a }}"), template("{{ b }}"), {"engine"}),
    ("chat template, to a ConfigMap", template("{{ a }}"), model(engine={"chatTemplate": {"configMapKeyRef": KEY}}),
     {"engine", "pods"}),
    ("hosts of media", model(engine={"multimodal": {}}), model(engine={"multimodal": {"allowedMediaDomains": ["a.b"]}}), {"engine"}),
    ("tool parser", model(), model(engine={"toolCallParser": "hermes"}), {"engine"}),
    ("speculation", model(), model(engine={"speculative": {"method": "mtp", "tokens": 1}}), {"engine"}),
    ("preset", model(), model(preset="qwen3"), {"engine"}),
    ("task", model(), model(task="Embed"), {"engine"}),
    ("another bucket", model(source={"uri": "s3://b/m"}), model(source={"uri": "s3://b/n"}), {"engine"}),
    ("another claim", model(source={"uri": "pvc://a/m"}), model(source={"uri": "pvc://b/m"}), {"engine", "pods"}),
    ("another folder of a claim", model(source={"uri": "pvc://a/m"}), model(source={"uri": "pvc://a/n"}), {"engine"}),
    ("revision", model(), model(source={"uri": "hf://Qwen/Qwen3-8B", "revision": "v1"}), {"engine"}),
    ("token", model(), model(source={"uri": "hf://Qwen/Qwen3-8B", "tokenSecretRef": KEY}), {"pods"}),
    ("streaming", model(source={"uri": "s3://b/m"}), model(source=S3), {"engine"}),
    ("threads of streaming", model(source=S3), model(source={**S3, "streaming": {"concurrency": 3}}), {"engine"}),
    ("region", model(source={"uri": "s3://b/m"}), model(source={"uri": "s3://b/m", "s3": {"region": "x"}}), {"pods"}),
    ("compile cache", model(), model(cache={"compiled": {"emptyDir": {}}}), {"pods"}),
    ("KV offload", model(), model(kvCache={"offload": {"memory": "2Gi"}}), {"engine"}),
    ("rank of adapters", lora(), lora(maxRank=32), {"engine"}),
    ("aliases of adapters", aliases("x"), aliases("y"), set()),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "want"), [pytest.param(*row[1:], id=row[0]) for row in EDITS])
def test_cost(before: LLM, after: LLM, want: set[str]) -> None:
    changed = set()
    if group(before) != group(after):
        changed.add("pods")
    if engine(before) != engine(after):
        changed.add("engine")
    assert changed == want
    assert planned(before) != planned(after), "an edit without any effect"


def test_the_policy_of_the_scope_decides() -> None:
    made = model(cache={"weights": {"hostPath": {"path": "/var/c"}}})
    now = NOW.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert sync(Scope(parent=made.object(), now=now)).apply is None
    assert sync(Scope(parent=made.object(), now=now, policy=Policy(allow_host_path=True))).apply is not None
