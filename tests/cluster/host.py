"""The host's own settings that image builds need: CA bundle, apt sources, pip and proxy settings.

They go into the local base image and are never written into a committed file. A host without such settings
contributes nothing. Settings that name a local folder of the host are left out: no container could use them.
"""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cluster import names

_BUNDLE_VARIABLES: Final = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT")
_PROXY_VARIABLES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
_PIP_KEYS: Final = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout")
_CONTAINER_BUNDLE: Final = "/etc/ssl/certs/ca-certificates.crt"
_LOCAL_CAS: Final = Path("/usr/local/share/ca-certificates")


def ca_bundle(environ: Mapping[str, str], local_cas: Path = _LOCAL_CAS) -> Path | None:
    """The host's CA bundle if the host trusts more than a stock system does, else None."""
    for variable in _BUNDLE_VARIABLES:
        if (value := environ.get(variable)) and Path(value).is_file():
            return Path(value)
    bundle = Path(_CONTAINER_BUNDLE)
    return bundle if bundle.is_file() and local_cas.is_dir() and any(local_cas.iterdir()) else None


def pip_settings(environ: Mapping[str, str], files: tuple[Path, ...]) -> dict[str, str]:
    """pip's [global] settings that matter for downloads: later files win over earlier ones, PIP_* over all."""
    found: dict[str, str] = {}
    for file in files:
        parser = configparser.RawConfigParser()
        parser.read(file)
        if parser.has_section("global"):
            found |= {key: value for key, value in parser.items("global") if key in _PIP_KEYS}
    for key in _PIP_KEYS:
        if value := environ.get("PIP_" + key.upper().replace("-", "_")):
            found[key] = value
    return found


def pip_files(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """pip's configuration files in the order in which pip reads them."""
    home = Path.home()
    config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    named = [Path(environ["PIP_CONFIG_FILE"])] if environ.get("PIP_CONFIG_FILE") else []
    return (Path("/etc/pip.conf"), home / ".pip" / "pip.conf", config / "pip" / "pip.conf", *named)


def debian_sources(folder: Path = Path("/etc/apt"), suite: str = names.DEBIAN_SUITE) -> str:
    """The host's apt sources for `suite` in deb822 form, or "" when the host does not have any.

    Third-party repositories are left out: they name suites of their own.
    """
    stanzas = []
    for file in sorted((folder / "sources.list.d").glob("*.sources")):
        for stanza in re.split(r"\n\s*\n", _without_comments(file.read_text())):
            suites = re.search(r"^Suites:(.*)$", stanza, re.MULTILINE)
            if suites and any(word.split("-")[0].split("/")[0] == suite for word in suites[1].split()):
                stanzas.append(stanza.strip())
    lists = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*.list"))]
    for file in filter(Path.is_file, lists):
        stanzas += [_stanza(line) for line in file.read_text().splitlines() if _is_for(line, suite)]
    return "".join(f"{stanza}\n\n" for stanza in stanzas)


def _without_comments(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.startswith("#"))


_ONE_LINE: Final = re.compile(r"^deb\s+(?:\[(?P<options>[^]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s+(?P<rest>.+)$")


def _is_for(line: str, suite: str) -> bool:
    match = _ONE_LINE.match(line.strip())
    return match is not None and re.split(r"[-/]", match["suite"])[0] == suite


def _stanza(line: str) -> str:
    match = _ONE_LINE.match(line.strip())
    assert match is not None
    signed = re.search(r"signed-by=(\S+)", match["options"] or "")
    tail = f"\nSigned-By: {signed[1]}" if signed else ""
    return f"Types: deb\nURIs: {match['uri']}\nSuites: {match['suite']}\nComponents: {match['rest'].strip()}{tail}"


def overlay(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Files (path in the image: content) that make apt, pip and uv work in a container as they do on this host."""
    files: dict[str, str] = {}
    if bundle := ca_bundle(environ):
        files[_CONTAINER_BUNDLE] = bundle.read_text()
    settings = pip_settings(environ, pip_files(environ)) | ({"cert": _CONTAINER_BUNDLE} if bundle else {})
    if settings:
        lines = "".join(f"{key} = {value}\n" for key, value in sorted(settings.items()))
        files["/etc/pip.conf"] = f"[global]\n{lines}"
    # uv reads neither pip's settings nor the system's CA bundle unless it is told to.
    uv = (["native-tls = true"] if bundle else []) + (
        [f'index-url = "{settings["index-url"]}"'] if "index-url" in settings else []
    )
    if uv:
        files["/etc/uv/uv.toml"] = "\n".join(uv) + "\n"
    if sources := debian_sources():
        files["/etc/apt/sources.list.d/debian.sources"] = sources
    return files


def build_arguments(environ: Mapping[str, str] = os.environ) -> list[str]:
    """`docker build` arguments that carry the host's proxy into the build (Docker knows these names)."""
    return [
        word for name in _PROXY_VARIABLES if environ.get(name) for word in ("--build-arg", f"{name}={environ[name]}")
    ]
