"""What vLLM's engine arguments take, from vLLM's own classes: the data file that the operator checks `engine.args` against.

Run inside an image with vLLM: `python -m llm_serve_app.engine_args VERSION` (make engine-args). Ray Serve LLM takes the
fields of AsyncEngineArgs and FrontendArgs as engine_kwargs (Ray 2.60.0, llm/_internal/serve/engines/vllm/vllm_models.py).
Every argument is described by a subset of JSON Schema (engine_args_schema.py).
"""

import ast
import contextlib
import dataclasses
import inspect
import json
import re
import sys
import textwrap
import typing
from collections.abc import Iterator
from typing import Any, Final

from llm_serve_app.engine_args_registries import SOURCES, registries
from llm_serve_app.engine_args_schema import Schema, bounds, describe, describe_fields, plain

_ORIGIN_ATTRIBUTE: Final = re.compile(r"^(?P<cls>[A-Z]\w+)\.(?P<name>\w+)$")
_ORIGIN_GETTER: Final = re.compile(r"^get_field\((?P<cls>[A-Z]\w+), ['\"](?P<name>\w+)['\"]\)$")
_SENTENCE_END: Final = re.compile(r"(?<!e\.g)(?<!i\.e)[.:]\s+(?=[A-Z`(\"'])")
_DESCRIPTION_LENGTH: Final = 160


def _origins(cls: type[Any]) -> dict[str, tuple[str, str]]:
    """Argument -> (configuration class, field) that its default is taken from: `seed: int = ModelConfig.seed`."""
    body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    found = {}
    for node in body.body if isinstance(body, ast.ClassDef) else ():
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            text = ast.unparse(node.value)
            if match := _ORIGIN_ATTRIBUTE.match(text) or _ORIGIN_GETTER.match(text):
                found[node.target.id] = (match["cls"], match["name"])
    return found


def _namesakes(name: str) -> list[tuple[type[Any], str]]:
    """The configuration classes that have a field of this name."""
    import vllm.config

    classes = {value for value in vars(vllm.config).values() if dataclasses.is_dataclass(value)}
    return [(cls, name) for cls in classes if isinstance(cls, type) and name in cls.__dataclass_fields__]


def _origin(name: str, origins: dict[str, tuple[str, str]]) -> tuple[type[Any], str] | None:
    """Where vLLM documents and bounds the argument; one without a stated origin by its name, if only one class has it."""
    import vllm.config

    if name in origins and (cls := getattr(vllm.config, origins[name][0], None)) is not None:
        return cls, origins[name][1]
    same = _namesakes(name)
    return same[0] if len(same) == 1 else None


def _docs(cls: type[Any]) -> dict[str, str]:
    """The texts below the fields of a class and of its bases."""
    from vllm.config import get_attr_docs

    docs: dict[str, str] = {}
    for base in reversed(cls.__mro__[:-1]):
        if dataclasses.is_dataclass(base):
            docs |= get_attr_docs(base)
    return docs


def first_sentence(text: str) -> str:
    """One line of at most 160 characters, without vLLM's API links."""
    paragraph = " ".join(re.split(r"\n\s*\n|\n\s*[-*] ", text.strip(), maxsplit=1)[0].split())
    sentence = _SENTENCE_END.split(paragraph.replace("``", "`"), maxsplit=1)[0].rstrip(":. ")
    if len(sentence) <= _DESCRIPTION_LENGTH:
        return sentence
    return sentence[: _DESCRIPTION_LENGTH - 2].rsplit(" ", 1)[0].rstrip(",;: ") + " …"


def _default(field: "dataclasses.Field[Any]") -> dict[str, Any]:
    """`{"default": …}` when it is plain data and not a path of the machine that generates."""
    value: Any = field.default
    if field.default_factory is not dataclasses.MISSING:
        value = field.default_factory()
    found, value = plain(value)
    return {"default": value} if found and not (isinstance(value, str) and value.startswith(("/", "~"))) else {}


def _hints(cls: type[Any]) -> dict[str, Any]:
    """Resolved annotations; names that vLLM imports for type checkers only are supplied."""
    from vllm.config.quantization import QuantizationConfigArgs

    return typing.get_type_hints(cls, localns={"QuantizationConfigArgs": QuantizationConfigArgs}, include_extras=True)


def _schema(name: str, hint: Any) -> Schema:
    """Two arguments are annotated as free maps, but a configuration class reads them."""
    from vllm.config import DiffusionConfig, SpeculativeConfig

    def filled_in_by_vllm(field: str) -> bool:
        return field.startswith(("_", "target_")) or field.endswith("_config")

    if name == "speculative_config":
        return describe_fields(SpeculativeConfig, filled_in_by_vllm)
    return describe(DiffusionConfig if name == "diffusion_config" else hint)


def _arguments(cls: type[Any], choices: dict[str, list[str]]) -> Iterator[tuple[str, Schema]]:
    origins, hints, docs = _origins(cls), _hints(cls), _docs(cls)
    for base in cls.__mro__[1:-1]:
        origins = _origins(base) | origins if dataclasses.is_dataclass(base) else origins
    for field in dataclasses.fields(cls):
        if field.name.startswith("_"):
            continue
        origin = _origin(field.name, origins)
        schema = _schema(field.name, hints[field.name]) | _default(field)
        if origin is not None:
            schema |= bounds(*origin) | _choices(schema, origin)
        if field.name in SOURCES:
            schema["enum"] = sorted(
                {*choices[SOURCES[field.name]], *([schema["default"]] if schema["default"] is not None else [])}
            )
        yield field.name, _nullable(schema) | _description(field.name, docs, origin)


def _choices(schema: Schema, origin: tuple[type[Any], str]) -> Schema:
    """The allowed texts of an argument that is annotated `str`, where the configuration class knows them."""
    if schema["type"] != ["string"] or "enum" in schema:
        return {}
    finer = describe(_hints(origin[0])[origin[1]])
    return {"enum": finer["enum"]} if finer["type"] == ["string"] and "enum" in finer else {}


def _nullable(schema: Schema) -> Schema:
    """vLLM annotates some arguments as `int` whose default is None; and null is one of the allowed values then."""
    if not schema["type"] or ("null" not in schema["type"] and schema.get("default", ...) is not None):
        return schema
    values = {"enum": [*(value for value in schema["enum"] if value is not None), None]} if "enum" in schema else {}
    return schema | {"type": sorted({*schema["type"], "null"})} | values


def _description(name: str, docs: dict[str, str], origin: tuple[type[Any], str] | None) -> dict[str, str]:
    text = docs.get(name) or (_docs(origin[0]).get(origin[1]) if origin is not None else None)
    return {"description": first_sentence(text)} if text else {}


def document(version: str) -> dict[str, Any]:
    """The whole data file. Raises ImportError without vLLM, ValueError when vLLM's version is another one."""
    with contextlib.redirect_stdout(sys.stderr):  # vLLM logs to standard output, which holds the data here
        import vllm
        from vllm.engine.arg_utils import AsyncEngineArgs
        from vllm.entrypoints.launchers.cli_args import FrontendArgs

        if vllm.__version__.split("+")[0] != version:
            raise ValueError(f"this is vLLM {vllm.__version__}, not {version}")
        choices = registries()
        arguments = dict(_arguments(FrontendArgs, choices)) | dict(_arguments(AsyncEngineArgs, choices))
    return {"engine": "vLLM", "version": version, "arguments": arguments, "registries": choices}


def main() -> int:
    """Prints the data file; exit status 2 without a version."""
    if len(sys.argv) != 2:
        sys.stderr.write("usage: python -m llm_serve_app.engine_args VLLM_VERSION\n")
        return 2
    json.dump(document(sys.argv[1]), sys.stdout, indent=1, sort_keys=True, ensure_ascii=False)
    sys.stdout.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
