"""`python -m cluster`: the command line of the local cluster. No logic."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from cluster import base, binaries, engine, env, fake_devices, images, install, lifecycle, names
from cluster.shell import ClusterError, say
from cluster.source import choose

_MOST_NODES = 5  # each is about 150 MB of processes
_PASS_THROUGH = ("kubectl", "helm", "kind")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m cluster",
        description="The local kind cluster with KubeRay that the demo and the tests run on.",
        epilog="LLM_OPERATOR_CACHE: the cache folder. SOURCE=pull|build: force where images come from.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="bring the cluster up; what is there already is kept")
    up.add_argument("--nodes", type=_count, help="number of nodes (default: as many as there are, or 1)")
    for name in names.BUILDABLE:
        short = name.removesuffix("-cpu")
        up.add_argument(
            f"--without-{short}",
            action="append_const",
            const=name,
            dest="without",
            help=f"neither build nor load the image {name}",
        )
    commands.add_parser("down", help="remove container, volumes and network; the cache stays")
    commands.add_parser("status", help="what is there, on one screen")
    commands.add_parser("tools", help="only make kind, kubectl and helm (no Docker needed)")
    commands.add_parser("base", help="only make the base image that the other images are built from")
    commands.add_parser("install", help="install the operator's chart, or upgrade it if image or chart changed")
    devices = commands.add_parser("fake-devices", help="accelerators that are not there, for pods that ask for them")
    devices.add_argument(
        "--per-node", type=int, default=fake_devices.PER_NODE, help="of each kind (default: %(default)s)"
    )
    devices.add_argument("--remove", action="store_true", help="take them away")
    for verb, text in (("build", "build an image if its content changed"), ("load", "put an image into the node")):
        command = commands.add_parser(verb, help=text)
        command.add_argument("name", choices=(*names.BUILDABLE, *(names.ON_DEMAND if verb == "build" else ())))
    for tool in _PASS_THROUGH:
        commands.add_parser(tool, help=f"run the cached {tool} on this cluster only", add_help=False)
    return parser


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= _MOST_NODES:
        raise argparse.ArgumentTypeError(f"{text}: 1 to {_MOST_NODES} nodes")
    return number


def _replace_by(tool: str, arguments: Sequence[str]) -> None:
    """Become the tool, with this cluster's kubeconfig."""
    binary = names.binary(tool)
    if tool != "kind":
        env.guard()
    if not binary.exists():
        binaries.ensure_tools()
    if tool == "kind":
        os.execve(binary, [tool, *arguments], {**env.environment(), "KIND_CLUSTER_NAME": names.CLUSTER})
    context = "--context" if tool == "kubectl" else "--kube-context"
    os.execve(binary, [tool, f"{context}={names.CONTEXT}", *arguments], env.environment())


def _fake_devices(options: argparse.Namespace) -> None:
    if options.remove:
        fake_devices.take()
    else:
        fake_devices.give(dict.fromkeys(fake_devices.DEVICES, options.per_node))
    print("\n".join(f"{node}: {devices or 'none'}" for node, devices in fake_devices.given().items()))


def _run(options: argparse.Namespace) -> None:
    match options.command:
        case "up":
            lifecycle.up(frozenset(options.without or ()), options.nodes)
        case "down":
            lifecycle.down()
        case "status":
            print(lifecycle.status())
        case "tools":
            binaries.ensure_tools()
        case "base":
            engine.ensure_engine()
            print(base.ensure_base(choose()))
        case "install":
            install.install()
        case "fake-devices":
            _fake_devices(options)
        case "build":
            engine.ensure_engine()
            print(images.build(options.name, choose()))
        case "load":
            env.guard()
            images.load(names.image_ref(options.name))


def main(argv: Sequence[str]) -> int:
    """Run one command; 0 when it worked, 1 with the reason on standard error when it did not."""
    try:
        if argv and argv[0] in _PASS_THROUGH:
            _replace_by(argv[0], argv[1:])
        _run(_parser().parse_args(argv))
    except ClusterError as problem:
        say(f"error: {problem}")
        return 1
    except KeyboardInterrupt:
        say("interrupted: run the same command again to go on")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
