"""The scalar types of the API, the base class of its models, and the cost of a change."""

from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, JsonValue, Strict, StringConstraints, WithJsonSchema
from pydantic.alias_generators import to_camel

from llm_operator.api import quantity
from llm_operator.api.rules.rule import Rule

NAME_PATTERN: Final = r"^[a-z]([-a-z0-9.]*[a-z0-9])?$"
DNS_SUBDOMAIN_PATTERN: Final = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
LABEL_KEY_PATTERN: Final = r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"

# No text that looks like a number: the API server refuses that too (tests/apiserver).
Integer = Annotated[int, Strict()]
Boolean = Annotated[bool, Strict()]
Number = Annotated[float, Strict()]


def _quantity_text(value: Any) -> Any:
    """`cpu: 2` is `cpu: "2"`, as everywhere in Kubernetes."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Quantity = Annotated[
    str,
    BeforeValidator(_quantity_text),
    StringConstraints(pattern=quantity.PATTERN, max_length=24),
    WithJsonSchema({"x-kubernetes-int-or-string": True, "pattern": quantity.PATTERN, "maxLength": 24}),
]
Image = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/:@-]*$", max_length=512)]
ModelName = Annotated[str, StringConstraints(pattern=NAME_PATTERN, max_length=40)]
ShortName = Annotated[str, StringConstraints(pattern=r"^[a-z]([-a-z0-9]*[a-z0-9])?$", max_length=20)]
Alias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?$", max_length=128)]
ObjectName = Annotated[str, StringConstraints(pattern=DNS_SUBDOMAIN_PATTERN, max_length=253)]
# Neither "." nor "..", and nothing that begins with ".." (Kubernetes, util/validation, IsConfigMapKey).
SecretKey = Annotated[str, StringConstraints(pattern=r"^[.]?[-_a-zA-Z0-9][-._a-zA-Z0-9]*$", max_length=253)]
EnvName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=128)]
EnvValue = Annotated[str, StringConstraints(max_length=4096)]
LabelKey = Annotated[str, StringConstraints(pattern=LABEL_KEY_PATTERN, max_length=317)]
LabelValue = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$", max_length=63)]
ResourceName = Annotated[str, StringConstraints(pattern=LABEL_KEY_PATTERN, max_length=253)]
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=64)]
"""A name out of somebody else's list (a parser, a method); which ones exist is data (plan/data)."""
HostPath = Annotated[str, StringConstraints(pattern=r"^(/[A-Za-z0-9][A-Za-z0-9._-]*)+$", max_length=253)]
"""An absolute path; no part starts with a dot, so `..` is none."""
SubPath = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*$", max_length=253)
]


class Cost(StrEnum):
    """What a change of a field costs (tests/golden/test_costs.py measures it with Ray's and KubeRay's own functions)."""

    NOTHING = "nothing"
    REPLICAS = "restarts the model's replicas"
    CLUSTER = "new Ray cluster, then switch-over"
    NEXT_CLUSTER = "nothing now; in force with the next new Ray cluster"
    CREATES = "starts or stops only what is added or removed"


COST_KEY: Final = "x-cost"


AS_SET: Final[dict[str, JsonValue]] = {"x-kubernetes-list-type": "set"}
BY_NAME: Final[dict[str, JsonValue]] = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}
"""`json_schema_extra` of lists: what server-side apply merges by."""


def cost(value: Cost, extra: dict[str, JsonValue] | None = None) -> dict[str, JsonValue]:
    """`json_schema_extra` of a field; without it a field has the cost of the field around it."""
    return {COST_KEY: value.value, **(extra or {})}


class ApiModel(BaseModel):
    """Camel case outside, snake case inside, frozen, and an unknown field (snake case included) is an error."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)


def with_rules(*validations: Rule) -> ConfigDict:
    """`model_config` of a model that CEL rules belong to."""
    schemas: list[JsonValue] = [dict[str, JsonValue](rule.to_schema()) for rule in validations]
    return ConfigDict(json_schema_extra={"x-kubernetes-validations": schemas})
