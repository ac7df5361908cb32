"""An engine without a model and without GPUs, behind Ray Serve LLM's own engine interface.

Ray Serve loads `llm_serve_app.simulated.engine.SimulatedEngine` where the environment variable RAYLLM_VLLM_ENGINE_CLS of a
replica names it (Ray 2.60.0, ray/llm/_internal/serve/core/server/llm_server.py, `_get_default_engine_class`). Builders,
ingress, router, autoscaler, deployments and placement groups are Ray's. The modules settings, tokens, answer, instance,
draws, vectors, clock and scheduler need neither Ray nor vLLM; the others need vLLM's request and response classes.
"""
