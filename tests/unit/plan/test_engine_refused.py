"""Engine, source, cache and LoRA: wrong input → the exact paths and messages, from the API's checks and the plan's."""

from __future__ import annotations

from typing import Any

import pytest
from builders import LLM, llm
from unit.plan.features import OWN_IMAGE, refused

M = "spec.models[0]"
E = f"{M}.engine"
S = f"{E}.speculative"
KEY = {"name": "s", "key": "k"}
GENERATE = "only with task Generate: remove it or set task to Generate"
UNUSED = "has no effect: neither source.uri nor lora.root begins with"
IMAGE = "need an image that contains llm_serve_app: set spec.ray.image to one (the default image has none)"


def engine(**fields: Any) -> LLM:
    return llm().gpu("H100").model(engine=fields)


def speculative(method: str = "ngram", **fields: Any) -> LLM:
    return engine(speculative={"method": method, "tokens": 2, **fields})


def source(uri: str, **fields: Any) -> LLM:
    return llm().model(source={"uri": uri, **fields})


def cache(uri: str = "hf://a/b", **fields: Any) -> LLM:
    return source(uri).model(cache=fields)


def offload(memory: str, count: int = 1, **fields: Any) -> LLM:
    return llm().gpu("H100", count).model(kvCache={"offload": {"memory": memory}}, **fields)


def task(name: str, **fields: Any) -> LLM:
    return llm().model(task=name, engine=fields)


def env(name: str, made: LLM) -> LLM:
    return made.with_("spec.models.0.engine.env", [{"name": name, "value": "x"}])


AZURE = {name: KEY for name in ("tenantIdSecretRef", "clientIdSecretRef", "clientSecretSecretRef")}

WRONG: list[tuple[str, LLM, list[str]]] = [
    # --- names out of vLLM's lists
    ("quantization, near", engine(quantization="gptk"), [f'{E}.quantization: unknown value "gptk"; did you mean "gptq"?']),
    ("cache type", engine(kvCacheDtype="fp9"), [f'{E}.kvCacheDtype: unknown value "fp9"; did you mean "fp8"?']),
    ("tool parser", engine(toolCallParser="hermez"),
     [f'{E}.toolCallParser: vLLM 0.29 has no tool call parser "hermez"; did you mean "hermes"?']),
    ("reasoning parser", engine(reasoningParser="deepseekr1"),
     [f'{E}.reasoningParser: vLLM 0.29 has no reasoning parser "deepseekr1"; did you mean "deepseek_r1"?']),
    ("a tool parser is no reasoning parser", engine(reasoningParser="olmo4"),
     [f'{E}.reasoningParser: vLLM 0.29 has no reasoning parser "olmo4"; did you mean "olmo3"?']),
    ("structured output", engine(structuredOutput={"backend": "xgramar"}),
     [f'{E}.structuredOutput.backend: unknown value "xgramar"; did you mean "xgrammar"?']),
    # --- chat template
    ("two templates", engine(chatTemplate={"inline": "{{ a }}", "configMapKeyRef": KEY}),
     [f"{E}.chatTemplate: set at most one of inline and configMapKeyRef"]),
    ("a path as template", engine(chatTemplate={"inline": "/etc/passwd"}),
     [f"{E}.chatTemplate.inline: must be a Jinja template ({{{{ … }}}} or {{% … %}}): text without braces would be taken for the "
      "name of a file"]),
    ("a key that no ConfigMap has", engine(chatTemplate={"configMapKeyRef": {"name": "t", "key": ".."}}),
     [f'{E}.chatTemplate.configMapKeyRef.key: ".." does not match ^[.]?[-_a-zA-Z0-9][-._a-zA-Z0-9]*$']),
    # --- output and media
    ("compact without a backend for it", engine(structuredOutput={"backend": "outlines", "disableAnyWhitespace": True}),
     [f"{E}.structuredOutput.disableAnyWhitespace: needs backend xgrammar or guidance, not outlines"]),
    ("compact, backend left open", engine(structuredOutput={"disableAnyWhitespace": True}),
     [f"{E}.structuredOutput.disableAnyWhitespace: needs backend xgrammar or guidance, not auto"]),
    ("pixels upside down", engine(multimodal={"minPixels": 10, "maxPixels": 9}),
     [f"{E}.multimodal.minPixels: 10 must not be greater than maxPixels (9)"]),
    ("a URL is no host", engine(multimodal={"allowedMediaDomains": ["https://a.b"]}),
     [f'{E}.multimodal.allowedMediaDomains[0]: "https://a.b" does not match ^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$']),
    ("local media", engine(args={"allowed-local-media-path": "/"}),
     [f"{E}.args.allowed-local-media-path: opens the replica to its callers and is refused"]),
    # --- speculative decoding
    ("unknown method", speculative("eagle33", model="hf://a/b"),
     [f'{S}.method: vLLM 0.29 has no speculative method "eagle33"; did you mean "eagle3"?']),
    ("a class as method", speculative("custom_class", model="hf://a/b"),
     [f'{S}.method: vLLM 0.29 has no speculative method "custom_class"; one of …']),
    ("a method that exports", speculative("extract_hidden_states", model="hf://a/b"),
     [f"{S}.method: extract_hidden_states proposes no tokens, it exports states: choose another"]),
    ("ngram with a model", speculative(model="hf://a/b"), [f"{S}.model: this method proposes tokens without a model of its own: remove model"]),
    ("eagle3 without a head", speculative("eagle3"), [f"{S}.model: required with this method: the draft model or head"]),
    ("a draft model in a bucket", speculative("eagle3", model="s3://a/b"),
     [f"{S}.model: \"s3://a/b\" is not possible here: Draft model or head (hf:// or file://)…"]),
    ("a pinned file", speculative("eagle3", model="file:///m", revision="v1"),
     [f"{S}.revision: only a hf:// draft model has revisions: remove revision"]),
    ("a pin of nothing", speculative("mtp", revision="v1"), [f"{S}.revision: only a hf:// draft model has revisions: remove revision"]),
    ("ngram over several GPUs", speculative(draftTensor=1), [f"{S}.draftTensor: this method has no draft model: remove draftTensor"]),
    ("draft tensor in between", speculative("eagle3", model="hf://a/b", draftTensor=2).gpu("H100", 4).model(parallelism={"tensor": 4}),
     [f"{S}.draftTensor: 2 must be 1 or parallelism.tensor (4)"]),
    ("n-grams of a head", speculative("eagle3", model="hf://a/b", promptLookupMax=3),
     [f"{S}: only methods ngram and ngram_gpu look the prompt up: remove promptLookupMax and promptLookupMin"]),
    ("n-grams upside down", speculative(promptLookupMin=4, promptLookupMax=3),
     [f"{S}.promptLookupMin: 4 must not be greater than promptLookupMax (3)"]),
    ("no tokens", speculative(tokens=0), [f"{S}.tokens: input should be greater than or equal to 1"]),
    # --- tasks
    ("tools for embeddings", task("Embed", toolCallParser="hermes"), [f"{E}.toolCallParser: {GENERATE}"]),
    ("reasoning for scores", task("Score", reasoningParser="qwen3"), [f"{E}.reasoningParser: {GENERATE}"]),
    ("schemas for speech", task("Transcribe", structuredOutput={}), [f"{E}.structuredOutput: {GENERATE}"]),
    ("drafts for embeddings", task("Embed", speculative={"method": "ngram", "tokens": 2}), [f"{S}: {GENERATE}"]),
    ("template defaults for embeddings", task("Embed", chatTemplate={"defaultKwargs": {"a": 1}}),
     [f"{E}.chatTemplate.defaultKwargs: only with task Generate: vLLM's other tasks do not look at it; remove it"]),
    ("a template for speech", task("Transcribe", chatTemplate={"inline": "{{ a }}"}),
     [f"{E}.chatTemplate: task Transcribe has no chat: remove the template"]),
    ("runner instead of task", engine(args={"runner": "pooling"}), [f"{E}.args.runner: is set by the operator: use task"]),
    ("convert beside task", task("Embed", args={"convert": "classify"}), [f"{E}.args.convert: is set twice: here and by task"]),
    ("simulation of vLLM", engine(simulation={"seed": 1}), [f"{E}.simulation: only with type Simulated: remove it or set type to Simulated"]),
    ("simulated without its image", engine(type="Simulated"), [f"{E}.type: Simulated: {IMAGE}"]),
    # --- presets
    ("unknown preset", llm().model(preset="qwenn3"), [f'{M}.preset: unknown preset "qwenn3"; did you mean "qwen3"?']),
    ("preset of another task", llm().model(preset="whisper", task="Embed"),
     [f"{M}.preset: whisper is for task Transcribe, but task is Embed: remove one of them"]),
    ("preset that does not fit a field", llm().model(preset="whisper", engine={"toolCallParser": "hermes"}),
     [f"{M}.preset: whisper does not fit: it sets {E}.toolCallParser: {GENERATE}"]),
    # --- KV offload
    ("offload on CPU", offload("4Gi").model(accelerators=[{"type": "CPU"}]),
     [f"{M}.kvCache.offload: has no effect with accelerator type CPU, whose KV cache is in host memory already: remove it"]),
    ("offload of too little", offload("512Mi"), [f"{M}.kvCache.offload.memory: 512Mi must be at least 1Gi"]),
    ("offload of all that is left", offload("16Gi"),
     [f"{M}.kvCache.offload.memory: 1 replica(s) x 16Gi per pod must be less than resources.memory - sharedMemory = "
      "32768Mi - 16384Mi = 16384Mi"]),
    ("offload of two replicas in one pod", offload("8Gi", 2, resources={"memory": "32Gi", "sharedMemory": "16Gi"}),
     [f"{M}.kvCache.offload.memory: 2 replica(s) x 8Gi per pod must be less than resources.memory - sharedMemory = 32Gi - 16Gi = 16384Mi"]),
    # --- sources
    ("streaming from the hub", source("hf://a/b", streaming={}), [f"{M}.source.streaming: vLLM streams from s3:// and gs:// only: remove streaming"]),
    ("streaming from Azure", source("azure://c@acc.blob.core.windows.net/m", streaming={}),
     [f"{M}.source.streaming: vLLM streams from s3:// and gs:// only: remove streaming"]),
    ("sharded from Google", source("gs://a/b", streaming={"sharded": True}),
     [f"{M}.source.streaming.sharded: vLLM streams sharded weights from s3:// only: remove it"]),
    ("s3 for nothing", source("gs://a/b", s3={"region": "x"}), [f"{M}.source.s3: {UNUSED} s3://: remove it"]),
    ("gcs for nothing", source("s3://a/b", gcs={"credentialsSecretRef": KEY}), [f"{M}.source.gcs: {UNUSED} gs://: remove it"]),
    ("azure for nothing", source("s3://a/b", azure=AZURE), [f"{M}.source.azure: {UNUSED} azure:// or abfss://: remove it"]),
    ("s3 that says nothing", source("s3://a/b", s3={}), [f"{M}.source.s3: says nothing: set endpoint, region or the keys, or remove it"]),
    ("half a pair of keys", source("s3://a/b", s3={"accessKeyIdSecretRef": KEY}),
     [f"{M}.source.s3: set both accessKeyIdSecretRef and secretAccessKeySecretRef, or neither (then the pods' own identity is used)"]),
    ("a session without keys", source("s3://a/b", s3={"region": "x", "sessionTokenSecretRef": KEY}),
     [f"{M}.source.s3.sessionTokenSecretRef: only together with the keys that it belongs to: remove it or set accessKeyIdSecretRef"]),
    ("Azure without an account", source("abfss://c/m"), [f'{M}.source.uri: "abfss://c/m" is not possible here: `hf://ORG/REPO`…']),
    ("abfss on a blob host", source("abfss://c@acc.blob.core.windows.net/m"),
     [f'{M}.source.uri: "abfss://c@acc.blob.core.windows.net/m" is not possible here: `hf://ORG/REPO`…']),
    ("another cloud's host", source("azure://c@acc.blob.evil.example/m"),
     [f'{M}.source.uri: "azure://c@acc.blob.evil.example/m" is not possible here: `hf://ORG/REPO`…']),
    ("load format beside streaming", source("s3://a/b", streaming={}).model(engine={"args": {"load-format": "auto"}}),
     [f"{E}.args.load-format: is set twice: here and by source.streaming"]),
    # --- variables that a field sets
    ("endpoint twice", env("AWS_ENDPOINT_URL", source("s3://a/b", s3={"endpoint": "http://o"})),
     [f"{E}.env[0].name: AWS_ENDPOINT_URL is set by source.s3: remove one of them"]),
    ("secret key in the open", env("AWS_SECRET_ACCESS_KEY", source("s3://a/b", s3={"accessKeyIdSecretRef": KEY, "secretAccessKeySecretRef": KEY})),
     [f"{E}.env[0].name: AWS_SECRET_ACCESS_KEY is set by source.s3: remove one of them"]),
    ("hub folder twice", env("HF_HOME", cache(weights={"emptyDir": {}})), [f"{E}.env[0].name: HF_HOME is set by cache.weights: remove one of them"]),
    ("folder of a bucket's copy", env("HF_HUB_CACHE", source("s3://a/b")),
     [f"{E}.env[0].name: HF_HUB_CACHE is set by source.uri: remove one of them"]),
    ("cache folder twice", env("TRITON_CACHE_DIR", cache(compiled={"emptyDir": {}})),
     [f"{E}.env[0].name: TRITON_CACHE_DIR is set by cache.compiled: remove one of them"]),
    ("credentials twice", env("GOOGLE_APPLICATION_CREDENTIALS", source("gs://a/b", gcs={"credentialsSecretRef": KEY})),
     [f"{E}.env[0].name: GOOGLE_APPLICATION_CREDENTIALS is set by source.gcs: remove one of them"]),
    ("redirects back on", env("VLLM_MEDIA_URL_ALLOW_REDIRECTS", engine(multimodal={"allowedMediaDomains": ["a.b"]})),
     [f"{E}.env[0].name: VLLM_MEDIA_URL_ALLOW_REDIRECTS is set by engine.multimodal.allowedMediaDomains: remove one of them"]),
    ("token, always", env("HF_TOKEN", source("hf://a/b", tokenSecretRef=KEY)),
     [f"{E}.env[0]: HF_TOKEN is set by the operator or by Ray: remove it (a hub token goes to source.tokenSecretRef)"]),
    # --- caches
    ("no volume", cache(weights={}), [f"{M}.cache.weights: set exactly one of pvc, emptyDir and hostPath"]),
    ("two volumes", cache(compiled={"emptyDir": {}, "pvc": {"claimName": "c"}}),
     [f"{M}.cache.compiled: set exactly one of pvc, emptyDir and hostPath"]),
    ("folder of the node", cache(compiled={"hostPath": {"path": "/var/c"}}),
     [f"{M}.cache.compiled.hostPath: is not allowed in this cluster: use pvc or emptyDir, or ask the operator's administrator to set "
      "LLM_OPERATOR_ALLOW_HOST_PATH (chart value operator.allowHostPath)"]),
    ("a way out of the folder", cache(compiled={"hostPath": {"path": "/var/../etc"}}),
     [f'{M}.cache.compiled.hostPath.path: "/var/../etc" does not match …']),
    ("weights of a volume", cache("pvc://c/a", weights={"emptyDir": {}}),
     [f"{M}.cache.weights: has no effect: this source is read in place, nothing is downloaded; remove it"]),
    ("weights that are streamed", source("s3://a/b", streaming={}).model(cache={"weights": {"emptyDir": {}}}),
     [f"{M}.cache.weights: has no effect: this source is read in place, nothing is downloaded; remove it"]),
    # --- LoRA
    ("adapters on a volume", llm().model(lora={"root": "pvc://c/a"}), [f'{M}.lora.root: "pvc://c/a" is not possible here: Bucket folder…']),
    ("rank in between", llm().model(lora={"root": "s3://a/b", "maxRank": 24}),
     [f'{M}.lora.maxRank: unknown value "24"; one of 1, 8, 16, 32, 64, 128, 256, 320, 512']),
    ("no adapters at all", llm().model(lora={"root": "s3://a/b", "maxAdaptersPerReplica": 0}),
     [f"{M}.lora.maxAdaptersPerReplica: input should be greater than or equal to 1"]),
    ("aliases without an image", llm().model(lora={"root": "s3://a/b", "adapters": [{"name": "x", "aliases": ["y"]}]}),
     [f"{M}.lora.adapters: {IMAGE}"]),
    ("an adapter twice", llm().with_("spec.ray", OWN_IMAGE).model(
        lora={"root": "s3://a/b", "adapters": [{"name": "x", "aliases": ["y"]}, {"name": "x", "aliases": ["z"]}]}),
     [f'{M}.lora.adapters[1].name: the adapter "x" is used already at {M}.lora.adapters[0].name: names must be unique']),
    ("slots of vLLM by hand", llm().model(lora={"root": "s3://a/b"}, engine={"args": {"max-loras": 4}}),
     [f"{E}.args.max-loras: is set by the operator: use lora.maxAdaptersPerReplica"]),
]  # fmt: skip


def matches(got: str, want: str) -> bool:
    """`…` at the end stands for a pattern or a list that is tested elsewhere."""
    return got.startswith(want[:-1]) if want.endswith("…") else got == want


@pytest.mark.parametrize(("made", "want"), [pytest.param(made, want, id=name) for name, made, want in WRONG])
def test_refused(made: LLM, want: list[str]) -> None:
    got = refused(made)
    assert len(got) == len(want), got
    assert all(matches(message, wanted) for message, wanted in zip(got, want, strict=True)), got


RIGHT = [
    ("template without tools", engine(chatTemplate={"inline": "{{ messages }}"})),
    ("a template for embeddings", task("Embed", chatTemplate={"inline": "{{ messages }}"})),
    ("media for embeddings", task("Embed", multimodal={"limitPerPrompt": {"image": 1}})),
    ("mtp without a model", speculative("mtp")),
    ("a family's own name of mtp", speculative("qwen3_next_mtp")),
    ("dspark inside the model", speculative("dspark")),
    ("draft tensor as the model's", speculative("eagle3", model="hf://a/b", draftTensor=4).gpu("H100", 4).model(parallelism={"tensor": 4})),
    ("one n-gram", speculative(promptLookupMin=3, promptLookupMax=3)),
    ("one size of images", engine(multimodal={"minPixels": 9, "maxPixels": 9})),
    ("access for adapters", source("gs://a/b", s3={"region": "x"}).model(lora={"root": "s3://a/b"})),
    ("a cache for the draft model of a volume", cache("pvc://c/a", weights={"emptyDir": {}}).model(
        engine={"speculative": {"method": "eagle3", "tokens": 2, "model": "hf://a/b"}})),
    ("the pods' own identity", source("s3://a/b")),
    ("variables that no field sets here", env("HF_HUB_ENABLE_HF_TRANSFER", source("hf://a/b"))),
    ("AWS variables without the block", env("AWS_EC2_METADATA_DISABLED", source("s3://a/b"))),
    ("offload just below what is left", offload("16383Mi")),
    ("the simulated engine in its own image", engine(type="Simulated", image="registry.example/serve:1")),
]  # fmt: skip


@pytest.mark.parametrize("made", [pytest.param(made, id=name) for name, made in RIGHT])
def test_right(made: LLM) -> None:
    assert refused(made) == []
