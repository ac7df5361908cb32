"""Names of Serve deployments as Ray Serve LLM makes them (Ray 2.60.0, llm/_internal/serve/core/server/builder.py,
llm/_internal/serve/serving_patterns/prefill_decode/builder.py)."""


def engine_deployment(model_id: str, prefix: str = "LLMServer") -> str:
    """`prefix`: LLMServer, DPServer (data parallel), Prefill or Decode."""
    return f"{prefix}:" + model_id.replace("/", "--").replace(".", "_")


def is_engine(deployment: str) -> bool:
    """An engine's deployment, not an ingress or a router: only these have a model in their name."""
    return ":" in deployment
