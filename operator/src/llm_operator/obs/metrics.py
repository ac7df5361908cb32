"""Prometheus metrics on an own registry. The names are API: dashboards and alerts use them."""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector


class _ReadyCollector(Collector):
    """One series per LLMDeployment, made when it is asked for: a Gauge's child takes a kilobyte and more per series."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, str], bool] = {}

    def collect(self) -> Iterable[Metric]:
        """See Collector."""
        family = GaugeMetricFamily(
            "llm_operator_llmdeployment_ready",
            "1 when condition Ready is True, else 0; one series per LLMDeployment.",
            labels=("namespace", "name"),
        )
        for key, ready in self.values.items():
            family.add_metric(key, float(ready))
        yield family


class Metrics:
    """One instance per process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)  # memory, CPU and open files of the operator itself
        self.reconciles = Counter(
            "llm_operator_reconciles_total", "Reconciles by result.", ["result"], registry=self.registry
        )
        self.reconcile_seconds = Histogram(
            "llm_operator_reconcile_duration_seconds", "Duration of one reconcile.", registry=self.registry
        )
        self.queue_depth = Gauge(
            "llm_operator_queue_depth", "Objects that wait for a reconcile.", registry=self.registry
        )
        self.api_requests = Counter(
            "llm_operator_api_requests_total",
            "Requests to the API server by verb and HTTP status (error: no answer); kopf's watches are not in it.",
            ["verb", "code"],
            registry=self.registry,
        )
        self.leader = Gauge(
            "llm_operator_leader", "1 while this process holds the Lease, else 0.", registry=self.registry
        )
        self._ready = _ReadyCollector()
        self.registry.register(self._ready)
        self.resyncs = Counter(
            "llm_operator_resyncs_total", "Full re-syncs by result.", ["result"], registry=self.registry
        )
        self.pruned = Counter(
            "llm_operator_pruned_objects_total",
            "Cached objects whose deletion no watch reported.",
            registry=self.registry,
        )
        self.watch_restarts = Counter(
            "llm_operator_watch_restarts_total", "Times that the watches were started again.", registry=self.registry
        )
        self.probes = Counter(
            "llm_operator_probes_total",
            "Requests to running models by how they ended.",
            ["result"],
            registry=self.registry,
        )
        self.probing = Gauge(
            "llm_operator_probing",
            "1 while models are asked whether they answer; 0 where that is off or Services cannot be reached.",
            registry=self.registry,
        )
        self.events = Counter(
            "llm_operator_events_total", "Kubernetes events by result.", ["result"], registry=self.registry
        )

    def count_request(self, verb: str, code: str) -> None:
        """Counts one API request."""
        self.api_requests.labels(verb, code).inc()

    def watch_queue(self, depth: Callable[[], int]) -> None:
        """Reads the queue's depth whenever the metrics are scraped."""
        self.queue_depth.set_function(depth)

    def set_ready(self, namespace: str, name: str, *, ready: bool) -> None:
        """Sets the series of one LLMDeployment."""
        self._ready.values[namespace, name] = ready

    def forget(self, namespace: str, name: str) -> None:
        """Removes the series of a deleted LLMDeployment; unknown ones are fine."""
        self._ready.values.pop((namespace, name), None)

    def text(self) -> bytes:
        """All metrics in the Prometheus text format."""
        return generate_latest(self.registry)
