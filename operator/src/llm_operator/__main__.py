"""Command line: finds the command and calls it. No logic here."""

import argparse
import sys
from collections.abc import Callable

from llm_operator import __version__
from llm_operator.cli import explain, generated, plan, presets, render, run


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="llm-operator", description="Serve LLMs on KubeRay from one short resource.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, text: str, handler: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(handler=handler)
        return sub

    command("run", "Run the operator against the cluster (in a pod, or with KUBECONFIG).", lambda _: run.run())
    for module in (render, explain, plan, presets):
        module.arguments(command(module.NAME, module.HELP, module.run))
    command("crd", "Print the CustomResourceDefinition.", lambda _: generated.print_crd())
    command("docs", "Print the API reference (Markdown).", lambda _: generated.print_docs())
    return parser


def main(argv: list[str] | None = None) -> int:
    """Exit status: 0 done, 1 the input is wrong, 2 the environment or the command line is wrong (`plan`: 3 something changes)."""
    args = _parser().parse_args(argv)
    return int(args.handler(args))


if __name__ == "__main__":
    sys.exit(main())
