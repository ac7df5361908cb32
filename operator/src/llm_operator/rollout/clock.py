"""Times in status: RFC 3339 in UTC with seconds."""

from datetime import datetime, timedelta


def moment(text: str) -> datetime | None:
    """None for an empty text, and for one that is no time (somebody wrote into the status)."""
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None


def later(now: str, seconds: float) -> str:
    """`now` and so many seconds."""
    return (datetime.fromisoformat(now) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def until(now: str, then: str) -> float:
    """Seconds from `now` to `then`, at least 0; 0 when one of them is no time."""
    first, second = moment(now), moment(then)
    if first is None or second is None:
        return 0.0
    return max(0.0, (second - first).total_seconds())
