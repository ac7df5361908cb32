"""One model."""

from typing import Literal

from pydantic import Field

from llm_operator.api.rules import engine as engine_rules
from llm_operator.api.rules import hardware, models
from llm_operator.api.rules import serving as serving_rules
from llm_operator.api.rules import source as source_rules
from llm_operator.api.spec.engine import Engine, KvCache
from llm_operator.api.spec.hardware import Accelerator, ModelResources, Parallelism
from llm_operator.api.spec.scalars import AS_SET, Alias, ApiModel, Cost, Identifier, ModelName, cost, with_rules
from llm_operator.api.spec.scaling import Health, Ingress, Scaling
from llm_operator.api.spec.serving import Disaggregation, Lora, Routing
from llm_operator.api.spec.source import Cache, Source


class Model(ApiModel):
    """One model: one Serve application and its own worker pods, so that editing one leaves the others running."""

    model_config = with_rules(
        models.MODEL_NAME,
        hardware.ONE_KIND,
        hardware.ONE_SHARE,
        hardware.SHAPE_FITS,
        hardware.CPU_PARALLEL,
        hardware.CPU_GPU_MEMORY,
        serving_rules.DISAGGREGATION_TASK,
        serving_rules.PROMPT_ROUTING,
        *engine_rules.ONLY_GENERATE,
        engine_rules.TEMPLATE_TASK,
        engine_rules.OFFLOAD_CPU,
        engine_rules.OFFLOAD_DISAGGREGATION,
        source_rules.S3_USED,
        source_rules.GCS_USED,
        source_rules.AZURE_USED,
        source_rules.WEIGHTS_CACHE_USED,
    )

    name: ModelName = Field(
        description="Name in the OpenAI API, of the Serve application and, with dots as dashes, of the worker group.",
        json_schema_extra=cost(Cost.CREATES),
    )
    aliases: tuple[Alias, ...] = Field(
        default=(),
        max_length=16,
        description="Further names that clients may use. Editing the list restarts nothing; going from none to some restarts the model. "
        "Needs an image that contains llm_serve_app.",
        json_schema_extra=cost(Cost.NOTHING, AS_SET),
    )
    task: Literal["Generate", "Embed", "Score", "Transcribe"] = Field(
        default="Generate",
        description="What the model is for, and so what its URL serves beside /v1/models and /tokenize. Generate: /v1/chat/completions, "
        "/v1/completions. Embed: /v1/embeddings (any text model becomes an embedding model). Score: /v1/score (cross-encoders and "
        "classifiers by their head, embedding models by cosine similarity). Transcribe: /v1/audio/transcriptions. On the fast path "
        "the engine's own server answers, which adds its other routes for the task (Score: /rerank, /classify; Transcribe: "
        "/v1/audio/translations).",
        json_schema_extra=cost(Cost.REPLICAS),
    )
    preset: Identifier | None = Field(
        default=None,
        description="Named engine settings of a model family (`llm-operator presets` lists them). What the model sets itself wins.",
        json_schema_extra=cost(Cost.REPLICAS),
    )
    source: Source = Field(json_schema_extra=cost(Cost.REPLICAS))
    engine: Engine = Field(default_factory=Engine, json_schema_extra=cost(Cost.REPLICAS))
    kv_cache: KvCache = Field(default_factory=KvCache, json_schema_extra=cost(Cost.REPLICAS))
    accelerators: tuple[Accelerator, ...] = Field(
        min_length=1,
        max_length=4,
        description="The hardware of the model's worker pods; further entries are used when more is needed than the first can give.",
        json_schema_extra=cost(Cost.CLUSTER),
    )
    parallelism: Parallelism = Field(default_factory=Parallelism, json_schema_extra=cost(Cost.CLUSTER))
    resources: ModelResources = Field(default_factory=ModelResources, json_schema_extra=cost(Cost.CLUSTER))
    cache: Cache = Field(default_factory=Cache, json_schema_extra=cost(Cost.CLUSTER))
    scaling: Scaling = Field(default_factory=Scaling, json_schema_extra=cost(Cost.NOTHING))
    ingress: Ingress | None = Field(
        default=None,
        description="The OpenAI ingress, scaled apart from the engine. The fast path has none: setting this switches it off "
        "(performance.profile). Editing the numbers restarts nothing. Default: one replica.",
        json_schema_extra=cost(Cost.CLUSTER),
    )
    lora: Lora | None = Field(
        default=None,
        description="LoRA adapters, as `MODEL:ADAPTER` in the OpenAI API. On the fast path the first one brings up a new Ray cluster: "
        "its proxies must read bodies then.",
        json_schema_extra=cost(Cost.REPLICAS),
    )
    routing: Routing = Field(default_factory=Routing, json_schema_extra=cost(Cost.REPLICAS))
    disaggregation: Disaggregation | None = Field(
        default=None,
        description="Prefill and decode on replicas of their own.",
        json_schema_extra=cost(Cost.REPLICAS),
    )
    health: Health = Field(default_factory=Health, json_schema_extra=cost(Cost.NOTHING))
