"""One model: a shape, a source, and engine settings of its task."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st
from unit.drawing.hardware import MODEL, Model, scaling, shapes
from unit.drawing.schema import Drawn, values

_MADE_HERE: Final = frozenset(
    {
        "name", "source", "accelerators", "parallelism", "disaggregation", "scaling", "task", "cache", "lora", "routing",
        "engine",
    }
)  # fmt: skip
_PARTS: Final = frozenset({"chatTemplate", "multimodal", "structuredOutput", "speculative", "simulation"})
_ENGINE: Final = MODEL["properties"]["engine"]
_SOURCE: Final = MODEL["properties"]["source"]
_SCHEMES: Final = ("hf", "file", "pvc", "s3", "gs", "azure", "abfss")
_PATHS: Final = {
    "hf": "hf://Qwen/Qwen3-8B", "file": "file:///models/demo", "pvc": "pvc://weights/qwen/3", "s3": "s3://bucket/qwen/",
    "gs": "gs://bucket/a/b", "azure": "azure://c@account.blob.core.windows.net/p", "abfss": "abfss://c@account.dfs.core.windows.net/p",
}  # fmt: skip
_USED_BY: Final = {"s3": {"s3"}, "gcs": {"gs"}, "azure": {"azure", "abfss"}}
_ONLY_GENERATE: Final = ("toolCallParser", "reasoningParser", "structuredOutput", "speculative")
_VOLUMES: Final = ("pvc", "emptyDir", "hostPath")
_TASKS: Final = st.sampled_from(["Generate", "Generate", "Generate", "Embed", "Score", "Transcribe"])


@st.composite
def _source(draw: st.DrawFn, lora: str) -> dict[str, Any]:
    """`lora`: scheme of the adapters' bucket, which may use the same access; "" without."""
    scheme = draw(st.sampled_from(_SCHEMES))
    made: dict[str, Any] = {**draw(values(_SOURCE, ("source",), frozenset({"uri"}))), "uri": _PATHS[scheme]}
    for block, schemes in _USED_BY.items():
        if not schemes & {scheme, lora}:
            made.pop(block, None)
    if scheme != "hf":
        made.pop("revision", None)
        made.pop("tokenSecretRef", None)
    if scheme not in ("s3", "gs"):
        made.pop("streaming", None)
    elif scheme == "gs":
        made.get("streaming", {}).pop("sharded", None)
    if "s3" in made:
        made["s3"] = _keys(made["s3"])
    return made


def _keys(block: dict[str, Any]) -> dict[str, Any]:
    """Both halves of a key or none, and never nothing at all."""
    if ("accessKeyIdSecretRef" in block) != ("secretAccessKeySecretRef" in block):
        block = {name: value for name, value in block.items() if "AccessKey" not in name and "accessKey" not in name}
    if "accessKeyIdSecretRef" not in block:
        block.pop("sessionTokenSecretRef", None)
    return block if block.keys() & {"endpoint", "region", "accessKeyIdSecretRef"} else {"region": "eu-west-1"}


@st.composite
def _cache(draw: st.DrawFn) -> dict[str, Any]:
    made: dict[str, Any] = draw(values(MODEL["properties"]["cache"], ("cache",)))
    schema = MODEL["properties"]["cache"]["properties"]
    for name in made:
        kind = draw(st.sampled_from(_VOLUMES))
        made[name] = {kind: draw(values(schema[name]["properties"][kind], ("cache", kind)))}
    return made


@st.composite
def _speculative(draw: st.DrawFn, tensor: int | None) -> dict[str, Any]:
    """`tensor`: of the model; None when it has halves of different sizes."""
    method = draw(st.sampled_from(["ngram", "suffix", "mtp", "eagle3", "draft_model"]))
    made: dict[str, Any] = {"method": method, "tokens": draw(st.integers(1, 5))}
    if method == "ngram" and draw(st.booleans()):
        made |= {"promptLookupMin": 2, "promptLookupMax": draw(st.integers(2, 4))}
    if method in ("eagle3", "draft_model"):
        made["model"] = draw(st.sampled_from(["hf://a/draft", "file:///draft"]))
        if made["model"].startswith("hf") and draw(st.booleans()):
            made["revision"] = "main"
        if draw(st.booleans()):
            made["draftTensor"] = draw(st.sampled_from([1, 1 if tensor is None else tensor]))
    return made


@st.composite
def _engine(draw: st.DrawFn, tensor: int | None) -> dict[str, Any]:
    """`tensor`: see _speculative."""
    made: dict[str, Any] = draw(values(_ENGINE, ("engine",), _PARTS))
    for part in draw(st.lists(st.sampled_from(sorted(_PARTS)), max_size=2, unique=True)):
        if part == "speculative":
            made[part] = draw(_speculative(tensor))
        else:
            made[part] = draw(values(_ENGINE["properties"][part], ("engine", part)))
        if part == "simulation":
            made["type"] = "Simulated"
    return made


def _repair_multimodal(media: dict[str, Any]) -> None:
    if media.get("minPixels", 0) > media.get("maxPixels", 10**9):
        media["maxPixels"] = media["minPixels"]


def _repair_task(model: Model, task: str) -> None:
    engine = model.get("engine", {})
    template = engine.get("chatTemplate", {})
    if "inline" in template:
        template.pop("configMapKeyRef", None)
    if task != "Generate":
        for name in _ONLY_GENERATE:
            engine.pop(name, None)
        template.pop("defaultKwargs", None)
        model.pop("disaggregation", None)
    if task == "Transcribe":
        engine.pop("chatTemplate", None)


def _repair_engine(model: Model) -> None:
    engine = model.get("engine", {})
    if engine.get("type") != "Simulated":
        engine.pop("simulation", None)
    output = engine.get("structuredOutput", {})
    if output.get("backend") not in ("xgrammar", "guidance"):
        output.pop("disableAnyWhitespace", None)
    _repair_multimodal(engine.get("multimodal", {}))
    kinds = model["accelerators"]
    if kinds[0]["type"] == "CPU" or "share" in kinds[0]:
        engine.pop("gpuMemoryUtilization", None)
    if kinds[0]["type"] == "CPU" or "disaggregation" in model:
        model.pop("kvCache", None)


def _repair_preset(model: Model) -> None:
    """Its settings are for its task and its own engine; the user's contradict them only rarely."""
    if "preset" in model:
        model.pop("task", None)
        kept = ("contextLength", "type", "args", "env", "dtype")
        model["engine"] = {name: value for name, value in model.get("engine", {}).items() if name in kept}
        model.pop("disaggregation", None)
        if "prefixCacheAffinity" in model.get("routing", {}):
            model.pop("routing")


def _repair_scaling(model: Model) -> None:
    """A slice of several hosts is never scaled; one kind of pods alone must hold all replicas."""
    if model["accelerators"][0].get("topology") == "4x4":
        model["scaling"] = {"minReplicas": model.get("scaling", {}).get("minReplicas") or 1}


def _downloads(model: Model) -> bool:
    source = model["source"]
    in_place = "streaming" in source or source["uri"].startswith(("pvc", "file"))
    draft = model.get("engine", {}).get("speculative", {}).get("model", "")
    return not in_place or bool(draft.startswith("hf"))


@st.composite
def _routing(draw: st.DrawFn, task: str) -> dict[str, Any]:
    prompts = ["PrefixCacheAffinity"] if task == "Generate" else []
    strategy = draw(st.sampled_from([*prompts, "PowerOfTwo", "RoundRobin", "Session", *prompts]))
    schema = MODEL["properties"]["routing"]["properties"]
    made: dict[str, Any] = {"strategy": strategy}
    if strategy == "Session":
        made["session"] = draw(values(schema["session"], ("routing", "session")))
    if strategy == "PrefixCacheAffinity":
        options = draw(values(schema["prefixCacheAffinity"], ("routing", "prefixCacheAffinity")))
        evictions = {name: 10 for name in options if name.startswith("eviction")}
        made["prefixCacheAffinity"] = {**options, **({"evict": True, "evictionTargetChars": 5} if evictions else {})}
    return made


@st.composite
def _lora(draw: st.DrawFn) -> dict[str, Any]:
    scheme = draw(st.sampled_from(["s3", "gs", "azure", "abfss"]))
    made: dict[str, Any] = draw(values(MODEL["properties"]["lora"], ("lora",), frozenset({"root"})))
    return {**made, "root": _PATHS[scheme]}


@st.composite
def models(draw: st.DrawFn) -> Model:
    """Without a name, and with aliases that other models may have too."""
    model: Model = {**draw(values(MODEL, ("models",), _MADE_HERE)), **draw(shapes)}
    task = draw(_TASKS)
    if task != "Generate" or draw(st.booleans()):
        model["task"] = task
    tensor = None if "disaggregation" in model else model.get("parallelism", {}).get("tensor", 1)
    optional: dict[str, Drawn] = {
        "scaling": scaling(), "cache": _cache(), "lora": _lora(), "routing": _routing(task), "engine": _engine(tensor)
    }  # fmt: skip
    for name, made in optional.items():
        if draw(st.booleans()):
            model[name] = draw(made)
    model["source"] = draw(_source(model.get("lora", {}).get("root", "").partition("://")[0]))
    _repair_task(model, task)
    _repair_preset(model)
    _repair_engine(model)
    _repair_scaling(model)
    ingress = model.get("ingress", {})
    if ingress.get("minReplicas", 1) > ingress.get("maxReplicas", 100):
        ingress["maxReplicas"] = ingress["minReplicas"]
    if not _downloads(model):
        model.get("cache", {}).pop("weights", None)
    return model
