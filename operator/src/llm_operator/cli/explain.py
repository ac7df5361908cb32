"""`llm-operator explain`: in words what a file would get."""

import argparse

from llm_operator.cli.documents import Document, add_file, each, now
from llm_operator.plan.inputs import Policy
from llm_operator.plan.plan import Plan
from llm_operator.plan.resolve import resolve
from llm_operator.plan.schedules import widest
from llm_operator.render.explain import explain

NAME = "explain"
HELP = "Say in words what a file would get: pods, accelerators, memory, URLs, needs. Offline."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    add_file(parser)


def _text(document: Document, policy: Policy) -> str:
    metadata, moment = document.metadata, now()

    def plan(widened: bool) -> Plan:
        return resolve(
            widest(document.spec) if widened else document.spec,
            name=metadata["name"],
            namespace=metadata["namespace"],
            uid=metadata["uid"],
            routes={},
            now=moment,
            policy=policy,
        )

    return explain(document.spec, plan(widened=False), plan(widened=True))


def run(args: argparse.Namespace) -> int:
    """Exit status."""
    return each(args.file, _text)
