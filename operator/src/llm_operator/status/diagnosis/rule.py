"""One error text of an engine, and what it means for the user."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from llm_operator.api.conditions import Reason
from llm_operator.status.diagnosis.evidence import Subject

Explain: TypeAlias = Callable[[re.Match[str], Subject], str | None]


@dataclass(frozen=True, slots=True)
class Rule:
    """`pattern` is searched in the whole text of a failed replica, with its traceback, without what ticks and secrets."""

    reason: Reason
    pattern: re.Pattern[str]
    explain: Explain
    """What is wrong and what to do, without the name of the model; None: it is not this rule's case after all."""


def rule(reason: Reason, pattern: str, explain: Explain | str) -> Rule:
    """A rule; an explanation that is a text may name groups of the pattern in braces, and {path}, {resources} and {storage} of
    the subject."""
    if callable(explain):
        return Rule(reason, re.compile(pattern), explain)
    text = explain

    def filled(found: re.Match[str], subject: Subject) -> str:
        known = {"path": subject.path, "resources": subject.resources, "storage": subject.storage}
        return text.format(**known, **{key: value or "" for key, value in found.groupdict().items()})

    return Rule(reason, re.compile(pattern), filled)
