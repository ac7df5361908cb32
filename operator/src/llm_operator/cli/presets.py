"""`llm-operator presets`: all presets, or one of them."""

import argparse
import sys

from llm_operator.api.errors import did_you_mean
from llm_operator.plan import presets
from llm_operator.render.presets_text import details, listing

NAME = "presets"
HELP = "List the presets of model families, or show one."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("preset", nargs="?", metavar="NAME", help="show what it sets, its facts and their sources")


def run(args: argparse.Namespace) -> int:
    """Exit status 1: there is no such preset."""
    if args.preset is None:
        sys.stdout.write(listing())
        return 0
    if args.preset not in presets.names():
        hint = did_you_mean(args.preset, presets.names()) or "`llm-operator presets` lists them"
        sys.stderr.write(f'llm-operator: unknown preset "{args.preset}"; {hint}\n')
        return 1
    sys.stdout.write(details(args.preset))
    return 0
