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
    "only a s3:// or gs:// source can be streamed: remove streaming",
    ".streaming",
)
S3_KEY_PAIR: Final = Rule(
    "has(self.accessKeyIdSecretRef) == has(self.secretAccessKeySecretRef)",
    "set both accessKeyIdSecretRef and secretAccessKeySecretRef, or neither (then the pods' own identity is used)",
)
ONE_VOLUME: Final = Rule(
    "[has(self.pvc), has(self.emptyDir), has(self.hostPath)].filter(x, x).size() == 1",
    "set exactly one of pvc, emptyDir and hostPath",
)
