"""Lists as the API server answers them: selectors of labels and of fields, and pages of one moment.

Kubernetes 1.34: pkg/apis/core/v1/conversion.go (which fields of a kind can be selected: others are a bad request),
apiserver/pkg/storage/continue.go (all pages are of the resourceVersion of the first one; 410 when that is compacted).
"""

from typing import Any

from contract.objects import Object, Objects, Refused

_EVERY = ("metadata.name", "metadata.namespace")
_FIELDS = {
    "pods": (
        *_EVERY,
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
    ),
    "nodes": ("metadata.name", "spec.unschedulable"),
}


def _value(obj: Object, field: str) -> str:
    value: Any = obj
    for part in field.split("."):
        value = (value or {}).get(part)
    return str(value).lower() if isinstance(value, bool) else str(value or "")


def selected(plural: str, selector: str, obj: Object) -> bool:
    """Whether the object is what a field selector (`a=b,c!=d`) asks for."""
    for part in filter(None, selector.split(",")):
        field, _, wanted = part.partition("=")
        unequal, field = field.endswith("!"), field.removesuffix("!")
        if field not in _FIELDS.get(plural, _EVERY):
            raise Refused(400, "BadRequest", f"field label not supported: {field}")
        if (_value(obj, field) == wanted) is unequal:
            return False
    return True


def page(
    objects: Objects, plural: str, namespace: str | None, query: dict[str, str], horizon: int | None
) -> tuple[list[Object], dict[str, Any]]:
    """The objects of one page, and the metadata of their list. `horizon`: the newest version that is known here."""
    version, start = horizon, 0
    if token := query.get("continue"):
        version, start = (int(part) for part in token.split("."))
        if version < objects.oldest:
            raise Refused(
                410, "Expired", "The provided continue parameter is too old to display a consistent list result"
            )
    now = objects.version if version is None else version
    found = objects.select(plural, namespace, query.get("labelSelector", ""), version=version)
    found = [obj for obj in found if selected(plural, query.get("fieldSelector", ""), obj)]
    limit = int(query.get("limit", 0)) or len(found)
    metadata: dict[str, Any] = {"resourceVersion": str(now)}
    if start + limit < len(found):
        metadata["continue"] = f"{now}.{start + limit}"
    return [_bare(obj) for obj in found[start : start + limit]], metadata


def _bare(obj: Object) -> Object:
    """Objects without a namespace are kept under an empty one."""
    if not obj["metadata"].get("namespace"):
        obj["metadata"].pop("namespace", None)
    return obj
