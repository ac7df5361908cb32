"""The stores: trimming, order of events, index by parent, pruning."""

import json
import random
from typing import Any

import pytest
from llm_operator.api import names
from llm_operator.control.store import Store, trim


def obj(name: str = "x", *, uid: str = "1", version: str = "10", parent: str | None = None, **metadata: Any) -> Any:
    labels = {names.DEPLOYMENT_LABEL: parent} if parent else {}
    return {
        "metadata": {
            "namespace": "llm", "name": name, "uid": uid, "resourceVersion": version, "labels": labels, **metadata
        }
    }  # fmt: skip


X = ("llm", "x")


def test_trim_drops_managed_fields_and_kubectls_copy_only() -> None:
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": "{}", "mine": "1"}
    full = {**obj(managedFields=[{}], annotations=annotations), "spec": {"a": 1}}
    assert trim(full) == {**obj(annotations={"mine": "1"}), "spec": {"a": 1}}
    assert "managedFields" in full["metadata"]


@pytest.mark.parametrize(
    ("stored", "event", "kept"),
    [
        (obj(version="10"), obj(version="11"), True),
        (obj(version="10"), obj(version="9"), False),
        (obj(version="9"), obj(version="10"), True),
        (obj(version="10"), obj(version="10"), False),
        (obj(uid="2", version="20"), obj(uid="1", version="15"), False),
        (obj(uid="1", version="15"), obj(uid="2", version="20"), True),
        (obj(version="a", generation=2), obj(version="b", generation=1), False),
        (obj(version="a", generation=2), obj(version="b", generation=2), True),
        (obj(version="a", generation=2), obj(uid="2", version="b", generation=1), True),
    ],
)
def test_put_ignores_what_is_older(stored: Any, event: Any, kept: bool) -> None:
    store = Store()
    store.put(stored)
    assert store.put(event) is kept
    assert store.get(X) == (event if kept else stored)


@pytest.mark.parametrize(
    ("stored", "event", "gone"),
    [
        (obj(version="10"), obj(version="11"), True),
        (obj(version="10"), obj(version="9"), True),
        (obj(uid="2", version="20"), obj(uid="1", version="15"), False),
    ],
)
def test_discard_ignores_a_former_namesake(stored: Any, event: Any, gone: bool) -> None:
    store = Store()
    store.put(stored)
    assert store.discard(event) is gone
    assert (store.get(X) is None) is gone


def test_children_follow_their_label() -> None:
    store = Store()
    store.put(obj("p2", parent="a"))
    store.put(obj("p1", parent="a"))
    store.put(obj("q", parent="b"))
    assert [child["metadata"]["name"] for child in store.children(("llm", "a"))] == ["p1", "p2"]
    store.put(obj("p1", parent="b", version="11"))
    store.discard(obj("p2", parent="a", version="11"))
    assert store.children(("llm", "a")) == ()
    assert [child["metadata"]["name"] for child in store.children(("llm", "b"))] == ["p1", "q"]


def test_prune_keeps_what_came_or_was_made_again_after_the_list() -> None:
    store = Store()
    for name, uid in (("alive", "1"), ("ghost", "2"), ("again", "3")):
        store.put(obj(name, uid=uid))
    before = store.uids()
    store.put(obj("again", uid="4", version="11"))
    store.put(obj("new", uid="5"))
    assert [ghost["metadata"]["name"] for ghost in store.prune(before, ["1"])] == ["ghost"]
    assert sorted(name for (_, name), _ in store.parents()) == ["again", "alive", "new"]


def test_what_is_given_out_is_a_copy() -> None:
    store = Store()
    store.put(obj(parent="p"))
    got = store.get(X) or {}
    got["metadata"]["labels"].clear()
    assert store.get(X) == obj(parent="p")
    assert store.children(("llm", "p")) == (obj(parent="p"),)


@pytest.mark.parametrize("size", [10, 40_000])
def test_objects_come_back_as_they_were_whatever_the_first_one_was(size: int) -> None:
    store = Store()
    first = {**obj("first"), "spec": {"text": "a" * size}}
    later = [
        {**obj(f"x{i}"), "spec": {"text": chr(97 + i) * size, "n": [i, 0.5, None, True, "\u00fc"]}} for i in range(5)
    ]
    for one in (first, *later):
        assert store.put(one)
    for one in (first, *later):
        assert store.get(("llm", one["metadata"]["name"])) == one


@pytest.mark.parametrize("shapes", [2, 5])
def test_what_is_like_any_object_seen_before_costs_little_more_than_what_differs(shapes: int) -> None:
    def one(number: int) -> Any:
        words = random.Random(number % shapes)
        return {**obj(f"x{number}"), "spec": {"text": [words.getrandbits(64) for _ in range(100)]}}

    objects = [one(number) for number in range(50)]
    store = Store()
    for each in objects:
        store.put(each)
    whole = sum(len(json.dumps(each)) for each in objects)
    assert store.packed_bytes() < whole / 8
    for each in objects:
        assert store.get(("llm", each["metadata"]["name"])) == each


def test_label_that_changes_moves_the_object_to_another_parent() -> None:
    store = Store()
    store.put(obj(version="1", parent="p"))
    store.put(obj(version="2", parent="q"))
    assert store.children(("llm", "p")) == ()
    assert store.parent(X) == ("llm", "q")
    store.discard(obj(version="3"))
    assert store.children(("llm", "q")) == ()
    assert store.parent(X) is None
