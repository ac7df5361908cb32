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
NO_DRAFT_MODEL: Final = ("mtp", "ngram", "ngram_gpu", "suffix")
DRAFT_MODEL: Final = Rule(
    f"self.method in {list(NO_DRAFT_MODEL)} ? !has(self.model) : true",
    "this method proposes tokens without a model of its own: remove model",
    ".model",
)
