"""Keeps the synchronous half of the official client out of the operator's process."""

import importlib
import importlib.util
import sys


def install() -> None:
    """To be called before anything imports `kubernetes`. Only `kubernetes.aio.client` and `.config` are used here, but
    `kubernetes/__init__.py` (37.0.2) imports the synchronous client, the dynamic one and all that they need,
    `kubernetes/aio/__init__.py` imports another dynamic client, streams and utilities; and kopf (1.45.2,
    _cogs/helpers/thirdparty.py) imports the synchronous client to recognise its objects, if it can. Measured: 15 MiB of
    memory for the first, 4 MiB for the second."""
    for name in ("kubernetes", "kubernetes.aio"):
        spec = importlib.util.find_spec(name)
        assert spec is not None, "a dependency of this package"
        # A package without what its own __init__ would import; its modules are found as before.
        sys.modules[name] = importlib.util.module_from_spec(spec)
    # An import of it fails from now on: kopf then goes without.
    sys.modules["kubernetes.client"] = None  # type: ignore[assignment]
