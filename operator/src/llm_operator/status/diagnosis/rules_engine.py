"""Settings that vLLM 0.29.0 does not accept (vllm/config/*.py, engine/arg_utils.py, model_executor/models/registry.py)."""

import re
from typing import Final

from llm_operator.api.conditions import Reason
from llm_operator.status.diagnosis.evidence import Subject
from llm_operator.status.diagnosis.rule import Rule, rule
from llm_operator.status.diagnosis.words import shortened

# Our names of vLLM's settings; all others are in engine.args.
_FIELDS: Final = {
    "max_model_len": "engine.contextLength",
    "max_num_seqs": "engine.maxNumSeqs",
    "gpu_memory_utilization": "engine.gpuMemoryUtilization",
    "quantization": "engine.quantization",
    "dtype": "engine.dtype",
    "tool_call_parser": "engine.toolCallParser",
    "reasoning_parser": "engine.reasoningParser",
    "tensor_parallel_size": "parallelism.tensor",
    "pipeline_parallel_size": "parallelism.pipeline",
    "speculative_config": "engine.speculative",
}
_PYDANTIC_TAIL: Final = re.compile(
    r" ?\[type=[a-z_]+, input_value=[\s\S]*?input_type=\w+\]|For further information visit \S+"
)


# pydantic: the setting, and indented what is wrong with it and the value.
_ERROR: Final = re.compile(
    r"^(?P<argument>[a-z_][\w.]*)[^\n ]*\n +(?P<what>[^\n]+?) \[type=\w+, input_value=(?P<value>[^\n]{1,40}?), input_type=",
    re.MULTILINE,
)


def field(subject: Subject, argument: str) -> str:
    """Where the user sets a vLLM argument."""
    name = argument.partition(".")[0]
    return f"{subject.path}.{_FIELDS.get(name, f'engine.args {name}')}"


def _context(found: re.Match[str], subject: Subject) -> str:
    longest = float(found["longest"])
    return (
        f"{subject.path}.engine.contextLength is {found['asked']}, and the model was made for {longest:.0f} tokens: set it to "
        f"{longest:.0f} or less"
    )


def _validation(found: re.Match[str], subject: Subject) -> str:
    """Of several errors the first about a setting that has a field here: vLLM derives some settings from others."""
    errors = list(_ERROR.finditer(found["said"]))
    named = [each for each in errors if each["argument"].partition(".")[0] in _FIELDS] or errors
    if not named:
        return f"vLLM refuses the settings: {shortened(_PYDANTIC_TAIL.sub('', found['said']).strip(), 400)}"
    error = named[0]
    given = f" ({error['value']})" if error["value"] else ""
    return f"vLLM refuses {field(subject, error['argument'])}{given}: {shortened(error['what'], 300)}"


def _architecture(found: re.Match[str], subject: Subject) -> str:
    return (
        f"vLLM of this image does not know the model's architecture {found['name']}: use an image with a newer vLLM "
        f"({subject.path}.engine.image), or another model"
    )


def _attention_heads(found: re.Match[str], subject: Subject) -> str:
    heads, parts = int(found["heads"]), int(found["parts"])
    fits = [n for n in (2**i for i in range(8)) if heads % n == 0]
    return (
        f"the model's {heads} attention heads cannot be split over {parts} accelerators: set {subject.path}.parallelism.tensor to "
        f"one of {', '.join(map(str, fits))}"
    )


RULES: Final[tuple[Rule, ...]] = (
    rule(
        Reason.CONTEXT_TOO_LONG,
        r"User-specified max_model_len \((?P<asked>\d+)\) is greater than the derived max_model_len "
        r"\((?:max_position_embeddings|\w+)=(?P<longest>[\d.]+)",
        _context,
    ),
    rule(
        Reason.ENGINE_ARGUMENT_INVALID,
        r"Unknown quantization method: (?P<given>[^.]+)\. Must be one of (?P<known>\[[^\]]*\])",
        "vLLM has no quantization {given}; {path}.engine.quantization may be one of {known}",
    ),
    rule(
        Reason.ENGINE_ARGUMENT_INVALID,
        r"Quantization method specified in the model config \((?P<has>[^)]*)\) does not match the quantization method specified in "
        r"the `quantization` argument \((?P<given>[^)]*)\)",
        "the checkpoint is quantized with {has}, and {path}.engine.quantization says {given}: leave it out",
    ),
    rule(
        Reason.ENGINE_ARGUMENT_INVALID,
        r"Cannot find the config file for (?P<given>\w+)",
        "the checkpoint is not quantized with {given}: leave {path}.engine.quantization out, or use such a checkpoint",
    ),
    rule(
        Reason.MODEL_NOT_SUPPORTED,
        r"quantization method (?P<given>\S+) is not supported for the current GPU\. Minimum capability: (?P<least>\d+)\. Current "
        r"capability: (?P<has>\d+)",
        "quantization {given} needs a GPU of compute capability {least}, and this one has {has}: use a newer GPU "
        "({path}.accelerators) or another {path}.engine.quantization",
    ),
    rule(
        Reason.MODEL_NOT_SUPPORTED,
        r"Bfloat16 is only supported on GPUs with compute capability of at least 8\.0",
        "this GPU has no bfloat16: set {path}.engine.dtype to float16, or use a newer GPU ({path}.accelerators)",
    ),
    rule(
        Reason.MODEL_NOT_SUPPORTED,
        r"Model architectures (?P<name>\[[^\]]*\]) (?:are not supported|failed to be inspected)",
        _architecture,
    ),
    rule(
        Reason.MODEL_NOT_SUPPORTED, r"Model architecture (?P<name>\S+) was supported in vLLM until \S+", _architecture
    ),
    rule(
        Reason.MODEL_NOT_SUPPORTED,
        r"has model type `(?P<name>[^`]*)` but Transformers does not recognize this architecture",
        _architecture,
    ),
    rule(
        Reason.MODEL_NOT_SUPPORTED,
        r"trust_remote_code=True|contains custom code which must be executed",
        "the model needs Python code out of its own repository, which is not run unless the operator's administrator allows it "
        "({path}.engine.args trust-remote-code)",
    ),
    rule(
        Reason.ENGINE_ARGUMENT_INVALID,
        r"Total number of attention heads \((?P<heads>\d+)\) must be divisible by tensor parallel size \((?P<parts>\d+)\)",
        _attention_heads,
    ),
    rule(
        Reason.ENGINE_ARGUMENT_INVALID,
        r"invalid (?P<kind>tool call|reasoning) parser: (?P<given>\S+) \(chose from (?P<known>\{[^}]*\})",
        "vLLM has no {kind} parser {given}; it may be one of {known}",
    ),
    rule(
        Reason.ENGINE_ARGUMENT_INVALID,
        r"Unknown engine argument: (?P<name>\w+)|unexpected keyword argument '(?P<other>\w+)'",
        lambda found, subject: (
            f"vLLM has no argument {found['name'] or found['other']}: take it out of {subject.path}.engine.args"
        ),
    ),
    rule(Reason.ENGINE_ARGUMENT_INVALID, r"validation errors? for \w+\n(?P<said>[\s\S]+)", _validation),
    # The engine's process said nothing that came through (an image without llm_serve_app, or it was killed).
    rule(
        Reason.ENGINE_FAILED,
        r"Engine core initialization failed(?!.*Root cause: )",
        "the engine's process ended while it started and left no error: it may have been killed for memory (raise "
        "{resources}.memory), or see the replica's log in the worker pod, below ray/session_latest/logs of its temp directory",
    ),
)
