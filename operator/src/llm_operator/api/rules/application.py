"""Custom applications."""

from typing import Final

from llm_operator.api.rules.rule import Rule

REPLICAS_OR_SCALING: Final = Rule(
    "!(has(self.replicas) && has(self.scaling))", "set at most one of replicas and scaling", ".replicas"
)
