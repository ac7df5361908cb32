"""Which way a change takes."""

from dataclasses import dataclass

from llm_operator.api.way import Way


@dataclass(frozen=True, slots=True)
class Choice:
    """The way, and what people should know about it beside the change itself; empty when there is nothing."""

    way: Way
    message: str = ""
    instead: bool = False
    """The message says it all; the change's own words would be wrong."""
    by_room: bool = False
    """Strategy Auto would choose another way with, or without, room for a second Ray cluster."""
    waits: str = ""
    """Of a hold that ends by itself: what it waits for. Empty: somebody has to act."""
