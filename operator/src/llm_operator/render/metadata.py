"""Labels, owner reference and the hash of what was rendered."""

import hashlib
import json
from typing import Any

from llm_operator.api import names
from llm_operator.plan.plan import Plan


def labels(plan: Plan) -> dict[str, str]:
    """Labels of every child; KubeRay copies a RayService's labels to its RayClusters."""
    return {names.MANAGED_BY_LABEL: names.MANAGED_BY, names.DEPLOYMENT_LABEL: plan.name}


def owner_reference(plan: Plan) -> dict[str, Any]:
    """Deleting the LLMDeployment deletes the child (garbage collector); no finalizer is needed."""
    return {
        "apiVersion": names.API_VERSION,
        "kind": names.KIND,
        "name": plan.name,
        "uid": plan.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def owner_note(plan: Plan) -> dict[str, str]:
    """The annotation of a child that has no owner reference (deletionPolicy Orphan)."""
    return {names.OWNER_ANNOTATION: plan.uid} if plan.orphan else {}


def owners(plan: Plan) -> dict[str, Any]:
    """The part of a child's metadata that lets the garbage collector delete it with the LLMDeployment, unless it is an orphan."""
    return {} if plan.orphan else {"ownerReferences": [owner_reference(plan)]}


def canonical(value: Any) -> str:
    """One text for one value, whatever the order of its keys."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def spec_hash(spec: dict[str, Any]) -> str:
    """Short digest of a rendered spec; an annotation of the child, so that a restart can tell that nothing changed."""
    return hashlib.sha256(canonical(spec).encode()).hexdigest()[:16]
