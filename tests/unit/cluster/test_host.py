"""Settings of the host that go into the base image: none on a plain machine, and never a third party's sources."""

from __future__ import annotations

from pathlib import Path

from cluster import host

_SOURCES = """\
# a comment
Types: deb
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/k.gpg

Types: deb
URIs: http://mirror.example/security
Suites: bookworm-security
Components: main
"""


def _apt(folder: Path, **files: str) -> Path:
    (folder / "sources.list.d").mkdir()
    for name, text in files.items():
        path = folder / "sources.list" if name == "list" else folder / "sources.list.d" / name.replace("_", ".")
        path.write_text(text)
    return folder


def test_sources_of_the_suite_only(tmp_path: Path) -> None:
    apt = _apt(
        tmp_path,
        debian_sources=_SOURCES,
        node_sources="Types: deb\nURIs: http://other.example\nSuites: nodistro\nComponents: main\n",
        cloud_list="deb http://cloud.example cloud-bookworm main\n",
    )
    stanzas = host.debian_sources(apt, "bookworm").strip().split("\n\n")
    assert [line for stanza in stanzas for line in stanza.splitlines() if line.startswith("URIs")] == [
        "URIs: http://mirror.example/debian",
        "URIs: http://mirror.example/security",
    ]


def test_one_line_sources_become_stanzas(tmp_path: Path) -> None:
    line = "deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian bookworm-updates main contrib\n"
    assert host.debian_sources(_apt(tmp_path, list=f"# old\n{line}deb http://x.example noble main\n"), "bookworm") == (
        "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm-updates\nComponents: main contrib\n"
        "Signed-By: /k.gpg\n\n"
    )


def test_a_host_of_another_release_has_none(tmp_path: Path) -> None:
    assert host.debian_sources(_apt(tmp_path, list="deb http://x.example noble main\n"), "bookworm") == ""


def test_the_bundle_is_taken_only_from_a_host_that_has_its_own(tmp_path: Path) -> None:
    bundle, empty = tmp_path / "ca.pem", tmp_path / "empty"
    bundle.write_text("x")
    empty.mkdir()
    assert host.ca_bundle({}, local_cas=empty) is None
    assert host.ca_bundle({"SSL_CERT_FILE": str(tmp_path / "gone.pem")}, local_cas=empty) is None
    assert host.ca_bundle({"CURL_CA_BUNDLE": str(bundle)}, local_cas=empty) == bundle


def test_pip_settings_for_downloads_only_and_the_environment_wins(tmp_path: Path) -> None:
    first, second = tmp_path / "1.conf", tmp_path / "2.conf"
    first.write_text("[global]\nindex-url = https://one.example\ntimeout = 3\nfind-links = /opt/wheels\n")
    second.write_text("[global]\nindex-url = https://two.example\n[install]\nuser = yes\n")
    settings = host.pip_settings({"PIP_TIMEOUT": "180", "PIP_FIND_LINKS": "/opt/wheels"}, (first, second))
    assert settings == {"index-url": "https://two.example", "timeout": "180"}


def test_the_proxy_reaches_the_build() -> None:
    assert host.build_arguments({"HTTPS_PROXY": "http://p:1", "HTTP_PROXY": "", "X": "y"}) == [
        "--build-arg",
        "HTTPS_PROXY=http://p:1",
    ]
