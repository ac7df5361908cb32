"""Every sample on the real cluster with fake accelerators and simulated engines: accepted by KubeRay, its pods, their devices and
its placement groups as planned, one request of each model answered. What cannot run here: its pods, as KubeRay makes them.

The six samples that run as they are on this machine have tests of their own (test_applications.py, tests/e2e). The next ones
start while the present one is looked at. `SAMPLES=small,vision` or `SAMPLES=subset` picks some (selection.py).
"""

from __future__ import annotations

import io
import json
import time
import urllib.request
import wave
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import openai
import pytest
import samples
from catalogue import results, selection, served, small
from cluster import ray_state
from cluster.ray_state import PlacementGroup, RayPod
from e2e import deployment, kube
from e2e.kube import Object
from e2e.report import Report
from llm_operator.plan.plan import ModelPlan, Plan, ServerPlan
from llm_operator.plan.pods import GroupPlan
from llm_operator.plan.preset_spec import with_presets

_AS_THEY_ARE: Final = ("ab-router", "batch", "custom-vllm", "demo", "pipeline", "two-models")
_NOT_HERE: Final = {"tpu": "Ray finds a slice by what GKE's webhook tells its pods"}
KNOWN: Final = tuple(name for name in samples.names() if name not in _AS_THEY_ARE)
CHOSEN: Final = selection.selected(KNOWN)
READY_SECONDS: Final = 420.0
AT_ONCE: Final = 2
"""Samples on the cluster: much of a start is waiting, so one alone leaves the processors idle. With three on two busy processors a
head took longer than the 40 s after which Ray's autoscaler container gives up for good (2.60, _private/utils.py)."""


class Line:
    """Samples in their order, of which the present and the next ones are on the cluster, AT_ONCE in all."""

    def __init__(self) -> None:
        self.documents = {name: small.small(name) for name in CHOSEN}
        self._applied: set[str] = set()
        self._finished: set[str] = set()

    def start(self, name: str) -> Object:
        """The sample and the ones behind it are applied; the sample's object."""
        for each in self._finished:
            deployment.end_pods(each)
        index = CHOSEN.index(name)
        for each in CHOSEN[index : index + AT_ONCE]:
            if each not in self._applied:
                kube.apply(self.documents[each])
                self._applied.add(each)
        return self.documents[name]

    def finish(self, name: str) -> None:
        """Deleted; nobody waits for that."""
        kube.delete(kube.LLM, name)
        self._finished.add(name)

    def close(self) -> None:
        """Nothing is left."""
        for name in self._applied:
            deployment.clear(name)


@pytest.fixture(scope="module")
def line(devices: None) -> Iterator[Line]:
    """All chosen samples, with what they expect to find in the namespace."""
    made = Line()
    prepared = small.prepare(list(made.documents.values()))
    try:
        yield made
    finally:
        made.close()
        small.tidy(prepared)


def _requests(group: GroupPlan) -> dict[str, str]:
    return {name: str(count) for name, count in group.resources.devices}


def _pods_as_planned(found: list[RayPod], groups: tuple[GroupPlan, ...], awake: int) -> None:
    """`awake`: pods that a request has woken in a group that may be empty."""
    counts = Counter(pod.group for pod in found)
    for group in groups:
        own = [pod for pod in found if pod.group == group.name]
        assert counts[group.name] == (group.min_pods * group.hosts or awake * (group is groups[0])), group.name
        for pod in own:
            assert {name: pod.requests.get(name) for name in _requests(group)} == _requests(group)


def _placement_as_planned(found: list[PlacementGroup], server: ServerPlan, ranks: int, replicas: int) -> None:
    wanted = server.engine.placement
    own = [group for group in found if wanted.token in group.bundles[0]]
    assert len(own) == replicas // ranks
    for group in own:
        assert group.state == "CREATED"
        assert group.strategy == ("PACK" if ranks > 1 else wanted.strategy)
        assert len(group.bundles) == len(wanted.bundles) * ranks
        for bundle, asked in zip(group.bundles, wanted.bundles * ranks, strict=True):
            device = {name: amount for name, amount in asked if name == "GPU"}
            assert {name: bundle.get(name) for name in device} == device


def _ranks(model: ModelPlan) -> int:
    return int(dict(model.serving.servers[0].engine.engine_kwargs).get("data_parallel_size", 1))


def _silence() -> io.BytesIO:
    """A WAV file of a tenth of a second."""
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes(3200))
    made.seek(0)
    made.name = "silence.wav"
    return made


def _post(client: openai.OpenAI, path: str, body: Object) -> Any:
    request = urllib.request.Request(
        f"{str(client.base_url).rstrip('/')}/{path}", json.dumps(body).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


def _answered(client: openai.OpenAI, model: str, task: str) -> None:
    """One request of the kind that the model is for."""
    if task == "Embed":
        assert len(client.embeddings.create(model=model, input="hello").data[0].embedding) > 1
    elif task == "Score":
        body = {"model": model, "text_1": "hello", "text_2": ["hello", "something else"]}
        assert [isinstance(entry["score"], float) for entry in _post(client, "score", body)["data"]] == [True, True]
    elif task == "Transcribe":
        assert isinstance(client.audio.transcriptions.create(model=model, file=_silence()).text, str)
    else:
        assert served.ask(client, model, "hello samples", tokens=20)


def _tasks(made: Object) -> dict[str, str]:
    return {model.name: model.task for model in with_presets(samples.spec(made)).models}


def _cluster_made(name: str) -> str:
    """KubeRay has taken the RayService and made a RayCluster of it; the cluster's name."""

    def probe() -> str:
        found = kube.items(kube.RAY_CLUSTER, f"ray.io/originated-from-cr-name={name}")
        return str(found[0]["metadata"]["name"]) if found else ""

    return kube.until(f"a RayCluster of {name}", probe, seconds=120)


def _ready(name: str) -> bool:
    """Raises when Ray Serve has given up: no time will help then."""
    state = deployment.state(name)
    assert state.reason != "DeployFailed", state.message
    return state.status == "True" and state.current


def _only_pods(name: str, planned: Plan) -> None:
    """KubeRay makes the pods that the plan says, whether they can run or not."""
    cluster = _cluster_made(name)
    want = sum(group.min_pods * group.hosts for group in planned.groups)
    found = kube.until(
        f"{want} worker pods of {name}",
        lambda: pods if len(pods := ray_state.workers(cluster, kube.NAMESPACE)) == want else None,
        seconds=120,
    )
    _pods_as_planned(found, planned.groups, 0)


@pytest.mark.parametrize("name", samples.names())
def test_ray_takes_the_sample_as_it_is(name: str) -> None:
    """Not made small: for the table of results. (tests/golden has more.)"""
    assert samples.serve_problems(samples.rendered(samples.document(name))) == []
    results.record(name, results.VALID, "yes")


@pytest.mark.parametrize("name", CHOSEN)
def test_sample(line: Line, report: Report, name: str) -> None:
    made = line.start(name)
    planned, begin = samples.plan(made), time.monotonic()
    try:
        if name in _NOT_HERE:
            _only_pods(name, planned)
            results.record(name, results.ACCEPTED, "yes")
            results.record(name, results.RAN, f"pods as planned; {_NOT_HERE[name]}")
            return
        _cluster_made(name)
        results.record(name, results.ACCEPTED, "yes")
        kube.until(f"{name} is Ready", lambda: _ready(name), seconds=READY_SECONDS)
        report.add(f"{name}: to Ready", time.monotonic() - begin)
        awake = planned.may_be_empty
        with served.reached(name, by_head=awake) as url:
            for model, task in _tasks(made).items():
                _answered(served.client(url, name, model, timeout=280 if awake else 60), model, task)
        cluster = served.active_cluster(name)
        _pods_as_planned(ray_state.workers(cluster, kube.NAMESPACE), planned.groups, int(awake))
        groups = ray_state.placement_groups(cluster, kube.NAMESPACE)
        for found in planned.models:
            for server in found.serving.servers:
                _placement_as_planned(groups, server, _ranks(found), server.scale.min_replicas or int(awake))
        results.record(name, results.RAN, f"yes ({time.monotonic() - begin:.0f} s)")
    finally:
        line.finish(name)


def test_a_subset_is_never_empty() -> None:
    """Or a run of CI would prove nothing."""
    assert CHOSEN
