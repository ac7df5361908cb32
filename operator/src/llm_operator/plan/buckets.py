"""Access to buckets, and streaming from them, as the libraries in the pods read it from their environment.

S3: boto3 (Ray 2.60.0, llm/_internal/common/utils/cloud_filesystem/s3_filesystem.py; botocore takes the region from
AWS_DEFAULT_REGION) and the AWS C++ SDK of the streamer (AWS_REGION). GCS: pyarrow, application default credentials.
Azure: azure.identity.DefaultAzureCredential (pyarrow_filesystem.py). Streaming: vLLM 0.29.0,
model_executor/model_loader/{runai_streamer_loader,sharded_state_loader}.py.
"""

from collections.abc import Iterator
from typing import Final

from llm_operator.api import quantity
from llm_operator.api.spec.model import Model
from llm_operator.api.spec.source import S3, Azure, Gcs, SecretKeyRef, Streaming
from llm_operator.plan.needs import Needs
from llm_operator.plan.pods import KeyFile, Mount, Pairs

_GCS_FILE: Final = "/mnt/credentials/gcs.json"
BUCKETS: Final = ("s3", "gs", "azure", "abfss")


def _s3(s3: S3) -> Needs:
    env: dict[str, str] = {}
    if s3.endpoint is not None:
        env["AWS_ENDPOINT_URL"] = s3.endpoint.rstrip("/")
    if s3.region is not None:
        env |= {"AWS_DEFAULT_REGION": s3.region, "AWS_REGION": s3.region}
    secrets: tuple[tuple[str, SecretKeyRef | None], ...] = (
        ("AWS_ACCESS_KEY_ID", s3.access_key_id_secret_ref),
        ("AWS_SECRET_ACCESS_KEY", s3.secret_access_key_secret_ref),
        ("AWS_SESSION_TOKEN", s3.session_token_secret_ref),
    )
    return Needs(
        "source.s3",
        env=tuple(env.items()),
        secret_env=tuple((name, ref) for name, ref in secrets if ref is not None),
    )


def _gcs(gcs: Gcs) -> Needs:
    ref = gcs.credentials_secret_ref
    return Needs(
        "source.gcs",
        env=(("GOOGLE_APPLICATION_CREDENTIALS", _GCS_FILE),),
        mounts=(Mount("gcs-credentials", _GCS_FILE, KeyFile("secret", ref.name, ref.key), read_only=True),),
    )


def _azure(azure: Azure) -> Needs:
    return Needs(
        "source.azure",
        secret_env=(
            ("AZURE_CLIENT_ID", azure.client_id_secret_ref),
            ("AZURE_CLIENT_SECRET", azure.client_secret_secret_ref),
            ("AZURE_TENANT_ID", azure.tenant_id_secret_ref),
        ),
    )


def _streaming(streaming: Streaming, s3: S3 | None) -> Needs:
    settings: dict[str, int] = {}
    if streaming.concurrency is not None:
        settings["concurrency"] = streaming.concurrency
    if streaming.memory_limit is not None:
        settings["memory_limit"] = int(quantity.parse(streaming.memory_limit))
    env: dict[str, str] = {}
    if s3 is not None and s3.endpoint is not None:
        # vLLM hands the endpoint on only when there is an extra config; servers other than AWS have no bucket in the host name.
        env = {
            "RUNAI_STREAMER_S3_ENDPOINT": s3.endpoint.rstrip("/"),
            "RUNAI_STREAMER_S3_USE_VIRTUAL_ADDRESSING": "0",
        }
    if streaming.sharded:
        # This loader refuses every extra config but a file name pattern; the streamer reads the same from its environment.
        env |= {f"RUNAI_STREAMER_{name.upper()}": str(value) for name, value in settings.items()}
        return _stream("runai_streamer_sharded", {}, tuple(env.items()))
    return _stream("runai_streamer", settings, tuple(env.items()))


def _stream(load_format: str, settings: dict[str, int], env: Pairs) -> Needs:
    kwargs: tuple[tuple[str, object], ...] = (("load_format", load_format),)
    if settings:
        kwargs += (("model_loader_extra_config", settings),)
    return Needs("source.streaming", kwargs=kwargs, replica_env=env)


def access(model: Model) -> Iterator[Needs]:
    """What the access blocks and streaming of a source ask for."""
    source = model.source
    if source.s3 is not None:
        yield _s3(source.s3)
    if source.gcs is not None:
        yield _gcs(source.gcs)
    if source.azure is not None:
        yield _azure(source.azure)
    if source.streaming is not None:
        yield _streaming(source.streaming, source.s3)
