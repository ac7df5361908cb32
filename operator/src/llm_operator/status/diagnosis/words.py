"""Sizes of texts in causes."""

from typing import Final

MOST: Final = 700
"""Characters of somebody else's words in a cause: a condition holds 1024, and what to do must fit too."""


def shortened(text: str, most: int = MOST) -> str:
    """At most `most` characters on one line; the end is kept, since engines say the cause last."""
    line = " ".join(text.split())
    if len(line) <= most:
        return line
    half = (most - 5) // 2
    return f"{line[:half]} ... {line[-half:]}"
