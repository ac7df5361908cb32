"""The LLMDeployment CRD under another group: the same schema and rules, and no operator that watches its objects.

So these tests store real objects and statuses without an operator in the way, whether one runs or not.
"""

from __future__ import annotations

import copy
from typing import Final

import yaml
from apiserver.server import Object
from cluster import names as cluster_names
from llm_operator.api import names
from llm_operator.kube.resources import Resource

# Other names throughout: `kubectl get llmd`, `llmdeployment` or `all` must go on meaning the real kind.
COPY: Final = Resource("copy.llm-operator.test", names.VERSION, "llmdeploymentcopies", names.KIND)
NAME: Final = f"{COPY.plural}.{COPY.group}"
FILE_NAME: Final = f"{names.PLURAL}.{names.GROUP}"
FILE: Final = cluster_names.ROOT / "manifests" / "crd.yaml"


def original() -> Object:
    """manifests/crd.yaml."""
    document: Object = yaml.load(FILE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return document


def crd() -> Object:
    """The copy."""
    document = original()
    document["metadata"]["name"] = NAME
    spec = document["spec"]
    spec["group"] = COPY.group
    spec["names"] = {
        "kind": COPY.kind,
        "listKind": f"{COPY.kind}List",
        "plural": COPY.plural,
        "singular": "llmdeploymentcopy",
    }
    return document


def copied(document: Object, namespace: str) -> Object:
    """An LLMDeployment as an object of the copied kind, without what only a live one has."""
    made = copy.deepcopy(document)
    made["apiVersion"] = COPY.api_version
    made["metadata"] = {"name": made["metadata"]["name"], "namespace": namespace}
    return made
