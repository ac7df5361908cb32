"""What an image's hash and its build context are made of."""

from __future__ import annotations

from pathlib import Path

import pytest
from cluster import hashing
from cluster.images import context_files, copied_paths, layers
from cluster.shell import ClusterError

_DOCKERFILE = """\
ARG BASE_IMAGE=debian:12-slim
FROM ${BASE_IMAGE} AS build
# COPY not/this /
COPY images/a/one.txt \\
     operator/src /build/
COPY --chown=1:1 two.txt /
FROM scratch
COPY --from=build /rootfs/ /
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for name in (
        "images/a/one.txt",
        "operator/src/x/m.py",
        "two.txt",
        "unrelated.txt",
        "operator/src/__pycache__/m.pyc",
    ):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    return tmp_path


def test_finds_what_is_copied_from_the_context() -> None:
    assert copied_paths(_DOCKERFILE) == ["images/a/one.txt", "operator/src", "two.txt"]


def test_context_holds_the_copied_files_and_no_compiled_python(repository: Path) -> None:
    found = {path.relative_to(repository).as_posix() for path in context_files(_DOCKERFILE, repository)}
    assert found == {"images/a/one.txt", "operator/src/x/m.py", "two.txt"}


def test_a_copied_file_that_is_not_there_is_named(repository: Path) -> None:
    with pytest.raises(ClusterError, match=r"copies missing\.txt, but"):
        context_files("FROM scratch\nCOPY missing.txt /\n", repository)


def test_hash_follows_content_name_and_mode_only(repository: Path) -> None:
    def key() -> str:
        return hashing.of_files(context_files(_DOCKERFILE, repository), repository)

    first = key()
    (repository / "unrelated.txt").write_text("changed")
    (repository / "two.txt").touch()
    assert key() == first
    (repository / "two.txt").chmod(0o755)
    executable = key()
    (repository / "two.txt").write_text("changed")
    assert len({first, executable, key()}) == 3


def test_text_parts_are_kept_apart() -> None:
    assert hashing.of_text("ab", "c") != hashing.of_text("a", "bc")


def test_layers_are_read_from_the_builders_output() -> None:
    log = "Step 1/2 : FROM x\n ---> 315b0be0d669\nStep 2/2 : RUN echo ' ---> nothing'\n ---> Running in a0da093feadc\n"
    assert layers(f"{log} ---> 31462d157a9a\nSuccessfully built 31462d157a9a\n") == ["315b0be0d669", "31462d157a9a"]
