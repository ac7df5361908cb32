"""A Change in one sentence for people: in status.lastChange, in events, at the head of `llm-operator plan`."""

from collections.abc import Sequence

from llm_operator.api import names
from llm_operator.api.change_class import ChangeClass
from llm_operator.change.model import Change, Paths

_SHOWN = 3


def listed(words: Sequence[str], most: int = _SHOWN) -> str:
    """`a, b, c and 2 more`."""
    shown = ", ".join(words[:most])
    return shown if len(words) <= most else f"{shown} and {len(words) - most} more"


def _served(names: Sequence[str]) -> str:
    return listed(names, 8)


def _short(path: str) -> str:
    for root in ("rayClusterConfig.", "serveConfigV2."):
        path = path.removeprefix(root)
    return "spec.rollout.restartedAt" if path.endswith(f"[{names.RESTARTED_AT_ANNOTATION}]") else path


def causes(change: Change) -> Paths:
    """The places that decide the class, shortened. A new Ray cluster that is only forced, so that a restart interrupts
    nobody, is there for what would restart."""
    found = tuple(path for path in change.cluster_paths if not path.endswith(f"[{names.ROLLOUT_ANNOTATION}]"))
    if not found:
        of_applications = (each for each in change.applications if each.restarted or change.cluster_paths)
        found = tuple(path for each in of_applications for path in each.paths)
    return tuple(_short(path) for path in found)


def _causes(change: Change) -> str:
    return listed(causes(change)) or "forced"


def _restart(change: Change) -> str:
    names, waiting = change.restarted, change.interrupted
    said = f"replicas of {_served(names)} restart, a few at a time ({_causes(change)})"
    if waiting:
        said += f"; {_served(waiting)} may be without a replica meanwhile, so its requests wait"
    return said


def _new_cluster(change: Change) -> str:
    return (
        f"a new Ray cluster starts beside the old one and takes over when all of it serves ({_causes(change)}); "
        f"it needs {change.demand} on top; running requests end on the old one"
    )


def _comes_and_goes(change: Change) -> list[str]:
    said = [f"starts {_served(change.added)}"] if change.added else []
    return said + ([f"stops {_served(change.removed)}"] if change.removed else [])


def _in_place(change: Change) -> list[str]:
    names = [each.name for each in change.applications if each.change_class is ChangeClass.IN_PLACE]
    if names:
        return [f"numbers of {_served(names)} are set in place"]
    if change.service_paths and not (change.added or change.removed):
        return [f"set in place: {listed([_short(path) for path in change.service_paths])}"]
    return []


def sentence(change: Change) -> str:
    """What happens, why, and who notices; without a full stop."""
    if change.change_class is ChangeClass.NONE:
        return "nothing changes"
    if change.created:
        return f"first start of {_served(change.added)}: {change.demand}"
    said = []
    if change.change_class is ChangeClass.NEW_CLUSTER:
        said.append(_new_cluster(change))
    elif change.restarted:
        said.append(_restart(change))
    said += _comes_and_goes(change)
    if change.change_class is not ChangeClass.NEW_CLUSTER:
        said += _in_place(change)
    if change.deferred_paths:
        waiting = listed([_short(path) for path in change.deferred_paths])
        said.append(f"{waiting}: in force with the next new Ray cluster")
    if change.change_class is ChangeClass.IN_PLACE:
        said.append("no replica restarts" + (f"; needs {change.demand} more" if change.demand.pods else ""))
    return "; ".join(said)
