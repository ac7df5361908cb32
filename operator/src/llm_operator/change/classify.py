"""(live RayService, wanted RayService) → Change. The one place that puts Serve's part and KubeRay's part together."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from llm_operator.api.change_class import ChangeClass, dearest
from llm_operator.change import cluster, demand, serve
from llm_operator.change.differences import differences
from llm_operator.change.model import ApplicationChange, Change, Paths
from llm_operator.plan.inputs import Object
from llm_operator.render.sticky import HEAD_EXCLUDED

_OF_THEIR_OWN: Final = (serve.ROOT, cluster.ROOT)


def _cluster(rayservice: Object) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (rayservice.get("spec") or {}).get(cluster.ROOT) or {}
    return found


def _config(rayservice: Object) -> dict[str, Any] | None:
    return serve.parse((rayservice.get("spec") or {}).get(serve.ROOT))


def _labels(live: Object, wanted: Object) -> Paths:
    """KubeRay copies labels when it makes a RayCluster. Those of others do not count: they stay."""
    old, new = ((side.get("metadata") or {}).get("labels") or {} for side in (live, wanted))
    return tuple(f"metadata.labels[{key}]" for key, value in sorted(new.items()) if old.get(key) != value)


def _rest(live: Object, wanted: Object) -> Paths:
    """The RayService's own fields. Those that we do not write are somebody else's; whether the head takes requests comes and goes with
    changes, and is none."""
    old, new = (side.get("spec") or {} for side in (live, wanted))
    ours = [key for key in new if key not in (*_OF_THEIR_OWN, HEAD_EXCLUDED)]
    return tuple(differences({key: old.get(key) for key in ours}, {key: new[key] for key in ours}))


def _serve_rest(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> Paths:
    old, new = ({key: value for key, value in side.items() if key != "applications"} for side in (live, wanted))
    return tuple(differences(old, new, serve.ROOT))


def _first(wanted: Object) -> Change:
    config = _config(wanted) or {"applications": []}
    return Change(
        change_class=ChangeClass.NEW_CLUSTER,
        created=True,
        applications=(),
        added=tuple(sorted(serve.applications(config))),
        removed=(),
        cluster_paths=(),
        service_paths=(),
        deferred_paths=(),
        demand=demand.whole(_cluster(wanted)),
    )


def _owned(paths: Paths, live: Object, wanted: Object, config: Mapping[str, Any]) -> dict[str, Paths]:
    """Application → paths of its own worker groups. A group and its application share a Ray resource, `group:NAME`."""
    token_of = {}
    for group in (*cluster.groups(_cluster(live)), *cluster.groups(_cluster(wanted))):
        tokens = [key for key in group.get("resources") or {} if key.startswith("group:")]
        token_of[f"{cluster.ROOT}.workerGroupSpecs[{group['groupName']}]"] = tokens
    owned: dict[str, Paths] = {}
    for name, application in serve.applications(config).items():
        asked = repr(application)
        prefixes = tuple(base for base, tokens in token_of.items() if any(f"'{token}'" in asked for token in tokens))
        owned[name] = tuple(path for path in paths if path.startswith(prefixes)) if prefixes else ()
    return owned


def _on_new_cluster(changes: tuple[ApplicationChange, ...], owned: dict[str, Paths]) -> tuple[ApplicationChange, ...]:
    return tuple(
        replace(
            each, change_class=ChangeClass.NEW_CLUSTER, paths=owned[each.name] + each.paths, restarted=(), replicas=0
        )
        for each in changes
    )


def classify(live: Object | None, wanted: Object) -> Change:
    """What KubeRay 1.6.2 and Ray Serve 2.60 do when `wanted`, as rendered, is applied over `live`, as stored.

    Total: a live object that somebody edited into nonsense is compared as far as it can be read. A Serve configuration
    that cannot be read was never handed to Serve (KubeRay refuses it), so going back from it is in place.
    """
    if live is None:
        return _first(wanted)
    new = _config(wanted) or {"applications": []}
    readable = _config(live)
    old = new if readable is None else readable
    before, after = serve.applications(old), serve.applications(new)
    changes = tuple(
        serve.application_change(before[name], after[name]) for name in sorted(before.keys() & after.keys())
    )
    another = cluster.new_cluster_paths(_cluster(live), _cluster(wanted))
    if another:
        changes = _on_new_cluster(changes, _owned(another, live, wanted, new))
    service = (
        *_rest(live, wanted),
        *_serve_rest(old, new),
        *((serve.ROOT,) if readable is None else ()),
        *cluster.appended(_cluster(live), _cluster(wanted)),
        *cluster.bounds_paths(_cluster(live), _cluster(wanted)),
    )
    deferred = (*cluster.deferred_paths(_cluster(live), _cluster(wanted)), *_labels(live, wanted))
    added, removed = tuple(sorted(after.keys() - before.keys())), tuple(sorted(before.keys() - after.keys()))
    touched = [ChangeClass.IN_PLACE] if (service or deferred or added or removed) else []
    touched += [ChangeClass.NEW_CLUSTER] if another else []
    return Change(
        change_class=dearest([*touched, *(each.change_class for each in changes)]),
        created=False,
        applications=changes,
        added=added,
        removed=removed,
        cluster_paths=another,
        service_paths=service,
        deferred_paths=() if another else deferred,
        demand=demand.whole(_cluster(wanted)) if another else demand.growth(_cluster(live), _cluster(wanted)),
    )
