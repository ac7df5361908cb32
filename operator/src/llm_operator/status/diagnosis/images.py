"""Images that cannot be pulled. The words are containerd's and the registry's (containerd 1.6.20, remotes/docker)."""

import re
from typing import Final

from llm_operator.api.conditions import Reason
from llm_operator.status.diagnosis.evidence import Cause, Evidence, is_head, owner, waiting, where

_REASONS: Final = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"})
# In this order: "pull access denied, repository does not exist or may require authorization" is both of the first two.
_ADVICE: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(r"InvalidImageName|couldn't parse image name"), "the name is not one of an image; correct {field}"),
    (
        re.compile(r"(?i)pull access denied|unauthorized|authorization failed|\b40[13]\b|forbidden|no basic auth"),
        "the registry does not have it or does not give it to this namespace; check {field} and the pull secret of the "
        "namespace's service account",
    ),
    (re.compile(r"(?i)not found|manifest unknown|\b404\b"), "the registry does not have it; correct {field}"),
    (
        re.compile(r"(?i)toomanyrequests|\b429\b|rate limit"),
        "the registry limits pulls; wait, or use a mirror in {field}",
    ),
    (re.compile(r"(?i)no space left on device"), "the node's disk is full; make room on it"),
    (re.compile(r"(?i)x509|certificate"), "the node does not trust the registry's certificate"),
    (
        re.compile(
            r"(?i)no such host|server misbehaving|i/o timeout|connection refused|no route to host|network is unreachable|"
            r"deadline exceeded|connection reset|dial tcp"
        ),
        "the node does not reach the registry; check its network, or use a mirror in {field}",
    ),
    (re.compile(r"(?i)no match for platform"), "it is not built for the node's processor; correct {field}"),
    (re.compile(r"ErrImageNeverPull"), "the node does not have it and must not pull; load it there"),
)


def _detail(message: str) -> str:
    """The kubelet alternates between the error and its back-off; the part that stays is the cause."""
    detail = message.rpartition("ErrImagePull: ")[2] if "ErrImagePull: " in message else message
    return "" if detail.startswith("Back-off") else detail


def image(evidence: Evidence) -> Cause | None:
    """A container waits for its image."""
    for pod, container, reason, message in waiting(evidence.scope):
        if reason not in _REASONS:
            continue
        subject = owner(evidence.scope, pod)
        own = f"{subject.path}.image" if subject.kind == "application" else f"{subject.path}.engine.image"
        field = "spec.ray.image" if is_head(pod) else f"{own} or spec.ray.image"
        detail = _detail(message)
        said = f"{reason} {detail}"
        advice = next((text for pattern, text in _ADVICE if pattern.search(said)), "check {field}").format(field=field)
        ending = f". {detail}" if detail else ""
        return Cause(
            Reason.IMAGE_PULL_FAILED, f"{where(pod)}: image {container.get('image')} cannot be pulled: {advice}{ending}"
        )
    return None
