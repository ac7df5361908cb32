"""The command line of the check: files and folders in, one line per problem out."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from llm_serve_app.check.application import check
from llm_serve_app.problem import Problem


def main(argv: list[str] | None = None) -> int:
    """`python -m llm_serve_app.check FILE...`: one line per problem on stdout; exit code 1 when there is one.

    A folder stands for the *.yaml files in it, so that one start of an image with vLLM checks a whole catalogue.
    """
    options = _parser().parse_args(argv)
    bad = 0
    for file in _files(options.files):
        problems = check_file(file, direct_streaming=options.direct_streaming, body_forwarded=options.body_forwarded)
        bad += bool(problems)
        for problem in problems:
            sys.stdout.write(f"{file}: {problem}\n")
        sys.stdout.write(f"{file}: {len(problems)} problem(s)\n" if problems else f"{file}: valid for Ray 2.60.0\n")
    return 1 if bad else 0


def check_file(file: Path, *, direct_streaming: bool = False, body_forwarded: bool = False) -> list[Problem]:
    """The problems of one YAML file; a file that is no YAML is one problem."""
    try:
        document: Any = yaml.safe_load(file.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        return [Problem("", f"cannot be read: {' '.join(str(error).split())}")]
    return check(document, direct_streaming=direct_streaming, body_forwarded=body_forwarded)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="llm_serve_app.check", description="Strict check of Ray Serve configurations")
    parser.add_argument(
        "files",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="YAML with a configuration (serveConfigV2), or a folder of such",
    )
    parser.add_argument(
        "--direct-streaming",
        action="store_true",
        help="the pods have RAY_SERVE_LLM_ENABLE_DIRECT_STREAMING=1: LLMRouter instead of an ingress",
    )
    parser.add_argument(
        "--body-forwarded",
        action="store_true",
        help="the pods have RAY_SERVE_INGRESS_REQUEST_ROUTER_FORWARD_BODY=1: the router sees request bodies",
    )
    return parser


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        yield from sorted([*path.rglob("*.yaml"), *path.rglob("*.yml")]) if path.is_dir() else [path]
