"""Weights that cannot be had: texts of huggingface_hub 2.4.0 (utils/_http.py), transformers 5.23.0 (utils/hub.py) and vLLM
0.29.0 as they come out of a replica of Ray Serve LLM 2.60.0."""

import re
from typing import Final

from llm_operator.api.conditions import Reason
from llm_operator.status.diagnosis.evidence import Subject
from llm_operator.status.diagnosis.rule import Rule, rule

_BUCKETS: Final = ("s3://", "gs://", "abfss://", "azure://")


def _uri(subject: Subject) -> str:
    uri = subject.get("source", "uri")
    return uri if isinstance(uri, str) else ""


def _token(subject: Subject) -> str:
    name, key = subject.get("source", "tokenSecretRef", "name"), subject.get("source", "tokenSecretRef", "key")
    return f'Secret "{name}", key "{key}"' if name and key else ""


def _gated(found: re.Match[str], subject: Subject) -> str:
    repo, token = found["repo"].rstrip("."), _token(subject)
    if not token:
        return (
            f"the model {repo} is gated and no token was sent: accept its terms on {repo}, and name a Secret with a token of "
            f"that account in {subject.path}.source.tokenSecretRef"
        )
    return f"the token in {token} has no access to the gated model: ask for it on {repo}, with the account of the token"


def _unauthorized(found: re.Match[str], subject: Subject) -> str:
    token = _token(subject)
    if token:
        return f"the hub does not accept the token in {token}: renew it there (pods read it when they start)"
    return f"the hub asks for a token: name a Secret with one in {subject.path}.source.tokenSecretRef"


def _absent(found: re.Match[str], subject: Subject) -> str:
    uri = _uri(subject)
    if uri.startswith(_BUCKETS):
        return _bucket(subject)
    token = _token(subject)
    rights = (
        f"the token in {token} may not see it"
        if token
        else f"it is private: then set {subject.path}.source.tokenSecretRef"
    )
    return f"the hub has no model {found['repo']}: correct {subject.path}.source.uri, or {rights}"


def _bucket(subject: Subject) -> str:
    return (
        f"{_uri(subject)} could not be read, and Ray then asked the hub (Ray logs the bucket's error only): check "
        f"{subject.path}.source.uri, its credentials and whether the pods reach the bucket"
    )


def _path(found: re.Match[str], subject: Subject) -> str:
    uri = _uri(subject)
    if uri.startswith(_BUCKETS):
        return _bucket(subject)
    place = {"file": "the image", "pvc": "the volume"}.get(uri.partition("://")[0], "the pod")
    return f"there is no {found['path']} in {place}: correct {subject.path}.source.uri"


def _unreachable(found: re.Match[str], subject: Subject) -> str:
    if _uri(subject).startswith(_BUCKETS):
        return _bucket(subject)
    return (
        "the pods do not reach the model hub (no network, a proxy, or it limits requests): let them reach it, or serve the "
        f"weights from a bucket, a volume or the image ({subject.path}.source.uri: s3://, pvc://, file://)"
    )


RULES: Final[tuple[Rule, ...]] = (
    rule(
        Reason.MODEL_ACCESS_DENIED,
        r"access a gated repo\.\s+Make sure to have access to it at (?P<repo>\S+)",
        _gated,
    ),
    rule(Reason.MODEL_ACCESS_DENIED, r"(?P<repo>\S+) is a gated repository", _gated),
    rule(
        Reason.MODEL_ACCESS_DENIED,
        r"Invalid credentials in Authorization header|401 Unauthorized|Invalid user ?(?:name|token)",
        _unauthorized,
    ),
    rule(
        Reason.MODEL_ACCESS_DENIED,
        r"403 Forbidden|Access to this resource is disabled",
        "the hub refuses the weights: check who may read them and which token {path}.source.tokenSecretRef names",
    ),
    rule(
        Reason.MODEL_REVISION_NOT_FOUND,
        r"(?P<revision>\S+) is not a valid git identifier|Revision Not Found",
        lambda found, subject: (
            f"the model has no revision {found['revision'] or subject.get('source', 'revision')}: correct {subject.path}.source.revision"
        ),
    ),
    rule(Reason.MODEL_NOT_FOUND, r"(?P<repo>\S+) is not a local folder and is not a valid model identifier", _absent),
    rule(Reason.MODEL_NOT_FOUND, r"Repo id must be in the form [^:]*: '(?P<path>/[^']*)'", _path),
    rule(
        Reason.MODEL_SOURCE_UNREACHABLE,
        r"couldn't connect to '[^']+' to load the files|outgoing traffic has been disabled|"
        r"(?:Temporary failure in name resolution|Name or service not known|Max retries exceeded|Network is unreachable)|"
        r"specific connection error when trying to load|Too Many Requests|LocalEntryNotFoundError",
        _unreachable,
    ),
    # vLLM, model_executor/model_loader/default_loader.py; safetensors 0.8.0.
    rule(
        Reason.MODEL_UNREADABLE,
        r"(?P<said>Error while deserializing header[^\n]*|SafetensorError[^\n]*|incomplete metadata, file not fully covered|"
        r"Cannot find any model weights with[^\n]*|Couldn't instantiate the backend tokenizer|does not appear to have a file "
        r"named[^\n]*|is not a valid JSON file[^\n]*)",
        "the weights in {path}.source.uri are not whole ({said}): upload or download them again; a copy in cache.weights may "
        "have been cut off, too",
    ),
)
