"""`python -m bench`: C1 to C4 and C7, alternated, as a table and as JSON. Settings by environment variables: SCALE (objects, 300),
ROUNDS (3), C1_SECONDS (of C1 per round, 30), OUT (path of the JSON), ONLY (scenarios, separated by commas)."""

import asyncio
import json
import os
import statistics
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bench import scenarios
from bench.contenders import FLOOR, NAIVE, OPERATOR, Place, place

SCALE: Final = int(os.environ.get("SCALE") or 300)
ROUNDS: Final = int(os.environ.get("ROUNDS") or 3)
SECONDS: Final = int(os.environ.get("C1_SECONDS") or 30)
ONLY: Final = tuple(filter(None, (os.environ.get("ONLY") or "").split(",")))
Numbers = dict[str, float]
Run = Callable[[Place, str], Awaitable[Numbers]]

RUNS: Final[dict[str, Run]] = {
    "C1": lambda where, kind: (
        scenarios.converge_floor(where.fleet, SECONDS)
        if kind == FLOOR
        else scenarios.converge(where, kind, SCALE, SECONDS)
    ),
    "C2+C3": lambda where, kind: (
        scenarios.burst_floor(where.fleet, SCALE) if kind == FLOOR else scenarios.burst(where, kind, SCALE)
    ),
    "C4": lambda where, kind: scenarios.budget(where, kind, SCALE, min(100, SCALE)),
    "C7": scenarios.failover,
}
WITH_FLOOR: Final = ("C1", "C2+C3")
UNITS: Final = {
    "p50_ms": "converge, p50, ms",
    "p99_ms": "converge, p99, ms",
    "per_second": "burst, objects a second",
    "cpu_ms_per_object": "burst, CPU per object, ms",
    "most_in_flight": "burst, most requests in flight",
    "requests_per_object": "burst, requests per object",
    "idle_mib": "memory idle, MiB",
    "kib_per_object": "memory per object, KiB",
    "seconds": "failover after SIGKILL, s",
    "writes_twice": "failover, objects applied twice",
}


def _machine() -> dict[str, Any]:
    return {"cores": os.cpu_count(), "load": [round(load, 1) for load in os.getloadavg()]}


async def _measure() -> dict[str, Any]:
    results: dict[str, dict[str, list[Numbers]]] = {}
    before = _machine()
    for number in range(ROUNDS):
        for name, run in RUNS.items():
            if ONLY and name not in ONLY:
                continue
            for kind in (OPERATOR, NAIVE, *((FLOOR,) if name in WITH_FLOOR else ())):
                async with place(latency=scenarios.LATENCY) as where:
                    found = await run(where, kind)
                results.setdefault(name, {}).setdefault(kind, []).append(found)
                print(f"round {number + 1} {name} {kind}: {json.dumps(found)}", file=sys.stderr, flush=True)
    settings = {"scale": SCALE, "rounds": ROUNDS, "seconds": SECONDS, "write_seconds": scenarios.LATENCY}
    at = datetime.now(UTC).isoformat(timespec="seconds")
    return {"at": at, "settings": settings, "machine": {"before": before, "after": _machine()}, "results": results}


def _median(rounds: list[Numbers], key: str) -> float | None:
    values = [one[key] for one in rounds if key in one]
    return statistics.median(values) if values else None


def _ratio(mine: float | None, other: float | None) -> str:
    return f"{mine / other:.2f}x" if mine is not None and other else "-"


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}".rstrip("0").rstrip(".")


def _table(results: dict[str, dict[str, list[Numbers]]]) -> list[str]:
    lines = [
        "| | operator | naive kopf | operator / naive | serial client | operator / serial |",
        "|---|---|---|---|---|---|",
    ]
    for name, by_kind in results.items():
        for key in by_kind[OPERATOR][0]:
            mine, naive, least = (_median(by_kind.get(kind, []), key) for kind in (OPERATOR, NAIVE, FLOOR))
            what = UNITS.get(key, f"writes per object: {key}")
            cells = (_cell(mine), _cell(naive), _ratio(mine, naive), _cell(least), _ratio(mine, least))
            lines.append(f"| {name} {what} | " + " | ".join(cells) + " |")
    return lines


def main() -> None:
    """See the module."""
    found = asyncio.run(_measure())
    if out := os.environ.get("OUT"):
        Path(out).write_text(json.dumps(found, indent=1) + "\n")
    settings, machine = found["settings"], found["machine"]
    print(f"medians of {settings['rounds']} alternated rounds; {settings['scale']} LLMDeployments; "
          f"{machine['before']['cores']} cores, load {machine['before']['load']} to {machine['after']['load']}")  # fmt: skip
    print("\n".join(_table(found["results"])))


if __name__ == "__main__":
    main()
