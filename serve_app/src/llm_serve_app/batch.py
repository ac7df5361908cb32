"""Dynamic batching: requests that arrive together are answered by one call of the model. `llm_serve_app.batch:build`.

POST {"text": ...} is answered with {"label", "score", "batch_size"}; the last is the number of requests in that call.
`user_config` sets the largest batch and how long the first request waits for others; both change in place. Keep
max_ongoing_requests at or above max_batch_size, else a batch is never full.
"""

from pathlib import Path
from typing import Any

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict, Field
from ray import serve

from llm_serve_app.settings import Settings, parse, reconfigured
from llm_serve_app.text_models.sentiment import SentimentModel

DEPLOYMENTS = ("BatchedSentiment",)


class Args(Settings):
    """`models`: the folder that `python -m llm_serve_app.text_models.train` wrote, in the image or on a volume."""

    models: str = "/models/text"


class BatchConfig(Settings):
    max_batch_size: int = Field(default=16, ge=1, le=1024)
    batch_wait_timeout_s: float = Field(default=0.02, ge=0, le=60)


USER_CONFIGS: dict[str, type[Settings]] = {"BatchedSentiment": BatchConfig}


class Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    text: str = Field(max_length=20_000)


api = FastAPI(title="Batch")


@serve.deployment(
    name="BatchedSentiment",
    ray_actor_options={"num_cpus": 0.1},
    max_ongoing_requests=64,
    graceful_shutdown_timeout_s=30,
    health_check_period_s=10,
    health_check_timeout_s=10,
)
@serve.ingress(api)
class BatchedSentiment:
    def __init__(self, models: str) -> None:
        self._model = SentimentModel.load(Path(models))
        self._config = BatchConfig()
        self._apply()

    def reconfigure(self, user_config: Any) -> None:
        """Takes effect with the next batch; requests that wait are kept."""
        self._config = reconfigured(self._config, user_config)
        self._apply()

    def _apply(self) -> None:
        self._classify.set_max_batch_size(self._config.max_batch_size)
        self._classify.set_batch_wait_timeout_s(self._config.batch_wait_timeout_s)

    def check_health(self) -> None:
        """Raises when the model does not answer."""
        self._model.scores(["ok"])

    @api.post("/")
    async def answer(self, request: Request) -> dict[str, Any]:
        if not request.text.strip():
            raise HTTPException(422, "text: is empty; send at least one word")
        answer: dict[str, Any] = await self._classify(request.text)
        return answer

    @serve.batch  # type: ignore[untyped-decorator]
    async def _classify(self, texts: list[str]) -> list[dict[str, Any]]:
        """Called by Serve with the texts of all requests of a batch; answers in the same order."""
        return [
            {"label": "positive" if score > 0 else "negative", "score": round(score, 4), "batch_size": len(texts)}
            for score in self._model.scores(texts)
        ]


def build(args: dict[str, Any]) -> serve.Application:
    """Serve's entry: raises InvalidSettings, which Serve shows as the reason of DEPLOY_FAILED."""
    return BatchedSentiment.bind(parse(Args, args, "args").models)  # type: ignore[attr-defined]
