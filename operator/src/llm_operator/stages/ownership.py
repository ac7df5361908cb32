"""Whose RayService is it?"""

from llm_operator.api import names
from llm_operator.api.conditions import Reason
from llm_operator.plan.inputs import Scope
from llm_operator.plan.ownership import adoptable, controller, earlier, owned


def foreign(scope: Scope) -> bool:
    """A RayService that is not ours has our name: not touched, and not taken over unless the user says so."""
    if scope.child is None:
        return False
    return not owned(scope, scope.child) and not adoptable(scope, scope.child)


def adopting(scope: Scope) -> bool:
    """The next apply takes the RayService over."""
    return scope.child is not None and not owned(scope, scope.child) and adoptable(scope, scope.child)


def conflict(scope: Scope) -> tuple[Reason, str] | None:
    """Why the RayService of this name cannot be ours (yet), and what to do; None when it is, or when there is none."""
    if scope.child is None or not foreign(scope):
        return None
    name, owner = scope.name, controller(scope.child)
    if earlier(scope, scope.child):
        return (
            Reason.APPLY_PENDING,
            f'waits until the RayService "{name}" of an earlier LLMDeployment of this name is deleted',
        )
    if owner is not None:
        return (
            Reason.NAME_CONFLICT,
            f'RayService "{name}" belongs to {owner.get("kind")} "{owner.get("name")}": rename this object or remove it',
        )
    return (
        Reason.NAME_CONFLICT,
        f'RayService "{name}" is there and not ours: rename this object, remove the RayService, or take it over with the '
        f'annotation {names.ADOPT_ANNOTATION}: "true" (`llm-operator plan` shows what that changes)',
    )
