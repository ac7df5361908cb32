"""What makes Ray build an application anew, by the place that is told; and what a head keeps until the next Ray cluster."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from llm_operator.api.change_class import ChangeClass
from llm_operator.change.classify import classify
from unit.change.test_classify import CLUSTER, HEAD, Object, edited, only, running, with_app

BASE = "serveConfigV2.applications[shop]"


def _with(live: Object, **changes: Any) -> Object:
    """The application "shop" with some of its keys set, or gone (None)."""
    made = copy.deepcopy(live)
    config = json.loads(made["spec"]["serveConfigV2"])
    (shop,) = [each for each in config["applications"] if each["name"] == "shop"]
    shop.update(changes)
    for key in [key for key, value in changes.items() if value is None]:
        del shop[key]
    made["spec"]["serveConfigV2"] = json.dumps(config)
    return made


@pytest.mark.parametrize(
    ("before", "after", "path"),
    [
        ({"import_path": "shop:a"}, {"import_path": "shop:b"}, "import_path"),
        ({"runtime_env": {"a": "1"}}, {"runtime_env": {"a": "2"}}, "runtime_env.a"),
        ({"runtime_env": {}}, {"runtime_env": None}, None),
        ({"args": {}}, {"args": None}, None),
        ({"args": {"n": 1}}, {"args": {"n": 2}}, "args.n"),
        # Texts of the user: no quantities here.
        ({"args": {"n": "1000m"}}, {"args": {"n": "1"}}, "args.n"),
        ({"args": {"n": "1Gi"}}, {"args": {"n": "1024Mi"}}, "args.n"),
        ({"autoscaling_policy": {"name": "a"}}, {"autoscaling_policy": {"name": "b"}}, "autoscaling_policy.name"),
    ],
)
def test_code(before: dict[str, Any], after: dict[str, Any], path: str | None) -> None:
    live = running(with_app())
    found = only(classify(_with(live, **before), _with(live, **after)), "shop")
    if path is None:
        assert (found.change_class, found.paths) == (ChangeClass.NONE, ())
    else:
        assert found.change_class is ChangeClass.REPLICA_RESTART
        assert found.paths == (f"{BASE}.{path}",)
        assert set(found.restarted) == {"Main", "Rank"}


def test_tolerations_of_the_head_wait_for_the_next_cluster() -> None:
    wanted = running(with_app())
    found = classify(edited(wanted, f"{HEAD}.tolerations", [{"key": "a"}]), wanted)
    assert found.change_class is ChangeClass.IN_PLACE
    assert found.deferred_paths == ("rayClusterConfig.headGroupSpec.template.spec.tolerations",)
    version = f"{CLUSTER}.rayVersion"
    assert classify(edited(wanted, version, "2.0.0"), wanted).deferred_paths == ()
