"""Where weights come from, where they are kept, and the secrets and variables of a model's pods."""

from typing import Annotated

from pydantic import Field, StringConstraints

from llm_operator.api.rules import source as rules
from llm_operator.api.spec.scalars import (
    ApiModel,
    Boolean,
    Cost,
    EnvName,
    EnvValue,
    HostPath,
    Integer,
    ObjectName,
    Quantity,
    SecretKey,
    SubPath,
    cost,
    with_rules,
)

# [A-Za-z0-9] starts every part, so neither "..", an option ("--x") nor a blank can be part of it.
_PART = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_PATH = rf"{_PART}(/{_PART})*"
_CLAIM = r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?"
# abfss://container@account.dfs.core.windows.net/path: Ray takes no other hosts, and the account from the host
# (Ray 2.60.0, llm/_internal/common/utils/cloud_filesystem/pyarrow_filesystem.py).
_ACCOUNT = r"[a-z0-9]{3,24}"
_AZURE = rf"(abfss://{_PART}@{_ACCOUNT}\.dfs|azure://{_PART}@{_ACCOUNT}\.(blob|dfs))\.core\.windows\.net/{_PATH}"
Uri = Annotated[
    str,
    StringConstraints(
        pattern=rf"^(hf://{_PART}/{_PART}|file:///{_PATH}|(s3|gs)://{_PATH}/?|{_AZURE}/?|pvc://{_CLAIM}(/{_PATH})?)$",
        max_length=512,
    ),
]
BucketUri = Annotated[str, StringConstraints(pattern=rf"^((s3|gs)://{_PATH}|{_AZURE})/?$", max_length=512)]
DraftUri = Annotated[str, StringConstraints(pattern=rf"^(hf://{_PART}/{_PART}|file:///{_PATH})$", max_length=512)]
Revision = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$", max_length=128)]
Endpoint = Annotated[
    str,
    StringConstraints(pattern=r"^https?://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?/?$", max_length=253),
]


class SecretKeyRef(ApiModel):
    """One key of a Secret in the namespace of the LLMDeployment. The operator never reads it: the kubelet does."""

    name: ObjectName = Field(description="Name of the Secret.")
    key: SecretKey = Field(description="Key inside the Secret.")


class ConfigMapKeyRef(ApiModel):
    """One key of a ConfigMap in the namespace of the LLMDeployment; mounted as a file."""

    name: ObjectName = Field(description="Name of the ConfigMap.")
    key: SecretKey = Field(description="Key inside the ConfigMap.")


class EnvVar(ApiModel):
    """One environment variable of a Ray worker container."""

    model_config = with_rules(rules.ENV_ONE_SOURCE)

    name: EnvName = Field(
        description="Name of the variable. Names that the operator owns (RAY_*, HF_TOKEN, …) are refused."
    )
    value: EnvValue | None = Field(default=None, description="Literal value. Never a secret: use secretKeyRef.")
    secret_key_ref: SecretKeyRef | None = Field(default=None, description="Take the value from a Secret.")


class S3(ApiModel):
    """Access to s3:// for the model's pods. Without it, the pods' own identity is used. Needs boto3 in the image."""

    model_config = with_rules(rules.S3_KEY_PAIR, rules.S3_SESSION_TOKEN, rules.S3_NOT_EMPTY)

    endpoint: Endpoint | None = Field(
        default=None, description="URL of an S3-compatible server, e.g. http://minio.storage:9000. Default: AWS."
    )
    region: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+$", max_length=32)] | None = Field(
        default=None, description="Region of the bucket. Default: what the client library finds out."
    )
    access_key_id_secret_ref: SecretKeyRef | None = Field(
        default=None, description="Access key id; only together with the secret access key."
    )
    secret_access_key_secret_ref: SecretKeyRef | None = Field(
        default=None, description="Secret access key; only together with the access key id."
    )
    session_token_secret_ref: SecretKeyRef | None = Field(default=None, description="Session token of temporary keys.")


class Gcs(ApiModel):
    """Access to gs:// for the model's pods. Without it, workload identity is used."""

    credentials_secret_ref: SecretKeyRef = Field(
        description="Service account key (JSON); mounted as a file that GOOGLE_APPLICATION_CREDENTIALS names."
    )


class Azure(ApiModel):
    """Access to azure:// and abfss:// for the model's pods: a service principal. Without it, workload identity is used.
    Needs adlfs and azure-identity in the image."""

    tenant_id_secret_ref: SecretKeyRef = Field(description="Directory (tenant) id.")
    client_id_secret_ref: SecretKeyRef = Field(description="Application (client) id.")
    client_secret_secret_ref: SecretKeyRef = Field(description="Client secret.")


class Streaming(ApiModel):
    """Weights (safetensors) go from the bucket straight into GPU memory: vLLM's load format runai_streamer. Nothing is written
    to disk first, so cache.weights has no part in it. Needs runai-model-streamer in the image."""

    concurrency: Integer | None = Field(
        default=None, ge=1, le=256, description="Threads that read. Default: the streamer's own."
    )
    memory_limit: Quantity | None = Field(
        default=None,
        description="Most host memory that the reader's buffer takes, in each worker process. Default: the streamer's own.",
    )
    sharded: Boolean = Field(
        default=False,
        description="The bucket holds one file per tensor parallel rank, as vLLM's sharded state saver writes them "
        "(load format runai_streamer_sharded). Only with s3://.",
    )


class Source(ApiModel):
    """Where the weights come from."""

    model_config = with_rules(
        rules.HF_ONLY_REVISION, rules.HF_ONLY_TOKEN, rules.STREAMING_ONLY_BUCKET, rules.SHARDED_ONLY_S3
    )

    uri: Uri = Field(
        description="`hf://ORG/REPO`, `s3://BUCKET/PATH`, `gs://BUCKET/PATH`, `azure://CONTAINER@ACCOUNT.blob.core.windows.net/PATH`, "
        "`abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH`, `pvc://CLAIM/PATH` or `file:///PATH`. hf: the Hugging Face hub. s3, gs, "
        "azure, abfss: a folder in a bucket; each new pod copies it to disk first, unless it is streamed. pvc: a volume, mounted "
        "read-only; another claim is a new Ray cluster. file: a folder inside the image. Ray logs a failed copy from a bucket and then "
        "looks for a hub repository with the model's name: see the replica's log.",
    )
    revision: Revision | None = Field(
        default=None,
        description="Commit, tag or branch of the hub repository. Pin a commit in production. Only with hf://.",
    )
    token_secret_ref: SecretKeyRef | None = Field(
        default=None,
        description="Hub token for gated or private repositories; reaches the pods as HF_TOKEN. Only with hf://.",
        json_schema_extra=cost(Cost.CLUSTER),
    )
    s3: S3 | None = Field(
        default=None, description="Access to s3://, for uri and lora.root.", json_schema_extra=cost(Cost.CLUSTER)
    )
    gcs: Gcs | None = Field(
        default=None, description="Access to gs://, for uri and lora.root.", json_schema_extra=cost(Cost.CLUSTER)
    )
    azure: Azure | None = Field(
        default=None,
        description="Access to azure:// and abfss://, for uri and lora.root.",
        json_schema_extra=cost(Cost.CLUSTER),
    )
    streaming: Streaming | None = Field(
        default=None, description="Stream the weights from the bucket instead of copying them to disk first."
    )


class PersistentVolumeClaim(ApiModel):
    """A claim in the namespace of the LLMDeployment; every pod of the model mounts it (ReadWriteMany, or one node)."""

    claim_name: ObjectName = Field(description="Name of the PersistentVolumeClaim.")
    sub_path: SubPath | None = Field(default=None, description="Folder inside the volume. Default: its root.")


class EmptyDir(ApiModel):
    """A folder that lives as long as the pod: another volume than the container's own layer."""

    size_limit: Quantity | None = Field(
        default=None, description="Most that may be written; the pod is evicted beyond it. Default: no limit."
    )


class HostFolder(ApiModel):
    """A folder of the node, kept when the pod goes, and shared by all pods there that may mount it. Refused unless the operator's
    administrator allows it (LLM_OPERATOR_ALLOW_HOST_PATH); PodSecurity "restricted" and "baseline" forbid such pods."""

    path: HostPath = Field(description="Absolute path on the node; made if missing.")


class CacheVolume(ApiModel):
    """Exactly one kind of volume."""

    model_config = with_rules(rules.ONE_VOLUME)

    pvc: PersistentVolumeClaim | None = Field(default=None, description="A persistent volume claim.")
    empty_dir: EmptyDir | None = Field(default=None, description="A folder that lives as long as the pod.")
    host_path: HostFolder | None = Field(default=None, description="A folder of the node.")


class Cache(ApiModel):
    """What a new pod need not download or compile again."""

    weights: CacheVolume | None = Field(
        default=None,
        description="Downloaded weights (HF_HOME), for hf://, s3://, gs://, azure:// and abfss:// that is not streamed. Files from the "
        "hub are not fetched again; a bucket is copied again, into its own folder. Default: the container's own layer, gone with "
        "the pod.",
    )
    compiled: CacheVolume | None = Field(
        default=None,
        description="Compiled graphs and kernels of vLLM, Inductor, Triton and FlashInfer (VLLM_CACHE_ROOT and the like). Whoever can "
        "write there can run code in the pods: never share it between tenants. Default: gone with the pod.",
    )
