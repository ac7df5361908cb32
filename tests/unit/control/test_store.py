"""The stores: trimming, order of events, index by parent, pruning."""

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
    assert sorted(item["metadata"]["name"] for item in store) == ["again", "alive", "new"]
