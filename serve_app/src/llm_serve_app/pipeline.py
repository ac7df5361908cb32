"""A graph of models: preprocess -> (sentiment | summary) -> one answer. `import_path: llm_serve_app.pipeline:build`.

POST {"text": ...} is answered with {"sentiment": {"label", "score"}, "summary", "sentences", "words"}; 422 says what is
wrong with a request. Each stage is a deployment of its own, with its own replicas, resources and scaling; a stage hands
its result on by reference, so it does not travel through the ingress, and the two models work at the same time.
"""

import asyncio
from pathlib import Path
from typing import Any

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict, Field
from ray import serve
from ray.serve.handle import DeploymentHandle

from llm_serve_app.settings import Settings, parse, reconfigured
from llm_serve_app.text_models.sentiment import SentimentModel
from llm_serve_app.text_models.summary import SummaryModel
from llm_serve_app.text_models.words import clean, sentences, words

DEPLOYMENTS = ("Pipeline", "Preprocess", "Sentiment", "Summary")  # the first is the ingress
# Stages need little CPU; `deployments[].ray_actor_options` replaces this, so it must name num_cpus as well.
SMALL = {"num_cpus": 0.1}
OPTIONS: dict[str, Any] = {
    "ray_actor_options": SMALL,
    "max_ongoing_requests": 32,
    "graceful_shutdown_timeout_s": 30,
    "health_check_period_s": 10,
    "health_check_timeout_s": 10,
}


class Args(Settings):
    """`models`: the folder that `python -m llm_serve_app.text_models.train` wrote, in the image or on a volume."""

    models: str = "/models/text"
    max_characters: int = Field(default=20_000, ge=1, le=1_000_000)


class PipelineConfig(Settings):
    timeout_s: float = Field(default=30.0, gt=0, le=600)


class SentimentConfig(Settings):
    """A score nearer to 0 than `neutral_band` is neutral."""

    neutral_band: float = Field(default=0.2, ge=0, le=1)


class SummaryConfig(Settings):
    sentences: int = Field(default=2, ge=1, le=20)


USER_CONFIGS: dict[str, type[Settings]] = {
    "Pipeline": PipelineConfig,
    "Sentiment": SentimentConfig,
    "Summary": SummaryConfig,
}


class Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    text: str


@serve.deployment(name="Preprocess", **OPTIONS)
class Preprocess:
    """Text to sentences; both models work on the same ones."""

    def split(self, text: str) -> list[str]:
        return sentences(clean(text))


@serve.deployment(name="Sentiment", **OPTIONS)
class Sentiment:
    def __init__(self, models: str) -> None:
        self._model = SentimentModel.load(Path(models))
        self._config = SentimentConfig()

    def reconfigure(self, user_config: Any) -> None:
        self._config = reconfigured(self._config, user_config)

    def check_health(self) -> None:
        """Raises when the model does not answer."""
        self._model.scores(["ok"])

    def classify(self, parts: list[str]) -> dict[str, Any]:
        score = self._model.scores([" ".join(parts)])[0]
        return {"label": label(score, self._config.neutral_band), "score": round(score, 4)}


@serve.deployment(name="Summary", **OPTIONS)
class Summary:
    def __init__(self, models: str) -> None:
        self._model = SummaryModel.load(Path(models))
        self._config = SummaryConfig()

    def reconfigure(self, user_config: Any) -> None:
        self._config = reconfigured(self._config, user_config)

    def check_health(self) -> None:
        """Raises when the model does not answer."""
        self._model.summarise(["One.", "Two."], 1)

    def summarise(self, parts: list[str]) -> str:
        return " ".join(self._model.summarise(parts, self._config.sentences))


# Helpers stand above the deployment: `serve.ingress` copies it, with the names that exist at that line.
def label(score: float, neutral_band: float) -> str:
    if abs(score) < neutral_band:
        return "neutral"
    return "positive" if score > 0 else "negative"


def refusal(text: str, max_characters: int) -> str | None:
    """Why a text is not processed, or None."""
    if not text.strip():
        return "text: is empty; send at least one word"
    if len(text) > max_characters:
        return f"text: has {len(text)} characters, {len(text) - max_characters} more than the {max_characters} allowed"
    return None


api = FastAPI(title="Pipeline")


# No check_health: Serve's own probe then sees an event loop that hangs (Ray 2.60: only without a method of the user's).
@serve.deployment(name="Pipeline", **{**OPTIONS, "max_ongoing_requests": 100})
@serve.ingress(api)
class Pipeline:
    """The graph; holds no model."""

    def __init__(
        self, preprocess: DeploymentHandle, sentiment: DeploymentHandle, summary: DeploymentHandle, max_characters: int
    ) -> None:
        self._preprocess, self._sentiment, self._summary = preprocess, sentiment, summary
        self._max_characters = max_characters
        self._config = PipelineConfig()

    def reconfigure(self, user_config: Any) -> None:
        self._config = reconfigured(self._config, user_config)

    @api.post("/")
    async def answer(self, request: Request) -> dict[str, Any]:
        if message := refusal(request.text, self._max_characters):
            raise HTTPException(422, message)
        parts = self._preprocess.split.remote(request.text)  # not awaited: the stages below get it by reference
        stages = (self._sentiment.classify.remote(parts), self._summary.summarise.remote(parts), parts)
        try:
            sentiment, summary, split = await asyncio.wait_for(asyncio.gather(*stages), self._config.timeout_s)
        except TimeoutError:
            for stage in stages:
                stage.cancel()
            raise HTTPException(504, f"no answer within {self._config.timeout_s:g} s") from None
        count = sum(len(words(part)) for part in split)
        return {"sentiment": sentiment, "summary": summary, "sentences": len(split), "words": count}


def build(args: dict[str, Any]) -> serve.Application:
    """Serve's entry: raises InvalidSettings, which Serve shows as the reason of DEPLOY_FAILED."""
    settings = parse(Args, args, "args")
    stages = (Preprocess.bind(), Sentiment.bind(settings.models), Summary.bind(settings.models))  # type: ignore[attr-defined]
    return Pipeline.bind(*stages, settings.max_characters)  # type: ignore[attr-defined]
