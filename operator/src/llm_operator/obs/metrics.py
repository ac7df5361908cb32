"""Prometheus metrics on an own registry. The names are API: dashboards and alerts use them."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class Metrics:
    """One instance per process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
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
        self.ready = Gauge(
            "llm_operator_llmdeployment_ready",
            "1 when condition Ready is True, else 0; one series per LLMDeployment.",
            ["namespace", "name"],
            registry=self.registry,
        )
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
        self.ready.labels(namespace, name).set(1 if ready else 0)

    def forget(self, namespace: str, name: str) -> None:
        """Removes the series of a deleted LLMDeployment; unknown ones are fine."""
        self.ready.remove_by_labels({"namespace": namespace, "name": name})

    def text(self) -> bytes:
        """All metrics in the Prometheus text format."""
        return generate_latest(self.registry)
