"""What chance decides for a request: the same seed and request id always draw the same."""

import hashlib
import random
from dataclasses import dataclass

from llm_serve_app.simulated.settings import Settings


@dataclass(frozen=True, slots=True)
class Fate:
    """`fails` and `stalls` exclude each other; a request that draws both fails."""

    fails: bool
    stalls: bool
    jitter_seed: int


def draw(settings: Settings, request_id: str) -> Fate:
    """The fate of a request. Over many ids the shares approach failure_rate and stall_rate."""
    digest = hashlib.sha256(f"{settings.seed}\n{request_id}".encode()).digest()
    generator = random.Random(digest)  # noqa: S311  # nothing here is a secret
    fails = generator.random() < settings.failure_rate
    stalls = generator.random() < settings.stall_rate
    return Fate(fails, stalls and not fails, generator.getrandbits(32))


def gaps(settings: Settings, fate: Fate, count: int, *, prefilled: bool = False) -> list[float]:
    """Seconds before each of `count` tokens. `prefilled`: the prompt came from another engine, so no prefill is due."""
    generator = random.Random(fate.jitter_seed)  # noqa: S311
    first = settings.time_per_output_token_ms if prefilled else settings.time_to_first_token_ms
    means = [first, *[settings.time_per_output_token_ms] * (count - 1)]
    return [mean / 1000 * (1 + settings.jitter * generator.uniform(-1, 1)) for mean in means[:count]]
