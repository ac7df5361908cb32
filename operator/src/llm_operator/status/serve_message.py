"""Ray Serve's messages for people: the first sentence and the error itself, without the traceback between them, without
what changes from one attempt to the next (process ids, request ids, counts), and without anything that looks like a secret.

Tests: tests/unit/status/test_serve_message.py.
"""

import re
from typing import Final

_COLOURS: Final = re.compile(r"\x1b\[[0-9;]*m")
_FRAME: Final = re.compile(r'^\s+File ".*", line \d+')
_START: Final = re.compile(r"^Traceback \(most recent call last\):")
_TICKS: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    # huggingface_hub 2.4.0, utils/_http.py: each answer of the hub has its own.
    (re.compile(r" ?\(Request ID: [^)]*\)"), ""),
    # Go's net errors: the port of our side is another one each time.
    (re.compile(r"\b(read|write) (udp|tcp) \S+:\d+->"), r"\1 \2 "),
    # Ray 2.60.0, serve/_private/deployment_state.py: counts of attempts, and what is free at this moment.
    (re.compile(r" Retrying(?: \d+ more time\(s\))?\."), ""),
    (re.compile(r", total resources available: \{[^}]*\}"), ""),
    (re.compile(r"\bhas \d+ replicas that have taken\b"), "has replicas that have taken"),
    (re.compile(r"\(pid=\d+[^)]*\)"), ""),
    (re.compile(r"\b0x[0-9a-f]{6,}\b"), "0x..."),
)
_SECRETS: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(r"\bhf_[A-Za-z0-9]{8,}"), "hf_***"),
    (re.compile(r"\bsk-[A-Za-z0-9_-]{16,}"), "sk-***"),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), "***"),
    (re.compile(r"(://[^/\s:@]*):[^@\s/]+@"), r"\1:***@"),
    (re.compile(r"(?i)\b(bearer)\s+[A-Za-z0-9._~+/=-]{8,}"), r"\1 ***"),
    (
        re.compile(
            r"(?i)\b((?:x-amz-)?(?:signature|security-token|credential)|sig|(?:access_?|api_?)?(?:token|key)|password)"
            r"=[^&\s'\"<>]{6,}"
        ),
        r"\1=***",
    ),
)


def scrub(text: str) -> str:
    """`text` on one line, without colours, without what ticks, without secrets."""
    plain = _COLOURS.sub("", text)
    for pattern, instead in (*_TICKS, *_SECRETS):
        plain = pattern.sub(instead, plain)
    return plain.strip()


def _error(lines: list[str], frame: int) -> str:
    """What follows the last frame: its code and carets are indented, the error's first line is not."""
    rest = lines[frame + 1 :]
    while rest and (not rest[0].strip() or rest[0][0].isspace()):
        rest = rest[1:]
    return " ".join(line.strip() for line in rest if line.strip())


def readable(message: str) -> str:
    """`message` as it is when it holds no traceback (see `scrub`), else `FIRST SENTENCE. ERROR`."""
    plain = scrub(message)
    lines = plain.splitlines()
    frames = [i for i, line in enumerate(lines) if _FRAME.match(line)]
    if not frames:
        return plain
    error = _error(lines, frames[-1])
    first = lines[0].partition(". ")[0].rstrip(".")
    if not error or _START.match(lines[0]) or frames[0] == 0:
        return error or first
    return f"{first} {error}" if first.endswith(":") else f"{first}. {error}"
