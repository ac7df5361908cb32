"""JSON lines on stderr. A line about an object has `object: namespace/name`; whole objects and secrets are never logged."""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_object: ContextVar[str | None] = ContextVar("object", default=None)


@contextmanager
def about(namespace: str, name: str) -> Iterator[None]:
    """All lines logged inside carry this object, whoever logs them."""
    token = _object.set(f"{namespace}/{name}")
    try:
        yield
    finally:
        _object.reset(token)


class JsonFormatter(logging.Formatter):
    """One JSON object per line: ts, level, logger, message, object if known, error with a traceback if any."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, str] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        about_object = _object.get() or _of_kopf(record)
        if about_object:
            line["object"] = about_object
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def _of_kopf(record: logging.LogRecord) -> str | None:
    # kopf's object loggers put a reference into their records (kopf 1.45.2, _core/actions/loggers.py).
    reference = getattr(record, "k8s_ref", None)
    return f"{reference.get('namespace')}/{reference.get('name')}" if isinstance(reference, dict) else None


def setup(level: str) -> None:
    """Replaces the process's logging. kopf's line per event and aiohttp's line per probe are left out."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in ("kopf.objects", "aiohttp.access", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # Its one warning says that kopf leaves the signals alone, which is why it runs in a thread (control/watches.py).
    logging.getLogger("kopf._core.reactor.running").setLevel(logging.ERROR)
    logging.captureWarnings(capture=True)
