"""LLMDeployments from a file, and mistakes to standard error."""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from llm_operator.api import names
from llm_operator.api.errors import InvalidSpec
from llm_operator.api.spec.deployment import LLMDeploymentSpec
from llm_operator.api.validation import validate
from llm_operator.config import Config, ConfigError
from llm_operator.plan.inputs import Policy


class UnusableFile(Exception):
    """The file cannot be read, is no YAML, or holds nothing for us; the message says why."""


class NothingToPrint(Exception):
    """An object that is right, but gives nothing; the message says why."""


@dataclass(frozen=True, slots=True)
class Document:
    """One LLMDeployment as an API server would hold it, and its valid spec."""

    raw: dict[str, Any]
    """With namespace, uid and generation."""
    spec: LLMDeploymentSpec

    @property
    def metadata(self) -> dict[str, Any]:
        """Never without a name."""
        found: dict[str, Any] = self.raw["metadata"]
        return found


def now() -> datetime:
    """Whole seconds in UTC."""
    return datetime.now(UTC).replace(microsecond=0)


def policy() -> Policy:
    """The administrator's, from the same variables as the operator's own (LLM_OPERATOR_*). Raises ConfigError."""
    return Config.from_environment().policy


def add_file(parser: argparse.ArgumentParser) -> None:
    """The option that `read` looks at."""
    parser.add_argument("-f", "--file", required=True, help="YAML with LLMDeployments; - for standard input")


def read(path: str) -> list[dict[str, Any]]:
    """The LLMDeployments in a file of YAML documents, at least one. Raises UnusableFile."""
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
        documents = [document for document in yaml.safe_load_all(text) if isinstance(document, dict)]
    except OSError as error:
        raise UnusableFile(f"{path}: cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UnusableFile(f"{path}: is not YAML: {error}") from error
    found = [document for document in documents if document.get("kind") == names.KIND]
    if not found:
        raise UnusableFile(f"{path}: holds no {names.KIND}")
    return found


def accepted(document: dict[str, Any]) -> Document:
    """Raises InvalidSpec with every mistake of schema and rules."""
    metadata = {"namespace": "default", "uid": "", "generation": 1, **(document.get("metadata") or {})}
    spec = validate(str(metadata.get("name", "")), document.get("spec"))
    return Document({**document, "metadata": metadata}, spec)


def each(path: str, text_of: Callable[[Document, Policy], str]) -> int:
    """Every LLMDeployment of a file, up to the first that is wrong. Exit status 1: the file or an object is wrong; 2: a
    variable of the environment is."""
    try:
        documents, allowed = read(path), policy()
    except UnusableFile as unusable:
        sys.stderr.write(f"{unusable}\n")
        return 1
    except ConfigError as error:
        sys.stderr.write(f"llm-operator: {error}\n")
        return 2
    for raw in documents:
        said: tuple[object, ...] = ()
        try:
            sys.stdout.write(text_of(accepted(raw), allowed))
        except InvalidSpec as invalid:
            said = invalid.errors
        except NothingToPrint as nothing:
            said = (nothing,)
        if said:
            name = (raw.get("metadata") or {}).get("name")
            sys.stderr.writelines(f"{path}: {name}: {line}\n" for line in said)
            return 1
    return 0
