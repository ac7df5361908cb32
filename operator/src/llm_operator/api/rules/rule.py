"""What a rule is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """A CEL expression over `self`, the message when it is false, and the field that the message is about."""

    expression: str
    message: str
    field_path: str | None = None
    message_expression: str | None = None
    """CEL that makes a message with the numbers in it; `message` is what stands when it cannot be computed."""

    def to_schema(self) -> dict[str, str]:
        """The entry of `x-kubernetes-validations`."""
        entry = {"rule": self.expression, "message": self.message}
        if self.message_expression is not None:
            entry["messageExpression"] = self.message_expression
        if self.field_path is not None:
            entry["fieldPath"] = self.field_path
        return entry
