"""vLLM's metrics with vLLM's names, labels and buckets, through Ray; they export as ray_vllm_<name>.

vLLM 0.29.0: vllm/v1/metrics/{loggers,ray_wrappers}.py. Counters get `_total` on export. Ray forgets a gauge after each
export, so the engine repeats the load every second.
"""

from ray import serve
from ray.serve.exceptions import RayServeException
from ray.util.metrics import Counter, Gauge, Histogram

LABELS = ("model_name", "engine", "ReplicaId")
FIRST_TOKEN = [
    0.001,
    0.005,
    0.01,
    0.02,
    0.04,
    0.06,
    0.08,
    0.1,
    0.25,
    0.5,
    0.75,
    1,
    2.5,
    5,
    7.5,
    10,
    20,
    40,
    80,
    160,
    640,
    2560,
]
GAP = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80]
WHOLE = [0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680]


class RayMetrics:
    """Observer (scheduler.py) that exports. `engine` is the data-parallel rank, as in vLLM."""

    def __init__(self, model: str, engine: int) -> None:
        self._tags = {"model_name": model, "engine": str(engine), "ReplicaId": _replica_id()}
        self._running = Gauge("vllm_num_requests_running", "Number of requests in model execution batches.", LABELS)
        self._waiting = Gauge("vllm_num_requests_waiting", "Number of requests waiting to be processed.", LABELS)
        self._kv_cache = Gauge("vllm_kv_cache_usage_perc", "KV-cache usage. 1 means 100 percent usage.", LABELS)
        self._prompt = Counter("vllm_prompt_tokens", "Number of prefill tokens processed.", LABELS)
        self._generated = Counter("vllm_generation_tokens", "Number of generation tokens processed.", LABELS)
        self._success = Counter(
            "vllm_request_success",
            "Count of successfully processed requests.",
            (*LABELS[:2], "finished_reason", LABELS[2]),
        )
        self._first = Histogram(
            "vllm_time_to_first_token_seconds", "Histogram of time to first token in seconds.", FIRST_TOKEN, LABELS
        )
        self._gap = Histogram(
            "vllm_inter_token_latency_seconds", "Histogram of inter-token latency in seconds.", GAP, LABELS
        )
        self._whole = Histogram(
            "vllm_e2e_request_latency_seconds", "Histogram of e2e request latency in seconds.", WHOLE, LABELS
        )

    def load(self, running: int, waiting: int, kv_cache_usage: float) -> None:
        self._running.set(running, self._tags)
        self._waiting.set(waiting, self._tags)
        self._kv_cache.set(kv_cache_usage, self._tags)

    def first_token(self, seconds: float, prompt_tokens: int) -> None:
        self._first.observe(seconds, self._tags)
        if prompt_tokens:
            self._prompt.inc(prompt_tokens, self._tags)

    def tokens(self, count: int) -> None:
        self._generated.inc(count, self._tags)

    def gap(self, seconds: float) -> None:
        self._gap.observe(seconds, self._tags)

    def finished(self, reason: str, seconds: float, sequences: int) -> None:
        self._success.inc(sequences, {**self._tags, "finished_reason": reason})
        self._whole.observe(seconds, self._tags)


class NoMetrics:
    """Observer for `log_engine_metrics: false`."""

    def load(self, running: int, waiting: int, kv_cache_usage: float) -> None: ...

    def first_token(self, seconds: float, prompt_tokens: int) -> None: ...

    def tokens(self, count: int) -> None: ...

    def gap(self, seconds: float) -> None: ...

    def finished(self, reason: str, seconds: float, sequences: int) -> None: ...


def _replica_id() -> str:
    try:
        return str(serve.get_replica_context().replica_id.unique_id)
    except RayServeException:
        return ""
