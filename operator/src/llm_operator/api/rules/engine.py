"""Engine settings."""

from typing import Final

from llm_operator.api.rules.rule import Rule

SIMULATION_TYPE: Final = Rule(
    "!has(self.simulation) || (has(self.type) && self.type == 'Simulated')",
    "only with type Simulated: remove it or set type to Simulated",
    ".simulation",
)
ONE_TEMPLATE: Final = Rule(
    "!(has(self.inline) && has(self.configMapKeyRef))", "set at most one of inline and configMapKeyRef"
)
# vLLM opens a text without braces as a file (0.29.0, entrypoints/chat_utils.py, _load_chat_template).
INLINE_TEMPLATE: Final = Rule(
    "!has(self.inline) || self.inline.contains('{')",
    "must be a Jinja template ({{ … }} or {% … %}): text without braces would be taken for the name of a file",
    ".inline",
)
PIXELS: Final = Rule(
    "!has(self.minPixels) || !has(self.maxPixels) || self.minPixels <= self.maxPixels",
    "must not be greater than maxPixels",
    ".minPixels",
)
COMPACT_BACKENDS: Final = ("xgrammar", "guidance")
COMPACT_BACKEND: Final = Rule(
    "!has(self.disableAnyWhitespace) || !self.disableAnyWhitespace || "
    f"(has(self.backend) && self.backend in {list(COMPACT_BACKENDS)})",
    "needs backend xgrammar or guidance",
    ".disableAnyWhitespace",
)

# Methods as vLLM 0.29.0 has them (config/speculative.py): without a draft model, with one inside the model itself (any name
# that ends with "mtp"; a separate one may be given), and all others, which need one.
NGRAM: Final = ("ngram", "ngram_gpu")
NO_DRAFT_MODEL: Final = (*NGRAM, "suffix")
DRAFT_MODEL: Final = Rule(
    f"!(self.method in {list(NO_DRAFT_MODEL)}) || !has(self.model)",
    "this method proposes tokens without a model of its own: remove model",
    ".model",
)
NEEDS_DRAFT_MODEL: Final = Rule(
    f"self.method in {list(NO_DRAFT_MODEL)} || self.method.endsWith('mtp') || self.method == 'dspark' || has(self.model)",
    "required with this method: the draft model or head",
    ".model",
)
DRAFT_REVISION: Final = Rule(
    "!has(self.revision) || (has(self.model) && self.model.startsWith('hf://'))",
    "only a hf:// draft model has revisions: remove revision",
    ".revision",
)
DRAFT_TENSOR: Final = Rule(
    f"!has(self.draftTensor) || !(self.method in {list(NO_DRAFT_MODEL)})",
    "this method has no draft model: remove draftTensor",
    ".draftTensor",
)
LOOKUP: Final = Rule(
    f"self.method in {list(NGRAM)} || (!has(self.promptLookupMax) && !has(self.promptLookupMin))",
    "only methods ngram and ngram_gpu look the prompt up: remove promptLookupMax and promptLookupMin",
)
LOOKUP_ORDER: Final = Rule(
    "!has(self.promptLookupMin) || !has(self.promptLookupMax) || self.promptLookupMin <= self.promptLookupMax",
    "must not be greater than promptLookupMax",
    ".promptLookupMin",
)

# Rules of the model: what only generates text.
_GENERATE: Final = "!has(self.engine) || !has(self.engine.{field}) || !has(self.task) || self.task == 'Generate'"


def _only_generate(field: str) -> Rule:
    return Rule(
        _GENERATE.format(field=field), "only with task Generate: remove it or set task to Generate", f".engine.{field}"
    )


GENERATE_FIELDS: Final = ("toolCallParser", "reasoningParser", "structuredOutput", "speculative")
ONLY_GENERATE: Final = tuple(_only_generate(field) for field in GENERATE_FIELDS)
TEMPLATE_TASK: Final = Rule(
    "!has(self.task) || self.task != 'Transcribe' || !has(self.engine) || !has(self.engine.chatTemplate) || "
    "(!has(self.engine.chatTemplate.inline) && !has(self.engine.chatTemplate.configMapKeyRef))",
    "task Transcribe has no chat: remove the template",
    ".engine.chatTemplate",
)
OFFLOAD_CPU: Final = Rule(
    "!has(self.kvCache) || !has(self.kvCache.offload) || self.accelerators.all(a, a.type != 'CPU')",
    "has no effect with accelerator type CPU, whose KV cache is in host memory already: remove it",
    ".kvCache.offload",
)
OFFLOAD_DISAGGREGATION: Final = Rule(
    "!has(self.kvCache) || !has(self.kvCache.offload) || !has(self.disaggregation)",
    "not with disaggregation: vLLM has one KV connector, and disaggregation takes it",
    ".kvCache.offload",
)
