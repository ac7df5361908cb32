"""Names that vLLM keeps in registries: parsers, quantization methods, connectors, backends. Needs vLLM."""

import typing
from typing import Any, Final

SOURCES: Final[dict[str, str]] = {
    "config_format": "configFormats",
    "load_format": "loadFormats",
    "mm_encoder_attn_backend": "attentionBackends",
    "model_impl": "modelImplementations",
    "quantization": "quantizationMethods",
    "reasoning_parser": "reasoningParsers",
    "spec_method": "speculativeMethods",
    "tokenizer_mode": "tokenizerModes",
    "tool_call_parser": "toolCallParsers",
}
"""Arguments that vLLM annotates as text and checks against a registry -> the registry's name in the data file."""


def _literals(hint: Any) -> list[str]:
    """The texts of every Literal inside a type, e.g. of `Literal["a"] | str`."""
    if typing.get_origin(hint) is typing.Literal:
        return [value for value in typing.get_args(hint) if isinstance(value, str)]
    return [text for part in typing.get_args(hint) for text in _literals(part)]


def registries() -> dict[str, list[str]]:
    """Registry -> sorted names. Plugins are left out: the image that generates has none."""
    from vllm.config.cache import CacheDType
    from vllm.config.model import ModelImpl, TokenizerMode
    from vllm.config.speculative import SpeculativeMethod
    from vllm.config.structured_outputs import StructuredOutputsBackend
    from vllm.distributed.kv_transfer.kv_connector.factory import KVConnectorFactory
    from vllm.model_executor.layers.quantization import DEPRECATED_QUANTIZATION_METHODS, QUANTIZATION_METHODS
    from vllm.model_executor.model_loader import _LOAD_FORMAT_TO_MODEL_LOADER
    from vllm.model_executor.models.registry import ModelRegistry
    from vllm.reasoning import ReasoningParserManager
    from vllm.tasks import SupportedTask
    from vllm.tokenizers.registry import TokenizerRegistry
    from vllm.tool_parsers import ToolParserManager
    from vllm.transformers_utils.config import _CONFIG_FORMAT_TO_CONFIG_PARSER
    from vllm.v1.attention.backends.registry import AttentionBackendEnum

    found = {
        "architectures": list(ModelRegistry.get_supported_archs()),
        "attentionBackends": list(AttentionBackendEnum.__members__),
        "configFormats": ["auto", *_CONFIG_FORMAT_TO_CONFIG_PARSER],
        "deprecatedQuantizationMethods": DEPRECATED_QUANTIZATION_METHODS,
        "kvCacheDtypes": _literals(CacheDType),
        "kvConnectors": list(KVConnectorFactory._registry),
        "loadFormats": list(_LOAD_FORMAT_TO_MODEL_LOADER),
        "modelImplementations": _literals(ModelImpl),
        "quantizationMethods": QUANTIZATION_METHODS,
        "reasoningParsers": ReasoningParserManager.list_registered(),
        "speculativeMethods": _literals(SpeculativeMethod),
        "structuredOutputBackends": _literals(StructuredOutputsBackend),
        "tasks": _literals(SupportedTask),
        "tokenizerModes": [*_literals(TokenizerMode), *TokenizerRegistry.tokenizers],
        "toolCallParsers": ToolParserManager.list_registered(),
    }
    return {name: sorted(set(values)) for name, values in found.items()}
