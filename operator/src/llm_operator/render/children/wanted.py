"""The further children of one LLMDeployment, as whole objects."""

from collections.abc import Iterator
from typing import Any

from llm_operator.api import names
from llm_operator.plan.plan import Plan
from llm_operator.render.children.head_budget import head_budget
from llm_operator.render.metadata import labels, owner_note, owners, spec_hash


def stamped(plan: Plan, obj: dict[str, Any]) -> dict[str, Any]:
    """The object as a child of ours: namespace, labels, owner, and a hash of all of it, by which a field that is no longer
    wanted is noticed. `obj` has apiVersion, kind, metadata.name and what is the kind's own."""
    metadata = {
        **obj["metadata"],
        "namespace": plan.namespace,
        "labels": {**obj["metadata"].get("labels", {}), **labels(plan)},
        **owners(plan),
    }
    whole = {**obj, "metadata": metadata}
    annotations = {
        **obj["metadata"].get("annotations", {}),
        **owner_note(plan),
        names.SPEC_HASH_ANNOTATION: spec_hash(whole),
    }
    return {**whole, "metadata": {**metadata, "annotations": annotations}}


def _made(plan: Plan) -> Iterator[dict[str, Any]]:
    if plan.head_protected:
        yield head_budget(plan)


def children(plan: Plan) -> tuple[dict[str, Any], ...]:
    """All of them, stamped, in the order in which they are written."""
    return tuple(stamped(plan, obj) for obj in _made(plan))
