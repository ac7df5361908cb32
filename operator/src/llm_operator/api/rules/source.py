"""Sources, secrets, caches."""

from typing import Final

from llm_operator.api.rules.rule import Rule

ENV_ONE_SOURCE: Final = Rule("has(self.value) != has(self.secretKeyRef)", "set exactly one of value and secretKeyRef")
HF_ONLY_REVISION: Final = Rule(
    "!has(self.revision) || self.uri.startsWith('hf://')",
    "only a hf:// source has revisions: remove revision",
    ".revision",
)
HF_ONLY_TOKEN: Final = Rule(
    "!has(self.tokenSecretRef) || self.uri.startsWith('hf://')",
    "only a hf:// source needs a token: remove tokenSecretRef",
    ".tokenSecretRef",
)
STREAMING_ONLY_BUCKET: Final = Rule(
    "!has(self.streaming) || self.uri.startsWith('s3://') || self.uri.startsWith('gs://')",
    "vLLM streams from s3:// and gs:// only: remove streaming",
    ".streaming",
)
SHARDED_ONLY_S3: Final = Rule(
    "!has(self.streaming) || !has(self.streaming.sharded) || !self.streaming.sharded || self.uri.startsWith('s3://')",
    "vLLM streams sharded weights from s3:// only: remove it",
    ".streaming.sharded",
)
S3_KEY_PAIR: Final = Rule(
    "has(self.accessKeyIdSecretRef) == has(self.secretAccessKeySecretRef)",
    "set both accessKeyIdSecretRef and secretAccessKeySecretRef, or neither (then the pods' own identity is used)",
)
S3_SESSION_TOKEN: Final = Rule(
    "!has(self.sessionTokenSecretRef) || has(self.accessKeyIdSecretRef)",
    "only together with the keys that it belongs to: remove it or set accessKeyIdSecretRef",
    ".sessionTokenSecretRef",
)
S3_NOT_EMPTY: Final = Rule(
    "has(self.endpoint) || has(self.region) || has(self.accessKeyIdSecretRef)",
    "says nothing: set endpoint, region or the keys, or remove it",
)
ONE_VOLUME: Final = Rule(
    "[has(self.pvc), has(self.emptyDir), has(self.hostPath)].filter(x, x).size() == 1",
    "set exactly one of pvc, emptyDir and hostPath",
)


# Rules of the model, which see uri and lora.root. Buckets of azure and abfss are one kind: one block serves both.
def _bucket_used(block: str, *schemes: str) -> str:
    uris = ("self.source.uri", "self.lora.root")
    used = [
        f"({'' if uri.startswith('self.source') else 'has(self.lora) && '}{uri}.startsWith('{scheme}'))"
        for uri in uris
        for scheme in schemes
    ]
    return f"!has(self.source.{block}) || " + " || ".join(used)


_UNUSED: Final = "has no effect: neither source.uri nor lora.root begins with "
S3_USED: Final = Rule(_bucket_used("s3", "s3://"), f"{_UNUSED}s3://: remove it", ".source.s3")
GCS_USED: Final = Rule(_bucket_used("gcs", "gs://"), f"{_UNUSED}gs://: remove it", ".source.gcs")
AZURE_USED: Final = Rule(
    _bucket_used("azure", "azure://", "abfss://"), f"{_UNUSED}azure:// or abfss://: remove it", ".source.azure"
)
WEIGHTS_CACHE_USED: Final = Rule(
    "!has(self.cache) || !has(self.cache.weights) || self.source.uri.startsWith('hf://') || "
    "(!has(self.source.streaming) && !self.source.uri.startsWith('pvc://') && !self.source.uri.startsWith('file://')) || "
    "(has(self.engine) && has(self.engine.speculative) && has(self.engine.speculative.model) && "
    "self.engine.speculative.model.startsWith('hf://'))",
    "has no effect: this source is read in place, nothing is downloaded; remove it",
    ".cache.weights",
)
