"""Volumes for downloaded weights and compiled kernels, and the variables that make the libraries use them."""

import hashlib
from collections.abc import Iterator
from typing import Final

from llm_operator.api.spec.model import Model
from llm_operator.api.spec.source import CacheVolume
from llm_operator.plan.buckets import BUCKETS
from llm_operator.plan.needs import Needs
from llm_operator.plan.pods import Claim, Mount, NodeFolder, Scratch, Volume

_WEIGHTS: Final = "/mnt/cache/weights"
_COMPILED: Final = "/mnt/cache/compiled"
_HUGGING_FACE: Final = "~/.cache/huggingface"
"""HF_HOME's default; huggingface_hub and Ray expand the tilde."""


def _volume(cache: CacheVolume) -> Volume:
    if cache.pvc is not None:
        return Claim(cache.pvc.claim_name, cache.pvc.sub_path)
    if cache.host_path is not None:
        return NodeFolder(cache.host_path.path)
    return Scratch(cache.empty_dir.size_limit if cache.empty_dir is not None else None)


def _weights(cache: CacheVolume) -> Needs:
    return Needs(
        "cache.weights",
        env=(("HF_HOME", _WEIGHTS),),
        mounts=(Mount("cache-weights", _WEIGHTS, _volume(cache)),),
    )


def _compiled(cache: CacheVolume) -> Needs:
    """vLLM puts what it compiles with Inductor and Triton below its own root; kernels compiled outside of that have theirs."""
    return Needs(
        "cache.compiled",
        env=(
            ("FLASHINFER_WORKSPACE_BASE", _COMPILED),
            ("TORCHINDUCTOR_CACHE_DIR", f"{_COMPILED}/inductor"),
            ("TRITON_CACHE_DIR", f"{_COMPILED}/triton"),
            ("VLLM_CACHE_ROOT", f"{_COMPILED}/vllm"),
        ),
        mounts=(Mount("cache-compiled", _COMPILED, _volume(cache)),),
    )


def _bucket_copy(model: Model) -> Needs:
    """Ray copies a bucket to HF_HUB_CACHE/models--<model's name> and leaves what lies there (2.60.0,
    llm/_internal/common/utils/cloud_utils.py): another URI, or another object's model of the same name on a shared volume,
    would mix two models' files."""
    root = _WEIGHTS if model.cache.weights is not None else _HUGGING_FACE
    digest = hashlib.sha256(model.source.uri.rstrip("/").encode()).hexdigest()[:16]
    return Needs("source.uri", replica_env=(("HF_HUB_CACHE", f"{root}/buckets/{digest}"),))


def caches(model: Model) -> Iterator[Needs]:
    """What the caches ask for, and where a bucket is copied to."""
    if model.cache.weights is not None:
        yield _weights(model.cache.weights)
    if model.cache.compiled is not None:
        yield _compiled(model.cache.compiled)
    if model.source.uri.startswith(tuple(f"{scheme}://" for scheme in BUCKETS)) and model.source.streaming is None:
        yield _bucket_copy(model)
