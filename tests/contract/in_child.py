"""What runs inside an operator's process before its main: imports, and stand-ins for what a container would have."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

_START = datetime.now(UTC)
"""In the parent of all: its children have the same."""


def warm() -> None:
    """In the parent of all: everything that an operator imports, and the caches that its first sync fills."""
    import kopf  # noqa: F401
    import llm_operator.__main__
    import llm_operator.main  # noqa: F401
    from builders import NOW, llm
    from llm_operator.plan.inputs import Scope
    from llm_operator.sync import sync

    sync(Scope(parent=llm().object(), now=NOW))


def prepare(environment: Mapping[str, str]) -> None:
    """In the child. CONTRACT_SERVICE_ACCOUNT: the folder that stands for /var/run/secrets/kubernetes.io/serviceaccount.
    CONTRACT_CLOCK_SKEW: seconds by which this process's wall clock is ahead. CONTRACT_CLOCK_RATE: how much faster than the
    real one it runs, for all processes from the same moment on. The monotonic clock stays as it is."""
    from kubernetes.aio.config import incluster_config, kube_config
    from llm_operator import main
    from llm_operator.kube import login

    # Read at import by the client, that is, by the parent.
    kube_config.KUBE_CONFIG_DEFAULT_LOCATION = environment.get("KUBECONFIG", "")
    if folder := environment.get("CONTRACT_SERVICE_ACCOUNT"):
        token, authority = str(Path(folder, "token")), str(Path(folder, "ca.crt"))
        incluster_config.SERVICE_TOKEN_FILENAME = token
        incluster_config.SERVICE_CERT_FILENAME = authority
        vars(login)["SERVICE_TOKEN_FILENAME"] = token
    skew = float(environment.get("CONTRACT_CLOCK_SKEW", "0"))
    rate = float(environment.get("CONTRACT_CLOCK_RATE", "1"))

    def now() -> datetime:
        real = datetime.now(UTC)
        return _START + (real - _START) * rate + timedelta(seconds=skew)

    main._now = now
