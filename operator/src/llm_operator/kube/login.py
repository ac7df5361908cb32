"""One source of credentials for our client and for kopf: $KUBECONFIG, else the pod's service account, else ~/.kube/config."""

import os
from dataclasses import dataclass

from kubernetes.aio import config as kube_config
from kubernetes.aio.client import Configuration
from kubernetes.aio.config.incluster_config import SERVICE_TOKEN_FILENAME


class LoginError(Exception):
    """No usable credentials; the message says what was tried."""


@dataclass(frozen=True, slots=True)
class Connection:
    """Where the API server is and how to authenticate, in kopf's terms."""

    server: str
    ca_path: str | None
    insecure: bool
    certificate_path: str | None
    key_path: str | None
    scheme: str | None
    token: str | None
    tls_server_name: str | None


async def load(kubeconfig: str | None = None) -> Configuration:
    """The client's configuration; `kubeconfig`: a file that is used instead of all others. A service account's token file is
    read again at least once a minute (it rotates) through the configuration's refresh hook. Raises LoginError."""
    configuration = Configuration()
    try:
        if kubeconfig is None and _in_cluster() and not os.environ.get("KUBECONFIG"):
            kube_config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        else:
            await kube_config.load_kube_config(  # type: ignore[no-untyped-call]
                config_file=kubeconfig, client_configuration=configuration, persist_config=False
            )
    except (kube_config.ConfigException, OSError) as error:
        raise LoginError(
            f"no access to a cluster: {error}. Set KUBECONFIG to a kubeconfig file, or run in a pod with a service account"
        ) from error
    return configuration


def _in_cluster() -> bool:
    return os.path.exists(SERVICE_TOKEN_FILENAME) and "KUBERNETES_SERVICE_HOST" in os.environ


async def authorization(configuration: Configuration) -> str | None:
    """Value of the Authorization header right now; None with client certificates."""
    return await configuration.get_api_key_with_prefix("BearerToken", alias="authorization")


async def connection() -> Connection:
    """Fresh credentials for kopf, which asks again after a 401."""
    configuration = await load()
    scheme, _, token = (await authorization(configuration) or "").partition(" ")
    return Connection(
        server=configuration.host,
        ca_path=configuration.ssl_ca_cert,
        insecure=not configuration.verify_ssl,
        certificate_path=configuration.cert_file,
        key_path=configuration.key_file,
        scheme=scheme.capitalize() or None,
        token=token or None,
        tls_server_name=configuration.tls_server_name,
    )
