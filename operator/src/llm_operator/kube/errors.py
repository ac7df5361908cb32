"""Errors of the Kubernetes API as types, so that callers choose by class and not by status code."""

from typing import Any


class ApiError(Exception):
    """The API server refused a request, or could not be asked.

    `status` is the HTTP status (0: no answer), `reason` the machine-readable reason of metav1.Status, `message`
    the server's text for people.
    """

    def __init__(self, status: int, reason: str, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after = retry_after
        """Seconds that the server asked us to wait; None if it did not."""


class Conflict(ApiError):
    """409: someone else wrote in between (stale resourceVersion or uid), or the object is there already. Also the 422 that an
    apply with the uid of another custom resource gets (Kubernetes 1.34: metadata.uid is immutable)."""


class NotFound(ApiError):
    """404: no such object, namespace or kind."""


class Invalid(ApiError):
    """400 or 422: the object breaks its schema or a validation rule. A retry without a change is useless."""


class Forbidden(ApiError):
    """403: RBAC, a quota or an admission policy."""


class NamespaceTerminating(ApiError):
    """403: nothing can be made in a namespace that is being deleted, and what is there goes with it."""


class Throttled(ApiError):
    """429: too many requests; `retry_after` says when to come back."""


class Unavailable(ApiError):
    """5xx, no connection, a timeout, or an answer that is not JSON."""


class NotLeader(ApiError):
    """Not sent: this process does not hold the Lease (any more), so it must not write."""

    def __init__(self) -> None:
        super().__init__(0, "NotLeader", "this replica does not hold the Lease; the write was not sent")


_BY_STATUS: dict[int, type[ApiError]] = {
    400: Invalid,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    422: Invalid,
    429: Throttled,
}


def from_answer(status: int, answer: Any, *, retry_after: float | None = None) -> ApiError:
    """The error for an HTTP status >= 400; `answer` is the decoded body, usually a metav1.Status."""
    body = answer if isinstance(answer, dict) else {}
    reason = str(body.get("reason") or "Unknown")
    message = str(body.get("message") or f"the API server answered {status} without a message")
    default: type[ApiError] = Unavailable if status >= 500 else ApiError
    kind = _by_cause(body) or _BY_STATUS.get(status, default)
    return kind(status, reason, message, retry_after=retry_after)


def _by_cause(body: dict[str, Any]) -> type[ApiError] | None:
    """Kubernetes 1.34, staging/src/k8s.io/apiserver/pkg/admission/plugin/namespace/lifecycle/admission.go and
    staging/src/k8s.io/apimachinery/pkg/api/validation/objectmeta.go."""
    details = body.get("details")
    causes = details.get("causes") if isinstance(details, dict) else None
    for cause in (cause for cause in causes or () if isinstance(cause, dict)):
        if cause.get("reason") == "NamespaceTerminating":
            return NamespaceTerminating
        if cause.get("field") == "metadata.uid":
            return Conflict
    return None
