"""A vLLM deployment written by hand, as a start for one's own. `import_path: llm_serve_app.custom_vllm:build`.

For what Ray Serve LLM does not do; where it does, use a model (`models[]`), which has more of everything. Endpoints below
the route prefix: POST v1/completions and v1/chat/completions (`stream: true` sends server-sent events), GET v1/models,
GET stats (requests that the engine works on). A client that goes away ends its request in the engine.

  args: {model: /models/demo, served_model_name: demo, engine_args: {max_model_len: 512}}

`engine_args` are fields of vLLM's AsyncEngineArgs. On a GPU give the deployment `ray_actor_options: {num_cpus: 1, num_gpus: 1}`;
with tensor_parallel_size n > 1 also `placement_group_bundles` of n GPUs. Nothing here imports vLLM before it is needed.
"""

from llm_serve_app.custom_vllm.deployment import DEPLOYMENTS, USER_CONFIGS, Args, build

__all__ = ["DEPLOYMENTS", "USER_CONFIGS", "Args", "build"]
