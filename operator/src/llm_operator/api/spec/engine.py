"""The inference engine and its settings."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue, StringConstraints

from llm_operator.api.rules import engine as rules
from llm_operator.api.spec.scalars import (
    AS_SET,
    ApiModel,
    Boolean,
    Cost,
    Identifier,
    Image,
    Integer,
    Number,
    Quantity,
    cost,
    with_rules,
)
from llm_operator.api.spec.source import ConfigMapKeyRef, DraftUri, EnvVar, Revision

EngineArgName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$", max_length=64)]
TemplateKwarg = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=64)]
MediaDomain = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", max_length=253)]


class Simulation(ApiModel):
    """How the simulated engine behaves. All draws come from a seeded generator."""

    time_to_first_token_ms: Integer = Field(
        default=50,
        ge=0,
        le=600_000,
        description="Time from the start of a request to its first token, in milliseconds.",
    )
    time_per_output_token_ms: Integer = Field(
        default=10, ge=0, le=60_000, description="Time between two tokens, in milliseconds."
    )
    output_tokens: Integer = Field(
        default=32,
        ge=1,
        le=1_000_000,
        description="Length of an answer for which the request sets no limit, in tokens.",
    )
    failure_rate: Number = Field(default=0, ge=0, le=1, description="Share of requests that fail, in [0, 1].")
    stall_rate: Number = Field(
        default=0, ge=0, le=1, description="Share of requests that get no further token, in [0, 1]."
    )
    startup_seconds: Integer = Field(
        default=0, ge=0, le=3600, description="Time that the engine takes to start, in seconds."
    )
    seed: Integer = Field(default=0, ge=0, le=2_147_483_647, description="Seed of all draws.")


class ChatTemplate(ApiModel):
    """The chat template, and what it is called with. One of inline and configMapKeyRef, or neither: the model's own.
    vLLM renders it in a sandbox; a request cannot bring its own."""

    model_config = with_rules(rules.ONE_TEMPLATE, rules.INLINE_TEMPLATE)

    inline: Annotated[str, StringConstraints(max_length=16_384)] | None = Field(
        default=None, description="The Jinja template itself."
    )
    config_map_key_ref: ConfigMapKeyRef | None = Field(
        default=None,
        description="A ConfigMap's key that holds the template, mounted as a file. An edit of the ConfigMap itself is seen by pods that "
        "start later.",
        json_schema_extra=cost(Cost.CLUSTER),
    )
    default_kwargs: dict[TemplateKwarg, JsonValue] = Field(
        default_factory=dict,
        max_length=16,
        description="Defaults of the template's variables, e.g. `enable_thinking: false`; a request's "
        "`chat_template_kwargs` wins. Only with task Generate.",
    )


class LimitPerPrompt(ApiModel):
    """Most items of each kind in one prompt; 0 turns a kind off and saves its memory."""

    image: Integer | None = Field(default=None, ge=0, le=1024, description="Images. Default: vLLM's.")
    video: Integer | None = Field(default=None, ge=0, le=1024, description="Videos. Default: vLLM's.")
    audio: Integer | None = Field(default=None, ge=0, le=1024, description="Audio clips. Default: vLLM's.")


class Multimodal(ApiModel):
    """Images, videos and sound in prompts."""

    model_config = with_rules(rules.PIXELS)

    limit_per_prompt: LimitPerPrompt = Field(default_factory=LimitPerPrompt)
    allowed_media_domains: tuple[MediaDomain, ...] = Field(
        default=(),
        max_length=64,
        description="Hosts that media URLs of requests may point at, compared as a whole; with any, redirects are not followed. Empty: "
        "whoever may send a request makes the pods fetch any URL that they can reach, in the cluster and the cloud's metadata "
        "service too (SSRF): set it, or close the pods' egress with a NetworkPolicy. Local files are never served.",
        json_schema_extra=AS_SET,
    )
    min_pixels: Integer | None = Field(
        default=None,
        ge=1,
        le=1_000_000_000,
        description="Smaller images are scaled up to this many pixels (image processors of the Qwen-VL kind).",
    )
    max_pixels: Integer | None = Field(
        default=None,
        ge=1,
        le=1_000_000_000,
        description="Larger images are scaled down to this many pixels (image processors of the Qwen-VL kind).",
    )


class StructuredOutput(ApiModel):
    """Answers that follow a JSON schema, a grammar or a choice."""

    model_config = with_rules(rules.COMPACT_BACKEND)

    backend: Literal["auto", "xgrammar", "guidance", "outlines", "lm-format-enforcer"] = Field(
        default="auto", description="Library that steers the tokens."
    )
    disable_any_whitespace: Boolean = Field(
        default=False,
        description="No white space between the parts of JSON: compact answers. Needs backend xgrammar or guidance.",
    )


class Speculative(ApiModel):
    """Speculative decoding: several tokens are proposed cheaply and verified at once."""

    model_config = with_rules(
        rules.DRAFT_MODEL,
        rules.NEEDS_DRAFT_MODEL,
        rules.DRAFT_REVISION,
        rules.DRAFT_TENSOR,
        rules.LOOKUP,
        rules.LOOKUP_ORDER,
    )

    method: Identifier = Field(
        description="How tokens are proposed: `ngram` (from the prompt), `draft_model`, `eagle3`, `mtp`, … (vLLM's names)."
    )
    tokens: Integer = Field(ge=1, le=64, description="Tokens proposed per step.")
    model: DraftUri | None = Field(
        default=None,
        description="Draft model or head (hf:// or file://). Required, but for mtp and dspark (then a part of the model itself) and for "
        "the methods that have none: ngram, ngram_gpu, suffix.",
    )
    revision: Revision | None = Field(
        default=None,
        description="Commit, tag or branch of the draft model. Pin a commit in production. Only with hf://.",
    )
    prompt_lookup_max: Integer | None = Field(
        default=None,
        ge=1,
        le=64,
        description="Longest n-gram, for ngram and ngram_gpu. Default: promptLookupMin, else 5.",
    )
    prompt_lookup_min: Integer | None = Field(
        default=None,
        ge=1,
        le=64,
        description="Shortest n-gram, for ngram and ngram_gpu. Default: promptLookupMax, else 5.",
    )
    draft_tensor: Integer | None = Field(
        default=None,
        ge=1,
        le=16,
        description="Tensor parallel size of the draft model: 1, or that of the model. Default: that of the model.",
    )


class KvOffload(ApiModel):
    """KV blocks that leave the GPU are kept in the pod's memory, and loaded again instead of computed. Not with type CPU, where
    the KV cache is in host memory already, and not with disaggregation, whose connector takes the same place."""

    memory: Quantity = Field(
        description="Host memory for KV blocks that one replica takes in each of its pods, at least 1Gi; counts against "
        "resources.memory (vLLM kv_offloading_size, summed over the replica's pods)."
    )


class KvCache(ApiModel):
    """The KV cache beyond the GPU's memory."""

    offload: KvOffload | None = Field(default=None, description="Keep KV blocks in host memory.")


class Engine(ApiModel):
    """The inference engine and its settings. A change restarts the replicas of this model only, the pods stay;
    `image` and `env` are part of the pods, so a change of those brings up a new Ray cluster first."""

    model_config = with_rules(rules.SIMULATION_TYPE)

    type: Literal["vLLM", "Simulated"] = Field(
        default="vLLM",
        description="The engine. Simulated: everything but the engine is real (pods, devices, placement groups, router, "
        "autoscaler); answers are made up, and no GPU is used. Needs an image that contains llm_serve_app.",
    )
    image: Image | None = Field(
        default=None,
        description="Image of this model's Ray workers. Default: spec.ray.image.",
        json_schema_extra=cost(Cost.CLUSTER),
    )
    context_length: Integer | None = Field(
        default=None,
        ge=16,
        le=16_777_216,
        description="Longest prompt plus answer, in tokens (vLLM max_model_len). Default: the model's own.",
    )
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = Field(
        default="auto", description="Type of weights and activations. auto: what the model's own configuration says."
    )
    quantization: Identifier | None = Field(
        default=None,
        description="How the weights are quantized: awq, gptq, fp8, mxfp4, compressed-tensors, … (vLLM's names). "
        "Default: what the model's own configuration says.",
    )
    kv_cache_dtype: Identifier | None = Field(
        default=None, description="Type of the KV cache, e.g. fp8 (half the memory). Default: that of the model."
    )
    gpu_memory_utilization: Number | None = Field(
        default=None,
        gt=0,
        le=1,
        description="Share of the GPU's memory that the engine may take, in (0, 1]. vLLM's default is 0.9 or above. Not with type CPU.",
    )
    max_num_seqs: Integer | None = Field(
        default=None, ge=1, le=65_536, description="Most sequences in one engine step. Default: vLLM's."
    )
    max_num_batched_tokens: Integer | None = Field(
        default=None, ge=1, le=16_777_216, description="Most tokens in one engine step. Default: vLLM's."
    )
    prefix_caching: Boolean | None = Field(
        default=None,
        description="Keep the KV blocks of shared prefixes. Default: vLLM's (on where the model allows it).",
    )
    chunked_prefill: Boolean | None = Field(
        default=None, description="Split long prompts so that they do not hold up others. Default: vLLM's."
    )
    eager: Boolean | None = Field(
        default=None, description="No CUDA graphs: a faster start, slower tokens. Default: vLLM's (off)."
    )
    tool_call_parser: Identifier | None = Field(
        default=None,
        description="Turns the model's text into tool calls (vLLM's parser names: hermes, llama3_json, openai, …) "
        "and lets the model choose tools. Only with task Generate.",
    )
    reasoning_parser: Identifier | None = Field(
        default=None,
        description="Separates the model's reasoning from its answer (vLLM's parser names: qwen3, deepseek_r1, …). "
        "Only with task Generate.",
    )
    chat_template: ChatTemplate = Field(default_factory=ChatTemplate)
    multimodal: Multimodal | None = Field(default=None, description="Images, videos and sound in prompts.")
    structured_output: StructuredOutput | None = Field(
        default=None, description="How answers are made to follow a schema. Default: vLLM's. Only with task Generate."
    )
    speculative: Speculative | None = Field(default=None, description="Speculative decoding. Only with task Generate.")
    simulation: Simulation | None = Field(default=None, description="Only with type Simulated: how it behaves.")
    args: dict[EngineArgName, JsonValue] = Field(
        default_factory=dict,
        max_length=64,
        description="Further vLLM engine arguments, `max-num-batched-tokens` or `max_num_batched_tokens`, checked against vLLM's own "
        "names, types and values. Arguments that run code or that the operator owns are refused.",
    )
    env: tuple[EnvVar, ...] = Field(
        default=(),
        max_length=64,
        description="Environment of the model's workers.",
        json_schema_extra=cost(Cost.CLUSTER),
    )
