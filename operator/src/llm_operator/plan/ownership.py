"""Whose object is it?"""

from collections.abc import Mapping
from typing import Any

from llm_operator.api import names
from llm_operator.plan.inputs import Object, Scope


def _owners(obj: Object) -> tuple[Mapping[str, Any], ...]:
    return tuple(obj["metadata"].get("ownerReferences") or ())


def _annotation(obj: Object, key: str) -> Any:
    return (obj["metadata"].get("annotations") or {}).get(key)


def controller(obj: Object) -> Mapping[str, Any] | None:
    """The owner that looks after the object; None when nobody does."""
    return next((owner for owner in _owners(obj) if owner.get("controller")), None)


def owned(scope: Scope, obj: Object) -> bool:
    """The LLMDeployment of this scope, and no namesake of another time, keeps the object: by an owner reference, or (with
    deletionPolicy Orphan) by the annotation, which counts only while nobody looks after the object."""
    uid = scope.parent["metadata"].get("uid")
    if any(owner.get("uid") == uid for owner in _owners(obj)):
        return True
    return controller(obj) is None and _annotation(obj, names.OWNER_ANNOTATION) == uid


def adoptable(scope: Scope, obj: Object) -> bool:
    """Nobody looks after the object, and the user wants it taken over."""
    return controller(obj) is None and _annotation(scope.parent, names.ADOPT_ANNOTATION) == "true"


def earlier(scope: Scope, obj: Object) -> bool:
    """It belongs to an LLMDeployment of this name that is gone: the garbage collector is about to delete it."""
    owner = controller(obj) or {}
    return (owner.get("kind"), owner.get("name")) == (names.KIND, scope.name) and not owned(scope, obj)
