"""How requests reach the engine: LoRA adapters, routing, prefill/decode disaggregation."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from llm_operator.api.rules import serving as rules
from llm_operator.api.spec.hardware import Accelerator, ModelResources, Parallelism
from llm_operator.api.spec.scalars import (
    AS_SET,
    BY_NAME,
    Alias,
    ApiModel,
    Boolean,
    Cost,
    Integer,
    Number,
    cost,
    with_rules,
)
from llm_operator.api.spec.scaling import Scaling
from llm_operator.api.spec.source import BucketUri

AdapterName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=63)]
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9-]*$", max_length=64)]


class Adapter(ApiModel):
    """One LoRA adapter, for clients that should not need to know the base model's name."""

    name: AdapterName = Field(
        description="Folder below lora.root. Clients ask for `MODEL:NAME`, whether it is listed here or not."
    )
    aliases: tuple[Alias, ...] = Field(
        min_length=1,
        max_length=4,
        description="Names that stand for `MODEL:NAME` and are listed in /v1/models.",
        json_schema_extra=AS_SET,
    )


class Lora(ApiModel):
    """LoRA adapters, loaded from a bucket when a request names one, and kept by least recent use. The folder of each adapter
    holds adapter_config.json beside the weights."""

    root: BucketUri = Field(
        description="Bucket folder with one folder per adapter: `s3://`, `gs://`, `azure://` or `abfss://`, with the access of source.s3, "
        "source.gcs or source.azure. A bucket: Ray Serve LLM takes no local path."
    )
    max_rank: Literal[1, 8, 16, 32, 64, 128, 256, 320, 512] = Field(
        default=16,
        description="Highest rank of all adapters (vLLM max_lora_rank); memory is set aside for it. A higher one is refused when it "
        "is loaded.",
    )
    max_adapters_per_replica: Integer = Field(
        default=8,
        ge=1,
        le=256,
        description="Adapters that one replica keeps loaded and can serve in one step (vLLM max_loras, which takes GPU memory, and Ray's "
        "limit: always the same number).",
    )
    adapters: tuple[Adapter, ...] = Field(
        default=(),
        max_length=64,
        description="Adapters with aliases. Editing the list restarts nothing; going from none to some switches the fast path off, "
        "which is a new Ray cluster (with profile Classic it restarts the model). Needs an image that contains llm_serve_app.",
        json_schema_extra=cost(Cost.NOTHING, BY_NAME),
    )


class PrefixCacheAffinity(ApiModel):
    """Options of strategy PrefixCacheAffinity."""

    model_config = with_rules(rules.EVICTION_OPTIONS)

    imbalance_threshold: Integer | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="Difference in requests in flight between two replicas above which load counts more than the prefix. "
        "Default: never.",
    )
    match_rate: Number | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Least share of the prompt, in [0, 1], that must match; else the replica with the fewest prefixes. Default: 0.1.",
    )
    evict: Boolean | None = Field(
        default=None,
        description="Forget old prefixes; else the router's memory grows with every new one. Default: false.",
    )
    eviction_threshold_chars: Integer | None = Field(
        default=None,
        ge=1,
        le=1_000_000_000,
        description="Size above which prefixes are forgotten, in characters. Only with evict. Default: 400000.",
    )
    eviction_target_chars: Integer | None = Field(
        default=None,
        ge=1,
        le=1_000_000_000,
        description="Size down to which prefixes are forgotten, in characters; at most evictionThresholdChars. Only with evict. "
        "Default: 360000.",
    )
    eviction_interval_seconds: Integer | None = Field(
        default=None,
        ge=1,
        le=86_400,
        description="Time between two looks at the size, in seconds. Only with evict. Default: 10.",
    )


class SessionAffinity(ApiModel):
    """Options of strategy Session."""

    header: HeaderName | None = Field(
        default=None,
        description="HTTP header that names the session; one for the whole object. Default: x-session-id.",
        json_schema_extra=cost(Cost.CLUSTER),
    )
    virtual_nodes: Integer | None = Field(
        default=None, ge=1, le=10_000, description="Points of each replica on the hash ring. Default: 100."
    )
    fallback_replicas: Integer | None = Field(
        default=None,
        ge=0,
        le=100,
        description="Next replicas on the ring that are tried when the first is full. Only with performance.profile Classic: on "
        "the fast path no replica is asked first. Default: 2.",
    )


class Routing(ApiModel):
    """Which replica gets a request."""

    model_config = with_rules(rules.PREFIX_OPTIONS, rules.SESSION_OPTIONS)

    strategy: Literal["PowerOfTwo", "RoundRobin", "Session", "PrefixCacheAffinity", "KVAware"] | None = Field(
        default=None,
        description="RoundRobin: in turn. PowerOfTwo: the shorter queue of two. Session: the same replica for the same session header. "
        "PrefixCacheAffinity: the replica that has seen the prompt's beginning; a request whose prompt holds no text (token ids, only "
        "media) fails. KVAware: by the engines' own KV events (alpha in Ray; not with data parallelism or disaggregation; "
        "spec.ray.image must contain ai-dynamo). PowerOfTwo and PrefixCacheAffinity work behind the OpenAI ingress only and switch the "
        "fast path off; KVAware works on the fast path only. Default: RoundRobin on the fast path, else PowerOfTwo.",
        json_schema_extra=cost(Cost.CLUSTER),
    )
    prefix_cache_affinity: PrefixCacheAffinity | None = Field(
        default=None, description="Only with strategy PrefixCacheAffinity."
    )
    session: SessionAffinity | None = Field(default=None, description="Only with strategy Session.")


class Role(ApiModel):
    """One half of a disaggregated model. What is not set is the model's own."""

    accelerators: tuple[Accelerator, ...] | None = Field(
        default=None,
        min_length=1,
        max_length=1,
        description="Hardware of this half's pods. Default: the model's.",
        json_schema_extra=cost(Cost.CLUSTER),
    )
    parallelism: Parallelism | None = Field(
        default=None, description="Default: the model's.", json_schema_extra=cost(Cost.CLUSTER)
    )
    resources: ModelResources | None = Field(
        default=None, description="Default: the model's.", json_schema_extra=cost(Cost.CLUSTER)
    )
    scaling: Scaling | None = Field(
        default=None, description="Default: the model's.", json_schema_extra=cost(Cost.NOTHING)
    )


class Disaggregation(ApiModel):
    """Prefill and decode on their own replicas and worker groups, NAME-prefill and NAME-decode: each is scaled, and placed, by
    its own load."""

    connector: Literal["Nixl", "LMCache", "MoRIIO"] = Field(
        default="Nixl",
        description="How KV blocks travel. Nixl: NIXL. LMCache: NIXL, and LMCache keeps blocks in each pod's memory (5 GiB; "
        "LMCACHE_MAX_LOCAL_CPU_SIZE in engine.env); the image must hold lmcache. MoRIIO: MoRI-IO, between AMD GPUs.",
        json_schema_extra=cost(Cost.CLUSTER),
    )
    prefill: Role = Field(default_factory=Role)
    decode: Role = Field(default_factory=Role)
