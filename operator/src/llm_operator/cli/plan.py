"""`llm-operator plan`: what a file would change of what runs, before anything happens."""

import argparse
import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from llm_operator.api import names
from llm_operator.api.change_class import ChangeClass
from llm_operator.api.errors import InvalidSpec
from llm_operator.api.way import Way
from llm_operator.capacity.room import Room
from llm_operator.change.model import Change
from llm_operator.cli.documents import Document, UnusableFile, accepted, add_file, now, policy, read
from llm_operator.cli.live import Files, Live, NoCluster
from llm_operator.cli.plan_report import Planned, as_json, as_text
from llm_operator.cli.spec_edits import deciding
from llm_operator.config import ConfigError
from llm_operator.plan.inputs import Policy, Scope
from llm_operator.plan.plan import Plan
from llm_operator.plan.resolve import resolve
from llm_operator.plan.warnings import warnings
from llm_operator.render.drain import seconds_until_the_end
from llm_operator.rollout.decide import Decision
from llm_operator.stages.decision import stand
from llm_operator.stages.ownership import conflict

if TYPE_CHECKING:
    from llm_operator.cli.kubeconfig import Kubeconfig

NAME: Final = "plan"
HELP: Final = "Say what a file would change of what runs: restarts, a new Ray cluster, pods and accelerators on top. Writes nothing."
UNCHANGED: Final = 0
WRONG_INPUT: Final = 1
WRONG_ENVIRONMENT: Final = 2
CHANGED: Final = 3
Source: TypeAlias = "Files | Kubeconfig"
"""Where what runs is read."""
_STARTS: Final = (Way.CREATE, Way.NEW_CLUSTER, Way.INCREMENTAL, Way.HOLD)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    add_file(parser)
    parser.epilog = "Exit status: 0 nothing changes, 3 something does, 1 the input is wrong, 2 the environment or the command line is."
    parser.add_argument(
        "--against",
        metavar="FILE",
        action="append",
        help="YAML with the RayServices that run (`kubectl get rayservice -o yaml`), and the LLMDeployments that they were "
        "made from, if you have them; may be given several times. Default: ask the cluster",
    )
    parser.add_argument("--kubeconfig", metavar="FILE", help="default: $KUBECONFIG, else ~/.kube/config")
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text", help="default: text")


def _scope(document: Document, live: Live, allowed: Policy) -> Scope:
    """As the operator would see it after an apply of the document."""
    before = live.parent or {}
    old = before.get("metadata") or {}
    generation = int(old.get("generation", 0))
    edited = before.get("spec") != document.raw.get("spec")
    metadata = {**document.metadata, "uid": _uid(live), "generation": generation + 1 if edited else generation}
    annotations = {**(old.get("annotations") or {}), **(document.metadata.get("annotations") or {})}
    parent = {
        **document.raw,
        "metadata": {**metadata, "annotations": annotations},
        "status": before.get("status") or {},
    }
    return Scope(
        parent=parent, now=now().strftime("%Y-%m-%dT%H:%M:%SZ"), child=live.child, room=live.room, policy=allowed
    )


def _uid(live: Live) -> str:
    """Of the LLMDeployment; without it, the one that the RayService says it belongs to."""
    if live.parent is not None:
        return str(live.parent["metadata"].get("uid", ""))
    owners = ((live.child or {}).get("metadata") or {}).get("ownerReferences") or ()
    return next((str(owner.get("uid", "")) for owner in owners if owner.get("kind") == names.KIND), "")


def _resolved(document: Document, allowed: Policy) -> Plan:
    """Raises InvalidSpec with every mistake; the operator says the first ones in a condition."""
    metadata = document.metadata
    return resolve(
        document.spec,
        name=metadata["name"],
        namespace=metadata["namespace"],
        uid="",
        routes={},
        now=now(),
        policy=allowed,
    )


def _decision(document: Document, live: Live, allowed: Policy) -> Decision:
    """Raises InvalidSpec."""
    _resolved(document, allowed)
    found = stand(_scope(document, live, allowed)).decision
    if found is None:
        raise AssertionError("a spec that resolves has a decision")
    return found


def _room(document: Document, scope: Scope, decision: Decision, source: Source) -> Room | None:
    """For the Ray cluster that would start before anything stops; None when none would, or nobody knows."""
    starts = decision.change.change_class is ChangeClass.NEW_CLUSTER and decision.choice.way in _STARTS
    if not starts or document.spec.suspend:
        return None
    return source.room(scope, decision.wanted["spec"]["rayClusterConfig"])


def planned(document: Document, source: Source, allowed: Policy) -> Planned:
    """What the operator would do with this document. Raises InvalidSpec, and UnusableFile when the RayService of this name is
    somebody else's."""
    live = source.of(document.metadata["namespace"], document.metadata["name"])
    scope = _scope(document, live, allowed)
    in_the_way = conflict(scope)
    if in_the_way is not None:
        raise UnusableFile(in_the_way[1])
    decision = _decision(document, live, allowed)
    room = _room(document, scope, decision, source)
    if room is not None and allowed.free_capacity:
        live = replace(live, room=room)
        decision = _decision(document, live, allowed)

    def change_of(spec: dict[str, Any]) -> Change:
        return _decision(accepted({**document.raw, "spec": spec}), live, allowed).change

    old = (live.parent or {}).get("spec")
    drain = seconds_until_the_end(decision.wanted)
    return Planned(
        namespace=scope.namespace,
        name=scope.name,
        change=decision.change,
        way=decision.choice.way,
        note=decision.choice.message,
        strategy=document.spec.rollout.strategy,
        stopped="suspend" if document.spec.suspend else "paused" if document.spec.paused else "",
        exists=live.child is not None,
        measured=scope.status.get("measured") or {},
        fields=deciding(old, document.raw["spec"], decision.change, change_of) if old is not None else {},
        wanted=decision.wanted,
        room=room,
        counted=allowed.free_capacity,
        warnings=tuple(each.message for each in warnings(_resolved(document, allowed), document.spec, drain)),
    )


def _cluster(kubeconfig: str | None) -> "Kubeconfig":
    from llm_operator.cli.kubeconfig import Kubeconfig

    return Kubeconfig(kubeconfig)


def _plans(args: argparse.Namespace, allowed: Policy) -> list[Planned]:
    documents = read(args.file)
    source: Source = Files(args.against) if args.against else _cluster(args.kubeconfig)
    made = []
    for raw in documents:
        try:
            document = accepted(raw)
            made.append(planned(document, source, allowed))
        except InvalidSpec as invalid:
            name = (raw.get("metadata") or {}).get("name")
            raise UnusableFile("\n".join(f"{args.file}: {name}: {line}" for line in invalid.errors)) from invalid
    return made


def run(args: argparse.Namespace) -> int:
    """Exit status."""
    try:
        plans = _plans(args, policy())
    except UnusableFile as unusable:
        sys.stderr.write(f"{unusable}\n")
        return WRONG_INPUT
    except (ConfigError, NoCluster) as error:
        sys.stderr.write(f"llm-operator: {error}\n")
        return WRONG_ENVIRONMENT
    if args.output == "json":
        sys.stdout.write(json.dumps([as_json(each) for each in plans], indent=2) + "\n")
    else:
        sys.stdout.write("\n".join(as_text(each) for each in plans))
    return CHANGED if any(each.changes for each in plans) else UNCHANGED
