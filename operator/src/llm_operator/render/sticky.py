"""What of a rendered RayService is not said by the spec: why the last new Ray cluster was forced, which attempt of an application this
is, and what an earlier spec or operator said that only a new Ray cluster may change. It stays as it is live, since any change of it
would restart something."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from llm_operator.api import names
from llm_operator.plan.inputs import Object
from llm_operator.render.drain import drain_of
from llm_operator.render.versions import version_of

HEAD_EXCLUDED: Final = "excludeHeadPodFromServeSvc"
_CODE: Final = ("import_path", "args")


@dataclass(frozen=True, slots=True)
class Retry:
    """An attempt of an application: it counts only for the code that it was made for."""

    code: str
    """Digest of import path and arguments."""
    number: int
    """1 is the first retry."""


@dataclass(frozen=True, slots=True)
class Sticky:
    """Empty texts: never forced, never restarted."""

    forced: str = ""
    """Digest of what forced the last new Ray cluster that the spec alone would not have brought up."""
    restarted_at: str = ""
    """spec.rollout.restartedAt when it was last set."""
    retries: Mapping[str, Retry] = field(default_factory=dict)
    """By the name of the application."""
    render_version: str = ""
    """What the RayService was rendered as; empty: the newest."""
    drain_seconds: int = 0
    """What a worker's pod has to end its requests when it is deleted; 0: as long as the spec asks for now."""
    head_serves: bool = False
    """The head takes requests too, while another Ray cluster takes over (rollout/switch.py)."""

    def attempt(self, application: Mapping[str, Any]) -> int:
        """Number of the retry of a rendered application; 0 when it is the first attempt, or another code."""
        retry = self.retries.get(str(application["name"]))
        return retry.number if retry is not None and retry.code == code_of(application) else 0

    @property
    def annotations(self) -> dict[str, str]:
        """Of the head's pod template."""
        found = {names.ROLLOUT_ANNOTATION: self.forced, names.RESTARTED_AT_ANNOTATION: self.restarted_at}
        return {key: value for key, value in found.items() if value}


def code_of(application: Mapping[str, Any]) -> str:
    """Digest of what a retry repeats."""
    code = json.dumps({key: application.get(key) for key in _CODE}, sort_keys=True)
    return hashlib.sha256(code.encode()).hexdigest()[:12]


def numbered(application: dict[str, Any], number: int) -> dict[str, Any]:
    """The application as retry `number`: another code version, so that Serve tries it again (Ray 2.60.0,
    serve/_private/deploy_utils.py, get_app_code_version). Serve adds the variable to those of the replicas."""
    return {**application, "runtime_env": {"env_vars": {names.RETRY_VARIABLE: str(number)}}} if number else application


def _annotations(child: Object) -> Mapping[str, Any]:
    head = child["spec"]["rayClusterConfig"]["headGroupSpec"]["template"]
    found: Mapping[str, Any] = (head.get("metadata") or {}).get("annotations") or {}
    return found


def _head_serves(child: Object | None) -> bool:
    spec = (child or {}).get("spec")
    return isinstance(spec, Mapping) and spec.get(HEAD_EXCLUDED) is False


def _retry(application: Mapping[str, Any]) -> Retry | None:
    said = ((application.get("runtime_env") or {}).get("env_vars") or {}).get(names.RETRY_VARIABLE)
    return Retry(code_of(application), int(said)) if said else None


def _retries(child: Object) -> dict[str, Retry]:
    found = json.loads(child["spec"]["serveConfigV2"])["applications"]
    read = {str(application["name"]): _retry(application) for application in found}
    return {name: retry for name, retry in read.items() if retry is not None}


def sticky_of(child: Object | None) -> Sticky:
    """As a live RayService has it. Total: where somebody edited it into nonsense, there is none."""
    try:
        annotations = _annotations(child) if child is not None else {}
        forced = str(annotations.get(names.ROLLOUT_ANNOTATION, ""))
        restarted_at = str(annotations.get(names.RESTARTED_AT_ANNOTATION, ""))
    except (KeyError, TypeError, AttributeError):
        forced, restarted_at = "", ""
    try:
        retries = _retries(child) if child is not None else {}
    except (KeyError, TypeError, AttributeError, ValueError):
        retries = {}
    return Sticky(forced, restarted_at, retries, version_of(child), drain_of(child), _head_serves(child))
