"""`llm-operator render`: the RayServices that would be applied to an empty cluster."""

import argparse

from llm_operator.api import names
from llm_operator.cli.documents import Document, NothingToPrint, add_file, each, now
from llm_operator.plan.inputs import Policy, Scope
from llm_operator.plan.resolve import resolve
from llm_operator.render.text import to_yaml
from llm_operator.sync import sync

NAME = "render"
HELP = "Print the RayService that a file would become, offline."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    add_file(parser)


def _text(document: Document, policy: Policy) -> str:
    metadata, moment = document.metadata, now()
    # With every mistake of the plan; sync says them in a condition.
    resolve(
        document.spec,
        name=metadata["name"],
        namespace=metadata["namespace"],
        uid="",
        routes={},
        now=moment,
        policy=policy,
    )
    scope = Scope(parent=document.raw, now=moment.strftime("%Y-%m-%dT%H:%M:%SZ"), policy=policy)
    wanted = sync(scope).apply
    if wanted is None:
        raise NothingToPrint("nothing to apply: spec.suspend or spec.paused is true")
    # When it was made says nothing about a file.
    annotations = {
        key: text for key, text in wanted["metadata"]["annotations"].items() if key != names.CHANGE_ANNOTATION
    }
    wanted = {**wanted, "metadata": {**wanted["metadata"], "annotations": annotations}}
    return f"---\n{to_yaml(wanted)}"


def run(args: argparse.Namespace) -> int:
    """Exit status."""
    return each(args.file, _text)
