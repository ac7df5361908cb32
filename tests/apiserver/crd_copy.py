"""The LLMDeployment CRD under another group: the same schema and rules, and no operator that watches its objects.

So these tests write real objects and statuses without an operator in the way, whether one runs or not.
"""

from __future__ import annotations

import copy
import json
from subprocess import CompletedProcess
from typing import Any, Final

import yaml
from cluster import env, names

Object = dict[str, Any]

GROUP: Final = "apiserver-test.llm-operator.io"
PLURAL: Final = f"llmdeployments.{GROUP}"
NAMESPACE: Final = "apiserver-test"
CRD_FILE: Final = names.ROOT / "manifests" / "crd.yaml"


def crd() -> Object:
    """manifests/crd.yaml under our group; without the short name, which stays the real one's."""
    document: Object = yaml.safe_load(CRD_FILE.read_text())
    document["metadata"]["name"] = PLURAL
    document["spec"]["group"] = GROUP
    del document["spec"]["names"]["shortNames"], document["spec"]["names"]["categories"]
    return document


def copied(document: Object) -> Object:
    """An LLMDeployment as an object of our kind and namespace, without what only a live one has."""
    made = copy.deepcopy(document)
    made["apiVersion"] = f"{GROUP}/v1alpha1"
    made["metadata"] = {"name": made["metadata"]["name"], "namespace": NAMESPACE}
    return made


def apply(document: Object, *options: str) -> CompletedProcess[str]:
    """`kubectl apply`, whatever comes of it."""
    return env.try_kubectl("apply", "-f", "-", *options, input=json.dumps(document))


def dry_run(document: Object) -> CompletedProcess[str]:
    """`kubectl apply --dry-run=server`: all of the API server's checks, and nothing stored."""
    return apply(copied(document), "--dry-run=server")


def read(name: str) -> Object:
    """A live object."""
    found = env.get(PLURAL, name, "-n", NAMESPACE, "--show-managed-fields")
    assert found is not None
    return found


def dry_run_object(document: Object) -> Object:
    """The object as the API server would store it. The test fails with its words when it refuses."""
    done = apply(copied(document), "--dry-run=server", "-o", "json")
    assert done.returncode == 0, done.stderr
    stored: Object = json.loads(done.stdout)
    return stored
