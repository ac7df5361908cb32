"""Memory and disk: texts of vLLM 0.29.0, torch 2.13 and Ray 2.60.0, with the numbers that they say."""

import re
from typing import Final

from llm_operator.api.conditions import Reason
from llm_operator.status.diagnosis.evidence import Subject
from llm_operator.status.diagnosis.rule import Rule, rule
from llm_operator.status.diagnosis.weights import memory_that_fits, on_cpu

_MIB: Final = 2**20


def _more_cache(subject: Subject) -> str:
    if on_cpu(subject):
        return f"raise {subject.path}.resources.memory (a quarter of it is the KV cache)"
    return (
        f"raise {subject.path}.engine.gpuMemoryUtilization, use more accelerators ({subject.path}.parallelism.tensor) or larger "
        "ones, or store the cache in fewer bits (engine.args kv-cache-dtype: fp8)"
    )


def _kv_cache(found: re.Match[str], subject: Subject) -> str:
    fits = found["fits"]
    lower = f"set {subject.path}.engine.contextLength to {fits} or less, or " if fits else ""
    return (
        f"one sequence of {found['context']} tokens needs {found['needed']} GiB of KV cache, and {found['free']} GiB are there: "
        f"{lower}{_more_cache(subject)}"
    )


def _no_cache(found: re.Match[str], subject: Subject) -> str:
    return f"the weights leave no memory for the KV cache: {_more_cache(subject)}"


def _cuda(found: re.Match[str], subject: Subject) -> str:
    rest = found.groupdict()
    numbers = f": it asked for {rest['asked']}" if rest["asked"] else ""
    if rest["total"] and rest["free"]:
        numbers += f", and {rest['free']} of {rest['total']} were free"
    return (
        f"the GPU's memory is full{numbers}. Lower {subject.path}.engine.contextLength, .engine.maxNumSeqs or "
        f".engine.gpuMemoryUtilization, quantize the model, or use more ({subject.path}.parallelism.tensor) or larger GPUs"
    )


def _taken(found: re.Match[str], subject: Subject) -> str:
    shares = subject.get("accelerators")
    shared = isinstance(shares, list) and any(isinstance(each, dict) and each.get("share") for each in shares)
    said = (
        f"{found['free']} of {found['total']} GiB of the GPU are free at the start, and "
        f"{found['wanted']} GiB ({found['share']} of it) are wanted"
    )
    if shared:
        return (
            f"{said}: others share the GPU. Lower {subject.path}.engine.gpuMemoryUtilization so that all shares of a GPU "
            "together stay below 1"
        )
    return (
        f"{said}: another process holds the rest, most likely an engine that outlived its replica. Delete the worker pod "
        "(KubeRay makes a new one), or lower gpuMemoryUtilization if somebody else uses this GPU"
    )


def _ray_killed(found: re.Match[str], subject: Subject) -> str:
    limit = f"{int(found['limit']) / _MIB:.0f}Mi"
    least = memory_that_fits(subject)
    fits = f" to {least} or more (the weights, and a quarter for the KV cache)" if least else ""
    return f"Ray killed the engine, since the pod's memory ({limit}) is full. Raise {subject.resources}.memory{fits}"


RULES: Final[tuple[Rule, ...]] = (
    # vLLM, v1/core/kv_cache_utils.py, _check_enough_kv_cache_memory.
    rule(
        Reason.KV_CACHE_TOO_SMALL,
        r"max seq len \((?P<context>\d+)\), \((?P<needed>[\d.]+) GiB KV cache is needed, which is larger than the available KV "
        r"cache memory \((?P<free>[\d.]+) GiB\)\.(?: Based on the available memory, the estimated maximum model length is "
        r"(?P<fits>\d+)\.)?",
        _kv_cache,
    ),
    rule(Reason.KV_CACHE_TOO_SMALL, r"No available memory for the cache blocks", _no_cache),
    # vLLM, v1/worker/utils.py, request_memory.
    rule(
        Reason.GPU_MEMORY_TAKEN,
        r"Free memory on device (?P<device>\S+) \((?P<free>[\d.]+)/(?P<total>[\d.]+) GiB\) on startup is less than desired GPU "
        r"memory utilization \((?P<share>[\d.]+), (?P<wanted>[\d.]+) GiB\)",
        _taken,
    ),
    # torch, c10/cuda/CUDACachingAllocator.cpp; also vLLM's "CUDA out of memory occurred when warming up sampler with ...".
    rule(
        Reason.GPU_OUT_OF_MEMORY,
        r"(?:CUDA|HIP|XPU) out of memory(?:\. Tried to allocate (?P<asked>[\d.]+ [KMG]iB))?"
        r"(?:\. GPU \d+ has a total capacity of (?P<total>[\d.]+ [KMG]iB) of which (?P<free>[\d.]+ [KMG]iB) is free)?",
        _cuda,
    ),
    # Ray, ray.exceptions.OutOfMemoryError: the raylet's memory monitor acts at 95 % of the container's limit.
    rule(
        Reason.OUT_OF_MEMORY,
        r"workers?\(s\) were killed due to the node running low on memory[\s\S]*?% of (?P<limit>\d+)B limit",
        _ray_killed,
    ),
    rule(
        Reason.OUT_OF_MEMORY,
        r"killed due to the node running low on memory|DefaultCPUAllocator: can't allocate memory|Cannot allocate memory",
        "the pod's memory is full. Raise {resources}.memory",
    ),
    rule(
        Reason.DISK_FULL,
        r"No space left on device|\[Errno 28\]|Not enough free disk space",
        "the disk is full: {storage}",
    ),
)
