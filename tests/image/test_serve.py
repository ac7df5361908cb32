"""images/serve on a base with Ray (here serve-cpu): the package of this checkout is in it, whole, and nothing else changed."""

import json
import subprocess
from importlib.metadata import version

import pytest
from cluster import engine, images, names
from cluster.source import Source

FACTS = """
import importlib.metadata, json, os, pathlib, sys
import llm_serve_app, ray
root = pathlib.Path(llm_serve_app.__file__).parent
print(json.dumps({
    "user": os.getuid(),
    "ray": ray.__version__,
    "version": importlib.metadata.version("llm-serve-app"),
    "beside ray": root.parent == pathlib.Path(ray.__file__).parents[1],
    "files": sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.suffix not in ("", ".pyc")),
    "models": sorted(path.name for path in pathlib.Path("/models/text").iterdir()),
}))
"""


@pytest.fixture(scope="module")
def image() -> str:
    return images.build("serve", Source.BUILD)


def test_serve_image_holds_this_package(image: str) -> None:
    command = [
        "docker",
        "run",
        "--rm",
        "--network",
        "none",
        "--read-only",
        "--entrypoint",
        "python3",
        image,
        "-c",
        FACTS,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    facts = json.loads(done.stdout.splitlines()[-1])
    source = names.ROOT / "serve_app" / "src" / "llm_serve_app"
    files = [path for path in source.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert facts == {
        "user": 1000,
        "ray": "2.60.0",
        "version": version("llm-serve-app"),
        "beside ray": True,
        "files": sorted(str(path.relative_to(source)) for path in files),
        "models": ["sentiment.json", "summary.json"],
    }


def test_an_unchanged_package_builds_nothing(image: str) -> None:
    before = engine.image_id(image)
    assert engine.image_id(images.build("serve", Source.BUILD)) == before
