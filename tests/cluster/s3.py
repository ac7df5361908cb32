"""An S3 server for tests: Versity's S3 gateway (a real one, built from its Go module) in a container beside the nodes.

It asks for credentials and signatures, starts in about a second, and is reached by its address on Docker's network:
pods of every node use the same URL. Its objects go when the context ends. Needs pyarrow, so it is for tests only.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pyarrow import ArrowException, fs  # type: ignore[import-untyped]

from cluster import golang, names
from cluster.engine import docker, image_id, remove_tags
from cluster.golang import S3
from cluster.node_image import import_binary
from cluster.shell import ClusterError, wait_for

REGION: Final = "us-east-1"
_IMAGE: Final = "llm-operator/s3"
_PORT: Final = 7070
_START_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class S3Server:
    """A running server. `endpoint` is its URL as pods see it, `local` as this machine does."""

    endpoint: str
    local: str
    access_key: str = field(default_factory=lambda: secrets.token_hex(8))
    secret_key: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)

    def environment(self) -> dict[str, str]:
        """What the AWS SDKs (boto3, the AWS CLI), pyarrow and smart_open read in a pod."""
        return {"AWS_ENDPOINT_URL": self.endpoint, "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION, **self.keys()}

    def keys(self) -> dict[str, str]:
        """The credentials alone, under the names of their variables: the stringData of a Secret."""
        return {"AWS_ACCESS_KEY_ID": self.access_key, "AWS_SECRET_ACCESS_KEY": self.secret_key}

    def put(self, folder: Path, target: str) -> list[str]:
        """Upload the files under `folder` (recursively) to `target`, "bucket" or "bucket/prefix"; returns their URIs.

        The bucket is made if it is not there. Raises ClusterError when the folder holds no file.
        """
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        if not files:
            raise ClusterError(f"{folder} holds no file to upload")
        store, target = self._filesystem(), target.strip("/")
        store.create_dir(target.partition("/")[0])
        keys = [f"{target}/{file.relative_to(folder).as_posix()}" for file in files]
        for file, key in zip(files, keys, strict=True):
            with store.open_output_stream(key) as stream:
                stream.write(file.read_bytes())
        return [f"s3://{key}" for key in keys]

    def read(self, key: str) -> bytes:
        """The content of "bucket/key"; raises FileNotFoundError."""
        with self._filesystem().open_input_stream(key.removeprefix("s3://")) as stream:
            content: bytes = stream.read()
        return content

    def _filesystem(self) -> fs.S3FileSystem:
        return fs.S3FileSystem(
            access_key=self.access_key,
            secret_key=self.secret_key,
            region=REGION,
            endpoint_override=self.local,
            scheme="http",
            allow_bucket_creation=True,
        )

    def _answers(self) -> bool:
        try:
            self._filesystem().get_file_info(fs.FileSelector("", recursive=False))
        except (OSError, ArrowException):
            return False
        return True


@contextmanager
def server() -> Iterator[S3Server]:
    """A server with no buckets, for as long as the context lasts; the first time, its image is built (2 minutes)."""
    name = f"{names.CLUSTER}-s3-{secrets.token_hex(3)}"
    blank = S3Server("", "")
    try:
        docker(
            "run", "--detach", "--name", name, "--label", names.S3_LABEL, "--network", names.NETWORK,
            "--publish", f"127.0.0.1::{_PORT}", "--volume", "/data",
            "--env", f"ROOT_ACCESS_KEY_ID={blank.access_key}", "--env", f"ROOT_SECRET_ACCESS_KEY={blank.secret_key}",
            ensure_image(), "--port", f":{_PORT}", "--region", REGION, "--quiet", "posix", "/data",
        )  # fmt: skip
        address = docker(
            "inspect", "--format", f'{{{{(index .NetworkSettings.Networks "{names.NETWORK}").IPAddress}}}}', name
        )
        local = docker("port", name, str(_PORT)).splitlines()[0]
        made = S3Server(f"http://{address}:{_PORT}", local, blank.access_key, blank.secret_key)
        wait_for("the S3 server answers", made._answers, seconds=_START_SECONDS, hint=f"See `docker logs {name}`.")
        yield made
    finally:
        docker("rm", "--force", "--volumes", name, check=False)


def ensure_image() -> str:
    """Return the reference of the server's image, built if it is not there."""
    platform = golang.linux_platform()
    tagged = f"{_IMAGE}:{golang.key(S3, *platform)}"
    if image_id(tagged) is None:
        import_binary(golang.build(S3, *platform) / "versitygw", tagged, ["/usr/local/bin/versitygw"])
        golang.drop_caches()
        remove_tags(_IMAGE, keep=[tagged])
    return tagged
