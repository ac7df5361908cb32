"""What was written to the API server of the local cluster, read from its audit log on the node.

The policy is manifests/audit-policy.yaml: every write to llm-operator.io and ray.io, and every write of a service
account outside kube-system. The API server writes the log before it answers, so what was answered is in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from cluster import env, names
from cluster.engine import docker

LOG: Final = "/var/log/kubernetes/audit.log"
# Leader election and Events tick by themselves; they are not the work that request budgets count.
BOOKKEEPING: Final = frozenset({"leases", "events"})


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One request that the API server answered. `resource` is the plural; `subresource` "" for the object itself."""

    time: datetime
    user: str
    verb: str
    group: str
    resource: str
    subresource: str
    namespace: str
    name: str
    code: int
    user_agent: str


def now() -> datetime:
    """The time to pass as `since`: the node shares this machine's clock."""
    return datetime.now(UTC)


def writes(
    since: datetime | None = None,
    *,
    user: str | None = None,
    resource: str | None = None,
    bookkeeping: bool = False,
) -> list[AuditEvent]:
    """The writes that the API server answered, oldest first.

    `since` is timezone-aware and inclusive; `user` is matched exactly or, for a service account, by
    "namespace/name"; `resource` is a plural such as "rayservices". Leases and Events only with `bookkeeping`.
    """
    env.guard()
    text = docker("exec", names.NODE, "sh", "-c", f"cat $(ls -tr {LOG.removesuffix('.log')}*.log)")
    return select(map(parse, text.splitlines()), since=since, user=user, resource=resource, bookkeeping=bookkeeping)


def select(
    events: Iterable[AuditEvent],
    *,
    since: datetime | None,
    user: str | None,
    resource: str | None,
    bookkeeping: bool,
) -> list[AuditEvent]:
    """Those of `events` that `writes` is asked for, sorted by time."""
    account = f"system:serviceaccount:{user.replace('/', ':')}" if user and "/" in user else user
    kept = [
        event
        for event in events
        if (since is None or event.time >= since)
        and (account is None or event.user == account)
        and (resource is None or event.resource == resource)
        and (bookkeeping or event.resource not in BOOKKEEPING)
    ]
    return sorted(kept, key=lambda event: event.time)


def parse(line: str) -> AuditEvent:
    """One line of the log (audit.k8s.io/v1 Event) as an AuditEvent; `time` is when the request came in."""
    event: dict[str, Any] = json.loads(line)
    target = event.get("objectRef") or {}
    return AuditEvent(
        time=datetime.fromisoformat(event["requestReceivedTimestamp"]),
        user=event["user"]["username"],
        verb=event["verb"],
        group=target.get("apiGroup", ""),
        resource=target.get("resource", ""),
        subresource=target.get("subresource", ""),
        namespace=target.get("namespace", ""),
        name=target.get("name", ""),
        code=(event.get("responseStatus") or {}).get("code", 0),
        user_agent=event.get("userAgent", ""),
    )
