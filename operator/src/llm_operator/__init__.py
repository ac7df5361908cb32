"""llm-operator: one short LLMDeployment becomes a served model (KubeRay RayService, Ray Serve LLM, vLLM)."""

__version__ = "0.1.0"
