"""The head."""

from typing import Final

from llm_operator.api.rules.rule import Rule

REDIS_USERNAME: Final = Rule(
    "!has(self.username) || has(self.passwordSecretRef)",
    "a user of Redis needs a password: set passwordSecretRef",
    ".username",
)
