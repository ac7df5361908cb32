"""The API server of the local cluster through the official client, in this process: one request a call, JSON both ways."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from cluster import env
from kubernetes import config
from llm_operator.api import names
from llm_operator.kube.resources import Resource

Object = dict[str, Any]

DRY_RUN: Final = {"dryRun": "All"}
STRICT: Final = {"fieldValidation": "Strict"}
"""What kubectl asks for by default; without it the API server only warns of unknown fields."""
_APPLY: Final = "application/apply-patch+yaml"
_TIMEOUT_SECONDS: Final = 30
# The API server adds this to some refusals; it names no field and nothing that the user could do.
_NOT_CHECKED: Final = "some validation rules were not checked because the object was invalid"


@dataclass(frozen=True, slots=True)
class Answer:
    """Status code, decoded body and warnings of one request."""

    code: int
    body: Object
    warnings: str

    @property
    def said(self) -> list[str]:
        """Why the object was refused, one entry a mistake, each as kubectl prints it (`FIELD: MESSAGE`); [] if accepted.
        Sorted: the API server's own order changes from call to call."""
        if self.code < 400:
            return []
        causes = self.body.get("details", {}).get("causes") or ()
        if self.body.get("reason") != "Invalid":
            return [self.body["message"]]
        lines = {f"{cause['field']}: {cause['message']}" for cause in causes}
        return sorted(line for line in lines if _NOT_CHECKED not in line)

    def accepted(self) -> Object:
        """The object that the API server answered with; the test fails if it refused."""
        assert self.code < 400, f"{self.code}: {self.said}"
        return self.body


class Server:
    """The local cluster and no other."""

    def __init__(self) -> None:
        env.guard()
        self._client = config.new_client_from_config(  # type: ignore[no-untyped-call]
            config_file=str(env.KUBECONFIG), context=env.CONTEXT, persist_config=False
        )

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> Answer:
        """One request; an error of the API server is an answer like any other."""
        url = self._client.configuration.host + path + (f"?{urlencode(query)}" if query else "")
        headers = {"Content-Type": content_type, "Accept": accept}
        response = self._client.call_api(method, url, headers, body, _request_timeout=_TIMEOUT_SECONDS)
        text = response.read().decode()
        is_json = "json" in response.getheaders().get(
            "Content-Type", ""
        )  # a path that is not served answers in plain text
        body = json.loads(text) if is_json else {"message": text}
        return Answer(response.status, body, response.getheaders().get("Warning", ""))

    def create(self, resource: Resource, document: Object, query: Mapping[str, str]) -> Answer:
        """POST, as `kubectl apply` does for an object that is not there yet."""
        return self.request("POST", resource.path(document["metadata"]["namespace"]), document, query=query)

    def apply(
        self,
        resource: Resource,
        document: Object,
        *,
        manager: str = names.FIELD_MANAGER,
        subresource: str | None = None,
        force: bool = True,
        query: Mapping[str, str] = STRICT,
    ) -> Answer:
        """Server-side apply, as the operator does it (kube/cluster.py)."""
        metadata = document["metadata"]
        path = resource.path(metadata["namespace"], metadata["name"], subresource)
        query = {"fieldManager": manager, "force": str(force).lower(), **query}
        return self.request("PATCH", path, document, query=query, content_type=_APPLY)

    def get(self, resource: Resource, document: Object) -> Object:
        """The stored object."""
        metadata = document["metadata"]
        return self.request("GET", resource.path(metadata["namespace"], metadata["name"])).accepted()


def owned(live: Object, manager: str, subresource: str = "") -> Object:
    """The fields that a manager owns by server-side apply (managedFields' fieldsV1); {} when there are none."""
    found = [
        entry["fieldsV1"]
        for entry in live["metadata"]["managedFields"]
        if (entry["manager"], entry["operation"], entry.get("subresource", "")) == (manager, "Apply", subresource)
    ]
    return dict(found[0]) if found else {}
