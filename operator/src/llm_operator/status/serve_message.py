"""Ray Serve's messages for people: the first sentence and the error itself, without the traceback between them.

A traceback also holds process ids and memory addresses, which would change the status without cause.
Tests: tests/unit/status/test_serve_message.py.
"""

import re
from typing import Final

_COLOURS: Final = re.compile(r"\x1b\[[0-9;]*m")
_FRAME: Final = re.compile(r"^(\s+|Traceback \(most recent call last\):)")


def readable(message: str) -> str:
    """`message` as it is when it holds no traceback (colours apart), else `FIRST SENTENCE. ERROR`."""
    plain = _COLOURS.sub("", message).strip()
    lines = plain.splitlines()
    frames = [i for i, line in enumerate(lines) if _FRAME.match(line)]
    if not frames or '  File "' not in plain:
        return plain
    error = " ".join(line.strip() for line in lines[frames[-1] + 1 :] if line.strip())
    first = lines[0].partition(". ")[0].rstrip(".")
    if not error or frames[0] == 0:
        return error or first
    return f"{first} {error}" if first.endswith(":") else f"{first}. {error}"
