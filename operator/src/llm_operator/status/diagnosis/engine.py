"""Why Serve cannot start a replica: the engine's error text, recognised by the rules in order, told in the user's terms."""

from collections.abc import Iterator
from typing import Final

from llm_operator.api.conditions import Reason
from llm_operator.status.diagnosis.evidence import Cause, Evidence, Subject, served
from llm_operator.status.diagnosis.rule import Rule
from llm_operator.status.diagnosis.rules_engine import RULES as ENGINE_RULES
from llm_operator.status.diagnosis.rules_memory import RULES as MEMORY_RULES
from llm_operator.status.diagnosis.rules_source import RULES as SOURCE_RULES
from llm_operator.status.diagnosis.words import shortened
from llm_operator.status.observed import Application
from llm_operator.status.serve_message import scrub

# Memory first: "no space" and "out of memory" may stand in any error. The last rule is the engine that says nothing.
RULES: Final[tuple[Rule, ...]] = (*MEMORY_RULES, *SOURCE_RULES, *ENGINE_RULES)


def _failing(evidence: Evidence) -> Iterator[tuple[Subject, Application]]:
    """Applications that do not serve, those of the cluster that gets the requests first."""
    observed = evidence.observed
    for name, application in (*observed.applications.items(), *observed.pending_applications.items()):
        if application.text:
            yield served(evidence.scope, name), application


def recognised(text: str, subject: Subject) -> tuple[Reason, str] | None:
    """Reason and message for an error text of Serve; None when no rule knows it."""
    plain = scrub(text)
    for rule in RULES:
        found = rule.pattern.search(plain)
        if found is not None and (said := rule.explain(found, subject)) is not None:
            return rule.reason, said
    return None


def engine(evidence: Evidence) -> Cause | None:
    """A replica does not start, and the error is one that is known."""
    for subject, application in _failing(evidence):
        known = recognised(application.said, subject)
        if known is not None:
            return Cause(known[0], f"{subject}: {known[1]}")
    return None


def deploy_failed(evidence: Evidence) -> Cause | None:
    """Serve has given up, and nobody knows the error."""
    for subject, application in _failing(evidence):
        if application.failed:
            said = shortened(application.text)
            return Cause(Reason.DEPLOY_FAILED, f"{subject}: Ray Serve gave up: {said}")
    return None


def unhealthy(evidence: Evidence) -> Cause | None:
    """It has served, and its health checks fail."""
    for name, application in evidence.observed.applications.items():
        if application.unhealthy:
            said = shortened(application.text) or application.state
            return Cause(Reason.UNHEALTHY, f"{served(evidence.scope, name)}: {said}")
    return None
