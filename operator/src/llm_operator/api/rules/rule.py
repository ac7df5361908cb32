"""What a rule is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """A CEL expression over `self`, the message when it is false, and the field that the message is about.

    No messageExpression: a text of unknown size, such as `string(number)`, costs more than the API server allows
    (cel-go 0.26, checker/cost.go, AddString). The numbers are in the message of the operator's own check.
    """

    expression: str
    message: str
    field_path: str | None = None

    def to_schema(self) -> dict[str, str]:
        """The entry of `x-kubernetes-validations`."""
        entry = {"rule": self.expression, "message": self.message}
        if self.field_path is not None:
            entry["fieldPath"] = self.field_path
        return entry
