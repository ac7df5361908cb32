"""Environment of head and workers: defaults, what the fast path needs, secrets, the user's own; in a fixed order."""

from typing import Any, Final

from llm_operator.api.spec.source import EnvVar, SecretKeyRef
from llm_operator.plan.plan import Plan
from llm_operator.plan.pods import GroupPlan, Pairs
from llm_operator.render.drain import drain_env

# No usage reports leave the cluster.
_COMMON: Final = (("DO_NOT_TRACK", "1"), ("RAY_USAGE_STATS_ENABLED", "0"), ("VLLM_NO_USAGE_STATS", "1"))


def _literals(pairs: Pairs) -> list[dict[str, Any]]:
    return [{"name": name, "value": value} for name, value in pairs]


def _secret(name: str, ref: SecretKeyRef) -> dict[str, Any]:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": ref.name, "key": ref.key}}}


def _users(env: EnvVar) -> dict[str, Any]:
    if env.secret_key_ref is not None:
        return _secret(env.name, env.secret_key_ref)
    # Go's types leave an empty value out (core/v1 EnvVar), and KubeRay writes a RayService through them: see
    # quantity.canonical.
    return {"name": env.name, "value": env.value} if env.value else {"name": env.name}


def head_env(plan: Plan) -> list[dict[str, Any]]:
    """What every Ray node of the cluster has."""
    return _literals(tuple(sorted(_COMMON + plan.env + plan.fast_path.env)))


def worker_env(plan: Plan, group: GroupPlan) -> list[dict[str, Any]]:
    """The user's variables replace defaults of the same name."""
    users = {variable.name for variable in group.env}
    defaults = tuple(sorted(_COMMON + group.default_env + plan.env + plan.fast_path.env + drain_env(plan)))
    env = _literals(tuple(pair for pair in defaults if pair[0] not in users))
    env += [_secret(name, ref) for name, ref in group.secret_env if name not in users]
    return env + [_users(variable) for variable in group.env]
